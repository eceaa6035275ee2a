//! Document paths: `a`, `a.b`, `a.b[1].c`.

use std::fmt;

use crate::core::{AttributeValue, Item};

/// A path into an item, placeholders replaced.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path {
    /// The top-level attribute.
    pub(super) attribute: String,
    /// From there inwards.
    pub(super) steps: Vec<Step>,
}

/// One step inwards.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// `.name`.
    Field(String),
    /// `[index]`.
    Index(usize),
}

/// How two paths of one expression get into each other's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clash {
    /// They do not.
    None,
    /// One holds the other.
    Overlap,
    /// One takes for a list what the other takes for a map.
    Conflict,
}

impl Path {
    /// The path to a top-level attribute.
    pub(super) fn top(attribute: String) -> Self {
        Self {
            attribute,
            steps: Vec::new(),
        }
    }

    /// What it leads to.
    pub(super) fn find<'a>(&self, item: &'a Item) -> Option<&'a AttributeValue> {
        let top = item.get(&self.attribute)?;
        self.steps
            .iter()
            .try_fold(top, |value, step| step.follow(value))
    }

    /// How it clashes with another.
    pub(super) fn clash(&self, other: &Self) -> Clash {
        if self.attribute != other.attribute {
            return Clash::None;
        }
        for pair in self.steps.iter().zip(&other.steps) {
            match pair {
                (Step::Field(left), Step::Field(right)) if left == right => {}
                (Step::Index(left), Step::Index(right)) if left == right => {}
                (Step::Field(_), Step::Field(_)) | (Step::Index(_), Step::Index(_)) => {
                    return Clash::None;
                }
                (Step::Field(_), Step::Index(_)) | (Step::Index(_), Step::Field(_)) => {
                    return Clash::Conflict;
                }
            }
        }
        Clash::Overlap
    }
}

impl Step {
    /// One step into a value.
    fn follow<'a>(&self, value: &'a AttributeValue) -> Option<&'a AttributeValue> {
        match (self, value) {
            (Self::Field(name), AttributeValue::M(map)) => map.get(name),
            (Self::Index(index), AttributeValue::L(list)) => list.get(*index),
            (Self::Field(_) | Self::Index(_), _) => None,
        }
    }
}

/// As AWS's messages show it: `[a, b, [1]]`.
impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "[{}", self.attribute)?;
        for step in &self.steps {
            match step {
                Step::Field(name) => write!(formatter, ", {name}")?,
                Step::Index(index) => write!(formatter, ", [{index}]")?,
            }
        }
        formatter.write_str("]")
    }
}
