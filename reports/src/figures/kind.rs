//! Which row of the figures an operation belongs to.

use checker::history::{Op, Phase, Strength};

use super::Kind;

impl Kind {
    /// The kind of an operation asked in `phase`.
    #[must_use]
    pub fn of(op: &Op, phase: Phase) -> Self {
        match phase {
            Phase::Main => Self::of_main(op),
            Phase::Final => Self::Final,
        }
    }

    fn of_main(op: &Op) -> Self {
        match op {
            Op::Read { key, .. } if key.is_heartbeat() => Self::HeartbeatRead,
            Op::Write { key, .. } if key.is_heartbeat() => Self::HeartbeatWrite,
            Op::Read {
                strength: Strength::Strong,
                ..
            } => Self::Read,
            Op::Read {
                strength: Strength::Eventual,
                ..
            } => Self::ReadEventual,
            Op::Write { .. } => Self::Write,
            Op::Cas { .. } => Self::Cas,
            Op::Delete { .. } => Self::Delete,
            Op::AddToSet { .. } => Self::AddToSet,
            Op::Increment { .. } => Self::Increment,
            Op::Append { .. } => Self::Append,
            Op::Transact { .. } => Self::Transact,
            Op::Scan => Self::Scan,
            Op::Stream => Self::Stream,
        }
    }

    /// Whether it belongs to the workload proper, rather than to what Dateline adds in order to measure and to judge.
    #[must_use]
    pub fn is_workload(self) -> bool {
        match self {
            Self::Read
            | Self::ReadEventual
            | Self::Write
            | Self::Cas
            | Self::Delete
            | Self::AddToSet
            | Self::Increment
            | Self::Append
            | Self::Transact
            | Self::Scan
            | Self::Stream => true,
            Self::HeartbeatWrite | Self::HeartbeatRead | Self::Final => false,
        }
    }

    /// Its name, as in `results.json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadEventual => "read-eventual",
            Self::Write => "write",
            Self::Cas => "cas",
            Self::Delete => "delete",
            Self::AddToSet => "add-to-set",
            Self::Increment => "increment",
            Self::Append => "append",
            Self::Transact => "transact",
            Self::Scan => "scan",
            Self::Stream => "stream",
            Self::HeartbeatWrite => "heartbeat-write",
            Self::HeartbeatRead => "heartbeat-read",
            Self::Final => "final",
        }
    }
}
