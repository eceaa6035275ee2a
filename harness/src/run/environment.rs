//! Where a run took place, for `results.json`: what may change its figures, and no name of a host.

use std::{collections::BTreeMap, fs, thread::available_parallelism};

/// Facts about this machine; what cannot be found out is left out.
pub(crate) fn describe() -> BTreeMap<String, String> {
    let facts = [
        ("os", Some(std::env::consts::OS.to_owned())),
        ("architecture", Some(std::env::consts::ARCH.to_owned())),
        (
            "kernel",
            fs::read_to_string("/proc/sys/kernel/osrelease").ok(),
        ),
        (
            "cpus",
            available_parallelism().ok().map(|count| count.to_string()),
        ),
        ("cpu_model", line_of("/proc/cpuinfo", "model name")),
        (
            "memory_mib",
            line_of("/proc/meminfo", "MemTotal").and_then(|text| mebibytes(&text)),
        ),
        (
            "build",
            Some(
                if cfg!(debug_assertions) {
                    "debug"
                } else {
                    "release"
                }
                .to_owned(),
            ),
        ),
    ];
    facts
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.trim().to_owned())))
        .collect()
}

/// The value of the first line `name : value`.
fn line_of(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

/// `24576000 kB` in MiB.
fn mebibytes(text: &str) -> Option<String> {
    let kibibytes: u64 = text.strip_suffix(" kB")?.trim().parse().ok()?;
    Some((kibibytes / 1024).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_many_processors_there_are() {
        let facts = describe();
        assert!(facts["cpus"].parse::<u32>().is_ok_and(|count| count > 0));
        assert_eq!(mebibytes("2048 kB"), Some("2".into()));
    }
}
