//! What is done to a region's data directory behind its back: copied aside, put back, as an operator does who goes back to a backup.
//!
//! A copy is taken while the process is stopped (`SIGSTOP`), so it is what a crash at that moment would have left.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use nix::sys::signal::Signal;

use super::process::Process;

/// What is wrong with a region's clock: the harness's, and no data.
pub(super) const CLOCK: &str = "clock.json";

/// What is wrong with its disk: the same.
pub(super) const DISK: &str = "disk.json";

/// Copies the directory aside, in place of the copy before.
pub(super) fn copy(process: &Process) -> Result<(), String> {
    let from = &process.spec().data_dir;
    let to = beside(from, "copy");
    process.pause()?;
    let copied = remove(&to).and_then(|()| copy_all(from, &to));
    let resumed = process.signal(Signal::SIGCONT);
    copied.map_err(|error| {
        // Half a copy is none.
        let _ = remove(&to);
        format!("{} could not be copied: {error}", from.display())
    })?;
    resumed.map(|_pid| ())
}

/// Puts the copy in the directory's place. The copy is gone afterwards.
pub(super) fn put_copy_back(process: &Process) -> Result<(), String> {
    let data = &process.spec().data_dir;
    replace(data, &beside(data, "copy"))
}

/// Puts an empty directory in its place.
pub(super) fn lose(process: &Process) -> Result<(), String> {
    let data = &process.spec().data_dir;
    let empty = beside(data, "empty");
    fs::create_dir_all(&empty).map_err(|error| format!("{}: {error}", empty.display()))?;
    replace(data, &empty)
}

fn replace(data: &Path, with: &Path) -> Result<(), String> {
    let old = beside(data, "old");
    let replaced = || {
        fs::metadata(with)?;
        remove(&old)?;
        fs::rename(data, &old)?;
        fs::rename(with, data)?;
        // Clock and disk are as wrong as they were: nobody rolled that back.
        for name in [CLOCK, DISK] {
            let new = data.join(name);
            match fs::rename(old.join(name), &new) {
                Ok(()) => {}
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Err(_) if new.exists() => fs::remove_file(&new)?,
                Err(_) => {}
            }
        }
        remove(&old)
    };
    let (data, with) = (data.display(), with.display());
    replaced().map_err(|error| format!("{with} could not be put in place of {data}: {error}"))
}

/// A folder beside a data directory, of the same name with this behind it.
pub(super) fn beside(data: &Path, extension: &str) -> PathBuf {
    let mut name = data.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    PathBuf::from(name)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_all(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_takes_the_place_of_what_was_written_since_but_for_the_clock() {
        let home = tempfile::tempdir().expect("temporary directory");
        let data = home.path().join("r.1");
        let write = |name: &str, text: &str| fs::write(data.join(name), text).expect("writable");
        let read = |name: &str| fs::read_to_string(data.join(name)).ok();
        fs::create_dir_all(data.join("deep")).expect("writable");
        write("deep/journal", "one");
        write(CLOCK, "right");
        let copy = beside(&data, "copy");
        copy_all(&data, &copy).expect("copied");
        write("deep/journal", "one two");
        write("new", "three");
        write(CLOCK, "wrong");
        replace(&data, &copy).expect("replaced");
        assert_eq!(read("deep/journal").as_deref(), Some("one"));
        assert_eq!((read("new"), read(CLOCK).as_deref()), (None, Some("wrong")));
        let refused = replace(&data, &copy).expect_err("a copy serves once");
        assert!(refused.contains("r.1.copy"), "{refused}");
        assert_eq!(read("deep/journal").as_deref(), Some("one"), "nothing lost");
        let left: Vec<_> = fs::read_dir(home.path()).expect("readable").collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}
