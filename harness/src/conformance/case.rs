//! The cases, as they stand in `harness/conformance/*.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// The files, embedded so that the binary needs none.
const FILES: &[(&str, &str)] = &[
    ("items", include_str!("../../conformance/items.toml")),
    ("settings", include_str!("../../conformance/settings.toml")),
    ("tables", include_str!("../../conformance/tables.toml")),
    (
        "membership",
        include_str!("../../conformance/membership.toml"),
    ),
    (
        "replication",
        include_str!("../../conformance/replication.toml"),
    ),
    ("queries", include_str!("../../conformance/queries.toml")),
    ("streams", include_str!("../../conformance/streams.toml")),
];

/// Steps that many cases begin with.
const GIVEN: &str = include_str!("../../conformance/given.toml");

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What must hold, in words. Unique.
    pub(crate) name: String,
    /// The paragraph that says so: a documentation page, an observation, or `choice` with our reason where nobody knows.
    pub(crate) source: String,
    /// The version of global tables that it is about; `any` if it holds for any table.
    pub(crate) version: String,
    /// Steps of `given.toml` that come first.
    #[serde(default)]
    pub(crate) given: Option<String>,
    /// The file that it stands in.
    #[serde(skip)]
    pub(crate) file: &'static str,
    pub(crate) steps: Vec<Step>,
}

/// One request and what must come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// `here`, `there` or `elsewhere`.
    #[serde(default = "here")]
    pub(crate) at: String,
    /// The operation.
    #[serde(default)]
    pub(crate) call: String,
    /// Its body. The case's own table is named unless this names one.
    #[serde(default)]
    pub(crate) with: BTreeMap<String, Value>,
    /// What the answer must hold at once.
    pub(crate) gives: Option<Value>,
    /// What the answer must hold in the end, and until then may not.
    pub(crate) until: Option<Value>,
    /// What the answer must hold for as long as one looks.
    pub(crate) stays: Option<Value>,
    /// The error that must come.
    pub(crate) refused: Option<String>,
    /// What the error must say, in part.
    pub(crate) saying: Option<String>,
    /// Parts of the answer to remember: name, JSON pointer.
    #[serde(default)]
    pub(crate) keep: BTreeMap<String, String>,
    /// Let this many seconds pass instead of calling anybody.
    pub(crate) pass_s: Option<u32>,
}

fn here() -> String {
    "here".to_owned()
}

#[derive(Deserialize)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Given {
    given: BTreeMap<String, Vec<Step>>,
}

/// Every case, its given steps in front of its own.
///
/// # Panics
/// A file of ours does not parse: a test reads them all.
pub(crate) fn suite() -> Vec<Case> {
    let Given { given } =
        toml::from_str(GIVEN).unwrap_or_else(|error| panic!("given.toml: {error}"));
    let mut cases = Vec::new();
    for (file, text) in FILES {
        let parsed: File =
            toml::from_str(text).unwrap_or_else(|error| panic!("{file}.toml: {error}"));
        for mut case in parsed.case {
            case.file = file;
            if let Some(name) = &case.given {
                let first = given
                    .get(name)
                    .unwrap_or_else(|| panic!("{file}.toml: there is no given {name:?}"));
                case.steps.splice(0..0, first.iter().cloned());
            }
            cases.push(case);
        }
    }
    cases
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_case_has_a_name_of_its_own_a_source_and_something_to_show() {
        let cases = suite();
        let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), cases.len(), "a name is used twice");
        for case in &cases {
            assert!(case.source.len() > 3, "{}", case.name);
            assert!(
                ["any", "2017.11.29", "2019.11.21"].contains(&case.version.as_str()),
                "{}",
                case.name
            );
            let shows = |step: &Step| {
                step.gives.is_some()
                    || step.until.is_some()
                    || step.stays.is_some()
                    || step.refused.is_some()
            };
            assert!(
                case.steps.last().is_some_and(shows),
                "{} shows nothing",
                case.name
            );
        }
        assert!(cases.len() >= 150, "{} cases", cases.len());
    }
}
