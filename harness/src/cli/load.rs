//! `dateline load`: flags. `load::settings` resolves them.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use checker::history::Strength;
use clap::{Args, FromArgMatches, Subcommand, ValueEnum};
use workloads::arrival::{Shape, Share};

use crate::{
    exit::{Ending, Failure},
    load::{
        self, Course, LoadSettings,
        echo::{self, Capacity},
        quantity::{self, Arrivals},
        search::Bounds,
    },
};

/// `dateline load`.
#[derive(Debug, Args)]
pub(super) struct LoadCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Ask at a given rate whatever the regions do, measure response times, service times and replication lag
    #[command(after_help = RUN)]
    Run(Box<RunCommand>),
    /// Ask at one rate after the other and show the figures of each
    #[command(after_help = STEPS)]
    Steps(Box<StepsCommand>),
    /// Find the highest rate at which the goals are kept
    #[command(after_help = SEARCH)]
    Search(Box<SearchCommand>),
    /// A bare server to measure the generator against: it answers anything, and stores nothing
    #[command(hide = true)]
    Echo(EchoCommand),
}

const RUN: &str = "\
Workloads: mixed, read-mostly, reads, updates, conditional, delete-churn, counter, set, list-append, scan,
single-writer-region, home-region-per-item, and YCSB's six: ycsb-a to ycsb-f. What reads of registers bring is checked: a value that nobody wrote to that item is an error.

Examples:
  dateline load run mixed --rate 1k --for 30s --goal 'read.p99<20ms' --goal 'lag.p99<2s'
  dateline load run ycsb-a --rate 500 --for 1m --faults partition,pause --seed 7
  dateline load run reads --rate 1k..20k/1k --arrival steps --for 2m
  dateline load run ycsb-b --region us-east-1=http://127.0.0.1:8001 --rate 5k
  dateline load run mixed --mix us-east-1:read=100 --weight us-east-1=3
  dateline load run mixed --faults partition,kill --record   # then: dateline check dateline-runs/latest/history.jsonl

Response time runs from the moment at which the schedule wanted an operation to start, service time from the moment at
which it was sent; both are always shown. What was sent late, never sent or still open at the end is counted.

Exit codes: 0 every goal kept, 1 a goal missed or a read corrupt, 2 cannot tell, 3 harness failure, 64 bad usage.";

const STEPS: &str = "\
Examples:
  dateline load steps 1k..20k/1k
  dateline load steps 500..4k/500 ycsb-b --for 20s --goal 'p99<50ms'

Each step is a run of its own on the same regions, in its own folder below the run's.

Exit codes: as of `load run`, the worst of all steps.";

const SEARCH: &str = "\
Examples:
  dateline load search --goal 'p99<20ms'
  dateline load search ycsb-b --from 1k --goal 'read.p99<10ms' --goal 'errors<0.1%' --for 10s --precision 2

The rate is doubled until a goal is missed, then the gap between kept and missed is narrowed to the precision; what was
found is asked again, and lowered when it does not hold. Each trial is a run of its own on the same regions.

Exit codes: 0 found, 2 even the lowest rate misses a goal or the highest keeps all, 3 harness failure, 64 bad usage.";

#[derive(Debug, Args)]
struct RunCommand {
    /// What to do: one of the workloads below
    workload: String,

    /// Operations per second over all regions: 5k; with ramp arrivals 1k..20k, with steps 1k..20k/1k
    #[arg(long, value_name = "RATE", default_value = "1k")]
    rate: String,

    /// How operations arrive
    #[arg(long, value_enum, value_name = "HOW", default_value = "constant")]
    arrival: Arrivals,

    /// How long to measure
    #[arg(long = "for", value_name = "DURATION", default_value = "30s", value_parser = quantity::duration)]
    measured: Duration,

    /// How long to send before measuring; stored, but kept out of the figures
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = quantity::duration)]
    warm_up: Duration,

    /// Take one part of the schedule, the others run elsewhere with the same seed: 3/16
    #[arg(long, value_name = "I/N", value_parser = quantity::share)]
    share: Option<(u32, u32, Share)>,

    /// What goes wrong while measuring: names of `dateline list faults` [default: none]
    #[arg(long, value_name = "FAULTS", value_delimiter = ',')]
    faults: Option<Vec<String>>,

    /// Write down every operation, and read every item that was written in every region at the end: `dateline check` judges it
    #[arg(long)]
    record: bool,

    #[command(flatten)]
    flags: LoadFlags,
}

#[derive(Debug, Args)]
struct StepsCommand {
    /// First rate, last rate and distance: 1k..20k/1k
    rates: String,

    /// What to do: one of the workloads of `load run`
    #[arg(default_value = "mixed")]
    workload: String,

    /// How long to measure each step
    #[arg(long = "for", value_name = "DURATION", default_value = "10s", value_parser = quantity::duration)]
    measured: Duration,

