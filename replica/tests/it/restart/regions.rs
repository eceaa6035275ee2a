//! Three regions as real processes: a write in one is read in all, also after a kill in the middle.

use serde_json::{Value, json};

use super::client::Client;
use super::cluster::Cluster;
use super::durability::{create_table, get, put};
use super::process::wait_for;

const REGIONS: [&str; 3] = ["ap-southeast-1", "us-east-1", "eu-west-1"];

/// A table in each region, joined to one global table.
fn global_table(options: &str) -> Cluster {
    let cluster = Cluster::start(&REGIONS, options);
    for region in 0..REGIONS.len() {
        create_table(&mut cluster.process(region).client(), "tests");
    }
    let mut client = cluster.process(0).client();
    let group: Vec<Value> = REGIONS
        .iter()
        .map(|name| json!({"RegionName": name}))
        .collect();
    let body = json!({"GlobalTableName": "tests", "ReplicationGroup": group});
    client
        .call("CreateGlobalTable", &body)
        .expect("it answers")
        .ok();
    for region in 0..REGIONS.len() {
        let mut client = cluster.process(region).client();
        wait_for("the global table", || {
            let answer = client
                .call("DescribeGlobalTable", &json!({"GlobalTableName": "tests"}))
                .ok()?;
            if answer.status != 200 {
                return None;
            }
            let description = answer.ok();
            (description["GlobalTableDescription"]["GlobalTableStatus"] == "ACTIVE").then_some(())
        });
    }
    cluster
}

fn wait_for_value(client: &mut Client, key: &str, value: &str) -> Value {
    wait_for(&format!("{key} to be {value}"), || {
        let item = get(client, key);
        (item["v"]["S"] == value).then_some(item)
    })
}

#[test]
fn a_write_in_one_region_is_read_in_all() {
    let home = tempfile::tempdir().expect("temporary directory");
    let key = home.path().join("key");
    std::fs::write(&key, "a key that all regions share").expect("writable");
    let cluster = global_table(&format!("--peer-key-file {}", key.display()));
    for (region, name) in REGIONS.iter().enumerate() {
        let mut client = cluster.process(region).client();
        client
            .call("PutItem", &put(name, "1"))
            .expect("it answers")
            .ok();
        let written = get(&mut client, name);
        assert_eq!(written["aws:rep:updateregion"]["S"], *name);
        assert_eq!(written["aws:rep:deleting"]["BOOL"], false);
        assert!(written["aws:rep:updatetime"]["N"].is_string(), "{written}");
        for (other, there) in REGIONS.iter().enumerate() {
            let seen = wait_for_value(&mut cluster.process(other).client(), name, "1");
            assert_eq!(
                seen, written,
                "the same item with the same version in {there}"
            );
        }
    }
    let mut client = cluster.process(0).client();
    let metrics = wait_for("the acknowledgements", || {
        let text = client.get("/metrics").expect("it answers").text();
        let acknowledged =
            r#"dateline_pending_replication_count{region="ap-southeast-1",peer="eu-west-1"} 0"#;
        text.contains(acknowledged).then_some(text)
    });
    for sample in [
        r#"dateline_requests_total{region="ap-southeast-1",operation="PutItem",outcome="ok"} 1"#,
        // What was written while the regions were joining may go through the feed twice.
        r#"dateline_feed_head{region="ap-southeast-1"} "#,
        r#"dateline_feed_consumed{region="ap-southeast-1",peer="us-east-1"} "#,
        r#"dateline_replication_latency_ms{region="ap-southeast-1",peer="eu-west-1"} "#,
        "# TYPE dateline_fsyncs_total counter",
    ] {
        assert!(metrics.contains(sample), "{sample}: {metrics}");
    }
}

#[test]
fn regions_converge_over_a_kill_in_the_middle() {
    let mut cluster = global_table("");
    let mut clients: Vec<Client> = (0..REGIONS.len())
        .map(|region| cluster.process(region).client())
        .collect();
    let write = |client: &mut Client, round: usize, region: usize| {
        for key in 0..10 {
            let body = put(&format!("shared-{key}"), &format!("{round}-{region}"));
            client.call("PutItem", &body).expect("it answers").ok();
            let body = put(&format!("own-{region}-{key}"), &round.to_string());
            client.call("PutItem", &body).expect("it answers").ok();
        }
    };
    for (region, client) in clients.iter_mut().enumerate() {
        write(client, 0, region);
    }
    cluster.kill(1);
    for region in [0, 2] {
        write(&mut clients[region], 1, region);
    }
    cluster.restart(1);
    clients[1] = cluster.process(1).client();
    write(&mut clients[1], 2, 1);

    let last_round = ["1", "2", "1"];
    let mut keys: Vec<String> = (0..10).map(|key| format!("shared-{key}")).collect();
    for (region, round) in last_round.iter().enumerate() {
        for key in 0..10 {
            let key = format!("own-{region}-{key}");
            for client in &mut clients {
                wait_for_value(client, &key, round);
            }
            keys.push(key);
        }
    }
    for key in keys {
        let items = wait_for(&format!("{key} to converge"), || {
            let items: Vec<Value> = clients.iter_mut().map(|client| get(client, &key)).collect();
            items.iter().all(|item| *item == items[0]).then_some(items)
        });
        assert!(
            items[0]["aws:rep:updatetime"]["N"].is_string(),
            "{key}: {}",
            items[0]
        );
    }
}

#[test]
fn regions_that_move_to_other_addresses_are_the_same_regions() {
    let mut cluster = global_table("");
    let write = |cluster: &Cluster, key: &str| {
        let mut client = cluster.process(0).client();
        let written = client.call("PutItem", &put(key, "1"));
        written.expect("it answers").ok();
    };
    write(&cluster, "before");
    let before = [0, 1].map(|region| cluster.process(region).address);
    cluster.move_away(&REGIONS, "");
    write(&cluster, "after");
    for region in 1..REGIONS.len() {
        let mut client = cluster.process(region).client();
        for key in ["before", "after"] {
            wait_for_value(&mut client, key, "1");
        }
    }
    let after = [0, 1].map(|region| cluster.process(region).address);
    assert!(before.iter().all(|address| !after.contains(address)));
}

#[test]
fn regions_that_are_not_in_the_cluster_are_all_named() {
    let cluster = Cluster::start(&REGIONS, "");
    let group = json!([{"RegionName": "us-gov-west-1"}, {"RegionName": "us-east-1"}, {"RegionName": "mars-1"}]);
    let body = json!({"GlobalTableName": "tests", "ReplicationGroup": group});
    let answer = cluster.process(0).client().call("CreateGlobalTable", &body);
    let (name, message) = answer.expect("it answers").refusal();
    assert_eq!(name, "ValidationException");
    let known = "Member must satisfy enum value set: [ap-southeast-1, eu-west-1, us-east-1]";
    assert_eq!(
        message,
        format!(
            "One or more parameter values were invalid: 2 validation errors detected: \
             Value 'us-gov-west-1' at 'replicationGroup.1.member.regionName' failed to satisfy constraint: {known}; \
             Value 'mars-1' at 'replicationGroup.3.member.regionName' failed to satisfy constraint: {known}"
        )
    );
}
