//! The engine's keyspaces: what those of each space are called, and how the engine keeps their rows.
//!
//! Measured choices: 16 MiB memtables (larger ones made stalls longer); eight of them written to files before these are merged into the others: a
//! backlog of a million rows takes 2.2 GB of writing so, 2.7 GB when every fourth is followed by merging.

use std::collections::BTreeMap;
use std::sync::Arc;

use fjall::compaction::Leveled;
use fjall::config::FilterPolicy;
use fjall::{Database, Keyspace, KeyspaceCreateOptions};

use super::Space;

const MEMTABLE_BYTES: u64 = 16 << 20;
const EPOCH_MEMTABLE_BYTES: u64 = 8 << 20;
/// So many files of one memtable each are kept before they are merged into the others. With 20 the engine makes writers wait.
const UNMERGED_FILES: u8 = 8;

/// The keyspaces of epochs.
pub(super) type Epochs = BTreeMap<Space, Keyspace>;

pub(super) fn keyspace_options() -> KeyspaceCreateOptions {
    let strategy = Leveled::default().with_l0_threshold(UNMERGED_FILES);
    KeyspaceCreateOptions::default()
        .max_memtable_size(MEMTABLE_BYTES)
        .compaction_strategy(Arc::new(strategy))
}

/// Epochs are written in order and read in ranges: no filter would ever be asked, and small memtables cost nothing later.
pub(super) fn epoch_options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .max_memtable_size(EPOCH_MEMTABLE_BYTES)
        .filter_policy(FilterPolicy::disabled())
}

pub(super) fn name(space: Space) -> String {
    match space {
        Space::Meta => "meta".to_owned(),
        Space::Items => "items".to_owned(),
        Space::Tombstones => "tombstones".to_owned(),
        Space::Feed(epoch) => format!("feed-{epoch}"),
        Space::Stream(epoch) => format!("stream-{epoch}"),
    }
}

/// The epoch with this keyspace name.
pub(super) fn epoch(name: &str) -> Option<Space> {
    let number = |text: &str| text.parse::<u64>().ok();
    match name.split_once('-')? {
        ("feed", epoch) => number(epoch).map(Space::Feed),
        ("stream", epoch) => number(epoch).map(Space::Stream),
        _ => None,
    }
}

pub(super) fn open_epochs(database: &Database) -> fjall::Result<Epochs> {
    let mut epochs = Epochs::new();
    for name in database.list_keyspace_names() {
        if let Some(space) = epoch(&name) {
            epochs.insert(space, database.keyspace(&name, keyspace_options)?);
        }
    }
    Ok(epochs)
}
