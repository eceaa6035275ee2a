//! **Property.** In the region that was asked, a transaction happens at one instant, all of it or nothing: transactions and operations on single
//! items have one order that fits all calls and returns and explains what each of them saw.
//!
//! **Source.** Amazon DynamoDB Developer Guide, "DynamoDB transactions": serializable isolation between transactions and single operations, in
//! one region; of global tables, "transactional operations provide atomicity only in the region where the write is made". Strict
//! serializability: Papadimitriou 1979; the graph of versions: Adya 1999. Invariant I17.
//!
//! **Examples that break it.** `us:t(1w5;2w5)[0-9] us:t(1r5;2r-)[2-3]`: half of the transaction was seen. `us:t(1r-;2w5)[0-9] us:t(2r-;1w6)[0-9]`:
//! each of the two read what the other replaced, so each must be first. A condition that held is written as a step that reads what it required.
//!
//! Only keys that transactions of the region touch are judged; all others have orders of their own (Herlihy and Wing 1990: linearizability is
//! local). First an order is looked for: of each item an order of its versions leaves every transaction a window of time, and instants that fit
//! all windows are a proof. Where there are none, of the items at which they fail, then of all, everything is drawn that is known: the order
//! of versions in time, what a writer read or replaced, stamps where they were seen, and the elements of lists. What all of these force is
//! a graph, and a circle in it is a violation. Where there is none, an order is made and replayed, and only an order that explains
//! everything is a pass. When none is found the answer is `unknown`: old images, stamps, or transactions that read what they replace make
//! the order of versions known.
//!
//! Other regions get each item by itself, when it comes: that halves of transactions are seen there is measured
//! (`torn_transactions_count`) and never a violation. Absent items of keys that are ever deleted, values that were written twice, and items that
//! are neither registers nor lists constrain nothing.

mod evidence;
mod gather;
mod graph;
mod lines;
mod replay;
mod saturate;
mod sketch;
mod turns;
mod windows;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use super::case::{Builder, ByKey, Item, Touch};
use super::evidence::{Findings, region_name};
use super::frontier::at;
use crate::history::{Ending, Header, History, Key, MicroOp, MicroReply, Op, RegionId, Reply};
use crate::history::{Observed, Value};
use crate::measure::torn;
use crate::parallel;
use crate::small::small;
use crate::table::Table;
pub(crate) use evidence::Suspicion;
use gather::{Nodes, gather, happened};
pub(crate) use sketch::{Asked, Look, NEVER, Shows, Sketch};
use windows::Items;

/// The most operations whose forced order is worked out pair by pair when replaying fails.
const SATURATED_COUNT: usize = 1_500;

/// What concerns transactions, gathered item by item and judged together.
#[derive(Default)]
pub(crate) struct Together {
    /// The items that transactions touch.
    sketches: Vec<Sketch>,
    /// The regions of transactions that may have succeeded.
    regions: BTreeSet<RegionId>,
    /// Whether any transaction writes more than one item.
    has_several_writes: bool,
}

impl Together {
    /// All of a history.
    fn of(history: &History) -> (Self, Findings) {
        let (builder, by_key) = (Builder::new(history), ByKey::new(history));
        let (mut together, mut findings) = (Self::default(), Findings::default());
        for (key, touches) in by_key.iter() {
            if touches.iter().any(|t| is_by_transaction(history, *t)) {
                let item = builder.item(key, touches);
                findings.merge(together.take(history, &item, touches, &small));
            }
        }
        (together, findings)
    }

