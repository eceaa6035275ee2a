//! Takes versions out one by one, each when nothing is left that must come before it.
//!
//! An interval order has two numbers per version: `u` must come before `v` if `first(u) < last(v)`. There is one for each region, one of the
//! stamps that were seen and one of final reads. Their lines, of which there may be quadratically many, are never made: in each order, what is
//! free is what begins no later than the least `first` of all others that are left, and both only ever move up.
//!
//! Versions of a region that replaced one another directly are one entity there: nothing may come between. Once one of them is out, the
//! other versions of that region wait for the rest. If that gets stuck, a second attempt also keeps them together in what other
//! regions say about versions that both have: if `v` replaced `a`, what must come before `v` must come before `a`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::versions::{NEVER, Versions};

const ABSENT: u32 = u32::MAX;

/// What is left when nothing more is free.
pub(super) struct Left {
    /// Versions each of which must come before the next, and the last before the first; none when some only wait for their turn.
    pub(super) circle: Option<Vec<usize>>,
}

/// Several versions that nothing may come between, or one.
#[derive(Clone, Debug)]
struct Entity {
    first: u64,
    last: u64,
    /// Its first and its last member; [`IntervalOrder::next`] links them.
    members: (usize, usize),
    left_count: usize,
    is_free: bool,
}

/// One interval order.
struct IntervalOrder {
    entities: Vec<Entity>,
    /// The entity of each version.
    of: Vec<u32>,
    /// For each version, the next one of its entity.
    next: Vec<u32>,
    by_first: Vec<u32>,
    by_last: Vec<u32>,
    /// The first two entities by `first` that are left, as places in `by_first`.
    least: usize,
    second: usize,
    /// How many by `last` are free.
    free_count: usize,
    /// The entity some of which is out, if only the others of it may follow.
    begun: Option<u32>,
    is_exclusive: bool,
    parked: Vec<usize>,
}

impl IntervalOrder {
    /// From the numbers of each version that is in it, and the chain of each version.
    fn new(numbers: &[Option<(u64, u64)>], chains: &[usize], is_exclusive: bool) -> Self {
        let mut by_chain = vec![ABSENT; numbers.len()];
        let mut entities: Vec<Entity> = Vec::new();
        let (mut of, mut next) = (vec![ABSENT; numbers.len()], vec![ABSENT; numbers.len()]);
        for (version, numbers) in numbers.iter().enumerate() {
            let Some((first, last)) = *numbers else {
                continue;
            };
            let chain = &mut by_chain[chains[version]];
            if *chain == ABSENT {
                *chain = u32::try_from(entities.len()).expect("fewer than 2^32 versions");
                entities.push(Entity {
                    first,
                    last,
                    members: (version, version),
                    left_count: 0,
                    is_free: false,
                });
            }
            of[version] = *chain;
            let entity = &mut entities[*chain as usize];
            entity.first = entity.first.min(first);
            entity.last = entity.last.max(last);
            if entity.left_count > 0 {
                next[entity.members.1] = u32::try_from(version).expect("fewer than 2^32 versions");
                entity.members.1 = version;
            }
            entity.left_count += 1;
        }
        let count = u32::try_from(entities.len()).expect("fewer than 2^32 versions");
        let mut by_first: Vec<u32> = (0..count).collect();
        let mut by_last = by_first.clone();
        by_first.sort_by_key(|e| entities[*e as usize].first);
        by_last.sort_by_key(|e| entities[*e as usize].last);
        Self {
            entities,
            of,
            next,
            by_first,
            by_last,
            least: 0,
            second: 1,
            free_count: 0,
            begun: None,
            is_exclusive,
            parked: Vec::new(),
        }
    }

    /// The versions of an entity.
    fn members(&self, entity: u32) -> impl Iterator<Item = usize> {
        let first = self.entities[entity as usize].members.0;
        let next = |member: &usize| {
            let next = self.next[*member];
            (next != ABSENT).then_some(next as usize)
        };
        std::iter::successors(Some(first), next)
    }

    fn first_at(&self, place: usize) -> u64 {
        let entity = self.by_first.get(place);
        entity.map_or(NEVER, |e| self.entities[*e as usize].first)
    }

    fn is_left(&self, place: usize) -> bool {
        let entity = self.by_first.get(place);
        entity.is_none_or(|e| self.entities[*e as usize].left_count > 0)
    }

