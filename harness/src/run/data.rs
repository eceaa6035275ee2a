//! What the regions of a run store; removed at the end unless it is to be kept.

use std::path::PathBuf;

/// Their folder.
pub(super) struct Data {
    pub(super) folder: PathBuf,
    pub(super) keep: bool,
}

impl Data {
    /// Removes it now, unless it is to be kept; what cannot be removed is told in the log.
    pub(super) fn remove(&self) {
        if self.keep || !self.folder.exists() {
            return;
        }
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, folder = %self.folder.display(), "the regions' data stays");
        }
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        self.remove();
    }
}
