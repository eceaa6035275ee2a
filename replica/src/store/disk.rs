//! Rows on disk: the embedded engine (fjall, a log-structured merge tree) behind the [`Store`] trait.
//!
//! **Invariant:** nothing is readable before it is on disk. One call of [`commit`](Store::commit) is one engine batch: the engine writes it to
//! its journal, calls `fdatasync`, and only then applies it to what readers see. Never write a row outside such a batch.
//!
//! Measured choices (two workers and larger journals made commits dearer or stalls longer): one background worker, 64 MiB of journal. Epochs are
//! keyspaces of their own, since deleting rows one by one leaves tombstones that made the first read of a feed thousands of times slower.
//!
//! Absent: compression (small random values do not shrink), several writers (the journal's lock is held across the fsync anyway).

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Bound;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use fjall::{Database, Keyspace, PersistMode, Readable};

use super::filter::Filter;
use super::keyspaces::{Epochs, epoch, epoch_options, keyspace_options, name, open_epochs};
use super::{Batch, DataDir, Direction, Read, Row, Space, Store, StoreError, Write, journals};

const JOURNAL_BYTES: u64 = 64 << 20;
const CACHE_BYTES: u64 = 64 << 20;

/// How late a commit may be fsynced under the planted defect.
const LATE: Duration = Duration::from_secs(2);

/// Row of the `state` keyspace: the number of the newest durable batch.
const LAST_COMMIT: &[u8] = b"last-commit";
/// Rows of the `state` keyspace: epochs whose drop was decided durably but may not have been carried out.
const DROPPING: &[u8] = b"dropping/";

/// A store on disk.
pub struct DiskStore {
    /// Which items need not be searched for.
    filter: Filter,
    database: Database,
    fixed: Fixed,
    /// Copied on change, so that a snapshot keeps the epochs it saw.
    epochs: RwLock<Arc<Epochs>>,
    committer: Mutex<Committer>,
    /// Released last: the engine must be closed before another process may open it.
    data_dir: DataDir,
}

/// The keyspaces that always exist.
#[derive(Clone)]
struct Fixed {
    state: Keyspace,
    meta: Keyspace,
    items: Keyspace,
    tombstones: Keyspace,
}

/// What one commit leaves for the next.
struct Committer {
    last_commit: u64,
    /// Epochs dropped since the last commit, whose `DROPPING` rows can go.
    dropped: Vec<Space>,
    /// When it fsynced the last time, if it does so only now and then: a planted defect.
    synced_late: Option<Instant>,
}

