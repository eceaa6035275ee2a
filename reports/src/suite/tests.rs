use super::{
    flakes::{Nature, flakes as found_in},
    resume::{Again, joined, still_to_run},
    *,
};

pub(crate) fn cell(workload: &str, seed: u64, outcome: CellOutcome, told: &str) -> Cell {
    Cell {
        id: CellId {
            workload: workload.into(),
            faults: if seed.is_multiple_of(2) {
                vec![]
            } else {
                vec!["partition".into(), "kill".into()]
            },
            seed,
            target: "local".into(),
            version: "1aa67e0".into(),
        },
        outcome,
        told: told.into(),
        folder: (outcome != CellOutcome::NotRun).then(|| format!("runs/{workload}-{seed}")),
        reproduce: format!("dateline test {workload} --seed {seed}"),
        duration_ms: 61_500,
    }
}

pub(crate) fn suite() -> SuiteResult {
    SuiteResult {
        schema: SuiteResult::SCHEMA.into(),
        name: "nightly".into(),
        started: "2026-11-21T02:00:00Z".into(),
        version: "0.1.0 (1aa67e0)".into(),
        reproduce: "dateline suite examples/nightly.toml".into(),
        cells: vec![
            cell("register", 1, CellOutcome::Valid, ""),
            cell(
                "register",
                2,
                CellOutcome::Unknown,
                "no operation succeeded",
            ),
            cell(
                "register",
                3,
                CellOutcome::Invalid,
                "lost-write: key 7 <lost> & gone",
            ),
            cell(
                "set",
                1,
                CellOutcome::HarnessFailure,
                "us-east-1 did not start",
            ),
            cell("set", 2, CellOutcome::NotRun, "the time budget was spent"),
            cell(
                "gate ycsb-a",
                0,
                CellOutcome::GateFailed,
                "server_cpu_us_per_operation is 5.1 % worse",
            ),
        ],
    }
}

#[test]
fn what_was_not_run_is_run_with_resume() {
    let mut suite = suite();
    assert!(suite.again().ends_with("nightly.toml --resume"));
    suite
        .cells
        .retain(|cell| cell.outcome != CellOutcome::NotRun);
    assert_eq!(suite.again(), suite.reproduce);
}

