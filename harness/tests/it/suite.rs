//! A suite that is killed and resumed, and what `compare` and `gate --history` say of the runs that it left.

use std::{
    fs,
    path::{Path, PathBuf},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reports::suite::{CellOutcome, SuiteResult};

use crate::dateline::{Ended, Place, wait_until};

const SUITE: &str = r#"
name = "small"
time-budget = "10m"
notify = "cat > told.md; echo $DATELINE_SUITE_WORD >> told.md"

[settings]
time-limit = 2
rtt-scale = 0.1
rate = 100

[[matrix]]
workloads = ["register"]
faults = ["none"]
seeds = [1]

[[matrix]]
workloads = ["register"]
faults = ["none"]
seeds = [2]
defects = ["stale-strong-read"]
settings = { time-limit = 6 }

[[load]]
name = "hasty"
workload = "reads"
faults = ["none"]
seeds = [1]
arguments = ["--rate", "50", "--for", "1s", "--warm-up", "0s", "--rtt-scale", "0.1", "--goal", "errors<1%", "--goal", "p50<1ns"]

[[gate]]
name = "shell"
base = '''sh -c 'echo "{\"work\": $((1000 + ${#DATELINE_PADDING} % 50))}" > {folder}/metrics.json' '''
candidate = '''sh -c 'echo "{\"work\": $((9000 + ${#DATELINE_PADDING} % 50))}" > {folder}/metrics.json' '''
metrics = ["work"]
rounds = "3..5"
tolerate = "100%"
"#;

fn folder(place: &Place) -> PathBuf {
    place.path().join("dateline-runs/suites/small/latest")
}

fn suite(place: &Place) -> Option<SuiteResult> {
    SuiteResult::read(&folder(place).join("suite.json")).ok()
}

fn outcomes(place: &Place) -> Vec<CellOutcome> {
    let cells = suite(place).map_or_else(Vec::new, |suite| suite.cells);
    cells.iter().map(|cell| cell.outcome).collect()
}

/// The folders of the test runs of a suite.
fn runs(place: &Place) -> Vec<String> {
    let suite = suite(place).expect("it was saved");
    let tests = suite
        .cells
        .iter()
        .filter(|cell| cell.id.workload == "register");
    tests
        .filter_map(|cell| cell.folder.as_ref())
        .map(|run| format!("dateline-runs/suites/small/latest/{run}"))
        .collect()
}

#[test]
fn a_suite_is_killed_and_resumed_and_names_the_defect_and_the_slowdown() {
    let place = Place::new();
    fs::write(place.path().join("small.toml"), SUITE).expect("writable");
    let mut child = place.start("suite small.toml");
    wait_until("the first cell is done", || {
        outcomes(&place).first() == Some(&CellOutcome::Valid)
    });
    child.kill().and_then(|()| child.wait()).expect("it runs");
    wait_until("nothing is left", || place.orphans().is_empty());
    assert_eq!(outcomes(&place)[1..], [CellOutcome::NotRun; 3]);
    let first = runs(&place)[0].clone();

    let ended = place.run("suite small.toml --resume");
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    assert!(ended.out.starts_with("INVALID  small"), "{}", ended.out);
    for part in [
        "read-your-writes",
        "work is worse by",
        "p50<1ns: ",
        "dateline load run reads --rate 50",
        "--defect stale-strong-read",
    ] {
        assert!(ended.out.contains(part), "no {part:?} in {}", ended.out);
    }
    assert_eq!(
        outcomes(&place),
        [
            CellOutcome::Valid,
            CellOutcome::Invalid,
            CellOutcome::GoalMissed,
            CellOutcome::GateFailed
        ]
    );
    assert_eq!(runs(&place)[0], first, "what was done is not done again");
    for file in ["suite.html", "suite.md", "junit.xml"] {
        assert!(folder(&place).join(file).is_file(), "{file}");
    }
    let told = fs::read_to_string(place.path().join("told.md")).expect("somebody was told");
    assert!(
        told.contains("stale-strong-read") && told.ends_with("INVALID\n"),
        "{told}"
    );

    let flakes = place.run("suite small.toml --flakes");
    assert_eq!(flakes.code, 0, "{}{}", flakes.out, flakes.err);
    assert!(
        flakes.out.contains("0 unsteady cells over 1 suite"),
        "{}",
        flakes.out
    );
    the_runs_compare(&place, &first);
}

#[test]
fn ctrl_c_ends_the_cells_at_hand_and_the_rest_does_not_run() {
    let place = Place::new();
    let long = "name = \"small\"\nparallel = 2\n[settings]\ntime-limit = 600\nrtt-scale = 0.1\n\
                [[matrix]]\nworkloads = [\"register\"]\nfaults = [\"none\"]\nseeds = \"1..3\"\n";
    fs::write(place.path().join("small.toml"), long).expect("writable");
    let child = place.start("suite small.toml");
    wait_until("two cells have regions", || {
        let regions = place.orphans();
        let of_cell = |cell: &str| {
            regions
                .iter()
                .any(|line| line.contains("replica") && line.contains(cell))
        };
        of_cell("cells/001-") && of_cell("cells/002-")
    });
    let pid = i32::try_from(child.id()).expect("process numbers fit");
    kill(Pid::from_raw(pid), Signal::SIGINT).expect("it runs");
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, 2, "{}{}", ended.out, ended.err);
    assert!(ended.out.starts_with("UNFINISHED  small"), "{}", ended.out);
    let cells = suite(&place).expect("it was saved").cells;
    let told: Vec<&str> = cells.iter().map(|cell| cell.told.as_str()).collect();
    assert_eq!(
        told,
        [
            "the suite was stopped in the middle of it",
            "the suite was stopped in the middle of it",
            "the suite was stopped by Ctrl-C"
        ]
    );
    assert!(cells.iter().all(|cell| cell.outcome == CellOutcome::NotRun));
    assert_eq!(place.orphans(), Vec::<String>::new());
}

