//! Runs that are not let to their end leave evidence and nothing else.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::dateline::{Ended, Place, wait_until};

const LONG: &str = "test register --seed 3 --time-limit 600 --rtt-scale 0.1 --rate 100";

fn pid(child: &std::process::Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("process numbers fit"))
}

#[test]
fn ctrl_c_heals_judges_and_leaves_no_orphan() {
    let place = Place::new();
    let child = place.start(LONG);
    place.wait_for_history(500);
    assert!(!place.orphans().is_empty(), "the regions run");
    kill(pid(&child), Signal::SIGINT).expect("it runs");
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert!([0, 2].contains(&ended.code), "{} {}", ended.code, ended.out);
    assert!(ended.out.contains("stopped by Ctrl-C"), "{}", ended.out);
    assert_eq!(place.orphans(), Vec::<String>::new());
    assert!(place.latest().join("results.json").exists());
    assert!(place.latest().join("report.html").exists());
}

#[test]
fn kill_leaves_no_orphan_and_a_readable_folder() {
    let place = Place::new();
    let mut child = place.start(LONG);
    place.wait_for_history(500);
    child.kill().and_then(|()| child.wait()).expect("it runs");
    wait_until("no region is left", || place.orphans().is_empty());
    let checked = place.run("check dateline-runs/latest");
    // Nobody read the final state, so convergence cannot be told; nothing forbidden is seen, and the file is whole.
    assert_eq!(checked.code, 2, "{}{}", checked.out, checked.err);
    let report = place.run("report dateline-runs/latest");
    assert_eq!(report.code, 3, "{}{}", report.out, report.err);
    assert!(
        report.out.contains("before it was judged"),
        "{}",
        report.out
    );
    assert!(place.latest().join("report.html").exists());
}