    /// How long to send before measuring each step
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = quantity::duration)]
    warm_up: Duration,

    #[command(flatten)]
    flags: LoadFlags,
}

#[derive(Debug, Args)]
struct SearchCommand {
    /// What to do: one of the workloads of `load run`
    #[arg(default_value = "mixed")]
    workload: String,

    /// The rate to begin with
    #[arg(long, value_name = "RATE", default_value = "500", value_parser = quantity::count)]
    from: f64,

    /// The highest rate to try
    #[arg(long, value_name = "RATE", default_value = "100k", value_parser = quantity::count)]
    to: f64,

    /// How far the rate that is found may be below one that misses a goal, in percent
    #[arg(long, value_name = "PERCENT", default_value = "2")]
    precision: f64,

    /// How long to measure each trial
    #[arg(long = "for", value_name = "DURATION", default_value = "5s", value_parser = quantity::duration)]
    measured: Duration,

    /// How long to send before measuring each trial
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = quantity::duration)]
    warm_up: Duration,

    #[command(flatten)]
    flags: LoadFlags,
}

#[derive(Debug, Args)]
struct EchoCommand {
    /// Where to listen; the address is printed
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,

    /// How many requests are served at a time, each for --service
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = quantity::whole)]
    servers: u64,

    /// How long a request takes [default: no time, and no limit]
    #[arg(long, value_name = "DURATION", value_parser = quantity::duration)]
    service: Option<Duration>,
}

/// What can be set for every load.
#[derive(Clone, Debug, Args)]
pub(crate) struct LoadFlags {
    /// Operations in flight at most, per region; each has a connection of its own
    #[arg(long, value_name = "COUNT", default_value = "64", value_parser = quantity::whole)]
    pub(crate) in_flight: u64,

    /// Items that are written before the run and used by it
    #[arg(long, value_name = "COUNT", default_value = "1k", value_parser = quantity::whole)]
    pub(crate) keys: u64,

    /// Shares of the kinds of operations, in all regions or in one: `[REGION:]read=95,update=5` [default: the workload's]
    #[arg(long, value_name = "MIX")]
    pub(crate) mix: Vec<String>,

    /// A region's part of the operations, in proportion to the others': REGION=NUMBER [default: 1 each]
    #[arg(long, value_name = "WEIGHT")]
    pub(crate) weight: Vec<String>,

    /// Which items are used how often: uniform, zipfian, latest, hotspot, sequential [default: the workload's]
    #[arg(long, value_name = "NAME")]
    pub(crate) key_distribution: Option<String>,

    /// How many bytes each written item carries beside its number, checked when it is read [default: 1000 of YCSB's workloads, 0 of the others]
    #[arg(long, value_name = "COUNT", value_parser = quantity::size)]
    pub(crate) value_bytes: Option<u64>,

    /// How strong reads are [default: the workload's; YCSB's are eventual, the others strong]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) reads: Option<Reads>,

    /// When an operation is given up; it counts with its full time
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = quantity::duration)]
    pub(crate) timeout: Duration,

    /// What must hold, such as read.p99<20ms, lag.p99<2s, errors<0.1%, rate>=4.9k; again for more goals
    #[arg(long, value_name = "GOAL")]
    pub(crate) goal: Vec<String>,

    /// Decides every draw of the run [default: from the clock]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,

    /// A region that runs already, http or https; again for each region. Credentials as AWS's tools find them; none needed on loopback
    #[arg(long, value_name = "NAME=URL", conflicts_with = "regions")]
    pub(crate) region: Vec<String>,

    /// Authorities to trust in regions with https, instead of the system's; or the regions' own certificates [default: AWS_CA_BUNDLE]
    #[arg(long, value_name = "FILE.pem", requires = "region")]
    pub(crate) ca: Option<PathBuf>,

    /// The table in the regions of --region; made where it is missing
    #[arg(long, value_name = "TABLE", default_value = "dateline", value_parser = table_name)]
    pub(crate) table: String,

    /// Regions to start here: names, or one of the sets three, five, twelve [default: three]
    #[arg(long, value_name = "REGIONS", value_delimiter = ',')]
    pub(crate) regions: Option<Vec<String>>,

    /// Measured round-trip times between the regions times this; 0 for none [default: 1]
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true)]
    pub(crate) rtt_scale: Option<f64>,

    /// Plant a fault in every replica: names of `dateline list defects`
    #[arg(long, value_name = "DEFECTS", value_delimiter = ',')]
    pub(crate) defect: Option<Vec<String>>,

    /// What standard output gets
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    pub(crate) output: LoadOutput,

    /// The folder that holds all runs [default: dateline-runs]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) out: Option<PathBuf>,
}

/// What standard output gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LoadOutput {
    /// A summary for people; progress goes to standard error
    Text,
    /// summary.json
    Json,
    /// Nothing: the exit code says it
    Quiet,
}

