//! Key conditions: which attribute must be what, for `Query`. Which of them is the partition key is for the core to say, which knows the schema.

use super::placeholders::Placeholders;
use super::tree::{Comparator, Condition, Expr, Operand};
use crate::core::{ApiError, AttributeValue};

/// A parsed `KeyConditionExpression`: one test per attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyCondition(pub(in crate::core) Vec<(String, KeyTest)>);

/// What a key attribute must be.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::core) enum KeyTest {
    Equal(AttributeValue),
    Less(AttributeValue),
    LessOrEqual(AttributeValue),
    Greater(AttributeValue),
    GreaterOrEqual(AttributeValue),
    Between(AttributeValue, AttributeValue),
    BeginsWith(AttributeValue),
}

impl KeyCondition {
    /// Parses a `KeyConditionExpression`.
    ///
    /// # Errors
    /// `ValidationException` with AWS's text.
    pub fn parse(source: &str, placeholders: &mut Placeholders) -> Result<Self, ApiError> {
        let condition = Condition::parse("KeyConditionExpression", source, placeholders)?;
        let mut tests = Vec::new();
        collect(condition.0, &mut tests)?;
        for (index, (name, _)) in tests.iter().enumerate() {
            if tests[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(ApiError::validation(
                    "KeyConditionExpressions must only contain one condition per key",
                ));
            }
        }
        if tests.len() > 2 {
            return Err(ApiError::validation(
                "Conditions can be of length 1 or 2 only",
            ));
        }
        Ok(Self(tests))
    }
}

fn collect(expr: Expr, tests: &mut Vec<(String, KeyTest)>) -> Result<(), ApiError> {
    match expr {
        Expr::And(left, right) => {
            collect(*left, tests)?;
            collect(*right, tests)
        }
        Expr::Compare(comparator, operands) => {
            tests.push(compared(comparator, *operands)?);
            Ok(())
        }
        Expr::Between(operands) => {
            let (operand, lower, upper) = *operands;
            let test = KeyTest::Between(value(lower)?, value(upper)?);
            tests.push((attribute(operand)?, test));
            Ok(())
        }
        Expr::BeginsWith(operands) => {
            let (operand, prefix) = *operands;
            tests.push((attribute(operand)?, KeyTest::BeginsWith(value(prefix)?)));
            Ok(())
        }
        Expr::Or(..) => Err(operator("OR")),
        Expr::Not(_) => Err(operator("NOT")),
        Expr::In(..) => Err(operator("IN")),
        Expr::Exists(_) => Err(operator("attribute_exists")),
        Expr::NotExists(_) => Err(operator("attribute_not_exists")),
        Expr::HasType(..) => Err(operator("attribute_type")),
        Expr::Contains(_) => Err(operator("contains")),
    }
}

/// `name = :value`, or the same the other way round.
fn compared(
    comparator: Comparator,
    (left, right): (Operand, Operand),
) -> Result<(String, KeyTest), ApiError> {
    let (comparator, path, operand) = match (left, right) {
        (left @ Operand::Value(_), right @ Operand::Path(_)) => (turned(comparator), right, left),
        (left, right) => (comparator, left, right),
    };
    let (name, value) = (attribute(path)?, value(operand)?);
    let test = match comparator {
        Comparator::Equal => KeyTest::Equal(value),
        Comparator::NotEqual => return Err(operator("<>")),
        Comparator::Less => KeyTest::Less(value),
        Comparator::LessOrEqual => KeyTest::LessOrEqual(value),
        Comparator::Greater => KeyTest::Greater(value),
        Comparator::GreaterOrEqual => KeyTest::GreaterOrEqual(value),
    };
    Ok((name, test))
}

/// The comparator that says the same with its operands exchanged.
fn turned(comparator: Comparator) -> Comparator {
    match comparator {
        Comparator::Equal | Comparator::NotEqual => comparator,
        Comparator::Less => Comparator::Greater,
        Comparator::LessOrEqual => Comparator::GreaterOrEqual,
        Comparator::Greater => Comparator::Less,
        Comparator::GreaterOrEqual => Comparator::LessOrEqual,
    }
}

fn attribute(operand: Operand) -> Result<String, ApiError> {
    match operand {
        Operand::Path(path) if path.steps.is_empty() => Ok(path.attribute),
        Operand::Path(_) => Err(ApiError::validation(
            "KeyConditionExpressions cannot have conditions on nested attributes",
        )),
        Operand::Value(_) => Err(ApiError::validation(
            "Invalid condition in KeyConditionExpression: No key attribute specified",
        )),
        Operand::Size(_) => Err(operator("size")),
    }
}

fn value(operand: Operand) -> Result<AttributeValue, ApiError> {
    match operand {
        Operand::Value(value) => Ok(value),
        Operand::Path(_) => Err(ApiError::validation(
            "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition",
        )),
        Operand::Size(_) => Err(operator("size")),
    }
}

fn operator(name: &str) -> ApiError {
    ApiError::validation(format!(
        "Invalid operator used in KeyConditionExpression: {name}"
    ))
}
