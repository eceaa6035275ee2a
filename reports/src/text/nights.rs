//! What many nights say, for a terminal: alarms first.

use super::{
    style::{Style, Tone},
    table::table,
};
use crate::{
    nights::analysis::{Analysis, Change, Direction, NIGHTS_BEHIND_MIN},
    words,
};

/// The analysis.
#[must_use]
pub fn analysis(analysis: &Analysis, style: Style) -> String {
    let alarms = analysis.alarms().count() as u64;
    let nights = words::counted(analysis.nights as u64, "night");
    let (tone, headline) = match alarms {
        0 => (Tone::Good, format!("NO ALARM  {nights}")),
        1.. => (
            Tone::Bad,
            format!(
                "{}  {nights}",
                words::counted(alarms, "ALARM").to_uppercase()
            ),
        ),
    };
    let mut out = format!("{}\n", style.paint(tone, &headline));
    for change in &analysis.changes {
        out.push_str(&format!("\n{}\n", told(change, style)));
    }
    if !analysis.metrics.is_empty() {
        let rows: Vec<Vec<String>> = analysis
            .metrics
            .iter()
            .map(|level| {
                vec![
                    level.metric.clone(),
                    words::plain(level.last),
                    words::plain(level.level),
                    level.nights.to_string(),
                    level.host.clone(),
                ]
            })
            .collect();
        let heading = ["metric", "last", "level", "nights", "host"];
        out.push_str(&format!("\n{}\n", table(style, 1, &heading, &rows)));
    }
    out
}

fn told(change: &Change, style: Style) -> String {
    let (mark, tone) = match (change.is_alarm(), change.direction) {
        (true, _) => ("✗ alarm", Tone::Bad),
        (false, Direction::Better) => ("✓ better", Tone::Good),
        (false, Direction::Worse) if change.acknowledged.is_some() => ("· accepted", Tone::Plain),
        (false, Direction::Worse) => ("? not yet", Tone::Doubtful),
    };
    let size = change.relative().map_or_else(String::new, |relative| {
        format!(" ({:+.1} %)", relative * 100.0)
    });
    let mut lines = vec![
        format!(
            "{} went from {} to {}{size} on {}",
            change.metric,
            words::plain(change.before),
            words::plain(change.after),
            change.host
        ),
        format!(
            "after {} ({}), up to {} ({}); {} behind it, p = {:.1e}",
            change.last_before.commit,
            change.last_before.date,
            change.first_after.commit,
            change.first_after.date,
            words::counted(change.nights_behind as u64, "night"),
            change.p
        ),
    ];
    if let Some(why) = &change.acknowledged {
        lines.push(format!("accepted: {why}"));
    } else if change.nights_behind < NIGHTS_BEHIND_MIN {
        lines.push(format!(
            "an alarm once {NIGHTS_BEHIND_MIN} nights stand behind it"
        ));
    }
    let lines = lines.iter().map(|line| style.wrap(line, 2));
    format!(
        "{}\n{}",
        style.paint(tone, mark),
        lines.collect::<Vec<_>>().join("\n")
    )
}
