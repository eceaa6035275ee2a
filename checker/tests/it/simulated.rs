//! Random tiny histories of one key, as one-line text: those of a correct store, and the same with one thing changed.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

const REGIONS: [&str; 3] = ["ap", "eu", "us"];

/// What histories are made of.
pub(crate) struct Mix {
    pub(crate) operation_count: u64,
    pub(crate) region_count: u64,
    pub(crate) deletes_percent: u64,
    pub(crate) conditions_percent: u64,
    /// How often one answer is replaced by another.
    pub(crate) changed_percent: u64,
    /// How often the history ends with reads in the final phase.
    pub(crate) final_percent: u64,
}

/// One random history. The same seed gives the same text.
pub(crate) fn history(seed: u64, mix: &Mix) -> String {
    let mut store = Store {
        rng: ChaCha8Rng::seed_from_u64(seed),
        current: vec![None; REGIONS.len()],
        versions: Vec::new(),
        skew_us: Vec::new(),
        next_value: 1,
    };
    store.skew_us = (0..REGIONS.len()).map(|_| store.below(60_000)).collect();
    let mut tokens = Vec::new();
    let count = 2 + store.below(mix.operation_count - 1);
    let mut now_ms = 30;
    for _ in 0..count {
        now_ms += store.below(12);
        store.replicate(mix.region_count);
        let region = store.index(mix.region_count);
        tokens.push(store.operation(region, now_ms, mix));
    }
    if store.below(100) < mix.final_percent {
        let greatest = store.versions.iter().max().copied();
        let changed = store.below(100) < mix.changed_percent / 2;
        for (region, name) in REGIONS
            .iter()
            .enumerate()
            .take(usize::try_from(mix.region_count).expect("small"))
        {
            let mut seen = greatest;
            if changed && store.below(3) == 0 {
                seen = store.current[region];
            }
            tokens.push(format!(
                "{name}:r{}[{}-{}]F",
                observed(seen),
                now_ms + 40,
                now_ms + 41
            ));
        }
    }
    tokens.join(" ")
}

/// A version: time, region, value (`None`: a delete).
type Version = (u64, usize, Option<u64>);

struct Store {
    rng: ChaCha8Rng,
    current: Vec<Option<Version>>,
    versions: Vec<Version>,
    skew_us: Vec<u64>,
    next_value: u64,
}

fn value(version: Option<Version>) -> Option<u64> {
    version.and_then(|(_, _, value)| value)
}

fn observed(version: Option<Version>) -> String {
    match version {
        Some((time, region, Some(value))) => format!("{value}@{time}{}", REGIONS[region]),
        Some((_, _, None)) | None => "-".to_owned(),
    }
}

fn plain(value: Option<u64>) -> String {
    value.map_or("-".to_owned(), |v| v.to_string())
}

impl Store {
    fn below(&mut self, limit: u64) -> u64 {
        self.rng.next_u64() % limit
    }

    fn index(&mut self, limit: u64) -> usize {
        usize::try_from(self.below(limit)).expect("small")
    }

    fn replicate(&mut self, region_count: u64) {
        for _ in 0..self.below(3) {
            if self.versions.is_empty() {
                return;
            }
            let pick = self.index(self.versions.len() as u64);
            let (version, region) = (self.versions[pick], self.index(region_count));
            self.current[region] = self.current[region].max(Some(version));
        }
    }

    /// Installs a new version, unless this is the write that gets lost.
    fn install(&mut self, region: usize, now_ms: u64, value: Option<u64>, is_kept: bool) {
        let clock_us = now_ms * 1000 + self.skew_us[region];
        let after = self.current[region].map_or(0, |(time, ..)| time + 1);
        let version = (clock_us.max(after), region, value);
        if is_kept {
            self.current[region] = Some(version);
            self.versions.push(version);
        }
    }

    fn operation(&mut self, region: usize, now_ms: u64, mix: &Mix) -> String {
        let name = REGIONS[region];
        let call = now_ms - self.below(12);
        let mut end = (now_ms + 1 + self.below(12)).to_string();
        let is_changed = self.below(100) < mix.changed_percent / 2;
        let before = self.current[region];
        let shown = if is_changed && !self.versions.is_empty() {
            let pick = self.index(self.versions.len() as u64 + 1);
            self.versions.get(pick).copied()
        } else {
            before
        };
        let dice = self.below(100);
        let old = if self.below(2) == 0 {
            format!("~{}", observed(shown))
        } else {
            String::new()
        };
        if dice < mix.deletes_percent {
            let is_unknown = self.below(8) == 0;
            let happens = !is_unknown || self.below(2) == 0;
            if happens {
                self.install(region, now_ms, None, true);
            }
            if is_unknown {
                end = "?".to_owned();
            }
            return format!("{name}:d{old}[{call}-{end}]");
        }
        if dice < mix.deletes_percent + mix.conditions_percent {
            let required = match self.below(4) {
                0 => value(self.versions.last().copied()),
                _ => value(before),
            };
            let new = self.next_value;
            self.next_value += 1;
            let holds = required == value(shown);
            if holds {
                self.install(region, now_ms, Some(new), true);
            }
            let mark = if holds { "" } else { "!" };
            return format!("{name}:c{}>{new}{old}[{call}-{end}]{mark}", plain(required));
        }
        if dice < 60 {
            let new = self.next_value;
            self.next_value += 1;
            let fate = self.below(16);
            let happens = fate >= 1;
            let is_kept = happens && (fate != 1 || self.below(2) == 0);
            if fate <= 1 {
                end = "?".to_owned();
            }
            self.install(
                region,
                now_ms,
                Some(new),
                is_kept && !(is_changed && fate == 5),
            );
            return format!("{name}:w{new}{old}[{call}-{end}]");
        }
        let strength = if self.below(10) == 0 { "e" } else { "r" };
        format!("{name}:{strength}{}[{call}-{end}]", observed(shown))
    }
}
