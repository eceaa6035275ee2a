//! How to run somebody else's server, as a TOML file says it: the command line, when it is ready, how it is stopped.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use nix::sys::signal::Signal;
use serde::Deserialize;

use super::faketime::Faketime;

/// A template; the [`NAMES`] in braces in its texts stand for what each region gets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Template {
    /// The program and its arguments. It stays in the foreground and keeps its process number. None where an adapter needs no server.
    #[serde(default)]
    pub(crate) start: Vec<String>,
    /// What is run once, when all are ready and before anybody uses them: joins them, makes what clients need.
    #[serde(default)]
    pub(crate) setup: Vec<String>,
    /// The program that speaks for the store, where that does not speak DynamoDB's API; one process of it for each client.
    #[serde(default)]
    pub(crate) adapter: Vec<String>,
    /// Whether the adapter shows when and where each version was written.
    #[serde(default)]
    pub(crate) stamps: bool,
    /// How the servers' clocks can be wrong: `machine` (not at all), `libfaketime`, or the path of that library.
    #[serde(default = "machine")]
    pub(crate) clock: String,
    /// One server is started for each.
    #[serde(default = "one_region")]
    pub(crate) regions: Vec<String>,
    /// `port`: ready when it accepts a connection. A path such as `/`: ready when GET of it is answered below 500.
    #[serde(default = "port")]
    pub(crate) ready: String,
    /// Added to the environment.
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    /// Added to the environment of one region's server.
    #[serde(default)]
    pub(crate) regional: BTreeMap<String, BTreeMap<String, String>>,
    /// Where its output goes; the run folder's `logs/{region}.log` unless said.
    #[serde(default)]
    pub(crate) log: Option<String>,
    /// What asks it to stop.
    #[serde(default = "sigterm")]
    pub(crate) stop_signal: String,
}

fn one_region() -> Vec<String> {
    vec!["us-east-1".to_owned()]
}

fn machine() -> String {
    "machine".to_owned()
}

fn port() -> String {
    "port".to_owned()
}

fn sigterm() -> String {
    "SIGTERM".to_owned()
}

/// What is wrong with a template.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("--config {}: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("--config {}: {source}", path.display())]
    Form {
        path: PathBuf,
        source: toml::de::Error,
    },
    #[error("--config {}: {field}: {wrong}", path.display())]
    Field {
        path: PathBuf,
        field: &'static str,
        wrong: String,
    },
}

/// The names that can stand in braces.
pub(crate) const NAMES: [&str; 8] = [
    "port",
    "host",
    "peer_port",
    "gate",
    "peers",
    "data_dir",
    "region",
    "config_dir",
];

/// What the names in braces stand for, in one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// Where its server is reached by clients.
    pub(crate) port: u16,
    /// The loopback address that is its own, to listen at and to connect from.
    pub(crate) host: IpAddr,
    /// Where its server is reached by other servers, where that is another port.
    pub(crate) peer_port: u16,
    /// The port at 127.0.0.1 at which other servers reach it through our proxies, whoever they are: they are told apart by their host.
    pub(crate) gate: u16,
    /// Where it reaches each other region through our proxies: `REGION=127.0.0.1:PORT`, with commas.
    pub(crate) peers: String,
    pub(crate) data_dir: PathBuf,
    pub(crate) region: String,
}

