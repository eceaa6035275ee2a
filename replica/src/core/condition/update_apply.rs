//! What an update means for an item.
//!
//! All right-hand sides read the item as it was. Then `SET`, `ADD` and `DELETE` go from lower list indexes to higher ones, so that elements past the
//! end are appended in order; `REMOVE` comes last and from higher indexes to lower ones, so that every index means the old list's.

use std::collections::BTreeSet;

use super::path::{Path, Step};
use super::update::{Action, Operand, Update};
use crate::core::value::NESTING_MAX;
use crate::core::{ApiError, AttributeValue, Item, Number};

impl Update {
    /// The item after the update. All right-hand sides read the item before it. For a new item pass its key attributes.
    ///
    /// # Errors
    /// `ValidationException` when an operand is missing or of the wrong type, or a path leads nowhere.
    pub fn apply(&self, item: &Item) -> Result<Item, ApiError> {
        let mut actions: Vec<&(Path, Action)> = self.actions.iter().collect();
        actions.sort_by(|left, right| left.0.cmp(&right.0));
        let mut updated = item.clone();
        for (path, action) in &actions {
            let old = path.find(item);
            match action {
                Action::Set(operand) => set(&mut updated, path, value_of(operand, item)?)?,
                Action::Add(value) => set(&mut updated, path, sum(old, value)?)?,
                Action::Delete(value) => match difference(old, value)? {
                    Some(rest) => set(&mut updated, path, rest)?,
                    None => remove(&mut updated, path)?,
                },
                Action::Remove => {}
            }
        }
        for (path, action) in actions.iter().rev() {
            match action {
                Action::Remove if path.find(item).is_some() || !path.leads_into_list() => {
                    remove(&mut updated, path)?;
                }
                Action::Remove | Action::Set(_) | Action::Add(_) | Action::Delete(_) => {}
            }
        }
        for (path, _) in &self.actions {
            if updated
                .get(&path.attribute)
                .is_some_and(|value| value.depth() > NESTING_MAX)
            {
                return Err(ApiError::validation(
                    "Nesting Levels have exceeded supported limits",
                ));
            }
        }
        Ok(updated)
    }
}

impl Path {
    fn leads_into_list(&self) -> bool {
        matches!(self.steps.last(), Some(Step::Index(_)))
    }
}

fn wrong_operand() -> ApiError {
    ApiError::validation("An operand in the update expression has an incorrect data type")
}

fn invalid_path() -> ApiError {
    ApiError::validation(
        "The document path provided in the update expression is invalid for update",
    )
}

fn value_of(operand: &Operand, item: &Item) -> Result<AttributeValue, ApiError> {
    match operand {
        Operand::Path(path) => path.find(item).cloned().ok_or_else(|| {
            ApiError::validation(
                "The provided expression refers to an attribute that does not exist in the item",
            )
        }),
        Operand::Value(value) => Ok(value.clone()),
        Operand::Sum(operands) => arithmetic(operands, item, Number::add),
        Operand::Difference(operands) => arithmetic(operands, item, Number::subtract),
        Operand::IfNotExists(path, otherwise) => path
            .find(item)
            .cloned()
            .map_or_else(|| value_of(otherwise, item), Ok),
        Operand::ListAppend(operands) => {
            match (value_of(&operands.0, item)?, value_of(&operands.1, item)?) {
                (AttributeValue::L(mut list), AttributeValue::L(more)) => {
                    list.extend(more);
                    Ok(AttributeValue::L(list))
                }
                (_, _) => Err(wrong_operand()),
            }
        }
    }
}

fn arithmetic(
    operands: &(Operand, Operand),
    item: &Item,
    calculate: fn(&Number, &Number) -> Result<Number, ApiError>,
) -> Result<AttributeValue, ApiError> {
    match (value_of(&operands.0, item)?, value_of(&operands.1, item)?) {
        (AttributeValue::N(left), AttributeValue::N(right)) => {
            calculate(&left, &right).map(AttributeValue::N)
        }
        (_, _) => Err(wrong_operand()),
    }
}