/// Makes durable what the engine leaves to luck: the names of its folder, and of the folder of each new keyspace. Without, a power loss could take a
/// keyspace whose rows were all synced, at least where a file system promises no more than it must.
fn sync_names(data_dir: &DataDir) -> fjall::Result<()> {
    let rows = data_dir.rows();
    for folder in [data_dir.path(), &rows, &rows.join("keyspaces")] {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

impl Committer {
    /// How durable the next commit is made.
    fn mode(&mut self) -> PersistMode {
        match &mut self.synced_late {
            Some(synced) if synced.elapsed() < LATE => PersistMode::Buffer,
            Some(synced) => {
                *synced = Instant::now();
                PersistMode::SyncData
            }
            None => PersistMode::SyncData,
        }
    }
}

/// A consistent view of a [`DiskStore`].
pub struct DiskSnapshot {
    snapshot: fjall::Snapshot,
    fixed: Fixed,
    epochs: Arc<Epochs>,
}

impl DiskStore {
    /// Opens the rows of a data directory, and finishes drops that a crash interrupted.
    ///
    /// # Errors
    /// When the disk fails or the engine finds its files damaged.
    pub fn open(data_dir: DataDir) -> Result<Self, StoreError> {
        let path = data_dir.rows();
        journals::check_readable(&path)?;
        let open = || -> fjall::Result<Self> {
            let database = Database::builder(&path)
                .max_journaling_size(JOURNAL_BYTES)
                .cache_size(CACHE_BYTES)
                .worker_threads(1)
                .open()?;
            let fixed = Fixed {
                state: database.keyspace("state", keyspace_options)?,
                meta: database.keyspace("meta", keyspace_options)?,
                items: database.keyspace("items", keyspace_options)?,
                tombstones: database.keyspace("tombstones", keyspace_options)?,
            };
            sync_names(&data_dir)?;
            let dropped = finish_drops(&database, &fixed.state)?;
            let epochs = open_epochs(&database)?;
            let last_commit = match fixed.state.get(LAST_COMMIT)? {
                Some(bytes) => number(&bytes),
                None => 0,
            };
            Ok(Self {
                filter: Filter::over(&fixed.items)?,
                database,
                fixed,
                epochs: RwLock::new(Arc::new(epochs)),
                committer: Mutex::new(Committer {
                    last_commit,
                    dropped,
                    synced_late: None,
                }),
                data_dir,
            })
        };
        open().map_err(|error| {
            StoreError(format!(
                "cannot open the rows in {}: {error:?}; if the files are damaged, give this region an empty data directory and let it join again",
                path.display()
            ))
        })
    }

    /// From now on commits are fsynced now and then, and are told to be durable all the same.
    #[cfg(feature = "defects")]
    pub(crate) fn sync_late(&self) {
        let mut committer = self.committer.lock().expect("a panic ends the process");
        committer.synced_late = Some(Instant::now());
    }

    /// The directory it lives in.
    #[must_use]
    pub fn data_dir(&self) -> &DataDir {
        &self.data_dir
    }

    fn epochs(&self) -> Arc<Epochs> {
        Arc::clone(&self.epochs.read().expect("no holder panics"))
    }

    /// The keyspace of a space, if there is one.
    fn keyspace(&self, space: Space) -> Option<Keyspace> {
        match self.fixed.get(space) {
            Some(keyspace) => Some(keyspace.clone()),
            None => self
                .epochs
                .read()
                .expect("no holder panics")
                .get(&space)
                .cloned(),
        }
    }

    /// The epochs, with those among these spaces made that are missing.
    fn make_epochs<'s>(
        &self,
        spaces: impl Iterator<Item = &'s Space>,
    ) -> fjall::Result<Arc<Epochs>> {
        let mut epochs = self.epochs();
        for space in spaces.copied() {
            if self.fixed.get(space).is_none() && !epochs.contains_key(&space) {
                let keyspace = self.database.keyspace(&name(space), epoch_options)?;
                sync_names(&self.data_dir)?;
                Arc::make_mut(&mut epochs).insert(space, keyspace);
                *self.epochs.write().expect("no holder panics") = Arc::clone(&epochs);
            }
        }
        Ok(epochs)
    }

    fn commit_rows(&self, committer: &mut Committer, batches: &[Batch]) -> fjall::Result<()> {
        let Some(last) = batches.last() else {
            return Ok(());
        };
        let newest = newest(batches);
        let epochs = self.make_epochs(newest.keys())?;
        let mut out = self.database.batch().durability(Some(committer.mode()));
        for (space, writes) in newest {
            let keyspace = self.fixed.get(space).or_else(|| epochs.get(&space));
            let keyspace = keyspace.expect("made just before");
            for write in writes {
                match &write.value {
                    Some(value) => {
                        if space == Space::Items {
                            self.filter.add(&write.key);
                        }
                        out.insert(keyspace, write.key.as_slice(), value.as_slice());
                    }
                    None => out.remove(keyspace, write.key.as_slice()),
                }
            }
        }
        for space in committer.dropped.drain(..) {
            out.remove(&self.fixed.state, dropping_key(&name(space)));
        }
        let drops = batches.iter().flat_map(|batch| &batch.drops).copied();
        let drops: Vec<Space> = drops.filter(|space| epochs.contains_key(space)).collect();
        for space in &drops {
            out.insert(&self.fixed.state, dropping_key(&name(*space)), b"");
        }
        out.insert(&self.fixed.state, LAST_COMMIT, last.commit.to_be_bytes());
        out.commit()?;
        committer.last_commit = last.commit;
        self.drop_epochs(drops, committer)
    }

    fn drop_epochs(&self, drops: Vec<Space>, committer: &mut Committer) -> fjall::Result<()> {
        for space in drops {
            let mut epochs = self.epochs();
            let keyspace = Arc::make_mut(&mut epochs).remove(&space);
            *self.epochs.write().expect("no holder panics") = epochs;
            if let Some(keyspace) = keyspace {
                self.database.delete_keyspace(keyspace)?;
                committer.dropped.push(space);
            }
        }
        Ok(())
    }
}

impl Read for DiskStore {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if space == Space::Items && self.filter.is_absent(key) {
            return Ok(None);
        }
        match self.keyspace(space) {
            Some(keyspace) => Ok(keyspace
                .get(key)
                .map_err(read_failed)?
                .map(|value| value.to_vec())),
            None => Ok(None),
        }
    }

    fn range(
        &self,
        space: Space,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        match self.keyspace(space) {
            Some(keyspace) if !super::is_empty(bounds) => {
                collect(keyspace.range::<&[u8], _>(bounds), direction, limit)
            }
            Some(_) | None => Ok(Vec::new()),
        }
    }
}

impl Store for DiskStore {
    type Snapshot = DiskSnapshot;

    fn commit(&self, batches: &[Batch]) -> Result<(), StoreError> {
        let mut committer = self.committer.lock().expect("a panic ends the process");
        super::check_numbers(committer.last_commit, batches);
        self.commit_rows(&mut committer, batches).map_err(|error| {
            StoreError(format!(
                "cannot commit to {}: {error:?}",
                self.data_dir.rows().display()
            ))
        })
    }

    fn snapshot(&self) -> DiskSnapshot {
        // No commit runs meanwhile, so that the rows and the set of epochs belong together.
        let _committer = self.committer.lock().expect("a panic ends the process");
        DiskSnapshot {
            snapshot: self.database.snapshot(),
            fixed: self.fixed.clone(),
            epochs: self.epochs(),
        }
    }

    fn last_commit(&self) -> Result<u64, StoreError> {
        Ok(self
            .committer
            .lock()
            .expect("a panic ends the process")
            .last_commit)
    }
}

