//! `dateline test`: flags and the settings file. `run::settings` resolves them.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _},
};
use serde::Deserialize;
use workloads::catalogue::{Entry, WORKLOADS, named};

use crate::{
    exit::{Ending, Failure},
    load::quantity,
    run::{self, Settings},
    topology::TopologyForm,
};

/// `dateline test WORKLOAD`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(super) struct TestCommand {
    /// What clients do
    #[arg(value_name = "WORKLOAD", value_parser = workload_parser())]
    workload: &'static Entry,

    /// Read settings from a TOML file; flags win
    #[arg(long, value_name = "FILE.toml")]
    set: Option<PathBuf>,

    #[command(flatten)]
    flags: TestFlags,
}

/// The catalogue's names, each with its line.
fn workload_parser() -> impl clap::builder::TypedValueParser<Value = &'static Entry> {
    let value = |entry: &Entry| PossibleValue::new(entry.name).help(entry.about);
    PossibleValuesParser::new(WORKLOADS.iter().map(value))
        .map(|name| named(&name).expect("only names of the catalogue are possible"))
}

const EXAMPLES: &str = "\
Examples:
  dateline test register --seed 7
  dateline test register --faults none --rtt-scale 0.1 --time-limit 8
  dateline test register --defect lww-by-arrival          a planted fault that the checks must find
  dateline test register --endpoint us-east-1=http://127.0.0.1:8001
  dateline test register --target command --config examples/dynalite.toml
  dateline test register --target adapter --config examples/sqlite.toml
  dateline test big-items --rate 10 --faults partition    `dateline list workloads` describes them
  dateline test register --set nightly.toml --seed 7      flags win over the file
  dateline test register --plan dateline-runs/latest/plan.json
  dateline test register --network netns --faults packet-loss,black-hole
  dateline test register --faults none --delivery-bound 2s
  dateline test register --test-count 20 --stop-at-first-violation
  dateline test register --until 06:00                    one run after the other, until the morning
  dateline test register --endpoint eu-west-1=http://127.0.0.1:8000 --budget 5000 --dry-run

