//! `Query` and `Scan`.
//!
//! Refused, since ignoring them would mislead: `KeyConditions`, `QueryFilter`, `ScanFilter`, which expressions replaced.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::constraint::Constraints;
use super::item::{attributes_to_get, placeholders, shown_list};
use super::scalar::{Flag, Text, Whole};
use super::value::{Attributes, Checked, Pairs};
use crate::core::condition::{Condition, KeyCondition, Placeholders, Projection};
use crate::core::{ApiError, Page, Query, Request, ReturnCapacity, Scan, Segment, Select};
use crate::store::Direction;

/// Most segments of a scan.
const SEGMENTS_MAX: i64 = 1_000_000;

/// The members of the two operations.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Members<'a> {
    #[serde(borrow)]
    table_name: Option<Text<'a>>,
    #[serde(borrow)]
    index_name: Option<Text<'a>>,
    #[serde(borrow)]
    select: Option<Text<'a>>,
    #[serde(borrow)]
    attributes_to_get: Option<Vec<Text<'a>>>,
    limit: Option<Whole>,
    consistent_read: Option<Flag>,
    scan_index_forward: Option<Flag>,
    exclusive_start_key: Option<Attributes>,
    #[serde(borrow)]
    return_consumed_capacity: Option<Text<'a>>,
    total_segments: Option<Whole>,
    segment: Option<Whole>,
    #[serde(borrow)]
    projection_expression: Option<Text<'a>>,
    #[serde(borrow)]
    filter_expression: Option<Text<'a>>,
    #[serde(borrow)]
    key_condition_expression: Option<Text<'a>>,
    #[serde(borrow)]
    expression_attribute_names: Option<Pairs<Text<'a>>>,
    expression_attribute_values: Option<Pairs<Checked>>,
    key_conditions: Option<IgnoredAny>,
    query_filter: Option<IgnoredAny>,
    scan_filter: Option<IgnoredAny>,
}

/// What `Select` says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    All,
    AllProjected,
    Specific,
    Count,
}

/// `Query`.
pub(super) fn query(body: &str) -> Result<Request, ApiError> {
    let mut members: Members<'_> = super::members(body)?;
    members.segment = None;
    members.total_segments = None;
    members.scan_filter = None;
    let (word, return_capacity) = members.constraints()?;
    members.check_expressions(&[
        "KeyConditionExpression",
        "FilterExpression",
        "ProjectionExpression",
    ])?;
    let Some(source) = members.key_condition_expression.take() else {
        return Err(ApiError::validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        ));
    };
    let mut placeholders = members.placeholders()?;
    let mut page = members.page(word, return_capacity)?;
    members.expressions(&mut page, &mut placeholders)?;
    let key = KeyCondition::parse(source.as_str(), &mut placeholders)?;
    placeholders.check_all_used()?;
    let direction = match members.scan_index_forward {
        Some(Flag(false)) => Direction::Backward,
        Some(Flag(true)) | None => Direction::Forward,
    };
    Ok(Request::Query(Query {
        key,
        direction,
        page,
    }))
}

/// `Scan`.
pub(super) fn scan(body: &str) -> Result<Request, ApiError> {
    let mut members: Members<'_> = super::members(body)?;
    members.key_condition_expression = None;
    members.key_conditions = None;
    members.query_filter = None;
    let (word, return_capacity) = members.constraints()?;
    members.check_expressions(&["FilterExpression", "ProjectionExpression"])?;
    let mut placeholders = members.placeholders()?;
    let mut page = members.page(word, return_capacity)?;
    let segment = members.segment()?;
    members.expressions(&mut page, &mut placeholders)?;
    placeholders.check_all_used()?;
    Ok(Request::Scan(Scan { segment, page }))
}

