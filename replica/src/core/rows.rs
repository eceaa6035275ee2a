//! Names and bytes of the rows that are not items: tables, groups, cursors, floors.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{OpenError, Region};
use crate::store::{Space, Write};

/// First byte of every row; a later format gets another.
const FORMAT: u8 = 4;

/// Whose directory this is.
pub(super) const IDENTITY: &[u8] = b"identity";
/// Which epochs the feed has.
pub(super) const FEED: &[u8] = b"feed";
/// Prefix of the tables.
pub(super) const TABLE: &str = "table/";
/// Prefix of the tables' stamp floors.
pub(super) const FLOOR: &str = "floor/";
/// Prefix of the tables' item counts.
pub(super) const COUNT: &str = "count/";
/// Prefix of the numbers of deleted tables whose rows are still there.
pub(super) const LEFTOVER: &str = "leftover/";
/// Prefix of the old numbers of tables whose rows are walked after a renewal.
pub(super) const SALVAGE: &str = "salvage/";
/// Prefix of the global tables.
pub(super) const GROUP: &str = "group/";
/// Prefix of the links to peers.
pub(super) const LINK: &str = "link/";
/// Prefix of where the feed ended when this region began to wait for word of a peer.
pub(super) const UNVERIFIED: &str = "unverified/";
/// Prefix of the positions consumed of each origin's feed.
pub(super) const CONSUMED: &str = "consumed/";

/// The epochs that all streams share.
pub(super) const STREAM_LOG: &[u8] = b"stream-log";
/// Prefix of the streams.
pub(super) const STREAM: &str = "stream/";

/// A data directory's identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) region: Region,
    pub(super) incarnation: u64,
    /// The number of the next table.
    pub(super) next_table: u32,
}

/// One life of a region: a region that was removed and comes back with an empty directory is somebody else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) region: Region,
    pub(super) incarnation: u64,
}

impl Origin {
    /// The row that holds how far it was consumed.
    pub(super) fn row(&self) -> Vec<u8> {
        format!("{CONSUMED}{}/{:016x}", self.region, self.incarnation).into_bytes()
    }
}

/// The key of a named row.
pub(super) fn named(prefix: &str, name: &str) -> Vec<u8> {
    format!("{prefix}{name}").into_bytes()
}

/// A row of the meta space that holds this from now on.
pub(super) fn put<T: Serialize>(key: Vec<u8>, value: &T) -> Write {
    let bytes = postcard::to_extend(value, vec![FORMAT]).expect("a vector takes every row");
    Write {
        space: Space::Meta,
        key,
        value: Some(bytes),
    }
}

/// A row of the meta space that is no more.
pub(super) fn remove(key: Vec<u8>) -> Write {
    Write {
        space: Space::Meta,
        key,
        value: None,
    }
}

/// Reads a row of the meta space.
pub(super) fn parse<T: DeserializeOwned>(key: &[u8], value: &[u8]) -> Result<T, OpenError> {
    let refused = |reason: String| OpenError::Row {
        row: String::from_utf8_lossy(key).into_owned(),
        reason,
    };
    match value.split_first() {
        Some((&FORMAT, rest)) => {
            postcard::from_bytes(rest).map_err(|error| refused(error.to_string()))
        }
        Some((other, _)) => Err(refused(format!("its format is {other}"))),
        None => Err(refused("it is empty".to_owned())),
    }
}
