//! `UpdateTimeToLive` and `DescribeTimeToLive`.

use serde::Deserialize;

use super::constraint::{Constraints, table_name};
use super::json::Object;
use super::scalar::{Flag, Text};
use crate::core::{ApiError, Request, TimeToLiveChange};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Members<'a> {
    #[serde(borrow)]
    table_name: Option<Text<'a>>,
    #[serde(borrow)]
    time_to_live_specification: Option<Specification<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Specification<'a> {
    #[serde(borrow)]
    attribute_name: Option<Text<'a>>,
    enabled: Option<Flag>,
}

/// `UpdateTimeToLive`.
pub(super) fn update(body: &str) -> Result<Request, ApiError> {
    let members: Members<'_> = super::members(body)?;
    let table = table_name(members.table_name.as_ref())?;
    let mut constraints = Constraints::default();
    constraints.pattern(&table, "tableName");
    let given = members.time_to_live_specification;
    constraints.required(given.as_ref(), "timeToLiveSpecification");
    if let Some(given) = &given {
        let path = "timeToLiveSpecification.attributeName";
        constraints.required(given.attribute_name.as_ref(), path);
        constraints.text(given.attribute_name.as_ref(), path, 1, 255);
        let path = "timeToLiveSpecification.enabled";
        constraints.required(given.enabled.as_ref(), path);
    }
    constraints.finish()?;
    let (attribute, enabled) = given.map_or((None, None), |it| (it.attribute_name, it.enabled));
    let attribute = attribute.map(Text::into_string).unwrap_or_default();
    let change = if enabled.is_some_and(|flag| flag.0) {
        TimeToLiveChange::Enable(attribute)
    } else {
        TimeToLiveChange::Disable(attribute)
    };
    Ok(Request::TimeToLive {
        table,
        change: Some(change),
    })
}

/// `DescribeTimeToLive`.
pub(super) fn describe(body: &str) -> Result<Request, ApiError> {
    let members: Members<'_> = super::members(body)?;
    let table = table_name(members.table_name.as_ref())?;
    let mut constraints = Constraints::default();
    constraints.pattern(&table, "tableName");
    constraints.finish()?;
    Ok(Request::TimeToLive {
        table,
        change: None,
    })
}

/// `TimeToLiveSpecification`.
pub(super) fn answer_specification(object: &mut Object<'_>, change: &TimeToLiveChange) {
    let (attribute, enabled) = match change {
        TimeToLiveChange::Enable(attribute) => (attribute, true),
        TimeToLiveChange::Disable(attribute) => (attribute, false),
    };
    object.text("AttributeName", attribute);
    object.bare("Enabled", enabled);
}

/// `TimeToLiveDescription`.
pub(super) fn answer_description(object: &mut Object<'_>, attribute: Option<&str>) {
    match attribute {
        Some(attribute) => {
            object.text("TimeToLiveStatus", "ENABLED");
            object.text("AttributeName", attribute);
        }
        None => object.text("TimeToLiveStatus", "DISABLED"),
    }
}
