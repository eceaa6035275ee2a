//! What was acknowledged is there after a crash; what cannot be made durable is not acknowledged.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::client::Client;
use super::process::{Home, Process, wait_for};

const WRITERS: usize = 8;

pub(super) fn create_table(client: &mut Client, name: &str) {
    let definition = json!({
        "TableName": name,
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    });
    client
        .call("CreateTable", &definition)
        .expect("it answers")
        .ok();
    wait_for("the table", || {
        let table = client
            .call("DescribeTable", &json!({"TableName": name}))
            .expect("it answers")
            .ok();
        (table["Table"]["TableStatus"] == "ACTIVE").then_some(())
    });
}

pub(super) fn put(key: &str, value: &str) -> Value {
    json!({"TableName": "tests", "Item": {"k": {"S": key}, "v": {"S": value}}})
}

/// A strongly consistent read.
pub(super) fn get(client: &mut Client, key: &str) -> Value {
    let body = json!({"TableName": "tests", "Key": {"k": {"S": key}}, "ConsistentRead": true});
    client.call("GetItem", &body).expect("it answers").ok()["Item"].clone()
}

/// Writes with several clients until the process is killed; returns the last acknowledged value of each key, and the value that may follow it.
fn write_until_killed(process: Process, round: usize) -> BTreeMap<String, (String, String)> {
    let acknowledged = AtomicUsize::new(0);
    let address = process.address;
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let acknowledged = &acknowledged;
                scope.spawn(move || {
                    let mut client = Client::connect(address).expect("it listens");
                    let mut last = BTreeMap::new();
                    for number in 0.. {
                        let key = format!("{writer}-{}", number % 10);
                        let value = format!("{round}-{number}");
                        let before = last.get(&key).map(|(value, _): &(String, _)| value.clone());
                        last.insert(key.clone(), (before.unwrap_or_default(), value.clone()));
                        match client.call("PutItem", &put(&key, &value)) {
                            Ok(answer) => drop(answer.ok()),
                            Err(_) => break,
                        }
                        last.insert(key, (value.clone(), value));
                        acknowledged.fetch_add(1, Ordering::Relaxed);
                    }
                    last
                })
            })
            .collect();
        wait_for("acknowledged writes", || {
            (acknowledged.load(Ordering::Relaxed) > 200).then_some(())
        });
        process.kill();
        writers
            .into_iter()
            .flat_map(|writer| writer.join().expect("no writer fails"))
            .collect()
    })
}

#[test]
fn a_kill_loses_no_acknowledged_write() {
    let home = Home::new("");
    create_table(&mut home.start().client(), "tests");
    for round in 0..3 {
        let written = write_until_killed(home.start(), round);
        assert!(written.len() >= WRITERS, "every writer wrote");
        let process = home.start();
        let mut client = process.client();
        for (key, (acknowledged, tried)) in written {
            let found = get(&mut client, &key)["v"]["S"].as_str().map(str::to_owned);
            let found = found.unwrap_or_default();
            // A first write that was cut off leaves the value of the round before.
            let fresh = acknowledged.is_empty() && !found.starts_with(&format!("{round}-"));
            assert!(
                found == acknowledged || found == tried || fresh,
                "round {round}, {key}: {found:?} after {acknowledged:?} was acknowledged and {tried:?} tried"
            );
        }
    }
}

#[test]
fn a_failed_commit_poisons_the_replica() {
    let home = Home::new("");
    create_table(&mut home.start().client(), "tests");
    // From inside the process a file that may not grow looks like a disk that fails. The log goes to a pipe, which may.
    let replica = home.command("log");
    let child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(replica.get_program())
        .args(replica.get_args())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    let pid = child.id();
    let mut client = wait_for("health", || {
        let address = std::fs::read_to_string(home.path().join("address")).ok()?;
        let mut client = Client::connect(address.trim().parse().ok()?).ok()?;
        (client.get("/health").ok()?.ok()["pid"] == pid).then_some(client)
    });
    client
        .call("PutItem", &put("before", "1"))
        .expect("it answers")
        .ok();
    let limited = Command::new("prlimit")
        .args(["--fsize=1:1", "--pid", &pid.to_string()])
        .status();
    assert!(limited.expect("prlimit is part of util-linux").success());

    for attempt in ["the write that fails", "every request after it"] {
        let answer = client
            .call("PutItem", &put("after", "1"))
            .expect("it answers");
        assert_eq!(answer.status, 500, "{attempt}");
        let (name, text) = answer.refusal();
        assert_eq!(name, "InternalServerError", "{attempt}");
        assert!(
            text.contains("This replica is poisoned: storage: cannot commit to "),
            "{text}"
        );
    }
    let health = client.get("/health").expect("it answers");
    assert_eq!(health.status, 500);
    assert!(
        health.text().contains(r#""status":"poisoned""#),
        "{}",
        health.text()
    );
    let stop = Command::new("kill")
        .args(["-TERM", &pid.to_string()])
        .status();
    assert!(stop.expect("kill is part of every system").success());
    let output = child.wait_with_output().expect("our child");
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{log}");
    assert!(log.contains("the replica is poisoned"), "{log}");

    let process = home.start();
    assert_eq!(get(&mut process.client(), "before")["v"]["S"], "1");
}
