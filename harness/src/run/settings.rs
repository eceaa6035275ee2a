//! What a run is to do, with every default resolved and every value checked; and the line that repeats it.

mod bearable;
mod money;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use workloads::{
    catalogue::Entry, keys::KeyDistribution, needs::Needs, options::Options, seed::Seed,
    workload::Workload,
};

use super::{
    cost::Cost,
    delivery,
    place::{Place, PlaceError},
};
use crate::{
    cli::TestFlags,
    client::Environment,
    nemesis::{self, Package, Plan, UnknownFault},
    store,
    topology::{Topology, TopologyError},
};

/// A key dies every so often, so one duel is fought every so often.
const KEY_SPACING: Duration = Duration::from_millis(125);

/// What a run is to do.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) workload: &'static Entry,
    pub(crate) place: Place,
    pub(crate) seed: u64,
    pub(crate) time_limit: Duration,
    pub(crate) rate: u64,
    pub(crate) concurrency: usize,
    pub(crate) keys: u64,
    pub(crate) key_distribution: KeyDistribution,
    pub(crate) deletes_percent: u64,
    pub(crate) value_bytes: usize,
    pub(crate) topology: Topology,
    pub(crate) faults: Vec<&'static dyn Package>,
    /// What goes wrong where that is not drawn but repeated.
    saved_plan: Option<Plan>,
    pub(crate) defects: Vec<String>,
    pub(crate) op_timeout: Duration,
    pub(crate) settle_limit: Duration,
    /// Within which time writes must arrive everywhere, if that is judged.
    pub(crate) delivery_bound_ns: Option<u64>,
    pub(crate) out: PathBuf,
    pub(crate) keep_data: bool,
    pub(crate) stop_at_first_violation: bool,
    /// Runs, with this seed and those after it.
    pub(crate) test_count: u64,
    /// No run is begun that would not end before this.
    pub(crate) until: Option<Timestamp>,
    /// Operations of a run after which no new work begins: as given, or as many as may be paid for.
    pub(crate) budget: Option<u64>,
    /// What somebody may have to pay.
    pub(super) cost: Option<Cost>,
    /// Of the table, beside our own.
    tags: Vec<(String, String)>,
    /// Only say what would be done.
    pub(crate) dry_run: bool,
    /// What was asked for, for the line that repeats it.
    flags: TestFlags,
    /// The file that part of it was read from.
    file: Option<PathBuf>,
}

