//! Replication lag of three regions under a steady rate of writes: from a write's acknowledgement until another region shows it.

use std::time::{Duration, Instant};

use serde_json::json;

use super::client::Client;
use super::cluster::{Cluster, REGIONS, TABLE};
use super::isolation::put;

/// Writes per second, in all regions together.
const RATE: u64 = 5_000;
/// Writers per region, each with its share of the rate.
const WRITERS: u64 = 8;
/// Between two heartbeats of a region.
const BEAT: Duration = Duration::from_millis(25);
const POLL: Duration = Duration::from_micros(500);

/// Measures for so long.
///
/// # Errors
/// When a replica cannot be asked.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts and times, shown with few digits"
)]
pub(crate) async fn lag(duration: Duration) -> anyhow::Result<()> {
    let cluster = Cluster::start().await?;
    let begun = Instant::now();
    let until = begun + duration;
    let share = WRITERS * REGIONS.len() as u64;
    let mut writers = Vec::new();
    let mut beats = Vec::new();
    for region in 0..REGIONS.len() {
        for _ in 0..WRITERS {
            let client = cluster.client(region).await?;
            let number = writers.len() as u64;
            writers.push(tokio::spawn(steady(client, number, share, until)));
        }
        let writer = cluster.client(region).await?;
        let mut readers = Vec::new();
        for other in (0..REGIONS.len()).filter(|other| *other != region) {
            readers.push(cluster.client(other).await?);
        }
        beats.push(tokio::spawn(heartbeats(region, writer, readers, until)));
    }
    let mut lags_us = Vec::new();
    for beat in beats {
        lags_us.extend(beat.await??);
    }
    let mut written = 0;
    for writer in writers {
        written += writer.await??;
    }
    lags_us.sort_unstable();
    let last = lags_us.len().saturating_sub(1);
    let at_ms = |per_mille: usize| {
        lags_us.get(last * per_mille / 1000).copied().unwrap_or(0) as f64 / 1000.0
    };
    println!(
        "replication lag of {} heartbeats at {:.0} writes/s over three regions: p50 {:.1} p99 {:.1} p99.9 {:.1} max {:.1} ms",
        lags_us.len(),
        written as f64 / begun.elapsed().as_secs_f64(),
        at_ms(500),
        at_ms(990),
        at_ms(999),
        at_ms(1000)
    );
    Ok(())
}

/// Writes at moments that were fixed before; late ones are made up for.
async fn steady(mut client: Client, first: u64, share: u64, until: Instant) -> anyhow::Result<u64> {
    let begun = tokio::time::Instant::now();
    let mut written = 0;
    while Instant::now() < until {
        let due = (first + written * share) * 1_000_000 / RATE;
        tokio::time::sleep_until(begun + Duration::from_micros(due)).await;
        client
            .call("PutItem", put((first + written * share) % 200_000))
            .await?;
        written += 1;
    }
    Ok(written)
}

/// Writes a key of this region's own, ascending, and looks when the others show it.
async fn heartbeats(
    region: usize,
    mut writer: Client,
    mut readers: Vec<Client>,
    until: Instant,
) -> anyhow::Result<Vec<u64>> {
    let key = json!({"k": {"S": format!("heartbeat-{region}")}});
    let mut lags_us = Vec::new();
    for number in 1_u64.. {
        if Instant::now() >= until {
            break;
        }
        let mut item = key.clone();
        item["v"] = json!({"N": number.to_string()});
        writer
            .ask("PutItem", json!({"TableName": TABLE, "Item": item}))
            .await?;
        let acknowledged = Instant::now();
        let seen = readers
            .iter_mut()
            .map(|reader| sees(reader, &key, number, acknowledged));
        for lag in futures_of(seen).await {
            lags_us.push(u64::try_from(lag?.as_micros())?);
        }
        tokio::time::sleep(BEAT).await;
    }
    Ok(lags_us)
}

/// All of them, side by side on this task.
async fn futures_of<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut all: Vec<_> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in all.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

async fn sees(
    reader: &mut Client,
    key: &serde_json::Value,
    number: u64,
    acknowledged: Instant,
) -> anyhow::Result<Duration> {
    loop {
        let asked = json!({"TableName": TABLE, "Key": key, "ConsistentRead": true});
        let answer = reader.ask("GetItem", asked).await?;
        let seen = answer["Item"]["v"]["N"]
            .as_str()
            .and_then(|text| text.parse::<u64>().ok());
        if seen >= Some(number) {
            return Ok(acknowledged.elapsed());
        }
        anyhow::ensure!(
            acknowledged.elapsed() < Duration::from_secs(30),
            "a write never arrived"
        );
        tokio::time::sleep(POLL).await;
    }
}
