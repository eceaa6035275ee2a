//! One region: its state, and how it is opened and stepped.

use crate::store::{Read, StoreError};

use super::{ApiError, Config, Effect, Effects, ErrorKind, Input, Now, Status};

/// Why a region cannot be opened on this store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row holds what this version cannot read.
    #[error(
        "the data directory's row `{row}` cannot be read by this version: {reason}; start the version that wrote it, or begin with an empty directory"
    )]
    Row {
        /// Which row.
        row: String,
        /// Why.
        reason: String,
    },
    /// The directory belongs to another region.
    #[error(
        "the data directory belongs to region {found}, not {asked}; pass its own --region, or another --data-dir"
    )]
    OtherRegion {
        /// Whose it is.
        found: String,
        /// Who asked.
        asked: String,
    },
}

/// The state machine of one region.
#[derive(Debug)]
pub struct Core {
    config: Config,
}

impl Core {
    /// Reads the state that is not kept per item. `entropy` becomes the incarnation of a new region and the seed of its table ids; it must differ
    /// from one data directory to the next.
    ///
    /// # Errors
    /// When the store fails or belongs to another region or version.
    pub fn open(
        config: Config,
        entropy: u64,
        now: Now,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<Self, OpenError> {
        let _ = (entropy, now, read, effects);
        Ok(Self { config })
    }

    /// Takes one thing that happened and says what is to be done.
    pub fn step(&mut self, now: Now, input: Input, read: &dyn Read, effects: &mut Effects) {
        let _ = (now, read);
        if let Input::Request { id, .. } = input {
            effects.push(Effect::Reply {
                to: id,
                result: Err(ApiError::new(
                    ErrorKind::InternalServerError,
                    "not served yet",
                )),
            });
        }
    }

    /// What `/health` and the metrics show.
    #[must_use]
    pub fn status(&self, now: Now) -> Status {
        let _ = now;
        Status {
            region: self.config.region.to_string(),
            ..Status::default()
        }
    }
}