/// What cannot be asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("--{flag} {given}: {wrong}")]
    Value {
        flag: &'static str,
        given: String,
        wrong: String,
    },
    #[error("--{flag} {given}: there is no such {what}; {advice}")]
    Unknown {
        flag: &'static str,
        given: String,
        what: &'static str,
        advice: String,
    },
    #[error("--regions: {0}")]
    Topology(#[from] TopologyError),
    #[error(transparent)]
    Fault(#[from] UnknownFault),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error("--plan {}: {wrong}", path.display())]
    Plan { path: PathBuf, wrong: String },
    #[error("--faults {fault}: {workload} cannot be judged under it, since {why}; leave it out")]
    Unbearable {
        fault: &'static str,
        workload: &'static str,
        why: &'static str,
    },
    #[error("--plan and --faults: a saved plan says what goes wrong; leave one of them out")]
    PlanAndFaults,
    #[error("regions: name them in `regions` or in `topology`, not in both")]
    TwoTopologies,
}

impl Settings {
    /// Resolves defaults and refuses what cannot be.
    pub(crate) fn resolve(
        workload: &'static Entry,
        flags: TestFlags,
        file: Option<PathBuf>,
    ) -> Result<Self, SettingsError> {
        let place = Place::resolve(&flags, &Environment::of_process())?;
        let topology = place.topology()?;
        let topology = topology.map_or_else(|| self::topology(&flags), Ok)?;
        place.has(workload, topology.regions().len())?;
        let (faults, saved_plan) = faults(workload, &flags, &place, &topology)?;
        let planned = saved_plan.as_ref();
        let planned_s = planned.map(|plan| plan.time_limit_ms.div_ceil(1000));
        let concurrency = flags.concurrency.map(|count| count as u64);
        let until = flags.until.as_deref().map(next_time).transpose()?;
        // With a time to end at, as many as fit in.
        let runs_usually = if until.is_some() { 100_000 } else { 1 };
        let mut settings = Self {
            workload,
            place,
            seed: flags
                .seed
                .or(planned.map(|plan| plan.seed))
                .unwrap_or_else(seed_from_the_clock),
            time_limit: Duration::from_secs(within(
                "time-limit",
                flags.time_limit.or(planned_s),
                30,
                1,
                604_800,
            )?),
            rate: within("rate", flags.rate, default_rate(workload), 1, 1_000_000)?,
            concurrency: usize::try_from(within("concurrency", concurrency, 5, 1, 10_000)?)
                .expect("ten thousand is a usize"),
            keys: within("keys", flags.keys, 16, 1, 1_000_000)?,
            key_distribution: key_distribution(flags.key_distribution.as_deref())?,
            deletes_percent: within("deletes", flags.deletes, 4, 0, 50)?,
            value_bytes: usize::try_from(within("value-bytes", flags.value_bytes, 0, 0, 350_000)?)
                .expect("it is less than a million"),
            topology,
            faults,
            saved_plan,
            defects: defects(flags.defect.as_deref())?,
            op_timeout: Duration::from_millis(within(
                "op-timeout",
                flags.op_timeout,
                2000,
                1,
                600_000,
            )?),
            settle_limit: Duration::from_secs(within(
                "settle-limit",
                flags.settle_limit,
                20,
                1,
                86_400,
            )?),
            delivery_bound_ns: delivery_bound_ns(&flags)?,
            out: flags
                .out
                .clone()
                .unwrap_or_else(|| PathBuf::from(store::DEFAULT_OUT)),
            keep_data: flags.keep_data.unwrap_or(false),
            stop_at_first_violation: flags.stop_at_first_violation.unwrap_or(false),
            test_count: within("test-count", flags.test_count, runs_usually, 1, 100_000)?,
            until,
            budget: budget(&flags)?,
            cost: None,
            tags: money::tags(&flags)?,
            dry_run: flags.dry_run.unwrap_or(false),
            flags,
            file,
        };
        settings.count_cost()?;
        Ok(settings)
    }

    /// The workload's generator.
    pub(crate) fn generator(&self) -> Box<dyn Workload> {
        self.workload.make(&Options {
            regions: u8::try_from(self.topology.regions().len()).expect("at most twelve regions"),
            concurrency: self.concurrency,
            rate: self.rate,
            keys: self.keys,
            distribution: self.key_distribution,
            spacing_ns: u64::try_from(KEY_SPACING.as_nanos()).expect("an eighth of a second"),
            deletes_per_thousand: self.deletes_percent * 10,
            value_bytes: self.value_bytes,
            seed: Seed(self.seed),
        })
    }

    /// The same with another seed.
    pub(crate) fn with_seed(&self, seed: u64) -> Self {
        Self {
            seed,
            ..self.clone()
        }
    }

    /// Everything that will go wrong: as saved, or drawn from the seed.
    pub(crate) fn plan(&self) -> Plan {
        if let Some(saved) = &self.saved_plan {
            return saved.clone();
        }
        Plan::draw(
            &self.faults,
            self.seed,
            self.time_limit,
            self.topology.regions(),
        )
    }

    /// Every option, resolved, for `run.json`.
    pub(crate) fn options(&self) -> BTreeMap<String, Value> {
        [
            ("time_limit_s", json!(self.time_limit.as_secs())),
            ("rate", json!(self.rate)),
            ("concurrency", json!(self.concurrency)),
            ("keys", json!(self.keys)),
            ("key_distribution", json!(self.key_distribution.name())),
            ("deletes_percent", json!(self.deletes_percent)),
            ("value_bytes", json!(self.value_bytes)),
            ("network", json!(self.place.wiring().name())),
            ("rtt_scale", json!(self.flags.rtt_scale.unwrap_or(1.0))),
            (
                "faults",
                json!(
                    self.faults
                        .iter()
                        .map(|fault| fault.name())
                        .collect::<Vec<_>>()
                ),
            ),
            ("defects", json!(self.defects)),
            (
                "op_timeout_ms",
                json!(self.op_timeout.as_secs_f64() * 1000.0),
            ),
            ("settle_limit_s", json!(self.settle_limit.as_secs())),
            ("delivery_bound", json!(self.flags.delivery_bound)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    /// One line that repeats this run.
    pub(crate) fn reproduce(&self) -> String {
        let flags = &self.flags;
        let mut words = vec![format!(
            "dateline test {} --seed {}",
            self.workload.name, self.seed
        )];
        let mut push = |flag: &str, value: Option<String>| {
            words.extend(value.map(|value| format!("--{flag} {value}")));
        };
        let text = |value: Option<u64>| value.map(|value| value.to_string());
        let list = |value: &Option<Vec<String>>| value.as_ref().map(|value| value.join(","));
        push("time-limit", text(flags.time_limit));
        push("rate", text(flags.rate));
        push(
            "concurrency",
            flags.concurrency.map(|count| count.to_string()),
        );
        push("keys", text(flags.keys));
        push("key-distribution", flags.key_distribution.clone());
        push("deletes", text(flags.deletes));
        push("value-bytes", text(flags.value_bytes));
        push("target", flags.target.clone());
        for endpoint in flags.endpoint.iter().flatten() {
            push("endpoint", Some(endpoint.clone()));
        }
        for tag in flags.tag.iter().flatten() {
            push("tag", Some(format!("'{tag}'")));
        }
        let ca = flags.ca.as_ref();
        push("ca", ca.map(|path| path.display().to_string()));
        let config = flags.config.as_ref();
        push("config", config.map(|path| path.display().to_string()));
        push("global-tables", flags.global_tables.clone());
        push("network", flags.network.clone());
        push("regions", list(&flags.regions));
        push("rtt-scale", flags.rtt_scale.map(|scale| scale.to_string()));
        push("faults", list(&flags.faults));
        let hook = flags.fault_hook.as_ref();
        push("fault-hook", hook.map(|line| format!("'{line}'")));
        let plan = flags.plan.as_ref();
        push("plan", plan.map(|path| path.display().to_string()));
        push("defect", list(&flags.defect));
        push("op-timeout", text(flags.op_timeout));
        push("settle-limit", text(flags.settle_limit));
        push("delivery-bound", flags.delivery_bound.clone());
        push("budget", text(flags.budget));
        push("cost-budget", flags.cost_budget.map(|usd| usd.to_string()));
        let prices = flags.prices.iter().flatten().map(f64::to_string);
        let prices = prices.collect::<Vec<_>>().join(",");
        push("prices", flags.prices.as_ref().map(|_| prices));
        let stops = flags.stop_at_first_violation;
        push(
            "stop-at-first-violation",
            stops.map(|stops| stops.to_string()),
        );
        // Links as data do not fit into a flag. All else that the file said stands above, and flags win over it.
        let file = self.file.as_ref();
        push("set", file.map(|path| path.display().to_string()));
        words.join(" ")
    }
}

/// Large items fill links and disks long before small ones do.
fn default_rate(workload: &Entry) -> u64 {
    if workload.needs.item_bytes > Needs::LITTLE.item_bytes {
        20
    } else {
        200
    }
}

/// The next moment at which it is this time of day, in UTC.
fn next_time(given: &str) -> Result<Timestamp, SettingsError> {
    let wrong = |wrong: String| SettingsError::Value {
        flag: "until",
        given: given.to_owned(),
        wrong,
    };
    let time: jiff::civil::Time = given
        .parse()
        .map_err(|_| wrong("write a time of day, for example 06:00".to_owned()))?;
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    let today = now.date().to_datetime(time);
    let date = if today > now.datetime() {
        today.date()
    } else {
        let tomorrow = now.date().tomorrow();
        tomorrow.map_err(|error| wrong(error.to_string()))?
    };
    let moment = date.to_datetime(time).to_zoned(TimeZone::UTC);
    moment
        .map(|moment| moment.timestamp())
        .map_err(|error| wrong(error.to_string()))
}

/// Milliseconds: short enough to be typed again.
fn seed_from_the_clock() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| {
        u64::try_from(since.as_millis() % 1_000_000_000).unwrap_or(0)
    })
}

/// The value of a flag, its default if it is not given, and the message if it is out of bounds.
fn within(
    flag: &'static str,
    given: Option<u64>,
    default: u64,
    from: u64,
    to: u64,
) -> Result<u64, SettingsError> {
    let value = given.unwrap_or(default);
    if (from..=to).contains(&value) {
        return Ok(value);
    }
    Err(SettingsError::Value {
        flag,
        given: value.to_string(),
        wrong: format!("it must be {from} to {to}"),
    })
}

fn delivery_bound_ns(flags: &TestFlags) -> Result<Option<u64>, SettingsError> {
    let bound = flags.delivery_bound.as_ref().map(|given| {
        delivery::bound_ns(given).map_err(|wrong| SettingsError::Value {
            flag: "delivery-bound",
            given: given.clone(),
            wrong,
        })
    });
    bound.transpose()
}

fn budget(flags: &TestFlags) -> Result<Option<u64>, SettingsError> {
    let given = flags.budget;
    given
        .map(|_| within("budget", given, 1, 1, 1_000_000_000))
        .transpose()
}

/// What may go wrong, and the plan if that is not to be drawn.
type Faults = (Vec<&'static dyn Package>, Option<Plan>);

fn faults(
    workload: &'static Entry,
    flags: &TestFlags,
    place: &Place,
    topology: &Topology,
) -> Result<Faults, SettingsError> {
    let named = flags.faults.as_deref().map(nemesis::by_names).transpose()?;
    match (&flags.plan, named) {
        (Some(_), Some(_)) => Err(SettingsError::PlanAndFaults),
        (Some(path), None) => {
            let plan = saved_plan(path, topology, place)?;
            Ok((nemesis::by_names(&plan.faults)?, Some(plan)))
        }
        (None, named) => {
            let faults = place.faults(named, topology.regions().len())?;
            let faults = bearable::bearable(workload, faults, flags.faults.as_deref())?;
            Ok((faults, None))
        }
    }
}

/// A plan that another run left, for these regions and for what can be done there.
fn saved_plan(path: &Path, topology: &Topology, place: &Place) -> Result<Plan, SettingsError> {
    let wrong = |wrong: String| SettingsError::Plan {
        path: path.to_owned(),
        wrong,
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let plan =
        Plan::from_json(&text, topology.regions()).map_err(|error| wrong(error.to_string()))?;
    for planned in &plan.actions {
        place
            .can(planned.deed.needs(), topology.regions().len())
            .map_err(|why| wrong(format!("{}: {why}", planned.what)))?;
    }
    Ok(plan)
}

fn key_distribution(given: Option<&str>) -> Result<KeyDistribution, SettingsError> {
    let Some(name) = given else {
        return Ok(KeyDistribution::default());
    };
    KeyDistribution::named(name).ok_or_else(|| SettingsError::Unknown {
        flag: "key-distribution",
        given: name.to_owned(),
        what: "distribution",
        advice: format!("there are {}", KeyDistribution::NAMES.join(", ")),
    })
}

fn topology(flags: &TestFlags) -> Result<Topology, SettingsError> {
    let topology = match (&flags.topology, &flags.regions) {
        (Some(_), Some(_)) => return Err(SettingsError::TwoTopologies),
        (Some(form), None) => form.resolve()?,
        (None, None) => Topology::set("three")?,
        (None, Some(names)) => match names.as_slice() {
            [set] if ["three", "five", "twelve"].contains(&set.as_str()) => Topology::set(set)?,
            names => Topology::of_regions(names)?,
        },
    };
    Ok(topology.scaled(flags.rtt_scale.unwrap_or(1.0))?)
}

fn defects(given: Option<&[String]>) -> Result<Vec<String>, SettingsError> {
    let names = given.unwrap_or_default();
    let known = replica::defects::DEFECTS;
    match names
        .iter()
        .find(|name| known.iter().all(|row| row.name != name.as_str()))
    {
        None => Ok(names.to_vec()),
        Some(unknown) => Err(SettingsError::Unknown {
            flag: "defect",
            given: unknown.clone(),
            what: "defect",
            advice: format!(
                "there are {}",
                known
                    .iter()
                    .map(|row| row.name)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register() -> &'static Entry {
        workloads::catalogue::named("register").expect("there is one")
    }

    #[test]
    fn a_workload_that_needs_more_regions_is_refused() {
        let session = workloads::catalogue::named("session").expect("there is one");
        let flags = TestFlags {
            regions: Some(vec!["eu-west-1".into()]),
            ..TestFlags::default()
        };
        let refused = Settings::resolve(session, flags, None).err();
        assert_eq!(
            refused.map(|error| error.to_string()).unwrap_or_default(),
            "session needs 2 regions or more, conditions, old images; the target local has 1 region; \
             name more of them, or choose another workload (`dateline list workloads`)"
        );
    }

    #[test]
    fn a_run_is_repeated_by_one_line() {
        let flags = TestFlags {
            seed: Some(7),
            faults: Some(vec!["kill".into(), "clock".into()]),
            rtt_scale: Some(0.1),
            ..TestFlags::default()
        };
        let of_file = |file| match Settings::resolve(register(), flags.clone(), file) {
            Ok(settings) => settings,
            Err(error) => panic!("all is well: {error}"),
        };
        let settings = of_file(None);
        let line = "dateline test register --seed 7 --rtt-scale 0.1 --faults kill,clock";
        assert_eq!(settings.reproduce(), line);
        assert_eq!(
            of_file(Some("links.toml".into())).reproduce(),
            format!("{line} --set links.toml")
        );
        assert_eq!(settings.options()["time_limit_s"], 30);
        assert_eq!(settings.options()["network"], "loopback");
    }

    #[test]
    fn a_time_of_day_is_the_next_one() {
        let now = Timestamp::now();
        let until = next_time("06:00").expect("well formed");
        let hours = until.duration_since(now).as_secs_f64() / 3600.0;
        assert!(hours > 0.0 && hours <= 24.0, "{hours}");
        assert!(until.to_string().ends_with("T06:00:00Z"), "{until}");
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let refused = |change: fn(&mut TestFlags)| {
            let mut flags = TestFlags::default();
            change(&mut flags);
            match Settings::resolve(register(), flags, None) {
                Ok(_) => panic!("accepted"),
                Err(error) => error.to_string(),
            }
        };
        for (message, part) in [
            (
                refused(|flags| flags.rate = Some(0)),
                "--rate 0: it must be 1 to 1000000",
            ),
            (refused(|flags| flags.keys = Some(0)), "--keys 0"),
            (
                refused(|flags| flags.until = Some("dawn".into())),
                "--until dawn: write a time of day, for example 06:00",
            ),
            (
                refused(|flags| flags.budget = Some(0)),
                "--budget 0: it must be 1 to",
            ),
            (refused(|flags| flags.deletes = Some(51)), "--deletes 51"),
            (
                refused(|flags| flags.regions = Some(vec!["mars-1".into()])),
                "--regions: region \"mars-1\"",
            ),
            (
                refused(|flags| flags.faults = Some(vec!["earthquake".into()])),
                "--faults: there is no fault \"earthquake\"; choose some of partition",
            ),
            (
                refused(|flags| flags.defect = Some(vec!["x".into()])),
                "--defect x: there is no such defect; there are stale-strong-read",
            ),
            (
                refused(|flags| flags.key_distribution = Some("gauss".into())),
                "there are uniform, zipfian",
            ),
            (
                refused(|flags| flags.rtt_scale = Some(-1.0)),
                "rtt-scale is -1",
            ),
        ] {
            assert!(
                message.starts_with(part) || message.contains(part),
                "{message}"
            );
        }
    }
}
