//! What a gate is to compare, with every default resolved and every value checked.

use std::time::Duration;

use clap::ValueEnum;
use jiff::SignedDuration;
use reports::gate::Terms;
use serde::Deserialize;

use super::command::{CommandError, CommandLine};

/// The longest that one run may take unless more is allowed.
const RUN_LIMIT: Duration = Duration::from_secs(600);

/// Most rounds that may be asked for: 4,000 runs.
const ROUNDS_MAX: usize = 1000;

/// A gate as it is written in a suite's file; on the command line the same names are flags.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct GateForm {
    /// What to call it.
    pub(crate) name: String,
    /// The command that was accepted last.
    pub(crate) base: String,
    /// The command that asks to be accepted.
    pub(crate) candidate: String,
    /// Arguments of both.
    #[serde(default)]
    pub(crate) arguments: Vec<String>,
    /// What to judge by; none: CPU time, and instructions where they can be counted.
    #[serde(default)]
    pub(crate) metrics: Vec<String>,
    /// `3%`.
    pub(crate) tolerate: Option<String>,
    /// `10..20`.
    pub(crate) rounds: Option<String>,
    /// How the four runs of a round are made; none: as suits the metrics.
    pub(crate) runs: Option<Runs>,
    /// `20m`.
    pub(crate) budget: Option<String>,
    /// `10m`.
    pub(crate) run_limit: Option<String>,
    /// Decides the draws.
    pub(crate) seed: Option<u64>,
}

/// How the four runs of a round are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Runs {
    /// All four on one processor, which the kernel gives to each for some milliseconds in turn: what slows one slows all, so CPU time can be compared. Times that
    /// somebody waits cannot.
    AtOnce,
    /// One after the other, each with the machine to itself.
    InTurns,
}

impl Runs {
    /// Its name on the command line and in a suite's file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AtOnce => "at-once",
            Self::InTurns => "in-turns",
        }
    }
}

/// What a gate is to do.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(super) base: CommandLine,
    pub(super) candidate: CommandLine,
    pub(super) metrics: Vec<String>,
    pub(super) terms: Terms,
    /// Whether the rounds were said, or are those of the default.
    pub(super) rounds: Option<(usize, usize)>,
    pub(super) runs: Option<Runs>,
    pub(super) budget: Option<Duration>,
    pub(super) run_limit: Duration,
    pub(crate) seed: u64,
}

/// What cannot be asked of a gate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("`{field}` {given:?}: {source}")]
    Command {
        field: &'static str,
        given: String,
        source: CommandError,
    },
    #[error("`{field}` {given:?}: {wanted}")]
    Value {
        field: &'static str,
        given: String,
        wanted: &'static str,
    },
}

impl Settings {
    /// Resolves defaults and refuses what cannot be.
    pub(crate) fn resolve(form: &GateForm) -> Result<Self, SettingsError> {
        let command = |field, given: &String| {
            CommandLine::parse(given, &form.arguments).map_err(|source| SettingsError::Command {
                field,
                given: given.clone(),
                source,
            })
        };
        let seed = form.seed.unwrap_or(0);
        let terms = Terms::default();
        let rounds = form.rounds.as_deref().map(rounds).transpose()?;
        let (rounds_min, rounds_max) = rounds.unwrap_or((terms.rounds_min, terms.rounds_max));
        let tolerated = form.tolerate.as_deref().map(share).transpose()?;
        let run_limit = duration("run-limit", form.run_limit.as_deref())?;
        Ok(Self {
            base: command("base", &form.base)?,
            candidate: command("candidate", &form.candidate)?,
            metrics: form.metrics.clone(),
            terms: Terms {
                tolerated: tolerated.unwrap_or(terms.tolerated),
                rounds_min,
                rounds_max,
                seed,
                ..terms
            },
            rounds,
            runs: form.runs,
            budget: duration("budget", form.budget.as_deref())?,
            run_limit: run_limit.unwrap_or(RUN_LIMIT),
            seed,
        })
    }
}

/// `20m`, `1h 30m`, `45s`.
pub(crate) fn duration(
    field: &'static str,
    given: Option<&str>,
) -> Result<Option<Duration>, SettingsError> {
    let Some(given) = given else {
        return Ok(None);
    };
    let parsed: Option<SignedDuration> = given.trim().parse().ok();
    parsed
        .and_then(|duration| Duration::try_from(duration).ok())
        .filter(|duration| !duration.is_zero())
        .map(Some)
        .ok_or_else(|| SettingsError::Value {
            field,
            given: given.to_owned(),
            wanted: "write a duration above zero with its unit, such as 45s, 20m or 1h30m",
        })
}

/// `3%` is 0.03.
fn share(given: &str) -> Result<f64, SettingsError> {
    let digits = given.trim().strip_suffix('%').map(str::trim);
    digits
        .and_then(|digits| digits.parse::<f64>().ok())
        .map(|percent| percent / 100.0)
        .filter(|share| (0.001..=1.0).contains(share))
        .ok_or_else(|| SettingsError::Value {
            field: "tolerate",
            given: given.to_owned(),
            wanted: "write 0.1% to 100%, such as 3%",
        })
}

/// `10..20`, or `12` for exactly as many.
fn rounds(given: &str) -> Result<(usize, usize), SettingsError> {
    let (least, most) = given.split_once("..").unwrap_or((given, given));
    let number = |text: &str| text.trim().parse::<usize>().ok();
    number(least)
        .zip(number(most))
        .filter(|(least, most)| 3 <= *least && least <= most && *most <= ROUNDS_MAX)
        .ok_or_else(|| SettingsError::Value {
            field: "rounds",
            given: given.to_owned(),
            wanted: "write the least and the most rounds of four runs, 3 to 1000, such as 10..20",
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> GateForm {
        GateForm {
            name: "gate".into(),
            base: "true".into(),
            candidate: "sh -c true".into(),
            ..GateForm::default()
        }
    }

    #[test]
    fn defaults_and_units() {
        let settings = Settings::resolve(&form()).expect("it says enough");
        assert_eq!(settings.terms, Terms::default());
        assert_eq!(settings.budget, None);
        let settings = Settings::resolve(&GateForm {
            tolerate: Some("2.5 %".into()),
            rounds: Some("5..8".into()),
            budget: Some("1h30m".into()),
            ..form()
        });
        let settings = settings.expect("well formed");
        assert_eq!(settings.terms.tolerated, 0.025);
        assert_eq!(
            (settings.terms.rounds_min, settings.terms.rounds_max),
            (5, 8)
        );
        assert_eq!(settings.budget, Some(Duration::from_secs(5400)));
    }

    #[test]
    fn what_cannot_be_names_its_field() {
        type Edit = fn(&mut GateForm);
        let edits: [(Edit, &str); 6] = [
            (|form| form.base = "no-such-program".into(), "`base`"),
            (|form| form.candidate = String::new(), "`candidate`"),
            (|form| form.tolerate = Some("0%".into()), "`tolerate`"),
            (|form| form.rounds = Some("8..5".into()), "`rounds`"),
            (|form| form.budget = Some("soon".into()), "`budget`"),
            (|form| form.run_limit = Some("-1s".into()), "`run-limit`"),
        ];
        for (edit, field) in edits {
            let mut form = form();
            edit(&mut form);
            let told = Settings::resolve(&form).map(|_| ()).expect_err(field);
            assert!(told.to_string().starts_with(field), "{told}");
        }
    }
}
