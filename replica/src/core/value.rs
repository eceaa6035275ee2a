//! Attribute values and items: every DynamoDB type.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// An item, by attribute name. Never holds `aws:rep:*` attributes: those are shown from the version beside it.
pub type Item = BTreeMap<String, AttributeValue>;

/// A number in canonical decimal text: no sign on zero, no leading or trailing zeros, at most 38 significant digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Number(pub(crate) String);

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
