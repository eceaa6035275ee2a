//! One order of the versions of an item in a region, and how much room in time it leaves to transactions.
//!
//! Versions of known order keep it; one that somebody replaced directly stays beside that; all others come where their zones allow (Gibbons and
//! Korach 1997): a version and all that saw it come before another if anything of it ended before anything of that was asked for. Where
//! neither must come first, that which could happen earlier does.

use std::ops::Range;

use super::sketch::{NEVER, Shows, Sketch};
use crate::history::RegionId;
use crate::small::small;
use crate::table::Table;

/// No version.
const NONE: u32 = u32::MAX;

/// A transaction's turn at an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// Its place among all turns; those at the same place may come in any order.
    pub(super) place: u32,
    /// By whom: its place among those who asked.
    pub(super) asked: u32,
    /// Not before everything earlier was asked for, nor after anything later had ended.
    pub(super) from_ns: u64,
    pub(super) to_ns: u64,
}

/// When a version was written and seen.
#[derive(Clone, Copy, Debug)]
struct Times {
    is_here: bool,
    /// When it was asked for, and when it was there.
    call_ns: u64,
    return_ns: u64,
    seen: Seen,
    /// The version that replaced it directly.
    next: u32,
    is_replacing: bool,
}

/// When something was seen: the last call and the first return of all looks.
#[derive(Clone, Copy, Debug)]
struct Seen {
    call_ns: u64,
    return_ns: u64,
}

impl Seen {
    const NEVER: Self = Self {
        call_ns: 0,
        return_ns: NEVER,
    };

    fn add(&mut self, call_ns: u64, return_ns: u64) {
        self.call_ns = self.call_ns.max(call_ns);
        self.return_ns = self.return_ns.min(return_ns);
    }
}

/// Versions that replaced one another directly.
struct Chain {
    /// Where they are among `chained`.
    versions: Range<usize>,
    /// The span of all of them: the last call and the first return.
    span: Seen,
    /// The place of the first known one.
    rank: u32,
}

/// Orders the versions of one item after another, in one region.
pub(super) struct Turns<'t> {
    region: RegionId,
    happened: &'t Table<u64>,
    /// Of the item at hand: by when each version was here, if it was; its versions, and those of known order that are here; what each
    /// operation wrote; the first look, before any version.
    here: Vec<Option<u64>>,
    times: Vec<Times>,
    known: Vec<u32>,
    wrote: Vec<u32>,
    first: Seen,
    first_next: u32,
    /// What each transaction saw that wrote nothing: a version, or none.
    readers: Vec<(u32, u32)>,
    chained: Vec<u32>,
    chains: Vec<Chain>,
    /// The versions in their order.
    order: Vec<u32>,
    turns: Vec<Turn>,
}

impl<'t> Turns<'t> {
    pub(super) fn new(region: RegionId, happened: &'t Table<u64>) -> Self {
        Self {
            region,
            happened,
            here: Vec::new(),
            times: Vec::new(),
            known: Vec::new(),
            wrote: Vec::new(),
            first: Seen::NEVER,
            first_next: NONE,
            readers: Vec::new(),
            chained: Vec::new(),
            chains: Vec::new(),
            order: Vec::new(),
            turns: Vec::new(),
        }
    }

    /// The turns of transactions at an item, in their order; `None` if no order was found that explains what was seen of it.
    pub(super) fn of(&mut self, sketch: &Sketch) -> Option<&[Turn]> {
        self.versions(sketch);
        self.looks(sketch)?;
        self.chain()?;
        self.order(sketch)?;
        self.turns(sketch)?;
        Some(&self.turns)
    }

