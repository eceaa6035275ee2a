//! Judges a history by what its store is expected to promise.
//!
//! A check of a named set runs where the history can show something about it, and is listed as left out where it cannot. A check that
//! was asked for by its own name always runs, and is `unknown` then.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use crate::check::{Subject, applicable, check_on, registry, subjects, why_not};
use crate::expectation::{UnknownExpectation, expected_checks};
use crate::history::{Header, History};
use crate::verdict::Verdict;

/// How to judge.
#[derive(Clone, Debug, Default)]
pub struct Options<'o> {
    /// Names of sets ([`crate::expectations`]) and of checks ([`registry`]). None: what last writer wins promises.
    pub expectations: Vec<&'o str>,
}

/// A verdict, and what it does not rest on.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// What the checks that ran have found.
    pub verdict: Verdict,
    /// Checks of the named sets about which the history shows nothing.
    pub left_out: Vec<LeftOut>,
}

/// A check that did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its id.
    pub check: &'static str,
    /// What the history lacks.
    pub reason: &'static str,
}

/// Judges a history.
///
/// # Errors
/// When an expectation is neither a set nor a check.
pub fn judge(history: &History, options: &Options<'_>) -> Result<Judgement, UnknownExpectation> {
    judge_on(history, options, NonZeroUsize::MIN)
}

/// As [`judge`], on so many threads. The verdict is the same for any number of them.
///
/// # Errors
/// When an expectation is neither a set nor a check.
pub fn judge_on(
    history: &History,
    options: &Options<'_>,
    threads: NonZeroUsize,
) -> Result<Judgement, UnknownExpectation> {
    let asked = options.asked(&history.header, &subjects(history))?;
    Ok(Judgement {
        verdict: check_on(history, &asked.checks, threads),
        left_out: asked.left_out,
    })
}

/// What is to be checked in one history.
pub(crate) struct Asked {
    pub(crate) checks: Vec<&'static str>,
    pub(crate) left_out: Vec<LeftOut>,
}

impl Options<'_> {
    /// What of the expectations can be checked in a history that speaks of these subjects.
    pub(crate) fn asked(
        &self,
        header: &Header,
        subjects: &BTreeSet<Subject>,
    ) -> Result<Asked, UnknownExpectation> {
        if self.expectations.is_empty() {
            return Ok(Asked {
                checks: applicable(header, subjects),
                left_out: Vec::new(),
            });
        }
        let expected = expected_checks(&self.expectations)?;
        let (mut checks, mut left_out) = (Vec::new(), Vec::new());
        for info in registry().iter().filter(|i| expected.contains(&i.id)) {
            let is_named = self.expectations.contains(&info.id);
            match why_not(info, header, subjects) {
                Some(reason) if !is_named => left_out.push(LeftOut {
                    check: info.id,
                    reason,
                }),
                Some(_) | None => checks.push(info.id),
            }
        }
        Ok(Asked { checks, left_out })
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, judge};
    use crate::history::one_line;
    use crate::verdict::Outcome;

    fn judged(line: &str, expectations: &[&str]) -> (Outcome, Vec<String>, usize) {
        let history = one_line(line).expect("well formed");
        let options = Options {
            expectations: expectations.to_vec(),
        };
        let judgement = judge(&history, &options).expect("known expectations");
        let checks = judgement.verdict.checks.into_iter();
        let ran = checks.map(|c| c.check).collect();
        (judgement.verdict.outcome, ran, judgement.left_out.len())
    }

    /// A write in us is acknowledged; eu, asked afterwards, has not got it.
    const STALE: &str = "us:w1[0-1] eu:r-[2-3] us:r1[90-91]F eu:r1[90-91]F";

    #[test]
    fn the_model_decides_what_is_a_violation() {
        for (model, outcome) in [
            ("mrec", Outcome::Valid),
            ("eventual", Outcome::Valid),
            ("mrsc", Outcome::Invalid),
            ("single-region", Outcome::Invalid),
        ] {
            assert_eq!(judged(STALE, &[model]).0, outcome, "{model}");
        }
    }

    #[test]
    fn what_a_set_cannot_see_is_left_out_and_what_is_named_is_unknown() {
        let (_, ran, left_out_count) = judged(STALE, &["mrec"]);
        assert!(!ran.contains(&"winner".to_owned()) && left_out_count > 0);
        let (outcome, ran, _) = judged(STALE, &["mrec", "winner"]);
        assert!(ran.contains(&"winner".to_owned()));
        assert_eq!(outcome, Outcome::Unknown);
    }
}
