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
//! local). Known are the order of versions in time, what a writer read or replaced, stamps where they were seen, and the elements of lists;
//! what all of these force is a graph, and a circle in it is a violation. Where there is none, an order is made and replayed, and only
//! an order that explains everything is a pass. When none is found the answer is `unknown`: old images, stamps, or transactions
//! that read what they replace make the order of versions known.
//!
//! Other regions get each item by itself, when it comes: that halves of transactions are seen there is measured
//! (`torn_transactions_count`) and never a violation. Absent items of keys that are ever deleted, values that were written twice, and items that
//! are neither registers nor lists constrain nothing.

mod gather;
mod graph;
mod happened;
mod lines;
mod replay;
mod saturate;

use std::collections::BTreeSet;

use super::case::{Builder, ByKey, Item};
use super::evidence::{Evidence, Findings, key_words, region_name};
use super::frontier::at;
use crate::history::{Ending, History, Key, MicroOp, MicroReply, Op, Operation, RegionId, Reply};
use crate::history::{Observed, Value};
use crate::shrink;
use crate::verdict::Violation;
use gather::{Gathering, Nodes};
use graph::Span;
use happened::Happened;

/// How many operations are searched for the evidence when the circle alone does not show it.
const SEARCHED_COUNT: usize = 400;
/// The most operations whose forced order is worked out pair by pair when replaying fails.
const SATURATED_COUNT: usize = 1_500;

pub(super) fn run(history: &History) -> Findings {
    let mut findings = Findings::default();
    findings.nothing(0, "no transaction succeeded");
    let mut regions = BTreeSet::new();
    for operation in &history.operations {
        let Op::Transact { ops } = &operation.op else {
            continue;
        };
        if !matches!(operation.ending, Ending::Failed { .. }) {
            regions.insert(operation.region);
        }
        if let Ending::Ok(Reply::Transact(results)) = &operation.ending {
            findings.is_judged = true;
            if let Some(key) = contradicts_itself(ops, results) {
                findings.add(|| itself(history, operation, key));
            }
        }
    }
    let regions: Vec<RegionId> = regions.into_iter().collect();
    for (region, nodes) in regions.iter().zip(gather(history, &regions)) {
        judge(history, *region, &nodes, &mut findings);
    }
    findings
}

/// Gathers what happened in each of these regions to the keys of its transactions.
fn gather(history: &History, regions: &[RegionId]) -> Vec<Nodes> {
    let keys: Vec<BTreeSet<Key>> = regions.iter().map(|r| keys(history, *r)).collect();
    let items = Items::new(history, keys.iter().flatten().copied().collect());
    let mut happened = Happened::new(history);
    items.iter().for_each(|item| happened.add(&item));
    let gathering = |region: &RegionId| Gathering::new(history, &happened, *region);
    let mut all: Vec<Gathering<'_>> = regions.iter().map(gathering).collect();
    for item in items.iter() {
        for (gathering, keys) in all.iter_mut().zip(&keys) {
            if keys.contains(&item.key) {
                gathering.add(&item);
            }
        }
    }
    all.into_iter().map(Gathering::finish).collect()
}

/// What the graph of a region says.
enum Answer {
    Explained,
    /// These contradict one another; perhaps fewer do.
    Broken(Shown),
    Unknown,
}

fn judge(history: &History, region: RegionId, nodes: &Nodes, findings: &mut Findings) {
    match decide(nodes) {
        Answer::Explained => {}
        Answer::Broken(shown) => {
            findings.add(|| violation(history, nodes, region, shown));
        }
        Answer::Unknown => findings.cannot_tell(format!(
            "no order of the operations in {} was found that explains them all, and none that contradicts them: let transactions read what they replace, or make stamps or old images visible",
            region_name(history, at(region))
        )),
    }
}

fn decide(nodes: &Nodes) -> Answer {
    let graph = graph::Graph::new(nodes);
    if let Some(circle) = graph.circle() {
        return Answer::Broken(operations(nodes, &circle));
    }
    if replay::explains(nodes, &graph) {
        return Answer::Explained;
    }
    if nodes.all.len() > SATURATED_COUNT {
        return Answer::Unknown;
    }
    match saturate::saturate(nodes, &graph) {
        Err(circle) => Answer::Broken(operations(nodes, &circle)),
        Ok(forced) if replay::explains(nodes, &forced) => Answer::Explained,
        Ok(_) => Answer::Unknown,
    }
}

