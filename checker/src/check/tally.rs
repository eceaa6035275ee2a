//! What a check found in the items that were judged so far. Items may come in any order and on any thread: the sum is that of items in
//! ascending order of their keys, so a verdict says the same however it was made.

use std::cmp::Reverse;
use std::num::NonZeroUsize;

use super::evidence::Findings;
use super::minimal::least;
use super::run::shielded;
use super::{Case, CheckInfo, Run, Subject, Together, Wanted};
use crate::history::{History, Key};
use crate::verdict::{CheckResult, Outcome, Violation, keep_earliest, put_in_order};

/// Once there are so many violations, those that cannot be shown are dropped.
const HELD_COUNT: usize = 100;

/// A check at work.
pub(super) struct Tally {
    pub(super) info: &'static CheckInfo,
    was_asked: bool,
    violation_count: u64,
    /// The earliest; within an item as they were found. Perhaps more than are shown, and not in order yet.
    violations: Vec<Violation>,
    /// Why it cannot tell, by the first item of which it cannot; no item when it is about all of them.
    unknown: Option<(Option<Key>, String)>,
    is_judged: bool,
    /// Why there was nothing to judge, with how much that says and of which item.
    nothing: Option<(u8, Option<Key>, String)>,
}

impl Tally {
    pub(super) fn new(info: &'static CheckInfo) -> Self {
        Self {
            info,
            was_asked: false,
            violation_count: 0,
            violations: Vec::new(),
            unknown: None,
            is_judged: false,
            nothing: None,
        }
    }

    /// Judges one item, if it is one of its kind.
    pub(super) fn judge(&mut self, key: Key, case: &Case<'_>) {
        if let Some(findings) = self.findings(case) {
            self.add(Some(key), findings);
        }
    }

    /// As [`Tally::judge`], from a history of this item alone, which nobody will have later: so the evidence is made least now.
    pub(super) fn judge_alone(&mut self, key: Key, case: &Case<'_>) {
        if let Some(findings) = self.findings(case) {
            self.add_least(case.history, Some(key), findings);
        }
    }

    /// Adds these with evidence that is least.
    fn add_least(&mut self, history: &History, key: Option<Key>, mut findings: Findings) {
        keep_earliest(&mut findings.violations);
        let info = self.info;
        let violations = findings.violations.iter_mut();
        least(history, violations.map(|v| (Some(info), v)));
        self.add(key, findings);
    }

    /// What is found in an item of its kind.
    fn findings(&self, case: &Case<'_>) -> Option<Findings> {
        let is_its_kind = match self.info.subject {
            Subject::Registers | Subject::Deliveries => case.registers().next().is_some(),
            Subject::Anything | Subject::Sets | Subject::Counters | Subject::Lists => true,
            Subject::Transactions | Subject::Streams => true,
        };
        match self.info.run {
            Run::EachKey(run) if is_its_kind => Some(shielded(|| run(case))),
            Run::EachKey(_) | Run::Together => None,
        }
    }

    /// Whether it judges the items of transactions together.
    pub(super) fn is_together(&self) -> bool {
        matches!(self.info.run, Run::Together)
    }

    /// Adds a violation by operations of items that this history has all operations of, with evidence that is least.
    pub(super) fn add_violation(
        &mut self,
        history: &History,
        violation: impl FnOnce() -> Violation,
    ) {
        let violation = || {
            let mut findings = Findings::default();
            findings.add(violation);
            findings
        };
        self.add_least(history, None, shielded(violation));
    }

    /// Notes that an item could not be judged, or all of them.
    pub(super) fn cannot_tell(&mut self, key: Option<Key>, reason: &str) {
        let mut findings = Findings::default();
        findings.cannot_tell(reason);
        self.add(key, findings);
    }

    /// Adds what was found in an item, or in several together.
    pub(super) fn add(&mut self, key: Option<Key>, findings: Findings) {
        self.was_asked = true;
        self.violation_count += findings.violation_count;
        self.violations.extend(findings.violations);
        if self.violations.len() > HELD_COUNT {
            keep_earliest(&mut self.violations);
        }
        self.is_judged |= findings.is_judged;
        self.note_unknown(findings.unknown.map(|reason| (key, reason)));
        let nothing = findings.nothing;
        self.note_nothing(nothing.map(|(weight, reason)| (weight, key, reason)));
    }

    /// Takes in what was found in other items.
    pub(super) fn absorb(&mut self, other: Self) {
        self.was_asked |= other.was_asked;
        self.violation_count += other.violation_count;
        self.violations.extend(other.violations);
        self.is_judged |= other.is_judged;
        self.note_unknown(other.unknown);
        self.note_nothing(other.nothing);
    }

