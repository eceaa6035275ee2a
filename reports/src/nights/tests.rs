use std::{fs, path::Path};

use super::{
    analysis::{Direction, analyse},
    file::{append, parse, read},
    *,
};
use crate::text::{self, Colour, Style};

/// A night whose CPU time is `level` with a repeatable wobble of about half a percent, and whose rate mirrors it.
pub(crate) fn night(number: usize, level: f64) -> Night {
    let wobble = [0.3, -0.5, 0.1, 0.4, -0.2, -0.4, 0.5, 0.0][number * 5 % 8];
    let rounded = |value: f64| (value * 1000.0).round() / 1000.0;
    let cpu = rounded(level * (1.0 + wobble / 100.0));
    Night {
        schema: Night::SCHEMA.into(),
        date: format!("2026-{:02}-{:02}", 1 + number / 28, 1 + number % 28),
        commit: format!("c{number:04}"),
        host: "bench-1".into(),
        metrics: [
            ("server_cpu_us_per_operation".to_owned(), cpu),
            ("operations_per_s".to_owned(), rounded(1e6 / cpu)),
        ]
        .into(),
        acknowledged: Vec::new(),
    }
}

fn nights(count: usize, level: impl Fn(usize) -> f64) -> Vec<Night> {
    (0..count)
        .map(|number| night(number, level(number)))
        .collect()
}

fn step(at: usize) -> impl Fn(usize) -> f64 {
    move |number| if number < at { 40.0 } else { 42.0 }
}

#[test]
fn a_slowdown_is_an_alarm_with_its_commits() {
    let analysis = analyse(&nights(40, step(30)));
    let alarms: Vec<_> = analysis.alarms().collect();
    assert_eq!(
        alarms.len(),
        2,
        "the rate falls as the cost rises: {alarms:?}"
    );
    for alarm in alarms {
        assert_eq!(
            (
                alarm.last_before.commit.as_str(),
                alarm.first_after.commit.as_str()
            ),
            ("c0029", "c0030")
        );
        assert_eq!(
            (alarm.nights_behind, alarm.direction),
            (10, Direction::Worse)
        );
        let relative = alarm.relative().expect("the old level is not zero").abs();
        assert!((0.045..0.055).contains(&relative), "{relative}");
    }
    let style = Style {
        width: 80,
        colour: Colour::Never,
    };
    insta::assert_snapshot!(text::nights::analysis(&analysis, style), @r#"
    2 ALARMS  40 nights

    ✗ alarm
      operations_per_s went from 25001 to 23784 (-4.9 %) on bench-1
      after c0029 (2026-02-02), up to c0030 (2026-02-03); 10 nights behind it, p =
      2.3e-16

    ✗ alarm
      server_cpu_us_per_operation went from 40.0 to 42.0 (+5.1 %) on bench-1
      after c0029 (2026-02-02), up to c0030 (2026-02-03); 10 nights behind it, p =
      2.6e-15

      metric                        last  level  nights     host
      operations_per_s             23715  23784      40  bench-1
      server_cpu_us_per_operation   42.2   42.0      40  bench-1
    "#);
}

#[test]
fn two_nights_are_no_alarm_three_are() {
    assert_eq!(analyse(&nights(32, step(30))).alarms().count(), 0);
    assert_eq!(analyse(&nights(33, step(30))).alarms().count(), 2);
}

#[test]
fn a_change_for_the_better_is_told_but_no_alarm() {
    let analysis = analyse(&nights(40, |number| if number < 20 { 40.0 } else { 36.0 }));
    assert_eq!((analysis.changes.len(), analysis.alarms().count()), (2, 0));
}

#[test]
fn steady_nights_and_no_nights_say_nothing() {
    assert_eq!(analyse(&nights(60, |_| 40.0)).changes, []);
    assert_eq!(analyse(&[]).metrics, []);
}

#[test]
fn acknowledged_stays_acknowledged_and_the_next_change_does_not() {
    let mut nights = nights(60, |number| match number {
        0..20 => 40.0,
        20..40 => 42.0,
        _ => 44.0,
    });
    // Named two nights off: the statistic's place may move.
    nights.push(Night {
        metrics: BTreeMap::new(),
        acknowledged: vec![Acknowledged {
            metric: "server_cpu_us_per_operation".into(),
            commit: "c0022".into(),
            why: "checksums are worth it".into(),
        }],
        ..night(60, 44.0)
    });
    let analysis = analyse(&nights);
    let cpu = analysis
        .changes
        .iter()
        .filter(|change| change.metric.starts_with("server"));
    let told: Vec<_> = cpu
        .map(|change| (change.first_after.commit.as_str(), change.is_alarm()))
        .collect();
    assert_eq!(told, [("c0020", false), ("c0040", true)]);
}

#[test]
fn another_machine_is_another_level() {
    let mut nights = nights(60, |number| if number % 2 == 0 { 40.0 } else { 60.0 });
    for night in nights.iter_mut().skip(1).step_by(2) {
        night.host = "bench-2".into();
    }
    let analysis = analyse(&nights);
    assert_eq!(analysis.changes, []);
    assert_eq!(analysis.metrics.len(), 4);
}

#[test]
fn nights_are_appended_and_read_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("nights.jsonl");
    assert_eq!(read(&path).expect("no file, no nights"), []);
    append(&path, &night(0, 40.0)).expect("the folder is there");
    // A file edited by hand may lack its last line's end.
    let text = fs::read_to_string(&path).expect("it was written");
    fs::write(&path, text.trim_end()).expect("it is writable");
    append(&path, &night(1, 41.0)).expect("the folder is there");
    assert_eq!(
        read(&path).expect("both are whole"),
        [night(0, 40.0), night(1, 41.0)]
    );
}

