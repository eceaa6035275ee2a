//! The history file: one JSON object per line, schema `dateline/history/1`.
//!
//! The first line is the [`Header`](super::Header), every further line one [`Event`](super::Event), written while the run goes on. So a
//! run that was killed leaves a readable history whose last operations are open, which means: nobody knows whether they happened.
//!
//! ```text
//! {"schema":"dateline/history/1","regions":["eu-west-1","us-east-1"],"workload":"register","seed":7,"stamps_visible":true,"key_names":{}}
//! {"t":1234,"p":3,"r":"us-east-1","e":"invoke","f":"write","k":17,"v":30001}
//! {"t":2345,"p":3,"r":"us-east-1","e":"ok","f":"write","k":17,"v":30001,"old":{"v":null}}
//! {"t":2400,"p":4,"r":"eu-west-1","e":"invoke","f":"read","k":17,"strong":true}
//! {"t":2500,"p":4,"r":"eu-west-1","e":"ok","f":"read","k":17,"v":30001,"ts":"1519085870.846001","tr":"us-east-1"}
//! ```
//!
//! Field names are short because a long run writes millions of lines; the writer always uses the order shown, the reader takes any order
//! and refuses names it does not know. The parser is our own: the general one allocates per line and knows no columns. The compact form and
//! foreign formats are not here.

mod chunk;
mod cursor;
mod error;
mod fast;
mod fields;
mod header;
mod read;
mod tail;
mod write;

pub(crate) use chunk::Understood;
pub use error::{ReadError, Syntax};
pub(crate) use header::{header_line, parse_header};
pub use read::Reader;
pub(super) use read::stopped;
pub use tail::Tail;
pub use write::Writer;

/// The schema that this version writes, and the only one it reads.
pub const SCHEMA: &str = "dateline/history/1";
