//! `kill -9` at random moments under load, again and again: not one acknowledged write may be lost, and all regions end equal.
//!
//! Writers of each region update and delete keys of their own, and all write to some shared keys. In each loop one region (now and then two) is
//! killed and started again while everybody goes on. Then the writers rest, the regions must become equal, and what they hold is compared with what was
//! acknowledged: an own key holds the last acknowledged write or one that was tried after it, a shared key holds a version at least as great as every
//! acknowledged one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use serde_json::{Value, json};

use super::client::Client;
use super::cluster::{Cluster, REGIONS, TABLE};
use super::server::address_in;

const WRITERS: usize = 4;
const OWN_KEYS: u64 = 12;
const SHARED_KEYS: u64 = 20;
const EQUAL_LIMIT: Duration = Duration::from_secs(60);

/// A value; none when the item was deleted or never written.
type Held = Option<u64>;

/// What a key of one writer may hold: the last acknowledged write, or one that was tried after it.
#[derive(Debug, Default)]
struct Own {
    acknowledged: Held,
    tried: Vec<Held>,
}

/// What clients were told.
#[derive(Debug, Default)]
struct Told {
    own: BTreeMap<String, Own>,
    /// The greatest acknowledged version of each shared key: update time and region.
    shared: BTreeMap<String, (String, String)>,
    acknowledged: u64,
    unanswered: u64,
    next: u64,
}

/// One writer's place.
#[derive(Clone)]
struct Writer {
    told: Arc<Mutex<Told>>,
    address: PathBuf,
    name: String,
    stop: Arc<AtomicBool>,
}

/// Runs the loops.
///
/// # Errors
/// When an acknowledged write was lost, or the regions did not become equal; the data stays for inspection.
pub(crate) async fn run(loops: u64, seed: u64) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut draws = ChaCha8Rng::seed_from_u64(seed);
    let mut cluster = Cluster::start().await?;
    let told = Arc::new(Mutex::new(Told::default()));
    let (mut kills, mut slowest) = (0, Duration::ZERO);
    for number in 1..=loops {
        let round = one(&mut cluster, &told, &mut draws, number).await;
        let (killed, settled) = match round {
            Ok(figures) => figures,
            Err(error) => {
                let kept = cluster.home.keep();
                let what = format!("loop {number}: {error:#}");
                bail!(
                    "{what}; the data directories stay in {}; to repeat: proof crash-loops {loops} --seed {seed}",
                    kept.display()
                );
            }
        };
        kills += killed;
        slowest = slowest.max(settled);
        if number % 20 == 0 || number == loops {
            let told = told.lock().expect("no writer panics");
            println!(
                "crash loops: {number} of {loops}, {kills} kills, {} writes acknowledged, {} unanswered, none lost, all regions equal after at most {:.1} s; {:.0} s",
                told.acknowledged,
                told.unanswered,
                slowest.as_secs_f64(),
                begun.elapsed().as_secs_f64()
            );
        }
    }
    Ok(())
}

/// One loop; gives the number of kills, and how long the regions took to become equal.
async fn one(
    cluster: &mut Cluster,
    told: &Arc<Mutex<Told>>,
    draws: &mut ChaCha8Rng,
    number: u64,
) -> anyhow::Result<(u64, Duration)> {
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..REGIONS.len() * WRITERS)
        .map(|index| {
            let region = index % REGIONS.len();
            let writer = Writer {
                told: Arc::clone(told),
                address: cluster.data_dir(region).join("address"),
                name: format!("{}-{index}", REGIONS[region]),
                stop: Arc::clone(&stop),
            };
            tokio::spawn(writer.write(ChaCha8Rng::seed_from_u64(draws.next_u64())))
        })
        .collect();
    let mut kills = 0;
    for _ in 0..if number.is_multiple_of(4) { 2 } else { 1 } {
        pause(draws, 50, 600).await;
        let victim = usize::try_from(draws.next_u64() % REGIONS.len() as u64)?;
        cluster.kill(victim);
        kills += 1;
        pause(draws, 1, 300).await;
        cluster.restart(victim)?;
    }
    pause(draws, 50, 400).await;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await?;
    }
    let begun = Instant::now();
    let held = equal(cluster).await?;
    judge(&held, &mut told.lock().expect("no writer panics"))?;
    Ok((kills, begun.elapsed()))
}

async fn pause(draws: &mut ChaCha8Rng, least_ms: u64, more_ms: u64) {
    tokio::time::sleep(Duration::from_millis(least_ms + draws.next_u64() % more_ms)).await;
}