    fn note_unknown(&mut self, new: Option<(Option<Key>, String)>) {
        let all = self.unknown.take().into_iter().chain(new);
        self.unknown = all.min_by_key(|(key, _)| *key);
    }

    /// Of several reasons the one that says most stays; of equals that of the first item.
    fn note_nothing(&mut self, new: Option<(u8, Option<Key>, String)>) {
        let all = self.nothing.take().into_iter().chain(new);
        self.nothing = all.max_by_key(|(weight, key, _)| (*weight, Reverse(*key)));
    }

    /// What it found. One that was never asked says what it had needed.
    pub(super) fn finish(mut self, header_only: &History) -> CheckResult {
        if !self.was_asked {
            let nothing = Case {
                history: header_only,
                items: Vec::new(),
                wanted: Wanted::Evidence,
            };
            let findings = match self.info.run {
                Run::EachKey(run) => shielded(|| run(&nothing)),
                Run::Together => {
                    let header = &header_only.header;
                    Together::default()
                        .judge(header, NonZeroUsize::MIN, true)
                        .findings
                }
            };
            self.add(None, findings);
        }
        keep_earliest(&mut self.violations);
        put_in_order(&mut self.violations);
        let nothing = self.nothing.filter(|_| !self.is_judged);
        let (outcome, unknown, weight) = match (self.violation_count, self.unknown, nothing) {
            (0, Some(unknown), _) => (Outcome::Unknown, Some(unknown), None),
            (0, None, Some((weight, key, reason))) => {
                (Outcome::Unknown, Some((key, reason)), Some(weight))
            }
            (0, None, None) => (Outcome::Valid, None, None),
            (_, _, _) => (Outcome::Invalid, None, None),
        };
        let (reason_key, reason) = unknown.unzip();
        CheckResult {
            check: self.info.id.to_owned(),
            outcome,
            reason,
            reason_key: reason_key.flatten(),
            nothing_to_judge: weight,
            property: self.info.property.to_owned(),
            violation_count: self.violation_count,
            violations: self.violations,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Findings, Key, Tally};
    use crate::check::{check, registry};
    use crate::history::one_line;

    /// The reasons of several items, as they are noted by one and by several threads.
    fn reason(keys: &[u64]) -> (Option<Key>, Option<String>) {
        let mut tally = Tally::new(&registry()[0]);
        for key in keys {
            let mut other = Tally::new(&registry()[0]);
            other.cannot_tell(Some(Key(*key)), &format!("key {key}"));
            tally.absorb(other);
            tally.cannot_tell(Some(Key(*key + 10)), &format!("key {}", key + 10));
        }
        let history = one_line("us:w1[0-1]").expect("well formed");
        let result = tally.finish(&history);
        (result.reason_key, result.reason)
    }

    #[test]
    fn the_reason_is_that_of_the_first_item_in_whatever_order_they_come() {
        for keys in [[1, 2, 3], [3, 2, 1], [2, 1, 3]] {
            assert_eq!(reason(&keys), (Some(Key(1)), Some("key 1".to_owned())));
        }
    }

    /// As [`reason`], of items in which there was nothing to judge, with how much the reasons say.
    fn nothing(keys: &[(u64, u8)]) -> Option<Key> {
        let mut tally = Tally::new(&registry()[0]);
        for (key, weight) in keys {
            let mut findings = Findings::default();
            findings.nothing(*weight, format!("key {key}"));
            let mut other = Tally::new(&registry()[0]);
            other.add(Some(Key(*key)), findings);
            tally.absorb(other);
        }
        let history = one_line("us:w1[0-1]").expect("well formed");
        tally.finish(&history).reason_key
    }

    #[test]
    fn the_reason_that_says_most_stays_and_of_equals_the_first() {
        for (keys, key) in [
            ([(1, 0), (2, 0), (3, 0)], 1),
            ([(3, 0), (2, 0), (1, 0)], 1),
            ([(2, 1), (1, 0), (3, 1)], 2),
            ([(3, 1), (1, 0), (2, 1)], 2),
        ] {
            assert_eq!(nothing(&keys), Some(Key(key)), "{keys:?}");
        }
    }

    #[test]
    fn an_item_of_another_kind_is_none_of_which_it_cannot_tell() {
        let history = one_line("7/us:a1[0-1] 7/us:r{1}[2-3]").expect("well formed");
        let result = check(&history, &["phantom"]).checks.remove(0);
        assert_eq!(result.reason_key, None, "{:?}", result.reason);
    }
}
