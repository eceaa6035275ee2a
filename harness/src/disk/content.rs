//! One file's bytes, as far as a power loss matters: which of them were never synced, and what stood in their place.
//!
//! The bytes themselves lie in a file of the shell's; they are written at once, synced or not. So this remembers how to undo: the length that was
//! synced, and those blocks of it that have been written over since, as they were. Bytes behind the synced length need no memory at all.

use std::{collections::BTreeMap, ops::Range};

use workloads::seed::Stream;

/// What is remembered, torn and flipped together, in bytes: a page.
pub(super) const BLOCK_BYTES: u64 = 4096;

/// A file's bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    length: u64,
    synced_length: u64,
    /// Blocks below the synced length that were written over, by number, as they were synced.
    saved: BTreeMap<u64, Vec<u8>>,
    /// The end of what was ever written here: a file may be longer, and empty there.
    written: u64,
}

/// How a file goes back to what a power loss leaves of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Restored {
    /// It gets this length first.
    pub(super) length: u64,
    /// Then these bytes, each run at its offset.
    pub(super) bytes: Vec<(u64, Vec<u8>)>,
    /// How many bytes were forgotten, about.
    pub(super) forgotten: u64,
}

impl Content {
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The end of what was ever written here, at most its length.
    pub(super) fn written(&self) -> u64 {
        self.written.min(self.length)
    }

    /// Where the blocks lie that have to be handed to [`Content::save`] before anything in this range changes.
    pub(super) fn endangered(&self, range: &Range<u64>) -> Vec<Range<u64>> {
        let end = range.end.min(self.synced_length);
        if range.start >= end {
            return Vec::new();
        }
        let blocks = range.start / BLOCK_BYTES..end.div_ceil(BLOCK_BYTES);
        let unsaved = blocks.filter(|block| !self.saved.contains_key(block));
        let place = |block: u64| {
            let start = block * BLOCK_BYTES;
            start..(start + BLOCK_BYTES).min(self.synced_length)
        };
        unsaved.map(place).collect()
    }

    /// Remembers a block that [`Content::endangered`] named.
    pub(super) fn save(&mut self, place: &Range<u64>, bytes: Vec<u8>) {
        assert!(
            place.end - place.start == bytes.len() as u64,
            "a synced block is as long as it was synced"
        );
        self.saved.insert(place.start / BLOCK_BYTES, bytes);
    }

    /// Bytes were written here.
    pub(super) fn write(&mut self, range: &Range<u64>) {
        self.length = self.length.max(range.end);
        self.written = self.written.max(range.end);
    }

    /// It was cut or stretched. What is cut off of the synced length is in danger before: `length..u64::MAX`.
    pub(super) fn resize(&mut self, length: u64) {
        self.length = length;
        self.written = self.written.min(length);
    }

    /// Everything is durable from here on.
    pub(super) fn sync(&mut self) {
        self.saved.clear();
        self.synced_length = self.length;
    }

    /// Whether a power loss would change it.
    pub(super) fn is_synced(&self) -> bool {
        self.saved.is_empty() && self.length == self.synced_length
    }

    /// What a power loss leaves: what was synced, or, with draws, that and any of the blocks written since, in any order, as a disk may have got to them.
    pub(super) fn lose_power(&mut self, draws: Option<&mut Stream>) -> Option<Restored> {
        if self.is_synced() {
            return None;
        }
        let saved = std::mem::take(&mut self.saved);
        let (length, kept): (u64, Vec<bool>) = match draws {
            None => (self.synced_length, vec![false; saved.len()]),
            Some(draws) => {
                let (low, high) = (
                    self.length.min(self.synced_length),
                    self.length.max(self.synced_length),
                );
                let length = low + draws.below(high - low + 1);
                let coins = saved.iter().map(|_| draws.below(2) == 1);
                (length, coins.collect())
            }
        };
        let mut bytes = Vec::new();
        let mut forgotten = self.length.saturating_sub(length);
        for ((block, mut old), kept) in saved.into_iter().zip(kept) {
            let start = block * BLOCK_BYTES;
            if kept || start >= length {
                continue;
            }
            let room = usize::try_from(length - start).unwrap_or(usize::MAX);
            old.truncate(room);
            forgotten += old.len() as u64;
            bytes.push((start, old));
        }
        (self.length, self.synced_length) = (length, length);
        self.written = self.written.min(length);
        Some(Restored {
            length,
            bytes,
            forgotten,
        })
    }
}

