//! Joins the shares of one schedule that ran on many machines into the summary of the whole.
//!
//! Histograms are added, so the percentiles are those that one machine would have seen; nothing is averaged. Shares that are missing, doubled or not of
//! one schedule are refused: a summary of most of a run would look like a summary of a run.
//! Times within a share are on that machine's own clock; [`super::joined`] puts seconds of several shares beside each other.

use std::collections::{BTreeMap, BTreeSet};

use super::{Client, Lane, LoadLag, LoadRow, LoadSummary, TimesError, limits};

/// Why shares could not be joined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Nothing to join.
    #[error("nothing to merge; name the run folders of all shares")]
    Nothing,
    /// One of them took the whole schedule.
    #[error("run {position} of those named took the whole schedule, it is no share; leave it out")]
    NotAShare {
        /// Its place in what was named, from 1.
        position: usize,
    },
    /// A share is not there.
    #[error(
        "{missing} missing of {of}: a part of the run would be left out; name the folders of all shares"
    )]
    Missing {
        /// Which, as text.
        missing: String,
        /// Of how many.
        of: u32,
    },
    /// A share is there twice, or its number is beyond their count.
    #[error("share {index}/{of} {what}; name the folder of each share once")]
    Doubled {
        /// Which.
        index: u32,
        /// Of how many.
        of: u32,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The shares are not of one schedule.
    #[error(
        "share {index}: `{field}` is {found}, in the first one it is {expected}; only shares of one schedule can be merged"
    )]
    Differs {
        /// The share that differs.
        index: u32,
        /// What differs.
        field: String,
        /// What it says.
        found: String,
        /// What the first share says.
        expected: String,
    },
    /// Histograms that cannot be added.
    #[error("share {index}: {source}")]
    Times {
        /// The share.
        index: u32,
        /// Why.
        source: TimesError,
    },
}

/// Options that differ between the shares of one schedule.
const OWN_OPTIONS: [&str; 2] = ["share", "out"];

/// The summary of the whole schedule. Goals have to be evaluated anew, by the caller that knows them.
///
/// # Errors
/// A share is missing, doubled, or of another schedule.
pub fn merge(shares: &[LoadSummary]) -> Result<LoadSummary, MergeError> {
    let first = shares.first().ok_or(MergeError::Nothing)?;
    complete(shares)?;
    for share in &shares[1..] {
        same_schedule(first, share)?;
    }
    let mut rows: BTreeMap<(String, String), LoadRow> = BTreeMap::new();
    let mut lags: BTreeMap<(String, String), LoadLag> = BTreeMap::new();
    let mut lanes: Vec<Lane> = Vec::new();
    for share in shares {
        let failed = |source| MergeError::Times {
            index: index(share),
            source,
        };
        for row in &share.rows {
            match rows.get_mut(&(row.region.clone(), row.kind.clone())) {
                Some(sum) => add_row(sum, row).map_err(failed)?,
                None => {
                    rows.insert((row.region.clone(), row.kind.clone()), row.clone());
                }
            }
        }
        for lag in &share.lag {
            match lags.get_mut(&(lag.from.clone(), lag.to.clone())) {
                Some(sum) => add_lag(sum, lag).map_err(failed)?,
                None => {
                    lags.insert((lag.from.clone(), lag.to.clone()), lag.clone());
                }
            }
        }
        share
            .lanes
            .iter()
            .for_each(|lane| add_lane(&mut lanes, lane));
    }
    let mut whole = LoadSummary {
        share: None,
        clock: None,
        lanes,
        rows: rows.into_values().collect(),
        lag: lags.into_values().collect(),
        goals: Vec::new(),
        client: client(shares),
        warnings: Vec::new(),
        ..first.clone()
    };
    OWN_OPTIONS.iter().for_each(|name| {
        whole.run.options.remove(*name);
    });
    whole.warnings = limits::warnings(&whole);
    let told = shares.iter().flat_map(|share| {
        let own = limits::warnings(share);
        let said = share
            .warnings
            .iter()
            .filter(move |told| !own.contains(told));
        said.map(|told| format!("share {}: {told}", index(share)))
    });
    whole.warnings.extend(told);
    Ok(whole)
}

fn index(summary: &LoadSummary) -> u32 {
    summary.share.map_or(0, |share| share.index)
}

