//! Runs checks: key by key, each shielded from the others, merged so that a violation dominates.
//!
//! One item is made, measured, judged by every check, and dropped before the next. Items do not depend on one another, so several threads
//! share them; what they find is put together in the order of the keys, so the verdict does not depend on how many there are.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::case::{Builder, ByKey, Case, Item, Touch, Wanted};
use super::evidence::Findings;
use super::minimal::minimise;
use super::tally::Tally;
use super::{CheckInfo, Suspicion, Together, registry};
use crate::history::{Became, Header, History, Key};
use crate::measure::Measures;
use crate::parallel;
use crate::small::small;
use crate::verdict::{CheckResult, Outcome, Verdict};

/// How many keys of a history in memory a thread takes at a time.
const KEYS_AT_A_TIME: usize = 16;

/// Judges a history by the checks of these names, in this order.
///
/// An unknown name, a failure inside a check, an empty list and a history in which nothing succeeded all give `unknown`, never a pass.
#[must_use]
pub fn check(history: &History, checks: &[&str]) -> Verdict {
    check_on(history, checks, NonZeroUsize::MIN)
}

/// As [`check`], on so many threads. The verdict is the same for any number of them.
#[must_use]
pub fn check_on(history: &History, checks: &[&str], threads: NonZeroUsize) -> Verdict {
    let by_key = ByKey::new(history);
    let builder = Builder::new(history);
    let judge = |panel: &mut Panel<'_>, turn: usize| {
        let start = turn * KEYS_AT_A_TIME;
        for place in start..by_key.len().min(start + KEYS_AT_A_TIME) {
            let (key, touches) = by_key.at(place);
            panel.judge(history, &builder, key, touches);
        }
    };
    let turns = by_key.len().div_ceil(KEYS_AT_A_TIME);
    let panels = parallel::share(threads, turns, || Panel::new(checks), judge);
    let mut counts = Counts::default();
    for operation in &history.operations {
        counts.add(operation.ending.became());
    }
    let mut panel = Panel::all(checks, panels);
    for suspicion in panel.judge_together(&history.header, threads) {
        panel.add_violation(history, &suspicion, |index| index as usize);
    }
    let mut verdict = panel.finish(&history.header, counts);
    minimise(history, &mut verdict.checks);
    verdict
}

/// How many operations there are, by outcome.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    ok: u64,
    fail: u64,
    info: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, became: Became) {
        match became {
            Became::Ok => self.ok += 1,
            Became::Failed => self.fail += 1,
            Became::Unknown => self.info += 1,
        }
    }

    /// By the name of the outcome; those that there are.
    fn by_name(self) -> BTreeMap<String, u64> {
        let named = [("ok", self.ok), ("fail", self.fail), ("info", self.info)];
        let named = named.into_iter().filter(|(_, count)| *count > 0);
        named
            .map(|(name, count)| (name.to_owned(), count))
            .collect()
    }
}

/// The checks that were asked for, and the measurements, at work on some of the items.
pub(crate) struct Panel<'c> {
    checks: &'c [&'c str],
    /// One for each check that exists.
    tallies: Vec<Tally>,
    measures: Measures,
    /// What concerns transactions; `None` if they are not judged.
    together: Option<Together>,
    /// What was measured of items together.
    figures: BTreeMap<String, f64>,
}

