//! `Expected` and `AttributeUpdates` off the wire, with AWS's many refusals.

use serde::Deserialize;

use super::constraint::Constraints;
use super::scalar::{Flag, Text};
use super::value::{Checked, Pairs};
use crate::core::condition::{
    AttributeAction, AttributeUpdate, Comparison, Condition, Conjunction, Expectation,
};
use crate::core::{ApiError, AttributeValue};

/// One entry of `Expected`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ExpectedAttributeValue<'a> {
    attribute_value_list: Option<Vec<Checked>>,
    #[serde(borrow)]
    comparison_operator: Option<Text<'a>>,
    exists: Option<Flag>,
    value: Option<Checked>,
}

/// One entry of `AttributeUpdates`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AttributeValueUpdate<'a> {
    #[serde(borrow)]
    action: Option<Text<'a>>,
    value: Option<Checked>,
}

/// AWS's names of the comparisons, in the order in which its messages list them.
const COMPARISONS: [(&str, Comparison); 13] = [
    ("IN", Comparison::In),
    ("NULL", Comparison::Null),
    ("BETWEEN", Comparison::Between),
    ("LT", Comparison::Less),
    ("NOT_CONTAINS", Comparison::NotContains),
    ("EQ", Comparison::Equal),
    ("GT", Comparison::Greater),
    ("NOT_NULL", Comparison::NotNull),
    ("NE", Comparison::NotEqual),
    ("LE", Comparison::LessOrEqual),
    ("BEGINS_WITH", Comparison::BeginsWith),
    ("GE", Comparison::GreaterOrEqual),
    ("CONTAINS", Comparison::Contains),
];

fn invalid(reason: &str) -> ApiError {
    ApiError::validation(format!(
        "One or more parameter values were invalid: {reason}"
    ))
}

impl ExpectedAttributeValue<'_> {
    /// The constraints of the model.
    pub(super) fn constraints(&self, constraints: &mut Constraints, name: &str) {
        let path = format!("expected.{name}.member.comparisonOperator");
        constraints.word(self.comparison_operator.as_ref(), &path, &COMPARISONS);
    }

    fn expectation(self, name: String) -> Result<Expectation, ApiError> {
        if self.attribute_value_list.is_some() && self.value.is_some() {
            return Err(invalid(&format!(
                "Value and AttributeValueList cannot be used together for Attribute: {name}"
            )));
        }
        let Some(operator) = &self.comparison_operator else {
            return self.existence(name);
        };
        let operator = operator.as_str();
        if self.exists.is_some() {
            return Err(invalid(&format!(
                "Exists and ComparisonOperator cannot be used together for Attribute: {name}"
            )));
        }
        let comparison = COMPARISONS
            .iter()
            .find(|(word, _)| *word == operator)
            .map(|(_, comparison)| *comparison)
            .expect("the constraints were checked");
        let takes_none = matches!(comparison, Comparison::Null | Comparison::NotNull);
        if !takes_none && self.attribute_value_list.is_none() && self.value.is_none() {
            return Err(invalid(&format!(
                "Value or AttributeValueList must be used with ComparisonOperator: {operator} for Attribute: {name}"
            )));
        }
        let values = self
            .attribute_value_list
            .into_iter()
            .flatten()
            .chain(self.value);
        let values = values
            .map(Checked::get)
            .collect::<Result<Vec<_>, _>>()
            .map_err(ApiError::validation)?;
        check_values(operator, comparison, &values)?;
        Ok(Expectation {
            attribute: name,
            comparison,
            values,
        })
    }

    /// The form without a comparison: `Exists` and `Value`.
    fn existence(self, name: String) -> Result<Expectation, ApiError> {
        if self.attribute_value_list.is_some() {
            return Err(invalid(&format!(
                "AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}"
            )));
        }
        let exists = self.exists.map(|flag| flag.0);
        match (exists.unwrap_or(true), self.value) {
            (true, Some(value)) => Ok(Expectation {
                attribute: name,
                comparison: Comparison::Equal,
                values: vec![value.get().map_err(ApiError::validation)?],
            }),
            (true, None) => {
                let shown = exists.map_or("null", |_| "true");
                Err(invalid(&format!(
                    "Value must be provided when Exists is {shown} for Attribute: {name}"
                )))
            }
            (false, Some(_)) => Err(invalid(&format!(
                "Value cannot be used when Exists is false for Attribute: {name}"
            ))),
            (false, None) => Ok(Expectation {
                attribute: name,
                comparison: Comparison::Null,
                values: Vec::new(),
            }),
        }
    }
}

