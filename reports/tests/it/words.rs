//! What the faces in words say of the made-up run.

use checker::verdict::Outcome;
use reports::{
    junit, markdown,
    text::{self, Colour, Style},
};

use crate::synthetic;

fn plain(width: usize) -> Style {
    Style {
        width,
        colour: Colour::Never,
    }
}

#[test]
fn the_terminal_is_told_the_verdict_first() {
    let (results, _) = synthetic::finished();
    let text = text::summary(&results, Some("runs/latest/report.html"), plain(100));
    insta::assert_snapshot!(text, @"");
}

#[test]
fn every_width_holds_and_colours_come_only_when_asked_for() {
    let (results, _) = synthetic::finished();
    for width in [40, 60, 80, 120, 200] {
        let text = text::summary(&results, None, plain(width));
        assert!(!text.contains('\x1b'));
        // The line that repeats the run is never broken: it is there to be copied.
        let wide = text
            .lines()
            .filter(|line| !line.contains("dateline test"))
            .find(|line| line.chars().count() > width);
        assert_eq!(wide, None, "at {width} columns");
    }
    let coloured = text::summary(
        &results,
        None,
        Style {
            width: 80,
            colour: Colour::Ansi,
        },
    );
    assert!(coloured.starts_with("\x1b[1;31mINVALID\x1b[0m"));
}

#[test]
fn markdown_for_a_pull_request() {
    let (results, _) = synthetic::finished();
    insta::assert_snapshot!(markdown::summary(&results, None), @"");
}

#[test]
fn junit_has_a_case_per_check() {
    let (mut results, _) = synthetic::finished();
    results
        .verdict
        .checks
        .retain(|check| check.outcome != Outcome::Valid || check.check == "winner");
    results.harness_failure = Some("region eu-west-1 did not stop <in time>".to_owned());
    insta::assert_snapshot!(junit::junit(&results), @"");
}