A settings file has the same names as the flags:
  time-limit = 60
  faults = [\"partition\", \"kill\"]";

/// Everything that can be set, on the command line or in a file. What is left out has the default named in its help.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct TestFlags {
    /// What is tested: local, endpoints, command or adapter (`dateline list targets`) [default: what --endpoint or --config mean, else local]
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,

    /// A region that runs elsewhere, for each: a table of a name of its own is made there, and removed at the end
    #[arg(long, value_name = "NAME=URL")]
    pub(crate) endpoint: Option<Vec<String>>,

    /// Authorities to trust in https endpoints, instead of the system's; or the certificates of the endpoints themselves [default: AWS_CA_BUNDLE]
    #[arg(long, value_name = "FILE.pem")]
    pub(crate) ca: Option<PathBuf>,

    /// A tag of the table in endpoints, beside our own; again for more
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) tag: Option<Vec<String>>,

    /// How to start servers that are not ours, or what speaks for them, for --target command and adapter
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) config: Option<PathBuf>,

    /// How our regions are reached: loopback, or netns for a network namespace each and faults below TCP, which takes root or `unshare --user --map-root-user` [default: loopback]
    #[arg(long, value_name = "NAME")]
    pub(crate) network: Option<String>,

    /// How several regions share a table: as a global table of version 2017.11.29 or 2019.11.21, or by-itself where the store brings it to all of them, as Alternator does [default: 2019.11.21, of the target local 2017.11.29]
    #[arg(long, value_name = "VERSION")]
    pub(crate) global_tables: Option<String>,

    /// Decides every draw of the run [default: from the clock]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,

    /// Seconds under faults; set-up, settling and judging come on top [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = quantity::seconds)]
    pub(crate) time_limit: Option<u64>,

    /// Operations per second of all clients together, heartbeats aside [default: 200; with large items 20]
    #[arg(long, value_name = "PER-SECOND")]
    pub(crate) rate: Option<u64>,

    /// Clients per region [default: 5]
    #[arg(long, value_name = "CLIENTS")]
    pub(crate) concurrency: Option<usize>,

    /// Keys alive at any time; each lives as many eighths of a second. Where keys do not die, the size of the table [default: 16]
    #[arg(long, value_name = "COUNT")]
    pub(crate) keys: Option<u64>,

    /// How operations spread over the keys: uniform or zipfian [default: uniform]
    #[arg(long, value_name = "NAME")]
    pub(crate) key_distribution: Option<String>,

    /// Deletes in 100 operations, 0 to 50 [default: 4]
    #[arg(long, value_name = "PERCENT")]
    pub(crate) deletes: Option<u64>,

    /// Bytes added to every item, up to 350000; in big-items the largest [default: 0; in big-items 350000]
    #[arg(long, value_name = "BYTES")]
    pub(crate) value_bytes: Option<u64>,

    /// Region names, or one of the sets three, five, twelve [default: three]
    #[arg(long, value_name = "REGIONS", value_delimiter = ',')]
    pub(crate) regions: Option<Vec<String>>,

    /// Regions and links as data; in a settings file only
    #[arg(skip)]
    pub(crate) topology: Option<TopologyForm>,

    /// Measured round-trip times between the regions times this; 0 for none [default: 1]
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true)]
    pub(crate) rtt_scale: Option<f64>,

    /// What goes wrong: names of `dateline list faults`, or none [default: partition,kill,pause,clock, with --network netns packet-loss,black-hole, too; elsewhere all that are possible there]
    #[arg(long, value_name = "FAULTS", value_delimiter = ',')]
    pub(crate) faults: Option<Vec<String>>,

    /// Begins and ends the fault `provider` in endpoints: a shell runs it with `begin REGION` and with `end REGION` (docs/endpoints.md)
    #[arg(long, value_name = "COMMAND")]
    pub(crate) fault_hook: Option<String>,

    /// Repeat the faults of a saved run: the plan.json of its folder, whose seed and time limit hold unless others are given
    #[arg(long, value_name = "FILE.json")]
    pub(crate) plan: Option<PathBuf>,

    /// Plant a fault in every replica: names of `dateline list defects`
    #[arg(long, value_name = "DEFECTS", value_delimiter = ',')]
    pub(crate) defect: Option<Vec<String>>,

    /// Milliseconds after which an operation is given up, its outcome unknown [default: 2000]
    #[arg(long, value_name = "MS", value_parser = quantity::milliseconds)]
    pub(crate) op_timeout: Option<u64>,

    /// Seconds after healing within which the regions must have converged [default: 20]
    #[arg(long, value_name = "SECONDS", value_parser = quantity::seconds)]
    pub(crate) settle_limit: Option<u64>,

    /// Every write arrives everywhere within this time while no fault is installed, such as 5s or 800ms: judged by the check `delivery` [default: not judged]
    #[arg(long, value_name = "DURATION")]
    pub(crate) delivery_bound: Option<String>,

    /// Judge while the run goes on, and end it (heal, settle, read, report) when something forbidden is seen
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false")]
    pub(crate) stop_at_first_violation: Option<bool>,

    /// Runs, with this seed and those after it; the worst ending counts [default: 1]
    #[arg(long, value_name = "COUNT")]
    pub(crate) test_count: Option<u64>,

    /// Runs, with this seed and those after it, for as long as another one fits in before this time of day (UTC), today or tomorrow
    #[arg(long, value_name = "HH:MM")]
    pub(crate) until: Option<String>,

    /// No new work after so many operations of a run; final reads come on top. For endpoints that cost money
    #[arg(long, value_name = "OPERATIONS")]
    pub(crate) budget: Option<u64>,

    /// No new work once endpoints may have cost so many US dollars at the --prices, each operation counted as the dearest of the workload; final reads are within
    #[arg(long, value_name = "USD")]
    pub(crate) cost_budget: Option<f64>,

    /// US dollars for a million write units and a million read units in each region [default: 0.625,0.125, AWS's on demand in us-east-1 since November 2024]
    #[arg(long, value_name = "WRITE,READ", value_delimiter = ',')]
    pub(crate) prices: Option<Vec<f64>>,

    /// Say what would be done and what it would cost, and ask nobody anything
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false")]
    pub(crate) dry_run: Option<bool>,

    /// The folder that holds all runs [default: dateline-runs]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) out: Option<PathBuf>,

    /// Keep what the regions stored, in the run folder's `data`
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false")]
    pub(crate) keep_data: Option<bool>,
}

