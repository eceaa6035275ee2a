//! **Property.** While all links are healthy, a write arrives in every region within the stated bound: a strong read that is asked for later
//! shows it or something newer.
//!
//! **Source.** Amazon DynamoDB Developer Guide, global tables: changes reach the other regions "typically within a second", which is no
//! promise; so the bound is stated by whoever judges (`--delivery-bound`, or `delivery` in the history's header). Invariant I18.
//!
//! **Example that breaks it.** `within=10 us:w1[0-1] eu:r-[12-13]`: eu had 11 ms, and does not show 1. `within=10 fault=5-9 us:w1[0-1]
//! eu:r-[12-13]` is lawful: links were unhealthy until 9, so eu has time until 19.
//!
//! A read is judged if the links had been healthy for as long as the bound before it was asked for. What it shows must not be older than any
//! write that had been acknowledged that long before. Older are: by stamps, whatever has a smaller one; without stamps, whatever the
//! writing region had shown or acknowledged before that write was asked for. An absent item is judged for keys that nobody deletes.
//!
//! How long writes really took is measured for every history, healthy or not: `delivery_lower_…` (how long after the acknowledgement some
//! region still missed it) and `delivery_upper_…` (from the request to the end of the first read elsewhere that shows it or something newer).

use super::case::{Case, Fate, Item, Sighting, Write};
use super::evidence::{Evidence, Findings, key_words, number_words, region_name, words};
use super::floor::with_stamp;
use super::frontier::at;
use crate::history::Delivery;
use crate::table::Table;
use crate::verdict::Violation;

pub(super) fn run(case: &Case<'_>) -> Findings {
    let mut findings = Findings::new(case.wanted);
    findings.nothing(
        1,
        "no read was asked for after the bound had passed with healthy links and shows what can be compared with an earlier write",
    );
    let Some(bound) = &case.history.header.delivery else {
        findings.nothing(
            2,
            "no bound is stated; say within which time writes must arrive (--delivery-bound 5s)",
        );
        return findings;
    };
    for item in case.registers() {
        judge(case, item, bound, &mut findings);
    }
    findings
}

/// Acknowledged writes of one region up to each acknowledgement: the one asked for last.
type Latest = Vec<(u64, u64, usize)>;

fn judge(case: &Case<'_>, item: &Item<'_>, bound: &Delivery, findings: &mut Findings) {
    let by_stamp = by_stamp(item);
    let latest_of_all = latest(item, case.region_count(), |_| true);
    let latest_unstamped = latest(item, case.region_count(), |w| w.order.is_none());
    let known = known(item, case.region_count());
    for read in item.sightings.iter().filter(|s| s.is_current()) {
        let Some(before_ns) = read.call_ns.checked_sub(bound.bound_ns) else {
            continue;
        };
        let is_healthy = |(begin, end): &(u64, u64)| *end < before_ns || read.call_ns < *begin;
        if !bound.faults_ns.iter().all(is_healthy) {
            continue;
        }
        let count = by_stamp.partition_point(|(ns, ..)| *ns < before_ns);
        if let (Some((_, greatest, write)), Some(order)) =
            (count.checked_sub(1).map(|i| by_stamp[i]), read.order)
        {
            findings.is_judged = true;
            if order < greatest {
                findings.add(|| violation(case, item, read, &item.writes[write], bound));
                continue;
            }
        }
        let Some(shown) = shown_before(item, read, &known, case.region_count()) else {
            continue;
        };
        // Where both have stamps, these have decided.
        let latest = match read.order {
            Some(_) => &latest_unstamped,
            None => &latest_of_all,
        };
        for (region, latest) in latest.iter().enumerate() {
            let count = latest.partition_point(|(ns, ..)| *ns < before_ns);
            let Some((_, call_ns, write)) = count.checked_sub(1).map(|i| latest[i]) else {
                continue;
            };
            let Some(since_ns) = shown[region] else {
                continue;
            };
            findings.is_judged = true;
            if since_ns.is_none_or(|ns| ns < call_ns) {
                findings.add(|| violation(case, item, read, &item.writes[write], bound));
                break;
            }
        }
    }
}

/// When each region had what a read shows, if it is known to have had it. `Some(None)`: from the beginning.
fn shown_before(
    item: &Item<'_>,
    read: &Sighting<'_>,
    known: &Table<Vec<Option<u64>>>,
    region_count: usize,
) -> Option<Vec<Option<Option<u64>>>> {
    match read.number() {
        Some(value) => {
            let known = known.get(value)?;
            Some(known.iter().map(|ns| ns.map(Some)).collect())
        }
        None if read.is_absent() && !item.has_deletes => Some(vec![Some(None); region_count]),
        None => None,
    }
}

