//! Measured replication lag against the truth: replicas that write down when each version became readable.

use std::{collections::BTreeMap, fs, net::TcpListener, path::Path};

use serde_json::Value;

use crate::dateline::{Place, Running, wait_until};

pub(crate) const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];

/// When each value of one item became readable in one region, by value.
type Applied = BTreeMap<i64, u64>;

#[test]
fn the_bounds_of_the_lag_hold_the_truth() {
    let place = Place::new();
    let (_replicas, addresses) = replicas(&place, REGIONS);
    let regions = REGIONS.iter().zip(addresses);
    let regions: Vec<String> = regions
        .map(|(region, address)| format!("--region {region}={address}"))
        .collect();
    let ended = place.run(&format!(
        "load run mixed --rate 100 --for 4s --warm-up 0s --keys 20 --seed 7 --timeout 10s {}",
        regions.join(" ")
    ));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);

    let lag = fs::read_to_string(place.latest().join("lag.csv")).expect("readable");
    let mut lines = lag.lines();
    assert_eq!(
        lines.next(),
        Some("from,to,beat,written_ns,lower_ns,upper_ns")
    );
    let (mut held, mut not_held) = (0, Vec::new());
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |at: usize| cells[at].parse::<u64>().expect("a number");
        let from = REGIONS
            .iter()
            .position(|name| *name == cells[0])
            .expect("a region");
        let to = 1 - from;
        assert_eq!(cells[1], REGIONS[to]);
        let beat = cells[2].parse().expect("a number");
        let written = applied(place.path(), from, from).get(&beat).copied();
        let written = written.expect("the region that wrote it has it");
        // Whoever has a later one has it too: only the newest need travel.
        let there = applied(place.path(), to, from);
        let seen = *there.range(beat..).next().expect("it was seen there").1;
        let truth = seen.saturating_sub(written);
        if (number(4)..=number(5)).contains(&truth) {
            held += 1;
        } else {
            not_held.push(format!("{line}: truly {truth}"));
        }
    }
    assert!(
        held >= 40,
        "four seconds of ten heartbeats in two directions: {held}"
    );
    // A reader may be quicker than the thread that writes the time down; that is no reason to fail here. `cargo xtask nightly lag` counts.
    assert!(not_held.len() <= 1, "{not_held:?}");
}

/// Replicas that know each other, and where they listen.
pub(crate) fn replicas<const N: usize>(
    place: &Place,
    regions: [&str; N],
) -> ([Running; N], [String; N]) {
    let free = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let addresses = free.map(|listener| listener.local_addr().expect("it is bound").to_string());
    let started = regions.map(|region| {
        let mut line =
            format!("replica --region {region} --data-dir {region} --apply-log {region}.applied");
        for (other, address) in regions.iter().zip(&addresses) {
            line += &if *other == region {
                format!(" --listen {address}")
            } else {
                format!(" --peer {other}=http://{address}")
            };
        }
        place.start(&line)
    });
    for region in regions {
        let address = place.path().join(region).join("address");
        wait_until("the replica listens", || address.exists());
    }
    (
        started,
        addresses.map(|address| format!("http://{address}")),
    )
}

/// What `region` wrote down about the heartbeats of `from`.
fn applied(folder: &Path, region: usize, from: usize) -> Applied {
    let path = folder.join(format!("{}.applied", REGIONS[region]));
    let text = fs::read_to_string(path).expect("readable");
    let mut applied = Applied::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let key = format!("k{}", (1_u64 << 40) + from as u64);
        let value = line["item"]["v"]["N"]
            .as_str()
            .and_then(|text| text.parse().ok());
        if let (true, Some(value), Some(at)) = (
            line["item"]["pk"]["S"] == key,
            value,
            line["applied_ns"].as_u64(),
        ) {
            applied.entry(value).or_insert(at);
        }
    }
    applied
}