impl TestCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        let file = self.set.as_deref().map(TestFlags::read).transpose();
        let flags = self
            .flags
            .over(file.map_err(Failure::Usage)?.unwrap_or_default());
        let settings = Settings::resolve(self.workload, flags, self.set).map_err(Failure::usage)?;
        if settings.dry_run {
            print!("{}", run::preview(&settings));
            return Ok(Ending::Valid);
        }
        run::test(&settings)
    }
}

impl TestFlags {
    fn read(path: &std::path::Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("--set {}: {error}", path.display()))?;
        // The error names the line, the unknown key and the keys that there are.
        toml::from_str(&text).map_err(|error| format!("--set {}: {error}", path.display()))
    }

    /// These where they say something, else those of the file.
    fn over(self, file: Self) -> Self {
        Self {
            target: self.target.or(file.target),
            endpoint: self.endpoint.or(file.endpoint),
            ca: self.ca.or(file.ca),
            tag: self.tag.or(file.tag),
            config: self.config.or(file.config),
            network: self.network.or(file.network),
            global_tables: self.global_tables.or(file.global_tables),
            seed: self.seed.or(file.seed),
            time_limit: self.time_limit.or(file.time_limit),
            rate: self.rate.or(file.rate),
            concurrency: self.concurrency.or(file.concurrency),
            keys: self.keys.or(file.keys),
            key_distribution: self.key_distribution.or(file.key_distribution),
            deletes: self.deletes.or(file.deletes),
            value_bytes: self.value_bytes.or(file.value_bytes),
            // A list of regions on the command line replaces the file's whole topology.
            topology: if self.regions.is_some() {
                None
            } else {
                file.topology
            },
            regions: self.regions.or(file.regions),
            rtt_scale: self.rtt_scale.or(file.rtt_scale),
            faults: self.faults.or(file.faults),
            fault_hook: self.fault_hook.or(file.fault_hook),
            plan: self.plan.or(file.plan),
            defect: self.defect.or(file.defect),
            op_timeout: self.op_timeout.or(file.op_timeout),
            settle_limit: self.settle_limit.or(file.settle_limit),
            delivery_bound: self.delivery_bound.or(file.delivery_bound),
            stop_at_first_violation: self
                .stop_at_first_violation
                .or(file.stop_at_first_violation),
            test_count: self.test_count.or(file.test_count),
            until: self.until.or(file.until),
            budget: self.budget.or(file.budget),
            cost_budget: self.cost_budget.or(file.cost_budget),
            prices: self.prices.or(file.prices),
            dry_run: self.dry_run.or(file.dry_run),
            out: self.out.or(file.out),
            keep_data: self.keep_data.or(file.keep_data),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<TestFlags, String> {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        std::fs::write(file.path(), text).expect("writable");
        TestFlags::read(file.path())
    }

    #[test]
    fn flags_win_over_the_file() {
        let from_file = file("seed = 1\nrate = 50\nfaults = [\"kill\"]").expect("well formed");
        let flags = TestFlags {
            seed: Some(2),
            ..TestFlags::default()
        }
        .over(from_file);
        assert_eq!((flags.seed, flags.rate), (Some(2), Some(50)));
        assert_eq!(flags.faults, Some(vec!["kill".to_owned()]));
    }

    #[test]
    fn an_unknown_key_is_named_with_the_known_ones() {
        let message = file("time-limt = 5").expect_err("a typo");
        assert!(message.contains("unknown field `time-limt`"), "{message}");
        assert!(message.contains("`time-limit`"), "{message}");
        let message = file("rate = \"fast\"").expect_err("no number");
        assert!(
            message.contains("line 1") && message.contains("rate"),
            "{message}"
        );
    }
}