impl Read for DiskSnapshot {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.fixed.get(space).or_else(|| self.epochs.get(&space)) {
            Some(keyspace) => {
                let value = self.snapshot.get(keyspace, key).map_err(read_failed)?;
                Ok(value.map(|value| value.to_vec()))
            }
            None => Ok(None),
        }
    }

    fn range(
        &self,
        space: Space,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        match self.fixed.get(space).or_else(|| self.epochs.get(&space)) {
            Some(keyspace) if !super::is_empty(bounds) => collect(
                self.snapshot.range::<&[u8], _>(keyspace, bounds),
                direction,
                limit,
            ),
            Some(_) | None => Ok(Vec::new()),
        }
    }
}

impl Fixed {
    /// The keyspace of a space that is not an epoch.
    fn get(&self, space: Space) -> Option<&Keyspace> {
        match space {
            Space::Meta => Some(&self.meta),
            Space::Items => Some(&self.items),
            Space::Tombstones => Some(&self.tombstones),
            Space::Feed(_) | Space::Stream(_) => None,
        }
    }
}

impl std::fmt::Debug for DiskStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("DiskStore")
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

/// The last write to each row: one engine batch has one sequence number, so of several only one may be in it. In order, which the engine inserts faster.
fn newest(batches: &[Batch]) -> BTreeMap<Space, Vec<&Write>> {
    let mut spaces: BTreeMap<Space, Vec<&Write>> = BTreeMap::new();
    for write in batches.iter().flat_map(|batch| batch.writes.iter()) {
        spaces.entry(write.space).or_default().push(write);
    }
    for writes in spaces.values_mut() {
        // Stable, so that of several writes to a row the last stays the last. What peers sent and what is numbered is in order already.
        writes.sort_by(|a, b| a.key.cmp(&b.key));
        writes.dedup_by(|later, earlier| {
            let is_same = later.key == earlier.key;
            if is_same {
                *earlier = *later;
            }
            is_same
        });
    }
    spaces
}

fn dropping_key(name: &str) -> Vec<u8> {
    [DROPPING, name.as_bytes()].concat()
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().expect("written as eight bytes"))
}

/// Deletes the epochs whose drop was durable but not carried out, and returns all whose `DROPPING` rows can go.
fn finish_drops(database: &Database, state: &Keyspace) -> fjall::Result<Vec<Space>> {
    let mut dropped = Vec::new();
    for row in state.prefix(DROPPING) {
        let key = row.key()?;
        let name = String::from_utf8_lossy(&key[DROPPING.len()..]).into_owned();
        if database.keyspace_exists(&name) {
            database.delete_keyspace(database.keyspace(&name, keyspace_options)?)?;
        }
        dropped.extend(epoch(&name));
    }
    Ok(dropped)
}

fn collect(walk: fjall::Iter, direction: Direction, limit: usize) -> Result<Vec<Row>, StoreError> {
    let own = |row: fjall::Guard| {
        let (key, value) = row.into_inner().map_err(read_failed)?;
        Ok((key.to_vec(), value.to_vec()))
    };
    match direction {
        Direction::Forward => walk.take(limit).map(own).collect(),
        Direction::Backward => walk.rev().take(limit).map(own).collect(),
    }
}

fn read_failed(error: fjall::Error) -> StoreError {
    StoreError(format!("cannot read: {error:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;

    fn open(home: &tempfile::TempDir) -> DiskStore {
        let data_dir = DataDir::open(home.path()).expect("a fresh or closed directory");
        DiskStore::open(data_dir).expect("undamaged rows")
    }

    #[test]
    fn conforms_and_keeps_everything_over_a_restart() {
        let home = tempfile::tempdir().expect("temporary directory");
        conformance::check(&open(&home));

        let store = open(&home);
        assert_eq!(store.last_commit().expect("readable"), 9);
        assert_eq!(
            store.get(Space::Items, b"k").expect("readable"),
            Some(b"later".to_vec())
        );
        assert_eq!(
            store.get(Space::Feed(1), b"o").expect("readable"),
            Some(b"kept".to_vec())
        );
        assert_eq!(store.get(Space::Feed(0), b"a").expect("readable"), None);
        store
            .commit(&[conformance::batch(10, &[])])
            .expect("numbering goes on");
    }

    #[test]
    fn a_drop_that_a_crash_interrupted_is_finished_at_open() {
        let home = tempfile::tempdir().expect("temporary directory");
        let store = open(&home);
        store
            .commit(&[conformance::batch(1, &[(Space::Feed(4), b"a", Some(b"1"))])])
            .expect("writable");
        // What a crash between the commit and the drop leaves behind.
        store
            .fixed
            .state
            .insert(dropping_key("feed-4"), b"")
            .expect("writable");
        drop(store);

        let store = open(&home);
        assert_eq!(store.get(Space::Feed(4), b"a").expect("readable"), None);
        assert!(!store.database.keyspace_exists("feed-4"));
        store
            .commit(&[conformance::batch(2, &[])])
            .expect("writable");
        assert_eq!(
            store.fixed.state.prefix(DROPPING).count(),
            0,
            "the mark goes with the next commit"
        );
    }
}
