//! The file systems below the regions' data directories, one process each, where a run needs them.
//!
//! A region's directory lies one folder deeper then, so that copies of it that are put aside lie on the same disk. Whoever of us goes first, nothing stays: the process takes its
//! file system away when its standard input ends, and a file system whose process has died is taken away here.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use nix::mount::{MntFlags, umount2};

use super::{Ability, data_dir::beside, spawner::Spawner};
use crate::disk::{Answer, Order};

/// How long a disk may take to go once nobody needs it.
const END_LIMIT: Duration = Duration::from_secs(5);

/// How often to look.
const POLL: Duration = Duration::from_millis(5);

/// What lies below the regions' data directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Below {
    /// The file system that is there.
    Nothing,
    /// One of ours that can fail, where the machine lets us.
    Disks,
}

/// The disks of all regions, or why there are none.
pub(super) struct Disks(Result<Vec<Disk>, String>);

/// One region's.
struct Disk {
    at: PathBuf,
    /// None once it has been told to end.
    ways: Mutex<Option<Ways>>,
    child: Mutex<Child>,
}

/// Where orders go and answers come from.
struct Ways {
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Disks {
    /// Mounts one for each data directory, if that is wanted. Where one cannot be mounted there are none, and a reason.
    pub(super) fn mount(
        below: Below,
        spawner: &Spawner,
        data_dirs: &[PathBuf],
        logs: &Path,
    ) -> io::Result<Self> {
        if below == Below::Nothing {
            let why = "no file system of ours lies below the regions' data here";
            return Ok(Self(Err(why.to_owned())));
        }
        let executable = std::env::current_exe()?;
        fs::create_dir_all(logs)?;
        let mount = |data: &PathBuf| Disk::mount(spawner, &executable, data, logs);
        let disks: io::Result<Result<Vec<_>, String>> = data_dirs.iter().map(mount).collect();
        Ok(Self(disks?.map_err(|why| {
            format!(
                "no file system of ours can be mounted below the regions' data: {why}; it takes /dev/fuse, and root or fusermount3"
            )
        })))
    }

    /// Where a region's data lies: on its disk if it has one.
    pub(super) fn data_dir(&self, region: usize, without: &Path) -> PathBuf {
        match &self.0 {
            Ok(disks) => disks[region].at.join("data"),
            Err(_) => without.to_owned(),
        }
    }

    /// Whether they are there for what takes one; everything else does without.
    pub(super) fn allow(&self, ability: Ability) -> Result<(), String> {
        match &self.0 {
            Err(why) if ability == Ability::FileSystem => Err(why.clone()),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Tells a region's disk something; brings what it did.
    pub(super) fn order(&self, region: usize, order: Order) -> Result<String, String> {
        self.0.as_ref().map_err(Clone::clone)?[region].order(order)
    }

    /// Holds everything on a region's disk as synced, if it has one: what was done there was no work of the region's.
    pub(super) fn settle(&self, region: usize) -> Result<(), String> {
        match &self.0 {
            Ok(disks) => disks[region].order(Order::Sync).map(|_told| ()),
            Err(_) => Ok(()),
        }
    }

    /// One that ended although nobody ended it.
    pub(super) fn unexpected_end(&self) -> Option<String> {
        self.0.as_ref().ok()?.iter().find_map(Disk::unexpected_end)
    }

    /// Takes all of them away, and waits until they are gone. The data lies in their place afterwards.
    pub(super) fn end(&self) {
        for disk in self.0.iter().flatten() {
            disk.close();
        }
        self.0.iter().flatten().for_each(Disk::end);
    }
}

impl Disk {
    /// The inner error is the machine's refusal.
    fn mount(
        spawner: &Spawner,
        executable: &Path,
        data: &Path,
        logs: &Path,
    ) -> io::Result<Result<Self, String>> {
        let at = beside(data, "disk");
        fs::create_dir_all(&at)?;
        let name = data.file_name().unwrap_or_default().to_string_lossy();
        let log = fs::File::create(logs.join(format!("{name}.disk.log")))?;
        let mut command = Command::new(executable);
        command
            .arg("disk")
            .args([&at, &beside(data, "store")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            // Its own group: Ctrl-C at the terminal is for the harness.
            .process_group(0);
        let mut child = spawner.spawn(command)?;
        let ways = child.stdin.take().zip(child.stdout.take());
        let (orders, answers) = ways.expect("both were asked for");
        let answers = BufReader::new(answers);
        let disk = Self {
            at,
            ways: Mutex::new(Some(Ways { orders, answers })),
            child: Mutex::new(child),
        };
        let mounted = disk.with_ways(|ways| ways.answer());
        Ok(mounted.map(|_told| disk))
    }

    fn order(&self, order: Order) -> Result<String, String> {
        self.with_ways(|ways| {
            let mut line = serde_json::to_vec(&order).expect("plain data");
            line.push(b'\n');
            let sent = ways.orders.write_all(&line);
            sent.map_err(|error| format!("it takes no orders: {error}"))?;
            ways.answer()
        })
    }

    fn with_ways(
        &self,
        ask: impl FnOnce(&mut Ways) -> Result<String, String>,
    ) -> Result<String, String> {
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = match ways.as_mut() {
            Some(ways) => ask(ways),
            None => Err("it was taken away".to_owned()),
        };
        asked.map_err(|why| format!("the disk at {}: {why}", self.at.display()))
    }

    fn unexpected_end(&self) -> Option<String> {
        let ways = self.ways.try_lock().ok()?;
        let mut child = self.child.try_lock().ok()?;
        let status = child.try_wait().ok().flatten()?;
        ways.is_some().then(|| {
            format!(
                "the disk at {} ended by itself ({status})",
                self.at.display()
            )
        })
    }

    fn close(&self) {
        *self.ways.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Waits until its process is gone; if that takes too long, or took the file system with it, sees to it.
    fn end(&self) {
        self.close();
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        while matches!(child.try_wait(), Ok(None)) && begun.elapsed() < END_LIMIT {
            std::thread::sleep(POLL);
        }
        if !matches!(child.try_wait(), Ok(Some(status)) if status.success()) {
            // Fails iff it has ended, or nothing is mounted.
            let _ = child.kill();
            let _ = child.wait();
            let _ = umount2(&self.at, MntFlags::MNT_DETACH);
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.end();
    }
}

impl Ways {
    fn answer(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(0) => Err("its process has ended".to_owned()),
            Err(error) => Err(format!("it does not answer: {error}")),
            Ok(_) => match serde_json::from_str(&line) {
                Ok(Answer::Done(told)) => Ok(told),
                Ok(Answer::Failed(why)) => Err(why),
                Err(error) => Err(format!("it answers {line:?}: {error}")),
            },
        }
    }
}