fn complete(shares: &[LoadSummary]) -> Result<(), MergeError> {
    let mut seen = BTreeSet::new();
    let mut parts = 0;
    for (position, summary) in shares.iter().enumerate() {
        let share = summary.share.ok_or(MergeError::NotAShare {
            position: position + 1,
        })?;
        if position == 0 {
            parts = share.of;
        }
        if share.of != parts {
            return Err(differs(
                share.index,
                "share",
                &format!("one of {}", share.of),
                &format!("one of {parts}"),
            ));
        }
        let what = if share.index == 0 || share.index > parts {
            "does not exist"
        } else if seen.insert(share.index) {
            continue;
        } else {
            "is there more than once"
        };
        return Err(MergeError::Doubled {
            index: share.index,
            of: parts,
            what,
        });
    }
    let missing: Vec<String> = (1..=parts)
        .filter(|index| !seen.contains(index))
        .map(|index| index.to_string())
        .collect();
    match missing.len() {
        0 => Ok(()),
        1 => Err(MergeError::Missing {
            missing: format!("share {} is", missing[0]),
            of: parts,
        }),
        _ => Err(MergeError::Missing {
            missing: format!("shares {} are", missing.join(", ")),
            of: parts,
        }),
    }
}

fn differs(index: u32, field: &str, found: &str, expected: &str) -> MergeError {
    MergeError::Differs {
        index,
        field: field.to_owned(),
        found: found.to_owned(),
        expected: expected.to_owned(),
    }
}

fn same_schedule(first: &LoadSummary, share: &LoadSummary) -> Result<(), MergeError> {
    let index = index(share);
    let told = |summary: &LoadSummary| -> Vec<(String, String)> {
        let (run, plan) = (&summary.run, &summary.plan);
        let mut told = vec![
            ("version".to_owned(), run.version.clone()),
            ("workload".to_owned(), run.workload.clone()),
            ("seed".to_owned(), run.seed.to_string()),
            ("regions".to_owned(), run.regions.join(", ")),
            ("arrival".to_owned(), plan.arrival.clone()),
            ("rate_per_s".to_owned(), plan.rate_per_s.to_string()),
            ("warm_up_ns".to_owned(), plan.warm_up_ns.to_string()),
            ("measured_ns".to_owned(), plan.measured_ns.to_string()),
            ("late_after_ns".to_owned(), plan.late_after_ns.to_string()),
            ("faults".to_owned(), plan.faults.join(", ")),
        ];
        let options = run
            .options
            .iter()
            .filter(|(name, _)| !OWN_OPTIONS.contains(&name.as_str()));
        told.extend(options.map(|(name, value)| (format!("options.{name}"), value.to_string())));
        told
    };
    let (expected, found) = (told(first), told(share));
    for (name, value) in &expected {
        let other = found.iter().find(|(found, _)| found == name);
        match other {
            Some((_, same)) if same == value => {}
            Some((_, other)) => return Err(differs(index, name, other, value)),
            None => return Err(differs(index, name, "not set", value)),
        }
    }
    match found
        .iter()
        .find(|(name, _)| expected.iter().all(|(known, _)| known != name))
    {
        Some((name, value)) => Err(differs(index, name, value, "not set")),
        None => Ok(()),
    }
}

fn add_row(sum: &mut LoadRow, row: &LoadRow) -> Result<(), TimesError> {
    sum.scheduled += row.scheduled;
    sum.sent += row.sent;
    sum.late += row.late;
    sum.never_sent += row.never_sent;
    sum.achieved_per_s += row.achieved_per_s;
    sum.response.add(&row.response)?;
    sum.service.add(&row.service)?;
    sum.open.add(&row.open)?;
    sum.schedule_error.add(&row.schedule_error)?;
    for (code, times) in &row.errors {
        sum.errors.entry(code.clone()).or_default().add(times)?;
    }
    Ok(())
}

fn add_lag(sum: &mut LoadLag, lag: &LoadLag) -> Result<(), TimesError> {
    sum.unseen += lag.unseen;
    sum.lower.add(&lag.lower)?;
    sum.upper.add(&lag.upper)
}

fn add_lane(lanes: &mut Vec<Lane>, lane: &Lane) {
    match lanes.iter_mut().find(|sum| sum.region == lane.region) {
        Some(sum) => {
            sum.rate_asked_per_s += lane.rate_asked_per_s;
            sum.in_flight_limit += lane.in_flight_limit;
            sum.waited_for_slot += lane.waited_for_slot;
        }
        None => lanes.push(lane.clone()),
    }
}

/// All threads together; as busy as the busiest share and as starved as the most starved, since one such share spoils its part.
fn client(shares: &[LoadSummary]) -> Client {
    let most = |ratio: fn(&Client) -> Option<f64>| {
        let ratios = shares.iter().filter_map(|share| ratio(&share.client));
        ratios.max_by(f64::total_cmp)
    };
    Client {
        threads: shares.iter().map(|share| share.client.threads).sum(),
        cpu_busy_ratio: most(|client| client.cpu_busy_ratio),
        cpu_wait_ratio: most(|client| client.cpu_wait_ratio),
        cpu_stolen_ratio: most(|client| client.cpu_stolen_ratio),
    }
}

#[cfg(test)]
mod tests;
