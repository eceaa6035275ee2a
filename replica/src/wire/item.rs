//! `PutItem`, `GetItem`, `UpdateItem`, `DeleteItem`: the hot path.
//!
//! The four share most members, so one shape reads them all; a member that the operation does not have is ignored, as AWS ignores it.
//! `ReturnItemCollectionMetrics` is checked and otherwise ignored: collection sizes are not kept.

use serde::Deserialize;

use super::constraint::Constraints;
use super::legacy::{self, AttributeValueUpdate, ExpectedAttributeValue};
use super::scalar::{Flag, Text};
use super::value::{Attributes, Checked, Pairs};
use crate::core::condition::{Condition, Placeholders, Projection, Update};
use crate::core::size::check_item_size;
use crate::core::{
    ApiError, DeleteItem, GetItem, Item, PutItem, Request, ReturnValues, UpdateItem, WriteOptions,
};

/// The members of the four operations.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Members<'a> {
    #[serde(borrow)]
    table_name: Option<Text<'a>>,
    item: Option<Attributes>,
    key: Option<Attributes>,
    consistent_read: Option<Flag>,
    #[serde(borrow)]
    return_consumed_capacity: Option<Text<'a>>,
    #[serde(borrow)]
    return_item_collection_metrics: Option<Text<'a>>,
    #[serde(borrow)]
    return_values: Option<Text<'a>>,
    #[serde(borrow)]
    return_values_on_condition_check_failure: Option<Text<'a>>,
    #[serde(borrow)]
    condition_expression: Option<Text<'a>>,
    #[serde(borrow)]
    update_expression: Option<Text<'a>>,
    #[serde(borrow)]
    projection_expression: Option<Text<'a>>,
    #[serde(borrow)]
    expression_attribute_names: Option<Pairs<Text<'a>>>,
    expression_attribute_values: Option<Pairs<Checked>>,
    #[serde(borrow)]
    conditional_operator: Option<Text<'a>>,
    #[serde(borrow)]
    expected: Option<Pairs<ExpectedAttributeValue<'a>>>,
    #[serde(borrow)]
    attribute_updates: Option<Pairs<AttributeValueUpdate<'a>>>,
    #[serde(borrow)]
    attributes_to_get: Option<Vec<Text<'a>>>,
}

/// `PutItem`.
pub(super) fn put(body: &str) -> Result<Request, ApiError> {
    let mut members: Members<'_> = super::members(body)?;
    let mut constraints = Constraints::default();
    let return_capacity = constraints.return_capacity(members.return_consumed_capacity.as_ref());
    constraints.name(members.table_name.as_ref(), "tableName");
    constraints.required(members.item.as_ref(), "item");
    let options = members.write_constraints(constraints, return_capacity)?;
    members.check_mixed(&[], &["Expected"])?;
    let item = members
        .item
        .take()
        .map_or_else(|| Ok(Item::new()), Attributes::get)?;
    check_single_return(options.return_values)?;
    check_item_size(&item)?;
    let mut placeholders = members.placeholders()?;
    let condition = members.condition(&mut placeholders)?;
    placeholders.check_all_used()?;
    let options = WriteOptions {
        condition,
        ..options
    };
    Ok(Request::PutItem(PutItem {
        table: members.table(),
        item,
        options,
    }))
}

/// `DeleteItem`.
pub(super) fn delete(body: &str) -> Result<Request, ApiError> {
    let mut members: Members<'_> = super::members(body)?;
    let mut constraints = Constraints::default();
    let return_capacity = constraints.return_capacity(members.return_consumed_capacity.as_ref());
    constraints.name(members.table_name.as_ref(), "tableName");
    constraints.required(members.key.as_ref(), "key");
    let options = members.write_constraints(constraints, return_capacity)?;
    members.check_mixed(&[], &["Expected"])?;
    let key = members.key()?;
    check_single_return(options.return_values)?;
    let mut placeholders = members.placeholders()?;
    let condition = members.condition(&mut placeholders)?;
    placeholders.check_all_used()?;
    let options = WriteOptions {
        condition,
        ..options
    };
    Ok(Request::DeleteItem(DeleteItem {
        table: members.table(),
        key,
        options,
    }))
}

