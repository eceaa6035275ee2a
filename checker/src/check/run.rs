//! Runs checks: key by key, each shielded from the others, merged so that a violation dominates.
//!
//! One item is made, measured, judged by every check, and dropped before the next: what is in memory beside the history is eight bytes an
//! operation and the busiest item.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::case::{Builder, ByKey, Case};
use super::evidence::Findings;
use super::minimal::minimise;
use super::{CheckInfo, Run, Subject, registry};
use crate::history::{Ending, History};
use crate::measure::Measures;
use crate::verdict::{CheckResult, Outcome, Verdict};

/// Judges a history by the checks of these names, in this order.
///
/// An unknown name, a failure inside a check, an empty list and a history in which nothing succeeded all give `unknown`, never a pass.
#[must_use]
pub fn check(history: &History, checks: &[&str]) -> Verdict {
    let named = |name: &&str| registry().iter().find(|info| info.id == *name);
    let infos: Vec<Option<&CheckInfo>> = checks.iter().map(named).collect();
    let mut running: Vec<Running> = infos.iter().flatten().map(|i| Running::new(i)).collect();
    let mut measures = Measures::default();
    let builder = Builder::new(history);
    for (key, touches) in ByKey::new(history).iter() {
        let case = Case {
            history,
            items: vec![builder.item(key, touches)],
        };
        measures.take(&case);
        for check in &mut running {
            check.judge(&case);
        }
    }
    let mut findings = running.into_iter().map(|check| check.finish(history));
    let mut results: Vec<CheckResult> = checks
        .iter()
        .zip(infos)
        .map(|(name, info)| match info {
            None => no_such_check(name),
            Some(info) => result(
                info,
                findings.next().expect("one for each check that exists"),
            ),
        })
        .collect();
    minimise(history, &mut results);
    verdict(history, results, measures.finish(history))
}

/// A check at work.
struct Running {
    info: &'static CheckInfo,
    findings: Findings,
    was_asked: bool,
}

impl Running {
    fn new(info: &'static CheckInfo) -> Self {
        Self {
            info,
            findings: Findings::default(),
            was_asked: false,
        }
    }

    /// Judges one item, if it is one of its kind.
    fn judge(&mut self, case: &Case<'_>) {
        let is_its_kind = match self.info.subject {
            Subject::Registers | Subject::Deliveries => case.registers().next().is_some(),
            Subject::Anything | Subject::Sets | Subject::Counters | Subject::Lists => true,
            Subject::Transactions | Subject::Streams => true,
        };
        if let (true, Run::EachKey(run)) = (is_its_kind, self.info.run) {
            self.was_asked = true;
            self.findings.merge(shielded(|| run(case)));
        }
    }

    /// What it found. One that was never asked says what it had needed.
    fn finish(mut self, history: &History) -> Findings {
        let nothing = || Case {
            history,
            items: Vec::new(),
        };
        match self.info.run {
            Run::Whole(run) => self.findings.merge(shielded(|| run(history))),
            Run::EachKey(run) if !self.was_asked => {
                self.findings.merge(shielded(|| run(&nothing())));
            }
            Run::EachKey(_) => {}
        }
        self.findings
    }
}

/// Runs a check so that its own failure is `unknown` with the text, and cannot take the others with it.
fn shielded(run: impl FnOnce() -> Findings) -> Findings {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        let mut findings = Findings::default();
        findings.cannot_tell(format!(
            "the check itself failed, which is a bug in it: {text}"
        ));
        findings
    })
}

fn result(info: &CheckInfo, findings: Findings) -> CheckResult {
    let reason = findings.reason().cloned();
    let outcome = match (findings.violation_count, &reason) {
        (0, None) => Outcome::Valid,
        (0, Some(_)) => Outcome::Unknown,
        (_, _) => Outcome::Invalid,
    };
    CheckResult {
        check: info.id.to_owned(),
        outcome,
        reason: reason.filter(|_| outcome == Outcome::Unknown),
        property: info.property.to_owned(),
        violation_count: findings.violation_count,
        violations: findings.into_violations(),
    }
}

fn no_such_check(name: &str) -> CheckResult {
    let names: Vec<_> = registry().iter().map(|i| i.id).collect();
    CheckResult {
        check: name.to_owned(),
        outcome: Outcome::Unknown,
        reason: Some(format!(
            "there is no check {name}; there are {}",
            names.join(", ")
        )),
        property: String::new(),
        violation_count: 0,
        violations: Vec::new(),
    }
}

fn verdict(
    history: &History,
    results: Vec<CheckResult>,
    measurements: BTreeMap<String, f64>,
) -> Verdict {
    let (mut ok_count, mut fail_count, mut info_count) = (0, 0, 0);
    for operation in &history.operations {
        match operation.ending {
            Ending::Ok(_) => ok_count += 1,
            Ending::Failed { .. } => fail_count += 1,
            Ending::Unknown { .. } => info_count += 1,
        }
    }
    let counts = [("ok", ok_count), ("fail", fail_count), ("info", info_count)];
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    let outcomes = results.iter().map(|r| r.outcome);
    let mut outcome = outcomes.max().unwrap_or(Outcome::Unknown);
    let mut reason = results
        .is_empty()
        .then(|| "no check was asked for".to_owned());
    if ok_count == 0 {
        outcome = outcome.max(Outcome::Unknown);
        reason = Some(match history.operations.len() {
            0 => "the history is empty: nothing was asked, so nothing can be judged".to_owned(),
            count => format!("none of the {count} operations succeeded, so nothing can be judged"),
        });
    }
    Verdict {
        outcome,
        reason,
        checks: results,
        measurements,
        operations: counts
            .map(|(name, count)| (name.to_owned(), count))
            .collect(),
    }
}