    /// Which versions were there, and when.
    fn versions(&mut self, sketch: &Sketch) {
        sketch.versions_in(self.region, self.happened, &mut self.here);
        self.times.clear();
        self.wrote.clear();
        self.wrote.resize(sketch.asked.len(), NONE);
        for (version, (made, here)) in (0..).zip(sketch.versions.iter().zip(&self.here)) {
            let asked = &sketch.asked[made.asked as usize];
            if asked.region == self.region && here.is_some() {
                self.wrote[made.asked as usize] = version;
            }
            self.times.push(Times {
                is_here: here.is_some(),
                call_ns: asked.call_ns,
                return_ns: here.unwrap_or(NEVER),
                seen: Seen::NEVER,
                next: NONE,
                is_replacing: false,
            });
        }
        let known = sketch.known.iter().copied();
        self.known.clear();
        self.known
            .extend(known.filter(|v| self.here[*v as usize].is_some()));
        self.first = Seen::NEVER;
        self.first_next = NONE;
        self.readers.clear();
    }

    /// Who saw what; `None` if two replaced the same directly, or somebody saw two things.
    fn looks(&mut self, sketch: &Sketch) -> Option<()> {
        if sketch.grows_in == Some(self.region) {
            let mut last = NONE;
            for place in 0..self.known.len() {
                let version = self.known[place];
                self.replace(last, version)?;
                last = version;
            }
        }
        for look in &sketch.looks {
            let asked = &sketch.asked[look.asked as usize];
            if asked.region != self.region {
                continue;
            }
            let version = match look.shows {
                Shows::Nothing => NONE,
                Shows::Version(version) => version,
                Shows::Other => continue,
            };
            let wrote = self.wrote[look.asked as usize];
            if version != NONE && !self.times[version as usize].is_here {
                continue;
            }
            if wrote != NONE {
                if wrote != version {
                    self.replace(version, wrote)?;
                }
                continue;
            }
            let seen = match version {
                NONE => &mut self.first,
                version => &mut self.times[version as usize].seen,
            };
            seen.add(asked.call_ns, asked.return_ns);
            if asked.is_transaction {
                match self.readers.last() {
                    Some((last, shown)) if *last == look.asked && *shown != version => return None,
                    Some((last, _)) if *last == look.asked => {}
                    Some(_) | None => self.readers.push((look.asked, version)),
                }
            }
        }
        for condition in &sketch.conditions {
            let wrote = self.wrote[condition.asked as usize];
            match condition.shows {
                Shows::Nothing if wrote != NONE => self.replace(NONE, wrote)?,
                Shows::Version(version) if wrote != NONE => {
                    if self.times[version as usize].is_here {
                        self.replace(version, wrote)?;
                    }
                }
                Shows::Nothing | Shows::Version(_) | Shows::Other => {}
            }
        }
        Some(())
    }

    /// Notes that a version replaced another directly, or was the first.
    fn replace(&mut self, before: u32, version: u32) -> Option<()> {
        let is_replacing = self.times[version as usize].is_replacing;
        let next = match before {
            NONE => &mut self.first_next,
            before => &mut self.times[before as usize].next,
        };
        if *next == version {
            return Some(());
        }
        if *next != NONE || is_replacing {
            return None;
        }
        *next = version;
        self.times[version as usize].is_replacing = true;
        Some(())
    }

    /// Makes chains of the versions. What replaces in a circle is in none, and missed later.
    fn chain(&mut self) -> Option<()> {
        self.chained.clear();
        self.chains.clear();
        let mut ranks = vec![NONE; self.times.len()];
        for (rank, version) in (0..).zip(&self.known) {
            ranks[*version as usize] = rank;
        }
        let mut here_count = 0;
        for head in 0..self.times.len() {
            let times = &self.times[head];
            here_count += usize::from(times.is_here);
            let is_first = self.first_next == small(head);
            if !times.is_here || (times.is_replacing && !is_first) {
                continue;
            }
            let start = self.chained.len();
            let (mut span, mut rank) = (Seen::NEVER, NONE);
            let mut version = small(head);
            while version != NONE {
                let times = &self.times[version as usize];
                span.add(times.call_ns, times.return_ns);
                span.add(times.seen.call_ns, times.seen.return_ns);
                rank = rank.min(ranks[version as usize]);
                self.chained.push(version);
                version = times.next;
            }
            self.chains.push(Chain {
                versions: start..self.chained.len(),
                span,
                rank,
            });
            if is_first {
                // It comes before all others.
                let last = self.chains.len() - 1;
                self.chains.swap(0, last);
            }
        }
        (self.chained.len() == here_count).then_some(())
    }

