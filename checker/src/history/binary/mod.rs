//! The compact form of a history: what the lines say, in about a tenth of the bytes and of the time to read them.
//!
//! ```text
//! "dateline-history\n" 1            magic and version
//! length, header line as JSON      the header, as in the line form
//! event … event                    see below
//! 0xFF, count                      the end, with the number of events: a file without it was cut off
//! ```
//!
//! An event is a byte that says its kind and phase, then the time since the event before, the process, the region and what the kind
//! needs. A completion does not repeat its request. Numbers are LEB128: seven bits a byte, low bits first; those that can be negative are zigzagged first,
//! so that small ones stay short. Both forms hold the same events; line numbers in evidence are those of the line form: the header is 1, the first
//! event 2. Unlike the line form this one is not meant to be written by a run that may be killed: `dateline convert` makes it.

mod batch;
mod bytes;
mod glance;
mod read;
pub(crate) mod row;
mod write;

pub(crate) use batch::{Part, Plain};
pub use read::Reader;
pub use write::Writer;

/// How every such file begins.
pub const MAGIC: &[u8] = b"dateline-history\n\x01";

/// Kinds of events: the low four bits of the first byte.
mod kind {
    pub(super) const READ_STRONG: u8 = 0;
    pub(super) const READ_EVENTUAL: u8 = 1;
    pub(super) const WRITE: u8 = 2;
    pub(super) const DELETE: u8 = 3;
    pub(super) const CAS_EQUALS: u8 = 4;
    pub(super) const CAS_EXISTS: u8 = 5;
    /// Requests that are rarer; a second byte says which.
    pub(super) const OTHER: u8 = 6;
    pub(super) const OK_READ: u8 = 7;
    pub(super) const OK_DONE: u8 = 8;
    pub(super) const OK_REPLACED: u8 = 9;
    /// Answers that are rarer; a second byte says which.
    pub(super) const OK_OTHER: u8 = 10;
    pub(super) const FAIL: u8 = 11;
    pub(super) const FAIL_SEEN: u8 = 12;
    pub(super) const INFO: u8 = 13;
    /// Set in the first byte of events of the final phase.
    pub(super) const FINAL: u8 = 0x10;
    /// The end of the file.
    pub(super) const END: u8 = 0xFF;
}

/// Rarer requests and answers.
mod other {
    pub(super) const ADD: u8 = 0;
    pub(super) const INCREMENT: u8 = 1;
    pub(super) const APPEND: u8 = 2;
    pub(super) const TRANSACT: u8 = 3;
    pub(super) const SCAN: u8 = 4;
    pub(super) const STREAM: u8 = 5;
    pub(super) const STREAM_ANEW: u8 = 6;
}

/// Steps of transactions.
mod step {
    pub(super) const READ: u8 = 0;
    pub(super) const WRITE: u8 = 1;
    pub(super) const APPEND: u8 = 2;
    pub(super) const DONE: u8 = 3;
}

/// Parts of a sighting: bits of its first byte. The value's kind is in the low two.
mod part {
    pub(super) const ABSENT: u8 = 0;
    pub(super) const NUMBER: u8 = 1;
    pub(super) const LIST: u8 = 2;
    pub(super) const STAMP: u8 = 4;
    pub(super) const PREVIOUS: u8 = 8;
}