fn check_values(
    operator: &str,
    comparison: Comparison,
    values: &[AttributeValue],
) -> Result<(), ApiError> {
    let right_count = match comparison {
        Comparison::Null | Comparison::NotNull => values.is_empty(),
        Comparison::In => !values.is_empty(),
        Comparison::Between => values.len() == 2,
        Comparison::Equal
        | Comparison::NotEqual
        | Comparison::LessOrEqual
        | Comparison::Less
        | Comparison::GreaterOrEqual
        | Comparison::Greater
        | Comparison::Contains
        | Comparison::NotContains
        | Comparison::BeginsWith => values.len() == 1,
    };
    if !right_count {
        return Err(invalid(&format!(
            "Invalid number of argument(s) for the {operator} ComparisonOperator"
        )));
    }
    let mut types = values.iter().map(AttributeValue::type_name);
    if let Some(first) = types.next()
        && types.any(|name| name != first)
    {
        return Err(invalid(
            "AttributeValues inside AttributeValueList must be of same type",
        ));
    }
    let accepted: &[&str] = match comparison {
        Comparison::Equal | Comparison::NotEqual | Comparison::Null | Comparison::NotNull => {
            return Ok(());
        }
        Comparison::BeginsWith => &["S", "B"],
        Comparison::In
        | Comparison::LessOrEqual
        | Comparison::Less
        | Comparison::GreaterOrEqual
        | Comparison::Greater
        | Comparison::Between
        | Comparison::Contains
        | Comparison::NotContains => &["S", "N", "B"],
    };
    if let Some(value) = values
        .iter()
        .find(|value| !accepted.contains(&value.type_name()))
    {
        return Err(invalid(&format!(
            "ComparisonOperator {operator} is not valid for {} AttributeValue type",
            value.type_name()
        )));
    }
    Ok(())
}

/// The condition that `Expected` and `ConditionalOperator` state.
pub(super) fn condition(
    operator: Option<&str>,
    expected: Pairs<ExpectedAttributeValue<'_>>,
) -> Result<Option<Condition>, ApiError> {
    let expectations = expected
        .0
        .into_iter()
        .map(|(name, expected)| expected.expectation(name))
        .collect::<Result<Vec<_>, _>>()?;
    if operator.is_some() && expectations.is_empty() {
        return Err(invalid(
            "ConditionalOperator cannot be used without Filter or Expected",
        ));
    }
    let conjunction = if operator == Some("OR") {
        Conjunction::Or
    } else {
        Conjunction::And
    };
    Ok(Condition::of_expected(conjunction, expectations))
}

/// The updates that `AttributeUpdates` states.
pub(super) fn updates(
    updates: Pairs<AttributeValueUpdate<'_>>,
) -> Result<Vec<AttributeUpdate>, ApiError> {
    updates
        .0
        .into_iter()
        .map(|(attribute, update)| {
            Ok(AttributeUpdate {
                attribute,
                action: action(update)?,
            })
        })
        .collect()
}

fn action(update: AttributeValueUpdate<'_>) -> Result<AttributeAction, ApiError> {
    let value = update
        .value
        .map(Checked::get)
        .transpose()
        .map_err(ApiError::validation)?;
    let name = update.action.as_ref().map_or("PUT", Text::as_str);
    let Some(value) = value else {
        return match name {
            "DELETE" => Ok(AttributeAction::Remove),
            _ => Err(invalid(
                "Only DELETE action is allowed when no attribute value is specified",
            )),
        };
    };
    let kind = value.type_name();
    match name {
        "PUT" => Ok(AttributeAction::Put(value)),
        "DELETE" if ["SS", "NS", "BS"].contains(&kind) => Ok(AttributeAction::Delete(value)),
        "DELETE" => Err(invalid(&format!(
            "DELETE action with value is not supported for the type {kind}"
        ))),
        "ADD" if ["N", "L", "SS", "NS", "BS"].contains(&kind) => Ok(AttributeAction::Add(value)),
        "ADD" => Err(invalid(&format!(
            "ADD action is not supported for the type {kind}"
        ))),
        _ => Err(invalid(&format!(
            "Unknown Action: {name}; it must be one of ADD, PUT, DELETE"
        ))),
    }
}
