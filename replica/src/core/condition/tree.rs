//! What a condition is parsed into.

use super::path::Path;
use crate::core::AttributeValue;

/// A parsed `ConditionExpression` with names and values filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition(pub(super) Expr);

/// A truth value to be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Compare(Comparator, Box<(Operand, Operand)>),
    /// Operand, lower bound, upper bound.
    Between(Box<(Operand, Operand, Operand)>),
    In(Box<Operand>, Vec<Operand>),
    Exists(Path),
    NotExists(Path),
    /// The value has the type of this name.
    HasType(Box<Operand>, String),
    BeginsWith(Box<(Operand, Operand)>),
    Contains(Box<(Operand, Operand)>),
}

/// What is compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Path(Path),
    Value(AttributeValue),
    Size(Box<Operand>),
}

/// How it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparator {
    /// The comparator of this symbol.
    pub(super) fn of(symbol: &str) -> Option<Self> {
        Some(match symbol {
            "=" => Self::Equal,
            "<>" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }
}

impl Operand {
    /// Its type, as far as it is known without an item.
    pub(super) fn known_type(&self) -> Option<&'static str> {
        match self {
            Self::Path(_) => None,
            Self::Value(value) => Some(value.type_name()),
            Self::Size(_) => Some("N"),
        }
    }
}
