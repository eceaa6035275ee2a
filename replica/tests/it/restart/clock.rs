//! The skew that a harness sets while the server runs.

use nix::sys::signal::Signal;
use serde_json::json;

use super::process::{Home, wait_for};

#[test]
fn sigusr1_reads_the_skew_again() {
    let home = Home::new("");
    std::fs::create_dir_all(home.path()).expect("writable");
    let path = home.path().join("clock.json");
    let skew =
        |offset_ms: i64| json!({"offset_ms": offset_ms, "drift_ppm": 0, "strobe_period_ms": 0});
    std::fs::write(&path, skew(-60_000).to_string()).expect("writable");
    let process = home.start();
    let clock = || process.health()["clock"].clone();
    assert_eq!(clock()["offset_ms"], -60_000, "read at start");

    let before_ms = clock()["now_ms"].as_i64().expect("a number");
    std::fs::write(&path, skew(3_600_000).to_string()).expect("writable");
    process.signal(Signal::SIGUSR1);
    wait_for("the skew", || {
        (clock()["offset_ms"] == 3_600_000).then_some(())
    });
    let after_ms = clock()["now_ms"].as_i64().expect("a number");
    let step_ms = after_ms - before_ms;
    assert!(
        (3_660_000..3_720_000).contains(&step_ms),
        "stepped by {step_ms} ms"
    );

    std::fs::write(&path, "{").expect("writable");
    process.signal(Signal::SIGUSR1);
    wait_for("the complaint", || {
        process
            .log()
            .contains("clock.json makes no sense")
            .then_some(())
    });
    assert_eq!(
        clock()["offset_ms"],
        3_600_000,
        "a bad file changes nothing"
    );

    std::fs::remove_file(&path).expect("writable");
    process.signal(Signal::SIGUSR1);
    wait_for("no skew", || (clock()["offset_ms"] == 0).then_some(()));
}