/// `ADD`: to a number, to a set, or to nothing.
fn sum(old: Option<&AttributeValue>, value: &AttributeValue) -> Result<AttributeValue, ApiError> {
    Ok(match (old, value) {
        (None, value) => value.clone(),
        (Some(AttributeValue::N(old)), AttributeValue::N(value)) => {
            AttributeValue::N(old.add(value)?)
        }
        (Some(AttributeValue::Ss(old)), AttributeValue::Ss(more)) => AttributeValue::Ss(old | more),
        (Some(AttributeValue::Bs(old)), AttributeValue::Bs(more)) => AttributeValue::Bs(old | more),
        (Some(AttributeValue::Ns(old)), AttributeValue::Ns(more)) => {
            let union: BTreeSet<&Number> = old.iter().chain(more).collect();
            AttributeValue::Ns(union.into_iter().cloned().collect())
        }
        (Some(_), _) => return Err(wrong_operand()),
    })
}

/// `DELETE`: what is left of a set; `None` when nothing is.
fn difference(
    old: Option<&AttributeValue>,
    value: &AttributeValue,
) -> Result<Option<AttributeValue>, ApiError> {
    Ok(match (old, value) {
        (None, _) => None,
        (Some(AttributeValue::Ss(old)), AttributeValue::Ss(less)) => Some(old - less)
            .filter(|rest| !rest.is_empty())
            .map(AttributeValue::Ss),
        (Some(AttributeValue::Bs(old)), AttributeValue::Bs(less)) => Some(old - less)
            .filter(|rest| !rest.is_empty())
            .map(AttributeValue::Bs),
        (Some(AttributeValue::Ns(old)), AttributeValue::Ns(less)) => {
            let rest: Vec<Number> = old
                .iter()
                .filter(|number| !less.contains(number))
                .cloned()
                .collect();
            Some(rest)
                .filter(|rest| !rest.is_empty())
                .map(AttributeValue::Ns)
        }
        (Some(_), _) => return Err(wrong_operand()),
    })
}

fn set(item: &mut Item, path: &Path, value: AttributeValue) -> Result<(), ApiError> {
    let Some((last, parents)) = path.steps.split_last() else {
        item.insert(path.attribute.clone(), value);
        return Ok(());
    };
    match (last, parent(item, path, parents)?) {
        (Step::Field(name), AttributeValue::M(map)) => {
            map.insert(name.clone(), value);
        }
        (Step::Index(index), AttributeValue::L(list)) => match list.get_mut(*index) {
            Some(element) => *element = value,
            None => list.push(value),
        },
        (Step::Field(_) | Step::Index(_), _) => return Err(invalid_path()),
    }
    Ok(())
}

fn remove(item: &mut Item, path: &Path) -> Result<(), ApiError> {
    let Some((last, parents)) = path.steps.split_last() else {
        item.remove(&path.attribute);
        return Ok(());
    };
    match (last, parent(item, path, parents)?) {
        (Step::Field(name), AttributeValue::M(map)) => {
            map.remove(name);
        }
        (Step::Index(index), AttributeValue::L(list)) => {
            if *index < list.len() {
                list.remove(*index);
            }
        }
        (Step::Field(_) | Step::Index(_), _) => return Err(invalid_path()),
    }
    Ok(())
}

/// What the last step of a path starts from.
fn parent<'a>(
    item: &'a mut Item,
    path: &Path,
    parents: &[Step],
) -> Result<&'a mut AttributeValue, ApiError> {
    let top = item.get_mut(&path.attribute).ok_or_else(invalid_path)?;
    parents.iter().try_fold(top, |value, step| {
        match (step, value) {
            (Step::Field(name), AttributeValue::M(map)) => map.get_mut(name),
            (Step::Index(index), AttributeValue::L(list)) => list.get_mut(*index),
            (Step::Field(_) | Step::Index(_), _) => None,
        }
        .ok_or_else(invalid_path)
    })
}
