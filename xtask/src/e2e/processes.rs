//! Tells whether anything of ours is still running, from `/proc`: every process that we start names its data directory on its command line
//! or works in a folder of ours.

use std::path::Path;
use std::time::Duration;

use super::prompt::wait_until;

/// How long processes may take to go after they were told to.
const LIMIT: Duration = Duration::from_secs(15);

/// Waits until no process names this folder any more.
///
/// # Errors
/// When some still do after the limit; the message lists them.
pub(super) fn none_left(folder: &Path) -> anyhow::Result<()> {
    let mut left = Vec::new();
    let waited = wait_until("end of every process", LIMIT, || {
        left = naming(folder);
        Ok(left.is_empty())
    });
    waited.map_err(|error| error.context(format!("still running: {}", left.join("; "))))
}

/// The processes whose command line or working directory names this folder: number and command line.
fn naming(folder: &Path) -> Vec<String> {
    let name = folder.to_string_lossy();
    let own = std::process::id().to_string();
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let id = entry.file_name().to_string_lossy().into_owned();
        let is_process = id.bytes().all(|byte| byte.is_ascii_digit()) && id != own;
        // A process may end between two of these looks: then there is nothing to read.
        let Some(line) = std::fs::read(entry.path().join("cmdline"))
            .ok()
            .filter(|_| is_process)
        else {
            continue;
        };
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let works_here = std::fs::read_link(entry.path().join("cwd"))
            .is_ok_and(|working| working.starts_with(folder));
        if works_here || line.contains(&*name) {
            found.push(format!("{id} {}", line.trim()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::naming;

    #[test]
    fn a_process_that_works_in_the_folder_is_found_until_it_ends() {
        let folder = tempfile::tempdir().expect("a temporary directory can be made");
        assert_eq!(naming(folder.path()), Vec::<String>::new());
        let mut child = Command::new("sleep")
            .arg("600")
            .current_dir(folder.path())
            .spawn()
            .expect("sleep can be started");
        let found = naming(folder.path());
        child
            .kill()
            .and_then(|()| child.wait())
            .expect("it can be killed");
        // Its command line is not there yet in the first moment, its working directory is.
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(&format!("{} ", child.id())),
            "{found:?}"
        );
        assert_eq!(naming(folder.path()), Vec::<String>::new());
    }
}
