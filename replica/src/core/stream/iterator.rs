//! Shard iterators: where a reader goes on, as a text that it cannot make up.
//!
//! They expire a quarter of an hour after they were made, by this region's age. A checksum tells a mangled one from an old one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::super::{ApiError, ErrorKind};

/// How long an iterator can be used.
const LIFE_MS: i64 = 15 * 60 * 1000;

/// A place in a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Iterator {
    pub(super) stream: u32,
    pub(super) epoch: u64,
    /// Records after this sequence number come next.
    pub(super) after: u64,
    made_age_ms: i64,
}

impl Iterator {
    /// A place that is good from now on.
    pub(super) fn new(made_age_ms: i64, stream: u32, epoch: u64, after: u64) -> Self {
        Self {
            stream,
            epoch,
            after,
            made_age_ms,
        }
    }

    /// The text that a reader is given.
    pub(super) fn text(&self, arn: &str) -> String {
        let mut bytes = postcard::to_stdvec(self).expect("a vector takes every iterator");
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        format!("{arn}|1|{}", STANDARD.encode(bytes))
    }

    /// Reads the text; gives the ARN of the stream beside it.
    pub(super) fn parse(age_ms: i64, text: &str) -> Result<(&str, Self), ApiError> {
        let read = || -> Option<(&str, Self)> {
            let (arn, encoded) = text.rsplit_once("|1|")?;
            let bytes = STANDARD.decode(encoded).ok()?;
            let (body, checksum) = bytes.split_last_chunk::<4>()?;
            if crc32fast::hash(body).to_le_bytes() != *checksum {
                return None;
            }
            Some((arn, postcard::from_bytes(body).ok()?))
        };
        let Some((arn, iterator)) = read() else {
            return Err(ApiError::validation("Invalid ShardIterator"));
        };
        if age_ms.saturating_sub(iterator.made_age_ms) >= LIFE_MS {
            return Err(ApiError::new(
                ErrorKind::ExpiredIterator,
                "The shard iterator has expired: shard iterators are good for 15 minutes, get a new one with GetShardIterator",
            ));
        }
        Ok((arn, iterator))
    }
}
