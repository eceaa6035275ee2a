//! Work in turns that do not depend on one another, shared among threads. The only place that starts any.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

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

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::share;

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
