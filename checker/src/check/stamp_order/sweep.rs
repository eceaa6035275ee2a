//! The sweep: every version, in the order of stamps, becomes visible in every region that saw it as early as it can.
//!
//! All that is known are earliest instants, and each step only raises them, so as early as possible is best: if that fails, everything
//! fails. A write that nobody saw may take any place in the order; the latest place that its return allows is best, because it raises
//! the earliest instants of what follows it and of nothing else.

use super::versions::{Replaces, Successor, Unseen, Version, Versions};

/// Why an item cannot be explained.
pub(super) struct Contradiction {
    /// The region in which it shows.
    pub(super) region: usize,
    /// The place of the version that has no instant, if it is one of known stamp.
    pub(super) version: Option<usize>,
    /// The operations that lead to it, perhaps more than needed.
    pub(super) operations: Vec<usize>,
}

/// An earliest instant, and the last link of the reasons for it.
#[derive(Clone, Copy, Default)]
struct Earliest {
    at_ns: u64,
    reason: Option<usize>,
}

/// One link: the operations that it rests on, and the link before it.
struct Reason {
    operations: [usize; 2],
    before: Option<usize>,
}

/// What a region shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visible {
    Nothing,
    Version(usize),
    /// A write that nobody saw, by its operation.
    Unseen(usize),
}

struct Region {
    /// The earliest instant at which the next version can become visible.
    next: Earliest,
    visible: Visible,
    /// How many of its unseen writes have their place.
    placed_count: usize,
}

struct Sweep<'v> {
    versions: &'v Versions,
    regions: Vec<Region>,
    reasons: Vec<Reason>,
}

/// Sweeps one item.
pub(super) fn sweep(versions: &Versions) -> Result<(), Contradiction> {
    let mut sweep = Sweep {
        versions,
        regions: Vec::with_capacity(versions.absent.len()),
        reasons: Vec::with_capacity(versions.ordered.len() * 3),
    };
    for (index, absent) in versions.absent.iter().enumerate() {
        sweep.regions.push(Region {
            next: Earliest::default(),
            visible: Visible::Nothing,
            placed_count: 0,
        });
        if let Some((call_ns, operation)) = absent {
            sweep.raise(index, *call_ns, [*operation; 2]);
        }
        sweep.follow_unseen(index, None)?;
    }
    if let Some(call_ns) = versions.last_seen(|last| last.is_none()) {
        sweep.nothing_was_acknowledged(call_ns)?;
    }
    for place in 0..versions.ordered.len() {
        sweep.visit(place)?;
    }
    for region in 0..sweep.regions.len() {
        sweep.place_unseen(region, |_| true)?;
    }
    Ok(())
}

