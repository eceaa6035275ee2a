//! Loads against local regions: what they count, and what they leave. Nothing here rests on how fast the machine is.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::Child,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reports::{
    load_summary::{
        LoadSummary,
        interval_log::read_into,
        series::{self, Measured},
    },
    run_folder::{Moment, RunFolder},
};

use crate::dateline::{Ended, Place, wait_until};

const SHORT: &str = "load run mixed --rate 200 --for 3s --warm-up 1s --rtt-scale 0.1 --seed 7 --keys 50 --timeout 10s";

fn summary(folder: &Path) -> LoadSummary {
    RunFolder::at(folder)
        .load_summary()
        .expect("readable")
        .expect("it came to its end")
}

fn scheduled(summary: &LoadSummary) -> u64 {
    summary.rows.iter().map(|row| row.scheduled).sum()
}

fn satisfies_schema(text: &str) {
    let schema = include_str!("../../../reports/schema/load-1.json");
    let schema = serde_json::from_str(schema).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let file = serde_json::from_str(text).expect("JSON");
    let complaints: Vec<String> = validator
        .iter_errors(&file)
        .map(|one| one.to_string())
        .collect();
    assert_eq!(complaints, Vec::<String>::new());
}

#[test]
fn a_load_counts_every_operation_once_and_leaves_everything() {
    let place = Place::new();
    let ended = place.run(&format!("{SHORT} --goal errors<50%"));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    for part in [
        "Goals",
        "Response time",
        "Service time",
        "Replication lag",
        "--seed 7",
        "run folder",
    ] {
        assert!(ended.out.contains(part), "no {part:?} in {}", ended.out);
    }
    let summary = summary(&place.latest());
    assert_eq!(scheduled(&summary), 600, "three seconds at 200/s");
    assert_eq!(summary.rows.len(), 6, "reads and updates in three regions");
    let reads = summary.rows.iter().filter(|row| row.kind == "read");
    assert_eq!(reads.map(|row| row.scheduled).sum::<u64>(), 300);
    assert!(
        summary
            .rows
            .iter()
            .all(|row| row.response.len() == row.service.len())
    );
    assert_eq!(summary.lag.len(), 6);
    assert!(
        summary
            .lag
            .iter()
            .all(|lag| lag.unseen == 0 && !lag.upper.is_empty())
    );
    satisfies_schema(&fs::read_to_string(place.latest().join("summary.json")).expect("readable"));

    let text = fs::read_to_string(place.latest().join("series.csv")).expect("readable");
    let seconds = series::read(&text).expect("well formed");
    let answered = |which| -> u64 {
        let of = seconds.iter().filter(|second| second.measured == which);
        of.map(|second| second.answered + second.failed).sum()
    };
    let told: u64 = summary
        .rows
        .iter()
        .map(|row| row.answered() + row.failed())
        .sum();
    assert_eq!(answered(Measured::Yes), told);
    assert!(answered(Measured::WarmUp) > 0, "warm-up is stored");

    the_interval_log_holds_all_of(&summary, &place.latest());
    for file in ["run.json", "plan.json", "logs/us-east-1.log"] {
        assert!(place.latest().join(file).is_file(), "{file}");
    }
    assert_eq!(
        phases(&place.latest()),
        "set-up preload warm-up measure heal drain tear-down end"
    );
    assert!(!place.latest().join("data").exists());
    assert_eq!(place.orphans(), Vec::<String>::new());
}

fn the_interval_log_holds_all_of(summary: &LoadSummary, folder: &Path) {
    let mut intervals = BTreeMap::new();
    let log = fs::read(folder.join("latency.hdr")).expect("readable");
    read_into(&mut intervals, &log).expect("well formed");
    for row in &summary.rows {
        let tag = format!("{}.{}.response", row.kind, row.region);
        let of_row = intervals.iter().filter(|((_, name), _)| *name == tag);
        assert_eq!(
            of_row.map(|(_, times)| times.len()).sum::<u64>(),
            row.answered(),
            "{tag}"
        );
    }
    assert!(
        intervals
            .keys()
            .any(|(_, tag)| tag.starts_with("warm-up.read."))
    );
    assert!(intervals.keys().any(|(_, tag)| tag.starts_with("lag.")));
}

/// The phases of a run without faults, in order.
fn phases(folder: &Path) -> String {
    let timeline = fs::read_to_string(folder.join("timeline.jsonl")).expect("readable");
    let phase = |line| match serde_json::from_str(line).expect("a moment") {
        Moment::Phase { name, .. } => name,
        Moment::Fault { .. } => panic!("no fault was asked for: {line}"),
    };
    let phases: Vec<String> = timeline.lines().map(phase).collect();
    phases.join(" ")
}

#[test]
fn a_missed_goal_is_exit_1_and_quiet_is_quiet() {
    let place = Place::new();
    let line = SHORT.replace("--for 3s --warm-up 1s", "--for 1s --warm-up 0s --share 2/3");
    let ended = place.run(&format!("{line} --goal rate>=1M --output quiet"));
    assert_eq!(
        (ended.code, ended.out.as_str(), ended.err.as_str()),
        (1, "", "")
    );
    let summary = summary(&place.latest());
    assert_eq!(
        scheduled(&summary),
        67,
        "every third of 200, from the second on"
    );
    assert_eq!(
        summary.share.map(|share| (share.index, share.of)),
        Some((2, 3))
    );
}

