//! `dateline up` as a child: started on free ports, ready, and gone without a trace afterwards.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::sys::signal::Signal;

use super::processes;
use super::prompt::{Prompt, Running, wait_until};

/// The regions of the walkthrough, in its order.
pub(super) const REGIONS: [&str; 3] = ["ap-southeast-1", "us-east-1", "eu-west-1"];

/// How long the cluster may take to listen, and to stop.
const LIMIT: Duration = Duration::from_secs(30);

/// A running cluster. Killed when dropped.
pub(super) struct Cluster {
    running: Running,
    folder: PathBuf,
    gateway_port: u16,
}

impl Cluster {
    /// Starts `dateline up` with its data in a folder below the prompt's, and waits until its gateway listens.
    pub(super) fn start(prompt: &Prompt, dateline: &Path) -> anyhow::Result<Self> {
        let folder = prompt.folder.join("up");
        let gateway_port = free_port_run(1 + REGIONS.len())?;
        let (port, data) = (
            gateway_port.to_string(),
            folder.to_string_lossy().into_owned(),
        );
        let arguments = ["up", "--port", &port, "--data-dir", &data];
        println!("e2e:   $ dateline {}", arguments.join(" "));
        let mut running = Running::start(prompt.command(dateline, &arguments))?;
        let listens = wait_until("listening gateway", LIMIT, || {
            ensure!(running.is_running(), "`dateline up` has ended");
            Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, gateway_port)).is_ok())
        });
        if let Err(error) = listens {
            let said = running.killed()?;
            return Err(error.context(said.report("expected a cluster")));
        }
        Ok(Self {
            running,
            folder,
            gateway_port,
        })
    }

    /// The one variable that points the aws CLI at the cluster.
    pub(super) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.gateway_port)
    }

    /// Stops it as Ctrl-C would, and sees that it exits with 0 and leaves no process.
    pub(super) fn stop(self) -> anyhow::Result<()> {
        self.running.signal(Signal::SIGINT)?;
        let answer = self
            .running
            .wait(LIMIT)
            .context("`dateline up` did not stop")?;
        answer.exits(0)?;
        processes::none_left(&self.folder)
    }
}

/// The first of so many ports in a row that nobody listens on.
pub(super) fn free_port_run(count: usize) -> anyhow::Result<u16> {
    // Below the range from which the kernel draws the ports of outgoing connections, which would take one in between.
    const CANDIDATES: std::ops::Range<u16> = 18_000..32_000;
    let offset = u16::try_from(std::process::id() % 1_000).expect("it is below 1000") * 10;
    let step = u16::try_from(count).context("too many ports")?;
    let mut first = CANDIDATES.start + offset;
    while first + step < CANDIDATES.end {
        let is_free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if (first..first + step).all(is_free) {
            return Ok(first);
        }
        first += step;
    }
    anyhow::bail!(
        "no {count} free ports in a row between {first} and {}",
        CANDIDATES.end
    )
}
