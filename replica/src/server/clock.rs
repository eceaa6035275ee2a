//! The region's clock: the system's, plus a skew that a test harness sets while the server runs.
//!
//! The skew is read from `clock.json` in the data directory at start and again on `SIGUSR1`. It moves the wall clock only: timers and deadlines
//! follow the monotonic clock, which no fault here can touch, as no NTP step touches it on a real machine.

use std::io;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::core::Now;

/// A clock's skew: `wall = system + offset_ms + drift_ppm * (time since it was read)`, strobing between that and the true time if asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Skew {
    /// Constant part.
    pub offset_ms: i64,
    /// Rate, parts per million.
    pub drift_ppm: i64,
    /// When not 0: in the first half of each such period the skew holds, in the second it does not.
    pub strobe_period_ms: u64,
}

/// Why a skew file was not taken over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SkewError {
    /// It cannot be read.
    #[error("cannot read the clock skew from {path}: {source}; the skew stays as it was")]
    Unreadable { path: PathBuf, source: io::Error },
    /// It does not say what a skew file says.
    #[error(
        "the clock skew in {path} makes no sense: {source}; it must read {{\"offset_ms\":0,\"drift_ppm\":0,\"strobe_period_ms\":0}}; the skew stays as it was"
    )]
    Malformed {
        path: PathBuf,
        source: serde_json::Error,
    },
}

/// The wall clock at this moment: the arithmetic alone.
pub(crate) fn skewed_ms(system_ms: i64, since_set_ns: u64, skew: Skew) -> i64 {
    let strobe_ns = u128::from(skew.strobe_period_ms) * 1_000_000;
    if strobe_ns > 0 && u128::from(since_set_ns) % strobe_ns >= strobe_ns / 2 {
        return system_ms;
    }
    let drift_ms = i128::from(skew.drift_ppm) * i128::from(since_set_ns) / 1_000_000_000_000;
    let wall_ms = i128::from(system_ms) + i128::from(skew.offset_ms) + drift_ms;
    // A clock cannot show what does not fit; the ends of the range stand for it.
    i64::try_from(wall_ms).unwrap_or(if wall_ms < 0 { i64::MIN } else { i64::MAX })
}

/// The clock of one server.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    path: PathBuf,
    setting: RwLock<Setting>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Setting {
    skew: Skew,
    set_at_ns: u64,
}

impl Clock {
    /// A clock without skew; `path` is where [`Clock::reload`] finds one.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            started: Instant::now(),
            path,
            setting: RwLock::default(),
        }
    }

    /// Reads the skew file; a missing one means no skew.
    pub(crate) fn reload(&self) -> Result<Skew, SkewError> {
        let path = || self.path.clone();
        let skew = match std::fs::read(&self.path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|source| SkewError::Malformed {
                path: path(),
                source,
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Skew::default(),
            Err(source) => {
                return Err(SkewError::Unreadable {
                    path: path(),
                    source,
                });
            }
        };
        let setting = Setting {
            skew,
            set_at_ns: self.monotonic_ns(),
        };
        *self.setting.write().unwrap_or_else(PoisonError::into_inner) = setting;
        Ok(skew)
    }

    /// The skew in force.
    pub(crate) fn skew(&self) -> Skew {
        self.setting().skew
    }

    /// The time, for the core.
    pub(crate) fn now(&self) -> Now {
        let setting = self.setting();
        let monotonic_ns = self.monotonic_ns();
        let since_set_ns = monotonic_ns.saturating_sub(setting.set_at_ns);
        Now {
            wall_ms: skewed_ms(system_ms(), since_set_ns, setting.skew),
            monotonic_ns,
        }
    }

    /// The instant that the core calls by this number.
    pub(crate) fn instant(&self, monotonic_ns: u64) -> Instant {
        self.started + std::time::Duration::from_nanos(monotonic_ns)
    }

    /// Nanoseconds since the server began; enough for 584 years.
    pub(crate) fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn setting(&self) -> Setting {
        *self.setting.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The system's wall clock, without skew.
pub(crate) fn system_ms() -> i64 {
    let ms =
        |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => ms(since),
        Err(before) => -ms(before.duration()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    #[test]
    fn offset_drift_and_strobe_add_up() {
        let none = Skew::default();
        assert_eq!(skewed_ms(1_000, 5 * SECOND_NS, none), 1_000);
        let back = Skew {
            offset_ms: -250,
            ..none
        };
        assert_eq!(skewed_ms(1_000, 5 * SECOND_NS, back), 750);
        // 2 % fast: 20 ms per second since it was set.
        let fast = Skew {
            offset_ms: 100,
            drift_ppm: 20_000,
            ..none
        };
        assert_eq!(skewed_ms(1_000, 0, fast), 1_100);
        assert_eq!(skewed_ms(6_000, 5 * SECOND_NS, fast), 6_200);
        let slow = Skew {
            drift_ppm: -1_000_000,
            ..none
        };
        assert_eq!(
            skewed_ms(6_000, 5 * SECOND_NS, slow),
            1_000,
            "a stopped clock"
        );
    }

    #[test]
    fn a_strobe_holds_for_the_first_half_of_each_period() {
        let strobe = Skew {
            offset_ms: 500,
            drift_ppm: 0,
            strobe_period_ms: 200,
        };
        for (since_ms, wall_ms) in [
            (0, 500),
            (99, 500),
            (100, 0),
            (199, 0),
            (200, 500),
            (1_150, 0),
        ] {
            assert_eq!(
                skewed_ms(0, since_ms * 1_000_000, strobe),
                wall_ms,
                "after {since_ms} ms"
            );
        }
        let shortest = Skew {
            strobe_period_ms: 1,
            ..strobe
        };
        assert_eq!(skewed_ms(0, 499_999, shortest), 500);
        assert_eq!(skewed_ms(0, 500_000, shortest), 0);
    }

    #[test]
    fn absurd_skews_stop_at_the_ends_of_the_range() {
        let far = Skew {
            offset_ms: i64::MAX,
            drift_ppm: i64::MAX,
            strobe_period_ms: 0,
        };
        assert_eq!(skewed_ms(i64::MAX, u64::MAX, far), i64::MAX);
        let early = Skew {
            offset_ms: i64::MIN,
            drift_ppm: i64::MIN,
            strobe_period_ms: 0,
        };
        assert_eq!(skewed_ms(i64::MIN, u64::MAX, early), i64::MIN);
    }

    #[test]
    fn a_bad_file_leaves_the_skew_as_it_was() {
        let home = tempfile::tempdir().expect("temporary directory");
        let path = home.path().join("clock.json");
        let clock = Clock::new(path.clone());
        assert_eq!(clock.reload().expect("missing is none"), Skew::default());
        let skew = Skew {
            offset_ms: 7,
            drift_ppm: -8,
            strobe_period_ms: 9,
        };
        std::fs::write(&path, serde_json::to_string(&skew).expect("plain")).expect("writable");
        assert_eq!(clock.reload().expect("well formed"), skew);
        for bad in ["", "{", r#"{"offset_ms":"7"}"#, r#"{"ofset_ms":7}"#] {
            std::fs::write(&path, bad).expect("writable");
            let message = clock.reload().expect_err(bad).to_string();
            assert!(message.contains("clock.json makes no sense"), "{message}");
            assert_eq!(clock.skew(), skew, "after {bad:?}");
        }
        std::fs::remove_file(&path).expect("writable");
        assert_eq!(clock.reload().expect("missing is none"), Skew::default());
    }
}