#[test]
fn appending_at_once_loses_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("nights.jsonl");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let path = &path;
            scope.spawn(move || {
                for number in 0..5 {
                    append(path, &night(thread * 5 + number, 40.0)).expect("the folder is there");
                }
            });
        }
    });
    assert_eq!(read(&path).expect("all are whole").len(), 20);
}

#[test]
fn a_malformed_line_is_told_with_number_and_field() {
    let good = serde_json::to_string(&night(0, 40.0)).expect("it is plain data");
    let told = |bad: &str| {
        let text = format!("{good}\n\n{bad}\n");
        let error = parse(Path::new("nights.jsonl"), &text).expect_err(bad);
        error.to_string()
    };
    let told = [
        told("{\"schema\":\"dateline/night/1\""),
        told(&good.replace("night/1", "night/9")),
        told(&good.replace("2026-01-01", "yesterday")),
        told(&good.replace("\"commit\":\"c0000\",", "")),
        told(&good.replace("bench-1", "")),
        told(&good.replace("\"metrics\"", "\"metrix\"")),
    ];
    insta::assert_snapshot!(told.join("\n"), @r#"
    nights.jsonl:3: EOF while parsing an object; correct the line or remove it
    nights.jsonl:3: field `schema` is `dateline/night/9`, this version reads `dateline/night/1`; correct the line or remove it
    nights.jsonl:3: field `date` is `yesterday`, write it as 2026-11-21; correct the line or remove it
    nights.jsonl:3: missing field `commit`; correct the line or remove it
    nights.jsonl:3: field `host` is empty, it tells this night from others; correct the line or remove it
    nights.jsonl:3: unknown field `metrix`, expected one of `schema`, `date`, `commit`, `host`, `metrics`, `acknowledged`; correct the line or remove it
    "#);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("nights.jsonl");
    fs::write(&path, "{\n").expect("it is writable");
    assert!(
        append(&path, &night(1, 40.0)).is_err(),
        "a line after a damaged one buries it"
    );
    let broken = Night {
        metrics: [("x".to_owned(), f64::NAN)].into(),
        ..night(1, 1.0)
    };
    assert!(append(&folder.path().join("other"), &broken).is_err());
}
