//! The summary of a suite for a terminal: the worst first, then what to look at, then the matrix.

use super::style::{Style, Tone, pad};
use crate::{
    suite::{Cell, CellOutcome, SuiteResult},
    words,
};

/// The summary.
#[must_use]
pub fn suite(suite: &SuiteResult, style: Style) -> String {
    let headline = format!("{}  {}", suite.word(), suite.name);
    let mut out = format!(
        "{}\n{}\n",
        style.paint(look(suite.worst()).1, &headline),
        style.wrap(
            &format!(
                "{}, {} of runs",
                suite.tally(),
                words::duration(suite.duration_ms().saturating_mul(1_000_000))
            ),
            0
        )
    );
    for trouble in suite.troubles() {
        out.push_str(&format!("\n{}", told(trouble, style)));
    }
    let width = suite
        .cells
        .iter()
        .map(|cell| cell.outcome.word().chars().count())
        .max()
        .unwrap_or(0);
    out.push('\n');
    for cell in &suite.cells {
        out.push_str(&line(cell, width, style));
    }
    out
}

/// One cell in one line, as it is shown while the suite goes on.
#[must_use]
pub fn cell(cell: &Cell, style: Style) -> String {
    line(cell, 0, style)
}

fn line(cell: &Cell, width: usize, style: Style) -> String {
    let (mark, tone) = look(cell.outcome);
    format!(
        "  {} {}  {}, {}\n",
        style.paint(tone, mark),
        pad(cell.outcome.word(), width),
        cell.id.told(),
        words::duration(cell.duration_ms.saturating_mul(1_000_000)),
    )
}

fn told(cell: &Cell, style: Style) -> String {
    let (mark, tone) = look(cell.outcome);
    let mut out = format!(
        "{}\n{}\n",
        style.paint(tone, &format!("{mark} {}", cell.outcome.word())),
        style.wrap(&cell.id.told(), 2)
    );
    if !cell.told.is_empty() {
        out.push_str(&format!("{}\n", style.wrap(&cell.told, 2)));
    }
    if let Some(folder) = &cell.folder {
        out.push_str(&format!("  in     {folder}\n"));
    }
    out.push_str(&format!("  again  {}\n", cell.reproduce));
    out
}

fn look(outcome: CellOutcome) -> (&'static str, Tone) {
    match outcome {
        CellOutcome::Valid | CellOutcome::GatePassed => ("✓", Tone::Good),
        CellOutcome::GateCannotTell | CellOutcome::Unknown | CellOutcome::NotRun => {
            ("?", Tone::Doubtful)
        }
        CellOutcome::HarnessFailure => ("!", Tone::Bad),
        CellOutcome::GoalMissed | CellOutcome::GateFailed | CellOutcome::Invalid => {
            ("✗", Tone::Bad)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::text::{Colour, Style};

    #[test]
    fn what_to_look_at_comes_first() {
        let style = Style {
            width: 80,
            colour: Colour::Never,
        };
        let mut suite = crate::suite::tests::suite();
        suite.cells.truncate(3);
        insta::assert_snapshot!(super::suite(&suite, style), @r#"
        INVALID  nightly
        1 invalid, 1 unknown, 1 valid, 3 min 04 s of runs

        ✗ invalid
          register, partition+kill, seed 3, local, 1aa67e0
          lost-write: key 7 <lost> & gone
          in     runs/register-3
          again  dateline test register --seed 3

        ? unknown
          register, no faults, seed 2, local, 1aa67e0
          no operation succeeded
          in     runs/register-2
          again  dateline test register --seed 2

          ✓ valid    register, partition+kill, seed 1, local, 1aa67e0, 61.5 s
          ? unknown  register, no faults, seed 2, local, 1aa67e0, 61.5 s
          ✗ invalid  register, partition+kill, seed 3, local, 1aa67e0, 61.5 s
        "#);
    }
}
