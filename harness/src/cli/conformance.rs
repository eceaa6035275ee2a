//! `dateline conformance`: whether regions answer what AWS's documentation says that they answer.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::{
    client::{Credentials, Endpoint, Environment},
    conformance::{self, Arm, Case, Cleaning, Endpoints, Outcome, REGIONS, Simulation, play},
    exit::{Ending, Failure},
    stop::Stop,
    target::{Below, Elsewhere, Intent, LocalOptions, LocalTarget, Ports, Target as _},
};

/// The regions of the seeds: where the first cases play.
const NAMES: [&str; REGIONS] = ["ap-southeast-1", "us-east-1", "eu-west-1"];

/// `dateline conformance`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ConformanceCommand {
    /// Who answers
    #[arg(long, value_enum, default_value_t = ArmName::Processes)]
    arm: ArmName,

    /// Somebody's region instead; three of them. Each case makes a table of its own there, and removes it
    #[arg(long, value_name = "NAME=URL")]
    endpoint: Vec<String>,

    /// Authorities to trust in https endpoints, instead of the system's; or the certificates of the endpoints themselves [default: AWS_CA_BUNDLE]
    #[arg(long, value_name = "FILE.pem", requires = "endpoint")]
    ca: Option<PathBuf>,

    /// Only cases with this in their name, file or source
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,

    /// Only cases of this version of global tables, and those for any
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,

    /// Print the cases and their sources, and stop
    #[arg(long)]
    list: bool,
}

/// How long a region has to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

const EXAMPLES: &str = "\
Examples:
  dateline conformance                         our replicas as processes
  dateline conformance --arm simulation        the same core, without sockets, disks and clocks
  dateline conformance --only streams --list   what would be asked, and who says so
  dateline conformance --endpoint us-east-1=http://127.0.0.1:8001 --endpoint …
  dateline conformance --only items --endpoint us-east-1=https://dynamodb.us-east-1.amazonaws.com --endpoint …";

/// Who can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ArmName {
    /// Three replicas, started for this
    Processes,
    /// The replicas' core in this process
    Simulation,
}

impl ConformanceCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        let cases = self.cases()?;
        if self.list {
            for case in &cases {
                println!(
                    "{}: {}\n    {} · {}",
                    case.file, case.name, case.version, case.source
                );
            }
            return Ok(Ending::Valid);
        }
        let given = self.endpoint.len();
        match self.arm {
            _ if given > 0 && given != REGIONS => Err(Failure::Usage(format!(
                "--endpoint: name {REGIONS} regions; {given} given"
            ))),
            _ if given > 0 => self.with_endpoints(&cases),
            ArmName::Simulation => {
                let mut arm = Simulation::new(&NAMES);
                Ok(report(&cases, &mut arm, &Session::ours()))
            }
            ArmName::Processes => with_processes(&cases),
        }
    }

    /// Asks regions that somebody else runs, until all cases are played or somebody wants to stop.
    fn with_endpoints(&self, cases: &[Case]) -> Result<Ending, Failure> {
        let (authority, environment) = (self.ca.as_deref(), Environment::of_process());
        let elsewhere = Elsewhere::resolve(
            "endpoint",
            &self.endpoint,
            authority,
            &environment,
            Intent::Ask,
        )
        .map_err(Failure::usage)?;
        elsewhere.reach().map_err(Failure::Harness)?;
        let runtime = runtime()?;
        let session = Session {
            // Nobody else's table has such a name, and permissions can be given for it.
            prefix: format!("dateline-{}-", Timestamp::now().as_millisecond()),
            is_slow: true,
            stop: Stop::new(),
        };
        let stop = session.stop.clone();
        runtime
            .block_on(async { stop.listen() })
            .map_err(Failure::harness)?;
        let endpoints = runtime.block_on(elsewhere.direct(TIMEOUT));
        let handle = runtime.handle().clone();
        let mut arm = Endpoints::new(endpoints, Cleaning::Tables, stop, handle);
        if !elsewhere.is_local() {
            arm = arm.patient();
        }
        Ok(report(cases, &mut arm, &session))
    }

    fn cases(&self) -> Result<Vec<Case>, Failure> {
        let mut cases = conformance::suite();
        if let Some(version) = &self.version {
            cases.retain(|case| case.version == *version || case.version == "any");
        }
        if let Some(text) = &self.only {
            cases.retain(|case| {
                [case.name.as_str(), case.file, case.source.as_str()]
                    .iter()
                    .any(|place| place.contains(text.as_str()))
            });
        }
        if cases.is_empty() {
            return Err(Failure::Usage(
                "--only, --version: no case is left; `dateline conformance --list` shows all"
                    .into(),
            ));
        }
        Ok(cases)
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Failure::harness)
}