#[test]
fn json_is_the_summary_and_the_faults_of_a_load_are_healed() {
    let place = Place::new();
    let ended = place.run(&format!("{SHORT} --faults partition --output json"));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    satisfies_schema(&ended.out);
    let told: LoadSummary = serde_json::from_str(&ended.out).expect("a summary");
    assert_eq!(told, summary(&place.latest()));
    assert_eq!(told.plan.faults, ["partition"]);
    let unhealed = told.warnings.iter().filter(|told| told.contains("healed"));
    assert_eq!(unhealed.count(), 0, "{:?}", told.warnings);
}

#[test]
fn a_recorded_load_is_judged_as_a_test_is() {
    for (defect, code) in [("", 0), (" --defect stale-strong-read", 1)] {
        let place = Place::new();
        let ended = place.run(&format!("{SHORT} --faults partition --record{defect}"));
        assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
        let history = place.latest().join("history.jsonl");
        assert!(
            ended.out.contains("judge it:   dateline check "),
            "{}",
            ended.out
        );
        assert!(ended.out.contains("--record"), "{}", ended.out);
        let checked = place.run(&format!("check {}", history.display()));
        assert_eq!(
            checked.code, code,
            "{defect}: {}{}",
            checked.out, checked.err
        );
        // What was put there before, and a last look at every item in three regions, at the very least.
        let lines = fs::read_to_string(&history).expect("readable");
        let looks = lines.lines().filter(|line| line.contains("final")).count();
        assert!(
            looks >= 2 * 150,
            "{looks} lines of {}",
            lines.lines().count()
        );
    }
}

#[test]
fn every_mix_is_understood_by_the_regions() {
    let place = Place::new();
    for name in [
        "conditional",
        "delete-churn",
        "counter",
        "set",
        "list-append",
        "scan",
        "ycsb-d",
        "ycsb-e",
        "ycsb-f",
    ] {
        let line = SHORT.replace("mixed", name).replace(
            "--for 3s --warm-up 1s",
            "--for 1s --warm-up 0s --regions us-east-1",
        );
        let ended = place.run(&format!("{line} --goal errors<1%"));
        assert_eq!(ended.code, 0, "{name}: {}{}", ended.out, ended.err);
        let summary = summary(&place.latest());
        assert_eq!(scheduled(&summary), 200, "{name}");
        assert!(
            summary.rows.iter().all(|row| row.failed() == 0),
            "{name}: {}",
            ended.out
        );
        assert_eq!(summary.lag, [], "one region has nobody to replicate to");
    }
}

#[test]
fn a_region_that_runs_elsewhere_is_loaded_and_left_alone() {
    let place = Place::new();
    let mut region = place.start("replica --region us-east-1 --data-dir elsewhere");
    let url = replica_url(&place);
    let line = "load run ycsb-a --rate 200 --for 1s --warm-up 0s --seed 7 --keys 50 --timeout 10s --goal errors<1%";
    // The second finds the table as the first left it.
    for _run in 0..2 {
        let ended = place.run(&format!("{line} --region us-east-1={url}"));
        assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
        assert_eq!(scheduled(&summary(&place.latest())), 200);
    }
    assert!(
        region.try_wait().expect("a child").is_none(),
        "it still runs"
    );
    region.kill().and_then(|()| region.wait()).expect("it runs");
    let gone = place.run(&format!("{line} --region us-east-1={url}"));
    assert_eq!(gone.code, 3, "{}{}", gone.out, gone.err);
    assert!(gone.err.contains("us-east-1"), "{}", gone.err);
}

/// Two loads of different seeds write different values: each reads what it would never have written there.
#[test]
fn a_value_that_nobody_wrote_there_makes_the_load_invalid() {
    let place = Place::new();
    let mut region = place.start("replica --region us-east-1 --data-dir elsewhere");
    let url = replica_url(&place);
    let line = format!("--rate 200 --warm-up 0s --keys 20 --timeout 10s --region us-east-1={url}");
    let mut other = place.start(&format!(
        "load run updates --seed 1 --for 600s --out other {line}"
    ));
    wait_until("the other load writes", || {
        fs::read_to_string(place.path().join("other/latest/series.csv"))
            .is_ok_and(|text| text.contains(",yes,"))
    });
    let ended = place.run(&format!("load run reads --seed 2 --for 1s {line}"));
    for child in [&mut other, &mut region] {
        child.kill().and_then(|()| child.wait()).expect("it runs");
    }
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("corrupt-value"), "{}", ended.out);
    let summary = summary(&place.latest());
    assert!(
        summary.warnings[0].contains("brought what cannot be: us-east-1: item"),
        "{:?}",
        summary.warnings
    );
    let again = place.run("report dateline-runs/latest");
    assert_eq!(again.code, 1, "{}{}", again.out, again.err);
    let list = place.run("list runs");
    assert!(list.out.contains("INVALID (load, 0 goals)"), "{}", list.out);
}

