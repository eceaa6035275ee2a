//! Which items were surely never here: bits in memory (Bloom 1970) that spare the engine the search for an item that is new.
//!
//! Most versions that a peer sends are of items that this region does not have yet, and to learn that, the engine searches each memtable and asks
//! the filter of each file. **Invariant:** a key that is absent here is in no row: [`add`](Filter::add) comes before the row can be read, and
//! nothing is absent before [the walk](Filter::over) over what an earlier process left has seen every key.
//!
//! The size is fixed: beside a million items one in 6,000 that are not here is searched for all the same, beside eight million one in seven; with more
//! the filter is of less and less use, never wrong, and not worth the walk. Keys of rows that were removed stay in it until the next start.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use fastbloom::AtomicBloomFilter;
use fjall::Keyspace;

/// 4 MiB.
const BITS: usize = 1 << 25;
const HASHES: u32 = 4;
/// With more rows than that the walk gives up.
const WORTH_ROWS: usize = BITS / 4;

/// The keys of a keyspace, but for a few that are taken for members and are not.
pub(super) struct Filter {
    keys: Arc<Keys>,
    /// Ends with this value, so that nobody holds the engine open after it.
    walk: Option<JoinHandle<()>>,
}

struct Keys {
    bits: AtomicBloomFilter,
    /// Whether every key is in it.
    is_complete: AtomicBool,
    /// Whether nobody needs it any more.
    is_over: AtomicBool,
}

impl Filter {
    /// The filter of a keyspace, which a thread of its own fills from the rows that are there. Until then no key is absent.
    ///
    /// # Errors
    /// When no thread can be made.
    pub(super) fn over(keyspace: &Keyspace) -> std::io::Result<Self> {
        let keys = Arc::new(Keys {
            bits: AtomicBloomFilter::with_num_bits(BITS).hashes(HASHES),
            is_complete: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        });
        let walk = std::thread::Builder::new().name("filter".to_owned()).spawn({
            let (keys, keyspace) = (Arc::clone(&keys), keyspace.clone());
            move || match keys.fill(&keyspace, WORTH_ROWS) {
                Ok(has_all) => keys.is_complete.store(has_all, Ordering::Release),
                Err(error) => tracing::error!(
                    "cannot read all items, so each is searched for on disk from now on: {error:?}"
                ),
            }
        })?;
        Ok(Self {
            keys,
            walk: Some(walk),
        })
    }

    /// Notes a key. Call it before its row can be read.
    pub(super) fn add(&self, key: &[u8]) {
        self.keys.bits.insert(key);
    }

    /// Whether there is surely no row with this key.
    pub(super) fn is_absent(&self, key: &[u8]) -> bool {
        self.keys.is_complete.load(Ordering::Acquire) && !self.keys.bits.contains(key)
    }

    /// Waits until the walk has ended.
    fn join(&mut self) {
        if let Some(walk) = self.walk.take() {
            // A panic there has been told, and the filter stays incomplete.
            let _ = walk.join();
        }
    }
}

impl Keys {
    /// Adds all keys of a keyspace, so many at most; whether it came to the end.
    fn fill(&self, keyspace: &Keyspace, most: usize) -> fjall::Result<bool> {
        for (count, row) in keyspace.iter().enumerate() {
            if count == most || self.is_over.load(Ordering::Relaxed) {
                return Ok(false);
            }
            self.bits.insert(&*row.key()?);
        }
        Ok(true)
    }
}

impl Drop for Filter {
    fn drop(&mut self) {
        self.keys.is_over.store(true, Ordering::Relaxed);
        self.join();
    }
}

#[cfg(test)]
mod tests {
    use fjall::{Database, KeyspaceCreateOptions};

    use super::*;

    const ROWS: u32 = 10_000;

    fn keyspace(home: &tempfile::TempDir, rows: u32) -> (Database, Keyspace) {
        let database = Database::builder(home.path()).open().expect("a new folder");
        let keyspace = database
            .keyspace("items", KeyspaceCreateOptions::default)
            .expect("a new database");
        for row in 0..rows {
            keyspace
                .insert(row.to_be_bytes(), "value")
                .expect("writable");
        }
        (database, keyspace)
    }

    #[test]
    fn no_row_that_was_there_or_was_added_is_absent_and_nearly_all_others_are() {
        let home = tempfile::tempdir().expect("temporary directory");
        let (_database, keyspace) = keyspace(&home, ROWS);
        let mut filter = Filter::over(&keyspace).expect("a thread");
        // While the walk goes on, or after it.
        (ROWS..2 * ROWS).for_each(|row| filter.add(&row.to_be_bytes()));
        filter.join();
        assert!((0..2 * ROWS).all(|row| !filter.is_absent(&row.to_be_bytes())));
        let others = 2 * ROWS..4 * ROWS;
        let absent = others.filter(|row| filter.is_absent(&row.to_be_bytes()));
        assert!(absent.count() > 2 * ROWS as usize * 99 / 100);
    }

    #[test]
    fn nothing_is_absent_before_all_rows_were_seen() {
        let home = tempfile::tempdir().expect("temporary directory");
        let (_database, keyspace) = keyspace(&home, ROWS);
        let rows = ROWS as usize;
        for (is_over, most, has_all) in [
            (false, rows, true),
            (false, rows - 1, false),
            (true, rows, false),
        ] {
            let keys = Keys {
                bits: AtomicBloomFilter::with_num_bits(BITS).hashes(HASHES),
                is_complete: AtomicBool::new(false),
                is_over: AtomicBool::new(is_over),
            };
            assert_eq!(keys.fill(&keyspace, most).expect("readable"), has_all);
            let filter = Filter {
                keys: Arc::new(keys),
                walk: None,
            };
            assert!(!filter.is_absent(b"nowhere"), "nobody said that it has all");
        }
    }
}
