//! How much is asked of a store, and of which keys, while a fault of the load lasts.

/// What clients are told to do for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// How many times as many operations as usual. At least 1.
    pub rate_times: u64,
    /// Which keys they are on.
    pub keys: Focus,
}

/// Which keys clients draw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// As their distribution says.
    #[default]
    Spread,
    /// All the same one: that which dies next.
    OneKey,
}

impl Demand {
    /// As the options of the run say.
    pub const USUAL: Self = Self {
        rate_times: 1,
        keys: Focus::Spread,
    };
}
