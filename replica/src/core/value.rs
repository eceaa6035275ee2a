//! Attribute values and items: every DynamoDB type.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

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

/// As AWS's messages show it: `{N:5}`.
impl fmt::Display for AttributeValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{{{}:", self.type_name())?;
        match self {
            Self::S(text) => formatter.write_str(text)?,
            Self::N(number) => formatter.write_str(number.as_str())?,
            Self::Bool(value) => write!(formatter, "{value}")?,
            Self::Null => formatter.write_str("true")?,
            Self::B(_) | Self::M(_) | Self::L(_) | Self::Ss(_) | Self::Ns(_) | Self::Bs(_) => {
                formatter.write_str("...")?;
            }
        }
        formatter.write_str("}")
    }
}

/// Most levels of maps and lists within an attribute.
pub(crate) const NESTING_MAX: usize = 32;

impl AttributeValue {
    /// How many levels of maps and lists it has; 0 for a scalar or a set.
    #[must_use]
    pub fn depth(&self) -> usize {
        match self {
            Self::M(map) => 1 + map.values().map(Self::depth).max().unwrap_or(0),
            Self::L(list) => 1 + list.iter().map(Self::depth).max().unwrap_or(0),
            Self::S(_)
            | Self::N(_)
            | Self::B(_)
            | Self::Bool(_)
            | Self::Null
            | Self::Ss(_)
            | Self::Ns(_)
            | Self::Bs(_) => 0,
        }
    }
}