impl<'c> Panel<'c> {
    pub(crate) fn new(checks: &'c [&'c str]) -> Self {
        Self {
            checks,
            tallies: checks.iter().filter_map(named).map(Tally::new).collect(),
            measures: Measures::default(),
            together: Some(Together::default()),
            figures: BTreeMap::new(),
        }
    }

    /// As [`Panel::new`], where there are no items of transactions, or they are not judged together.
    pub(crate) fn of_items_alone(checks: &'c [&'c str]) -> Self {
        Self {
            together: None,
            ..Self::new(checks)
        }
    }

    /// Makes and judges one item.
    pub(crate) fn judge<'h>(
        &mut self,
        history: &'h History,
        builder: &Builder<'h>,
        key: Key,
        touches: &[Touch],
    ) {
        let item = builder.item(key, touches);
        self.judge_by(Tally::judge, &small, history, item, touches);
    }

    /// As [`Panel::judge`], of a history that holds what concerns this item and nothing else.
    pub(crate) fn judge_alone<'h>(
        &mut self,
        history: &'h History,
        builder: &Builder<'h>,
        key: Key,
        touches: &[Touch],
    ) {
        let item = builder.item(key, touches);
        let line = |index: usize| {
            let line = history.operations[index].line_invoke;
            u32::try_from(line).expect("fewer than 2^32 lines")
        };
        self.judge_by(Tally::judge_alone, &line, history, item, touches);
    }

    fn judge_by<'h>(
        &mut self,
        judge: impl Fn(&mut Tally, Key, &Case<'_>),
        name: &dyn Fn(usize) -> u32,
        history: &'h History,
        item: Item<'h>,
        touches: &[Touch],
    ) {
        let key = item.key;
        if let Some(together) = &mut self.together {
            let own = shielded(|| together.take(history, &item, touches, name));
            if own.is_judged || own.unknown.is_some() {
                self.add_together(own);
            }
        }
        let case = Case {
            history,
            items: vec![item],
            wanted: Wanted::Evidence,
        };
        self.measures.take(&case);
        for tally in &mut self.tallies {
            judge(tally, key, &case);
        }
    }

    /// Notes an item that none of them can judge.
    pub(crate) fn cannot_tell(&mut self, key: Key, reason: &str) {
        for tally in &mut self.tallies {
            tally.cannot_tell(Some(key), reason);
        }
    }

    /// Notes why items of transactions are not judged together.
    pub(crate) fn is_not_together(&mut self, reason: &str) {
        let mut findings = Findings::default();
        findings.cannot_tell(reason);
        self.add_together(findings);
    }

    /// Judges items of transactions together. Each suspicion is to be added as a violation, with the operations that it is about.
    pub(crate) fn judge_together(
        &mut self,
        header: &Header,
        threads: NonZeroUsize,
    ) -> Vec<Suspicion> {
        let Some(together) = &mut self.together else {
            return Vec::new();
        };
        together.in_order();
        let is_asked = self.tallies.iter().any(Tally::is_together);
        let mut suspicions = Vec::new();
        let findings = shielded(|| {
            let judged = together.judge(header, threads, is_asked);
            suspicions = judged.suspicions;
            self.figures = judged.figures;
            judged.findings
        });
        self.add_together(findings);
        suspicions
    }

    fn add_together(&mut self, findings: Findings) {
        if let Some(tally) = self.tallies.iter_mut().find(|t| t.is_together()) {
            tally.add(None, findings);
        }
    }

    /// The items that a suspicion is about.
    pub(crate) fn keys(&self, suspicion: &Suspicion) -> BTreeSet<Key> {
        let together = self.together.as_ref();
        together.map_or_else(BTreeSet::new, |t| suspicion.keys(t.sketches()))
    }

    /// Adds the violation that a suspicion is. The history has all operations of the items that it is about; `index` tells where one is.
    pub(crate) fn add_violation(
        &mut self,
        history: &History,
        suspicion: &Suspicion,
        index: impl Fn(u32) -> usize,
    ) {
        if let Some(tally) = self.tallies.iter_mut().find(|t| t.is_together()) {
            tally.add_violation(history, || suspicion.violation(history, index));
        }
    }

    /// All that these have found.
    pub(crate) fn all(checks: &'c [&'c str], panels: Vec<Self>) -> Self {
        let mut all = Self::of_items_alone(checks);
        for panel in panels {
            all.measures.absorb(panel.measures);
            match (&mut all.together, panel.together) {
                (Some(all), Some(own)) => all.absorb(own),
                (all, own) => *all = all.take().or(own),
            }
            for (own, other) in all.tallies.iter_mut().zip(panel.tallies) {
                own.absorb(other);
            }
        }
        all
    }

    /// The verdict on a history of so many operations.
    pub(crate) fn finish(self, header: &Header, counts: Counts) -> Verdict {
        let header_only = History {
            header: header.clone(),
            operations: Vec::new(),
        };
        let mut tallies = self.tallies.into_iter();
        let result = |name: &&str| match named(name) {
            None => no_such_check(name),
            Some(_) => {
                let tally = tallies.next().expect("one for each check that exists");
                tally.finish(&header_only)
            }
        };
        let results = self.checks.iter().map(result).collect();
        let mut figures = self.measures.finish(&header_only);
        figures.extend(self.figures);
        Verdict::new(results, figures, counts.by_name())
    }
}

fn named(name: &&str) -> Option<&'static CheckInfo> {
    registry().iter().find(|info| info.id == *name)
}

/// Runs a check so that its own failure is `unknown` with the text, and cannot take the others with it.
pub(super) fn shielded(run: impl FnOnce() -> Findings) -> Findings {
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

fn no_such_check(name: &str) -> CheckResult {
    let names: Vec<_> = registry().iter().map(|i| i.id).collect();
    CheckResult {
        check: name.to_owned(),
        outcome: Outcome::Unknown,
        reason: Some(format!(
            "there is no check {name}; there are {}",
            names.join(", ")
        )),
        reason_key: None,
        nothing_to_judge: None,
        property: String::new(),
        violation_count: 0,
        violations: Vec::new(),
    }
}
