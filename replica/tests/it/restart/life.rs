//! How a replica starts, refuses to start, and ends.

use std::net::TcpListener;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::process::{Home, wait_for};

#[test]
fn it_says_who_and_where_it_is_and_ends_when_told() {
    let home = Home::new("--log json");
    let process = home.start();
    assert!(process.address.ip().is_loopback());
    let health = process.health();
    assert_eq!(health["status"], "ok");
    assert_eq!(health["region"], "eu-west-1");
    assert!(health["pid"].as_u64().is_some());
    assert_eq!(health["core"]["region"], "eu-west-1");
    let liveness = process.client().get("/").expect("it answers");
    assert_eq!(
        liveness.text(),
        "healthy: dynamodb.eu-west-1.amazonaws.com "
    );
    assert_eq!(
        process.client().get("/nowhere").expect("it answers").status,
        404
    );

    let first = process.log();
    let first: serde_json::Value =
        serde_json::from_str(first.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["message"], "replica serves");
    assert_eq!(first["region"], "eu-west-1");
    assert_eq!(first["address"], process.address.to_string());
    assert_eq!(process.stop(), Some(0), "SIGTERM is a good end");
}

#[test]
fn a_directory_belongs_to_one_process() {
    let home = Home::new("");
    let process = home.start();
    let (code, log) = home.fails();
    assert_eq!(code, Some(3), "{log}");
    assert!(log.contains(&home.path().display().to_string()), "{log}");
    let holder = format!(
        "another process holds it (process {})",
        process.health()["pid"]
    );
    assert!(log.contains(&holder), "{log}");
    assert_eq!(process.stop(), Some(0));
    home.start();
}

#[test]
fn what_cannot_work_is_refused_with_its_reason() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound");
    let refusals = [
        (
            format!("--listen {address}"),
            3,
            format!("cannot listen on {address}: "),
        ),
        (
            "--listen 0.0.0.0:0".to_owned(),
            64,
            "without --peer-key-file anybody".to_owned(),
        ),
        (
            "--peer eu-west-1=http://h:1".to_owned(),
            64,
            "eu-west-1 is this region".to_owned(),
        ),
        (
            "--peer x=h:1".to_owned(),
            64,
            "must be http://HOST:PORT".to_owned(),
        ),
        (
            "--peer-key-file /nowhere/key".to_owned(),
            64,
            "cannot read /nowhere/key".to_owned(),
        ),
        (
            "--data-dir /dev/null/x".to_owned(),
            64,
            "--data-dir".to_owned(),
        ),
    ];
    for (options, code, text) in refusals {
        let (ended, log) = Home::new(&options).fails();
        assert_eq!(ended, Some(code), "{options}: {log}");
        assert!(log.contains(&text), "{options}: {log}");
    }
}

#[test]
fn it_dies_with_its_parent() {
    let home = Home::new("");
    std::fs::create_dir_all(home.path()).expect("writable");
    // The shell is the parent: it says its number, starts the replica and waits for it.
    let script = "\"$0\" --region eu-west-1 --data-dir \"$1\" --die-with-parent=$$ & wait";
    let mut shell = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_replica")])
        .arg(home.path())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("a shell");
    let holder = home.path().join("lock");
    wait_for("the address file", || {
        std::fs::read_to_string(home.path().join("address")).ok()
    });
    let lock = std::fs::read_to_string(holder).expect("written before the address");
    let pid = lock
        .trim()
        .trim_start_matches("process ")
        .parse()
        .expect("a number");
    assert!(kill(Pid::from_raw(pid), None).is_ok(), "the replica runs");

    shell.kill().expect("our child");
    shell.wait().expect("our child");
    let status = format!("/proc/{pid}/stat");
    wait_for("the replica's death", || {
        match std::fs::read_to_string(&status) {
            // Nobody may be there to bury it, which is not its fault.
            Ok(stat) => stat.contains(") Z ").then_some(()),
            Err(_) => Some(()),
        }
    });
}

#[test]
fn it_does_not_start_for_a_parent_that_is_gone() {
    let mut gone = Command::new("true").spawn().expect("a process");
    let pid = gone.id();
    gone.wait().expect("our child");
    let home = Home::new("");
    let output = Command::new(env!("CARGO_BIN_EXE_replica"))
        .args(["--region", "eu-west-1", &format!("--die-with-parent={pid}")])
        .arg(format!("--data-dir={}", home.path().display()))
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains(&format!("process {pid} is gone")), "{text}");
}

#[test]
fn interrupt_is_a_good_end_too() {
    let process = Home::new("").start();
    process.signal(Signal::SIGINT);
    assert_eq!(process.stop(), Some(0));
}
