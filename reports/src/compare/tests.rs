use super::*;
use crate::{
    load_summary::{
        LoadSummary,
        series::{Measured as Counts, Second},
        tests::summary,
    },
    text::{self, Colour, Style},
};

/// Seconds whose rate swings a little around `level`.
fn seconds(summary: &LoadSummary, level: u64) -> Vec<Second> {
    let rows = summary.rows.iter();
    rows.flat_map(|row| {
        (0..60).map(move |second_s| Second {
            answered: level + second_s * 7 % 5,
            ..Second::of(second_s, Counts::Yes, row)
        })
    })
    .collect()
}

pub(crate) fn pair() -> [Subject; 2] {
    let (a, mut b) = (summary(), summary());
    b.run.version = "0.1.1 (77aa001)".into();
    b.run.seed = 8;
    b.run.links[0].delay_ms = 55.0;
    b.run.options.insert("keys".into(), 100.into());
    b.rows.iter_mut().for_each(|row| row.achieved_per_s = 90.0);
    b.rows[3] = b.rows[1].clone();
    b.rows[3].region = "us-east-1".into();
    b.lag.clear();
    [
        Subject::of_load("monday", &a, &seconds(&a, 98)),
        Subject::of_load("tuesday", &b, &seconds(&b, 88)),
    ]
}

fn plain(width: usize) -> Style {
    Style {
        width,
        colour: Colour::Never,
    }
}

