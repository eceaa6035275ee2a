//! `dateline conformance`: whether regions answer what AWS's documentation says that they answer.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use crate::{
    client::{Credentials, Endpoint},
    conformance::{self, Arm, Case, Endpoints, Outcome, REGIONS, Simulation, play},
    exit::{Ending, Failure},
    target::{Below, LocalOptions, LocalTarget, Target as _, free_addresses},
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

    /// Somebody's region instead, as NAME=HOST:PORT; three of them, plain HTTP
    #[arg(long, value_name = "REGION=ADDRESS", value_parser = endpoint)]
    endpoint: Vec<(String, SocketAddr)>,

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

const EXAMPLES: &str = "\
Examples:
  dateline conformance                         our replicas as processes
  dateline conformance --arm simulation        the same core, without sockets, disks and clocks
  dateline conformance --only streams --list   what would be asked, and who says so
  dateline conformance --endpoint us-east-1=127.0.0.1:8001 --endpoint …";

/// Who can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ArmName {
    /// Three replicas, started for this
    Processes,
    /// The replicas' core in this process
    Simulation,
}

fn endpoint(text: &str) -> Result<(String, SocketAddr), String> {
    let (name, address) = text
        .split_once('=')
        .ok_or("it must be REGION=ADDRESS, such as us-east-1=127.0.0.1:8001")?;
    let address = address.trim_start_matches("http://").trim_end_matches('/');
    match address.parse() {
        Ok(address) => Ok((name.to_owned(), address)),
        Err(_) => Err(format!("{address:?} is no address such as 127.0.0.1:8001")),
    }
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
            _ if given > 0 => {
                let runtime = runtime()?;
                let mut arm = Endpoints::new(endpoints(&self.endpoint), runtime.handle().clone());
                Ok(report(&cases, &mut arm))
            }
            ArmName::Simulation => Ok(report(&cases, &mut Simulation::new(&NAMES))),
            ArmName::Processes => with_processes(&cases),
        }
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

fn endpoints(regions: &[(String, SocketAddr)]) -> Vec<Endpoint> {
    let credentials = Credentials::fixed("DATELINE", "local regions take any key");
    let endpoint = |(region, address): &(String, SocketAddr)| Endpoint {
        address: *address,
        host: address.to_string(),
        tls: None,
        region: region.clone(),
        credentials: credentials.clone(),
        timeout: Duration::from_secs(10),
    };
    regions.iter().map(endpoint).collect()
}

/// Starts three replicas on a temporary folder, linked directly, and ends them whatever happens.
fn with_processes(cases: &[Case]) -> Result<Ending, Failure> {
    let folder = tempfile::tempdir().map_err(Failure::harness)?;
    let addresses = free_addresses(REGIONS).map_err(Failure::harness)?;
    let options = LocalOptions {
        regions: NAMES.map(str::to_owned).into(),
        addresses: addresses.clone(),
        peers: vec![addresses.clone(); REGIONS],
        data: PathBuf::from(folder.path()).join("data"),
        logs: folder.path().join("logs"),
        defects: Vec::new(),
        replicas: None,
        below: Below::Nothing,
    };
    let target = LocalTarget::prepare(&options).map_err(Failure::harness)?;
    let started = target.start().map_err(Failure::Harness);
    let outcome = started.and_then(|()| {
        let runtime = runtime()?;
        let regions: Vec<_> = NAMES
            .map(str::to_owned)
            .into_iter()
            .zip(addresses)
            .collect();
        let mut arm = Endpoints::new(endpoints(&regions), runtime.handle().clone());
        let ending = report(cases, &mut arm);
        match target.unexpected_end() {
            Some(ended) => Err(Failure::Harness(ended)),
            None => Ok(ending),
        }
    });
    target.stop();
    outcome
}

/// Plays the cases in order and tells how each ended.
fn report(cases: &[Case], arm: &mut dyn Arm) -> Ending {
    let (mut failed, mut skipped) = (0, 0);
    for (number, case) in cases.iter().enumerate() {
        let table = format!("case-{:03}", number + 1);
        match play(case, arm, &table) {
            Outcome::Passed => {}
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
    let passed = cases.len() - failed - skipped;
    println!("{passed} cases passed, {failed} failed, {skipped} skipped");
    if failed > 0 {
        Ending::Invalid
    } else {
        Ending::Valid
    }
}
