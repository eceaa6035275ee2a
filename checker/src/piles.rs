//! Operations put aside as rows, on piles by key, while a history is read: what must be judged together lies together.
//!
//! A pile holds all operations of its keys. Piles lie in memory up to a limit and beyond it in one file, to which some of them are appended,
//! in turns, whenever the limit is reached. They are read one at a time, so that only what is being judged is ever unpacked.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::history::binary::row::{self, Before};
use crate::history::{Ending, Key, MicroOp, Op, Operation, Phase, RegionId, Reply};
use crate::paired::Paired;

/// How many piles there are: enough that one of ten million operations fits into a processor's cache when it is unpacked.
const PILE_COUNT: usize = 1024;
/// The length up to which a block of rows grows by doubling.
const BLOCK_BYTES: usize = 16 << 10;

/// What part of the memory allowed is made free when it is full.
const ROOM_SHARE: u64 = 8;

/// All piles.
pub(crate) struct Piles {
    piles: Vec<Pile>,
    /// How many bytes of rows lie in memory.
    held_bytes: u64,
    /// How many may.
    limit_bytes: u64,
    /// The file for rows that do not fit into memory.
    spill: Option<Mutex<Spill>>,
    /// The pile that goes there next.
    next_spilled: usize,
    fetches: Fetches,
}

/// The fetches of streams that say something about every item: the first of each region, the last of the final phase, and those that began anew.
#[derive(Debug, Default)]
struct Fetches {
    ends: BTreeMap<RegionId, (Operation, Option<Operation>)>,
    anew: Vec<Operation>,
}

impl Fetches {
    fn note(&mut self, operation: &Operation) {
        let is_anew = matches!(operation.ending, Ending::Ok(Reply::StreamAnew(_)));
        let nothing = if is_anew {
            Reply::StreamAnew(Vec::new())
        } else {
            Reply::Stream(Vec::new())
        };
        let bare = Operation {
            ending: Ending::Ok(nothing),
            ..operation.clone()
        };
        if is_anew {
            self.anew.push(bare.clone());
        }
        let (first, last) = self
            .ends
            .entry(operation.region)
            .or_insert_with(|| (bare.clone(), None));
        if operation.line_invoke < first.line_invoke {
            *first = bare.clone();
        }
        let is_later = |last: &Operation| last.line_invoke < operation.line_invoke;
        if operation.phase == Phase::Final && last.as_ref().is_none_or(is_later) {
            *last = Some(bare);
        }
    }

    /// All of them, without their records, in their order.
    fn sorted(&self) -> Vec<Operation> {
        let fetches = self.ends.values().cloned();
        let mut all: Vec<_> = fetches
            .flat_map(|(first, last)| last.into_iter().chain([first]))
            .chain(self.anew.iter().cloned())
            .collect();
        all.sort_by_key(|o| o.line_invoke);
        all.dedup_by_key(|o| o.line_invoke);
        all
    }
}

/// Rows of some keys.
#[derive(Default)]
pub(crate) struct Pile {
    before: Before,
    blocks: Vec<Block>,
    /// The block that grows.
    last: Vec<u8>,
    row_count: usize,
    byte_count: usize,
    /// Whether rows have come since it was last asked.
    has_grown: bool,
}

enum Block {
    Held(Vec<u8>),
    Spilled { offset: u64, length: usize },
}

/// A file, and how much of it is in use.
struct Spill {
    file: File,
    length: u64,
}

impl Spill {
    /// Appends what a pile holds in memory; returns how many bytes these were.
    fn append(&mut self, pile: &mut Pile) -> io::Result<usize> {
        let last = std::mem::take(&mut pile.last);
        let (offset, mut length) = (self.length, 0);
        let is_held = |block: &Block| matches!(block, Block::Held(_));
        let first_held = pile.blocks.iter().position(is_held);
        let first_held = first_held.unwrap_or(pile.blocks.len());
        for block in pile.blocks.drain(first_held..).chain([Block::Held(last)]) {
            if let Block::Held(bytes) = block {
                self.file.write_all(&bytes)?;
                length += bytes.len();
            }
        }
        if length > 0 {
            self.length += length as u64;
            pile.blocks.push(Block::Spilled { offset, length });
        }
        Ok(length)
    }
}

impl Piles {
    /// Piles that stay in memory.
    pub(crate) fn in_memory() -> Self {
        Self {
            piles: (0..PILE_COUNT).map(|_| Pile::default()).collect(),
            held_bytes: 0,
            limit_bytes: u64::MAX,
            spill: None,
            next_spilled: 0,
            fetches: Fetches::default(),
        }
    }