impl Writer {
    /// Writes until it is told to stop; whenever its region is away it waits for it.
    async fn write(self, mut draws: ChaCha8Rng) {
        while !self.stop.load(Ordering::Relaxed) {
            let client = match address_in(&self.address) {
                Some(address) => Client::connect(address).await.ok(),
                None => None,
            };
            match client {
                Some(mut client) => {
                    while !self.stop.load(Ordering::Relaxed)
                        && self.write_one(&mut client, &mut draws).await.is_ok()
                    {
                    }
                }
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    async fn write_one(&self, client: &mut Client, draws: &mut ChaCha8Rng) -> anyhow::Result<()> {
        let is_shared = draws.next_u64().is_multiple_of(4);
        let (key, held) = self.tried(is_shared, draws);
        let answer = match held {
            Some(value) => {
                let update = json!({
                    "TableName": TABLE,
                    "Key": {"k": {"S": key}},
                    "UpdateExpression": "SET v = :v, filler = :f",
                    "ExpressionAttributeValues": {":v": {"N": value.to_string()}, ":f": {"S": "f".repeat(200)}},
                    "ReturnValues": "ALL_NEW",
                });
                client.ask("UpdateItem", update).await
            }
            None => {
                let delete = json!({"TableName": TABLE, "Key": {"k": {"S": key}}});
                client.ask("DeleteItem", delete).await
            }
        };
        let mut told = self.told.lock().expect("no writer panics");
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                told.unanswered += 1;
                return Err(error);
            }
        };
        told.acknowledged += 1;
        if is_shared {
            let stamp = stamp_of(&answer["Attributes"])?;
            let greatest = told.shared.entry(key).or_default();
            *greatest = greatest.clone().max(stamp);
        } else {
            let own = told.own.entry(key).or_default();
            (own.acknowledged, own.tried) = (held, Vec::new());
        }
        Ok(())
    }

    /// Draws a write and notes that it is tried.
    fn tried(&self, is_shared: bool, draws: &mut ChaCha8Rng) -> (String, Held) {
        let mut told = self.told.lock().expect("no writer panics");
        told.next += 1;
        let value = told.next;
        if is_shared {
            return (
                format!("shared-{}", draws.next_u64() % SHARED_KEYS),
                Some(value),
            );
        }
        let key = format!("{}-{}", self.name, draws.next_u64() % OWN_KEYS);
        let held = (!draws.next_u64().is_multiple_of(8)).then_some(value);
        told.own.entry(key.clone()).or_default().tried.push(held);
        (key, held)
    }
}

/// Waits until all regions hold the same, and gives it.
async fn equal(cluster: &Cluster) -> anyhow::Result<BTreeMap<String, Value>> {
    let begun = Instant::now();
    loop {
        let mut all = Vec::new();
        for region in 0..REGIONS.len() {
            let mut items = BTreeMap::new();
            cluster
                .scan(region, |item| {
                    let key = item["k"]["S"].as_str().unwrap_or_default().to_owned();
                    items.insert(key, item);
                })
                .await?;
            all.push(items);
        }
        if all.iter().all(|items| *items == all[0]) {
            return Ok(all.swap_remove(0));
        }
        if begun.elapsed() > EQUAL_LIMIT {
            let differs =
                |key: &&String| all.iter().any(|items| items.get(*key) != all[0].get(*key));
            let key = all.iter().flat_map(BTreeMap::keys).find(differs);
            let held: Vec<_> = key
                .map(|key| all.iter().map(|items| items.get(key)).collect())
                .unwrap_or_default();
            bail!("the regions still differ after {EQUAL_LIMIT:?}, for one at {key:?}: {held:?}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Compares what the regions hold with what was acknowledged; what they hold is what counts from now on.
fn judge(held: &BTreeMap<String, Value>, told: &mut Told) -> anyhow::Result<()> {
    for (key, own) in &mut told.own {
        let value = held.get(key).map(value_of).transpose()?;
        if value != own.acknowledged && !own.tried.contains(&value) {
            bail!("{key} holds {value:?}: {own:?}");
        }
        (own.acknowledged, own.tried) = (value, Vec::new());
    }
    for (key, stamp) in &told.shared {
        let item = held.get(key).with_context(|| format!("{key} vanished"))?;
        if stamp_of(item)? < *stamp {
            bail!("{key}: version {stamp:?} was acknowledged, but the regions hold {item}");
        }
    }
    Ok(())
}

fn value_of(item: &Value) -> anyhow::Result<u64> {
    Ok(item["v"]["N"]
        .as_str()
        .context("every item has a value")?
        .parse()?)
}

/// The version of an item. Times have one width in all of this millennium's years that matter here, so their texts compare as they do.
fn stamp_of(item: &Value) -> anyhow::Result<(String, String)> {
    let time = item["aws:rep:updatetime"]["N"]
        .as_str()
        .context("a replica is stamped")?;
    let (seconds, micros) = time.split_once('.').unwrap_or((time, ""));
    let region = item["aws:rep:updateregion"]["S"]
        .as_str()
        .context("a replica is stamped")?;
    Ok((format!("{seconds}.{micros:0<6}"), region.to_owned()))
}
