//! `ExpressionAttributeNames` and `ExpressionAttributeValues`: substitution, and the refusal of unused ones.

use std::collections::BTreeMap;

use crate::core::{ApiError, AttributeValue};

/// The placeholders of a request. Every expression of the request takes from the same ones.
#[derive(Debug, Default)]
pub struct Placeholders {
    names: BTreeMap<String, Slot<String>>,
    values: BTreeMap<String, Slot<AttributeValue>>,
}

#[derive(Debug)]
struct Slot<T> {
    content: T,
    used: bool,
}

impl Placeholders {
    /// The placeholders of a request, in the order in which it gave them.
    ///
    /// # Errors
    /// `ValidationException` when a map is present but empty, or a key has the wrong form.
    pub fn new(
        names: Option<Vec<(String, String)>>,
        values: Option<Vec<(String, AttributeValue)>>,
    ) -> Result<Self, ApiError> {
        Ok(Self {
            names: slots("ExpressionAttributeNames", '#', names)?,
            values: slots("ExpressionAttributeValues", ':', values)?,
        })
    }

    /// The name that a `#name` stands for.
    pub(super) fn name(&mut self, placeholder: &str) -> Option<String> {
        take(&mut self.names, placeholder)
    }

    /// The value that a `:value` stands for.
    pub(super) fn value(&mut self, placeholder: &str) -> Option<AttributeValue> {
        take(&mut self.values, placeholder)
    }

    /// Refuses placeholders that no expression used; to be called after all were parsed.
    ///
    /// # Errors
    /// `ValidationException` that names them.
    pub fn check_all_used(&self) -> Result<(), ApiError> {
        check_used("ExpressionAttributeNames", &self.names)?;
        check_used("ExpressionAttributeValues", &self.values)
    }
}

fn slots<T>(
    member: &str,
    sigil: char,
    entries: Option<Vec<(String, T)>>,
) -> Result<BTreeMap<String, Slot<T>>, ApiError> {
    let Some(entries) = entries else {
        return Ok(BTreeMap::new());
    };
    if entries.is_empty() {
        return Err(ApiError::validation(format!("{member} must not be empty")));
    }
    let well_formed = |key: &str| {
        key.strip_prefix(sigil).is_some_and(|name| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
    };
    if let Some((key, _)) = entries.iter().find(|(key, _)| !well_formed(key)) {
        return Err(ApiError::validation(format!(
            "{member} contains invalid key: Syntax error; key: \"{key}\""
        )));
    }
    Ok(entries
        .into_iter()
        .map(|(key, content)| {
            (
                key,
                Slot {
                    content,
                    used: false,
                },
            )
        })
        .collect())
}

fn take<T: Clone>(slots: &mut BTreeMap<String, Slot<T>>, placeholder: &str) -> Option<T> {
    let slot = slots.get_mut(placeholder)?;
    slot.used = true;
    Some(slot.content.clone())
}

fn check_used<T>(member: &str, slots: &BTreeMap<String, Slot<T>>) -> Result<(), ApiError> {
    let unused: Vec<&str> = slots
        .iter()
        .filter(|(_, slot)| !slot.used)
        .map(|(key, _)| key.as_str())
        .collect();
    if unused.is_empty() {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "Value provided in {member} unused in expressions: keys: {{{}}}",
        unused.join(", ")
    )))
}
