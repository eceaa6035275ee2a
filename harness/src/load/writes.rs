//! What the updates of a mix are: the write of a register, or what stands for it on items of another sort.

use checker::history::{Condition, Key, Op};
use workloads::load::Kind;

/// Counters, and items that grow, lie apart from registers: a table may be used by several loads.
const FIRST_COUNTER: u64 = 1 << 37;
const FIRST_GROWING: u64 = 1 << 38;

/// Sets and lists are left behind after about so many operations each: every answer carries the whole item.
const OPERATIONS_PER_GROWING_ITEM: u64 = 100;

/// What the updates of a mix are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writes {
    /// A register is set; what reads see is checked.
    Set,
    /// A register is set if there is one.
    SetIfThere,
    /// A register is deleted by every other update.
    SetAndDelete,
    /// A counter is incremented.
    Increment,
    /// An element is added to a set.
    Add,
    /// An element is appended to a list.
    Append,
}

impl Writes {
    /// All names that operations of this kind have.
    pub(super) fn names(self, kind: Kind) -> Vec<&'static str> {
        let mut names = vec![self.name(kind, 0), self.name(kind, 1)];
        names.dedup();
        names
    }

    pub(super) fn name(self, kind: Kind, number: u64) -> &'static str {
        match (kind, self) {
            (Kind::Update, Self::Set) => kind.name(),
            (Kind::Update, Self::SetIfThere) => "conditional-update",
            (Kind::Update, Self::SetAndDelete) if number.is_multiple_of(2) => "delete",
            (Kind::Update, Self::SetAndDelete) => kind.name(),
            (Kind::Update, Self::Increment) => "increment",
            (Kind::Update, Self::Add) => "add-to-set",
            (Kind::Update, Self::Append) => "append",
            (Kind::Read | Kind::Insert | Kind::Scan | Kind::ReadModifyWrite, _) => kind.name(),
        }
    }

    /// The update that stands for the write of a register.
    pub(super) fn of(self, write: Op, number: u64, keys: u64) -> Op {
        let Op::Write { key, value } = write else {
            unreachable!("an update writes: {write:?}")
        };
        let element = i64::try_from(number).expect("nobody makes nine quintillion operations") + 1;
        let place = self.place(key, number, keys);
        match self {
            Self::SetAndDelete if number.is_multiple_of(2) => Op::Delete { key },
            Self::Set | Self::SetAndDelete => Op::Write { key, value },
            Self::SetIfThere => {
                let condition = Condition::Exists;
                Op::Cas {
                    key,
                    condition,
                    value,
                }
            }
            Self::Increment => Op::Increment {
                key: place,
                delta: 1,
            },
            Self::Add => Op::AddToSet {
                key: place,
                element,
            },
            Self::Append => Op::Append {
                key: place,
                element,
            },
        }
    }

    /// A read of the item that updates go to.
    pub(super) fn seen_by(self, op: Op, number: u64, keys: u64) -> Op {
        match op {
            Op::Read { key, strength } => Op::Read {
                key: self.place(key, number, keys),
                strength,
            },
            other @ (Op::Write { .. }
            | Op::Cas { .. }
            | Op::Delete { .. }
            | Op::AddToSet { .. }
            | Op::Increment { .. }
            | Op::Append { .. }
            | Op::Transact { .. }
            | Op::Scan
            | Op::Stream) => other,
        }
    }

    /// Where an item of this mix lies.
    fn place(self, key: Key, number: u64, keys: u64) -> Key {
        match self {
            Self::Set | Self::SetIfThere | Self::SetAndDelete => key,
            Self::Increment => Key(FIRST_COUNTER + key.0),
            Self::Add | Self::Append => {
                let generation = number / (keys * OPERATIONS_PER_GROWING_ITEM);
                Key(FIRST_GROWING + generation * keys + key.0)
            }
        }
    }
}
