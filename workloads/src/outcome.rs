//! What an operation and its outcome say about an item.

use checker::history::{EventKind, Op, Reply, Value};

/// What the item holds after this, as far as the outcome tells.
pub(crate) fn value_after(op: &Op, outcome: &EventKind) -> Option<Value> {
    match outcome {
        EventKind::Ok(Reply::Read(seen)) => Some(seen.value.clone()),
        EventKind::Ok(Reply::Done { .. }) => match op {
            Op::Write { value, .. } | Op::Cas { value, .. } => Some(value.clone()),
            Op::Delete { .. } => Some(Value::Absent),
            Op::Read { .. }
            | Op::AddToSet { .. }
            | Op::Increment { .. }
            | Op::Append { .. }
            | Op::Transact { .. }
            | Op::Scan
            | Op::Stream => None,
        },
        EventKind::Fail { seen, .. } => seen.as_ref().map(|seen| seen.value.clone()),
        EventKind::Ok(Reply::Transact(_) | Reply::Scan(_) | Reply::Stream(_) | Reply::StreamAnew(_))
        | EventKind::Invoke(_)
        | EventKind::Info { .. } => None,
    }
}
