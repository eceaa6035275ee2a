//! What must come before what: a graph whose circles are violations.
//!
//! Its points are the nodes, and moments: "everything that had returned by then". Moments make an order in time, which has quadratically
//! many pairs, a chain with one line per node. There is such a chain for all nodes, and one for each key, whose versions follow one
//! another as wholes: if anything that has to do with `v` returned before anything that has to do with `u` began, then `v` and all that saw
//! it come before `u` (Gibbons and Korach 1997).

use std::collections::{BTreeSet, VecDeque};

use super::gather::{Nodes, Version, Versions};

/// The span of a version: the least return and the greatest call of all that wrote or saw it, with their nodes.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) first_return: (u64, usize),
    pub(super) last_call: (u64, usize),
}

impl Span {
    pub(super) fn new(nodes: &Nodes, version: &Version) -> Self {
        let all = || version.readers.iter().copied().chain([version.writer]);
        let returns = all().map(|n| (nodes.all[n].return_ns, n));
        let calls = all().map(|n| (nodes.all[n].call_ns, n));
        Self {
            first_return: returns.min().expect("a version has a writer"),
            last_call: calls.max().expect("a version has a writer"),
        }
    }
}

/// Versions that replaced one another directly, with the span of each such chain.
fn chains(nodes: &Nodes, key: &Versions, written: &Written) -> Vec<(Span, Vec<usize>)> {
    let next = |place: usize| {
        let readers = key.versions[place].readers.iter();
        readers.filter_map(|n| written.place(*n)).next()
    };
    let mut is_head = vec![true; key.versions.len()];
    for place in (0..key.versions.len()).filter_map(next) {
        is_head[place] = false;
    }
    let chain = |head: usize| {
        let mut chain = vec![head];
        let mut span = Span::new(nodes, &key.versions[head]);
        let mut last = head;
        // Two writers that replaced one version contradict each other whatever the spans say; so may what follows be counted twice.
        while let Some(place) = next(last).filter(|_| chain.len() < key.versions.len()) {
            let own = Span::new(nodes, &key.versions[place]);
            span.first_return = span.first_return.min(own.first_return);
            span.last_call = span.last_call.max(own.last_call);
            chain.push(place);
            last = place;
        }
        (span, chain)
    };
    let heads = (0..key.versions.len()).filter(|place| is_head[*place]);
    heads.map(chain).collect()
}

/// Which version of a key each node wrote. Made once and emptied after each key: a list of all nodes for each would be keys times nodes.
struct Written(Vec<Option<usize>>);

impl Written {
    fn fill(&mut self, key: &Versions) {
        for (place, version) in key.versions.iter().enumerate() {
            self.0[version.writer] = Some(place);
        }
    }

    fn empty(&mut self, key: &Versions) {
        for version in &key.versions {
            self.0[version.writer] = None;
        }
    }

    fn place(&self, node: usize) -> Option<usize> {
        self.0[node]
    }

    fn is_writer(&self, node: usize) -> bool {
        self.0[node].is_some()
    }
}

/// The graph: the points below `node_count` are nodes.
pub(super) struct Graph {
    pub(super) node_count: usize,
    pub(super) after: Vec<Vec<usize>>,
}

impl Graph {
    pub(super) fn new(nodes: &Nodes) -> Self {
        let mut graph = Self {
            node_count: nodes.all.len(),
            after: vec![Vec::new(); nodes.all.len()],
        };
        graph.time(nodes);
        let mut written = Written(vec![None; nodes.all.len()]);
        for key in &nodes.keys {
            written.fill(key);
            graph.versions(key, &written);
            graph.spans(nodes, key, &written);
            written.empty(key);
        }
        graph
    }

    fn point(&mut self) -> usize {
        self.after.push(Vec::new());
        self.after.len() - 1
    }

    fn line(&mut self, before: usize, after: usize) {
        if before != after {
            self.after[before].push(after);
        }
    }

    /// A chain of that many moments.
    fn moments(&mut self, count: usize) -> Vec<usize> {
        let moments: Vec<usize> = (0..count).map(|_| self.point()).collect();
        for pair in moments.windows(2) {
            self.line(pair[0], pair[1]);
        }
        moments
    }

    /// What had returned comes before what is called later.
    fn time(&mut self, nodes: &Nodes) {
        let mut returns: Vec<(u64, usize)> = Vec::new();
        for (node, n) in nodes.all.iter().enumerate() {
            if n.return_ns < u64::MAX {
                returns.push((n.return_ns, node));
            }
        }
        returns.sort_unstable();
        let moments = self.moments(returns.len());
        for ((_, node), moment) in returns.iter().zip(&moments) {
            self.line(*node, *moment);
        }
        for (node, n) in nodes.all.iter().enumerate() {
            let before = returns.partition_point(|(ns, _)| *ns < n.call_ns);
            if let Some(last) = before.checked_sub(1) {
                self.line(moments[last], node);
            }
        }
    }