    /// Moves on past what is out; adds the entities that have become free.
    fn advance(&mut self, free: &mut Vec<u32>) {
        while !self.is_left(self.least) {
            self.least = self.second;
            self.second += 1;
        }
        while !self.is_left(self.second) {
            self.second += 1;
        }
        let limit = self.first_at(self.least);
        while let Some(entity) = self.by_last.get(self.free_count).copied() {
            if self.entities[entity as usize].last > limit {
                break;
            }
            self.free_count += 1;
            free.push(entity);
        }
        // What ends first need not wait for itself.
        if let Some(entity) = self.by_first.get(self.least).copied()
            && self.entities[entity as usize].last <= self.first_at(self.second)
        {
            free.push(entity);
        }
        free.retain(|e| !std::mem::replace(&mut self.entities[*e as usize].is_free, true));
    }

    /// What a version in an entity that is not free waits for.
    fn blocker(&self, entity: u32) -> Option<u32> {
        let least = *self.by_first.get(self.least)?;
        match least == entity {
            false => Some(least),
            true => self.by_first.get(self.second).copied(),
        }
    }
}

/// All that is known about the order of the versions.
pub(super) struct Orders<'v> {
    versions: &'v Versions,
    orders: Vec<IntervalOrder>,
    /// In how many orders each version is not free yet.
    waiting: Vec<usize>,
    is_out: Vec<bool>,
    order: Vec<usize>,
    ready: BinaryHeap<Reverse<(u64, usize)>>,
    /// Versions that wait for the one that they replaced, by that one.
    following: Vec<Vec<usize>>,
    /// Entities that have become free; empty but for a moment.
    free: Vec<u32>,
}

impl<'v> Orders<'v> {
    /// `is_lifted`: versions that replaced one another stay together in what other regions say, too.
    pub(super) fn new(versions: &'v Versions, is_lifted: bool) -> Self {
        let count = versions.all.len();
        let single: Vec<usize> = (0..count).collect();
        let chains: Vec<Vec<usize>> = (0..versions.region_count)
            .map(|region| chains(versions, region))
            .collect();
        let mut orders = Vec::new();
        let numbers = |region: usize| -> Vec<Option<(u64, u64)>> {
            let bounds = (0..count).map(|place| {
                let bounds = versions.bounds(place, region)?;
                // That there is no item was so from the beginning.
                let first = if place == 0 { 0 } else { bounds.first.0 };
                Some((first, bounds.last.0))
            });
            bounds.collect()
        };
        for (region, chains) in chains.iter().enumerate() {
            orders.push(IntervalOrder::new(&numbers(region), chains, true));
        }
        let stamps = versions
            .all
            .iter()
            .map(|v| v.stamp.map(|place| (place, place)));
        orders.push(IntervalOrder::new(
            &stamps.collect::<Vec<_>>(),
            &single,
            false,
        ));
        if versions.all.iter().any(|v| v.last_read.is_some()) {
            let finals = versions.all.iter().map(|v| match v.last_read {
                Some(_) => Some((NEVER, 1)),
                None => Some((0, 0)),
            });
            orders.push(IntervalOrder::new(
                &finals.collect::<Vec<_>>(),
                &single,
                false,
            ));
        }
        if is_lifted {
            for (region, chains) in chains.iter().enumerate() {
                let is_here = |place: usize| versions.bounds(place, region).is_some();
                for other in (0..versions.region_count).filter(|other| *other != region) {
                    let both = numbers(other).into_iter().enumerate();
                    let both = both.map(|(place, n)| n.filter(|_| is_here(place)));
                    orders.push(IntervalOrder::new(&both.collect::<Vec<_>>(), chains, false));
                }
            }
        }
        let mut waiting = vec![0; count];
        for order in &orders {
            for (version, entity) in order.of.iter().enumerate() {
                waiting[version] += usize::from(*entity != ABSENT);
            }
        }
        Self {
            versions,
            orders,
            waiting,
            is_out: vec![false; count],
            order: Vec::with_capacity(count),
            ready: BinaryHeap::new(),
            following: vec![Vec::new(); count],
            free: Vec::new(),
        }
    }

