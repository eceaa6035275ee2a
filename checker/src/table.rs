//! A map from numbers that is fast and the same in every run: open addressing, fixed hash, iteration in the order of insertion.
//!
//! The standard hash map is seeded anew in every process, and a tree costs a cache miss a level; a checker looks up a value several times
//! for every operation. Nothing is ever removed.

/// What a slot without an entry holds.
const FREE: u32 = u32::MAX;
/// How many slots a table begins with; a power of two.
const SLOT_COUNT_MIN: usize = 8;

/// A map from numbers.
#[derive(Clone, Debug)]
pub(crate) struct Table<V> {
    /// Indices into `entries`; a power of two of them, at most half in use.
    slots: Vec<u32>,
    entries: Vec<(i64, V)>,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            entries: Vec::new(),
        }
    }
}

impl<V> Table<V> {
    /// A table for about so many numbers.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self {
            slots: vec![FREE; (count * 2).next_power_of_two().max(SLOT_COUNT_MIN)],
            entries: Vec::with_capacity(count),
        }
    }

    /// The value of a number.
    pub(crate) fn get(&self, key: i64) -> Option<&V> {
        let index = self.find(key)?;
        Some(&self.entries[index].1)
    }

    /// The value of a number, to be changed.
    pub(crate) fn get_mut(&mut self, key: i64) -> Option<&mut V> {
        let index = self.find(key)?;
        Some(&mut self.entries[index].1)
    }

    /// Whether a number has a value.
    pub(crate) fn contains(&self, key: i64) -> bool {
        self.find(key).is_some()
    }

    /// How many numbers have values.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Where a number lies in the order of insertion.
    pub(crate) fn find(&self, key: i64) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut slot = hash(key) & mask;
        loop {
            let index = self.slots[slot];
            if index == FREE {
                return None;
            }
            let index = index as usize;
            if self.entries[index].0 == key {
                return Some(index);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// The number at a place.
    pub(crate) fn key(&self, place: usize) -> i64 {
        self.entries[place].0
    }

    /// The value at a place.
    pub(crate) fn at(&self, place: usize) -> &V {
        &self.entries[place].1
    }

    /// The value at a place, to be changed.
    pub(crate) fn at_mut(&mut self, place: usize) -> &mut V {
        &mut self.entries[place].1
    }

    /// All values, to be changed.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    /// The place of a number, which gets one if it has none.
    pub(crate) fn place(&mut self, key: i64, make: impl FnOnce() -> V) -> usize {
        match self.find(key) {
            Some(index) => index,
            None => self.push(key, make()),
        }
    }

    /// The value of a number, which is made if there is none.
    pub(crate) fn or_insert_with(&mut self, key: i64, make: impl FnOnce() -> V) -> &mut V {
        let index = self.place(key, make);
        &mut self.entries[index].1
    }

    /// Sets the value of a number, and returns the one that it had.
    pub(crate) fn insert(&mut self, key: i64, value: V) -> Option<V> {
        match self.find(key) {
            Some(index) => Some(std::mem::replace(&mut self.entries[index].1, value)),
            None => {
                self.push(key, value);
                None
            }
        }
    }

    /// All numbers and their values, in the order in which they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, &V)> {
        self.entries.iter().map(|(key, value)| (*key, value))
    }

    /// Adds a number that is not there yet.
    fn push(&mut self, key: i64, value: V) -> usize {
        let index = self.entries.len();
        self.entries.push((key, value));
        if self.entries.len() * 2 > self.slots.len() {
            let count = (self.slots.len() * 2).max(SLOT_COUNT_MIN);
            self.slots = vec![FREE; count];
            for index in 0..self.entries.len() {
                self.settle(index);
            }
        } else {
            self.settle(index);
        }
        index
    }

    fn settle(&mut self, index: usize) {
        let mask = self.slots.len() - 1;
        let mut slot = hash(self.entries[index].0) & mask;
        while self.slots[slot] != FREE {
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = u32::try_from(index).expect("fewer than 2^32 numbers");
    }
}

/// Fibonacci hashing: the high bits of a product with the golden ratio spread runs and strides alike.
fn hash(key: i64) -> usize {
    let product = key.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    usize::try_from(product >> 32).expect("32 bits fit")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Table;

    #[test]
    fn it_agrees_with_a_tree() {
        let mut table = Table::default();
        let mut tree = BTreeMap::new();
        let mut random: u64 = 7;
        for step in 0..20_000_i64 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let key = match step % 3 {
                0 => i64::from(random.is_multiple_of(500)) << 40,
                1 => step,
                _ => (random % 4_000).cast_signed() - 2_000,
            };
            assert_eq!(table.insert(key, step), tree.insert(key, step));
            assert_eq!(table.get(key + 1), tree.get(&(key + 1)));
        }
        assert_eq!(table.len(), tree.len());
        let sorted: BTreeMap<i64, i64> = table.iter().map(|(k, v)| (k, *v)).collect();
        assert_eq!(sorted, tree);
    }
}
