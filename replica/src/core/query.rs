//! `Query`: the items of one partition, in the order of their sort keys.
//!
//! Absent: secondary indexes, and the parameters that came before expressions.

use std::ops::Bound;

use super::key::KeyRange;
use super::region::Refusal;
use super::{ApiError, Core, Item, KeySchema, Query, Response, key_of_key_map};
use crate::store::{Direction, Read};

impl Core {
    /// `Query`.
    pub(super) fn query(&mut self, query: &Query, read: &dyn Read) -> Result<Response, Refusal> {
        self.counters.reads += 1;
        let page = &query.page;
        let table = self.data_table(&page.table)?;
        table.check_index(page.index.as_deref())?;
        let schema = &table.row.definition.keys;
        let (mut range, partition) =
            KeyRange::of_condition(schema, &query.key, &table.row_key(&[]))?;
        if let Some(filter) = &page.filter {
            let tested = filter.attributes();
            if let Some(name) = schema.names().find(|name| tested.contains(name)) {
                return Err(Refusal::Api(ApiError::validation(format!(
                    "Filter Expression can only contain non-primary key attributes: Primary key attribute: {name}"
                ))));
            }
        }
        if let Some(after) = &page.after {
            let key = table.row_key(&start_key(schema, after)?);
            if !key.starts_with(&partition) {
                return Err(Refusal::Api(ApiError::validation(
                    "The provided starting key is outside query boundaries based on provided conditions",
                )));
            }
            if !range.holds(&key) {
                return Err(Refusal::Api(ApiError::validation(
                    "The provided starting key does not match the range key predicate",
                )));
            }
            match query.direction {
                Direction::Forward => range.start = Bound::Excluded(key),
                Direction::Backward => range.end = Bound::Excluded(key),
            }
        }
        table.page(range, query.direction, None, page, read)
    }
}

/// The row that a page begins after.
pub(super) fn start_key(schema: &KeySchema, after: &Item) -> Result<Vec<u8>, ApiError> {
    let key = key_of_key_map(schema, after).map_err(|error| {
        ApiError::validation(format!(
            "The provided starting key is invalid: {}",
            error.message
        ))
    })?;
    Ok(key.to_bytes())
}
