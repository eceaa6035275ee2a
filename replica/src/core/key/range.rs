//! Stretches of keys: what a `Query` walks, and which partition a row belongs to.

use std::ops::Bound;

use super::{END, Place, ZERO, check_length, encode_partition, encode_sort, key_type};
use crate::core::condition::{KeyCondition, KeyTest};
use crate::core::{ApiError, AttributeValue, KeySchema, KeyType};

/// A stretch of row keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::core) struct KeyRange {
    pub(in crate::core) start: Bound<Vec<u8>>,
    pub(in crate::core) end: Bound<Vec<u8>>,
}

impl KeyRange {
    /// Everything that begins with these bytes.
    pub(in crate::core) fn of_prefix(prefix: &[u8]) -> Self {
        Self {
            start: Bound::Included(prefix.to_vec()),
            end: after_prefix(prefix),
        }
    }

    /// What a key condition names, within a table whose rows begin with `table`; and the bytes of its partition.
    pub(in crate::core) fn of_condition(
        schema: &KeySchema,
        condition: &KeyCondition,
        table: &[u8],
    ) -> Result<(Self, Vec<u8>), ApiError> {
        let (name, kind) = &schema.partition;
        let find = |name: &str| condition.0.iter().find(|(tested, _)| tested == name);
        let missed = |name: &str| {
            ApiError::validation(format!("Query condition missed key schema element: {name}"))
        };
        let (_, test) = find(name).ok_or_else(|| missed(name))?;
        let unsupported = || ApiError::validation("Query key condition not supported");
        let KeyTest::Equal(value) = test else {
            return Err(unsupported());
        };
        check(name, *kind, value, Place::Partition)?;
        let partition = [table, &encode_partition(value)].concat();
        if condition.0.len() == 1 {
            return Ok((Self::of_prefix(&partition), partition));
        }
        let (name, kind) = schema.sort.as_ref().ok_or_else(unsupported)?;
        let (_, test) = find(name).ok_or_else(|| missed(name))?;
        for value in test.values() {
            check(name, *kind, value, Place::Sort)?;
        }
        let range = Self::of_test(&partition, test);
        Ok((range, partition))
    }

    fn of_test(partition: &[u8], test: &KeyTest) -> Self {
        let at = |value: &AttributeValue| [partition, &encode_sort(value)].concat();
        let whole = Self::of_prefix(partition);
        let (start, end) = match test {
            KeyTest::Equal(value) => (Bound::Included(at(value)), Bound::Included(at(value))),
            KeyTest::Less(value) => (whole.start, Bound::Excluded(at(value))),
            KeyTest::LessOrEqual(value) => (whole.start, Bound::Included(at(value))),
            KeyTest::Greater(value) => (Bound::Excluded(at(value)), whole.end),
            KeyTest::GreaterOrEqual(value) => (Bound::Included(at(value)), whole.end),
            KeyTest::Between(low, high) => (Bound::Included(at(low)), Bound::Included(at(high))),
            KeyTest::BeginsWith(value) => return Self::of_prefix(&at(value)),
        };
        Self { start, end }
    }

    /// Whether a key lies in it.
    pub(in crate::core) fn holds(&self, key: &[u8]) -> bool {
        let from_start = match &self.start {
            Bound::Included(start) => key >= start.as_slice(),
            Bound::Excluded(start) => key > start.as_slice(),
            Bound::Unbounded => true,
        };
        from_start
            && match &self.end {
                Bound::Included(end) => key <= end.as_slice(),
                Bound::Excluded(end) => key < end.as_slice(),
                Bound::Unbounded => true,
            }
    }

    /// Its bounds as the store takes them.
    pub(in crate::core) fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (
            self.start.as_ref().map(Vec::as_slice),
            self.end.as_ref().map(Vec::as_slice),
        )
    }
}

impl KeyTest {
    fn values(&self) -> Vec<&AttributeValue> {
        match self {
            Self::Equal(value)
            | Self::Less(value)
            | Self::LessOrEqual(value)
            | Self::Greater(value)
            | Self::GreaterOrEqual(value)
            | Self::BeginsWith(value) => vec![value],
            Self::Between(low, high) => vec![low, high],
        }
    }
}

fn check(name: &str, kind: KeyType, value: &AttributeValue, place: Place) -> Result<(), ApiError> {
    if key_type(value) != Some(kind) {
        return Err(super::invalid(
            "Condition parameter type does not match schema type",
        ));
    }
    check_length(name, value, place)
}

/// The end of everything that begins with these bytes.
fn after_prefix(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

/// The partition key's bytes at the start of an item's key.
pub(in crate::core) fn partition_of(kind: KeyType, item_key: &[u8]) -> &[u8] {
    let length = match kind {
        KeyType::N => size_of::<crate::core::NumberKey>(),
        KeyType::S | KeyType::B => {
            let mut length = 0;
            // A zero byte is followed by ZERO within the key, and by END where it ends.
            loop {
                match (item_key.get(length), item_key.get(length + 1)) {
                    (Some(0), Some(&ZERO)) => length += 2,
                    (Some(0), Some(&END)) => break length + 2,
                    (Some(_), _) => length += 1,
                    (None, _) => break length,
                }
            }
        }
    };
    &item_key[..length.min(item_key.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Number;

    #[test]
    fn a_partition_ends_where_its_key_does() {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        for value in [text("a"), text("a\0b"), text("\0\0"), text("a\0")] {
            let partition = encode_partition(&value);
            let row = [partition.as_slice(), b"\0\0sort"].concat();
            assert_eq!(partition_of(KeyType::S, &row), partition, "{value:?}");
        }
        let number = encode_partition(&AttributeValue::N(Number::from(7)));
        let row = [number.as_slice(), b"sort"].concat();
        assert_eq!(partition_of(KeyType::N, &row), number);
    }

    #[test]
    fn a_prefix_ends_before_the_next() {
        assert_eq!(after_prefix(b"a\xff"), Bound::Excluded(b"b".to_vec()));
        assert_eq!(after_prefix(b"\xff"), Bound::Unbounded);
    }
}