    /// Piles of which some go to this file whenever all hold more than so many bytes.
    pub(crate) fn on_disk(file: File, limit_bytes: u64) -> Self {
        Self {
            limit_bytes,
            spill: Some(Mutex::new(Spill { file, length: 0 })),
            ..Self::in_memory()
        }
    }

    /// Puts operations on the piles of all keys that they touch.
    pub(crate) fn push(&mut self, paired: &Paired) -> io::Result<()> {
        for operation in &paired.several {
            if let (Op::Stream, Ending::Ok(_)) = (&operation.op, &operation.ending) {
                self.fetches.note(operation);
            }
        }
        rows(paired, |key, write| self.row(key, write));
        if self.held_bytes > self.limit_bytes {
            self.spill()?;
        }
        Ok(())
    }

    fn row(&mut self, key: Key, write: impl FnOnce(&mut Vec<u8>, &mut Before)) {
        let pile = &mut self.piles[pile_of(key)];
        let before_bytes = pile.last.len();
        write(&mut pile.last, &mut pile.before);
        let bytes = pile.last.len() - before_bytes;
        self.held_bytes += bytes as u64;
        pile.byte_count += bytes;
        pile.row_count += 1;
        pile.has_grown = true;
        if pile.last.len() >= BLOCK_BYTES {
            let next = Vec::with_capacity(BLOCK_BYTES + BLOCK_BYTES / 16);
            let full = std::mem::replace(&mut pile.last, next);
            pile.blocks.push(Block::Held(full));
        }
    }

    /// Makes room: pile after pile, in turns, what lies in memory is appended to the file. No more than must, for it has to come back.
    fn spill(&mut self) -> io::Result<()> {
        let spill = self
            .spill
            .as_mut()
            .expect("only with a file is there a limit");
        let spill = spill.get_mut().unwrap_or_else(PoisonError::into_inner);
        spill.file.seek(SeekFrom::Start(spill.length))?;
        let enough_bytes = self.limit_bytes - self.limit_bytes / ROOM_SHARE;
        while self.held_bytes > enough_bytes {
            self.held_bytes -= spill.append(&mut self.piles[self.next_spilled])? as u64;
            self.next_spilled = (self.next_spilled + 1) % PILE_COUNT;
        }
        Ok(())
    }

    /// How many piles there are.
    pub(crate) fn count(&self) -> usize {
        self.piles.len()
    }

    /// The pile of a key.
    pub(crate) fn of(&self, key: Key) -> usize {
        let pile = pile_of(key);
        debug_assert!(pile < self.piles.len(), "there is one for every key");
        pile
    }

    /// How many rows a pile has, and how many bytes these are.
    pub(crate) fn size(&self, index: usize) -> (usize, usize) {
        (self.piles[index].row_count, self.piles[index].byte_count)
    }

    /// The piles to which rows came since this was last asked.
    pub(crate) fn grown(&mut self) -> Vec<usize> {
        let piles = self.piles.iter_mut().enumerate();
        let grown = piles.filter_map(|(i, pile)| std::mem::take(&mut pile.has_grown).then_some(i));
        grown.collect()
    }

    /// What the piles would hold besides, if these operations were pushed.
    pub(crate) fn besides(&self, open: &Paired) -> BTreeMap<usize, Vec<u8>> {
        let mut besides: BTreeMap<usize, (Before, Vec<u8>)> = BTreeMap::new();
        rows(open, |key, write| {
            let index = pile_of(key);
            let start = || (self.piles[index].before, Vec::new());
            let (before, rows) = besides.entry(index).or_insert_with(start);
            write(rows, before);
        });
        let rows = besides.into_iter();
        rows.map(|(index, (_, rows))| (index, rows)).collect()
    }

    /// Fetches of streams that say something about every item, without their records, in their order.
    pub(crate) fn fetches(&self) -> Vec<Operation> {
        self.fetches.sorted()
    }

    /// All rows of a pile, in one piece.
    pub(crate) fn rows(&self, index: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
        let pile = &self.piles[index];
        bytes.clear();
        bytes.reserve(pile.byte_count);
        for block in &pile.blocks {
            match block {
                Block::Held(block) => bytes.extend_from_slice(block),
                Block::Spilled { offset, length } => {
                    let spill = self.spill.as_ref().expect("spilled into a file");
                    let mut spill = lock(spill);
                    spill.file.seek(SeekFrom::Start(*offset))?;
                    let start = bytes.len();
                    bytes.resize(start + length, 0);
                    spill.file.read_exact(&mut bytes[start..])?;
                }
            }
        }
        bytes.extend_from_slice(&pile.last);
        Ok(())
    }
}

