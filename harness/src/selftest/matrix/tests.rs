use super::*;
use crate::selftest::{Effort, page, plan, show::table};

fn defects() -> Vec<&'static Description> {
    let wanted = ["stale-strong-read", "ack-before-write"];
    let rows = replica::defects::DEFECTS.iter();
    rows.filter(|row| wanted.contains(&row.name)).collect()
}

fn judged(outcome: Outcome, violations: &[(&str, Option<u64>)]) -> Found {
    let violations = violations.iter();
    Found::Judged {
        outcome,
        violations: violations
            .map(|(check, first)| ((*check).to_owned(), *first))
            .collect(),
    }
}

/// The trials of one seed in their order: stale, clean, ack, clean.
fn matrix(found: [Found; 4]) -> Matrix {
    let rows = plan(&defects(), 1, Effort::Quick)
        .into_iter()
        .zip(found)
        .map(|(trial, found)| Row {
            folder: trial.folder_name(),
            reproduce: trial.reproduce(),
            trial,
            found,
        });
    Matrix::of(rows.collect(), &defects())
}

fn good() -> [Found; 4] {
    [
        judged(
            Outcome::Invalid,
            &[
                ("read-your-writes", Some(2140)),
                ("monotonic-reads", Some(900)),
            ],
        ),
        judged(Outcome::Valid, &[]),
        judged(Outcome::Invalid, &[("region-linearizable", Some(7321))]),
        judged(Outcome::Valid, &[]),
    ]
}

#[test]
fn all_caught_and_no_false_alarm_is_good() {
    let matrix = matrix(good());
    assert_eq!(matrix.ending(), Ending::Valid);
    insta::assert_snapshot!(table(&matrix), @r"
    defect             meant checks                                       caught     first  found by
    stale-strong-read  read-your-writes|region-linearizable                  1/1     2.1 s  monotonic-reads 1x 0.9 s, read-your-writes 1x 2.1 s
    ack-before-write   region-linearizable|read-your-writes|lost-write       1/1     7.3 s  region-linearizable 1x 7.3 s

    2 of 2 defects caught; 2 clean runs, 0 false alarms; 0 runs could not be made
    ");
}

#[test]
fn another_check_than_the_meant_ones_is_a_miss_with_its_line() {
    let mut found = good();
    found[2] = judged(Outcome::Invalid, &[("settling", None)]);
    let matrix = matrix(found);
    assert_eq!(matrix.ending(), Ending::Invalid);
    insta::assert_snapshot!(table(&matrix), @r"
    defect             meant checks                                       caught     first  found by
    stale-strong-read  read-your-writes|region-linearizable                  1/1     2.1 s  monotonic-reads 1x 0.9 s, read-your-writes 1x 2.1 s
    ack-before-write   region-linearizable|read-your-writes|lost-write       0/1         -  settling 1x

    1 of 2 defects caught; 2 clean runs, 0 false alarms; 0 runs could not be made

    missed: ack-before-write seed 1: invalid by settling
      evidence: ack-before-write-seed1
      repeat:   dateline test register --seed 1 --time-limit 12 --rtt-scale 0.2 --faults kill --defect ack-before-write
    ");
}

#[test]
fn a_clean_run_that_is_not_valid_is_a_false_alarm() {
    for outcome in [Outcome::Invalid, Outcome::Unknown] {
        let mut found = good();
        found[3] = judged(outcome, &[]);
        let matrix = matrix(found);
        assert_eq!(matrix.ending(), Ending::Invalid);
        assert_eq!(matrix.false_alarms.len(), 1);
        assert!(table(&matrix).contains("false alarm"), "{}", table(&matrix));
    }
}

#[test]
fn what_could_not_be_run_is_neither_caught_nor_missed_and_hides_no_miss() {
    let failed = || Found::Failed {
        why: "no free ports".into(),
    };
    let mut found = good();
    found[2] = failed();
    let only_failed = matrix(found);
    assert_eq!(only_failed.ending(), Ending::HarnessFailure);
    assert!(only_failed.missed.is_empty());
    let mut found = good();
    found[0] = judged(Outcome::Valid, &[]);
    found[2] = failed();
    assert_eq!(matrix(found).ending(), Ending::Invalid);
    assert_eq!(
        Matrix::of(Vec::new(), &defects()).ending(),
        Ending::HarnessFailure
    );
}

#[test]
fn every_run_must_be_caught_by_a_meant_check() {
    let line = |runs, caught| DefectLine {
        defect: String::new(),
        meant: Vec::new(),
        runs,
        caught,
        noticed: runs,
        failed: 0,
        checks: BTreeMap::new(),
    };
    assert!(line(3, 3).is_caught() && line(1, 1).is_caught());
    assert!(!line(3, 2).is_caught() && !line(0, 0).is_caught());
}

#[test]
fn the_file_reads_back_as_it_was_written() {
    let matrix = matrix(good());
    let text = serde_json::to_string(&matrix).expect("plain data");
    assert!(text.contains("\"schema\":\"dateline/selftest/2\""));
    let read: Matrix = serde_json::from_str(&text).expect("as written");
    assert_eq!(read, matrix);
}

#[test]
fn the_page_has_a_row_for_each_defect_and_marks_what_was_meant() {
    let mut found = good();
    found[2] = judged(Outcome::Invalid, &[("settling", None)]);
    let page = page(&matrix(found));
    for part in [
        "<td class=\"hit\">1/1<br>2.1 s</td>",
        "<td class=\"missed\">0/1</td>",
        "<th scope=\"row\">ack-before-write</th>",
        "1 of 2 defects caught",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}
