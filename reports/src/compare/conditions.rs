//! What was asked differently.

use std::collections::BTreeMap;

use super::{Difference, Subject, Weight};
use crate::summary::option_text;

/// What forbids a comparison, whoever wrote the run: options of tests and of loads.
const FORBIDS: [&str; 9] = [
    "workload",
    "option arrival",
    "option concurrency",
    "option connections",
    "option faults",
    "option rate",
    "load arrival",
    "load faults",
    "load rate",
];

/// The same, whatever unit follows: `warm_up_s`, `in_flight_limit`.
const FORBIDS_BEGINNING: [&str; 4] = [
    "option in_flight",
    "option warm_up",
    "load in-flight",
    "load warm-up",
];

/// Every difference, that which forbids a comparison first, then in the order of `run.json`.
pub(super) fn differences(subjects: &[Subject]) -> Vec<Difference> {
    let told: Vec<Vec<(String, String)>> = subjects.iter().map(conditions).collect();
    let mut order: Vec<&String> = Vec::new();
    for (name, _) in told.iter().flatten() {
        if !order.contains(&name) {
            order.push(name);
        }
    }
    let maps: Vec<BTreeMap<&str, &str>> = told
        .iter()
        .map(|one| {
            one.iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect()
        })
        .collect();
    let mut differences: Vec<Difference> = order
        .into_iter()
        .filter_map(|name| {
            let values: Vec<String> = maps
                .iter()
                .map(|map| {
                    map.get(name.as_str())
                        .map_or("–", |value| *value)
                        .to_owned()
                })
                .collect();
            let same = values.iter().all(|value| *value == values[0]);
            (!same).then(|| Difference {
                weight: weight(name),
                what: name.clone(),
                values,
            })
        })
        .collect();
    differences.sort_by_key(|difference| difference.weight);
    differences
}

fn weight(name: &str) -> Weight {
    if FORBIDS.contains(&name)
        || FORBIDS_BEGINNING
            .iter()
            .any(|begin| name.starts_with(begin))
    {
        Weight::Forbids
    } else {
        Weight::MayExplain
    }
}

/// Everything that was asked, in the order of `run.json`.
fn conditions(subject: &Subject) -> Vec<(String, String)> {
    let run = &subject.run;
    let mut told = vec![
        ("workload".to_owned(), run.workload.clone()),
        ("version".to_owned(), run.version.clone()),
        ("target".to_owned(), run.target.clone()),
        ("regions".to_owned(), run.regions.join(", ")),
        ("seed".to_owned(), run.seed.to_string()),
    ];
    told.extend(subject.load.clone());
    let options = run.options.iter();
    told.extend(options.map(|(name, value)| (format!("option {name}"), option_text(value))));
    told.extend(run.links.iter().map(|link| {
        (
            format!("link {} → {}", link.from, link.to),
            format!("{} ms ± {} ms", link.delay_ms, link.jitter_ms),
        )
    }));
    let environment = subject.environment.iter();
    told.extend(environment.map(|(name, value)| (format!("machine {name}"), value.clone())));
    told
}