impl Members<'_> {
    fn constraints(&self) -> Result<(Option<Word>, ReturnCapacity), ApiError> {
        let mut constraints = Constraints::default();
        if let Some(names) = &self.attributes_to_get {
            constraints.length(&shown_list(names), names.len(), "attributesToGet", 255);
        }
        let return_capacity = constraints.return_capacity(self.return_consumed_capacity.as_ref());
        let words = [
            ("SPECIFIC_ATTRIBUTES", Word::Specific),
            ("COUNT", Word::Count),
            ("ALL_ATTRIBUTES", Word::All),
            ("ALL_PROJECTED_ATTRIBUTES", Word::AllProjected),
        ];
        let word = constraints.word(self.select.as_ref(), "select", &words);
        constraints.optional_name(self.index_name.as_ref(), "indexName");
        constraints.name(self.table_name.as_ref(), "tableName");
        constraints.limit(self.limit, "limit", i64::MAX);
        constraints.limit(self.total_segments, "totalSegments", SEGMENTS_MAX);
        constraints.within(self.segment, "segment", 0, SEGMENTS_MAX - 1);
        constraints.finish()?;
        Ok((word, return_capacity))
    }

    /// Refuses what came before expressions, and placeholders without an expression.
    fn check_expressions(&self, own: &[&str]) -> Result<(), ApiError> {
        for (member, given) in [
            ("KeyConditions", &self.key_conditions),
            ("QueryFilter", &self.query_filter),
            ("ScanFilter", &self.scan_filter),
        ] {
            if given.is_some() {
                return Err(ApiError::validation(format!(
                    "{member} is not served here: use expressions, which replaced it"
                )));
            }
        }
        let expressions = [
            &self.key_condition_expression,
            &self.filter_expression,
            &self.projection_expression,
        ];
        let is_used = expressions.iter().any(|expression| expression.is_some());
        if self.attributes_to_get.is_some() && is_used {
            let names = [
                "KeyConditionExpression",
                "FilterExpression",
                "ProjectionExpression",
            ];
            let used = names
                .iter()
                .zip(expressions)
                .filter(|(_, given)| given.is_some());
            let used: Vec<&str> = used.map(|(name, _)| *name).collect();
            return Err(ApiError::validation(format!(
                "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {{AttributesToGet}} Expression parameters: {{{}}}",
                used.join(", ")
            )));
        }
        if self.expression_attribute_names.is_some() && !is_used {
            return Err(ApiError::validation(
                "ExpressionAttributeNames can only be specified when using expressions",
            ));
        }
        if self.expression_attribute_values.is_some()
            && self.key_condition_expression.is_none()
            && self.filter_expression.is_none()
        {
            let own: Vec<&str> = own[..own.len() - 1].to_vec();
            let verb = if own.len() > 1 { "are" } else { "is" };
            return Err(ApiError::validation(format!(
                "ExpressionAttributeValues can only be specified when using expressions: {} {verb} null",
                own.join(" and ")
            )));
        }
        Ok(())
    }

    fn placeholders(&mut self) -> Result<Placeholders, ApiError> {
        placeholders(
            self.expression_attribute_names.take(),
            self.expression_attribute_values.take(),
        )
    }

    /// Everything but the expressions.
    fn page(
        &mut self,
        word: Option<Word>,
        return_capacity: ReturnCapacity,
    ) -> Result<Page, ApiError> {
        let after = self.exclusive_start_key.take().map(Attributes::get);
        let after = after.transpose().map_err(|error| {
            ApiError::validation(format!(
                "The provided starting key is invalid: {}",
                error.message
            ))
        })?;
        let select = self.select(word)?;
        Ok(Page {
            table: self
                .table_name
                .take()
                .map(Text::into_string)
                .unwrap_or_default(),
            index: self.index_name.take().map(Text::into_string),
            consistent: self.consistent_read.is_some_and(|flag| flag.0),
            limit: self
                .limit
                .map(|Whole(limit)| usize::try_from(limit).unwrap_or(1)),
            after,
            select,
            filter: None,
            return_capacity,
        })
    }

    /// `Select`, beside what it must go with.
    fn select(&mut self, word: Option<Word>) -> Result<Select, ApiError> {
        let names = self.attributes_to_get.take();
        let member = match (&self.projection_expression, &names) {
            (Some(_), _) => Some("ProjectionExpression"),
            (None, Some(_)) => Some("AttributesToGet"),
            (None, None) => None,
        };
        let refused = |message: String| Err(ApiError::validation(message));
        match (word, member) {
            (Some(Word::AllProjected), _) if self.index_name.is_none() => refused(
                "One or more parameter values were invalid: ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName".to_owned(),
            ),
            (Some(Word::Specific), None) => refused(
                "One or more parameter values were invalid: Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES".to_owned(),
            ),
            (Some(Word::Count), Some(member)) => {
                refused(format!("Cannot specify the {member} when choosing to get only the Count"))
            }
            (Some(Word::All | Word::AllProjected), Some(member)) => refused(format!(
                "Cannot specify the {member} when choosing to get {} results",
                if word == Some(Word::All) { "ALL_ATTRIBUTES" } else { "ALL_PROJECTED_ATTRIBUTES" }
            )),
            (Some(Word::Count), None) => Ok(Select::Count),
            (Some(Word::All | Word::AllProjected | Word::Specific) | None, _) => {
                Ok(match names {
                    Some(names) => Select::Parts(attributes_to_get(names)?),
                    None => Select::Whole,
                })
            }
        }
    }

    fn segment(&self) -> Result<Option<Segment>, ApiError> {
        let refused = |message: String| Err(ApiError::validation(message));
        match (self.segment, self.total_segments) {
            (None, None) => Ok(None),
            (Some(_), None) => refused(
                "The TotalSegments parameter is required but was not present in the request when Segment parameter is present".to_owned(),
            ),
            (None, Some(_)) => refused(
                "The Segment parameter is required but was not present in the request when parameter TotalSegments is present".to_owned(),
            ),
            (Some(Whole(segment)), Some(Whole(total))) if segment >= total => refused(format!(
                "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} is not less than TotalSegments: {total}"
            )),
            (Some(Whole(segment)), Some(Whole(total))) => Ok(Some(Segment {
                number: u32::try_from(segment).unwrap_or(0),
                total: u32::try_from(total).unwrap_or(1),
            })),
        }
    }

    /// The projection and the filter.
    fn expressions(
        &self,
        page: &mut Page,
        placeholders: &mut Placeholders,
    ) -> Result<(), ApiError> {
        if let Some(source) = &self.projection_expression {
            page.select = Select::Parts(Projection::parse(source.as_str(), placeholders)?);
        }
        if let Some(source) = &self.filter_expression {
            let filter = Condition::parse("FilterExpression", source.as_str(), placeholders)?;
            page.filter = Some(filter);
        }
        Ok(())
    }
}
