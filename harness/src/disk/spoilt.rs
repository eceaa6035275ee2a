//! Blocks that a disk cannot read any more, or reads wrong: which they are, and what becomes of a read that meets one.
//!
//! A block is spoilt until it is written again or the disk is mended, as a sector of a real disk is; what lies in it is not lost, so a mended disk reads it as it was.

use std::{collections::BTreeMap, ops::Range};

use serde::{Deserialize, Serialize};
use workloads::seed::Stream;

use super::content::BLOCK_BYTES;

/// What is wrong with spoilt blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Spoiling {
    /// Reads of them fail.
    Unreadable,
    /// One bit of each is read wrong.
    Flipped,
}

/// All that is wrong with a disk.
#[derive(Debug, Default)]
pub(super) struct Spoilt {
    /// By file and number of the block; which of its bits, where one is flipped.
    blocks: BTreeMap<(u64, u64), Option<u64>>,
    /// How many reads have met one.
    met: u64,
}

/// A read met a block that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl Spoilt {
    /// Spoils so many places of what was written to these files, any byte as likely as the next; fewer blocks where places share one.
    pub(super) fn draw(
        spoiling: Spoiling,
        places: u64,
        draws: &mut Stream,
        files: impl Iterator<Item = (u64, u64)>,
    ) -> Self {
        let files: Vec<(u64, u64)> = files.filter(|(_, written)| *written > 0).collect();
        let total: u64 = files.iter().map(|(_, written)| written).sum();
        let mut spoilt = Self::default();
        for _place in 0..places.min(total) {
            let mut at = draws.below(total);
            let mut with = files.iter();
            let file = with.find(|(_, written)| {
                let is_here = at < *written;
                at -= if is_here { 0 } else { *written };
                is_here
            });
            let (number, _) = file.expect("the place is below the total");
            let bit = match spoiling {
                Spoiling::Unreadable => None,
                Spoiling::Flipped => Some(at % BLOCK_BYTES * 8 + draws.below(8)),
            };
            spoilt.blocks.insert((*number, at / BLOCK_BYTES), bit);
        }
        spoilt
    }

    /// How many blocks are spoilt.
    pub(super) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// How many reads have met one.
    pub(super) fn met(&self) -> u64 {
        self.met
    }

    /// What becomes of bytes that are read here.
    pub(super) fn meet(
        &mut self,
        number: u64,
        offset: u64,
        bytes: &mut [u8],
    ) -> Result<(), Unreadable> {
        let end = offset + bytes.len() as u64;
        if bytes.is_empty() || self.blocks.is_empty() {
            return Ok(());
        }
        let blocks = (number, offset / BLOCK_BYTES)..(number, end.div_ceil(BLOCK_BYTES));
        let mut has_met = false;
        for ((_, block), bit) in self.blocks.range(blocks) {
            let Some(bit) = bit else {
                self.met += 1;
                return Err(Unreadable);
            };
            let at = block * BLOCK_BYTES + bit / 8;
            if (offset..end).contains(&at) {
                let place = usize::try_from(at - offset).expect("within what was read");
                bytes[place] ^= 1 << (bit % 8);
                has_met = true;
            }
        }
        self.met += u64::from(has_met);
        Ok(())
    }

    /// Blocks that are written again can be read again; bytes that stay in one of them stay as they are read.
    pub(super) fn write(&mut self, number: u64, range: &Range<u64>) {
        self.blocks.retain(|(file, block), bit| {
            let start = block * BLOCK_BYTES;
            let is_written = match bit {
                None => range.start < start + BLOCK_BYTES && start < range.end,
                Some(bit) => range.contains(&(start + *bit / 8)),
            };
            *file != number || !is_written
        });
    }
}

#[cfg(test)]
mod tests {
    use workloads::seed::Seed;

    use super::*;

    fn spoilt(spoiling: Spoiling, places: u64, seed: u64) -> Spoilt {
        let files = [(2, 0), (3, 5_000), (7, 20_000)].into_iter();
        Spoilt::draw(spoiling, places, &mut Seed(seed).stream("spoilt"), files)
    }

    #[test]
    fn a_flipped_bit_is_one_bit_of_what_was_written_until_it_is_written_again() {
        for seed in 0..100 {
            let mut spoilt = spoilt(Spoiling::Flipped, 1, seed);
            let mut flipped = Vec::new();
            for (number, written) in [(2, 100), (3, 5_000), (7, 20_000)] {
                let mut bytes = vec![0; written];
                assert_eq!(spoilt.meet(number, 0, &mut bytes), Ok(()));
                let ones: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
                let at = bytes.iter().position(|byte| *byte != 0);
                flipped.extend(at.map(|at| (number, at as u64, ones)));
            }
            let [(number, at, ones)] = flipped[..] else {
                unreachable!("{flipped:?}");
            };
            assert_eq!(
                (ones, spoilt.met(), spoilt.blocks()),
                (1, 1, 1),
                "seed {seed}"
            );
            let mut alone = [0xff];
            assert_eq!(spoilt.meet(number, at, &mut alone), Ok(()));
            assert_eq!(alone[0].count_ones(), 7, "a read of this byte alone");
            spoilt.write(number, &(at + 1..at + 2));
            spoilt.write(9, &(at..at + 1));
            assert_eq!(spoilt.blocks(), 1, "beside it");
            spoilt.write(number, &(at..at + 1));
            assert_eq!(spoilt.blocks(), 0);
        }
    }

    #[test]
    fn an_unreadable_block_fails_every_read_that_touches_it_and_no_other() {
        let mut spoilt = spoilt(Spoiling::Unreadable, 1, 3);
        let (&(number, block), _) = spoilt.blocks.first_key_value().expect("one");
        let start = block * BLOCK_BYTES;
        let mut read = |at: u64, length: usize| spoilt.meet(number, at, &mut vec![0; length]);
        assert_eq!(read(start, 1), Err(Unreadable));
        assert_eq!(read(start + BLOCK_BYTES - 1, 1), Err(Unreadable));
        assert_eq!(read(start + BLOCK_BYTES, 100), Ok(()));
        assert_eq!(read(start, 0), Ok(()));
        spoilt.write(number, &(start + 7..start + 8));
        let all = usize::try_from(start + 2 * BLOCK_BYTES).expect("small");
        assert_eq!(spoilt.meet(number, 0, &mut vec![0; all]), Ok(()));
        assert_eq!(spoilt.met(), 2);
    }

    #[test]
    fn nothing_is_spoilt_where_nothing_was_written() {
        let files = [(2, 0)].into_iter();
        let draws = &mut Seed(1).stream("spoilt");
        let spoilt = Spoilt::draw(Spoiling::Flipped, 5, draws, files);
        assert_eq!(spoilt.blocks(), 0);
    }
}
