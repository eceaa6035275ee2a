//! Attribute values and items: every DynamoDB type.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Number;

/// An item, by attribute name. Never holds `aws:rep:*` attributes: those are shown from the version beside it.
pub type Item = BTreeMap<String, AttributeValue>;

/// One attribute value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeValue {
    /// A string.
    S(String),
    /// A number.
    N(Number),
    /// Bytes.
    B(Vec<u8>),
    /// A truth value.
    Bool(bool),
    /// Null.
    Null,
    /// A map.
    M(BTreeMap<String, AttributeValue>),
    /// A list.
    L(Vec<AttributeValue>),
    /// A set of strings; not empty.
    Ss(BTreeSet<String>),
    /// A set of numbers; not empty, in numeric order.
    Ns(Vec<Number>),
    /// A set of byte strings; not empty.
    Bs(BTreeSet<Vec<u8>>),
}

impl AttributeValue {
    /// AWS's name of its type, as requests and messages spell it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::S(_) => "S",
            Self::N(_) => "N",
            Self::B(_) => "B",
            Self::Bool(_) => "BOOL",
            Self::Null => "NULL",
            Self::M(_) => "M",
            Self::L(_) => "L",
            Self::Ss(_) => "SS",
            Self::Ns(_) => "NS",
            Self::Bs(_) => "BS",
        }
    }
}
