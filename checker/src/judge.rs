//! Judges a history by what its store is expected to promise.
//!
//! A check of a named set runs where the history can show something about it, and is listed as left out where it cannot. A check that
//! was asked for by its own name always runs, and is `unknown` then.

use std::num::NonZeroUsize;

use crate::check::{CheckInfo, Subjects, check_on, never, registry, subjects, why_not};
use crate::expectation::{UnknownExpectation, expected_checks, is_usual};
use crate::history::{Header, History};
use crate::verdict::Verdict;

/// How to judge.
#[derive(Clone, Debug, Default)]
pub struct Options<'o> {
    /// Names of sets ([`crate::expectations`]) and of checks ([`registry`]). None: what last writer wins promises.
    pub expectations: Vec<&'o str>,
    /// Whether what is judged is all there is.
    pub scope: Scope,
}

/// How much of a history is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All of it.
    #[default]
    Whole,
    /// Some of its items. Other parts may show what a check needs that this one lacks: so it runs all the same, and is listed as left out beside its
    /// result, which counts if some part does not list it.
    Part,
}

/// A verdict, and what it does not rest on.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// What the checks that ran have found.
    pub verdict: Verdict,
    /// Checks of the named sets about which the history shows nothing; of a part, of any set.
    pub left_out: Vec<LeftOut>,
    /// Whether nothing but reads was asked. What was read is then taken for registers, which of a part other parts can tell better.
    pub is_read_only: bool,
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
    let asked = options.asked(&history.header, subjects(history))?;
    let verdict = check_on(history, &asked.checks, threads);
    Ok(asked.answered(verdict))
}

/// What is to be checked in one history.
pub(crate) struct Asked {
    pub(crate) checks: Vec<&'static str>,
    left_out: Vec<LeftOut>,
    is_read_only: bool,
}

impl Asked {
    /// With what these checks found.
    pub(crate) fn answered(self, verdict: Verdict) -> Judgement {
        Judgement {
            verdict,
            left_out: self.left_out,
            is_read_only: self.is_read_only,
        }
    }
}

impl Options<'_> {
    /// What of the expectations can be checked in a history that speaks of these subjects.
    pub(crate) fn asked(
        &self,
        header: &Header,
        subjects: Subjects,
    ) -> Result<Asked, UnknownExpectation> {
        let is_read_only = subjects.are_read_only();
        let subjects = subjects.finish();
        let expected = match self.expectations.is_empty() {
            true => None,
            false => Some(expected_checks(&self.expectations)?),
        };
        let is_expected = |info: &&CheckInfo| match &expected {
            None => is_usual(info),
            Some(expected) => expected.contains(&info.id),
        };
        let (mut checks, mut left_out) = (Vec::new(), Vec::new());
        for info in registry().iter().filter(is_expected) {
            let is_named = self.expectations.contains(&info.id);
            let reason = why_not(info, header, &subjects).filter(|_| !is_named);
            let runs = match (reason, self.scope) {
                (None, _) => true,
                (Some(_), Scope::Whole) => false,
                (Some(_), Scope::Part) => never(info, header).is_none(),
            };
            if runs {
                checks.push(info.id);
            }
            let is_told = expected.is_some() || self.scope == Scope::Part;
            if let Some(reason) = reason.filter(|_| is_told) {
                left_out.push(LeftOut {
                    check: info.id,
                    reason,
                });
            }
        }
        Ok(Asked {
            checks,
            left_out,
            is_read_only,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, Scope, judge};
    use crate::history::one_line;
    use crate::verdict::Outcome;

    fn judged(line: &str, expectations: &[&str]) -> (Outcome, Vec<String>, usize) {
        let history = one_line(line).expect("well formed");
        let options = Options {
            expectations: expectations.to_vec(),
            scope: Scope::Whole,
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
    fn a_history_of_reads_alone_is_said_to_be_that() {
        for (line, expected) in [
            ("us:r-[0-1]", true),
            ("us:r-[0-1] us:w1[2-3]", false),
            ("us:r-[0-1] us:a1[2-3]", false),
        ] {
            let history = one_line(line).expect("well formed");
            let judgement = judge(&history, &Options::default()).expect("nothing is expected");
            assert_eq!(judgement.is_read_only, expected, "{line}");
        }
    }

    #[test]
    fn delivery_is_judged_where_a_bound_is_stated() {
        for (line, expected) in [
            ("within=10 us:w1[0-1] eu:r1[20-21]", true),
            ("us:w1[0-1] eu:r1[20-21]", false),
        ] {
            let ran = judged(line, &[]).1;
            assert_eq!(ran.contains(&"delivery".to_owned()), expected, "{line}");
        }
    }

    #[test]
    fn of_a_part_what_it_lacks_runs_and_is_listed() {
        let history = one_line("us:a7[0-1] us:r{7}[2-3]").expect("well formed");
        let judged = |scope| {
            let options = Options {
                scope,
                ..Options::default()
            };
            let judgement = judge(&history, &options).expect("nothing is expected by name");
            assert!(!judgement.is_read_only);
            let id = "region-linearizable";
            let ran = judgement.verdict.checks.iter().any(|c| c.check == id);
            (ran, judgement.left_out.iter().any(|l| l.check == id))
        };
        // This part has a set only; what else there is the others know.
        assert_eq!(judged(Scope::Part), (true, true));
        assert_eq!(judged(Scope::Whole), (false, false));
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
