//! Condition, projection and update expressions: parsed once by `wire`, evaluated by the core against an item.

/// A parsed `ConditionExpression` with names and values filled in. Draft: its owner defines the tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition;

/// A parsed `ProjectionExpression`. Draft: its owner defines the tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection;

/// A parsed `UpdateExpression`. Draft: its owner defines the tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Update;