    /// Takes what concerns transactions of an item, if any touches it, and judges what each by itself says of it. Operations have these names.
    pub(crate) fn take(
        &mut self,
        history: &History,
        item: &Item<'_>,
        touches: &[Touch],
        name: &dyn Fn(usize) -> u32,
    ) -> Findings {
        let mut findings = Findings::default();
        let mut regions = Vec::new();
        let mut last = None;
        for touch in touches.iter().filter(|t| is_by_transaction(history, **t)) {
            if last.replace(touch.operation()) == Some(touch.operation()) {
                continue;
            }
            let operation = &history.operations[touch.operation()];
            if !regions.contains(&operation.region) {
                regions.push(operation.region);
            }
            if !matches!(operation.ending, Ending::Failed { .. }) {
                self.regions.insert(operation.region);
            }
            let Op::Transact { ops } = &operation.op else {
                continue;
            };
            let is_write = |op: &&MicroOp| matches!(op, MicroOp::Write(..));
            self.has_several_writes |= ops.iter().filter(is_write).count() > 1;
            if let Ending::Ok(Reply::Transact(results)) = &operation.ending {
                findings.is_judged = true;
                if contradicts_itself(ops, results) == Some(item.key) {
                    findings.add(|| evidence::itself(history, touch.operation(), item.key));
                }
            }
        }
        if !regions.is_empty() {
            let sketch = Sketch::new(history, item, regions, name);
            self.sketches.push(sketch);
        }
        findings
    }

    /// Takes in what concerns other items.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.sketches.extend(other.sketches);
        self.regions.extend(other.regions);
        self.has_several_writes |= other.has_several_writes;
    }

    /// Puts the items in the order of their keys, in which they are judged.
    pub(crate) fn in_order(&mut self) {
        self.sketches.sort_by_key(|sketch| sketch.key);
    }

    /// The items.
    pub(crate) fn sketches(&self) -> &[Sketch] {
        &self.sketches
    }

    /// Whether any transaction writes more than one item.
    pub(crate) fn has_several_writes(&self) -> bool {
        self.has_several_writes
    }

    /// Judges all items of each region together, and counts what is seen of transactions elsewhere. A violation is a suspicion until somebody
    /// has the operations that it is about. Only what is counted is worked out if nothing else is asked for.
    pub(crate) fn judge(&self, header: &Header, threads: NonZeroUsize, is_asked: bool) -> Judged {
        let regions = self.regions.iter().copied().filter(|_| is_asked);
        let regions: Vec<RegionId> = regions.collect();
        let happened = happened(&self.sketches);
        let begin = || (Vec::new(), BTreeMap::new());
        let judge = |(answers, figures): &mut (Vec<_>, BTreeMap<_, _>), turn: usize| match regions
            .get(turn)
        {
            Some(region) => answers.push((*region, self.answer(*region, &happened))),
            None => torn(self, header.regions.len(), figures),
        };
        let mut judged = Judged::default();
        judged.findings.nothing(0, "no transaction succeeded");
        let mut answers = Vec::new();
        for (own, figures) in parallel::share(threads, regions.len() + 1, begin, judge) {
            answers.extend(own);
            judged.figures.extend(figures);
        }
        answers.sort_by_key(|(region, _)| *region);
        for (region, answer) in answers {
            match answer {
                Answer::Explained => {}
                Answer::Broken(suspicion) => judged.suspicions.push(suspicion),
                Answer::Unknown => judged.findings.cannot_tell(format!(
                    "no order of the operations in {} was found that explains them all, and none that contradicts them: let transactions read what they replace, or make stamps or old images visible",
                    region_name(header, at(region))
                )),
            }
        }
        judged
    }

    /// What is found in a region.
    fn answer(&self, region: RegionId, happened: &Table<u64>) -> Answer {
        let Err(items) = windows::explain(&self.sketches, happened, region) else {
            return Answer::Explained;
        };
        if let Some(suspicion) = self.contradiction(region, happened, items) {
            return Answer::Broken(suspicion);
        }
        let nodes = gather(self.sketches.iter(), happened, region);
        match decide(&nodes) {
            Decided::Explained => Answer::Explained,
            Decided::Broken(circle) => Answer::Broken(Suspicion::new(region, &nodes, &circle)),
            Decided::Unknown => Answer::Unknown,
        }
    }

    /// What contradicts itself in these few items of a region, and in all other items of the transactions that do: what was seen of those
    /// shows when they had happened.
    fn contradiction(
        &self,
        region: RegionId,
        happened: &Table<u64>,
        mut items: Items,
    ) -> Option<Suspicion> {
        loop {
            let sketches = items.iter().map(|item| &self.sketches[*item]);
            let nodes = gather(sketches, happened, region);
            let Decided::Broken(circle) = decide(&nodes) else {
                return None;
            };
            let named: BTreeSet<u32> = circle.iter().map(|n| nodes.all[*n].operation).collect();
            let is_named = |sketch: &Sketch| {
                let mut asked = sketch.asked.iter().filter(|a| a.is_transaction);
                asked.any(|asked| named.contains(&asked.id))
            };
            let before = items.len();
            let all = self.sketches.iter().enumerate();
            items.extend(all.filter(|(_, s)| is_named(s)).map(|(item, _)| item));
            if items.len() == before {
                return Some(Suspicion::new(region, &nodes, &circle));
            }
        }
    }

    /// Whether the items of a region contradict one another.
    fn is_broken_in(&self, region: RegionId) -> bool {
        let answer = self.answer(region, &happened(&self.sketches));
        matches!(answer, Answer::Broken(_))
    }
}

