//! A network namespace for each region and two cables to it, for faults below TCP.
//!
//! ```text
//!   the harness's namespace                           the region's
//!     clients ── proxies ── 10.77.R.1 ══ wire ══════ 10.77.R.2 ── replica
//!             the harness ─ 10.78.R.1 ══ console ═══ 10.78.R.2 ── replica
//! ```
//! What proxies carry goes over the wire, at whose end a filter of `tc` drops some packets, or all. What the harness itself asks of a region goes over the console, which
//! no fault touches: a region is started, looked at and told its time while nobody else reaches it.
//!
//! The harness, too, runs in a namespace of its own, which it enters while it has one thread. So nothing outside is changed or reached, and no address can be
//! taken. A region's namespace is that of the thread that starts its processes. A namespace ends with the last thread and process in it, and a cable
//! with either of its ends: no end of the harness, `kill -9` included, leaves anything behind.
//!
//! Absent on purpose: packets that arrive twice, damaged or out of order. TCP makes of them what it makes of lost ones, time. And `netem`: a filter of our own takes
//! less of a kernel.

mod commands;

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use nix::{
    sched::{CloneFlags, unshare},
    unistd::Pid,
};

use super::{Loss, spawner::Spawner};
use commands::{CABLES, Cable, Counts, End, Line, WAYS};

/// Where every region listens, on both of its cables: nobody else is there.
const PORT: u16 = 8000;

/// Where nobody listens: a probe is answered by a region's kernel, whatever its process does.
const PROBE_PORT: u16 = 9;

/// How long a probe waits for an answer, which takes microseconds.
const ANSWER: Duration = Duration::from_millis(100);

/// How long a loss may take to be noticed, and a healed wire to answer.
const NOTICE: Duration = Duration::from_secs(5);

/// Probes between two looks at what was lost.
const PROBES: usize = 10;

/// What lies between the harness and the regions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wiring {
    /// The loopback interface.
    #[default]
    Loopback,
    /// Cables to a namespace for each region.
    Namespaces,
}

impl Wiring {
    /// As in `--network`.
    pub(crate) const NAMES: [(&str, Self); 2] =
        [("loopback", Self::Loopback), ("netns", Self::Namespaces)];

    /// As in `--network`.
    pub(crate) fn name(self) -> &'static str {
        let mut names = Self::NAMES.iter();
        let named = names.find(|(_, wiring)| *wiring == self);
        named.expect("each has a name").0
    }
}

/// Why there are no namespaces.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CablesError {
    #[error(
        "--network netns: there is no `{tool}` on the PATH; install iproute2 (and add /usr/sbin to the PATH), or leave --network out"
    )]
    Tool { tool: &'static str },
    #[error(
        "--network netns: this user may not make network namespaces ({errno}); run it as root or in a user namespace, `unshare --user --map-root-user dateline test ...`, or leave --network out"
    )]
    Right { errno: nix::errno::Errno },
    #[error(
        "--network netns: {why}; it takes the right to set up networks, and a kernel with CONFIG_VETH, CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_BPF; leave --network out where they are missing"
    )]
    Kernel { why: String },
}

/// Moves this thread, and all that are started from it later, into a network namespace that is ours alone, and tries there what a run needs. To be called before there is
/// another thread.
pub(crate) fn enter() -> Result<(), CablesError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there =
        |tool: &str| std::env::split_paths(&path).any(|folder| folder.join(tool).is_file());
    if let Some(tool) = ["ip", "tc"].into_iter().find(|tool| !is_there(tool)) {
        return Err(CablesError::Tool { tool });
    }
    unshare(CloneFlags::CLONE_NEWNET).map_err(|errno| CablesError::Right { errno })?;
    let mut lines = vec![commands::loopback()];
    lines.extend(commands::trial());
    run_all(&lines).map_err(|why| CablesError::Kernel { why })
}

