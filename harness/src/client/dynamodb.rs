//! Operations as DynamoDB requests, and DynamoDB's answers as outcomes.
//!
//! An item has the hash key `pk` (`"k<number>"`), the register or counter `v`, and `prev`: the write id that `v` replaced (0 if there was
//! none). Writes are `UpdateItem SET prev = v, v = :new`, so the server itself records in one step what each version replaced, and a
//! read of a write whose outcome nobody knew reveals its place. All of them ask for the old item back.

mod answer;
mod request;

#[cfg(test)]
mod tests;

pub(crate) use answer::outcome;
pub(crate) use request::request;

/// The name of the hash key.
pub(crate) const HASH_KEY: &str = "pk";
