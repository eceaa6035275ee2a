//! What a fault has to say of itself.

use std::ops::RangeInclusive;

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

/// One occurrence, not yet placed in time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Drawn {
    /// In words: `isolate us-east-1`.
    pub(crate) what: String,
    /// The regions whose lanes a plot shades.
    pub(crate) regions: Vec<usize>,
    /// What is done.
    pub(crate) deed: Deed,
}