/// Where clients and peers find a region, if nothing is in the way.
pub(crate) fn wire(region: usize) -> SocketAddr {
    (Cable::Wire.address(region, End::Theirs), PORT).into()
}

/// Where the harness finds it.
pub(crate) fn console(region: usize) -> SocketAddr {
    (Cable::Console.address(region, End::Theirs), PORT).into()
}

/// Where a region finds what stands for the others.
pub(crate) fn gateway(region: usize) -> IpAddr {
    Cable::Wire.address(region, End::Ours).into()
}

/// Where regions listen: on all their cables.
pub(super) fn listen() -> SocketAddr {
    (Ipv4Addr::UNSPECIFIED, PORT).into()
}

/// The cables to all regions.
#[derive(Debug)]
pub(crate) struct Cables {
    ends: Vec<Far>,
    is_taken_up: AtomicBool,
}

/// What is at the far end of a region's cables.
#[derive(Debug)]
struct Far {
    region: usize,
    /// Starts processes there; the namespace is its thread's.
    spawner: Spawner,
    thread: Pid,
    /// What had been counted when packets last began to be lost.
    begun: Mutex<Counts>,
}

impl Cables {
    /// Makes a namespace for each region, and lays its cables, where they have some.
    pub(crate) fn lay(wiring: Wiring, region_count: usize) -> Result<Option<Arc<Self>>, String> {
        if wiring == Wiring::Loopback {
            return Ok(None);
        }
        let mut cables = Self {
            ends: Vec::new(),
            is_taken_up: AtomicBool::new(false),
        };
        for region in 0..region_count {
            let apart = Spawner::start_apart();
            let (spawner, thread) =
                apart.map_err(|error| format!("no network namespace for a region: {error}"))?;
            cables.ends.push(Far {
                region,
                spawner,
                thread,
                begun: Mutex::default(),
            });
            cables.ends[region].connect()?;
        }
        Ok(Some(Arc::new(cables)))
    }

    /// What starts processes in the regions' namespaces.
    pub(super) fn spawners(&self) -> Vec<Spawner> {
        self.ends.iter().map(|far| far.spawner.clone()).collect()
    }

    /// Lets packets be lost on a region's wire, none by default, and looks whether they are. Brings what was seen.
    pub(super) fn lose(&self, region: usize, loss: Loss) -> Result<String, String> {
        self.ends[region].lose(loss)
    }

    /// How many connections over a region's wire wait until they send again what was lost.
    pub(super) fn held_back(&self, region: usize) -> Result<usize, String> {
        self.ends[region].held_back()
    }

    /// Takes all of them away. Nothing happens the second time.
    pub(super) fn take_up(&self) {
        // Whoever comes later has cables of the same names.
        if self.is_taken_up.swap(true, Ordering::Relaxed) {
            return;
        }
        for region in 0..self.ends.len() {
            for cable in CABLES {
                if let Err(why) = run(&cable.take_up(region)) {
                    tracing::warn!("{why}");
                }
            }
        }
    }
}

impl Drop for Cables {
    fn drop(&mut self) {
        self.take_up();
    }
}

impl Far {
    fn connect(&self) -> Result<(), String> {
        self.run_there(&commands::loopback())?;
        for cable in CABLES {
            run_all(&cable.lay(self.region, self.thread))?;
            let lines = cable.connect(self.region);
            lines.iter().try_for_each(|line| self.run_there(line))?;
        }
        Ok(())
    }

    /// In the region's namespace.
    fn run_there(&self, line: &Line) -> Result<(), String> {
        let child = self.spawner.spawn(command(line));
        let output = child.and_then(std::process::Child::wait_with_output);
        told(line, output).map(|_said| ())
    }

    fn device(&self) -> String {
        Cable::Wire.device(self.region)
    }

    fn counts(&self) -> Result<Counts, String> {
        let line = commands::count(&self.device());
        let said = run(&line)?;
        Counts::read(&said).ok_or_else(|| format!("`{}` says {said:?}", line.join(" ")))
    }

