//! Transactions of which another region showed one half while it did not have the other yet. Global tables promise atomicity only in the
//! region of the write, so this is counted and never flagged. A lower bound: of those who saw a half only the first is asked for the others.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::samples::count;
use crate::check::{Asked, Look, NEVER, Shows, Sketch, Together, at};
use crate::history::RegionId;
use crate::nearly_sorted::sort_nearly_sorted;
use crate::small::small;

/// Counts torn transactions: `torn_transactions_count` of `remote_transactions_count`, those that some other region showed at least half of.
pub(crate) fn measure(
    together: &Together,
    region_count: usize,
    figures: &mut BTreeMap<String, f64>,
) {
    if region_count < 2 || !together.has_several_writes() {
        return;
    }
    let all = Halves::new(together.sketches(), region_count);
    let mut is_torn = vec![false; all.halves.len()];
    let by_item = all.halves.chunk_by(|one, other| one.item == other.item);
    for own in by_item {
        let sketch = &together.sketches()[own[0].item as usize];
        let looks = LooksByRegion::new(sketch, region_count);
        for half in own.iter().filter(|half| all.is_torn(&looks, half)) {
            is_torn[half.first as usize] = true;
        }
    }
    let torn_count = is_torn.iter().filter(|is_torn| **is_torn).count();
    figures.insert(
        "remote_transactions_count".to_owned(),
        count(all.shown_count()),
    );
    figures.insert("torn_transactions_count".to_owned(), count(torn_count));
}

/// What a transaction wrote to one item.
struct Half {
    /// The transaction, and its region.
    transaction: u32,
    origin: RegionId,
    /// The place of the item, and that of the version among its versions.
    item: u32,
    version: u32,
    /// Where the halves of its transaction begin in their order, and how many there are.
    first: u32,
    count: u32,
}

/// All halves.
struct Halves {
    /// In the order of the items.
    halves: Vec<Half>,
    /// Their places in the order of the transactions.
    by_transaction: Vec<u32>,
    /// Of each half for each region how it was shown there.
    shown: Vec<Shown>,
    region_count: usize,
}

/// The looks at a version in a region.
#[derive(Clone, Copy)]
struct Shown {
    /// That which returned first; [`NEVER`] if there is none.
    first_id: u32,
    first_call_ns: u64,
    first_return_ns: u64,
    /// When the last of them was asked for.
    last_call_ns: u64,
}

impl Shown {
    /// Nowhere.
    const NOT: Self = Self {
        first_id: 0,
        first_call_ns: 0,
        first_return_ns: NEVER,
        last_call_ns: 0,
    };

    fn is_any(&self) -> bool {
        self.first_return_ns != NEVER
    }

    fn take(&mut self, look: &Asked) {
        self.last_call_ns = self.last_call_ns.max(look.call_ns);
        if look.return_ns < self.first_return_ns {
            self.first_id = look.id;
            self.first_call_ns = look.call_ns;
            self.first_return_ns = look.return_ns;
        }
    }
}

impl Halves {
    fn new(sketches: &[Sketch], region_count: usize) -> Self {
        let mut all = Self {
            halves: Vec::new(),
            by_transaction: Vec::new(),
            shown: Vec::new(),
            region_count,
        };
        for (item, sketch) in (0..).zip(sketches) {
            if sketch.is_register {
                all.add(item, sketch);
            }
        }
        let mut order: Vec<u32> = (0..small(all.halves.len())).collect();
        order.sort_by_key(|half| all.halves[*half as usize].transaction);
        let mut first = 0;
        let transaction = |half: u32| all.halves[half as usize].transaction;
        let groups = order.chunk_by(|one, other| transaction(*one) == transaction(*other));
        let counts: Vec<u32> = groups.map(|group| small(group.len())).collect();
        for count in counts {
            for half in &order[first as usize..(first + count) as usize] {
                let half = &mut all.halves[*half as usize];
                (half.first, half.count) = (first, count);
            }
            first += count;
        }
        all.by_transaction = order;
        all
    }

