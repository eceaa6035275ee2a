//! What one slot of a lane does: operation number so-and-so of the mix, over a connection of its own.

use checker::history::EventKind;

use super::{
    engine::{Attempt, Attempted},
    mix::Mix,
};
use crate::client::{Client, errors};

/// One slot.
pub(crate) struct Slot {
    client: Client,
    mix: Mix,
}

impl Slot {
    pub(crate) fn new(client: Client, mix: Mix) -> Self {
        Self { client, mix }
    }
}

impl Attempt for Slot {
    async fn attempt(&mut self, number: u64) -> Attempted {
        let outcome = self.client.attempt(&self.mix.op(number)).await;
        Attempted {
            error: code(&outcome),
        }
    }

    fn kind(&self, number: u64) -> usize {
        self.mix.kind(number)
    }
}

/// The code of an outcome that is none to be wished for.
pub(crate) fn code(outcome: &EventKind) -> Option<&'static str> {
    match outcome {
        EventKind::Ok(_) => None,
        EventKind::Fail { error, .. } | EventKind::Info { error } => {
            Some(errors::look_up(error).map_or(errors::UNREGISTERED, |row| row.code))
        }
        EventKind::Invoke(_) => unreachable!("an attempt does not end with its beginning"),
    }
}