/// DynamoDB's rule for table names; they are written into requests as they are.
fn table_name(text: &str) -> Result<String, String> {
    let is_fine = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    if (3..=255).contains(&text.len()) && text.chars().all(is_fine) {
        return Ok(text.to_owned());
    }
    Err("a table's name has 3 to 255 letters, digits, `_`, `.` and `-`".to_owned())
}

/// How strong reads are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reads {
    /// They see every write that was acknowledged in their region before
    Strong,
    /// They may see an older version
    Eventual,
}

impl Reads {
    pub(crate) fn strength(self) -> Strength {
        match self {
            Self::Strong => Strength::Strong,
            Self::Eventual => Strength::Eventual,
        }
    }
}

impl LoadCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        match self.what {
            What::Run(command) => load::run(&command.settings()?),
            What::Steps(command) => {
                let rates = quantity::rates(&command.rates).map_err(Failure::usage)?;
                load::steps(&command.settings(rates[0])?, &rates)
            }
            What::Search(command) => {
                let bounds = Bounds::new(command.from, command.to, command.precision)
                    .map_err(Failure::usage)?;
                load::search(&command.settings()?, bounds)
            }
            What::Echo(command) => command.run(),
        }
    }
}

/// The settings of `dateline load run` with these words after it.
pub(crate) fn load_settings(words: &[String]) -> Result<LoadSettings, String> {
    let grammar = RunCommand::augment_args(clap::Command::new("load run").no_binary_name(true));
    let command = grammar
        .try_get_matches_from(words)
        .and_then(|matches| RunCommand::from_arg_matches(&matches));
    let settings = command
        .map_err(|error| error.render().to_string())?
        .settings();
    settings.map_err(|(Failure::Usage(told) | Failure::Harness(told))| told)
}

impl EchoCommand {
    fn run(self) -> Result<Ending, Failure> {
        let servers = usize::try_from(self.servers.min(1000)).expect("a thousand is a usize");
        let capacity = self.service.map(|service| Capacity { servers, service });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::harness)?;
        let serving = echo::serve(self.listen, capacity, |address| {
            println!("http://{address}")
        });
        runtime.block_on(serving).map_err(Failure::harness)?;
        Ok(Ending::Valid)
    }
}

impl RunCommand {
    fn settings(self) -> Result<LoadSettings, Failure> {
        let shape = self.arrival.shape(&self.rate, self.measured);
        let mut words = format!(
            "dateline load run {} --rate {} --arrival {} --for {} --warm-up {}",
            self.workload,
            self.rate,
            self.arrival.name(),
            quantity::written(self.measured),
            quantity::written(self.warm_up),
        );
        if let Some((index, of, _)) = self.share {
            words += &format!(" --share {index}/{of}");
        }
        if self.record {
            words += " --record";
        }
        let course = Course {
            rate: self.rate,
            arrivals: self.arrival,
            shape: shape.map_err(|error| Failure::Usage(format!("--rate: {error}")))?,
            measured: self.measured,
            warm_up: self.warm_up,
            share: self.share,
        };
        let settings =
            LoadSettings::resolve(&self.workload, course, self.faults, words, self.flags);
        let mut settings = settings.map_err(Failure::usage)?;
        settings.records = self.record;
        Ok(settings)
    }
}

impl StepsCommand {
    fn settings(self, first_rate: f64) -> Result<LoadSettings, Failure> {
        let words = format!(
            "dateline load steps {} {} --for {} --warm-up {}",
            self.rates,
            self.workload,
            quantity::written(self.measured),
            quantity::written(self.warm_up),
        );
        let course = constant(first_rate, self.measured, self.warm_up)?;
        LoadSettings::resolve(&self.workload, course, None, words, self.flags)
            .map_err(Failure::usage)
    }
}

impl SearchCommand {
    fn settings(self) -> Result<LoadSettings, Failure> {
        if self.flags.goal.is_empty() {
            let missing =
                "--goal: a search needs one to tell what is too much, such as --goal 'p99<20ms'";
            return Err(Failure::Usage(missing.into()));
        }
        let words = format!(
            "dateline load search {} --from {} --to {} --precision {} --for {} --warm-up {}",
            self.workload,
            self.from,
            self.to,
            self.precision,
            quantity::written(self.measured),
            quantity::written(self.warm_up),
        );
        let course = constant(self.from, self.measured, self.warm_up)?;
        LoadSettings::resolve(&self.workload, course, None, words, self.flags)
            .map_err(Failure::usage)
    }
}

/// One rate.
fn constant(rate: f64, measured: Duration, warm_up: Duration) -> Result<Course, Failure> {
    let shape = Shape::Constant { rate }.checked().map_err(Failure::usage)?;
    Ok(Course {
        rate: rate.to_string(),
        arrivals: Arrivals::Constant,
        shape,
        measured,
        warm_up,
        share: None,
    })
}
