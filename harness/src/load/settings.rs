//! What a load run is to do, with every default resolved and every value checked; and the line that repeats it.

use std::{collections::BTreeMap, net::SocketAddr, net::ToSocketAddrs as _, time::Duration};

use reports::load_summary::goal::{Goal, Vocabulary};
use serde_json::{Value, json};
use workloads::{
    arrival::{Schedule, Shape, Share},
    seed::Seed,
};

use super::{
    mix::{self, Mix},
    quantity::Arrivals,
};
use crate::{
    cli::{LoadFlags, LoadOutput, TestFlags},
    run,
};

/// Warm-up operations have numbers from here on, so that the measured ones count from 0 in every run.
const FIRST_WARM_UP: u64 = 1 << 40;

/// Everything that a load run needs to know.
pub(crate) struct LoadSettings {
    pub(crate) mix: &'static mix::Entry,
    pub(crate) shape: Shape,
    pub(crate) arrivals: Arrivals,
    pub(crate) measured: Duration,
    pub(crate) warm_up: Duration,
    pub(crate) in_flight: usize,
    pub(crate) keys: u64,
    pub(crate) timeout: Duration,
    pub(crate) share: Option<(u32, u32, Share)>,
    pub(crate) regions: Vec<String>,
    /// Where they are; `None`: they are started here.
    pub(crate) addresses: Option<Vec<SocketAddr>>,
    pub(crate) table: String,
    pub(crate) goals: Vec<Goal>,
    pub(crate) output: LoadOutput,
    /// What a load shares with a test: seed, topology, faults, defects, where runs are kept.
    pub(crate) common: run::Settings,
    flags: LoadFlags,
}

/// What cannot be asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadSettingsError {
    #[error("there is no load `{given}`; choose one of {known}")]
    Workload { given: String, known: String },
    #[error("--rate: {0}")]
    Rate(#[from] super::quantity::QuantityError),
    #[error("--goal: {0}")]
    Goal(#[from] reports::load_summary::goal::GoalError),
    #[error("--region {given}: {wrong}; write NAME=URL, such as us-east-1=http://127.0.0.1:8001")]
    Region { given: String, wrong: String },
    #[error(
        "--{flag}: regions that run elsewhere cannot be touched; leave it out, or leave out --region"
    )]
    NotElsewhere { flag: &'static str },
    #[error("--for {given:?}: it must be at least 1s")]
    TooShort { given: Duration },
    #[error(transparent)]
    Common(#[from] run::SettingsError),
}

impl LoadSettings {
    /// Resolves defaults and refuses what cannot be.
    pub(crate) fn resolve(name: &str, flags: LoadFlags) -> Result<Self, LoadSettingsError> {
        let mix = mix::named(name).ok_or_else(|| LoadSettingsError::Workload {
            given: name.to_owned(),
            known: mix::MIXES
                .iter()
                .map(|entry| format!("{} ({})", entry.name, entry.about))
                .collect::<Vec<_>>()
                .join(", "),
        })?;
        if flags.measured < Duration::from_secs(1) {
            return Err(LoadSettingsError::TooShort {
                given: flags.measured,
            });
        }
        let elsewhere = elsewhere(&flags)?;
        let common = run::Settings::resolve(mix.name, common(&flags))?;
        let (regions, addresses) = match elsewhere {
            Some((names, addresses)) => (names, Some(addresses)),
            None => (common.topology.regions().to_vec(), None),
        };
        let kinds = mix::KINDS.map(str::to_owned);
        let vocabulary = Vocabulary {
            regions: &regions,
            kinds: &kinds,
        };
        let goals = flags
            .goal
            .iter()
            .map(|text| Goal::parse(text, &vocabulary))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            mix,
            shape: flags.arrival.shape(&flags.rate, flags.measured)?,
            arrivals: flags.arrival,
            measured: flags.measured,
            warm_up: flags.warm_up,
            in_flight: usize::try_from(flags.in_flight)
                .unwrap_or(usize::MAX)
                .min(100_000),
            keys: flags.keys,
            timeout: flags.timeout,
            share: flags.share,
            regions,
            addresses,
            table: flags.table.clone(),
            goals,
            output: flags.output,
            common,
            flags,
        })
    }

    /// The operations: each number's region, kind and key.
    pub(crate) fn mix(&self) -> Mix {
        Mix::new(
            self.mix,
            Seed(self.common.seed),
            self.regions.len(),
            self.keys,
        )
    }

    /// Numbers and intended starts: warm-up at the rate with which the measured time begins, then the measured time.
    pub(crate) fn schedule(&self) -> impl Iterator<Item = (u64, u64)> + Send + use<> {
        let (warm_up_ns, measured_ns) = (nanos(self.warm_up), nanos(self.measured));
        let share = self.share.map_or(Share::WHOLE, |share| share.2);
        let seed = Seed(self.common.seed);
        let arrival = self.arrivals.arrival();
        let first_rate = self.shape.due(1e-3) * 1e3;
        let calm = Shape::Constant { rate: first_rate };
        let warm_up = Schedule::new(calm, arrival, seed.stream("load/warm-up"), share)
            .take_while(move |(_, at_ns)| *at_ns < warm_up_ns)
            .map(|(number, at_ns)| (FIRST_WARM_UP + number, at_ns));
        let measured = Schedule::new(
            self.shape.clone(),
            arrival,
            seed.stream("load/arrivals"),
            share,
        )
        .take_while(move |(_, at_ns)| *at_ns < measured_ns)
        .map(move |(number, at_ns)| (number, warm_up_ns + at_ns));
        warm_up.chain(measured)
    }

    /// Operations per second over all regions and shares, on average over the measured time.
    pub(crate) fn rate_per_s(&self) -> f64 {
        let over_s = self.measured.as_secs_f64();
        self.shape.due(over_s) / over_s
    }

    /// Of how many shares this run is one.
    pub(crate) fn shares(&self) -> u32 {
        self.share.map_or(1, |share| share.1)
    }

    /// Every option, resolved, for `run.json`.
    pub(crate) fn options(&self) -> BTreeMap<String, Value> {
        [
            ("rate", json!(self.flags.rate)),
            ("arrival", json!(self.arrivals.name())),
            ("for_s", json!(self.measured.as_secs_f64())),
            ("warm_up_s", json!(self.warm_up.as_secs_f64())),
            ("in_flight", json!(self.in_flight)),
            ("keys", json!(self.keys)),
            ("timeout_ms", json!(self.timeout.as_secs_f64() * 1000.0)),
            ("table", json!(self.table)),
            ("faults", json!(self.faults())),
            ("defects", json!(self.common.defects)),
            ("rtt_scale", json!(self.flags.rtt_scale.unwrap_or(1.0))),
            (
                "share",
                json!(self.share.map(|(index, of, _)| format!("{index}/{of}"))),
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
            "dateline load run {} --seed {} --rate {} --arrival {} --for {} --warm-up {} --in-flight {} --keys {} --timeout {}",
            self.mix.name,
            self.common.seed,
            flags.rate,
            self.arrivals.name(),
            milliseconds(self.measured),
            milliseconds(self.warm_up),
            self.in_flight,
            self.keys,
            milliseconds(self.timeout),
        )];
        let mut push = |flag: &str, value: Option<String>| {
            words.extend(value.map(|value| format!("--{flag} {value}")));
        };
        for region in &flags.region {
            push("region", Some(region.clone()));
        }
        push(
            "regions",
            flags.regions.as_ref().map(|names| names.join(",")),
        );
        push("rtt-scale", flags.rtt_scale.map(|scale| scale.to_string()));
        push("faults", flags.faults.as_ref().map(|names| names.join(",")));
        push("defect", flags.defect.as_ref().map(|names| names.join(",")));
        push(
            "share",
            self.share.map(|(index, of, _)| format!("{index}/{of}")),
        );
        for goal in &flags.goal {
            push("goal", Some(format!("'{goal}'")));
        }
        words.join(" ")
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("durations are at most a month")
}

