//! `conditional`: leases. A client takes a lease if nobody has it, or from a holder whom it expects; renews it; gives it back.
//!
//! The lease's value is the write id of the step that took or renewed it, so it names its holder. Leases lie in lanes: one for each
//! region, in which only that region's clients compete, so that at most one of them can hold a lease at a time; and one for everybody, in
//! which two regions may both succeed before they have heard of each other. DynamoDB allows that, so it is counted, not flagged.
//! A holder that does not learn how its step ended gives up: its lease stays behind until somebody takes it by its expected holder.
//!
//! Absent on purpose: expiry by the clock. A lease that ends by itself would need a promise about clocks, which no region gives.

use checker::history::{Condition, EventKind, Key, Op, Reply, Value};

use crate::{
    actor::{Actor, Cast, Follows, Place},
    client::Client,
    demand::Demand,
    options::{Lanes, Options},
    outcome::value_after,
    workload::{Step, Workload},
};

/// Its name on the command line.
pub const NAME: &str = "conditional";

/// The checks that judge its histories.
pub(crate) const CHECKS: &[&str] = &[
    "conditional-writes",
    "region-linearizable",
    "convergence",
    "winner",
    "lost-write",
    "phantom",
    "resurrection",
    "read-your-writes",
    "monotonic-reads",
    "origin-first",
];

/// One step in so many thousand of a client without a lease goes to the lane that everybody shares.
const FOR_EVERYBODY: u64 = 250;

/// A client without a lease reads instead of trying so often in a thousand.
const LOOKS: u64 = 150;

/// A lease is renewed fewer times than this.
const RENEWALS: u64 = 4;

/// The workload with these options. Deletes are what gives a lease back: their number is not an option here.
#[must_use]
pub fn workload(options: &Options) -> Box<dyn Workload> {
    let cast = Cast::new(options, CHECKS).with("mix", options.concurrency, |place| {
        Holder::new(options, place)
    });
    Box::new(cast.with_heartbeats())
}

/// A client that wants leases.
#[derive(Debug)]
struct Holder {
    client: Client,
    lanes: Lanes,
    /// The lease that it holds: the key, the id by which it holds it, and how often it will renew it.
    held: Option<(Key, i64, u64)>,
    /// A holder that it saw last: whom to take a lease from.
    rival: Option<(Key, i64)>,
}

impl Holder {
    fn new(options: &Options, place: Place) -> Self {
        Self {
            client: Client::new(options, NAME, place),
            lanes: Lanes::of_regions_and_everybody(options.regions),
            held: None,
            rival: None,
        }
    }

    /// Renews or gives back.
    fn keep(&mut self, key: Key, id: i64, renewals: u64) -> Op {
        let value = match renewals {
            0 => Value::Absent,
            _ => self.client.ids.issue(),
        };
        Op::Cas {
            key,
            condition: Condition::Equals(Value::Int(id)),
            value,
        }
    }

    /// Takes a lease from the holder seen last, if it is still worth having, or one that it believes to be free.
    fn take(&mut self, at_ns: u64) -> Op {
        let neighbour = self.client.key(at_ns);
        let lane = if self.client.stream.chance(FOR_EVERYBODY) {
            self.lanes.everybody()
        } else {
            u64::from(self.client.region.0)
        };
        let key = self.lanes.key(neighbour, lane);
        if self.client.stream.chance(LOOKS) {
            return Client::read(key);
        }
        let expected = match self.rival.take() {
            Some((seen, holder)) if seen == key => Value::Int(holder),
            Some(_) | None => Value::Absent,
        };
        Op::Cas {
            key,
            condition: Condition::Equals(expected),
            value: self.client.ids.issue(),
        }
    }
}

impl Actor for Holder {
    fn demand(&mut self, demand: Demand) -> Follows {
        self.client.demand(demand);
        Follows::Yes
    }

    fn next(&mut self, now_ns: u64) -> Step {
        let at_ns = self.client.start(now_ns);
        let op = match self.held {
            Some((key, id, renewals)) => self.keep(key, id, renewals),
            None => self.take(at_ns),
        };
        Step { at_ns, op }
    }

    fn observe(&mut self, op: &Op, outcome: &EventKind) {
        let seen = value_after(op, outcome);
        match op {
            Op::Cas { key, value, .. } => {
                let is_done = matches!(outcome, EventKind::Ok(Reply::Done { .. }));
                self.held = match (is_done, value, self.held) {
                    (true, Value::Int(id), Some((_, _, renewals))) => {
                        Some((*key, *id, renewals - 1))
                    }
                    (true, Value::Int(id), None) => {
                        Some((*key, *id, self.client.stream.below(RENEWALS)))
                    }
                    // Given back, refused (somebody took it), or nobody knows.
                    (true, Value::Absent | Value::List(_), _) | (false, _, _) => None,
                };
                if let (false, Some(Value::Int(holder))) = (is_done, seen) {
                    self.rival = Some((*key, holder));
                }
            }
            Op::Read { key, .. } => {
                if let Some(Value::Int(holder)) = seen {
                    self.rival = Some((*key, holder));
                }
            }
            Op::Write { .. }
            | Op::Delete { .. }
            | Op::AddToSet { .. }
            | Op::Increment { .. }
            | Op::Append { .. }
            | Op::Transact { .. }
            | Op::Scan
            | Op::Stream => unreachable!("a holder does not ask for {op:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{options::options_for_tests, stage::Stage};

    #[test]
    fn leases_are_taken_renewed_taken_over_and_given_back() {
        let play = Stage::new(&options_for_tests(3)).play(workload(&options_for_tests(3)), 30);
        let count = |wanted: fn(&Condition, &Value, bool) -> bool| {
            let hits = play.iter().filter(|act| {
                if let Op::Cas {
                    condition, value, ..
                } = &act.step.op
                {
                    wanted(condition, value, act.is_ok())
                } else {
                    false
                }
            });
            hits.count()
        };
        let acquired =
            count(|condition, _, ok| ok && *condition == Condition::Equals(Value::Absent));
        let refused = count(|_, _, ok| !ok);
        let given_back = count(|_, value, ok| ok && *value == Value::Absent);
        let from_holders = count(|condition, value, ok| {
            ok && *condition != Condition::Equals(Value::Absent) && *value != Value::Absent
        });
        for figure in [acquired, refused, given_back, from_holders] {
            assert!(
                figure > 100,
                "{acquired} acquired, {refused} refused, {given_back} given back, {from_holders} renewed or taken over"
            );
        }
    }

    #[test]
    fn a_region_keeps_to_its_lane_and_the_shared_one() {
        let lanes = Lanes::of_regions_and_everybody(3);
        let play = Stage::new(&options_for_tests(4)).play(workload(&options_for_tests(4)), 30);
        let mut shared = 0;
        for act in play.iter().filter(|act| act.role == "mix") {
            let lane = lanes.lane(act.key());
            shared += u32::from(lane == lanes.everybody());
            assert!(lane == lanes.everybody() || lane == u64::from(act.region.0));
        }
        assert!(shared > 100, "{shared} steps in the shared lane");
    }
}