#[test]
fn violation_is_above_all_and_every_worst_has_its_code() {
    let mut suite = suite();
    let mut told = Vec::new();
    while !suite.cells.is_empty() {
        told.push(format!(
            "{} {} ({})",
            suite.exit_code(),
            suite.word(),
            suite.tally()
        ));
        let worst = suite.worst();
        suite.cells.retain(|cell| cell.outcome != worst);
    }
    told.push(format!(
        "{} {} ({})",
        suite.exit_code(),
        suite.word(),
        suite.tally()
    ));
    insta::assert_snapshot!(told.join("\n"), @r#"
    1 INVALID (1 invalid, 1 slower, 1 harness failure, 1 not run, 1 unknown, 1 valid)
    1 SLOWER (1 slower, 1 harness failure, 1 not run, 1 unknown, 1 valid)
    3 HARNESS FAILURE (1 harness failure, 1 not run, 1 unknown, 1 valid)
    2 UNFINISHED (1 not run, 1 unknown, 1 valid)
    2 UNKNOWN (1 unknown, 1 valid)
    0 PASSED (1 valid)
    2 UNFINISHED (no cell)
    "#);
    assert!(CellOutcome::ALL.is_sorted());
    for ending in [
        Ending::Valid,
        Ending::Unknown,
        Ending::HarnessFailure,
        Ending::Invalid,
    ] {
        assert_eq!(CellOutcome::from(ending).exit_code(), ending.exit_code());
    }
}

#[test]
fn markdown_names_what_to_look_at() {
    insta::assert_snapshot!(markdown::markdown(&suite(), Some("suite.html")), @r#"
    ### Dateline suite nightly: INVALID

    1 invalid, 1 slower, 1 harness failure, 1 not run, 1 unknown, 1 valid, 6 min 09 s of runs, started 2026-11-21T02:00:00Z.

    | outcome | cell | what | run |
    |---|---|---|---|
    | **invalid** | register, partition+kill, seed 3, local, 1aa67e0 | lost-write: key 7 \<lost\> & gone | runs/register-3 |
    | **slower** | gate ycsb-a, no faults, seed 0, local, 1aa67e0 | server\_cpu\_us\_per\_operation is 5.1 % worse | runs/gate ycsb-a-0 |
    | **harness failure** | set, partition+kill, seed 1, local, 1aa67e0 | us-east-1 did not start | runs/set-1 |
    | **not run** | set, no faults, seed 2, local, 1aa67e0 | the time budget was spent |  |
    | **unknown** | register, no faults, seed 2, local, 1aa67e0 | no operation succeeded | runs/register-2 |

    ```
    dateline test register --seed 3
    ```

    ```
    dateline test gate ycsb-a --seed 0
    ```

    ```
    dateline test set --seed 1
    ```

    ```
    dateline test set --seed 2
    ```

    ```
    dateline test register --seed 2
    ```

    [The whole suite](suite.html)

    All of it again:

    ```
    dateline suite examples/nightly.toml
    ```
    "#);
}

#[test]
fn junit_has_a_suite_per_workload() {
    insta::assert_snapshot!(junit::junit(&suite()), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="nightly" tests="6" failures="2" errors="1">
        <testsuite name="gate ycsb-a" tests="1" disabled="0" errors="0" failures="1">
            <testcase name="no faults, seed 0, local, 1aa67e0" classname="dateline.gate ycsb-a" time="61.500">
                <failure message="server_cpu_us_per_operation is 5.1 % worse" type="slower">server_cpu_us_per_operation is 5.1 % worse
    run folder: runs/gate ycsb-a-0
    again: dateline test gate ycsb-a --seed 0</failure>
            </testcase>
        </testsuite>
        <testsuite name="register" tests="3" disabled="1" errors="0" failures="1">
            <testcase name="partition+kill, seed 1, local, 1aa67e0" classname="dateline.register" time="61.500">
            </testcase>
            <testcase name="no faults, seed 2, local, 1aa67e0" classname="dateline.register" time="61.500">
                <skipped message="unknown: no operation succeeded"/>
            </testcase>
            <testcase name="partition+kill, seed 3, local, 1aa67e0" classname="dateline.register" time="61.500">
                <failure message="lost-write: key 7 &lt;lost&gt; &amp; gone" type="violation">lost-write: key 7 &lt;lost&gt; &amp; gone
    run folder: runs/register-3
    again: dateline test register --seed 3</failure>
            </testcase>
        </testsuite>
        <testsuite name="set" tests="2" disabled="1" errors="1" failures="0">
            <testcase name="partition+kill, seed 1, local, 1aa67e0" classname="dateline.set" time="61.500">
                <error message="us-east-1 did not start" type="harness-failure">us-east-1 did not start
    run folder: runs/set-1
    again: dateline test set --seed 1</error>
            </testcase>
            <testcase name="no faults, seed 2, local, 1aa67e0" classname="dateline.set" time="61.500">
                <skipped message="not run: the time budget was spent"/>
            </testcase>
        </testsuite>
    </testsuites>
    "#);
}

#[test]
fn the_page_names_troubles_first_and_escapes() {
    let page = crate::html::suite::page(&suite());
    let place = |text: &str| page.find(text).expect(text);
    assert!(place("To look at") < place("lost-write: key 7 &lt;lost&gt; &amp; gone"));
    assert!(place("5.1 % worse") < place("<h2>register</h2>"));
    assert!(place("dateline test register --seed 3") < place("<h2>set</h2>"));
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"));
    assert!(page.len() < 40_000, "{}", page.len());
}

#[test]
fn json_keeps_all() {
    let text = serde_json::to_string(&suite()).expect("it is plain data");
    assert_eq!(
        serde_json::from_str::<SuiteResult>(&text).expect("it was just written"),
        suite()
    );
}

#[test]
fn resuming_runs_what_is_left_and_failed_on_request() {
    let earlier = suite();
    let mut plan: Vec<CellId> = earlier.cells.iter().map(|cell| cell.id.clone()).collect();
    plan.push(cell("set", 9, CellOutcome::Valid, "").id);
    plan.remove(2);
    let named = |again| -> Vec<String> {
        let due = still_to_run(&plan, &earlier, again);
        due.iter()
            .map(|id| format!("{} {}", id.workload, id.seed))
            .collect()
    };
    assert_eq!(named(Again::Unfinished), ["set 2", "set 9"]);
    assert_eq!(
        named(Again::Failed),
        ["register 2", "set 1", "set 2", "gate ycsb-a 0", "set 9"]
    );

    let newer = [cell("set", 2, CellOutcome::Valid, "")];
    let cells = joined(&plan, &earlier.cells, &newer, |id| {
        format!("again {}", id.seed)
    });
    let told: Vec<&str> = cells.iter().map(|cell| cell.outcome.word()).collect();
    assert_eq!(
        told,
        [
            "valid",
            "unknown",
            "harness failure",
            "valid",
            "slower",
            "not run"
        ]
    );
    assert_eq!(cells[5].reproduce, "again 9");
}

#[test]
fn flakes_are_told_from_changes() {
    let (first, mut second, mut third) = (suite(), suite(), suite());
    second.cells[0].outcome = CellOutcome::Invalid;
    second.cells[1].outcome = CellOutcome::NotRun;
    for cell in &mut third.cells {
        cell.id.version = "77aa001".into();
    }
    third.cells[3].outcome = CellOutcome::Valid;
    let all = [first, second, third];
    let found = found_in(&all);
    let told: Vec<_> = found
        .iter()
        .map(|flake| (flake.id.workload.as_str(), flake.id.seed, flake.nature))
        .collect();
    assert_eq!(
        told,
        [("register", 1, Nature::Flaky), ("set", 1, Nature::Changed)]
    );
    insta::assert_snapshot!(flakes::markdown(&found, all.len()), @r#"
    ### Dateline: 2 unsteady cells over 3 suites

    | cell | | outcomes, oldest first |
    |---|---|---|
    | register, partition+kill, seed 1, local | **flaky** | valid (1aa67e0), invalid (1aa67e0), valid (77aa001) |
    | set, partition+kill, seed 1, local | changed | harness failure (1aa67e0), harness failure (1aa67e0), valid (77aa001) |
    "#);
    assert_eq!(found_in(&all[..1]), []);
}
