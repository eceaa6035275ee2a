//! `Expected` and `AttributeUpdates`, the parameters that came before expressions, as the same trees. Older bindings (YCSB's) still send them.

use super::path::Path;
use super::tree::{Comparator, Condition, Expr, Operand};
use super::update::{Action, Operand as UpdateOperand, Update};
use crate::core::AttributeValue;

/// How the conditions of `Expected` are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's ConditionalOperator")]
pub enum Conjunction {
    And,
    Or,
}

/// AWS's `ComparisonOperator`, with the number of its operands already checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's ComparisonOperator")]
pub enum Comparison {
    Equal,
    NotEqual,
    In,
    LessOrEqual,
    Less,
    GreaterOrEqual,
    Greater,
    Between,
    NotNull,
    Null,
    Contains,
    NotContains,
    BeginsWith,
}

/// One condition of `Expected`.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// The attribute's name.
    pub attribute: String,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what: as many values as the comparison takes.
    pub values: Vec<AttributeValue>,
}

/// One entry of `AttributeUpdates`.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeUpdate {
    /// The attribute's name.
    pub attribute: String,
    /// What to do.
    pub action: AttributeAction,
}

/// What to do with an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeAction {
    /// Replace it.
    Put(AttributeValue),
    /// Remove it.
    Remove,
    /// Take elements out of a set.
    Delete(AttributeValue),
    /// Add to a number, a set, or the end of a list.
    Add(AttributeValue),
}

impl Condition {
    /// The condition that `Expected` states; `None` if it states none.
    #[must_use]
    pub fn of_expected(conjunction: Conjunction, expected: Vec<Expectation>) -> Option<Self> {
        let join = match conjunction {
            Conjunction::And => Expr::And,
            Conjunction::Or => Expr::Or,
        };
        expected
            .into_iter()
            .map(expectation)
            .reduce(|left, right| join(Box::new(left), Box::new(right)))
            .map(Self)
    }
}

fn expectation(expectation: Expectation) -> Expr {
    let path = Path::top(expectation.attribute);
    let operand = Operand::Path(path.clone());
    let mut values = expectation.values.into_iter().map(Operand::Value);
    let mut value = || values.next().expect("the number of values was checked");
    let compare =
        |comparator, operand, value| Expr::Compare(comparator, Box::new((operand, value)));
    match expectation.comparison {
        Comparison::Equal => compare(Comparator::Equal, operand, value()),
        Comparison::NotEqual => compare(Comparator::NotEqual, operand, value()),
        Comparison::LessOrEqual => compare(Comparator::LessOrEqual, operand, value()),
        Comparison::Less => compare(Comparator::Less, operand, value()),
        Comparison::GreaterOrEqual => compare(Comparator::GreaterOrEqual, operand, value()),
        Comparison::Greater => compare(Comparator::Greater, operand, value()),
        Comparison::Between => Expr::Between(Box::new((operand, value(), value()))),
        Comparison::NotNull => Expr::Exists(path),
        Comparison::Null => Expr::NotExists(path),
        Comparison::Contains => Expr::Contains(Box::new((operand, value()))),
        Comparison::BeginsWith => Expr::BeginsWith(Box::new((operand, value()))),
        Comparison::In => Expr::In(Box::new(operand), values.collect()),
        Comparison::NotContains => Expr::And(
            Box::new(Expr::Exists(path)),
            Box::new(Expr::Not(Box::new(Expr::Contains(Box::new((
                operand,
                value(),
            )))))),
        ),
    }
}

impl Update {
    /// The update that `AttributeUpdates` states.
    #[must_use]
    pub fn of_attribute_updates(updates: Vec<AttributeUpdate>) -> Self {
        let actions = updates
            .into_iter()
            .map(|update| {
                let path = Path::top(update.attribute);
                let action = match update.action {
                    AttributeAction::Put(value) => Action::Set(UpdateOperand::Value(value)),
                    AttributeAction::Remove => Action::Remove,
                    AttributeAction::Delete(value) => Action::Delete(value),
                    AttributeAction::Add(value @ AttributeValue::L(_)) => append(&path, value),
                    AttributeAction::Add(value) => Action::Add(value),
                };
                (path, action)
            })
            .collect();
        Self { actions }
    }
}

/// `list_append(if_not_exists(path, []), value)`.
fn append(path: &Path, value: AttributeValue) -> Action {
    let empty = UpdateOperand::Value(AttributeValue::L(Vec::new()));
    let old = UpdateOperand::IfNotExists(path.clone(), Box::new(empty));
    Action::Set(UpdateOperand::ListAppend(Box::new((
        old,
        UpdateOperand::Value(value),
    ))))
}
