//! Which operations touch which key: counted, then filled in, eight bytes an operation and key.
//!
//! Items are made from this one at a time, judged while they lie in the processor's cache, and dropped.

use crate::history::Ending;
use crate::history::{History, Key, Op, Operation, Reply};
use crate::table::Table;

/// A place at which a key is touched: the operation, and the step of a transaction, the row of a scan or the record of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touch {
    operation: u32,
    position: u32,
}

impl Touch {
    fn new(operation: usize, position: usize) -> Self {
        let number = |n: usize| u32::try_from(n).expect("a history has fewer than 2^32 operations");
        Self {
            operation: number(operation),
            position: number(position),
        }
    }

    /// Index of the operation in the history.
    pub(crate) fn operation(self) -> usize {
        self.operation as usize
    }

    /// Index of the transaction's step, the scan's row or the stream's record.
    pub(crate) fn position(self) -> usize {
        self.position as usize
    }
}

/// All touches, by key.
pub(crate) struct ByKey {
    /// Keys in ascending order, each with the range of its touches.
    keys: Vec<(Key, usize, usize)>,
    touches: Vec<Touch>,
}

impl ByKey {
    pub(crate) fn new(history: &History) -> Self {
        let mut numbers: Table<usize> = Table::default();
        let mut counts: Vec<usize> = Vec::new();
        let mut last = (Key(0), None);
        let mut number = |key: Key| {
            if let (known, Some(number)) = last
                && known == key
            {
                return number;
            }
            let next = numbers.len();
            let number = *numbers.or_insert_with(key.0.cast_signed(), || next);
            last = (key, Some(number));
            number
        };
        visit(history, |_, key| {
            let number = number(key);
            if number == counts.len() {
                counts.push(0);
            }
            counts[number] += 1;
        });
        let mut ends = Vec::with_capacity(counts.len());
        let mut total = 0;
        for count in &counts {
            ends.push(total);
            total += count;
        }
        let mut touches = vec![Touch::new(0, 0); total];
        visit(history, |touch, key| {
            let end = &mut ends[number(key)];
            touches[*end] = touch;
            *end += 1;
        });
        let mut keys: Vec<_> = numbers
            .iter()
            .map(|(key, number)| {
                let end = ends[*number];
                (Key(key.cast_unsigned()), end - counts[*number], end)
            })
            .collect();
        keys.sort_unstable();
        Self { keys, touches }
    }

    /// Every key in ascending order, with its touches in the order of the operations.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &[Touch])> {
        (0..self.len()).map(|place| self.at(place))
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The key at a place of the ascending order, with its touches.
    pub(crate) fn at(&self, place: usize) -> (Key, &[Touch]) {
        let (key, start, end) = self.keys[place];
        (key, &self.touches[start..end])
    }
}

/// Adds the touches of one key by the last of these operations.
pub(crate) fn touch_by_last(operations: &[Operation], key: Key, touches: &mut Vec<Touch>) {
    let Some((last, before)) = operations.split_last() else {
        return;
    };
    visit_one(before.len(), last, |touch, own| {
        if own == key {
            touches.push(touch);
        }
    });
}

/// Visits every touch of every key, in the order of the operations.
fn visit(history: &History, mut see: impl FnMut(Touch, Key)) {
    for (index, operation) in history.operations.iter().enumerate() {
        visit_one(index, operation, &mut see);
    }
}

/// Visits every touch of every key by the operation at this index.
fn visit_one(index: usize, operation: &Operation, mut see: impl FnMut(Touch, Key)) {
    match &operation.op {
        Op::Read { key, .. }
        | Op::Write { key, .. }
        | Op::Delete { key }
        | Op::Cas { key, .. }
        | Op::AddToSet { key, .. }
        | Op::Increment { key, .. }
        | Op::Append { key, .. } => see(Touch::new(index, 0), *key),
        Op::Transact { ops } => {
            for (position, op) in ops.iter().enumerate() {
                see(Touch::new(index, position), op.key());
            }
        }
        Op::Scan => {
            if let Ending::Ok(Reply::Scan(items)) = &operation.ending {
                for (position, (key, _)) in items.iter().enumerate() {
                    see(Touch::new(index, position), *key);
                }
            }
        }
        Op::Stream => {
            if let Ending::Ok(Reply::Stream(records) | Reply::StreamAnew(records)) =
                &operation.ending
            {
                for (position, (key, ..)) in records.iter().enumerate() {
                    see(Touch::new(index, position), *key);
                }
            }
        }
    }
}