fn endpoints(addresses: &[SocketAddr]) -> Vec<Endpoint> {
    let credentials = Credentials::fixed("DATELINE", "local regions take any key");
    let endpoint = |(region, address): (&str, &SocketAddr)| Endpoint {
        address: *address,
        host: address.to_string(),
        tls: None,
        streams: None,
        region: region.to_owned(),
        credentials: credentials.clone(),
        timeout: TIMEOUT,
    };
    NAMES.into_iter().zip(addresses).map(endpoint).collect()
}

/// Starts three replicas on a temporary folder, linked directly, and ends them whatever happens.
fn with_processes(cases: &[Case]) -> Result<Ending, Failure> {
    let folder = tempfile::tempdir().map_err(Failure::harness)?;
    let ports = Ports::find(REGIONS).map_err(Failure::harness)?;
    let addresses = ports.addresses().to_vec();
    let options = LocalOptions {
        regions: NAMES.map(str::to_owned).into(),
        addresses: addresses.clone(),
        peers: vec![addresses.clone(); REGIONS],
        data: PathBuf::from(folder.path()).join("data"),
        logs: folder.path().join("logs"),
        defects: Vec::new(),
        replicas: None,
        below: Below::Nothing,
        cables: None,
    };
    let target = LocalTarget::prepare(&options).map_err(Failure::harness)?;
    let started = target.start().map_err(Failure::Harness);
    let outcome = started.and_then(|()| {
        let runtime = runtime()?;
        let (session, handle) = (Session::ours(), runtime.handle().clone());
        let stop = session.stop.clone();
        let mut arm = Endpoints::new(endpoints(&addresses), Cleaning::None, stop, handle);
        let ending = report(cases, &mut arm, &session);
        match target.unexpected_end() {
            Some(ended) => Err(Failure::Harness(ended)),
            None => Ok(ending),
        }
    });
    target.stop();
    outcome
}

/// How the cases are played.
struct Session {
    /// In front of each table's name.
    prefix: String,
    /// Whether cases that passed are told of, too: it takes a while.
    is_slow: bool,
    stop: Stop,
}

impl Session {
    /// With regions that are ours alone.
    fn ours() -> Self {
        Self {
            prefix: String::new(),
            is_slow: false,
            stop: Stop::new(),
        }
    }
}

/// Plays the cases in order and tells how each ended.
fn report(cases: &[Case], arm: &mut dyn Arm, session: &Session) -> Ending {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (number, case) in cases.iter().enumerate() {
        let table = format!("{}case-{:03}", session.prefix, number + 1);
        let outcome = play(case, arm, &table);
        for left in arm.end(&table) {
            println!("LEFT     {left}");
        }
        // What a stop cut short says nothing about the region.
        if let Some(reason) = session.stop.reason() {
            let played = passed + failed + skipped;
            println!(
                "{reason} after {played} of {} cases: {passed} passed, {failed} failed, {skipped} skipped",
                cases.len()
            );
            return if failed > 0 {
                Ending::Invalid
            } else {
                Ending::Unknown
            };
        }
        match outcome {
            Outcome::Passed => {
                passed += 1;
                if session.is_slow {
                    println!("passed   {}: {}", case.file, case.name);
                }
            }
            Outcome::Failed(wrong) => {
                failed += 1;
                println!(
                    "FAILED   {}: {}\n         {wrong}\n         source: {}",
                    case.file, case.name, case.source
                );
            }
            Outcome::Skipped(why) => {
                skipped += 1;
                println!("skipped  {}: {}\n         {why}", case.file, case.name);
            }
        }
    }
    println!("{passed} cases passed, {failed} failed, {skipped} skipped");
    if failed > 0 {
        Ending::Invalid
    } else {
        Ending::Valid
    }
}
