//! Known anomalies: violations that somebody has looked at and allows for a while, each with a reason and a date.
//!
//! An entry names a check and, if it is narrower, a key or words of the summary. Violations that it matches are taken out of the verdict and
//! counted. An entry whose date has passed matches nothing. Entries that are expired or match nothing are reported, so that the list does
//! not rot. Violations that a check counted but does not show cannot be matched, and stay.

use serde::{Deserialize, Serialize};

use crate::verdict::{Outcome, Verdict, Violation};

/// A list of known anomalies, as its file holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownAnomalies {
    /// The entries.
    #[serde(default)]
    pub known: Vec<KnownAnomaly>,
}

/// One known anomaly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownAnomaly {
    /// The check that flags it.
    pub check: String,
    /// The item, if only one is meant.
    #[serde(default)]
    pub key: Option<u64>,
    /// Words that the summary holds, if only such violations are meant.
    #[serde(default)]
    pub contains: Option<String>,
    /// Why it is allowed, for whoever reads it next.
    pub reason: String,
    /// The last day on which it is allowed: `2027-01-31`.
    pub expires: String,
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnownUse {
    /// The entry.
    pub anomaly: KnownAnomaly,
    /// How it fared.
    pub state: KnownState,
}

/// How an entry fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KnownState {
    /// It matched so many violations.
    Used(u64),
    /// It matched none: delete it, unless the anomaly is rare.
    Unused,
    /// Its date has passed: what it would match counts.
    Expired,
}

/// An entry that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KnownError {
    /// There is no such check.
    #[error("known anomaly {number}: check: there is no check {check}; see dateline list checks")]
    NoSuchCheck {
        /// Which entry, from 1.
        number: usize,
        /// What it names.
        check: String,
    },
    /// The date is not one.
    #[error("known anomaly {number}: expires: {expires:?} is not a date such as 2027-01-31")]
    NoDate {
        /// Which entry, from 1.
        number: usize,
        /// What it says.
        expires: String,
    },
    /// Nobody says why.
    #[error("known anomaly {number}: reason: it is empty; say why this is allowed")]
    NoReason {
        /// Which entry, from 1.
        number: usize,
    },
}

impl KnownAnomalies {
    /// Looks every entry over.
    ///
    /// # Errors
    /// The first that makes no sense.
    pub fn validate(&self) -> Result<(), KnownError> {
        for (number, entry) in (1..).zip(&self.known) {
            let check = entry.check.clone();
            if !crate::registry().iter().any(|info| info.id == check) {
                return Err(KnownError::NoSuchCheck { number, check });
            }
            if !is_date(&entry.expires) {
                let expires = entry.expires.clone();
                return Err(KnownError::NoDate { number, expires });
            }
            if entry.reason.trim().is_empty() {
                return Err(KnownError::NoReason { number });
            }
        }
        Ok(())
    }

    /// Takes what is known out of a verdict. `today` is a date such as `2026-12-01`.
    #[must_use]
    pub fn apply(&self, verdict: &mut Verdict, today: &str) -> Vec<KnownUse> {
        let mut used = vec![0_u64; self.known.len()];
        let is_live = |entry: &KnownAnomaly| entry.expires.as_str() >= today;
        let mut has_changed = false;
        for result in &mut verdict.checks {
            let before = result.violations.len();
            result.violations.retain(|violation| {
                let matching = |entry: &KnownAnomaly| {
                    is_live(entry) && entry.check == result.check && entry.matches(violation)
                };
                let Some(index) = self.known.iter().position(matching) else {
                    return true;
                };
                used[index] += 1;
                false
            });
            let removed = (before - result.violations.len()) as u64;
            result.violation_count -= removed;
            if removed > 0 && result.violation_count == 0 {
                result.outcome = Outcome::Valid;
                has_changed = true;
            }
        }
        if has_changed {
            let worst = verdict.checks.iter().map(|c| c.outcome).max();
            let has_reason = verdict.reason.is_some();
            let least = if has_reason {
                Outcome::Unknown
            } else {
                Outcome::Valid
            };
            verdict.outcome = worst.unwrap_or(Outcome::Unknown).max(least);
        }
        let uses = self.known.iter().zip(used);
        uses.map(|(entry, count)| KnownUse {
            anomaly: entry.clone(),
            state: match count {
                _ if !is_live(entry) => KnownState::Expired,
                0 => KnownState::Unused,
                count => KnownState::Used(count),
            },
        })
        .collect()
    }
}

