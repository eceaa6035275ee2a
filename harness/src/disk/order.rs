//! What a disk is told and answers: a line of JSON each, over standard input and output.

use serde::{Deserialize, Serialize};

use super::spoilt::Spoiling;

/// What it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Order {
    /// Forget what was not synced. Who wrote there must be gone.
    LosePower {
        /// Let some of it survive, drawn from this number.
        torn: Option<u64>,
    },
    /// Hold everything as synced.
    Sync,
    /// Spoil so many places of what was written, drawn from a number. Pages that the kernel has are read from there.
    Spoil {
        /// How.
        spoiling: Spoiling,
        /// How many.
        places: u64,
        /// What they are drawn from.
        pick: u64,
    },
    /// Read everything as it was written.
    Mend,
}

/// What it answers; the first answer comes by itself, once the disk can be used or why it cannot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Answer {
    /// Done; what it did, in words.
    Done(String),
    /// Not done, and why.
    Failed(String),
}
