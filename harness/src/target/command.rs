//! Somebody else's servers, started here as a template says: any program that speaks the API and stays in the foreground.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::{
    Ability, Action, Target,
    fleet::Fleet,
    process::{ProcessSpec, Readiness},
    template::{Meaning, Template, fill},
};

/// The servers as a target.
pub(crate) struct CommandTarget {
    regions: Vec<String>,
    addresses: Vec<SocketAddr>,
    /// Whether there are servers at all: an adapter may need none.
    has_servers: bool,
    fleet: Fleet,
}

impl CommandTarget {
    /// Prepares the folders; nothing runs yet.
    pub(crate) fn prepare(
        template: &Template,
        addresses: &[SocketAddr],
        data: &Path,
        logs: &Path,
    ) -> io::Result<Self> {
        let executable = std::env::current_exe()?;
        let specs = template
            .regions
            .iter()
            .zip(addresses)
            .map(|(region, address)| {
                let data_dir = std::path::absolute(data.join(region))?;
                fs::create_dir_all(&data_dir)?;
                let meaning = Meaning {
                    port: address.port(),
                    data_dir: &data_dir,
                    region,
                };
                let log = match &template.log {
                    Some(log) => PathBuf::from(fill(log, &meaning)),
                    None => logs.join(format!("{region}.log")),
                };
                Ok(spec(template, &executable, *address, &meaning, log))
            })
            .collect::<io::Result<Vec<_>>>()?;
        let has_servers = !template.start.is_empty();
        let specs = if has_servers { specs } else { Vec::new() };
        Ok(Self {
            has_servers,
            regions: template.regions.clone(),
            addresses: addresses.to_vec(),
            fleet: Fleet::new(specs)?,
        })
    }

    /// Starts every server and waits until all are ready.
    pub(crate) fn start(&self) -> Result<(), String> {
        self.fleet.start()
    }

    /// What can be done to a program that knows nothing of us.
    pub(crate) fn can(ability: Ability, has_servers: bool) -> Result<(), String> {
        let why = match ability {
            Ability::ClientLinks | Ability::Kill | Ability::Pause if !has_servers => {
                "the template starts no servers"
            }
            Ability::ClientLinks | Ability::Kill | Ability::Pause => return Ok(()),
            Ability::Clock => "a server that is not ours reads the clock of the machine",
            Ability::PeerLinks => "the servers reach each other past our proxies",
        };
        Err(why.to_owned())
    }
}

fn spec(
    template: &Template,
    executable: &Path,
    address: SocketAddr,
    meaning: &Meaning<'_>,
    log: PathBuf,
) -> ProcessSpec {
    let mut arguments = vec![
        "exec".to_owned(),
        format!("--die-with-parent={}", std::process::id()),
        "--".to_owned(),
    ];
    arguments.extend(template.start.iter().map(|text| fill(text, meaning)));
    let environment = template.environment.iter();
    ProcessSpec {
        region: meaning.region.to_owned(),
        executable: executable.to_owned(),
        arguments,
        environment: environment
            .map(|(name, value)| (name.clone(), fill(value, meaning)))
            .collect(),
        address,
        readiness: match template.ready.as_str() {
            "port" => Readiness::Port,
            path => Readiness::Answer(path.to_owned()),
        },
        stop_signal: template
            .signal()
            .expect("a template is checked when it is read"),
        data_dir: meaning.data_dir.to_owned(),
        log,
    }
}

impl Target for CommandTarget {
    fn regions(&self) -> &[String] {
        &self.regions
    }

    fn address(&self, region: usize) -> SocketAddr {
        self.addresses[region]
    }

    fn can(&self, ability: Ability) -> Result<(), String> {
        Self::can(ability, self.has_servers)
    }

    fn act(&self, region: usize, action: &Action) -> Result<(), String> {
        self.fleet
            .act(region, action)
            .unwrap_or_else(|| Self::can(Ability::Clock, self.has_servers))
    }

    fn unexpected_end(&self) -> Option<String> {
        self.fleet.unexpected_end()
    }

    fn stop(&self) {
        self.fleet.stop();
    }
}