/// The rows of operations: the key of each, and what writes it.
fn rows(paired: &Paired, mut see: impl FnMut(Key, &dyn Fn(&mut Vec<u8>, &mut Before))) {
    let mut start = 0;
    for row in &paired.rows {
        let rest = &paired.bytes[start..row.end];
        start = row.end;
        see(row.key, &|pile, before| {
            row::write(pile, before, row.key, (row.line, row.call_ns), rest);
        });
    }
    for operation in &paired.several {
        each_key(operation, |key, own| {
            see(key, &|pile, before| {
                row::write_operation(pile, before, key, own)
            });
        });
    }
}

/// Shows an operation once for every key that it touches. Of what shows many items, each key needs only what was seen of it.
fn each_key(operation: &Operation, mut see: impl FnMut(Key, &Operation)) {
    let part = |reply| Operation {
        ending: Ending::Ok(reply),
        ..operation.clone()
    };
    match &operation.op {
        Op::Read { key, .. }
        | Op::Write { key, .. }
        | Op::Delete { key }
        | Op::Cas { key, .. }
        | Op::AddToSet { key, .. }
        | Op::Increment { key, .. }
        | Op::Append { key, .. } => see(*key, operation),
        Op::Transact { ops } => {
            let mut keys: Vec<Key> = ops.iter().map(MicroOp::key).collect();
            keys.sort_unstable();
            keys.dedup();
            keys.into_iter().for_each(|key| see(key, operation));
        }
        Op::Scan | Op::Stream => match &operation.ending {
            Ending::Ok(Reply::Scan(items)) => {
                for (key, own) in by_key(items, |(key, _)| *key) {
                    see(key, &part(Reply::Scan(own)));
                }
            }
            Ending::Ok(Reply::Stream(records)) => {
                for (key, own) in by_key(records, |(key, ..)| *key) {
                    see(key, &part(Reply::Stream(own)));
                }
            }
            Ending::Ok(Reply::StreamAnew(records)) => {
                for (key, own) in by_key(records, |(key, ..)| *key) {
                    see(key, &part(Reply::StreamAnew(own)));
                }
            }
            Ending::Ok(_) | Ending::Failed { .. } | Ending::Unknown { .. } => {}
        },
    }
}

/// What is behind a lock. A thread that panicked while it held one left nothing half-done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The pile of a key: the high bits of a product with the golden ratio.
fn pile_of(key: Key) -> usize {
    let product = key.0.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    usize::try_from(product >> 54).expect("ten bits")
}

/// What belongs to each key, in its order.
fn by_key<T: Clone>(all: &[T], key: impl Fn(&T) -> Key) -> Vec<(Key, Vec<T>)> {
    let mut sorted: Vec<&T> = all.iter().collect();
    sorted.sort_by_key(|one| key(one));
    let groups = sorted.chunk_by(|one, other| key(one) == key(other));
    let group = |group: &[&T]| {
        (
            key(group[0]),
            group.iter().map(|one| (*one).clone()).collect(),
        )
    };
    groups.map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::Piles;
    use crate::history::binary::row;
    use crate::history::{Ended, Operation, one_line};
    use crate::paired::Paired;

    /// What comes back from piles, in its order.
    fn through(mut piles: Piles, operations: &[Operation]) -> Vec<Operation> {
        for operation in operations {
            let mut paired = Paired::default();
            paired.push(Ended::Several(operation.clone()));
            piles.push(&paired).expect("a temporary file");
        }
        let (mut bytes, mut places, mut back) = (Vec::new(), Vec::new(), Vec::new());
        for pile in 0..piles.count() {
            piles.rows(pile, &mut bytes).expect("a temporary file");
            row::places(&bytes, &mut places).expect("undamaged");
            row::sort(&mut places);
            for place in &places {
                row::read(&bytes, place, 2, &mut back).expect("undamaged");
            }
        }
        back.sort_by_key(|operation| operation.line_invoke);
        back
    }

    #[test]
    fn what_is_put_aside_comes_back_from_memory_and_from_disk() {
        let text = "us:w1[0-1] 7/eu:r-[2-3] us:c1>2~1@7us[4-5]! us:c*>-[4-?] 8/us:i-3[5-6] 9/us:a4[5-?] us:r{1,2}[6-7]F 9999999/eu:d[6-7] eu:w-5[7-?]";
        let operations = one_line(text).expect("well formed").operations;
        for limit_bytes in [0, 40, 1 << 20] {
            let file = tempfile::tempfile().expect("a temporary file");
            let back = through(Piles::on_disk(file, limit_bytes), &operations);
            assert_eq!(back, operations, "at most {limit_bytes}");
        }
        assert_eq!(through(Piles::in_memory(), &operations), operations);
    }
}
