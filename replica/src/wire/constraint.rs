//! The constraints of AWS's service model: all violations of a request are collected and told together.

use std::fmt::Display;

use super::scalar::{Text, Whole};
use crate::core::{ApiError, ReturnCapacity, ReturnValues};

/// Most violations that are told.
const TOLD_MAX: usize = 10;

/// The pattern of table and index names.
const NAME_PATTERN: &str = "[a-zA-Z0-9_.-]+";

/// Violations so far.
#[derive(Debug, Default)]
pub(super) struct Constraints(Vec<String>);

impl Constraints {
    /// A violation: the value, where it stands, what it should have been.
    pub(super) fn violated(&mut self, value: impl Display, path: &str, constraint: impl Display) {
        self.push(&format!("'{value}'"), path, constraint);
    }

    fn push(&mut self, value: &str, path: &str, constraint: impl Display) {
        if self.0.len() < TOLD_MAX {
            self.0.push(format!(
                "Value {value} at '{path}' failed to satisfy constraint: {constraint}"
            ));
        }
    }

    /// Notes a member that is missing.
    pub(super) fn required<T>(&mut self, value: Option<&T>, path: &str) {
        if value.is_none() {
            self.push("null", path, "Member must not be null");
        }
    }

    /// A table or index name that must be there.
    pub(super) fn name(&mut self, name: Option<&Text<'_>>, path: &str) {
        self.required(name, path);
        self.optional_name(name, path);
    }

    /// A table or index name that may be missing.
    pub(super) fn optional_name(&mut self, name: Option<&Text<'_>>, path: &str) {
        let Some(name) = name.map(Text::as_str) else {
            return;
        };
        self.pattern(name, path);
        let length = name.chars().count();
        if length < 3 {
            self.violated(
                name,
                path,
                "Member must have length greater than or equal to 3",
            );
        }
        if length > 255 {
            self.violated(
                name,
                path,
                "Member must have length less than or equal to 255",
            );
        }
    }

    /// A text of so many characters, if it is there.
    pub(super) fn text(&mut self, value: Option<&Text<'_>>, path: &str, least: usize, most: usize) {
        let Some(value) = value.map(Text::as_str) else {
            return;
        };
        let length = value.chars().count();
        if length < least {
            let constraint = format!("Member must have length greater than or equal to {least}");
            self.violated(value, path, constraint);
        }
        if length > most {
            let constraint = format!("Member must have length less than or equal to {most}");
            self.violated(value, path, constraint);
        }
    }

    /// A name whose length is told otherwise.
    pub(super) fn pattern(&mut self, name: &str, path: &str) {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if name.is_empty() || !name.bytes().all(fits) {
            self.violated(
                name,
                path,
                format_args!("Member must satisfy regular expression pattern: {NAME_PATTERN}"),
            );
        }
    }

    /// One of a set of words; `None` if it is missing or no such word.
    pub(super) fn word<T: Copy>(
        &mut self,
        value: Option<&Text<'_>>,
        path: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let value = value?.as_str();
        let found = words.iter().find(|(word, _)| *word == value);
        if found.is_none() {
            let set: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.violated(
                value,
                path,
                format_args!("Member must satisfy enum value set: [{}]", set.join(", ")),
            );
        }
        found.map(|(_, meaning)| *meaning)
    }

    /// `ReturnConsumedCapacity`.
    pub(super) fn return_capacity(&mut self, value: Option<&Text<'_>>) -> ReturnCapacity {
        let words = [
            ("INDEXES", ReturnCapacity::Indexes),
            ("TOTAL", ReturnCapacity::Total),
            ("NONE", ReturnCapacity::None),
        ];
        self.word(value, "returnConsumedCapacity", &words)
            .unwrap_or(ReturnCapacity::None)
    }

    /// `ReturnValues`.
    pub(super) fn return_values(&mut self, value: Option<&Text<'_>>) -> ReturnValues {
        let words = [
            ("ALL_NEW", ReturnValues::AllNew),
            ("UPDATED_OLD", ReturnValues::UpdatedOld),
            ("ALL_OLD", ReturnValues::AllOld),
            ("NONE", ReturnValues::None),
            ("UPDATED_NEW", ReturnValues::UpdatedNew),
        ];
        self.word(value, "returnValues", &words)
            .unwrap_or(ReturnValues::None)
    }

    /// A number within bounds; the default if it is missing.
    pub(super) fn limit(&mut self, value: Option<Whole>, path: &str, most: i64) -> usize {
        let Some(Whole(value)) = value else {
            return 100;
        };
        self.within(Some(Whole(value)), path, 1, most);
        usize::try_from(value).unwrap_or(1)
    }

    /// A number within bounds, if it is there.
    pub(super) fn within(&mut self, value: Option<Whole>, path: &str, least: i64, most: i64) {
        let Some(Whole(value)) = value else { return };
        if value < least {
            let constraint = format!("Member must have value greater than or equal to {least}");
            self.violated(value, path, constraint);
        }
        if value > most {
            let constraint = format!("Member must have value less than or equal to {most}");
            self.violated(value, path, constraint);
        }
    }

    /// The number of elements of a list.
    pub(super) fn length(&mut self, shown: &str, length: usize, path: &str, most: usize) {
        if length < 1 {
            self.violated(
                shown,
                path,
                "Member must have length greater than or equal to 1",
            );
        }
        if length > most {
            let constraint = format!("Member must have length less than or equal to {most}");
            self.violated(shown, path, constraint);
        }
    }

    /// The end: a refusal if anything was violated.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        self.finish_after("")
    }

    /// The same, introduced by some words.
    pub(super) fn finish_after(self, introduction: &str) -> Result<(), ApiError> {
        let count = self.0.len();
        if count == 0 {
            return Ok(());
        }
        let plural = if count > 1 { "s" } else { "" };
        Err(ApiError::validation(format!(
            "{introduction}{count} validation error{plural} detected: {}",
            self.0.join("; ")
        )))
    }
}

/// The name of the table of a control-plane request, which is checked before everything else and in other words.
pub(super) fn table_name(name: Option<&Text<'_>>) -> Result<String, ApiError> {
    let Some(name) = name.map(Text::as_str) else {
        return Err(ApiError::validation(
            "The parameter 'TableName' is required but was not present in the request",
        ));
    };
    if !(3..=255).contains(&name.chars().count()) {
        return Err(ApiError::validation(
            "TableName must be at least 3 characters long and at most 255 characters long",
        ));
    }
    Ok(name.to_owned())
}
