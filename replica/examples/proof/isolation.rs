//! One region is cut off while the others take many writes; then the links are healed. How much memory each process needs, how long the backlog takes to
//! drain and at what cost of the receiver's CPU, whether all regions are equal in the end, and how long they take to start again with all that.

use std::hash::{DefaultHasher, Hasher as _};
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::Client;
use super::cluster::{Cluster, REGIONS, TABLE};
use super::machine;

const ISOLATED: usize = 2;
const CONNECTIONS: u64 = 32;
const ITEM_BYTES: usize = 300;
/// Writes that the isolated region takes meanwhile: one for so many elsewhere.
const LOCAL_SHARE: u64 = 20;
const DRAIN_LIMIT: Duration = Duration::from_secs(1_800);

/// Runs it with so many writes outside the isolated region.
///
/// # Errors
/// When the regions are not equal in the end, or a replica could not be asked.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts and times, shown with few digits"
)]
pub(crate) async fn run(writes: u64) -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    cluster.set_isolated(ISOLATED, true);
    let begun = Instant::now();
    write(&cluster, 0, 0..writes / 2).await?;
    write(&cluster, 1, writes / 2..writes).await?;
    let local = writes..writes + writes / LOCAL_SHARE;
    write(&cluster, ISOLATED, local.clone()).await?;
    println!(
        "isolation: {writes} writes of {ITEM_BYTES} B in two regions and {} in the one that is cut off, in {:.0} s",
        local.end - local.start,
        begun.elapsed().as_secs_f64()
    );
    print_memory(&cluster, "before the links are healed")?;
    let receiver = cluster.server(ISOLATED)?;
    let (cpu_before_s, written_before) = (receiver.cpu_s()?, receiver.written_bytes()?);
    cluster.set_isolated(ISOLATED, false);
    let took = cluster.drain(DRAIN_LIMIT).await?;
    let receiver = cluster.server(ISOLATED)?;
    let cpu_s = receiver.cpu_s()? - cpu_before_s;
    let written = (receiver.written_bytes()? - written_before) as f64;
    println!(
        "isolation: drained in {:.1} s; the region that was cut off applied {:.0} versions per second of its CPU, {:.0}/s of wall time",
        took.as_secs_f64(),
        writes as f64 / cpu_s,
        writes as f64 / took.as_secs_f64()
    );
    println!(
        "isolation: {:.1} us of CPU for each; it wrote {:.0} MB meanwhile, {:.0} bytes for each, and a new file costs this machine a second of CPU for each {:.0} MB",
        cpu_s * 1e6 / writes as f64,
        written / 1e6,
        written / writes as f64,
        machine::new_file_mb_per_cpu_s(cluster.home.path())?
    );
    print_memory(&cluster, "after it")?;
    let expected = local.end;
    let before = read_equal(&cluster, expected).await?;
    println!("isolation: all three regions hold the same {expected} items, versions included");
    print_memory(&cluster, "after reading everything")?;
    restart_each(&mut cluster).await?;
    let after = read_equal(&cluster, expected).await?;
    anyhow::ensure!(after == before, "the items differ after the start");
    println!("isolation: all three hold the same items after it");
    Ok(())
}

/// Reads everything everywhere, which must be equal and so many items; gives their sum.
async fn read_equal(cluster: &Cluster, expected: u64) -> anyhow::Result<u64> {
    let mut sums = Vec::new();
    for region in 0..REGIONS.len() {
        sums.push(sum(cluster, region).await?);
    }
    let (_, first) = sums[0];
    anyhow::ensure!(
        sums.iter().all(|sum| *sum == (expected, first)),
        "the regions are not equal: {sums:?} instead of {expected} items in each"
    );
    Ok(first)
}

/// Ends one region after the other as `kill -9` does and starts it again; prints how long until it answers a strong read.
async fn restart_each(cluster: &mut Cluster) -> anyhow::Result<()> {
    let mut line = Vec::new();
    for (region, name) in REGIONS.iter().enumerate() {
        cluster.kill(region);
        let begun = Instant::now();
        cluster.restart(region)?;
        let key = json!({"k": {"S": "any"}});
        let asked = json!({"TableName": TABLE, "Key": key, "ConsistentRead": true});
        cluster.client(region).await?.ask("GetItem", asked).await?;
        let (took, cpu_s) = (begun.elapsed(), cluster.server(region)?.cpu_s()?);
        line.push(format!(
            "{name} {:.2} s ({cpu_s:.2} s of CPU)",
            took.as_secs_f64()
        ));
    }
    println!(
        "isolation: `kill -9`, and started until a strong read is answered: {}",
        line.join(", ")
    );
    Ok(())
}

/// Puts new items with these numbers into a region, from several connections.
pub(crate) async fn write(
    cluster: &Cluster,
    region: usize,
    numbers: std::ops::Range<u64>,
) -> anyhow::Result<()> {
    let slots: Vec<_> = (0..CONNECTIONS)
        .map(|slot| {
            let address = cluster.server(region).map(|server| server.address);
            let numbers = numbers.clone();
            tokio::spawn(async move {
                let mut client = Client::connect(address?).await?;
                for number in numbers.filter(|number| number % CONNECTIONS == slot) {
                    client.call("PutItem", put(number)).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for slot in slots {
        slot.await??;
    }
    Ok(())
}

/// The body of a put; keys lie without order.
pub(crate) fn put(number: u64) -> String {
    let key = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let value = "v".repeat(ITEM_BYTES - 26);
    format!(
        r#"{{"TableName":"{TABLE}","Item":{{"k":{{"S":"key-{key:020}"}},"v":{{"S":"{value}"}}}}}}"#
    )
}

fn print_memory(cluster: &Cluster, when: &str) -> anyhow::Result<()> {
    let mut line = Vec::new();
    for (region, name) in REGIONS.iter().enumerate() {
        let (now, most) = cluster.server(region)?.resident_mib()?;
        line.push(format!("{name} {now} MiB (at most {most})"));
    }
    println!("isolation: resident {when}: {}", line.join(", "));
    Ok(())
}

/// How many items a region holds, and a sum of all of them in which order does not count.
async fn sum(cluster: &Cluster, region: usize) -> anyhow::Result<(u64, u64)> {
    let (mut count, mut sum) = (0, 0_u64);
    let each = |item: serde_json::Value| {
        let mut hasher = DefaultHasher::new();
        hasher.write(item.to_string().as_bytes());
        count += 1;
        sum = sum.wrapping_add(hasher.finish());
    };
    cluster.scan(region, each).await?;
    Ok((count, sum))
}
