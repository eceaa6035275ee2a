//! Churn for long: each region puts and deletes over the same keys at a steady rate. The replicas' memory must stay flat, and so must their directories and
//! their tombstones.
//!
//! Streams keep their records for three minutes here instead of a day. So a steady state is reached within the run; with a day's records memory and disk
//! follow what the streams keep, until a day has passed or their limit is reached.

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
/// How many times as large the directories may be in the last third as in the one before, by the medians: files grow until the engine merges them.
const DISK_GROWTH: f64 = 1.1;
/// How long streams keep their records.
const STREAM_RETENTION: &str = "--stream-retention=180";

/// Runs for so long.
///
/// # Errors
/// When memory grew, tombstones stayed, or a replica could not be asked.
pub(crate) async fn run(duration: Duration) -> anyhow::Result<()> {
    let cluster = Cluster::start_with(&[STREAM_RETENTION]).await?;
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
    let mut disks = Vec::new();
    for number in 1..=SAMPLES {
        tokio::time::sleep_until((begun + duration * number / SAMPLES).into()).await;
        let mut sample = Vec::new();
        for region in 0..REGIONS.len() {
            sample.push(cluster.server(region)?.resident_mib()?.0);
        }
        let disk = disk_mib(cluster.home.path())?;
        disks.push(disk);
        if number % 6 == 0 {
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
    memory_is_flat(&samples)?;
    disk_is_flat(&disks)?;
    let took = cluster.drain(Duration::from_secs(60)).await?;
    tombstones_go(&cluster).await?;
    println!(
        "soak: {operations} operations, memory and disk flat, drained {:.1} s after the last, no tombstone left",
        took.as_secs_f64()
    );
    Ok(())
}

/// The last third against the one before it.
fn thirds<T>(samples: &[T]) -> (&[T], &[T]) {
    let third = samples.len() / 3;
    (&samples[third..2 * third], &samples[2 * third..])
}

fn memory_is_flat(samples: &[Vec<u64>]) -> anyhow::Result<()> {
    let most = |part: &[Vec<u64>], region: usize| {
        part.iter().map(|sample| sample[region]).max().unwrap_or(0)
    };
    let (middle, last) = thirds(samples);
    for (region, name) in REGIONS.iter().enumerate() {
        let (middle, last) = (most(middle, region), most(last, region));
        anyhow::ensure!(
            last <= middle + GROWTH_MIB,
            "{name} grew from {middle} to {last} MiB in the last third"
        );
    }
    Ok(())
}

fn disk_is_flat(samples: &[u64]) -> anyhow::Result<()> {
    let median = |part: &[u64]| {
        let mut sorted = part.to_vec();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or(0)
    };
    let (middle, last) = thirds(samples);
    let (middle, last) = (median(middle), median(last));
    anyhow::ensure!(
        last as f64 <= middle as f64 * DISK_GROWTH,
        "the directories grew from {middle} to {last} MiB in the last third (medians)"
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
