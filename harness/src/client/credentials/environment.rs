//! The variables of a process's environment, as a value: so that tests have some of their own.

use std::{collections::BTreeMap, path::PathBuf};

/// Variables by name. An empty one counts as one that is not set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// That of this process. What is no text cannot be meant for us.
    pub(crate) fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// These variables alone.
    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self(variables.iter().map(owned).collect())
    }

    /// A variable that is set to something.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// The file that a variable names, or this one in the home directory.
    pub(super) fn file(&self, variable: &str, usually: &str) -> PathBuf {
        let home = PathBuf::from(self.get("HOME").unwrap_or("/"));
        match self.get(variable) {
            None => home.join(usually),
            Some(given) => match given.strip_prefix("~/") {
                Some(below) => home.join(below),
                None => PathBuf::from(given),
            },
        }
    }
}
