//! `dateline up`: a cluster on fixed ports, for the aws CLI, for SDKs and for people.
//!
//! Regions listen on their own ports, a gateway on one for all of them; links between regions go through the fault proxy, so that delays and
//! faults can be asked for. It runs until told to stop, and then nothing is left but the data that was to be kept.

mod cluster;
mod links;
mod ports;

use std::{path::PathBuf, time::Duration};

use clap::Args;
use cluster::Cluster;
use links::LinkBoard;
use ports::Ports;

use crate::{
    exit::{Ending, Failure},
    nemesis::{self, Plan},
    stop::Stop,
    topology::Topology,
};

/// How often regions are asked how their links are.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The plan of faults is drawn for this long; nobody keeps a cluster under faults for longer.
const FAULTS_FOR: Duration = Duration::from_secs(24 * 3600);

/// `dateline up`.
#[derive(Clone, Debug, Args)]
pub(super) struct UpCommand {
    /// Region names, separated by commas, or a set: three, five, twelve
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "three"
    )]
    regions: Vec<String>,

    /// The gateway's port; regions get the ports after it
    #[arg(long, value_name = "PORT", default_value_t = 8000)]
    port: u16,

    /// Keep the data here, and find it again; without this it is temporary
    #[arg(long, value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,

    /// Delays between regions as a multiple of the measured ones: 0 for none, 1 or real for those
    #[arg(long, value_name = "SCALE", default_value = "0", value_parser = rtt_scale)]
    rtt_scale: f64,

    /// Faults, separated by commas (`dateline list faults`), all, or none
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "none"
    )]
    faults: Vec<String>,

    /// Repeat the faults of a saved plan (plan.json of a run folder) instead
    #[arg(long, value_name = "FILE", conflicts_with = "faults")]
    plan: Option<PathBuf>,

    /// The seed of jitter and faults
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// Plant defects into the replicas (`dateline list defects`)
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    defect: Vec<String>,
}

/// What the flags come to.
struct Wish {
    topology: Topology,
    ports: Ports,
    plan: Plan,
    data_dir: Option<PathBuf>,
    seed: u64,
    defects: Vec<String>,
}

impl UpCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        let wish = self.resolve()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::harness)?;
        runtime.block_on(serve(&wish))
    }

    fn resolve(self) -> Result<Wish, Failure> {
        let topology = match self.regions.as_slice() {
            [set] if ["three", "five", "twelve"].contains(&set.as_str()) => Topology::set(set),
            // Without delays no figures are needed, so any name will do.
            names if self.rtt_scale == 0.0 => Topology::without_delay(names),
            names => Topology::of_regions(names),
        };
        let topology = topology.and_then(|topology| topology.scaled(self.rtt_scale));
        let topology = topology.map_err(|error| Failure::Usage(format!("--regions: {error}")))?;
        let plan = self.plan(topology.regions())?;
        let known = replica::defects::DEFECTS;
        if let Some(unknown) = self
            .defect
            .iter()
            .find(|name| known.iter().all(|row| row.name != name.as_str()))
        {
            return Err(Failure::Usage(format!(
                "--defect {unknown}: there is no such defect; `dateline list defects` names them"
            )));
        }
        let ports = Ports::choose(self.port, topology.regions()).map_err(Failure::Usage)?;
        let Self {
            data_dir,
            seed,
            defect,
            ..
        } = self;
        Ok(Wish {
            topology,
            ports,
            plan,
            data_dir,
            seed,
            defects: defect,
        })
    }

    fn plan(&self, regions: &[String]) -> Result<Plan, Failure> {
        let Some(path) = &self.plan else {
            let packages = nemesis::by_names(&self.faults).map_err(Failure::usage)?;
            return Ok(Plan::draw(&packages, self.seed, FAULTS_FOR, regions));
        };
        let wrong = |error: String| Failure::Usage(format!("--plan {}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        Plan::from_json(&text, regions).map_err(|error| wrong(error.to_string()))
    }
}

async fn serve(wish: &Wish) -> Result<Ending, Failure> {
    let stop = Stop::new();
    stop.listen().map_err(Failure::harness)?;
    let cluster = Cluster::start(wish).await?;
    print!("{}", cluster.welcome(wish));
    if !wish.plan.actions.is_empty() {
        cluster
            .spoil(wish.plan.clone(), stop.clone())
            .map_err(Failure::harness)?;
    }
    let mut board = LinkBoard::new(wish.topology.regions());
    let ended = loop {
        let look = cluster.look().await;
        if let Some(words) = cluster.unexpected_end() {
            break Some(words);
        }
        board.show(look);
        tokio::select! {
            () = stop.wait() => break None,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    };
    board.close();
    eprintln!("stopping {} regions", wish.topology.regions().len());
    cluster.stop().await;
    match ended {
        None => Ok(Ending::Valid),
        Some(words) => Err(Failure::Harness(words)),
    }
}

fn rtt_scale(text: &str) -> Result<f64, String> {
    if text == "real" {
        return Ok(1.0);
    }
    text.parse()
        .map_err(|_| "give a number, 0 for no delay, or real for the measured ones".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        up: UpCommand,
    }

    fn resolve(flags: &[&str]) -> Result<Wish, String> {
        let words = [&["up"], flags].concat();
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        line.up.resolve().map_err(|failure| match failure {
            Failure::Usage(message) => message,
            Failure::Harness(message) => unreachable!("a flag's fault is the user's: {message}"),
        })
    }

    /// A port with free ones after it: below those that the system gives out by itself, where only other tests look.
    fn port() -> String {
        let ports = crate::target::Ports::find(1).unwrap();
        ports.addresses()[0].port().to_string()
    }

    #[test]
    fn delays_are_asked_for_and_names_are_free_without_them() {
        let real = resolve(&["--rtt-scale", "real", "--port", &port()]).unwrap();
        assert_eq!(real.topology, Topology::set("three").unwrap());
        let own = resolve(&["--regions", "home,office", "--port", &port()]).unwrap();
        assert_eq!(own.topology.regions(), ["home", "office"]);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_flag() {
        let refused = |flags: &[&str]| resolve(flags).err().unwrap();
        let unmeasured = ["--regions", "home,office", "--rtt-scale", "0.5"];
        assert!(
            refused(&unmeasured).contains("home"),
            "{}",
            refused(&unmeasured)
        );
        assert!(refused(&["--regions", "a,a"]).contains("named twice"));
        assert!(refused(&["--faults", "flood"]).contains("dateline list faults"));
        assert!(refused(&["--defect", "none-such"]).contains("dateline list defects"));
        assert!(refused(&["--rtt-scale", "far"]).contains("real"));
        assert!(refused(&["--port", "65534"]).contains("--port"));
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port().to_string();
        assert!(refused(&["--port", &port]).contains("in use"));
    }
}
