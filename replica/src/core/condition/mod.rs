//! Condition, projection and update expressions: parsed once by `wire`, evaluated by the core against an item.

use super::{ApiError, Item};

/// A parsed `ConditionExpression` with names and values filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {}

impl Condition {
    /// Whether it holds for an item; `None` is an item that does not exist.
    ///
    /// # Errors
    /// `ValidationException` when an operand has a type that the operator refuses.
    pub fn evaluate(&self, _item: Option<&Item>) -> Result<bool, ApiError> {
        Ok(true)
    }
}

/// A parsed `ProjectionExpression`.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {}

impl Projection {
    /// The parts of the item that it names.
    #[must_use]
    pub fn project(&self, item: &Item) -> Item {
        item.clone()
    }
}

/// A parsed `UpdateExpression`.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {}

impl Update {
    /// The item after the update. All right-hand sides read the item before it. For a new item pass its key attributes.
    ///
    /// # Errors
    /// `ValidationException` when an operand is missing or of the wrong type, or a path leads nowhere.
    pub fn apply(&self, item: &Item) -> Result<Item, ApiError> {
        Ok(item.clone())
    }

    /// Whether it writes to this attribute or into it.
    #[must_use]
    pub fn touches(&self, _attribute: &str) -> bool {
        false
    }

    /// The parts of the item that it writes to: of the old item `UPDATED_OLD`, of the new one `UPDATED_NEW`.
    #[must_use]
    pub fn updated_attributes(&self, item: &Item) -> Item {
        item.clone()
    }
}
