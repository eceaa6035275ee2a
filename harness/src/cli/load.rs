//! `dateline load`: flags. `load::settings` resolves them.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum};
use workloads::arrival::Share;

use crate::{
    exit::{Ending, Failure},
    load::{
        self, LoadSettings,
        quantity::{self, Arrivals},
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
    #[command(after_help = EXAMPLES)]
    Run(Box<RunCommand>),
}

const EXAMPLES: &str = "\
Workloads: mixed (half reads, half writes), read-mostly (95 to 5), reads, writes.

Examples:
  dateline load run mixed --rate 1k --for 30s --goal 'read.p99<20ms' --goal 'lag.p99<2s'
  dateline load run mixed --rate 500 --for 1m --faults partition,pause --seed 7
  dateline load run reads --rate 1k..20k/1k --arrival steps --for 2m
  dateline load run mixed --region us-east-1=http://127.0.0.1:8001 --rate 5k

Response time runs from the moment at which the schedule wanted an operation to start, service time from the moment at
which it was sent; both are always shown. What was sent late, never sent or still open at the end is counted.

Exit codes: 0 every goal kept, 1 a goal missed, 2 cannot tell, 3 harness failure, 64 bad usage.";

#[derive(Debug, Args)]
struct RunCommand {
    /// What to do: mixed, read-mostly, reads or writes
    workload: String,

    #[command(flatten)]
    flags: LoadFlags,
}

/// Everything that can be set for a load run.
#[derive(Clone, Debug, Args)]
pub(crate) struct LoadFlags {
    /// Operations per second over all regions: 5k; with ramp arrivals 1k..20k, with steps 1k..20k/1k
    #[arg(long, value_name = "RATE", default_value = "1k")]
    pub(crate) rate: String,

    /// How operations arrive
    #[arg(long, value_enum, value_name = "HOW", default_value = "constant")]
    pub(crate) arrival: Arrivals,

    /// How long to measure
    #[arg(long = "for", value_name = "DURATION", default_value = "30s", value_parser = quantity::duration)]
    pub(crate) measured: Duration,

    /// How long to send before measuring; stored, but kept out of the figures
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = quantity::duration)]
    pub(crate) warm_up: Duration,

    /// Operations in flight at most, per region; each has a connection of its own
    #[arg(long, value_name = "COUNT", default_value = "64", value_parser = quantity::whole)]
    pub(crate) in_flight: u64,

    /// Keys that are written before the run and used by it
    #[arg(long, value_name = "COUNT", default_value = "1k", value_parser = quantity::whole)]
    pub(crate) keys: u64,

    /// When an operation is given up; it counts with its full time
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = quantity::duration)]
    pub(crate) timeout: Duration,

    /// What must hold, such as read.p99<20ms, lag.p99<2s, errors<0.1%, rate>=4.9k; again for more goals
    #[arg(long, value_name = "GOAL")]
    pub(crate) goal: Vec<String>,

    /// Decides every draw of the run [default: from the clock]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,

    /// Take one part of the schedule, the others run elsewhere with the same seed: 3/16
    #[arg(long, value_name = "I/N", value_parser = quantity::share)]
    pub(crate) share: Option<(u32, u32, Share)>,

    /// A region that runs already; again for each region. Keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
    #[arg(long, value_name = "NAME=URL", conflicts_with = "regions")]
    pub(crate) region: Vec<String>,

    /// The table in the regions of --region; made where it is missing
    #[arg(long, value_name = "TABLE", default_value = "dateline", value_parser = table_name)]
    pub(crate) table: String,

    /// Regions to start here: names, or one of the sets three, five, twelve [default: three]
    #[arg(long, value_name = "REGIONS", value_delimiter = ',')]
    pub(crate) regions: Option<Vec<String>>,

    /// Measured round-trip times between the regions times this; 0 for none [default: 1]
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true)]
    pub(crate) rtt_scale: Option<f64>,

    /// What goes wrong while measuring: names of `dateline list faults` [default: none]
    #[arg(long, value_name = "FAULTS", value_delimiter = ',')]
    pub(crate) faults: Option<Vec<String>>,

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

impl LoadCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        match self.what {
            What::Run(command) => {
                let settings = LoadSettings::resolve(&command.workload, command.flags)
                    .map_err(Failure::usage)?;
                load::run(&settings)
            }
        }
    }
}
