//! What one slot of a lane does: operation number so-and-so of the mix, over a connection of its own. What it reads is checked.

use std::sync::{Arc, Mutex, PoisonError};

use checker::history::{EventKind, Op, Reply};

use super::{
    engine::{Attempt, Attempted},
    mix::Operations,
    recording::Recorded,
};
use crate::client::errors;

/// So many corruptions are kept in words.
const TOLD_MAX: usize = 5;

/// What was read and cannot be; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Corruptions(Arc<Mutex<Found>>);

#[derive(Debug, Default)]
struct Found {
    count: u64,
    told: Vec<String>,
}

impl Corruptions {
    fn add(&self, region: &str, told: &str) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        found.count += 1;
        if found.told.len() < TOLD_MAX {
            found.told.push(format!("{region}: {told}"));
        }
    }

    /// How many, and the first of them.
    pub(crate) fn found(&self) -> (u64, Vec<String>) {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (found.count, found.told.clone())
    }
}

/// One slot.
pub(crate) struct Slot {
    client: Recorded,
    region: Arc<str>,
    operations: Arc<Operations>,
    corruptions: Corruptions,
}

impl Slot {
    pub(crate) fn new(
        client: Recorded,
        region: Arc<str>,
        operations: Arc<Operations>,
        corruptions: Corruptions,
    ) -> Self {
        Self {
            client,
            region,
            operations,
            corruptions,
        }
    }

    async fn ask(&mut self, op: &Op) -> Option<&'static str> {
        let outcome = self.client.attempt(op).await;
        if let (Op::Read { key, .. }, EventKind::Ok(Reply::Read(observed))) = (op, &outcome)
            && let Err(corruption) = self.operations.explain(*key, observed)
        {
            self.corruptions.add(&self.region, &corruption.to_string());
            return Some(errors::CORRUPT_VALUE);
        }
        errors::of(&outcome)
    }
}

impl Attempt for Slot {
    async fn attempt(&mut self, number: u64) -> Attempted {
        let work = self.operations.work(number);
        let mut error = match work.range {
            Some(range) => self.client.page(range).await,
            None => self.ask(&work.op).await,
        };
        if let (None, Some(then)) = (error, &work.then) {
            error = self.ask(then).await;
        }
        Attempted { error }
    }
}
