//! What sets and lists have in common: elements come and never go.
//!
//! As long as one region does all the adding, its versions are a chain in which each holds all of the one before, and every region moves
//! up that chain. So what a region is known to have shown or acknowledged must be in all that it shows later. When several regions add,
//! the last writer wins the whole item and elements may go; then only what is seen too much is judged, and what is lost is measured.

use super::case::{Addition, Case, Fate, Item, Sighting};
use super::evidence::{Evidence, Findings, key_words, region_name};
use super::frontier::at;
use crate::history::Value;
use crate::table::Table;
use crate::verdict::Violation;

/// A sighting with the elements that it shows.
pub(crate) type Shown<'i, 'h> = (&'i Sighting<'h>, &'h [i64]);

/// All sightings that show elements; no item shows none.
pub(crate) fn shown<'i, 'h>(item: &'i Item<'h>) -> Vec<Shown<'i, 'h>> {
    let elements = |s: &'i Sighting<'h>| match s.value {
        Value::List(elements) => Some((s, elements.as_slice())),
        Value::Absent => Some((s, &[][..])),
        Value::Int(_) => None,
    };
    item.sightings.iter().filter_map(elements).collect()
}

/// The additions of an item by element: the first that did not fail, or else any.
pub(crate) fn by_element(item: &Item<'_>) -> Table<Addition> {
    let mut additions: Table<Addition> = Table::default();
    for addition in &item.additions {
        let known = additions.or_insert_with(addition.number, || *addition);
        let is_better = known.fate == Fate::Failed && addition.fate != Fate::Failed;
        if is_better {
            *known = *addition;
        }
    }
    additions
}

/// Elements that nobody added, whose addition failed or was asked for only later, and elements that are there twice.
pub(crate) fn too_much(
    case: &Case<'_>,
    item: &Item<'_>,
    shown: &[Shown<'_, '_>],
    findings: &mut Findings,
) {
    let additions = by_element(item);
    for (sighting, elements) in shown {
        let mut seen: Table<()> = Table::default();
        for element in *elements {
            let about = || {
                Evidence::new(case.history, item.key)
                    .with(sighting.operation, "the operation that saw it")
            };
            let because = |evidence: Evidence<'_>, what: &str| -> Violation {
                let key = key_words(case.history, item.key);
                evidence.because(format!("{key}: the element {element} was seen, but {what}"))
            };
            if seen.insert(*element, ()).is_some() {
                findings.add(|| because(about(), "twice in one item; it was added once"));
            }
            match additions.get(*element) {
                None => findings.add(|| because(about(), "nobody added it")),
                Some(failed) if failed.fate == Fate::Failed => findings.add(|| {
                    let evidence = about().with(failed.operation, "the addition that failed");
                    because(evidence, "its addition definitely failed")
                }),
                Some(late) if late.call_ns > sighting.return_ns => findings.add(|| {
                    let evidence = about().with(late.operation, "the addition, asked only later");
                    because(evidence, "its addition was asked for only later")
                }),
                Some(_) => {}
            }
        }
    }
}

/// How an element came to be known in a region.
#[derive(Clone, Copy)]
struct Known {
    since_ns: u64,
    element: i64,
    operation: usize,
    role: &'static str,
}

/// Elements that a region had acknowledged or shown, and that a later strong sighting there, or a final read anywhere, does not show.
pub(crate) fn missing(
    case: &Case<'_>,
    item: &Item<'_>,
    shown: &[Shown<'_, '_>],
    findings: &mut Findings,
) {
    let Some(origin) = item.only_region() else {
        return;
    };
    for region in 0..case.region_count() {
        let own = shown.iter().filter(|(s, _)| at(s.region) == region);
        let own: Vec<_> = own.filter(|(s, _)| s.is_current()).copied().collect();
        if own.is_empty() {
            continue;
        }
        let mut known: Table<Known> = Table::default();
        let mut learn = |new: Known| {
            let old = known.or_insert_with(new.element, || new);
            if new.since_ns < old.since_ns {
                *old = new;
            }
        };
        for (sighting, elements) in &own {
            elements.iter().for_each(|element| {
                learn(Known {
                    since_ns: sighting.return_ns,
                    element: *element,
                    operation: sighting.operation,
                    role: "the operation that had shown it",
                });
            });
        }
        for addition in item
            .additions
            .iter()
            .filter(|a| a.fate == Fate::Acknowledged)
        {
            // Replication takes time; in the final phase it has had it.
            let final_ns = own
                .iter()
                .filter(|(s, _)| is_final(s))
                .map(|(s, _)| s.call_ns);
            let acknowledged_ns = addition.return_ns.unwrap_or(u64::MAX);
            let since_ns = match at(origin) == region {
                true => Some(acknowledged_ns),
                false => final_ns
                    .min()
                    .map(|ns| ns.saturating_sub(1).max(acknowledged_ns)),
            };
            if let Some(since_ns) = since_ns {
                learn(Known {
                    since_ns,
                    element: addition.number,
                    operation: addition.operation,
                    role: "the acknowledged addition",
                });
            }
        }
        let mut times: Vec<Known> = known.iter().map(|(_, known)| *known).collect();
        times.sort_by_key(|k| (k.since_ns, k.element));
        for (sighting, elements) in own {
            let due_count = times.partition_point(|k| k.since_ns < sighting.call_ns);
            let is_due = |element: &&i64| {
                let known = known.get(**element);
                known.is_some_and(|k| k.since_ns < sighting.call_ns)
            };
            if elements.iter().filter(is_due).count() >= due_count {
                continue;
            }
            let absent = times[..due_count].iter();
            let mut absent = absent.filter(|k| !elements.contains(&k.element));
            if let Some(first) = absent.next().copied() {
                findings.add(|| lost(case, item, sighting, first, 1 + absent.count()));
            }
        }
    }
}

fn is_final(sighting: &Sighting<'_>) -> bool {
    sighting.phase == crate::history::Phase::Final
}

fn lost(
    case: &Case<'_>,
    item: &Item<'_>,
    sighting: &Sighting<'_>,
    known: Known,
    count: usize,
) -> Violation {
    let others = match count {
        1 => String::new(),
        count => format!(", and {} others with it", count - 1),
    };
    Evidence::new(case.history, item.key)
        .with(known.operation, known.role)
        .with(sighting.operation, "the operation that misses it")
        .because(format!(
            "{}: the element {} was there, and {} does not show it any more{others}. One region alone adds to this item, so nothing can have replaced it",
            key_words(case.history, item.key),
            known.element,
            region_name(&case.history.header, at(sighting.region)),
        ))
}
