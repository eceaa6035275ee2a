//! The summary of a load run for a terminal: goals first, then what was asked and got, then response and service times side by side.

use super::{
    style::{Style, Tone},
    table::table,
};
use crate::{
    load_summary::{
        LoadRow, LoadSummary, Times,
        goal::{GoalOutcome, GoalResult},
    },
    words,
};

/// The summary.
#[must_use]
pub fn summary(summary: &LoadSummary, style: Style) -> String {
    let run = &summary.run;
    let title = format!(
        "{}, seed {}, {}/s {}, {} after {} of warm-up",
        run.workload,
        run.seed,
        words::plain(summary.plan.rate_per_s),
        summary.plan.arrival,
        words::duration(summary.plan.measured_ns),
        words::duration(summary.plan.warm_up_ns),
    );
    let mut out = format!("{}\n", style.wrap(&title, 0));
    let mut section = |name: &str, body: String| {
        if !body.is_empty() {
            out.push_str(&format!(
                "\n{}\n{}\n",
                style.paint(Tone::Heading, name),
                body.trim_end()
            ));
        }
    };
    section("Goals", goals(&summary.goals, style));
    section("Asked and got", counts(summary, style));
    section(
        "Response time, from the intended start",
        times(summary, style, |row| &row.response),
    );
    section(
        "Service time, from the real start",
        times(summary, style, |row| &row.service),
    );
    section("Errors, with their response times", errors(summary, style));
    section("Still open at the end, by age", open(summary, style));
    section("Replication lag, at most", lag(summary, style));
    section("Generator", generator(summary, style));
    section("Warnings", warnings(summary, style));
    section("See also", format!("  again   {}", run.reproduce));
    out
}

fn goals(goals: &[GoalResult], style: Style) -> String {
    let told = goals.iter().map(|result| {
        let (mark, tone, word) = match result.outcome {
            GoalOutcome::Kept => ("✓", Tone::Good, "kept"),
            GoalOutcome::CannotTell => ("?", Tone::Doubtful, "cannot tell"),
            GoalOutcome::Broken => ("✗", Tone::Bad, "broken"),
        };
        let words = style.wrap(&format!("{}  {word}: {}", result.goal, result.told), 4);
        format!("  {} {}", style.paint(tone, mark), words.trim_start())
    });
    told.collect::<Vec<_>>().join("\n")
}

fn counts(summary: &LoadSummary, style: Style) -> String {
    let rows: Vec<Vec<String>> = summary
        .rows
        .iter()
        .map(|row| {
            let mut cells = vec![row.region.clone(), row.kind.clone()];
            cells.push(format!("{}/s", words::plain(row.achieved_per_s.round())));
            let counts = [
                row.scheduled,
                row.answered(),
                row.failed(),
                row.late,
                row.never_sent,
                row.open.len(),
            ];
            cells.extend(counts.map(words::count));
            cells
        })
        .collect();
    let heading = [
        "region",
        "kind",
        "rate",
        "scheduled",
        "ok",
        "errors",
        "late",
        "never sent",
        "open",
    ];
    any(style, 2, &heading, &rows)
}

fn percentiles(times: &Times) -> Vec<String> {
    let told = times.percentiles();
    [
        told.p50_ns,
        told.p90_ns,
        told.p99_ns,
        told.p999_ns,
        told.max_ns,
    ]
    .map(|ns| words::latency(told.count, ns))
    .into()
}

fn times(summary: &LoadSummary, style: Style, which: fn(&LoadRow) -> &Times) -> String {
    let rows: Vec<Vec<String>> = summary
        .rows
        .iter()
        .map(|row| {
            let mut cells = vec![row.region.clone(), row.kind.clone()];
            cells.extend(percentiles(which(row)));
            cells
        })
        .collect();
    any(
        style,
        2,
        &["region", "kind", "p50", "p90", "p99", "p99.9", "max"],
        &rows,
    )
}

