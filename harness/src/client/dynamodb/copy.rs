//! A copy of the whole table: pages of `Scan`, put together.
//!
//! Each page is asked for with strong reads of its region; the copy as a whole is no snapshot, and nobody promises that it is.

use checker::history::{EventKind, Key, Observed, Reply};

use super::{HASH_KEY, Sizes, answer::Reader};
use crate::client::{Dialect, Request, connection::Answer, errors};

/// What has come so far.
#[derive(Debug, Default)]
pub(crate) struct Copy {
    items: Vec<(Key, Observed)>,
    /// Where the next page begins; `None` before the first.
    after: Option<Key>,
}

impl Copy {
    /// The request for the next page.
    pub(crate) fn request(&self, dialect: &Dialect) -> Request {
        let start = self.after.map_or_else(String::new, |key| {
            format!(
                ",\"ExclusiveStartKey\":{{\"{HASH_KEY}\":{{\"S\":\"k{}\"}}}}",
                key.0
            )
        });
        let body = format!(
            "{{\"TableName\":\"{}\",\"ConsistentRead\":true{start}}}",
            dialect.table
        );
        Request {
            operation: "Scan",
            body: body.into(),
        }
    }

    /// Adds a page. Returns the outcome of the whole when it was the last, or a bad one.
    pub(crate) fn add(
        &mut self,
        answer: &Answer,
        dialect: &Dialect,
        sizes: Sizes<'_>,
    ) -> Option<EventKind> {
        let reader = Reader { dialect, sizes };
        let page = reader.read(answer, None, |body| {
            let items = body.items.ok_or(errors::BAD_REPLY)?;
            let items = items.iter().map(|item| {
                let key = item.key().ok_or(errors::BAD_REPLY)?;
                Ok::<_, &str>((key, reader.observed(key, Some(item))?))
            });
            let next = match body.last_key {
                None => None,
                Some(last) => Some(last.key().ok_or(errors::BAD_REPLY)?),
            };
            // A page that ends where it began would be asked for for ever.
            if next.is_some() && next == self.after {
                return Err(errors::BAD_REPLY);
            }
            Ok((items.collect::<Result<Vec<_>, _>>()?, next))
        });
        let (items, next) = match page {
            Ok(page) => page,
            Err(outcome) => return Some(outcome),
        };
        self.items.extend(items);
        self.after = next;
        if next.is_some() {
            return None;
        }
        let mut items = std::mem::take(&mut self.items);
        items.sort_by_key(|(key, _)| *key);
        Some(EventKind::Ok(Reply::Scan(items)))
    }
}