/// `UpdateItem`.
pub(super) fn update(body: &str) -> Result<Request, ApiError> {
    let mut members: Members<'_> = super::members(body)?;
    let mut constraints = Constraints::default();
    let return_capacity = constraints.return_capacity(members.return_consumed_capacity.as_ref());
    constraints.name(members.table_name.as_ref(), "tableName");
    constraints.required(members.key.as_ref(), "key");
    let options = members.write_constraints(constraints, return_capacity)?;
    members.check_mixed(&["UpdateExpression"], &["AttributeUpdates", "Expected"])?;
    let key = members.key()?;
    let legacy = members
        .attribute_updates
        .take()
        .map(legacy::updates)
        .transpose()?;
    let mut placeholders = members.placeholders()?;
    let update = match &members.update_expression {
        Some(source) => Some(Update::parse(source.as_str(), &mut placeholders)?),
        None => legacy.map(Update::of_attribute_updates),
    };
    let condition = members.condition(&mut placeholders)?;
    placeholders.check_all_used()?;
    let options = WriteOptions {
        condition,
        ..options
    };
    Ok(Request::UpdateItem(UpdateItem {
        table: members.table(),
        key,
        update,
        options,
    }))
}

/// `GetItem`.
pub(super) fn get(body: &str) -> Result<Request, ApiError> {
    let mut members: Members<'_> = super::members(body)?;
    let mut constraints = Constraints::default();
    let return_capacity = constraints.return_capacity(members.return_consumed_capacity.as_ref());
    if let Some(names) = &members.attributes_to_get {
        constraints.length(&shown_list(names), names.len(), "attributesToGet", 255);
    }
    constraints.name(members.table_name.as_ref(), "tableName");
    constraints.required(members.key.as_ref(), "key");
    constraints.finish()?;
    // A read has no condition and no update.
    members.condition_expression = None;
    members.update_expression = None;
    members.expected = None;
    members.attribute_updates = None;
    members.expression_attribute_values = None;
    members.check_mixed(&["ProjectionExpression"], &["AttributesToGet"])?;
    let key = members.key()?;
    let mut placeholders = members.placeholders()?;
    let projection = match (
        &members.projection_expression,
        members.attributes_to_get.take(),
    ) {
        (Some(source), _) => Some(Projection::parse(source.as_str(), &mut placeholders)?),
        (None, Some(names)) => Some(attributes_to_get(names)?),
        (None, None) => None,
    };
    placeholders.check_all_used()?;
    Ok(Request::GetItem(GetItem {
        table: members.table(),
        key,
        consistent: members.consistent_read.is_some_and(|flag| flag.0),
        projection,
        return_capacity,
    }))
}

