//! `dateline proxy`: the fault proxy alone, between any TCP client and server.
//!
//! Links are named by flags and changed by lines on standard input, so that a script or a person can drive them; or they are made and changed
//! over Toxiproxy's HTTP API. It runs until told to stop, also when the input has ended.

mod control;
mod toxiproxy;

use std::{
    collections::BTreeMap,
    io::BufRead,
    net::{SocketAddr, ToSocketAddrs},
    str::FromStr,
    sync::Arc,
};

use clap::Args;
use workloads::seed::Seed;

use crate::{
    exit::{Ending, Failure},
    proxy::Link,
    stop::Stop,
    topology::Weather,
};

/// Links by name.
type Links = BTreeMap<String, Arc<Link>>;

/// `dateline proxy`.
#[derive(Clone, Debug, Args)]
#[command(after_help = control::HELP)]
pub(super) struct ProxyCommand {
    /// A link: its name, where it listens (port 0: any) and where it leads; quote it because of the arrow
    #[arg(
        long = "link",
        value_name = "'NAME=LISTEN->UPSTREAM'",
        required_unless_present = "api"
    )]
    links: Vec<LinkFlag>,

    /// Answer Toxiproxy's HTTP API here (its usual port is 8474; port 0: any), for clients and scripts written for Toxiproxy
    #[arg(
        long,
        value_name = "HOST:PORT",
        num_args = 0..=1,
        default_missing_value = "127.0.0.1:8474"
    )]
    api: Option<SocketAddr>,

    /// The seed of jitter
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

/// One `--link`.
#[derive(Clone, Debug, PartialEq)]
struct LinkFlag {
    name: String,
    listen: SocketAddr,
    upstream: SocketAddr,
}

impl ProxyCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::harness)?;
        let mut links = Links::new();
        for flag in &self.links {
            let weather = Weather::default();
            let handle = runtime.handle();
            let link = Link::open(
                &flag.name,
                flag.listen,
                flag.upstream,
                weather,
                Seed(self.seed),
                handle,
            )
            .map_err(|error| Failure::Usage(format!("--link: {error}")))?;
            println!("{}: {} -> {}", link.name(), link.address(), flag.upstream);
            if links.insert(flag.name.clone(), link).is_some() {
                return Err(Failure::Usage(format!(
                    "--link: {:?} is named twice",
                    flag.name
                )));
            }
        }
        if let Some(address) = self.api {
            let listener = runtime.block_on(tokio::net::TcpListener::bind(address));
            let listener = listener.map_err(|error| {
                Failure::Usage(format!(
                    "--api {address}: {error}; is another Toxiproxy there? Choose another port, or 0 for any"
                ))
            })?;
            let address = listener.local_addr().map_err(Failure::harness)?;
            println!("Toxiproxy's API: http://{address}");
            let proxies = toxiproxy::Proxies::new(self.seed, runtime.handle().clone());
            runtime.spawn(toxiproxy::serve(listener, proxies));
        }
        let obeying = links.clone();
        // This thread waits for lines that may never come, so nobody waits for it.
        std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || obey(&obeying))
            .map_err(Failure::harness)?;
        runtime.block_on(async {
            let stop = Stop::new();
            stop.listen().map_err(Failure::harness)?;
            stop.wait().await;
            Ok::<(), Failure>(())
        })?;
        for link in links.values() {
            eprintln!("{}", control::summary(link));
        }
        Ok(Ending::Valid)
    }
}

/// Does what lines on standard input say.
fn obey(links: &Links) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        match control::obey(&line, links) {
            Ok(answer) => println!("{answer}"),
            Err(error) => eprintln!("error: {error}"),
        }
    }
}

impl FromStr for LinkFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<LinkFlag, String> {
        let form = "give NAME=LISTEN->UPSTREAM, for example 'db=127.0.0.1:9000->127.0.0.1:8001'";
        let (name, ends) = text.split_once('=').ok_or(form)?;
        let (listen, upstream) = ends.split_once("->").ok_or(form)?;
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(format!("a link's name is one word; {form}"));
        }
        Ok(LinkFlag {
            name: name.to_owned(),
            listen: address(listen, "LISTEN")?,
            upstream: address(upstream, "UPSTREAM")?,
        })
    }
}

fn address(text: &str, which: &str) -> Result<SocketAddr, String> {
    let resolved = text.to_socket_addrs();
    let mut addresses = resolved
        .map_err(|error| format!("{which} {text:?} is no HOST:PORT that can be found ({error})"))?;
    addresses
        .next()
        .ok_or_else(|| format!("{which} {text:?} has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_flag_is_read_or_refused_in_words() {
        let flag: LinkFlag = "db=127.0.0.1:0->127.0.0.1:8001".parse().unwrap();
        assert_eq!((flag.name.as_str(), flag.upstream.port()), ("db", 8001));
        let refused = |text: &str| text.parse::<LinkFlag>().unwrap_err();
        assert!(refused("db").contains("NAME=LISTEN->UPSTREAM"));
        assert!(refused("db=127.0.0.1:1").contains("NAME=LISTEN->UPSTREAM"));
        assert!(refused("d b=127.0.0.1:0->127.0.0.1:1").contains("one word"));
        assert!(refused("db=nowhere->127.0.0.1:1").contains("LISTEN \"nowhere\""));
    }
}
