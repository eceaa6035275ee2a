//! Versions: the total order that decides every write.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A region's name, `us-east-1`. Cheap to copy; ordered by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Region(Arc<str>);

impl Region {
    /// A region of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The version of an item: `aws:rep:updatetime`, then `aws:rep:updateregion`. The derived order is *the* order: it is total, and every region
/// uses the same one, so two regions that have seen the same versions hold the same item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// Microseconds since the epoch. Shown as `<seconds>.<6 digits>`.
    pub time_us: i64,
    /// The region whose client wrote it.
    pub region: Region,
}