#[test]
fn two_runs_side_by_side() {
    let mut subjects = pair();
    for subject in &mut subjects {
        let is_told = |name: &str| name.starts_with("us-east-1 write") || name.ends_with("max");
        subject.figures.retain(|figure| is_told(&figure.name));
    }
    let compared = compare(&subjects, Incomparable::Refuse).expect("they compare");
    insta::assert_snapshot!(text::compare::comparison(&compared, plain(100)), @r#"
    A monday ycsb-a, 2026-11-21T10:00:00Z
    B tuesday ycsb-a, 2026-11-21T10:00:00Z

    Asked differently
      version
        A 0.1.0 (1aa67e0)
        B 0.1.1 (77aa001)
      seed
        A 7
        B 8
      link eu-west-1 → us-east-1
        A 40 ms ± 1 ms
        B 55 ms ± 1 ms
      option keys
        A –
        B 100

    Before you trust the numbers
      Two single runs: two runs of one build differ as well, by placement and neighbours, and nothing
      here can tell that from a change. `dateline gate` can. Noise given is that within the runs only

    Figures
      figure                                A        B  ratio  noise within the runs
      eu-west-1 read response max     15.0 ms  15.0 ms  ×1.00
      eu-west-1 read service max      11.0 ms  11.0 ms  ×1.00
      eu-west-1 write response max    30.0 ms  30.0 ms  ×1.00
      eu-west-1 write service max     11.0 ms  11.0 ms  ×1.00
      us-east-1 read response max     18.0 ms  18.0 ms  ×1.00
      us-east-1 read service max      11.0 ms  11.0 ms  ×1.00
      us-east-1 write rate              100/s     90/s  ×0.90        ×0.895 … ×0.905
      us-east-1 write errors           0.20 %   0.20 %  ×1.00
      us-east-1 write never sent          0 %      0 %      –
      us-east-1 write response p50    6.00 ms  6.00 ms  ×1.00
      us-east-1 write response p99    40.0 ms  30.0 ms  ×0.75
      us-east-1 write response p99.9  40.0 ms  30.0 ms  ×0.75
      us-east-1 write response max    40.0 ms  30.0 ms  ×0.75
      us-east-1 write service p50     6.00 ms  6.00 ms  ×1.00
      us-east-1 write service p99     10.9 ms  10.9 ms  ×1.00
      us-east-1 write service p99.9   11.0 ms  11.0 ms  ×1.00
      us-east-1 write service max     11.0 ms  11.0 ms  ×1.00
      lag us-east-1 → eu-west-1 max   55.0 ms        –      –

    In words
      - us-east-1 write rate: 90/s instead of 100/s, 10.0 % less; noise within the runs leaves -10.5 %
      to -9.5 %
      - us-east-1 write response p99: 30.0 ms instead of 40.0 ms, 25 % shorter
      - us-east-1 write response p99.9: 30.0 ms instead of 40.0 ms, 25 % shorter
      - us-east-1 write response max: 30.0 ms instead of 40.0 ms, 25 % shorter
      - lag us-east-1 → eu-west-1 max: 55.0 ms, measured in monday only
      - 13 other figures differ by less than 5 % or not at all

    Again
      A  dateline load run ycsb-a --rate 200 --seed 7
      B  dateline load run ycsb-a --rate 200 --seed 7
    "#);
}

#[test]
fn markdown_has_every_sentence() {
    let compared = compare(&pair(), Incomparable::Refuse).expect("they compare");
    let told = markdown::markdown(&compared);
    insta::assert_snapshot!(told.lines().take(18).collect::<Vec<_>>().join("\n"), @r#"
    ### Dateline: monday and tuesday

    > Two single runs: two runs of one build differ as well, by placement and neighbours, and nothing here can tell that from a change. \`dateline gate\` can. Noise given is that within the runs only

    | asked differently | monday | tuesday |
    |---|---|---|
    | version | 0.1.0 (1aa67e0) | 0.1.1 (77aa001) |
    | seed | 7 | 8 |
    | link eu-west-1 → us-east-1 | 40 ms ± 1 ms | 55 ms ± 1 ms |
    | option keys | – | 100 |

    | figure | monday | tuesday | ratio | noise within | in words |
    |---|---|---|---|---|---|
    | eu-west-1 read rate | 100/s | 90/s | ×0.90 | ×0.895 … ×0.905 | eu-west-1 read rate: 90/s instead of 100/s, 10.0 % less; noise within the runs leaves -10.5 % to -9.5 % |
    | eu-west-1 read errors | 0.20 % | 0.20 % | ×1.00 |  | eu-west-1 read errors: 0.20 % in both |
    | eu-west-1 read never sent | 0 % | 0 % |  |  | eu-west-1 read never sent: 0 % in both |
    | eu-west-1 read response p50 | 6.00 ms | 6.00 ms | ×1.00 |  | eu-west-1 read response p50: 6.00 ms in both |
    | eu-west-1 read response p99 | 15.0 ms | 15.0 ms | ×1.00 |  | eu-west-1 read response p99: 15.0 ms in both |
    "#);
    assert!(told.lines().count() > compared.figures.len());
}

#[test]
fn nothing_is_called_significant_and_noise_is_labelled() {
    let compared = compare(&pair(), Incomparable::Refuse).expect("they compare");
    let rate = &compared.figures[0];
    let noise = rate
        .within_run_noise
        .expect("a minute of seconds is enough");
    assert!(noise.low < 0.91 && 0.89 < noise.high, "{noise:?}");
    assert!(
        rate.sentence.contains("noise within the runs"),
        "{}",
        rate.sentence
    );
    let percentiles = compared
        .figures
        .iter()
        .filter(|figure| figure.name.contains(" p99"));
    assert!(percentiles.clone().count() > 4);
    assert!(
        percentiles
            .clone()
            .all(|figure| figure.within_run_noise.is_none())
    );
    let all = serde_json::to_string(&compared).expect("it is plain data");
    assert!(!all.contains("significan"), "{all}");
}

#[test]
fn what_does_not_compare_is_refused_or_said_loudly() {
    let mut subjects = pair();
    subjects[1].run.options.insert("rate".into(), 400.into());
    subjects[1].load[2].1 = "none".into();
    let refused = compare(&subjects, Incomparable::Refuse).expect_err("another rate");
    insta::assert_snapshot!(refused, @"the figures of these runs do not compare: load warm-up is 5.00 s and none; option rate is 200 and 400; run them with the same options, or ask for it all the same with --force");
    let shown = compare(&subjects, Incomparable::Show).expect("it was asked for");
    assert!(
        shown.notes[0].starts_with("THESE RUNS DO NOT COMPARE"),
        "{:?}",
        shown.notes
    );
    let forbid = |difference: &&Difference| difference.weight == Weight::Forbids;
    assert_eq!(shown.differences.iter().take_while(forbid).count(), 2);
    assert_eq!(shown.differences.iter().filter(forbid).count(), 2);
    let few = compare(&subjects[..1], Incomparable::Refuse).expect_err("one is no pair");
    assert_eq!(
        few.to_string(),
        "1 run to compare; name two run folders or more"
    );
}

#[test]
fn the_same_run_twice_differs_in_nothing() {
    let [a, _] = pair();
    let compared = compare(&[a.clone(), a], Incomparable::Refuse).expect("it compares");
    assert_eq!(compared.differences, []);
    let exact = compared
        .figures
        .iter()
        .all(|figure| figure.sentence.ends_with("in both"));
    assert!(exact, "{:?}", compared.figures);
}

#[test]
fn three_runs_are_a_table_and_no_line_is_too_wide() {
    let [a, b] = pair();
    let subjects = [
        a.clone(),
        b,
        Subject {
            label: "wednesday".into(),
            ..a
        },
    ];
    let compared = compare(&subjects, Incomparable::Refuse).expect("they compare");
    assert!(
        compared
            .figures
            .iter()
            .all(|figure| figure.values.len() == 3 && figure.ratio.is_none())
    );
    insta::assert_snapshot!(compared.figures[0].sentence, @"eu-west-1 read rate: from 90/s (tuesday) to 100/s (wednesday)");
    for (count, width) in [(3, 60), (2, 44)] {
        let compared = compare(&subjects[..count], Incomparable::Refuse).expect("they compare");
        let told = text::compare::comparison(&compared, plain(width));
        let long = told
            .lines()
            .filter(|line| line.chars().count() > width && !line.contains("--seed"));
        assert_eq!(long.collect::<Vec<_>>(), Vec::<&str>::new());
    }
}
