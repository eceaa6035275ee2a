//! What a client can ask for, and what a region can answer.

use super::{Key, Observed, Value};

/// How strong a read was asked to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// `ConsistentRead = true`: sees every write acknowledged by this region before it began.
    Strong,
    /// An eventually consistent read.
    Eventual,
}

/// What a conditional write requires of the item that it replaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// The item holds exactly this; `Value::Absent` is `attribute_not_exists(key)`.
    Equals(Value),
    /// There is an item, whatever it holds.
    Exists,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Read one item.
    Read {
        /// Which item.
        key: Key,
        /// How strong.
        strength: Strength,
    },
    /// Replace the whole item, unconditionally. Register workloads never write one number twice.
    Write {
        /// Which item.
        key: Key,
        /// What it holds from now on; never [`Value::Absent`].
        value: Value,
    },
    /// Replace the item if it satisfies a condition. A new value of [`Value::Absent`] is a conditional delete.
    Cas {
        /// Which item.
        key: Key,
        /// What must hold.
        condition: Condition,
        /// What it holds from now on.
        value: Value,
    },
    /// Delete the item, unconditionally.
    Delete {
        /// Which item.
        key: Key,
    },
    /// Add one element to a set item (`ADD`).
    AddToSet {
        /// Which item.
        key: Key,
        /// The element.
        element: i64,
    },
    /// Add a number to a counter item (`ADD`, or `SET n = n + :d`).
    Increment {
        /// Which item.
        key: Key,
        /// How much.
        delta: i64,
    },
    /// Append one element to a list item (`list_append`).
    Append {
        /// Which item.
        key: Key,
        /// The element.
        element: i64,
    },
    /// Several reads and writes as one transaction.
    Transact {
        /// In order.
        ops: Vec<MicroOp>,
    },
    /// A copy of the whole table in this region.
    Scan,
    /// What a stream consumer of this region fetched next.
    Stream,
}

impl Op {
    /// The one item that it concerns; none for what concerns several.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        match self {
            Self::Read { key, .. }
            | Self::Write { key, .. }
            | Self::Cas { key, .. }
            | Self::Delete { key }
            | Self::AddToSet { key, .. }
            | Self::Increment { key, .. }
            | Self::Append { key, .. } => Some(*key),
            Self::Transact { .. } | Self::Scan | Self::Stream => None,
        }
    }
}

/// One step of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MicroOp {
    /// Read one item.
    Read(Key),
    /// Replace one item.
    Write(Key, Value),
    /// Append to one list item.
    Append(Key, i64),
}

impl MicroOp {
    /// The item that it concerns.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::Read(key) | Self::Write(key, _) | Self::Append(key, _) => *key,
        }
    }
}

/// What came back for one step of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MicroReply {
    /// What a read saw.
    Read(Observed),
    /// A write was done.
    Done,
}

/// What a region answered to an operation that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A read saw this.
    Read(Observed),
    /// A write, delete, addition or append was acknowledged. `old` is the version that it replaced, when the store returned it (`ALL_OLD`).
    Done {
        /// The version that it replaced, if returned.
        old: Option<Observed>,
    },
    /// A transaction was acknowledged.
    Transact(Vec<MicroReply>),
    /// The table's items in this region, by key.
    Scan(Vec<(Key, Observed)>),
    /// Stream records in the order in which the consumer got them: key, new image, old image.
    Stream(Vec<(Key, Observed, Observed)>),
    /// The same, from the beginning of a stream that took the place of the one read before: that of a table created again, which began without items.
    StreamAnew(Vec<(Key, Observed, Observed)>),
}
