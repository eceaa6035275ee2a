//! Measured replication lag against what the replicas wrote down: the bounds of a heartbeat must hold the time between the moments at which it became
//! readable in the two regions.
//!
//! Three replicas with a delaying proxy on every link between them, heartbeats beside a load of 500/s. A region that has a later heartbeat has the
//! earlier ones too: only the newest need travel.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use super::desk::{Background, Desk, Summary, free_port, wait_until};

const REGIONS: [&str; 3] = ["ap-southeast-1", "eu-west-1", "us-east-1"];

/// The load's length. Ten heartbeats a second from each of three regions to two others.
const LENGTH_S: u32 = 120;

/// Fewer samples prove nothing.
const SAMPLES_MIN: u32 = LENGTH_S * 30;

/// So many of the samples must be held by their bounds.
const HELD_MIN: f64 = 0.999;

/// The key of the first region's heartbeats; the others' follow.
const FIRST_HEARTBEAT: usize = 1 << 40;

/// A link between two regions: from, to, and the port of its proxy.
type Link = (usize, usize, u16);

/// When each value of a region's heartbeats became readable, by the region that wrote them.
type Applied = Vec<BTreeMap<i64, u64>>;

pub(super) fn measure(desk: &Desk) -> anyhow::Result<bool> {
    let ports = [free_port()?, free_port()?, free_port()?];
    let mut links: Vec<Link> = Vec::new();
    for from in 0..3 {
        for to in (0..3).filter(|to| *to != from) {
            links.push((from, to, free_port()?));
        }
    }
    let _proxy = proxy(desk, ports, &links)?;
    let _replicas = replicas(desk, ports, &links)?;
    let regions = REGIONS.iter().zip(ports);
    let regions: Vec<String> = regions
        .map(|(region, port)| format!("--region {region}=http://127.0.0.1:{port}"))
        .collect();
    let summary = desk.load(&format!(
        "load run mixed --rate 500 --for {LENGTH_S}s --warm-up 0s --keys 200 --seed 7 --timeout 10s --output quiet {}",
        regions.join(" ")
    ))?;
    tell(&summary);
    compare(desk)
}

/// Between 5 and 45 ms one way, and now and then far more.
fn proxy(desk: &Desk, ports: [u16; 3], links: &[Link]) -> anyhow::Result<Background> {
    let flags = links.iter().map(|(from, to, port)| {
        let upstream = ports[*to];
        format!("--link {from}-{to}=127.0.0.1:{port}->127.0.0.1:{upstream}")
    });
    let flags: Vec<String> = flags.collect();
    let mut proxy = desk.start(&format!("proxy --seed 7 {}", flags.join(" ")))?;
    for _link in links {
        proxy.line()?;
    }
    for (from, to, _) in links {
        proxy.ask(&format!("{from}-{to} latency forward 25 20"))?;
        proxy.ask(&format!("{from}-{to} tail forward 30"))?;
    }
    Ok(proxy)
}

fn replicas(desk: &Desk, ports: [u16; 3], links: &[Link]) -> anyhow::Result<Vec<Background>> {
    let mut replicas = Vec::new();
    for (own, region) in REGIONS.iter().enumerate() {
        let peers = links.iter().filter(|(from, ..)| *from == own);
        let peers: Vec<String> = peers
            .map(|(_, to, port)| format!("--peer {}=http://127.0.0.1:{port}", REGIONS[*to]))
            .collect();
        replicas.push(desk.start(&format!(
            "replica --region {region} --data-dir {region} --listen 127.0.0.1:{} --apply-log {region}.applied {}",
            ports[own],
            peers.join(" ")
        ))?);
    }
    for region in REGIONS {
        let address = desk.folder.join(region).join("address");
        wait_until("a replica listens", || address.exists())?;
    }
    Ok(replicas)
}

fn tell(summary: &Summary) {
    for lag in summary.0["lag"].as_array().into_iter().flatten() {
        let ms = |bound: &str, name: &str| lag[bound][name].as_f64().unwrap_or(f64::NAN) / 1e6;
        println!(
            "nightly:   {} to {}: p50 {:.0} to {:.0} ms, p99 {:.0} to {:.0} ms",
            lag["from"].as_str().unwrap_or_default(),
            lag["to"].as_str().unwrap_or_default(),
            ms("lower", "p50_ns"),
            ms("upper", "p50_ns"),
            ms("lower", "p99_ns"),
            ms("upper", "p99_ns"),
        );
    }
}

fn compare(desk: &Desk) -> anyhow::Result<bool> {
    let applied = REGIONS.iter().map(|region| read(desk, region));
    let applied = applied.collect::<anyhow::Result<Vec<Applied>>>()?;
    let text = std::fs::read_to_string(desk.folder.join("dateline-runs/latest/lag.csv"))?;
    let (mut held, mut all) = (0_u32, 0_u32);
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [from, to, beat, _, lower, upper] = cells[..] else {
            bail!("lag.csv has the line {line:?}");
        };
        let region = |name: &str| REGIONS.iter().position(|known| *known == name);
        let from = region(from).context("a region of ours")?;
        let to = region(to).context("a region of ours")?;
        let (beat, lower, upper): (i64, u64, u64) = (beat.parse()?, lower.parse()?, upper.parse()?);
        let written = applied[from][from].get(&beat);
        let written = written.context("its own region never wrote it down")?;
        let seen = applied[to][from].range(beat..).next();
        let seen = seen.context("it was seen where it never was")?.1;
        let truth = seen.saturating_sub(*written);
        all += 1;
        if (lower..=upper).contains(&truth) {
            held += 1;
        } else {
            println!("nightly:   not held: {line}: truly {truth} ns");
        }
    }
    let share = f64::from(held) / f64::from(all);
    let percent = share * 100.0;
    println!("nightly:   {held} of {all} samples ({percent:.2} %) hold the truth");
    ensure!(
        all >= SAMPLES_MIN,
        "only {all} samples, {SAMPLES_MIN} are needed"
    );
    Ok(share >= HELD_MIN)
}

/// What a region wrote down of heartbeats. Its last line may be half-written: it was killed.
fn read(desk: &Desk, region: &str) -> anyhow::Result<Applied> {
    let text = std::fs::read_to_string(desk.folder.join(format!("{region}.applied")))?;
    let mut applied = vec![BTreeMap::new(); REGIONS.len()];
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    for line in text[..whole].lines() {
        let line: Value = serde_json::from_str(line)?;
        let item = &line["item"];
        let key = item["pk"]["S"].as_str();
        let key = key.and_then(|key| key.strip_prefix('k')?.parse::<usize>().ok());
        let writer = key.and_then(|key| key.checked_sub(FIRST_HEARTBEAT));
        let value = item["v"]["N"].as_str().and_then(|value| value.parse().ok());
        if let (Some(writer), Some(value), Some(at)) = (writer, value, line["applied_ns"].as_u64())
        {
            applied[writer].entry(value).or_insert(at);
        }
    }
    Ok(applied)
}
