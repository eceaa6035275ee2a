//! The long memory of a gate: a JSON-lines file with one line per night, and where its metrics changed their level.
//!
//! Changes too small for one night's gate show over many. [`mod@file`] appends and reads, [`analysis`] finds the changes with
//! [`crate::stats::change_point`] and names the commits between which each lies. A change is an alarm when it is for the worse, three nights stand
//! behind it and nobody has acknowledged it; an acknowledged change stays acknowledged, because acknowledgements are lines of the same file.
//! Nights of different machines are never mixed: each machine has its own level.

pub mod analysis;
pub mod file;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Night {
    /// [`Night::SCHEMA`].
    pub schema: String,
    /// When it was measured: a date, or date and time, RFC 3339. For people; the order of the lines is what counts.
    pub date: String,
    /// The commit that was measured.
    pub commit: String,
    /// The machine, by a name of the user's choice.
    pub host: String,
    /// What was measured, by name with the unit last. Empty in a line that only acknowledges.
    pub metrics: BTreeMap<String, f64>,
    /// Changes that somebody has looked at and accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledged: Vec<Acknowledged>,
}

/// A change that somebody has looked at and accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledged {
    /// The metric.
    pub metric: String,
    /// The first commit of the new level, as the alarm named it.
    pub commit: String,
    /// Why it is accepted.
    pub why: String,
}

impl Night {
    /// The schema that this version reads and writes.
    pub const SCHEMA: &str = "dateline/night/1";

    /// What is wrong with it, field first; `Ok` if nothing is.
    ///
    /// # Errors
    /// In words, which field and what to write instead.
    pub fn check(&self) -> Result<(), String> {
        if self.schema != Self::SCHEMA {
            return Err(format!(
                "field `schema` is `{}`, this version reads `{}`",
                self.schema,
                Self::SCHEMA
            ));
        }
        let texts = [
            ("date", &self.date),
            ("commit", &self.commit),
            ("host", &self.host),
        ];
        for (name, text) in texts {
            if text.trim().is_empty() {
                return Err(format!(
                    "field `{name}` is empty, it tells this night from others"
                ));
            }
        }
        let day = self.date.get(..10).unwrap_or(&self.date);
        if day.parse::<jiff::civil::Date>().is_err() {
            return Err(format!(
                "field `date` is `{}`, write it as 2026-11-21",
                self.date
            ));
        }
        match self.metrics.iter().find(|(_, value)| !value.is_finite()) {
            Some((name, value)) => Err(format!("field `metrics.{name}` is {value}, not a number")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