#[cfg(test)]
mod tests {
    use workloads::seed::Seed;

    use super::*;

    /// A file and what remembers it, as the shell uses them.
    #[derive(Default)]
    struct File {
        bytes: Vec<u8>,
        content: Content,
    }

    fn place(value: u64) -> usize {
        usize::try_from(value).expect("test files are small")
    }

    impl File {
        fn endanger(&mut self, range: Range<u64>) {
            for range in self.content.endangered(&range) {
                let old = self.bytes[place(range.start)..place(range.end)].to_vec();
                self.content.save(&range, old);
            }
        }

        fn write(&mut self, at: u64, bytes: &[u8]) {
            let range = at..at + bytes.len() as u64;
            self.endanger(range.clone());
            let end = self.bytes.len().max(place(range.end));
            self.bytes.resize(end, 0);
            self.bytes[place(range.start)..place(range.end)].copy_from_slice(bytes);
            self.content.write(&range);
        }

        fn resize(&mut self, length: u64) {
            self.endanger(length..u64::MAX);
            self.bytes.resize(place(length), 0);
            self.content.resize(length);
        }

        fn lose_power(&mut self, draws: Option<&mut Stream>) {
            if let Some(restored) = self.content.lose_power(draws) {
                self.bytes.resize(place(restored.length), 0);
                for (at, old) in restored.bytes {
                    self.bytes[place(at)..place(at) + old.len()].copy_from_slice(&old);
                }
            }
            assert!(self.content.is_synced());
            assert_eq!(self.content.length(), self.bytes.len() as u64);
        }
    }

    #[test]
    fn whatever_is_done_a_power_loss_brings_back_what_was_synced() {
        for seed in 0..200 {
            let mut draws = Seed(seed).stream("disk");
            let (mut file, mut synced) = (File::default(), Vec::new());
            for step in 0..30 {
                let at = draws.below(3 * BLOCK_BYTES);
                match draws.below(6) {
                    0 => file.resize(at),
                    1 => {
                        file.content.sync();
                        synced.clone_from(&file.bytes);
                    }
                    2 => {
                        file.lose_power(None);
                        assert_eq!(file.bytes, synced, "seed {seed}, step {step}");
                    }
                    _ => {
                        let length = 1 + draws.below(2 * BLOCK_BYTES);
                        let value = 1 + u8::try_from(draws.below(255)).expect("small");
                        file.write(at, &vec![value; place(length)]);
                    }
                }
            }
            file.lose_power(None);
            assert_eq!(file.bytes, synced, "seed {seed}, at the end");
        }
    }

    #[test]
    fn a_torn_loss_leaves_each_block_old_or_new() {
        let (mut some_old, mut some_new) = (false, false);
        for seed in 0..50 {
            let mut file = File::default();
            file.write(0, &vec![1; place(4 * BLOCK_BYTES)]);
            file.content.sync();
            file.write(0, &vec![2; place(4 * BLOCK_BYTES + 100)]);
            file.lose_power(Some(&mut Seed(seed).stream("torn")));
            let length = file.bytes.len() as u64;
            assert!((4 * BLOCK_BYTES..=4 * BLOCK_BYTES + 100).contains(&length));
            for block in file.bytes.chunks(place(BLOCK_BYTES)) {
                assert!(block.iter().all(|byte| *byte == block[0]));
                some_old |= block[0] == 1;
                some_new |= block[0] == 2;
            }
        }
        assert!(some_old && some_new);
    }

    #[test]
    fn what_was_synced_costs_nothing_and_appending_neither() {
        let mut file = File::default();
        file.write(0, &[1; 10_000]);
        file.content.sync();
        file.write(10_000, &[2; 10_000]);
        assert!(file.content.saved.is_empty() && !file.content.is_synced());
        file.resize(1_000_000);
        assert_eq!(file.content.written(), 20_000);
    }
}
