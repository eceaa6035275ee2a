//! Operations as DynamoDB requests, and DynamoDB's answers as outcomes.
//!
//! An item has the hash key `pk` (`"k<number>"`), the register or counter `v`, and `prev`: the write id that `v` replaced (0 if there was
//! none). Writes are `UpdateItem SET prev = v, v = :new`, so the server itself records in one step what each version replaced, and a
//! read of a write whose outcome nobody knew reveals its place. All of them ask for the old item back. Items that a workload wants to be large
//! have `pad` besides: text that belongs to this key and this write id. An item whose padding does not belong to its write id was torn, or put together from two: nobody wrote it,
//! and the history has it with the negative of its write id, which nobody wrote either.

mod answer;
mod consumer;
mod copy;
mod request;

#[cfg(test)]
mod tests;

pub(crate) use answer::{Reader, outcome};
pub(crate) use consumer::Consumer;
pub(crate) use copy::Copy;
pub(crate) use request::request;

/// The name of the hash key.
pub(crate) const HASH_KEY: &str = "pk";

/// The name of the attribute that says when an item expires.
pub(crate) const EXPIRY: &str = "expires";

/// Sizes of items, as their workload wants them.
type Sizes<'a> = &'a (dyn Fn(checker::history::Key) -> usize + Send + Sync);
