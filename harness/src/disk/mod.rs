//! A disk that can fail as real ones do: a file system (FUSE) that lies below a region's data directory, in a process of its own (`dateline disk`).
//!
//! It forgets what was not synced when it loses its power, and reads of spoilt blocks fail or bring a wrong bit. What that means is decided by [`content`], [`image`]
//! and [`spoilt`], which know no file system and no kernel;
//! [`bytes`] puts real bytes below them, [`mount`] lets the kernel ask, [`mod@serve`] is the process.
//!
//! The process lives by its standard input: when that ends, since whoever started it has ended in whatever way, it takes the file system away and ends,
//! too. It lies below regions only in runs whose plan needs it, since every access costs two changes of process.

mod bytes;
mod content;
mod image;
mod mount;
mod order;
mod serve;
mod spoilt;

pub(crate) use order::{Answer, Order};
pub(crate) use serve::{is_possible, serve};
pub(crate) use spoilt::Spoiling;