fn errors(summary: &LoadSummary, style: Style) -> String {
    let mut rows = Vec::new();
    for row in &summary.rows {
        for (code, times) in &row.errors {
            let told = times.percentiles();
            let mut cells = vec![row.region.clone(), row.kind.clone(), code.clone()];
            cells.push(words::count(told.count));
            let ns = [told.p50_ns, told.p99_ns, told.max_ns];
            cells.extend(ns.map(|ns| words::latency(told.count, ns)));
            rows.push(cells);
        }
    }
    any(
        style,
        3,
        &["region", "kind", "error", "count", "p50", "p99", "max"],
        &rows,
    )
}

fn open(summary: &LoadSummary, style: Style) -> String {
    let rows: Vec<Vec<String>> = summary
        .rows
        .iter()
        .filter(|row| !row.open.is_empty())
        .map(|row| {
            let told = row.open.percentiles();
            vec![
                row.region.clone(),
                row.kind.clone(),
                words::count(told.count),
                words::duration(told.p50_ns),
                words::duration(told.max_ns),
            ]
        })
        .collect();
    any(
        style,
        2,
        &["region", "kind", "count", "p50", "oldest"],
        &rows,
    )
}

fn lag(summary: &LoadSummary, style: Style) -> String {
    let rows: Vec<Vec<String>> = summary
        .lag
        .iter()
        .map(|lag| {
            let mut cells = vec![format!("{} → {}", lag.from, lag.to)];
            cells.extend(percentiles(&lag.upper));
            cells.push(words::count(lag.unseen));
            cells
        })
        .collect();
    any(
        style,
        1,
        &["link", "p50", "p90", "p99", "p99.9", "max", "never seen"],
        &rows,
    )
}

fn generator(summary: &LoadSummary, style: Style) -> String {
    let rows: Vec<Vec<String>> = summary
        .lanes
        .iter()
        .map(|lane| {
            let rows = summary.rows.iter().filter(|row| row.region == lane.region);
            let told = rows.map(|row| row.schedule_error.percentiles());
            let latest = told.max_by_key(|told| told.p99_ns).unwrap_or_default();
            let bound = if lane.limit_bound() {
                format!("held back {}", words::count(lane.waited_for_slot))
            } else {
                "never bound".to_owned()
            };
            vec![
                lane.region.clone(),
                format!("{}/s", words::plain(lane.rate_asked_per_s)),
                words::latency(latest.count, latest.p99_ns),
                words::count(lane.in_flight_limit),
                bound,
            ]
        })
        .collect();
    let heading = [
        "region",
        "asked",
        "schedule error p99",
        "in-flight limit",
        "the limit",
    ];
    any(style, 1, &heading, &rows)
}

fn warnings(summary: &LoadSummary, style: Style) -> String {
    let told = summary
        .warnings
        .iter()
        .map(|warning| style.wrap(&format!("- {warning}"), 2));
    told.collect::<Vec<_>>().join("\n")
}

