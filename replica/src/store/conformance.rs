//! What every store must do: one test, run against each home.

use std::ops::Bound::{Excluded, Included, Unbounded};
use std::sync::Arc;

use super::{Batch, Direction, Read, Space, Store, Write};

/// A change from literals.
type Change<'a> = (Space, &'a [u8], Option<&'a [u8]>);

/// A batch from literals.
pub(crate) fn batch(commit: u64, writes: &[Change<'_>]) -> Batch {
    let writes: Vec<Write> = writes
        .iter()
        .map(|(space, key, value)| Write {
            space: *space,
            key: key.to_vec(),
            value: value.map(<[u8]>::to_vec),
        })
        .collect();
    Batch {
        commit,
        writes: Arc::new(writes),
        drops: Vec::new(),
    }
}

/// Runs every check against an empty store; it ends at commit 9.
pub(crate) fn check<S: Store>(store: &S) {
    assert_eq!(store.last_commit().expect("readable"), 0, "a new store");
    assert_eq!(
        store.get(Space::Feed(9), b"x").expect("readable"),
        None,
        "an epoch not yet there"
    );
    rows_are_kept_apart_and_overwritten(store);
    ranges_honour_bounds_direction_and_limit(store);
    snapshots_stand_still(store);
    dropped_epochs_vanish(store);
    assert_eq!(store.last_commit().expect("readable"), 9);
}

/// Commits 1 to 4, the last three together.
fn rows_are_kept_apart_and_overwritten<S: Store>(store: &S) {
    commit(
        store,
        &[batch(
            1,
            &[
                (Space::Meta, b"k", Some(b"meta")),
                (Space::Items, b"k", Some(b"1")),
            ],
        )],
    );
    assert_eq!(value(store, Space::Meta, b"k"), Some(b"meta".to_vec()));
    assert_eq!(value(store, Space::Items, b"k"), Some(b"1".to_vec()));
    assert_eq!(value(store, Space::Tombstones, b"k"), None);

    commit(
        store,
        &[
            batch(
                2,
                &[
                    (Space::Items, b"k", Some(b"2")),
                    (Space::Items, b"k", Some(b"3")),
                ],
            ),
            batch(
                3,
                &[
                    (Space::Items, b"k", None),
                    (Space::Items, b"gone", Some(b"x")),
                ],
            ),
            batch(
                4,
                &[
                    (Space::Items, b"k", Some(b"4")),
                    (Space::Items, b"gone", None),
                ],
            ),
        ],
    );
    assert_eq!(
        value(store, Space::Items, b"k"),
        Some(b"4".to_vec()),
        "the last of several in one fsync"
    );
    assert_eq!(value(store, Space::Items, b"gone"), None);
    assert_eq!(store.last_commit().expect("readable"), 4);
}

/// Commit 5.
fn ranges_honour_bounds_direction_and_limit<S: Store>(store: &S) {
    let feed = Space::Feed(0);
    commit(
        store,
        &[batch(
            5,
            &[
                (feed, b"a", Some(b"1")),
                (feed, b"b", Some(b"")),
                (feed, b"c", Some(b"3")),
            ],
        )],
    );
    let keys = |bounds, direction, limit| -> Vec<Vec<u8>> {
        let rows = store
            .range(feed, bounds, direction, limit)
            .expect("readable");
        rows.into_iter().map(|(key, _)| key).collect()
    };
    let all = (Unbounded, Unbounded);
    assert_eq!(keys(all, Direction::Forward, 9), [b"a", b"b", b"c"]);
    assert_eq!(keys(all, Direction::Backward, 2), [b"c", b"b"]);
    assert_eq!(
        keys((Excluded(b"a"), Included(b"c")), Direction::Forward, 1),
        [b"b"]
    );
    assert_eq!(
        keys((Included(b"a"), Excluded(b"c")), Direction::Backward, 9),
        [b"b", b"a"]
    );
    assert_eq!(
        keys((Excluded(b"c"), Excluded(b"c")), Direction::Forward, 9),
        [[0; 0]; 0]
    );
    assert_eq!(
        keys((Included(b"c"), Included(b"a")), Direction::Forward, 9),
        [[0; 0]; 0]
    );
    assert_eq!(keys(all, Direction::Forward, 0), [[0; 0]; 0]);
    assert_eq!(
        value(store, feed, b"b"),
        Some(Vec::new()),
        "an empty value is a value"
    );
}

/// Commit 6.
fn snapshots_stand_still<S: Store>(store: &S) {
    let snapshot = store.snapshot();
    commit(
        store,
        &[batch(
            6,
            &[
                (Space::Items, b"k", Some(b"later")),
                (Space::Feed(1), b"n", Some(b"new")),
            ],
        )],
    );
    assert_eq!(
        snapshot.get(Space::Items, b"k").expect("readable"),
        Some(b"4".to_vec())
    );
    assert_eq!(snapshot.get(Space::Feed(1), b"n").expect("readable"), None);
    assert_eq!(value(store, Space::Items, b"k"), Some(b"later".to_vec()));
}

/// Commits 7 to 9.
fn dropped_epochs_vanish<S: Store>(store: &S) {
    let snapshot = store.snapshot();
    let mut dropping = batch(
        7,
        &[(Space::Feed(0), b"d", Some(b"written and dropped at once"))],
    );
    dropping.drops = vec![Space::Feed(0), Space::Stream(77)];
    commit(
        store,
        &[dropping, batch(8, &[(Space::Feed(1), b"o", Some(b"kept"))])],
    );
    let rows = |space| {
        store
            .range(space, (Unbounded, Unbounded), Direction::Forward, 9)
            .expect("readable")
    };
    assert_eq!(rows(Space::Feed(0)), []);
    assert_eq!(rows(Space::Feed(1)).len(), 2, "other epochs stay");
    assert_eq!(
        snapshot.get(Space::Feed(0), b"a").expect("readable"),
        Some(b"1".to_vec()),
        "a snapshot outlives the drop"
    );
    commit(store, &[batch(9, &[])]);
    assert_eq!(rows(Space::Feed(0)), []);
}

fn commit<S: Store>(store: &S, batches: &[Batch]) {
    store.commit(batches).expect("the store can be written");
}

fn value<S: Store>(store: &S, space: Space, key: &[u8]) -> Option<Vec<u8>> {
    store.get(space, key).expect("readable")
}
