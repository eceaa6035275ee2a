//! This program again as a process: a replica, or the bare server that replicas are compared with.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// The unit of CPU time in Linux's process table.
const TICKS_PER_S: f64 = 100.0;
const START_LIMIT: Duration = Duration::from_secs(60);

/// A server process and where it listens; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts this program in another role and waits for its address.
    pub(crate) fn start(arguments: &[String], address: &Path) -> anyhow::Result<Self> {
        // That of a process before this one.
        let _ = std::fs::remove_file(address);
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(arguments)
            .env("NO_COLOR", "1")
            .stderr(log_beside(address)?);
        Self::spawn(command, || address_in(address))
    }

    /// Starts somebody else's server on a free port and waits until it listens.
    pub(crate) fn start_other(line: &str, data: &Path) -> anyhow::Result<Self> {
        let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let data = data.display().to_string();
        let fill = |word: &str| {
            word.replace("{port}", &free.port().to_string())
                .replace("{data}", &data)
        };
        let mut words = line.split_whitespace().map(fill);
        let mut command = Command::new(words.next().context("--beside names a program")?);
        command.args(words).stdout(Stdio::null());
        Self::spawn(command, || TcpStream::connect(free).is_ok().then_some(free))
    }

    fn spawn(
        mut command: Command,
        address: impl Fn() -> Option<SocketAddr>,
    ) -> anyhow::Result<Self> {
        let child = command.stdin(Stdio::null()).spawn();
        let mut child = child.with_context(|| format!("{command:?}"))?;
        let started = Instant::now();
        while started.elapsed() < START_LIMIT {
            if let Some(address) = address() {
                return Ok(Self { child, address });
            }
            if let Some(status) = child.try_wait()? {
                anyhow::bail!("the server ended with {status}: {command:?}");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill()?;
        child.wait()?;
        anyhow::bail!("no server came up in {START_LIMIT:?}: {command:?}")
    }

    /// Its user and system time so far.
    pub(crate) fn cpu_s(&self) -> anyhow::Result<f64> {
        cpu_s(self.child.id())
    }

    /// How many bytes it wrote so far, to files and sockets.
    pub(crate) fn written_bytes(&self) -> anyhow::Result<u64> {
        let io = std::fs::read_to_string(format!("/proc/{}/io", self.child.id()))?;
        let written = io.lines().find_map(|line| line.strip_prefix("wchar: "));
        Ok(written.context("a field of the process table")?.parse()?)
    }

    /// Its resident memory now, and the most that it ever was.
    pub(crate) fn resident_mib(&self) -> anyhow::Result<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| -> anyhow::Result<u64> {
            let line = status.lines().find(|line| line.starts_with(name));
            let kib = line.and_then(|line| line.split_whitespace().nth(1));
            Ok(kib
                .context("a field of the process table")?
                .parse::<u64>()?
                / 1024)
        };
        Ok((field("VmRSS:")?, field("VmHWM:")?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // As `kill -9`. Both fail when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process's user and system time so far, from the process table.
pub(crate) fn cpu_s(process: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat
        .rsplit_once(')')
        .context("the name stands in parentheses")?;
    let mut ticks = fields.split_whitespace().skip(11);
    let mut next = || -> anyhow::Result<f64> { Ok(ticks.next().context("a field")?.parse()?) };
    Ok((next()? + next()?) / TICKS_PER_S)
}

/// The address that a server wrote down.
pub(crate) fn address_in(file: &Path) -> Option<SocketAddr> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Beside the directory, which the server makes itself.
fn log_beside(address: &Path) -> anyhow::Result<std::fs::File> {
    let directory = address.parent().context("a file lies in a directory")?;
    let log: PathBuf = directory.with_extension("log");
    Ok(std::fs::File::options()
        .create(true)
        .append(true)
        .open(log)?)
}
