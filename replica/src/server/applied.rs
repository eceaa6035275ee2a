//! `--apply-log`: a line for every version of an item that became durable and readable here, and when.
//!
//! It is the truth that measured replication lag is held against. The time is that of the machine, whatever the replica's own clock was made to say; it is
//! read after the commit, before anybody is told of it. So a version was readable at that time, and an acknowledgement left later.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::ServerError;
use crate::core::{Item, Version, item_of_row};
use crate::store::{Batch, Space};

/// The file.
#[derive(Debug)]
pub(crate) struct ApplyLog(BufWriter<File>);

/// A line of it.
#[derive(Serialize)]
struct Line {
    /// Nanoseconds since 1970.
    applied_ns: u64,
    version: Version,
    /// `null` for a delete.
    item: Option<Item>,
}

impl ApplyLog {
    pub(crate) fn create(path: &Path) -> Result<Self, ServerError> {
        let file = File::create(path);
        let wrong = |error| ServerError::Usage(format!("--apply-log {}: {error}", path.display()));
        Ok(Self(BufWriter::new(file.map_err(wrong)?)))
    }

    /// Writes what these batches made readable. A line that is lost makes the log useless, so it is told.
    pub(crate) fn add(&mut self, batches: &[Batch]) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok();
        let now_ns = now.and_then(|now| u64::try_from(now.as_nanos()).ok());
        let applied_ns = now_ns.expect("it is later than 1970 and earlier than 2554");
        let writes = batches.iter().flat_map(|batch| batch.writes.iter());
        for write in writes.filter(|write| write.space == Space::Items) {
            let row = write.value.as_deref();
            let Some((version, item)) = row.and_then(|row| item_of_row(row).ok()) else {
                continue;
            };
            let line = Line {
                applied_ns,
                version,
                item,
            };
            let written = serde_json::to_writer(&mut self.0, &line)
                .map_err(std::io::Error::from)
                .and_then(|()| self.0.write_all(b"\n"));
            if let Err(error) = written {
                tracing::error!(%error, "the apply log cannot be written");
            }
        }
        if let Err(error) = self.0.flush() {
            tracing::error!(%error, "the apply log cannot be written");
        }
    }
}