impl Sweep<'_> {
    fn visit(&mut self, place: usize) -> Result<(), Contradiction> {
        let versions = self.versions;
        let version = &versions.ordered[place];
        let origin = version.origin;
        if let Some(call_ns) = versions.last_seen(|last| last == Some(place)) {
            for region in 0..self.regions.len() {
                if self.continues(region, place) {
                    self.none_is_left(region, place, call_ns)?;
                } else {
                    self.place_unseen(region, |w| w.return_ns < call_ns)?;
                }
            }
        }
        self.make_room(origin, place, version.call_ns)?;
        let mut instant = self.regions[origin].next;
        let reason = self.reason([version.write; 2], instant.reason);
        instant = if version.call_ns > instant.at_ns {
            let reason = self.reason([version.write; 2], None);
            Earliest {
                at_ns: version.call_ns,
                reason,
            }
        } else {
            Earliest { reason, ..instant }
        };
        let own = version.seen_in(origin);
        let limits = [
            Some((version.return_ns, version.write)),
            own.map(|s| s.first_return),
            version.eventual,
        ];
        for (limit_ns, operation) in limits.into_iter().flatten() {
            if instant.at_ns > limit_ns {
                return Err(self.contradiction(origin, place, instant, operation));
            }
        }
        self.contiguous(place)?;
        self.regions[origin].next = instant;
        if let Some(seen) = own {
            self.raise(origin, seen.last_call.0, [seen.last_call.1; 2]);
        }
        self.regions[origin].visible = Visible::Version(place);
        self.follow_unseen(origin, Some(place))?;
        for seen in version
            .seen
            .as_slice()
            .iter()
            .filter(|s| s.region != origin)
        {
            self.make_room(seen.region, place, instant.at_ns)?;
            let region = &mut self.regions[seen.region];
            let mut arrival = region.next;
            if instant.at_ns > arrival.at_ns {
                arrival = instant;
            }
            let operations = [seen.first_return.1, seen.last_call.1];
            arrival.reason = self.reason(operations, arrival.reason);
            if arrival.at_ns > seen.first_return.0 {
                let operation = seen.first_return.1;
                return Err(self.contradiction(seen.region, place, arrival, operation));
            }
            self.regions[seen.region].next = arrival;
            self.raise(seen.region, seen.last_call.0, [seen.last_call.1; 2]);
            self.regions[seen.region].visible = Visible::Version(place);
            self.follow_unseen(seen.region, Some(place))?;
        }
        Ok(())
    }

    /// A region showed in the end that there had never been an item.
    fn nothing_was_acknowledged(&self, before_ns: u64) -> Result<(), Contradiction> {
        for (region, unseen) in self.versions.unseen.iter().enumerate() {
            // They lie in the order of their returns.
            if let Some(first) = unseen.first().filter(|w| w.return_ns < before_ns) {
                return Err(self.about_unseen(region, None, vec![first.operation]));
            }
        }
        Ok(())
    }

    /// What was acknowledged in a region before a final read that saw the version of this place must have a place by now, since none is left directly before it.
    fn none_is_left(
        &self,
        region: usize,
        place: usize,
        before_ns: u64,
    ) -> Result<(), Contradiction> {
        let unseen = &self.versions.unseen[region];
        let next = unseen.get(self.regions[region].placed_count);
        match next.filter(|w| w.return_ns < before_ns) {
            Some(unseen) => Err(self.too_late(region, place, unseen)),
            None => Ok(()),
        }
    }

    /// A write that comes after the version of this place, and was acknowledged before a final read that saw this version.
    fn too_late(&self, region: usize, place: usize, unseen: &Unseen) -> Contradiction {
        let operations = vec![unseen.operation, self.versions.ordered[place].write];
        self.about_unseen(region, self.regions[region].next.reason, operations)
    }

    /// Whether the version of this place comes directly after what the region shows, so that nothing fits between.
    fn continues(&self, region: usize, place: usize) -> bool {
        let version = &self.versions.ordered[place];
        let visible = self.regions[region].visible;
        version.origin == region
            && match version.replaces {
                Replaces::Anything => false,
                Replaces::Nothing => visible == Visible::Nothing,
                Replaces::Version(before) => visible == Visible::Version(before),
            }
    }

    /// The version that a write replaced must be what its region shows.
    fn contiguous(&self, place: usize) -> Result<(), Contradiction> {
        let version = &self.versions.ordered[place];
        let region = version.origin;
        if version.replaces == Replaces::Anything || self.continues(region, place) {
            return Ok(());
        }
        let mut operations = vec![version.write];
        let around = |version: &Version, operations: &mut Vec<usize>| {
            operations.push(version.write);
            if let Some(seen) = version.seen_in(region) {
                operations.extend([seen.first_return.1, seen.last_call.1]);
            }
        };
        if let Replaces::Version(before) = version.replaces {
            around(&self.versions.ordered[before], &mut operations);
        }
        match self.regions[region].visible {
            Visible::Version(other) => around(&self.versions.ordered[other], &mut operations),
            Visible::Unseen(other) => operations.push(other),
            Visible::Nothing => {}
        }
        self.explain(self.regions[region].next.reason, &mut operations);
        Err(Contradiction {
            region,
            version: Some(place),
            operations,
        })
    }

    /// Gives places to unseen writes of a region that cannot come after this version and all that follows it directly.
    fn make_room(
        &mut self,
        region: usize,
        place: usize,
        from_ns: u64,
    ) -> Result<(), Contradiction> {
        if self.continues(region, place) {
            return Ok(());
        }
        let versions = self.versions;
        let mut end_ns = from_ns.max(self.regions[region].next.at_ns);
        let mut end = place;
        loop {
            let version = &versions.ordered[end];
            if let Some(seen) = version.seen_in(region) {
                end_ns = end_ns.max(seen.last_call.0);
            }
            match versions.successors(region, Some(end)).next() {
                Some(Successor::Version(next)) if *next > end => end = *next,
                Some(Successor::Unseen(unseen)) => {
                    end_ns = end_ns.max(unseen.call_ns);
                    break;
                }
                Some(Successor::Version(_)) | None => break,
            }
        }
        let is_here = |last: Option<usize>| last.is_some_and(|last| (place..=end).contains(&last));
        let last_ns = versions.last_seen(is_here).unwrap_or(0);
        self.place_unseen(region, |w| w.return_ns < end_ns.max(last_ns))
    }

    /// Places unseen writes, by return, as long as they must come now.
    fn place_unseen(
        &mut self,
        region: usize,
        must_come: impl Fn(&Unseen) -> bool,
    ) -> Result<(), Contradiction> {
        let versions = self.versions;
        loop {
            let count = self.regions[region].placed_count;
            let Some(unseen) = versions.unseen[region].get(count).filter(|w| must_come(w)) else {
                return Ok(());
            };
            self.regions[region].placed_count += 1;
            let next = self.regions[region].next;
            self.check_unseen(region, next, unseen)?;
            self.raise(region, unseen.call_ns, [unseen.operation; 2]);
            self.regions[region].visible = Visible::Unseen(unseen.operation);
        }
    }

    /// Lets an unseen write happen that came directly after what the region shows.
    fn follow_unseen(&mut self, region: usize, place: Option<usize>) -> Result<(), Contradiction> {
        for successor in self.versions.successors(region, place) {
            let Successor::Unseen(unseen) = successor else {
                continue;
            };
            if let Some(place) = place
                && let Some(call_ns) = self.versions.last_seen(|last| last == Some(place))
                && unseen.return_ns < call_ns
            {
                return Err(self.too_late(region, place, unseen));
            }
            let next = self.regions[region].next;
            self.check_unseen(region, next, unseen)?;
            if let Visible::Unseen(other) = self.regions[region].visible {
                let operations = vec![other, unseen.operation];
                return Err(self.about_unseen(region, next.reason, operations));
            }
            self.raise(region, unseen.call_ns, [unseen.operation; 2]);
            self.regions[region].visible = Visible::Unseen(unseen.operation);
        }
        Ok(())
    }

    fn check_unseen(
        &self,
        region: usize,
        next: Earliest,
        unseen: &Unseen,
    ) -> Result<(), Contradiction> {
        if next.at_ns <= unseen.return_ns {
            return Ok(());
        }
        Err(self.about_unseen(region, next.reason, vec![unseen.operation]))
    }

    /// These operations, and the reasons, leave no place for a write that nobody saw.
    fn about_unseen(
        &self,
        region: usize,
        reason: Option<usize>,
        mut operations: Vec<usize>,
    ) -> Contradiction {
        self.explain(reason, &mut operations);
        Contradiction {
            region,
            version: None,
            operations,
        }
    }

    /// Nothing that follows in this region can happen before this instant.
    fn raise(&mut self, region: usize, at_ns: u64, operations: [usize; 2]) {
        if at_ns > self.regions[region].next.at_ns {
            let reason = self.reason(operations, None);
            self.regions[region].next = Earliest { at_ns, reason };
        }
    }

    fn reason(&mut self, operations: [usize; 2], before: Option<usize>) -> Option<usize> {
        self.reasons.push(Reason { operations, before });
        Some(self.reasons.len() - 1)
    }

    fn explain(&self, mut reason: Option<usize>, operations: &mut Vec<usize>) {
        while let Some(index) = reason {
            operations.extend(self.reasons[index].operations);
            reason = self.reasons[index].before;
        }
        operations.extend(self.versions.finals.iter().map(|last| last.read));
    }

    fn contradiction(
        &self,
        region: usize,
        place: usize,
        earliest: Earliest,
        operation: usize,
    ) -> Contradiction {
        let mut operations = vec![operation, self.versions.ordered[place].write];
        self.explain(earliest.reason, &mut operations);
        Contradiction {
            region,
            version: Some(place),
            operations,
        }
    }
}
