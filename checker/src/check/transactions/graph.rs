//! What must come before what: a graph whose circles are violations.
//!
//! Its points are the nodes, and moments: "everything that had returned by then". Moments make an order in time, which has quadratically
//! many pairs, a chain with one line per node. There is such a chain for all nodes, and one for each key, whose versions follow one
//! another as wholes: if anything that has to do with `v` returned before anything that has to do with `u` began, then `v` and all that saw
//! it come before `u` (Gibbons and Korach 1997).

use std::collections::{BTreeSet, VecDeque};

use super::gather::{Nodes, Versions};
use super::lines::Lines;
use crate::small::small;

/// The span of a version: the least return and the greatest call of all that wrote or saw it, with their nodes.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) first_return: (u64, u32),
    pub(super) last_call: (u64, u32),
}

impl Span {
    /// That of the version at this place.
    pub(super) fn new(nodes: &Nodes, key: &Versions, place: usize) -> Self {
        let writer = key.versions[place].writer;
        let all = || key.readers.after(place).iter().copied().chain([writer]);
        let returns = all().map(|n| (nodes.all[n as usize].return_ns, n));
        let calls = all().map(|n| (nodes.all[n as usize].call_ns, n));
        Self {
            first_return: returns.min().expect("a version has a writer"),
            last_call: calls.max().expect("a version has a writer"),
        }
    }
}

/// Versions that replaced one another directly, with the span of each such chain.
fn chains(nodes: &Nodes, key: &Versions, written: &Written) -> Vec<(Span, Vec<u32>)> {
    let next = |place: usize| {
        let readers = key.readers.after(place).iter();
        readers.filter_map(|n| written.place(*n)).next()
    };
    let mut is_head = vec![true; key.versions.len()];
    for place in (0..key.versions.len()).filter_map(next) {
        is_head[place] = false;
    }
    let chain = |head: usize| {
        let mut chain = vec![small(head)];
        let mut span = Span::new(nodes, key, head);
        let mut last = head;
        // Two writers that replaced one version contradict each other whatever the spans say; so may what follows be counted twice.
        while let Some(place) = next(last).filter(|_| chain.len() < key.versions.len()) {
            let own = Span::new(nodes, key, place);
            span.first_return = span.first_return.min(own.first_return);
            span.last_call = span.last_call.max(own.last_call);
            chain.push(small(place));
            last = place;
        }
        (span, chain)
    };
    let heads = (0..key.versions.len()).filter(|place| is_head[*place]);
    heads.map(chain).collect()
}

/// Which version of a key each node wrote. Made once and emptied after each key: a list of all nodes for each would be keys times nodes.
struct Written(Vec<u32>);

impl Written {
    const NONE: u32 = u32::MAX;

    fn new(nodes: &Nodes) -> Self {
        Self(vec![Self::NONE; nodes.all.len()])
    }

    fn fill(&mut self, key: &Versions) {
        for (place, version) in (0..).zip(&key.versions) {
            self.0[version.writer as usize] = place;
        }
    }

    fn empty(&mut self, key: &Versions) {
        for version in &key.versions {
            self.0[version.writer as usize] = Self::NONE;
        }
    }

    fn place(&self, node: u32) -> Option<usize> {
        let place = Some(self.0[node as usize]).filter(|place| *place != Self::NONE)?;
        Some(place as usize)
    }

    fn is_writer(&self, node: u32) -> bool {
        self.place(node).is_some()
    }
}

/// A graph, while it is drawn.
struct Drawing {
    point_count: usize,
    lines: Vec<(u32, u32)>,
}

impl Drawing {
    fn point(&mut self) -> u32 {
        self.point_count += 1;
        small(self.point_count - 1)
    }

    fn line(&mut self, before: u32, after: u32) {
        if before != after {
            self.lines.push((before, after));
        }
    }

    /// A chain of that many moments.
    fn moments(&mut self, count: usize) -> Vec<u32> {
        let moments: Vec<u32> = (0..count).map(|_| self.point()).collect();
        for pair in moments.windows(2) {
            self.line(pair[0], pair[1]);
        }
        moments
    }

    /// What had returned comes before what is called later.
    fn time(&mut self, nodes: &Nodes) {
        let mut returns: Vec<(u64, u32)> = Vec::new();
        for (node, n) in (0..).zip(&nodes.all) {
            if n.return_ns < u64::MAX {
                returns.push((n.return_ns, node));
            }
        }
        returns.sort_unstable();
        let moments = self.moments(returns.len());
        for ((_, node), moment) in returns.iter().zip(&moments) {
            self.line(*node, *moment);
        }
        for (node, n) in (0..).zip(&nodes.all) {
            let before = returns.partition_point(|(ns, _)| *ns < n.call_ns);
            if let Some(last) = before.checked_sub(1) {
                self.line(moments[last], node);
            }
        }
    }

    /// A version comes before those that see it, and they before what is known to come next.
    fn versions(&mut self, key: &Versions, written: &Written) {
        for (place, version) in key.versions.iter().enumerate() {
            let readers = key.readers.after(place);
            for reader in readers {
                self.line(version.writer, *reader);
            }
            self.replaced(readers, written);
        }
        for pair in key.known.windows(2) {
            self.follows(key, pair[0], pair[1]);
        }
        if let Some(known) = key.known.last() {
            for last in &key.last {
                self.follows(key, *known, *last);
            }
        }
        self.first(key, written);
    }