/// What was found in items together.
#[derive(Default)]
pub(crate) struct Judged {
    pub(crate) findings: Findings,
    pub(crate) suspicions: Vec<Suspicion>,
    /// What was counted, by name.
    pub(crate) figures: BTreeMap<String, f64>,
}

/// Whether transactions contradict one another, or themselves.
pub(super) fn is_broken(history: &History) -> bool {
    let (together, findings) = Together::of(history);
    let mut regions = together.regions.iter();
    findings.violation_count > 0 || regions.any(|region| together.is_broken_in(*region))
}

/// What is found in a region.
enum Answer {
    Explained,
    Broken(Suspicion),
    Unknown,
}

/// What the nodes of a region say.
enum Decided {
    Explained,
    /// These contradict one another; perhaps fewer do.
    Broken(Vec<usize>),
    Unknown,
}

fn decide(nodes: &Nodes) -> Decided {
    let graph = graph::Graph::new(nodes);
    if let Some(circle) = graph.circle() {
        return Decided::Broken(circle);
    }
    if replay::explains(nodes, &graph) {
        return Decided::Explained;
    }
    if nodes.all.len() > SATURATED_COUNT {
        return Decided::Unknown;
    }
    match saturate::saturate(nodes, &graph) {
        Err(circle) => Decided::Broken(circle),
        Ok(forced) if replay::explains(nodes, &forced) => Decided::Explained,
        Ok(_) => Decided::Unknown,
    }
}

fn is_by_transaction(history: &History, touch: Touch) -> bool {
    let operation = &history.operations[touch.operation()];
    matches!(operation.op, Op::Transact { .. })
}

/// A key of which a transaction saw two things, or something else than it had just written.
fn contradicts_itself(ops: &[MicroOp], results: &[MicroReply]) -> Option<Key> {
    let mut known: Vec<(Key, &Value)> = Vec::new();
    for (op, result) in ops.iter().zip(results) {
        let key = op.key();
        let before = known.iter_mut().find(|(own, _)| *own == key);
        match (op, result) {
            (MicroOp::Read(_), MicroReply::Read(Observed { value, .. })) => match before {
                Some((_, before)) if *before != value => return Some(key),
                Some(_) => {}
                None => known.push((key, value)),
            },
            (MicroOp::Write(_, value), _) => match before {
                Some((_, before)) => *before = value,
                None => known.push((key, value)),
            },
            // What a list holds after an append depends on what it held before.
            (MicroOp::Append(..), _) => known.retain(|(own, _)| *own != key),
            (MicroOp::Read(_), MicroReply::Done) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