    /// Puts the chains in order.
    fn order(&mut self, sketch: &Sketch) -> Option<()> {
        let has_first = usize::from(self.first_next != NONE);
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for chain in &self.chains[has_first..] {
            match chain.rank {
                NONE => unknown.push(chain),
                _ => known.push(chain),
            }
        }
        known.sort_by_key(|chain| chain.rank);
        known.splice(0..0, &self.chains[..has_first]);
        // For each place the first end of all from there on.
        let mut ends: Vec<u64> = known.iter().map(|chain| chain.span.return_ns).collect();
        for place in (1..ends.len()).rev() {
            ends[place - 1] = ends[place - 1].min(ends[place]);
        }
        let place = |chain: &Chain| match sketch.grows_in {
            Some(_) => known.len(),
            None => ends
                .partition_point(|end| *end < chain.span.call_ns)
                .max(has_first),
        };
        let earliest = |chain: &Chain| chain.span.call_ns.min(chain.span.return_ns);
        let unknown = unknown.into_iter();
        let mut unknown: Vec<(usize, u64, &Chain)> =
            unknown.map(|c| (place(c), earliest(c), c)).collect();
        unknown.sort_by_key(|(place, earliest, _)| (*place, *earliest));
        let mut unknown = unknown.into_iter().peekable();
        self.order.clear();
        let mut order = |chain: &Chain| self.order.extend(&self.chained[chain.versions.clone()]);
        for place in 0..=known.len() {
            while let Some((_, _, chain)) = unknown.next_if(|(own, ..)| *own == place) {
                order(chain);
            }
            if let Some(chain) = known.get(place) {
                order(chain);
            }
        }
        let mut known = self.known.iter();
        let mut expected = known.next();
        for version in &self.order {
            if Some(version) == expected {
                expected = known.next();
            }
        }
        expected.is_none().then_some(())
    }

    /// The turns of transactions; `None` if some operation has no room in time.
    fn turns(&mut self, sketch: &Sketch) -> Option<()> {
        // For each version the place of its writer; those that saw it have the next one.
        let mut places = vec![0; self.times.len()];
        // For each place the last call up to it, and the first return after it.
        let mut room = Vec::with_capacity(self.order.len() * 2 + 1);
        let mut before_ns = self.first.call_ns;
        room.push((0, NEVER));
        for version in &self.order {
            let times = &self.times[*version as usize];
            places[*version as usize] = small(room.len());
            if before_ns > times.return_ns {
                return None;
            }
            before_ns = before_ns.max(times.call_ns);
            room.push((before_ns, NEVER));
            if before_ns > times.seen.return_ns {
                return None;
            }
            room.push((before_ns, NEVER));
            before_ns = before_ns.max(times.seen.call_ns);
        }
        let mut after_ns = NEVER;
        for (place, version) in self.order.iter().enumerate().rev() {
            let times = &self.times[*version as usize];
            room[place * 2 + 2].1 = after_ns;
            after_ns = after_ns.min(times.seen.return_ns);
            room[place * 2 + 1].1 = after_ns;
            after_ns = after_ns.min(times.return_ns);
        }
        room[0].1 = after_ns;
        self.turns.clear();
        let mut turn = |place: u32, asked: u32, return_ns: u64| {
            let (before_ns, after_ns) = room[place as usize];
            self.turns.push(Turn {
                place,
                asked,
                from_ns: before_ns.max(sketch.asked[asked as usize].call_ns),
                to_ns: after_ns.min(return_ns),
            });
        };
        for version in &self.order {
            let asked = sketch.versions[*version as usize].asked;
            let maker = &sketch.asked[asked as usize];
            if maker.is_transaction && maker.region == self.region {
                let return_ns = self.times[*version as usize].return_ns;
                turn(places[*version as usize], asked, return_ns);
            }
        }
        for (asked, version) in &self.readers {
            let place = match *version {
                NONE => 0,
                version => places[version as usize] + 1,
            };
            turn(place, *asked, sketch.asked[*asked as usize].return_ns);
        }
        self.turns.sort_unstable();
        Some(())
    }
}