impl KnownAnomaly {
    fn matches(&self, violation: &Violation) -> bool {
        let key = violation.key.map(|key| key.0);
        let words = self.contains.as_ref();
        self.key.is_none_or(|own| key == Some(own))
            && words.is_none_or(|words| violation.summary.contains(words))
    }
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_number = |part: &str, length: usize, from: u32, to: u32| {
        let number = part.parse().ok();
        part.len() == length && number.is_some_and(|n: u32| (from..=to).contains(&n))
    };
    match parts[..] {
        [year, month, day] => {
            is_number(year, 4, 1, 9999) && is_number(month, 2, 1, 12) && is_number(day, 2, 1, 31)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{KnownAnomalies, KnownAnomaly, KnownState};
    use crate::history::one_line;
    use crate::verdict::Outcome;

    fn list(key: Option<u64>, expires: &str) -> KnownAnomalies {
        KnownAnomalies {
            known: vec![KnownAnomaly {
                check: "phantom".to_owned(),
                key,
                contains: Some("nobody wrote it".to_owned()),
                reason: "ticket 7".to_owned(),
                expires: expires.to_owned(),
            }],
        }
    }

    #[test]
    fn what_is_known_is_taken_out_until_its_date() {
        for (line, entry, outcome, state) in [
            (
                "us:r7[0-1]",
                list(Some(0), "2026-12-01"),
                Outcome::Valid,
                KnownState::Used(1),
            ),
            (
                "us:r7[0-1]",
                list(None, "2026-11-30"),
                Outcome::Invalid,
                KnownState::Expired,
            ),
            (
                "us:r7[0-1]",
                list(Some(3), "2026-12-01"),
                Outcome::Invalid,
                KnownState::Unused,
            ),
            (
                "us:w1[0-1]! us:r1[2-3]",
                list(None, "2026-12-01"),
                Outcome::Invalid,
                KnownState::Unused,
            ),
            (
                "us:r-[0-1]",
                list(None, "2026-12-01"),
                Outcome::Valid,
                KnownState::Unused,
            ),
        ] {
            let history = one_line(line).expect("well formed");
            let mut verdict = crate::check(&history, &["phantom"]);
            let uses = entry.apply(&mut verdict, "2026-12-01");
            assert_eq!((verdict.outcome, uses[0].state), (outcome, state), "{line}");
        }
    }

    /// What is not known stays, and so does what was never found.
    #[test]
    fn a_check_passes_only_when_all_it_found_was_known() {
        for (line, count, outcome) in [
            ("us:r7[0-1] 1/us:r8[0-1]", 1, Outcome::Invalid),
            ("us:w1[0-1]", 0, Outcome::Unknown),
        ] {
            let history = one_line(line).expect("well formed");
            let mut verdict = crate::check(&history, &["phantom"]);
            let uses = list(Some(0), "2026-12-01").apply(&mut verdict, "2026-12-01");
            assert_eq!(uses.len(), 1);
            let result = &verdict.checks[0];
            let found = (result.violation_count, result.outcome, verdict.outcome);
            assert_eq!(found, (count, outcome, outcome), "{line}");
        }
    }

    #[test]
    fn entries_that_make_no_sense_are_refused() {
        assert_eq!(list(None, "2026-12-01").validate(), Ok(()));
        let message = |list: KnownAnomalies| list.validate().map_err(|e| e.to_string());
        for date in [
            "soon",
            "26-12-01",
            "2026-13-01",
            "2026-00-01",
            "2026-12-32",
            "2026-12-00",
            "2026-12-1",
            "2026-1-01",
            "2026-12",
        ] {
            assert!(message(list(None, date)).is_err_and(|e| e.contains("not a date")));
        }
        let mut unknown = list(None, "2026-12-01");
        unknown.known[0].check = "frob".to_owned();
        assert!(message(unknown).is_err_and(|e| e.contains("no check frob")));
    }
}
