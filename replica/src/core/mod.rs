//! The pure state machine of one region.
//!
//! ```text
//!   requests --> write, read, control, join --> ledger --> commits --> (durable) --> replies, answers
//!   peers    --> inbox (merge) -----------------^   |
//!                                                   +--> feed --> outbox --> peers
//! ```
//!
//! Read in this order: [`Input`] and [`Effect`] (what can happen, what can be asked for), [`Core`] (the state), `stamp`, `merge` and `record`
//! (what a version is), `ledger` (order and durability), then one file per family of operations. `invariants` says what always holds.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod condition;
mod config;
mod control;
mod describe;
mod described;
mod effect;
mod error;
mod exchange;
mod expiry;
mod feed;
mod filling;
mod global;
mod group;
mod inbox;
mod input;
mod invariants;
mod join;
pub mod key;
mod ledger;
mod merge;
mod message;
mod number;
mod outbox;
mod peer;
mod preconditions;
mod query;
mod read;
mod record;
mod region;
mod renewal;
mod replicas;
mod request;
mod response;
mod rows;
mod salvage;
mod scan;
mod settings;
pub mod size;
mod stamp;
mod status;
mod stream;
mod stretch;
mod table;
mod tombstone;
mod upkeep;
pub(crate) mod value;
mod version;
mod write;

pub mod testing;

pub use config::{Config, GlobalTables, Limits};
pub use effect::{Effect, Effects};
pub use error::{ApiError, ErrorKind};
pub use input::{CallId, CallToken, Input, Now, RequestId};
pub use key::{ItemKey, key_of_item, key_of_key_map};
pub use number::{Number, NumberKey};
pub(crate) use record::item_of_row;
pub use region::{Core, OpenError};
pub use request::*;
pub use response::*;
pub use status::{Counters, PeerStatus, Status, TableStatusLine};
pub(crate) use stream::sequence_text;
pub use value::{AttributeValue, Item};
pub use version::{Region, Version};