/// What a load has in common with a test, as the flags of a test. A load has no faults unless some are named.
fn common(flags: &LoadFlags) -> TestFlags {
    TestFlags {
        seed: flags.seed,
        regions: flags.regions.clone(),
        rtt_scale: flags.rtt_scale,
        faults: Some(flags.faults.clone().unwrap_or_else(|| vec!["none".into()])),
        defect: flags.defect.clone(),
        op_timeout: u64::try_from(flags.timeout.as_millis()).ok(),
        out: flags.out.clone(),
        ..TestFlags::default()
    }
}

/// Names and addresses of the regions that run elsewhere, if any was named.
fn elsewhere(
    flags: &LoadFlags,
) -> Result<Option<(Vec<String>, Vec<SocketAddr>)>, LoadSettingsError> {
    if flags.region.is_empty() {
        return Ok(None);
    }
    let touches = [
        ("faults", flags.faults.is_some()),
        ("defect", flags.defect.is_some()),
        ("rtt-scale", flags.rtt_scale.is_some()),
    ];
    if let Some((flag, _)) = touches.into_iter().find(|(_, given)| *given) {
        return Err(LoadSettingsError::NotElsewhere { flag });
    }
    let mut names: Vec<String> = Vec::new();
    let mut addresses = Vec::new();
    for given in &flags.region {
        let bad = |wrong: &str| LoadSettingsError::Region {
            given: given.clone(),
            wrong: wrong.to_owned(),
        };
        let (name, url) = given
            .split_once('=')
            .ok_or_else(|| bad("there is no `=` in it"))?;
        let is_name = |name: &str| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
        };
        if !is_name(name) {
            return Err(bad("a name has letters, digits and dashes"));
        }
        if names.iter().any(|known| known == name) {
            return Err(bad("it is named twice"));
        }
        let host = url
            .strip_prefix("http://")
            .ok_or_else(|| bad("only http:// is spoken"))?;
        let address = host
            .trim_end_matches('/')
            .to_socket_addrs()
            .ok()
            .and_then(|mut all| all.next());
        addresses.push(address.ok_or_else(|| bad("host and port lead nowhere"))?);
        names.push(name.to_owned());
    }
    Ok(Some((names, addresses)))
}
