//! Churn for long: each region puts and deletes over the same keys at a steady rate. The replicas' memory must stay flat, and so must their tombstones.
//!
//! The disk is printed and not judged: streams keep their records for a day, up to their limit.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::Client;
use super::cluster::{Cluster, REGIONS, TABLE};
use super::isolation::put;

/// Operations per second of one region.
const RATE: u32 = 400;
const KEYS: u64 = 20_000;
/// How many times memory is looked at.
const SAMPLES: u32 = 60;
/// What the last third of the samples may lie above the second one.
const GROWTH_MIB: u64 = 12;

/// Runs for so long.
///
/// # Errors
/// When memory grew, tombstones stayed, or a replica could not be asked.
pub(crate) async fn run(duration: Duration) -> anyhow::Result<()> {
    let cluster = Cluster::start().await?;
    let begun = Instant::now();
    let until = begun + duration;
    let mut writers = Vec::new();
    for region in 0..REGIONS.len() {
        writers.push(tokio::spawn(churn(
            cluster.client(region).await?,
            region as u64,
            until,
        )));
    }
    let mut samples: Vec<Vec<u64>> = Vec::new();
    for number in 1..=SAMPLES {
        tokio::time::sleep_until((begun + duration * number / SAMPLES).into()).await;
        let mut sample = Vec::new();
        for region in 0..REGIONS.len() {
            sample.push(cluster.server(region)?.resident_mib()?.0);
        }
        if number % 6 == 0 {
            let disk = disk_mib(cluster.home.path())?;
            println!(
                "soak: after {:.0} s resident {sample:?} MiB, all directories {disk} MiB",
                begun.elapsed().as_secs_f64()
            );
        }
        samples.push(sample);
    }
    let mut operations = 0;
    for writer in writers {
        operations += writer.await??;
    }
    let third = samples.len() / 3;
    let most = |part: &[Vec<u64>], region: usize| {
        part.iter().map(|sample| sample[region]).max().unwrap_or(0)
    };
    for (region, name) in REGIONS.iter().enumerate() {
        let (middle, last) = (
            most(&samples[third..2 * third], region),
            most(&samples[2 * third..], region),
        );
        anyhow::ensure!(
            last <= middle + GROWTH_MIB,
            "{name} grew from {middle} to {last} MiB in the last third"
        );
    }
    let took = cluster.drain(Duration::from_secs(60)).await?;
    tombstones_go(&cluster).await?;
    println!(
        "soak: {operations} operations, memory flat, drained {:.1} s after the last, no tombstone left",
        took.as_secs_f64()
    );
    Ok(())
}

/// Puts three times and deletes once, at a steady rate.
async fn churn(mut client: Client, region: u64, until: Instant) -> anyhow::Result<u64> {
    let begun = tokio::time::Instant::now();
    let mut count = 0_u32;
    while Instant::now() < until {
        tokio::time::sleep_until(begun + Duration::from_secs(1) * count / RATE).await;
        // Regions share half of the keys.
        let number = (u64::from(count) * 7919 + region * KEYS / 2) % (2 * KEYS);
        if count % 4 == 3 {
            let key = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let delete = json!({"TableName": TABLE, "Key": {"k": {"S": format!("key-{key:020}")}}});
            client.ask("DeleteItem", delete).await?;
        } else {
            client.call("PutItem", put(number)).await?;
        }
        count += 1;
    }
    Ok(count.into())
}

/// Waits until no region holds a tombstone.
async fn tombstones_go(cluster: &Cluster) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let mut left = 0;
        for region in 0..REGIONS.len() {
            let health = cluster.client(region).await?.health().await?;
            left += health["core"]["tombstones"].as_u64().unwrap_or(0);
        }
        if left == 0 {
            return Ok(());
        }
        anyhow::ensure!(
            begun.elapsed() < Duration::from_secs(120),
            "{left} tombstones stay"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn disk_mib(directory: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory)? {
            // Files of the engine come and go meanwhile.
            let Ok(metadata) = entry
                .as_ref()
                .map_err(drop)
                .and_then(|it| it.metadata().map_err(drop))
            else {
                continue;
            };
            if metadata.is_dir() {
                left.extend(entry.map(|it| it.path()));
            } else {
                bytes += metadata.len();
            }
        }
    }
    Ok(bytes >> 20)
}
