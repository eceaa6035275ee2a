//! Keys: which attributes identify an item, and the bytes its row is found by.
//!
//! The bytes keep DynamoDB's order: rows of one partition lie together, ordered by sort key (numbers by value, strings by UTF-8 bytes,
//! binary by bytes). They are not meant to be decoded: the row holds the item, and the item its key.

use super::{ApiError, AttributeValue, Item, KeySchema, KeyType};

mod range;

#[cfg(test)]
mod tests;

pub(super) use range::{KeyRange, partition_of};

/// Most bytes of a partition key value.
const PARTITION_MAX_BYTES: usize = 2048;
/// Most bytes of a sort key value.
const SORT_MAX_BYTES: usize = 1024;
/// Ends an encoded string or binary partition key. A zero byte within is followed by [`ZERO`], which is greater, so order is kept.
const END: u8 = 0;
/// Follows a zero byte within a partition key.
const ZERO: u8 = 0xff;

/// The encoded key of an item; ordered as DynamoDB orders items.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    /// The partition key, self-delimiting: no encoded partition key is a prefix of another of the same table.
    pub partition: Vec<u8>,
    /// The sort key; empty in a table that has none.
    pub sort: Vec<u8>,
}

impl ItemKey {
    /// The row's key within its table. Orders like the `ItemKey`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.partition.as_slice(), self.sort.as_slice()].concat()
    }
}

/// The key of a whole item, as in `PutItem`.
///
/// # Errors
/// `ValidationException` when a key attribute is missing, of the wrong type, empty or too long.
pub fn key_of_item(schema: &KeySchema, item: &Item) -> Result<ItemKey, ApiError> {
    encode(schema, |name, expected| {
        let value = item
            .get(name)
            .ok_or_else(|| invalid(&format!("Missing the key {name} in the item")))?;
        if key_type(value) == Some(expected) {
            return Ok(value);
        }
        Err(invalid(&format!(
            "Type mismatch for key {name} expected: {} actual: {}",
            expected.name(),
            value.type_name()
        )))
    })
}

/// The key of a map that must hold the key attributes and nothing else, as in `GetItem`.
///
/// # Errors
/// `ValidationException` when the attributes are not exactly those of the schema, or one is empty or too long.
pub fn key_of_key_map(schema: &KeySchema, key: &Item) -> Result<ItemKey, ApiError> {
    let mismatch = || ApiError::validation("The provided key element does not match the schema");
    if key.len() != 1 + usize::from(schema.sort.is_some()) {
        return Err(mismatch());
    }
    encode(schema, |name, expected| {
        key.get(name)
            .filter(|value| key_type(value) == Some(expected))
            .ok_or_else(mismatch)
    })
}

/// The key attributes of an item, as stream records and errors show them.
#[must_use]
pub fn key_attributes(schema: &KeySchema, item: &Item) -> Item {
    schema
        .names()
        .filter_map(|name| Some((name.to_owned(), item.get(name)?.clone())))
        .collect()
}

impl KeySchema {
    /// The names of the key attributes, partition key first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.partition)
            .chain(&self.sort)
            .map(|(name, _)| name.as_str())
    }
}

impl KeyType {
    /// AWS's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
        }
    }
}

fn encode<'a>(
    schema: &'a KeySchema,
    find: impl Fn(&'a str, KeyType) -> Result<&'a AttributeValue, ApiError>,
) -> Result<ItemKey, ApiError> {
    let (name, expected) = &schema.partition;
    let value = find(name, *expected)?;
    check_length(name, value, Place::Partition)?;
    let partition = encode_partition(value);
    let Some((name, expected)) = &schema.sort else {
        return Ok(ItemKey {
            partition,
            sort: Vec::new(),
        });
    };
    let value = find(name, *expected)?;
    check_length(name, value, Place::Sort)?;
    Ok(ItemKey {
        partition,
        sort: encode_sort(value),
    })
}

#[derive(Clone, Copy)]
enum Place {
    Partition,
    Sort,
}

fn check_length(name: &str, value: &AttributeValue, place: Place) -> Result<(), ApiError> {
    let Some(bytes) = raw(value) else {
        return Ok(());
    };
    if bytes.is_empty() {
        let kind = if key_type(value) == Some(KeyType::S) {
            "string"
        } else {
            "binary"
        };
        return Err(ApiError::validation(format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty {kind} value. Key: {name}"
        )));
    }
    match place {
        // The missing space is AWS's.
        Place::Partition if bytes.len() > PARTITION_MAX_BYTES => Err(invalid(
            "Size of hashkey has exceeded the maximum size limit of2048 bytes",
        )),
        Place::Sort if bytes.len() > SORT_MAX_BYTES => Err(invalid(
            "Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
        )),
        Place::Partition | Place::Sort => Ok(()),
    }
}

fn invalid(reason: &str) -> ApiError {
    ApiError::validation(format!(
        "One or more parameter values were invalid: {reason}"
    ))
}

fn encode_partition(value: &AttributeValue) -> Vec<u8> {
    let Some(bytes) = raw(value) else {
        return encode_sort(value);
    };
    let mut encoded = Vec::with_capacity(bytes.len() + 2);
    for byte in bytes {
        encoded.push(*byte);
        if *byte == 0 {
            encoded.push(ZERO);
        }
    }
    encoded.extend([0, END]);
    encoded
}

/// Nothing follows the sort key, so strings and bytes stand as they are.
fn encode_sort(value: &AttributeValue) -> Vec<u8> {
    match value {
        AttributeValue::N(number) => number.sort_key().to_vec(),
        AttributeValue::S(_)
        | AttributeValue::B(_)
        | AttributeValue::Bool(_)
        | AttributeValue::Null
        | AttributeValue::M(_)
        | AttributeValue::L(_)
        | AttributeValue::Ss(_)
        | AttributeValue::Ns(_)
        | AttributeValue::Bs(_) => raw(value).expect("key values are S, N or B").to_vec(),
    }
}

/// The bytes of a string or binary value.
fn raw(value: &AttributeValue) -> Option<&[u8]> {
    match value {
        AttributeValue::S(text) => Some(text.as_bytes()),
        AttributeValue::B(bytes) => Some(bytes),
        AttributeValue::N(_)
        | AttributeValue::Bool(_)
        | AttributeValue::Null
        | AttributeValue::M(_)
        | AttributeValue::L(_)
        | AttributeValue::Ss(_)
        | AttributeValue::Ns(_)
        | AttributeValue::Bs(_) => None,
    }
}

/// The key type of a value that may be a key.
fn key_type(value: &AttributeValue) -> Option<KeyType> {
    match value {
        AttributeValue::S(_) => Some(KeyType::S),
        AttributeValue::N(_) => Some(KeyType::N),
        AttributeValue::B(_) => Some(KeyType::B),
        AttributeValue::Bool(_)
        | AttributeValue::Null
        | AttributeValue::M(_)
        | AttributeValue::L(_)
        | AttributeValue::Ss(_)
        | AttributeValue::Ns(_)
        | AttributeValue::Bs(_) => None,
    }
}
