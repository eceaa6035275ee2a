//! What a load is to do, with every default resolved and every value checked; and the line that repeats it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use reports::load_summary::goal::{Goal, Vocabulary};
use serde_json::{Value, json};
use workloads::{
    arrival::{Schedule, Shape, Share},
    keys::KeyDistribution,
    load::Mix,
    seed::Seed,
};

use super::{
    elsewhere,
    mix::{self, Choice, Operations},
    quantity::{self, Arrivals},
};
use crate::{
    cli::{LoadFlags, LoadOutput, TestFlags},
    client::Padding,
    run,
    target::Elsewhere,
};

/// The largest in-flight limit: each operation in flight has a connection of its own.
const IN_FLIGHT_MAX: u64 = 20_000;

/// The most items that are put there before a load.
const KEYS_MAX: u64 = 1 << 32;

/// The most bytes of an item's value: with its other attributes it stays below DynamoDB's 400 KB.
const VALUE_BYTES_MAX: u64 = 350_000;

/// When operations start, over one stretch of time.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    /// As it was written.
    pub(crate) rate: String,
    pub(crate) arrivals: Arrivals,
    pub(crate) shape: Shape,
    pub(crate) measured: Duration,
    pub(crate) warm_up: Duration,
    pub(crate) share: Option<(u32, u32, Share)>,
}

/// Everything that a load needs to know.
#[derive(Clone)]
pub(crate) struct LoadSettings {
    pub(crate) choice: Choice,
    pub(crate) course: Course,
    pub(crate) in_flight: usize,
    /// What each written register carries beside its number.
    pub(crate) value_bytes: usize,
    pub(crate) timeout: Duration,
    pub(crate) regions: Vec<String>,
    /// Where they are; `None`: they are started here.
    pub(crate) elsewhere: Option<Elsewhere>,
    pub(crate) table: String,
    pub(crate) goals: Vec<Goal>,
    pub(crate) output: LoadOutput,
    /// Whether every operation is written down.
    pub(crate) records: bool,
    /// What a load shares with a test: seed, topology, faults, defects, where runs are kept.
    pub(crate) common: run::Settings,
    /// The command without the flags that all loads have.
    command: String,
    flags: LoadFlags,
    faults: Option<Vec<String>>,
}