    /// Adds what transactions wrote to an item.
    fn add(&mut self, item: u32, sketch: &Sketch) {
        let mut places = vec![None; sketch.versions.len()];
        for (version, made) in sketch.versions.iter().enumerate() {
            let asked = &sketch.asked[made.asked as usize];
            if asked.is_transaction && !made.is_delete {
                places[version] = Some(self.halves.len());
                self.halves.push(Half {
                    transaction: asked.id,
                    origin: asked.region,
                    item,
                    version: small(version),
                    first: 0,
                    count: 0,
                });
            }
        }
        let shown_count = self.halves.len() * self.region_count;
        self.shown.resize(shown_count, Shown::NOT);
        for look in &sketch.looks {
            if let Shows::Version(version) = look.shows
                && let Some(half) = places[version as usize]
            {
                let asked = &sketch.asked[look.asked as usize];
                self.shown[half * self.region_count + at(asked.region)].take(asked);
            }
        }
    }

    /// How a half was shown, by region.
    fn shown(&self, half: u32) -> &[Shown] {
        let from = half as usize * self.region_count;
        &self.shown[from..from + self.region_count]
    }

    /// The halves of a transaction, by their places.
    fn group(&self, half: &Half) -> &[u32] {
        &self.by_transaction[half.first as usize..(half.first + half.count) as usize]
    }

    /// How many transactions of several halves some other region showed one of.
    fn shown_count(&self) -> usize {
        let half = |half: &u32| &self.halves[*half as usize];
        let halves = &self.by_transaction;
        let groups = halves.chunk_by(|one, other| half(one).first == half(other).first);
        let is_shown = |group: &&[u32]| {
            let origin = at(half(&group[0]).origin);
            let mut shown = group.iter().flat_map(|h| self.shown(*h).iter().enumerate());
            group.len() > 1 && shown.any(|(region, shown)| region != origin && shown.is_any())
        };
        groups.filter(is_shown).count()
    }

    /// Whether another region showed another half of a transaction, and afterwards not yet this one.
    fn is_torn(&self, looks: &LooksByRegion<'_>, own: &Half) -> bool {
        let group = self.group(own);
        let is_own = |half: &&u32| {
            let half = &self.halves[**half as usize];
            half.item == own.item && half.version == own.version
        };
        let own_shown = group.iter().find(is_own).map(|half| self.shown(*half));
        let others = group.iter();
        let mut others = others.filter(|half| self.halves[**half as usize].item != own.item);
        others.any(|other| {
            let mut shown = self.shown(*other).iter().enumerate();
            shown.any(|(region, shown)| {
                let is_elsewhere = region != at(own.origin) && shown.is_any();
                is_elsewhere && {
                    let seen = own_shown.map(|own| own[region]).filter(Shown::is_any);
                    let sought = looks.sought(own.version, seen.map(|seen| seen.last_call_ns));
                    looks.of(region).is_missing_after(&sought, shown)
                }
            })
        })
    }
}

/// A version that is looked for in a region.
struct Sought<'s> {
    version: u32,
    order: Option<u32>,
    maker: &'s Asked,
    /// When the last look that showed it there was asked for.
    last_call_ns: Option<u64>,
}

/// The looks at an item, by region; each region's are put in order when first asked for.
struct LooksByRegion<'s> {
    sketch: &'s Sketch,
    /// The place of each version in their order, if known.
    orders: Vec<Option<u32>>,
    regions: Vec<OnceCell<Looks<'s>>>,
}

impl<'s> LooksByRegion<'s> {
    fn new(sketch: &'s Sketch, region_count: usize) -> Self {
        let mut orders = vec![None; sketch.versions.len()];
        for (order, version) in (0..).zip(&sketch.known) {
            orders[*version as usize] = Some(order);
        }
        Self {
            sketch,
            orders,
            regions: vec![OnceCell::new(); region_count],
        }
    }

    fn of(&self, region: usize) -> &Looks<'s> {
        self.regions[region].get_or_init(|| Looks::new(self.sketch, &self.orders, region))
    }

    fn sought(&self, version: u32, last_call_ns: Option<u64>) -> Sought<'s> {
        Sought {
            version,
            order: self.orders[version as usize],
            maker: self.sketch.maker(version),
            last_call_ns,
        }
    }
}

/// A look, with who took it and, if it shows one, the place of the version.
#[derive(Clone, Copy)]
struct Seen<'s> {
    asked: &'s Asked,
    shows: Shows,
    order: Option<u32>,
}

