//! What a workload needs of a target.

use std::fmt;

/// What must be there for a workload to make sense. Reads and writes of single items always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// How many regions at least.
    pub regions_at_least: u8,
    /// Conditional writes, decided within a region.
    pub conditions: bool,
    /// Writes and failed conditions return the item that they met (`ALL_OLD`): without it, some checks cannot tell as much.
    pub old_images: bool,
    /// Additions to numbers.
    pub numbers: bool,
    /// Additions to sets of numbers.
    pub sets: bool,
    /// Appends to lists.
    pub lists: bool,
    /// Scans of a table.
    pub scans: bool,
    /// Streams of changes.
    pub streams: bool,
    /// Items that expire, and regions whose clocks are right.
    pub time_to_live: bool,
    /// The largest item, in bytes, names and housekeeping aside.
    pub item_bytes: usize,
}

impl Needs {
    /// Reads and writes of small items in one region.
    pub const LITTLE: Self = Self {
        regions_at_least: 1,
        conditions: false,
        old_images: false,
        numbers: false,
        sets: false,
        lists: false,
        scans: false,
        streams: false,
        time_to_live: false,
        item_bytes: 1000,
    };

    /// What registers need: conditions and old images too.
    pub const REGISTERS: Self = Self {
        conditions: true,
        old_images: true,
        ..Self::LITTLE
    };
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.regions_at_least {
            1 => write!(f, "1 region or more")?,
            count => write!(f, "{count} regions or more")?,
        }
        let parts = [
            (self.conditions, "conditions"),
            (self.old_images, "old images"),
            (self.numbers, "numbers"),
            (self.sets, "sets"),
            (self.lists, "lists"),
            (self.scans, "scans"),
            (self.streams, "streams"),
            (self.time_to_live, "time to live"),
        ];
        for (_, part) in parts.into_iter().filter(|(is_needed, _)| *is_needed) {
            write!(f, ", {part}")?;
        }
        if self.item_bytes > Self::LITTLE.item_bytes {
            write!(f, ", items of {} KB", self.item_bytes.div_ceil(1000))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_told_in_words() {
        assert_eq!(Needs::LITTLE.to_string(), "1 region or more");
        let needs = Needs {
            regions_at_least: 2,
            scans: true,
            item_bytes: 350_000,
            ..Needs::REGISTERS
        };
        assert_eq!(
            needs.to_string(),
            "2 regions or more, conditions, old images, scans, items of 350 KB"
        );
    }
}
