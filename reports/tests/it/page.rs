//! `report.html`: whole, self-contained, and it shows what it must.

use std::collections::BTreeMap;

use checker::{
    history::{Event, EventKind, Key, Op, Phase, ProcessId, RegionId, Reply},
    verdict::{Outcome, Verdict},
};
use reports::{
    figures::{Sample, Survey},
    html,
    run_folder::write_atomically,
    text::{self, Colour, Style},
};

use crate::synthetic;

#[test]
fn the_page_is_well_formed_and_needs_nothing_else() {
    let (results, examination) = synthetic::finished();
    let page = html::report(&results, &examination.sample);
    // Kept where it can be opened and looked at.
    let kept = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.html");
    write_atomically(&kept, page.as_bytes()).unwrap();
    assert_eq!(unbalanced(&page), None);
    for outside in [
        "http:", "https:", "src=", "<link", "<script", "@import", "url(",
    ] {
        assert!(
            !page.contains(outside),
            "{outside} would need something else than this file"
        );
    }
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
}

#[test]
fn a_run_that_came_to_nothing_still_has_a_page() {
    let (mut results, _) = synthetic::finished();
    results.verdict = Verdict {
        outcome: Outcome::Unknown,
        reason: Some("the history holds no operation".to_owned()),
        checks: Vec::new(),
        measurements: BTreeMap::new(),
        operations: BTreeMap::new(),
    };
    results.harness_failure = Some("region us-east-1 did not start: <port 8001 in use>".to_owned());
    (results.figures, _) = Survey::new(&[], &[]).finish();
    let page = html::report(&results, &Sample::default());
    assert_eq!(unbalanced(&page), None);
    assert!(page.contains("HARNESS FAILURE") && page.contains("&lt;port 8001 in use&gt;"));
    let told = text::summary(
        &results,
        None,
        Style {
            width: 80,
            colour: Colour::Never,
        },
    );
    assert!(told.starts_with("HARNESS FAILURE"), "{told}");
}

#[test]
fn a_long_run_is_thinned_and_says_so() {
    let (mut results, _) = synthetic::finished();
    let mut survey = Survey::new(&results.run.regions, &[]);
    for number in 0..200_000_u64 {
        let begun = number * 1_000_000;
        let moment = |time_ns, kind| Event {
            time_ns,
            process: ProcessId(1),
            region: RegionId(0),
            phase: Phase::Main,
            kind,
        };
        survey.event(&moment(
            begun,
            EventKind::Invoke(Op::Delete { key: Key(1) }),
        ));
        survey.event(&moment(
            begun + 900_000,
            EventKind::Ok(Reply::Done { old: None }),
        ));
    }
    let (figures, sample) = survey.finish();
    results.figures = figures;
    let page = html::report(&results, &sample);
    assert!(page.contains("1 in 128 of ok in ap-southeast-1"));
    assert!(page.len() < 300_000, "{} bytes", page.len());
}

/// The first tag that closes something other than what is open, if any.
fn unbalanced(page: &str) -> Option<String> {
    const VOID: [&str; 2] = ["meta", "br"];
    let mut open: Vec<&str> = Vec::new();
    let start = page.find("<html").expect("a page has an html element");
    for tag in page[start..].split('<').skip(1) {
        let (inside, _text) = tag.split_once('>')?;
        let name = inside.split([' ', '/']).find(|part| !part.is_empty())?;
        if inside.starts_with('/') {
            if open.pop() != Some(name) {
                return Some(format!("</{name}> closes nothing, open: {open:?}"));
            }
        } else if !VOID.contains(&name) {
            open.push(name);
        }
    }
    open.last().map(|name| format!("<{name}> is never closed"))
}
