//! Somebody else's servers, started here as a template says: any program that stays in the foreground.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    Ability, Action, Target,
    disks::{Below, Disks},
    faketime::Faketime,
    fleet::Fleet,
    process::{ProcessSpec, Readiness},
    spawner::Spawner,
    template::{Meaning, Template, fill},
};
use crate::disk::Order;

/// How long the template's `setup` may take.
const SETUP_LIMIT: Duration = Duration::from_secs(60);

/// How often to look whether it has ended.
const POLL: Duration = Duration::from_millis(20);

/// The servers as a target.
pub(crate) struct CommandTarget {
    template: Template,
    meanings: Vec<Meaning>,
    fleet: Fleet,
    /// Dropped after the processes that write there.
    disks: Disks,
    /// By region; none where servers live by the clock of the machine.
    clocks: Vec<Faketime>,
    /// Where the output of `setup` goes.
    setup_log: PathBuf,
}

impl CommandTarget {
    /// Prepares the folders; nothing runs yet.
    pub(crate) fn prepare(
        template: &Template,
        mut meanings: Vec<Meaning>,
        logs: &Path,
        below: Below,
    ) -> io::Result<Self> {
        let spawner = Spawner::start()?;
        let homes = meanings.iter().map(|meaning| meaning.data_dir.clone());
        let homes: Vec<PathBuf> = homes.collect();
        let disks = Disks::mount(below, &spawner, &homes, logs)?;
        for (region, meaning) in meanings.iter_mut().enumerate() {
            meaning.data_dir = disks.data_dir(region, &meaning.data_dir);
        }
        let executable = std::env::current_exe()?;
        let library = Faketime::library(&template.clock).map_err(io::Error::other)?;
        let (mut specs, mut clocks) = (Vec::new(), Vec::new());
        for (region, (meaning, home)) in meanings.iter().zip(&homes).enumerate() {
            fs::create_dir_all(&meaning.data_dir)?;
            disks.settle(region).map_err(io::Error::other)?;
            let log = match &template.log {
                Some(log) => PathBuf::from(fill(log, meaning)),
                None => logs.join(format!("{}.log", meaning.region)),
            };
            let mut spec = spec(template, &executable, meaning, log);
            if let Some(library) = &library {
                let clock = Faketime::new(library.clone(), home.with_extension("clock"))?;
                spec.environment.extend(clock.environment());
                clocks.push(clock);
            }
            specs.push(spec);
        }
        if template.start.is_empty() {
            specs.clear();
        }
        let spawners = vec![spawner; specs.len()];
        Ok(Self {
            template: template.clone(),
            meanings,
            fleet: Fleet::new(specs, spawners),
            disks,
            clocks,
            setup_log: logs.join("setup.log"),
        })
    }

    /// Starts every server, waits until all are ready, and lets the template's `setup` join them.
    pub(crate) fn start(&self) -> Result<(), String> {
        self.fleet.start()?;
        let (Some(program), Some(first)) = (self.template.setup.first(), self.meanings.first())
        else {
            return Ok(());
        };
        let failed = |why: String| {
            format!(
                "setup, {program}: {why}; what it said is in {}",
                self.setup_log.display()
            )
        };
        self.set_up(first).map_err(failed)
    }