impl Meaning {
    /// Where its server is reached by clients.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

impl Template {
    /// Reads and checks one.
    pub(crate) fn read(path: &Path) -> Result<Self, TemplateError> {
        let text = std::fs::read_to_string(path).map_err(|source| TemplateError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let mut template: Self = toml::from_str(&text).map_err(|source| TemplateError::Form {
            path: path.to_owned(),
            source,
        })?;
        let folder = path.parent().unwrap_or(Path::new("")).to_string_lossy();
        let folder = if folder.is_empty() {
            "."
        } else {
            folder.as_ref()
        };
        let words = template.start.iter_mut().chain(&mut template.setup);
        for text in words.chain(&mut template.adapter) {
            *text = text.replace("{config_dir}", folder);
        }
        template
            .check()
            .map_err(|(field, wrong)| TemplateError::Field {
                path: path.to_owned(),
                field,
                wrong,
            })?;
        Ok(template)
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.start.is_empty() && self.adapter.is_empty() {
            return Err((
                "start",
                "it names no program, and there is no adapter".to_owned(),
            ));
        }
        let mut texts = self.start.iter().chain(self.environment.values());
        if !self.start.is_empty() && !texts.any(|text| text.contains("{port}")) {
            let wrong = "there is no {port} in it nor in the environment, so the server cannot be told where to listen";
            return Err(("start", wrong.to_owned()));
        }
        for (field, text) in self.texts() {
            unknown_name(text).map_or(Ok(()), |name| {
                let names = NAMES.map(|name| format!("{{{name}}}")).join(", ");
                let wrong = format!("{{{name}}} stands for nothing; there are {names}");
                Err((field, wrong))
            })?;
        }
        if self.ready != "port" && !self.ready.starts_with('/') {
            let wrong = format!("{:?} is neither port nor a path such as /", self.ready);
            return Err(("ready", wrong));
        }
        self.signal().map_err(|wrong| ("stop-signal", wrong))?;
        if self.regions.len() > 1
            && !self
                .log
                .as_deref()
                .is_none_or(|log| log.contains("{region}"))
        {
            let wrong = "several regions would write to one file; put {region} into its name";
            return Err(("log", wrong.to_owned()));
        }
        if self.stamps && self.adapter.is_empty() {
            let wrong = "only an adapter can show stamps that are not DynamoDB's; leave it out";
            return Err(("stamps", wrong.to_owned()));
        }
        if let Some(name) = self
            .regional
            .keys()
            .find(|name| !self.regions.contains(name))
        {
            let wrong = format!(
                "there is no region {name:?}; there are {}",
                self.regions.join(", ")
            );
            return Err(("regional", wrong));
        }
        Faketime::library(&self.clock).map_err(|wrong| ("clock", wrong))?;
        for (field, words) in [
            ("start", &self.start),
            ("setup", &self.setup),
            ("adapter", &self.adapter),
        ] {
            if let Some(program) = words.first() {
                is_there(program).map_err(|wrong| (field, wrong))?;
            }
        }
        Ok(())
    }

    fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let start = self.start.iter().map(|text| ("start", text.as_str()));
        let setup = self.setup.iter().map(|text| ("setup", text.as_str()));
        let adapter = self.adapter.iter().map(|text| ("adapter", text.as_str()));
        let regional = self.regional.values().flat_map(BTreeMap::values);
        let regional = regional.map(|text| ("regional", text.as_str()));
        let values = self.environment.values();
        start
            .chain(setup)
            .chain(regional)
            .chain(adapter)
            .chain(values.map(|text| ("environment", text.as_str())))
            .chain(self.log.iter().map(|text| ("log", text.as_str())))
    }

    /// Whether the servers reach each other through our proxies.
    pub(crate) fn has_peer_links(&self) -> bool {
        ["{peers}", "{gate}"].iter().any(|name| self.mentions(name))
    }

    /// Whether its servers, and nobody else, are told where their data goes.
    pub(super) fn has_data_dir(&self) -> bool {
        let is_told = |field| {
            let mut texts = self.texts();
            texts.any(|(of, text)| of == field && text.contains("{data_dir}"))
        };
        ["start", "environment", "regional"]
            .into_iter()
            .any(is_told)
            && !["adapter", "setup", "log"].into_iter().any(is_told)
    }

    /// Whether a name in braces stands anywhere.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.texts().any(|(_, text)| text.contains(name))
    }

    /// What asks it to stop.
    pub(super) fn signal(&self) -> Result<Signal, String> {
        self.stop_signal.parse().map_err(|_| {
            format!(
                "there is no signal {:?}; write for example SIGTERM or SIGINT",
                self.stop_signal
            )
        })
    }
}