/// A table, or nothing where there is no row.
fn any(style: Style, left_columns: usize, heading: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        String::new()
    } else {
        table(style, left_columns, heading, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        load_summary::{
            goal::{Goal, Vocabulary, evaluate},
            tests as made_up,
        },
        text::Colour,
    };

    fn with_goals() -> LoadSummary {
        let mut summary = made_up::summary();
        let (regions, kinds) = (
            made_up::REGIONS.map(str::to_owned),
            made_up::KINDS.map(str::to_owned),
        );
        let vocabulary = Vocabulary {
            regions: &regions,
            kinds: &kinds,
        };
        for text in ["read.p99<20ms", "errors<0.1%", "scan.p99<1s"] {
            let goal = Goal::parse(text, &vocabulary).expect(text);
            let result = evaluate(&goal, &summary);
            summary.goals.push(result);
        }
        summary.lanes[1].waited_for_slot = 321;
        summary.warnings = crate::load_summary::limits::warnings(&summary);
        summary
    }

    #[test]
    fn a_wide_terminal() {
        let style = Style {
            width: 100,
            colour: Colour::Never,
        };
        insta::assert_snapshot!(summary(&with_goals(), style), @r#"
        ycsb-a, seed 7, 200/s constant, 10.0 s after 5.00 s of warm-up

        Goals
          ✓ read.p99<20ms kept: 18.0 ms
          ✗ errors<0.1% broken: 0.20 % (8 of 4,012)
          ? scan.p99<1s cannot tell: nothing was measured

        Asked and got
          region     kind    rate  scheduled     ok  errors  late  never sent  open
          eu-west-1  read   100/s      1,003  1,000       2     0           0     1
          eu-west-1  write  100/s      1,003  1,000       2     0           0     1
          us-east-1  read   100/s      1,003  1,000       2     0           0     1
          us-east-1  write  100/s      1,003  1,000       2     0           0     1

        Response time, from the intended start
          region     kind       p50      p90      p99    p99.9      max
          eu-west-1  read   6.00 ms  10.0 ms  15.0 ms  15.0 ms  15.0 ms
          eu-west-1  write  6.00 ms  10.0 ms  30.0 ms  30.0 ms  30.0 ms
          us-east-1  read   6.00 ms  10.0 ms  18.0 ms  18.0 ms  18.0 ms
          us-east-1  write  6.00 ms  10.0 ms  40.0 ms  40.0 ms  40.0 ms

        Service time, from the real start
          region     kind       p50      p90      p99    p99.9      max
          eu-west-1  read   6.00 ms  10.0 ms  10.9 ms  11.0 ms  11.0 ms
          eu-west-1  write  6.00 ms  10.0 ms  10.9 ms  11.0 ms  11.0 ms
          us-east-1  read   6.00 ms  10.0 ms  10.9 ms  11.0 ms  11.0 ms
          us-east-1  write  6.00 ms  10.0 ms  10.9 ms  11.0 ms  11.0 ms

        Errors, with their response times
          region     kind   error      count      p50      p99      max
          eu-west-1  read   throttled      2  2.00 ms  3.00 ms  3.00 ms
          eu-west-1  write  throttled      2  2.00 ms  3.00 ms  3.00 ms
          us-east-1  read   throttled      2  2.00 ms  3.00 ms  3.00 ms
          us-east-1  write  throttled      2  2.00 ms  3.00 ms  3.00 ms

        Still open at the end, by age
          region     kind   count     p50  oldest
          eu-west-1  read       1  700 ms  700 ms
          eu-west-1  write      1  700 ms  700 ms
          us-east-1  read       1  700 ms  700 ms
          us-east-1  write      1  700 ms  700 ms

        Replication lag, at most
          link                       p50      p90      p99    p99.9      max  never seen
          us-east-1 → eu-west-1  50.0 ms  54.0 ms  54.0 ms  55.0 ms  55.0 ms           1

        Generator
          region     asked  schedule error p99  in-flight limit      the limit
          eu-west-1  100/s              497 µs               64    never bound
          us-east-1  100/s              497 µs               64  held back 321

        Warnings
          - us-east-1: the in-flight limit of 64 held back 321 operations; their response times count the
          wait. If the service times are short the limit is too small: raise --in-flight; if they are long
          the server is the limit

        See also
          again   dateline load run ycsb-a --rate 200 --seed 7
        "#);
    }

    #[test]
    fn a_narrow_terminal_has_no_line_that_does_not_fit() {
        let style = Style {
            width: 48,
            colour: Colour::Never,
        };
        let told = summary(&with_goals(), style);
        let long: Vec<&str> = told
            .lines()
            .filter(|line| line.chars().count() > 48 && !line.contains("again"))
            .collect();
        assert_eq!(long, Vec::<&str>::new());
    }
}