    /// Runs `setup` with what the names mean in the first region.
    fn set_up(&self, first: &Meaning) -> Result<(), String> {
        let log = fs::File::create(&self.setup_log).map_err(|error| error.to_string())?;
        let both = log.try_clone().map_err(|error| error.to_string())?;
        let words: Vec<String> = self
            .template
            .setup
            .iter()
            .map(|text| fill(text, first))
            .collect();
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .envs(environment(&self.template, first))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(both)
            .spawn()
            .map_err(|error| format!("cannot be started: {error}"))?;
        let begun = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(format!("it ended with {status}")),
                Ok(None) if begun.elapsed() < SETUP_LIMIT => std::thread::sleep(POLL),
                Ok(None) | Err(_) => {
                    let _ = child.kill().and_then(|()| child.wait());
                    return Err(format!(
                        "it had not ended after {} s",
                        SETUP_LIMIT.as_secs()
                    ));
                }
            }
        }
    }

    /// What can be done to a program that knows nothing of us.
    pub(crate) fn can(ability: Ability, template: &Template) -> Result<(), String> {
        let why = match ability {
            Ability::Clients => return Ok(()),
            _ if template.start.is_empty() => "the template starts no servers",
            Ability::ClientLinks | Ability::Replies | Ability::Kill | Ability::Pause => {
                return Ok(());
            }
            Ability::Clock if template.clock != "machine" => return Ok(()),
            Ability::Clock => {
                "a server that is not ours reads the clock of the machine, unless the template says clock = \"libfaketime\""
            }
            Ability::FileSystem if !template.has_data_dir() => {
                "nobody knows where the servers store their data, unless the template says {data_dir} in their command line or environment, and not in the adapter's"
            }
            Ability::FileSystem => return Ok(()),
            Ability::Packets => "only our replicas have a network of their own",
            Ability::Disk => "only our replicas let anybody spoil their disk",
            Ability::Provider => "nobody else runs the servers; --fault-hook is for endpoints",
            Ability::RollBack | Ability::Membership => {
                "nobody can ask a server that is not ours whether the others have everything that it wrote"
            }
            Ability::PeerLinks if template.has_peer_links() => return Ok(()),
            Ability::PeerLinks => {
                "the servers reach each other past our proxies, unless the template tells them {peers} or {gate}"
            }
        };
        Err(why.to_owned())
    }
}

fn spec(template: &Template, executable: &Path, meaning: &Meaning, log: PathBuf) -> ProcessSpec {
    let mut arguments = vec![
        "exec".to_owned(),
        format!("--die-with-parent={}", std::process::id()),
        "--".to_owned(),
    ];
    arguments.extend(template.start.iter().map(|text| fill(text, meaning)));
    let mut environment = environment(template, meaning);
    let regional = template.regional.get(&meaning.region).into_iter().flatten();
    environment.extend(regional.map(|(name, value)| (name.clone(), fill(value, meaning))));
    ProcessSpec {
        region: meaning.region.clone(),
        executable: executable.to_owned(),
        arguments,
        environment,
        address: meaning.address(),
        readiness: match template.ready.as_str() {
            "port" => Readiness::Port,
            path => Readiness::Answer(path.to_owned()),
        },
        stop_signal: template
            .signal()
            .expect("a template is checked when it is read"),
        data_dir: meaning.data_dir.clone(),
        log,
    }
}

fn environment(template: &Template, meaning: &Meaning) -> Vec<(String, String)> {
    let values = template.environment.iter();
    values
        .map(|(name, value)| (name.clone(), fill(value, meaning)))
        .collect()
}

impl Target for CommandTarget {
    fn regions(&self) -> &[String] {
        &self.template.regions
    }

    fn address(&self, region: usize) -> SocketAddr {
        self.meanings[region].address()
    }

    fn can(&self, ability: Ability) -> Result<(), String> {
        Self::can(ability, &self.template)?;
        self.disks.allow(ability)
    }

    fn order(&self, region: usize, order: Order) -> Result<String, String> {
        self.disks.order(region, order)
    }

    fn act(&self, region: usize, action: &Action) -> Result<(), String> {
        if let Some(done) = self.fleet.act(region, action) {
            return done;
        }
        match (action, self.clocks.get(region)) {
            (Action::Clock(skew), Some(clock)) => clock.set(*skew),
            (
                Action::Kill
                | Action::Stop
                | Action::Start
                | Action::Pause
                | Action::Resume
                | Action::CopyData
                | Action::PutCopyBack
                | Action::LoseData
                | Action::Leave { .. }
                | Action::Join { .. }
                | Action::Disk(_)
                | Action::Provider(_)
                | Action::Clock(_),
                _,
            ) => Self::can(Ability::Clock, &self.template),
        }
    }

    fn unexpected_end(&self) -> Option<String> {
        let ended = self.fleet.unexpected_end();
        ended.or_else(|| self.disks.unexpected_end())
    }

    fn stop(&self) {
        self.fleet.stop();
        self.disks.end();
    }
}
