//! Connections that are opened for a fault, held, and closed again; both ends of it verified by what the link counts.

use std::{
    collections::BTreeMap,
    net::TcpStream,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::hold::Outcome;
use crate::proxy::Link;

/// How long opening one, or noticing that all are closed, may take.
const LIMIT: Duration = Duration::from_secs(1);

/// How often the link is looked at.
const GLANCE: Duration = Duration::from_millis(5);

/// What is held open, by holder.
#[derive(Default)]
pub(super) struct Storms(Mutex<BTreeMap<String, Vec<TcpStream>>>);

impl Storms {
    /// Opens so many, and holds them.
    pub(super) fn begin(&self, holder: &str, link: &Link, connections: u64) -> Outcome {
        let before = link.traffic().open;
        let mut opened = Vec::new();
        let mut failed = None;
        for _ in 0..connections {
            match TcpStream::connect_timeout(&link.address(), LIMIT) {
                Ok(stream) => opened.push(stream),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        let count = opened.len() as u64;
        if count > 0 {
            self.held().insert(holder.to_owned(), opened);
        }
        match (count, failed) {
            (0, Some(error)) => {
                return Outcome::Skipped(format!(
                    "none of {connections} connections could be opened: {error}"
                ));
            }
            (_, Some(error)) => {
                return Outcome::Indeterminate(format!(
                    "{count} of {connections} connections were opened: {error}"
                ));
            }
            (_, None) => {}
        }
        // Others come and go meanwhile, so half of them is proof enough that they are there.
        if becomes(|| link.traffic().open >= before + count / 2) {
            return Outcome::Installed;
        }
        Outcome::Indeterminate("the link does not show them as open".to_owned())
    }

    /// Closes those of this holder.
    pub(super) fn end(&self, holder: &str, link: &Link) -> Outcome {
        let held = self.held().remove(holder).unwrap_or_default();
        let (before, count) = (link.traffic().open, held.len() as u64);
        drop(held);
        // A link that is cut keeps even the news that a connection was closed; whoever heals the cut lets it through.
        if link.is_cut() {
            let why = "the link is cut, so the region learns it later".to_owned();
            return Outcome::InstalledBut(why);
        }
        if becomes(|| link.traffic().open <= before.saturating_sub(count / 2)) {
            return Outcome::Installed;
        }
        Outcome::InstalledBut("they are closed here, but the region keeps its ends open".to_owned())
    }

    fn held(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<TcpStream>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it becomes so within the limit.
fn becomes(is_so: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !is_so() {
        if begun.elapsed() > LIMIT {
            return false;
        }
        std::thread::sleep(GLANCE);
    }
    true
}