/// Acknowledged writes of known stamp by acknowledgement, with the greatest so far.
fn by_stamp(item: &Item<'_>) -> Vec<(u64, super::Order, usize)> {
    let stamped = item.writes.iter().enumerate().filter_map(|(index, write)| {
        let is_acknowledged = write.fate == Fate::Acknowledged;
        let return_ns = write.return_ns.filter(|_| is_acknowledged)?;
        Some((return_ns, write.order?, index))
    });
    let mut stamped: Vec<_> = stamped.collect();
    stamped.sort_unstable();
    for index in 1..stamped.len() {
        let (_, before, write) = stamped[index - 1];
        let (return_ns, own, own_write) = stamped[index];
        let (greatest, write) = (before, write).max((own, own_write));
        stamped[index] = (return_ns, greatest, write);
    }
    stamped
}

/// Those acknowledged writes that count, by region and acknowledgement, each with the one among those so far that was asked for last.
fn latest(item: &Item<'_>, region_count: usize, counts: impl Fn(&Write) -> bool) -> Vec<Latest> {
    let mut latest: Vec<Latest> = vec![Vec::new(); region_count];
    let counting = item.writes.iter().enumerate().filter(|(_, w)| counts(w));
    for (index, write) in counting {
        if let (Fate::Acknowledged, Some(return_ns)) = (write.fate, write.return_ns) {
            latest[at(write.region)].push((return_ns, write.call_ns, index));
        }
    }
    for list in &mut latest {
        list.sort_unstable();
        for index in 1..list.len() {
            let (_, before_ns, write) = list[index - 1];
            if list[index].1 < before_ns {
                list[index] = (list[index].0, before_ns, write);
            }
        }
    }
    latest
}

/// When each version was there in each region at the latest: by its acknowledgement and its strong sightings.
fn known(item: &Item<'_>, region_count: usize) -> Table<Vec<Option<u64>>> {
    let mut known: Table<Vec<Option<u64>>> = Table::default();
    let mut learn = |value: i64, region: usize, return_ns: u64| {
        let regions = known.or_insert_with(value, || vec![None; region_count]);
        let own = &mut regions[region];
        *own = Some(own.map_or(return_ns, |ns| ns.min(return_ns)));
    };
    for sighting in item.sightings.iter().filter(|s| s.is_current()) {
        if let Some(value) = sighting.number().filter(|v| item.writer(*v).is_some()) {
            learn(value, at(sighting.region), sighting.return_ns);
        }
    }
    for write in item.writes.iter().filter(|w| w.fate == Fate::Acknowledged) {
        let value = write.value.filter(|v| item.writer(*v).is_some());
        if let (Some(value), Some(return_ns)) = (value, write.return_ns) {
            learn(value, at(write.region), return_ns);
        }
    }
    known
}

fn violation(
    case: &Case<'_>,
    item: &Item<'_>,
    read: &Sighting<'_>,
    write: &Write,
    bound: &Delivery,
) -> Violation {
    let mut evidence = Evidence::new(case.history, item.key)
        .with(write.operation, "the acknowledged write")
        .with(read.operation, "the operation that misses it");
    if let Some((_, shown)) = write.value.and_then(|value| item.shown(value)) {
        evidence = evidence.with(shown.operation, "the operation that shows the newer stamp");
    }
    evidence = with_stamp(evidence, item, read);
    if let Some(value) = read.number()
        && (read.order.is_none() || write.order.is_none())
    {
        evidence = with_earlier(evidence, item, value, write);
    }
    let waited_ns = read.call_ns.saturating_sub(write.return_ns.unwrap_or(0));
    evidence.because(format!(
        "{}: {} ms after the write of {} was acknowledged in {}, {} still had {}. With healthy links it must arrive within {} ms",
        key_words(case.history, item.key),
        waited_ns / 1_000_000,
        number_words(write.value),
        region_name(&case.history.header, at(write.region)),
        region_name(&case.history.header, at(read.region)),
        words(read.value),
        bound.bound_ns / 1_000_000,
    ))
}

/// Adds what shows that the writing region had this version before the write was asked for.
fn with_earlier<'h>(
    evidence: Evidence<'h>,
    item: &Item<'_>,
    value: i64,
    write: &Write,
) -> Evidence<'h> {
    const ROLE: &str = "the writing region had the older version before";
    let seen = item.sightings.iter();
    let mut seen = seen.filter(|s| s.region == write.region && s.number() == Some(value));
    let early = |return_ns: u64| return_ns < write.call_ns;
    if let Some(older) = item.writer(value)
        && older.region == write.region
        && older.return_ns.is_some_and(early)
    {
        return evidence.with(older.operation, ROLE);
    }
    match seen.find(|s| s.is_current() && early(s.return_ns)) {
        Some(seen) => evidence.with(seen.operation, ROLE),
        None => evidence,
    }
}
