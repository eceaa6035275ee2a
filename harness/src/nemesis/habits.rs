//! What the clients of a run do differently while a fault lasts, and how much of it they did.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use serde::{Deserialize, Serialize};
use workloads::demand::{Demand, Focus};

use super::hold::{Field, Outcome};
use crate::client::Forgery;

/// The clients of a run.
pub(crate) trait Clients: Send + Sync {
    /// Tells them how much to do, and on which keys; returns how many follow.
    fn demand(&self, demand: Demand) -> usize;

    /// How many operations they have begun.
    fn begun_count(&self) -> u64;

    /// What makes them write versions of their own; `None` where they do not speak DynamoDB's API.
    fn forgery(&self) -> Option<&Forgery>;
}

/// Clients that nobody can tell anything: those of a load keep its schedule, those of a cluster for people are people.
pub(crate) struct NoClients;

impl Clients for NoClients {
    fn demand(&self, _: Demand) -> usize {
        0
    }

    fn begun_count(&self) -> u64 {
        0
    }

    fn forgery(&self) -> Option<&Forgery> {
        None
    }
}

/// Something that clients do differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "habit", rename_all = "kebab-case")]
pub(crate) enum Habit {
    /// So many times as many operations. At least 1.
    Burst {
        /// How many times.
        times: u64,
    },
    /// All on the same key.
    HotKey,
    /// They write the attributes in which a global table of version 2017.11.29 shows when and where an item was written.
    ForgedStamps,
}

/// Habits by who told them.
#[derive(Default)]
pub(super) struct Habits(Mutex<BTreeMap<String, Since>>);

/// A habit and what was counted when it began.
#[derive(Clone, Copy, Debug)]
struct Since {
    habit: Habit,
    when: Instant,
    begun: u64,
    forged: u64,
}

impl Field {
    /// Tells clients of a habit.
    pub(super) fn begin_habit(&self, habit: Habit, holder: &str) -> Outcome {
        let since = Since {
            habit,
            when: Instant::now(),
            begun: self.clients.begun_count(),
            forged: self.clients.forgery().map_or(0, Forgery::count),
        };
        self.habits().insert(holder.to_owned(), since);
        let follow = self.tell_clients();
        let wanting = match habit {
            Habit::Burst { .. } | Habit::HotKey if follow == 0 => {
                "no client of this workload draws its keys and its pace so that it could follow"
            }
            Habit::ForgedStamps if self.clients.forgery().is_none() => {
                "the clients write no such attributes"
            }
            Habit::Burst { .. } | Habit::HotKey | Habit::ForgedStamps => return Outcome::Installed,
        };
        self.habits().remove(holder);
        self.tell_clients();
        Outcome::Skipped(wanting.to_owned())
    }

    /// Tells them that it is over, and says what they did.
    pub(super) fn end_habit(&self, holder: &str) -> Outcome {
        let since = self.habits().remove(holder);
        self.tell_clients();
        let Some(since) = since else {
            return Outcome::Skipped("nobody had told the clients".to_owned());
        };
        let did = match since.habit {
            Habit::Burst { .. } | Habit::HotKey => {
                let begun = self.clients.begun_count() - since.begun;
                let seconds = since.when.elapsed().as_secs_f64().max(0.001);
                format!(
                    "{begun} operations began meanwhile, {:.0} a second",
                    begun as f64 / seconds
                )
            }
            Habit::ForgedStamps => {
                let forged = self.clients.forgery().map_or(0, Forgery::count);
                let count = forged - since.forged;
                format!("{count} requests named a version of their own")
            }
        };
        Outcome::InstalledBut(did)
    }

    /// Tells clients what all habits come to together; returns how many follow.
    fn tell_clients(&self) -> usize {
        let habits: Vec<Habit> = self.habits().values().map(|since| since.habit).collect();
        if let Some(forgery) = self.clients.forgery() {
            match habits.contains(&Habit::ForgedStamps) {
                true => forgery.begin(),
                false => forgery.end(),
            }
        }
        let mut demand = Demand::USUAL;
        for habit in habits {
            match habit {
                Habit::Burst { times } => demand.rate_times = demand.rate_times.max(times),
                Habit::HotKey => demand.keys = Focus::OneKey,
                Habit::ForgedStamps => {}
            }
        }
        self.clients.demand(demand)
    }

    fn habits(&self) -> MutexGuard<'_, BTreeMap<String, Since>> {
        self.habits.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
