//! Where runs are kept: `<out>/<workload>/<UTC time>-seed<seed>/`, with `latest` links beside them.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, tz::TimeZone};

/// The folder that holds all runs unless another is named.
pub(crate) const DEFAULT_OUT: &str = "dateline-runs";

/// A second run within the same second gets a number.
const SAME_SECOND_MAX: u32 = 100;

/// Why there is no run folder.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("--out {}: {source}; name a folder that can be written to", out.display())]
    Unwritable { out: PathBuf, source: io::Error },
}

/// Makes a new run folder with its `logs`, and points the `latest` links at it.
pub(crate) fn create(
    out: &Path,
    workload: &str,
    seed: u64,
    now: Timestamp,
) -> Result<PathBuf, StoreError> {
    let unwritable = |source| StoreError::Unwritable {
        out: out.to_owned(),
        source,
    };
    let family = out.join(workload);
    fs::create_dir_all(&family).map_err(unwritable)?;
    let name = make_folder(&family, &format!("{}-seed{seed}", time_of(now))).map_err(unwritable)?;
    let folder = family.join(&name);
    fs::create_dir(folder.join("logs")).map_err(unwritable)?;
    link(&family.join("latest"), Path::new(&name)).map_err(unwritable)?;
    link(&out.join("latest"), &Path::new(workload).join(&name)).map_err(unwritable)?;
    Ok(folder)
}

/// Makes a folder for something that is no run but holds some, a gate or a suite: `<out>/<family>/<UTC time>/`. Links to the latest *run* stay.
pub(crate) fn create_beside(
    out: &Path,
    family: &str,
    now: Timestamp,
) -> Result<PathBuf, StoreError> {
    let unwritable = |source| StoreError::Unwritable {
        out: out.to_owned(),
        source,
    };
    let family = out.join(family);
    fs::create_dir_all(&family).map_err(unwritable)?;
    let name = make_folder(&family, &time_of(now)).map_err(unwritable)?;
    link(&family.join("latest"), Path::new(&name)).map_err(unwritable)?;
    Ok(family.join(name))
}

fn time_of(now: Timestamp) -> String {
    now.to_zoned(TimeZone::UTC)
        .strftime("%Y%m%dT%H%M%SZ")
        .to_string()
}

fn make_folder(family: &Path, name: &str) -> io::Result<String> {
    for number in 1..SAME_SECOND_MAX {
        let name = if number == 1 {
            name.to_owned()
        } else {
            format!("{name}-{number}")
        };
        match fs::create_dir(family.join(&name)) {
            Ok(()) => return Ok(name),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("a hundred runs began within one second"))
}

/// Points a link somewhere else in one step, so that it always leads to a run.
fn link(path: &Path, target: &Path) -> io::Result<()> {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    symlink(target, &temporary)?;
    fs::rename(&temporary, path)
}

/// All run folders below `out`, oldest first within a workload.
pub(crate) fn runs(out: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for family in sorted_folders(out)? {
        for run in sorted_folders(&family)? {
            if run.join("run.json").is_file() {
                found.push(run);
            }
        }
    }
    Ok(found)
}

/// Folders in here, links left out.
fn sorted_folders(parent: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latest_leads_to_the_newest_run_and_all_are_listed() {
        let out = tempfile::tempdir().expect("temporary directory");
        let now: Timestamp = "2026-11-21T11:30:00Z".parse().expect("a time");
        let first = create(out.path(), "register", 7, now).expect("writable");
        let second = create(out.path(), "register", 7, now).expect("writable");
        assert!(
            first.ends_with("register/20261121T113000Z-seed7"),
            "{}",
            first.display()
        );
        assert!(second.ends_with("20261121T113000Z-seed7-2"));
        for latest in ["latest", "register/latest"] {
            let real = fs::canonicalize(out.path().join(latest)).expect("it leads somewhere");
            assert_eq!(real, fs::canonicalize(&second).expect("it exists"));
        }
        for run in [&first, &second] {
            fs::write(run.join("run.json"), "{}").expect("writable");
        }
        assert_eq!(runs(out.path()).expect("readable"), [first, second]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let out = tempfile::NamedTempFile::new().expect("temporary file");
        let error = create(out.path(), "register", 7, Timestamp::UNIX_EPOCH).expect_err("a file");
        assert!(error.to_string().starts_with("--out "), "{error}");
    }
}