    fn begun(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lose(&self, loss: Loss) -> Result<String, String> {
        let before = self.counts()?;
        let device = self.device();
        for way in WAYS {
            match way.per_mille(loss) {
                0 if run(&way.show(&device))?.is_empty() => {}
                0 => run(&way.pass_packets(&device)).map(|_said| ())?,
                per_mille => run(&way.drop_packets(&device, per_mille)).map(|_said| ())?,
            }
        }
        if loss == Loss::default() {
            return self.see_healed();
        }
        *self.begun() = before;
        match loss.is_total() {
            true => self.see_silence(before),
            false => self.see_losses(before),
        }
    }

    /// No probe is answered, since its packets are dropped.
    fn see_silence(&self, before: Counts) -> Result<String, String> {
        if self.answers() {
            return Err("a probe was answered nevertheless".to_owned());
        }
        match self.counts()?.since(before).drops {
            0 => Err("a probe was not answered, though no packet was dropped".to_owned()),
            _ => Ok(format!(
                "a probe got no answer within {} ms",
                ANSWER.as_millis()
            )),
        }
    }

    /// Probes until a packet is dropped.
    fn see_losses(&self, before: Counts) -> Result<String, String> {
        let begun = Instant::now();
        while begun.elapsed() < NOTICE {
            for _ in 0..PROBES {
                self.answers();
            }
            let seen = self.counts()?.since(before);
            if seen.drops > 0 {
                return Ok(format!(
                    "{} of the first {} packets were dropped",
                    seen.drops, seen.packets
                ));
            }
        }
        let seconds = NOTICE.as_secs();
        Err(format!("no packet was dropped within {seconds} s"))
    }

    /// There is no filter, and a probe is answered.
    fn see_healed(&self) -> Result<String, String> {
        for way in WAYS {
            let left = run(&way.show(&self.device()))?;
            if !left.is_empty() {
                let left = left.replace('\n', "; ");
                return Err(format!("a filter is still there: {left}"));
            }
        }
        let begun = Instant::now();
        while !self.answers() {
            if begun.elapsed() > NOTICE {
                let seconds = NOTICE.as_secs();
                return Err(format!("no probe was answered within {seconds} s"));
            }
        }
        let seen = self.counts()?.since(*self.begun());
        Ok(format!(
            "{} of {} packets were dropped",
            seen.drops, seen.packets
        ))
    }

    /// Whether anybody answers there, be it with a refusal.
    fn answers(&self) -> bool {
        let there = SocketAddr::from((Cable::Wire.address(self.region, End::Theirs), PROBE_PORT));
        match TcpStream::connect_timeout(&there, ANSWER) {
            Ok(_stream) => true,
            Err(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        }
    }

    fn held_back(&self) -> Result<usize, String> {
        let count = |thread: Pid, remote: End| -> Result<usize, String> {
            // What a thread sees there is its own namespace.
            let table = format!("/proc/self/task/{thread}/net/tcp");
            let text = fs::read_to_string(&table).map_err(|error| format!("{table}: {error}"))?;
            let remote = Cable::Wire.address(self.region, remote);
            Ok(commands::held_back(&text, remote))
        };
        Ok(count(nix::unistd::gettid(), End::Theirs)? + count(self.thread, End::Ours)?)
    }
}

fn command(line: &Line) -> Command {
    let mut command = Command::new(&line[0]);
    command
        .args(&line[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Brings what it printed.
fn run(line: &Line) -> Result<String, String> {
    told(line, command(line).output())
}

fn run_all(lines: &[Line]) -> Result<(), String> {
    lines.iter().try_for_each(|line| run(line).map(|_said| ()))
}

fn told(line: &Line, output: io::Result<std::process::Output>) -> Result<String, String> {
    let line = line.join(" ");
    let output = output.map_err(|error| format!("`{line}` cannot be run: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().replace('\n', " ");
        return Err(format!("`{line}` failed: {said}"));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(said.trim().to_owned())
}
