//! Makes an order and replays it: each node in its turn must see what is there.
//!
//! The graph says what must come before a node. Beyond that a version may be replaced only when all that saw it have had their turn; among
//! nodes that may come, the one that had to happen earliest comes first. Where that choice was wrong the replay gets stuck, which
//! proves nothing; where it ends, the order is a proof.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::gather::Nodes;
use super::graph::Graph;

/// What a node sees and writes, as keys and places of versions.
#[derive(Clone, Debug, Default)]
struct Steps {
    sees: Vec<(usize, Option<usize>)>,
    writes: Vec<(usize, usize)>,
}

struct Replay<'g> {
    nodes: &'g Nodes,
    graph: &'g Graph,
    forced: Vec<Vec<usize>>,
    steps: Vec<Steps>,
    waiting: Vec<usize>,
    ready: BinaryHeap<Reverse<(u64, usize)>>,
    /// By key: what is there, how many have yet to see it, and who waits to replace it.
    current: Vec<Option<usize>>,
    unseen: Vec<usize>,
    parked: Vec<Vec<usize>>,
}

/// Whether an order was found that the graph and these further lines allow and that explains what every node saw.
pub(super) fn explains(nodes: &Nodes, graph: &Graph, forced: &[(usize, usize)]) -> bool {
    let mut replay = Replay::new(nodes, graph, forced);
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
    fn new(nodes: &'g Nodes, graph: &'g Graph, forced: &[(usize, usize)]) -> Self {
        let mut lines = vec![Vec::new(); nodes.all.len()];
        let mut waiting = vec![0; graph.after.len()];
        for (before, after) in forced {
            lines[*before].push(*after);
            waiting[*after] += 1;
        }
        for after in graph.after.iter().flatten() {
            waiting[*after] += 1;
        }
        let mut replay = Self {
            nodes,
            graph,
            forced: lines,
            steps: steps(nodes),
            waiting,
            ready: BinaryHeap::new(),
            current: vec![None; nodes.keys.len()],
            unseen: nodes
                .keys
                .iter()
                .map(|k| distinct(&k.first_readers))
                .collect(),
            parked: vec![Vec::new(); nodes.keys.len()],
        };
        let free = (0..replay.waiting.len()).filter(|p| replay.waiting[*p] == 0);
        for point in free.collect::<Vec<_>>() {
            replay.free(point);
        }
        replay
    }

    /// Nothing has to come before this point any more.
    fn free(&mut self, point: usize) {
        let mut free = vec![point];
        while let Some(point) = free.pop() {
            if let Some(node) = self.nodes.all.get(point) {
                self.ready.push(Reverse((node.return_ns, point)));
                continue;
            }
            free.extend(self.passed(point));
        }
    }

    /// The points for which this was the last one to wait for.
    fn passed(&mut self, point: usize) -> Vec<usize> {
        let graph = self.graph;
        let forced = self.forced.get(point).cloned().unwrap_or_default();
        let mut free = Vec::new();
        for after in graph.after[point].iter().chain(&forced) {
            self.waiting[*after] -= 1;
            if self.waiting[*after] == 0 {
                free.push(*after);
            }
        }
        free
    }

    fn turn(&mut self, node: usize) -> Turn {
        let steps = self.steps[node].clone();
        for (key, version) in &steps.sees {
            if self.current[*key] != *version {
                return Turn::Impossible;
            }
        }
        for (key, _) in &steps.writes {
            let sees_it = steps.sees.iter().any(|(seen, _)| seen == key);
            if self.unseen[*key] > usize::from(sees_it) {
                self.parked[*key].push(node);
                return Turn::Waits;
            }
        }
        for (key, _) in &steps.sees {
            self.unseen[*key] -= 1;
            if self.unseen[*key] <= 1 {
                for parked in std::mem::take(&mut self.parked[*key]) {
                    let return_ns = self.nodes.all[parked].return_ns;
                    self.ready.push(Reverse((return_ns, parked)));
                }
            }
        }
        for (key, version) in &steps.writes {
            self.current[*key] = Some(*version);
            self.unseen[*key] = distinct(&self.nodes.keys[*key].versions[*version].readers);
        }
        for point in self.passed(node) {
            self.free(point);
        }
        Turn::Done
    }
}

/// How many different nodes these are.
fn distinct(nodes: &[usize]) -> usize {
    let mut nodes = nodes.to_vec();
    nodes.sort_unstable();
    nodes.dedup();
    nodes.len()
}

fn steps(nodes: &Nodes) -> Vec<Steps> {
    let mut steps = vec![Steps::default(); nodes.all.len()];
    for (key, versions) in nodes.keys.iter().enumerate() {
        for node in &versions.first_readers {
            steps[*node].sees.push((key, None));
        }
        for (place, version) in versions.versions.iter().enumerate() {
            for node in &version.readers {
                steps[*node].sees.push((key, Some(place)));
            }
            steps[version.writer].writes.push((key, place));
        }
    }
    for step in &mut steps {
        step.sees.sort_unstable();
        step.sees.dedup();
    }
    steps
}
