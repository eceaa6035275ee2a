//! What a condition means for an item.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::tree::{Comparator, Condition, Expr, Operand};
use crate::core::{ApiError, AttributeValue, Item, Number};

impl Condition {
    /// Whether it holds for an item; `None` is an item that does not exist.
    ///
    /// A missing operand, or one of another type, makes a comparison false, `<>` true. Every fault that AWS reports is found when the
    /// expression is parsed, so at present this does not fail.
    ///
    /// # Errors
    /// None at present; conditions that can fail at evaluation would report it here.
    pub fn evaluate(&self, item: Option<&Item>) -> Result<bool, ApiError> {
        let nothing = Item::new();
        Ok(holds(&self.0, item.unwrap_or(&nothing)))
    }
}

fn holds(expr: &Expr, item: &Item) -> bool {
    match expr {
        Expr::And(left, right) => holds(left, item) && holds(right, item),
        Expr::Or(left, right) => holds(left, item) || holds(right, item),
        Expr::Not(inner) => !holds(inner, item),
        Expr::Compare(comparator, operands) => compare(
            *comparator,
            find(&operands.0, item),
            find(&operands.1, item),
        ),
        Expr::Between(operands) => {
            let (operand, lower, upper) = operands.as_ref();
            let within =
                |comparator, bound| compare(comparator, find(operand, item), find(bound, item));
            within(Comparator::GreaterOrEqual, lower) && within(Comparator::LessOrEqual, upper)
        }
        Expr::In(operand, candidates) => {
            let value = find(operand, item);
            value.is_some()
                && candidates
                    .iter()
                    .any(|candidate| find(candidate, item) == value)
        }
        Expr::Exists(path) => path.find(item).is_some(),
        Expr::NotExists(path) => path.find(item).is_none(),
        Expr::HasType(operand, name) => {
            find(operand, item).is_some_and(|value| value.type_name() == name)
        }
        Expr::BeginsWith(operands) => both(operands, item, begins_with),
        Expr::Contains(operands) => both(operands, item, contains),
    }
}

/// An operand's value, `None` if it has none.
fn find<'a>(operand: &'a Operand, item: &'a Item) -> Option<Cow<'a, AttributeValue>> {
    match operand {
        Operand::Path(path) => path.find(item).map(Cow::Borrowed),
        Operand::Value(value) => Some(Cow::Borrowed(value)),
        Operand::Size(inner) => {
            let size = size(find(inner, item)?.as_ref())?;
            Some(Cow::Owned(AttributeValue::N(Number::from(size))))
        }
    }
}

fn both(
    operands: &(Operand, Operand),
    item: &Item,
    test: fn(&AttributeValue, &AttributeValue) -> bool,
) -> bool {
    let values = find(&operands.0, item).zip(find(&operands.1, item));
    values.is_some_and(|(left, right)| test(&left, &right))
}

fn compare(
    comparator: Comparator,
    left: Option<Cow<'_, AttributeValue>>,
    right: Option<Cow<'_, AttributeValue>>,
) -> bool {
    let Some((left, right)) = left.zip(right) else {
        return comparator == Comparator::NotEqual;
    };
    let ordered = |accepts: fn(Ordering) -> bool| order(&left, &right).is_some_and(accepts);
    match comparator {
        Comparator::Equal => left == right,
        Comparator::NotEqual => left != right,
        Comparator::Less => ordered(Ordering::is_lt),
        Comparator::LessOrEqual => ordered(Ordering::is_le),
        Comparator::Greater => ordered(Ordering::is_gt),
        Comparator::GreaterOrEqual => ordered(Ordering::is_ge),
    }
}

/// The order of two values; only strings, numbers and bytes have one, and only among themselves.
pub(super) fn order(left: &AttributeValue, right: &AttributeValue) -> Option<Ordering> {
    match (left, right) {
        (AttributeValue::S(left), AttributeValue::S(right)) => Some(left.cmp(right)),
        (AttributeValue::N(left), AttributeValue::N(right)) => Some(left.cmp(right)),
        (AttributeValue::B(left), AttributeValue::B(right)) => Some(left.cmp(right)),
        (_, _) => None,
    }
}

fn begins_with(value: &AttributeValue, prefix: &AttributeValue) -> bool {
    match (value, prefix) {
        (AttributeValue::S(value), AttributeValue::S(prefix)) => value.starts_with(prefix),
        (AttributeValue::B(value), AttributeValue::B(prefix)) => value.starts_with(prefix),
        (_, _) => false,
    }
}

fn contains(value: &AttributeValue, part: &AttributeValue) -> bool {
    match (value, part) {
        (AttributeValue::S(value), AttributeValue::S(part)) => value.contains(part.as_str()),
        (AttributeValue::B(value), AttributeValue::B(part)) => {
            part.is_empty() || value.windows(part.len()).any(|window| window == part)
        }
        (AttributeValue::Ss(set), AttributeValue::S(part)) => set.contains(part),
        (AttributeValue::Ns(set), AttributeValue::N(part)) => set.contains(part),
        (AttributeValue::Bs(set), AttributeValue::B(part)) => set.contains(part),
        (AttributeValue::L(list), part) => list.contains(part),
        (_, _) => false,
    }
}

/// The length of a string in bytes, of bytes, or the number of elements; nothing else has a size.
fn size(value: &AttributeValue) -> Option<u64> {
    let count = match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(bytes) => bytes.len(),
        AttributeValue::M(map) => map.len(),
        AttributeValue::L(list) => list.len(),
        AttributeValue::Ss(set) => set.len(),
        AttributeValue::Ns(set) => set.len(),
        AttributeValue::Bs(set) => set.len(),
        AttributeValue::N(_) | AttributeValue::Bool(_) | AttributeValue::Null => return None,
    };
    u64::try_from(count).ok()
}
