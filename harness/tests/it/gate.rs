//! `dateline gate` on commands whose figures are known, and over many nights.

use std::fs;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reports::{
    gate::{Answer, Judgement},
    nights::file,
};

use crate::dateline::{Ended, Place, wait_until};

/// A command that measures `work`, a number, with a wobble that follows from the size of its environment.
fn command(work: &str, wobble: u32) -> String {
    format!(
        r#"sh -c 'echo "{{\"work\": $(({work} + ${{#DATELINE_PADDING}} % {wobble}))}}" > {{folder}}/metrics.json'"#
    )
}

fn gate(place: &Place, base: &str, candidate: &str, flags: &str) -> Ended {
    let mut command = place.command("gate");
    command
        .args([base, candidate])
        .args(flags.split_whitespace());
    Ended::of(command.output().expect("the binary starts"))
}

#[test]
fn it_passes_fails_and_cannot_tell() {
    let same = command("10000", 50);
    let (slower, noisy) = (command("10800", 50), command("50", 100));
    for (base, candidate, judgement, code) in [
        (&same, &same, Judgement::Pass, 0),
        (&same, &slower, Judgement::Fail, 1),
        (&noisy, &noisy, Judgement::CannotTell, 2),
    ] {
        let place = Place::new();
        let ended = gate(&place, base, candidate, "--metric work --rounds 4..5");
        assert_eq!(ended.code, code, "{}{}", ended.out, ended.err);
        assert!(ended.out.starts_with(judgement.word()), "{}", ended.out);
        let folder = place.path().join("dateline-runs/gate/latest");
        let answer = Answer::read(&folder.join("gate.json")).expect("it is left");
        assert_eq!(answer.judgement, judgement);
        let runs = fs::read_to_string(folder.join("runs.jsonl")).expect("it is left");
        // One of each to warm up, then whole rounds of four.
        assert_eq!(runs.lines().count(), 2 + 4 * answer.rounds);
        assert!(runs.contains("\"cpu_us\":") && runs.contains("\"memory_mib\":"));
    }
}

#[test]
fn cpu_time_is_measured_without_being_asked_for() {
    let place = Place::new();
    let loops = |count: u32| format!("sh -c 'i=0; while [ $i -lt {count} ]; do i=$((i+1)); done'");
    let ended = gate(
        &place,
        &loops(5_000),
        &loops(40_000),
        "--rounds 3..12 --output json",
    );
    let answer: Answer = serde_json::from_str(&ended.out).expect("it is JSON");
    let cpu = answer
        .metrics
        .iter()
        .find(|metric| metric.name == "cpu_us")
        .expect("it is always measured");
    let (base, candidate) = cpu.medians.expect("every run measured it");
    assert!(candidate > 1.5 * base, "{base} {candidate}");
    let shared = |note: &String| note.contains("shared processor");
    assert!(answer.notes.iter().any(shared), "{:?}", answer.notes);
    assert_ne!(answer.judgement, Judgement::Pass, "{}", answer.sentence);
}

#[test]
fn runs_at_once_share_one_processor() {
    let place = Place::new();
    // How many processors the command may use.
    let counts = r#"sh -c 'echo "{\"processors\": $(nproc)}" > {folder}/metrics.json'"#;
    let flags = "--metric processors --rounds 3 --runs at-once --output json";
    let ended = gate(&place, counts, counts, flags);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let answer: Answer = serde_json::from_str(&ended.out).expect("it is JSON");
    assert_eq!(answer.metrics[0].medians, Some((1.0, 1.0)));
}

#[test]
fn a_run_that_fails_or_hangs_is_a_harness_failure_that_shows_its_words() {
    let place = Place::new();
    let ended = gate(&place, "true", "sh -c 'echo out of milk; exit 7'", "");
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    for part in ["run 2 (candidate", "exit code 7", "out of milk", "log"] {
        assert!(ended.err.contains(part), "no {part:?} in {}", ended.err);
    }
    let hangs = "sh -c 'while true; do sleep 1; done' {folder}";
    let ended = gate(&place, hangs, "true", "--run-limit 300ms");
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(
        ended.err.contains("the longest it may take"),
        "{}",
        ended.err
    );
    assert_eq!(place.orphans(), Vec::<String>::new());
}

#[test]
fn a_gate_that_is_killed_leaves_no_orphan() {
    let place = Place::new();
    let mut child = place
        .command("gate")
        .args(["sh -c 'while true; do sleep 1; done' {folder}", "true"])
        .spawn()
        .expect("the binary starts");
    let is_running = |place: &Place| place.orphans().iter().any(|line| line.contains(": sh -c"));
    wait_until("the command runs", || is_running(&place));
    let pid = i32::try_from(child.id()).expect("process numbers fit");
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it runs");
    child.wait().expect("it was killed");
    wait_until("nothing is left", || place.orphans().is_empty());
}

#[test]
fn budget_metric_and_history() {
    let place = Place::new();
    let same = command("10000", 50);
    let flags = "--metric work --rounds 3..3 --output quiet --history nights.jsonl --host bench";
    for night in 0..2 {
        let ended = gate(&place, &same, &same, &format!("{flags} --commit c{night}"));
        assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    }
    let nights = file::read(&place.path().join("nights.jsonl")).expect("it is left");
    assert_eq!(nights.len(), 2);
    assert!((10_000.0..10_050.0).contains(&nights[1].metrics["work"]));
    let ended = gate(&place, &same, &same, "--metric frob");
    assert_eq!(ended.code, 64, "{}", ended.err);
    assert!(
        ended.err.contains("frob") && ended.err.contains("cpu_us, memory_mib, wall_ms, work"),
        "{}",
        ended.err
    );
    let ended = gate(&place, &same, &same, "--metric work --budget 1ms");
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(
        ended.out.contains("the budget of 1.00 ms was spent"),
        "{}",
        ended.out
    );
}

#[test]
fn a_change_over_nights_is_an_alarm_until_it_is_acknowledged() {
    let place = Place::new();
    let mut text = String::new();
    for night in 0..40 {
        let level = if night < 30 { 100.0 } else { 108.0 };
        let value = level + f64::from(night * 7 % 5) * 0.2;
        text.push_str(&format!(
            "{{\"schema\":\"dateline/night/1\",\"date\":\"2026-10-{:02}\",\"commit\":\"c{night}\",\"host\":\"bench\",\"metrics\":{{\"cpu_us\":{value}}}}}\n",
            night % 30 + 1
        ));
    }
    fs::write(place.path().join("nights.jsonl"), text).expect("writable");
    let ended = place.run("gate --history nights.jsonl");
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    assert!(
        ended.out.contains("1 ALARM") && ended.out.contains("after c29"),
        "{}",
        ended.out
    );
    let ended = place.run("gate --history nights.jsonl --acknowledge cpu_us@c30 --why checksums");
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let ended = place.run("gate --history nights.jsonl");
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("accepted: checksums"), "{}", ended.out);
    let ended = place.run("gate --history nights.jsonl --acknowledge cpu_us@c99 --why x");
    assert_eq!(ended.code, 64, "{}{}", ended.out, ended.err);
}
