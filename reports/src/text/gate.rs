//! The answer of a gate for a terminal: the judgement, then each metric with its interval and its control.

use super::{
    style::{Style, Tone},
    table::table,
};
use crate::{
    gate::{Answer, Judgement, MetricAnswer, Span},
    words,
};

/// The answer.
#[must_use]
pub fn answer(answer: &Answer, style: Style) -> String {
    let tone = match answer.judgement {
        Judgement::Pass => Tone::Good,
        Judgement::Fail => Tone::Bad,
        Judgement::CannotTell => Tone::Doubtful,
    };
    let heading = [
        "metric",
        "",
        "worse by",
        "interval",
        "base",
        "candidate",
        "base against itself",
    ];
    let rows: Vec<Vec<String>> = answer.metrics.iter().map(row).collect();
    let mut out = format!(
        "{}\n{}\n\n{}\n",
        style.paint(tone, answer.judgement.word()),
        style.wrap(&answer.sentence, 0),
        table(style, 2, &heading, &rows).trim_end()
    );
    for note in &answer.notes {
        out.push_str(&format!("\n{}\n", style.wrap(note, 2)));
    }
    out
}

fn row(metric: &MetricAnswer) -> Vec<String> {
    let judgement = match (metric.judgement, metric.machine_is_fit) {
        (Judgement::CannotTell, false) if metric.control.is_some() => "unfit machine",
        (judgement @ (Judgement::Pass | Judgement::Fail | Judgement::CannotTell), _) => {
            judgement.word()
        }
    };
    let dash = || "–".to_owned();
    let (base, candidate) = metric.medians.map_or_else(
        || (dash(), dash()),
        |(base, candidate)| (words::plain(base), words::plain(candidate)),
    );
    vec![
        metric.name.clone(),
        judgement.to_lowercase(),
        metric.worse_by.map_or_else(dash, |span| percent(span.mean)),
        metric.worse_by.map_or_else(dash, interval),
        base,
        candidate,
        metric.control.map_or_else(dash, interval),
    ]
}

fn interval(span: Span) -> String {
    format!("{} … {}", percent(span.low), percent(span.high))
}

fn percent(share: f64) -> String {
    format!("{:+.1} %", share * 100.0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::text::Colour;

    /// A gate that failed on one metric of two.
    pub(crate) fn failed() -> Answer {
        let span = |mean: f64| Span {
            mean,
            low: mean - 0.004,
            high: mean + 0.004,
        };
        let metric = |name: &str, judgement, mean| MetricAnswer {
            name: name.into(),
            judgement,
            worse_by: Some(span(mean)),
            control: Some(span(0.0)),
            machine_is_fit: true,
            medians: Some((40.0, 40.0 * (1.0 + mean))),
        };
        Answer {
            schema: Answer::SCHEMA.into(),
            judgement: Judgement::Fail,
            sentence: "fail after 10 rounds: cpu_us is worse by +5.1 % (+4.7 % to +5.5 %) where +3.0 % is tolerated".into(),
            rounds: 10,
            metrics: vec![
                metric("cpu_us", Judgement::Fail, 0.051),
                metric("memory_mib", Judgement::Pass, -0.001),
            ],
            notes: vec!["instructions are not counted: this machine has no such counter".into()],
        }
    }

    #[test]
    fn a_failure_names_its_metric() {
        let style = Style {
            width: 110,
            colour: Colour::Never,
        };
        insta::assert_snapshot!(answer(&failed(), style), @r#"
        FAIL
        fail after 10 rounds: cpu_us is worse by +5.1 % (+4.7 % to +5.5 %) where +3.0 % is tolerated

          metric            worse by         interval  base  candidate  base against itself
          cpu_us      fail    +5.1 %  +4.7 % … +5.5 %    40       42.0      -0.4 % … +0.4 %
          memory_mib  pass    -0.1 %  -0.5 % … +0.3 %    40       40.0      -0.4 % … +0.4 %

          instructions are not counted: this machine has no such counter
        "#);
    }
}