    /// All versions in an order that nothing known contradicts; or what is left.
    pub(super) fn order(mut self) -> Result<Vec<usize>, Left> {
        for index in 0..self.orders.len() {
            self.advance(index);
        }
        while let Some(Reverse((_, version))) = self.ready.pop() {
            let before = self.versions.all[version].replaces;
            if let Some(before) = before.filter(|before| !self.is_out[*before]) {
                self.following[before].push(version);
                continue;
            }
            let is_locked = |order: &&mut IntervalOrder| {
                let own = order.of[version];
                own != ABSENT && order.begun.is_some_and(|begun| begun != own)
            };
            if let Some(order) = self.orders.iter_mut().find(is_locked) {
                order.parked.push(version);
                continue;
            }
            self.take(version);
        }
        if self.order.len() == self.versions.all.len() {
            return Ok(self.order);
        }
        Err(Left {
            circle: self.circle(),
        })
    }

    fn push(&mut self, version: usize) {
        let urgency = urgency(self.versions, version);
        self.ready.push(Reverse((urgency, version)));
    }

    fn advance(&mut self, index: usize) {
        let mut free = std::mem::take(&mut self.free);
        self.orders[index].advance(&mut free);
        for entity in free.drain(..) {
            for member in self.orders[index].members(entity) {
                self.waiting[member] -= 1;
                if self.waiting[member] == 0 {
                    let urgency = urgency(self.versions, member);
                    self.ready.push(Reverse((urgency, member)));
                }
            }
        }
        self.free = free;
    }

    fn take(&mut self, version: usize) {
        self.is_out[version] = true;
        self.order.push(version);
        for index in 0..self.orders.len() {
            let order = &mut self.orders[index];
            let own = order.of[version];
            if own == ABSENT {
                continue;
            }
            let entity = &mut order.entities[own as usize];
            entity.left_count -= 1;
            if entity.left_count > 0 {
                if order.is_exclusive {
                    order.begun = Some(own);
                }
                continue;
            }
            if order.begun == Some(own) {
                order.begun = None;
                for parked in std::mem::take(&mut order.parked) {
                    self.push(parked);
                }
            }
            self.advance(index);
        }
        for following in std::mem::take(&mut self.following[version]) {
            self.push(following);
        }
    }

    /// Walks from one version that is left to another that must come before it, until one comes again.
    fn circle(&self) -> Option<Vec<usize>> {
        let mut place = vec![usize::MAX; self.is_out.len()];
        let mut walk = Vec::new();
        let mut version = self.is_out.iter().position(|is_out| !is_out)?;
        loop {
            if place[version] != usize::MAX {
                return Some(walk.split_off(place[version]));
            }
            place[version] = walk.len();
            walk.push(version);
            version = self.must_precede(version)?;
        }
    }

    /// A version that is left and must come before this one.
    fn must_precede(&self, version: usize) -> Option<usize> {
        let before = self.versions.all[version].replaces;
        if let Some(before) = before.filter(|before| !self.is_out[*before]) {
            return Some(before);
        }
        for order in &self.orders {
            let own = order.of[version];
            if own == ABSENT || order.entities[own as usize].is_free {
                continue;
            }
            let mut members = order.members(order.blocker(own)?);
            return members.find(|m| !self.is_out[*m]);
        }
        None
    }
}

/// By when a version must be out.
fn urgency(versions: &Versions, version: usize) -> u64 {
    let bounds = (0..versions.region_count).filter_map(|region| versions.bounds(version, region));
    bounds.map(|b| b.first.0).min().unwrap_or(NEVER)
}

/// The chain of each version in a region: its number is that of a version in it. Alone, unless it replaced one there or was replaced.
fn chains(versions: &Versions, region: usize) -> Vec<usize> {
    let mut chains: Vec<usize> = (0..versions.all.len()).collect();
    for (place, version) in versions.all.iter().enumerate() {
        if version.origin == Some(region)
            && let Some(before) = version.replaces
        {
            // Chains are short or their versions come in order, so walking to the beginning is cheap after the first time.
            chains[place] = before;
        }
    }
    for place in 0..chains.len() {
        let mut head = place;
        // Versions that replaced one another in a circle have no beginning; they are a chain as well.
        while chains[head] != head && chains[head] != place {
            head = chains[head];
        }
        chains[head] = head;
        let mut next = place;
        while next != head {
            next = std::mem::replace(&mut chains[next], head);
        }
    }
    chains
}
