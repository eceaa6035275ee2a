//! The process below a region's data directory: mounts, takes orders until nobody gives any more, unmounts.

use std::{
    fs,
    io::{self, BufRead as _, Write as _},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use fuser::{BackgroundSession, Config, MountOption, Session};
use nix::{
    errno::Errno,
    mount::{MntFlags, umount, umount2},
    unistd::geteuid,
};

use super::{
    bytes::Disk,
    mount::Mounted,
    order::{Answer, Order},
};

/// How long who uses the file system may take to go.
const BUSY_LIMIT: Duration = Duration::from_secs(2);

/// How often to look.
const POLL: Duration = Duration::from_millis(10);

/// Serves a disk at this folder, with its bytes in that one, until standard input ends.
///
/// # Errors
/// When the file system cannot be mounted or taken away; it has been answered, too.
pub(crate) fn serve(at: &Path, store: &Path) -> io::Result<()> {
    let possible = is_possible().map_err(io::Error::other);
    let mounted = possible.and_then(|()| Disk::new(store)).and_then(|disk| {
        let disk = Arc::new(Mutex::new(disk));
        let mut config = Config::default();
        config.mount_options = vec![
            MountOption::FSName("dateline".to_owned()),
            MountOption::NoAtime,
        ];
        let session = Session::new(Mounted::new(disk.clone()), at, &config)?;
        Ok((disk, session.spawn()?))
    });
    let (disk, session) = match mounted {
        Ok(mounted) => mounted,
        Err(error) => {
            answer(&Answer::Failed(error.to_string()))?;
            return Err(error);
        }
    };
    // An end of the pipe in either direction means that nobody gives orders any more.
    let served = answer(&Answer::Done("mounted".to_owned())).and_then(|()| take_orders(&disk));
    take_away(at, session)?;
    let mut disk = disk.lock().unwrap_or_else(PoisonError::into_inner);
    disk.pour_out(at)?;
    match served {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether a disk can be mounted here, as far as can be told without doing it.
///
/// # Errors
/// Why not.
pub(crate) fn is_possible() -> Result<(), String> {
    const DEVICE: &str = "/dev/fuse";
    let device = fs::File::options().read(true).write(true).open(DEVICE);
    device.map_err(|error| format!("{DEVICE}: {error}"))?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has = |name: &str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    if geteuid().is_root() || has("fusermount3") || has("fusermount") {
        return Ok(());
    }
    Err("only root can mount, and there is no fusermount3 on the PATH".to_owned())
}

fn take_orders(disk: &Mutex<Disk>) -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let done = serde_json::from_str(&line)
            .map_err(io::Error::from)
            .and_then(|order| {
                let mut disk = disk.lock().unwrap_or_else(PoisonError::into_inner);
                obey(&mut disk, order)
            });
        answer(&match done {
            Ok(told) => Answer::Done(told),
            Err(error) => Answer::Failed(error.to_string()),
        })?;
    }
    Ok(())
}

fn obey(disk: &mut Disk, order: Order) -> io::Result<String> {
    match order {
        Order::LosePower { torn } => disk.lose_power(torn),
        Order::Spoil {
            spoiling,
            places,
            pick,
        } => Ok(disk.spoil(spoiling, places, pick)),
        Order::Mend => Ok(disk.mend()),
        Order::Sync => disk.sync_all().map(|()| "synced".to_owned()),
    }
}

fn answer(answer: &Answer) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, answer)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Unmounts once who used it is gone; if somebody stays, it is gone for everybody else at least.
fn take_away(at: &Path, session: BackgroundSession) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match umount(at) {
            Ok(()) => return session.join(),
            // Only the system's helper may.
            Err(Errno::EPERM) => return session.umount_and_join(),
            Err(Errno::EBUSY) if begun.elapsed() < BUSY_LIMIT => std::thread::sleep(POLL),
            // Somebody else has unmounted it.
            Err(Errno::EINVAL) => return Ok(()),
            Err(_) => {
                umount2(at, MntFlags::MNT_DETACH)?;
                return Ok(());
            }
        }
    }
}
