//! Places in lists, kept in four bytes each.

/// A place as it is kept.
///
/// # Panics
/// From 2^32 on, which no list in memory reaches.
pub(crate) fn small(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2^32 of anything")
}