    /// A version comes before those that see it, and they before what is known to come next.
    fn versions(&mut self, key: &Versions, written: &Written) {
        for version in &key.versions {
            for reader in &version.readers {
                self.line(version.writer, *reader);
            }
            self.replaced(&version.readers, written);
        }
        for pair in key.known.windows(2) {
            self.follows(&key.versions[pair[0]], &key.versions[pair[1]]);
        }
        if let Some(known) = key.known.last() {
            for last in &key.last {
                self.follows(&key.versions[*known], &key.versions[*last]);
            }
        }
        // Whoever saw no version comes before all of them.
        let (replacing, only_reading): (Vec<usize>, Vec<usize>) = key
            .first_readers
            .iter()
            .partition(|n| written.is_writer(**n));
        let (readers, first) = (self.point(), self.point());
        only_reading.iter().for_each(|n| self.line(*n, readers));
        replacing.iter().for_each(|n| self.line(*n, first));
        let is_first: BTreeSet<usize> = replacing.iter().copied().collect();
        for version in &key.versions {
            self.line(readers, version.writer);
            if !is_first.contains(&version.writer) {
                self.line(first, version.writer);
            }
        }
        self.replaced(&replacing, written);
    }

    /// Of those that saw a version, whoever replaced it comes last; two of those contradict each other.
    fn replaced(&mut self, readers: &[usize], written: &Written) {
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
    pub(super) fn follows(&mut self, before: &Version, after: &Version) {
        self.line(before.writer, after.writer);
        for reader in &before.readers {
            self.line(*reader, after.writer);
        }
    }

    /// Versions follow one another as wholes; those that replaced one another directly are one whole.
    fn spans(&mut self, nodes: &Nodes, key: &Versions, written: &Written) {
        let mut spans: Vec<(Span, Vec<usize>)> = chains(nodes, key, written);
        spans.sort_by_key(|(span, _)| span.first_return);
        let is_forward = |span: &Span| span.first_return.0 < span.last_call.0;
        let moments = self.moments(spans.len());
        for ((_, chain), moment) in spans.iter().zip(&moments) {
            for version in chain.iter().map(|place| &key.versions[*place]) {
                self.line(version.writer, *moment);
                for reader in &version.readers {
                    self.line(*reader, *moment);
                }
            }
        }
        for (place, (span, chain)) in spans.iter().enumerate() {
            let writer = key.versions[chain[0]].writer;
            let end = spans.partition_point(|(s, _)| s.first_return.0 < span.last_call.0);
            // Its own moment must not come before it, so those between its own first return and last call are named one by one.
            if let Some(last) = end.min(place).checked_sub(1) {
                self.line(moments[last], writer);
            }
            for (other, before) in spans.iter().take(end).skip(place + 1) {
                for version in before {
                    self.follows(&key.versions[*version], &key.versions[chain[0]]);
                }
                // Two that must each come before the other are a circle already.
                if is_forward(other) {
                    break;
                }
            }
        }
    }

    /// The nodes of a short circle, if there is any.
    pub(super) fn circle(&self) -> Option<Vec<usize>> {
        let mut waiting = vec![0_usize; self.after.len()];
        for after in self.after.iter().flatten() {
            waiting[*after] += 1;
        }
        let mut free: Vec<usize> = (0..waiting.len()).filter(|p| waiting[*p] == 0).collect();
        while let Some(point) = free.pop() {
            for after in &self.after[point] {
                waiting[*after] -= 1;
                if waiting[*after] == 0 {
                    free.push(*after);
                }
            }
        }
        // Walking back along what is left over ends in a circle.
        let mut before = vec![None; waiting.len()];
        for (point, after) in self.after.iter().enumerate() {
            if waiting[point] > 0 {
                after.iter().for_each(|a| before[*a] = Some(point));
            }
        }
        let mut point = waiting.iter().position(|count| *count > 0)?;
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
        let mut from = vec![usize::MAX; self.after.len()];
        let mut queue = VecDeque::from([start]);
        let mut is_done = vec![false; self.after.len()];
        'search: while let Some(point) = queue.pop_front() {
            if std::mem::replace(&mut is_done[point], true) {
                continue;
            }
            for after in &self.after[point] {
                if *after == start {
                    from[start] = point;
                    break 'search;
                }
                if is_done[*after] {
                    continue;
                }
                if *after >= self.node_count {
                    from[*after] = point;
                    queue.push_front(*after);
                } else if from[*after] == usize::MAX {
                    from[*after] = point;
                    queue.push_back(*after);
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
