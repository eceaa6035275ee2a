//! What a row of the item space holds: a version, and the item or its tombstone.
//!
//! The header stands first and can be read alone: most writes and every merge need nothing else. The attributes after it travel to peers as they
//! are, without being decoded.

use serde::{Deserialize, Serialize};

use super::{AttributeValue, Item, Number, Version};
use crate::store::StoreError;

/// First byte of every record; a later format gets another.
const FORMAT: u8 = 1;

/// Prefix of the attributes that belong to replication.
const RESERVED: &str = "aws:rep:";

/// Which `aws:rep:*` attributes a reader sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Shown {
    /// None: written outside a global table.
    Nothing,
    /// Those of the record's own version.
    Own,
    /// Those of an older version: the item was updated after its table had left the global table, which stamps no more.
    Former(Version),
}

/// What is known of a version without its attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) version: Version,
    /// Position in the feed of the region that wrote it; 0 when it was in no feed.
    pub(super) position: u64,
    pub(super) shown: Shown,
    pub(super) deleted: bool,
}

impl Header {
    /// The row: this header, then the attributes as [`encode_item`] gives them (nothing for a tombstone).
    pub(super) fn row(&self, attributes: &[u8]) -> Vec<u8> {
        assert_eq!(
            self.deleted,
            attributes.is_empty(),
            "a tombstone holds no attributes"
        );
        let mut bytes = Vec::with_capacity(64 + attributes.len());
        bytes.push(FORMAT);
        let mut bytes = postcard::to_extend(self, bytes).expect("a vector takes every header");
        bytes.extend_from_slice(attributes);
        bytes
    }
}

/// The attributes of an item as rows hold them. Never empty, not even for an item without attributes.
pub(super) fn encode_item(item: &Item) -> Vec<u8> {
    postcard::to_stdvec(item).expect("a vector takes every item")
}

/// Reads a row's header; gives the attributes' bytes beside it.
pub(super) fn decode_header(row: &[u8]) -> Result<(Header, &[u8]), StoreError> {
    let unreadable = |reason: String| StoreError(format!("an item's row is unreadable: {reason}"));
    match row.split_first() {
        Some((&FORMAT, rest)) => {
            postcard::take_from_bytes(rest).map_err(|error| unreadable(error.to_string()))
        }
        Some((other, _)) => Err(unreadable(format!(
            "format {other} is not known to this version"
        ))),
        None => Err(unreadable("it is empty".to_owned())),
    }
}

/// Reads the attributes beside a header.
pub(super) fn decode_item(attributes: &[u8]) -> Result<Item, StoreError> {
    postcard::from_bytes(attributes)
        .map_err(|error| StoreError(format!("an item's attributes are unreadable: {error}")))
}

/// What a row holds: its version, and its item unless that is deleted.
///
/// # Errors
/// When it is no row of this format.
pub(crate) fn item_of_row(row: &[u8]) -> Result<(Version, Option<Item>), StoreError> {
    let (header, attributes) = decode_header(row)?;
    let item = (!header.deleted).then(|| decode_item(attributes));
    Ok((header.version, item.transpose()?))
}

/// Adds the `aws:rep:*` attributes that a reader sees.
pub(super) fn show(item: &mut Item, header: &Header) {
    if let Some(version) = shown_version(header) {
        show_version(item, version);
    }
}

/// The version that a reader sees in the `aws:rep:*` attributes.
pub(super) fn shown_version(header: &Header) -> Option<&Version> {
    match &header.shown {
        Shown::Nothing => None,
        Shown::Own => Some(&header.version),
        Shown::Former(version) => Some(version),
    }
}

/// The first phase of a delete, as a stream of version 2017.11.29 shows it.
pub(super) fn show_deleting(item: &mut Item) {
    item.insert("aws:rep:deleting".to_owned(), AttributeValue::Bool(true));
}

/// Adds the attributes of this version.
pub(super) fn show_version(item: &mut Item, version: &Version) {
    let time = AttributeValue::N(Number(seconds(version.time_us)));
    item.insert("aws:rep:deleting".to_owned(), AttributeValue::Bool(false));
    item.insert("aws:rep:updatetime".to_owned(), time);
    item.insert(
        "aws:rep:updateregion".to_owned(),
        AttributeValue::S(version.region.to_string()),
    );
}

/// Drops `aws:rep:*` attributes: what a client writes there is replaced by what is true.
pub(super) fn strip(item: &mut Item) {
    item.retain(|name, _| !name.starts_with(RESERVED));
}

/// Epoch seconds with six decimals, less the zeros at the end that DynamoDB's numbers never keep.
fn seconds(time_us: i64) -> String {
    let (whole, micros) = (time_us.div_euclid(1_000_000), time_us.rem_euclid(1_000_000));
    if micros == 0 {
        return whole.to_string();
    }
    format!("{whole}.{micros:06}")
        .trim_end_matches('0')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Region;

    fn header(deleted: bool) -> Header {
        Header {
            version: Version {
                time_us: 1_519_085_870_846_001,
                region: Region::new("us-east-1"),
            },
            position: 7,
            shown: Shown::Own,
            deleted,
        }
    }

    #[test]
    fn rows_come_back_as_they_went() {
        let item = Item::from([("id".to_owned(), AttributeValue::S("1".to_owned()))]);
        let row = header(false).row(&encode_item(&item));
        let (read, attributes) = decode_header(&row).unwrap();
        assert_eq!(read, header(false));
        assert_eq!(decode_item(attributes).unwrap(), item);
        let row = header(true).row(&[]);
        assert_eq!(decode_header(&row).unwrap(), (header(true), &[] as &[u8]));
        assert!(decode_header(&[9, 1]).is_err());
        assert!(decode_header(&[]).is_err());
    }

    #[test]
    fn replication_attributes_look_as_on_aws() {
        let mut item = Item::new();
        show(&mut item, &header(false));
        insta::assert_snapshot!(serde_json::to_string(&item).unwrap(), @r#"{"aws:rep:deleting":{"Bool":false},"aws:rep:updateregion":{"S":"us-east-1"},"aws:rep:updatetime":{"N":"1519085870.846001"}}"#);
        strip(&mut item);
        assert!(item.is_empty());
        assert_eq!(seconds(1_000_010), "1.00001");
        assert_eq!(seconds(2_000_000), "2");
    }
}
