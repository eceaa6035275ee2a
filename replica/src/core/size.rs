//! How many bytes an item counts, and the capacity units that follow from them (AWS: "Item sizes and formats", "Read and write capacity").

use super::{ApiError, AttributeValue, Item, Number};

/// Most bytes of an item, names included: 400 KB.
pub const ITEM_MAX_BYTES: usize = 409_600;
/// A read unit covers this many bytes.
const READ_UNIT_BYTES: usize = 4096;
/// A write unit covers this many bytes.
const WRITE_UNIT_BYTES: usize = 1024;

/// The bytes that an item counts.
#[must_use]
pub fn item_size_bytes(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + value_size_bytes(value))
        .sum()
}

/// The bytes that a value counts, without its name.
#[must_use]
pub fn value_size_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number_size_bytes(number),
        AttributeValue::B(bytes) => bytes.len(),
        AttributeValue::Bool(_) | AttributeValue::Null => 1,
        AttributeValue::M(map) => 3 + map.len() + item_size_bytes(map),
        AttributeValue::L(list) => {
            3 + list.len() + list.iter().map(value_size_bytes).sum::<usize>()
        }
        AttributeValue::Ss(set) => set.iter().map(String::len).sum(),
        AttributeValue::Ns(set) => set.iter().map(number_size_bytes).sum(),
        AttributeValue::Bs(set) => set.iter().map(Vec::len).sum(),
    }
}

/// About one byte per two significant digits, and one more; another one for the sign.
fn number_size_bytes(number: &Number) -> usize {
    let sign = usize::from(number.as_str().starts_with('-'));
    if number.as_str() == "0" {
        return 1;
    }
    1 + number.digits().div_ceil(2) + sign
}

/// Refuses a new item that is too large.
///
/// # Errors
/// `ValidationException` over 400 KB.
pub fn check_item_size(item: &Item) -> Result<(), ApiError> {
    check(item, "Item size has exceeded the maximum allowed size")
}

/// Refuses an item that an update made too large.
///
/// # Errors
/// `ValidationException` over 400 KB.
pub fn check_updated_item_size(item: &Item) -> Result<(), ApiError> {
    check(
        item,
        "Item size to update has exceeded the maximum allowed size",
    )
}

fn check(item: &Item, message: &str) -> Result<(), ApiError> {
    if item_size_bytes(item) > ITEM_MAX_BYTES {
        return Err(ApiError::validation(message));
    }
    Ok(())
}

/// Half units of an eventually consistent read: 0.5 per 4 KB, at least one step.
#[must_use]
pub fn eventual_read_half_units(bytes: usize) -> u64 {
    steps(bytes, READ_UNIT_BYTES)
}

/// Half units of a strongly consistent read: 1 unit per 4 KB, at least one step.
#[must_use]
pub fn strong_read_half_units(bytes: usize) -> u64 {
    2 * steps(bytes, READ_UNIT_BYTES)
}

/// Half units of a write: 1 unit per 1 KB of the larger of the old and the new item, at least one step.
#[must_use]
pub fn write_half_units(bytes: usize) -> u64 {
    2 * steps(bytes, WRITE_UNIT_BYTES)
}

fn steps(bytes: usize, step: usize) -> u64 {
    u64::try_from(bytes.div_ceil(step).max(1)).expect("a count of steps fits in u64")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn sizes_follow_the_documented_rules() {
        let number = |text| AttributeValue::N(Number::parse(text).unwrap());
        for (value, bytes) in [
            (AttributeValue::S("äb".to_owned()), 3),
            (number("0"), 1),
            (number("7"), 2),
            (number("-1200"), 3),
            (number("1519085870.846001"), 9),
            (AttributeValue::B(vec![0; 5]), 5),
            (AttributeValue::Null, 1),
            (AttributeValue::L(vec![]), 3),
            (AttributeValue::L(vec![AttributeValue::Bool(true); 2]), 7),
            (
                AttributeValue::M(BTreeMap::from([("ab".to_owned(), number("1"))])),
                8,
            ),
            (
                AttributeValue::Ss(BTreeSet::from(["a".to_owned(), "bcd".to_owned()])),
                4,
            ),
        ] {
            assert_eq!(value_size_bytes(&value), bytes, "{value:?}");
        }
    }

    #[test]
    fn the_limit_counts_names() {
        let item = |bytes| Item::from([("name".to_owned(), AttributeValue::B(vec![0; bytes]))]);
        assert!(check_item_size(&item(ITEM_MAX_BYTES - 4)).is_ok());
        let large = item(ITEM_MAX_BYTES - 3);
        insta::assert_snapshot!(check_item_size(&large).unwrap_err().message, @"Item size has exceeded the maximum allowed size");
        insta::assert_snapshot!(check_updated_item_size(&large).unwrap_err().message, @"Item size to update has exceeded the maximum allowed size");
    }

    #[test]
    fn units_go_up_in_steps() {
        assert_eq!([0, 1, 1024, 1025].map(write_half_units), [2, 2, 2, 4]);
        assert_eq!([0, 4096, 4097].map(eventual_read_half_units), [1, 1, 2]);
        assert_eq!(strong_read_half_units(4097), 4);
    }
}
