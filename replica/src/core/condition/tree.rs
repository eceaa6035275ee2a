//! What a condition is parsed into.

use std::collections::BTreeSet;

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

impl Condition {
    /// The top-level attributes that it looks at.
    #[must_use]
    pub fn attributes(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        self.0.name_attributes(&mut names);
        names
    }
}

impl Expr {
    fn name_attributes<'a>(&'a self, names: &mut BTreeSet<&'a str>) {
        let (paths, operands): (Option<&Path>, Vec<&Operand>) = match self {
            Self::And(left, right) | Self::Or(left, right) => {
                left.name_attributes(names);
                right.name_attributes(names);
                return;
            }
            Self::Not(inner) => return inner.name_attributes(names),
            Self::Exists(path) | Self::NotExists(path) => (Some(path), Vec::new()),
            Self::Compare(_, pair) | Self::BeginsWith(pair) | Self::Contains(pair) => {
                (None, vec![&pair.0, &pair.1])
            }
            Self::Between(three) => (None, vec![&three.0, &three.1, &three.2]),
            Self::In(operand, list) => (
                None,
                std::iter::once(operand.as_ref()).chain(list).collect(),
            ),
            Self::HasType(operand, _) => (None, vec![operand]),
        };
        let inner = operands.into_iter().filter_map(Operand::path);
        names.extend(
            paths
                .into_iter()
                .chain(inner)
                .map(|path| path.attribute.as_str()),
        );
    }
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
    /// The path that it takes its value from.
    fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Value(_) => None,
            Self::Size(inner) => inner.path(),
        }
    }

    /// Its type, as far as it is known without an item.
    pub(super) fn known_type(&self) -> Option<&'static str> {
        match self {
            Self::Path(_) => None,
            Self::Value(value) => Some(value.type_name()),
            Self::Size(_) => Some("N"),
        }
    }
}
