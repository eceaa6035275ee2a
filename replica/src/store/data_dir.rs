//! The directory that belongs to one region: who holds it, and in which format it is written.
//!
//! ```text
//! <data-dir>/lock      held (flock) by the one process that uses the directory; says which
//! <data-dir>/format    the version of everything beside it
//! <data-dir>/rows/     the storage engine
//! <data-dir>/address   where the server listens (written by `server`)
//! <data-dir>/clock.json  the skew of its clock (written by the harness, read by `server`)
//! ```

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// What this version writes and reads.
const FORMAT: u32 = 2;
/// How the format file reads; the number follows.
const FORMAT_PREFIX: &str = "dateline replica, format ";

/// A data directory, held until this value is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// It cannot be made or written.
    #[error(
        "data directory {path}: cannot write {what}: {source}; choose a directory this user can write with --data-dir"
    )]
    Unwritable {
        /// The directory.
        path: PathBuf,
        /// What could not be written there.
        what: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// Somebody else uses it.
    #[error(
        "data directory {path}: another process holds it ({holder}); stop that process, or choose another directory with --data-dir"
    )]
    Held {
        /// The directory.
        path: PathBuf,
        /// Who, as far as the lock file says.
        holder: String,
    },
    /// A newer or older version wrote it.
    #[error(
        "data directory {path}: written in format {found}, this version reads only format {FORMAT}; start the version that wrote it, or choose an empty directory with --data-dir"
    )]
    OtherFormat {
        /// The directory.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// Something else lies there.
    #[error(
        "data directory {path}: {what}; it was not written by a replica: choose another directory with --data-dir, or move its content away"
    )]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

impl DataDir {
    /// Makes the directory if it is missing, takes its lock and checks its format.
    ///
    /// # Errors
    /// When it cannot be written, another process holds it, or something else wrote it.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let unwritable = |what| {
            move |source| DataDirError::Unwritable {
                path: path.to_owned(),
                what,
                source,
            }
        };
        std::fs::create_dir_all(path).map_err(unwritable("the directory itself"))?;
        let lock = take_lock(path)?;
        check_format(path)?;
        if !path.join("format").exists() {
            write_atomically(
                &path.join("format"),
                format!("{FORMAT_PREFIX}{FORMAT}\n").as_bytes(),
            )
            .map_err(unwritable("the format file"))?;
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the storage engine keeps its files.
    #[must_use]
    pub fn rows(&self) -> PathBuf {
        self.path.join("rows")
    }
}

/// Replaces a file so that a reader, also one after a crash, finds the old or the new content whole.
///
/// # Errors
/// When the directory cannot be written.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn take_lock(path: &Path) -> Result<File, DataDirError> {
    let unwritable = |source| DataDirError::Unwritable {
        path: path.to_owned(),
        what: "the lock file",
        source,
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path.join("lock"))
        .map_err(unwritable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Only decoration of the message: the lock is what counts.
            let _ = file.read_to_string(&mut holder);
            let holder = match holder.trim() {
                "" => "it has not yet said which".to_owned(),
                named => named.to_owned(),
            };
            return Err(DataDirError::Held {
                path: path.to_owned(),
                holder,
            });
        }
        Err(TryLockError::Error(source)) => return Err(unwritable(source)),
    }
    file.set_len(0)
        .and_then(|()| file.write_all(format!("process {}\n", std::process::id()).as_bytes()))
        .map_err(unwritable)?;
    Ok(file)
}

fn check_format(path: &Path) -> Result<(), DataDirError> {
    let foreign = |what: String| DataDirError::Foreign {
        path: path.to_owned(),
        what,
    };
    let text = match std::fs::read_to_string(path.join("format")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return if path.join("rows").exists() {
                Err(foreign("it holds rows but no format file".to_owned()))
            } else {
                Ok(())
            };
        }
        Err(error) => return Err(foreign(format!("cannot read its format file: {error}"))),
    };
    let found = text
        .strip_prefix(FORMAT_PREFIX)
        .and_then(|rest| rest.trim().parse::<u32>().ok());
    match found {
        Some(FORMAT) => Ok(()),
        Some(found) => Err(DataDirError::OtherFormat {
            path: path.to_owned(),
            found,
        }),
        None => Err(foreign(format!("its format file reads {:?}", text.trim()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_holder() {
        let home = tempfile::tempdir().expect("temporary directory");
        let path = home.path().join("made/on/demand");
        let held = DataDir::open(&path).expect("new directory");
        let message = DataDir::open(&path).expect_err("it is held").to_string();
        assert!(message.contains(&path.display().to_string()), "{message}");
        assert!(
            message.contains("another process holds it (process "),
            "{message}"
        );
        drop(held);
        DataDir::open(&path).expect("free again");
    }

    #[test]
    fn other_formats_and_strangers_are_refused_with_their_name() {
        let home = tempfile::tempdir().expect("temporary directory");
        let path = home.path();
        drop(DataDir::open(path).expect("new directory"));
        std::fs::write(path.join("format"), "dateline replica, format 7\n").expect("writable");
        let message = DataDir::open(path).expect_err("newer").to_string();
        assert!(
            message.contains("written in format 7, this version reads only format 2"),
            "{message}"
        );

        std::fs::write(path.join("format"), "something else").expect("writable");
        let message = DataDir::open(path).expect_err("foreign").to_string();
        assert!(
            message.contains("its format file reads \"something else\""),
            "{message}"
        );

        std::fs::remove_file(path.join("format")).expect("writable");
        std::fs::create_dir(path.join("rows")).expect("writable");
        let message = DataDir::open(path).expect_err("foreign").to_string();
        assert!(
            message.contains("it holds rows but no format file"),
            "{message}"
        );
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let home = tempfile::tempdir().expect("temporary directory");
        let file = home.path().join("file");
        std::fs::write(&file, "").expect("writable");
        let message = DataDir::open(&file.join("below"))
            .expect_err("below a file")
            .to_string();
        assert!(
            message.contains("cannot write the directory itself"),
            "{message}"
        );
        assert!(message.contains("--data-dir"), "{message}");
    }
}
