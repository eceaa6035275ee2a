//! A region's clock is wrong: a step to either side, a drift, or a strobe between right and wrong.
//!
//! Steps are drawn so that small and large ones are equally common, because a rule that fails for milliseconds and one that fails for seconds
//! are different defects. At the end the clock is right again, which is a step of its own.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::Deed,
    package::{Drawn, Package},
};
use crate::target::{Ability, Skew};

/// The package.
pub(crate) struct Clock;

impl Package for Clock {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn about(&self) -> &'static str {
        "skew a region's clock: steps of 10 ms to 5 s to either side, drift up to 20 %, strobe"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::Clock]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        2_000..=8_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let region = draws.index(regions.len());
        let name = &regions[region];
        let offset_ms = signed(draws, 10, 500);
        let (what, skew) = match draws.below(4) {
            0 | 1 => (
                format!("step {name} {offset_ms:+} ms"),
                Skew {
                    offset_ms,
                    ..Skew::default()
                },
            ),
            2 => {
                let drift_ppm = signed(draws, 2_000, 100);
                let what = format!("drift {name} {drift_ppm:+} ppm");
                (
                    what,
                    Skew {
                        drift_ppm,
                        ..Skew::default()
                    },
                )
            }
            _ => {
                let strobe_period_ms = 20 + draws.below(981);
                let what = format!("strobe {name} {offset_ms:+} ms every {strobe_period_ms} ms");
                (
                    what,
                    Skew {
                        offset_ms,
                        strobe_period_ms,
                        ..Skew::default()
                    },
                )
            }
        };
        Some(Drawn::throughout(
            what,
            vec![region],
            Deed::Clock { region, skew },
        ))
    }
}

/// A number of either sign from `least` to `least * most_times`, with small and large ones equally common: each doubling is as likely as the next.
fn signed(draws: &mut Stream, least: i64, most_times: i64) -> i64 {
    let doublings = u64::from(most_times.ilog2()) + 1;
    let low = least << draws.below(doublings);
    let spread = u64::try_from(low).expect("positive");
    let drawn = low + i64::try_from(draws.below(spread)).expect("less than what it was made from");
    let size = drawn.min(least * most_times);
    if draws.chance(500) { size } else { -size }
}
