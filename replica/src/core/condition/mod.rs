//! Condition, key condition, projection and update expressions: parsed once by `wire`, evaluated by the core against an item.
//!
//! Read in this order: [`lex`] cuts text into tokens, [`parse`] holds what the three parsers share, `path` and `placeholders` are their
//! vocabulary; `tree` is what a condition is parsed into and `condition_parse` its parser, `evaluate` its meaning; `projection` and `update` likewise;
//! `key_condition` reads a condition as the bounds of a `Query`; `legacy` builds the same trees from `Expected` and `AttributeUpdates`.

mod condition_parse;
mod evaluate;
mod key_condition;
mod legacy;
mod lex;
mod parse;
mod path;
mod placeholders;
mod projection;
mod reserved;
mod tree;
mod update;
mod update_apply;

#[cfg(test)]
mod tests;

pub use key_condition::KeyCondition;
pub(in crate::core) use key_condition::KeyTest;
pub use legacy::{AttributeAction, AttributeUpdate, Comparison, Conjunction, Expectation};
pub use placeholders::Placeholders;
pub use projection::Projection;
pub use tree::Condition;
pub use update::Update;

use super::ApiError;

/// The refusal of an expression, as AWS introduces it.
fn invalid(member: &str, reason: &str) -> ApiError {
    ApiError::validation(format!("Invalid {member}: {reason}"))
}
