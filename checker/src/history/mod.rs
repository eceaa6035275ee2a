//! The vocabulary of a history: who asked what of which region, when, and what came back.
//!
//! A history is a [`Header`] and a sequence of [`Event`]s in time order. A process (one logical client) has at most one
//! operation in flight; an operation is an `invoke` event followed by at most one `ok`, `fail` or `info` of that process.
//! An `info` operation may have happened, at any later time; its process never acts again.

mod event;
mod op;
mod value;

pub mod binary;
mod events;
mod file;
mod import;
mod in_flight;
pub mod ndjson;
mod one_line;
mod operation;
mod zstandard;

pub use event::{Delivery, Event, EventKind, Header, NO_REPLICA, Phase};
pub(crate) use file::open_and_detect;
pub use file::{detect_format, open, read_events, read_history, read_history_as};
pub use import::{Format, read_format};
pub(crate) use in_flight::{Ended, InFlight};
pub use one_line::{one_line, one_line_events};
pub use op::{Condition, MicroOp, MicroReply, Op, Reply, Strength};
pub(crate) use operation::Became;
pub use operation::{Ending, History, Operation, Pairing, StructureError};
pub use value::{Key, Observed, ProcessId, RegionId, Stamp, Value};