/// Where the replica in the folder `elsewhere` listens.
fn replica_url(place: &Place) -> String {
    let address = place.path().join("elsewhere/address");
    let mut found = String::new();
    wait_until("the replica listens", || {
        found = fs::read_to_string(&address)
            .unwrap_or_default()
            .trim()
            .to_owned();
        !found.is_empty()
    });
    format!("http://{found}")
}

#[test]
fn ctrl_c_keeps_what_was_measured_and_decides_nothing() {
    let place = Place::new();
    let child = place.start(&SHORT.replace("--for 3s", "--for 600s"));
    let series = place.latest().join("series.csv");
    wait_until("seconds were measured", || {
        let text = fs::read_to_string(&series).unwrap_or_default();
        text.contains(",yes,")
    });
    signal(&child, Signal::SIGINT);
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, 2, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("stopped by Ctrl-C"), "{}", ended.out);
    assert!(scheduled(&summary(&place.latest())) > 0);
    assert_eq!(place.orphans(), Vec::<String>::new());
}

#[test]
fn steps_and_a_search_leave_a_folder_per_trial() {
    let place = Place::new();
    let common = "--for 1s --warm-up 0s --rtt-scale 0.1 --seed 7 --keys 50 --timeout 10s";
    let ended = place.run(&format!("load steps 50..150/50 {common} --goal errors<50%"));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    for (folder, count) in [
        ("trial-01-50", 50),
        ("trial-02-100", 100),
        ("trial-03-150", 150),
    ] {
        let summary = summary(&place.latest().join(folder));
        assert_eq!(scheduled(&summary), count);
        assert!(summary.run.reproduce.contains(&format!("--rate {count} ")));
    }
    // A goal that is always kept: the search goes up to its end.
    let ended = place.run(&format!(
        "load search --from 20 --to 80 --precision 50 --goal rate>=0 --output json {common}"
    ));
    assert_eq!(
        ended.code, 2,
        "the highest rate keeps it: {}{}",
        ended.out, ended.err
    );
    let told: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!(told["schema"], "dateline/load-trials/1");
    assert_eq!(told["found"]["kept_per_s"], 80.0);
    assert_eq!(
        told["trials"].as_array().map(Vec::len),
        Some(5),
        "20, 40, and 80 three times"
    );
    let written = fs::read_to_string(place.latest().join("trials.json")).expect("readable");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&written).expect("JSON"),
        told
    );
    let report = place.run("report dateline-runs/latest");
    assert_eq!(report.code, 0, "{}{}", report.out, report.err);
    assert!(
        report.out.contains("the goals are kept at 80/s"),
        "{}",
        report.out
    );
    assert_eq!(place.orphans(), Vec::<String>::new());
}

/// A stalled server must show in the response times even though only as many requests as are in flight see it in their service times.
#[test]
fn a_stall_of_the_server_is_not_hidden_by_the_in_flight_limit() {
    const STALL: Duration = Duration::from_millis(700);
    let place = Place::new();
    let mut server = place.start("load echo");
    let out = server.stdout.take().expect("it is piped");
    let mut url = String::new();
    BufReader::new(out)
        .read_line(&mut url)
        .expect("it says where it listens");
    let line = format!(
        "load run reads --rate 500 --for 5s --warm-up 0s --in-flight 8 --keys 10 --timeout 10s --region a={}",
        url.trim()
    );
    let load = place.start(&line);
    let series = place.latest().join("series.csv");
    wait_until("a second was measured", || {
        fs::read_to_string(&series)
            .unwrap_or_default()
            .contains(",yes,")
    });
    signal(&server, Signal::SIGSTOP);
    let begun = Instant::now();
    wait_until("the server was stopped for long enough", || {
        begun.elapsed() >= STALL
    });
    signal(&server, Signal::SIGCONT);
    let ended = Ended::of(load.wait_with_output().expect("it ends"));
    server.kill().and_then(|()| server.wait()).expect("it runs");
    assert_eq!(ended.code, 0, "{}", ended.out);
    let summary = summary(&place.latest());
    let row = &summary.rows[0];
    assert_eq!((row.scheduled, row.failed()), (2500, 0), "{}", ended.out);
    // Whatever was due in the first 400 ms of the stall waited for at least the other 300: 200 operations at 500/s. On a slow machine some of them
    // are still waiting at the end.
    let answered = row
        .response
        .histogram()
        .count_between(299_000_000, u64::MAX);
    let waited = answered + row.open.len() + row.never_sent;
    assert!(waited >= 195, "{waited} {}", ended.out);
    assert!(
        summary.lanes[0].waited_for_slot >= 300,
        "the limit bound, and it is told"
    );
    assert!(
        ended.out.contains("the in-flight limit of 8 held back"),
        "{}",
        ended.out
    );
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("process numbers fit"));
    kill(pid, signal).expect("it runs");
}
