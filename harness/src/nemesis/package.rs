//! What a fault has to say of itself.

use std::ops::{Range, RangeInclusive};

use workloads::seed::Stream;

use super::deed::Deed;
use crate::target::Ability;

/// A kind of fault.
pub(crate) trait Package: Sync {
    /// Its name, as in `--faults` and in the journal.
    fn name(&self) -> &'static str;

    /// What it does, in a line.
    fn about(&self) -> &'static str;

    /// What a target must be able to do.
    fn needs(&self) -> &'static [Ability];

    /// How long one occurrence lasts, milliseconds, in a run that has room for it.
    fn lasts_ms(&self) -> RangeInclusive<u64>;

    /// Draws one occurrence; `None` where so few regions cannot have it.
    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn>;
}

/// One occurrence, not yet placed in time: one part or several, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Drawn {
    /// In the order of their times.
    pub(crate) parts: Vec<Part>,
}

/// A deed, and for which part of the occurrence it lasts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    /// In words: `isolate us-east-1`.
    pub(crate) what: String,
    /// The regions whose lanes a plot shades.
    pub(crate) regions: Vec<usize>,
    /// What is done.
    pub(crate) deed: Deed,
    /// From when until when, in thousandths of the occurrence.
    pub(crate) when: Range<u64>,
}

impl Drawn {
    /// One deed that lasts from beginning to end.
    pub(crate) fn throughout(what: String, regions: Vec<usize>, deed: Deed) -> Self {
        let when = 0..1000;
        Self {
            parts: vec![Part {
                what,
                regions,
                deed,
                when,
            }],
        }
    }
}

/// Two regions, one after the other, any as likely as any other; `None` where there are not two.
pub(crate) fn two_regions(draws: &mut Stream, regions: &[String]) -> Option<(usize, usize)> {
    if regions.len() < 2 {
        return None;
    }
    let one = draws.index(regions.len());
    let other = (one + 1 + draws.index(regions.len() - 1)) % regions.len();
    Some((one, other))
}

/// Equal stretches of an occurrence, of which so many thousandths are used and the rest is a pause.
pub(crate) fn stretches(count: usize, used: u64) -> impl Iterator<Item = Range<u64>> {
    assert!(count > 0 && used <= 1000);
    let count = count as u64;
    (0..count).map(move |number| {
        let (from, to) = (number * 1000 / count, (number + 1) * 1000 / count);
        from..from + (to - from) * used / 1000
    })
}
