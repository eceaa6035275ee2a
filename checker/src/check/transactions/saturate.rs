//! All that is forced, pair by pair, for histories that are small enough.
//!
//! Whoever saw `u` saw it before any other version `v` of that key replaced it, or `v` came before `u`. So if `v` must come before
//! somebody that saw `u`, it must come before `u`; and if `u` must come before `v`, so must all that saw `u`. Each such line may force
//! further ones. A circle is a violation.

use super::gather::Nodes;
use super::graph::Graph;

/// How often all pairs are looked at; each round but the last adds lines.
const ROUNDS: usize = 40;

/// The graph with all further lines that are forced; or the nodes of a circle.
pub(super) fn saturate(nodes: &Nodes, graph: &Graph) -> Result<Graph, Vec<usize>> {
    let mut all = graph.with(&[]);
    for _ in 0..ROUNDS {
        if let Some(circle) = all.circle() {
            return Err(circle);
        }
        let reach = Reach::new(&all);
        let mut new: Vec<(u32, u32)> = Vec::new();
        for key in &nodes.keys {
            for (place, seen) in key.versions.iter().enumerate() {
                let readers = key.readers.after(place);
                for other in key.versions.iter().filter(|o| o.writer != seen.writer) {
                    for reader in readers.iter().filter(|r| **r != other.writer) {
                        if reach.has(other.writer, *reader) {
                            new.push((other.writer, seen.writer));
                        }
                        if reach.has(seen.writer, other.writer) {
                            new.push((*reader, other.writer));
                        }
                    }
                }
            }
        }
        new.sort_unstable();
        new.dedup();
        new.retain(|(before, after)| !reach.has(*before, *after));
        if new.is_empty() {
            break;
        }
        all = all.with(&new);
    }
    Ok(all)
}

/// Which nodes come after each node.
struct Reach {
    bits: Vec<Vec<u64>>,
}

impl Reach {
    fn new(graph: &Graph) -> Self {
        let words = graph.node_count.div_ceil(64);
        let mut bits = vec![vec![0_u64; words]; graph.lines.point_count()];
        for point in backwards(graph) {
            let mut own = std::mem::take(&mut bits[point]);
            for after in graph.lines.after(point).iter().map(|after| *after as usize) {
                if after < graph.node_count {
                    own[after / 64] |= 1 << (after % 64);
                }
                let further = &bits[after];
                own.iter_mut().zip(further).for_each(|(o, f)| *o |= f);
            }
            bits[point] = own;
        }
        Self { bits }
    }

    fn has(&self, before: u32, after: u32) -> bool {
        self.bits[before as usize][after as usize / 64] & (1 << (after % 64)) != 0
    }
}

/// All points of a graph without circles, each after those that come after it.
fn backwards(graph: &Graph) -> Vec<usize> {
    let mut waiting = graph.lines.before_counts();
    let mut order: Vec<usize> = (0..waiting.len()).filter(|p| waiting[*p] == 0).collect();
    let mut next = 0;
    while let Some(point) = order.get(next).copied() {
        next += 1;
        for after in graph.lines.after(point).iter().map(|after| *after as usize) {
            waiting[after] -= 1;
            if waiting[after] == 0 {
                order.push(after);
            }
        }
    }
    order.reverse();
    order
}