/// The text with every name replaced.
pub(crate) fn fill(text: &str, meaning: &Meaning) -> String {
    text.replace("{port}", &meaning.port.to_string())
        .replace("{host}", &meaning.host.to_string())
        .replace("{peer_port}", &meaning.peer_port.to_string())
        .replace("{gate}", &meaning.gate.to_string())
        .replace("{peers}", &meaning.peers)
        .replace("{data_dir}", &meaning.data_dir.to_string_lossy())
        .replace("{region}", &meaning.region)
}

/// A word in braces that means nothing. Braces around anything but a plain word are the server's own.
fn unknown_name(text: &str) -> Option<&str> {
    let is_word =
        |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let mut parts = text.split('{').skip(1);
    parts.find_map(|part| {
        let (name, _) = part.split_once('}')?;
        let is_known = NAMES.contains(&name);
        Some(name).filter(is_word).filter(|_| !is_known)
    })
}

/// Whether the program can be found as the system will look for it.
fn is_there(program: &str) -> Result<(), String> {
    if program.contains('/') {
        return match Path::new(program).is_file() {
            true => Ok(()),
            false => Err(format!("there is no program {program}")),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) {
        return Ok(());
    }
    Err(format!(
        "the program {program} is not on the PATH; install it, or give its whole path"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Template, String> {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        std::fs::write(file.path(), text).expect("writable");
        Template::read(file.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_template_is_filled_in() {
        let template = read(
            r#"start = ["sh", "-c", "serve --port {port} --path {data_dir} # {region} ${HOME}"]"#,
        )
        .expect("well formed");
        assert_eq!(
            (template.ready.as_str(), template.regions.len()),
            ("port", 1)
        );
        let meaning = Meaning {
            port: 4567,
            host: [127, 0, 0, 1].into(),
            peer_port: 4568,
            gate: 4569,
            peers: "eu-west-1=127.0.0.1:9".into(),
            data_dir: "data/us-east-1".into(),
            region: "us-east-1".into(),
        };
        assert_eq!(
            fill(&template.start[2], &meaning),
            "serve --port 4567 --path data/us-east-1 # us-east-1 ${HOME}"
        );
    }

    #[test]
    fn what_cannot_run_is_refused_by_field() {
        for (text, part) in [
            ("start = []", "start: it names no program"),
            ("start = [\"sh\"]", "start: there is no {port} in it"),
            ("ready = \"port\"", "start: it names no program"),
            (
                "adapter = [\"no-such-adapter\"]",
                "adapter: the program no-such-adapter is not on the PATH",
            ),
            (
                "start = [\"sh\", \"{port}\"]\nstrat = 1",
                "unknown field `strat`",
            ),
            (
                "start = [\"sh\", \"{port} {prot}\"]",
                "{prot} stands for nothing",
            ),
            (
                "start = [\"no-such-program\", \"{port}\"]",
                "start: the program no-such-program is not on the PATH",
            ),
            (
                "start = [\"./no/such\", \"{port}\"]",
                "there is no program ./no/such",
            ),
            (
                "start = [\"sh\", \"{port}\"]\nstamps = true",
                "stamps: only an adapter can show",
            ),
            (
                "start = [\"sh\", \"{port}\"]\n[regional.mars-1]\nA = \"1\"",
                "regional: there is no region \"mars-1\"; there are us-east-1",
            ),
            (
                "start = [\"sh\", \"{port}\"]\nclock = \"sundial\"",
                "clock: \"sundial\" is neither",
            ),
            (
                "start = [\"sh\", \"{port}\"]\nready = \"soon\"",
                "ready: \"soon\" is neither",
            ),
            (
                "start = [\"sh\", \"{port}\"]\nstop-signal = \"TERM\"",
                "stop-signal: there is no signal \"TERM\"",
            ),
            (
                "start = [\"sh\", \"{port}\"]\nregions = [\"a\", \"b\"]\nlog = \"one.log\"",
                "log: several regions would write to one file",
            ),
        ] {
            let message = read(text).expect_err(text);
            assert!(message.contains(part), "{text}: {message}");
            assert!(message.starts_with("--config "), "{message}");
        }
        let missing = Template::read(Path::new("no-such.toml")).expect_err("no file");
        assert!(
            missing
                .to_string()
                .starts_with("--config no-such.toml: No such file")
        );
    }
}
