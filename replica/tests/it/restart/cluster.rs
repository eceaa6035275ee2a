//! Several regions that know each other.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU8, Ordering};

use super::process::{Home, Process};

/// Regions, each with its directory and, while it runs, its process.
pub(super) struct Cluster {
    pub(super) regions: Vec<(Home, Option<Process>)>,
}

impl Cluster {
    /// Starts these regions with links between all of them.
    pub(super) fn start(names: &[&str], options: &str) -> Self {
        let start = |(name, line): (&&str, String)| {
            let home = Home::of(name, &line);
            let process = home.start();
            (home, Some(process))
        };
        let regions = names.iter().zip(lines(names, options)).map(start).collect();
        Self { regions }
    }

    /// Ends all of them and starts them again on their data, each at another address.
    pub(super) fn move_away(&mut self, names: &[&str], options: &str) {
        for region in 0..names.len() {
            self.kill(region);
        }
        for (region, line) in lines(names, options).into_iter().enumerate() {
            self.regions[region].0.set_options(names[region], &line);
            self.restart(region);
        }
    }

    pub(super) fn process(&self, region: usize) -> &Process {
        self.regions[region].1.as_ref().expect("it runs")
    }

    pub(super) fn kill(&mut self, region: usize) {
        self.regions[region].1.take().expect("it runs").kill();
    }

    pub(super) fn restart(&mut self, region: usize) {
        let (home, process) = &mut self.regions[region];
        *process = Some(home.start());
    }
}

/// How each region is started at an address that nobody had before, with links to all others.
fn lines(names: &[&str], options: &str) -> Vec<String> {
    let addresses: Vec<SocketAddr> = names.iter().map(|_| own_address()).collect();
    let line = |own: usize| {
        let mut line = format!("--listen {} {options}", addresses[own]);
        for (peer, address) in names.iter().zip(&addresses) {
            if *peer != names[own] {
                line.push_str(&format!(" --peer {peer}=http://{address}"));
            }
        }
        line
    };
    (0..names.len()).map(line).collect()
}

/// An address that nobody else takes between now and its use: a loopback host of this process alone, on which no system picks ports.
pub(super) fn own_address() -> SocketAddr {
    static LAST_HOST: AtomicU8 = AtomicU8::new(0);
    let pid = std::process::id().to_be_bytes();
    let host = LAST_HOST.fetch_add(1, Ordering::Relaxed);
    assert!(host < u8::MAX, "one host per region of one test run");
    let address = SocketAddr::from((Ipv4Addr::new(127, 64 | pid[2] & 63, pid[3], host), 4000));
    drop(TcpListener::bind(address).expect("nobody else listens there"));
    address
}
