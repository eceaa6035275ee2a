//! The evidence: which operations contradict one another, and as few of them as still do.

use std::collections::BTreeSet;

use super::Together;
use super::gather::Nodes;
use super::graph::Span;
use super::sketch::Sketch;
use crate::check::evidence::{Evidence, key_words, region_name};
use crate::check::frontier::at;
use crate::history::{History, Key, RegionId};
use crate::shrink;
use crate::small::small;
use crate::verdict::Violation;

/// How many operations are searched for the evidence when the circle alone does not show it.
const SEARCHED_COUNT: usize = 400;

/// Operations of a region that contradict one another, by their names.
#[derive(Debug)]
pub(crate) struct Suspicion {
    region: RegionId,
    operations: BTreeSet<u32>,
    /// Writes of what they saw.
    context: BTreeSet<u32>,
    /// All operations of the region, if they are few.
    all: BTreeSet<u32>,
}

impl Suspicion {
    /// Of the operations of nodes, of those that bound the versions that they name, and of the sightings that show the order of these.
    pub(super) fn new(region: RegionId, nodes: &Nodes, circle: &[usize]) -> Self {
        let circle: BTreeSet<u32> = circle.iter().map(|node| small(*node)).collect();
        let mut named = circle.clone();
        let operation = |node: u32| nodes.all[node as usize].operation;
        let (mut operations, mut context) = (BTreeSet::new(), BTreeSet::new());
        for key in &nodes.keys {
            for (place, version) in key.versions.iter().enumerate() {
                let mut readers = key.readers.after(place).iter();
                if readers.any(|node| circle.contains(node)) || circle.contains(&version.writer) {
                    let span = Span::new(nodes, key, place);
                    named.extend([span.first_return.1, span.last_call.1]);
                    operations.extend(version.shown);
                    operations.extend(key.shown);
                    context.insert(operation(version.writer));
                    context.extend(key.delete);
                }
            }
        }
        operations.extend(named.into_iter().map(operation));
        let all = nodes
            .all
            .iter()
            .filter(|_| nodes.all.len() <= SEARCHED_COUNT);
        Self {
            region,
            operations,
            context,
            all: all.map(|node| node.operation).collect(),
        }
    }

    /// The items that any of the operations is about.
    pub(crate) fn keys(&self, sketches: &[Sketch]) -> BTreeSet<Key> {
        let is_about = |sketch: &&Sketch| {
            let mut asked = sketch.asked.iter().map(|asked| asked.id);
            asked.any(|id| {
                let all = [&self.operations, &self.context, &self.all];
                all.iter().any(|own| own.contains(&id))
            })
        };
        sketches.iter().filter(is_about).map(|s| s.key).collect()
    }

    /// The violation, with as few operations as show it. The history has at least all operations of these keys; `index` tells where one is.
    pub(crate) fn violation(&self, history: &History, index: impl Fn(u32) -> usize) -> Violation {
        let indices =
            |ids: &BTreeSet<u32>| -> Vec<usize> { ids.iter().map(|i| index(*i)).collect() };
        let is_broken = |part: &History| Together::of(part).0.is_broken_in(self.region);
        let operations = indices(&self.operations);
        let least = shrink::core(history, &operations, &indices(&self.context), is_broken);
        let least = least.or_else(|| match self.all.is_empty() {
            true => None,
            false => shrink::core(history, &indices(&self.all), &[], is_broken),
        });
        let mut evidence = Evidence::across(history);
        for operation in least.unwrap_or(operations) {
            evidence = evidence.with(operation, "it happened at one instant in between");
        }
        evidence.because(format!(
            "in {}, no order of these operations, each at one instant and whole, explains what they saw",
            region_name(&history.header, at(self.region))
        ))
    }
}

/// That a transaction saw two things in an item.
pub(super) fn itself(history: &History, operation: usize, key: Key) -> Violation {
    let key = key_words(history, key);
    Evidence::across(history)
        .with(operation, "it saw two things at one instant")
        .because(format!(
            "{key}: one transaction saw it hold two different things, or something else than the transaction had just written"
        ))
}
