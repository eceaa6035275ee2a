//! What a check found in the items that were judged so far. Items may come in any order and on any thread: the sum is that of items in
//! ascending order of their keys, so a verdict says the same however it was made.

use super::evidence::{BUILT_COUNT, Findings, SHOWN_COUNT, Seen, seen};
use super::minimal::least;
use super::run::shielded;
use super::{Case, CheckInfo, Run, Subject};
use crate::history::{History, Key};
use crate::verdict::Violation;

/// Why a check of several items at once cannot tell.
const NOT_WHOLE: &str = "it needs the history as a whole; judge it without --follow and --share";

/// A check at work.
pub(super) struct Tally {
    pub(super) info: &'static CheckInfo,
    was_asked: bool,
    violation_count: u64,
    /// The first by key; within a key as they were found. Perhaps more than are needed, and not sorted yet.
    violations: Vec<(Key, Seen, Violation)>,
    unknown: Option<(Key, String)>,
    is_judged: bool,
    nothing: Option<(u8, Key, String)>,
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
        let is_its_kind = match self.info.subject {
            Subject::Registers | Subject::Deliveries => case.registers().next().is_some(),
            Subject::Anything | Subject::Sets | Subject::Counters | Subject::Lists => true,
            Subject::Transactions | Subject::Streams => true,
        };
        if let (true, Run::EachKey(run)) = (is_its_kind, self.info.run) {
            self.was_asked = true;
            self.add(key, shielded(|| run(case)));
        }
    }

    /// As [`Tally::judge`], from a history of this item alone, which nobody will have later: so the evidence is made least now.
    pub(super) fn judge_alone(&mut self, key: Key, case: &Case<'_>) {
        let before = self.violations.len();
        self.judge(key, case);
        let new = self.violations.get_mut(before..).unwrap_or_default();
        let info = self.info;
        least(
            case.history,
            new.iter_mut().map(|(_, _, v)| (Some(info), v)),
        );
    }

    /// Notes that a check that judges all items at once does not get them.
    pub(super) fn is_not_whole(&mut self) {
        if let Run::Whole(_) = self.info.run {
            self.cannot_tell(Key(0), NOT_WHOLE);
        }
    }

    /// Judges all items at once, if that is what the check needs.
    pub(super) fn judge_whole(&mut self, history: &History) {
        if let Run::Whole(run) = self.info.run {
            self.was_asked = true;
            self.add(Key(0), shielded(|| run(history)));
        }
    }

    /// Notes that an item could not be judged.
    pub(super) fn cannot_tell(&mut self, key: Key, reason: &str) {
        self.was_asked = true;
        let mut findings = Findings::default();
        findings.cannot_tell(reason);
        self.add(key, findings);
    }

    fn add(&mut self, key: Key, findings: Findings) {
        self.violation_count += findings.violation_count;
        let violations = findings.violations.into_iter();
        self.violations
            .extend(violations.map(|v| (key, seen(&v), v)));
        self.is_judged |= findings.is_judged;
        self.note_unknown(findings.unknown.map(|reason| (key, reason)));
        let nothing = findings.nothing;
        self.note_nothing(nothing.map(|(weight, reason)| (weight, key, reason)));
        self.keep_first(BUILT_COUNT * 4);
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

    fn note_unknown(&mut self, new: Option<(Key, String)>) {
        if let Some(new) = new
            && self.unknown.as_ref().is_none_or(|own| new.0 < own.0)
        {
            self.unknown = Some(new);
        }
    }

    /// Of several reasons the one that says most stays; of equals that of the first item.
    fn note_nothing(&mut self, new: Option<(u8, Key, String)>) {
        if let Some(new) = new
            && self
                .nothing
                .as_ref()
                .is_none_or(|own| new.0 > own.0 || (new.0 == own.0 && new.1 < own.1))
        {
            self.nothing = Some(new);
        }
    }

    /// Drops what can no longer be shown, once there are so many.
    fn keep_first(&mut self, count: usize) {
        if self.violations.len() > count {
            self.violations.sort_by_key(|(key, ..)| *key);
            self.violations.truncate(BUILT_COUNT);
        }
    }

    /// What it found. One that was never asked says what it had needed.
    pub(super) fn finish(mut self, header_only: &History) -> Findings {
        if !self.was_asked {
            let nothing = Case {
                history: header_only,
                items: Vec::new(),
            };
            match self.info.run {
                Run::EachKey(run) => self.add(Key(0), shielded(|| run(&nothing))),
                Run::Whole(run) => self.add(Key(0), shielded(|| run(header_only))),
            }
        }
        self.violations.sort_by_key(|(key, ..)| *key);
        self.violations.truncate(BUILT_COUNT);
        // Which ones are shown does not depend on when their evidence was made least.
        self.violations.sort_by_key(|(_, seen, _)| *seen);
        self.violations.truncate(SHOWN_COUNT);
        Findings {
            violation_count: self.violation_count,
            violations: self.violations.into_iter().map(|(_, _, v)| v).collect(),
            unknown: self.unknown.map(|(_, reason)| reason),
            is_judged: self.is_judged,
            nothing: self.nothing.map(|(weight, _, reason)| (weight, reason)),
        }
    }
}
