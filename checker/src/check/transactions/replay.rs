//! Makes an order and replays it: each node in its turn must see what is there.
//!
//! The graph says what must come before a node. Beyond that a version may be replaced only when all that saw it have had their turn; among
//! nodes that may come, the one that had to happen earliest comes first. Where that choice was wrong the replay gets stuck, which
//! proves nothing; where it ends, the order is a proof.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::num::NonZeroU32;

use super::gather::Nodes;
use super::graph::Graph;
use super::lines::Lines;
use crate::small::small;

/// What happens to a key at a node: it sees a version, or none, or writes one.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    key: u32,
    /// The place of the version.
    version: Option<NonZeroU32>,
}

impl Step {
    fn new(key: usize, version: Option<usize>) -> Self {
        let version = version.and_then(|place| NonZeroU32::new(small(place + 1)));
        Self {
            key: small(key),
            version,
        }
    }
}

struct Replay<'g> {
    nodes: &'g Nodes,
    graph: &'g Graph,
    sees: &'g Lines<Step>,
    writes: &'g Lines<Step>,
    waiting: Vec<u32>,
    ready: BinaryHeap<Reverse<(u64, u32)>>,
    /// By key: what is there, how many have yet to see it, and who waits to replace it.
    current: Vec<Option<NonZeroU32>>,
    unseen: Vec<usize>,
    parked: Vec<Vec<u32>>,
    /// Points that nothing has to come before any more.
    free: Vec<u32>,
}

/// Whether an order was found that the graph allows and that explains what every node saw.
pub(super) fn explains(nodes: &Nodes, graph: &Graph) -> bool {
    let (sees, writes) = (sees(nodes), writes(nodes));
    let mut replay = Replay::new(nodes, graph, &sees, &writes);
    let mut count = 0;
    while let Some(Reverse((_, node))) = replay.ready.pop() {
        match replay.turn(node) {
            Turn::Done => count += 1,
            Turn::Waits => {}
            Turn::Impossible => return false,
        }
    }
    count == nodes.all.len()
}

enum Turn {
    Done,
    Waits,
    Impossible,
}

impl<'g> Replay<'g> {
    fn new(
        nodes: &'g Nodes,
        graph: &'g Graph,
        sees: &'g Lines<Step>,
        writes: &'g Lines<Step>,
    ) -> Self {
        let waiting = graph.lines.before_counts();
        let free = (0..).zip(&waiting).filter(|(_, count)| **count == 0);
        let mut replay = Self {
            nodes,
            graph,
            sees,
            writes,
            ready: BinaryHeap::new(),
            current: vec![None; nodes.keys.len()],
            unseen: nodes
                .keys
                .iter()
                .map(|k| distinct(&k.first_readers))
                .collect(),
            parked: vec![Vec::new(); nodes.keys.len()],
            free: free.map(|(point, _)| point).collect(),
            waiting,
        };
        replay.go_on();
        replay
    }

    /// Passes the moments that are free, and makes the nodes that are ready.
    fn go_on(&mut self) {
        while let Some(point) = self.free.pop() {
            if let Some(node) = self.nodes.all.get(point as usize) {
                self.ready.push(Reverse((node.return_ns, point)));
            } else {
                self.pass(point);
            }
        }
    }

    /// What has waited for nothing but this point is free.
    fn pass(&mut self, point: u32) {
        for after in self.graph.lines.after(point as usize) {
            let count = &mut self.waiting[*after as usize];
            *count -= 1;
            if *count == 0 {
                self.free.push(*after);
            }
        }
    }

    fn turn(&mut self, node: u32) -> Turn {
        let (sees, writes) = (
            self.sees.after(node as usize),
            self.writes.after(node as usize),
        );
        let differs = |step: &Step| self.current[step.key as usize] != step.version;
        if sees.iter().any(differs) {
            return Turn::Impossible;
        }
        for step in writes {
            let sees_it = sees.iter().any(|seen| seen.key == step.key);
            if self.unseen[step.key as usize] > usize::from(sees_it) {
                self.parked[step.key as usize].push(node);
                return Turn::Waits;
            }
        }
        for step in sees {
            let unseen = &mut self.unseen[step.key as usize];
            *unseen -= 1;
            if *unseen <= 1 {
                for parked in std::mem::take(&mut self.parked[step.key as usize]) {
                    let return_ns = self.nodes.all[parked as usize].return_ns;
                    self.ready.push(Reverse((return_ns, parked)));
                }
            }
        }
        for step in writes {
            let key = step.key as usize;
            self.current[key] = step.version;
            let place = step.version.expect("it writes one").get() as usize - 1;
            self.unseen[key] = distinct(self.nodes.keys[key].readers.after(place));
        }
        self.pass(node);
        self.go_on();
        Turn::Done
    }
}

/// How many different nodes these are.
fn distinct(nodes: &[u32]) -> usize {
    let mut nodes = nodes.to_vec();
    nodes.sort_unstable();
    nodes.dedup();
    nodes.len()
}

/// Which versions each node sees, each once, in the order of the keys.
fn sees(nodes: &Nodes) -> Lines<Step> {
    let mut steps = Vec::new();
    for (key, versions) in nodes.keys.iter().enumerate() {
        let places = (0..versions.versions.len()).map(|place| {
            let readers = versions.readers.after(place);
            (Some(place), readers)
        });
        let first = (None, versions.first_readers.as_slice());
        for (version, readers) in [first].into_iter().chain(places) {
            let mut readers = readers.to_vec();
            readers.sort_unstable();
            readers.dedup();
            let step = Step::new(key, version);
            steps.extend(readers.into_iter().map(|node| (node, step)));
        }
    }
    Lines::new(nodes.all.len(), &steps)
}

/// Which versions each node writes, in the order of the keys.
fn writes(nodes: &Nodes) -> Lines<Step> {
    let mut steps = Vec::new();
    for (key, versions) in nodes.keys.iter().enumerate() {
        for (place, version) in versions.versions.iter().enumerate() {
            steps.push((version.writer, Step::new(key, Some(place))));
        }
    }
    Lines::new(nodes.all.len(), &steps)
}