impl Members<'_> {
    fn table(&mut self) -> String {
        self.table_name
            .take()
            .map(Text::into_string)
            .unwrap_or_default()
    }

    fn key(&mut self) -> Result<Item, ApiError> {
        self.key
            .take()
            .map_or_else(|| Ok(Item::new()), Attributes::get)
    }

    /// The constraints that all writes share, and the options that follow from them, without the condition.
    fn write_constraints(
        &self,
        mut constraints: Constraints,
        return_capacity: crate::core::ReturnCapacity,
    ) -> Result<WriteOptions, ApiError> {
        constraints.word(
            self.conditional_operator.as_ref(),
            "conditionalOperator",
            &[("OR", ()), ("AND", ())],
        );
        for (name, expected) in self.expected.iter().flat_map(|pairs| &pairs.0) {
            expected.constraints(&mut constraints, name);
        }
        let return_values = constraints.return_values(self.return_values.as_ref());
        let on_failure = constraints.word(
            self.return_values_on_condition_check_failure.as_ref(),
            "returnValuesOnConditionCheckFailure",
            &[("ALL_OLD", true), ("NONE", false)],
        );
        constraints.word(
            self.return_item_collection_metrics.as_ref(),
            "returnItemCollectionMetrics",
            &[("SIZE", ()), ("NONE", ())],
        );
        constraints.finish()?;
        Ok(WriteOptions {
            condition: None,
            return_values,
            return_old_on_failure: on_failure.unwrap_or(false),
            return_capacity,
        })
    }

    /// Refuses expressions beside the parameters that came before them, and placeholders without an expression.
    fn check_mixed(&self, own: &[&str], legacy: &[&str]) -> Result<(), ApiError> {
        let present = |member: &&str| match *member {
            "ConditionExpression" => self.condition_expression.is_some(),
            "UpdateExpression" => self.update_expression.is_some(),
            "ProjectionExpression" => self.projection_expression.is_some(),
            "Expected" => self.expected.is_some(),
            "AttributeUpdates" => self.attribute_updates.is_some(),
            _ => self.attributes_to_get.is_some(),
        };
        let mut expressions: Vec<&str> = own.to_vec();
        if !own.contains(&"ProjectionExpression") {
            expressions.push("ConditionExpression");
        }
        let used: Vec<&str> = expressions
            .iter()
            .copied()
            .filter(|name| present(name))
            .collect();
        let old: Vec<&str> = legacy
            .iter()
            .copied()
            .filter(|name| present(name))
            .collect();
        if !used.is_empty() && !old.is_empty() {
            return Err(ApiError::validation(format!(
                "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {{{}}} Expression parameters: {{{}}}",
                old.join(", "),
                used.join(", ")
            )));
        }
        if self.expression_attribute_names.is_some() && used.is_empty() {
            return Err(ApiError::validation(
                "ExpressionAttributeNames can only be specified when using expressions",
            ));
        }
        if self.expression_attribute_values.is_some() && used.is_empty() {
            let verb = if expressions.len() > 1 { "are" } else { "is" };
            return Err(ApiError::validation(format!(
                "ExpressionAttributeValues can only be specified when using expressions: {} {verb} null",
                expressions.join(" and ")
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

    /// The condition, from its expression or from `Expected`.
    fn condition(
        &mut self,
        placeholders: &mut Placeholders,
    ) -> Result<Option<Condition>, ApiError> {
        if let Some(source) = &self.condition_expression {
            let condition = Condition::parse("ConditionExpression", source.as_str(), placeholders)?;
            return Ok(Some(condition));
        }
        let operator = self.conditional_operator.as_ref().map(Text::as_str);
        match self.expected.take() {
            Some(expected) => legacy::condition(operator, expected),
            None if operator.is_some() => Err(ApiError::validation(
                "One or more parameter values were invalid: ConditionalOperator cannot be used without Filter or Expected",
            )),
            None => Ok(None),
        }
    }
}

/// What `PutItem` and `DeleteItem` can return.
fn check_single_return(values: ReturnValues) -> Result<(), ApiError> {
    match values {
        ReturnValues::None | ReturnValues::AllOld => Ok(()),
        ReturnValues::UpdatedOld | ReturnValues::AllNew | ReturnValues::UpdatedNew => Err(
            ApiError::validation("ReturnValues can only be ALL_OLD or NONE"),
        ),
    }
}

/// The placeholders of a request.
pub(super) fn placeholders(
    names: Option<Pairs<Text<'_>>>,
    values: Option<Pairs<Checked>>,
) -> Result<Placeholders, ApiError> {
    let names = names.map(|pairs| {
        pairs
            .0
            .into_iter()
            .map(|(key, name)| (key, name.into_string()))
            .collect()
    });
    let values = values.map(|pairs| {
        let checked = pairs.0.into_iter().map(|(key, value)| match value.get() {
            Ok(value) => Ok((key, value)),
            Err(reason) => Err(ApiError::validation(format!(
                "ExpressionAttributeValues contains invalid value: {reason} for key {key}"
            ))),
        });
        checked.collect::<Result<Vec<_>, ApiError>>()
    });
    Placeholders::new(names, values.transpose()?)
}

/// The projection of `AttributesToGet`.
pub(super) fn attributes_to_get(names: Vec<Text<'_>>) -> Result<Projection, ApiError> {
    let mut seen: Vec<&str> = Vec::with_capacity(names.len());
    for name in &names {
        if seen.contains(&name.as_str()) {
            return Err(ApiError::validation(format!(
                "One or more parameter values were invalid: Duplicate value in attribute name: {}",
                name.as_str()
            )));
        }
        seen.push(name.as_str());
    }
    Ok(Projection::of_attributes(
        names.into_iter().map(Text::into_string),
    ))
}

/// A list of strings as messages show it.
pub(super) fn shown_list(names: &[Text<'_>]) -> String {
    let names: Vec<&str> = names.iter().map(Text::as_str).collect();
    format!("[{}]", names.join(", "))
}