/// The looks at an item in one region, by the time they were asked for; and, from each on, what they and all later ones show at least.
#[derive(Clone)]
struct Looks<'s> {
    sketch: &'s Sketch,
    looks: Vec<Seen<'s>>,
    /// The least version of known order.
    least_order: Vec<Option<u32>>,
    /// For each region the version written there that was acknowledged first.
    first_return_ns: BTreeMap<RegionId, Vec<u64>>,
    /// When the last look that showed no item, before any version, was asked for.
    last_absent_ns: Option<u64>,
}

impl<'s> Looks<'s> {
    fn new(sketch: &'s Sketch, orders: &[Option<u32>], region: usize) -> Self {
        let seen = |look: &Look| Seen {
            asked: &sketch.asked[look.asked as usize],
            shows: look.shows,
            order: match look.shows {
                Shows::Version(version) => orders[version as usize],
                Shows::Nothing | Shows::Other => None,
            },
        };
        let here = sketch.looks.iter().map(seen);
        let here = here.filter(|seen| at(seen.asked.region) == region);
        let mut looks: Vec<Seen<'_>> = here.collect();
        sort_nearly_sorted(&mut looks, |look| look.asked.call_ns);
        let mut least_order = vec![None; looks.len() + 1];
        let mut first_return_ns: BTreeMap<RegionId, Vec<u64>> = BTreeMap::new();
        for (place, look) in looks.iter().enumerate().rev() {
            let least: Option<u32> = least_order[place + 1];
            least_order[place] = look.order.into_iter().chain(least).min();
            if let Shows::Version(version) = look.shows {
                let maker = sketch.maker(version);
                let all = first_return_ns.entry(maker.region);
                let all = all.or_insert_with(|| vec![NEVER; looks.len() + 1]);
                all[place] = maker.return_ns;
            }
        }
        for all in first_return_ns.values_mut() {
            for place in (0..looks.len()).rev() {
                all[place] = all[place].min(all[place + 1]);
            }
        }
        let absent = looks.iter().filter(|s| s.shows == Shows::Nothing);
        Self {
            sketch,
            last_absent_ns: absent.map(|s| s.asked.call_ns).max(),
            looks,
            least_order,
            first_return_ns,
        }
    }

    /// Whether a look together with or after this one at another half shows something older than a version.
    fn is_missing_after(&self, sought: &Sought<'_>, first: &Shown) -> bool {
        let from = |call_ns: u64| {
            self.looks
                .partition_point(|look| look.asked.call_ns < call_ns)
        };
        let together = &self.looks[from(first.first_call_ns)..from(first.first_call_ns + 1)];
        let mut together = together.iter().filter(|s| s.asked.id == first.first_id);
        let later = from(first.first_return_ns + 1);
        let is_missing = together.any(|look| self.is_older(look, sought))
            || self.is_any_older(later, first.first_return_ns, sought);
        debug_assert_eq!(
            is_missing,
            self.looks.iter().any(|look| {
                let is_later = look.asked.call_ns > first.first_return_ns;
                (is_later || look.asked.id == first.first_id) && self.is_older(look, sought)
            }),
            "the same as each look by itself says"
        );
        is_missing
    }

    /// Whether any look from this place on, asked for after that time, shows something older.
    fn is_any_older(&self, from: usize, after_ns: u64, sought: &Sought<'_>) -> bool {
        let least = self.least_order[from].zip(sought.order);
        let returns = self.first_return_ns.get(&sought.maker.region);
        let mut before = self.looks[from..]
            .iter()
            .take_while(|look| Some(look.asked.call_ns) < sought.last_call_ns);
        least.is_some_and(|(seen, own)| seen < own)
            || self.last_absent_ns.is_some_and(|ns| ns > after_ns)
            || returns.is_some_and(|ns| ns[from] < sought.maker.call_ns)
            || before.any(|look| self.is_older(look, sought))
    }

    fn is_older(&self, look: &Seen<'_>, sought: &Sought<'_>) -> bool {
        // A region moves up: what it shows before it shows the version is older.
        let is_before = sought
            .last_call_ns
            .is_some_and(|ns| look.asked.return_ns < ns);
        match look.shows {
            Shows::Version(version) if version == sought.version => false,
            Shows::Version(version) => {
                let maker = self.sketch.maker(version);
                let is_replaced =
                    maker.region == sought.maker.region && maker.return_ns < sought.maker.call_ns;
                let orders = look.order.zip(sought.order);
                is_before || is_replaced || orders.is_some_and(|(seen, own)| seen < own)
            }
            Shows::Nothing => true,
            Shows::Other => is_before,
        }
    }
}
