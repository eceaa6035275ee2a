//! How many operations ended how.

use checker::history::EventKind;

/// Operations so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Asked.
    pub(crate) invoked: u64,
    /// Succeeded.
    pub(crate) ok: u64,
    /// Definitely did not happen.
    pub(crate) fail: u64,
    /// Nobody knows.
    pub(crate) info: u64,
}

impl Counts {
    pub(super) fn add(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Invoke(_) => self.invoked += 1,
            EventKind::Ok(_) => self.ok += 1,
            EventKind::Fail { .. } => self.fail += 1,
            EventKind::Info { .. } => self.info += 1,
        }
    }

    /// Operations that ended, one way or another.
    pub(crate) fn ended(self) -> u64 {
        self.ok + self.fail + self.info
    }
}