/// What cannot be asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadSettingsError {
    #[error("there is no load `{given}`; choose one of these:{known}")]
    Workload { given: String, known: String },
    #[error("--goal: {0}")]
    Goal(#[from] reports::load_summary::goal::GoalError),
    #[error("--{flag} {given}: {wrong}")]
    Value {
        flag: &'static str,
        given: String,
        wrong: String,
    },
    #[error(transparent)]
    Elsewhere(#[from] elsewhere::ElsewhereError),
    #[error("{0}")]
    Rate(#[from] quantity::QuantityError),
    #[error(transparent)]
    Common(#[from] run::SettingsError),
}

fn value(flag: &'static str, given: impl ToString, wrong: impl ToString) -> LoadSettingsError {
    LoadSettingsError::Value {
        flag,
        given: given.to_string(),
        wrong: wrong.to_string(),
    }
}

impl LoadSettings {
    /// Resolves defaults and refuses what cannot be. `command` is what the line that repeats it begins with.
    pub(crate) fn resolve(
        name: &str,
        course: Course,
        faults: Option<Vec<String>>,
        command: String,
        flags: LoadFlags,
    ) -> Result<Self, LoadSettingsError> {
        let entry = mix::named(name).ok_or_else(|| LoadSettingsError::Workload {
            given: name.to_owned(),
            known: mix::entries()
                .map(|entry| format!("\n  {:14}{}", entry.name, entry.about))
                .collect(),
        })?;
        course.check()?;
        if flags.in_flight > IN_FLIGHT_MAX {
            let wrong =
                format!("it must be 1 to {IN_FLIGHT_MAX}: each has a connection of its own");
            return Err(value("in-flight", flags.in_flight, wrong));
        }
        if flags.keys > KEYS_MAX {
            return Err(value(
                "keys",
                flags.keys,
                format!("it must be 1 to {KEYS_MAX}"),
            ));
        }
        let value_bytes = flags.value_bytes.unwrap_or(entry.value_bytes);
        if value_bytes > VALUE_BYTES_MAX {
            let wrong = format!("it must be 0 to {VALUE_BYTES_MAX}: an item holds 400 KB at most");
            return Err(value("value-bytes", value_bytes, wrong));
        }
        let elsewhere = elsewhere::resolve(&flags, faults.is_some())?;
        // Links, faults and defects are those of a test; what clients do is not.
        let register = workloads::catalogue::named(workloads::register::NAME)
            .expect("the register is in the catalogue");
        let common = run::Settings::resolve(register, common(&flags, faults.clone()), None)?;
        let regions = match &elsewhere {
            Some(elsewhere) => {
                let regions = elsewhere.regions.iter();
                regions.map(|region| region.name.clone()).collect()
            }
            None => common.topology.regions().to_vec(),
        };
        let choice = Choice {
            entry,
            regions: weights_and_mixes(&flags, &regions)?,
            keys: flags.keys,
            distribution: distribution(&flags)?,
            strength: flags.reads.map(|reads| reads.strength()),
            seed: Seed(common.seed),
        };
        let operations = Operations::new(&choice);
        let kinds: Vec<String> = operations.kinds().iter().map(ToString::to_string).collect();
        let vocabulary = Vocabulary {
            regions: &regions,
            kinds: &kinds,
        };
        let goals = flags.goal.iter().map(|text| Goal::parse(text, &vocabulary));
        Ok(Self {
            choice,
            course,
            in_flight: usize::try_from(flags.in_flight).expect("it was checked"),
            value_bytes: usize::try_from(value_bytes).expect("it was checked"),
            timeout: flags.timeout,
            goals: goals.collect::<Result<_, _>>()?,
            regions,
            elsewhere,
            table: flags.table.clone(),
            output: flags.output,
            records: false,
            common,
            command,
            flags,
            faults,
        })
    }

    /// The same at another rate.
    pub(crate) fn at_rate(&self, rate_per_s: f64) -> Self {
        let mut other = self.clone();
        other.course.rate = rate_per_s.to_string();
        other.course.shape = Shape::Constant { rate: rate_per_s };
        other.command = format!(
            "dateline load run {} --rate {rate_per_s} --for {} --warm-up {}",
            self.choice.entry.name,
            quantity::written(self.course.measured),
            quantity::written(self.course.warm_up),
        );
        other
    }

    /// The operations: each number's region, kind and item.
    pub(crate) fn operations(&self) -> Operations {
        Operations::new(&self.choice)
    }

    /// What clients add to each register that they write, and expect in each that they read.
    pub(crate) fn padding(&self) -> Padding {
        let bytes = self.value_bytes;
        Arc::new(move |_key| bytes)
    }

    /// Each region's share of the operations, 0 to 1.
    pub(crate) fn region_share(&self, region: usize) -> f64 {
        let sum: u64 = self.choice.regions.iter().map(|(weight, _)| weight).sum();
        self.choice.regions[region].0 as f64 / sum as f64
    }

    /// Every option, resolved, for `run.json`.
    pub(crate) fn options(&self) -> BTreeMap<String, Value> {
        [
            ("rate", json!(self.course.rate)),
            ("arrival", json!(self.course.arrivals.name())),
            ("for_s", json!(self.course.measured.as_secs_f64())),
            ("warm_up_s", json!(self.course.warm_up.as_secs_f64())),
            ("in_flight", json!(self.in_flight)),
            ("keys", json!(self.choice.keys)),
            ("mix", json!(self.flags.mix)),
            ("weight", json!(self.flags.weight)),
            ("key_distribution", json!(self.choice.distribution().name())),
            ("value_bytes", json!(self.value_bytes)),
            ("reads", json!(mix::strength_name(self.choice.strength()))),
            ("timeout_ms", json!(self.timeout.as_secs_f64() * 1000.0)),
            ("table", json!(self.table)),
            ("faults", json!(self.faults())),
            ("defects", json!(self.common.defects)),
            ("rtt_scale", json!(self.flags.rtt_scale.unwrap_or(1.0))),
            ("record", json!(self.records)),
            (
                "share",
                json!(
                    self.course
                        .share
                        .map(|(index, of, _)| format!("{index}/{of}"))
                ),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Names of the fault packages, sorted.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .common
            .faults
            .iter()
            .map(|fault| fault.name().to_owned())
            .collect();
        names.sort();
        names
    }

    /// One line that repeats this run.
    pub(crate) fn reproduce(&self) -> String {
        let flags = &self.flags;
        let mut words = vec![format!(
            "{} --seed {} --in-flight {} --keys {} --timeout {}",
            self.command,
            self.common.seed,
            self.in_flight,
            self.choice.keys,
            quantity::written(self.timeout),
        )];
        let mut push = |flag: &str, value: Option<String>| {
            words.extend(value.map(|value| format!("--{flag} {value}")));
        };
        let each = [
            ("mix", &flags.mix),
            ("weight", &flags.weight),
            ("region", &flags.region),
        ];
        for (flag, values) in each {
            values
                .iter()
                .for_each(|value| push(flag, Some(value.clone())));
        }
        if !flags.region.is_empty() {
            push("table", Some(self.table.clone()));
            let ca = flags.ca.as_ref();
            push("ca", ca.map(|path| path.display().to_string()));
        }
        push("key-distribution", flags.key_distribution.clone());
        push(
            "value-bytes",
            flags.value_bytes.map(|bytes| bytes.to_string()),
        );
        let reads = flags
            .reads
            .map(|reads| mix::strength_name(reads.strength()));
        push("reads", reads.map(str::to_owned));
        push(
            "regions",
            flags.regions.as_ref().map(|names| names.join(",")),
        );
        push("rtt-scale", flags.rtt_scale.map(|scale| scale.to_string()));
        push("faults", self.faults.as_ref().map(|names| names.join(",")));
        push("defect", flags.defect.as_ref().map(|names| names.join(",")));
        for goal in &flags.goal {
            push("goal", Some(format!("'{goal}'")));
        }
        words.join(" ")
    }
}

impl Course {
    /// Refuses times and rates that cannot be.
    fn check(&self) -> Result<(), LoadSettingsError> {
        if self.measured < Duration::from_secs(1) {
            let given = quantity::written(self.measured);
            return Err(value("for", given, "it must be at least 1s"));
        }
        Ok(())
    }

    /// Operations per second over all regions and shares, on average over the measured time.
    pub(crate) fn rate_per_s(&self) -> f64 {
        let over_s = self.measured.as_secs_f64();
        self.shape.due(over_s) / over_s
    }

    /// Of how many shares this is one.
    pub(crate) fn shares(&self) -> u32 {
        self.share.map_or(1, |share| share.1)
    }

    /// Warm-up is at the rate with which the measured time begins.
    fn calm(&self) -> Shape {
        Shape::Constant {
            rate: self.shape.due(1e-3) * 1e3,
        }
    }

    /// How many numbers warm-up and measured time have for themselves, in whole hundreds. Arrivals that are drawn get room for ten standard deviations.
    fn numbers(&self) -> (u64, u64) {
        let room = |due: f64| -> u64 {
            let spread = match self.arrivals {
                Arrivals::Poisson => 10.0 * due.sqrt() + 100.0,
                Arrivals::Constant | Arrivals::Sine | Arrivals::Ramp | Arrivals::Steps => 1.0,
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a month at ten million a second is far below 2^53"
            )]
            let hundreds = ((due + spread) / 100.0).ceil() as u64;
            hundreds * 100
        };
        let warm_up = room(self.calm().due(self.warm_up.as_secs_f64()));
        (warm_up, room(self.shape.due(self.measured.as_secs_f64())))
    }

    /// The first number after this stretch, if it begins with number `first`.
    pub(crate) fn end(&self, first: u64) -> u64 {
        let (warm_up, measured) = self.numbers();
        first + warm_up + measured
    }

    /// Numbers, from `first` on, and intended starts: warm-up, then the measured time.
    pub(crate) fn schedule(
        &self,
        first: u64,
        seed: Seed,
    ) -> impl Iterator<Item = (u64, u64)> + Send + use<> {
        let (warm_up_ns, measured_ns) = (nanos(self.warm_up), nanos(self.measured));
        let share = self.share.map_or(Share::WHOLE, |share| share.2);
        let arrival = self.arrivals.arrival();
        let first_measured = first + self.numbers().0;
        let of = |shape, stream: &str| Schedule::new(shape, arrival, seed.stream(stream), share);
        let warm_up = of(self.calm(), "load/warm-up")
            .take_while(move |(_, at_ns)| *at_ns < warm_up_ns)
            .map(move |(number, at_ns)| (first + number, at_ns));
        let measured = of(self.shape.clone(), "load/arrivals")
            .take_while(move |(_, at_ns)| *at_ns < measured_ns)
            .map(move |(number, at_ns)| (first_measured + number, warm_up_ns + at_ns));
        warm_up.chain(measured)
    }
}

/// Every region's weight, and its own mix if it has one.
fn weights_and_mixes(
    flags: &LoadFlags,
    regions: &[String],
) -> Result<Vec<(u64, Option<Mix>)>, LoadSettingsError> {
    let mut found: Vec<(u64, Option<Mix>)> = vec![(1, None); regions.len()];
    let place = |flag, given: &str, name: &str| {
        regions
            .iter()
            .position(|region| region == name)
            .ok_or_else(|| {
                let wrong = format!(
                    "there is no region `{name}`; there are {}",
                    regions.join(", ")
                );
                value(flag, given, wrong)
            })
    };
    for given in &flags.mix {
        let (region, text) = match given.split_once(':') {
            Some((region, text)) => (Some(place("mix", given, region)?), text),
            None => (None, given.as_str()),
        };
        let mix = Mix::parse(text).map_err(|error| value("mix", given, error))?;
        match region {
            Some(region) => found[region].1 = Some(mix),
            // A region's own mix wins, wherever it stands.
            None => found
                .iter_mut()
                .for_each(|(_, own)| *own = own.or(Some(mix))),
        }
    }
    for given in &flags.weight {
        let parts = given.split_once('=');
        let parsed = parts.and_then(|(region, weight)| Some((region, weight.parse::<u16>().ok()?)));
        let (region, weight) = parsed
            .ok_or_else(|| value("weight", given, "write REGION=NUMBER, such as us-east-1=3"))?;
        found[place("weight", given, region)?].0 = u64::from(weight);
    }
    if found.iter().all(|(weight, _)| *weight == 0) {
        return Err(value(
            "weight",
            flags.weight.join(" "),
            "some region must be asked",
        ));
    }
    Ok(found)
}

fn distribution(flags: &LoadFlags) -> Result<Option<KeyDistribution>, LoadSettingsError> {
    let Some(name) = &flags.key_distribution else {
        return Ok(None);
    };
    let wrong = || {
        format!(
            "there is no such distribution; there are {}",
            KeyDistribution::NAMES.join(", ")
        )
    };
    KeyDistribution::named(name)
        .map(Some)
        .ok_or_else(|| value("key-distribution", name, wrong()))
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("durations are at most a month")
}

/// What a load has in common with a test, as the flags of a test. A load has no faults unless some are named.
fn common(flags: &LoadFlags, faults: Option<Vec<String>>) -> TestFlags {
    TestFlags {
        seed: flags.seed,
        regions: flags.regions.clone(),
        rtt_scale: flags.rtt_scale,
        faults: Some(faults.unwrap_or_else(|| vec!["none".into()])),
        defect: flags.defect.clone(),
        op_timeout: u64::try_from(flags.timeout.as_millis()).ok(),
        out: flags.out.clone(),
        ..TestFlags::default()
    }
}

#[cfg(test)]
mod tests;
