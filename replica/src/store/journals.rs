//! Whether the engine's journals can be read at all, before the engine reads them.
//!
//! The engine cuts a journal off where it finds something that is no record, since that is what a torn write leaves. Some errors of the disk look like
//! that to it, too (fjall 3.1: one within a record's compression tag), and then everything after an unreadable block is gone for good, though the disk may read right
//! again tomorrow. So each journal is read once before: what cannot be read is refused, and stays as it is.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::StoreError;

/// How the engine names its journals.
const EXTENSION: &str = "jnl";
/// So much is read at a time.
const BLOCK_BYTES: usize = 64 << 10;

/// Reads every journal in the engine's folder once, if there is such a folder.
///
/// # Errors
/// When the disk fails: which file, and from which byte on.
pub(super) fn check_readable(rows: &Path) -> Result<(), StoreError> {
    let unlistable = |why| StoreError(format!("cannot list {}: {why}", rows.display()));
    let entries = match rows.read_dir() {
        Ok(entries) => entries,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(why) => return Err(unlistable(why)),
    };
    for entry in entries {
        let path = entry.map_err(unlistable)?.path();
        if path.extension().is_some_and(|e| e == EXTENSION) {
            read_through(&path)?;
        }
    }
    Ok(())
}

fn read_through(path: &Path) -> Result<(), StoreError> {
    let path_text = path.display();
    let mut file =
        File::open(path).map_err(|why| StoreError(format!("cannot open {path_text}: {why}")))?;
    let mut block = vec![0; BLOCK_BYTES];
    let mut from = 0;
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(count) => from += count,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => {
                return Err(StoreError(format!(
                    "cannot read {path_text} from byte {from} on: {why}; nothing was changed: start again when the disk reads it, or give this region an empty data directory and let it join again"
                )));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{DataDir, DiskStore};

    #[test]
    fn a_folder_that_is_not_there_and_readable_journals_are_fine() {
        let home = tempfile::tempdir().expect("temporary directory");
        check_readable(&home.path().join("rows")).expect("nothing is there");
        std::fs::write(home.path().join("0.jnl"), vec![7; 3 * BLOCK_BYTES]).expect("writable");
        check_readable(home.path()).expect("readable");
    }

    /// The memory of a process cannot be read at address 0: an error of input and output without a broken disk.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_store_whose_journal_cannot_be_read_is_not_opened() {
        let home = tempfile::tempdir().expect("temporary directory");
        let open = || DiskStore::open(DataDir::open(home.path()).expect("closed before"));
        drop(open().expect("a new store"));
        let (journal, aside) = (
            home.path().join("rows/0.jnl"),
            home.path().join("rows/0.aside"),
        );
        std::fs::rename(&journal, &aside).expect("writable");
        std::os::unix::fs::symlink("/proc/self/mem", &journal).expect("writable");
        let StoreError(why) = open().expect_err("it cannot be read");
        assert!(why.contains("0.jnl from byte 0 on"), "{why}");
        assert!(why.contains("nothing was changed"), "{why}");

        std::fs::rename(&aside, &journal).expect("writable");
        open().expect("the disk reads it again");
    }
}
