//! What is stored of a write, and which records it stands for.
//!
//! Images are kept as the item's own row holds them, undecoded, once: a write in a replica of version 2017.11.29 shows as two records (the write, then the
//! stamping), which differ in the `aws:rep:*` attributes only.
//!
//! | what                          | where       | records                                                          |
//! |-------------------------------|-------------|------------------------------------------------------------------|
//! | put, update                   | source      | the write with the stamp it found (update) or none (put); the stamping |
//! | put, update                   | destination | one, with the stamp                                              |
//! | delete                        | source      | one                                                              |
//! | delete                        | destination | `aws:rep:deleting` becomes true; the removal                     |
//! | anything, version 2019.11.21 or no global table | anywhere | one                                              |
//!
//! A record that would change nothing is none.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::super::record::{Header, decode_item, show_deleting, show_version, shown_version};
use super::super::size::item_size_bytes;
use super::super::{
    Item, KeySchema, StreamEvent, StreamRecord, StreamView, Version, key::key_attributes,
};
use crate::store::StoreError;

/// First byte of every row; a later format gets another.
const FORMAT: u8 = 1;

/// An item as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::core) struct Image<'a> {
    /// The version that its `aws:rep:*` attributes showed.
    shown: Option<Version>,
    #[serde(borrow, with = "crate::core::message::octets::borrowed")]
    attributes: Cow<'a, [u8]>,
}

impl<'a> Image<'a> {
    /// The image of a live row.
    pub(in crate::core) fn of(header: &Header, attributes: &'a [u8]) -> Self {
        assert!(!header.deleted, "a tombstone has no image");
        Self {
            shown: shown_version(header).cloned(),
            attributes: Cow::Borrowed(attributes),
        }
    }

    /// The image of a row, unless that is a tombstone.
    pub(in crate::core) fn live(header: &Header, attributes: &'a [u8]) -> Option<Self> {
        (!header.deleted).then(|| Self::of(header, attributes))
    }
}

/// How many records a write shows as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::core) enum Shape {
    /// One.
    Once,
    /// The write, which left this stamp, then the stamping.
    Stamped(Option<Version>),
    /// The flag, then the removal.
    TwoPhases,
}

/// A row of the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::core) struct RecordRow<'a> {
    pub(in crate::core) created_ms: i64,
    pub(in crate::core) shape: Shape,
    /// Whether the service deleted it, since its time to live had passed.
    pub(in crate::core) expired: bool,
    #[serde(borrow)]
    pub(in crate::core) old: Option<Image<'a>>,
    #[serde(borrow)]
    pub(in crate::core) new: Option<Image<'a>>,
}

/// An image in the middle of a row's records.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Step<'a> {
    image: &'a Image<'a>,
    shown: Option<&'a Version>,
    deleting: bool,
}

impl<'a> RecordRow<'a> {
    /// How many sequence numbers it takes.
    pub(super) fn sequences(&self) -> u64 {
        match (&self.shape, &self.old, &self.new) {
            (_, None, None) => 0,
            (Shape::Once, old, new) => u64::from(old != new),
            (Shape::Stamped(_), _, Some(_)) | (Shape::TwoPhases, Some(_), None) => 2,
            (Shape::Stamped(_), Some(_), None) | (Shape::TwoPhases, _, Some(_)) => 1,
        }
    }

    /// The row's bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let images = self.old.iter().chain(&self.new);
        let attributes: usize = images.map(|image| image.attributes.len()).sum();
        let mut bytes = Vec::with_capacity(128 + attributes);
        bytes.push(FORMAT);
        postcard::to_extend(self, bytes).expect("a vector takes every row")
    }

    /// Reads a row.
    pub(super) fn decode(row: &'a [u8]) -> Result<Self, StoreError> {
        let unreadable =
            |reason: String| StoreError(format!("a stream record is unreadable: {reason}"));
        match row.split_first() {
            Some((&FORMAT, rest)) => {
                postcard::from_bytes(rest).map_err(|error| unreadable(error.to_string()))
            }
            Some((other, _)) => Err(unreadable(format!("format {other} is not known"))),
            None => Err(unreadable("it is empty".to_owned())),
        }
    }

    /// The records it stands for: how far each lies after the row's own sequence number, and what it says.
    pub(super) fn records(
        &self,
        keys: &KeySchema,
        view: StreamView,
    ) -> Result<Vec<(u64, StreamRecord)>, StoreError> {
        let plain = |image: &'_ Image<'_>| image.shown.clone();
        let (old_shown, new_shown) = (
            self.old.as_ref().and_then(plain),
            self.new.as_ref().and_then(plain),
        );
        let step = |image, shown, deleting| {
            Some(Step {
                image,
                shown,
                deleting,
            })
        };
        let old = self
            .old
            .as_ref()
            .and_then(|it| step(it, old_shown.as_ref(), false));
        let new = self
            .new
            .as_ref()
            .and_then(|it| step(it, new_shown.as_ref(), false));
        let middle = match &self.shape {
            Shape::Once => None,
            Shape::Stamped(left) => self
                .new
                .as_ref()
                .and_then(|it| step(it, left.as_ref(), false)),
            Shape::TwoPhases => self
                .old
                .as_ref()
                .and_then(|it| step(it, old_shown.as_ref(), true)),
        };
        let pairs = match middle {
            Some(middle) => vec![(0, old, Some(middle)), (1, Some(middle), new)],
            None => vec![(0, old, new)],
        };
        let mut records = Vec::with_capacity(2);
        for (after, old, new) in pairs {
            let (old, new) = (picture(old)?, picture(new)?);
            if old != new {
                records.push((after, self.record(keys, view, old, new)));
            }
        }
        Ok(records)
    }

    fn record(
        &self,
        keys: &KeySchema,
        view: StreamView,
        old: Option<Item>,
        new: Option<Item>,
    ) -> StreamRecord {
        let event = match (&old, &new) {
            (None, _) => StreamEvent::Insert,
            (Some(_), Some(_)) => StreamEvent::Modify,
            (Some(_), None) => StreamEvent::Remove,
        };
        let keys = new
            .as_ref()
            .or(old.as_ref())
            .map(|item| key_attributes(keys, item));
        let keys = keys.expect("a record tells of an item");
        let new =
            new.filter(|_| matches!(view, StreamView::NewImage | StreamView::NewAndOldImages));
        let old =
            old.filter(|_| matches!(view, StreamView::OldImage | StreamView::NewAndOldImages));
        let images = new.iter().chain(&old).map(item_size_bytes);
        StreamRecord {
            event,
            created_ms: self.created_ms,
            size_bytes: item_size_bytes(&keys) + images.sum::<usize>(),
            keys,
            new,
            old,
            view,
            expired: self.expired && event == StreamEvent::Remove,
            sequence: String::new(),
            id: String::new(),
        }
    }
}

fn picture(step: Option<Step<'_>>) -> Result<Option<Item>, StoreError> {
    let Some(step) = step else { return Ok(None) };
    let mut item = decode_item(&step.image.attributes)?;
    if let Some(version) = step.shown {
        show_version(&mut item, version);
        if step.deleting {
            show_deleting(&mut item);
        }
    }
    Ok(Some(item))
}