    /// Whoever saw no version comes before all of them.
    fn first(&mut self, key: &Versions, written: &Written) {
        let (replacing, only_reading): (Vec<u32>, Vec<u32>) = key
            .first_readers
            .iter()
            .partition(|n| written.is_writer(**n));
        let is_first: BTreeSet<u32> = replacing.iter().copied().collect();
        let (readers, first) = (self.point(), self.point());
        only_reading.iter().for_each(|n| self.line(*n, readers));
        replacing.iter().for_each(|n| self.line(*n, first));
        for writer in key.versions.iter().map(|v| v.writer) {
            if !only_reading.is_empty() {
                self.line(readers, writer);
            }
            if !replacing.is_empty() && !is_first.contains(&writer) {
                self.line(first, writer);
            }
        }
        self.replaced(&replacing, written);
    }

    /// Of those that saw a version, whoever replaced it comes last; two of those contradict each other.
    fn replaced(&mut self, readers: &[u32], written: &Written) {
        let mut replacing = readers.iter().copied().filter(|n| written.is_writer(*n));
        let Some(first) = replacing.next() else {
            return;
        };
        if let Some(second) = replacing.find(|n| *n != first) {
            self.line(first, second);
            self.line(second, first);
        }
        for reader in readers.iter().filter(|n| !written.is_writer(**n)) {
            self.line(*reader, first);
        }
    }

    /// One version comes before another, and so does whoever saw it.
    fn follows(&mut self, key: &Versions, before: u32, after: u32) {
        let (before, after) = (before as usize, after as usize);
        let after = key.versions[after].writer;
        self.line(key.versions[before].writer, after);
        for reader in key.readers.after(before) {
            self.line(*reader, after);
        }
    }

    /// Versions follow one another as wholes; those that replaced one another directly are one whole.
    fn spans(&mut self, nodes: &Nodes, key: &Versions, written: &Written) {
        let mut spans: Vec<(Span, Vec<u32>)> = chains(nodes, key, written);
        spans.sort_by_key(|(span, _)| span.first_return);
        let is_forward = |span: &Span| span.first_return.0 < span.last_call.0;
        let moments = self.moments(spans.len());
        for ((_, chain), moment) in spans.iter().zip(&moments) {
            for place in chain.iter().map(|place| *place as usize) {
                self.line(key.versions[place].writer, *moment);
                for reader in key.readers.after(place) {
                    self.line(*reader, *moment);
                }
            }
        }
        for (place, (span, chain)) in spans.iter().enumerate() {
            let writer = key.versions[chain[0] as usize].writer;
            let end = spans.partition_point(|(s, _)| s.first_return.0 < span.last_call.0);
            // Its own moment must not come before it, so those between its own first return and last call are named one by one.
            if let Some(last) = end.min(place).checked_sub(1) {
                self.line(moments[last], writer);
            }
            for (other, before) in spans.iter().take(end).skip(place + 1) {
                for version in before {
                    self.follows(key, *version, chain[0]);
                }
                // Two that must each come before the other are a circle already.
                if is_forward(other) {
                    break;
                }
            }
        }
    }
}

/// The graph: the points below `node_count` are nodes.
pub(super) struct Graph {
    pub(super) node_count: usize,
    pub(super) lines: Lines,
}

impl Graph {
    pub(super) fn new(nodes: &Nodes) -> Self {
        let mut drawing = Drawing {
            point_count: nodes.all.len(),
            lines: Vec::new(),
        };
        drawing.time(nodes);
        let mut written = Written::new(nodes);
        for key in &nodes.keys {
            written.fill(key);
            drawing.versions(key, &written);
            drawing.spans(nodes, key, &written);
            written.empty(key);
        }
        Self {
            node_count: nodes.all.len(),
            lines: Lines::new(drawing.point_count, &drawing.lines),
        }
    }

    /// The same with further lines.
    pub(super) fn with(&self, more: &[(u32, u32)]) -> Self {
        Self {
            node_count: self.node_count,
            lines: self.lines.with(more),
        }
    }

    /// The nodes of a short circle, if there is any.
    pub(super) fn circle(&self) -> Option<Vec<usize>> {
        let mut waiting = self.lines.before_counts();
        let mut free: Vec<usize> = (0..waiting.len()).filter(|p| waiting[*p] == 0).collect();
        while let Some(point) = free.pop() {
            for after in self.lines.after(point).iter().map(|after| *after as usize) {
                waiting[after] -= 1;
                if waiting[after] == 0 {
                    free.push(after);
                }
            }
        }
        let mut point = waiting.iter().position(|count| *count > 0)?;
        // Walking back along what is left over ends in a circle.
        let mut before = vec![None; waiting.len()];
        for point in (0..waiting.len()).filter(|point| waiting[*point] > 0) {
            for after in self.lines.after(point) {
                before[*after as usize] = Some(point);
            }
        }
        for _ in 0..waiting.len() {
            point = before[point].unwrap_or(point);
        }
        while point >= self.node_count {
            point = before[point].unwrap_or(point);
        }
        Some(self.shortest(point))
    }

    /// The circle through a node with the fewest nodes.
    fn shortest(&self, start: usize) -> Vec<usize> {
        let mut from = vec![usize::MAX; self.lines.point_count()];
        let mut queue = VecDeque::from([start]);
        let mut is_done = vec![false; self.lines.point_count()];
        'search: while let Some(point) = queue.pop_front() {
            if std::mem::replace(&mut is_done[point], true) {
                continue;
            }
            for after in self.lines.after(point).iter().map(|after| *after as usize) {
                if after == start {
                    from[start] = point;
                    break 'search;
                }
                if is_done[after] {
                    continue;
                }
                if after >= self.node_count {
                    from[after] = point;
                    queue.push_front(after);
                } else if from[after] == usize::MAX {
                    from[after] = point;
                    queue.push_back(after);
                }
            }
        }
        let mut circle = Vec::new();
        let mut point = start;
        loop {
            if point < self.node_count {
                circle.push(point);
            }
            point = from[point];
            if point == start || point == usize::MAX {
                break;
            }
        }
        circle
    }
}