/// The operations of nodes, of those that bound the versions that they name, and of the sightings that show the order of these.
fn operations(nodes: &Nodes, circle: &[usize]) -> Shown {
    let mut shown = Shown::default();
    let mut named: BTreeSet<usize> = circle.iter().copied().collect();
    for key in &nodes.keys {
        for (place, version) in key.versions.iter().enumerate() {
            let readers = key.readers.after(place);
            let is_named = |node: &u32| circle.contains(&(*node as usize));
            if readers.iter().any(is_named) || is_named(&version.writer) {
                let span = Span::new(nodes, key, place);
                let ends = [span.first_return.1, span.last_call.1];
                named.extend(ends.map(|node| node as usize));
                shown.operations.extend(version.shown.map(|o| o as usize));
                shown.operations.extend(key.shown);
                shown
                    .context
                    .push(nodes.all[version.writer as usize].operation);
                shown.context.extend(key.delete);
            }
        }
    }
    shown
        .operations
        .extend(named.iter().map(|n| nodes.all[*n].operation));
    shown
}

/// Operations that contradict one another, and the writes of what they saw.
#[derive(Default)]
struct Shown {
    operations: Vec<usize>,
    context: Vec<usize>,
}

/// The keys that transactions of a region touch.
fn keys(history: &History, region: RegionId) -> BTreeSet<Key> {
    let own = history.operations.iter().filter(|o| o.region == region);
    let steps = own.filter_map(|operation| match &operation.op {
        Op::Transact { ops } => Some(ops.iter().map(MicroOp::key)),
        Op::Read { .. } | Op::Write { .. } | Op::Cas { .. } | Op::Delete { .. } => None,
        Op::AddToSet { .. } | Op::Increment { .. } | Op::Append { .. } => None,
        Op::Scan | Op::Stream => None,
    });
    steps.flatten().collect()
}

/// The items of some keys, made one at a time whenever they are asked for: all at once would take several times the memory of the history.
pub(crate) struct Items<'h> {
    builder: Builder<'h>,
    by_key: ByKey,
    keys: BTreeSet<Key>,
}

impl<'h> Items<'h> {
    fn new(history: &'h History, keys: BTreeSet<Key>) -> Self {
        Self {
            builder: Builder::new(history),
            by_key: ByKey::new(history),
            keys,
        }
    }

    /// Those of all keys that transactions touch.
    pub(crate) fn of_transactions(history: &'h History) -> Self {
        let regions = 0..history.header.regions.len();
        let regions = regions.map(|i| RegionId(u8::try_from(i).expect("at most 255 regions")));
        Self::new(history, regions.flat_map(|r| keys(history, r)).collect())
    }

    /// In the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Item<'h>> {
        let touched = self.by_key.iter();
        let touched = touched.filter(|(key, _)| self.keys.contains(key));
        touched.map(|(key, touches)| self.builder.item(key, touches))
    }
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

fn itself(history: &History, operation: &Operation, key: Key) -> Violation {
    let lines = |o: &Operation| o.line_invoke.cmp(&operation.line_invoke);
    let index = history.operations.binary_search_by(lines).unwrap_or(0);
    let key = key_words(history, key);
    Evidence::across(history)
        .with(index, "it saw two things at one instant")
        .because(format!(
            "{key}: one transaction saw it hold two different things, or something else than the transaction had just written"
        ))
}

fn violation(history: &History, nodes: &Nodes, region: RegionId, shown: Shown) -> Violation {
    let is_broken = |part: &History| {
        let nodes = gather(part, &[region]);
        nodes.iter().any(|n| matches!(decide(n), Answer::Broken(_)))
    };
    let least = shrink::core(history, &shown.operations, &shown.context, is_broken).or_else(|| {
        let all: Vec<usize> = nodes.all.iter().map(|n| n.operation).collect();
        (all.len() <= SEARCHED_COUNT).then(|| shrink::core(history, &all, &[], is_broken))?
    });
    let mut evidence = Evidence::across(history);
    for operation in least.unwrap_or(shown.operations) {
        evidence = evidence.with(operation, "it happened at one instant in between");
    }
    evidence.because(format!(
        "in {}, no order of these operations, each at one instant and whole, explains what they saw",
        region_name(history, at(region))
    ))
}