#[test]
fn a_notification_that_fails_is_a_harness_failure() {
    let place = Place::new();
    let small = "name = \"small\"\nnotify = \"echo no line; exit 9\"\n[[gate]]\nname = \"shell\"\n\
                 base = \"true\"\ncandidate = \"true\"\nrounds = \"3\"\ntolerate = \"100%\"\n";
    fs::write(place.path().join("small.toml"), small).expect("writable");
    let ended = place.run("suite small.toml --output quiet");
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(
        ended.err.contains("`notify`") && ended.err.contains("exit status: 9"),
        "{}",
        ended.err
    );
    assert!(suite(&place).is_some_and(|suite| suite.exit_code() != 3));
}

/// `compare` and a gate's history on a run that is there already.
fn the_runs_compare(place: &Place, first: &str) {
    let copied = place.path().join("copy");
    copy(&place.path().join(first), &copied);
    let ended = place.run(&format!("compare {first} copy"));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(
        ended.out.contains("Asked differently\n  nothing"),
        "{}",
        ended.out
    );
    let edit = |from: &str, to: &str| {
        let path = copied.join("results.json");
        let text = fs::read_to_string(&path).expect("it was judged");
        let edited = text.replace(from, to);
        assert_ne!(text, edited);
        fs::write(&path, edited).expect("writable");
    };
    edit("\"rate\": 100", "\"rate\": 400");
    let ended = place.run(&format!("compare {first} copy"));
    assert_eq!(ended.code, 64, "{}{}", ended.out, ended.err);
    assert!(
        ended.err.contains("option rate is 100 and 400") && ended.err.contains("--force"),
        "{}",
        ended.err
    );
    let ended = place.run(&format!("compare {first} copy --force --output markdown"));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("DO NOT COMPARE"), "{}", ended.out);
    edit("dateline/results/1", "dateline/results/99");
    let ended = place.run(&format!("compare {first} copy"));
    assert_eq!(ended.code, 64, "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("dateline/results/99"), "{}", ended.err);

    let add = format!("gate --history nights.jsonl --commit c1 --host bench --add {first}");
    let ended = place.run(&add);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(
        ended.out.contains("regions_cpu_us_per_operation"),
        "{}",
        ended.out
    );
    let ended = place.run("gate --history nights.jsonl --commit c2 --host bench --add copy");
    assert_eq!(ended.code, 64, "{}{}", ended.out, ended.err);
}

/// The files that say how a run ended.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("it is new");
    for file in ["run.json", "results.json"] {
        fs::copy(from.join(file), to.join(file)).expect("both are there");
    }
}
