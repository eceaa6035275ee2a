//! The workloads that there are: `dateline list workloads` prints this.

/// A workload's name and purpose.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does and what it can prove, in one line.
    pub about: &'static str,
}

/// Every workload, in the order in which they are listed.
pub const WORKLOADS: &[Entry] = &[Entry {
    name: crate::register::NAME,
    about: "reads, writes, conditional writes and deletes of single items, contended within and between regions; \
            each key ends in a duel of all regions",
}];

/// The entry of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Entry> {
    WORKLOADS.iter().find(|entry| entry.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_is_found_by_its_name() {
        for entry in WORKLOADS {
            assert_eq!(
                named(entry.name).map(|found| found.about),
                Some(entry.about)
            );
        }
        assert!(named("no-such").is_none());
    }
}
