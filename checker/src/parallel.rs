//! Work in turns that do not depend on one another, shared among threads.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// How much that is done may wait for what comes before it.
const WAITING_COUNT: usize = 8;

/// Does all turns below `turn_count`, each on whichever thread is free, and returns what the threads made, in no particular order.
///
/// A panic in one of them goes on in the caller.
pub(crate) fn share<S: Send>(
    threads: NonZeroUsize,
    turn_count: usize,
    begin: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) + Sync,
) -> Vec<S> {
    let next = AtomicUsize::new(0);
    let one = || {
        let mut state = begin();
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            if turn >= turn_count {
                return state;
            }
            work(&mut state, turn);
        }
    };
    let others = threads.get().min(turn_count.max(1)) - 1;
    thread::scope(|scope| {
        let others: Vec<_> = (0..others).map(|_| scope.spawn(one)).collect();
        let mut states = vec![one()];
        for other in others {
            match other.join() {
                Ok(state) => states.push(state),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        states
    })
}

/// Does some work on every item, on two threads, and takes what comes of it in the order of the items. The caller does that, and works
/// whenever there is nothing to be taken.
///
/// # Errors
/// The first that taking gives; nothing is taken after it.
pub(crate) fn in_order<T: Send, W: Send, E>(
    items: impl Iterator<Item = T> + Send,
    work: impl Fn(T) -> W + Sync,
    mut take: impl FnMut(W) -> Result<(), E>,
) -> Result<(), E> {
    let items = Mutex::new(items.enumerate().fuse());
    let next = || {
        let mut items = items.lock().unwrap_or_else(PoisonError::into_inner);
        items.next()
    };
    let (next, work) = (&next, &work);
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(WAITING_COUNT);
        scope.spawn(move || {
            while let Some((turn, item)) = next() {
                // Nobody is there any more when something was wrong.
                if sender.send((turn, work(item))).is_err() {
                    return;
                }
            }
        });
        let mut done = BTreeMap::new();
        let mut turn = 0;
        loop {
            while let Some(own) = done.remove(&turn) {
                take(own)?;
                turn += 1;
            }
            let received = match receiver.try_recv() {
                Ok(received) => Some(received),
                Err(_) if done.len() >= WAITING_COUNT => None,
                Err(_) => next().map(|(at, item)| (at, work(item))),
            };
            // Everything has been begun, or enough waits for what the other thread has.
            let received = received.or_else(|| receiver.recv().ok());
            let Some((at, own)) = received else {
                return Ok(());
            };
            done.insert(at, own);
        }
    })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::{in_order, share};

    #[test]
    fn what_comes_of_items_is_taken_in_their_order_until_something_is_wrong() {
        for count in [0, 1, 7, 1000] {
            for end in [count, count / 2] {
                let mut taken = Vec::new();
                let work = |item: u64| {
                    // Some take longer than others.
                    let turns = (item % 7) * 3_000;
                    (0..turns).for_each(|turn| _ = std::hint::black_box(turn));
                    item
                };
                let ended = in_order(0..count, work, |item| {
                    if item == end {
                        return Err(item);
                    }
                    taken.push(item);
                    Ok(())
                });
                assert_eq!(ended, if end < count { Err(end) } else { Ok(()) });
                assert_eq!(taken, (0..end).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn every_turn_is_done_once() {
        for threads in [1, 2, 7] {
            let threads = NonZeroUsize::new(threads).expect("not zero");
            for count in [0, 1, 5, 1000] {
                let done = share(threads, count, Vec::new, |done, turn| done.push(turn));
                let mut all: Vec<usize> = done.into_iter().flatten().collect();
                all.sort_unstable();
                assert_eq!(all, (0..count).collect::<Vec<_>>());
            }
        }
    }
}
