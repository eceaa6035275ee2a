//! From text to [`Goal`].

use super::{Goal, Scope, Side, Statistic};

/// The names that a run has: what a goal may speak of.
#[derive(Clone, Copy, Debug)]
pub struct Vocabulary<'a> {
    /// Region names.
    pub regions: &'a [String],
    /// Kinds of operations.
    pub kinds: &'a [String],
}

/// What is wrong with a goal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GoalError {
    /// No comparison in it.
    #[error(
        "goal `{text}`: no comparison; write METRIC<VALUE, such as read.p99<20ms, or rate>=4.9k"
    )]
    Comparison {
        /// As the user wrote it.
        text: String,
    },
    /// The metric does not exist.
    #[error("goal `{text}`: no metric `{metric}`: {reason}; {metrics}")]
    Metric {
        /// As the user wrote it.
        text: String,
        /// The part before the comparison.
        metric: String,
        /// Which part of it is unknown.
        reason: String,
        /// Those that exist.
        metrics: String,
    },
    /// The bound cannot be read.
    #[error("goal `{text}`: `{value}` is not a bound for it; write {wanted}")]
    Value {
        /// As the user wrote it.
        text: String,
        /// The part after the comparison.
        value: String,
        /// What is wanted, with an example.
        wanted: &'static str,
    },
    /// A goal that gets better the worse things are.
    #[error(
        "goal `{text}`: the comparison points the wrong way, it would be kept by the worst of runs; write `{should}`"
    )]
    WrongWay {
        /// As the user wrote it.
        text: String,
        /// The comparison that makes sense.
        should: &'static str,
    },
}

pub(super) fn parse(text: &str, vocabulary: &Vocabulary<'_>) -> Result<Goal, GoalError> {
    let text = text.trim();
    let at = text
        .find(['<', '>'])
        .ok_or_else(|| GoalError::Comparison { text: text.into() })?;
    let (name, rest) = (text[..at].trim(), &text[at..]);
    let (side, value) = match rest.strip_prefix("<=") {
        Some(value) => (Side::AtMost, value),
        None => match rest.strip_prefix(">=") {
            Some(value) => (Side::AtLeast, value),
            None if rest.starts_with('<') => (Side::Below, &rest[1..]),
            None => (Side::Above, &rest[1..]),
        },
    };
    let (scope, statistic) = metric(name, vocabulary).map_err(|reason| GoalError::Metric {
        text: text.into(),
        metric: name.into(),
        reason,
        metrics: existing(vocabulary),
    })?;
    let wants_more = statistic == Statistic::Rate;
    if wants_more != matches!(side, Side::Above | Side::AtLeast) {
        let should = if wants_more { ">=" } else { "<" };
        return Err(GoalError::WrongWay {
            text: text.into(),
            should,
        });
    }
    let bound = bound(statistic, value.trim()).map_err(|wanted| GoalError::Value {
        text: text.into(),
        value: value.trim().into(),
        wanted,
    })?;
    Ok(Goal {
        text: text.into(),
        scope,
        statistic,
        side,
        bound,
    })
}

/// All metrics, for a message.
fn existing(vocabulary: &Vocabulary<'_>) -> String {
    format!(
        "metrics are [REGION.][KIND.][service.]pN or max, [REGION.]lag.pN or max, [REGION.][KIND.]errors, late, never-sent and rate; \
         regions here: {}; kinds here: {}",
        vocabulary.regions.join(", "),
        vocabulary.kinds.join(", ")
    )
}

fn metric(name: &str, vocabulary: &Vocabulary<'_>) -> Result<(Scope, Statistic), String> {
    let (before, statistic) = split_statistic(name);
    let mut scope = Scope::default();
    let (mut is_service, mut is_lag) = (false, false);
    for part in before.split('.').filter(|part| !part.is_empty()) {
        if part == "service" {
            is_service = true;
        } else if part == "lag" {
            is_lag = true;
        } else if vocabulary.regions.iter().any(|region| region == part) && scope.region.is_none() {
            scope.region = Some(part.to_owned());
        } else if vocabulary.kinds.iter().any(|kind| kind == part) && scope.kind.is_none() {
            scope.kind = Some(part.to_owned());
        } else {
            return Err(format!(
                "`{part}` is neither a region nor a kind of this run"
            ));
        }
    }
    if is_lag && (is_service || scope.kind.is_some()) {
        return Err("lag is measured by heartbeats, it has no kind and no service time".into());
    }
    let quantile = quantile(statistic);
    let statistic = match (statistic, quantile) {
        (_, Some(quantile)) if is_lag => Statistic::Lag(quantile),
        (_, Some(quantile)) if is_service => Statistic::Service(quantile),
        (_, Some(quantile)) => Statistic::Response(quantile),
        ("errors" | "late" | "never-sent" | "rate", None) if is_service || is_lag => {
            return Err(format!(
                "`{statistic}` has neither `service` nor `lag` before it"
            ));
        }
        ("errors", None) => Statistic::Errors,
        ("late", None) => Statistic::Late,
        ("never-sent", None) => Statistic::NeverSent,
        ("rate", None) => Statistic::Rate,
        (other, None) => return Err(format!("`{other}` is no statistic")),
    };
    Ok((scope, statistic))
}

/// Parts the statistic from its scope; the dot in `p99.9` belongs to the statistic.
fn split_statistic(name: &str) -> (&str, &str) {
    let Some(last) = name.rfind('.') else {
        return ("", name);
    };
    let is_digits = !name[last + 1..].is_empty()
        && name[last + 1..]
            .chars()
            .all(|letter| letter.is_ascii_digit());
    if is_digits {
        let start = name[..last].rfind('.').map_or(0, |dot| dot + 1);
        return (&name[..start], &name[start..]);
    }
    (&name[..last], &name[last + 1..])
}

/// `p99.9` is 0.999, `max` is 1.
fn quantile(statistic: &str) -> Option<f64> {
    if statistic == "max" {
        return Some(1.0);
    }
    let percent: f64 = statistic.strip_prefix('p')?.parse().ok()?;
    (percent > 0.0 && percent <= 100.0).then_some(percent / 100.0)
}

fn bound(statistic: Statistic, value: &str) -> Result<f64, &'static str> {
    let unit_at = value
        .find(|letter: char| !(letter.is_ascii_digit() || letter == '.'))
        .unwrap_or(value.len());
    let (number, unit) = (&value[..unit_at], value[unit_at..].trim());
    let (scale, wanted) = match statistic {
        Statistic::Response(_) | Statistic::Service(_) | Statistic::Lag(_) => {
            let scale = match unit {
                "ns" => Some(1.0),
                "us" | "µs" => Some(1e3),
                "ms" => Some(1e6),
                "s" => Some(1e9),
                _ => None,
            };
            (
                scale,
                "a duration with its unit (ns, us, ms, s), such as 20ms",
            )
        }
        Statistic::Errors | Statistic::Late | Statistic::NeverSent => (
            (unit == "%").then_some(0.01),
            "a share in percent, such as 0.1%",
        ),
        Statistic::Rate => {
            let scale = match unit {
                "" => Some(1.0),
                "k" => Some(1e3),
                "M" => Some(1e6),
                _ => None,
            };
            (scale, "operations per second, such as 4900 or 4.9k")
        }
    };
    match (number.parse::<f64>(), scale) {
        (Ok(number), Some(scale)) => Ok(number * scale),
        (Ok(_), None) | (Err(_), _) => Err(wanted),
    }
}
