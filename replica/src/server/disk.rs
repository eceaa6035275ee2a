//! What is wrong with the region's disk: nothing, but for what a test harness asks for while the server runs.
//!
//! It is read from `disk.json` in the data directory at start and again on `SIGUSR1`, as the skew of the clock is, and meets every commit before the store
//! does. Absent: writes that fail half-way, reads that fail. Those take a file system that does it.

use std::io;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Trouble {
    /// Each commit takes so much longer.
    pub(crate) fsync_delay_ms: u64,
    /// Commits fail, since there is no space left.
    pub(crate) is_full: bool,
}

/// Why a trouble file was not taken over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TroubleError {
    /// It cannot be read.
    #[error("cannot read what is wrong with the disk from {path}: {source}; that stays as it was")]
    Unreadable { path: PathBuf, source: io::Error },
    /// It does not say what such a file says.
    #[error(
        "what is wrong with the disk, in {path}, makes no sense: {source}; it must read {{\"fsync_delay_ms\":0,\"is_full\":false}}; that stays as it was"
    )]
    Malformed {
        path: PathBuf,
        source: serde_json::Error,
    },
}

/// The disk of one server.
#[derive(Debug)]
pub(crate) struct Disk {
    path: PathBuf,
    trouble: RwLock<Trouble>,
}

impl Disk {
    /// A disk with which nothing is wrong; `path` is where [`Disk::reload`] finds what is.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            trouble: RwLock::default(),
        }
    }

    /// Reads the file; a missing one means that nothing is wrong.
    pub(crate) fn reload(&self) -> Result<Trouble, TroubleError> {
        let path = || self.path.clone();
        let trouble = match std::fs::read(&self.path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|source| {
                let path = path();
                TroubleError::Malformed { path, source }
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Trouble::default(),
            Err(source) => {
                let path = path();
                return Err(TroubleError::Unreadable { path, source });
            }
        };
        *self.trouble.write().unwrap_or_else(PoisonError::into_inner) = trouble;
        Ok(trouble)
    }

    /// What is wrong now.
    pub(crate) fn trouble(&self) -> Trouble {
        *self.trouble.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a commit meets before the store does: a wait, or a full disk.
    pub(crate) fn meet(&self) -> Result<(), String> {
        let trouble = self.trouble();
        if trouble.fsync_delay_ms > 0 {
            std::thread::sleep(Duration::from_millis(trouble.fsync_delay_ms));
        }
        if trouble.is_full {
            let path = self.path.display();
            return Err(format!(
                "cannot commit: no space left on device, as {path} asks for"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_met_until_it_is_not_and_a_bad_file_changes_nothing() {
        let home = tempfile::tempdir().expect("temporary directory");
        let path = home.path().join("disk.json");
        let disk = Disk::new(path.clone());
        assert_eq!(disk.reload().expect("missing is none"), Trouble::default());
        assert_eq!(disk.meet(), Ok(()));
        std::fs::write(&path, r#"{"is_full":true}"#).expect("writable");
        assert!(disk.reload().expect("well formed").is_full);
        for bad in ["", r#"{"is_full":1}"#, r#"{"is_ful":false}"#] {
            std::fs::write(&path, bad).expect("writable");
            let message = disk.reload().expect_err(bad).to_string();
            assert!(message.contains("disk.json, makes no sense"), "{message}");
            let met = disk.meet().expect_err("it is still full");
            assert!(met.contains("no space left"), "{met}");
        }
        std::fs::write(&path, r#"{"fsync_delay_ms":30}"#).expect("writable");
        disk.reload().expect("well formed");
        let begun = std::time::Instant::now();
        assert_eq!(disk.meet(), Ok(()));
        assert!(begun.elapsed() >= Duration::from_millis(30));
    }
}
