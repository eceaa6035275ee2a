//! Three regions as processes, with a forwarder on each link between them that can be cut.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use super::client::Client;
use super::server::{Server, address_in};

/// The regions of a cluster.
pub(crate) const REGIONS: [&str; 3] = ["ap-southeast-1", "eu-west-1", "us-east-1"];
/// The table that all of them share.
pub(crate) const TABLE: &str = "proof";
/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(10);
/// The same for what is pending: asking costs the replica CPU time that is being measured.
const PENDING_POLL: Duration = Duration::from_millis(100);

/// The regions.
pub(crate) struct Cluster {
    pub(crate) home: tempfile::TempDir,
    regions: Vec<Option<Server>>,
    arguments: Vec<Vec<String>>,
    cuts: BTreeMap<(usize, usize), Arc<AtomicBool>>,
}

impl Cluster {
    /// Starts them and joins their table to one global table of version 2017.11.29.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::start_with(&[]).await
    }

    /// The same, with these options for each replica.
    pub(crate) async fn start_with(options: &[&str]) -> anyhow::Result<Self> {
        // Beside the executable and not in the system's temporary directory, which may be memory.
        let here = std::env::current_exe()?;
        let here = here.parent().context("an executable lies somewhere")?;
        let mut cluster = Self {
            home: tempfile::tempdir_in(here)?,
            regions: Vec::new(),
            arguments: Vec::new(),
            cuts: BTreeMap::new(),
        };
        for (region, name) in REGIONS.iter().enumerate() {
            let mut arguments = vec![
                "replica".to_owned(),
                format!("--region={name}"),
                format!("--data-dir={}", cluster.data_dir(region).display()),
                format!("--die-with-parent={}", std::process::id()),
            ];
            arguments.extend(options.iter().map(|&option| option.to_owned()));
            for (peer, name) in REGIONS
                .iter()
                .enumerate()
                .filter(|(peer, _)| *peer != region)
            {
                let cut = Arc::new(AtomicBool::new(false));
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                arguments.push(format!("--peer={name}=http://{}", listener.local_addr()?));
                let target = cluster.data_dir(peer).join("address");
                tokio::spawn(forward(listener, target, Arc::clone(&cut)));
                cluster.cuts.insert((region, peer), cut);
            }
            cluster.arguments.push(arguments);
            cluster.regions.push(None);
            cluster.restart(region)?;
        }
        cluster.create_global_table().await?;
        Ok(cluster)
    }

    pub(crate) fn data_dir(&self, region: usize) -> PathBuf {
        self.home.path().join(REGIONS[region])
    }

    pub(crate) fn server(&self, region: usize) -> anyhow::Result<&Server> {
        self.regions[region].as_ref().context("it runs")
    }

    pub(crate) async fn client(&self, region: usize) -> anyhow::Result<Client> {
        Client::connect(self.server(region)?.address).await
    }

    /// As `kill -9`.
    pub(crate) fn kill(&mut self, region: usize) {
        self.regions[region] = None;
    }

    pub(crate) fn restart(&mut self, region: usize) -> anyhow::Result<()> {
        let address = self.data_dir(region).join("address");
        self.regions[region] = Some(Server::start(&self.arguments[region], &address)?);
        Ok(())
    }

    /// Cuts or heals every link to and from a region.
    pub(crate) fn set_isolated(&self, region: usize, is_isolated: bool) {
        let links = self.cuts.iter();
        for (_, cut) in links.filter(|((from, to), _)| *from == region || *to == region) {
            cut.store(is_isolated, Ordering::Relaxed);
        }
    }

    async fn create_global_table(&self) -> anyhow::Result<()> {
        let table = json!({
            "TableName": TABLE,
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        });
        for region in 0..REGIONS.len() {
            self.client(region)
                .await?
                .ask("CreateTable", table.clone())
                .await?;
        }
        let group: Vec<Value> = REGIONS
            .iter()
            .map(|name| json!({"RegionName": name}))
            .collect();
        let group = json!({"GlobalTableName": TABLE, "ReplicationGroup": group});
        self.client(0)
            .await?
            .ask("CreateGlobalTable", group)
            .await?;
        for region in 0..REGIONS.len() {
            let mut client = self.client(region).await?;
            let begun = Instant::now();
            loop {
                let asked = json!({"GlobalTableName": TABLE});
                let answer = client.ask("DescribeGlobalTable", asked).await;
                if answer
                    .is_ok_and(|it| it["GlobalTableDescription"]["GlobalTableStatus"] == "ACTIVE")
                {
                    break;
                }
                anyhow::ensure!(
                    begun.elapsed() < Duration::from_secs(30),
                    "the global table did not become ACTIVE"
                );
                tokio::time::sleep(POLL).await;
            }
        }
        Ok(())
    }

    /// Waits until nothing is pending between any two regions; gives how long that took.
    pub(crate) async fn drain(&self, limit: Duration) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let mut clients = Vec::new();
        for region in 0..REGIONS.len() {
            clients.push(self.client(region).await?);
        }
        loop {
            let mut pending = 0;
            for client in &mut clients {
                let health = client.health().await?;
                let peers = health["core"]["peers"]
                    .as_object()
                    .context("it has peers")?;
                pending += peers
                    .values()
                    .filter_map(|peer| peer["pending"].as_u64())
                    .sum::<u64>();
            }
            if pending == 0 {
                return Ok(begun.elapsed());
            }
            anyhow::ensure!(
                begun.elapsed() < limit,
                "{pending} writes are still pending after {limit:?}"
            );
            tokio::time::sleep(PENDING_POLL).await;
        }
    }

    /// Every item of a region, handed over one by one.
    pub(crate) async fn scan(
        &self,
        region: usize,
        mut each: impl FnMut(Value),
    ) -> anyhow::Result<()> {
        let mut client = self.client(region).await?;
        let mut asked = json!({"TableName": TABLE, "ConsistentRead": true});
        loop {
            let mut page = client.ask("Scan", asked.clone()).await?;
            for item in page["Items"].as_array_mut().into_iter().flatten() {
                each(item.take());
            }
            match page.get_mut("LastEvaluatedKey") {
                Some(last) => asked["ExclusiveStartKey"] = last.take(),
                None => return Ok(()),
            }
        }
    }
}

/// A TCP forwarder to wherever the target listens now.
async fn forward(listener: TcpListener, target: PathBuf, cut: Arc<AtomicBool>) {
    while let Ok((stream, _)) = listener.accept().await {
        if !cut.load(Ordering::Relaxed) {
            tokio::spawn(carry(stream, target.clone(), Arc::clone(&cut)));
        }
    }
}

/// Carries one connection until an end closes it or the link is cut.
async fn carry(mut here: TcpStream, target: PathBuf, cut: Arc<AtomicBool>) -> anyhow::Result<()> {
    let mut there = TcpStream::connect(address(&target)?).await?;
    here.set_nodelay(true)?;
    there.set_nodelay(true)?;
    let is_cut = async {
        while !cut.load(Ordering::Relaxed) {
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut here, &mut there) => {}
        () = is_cut => {}
    }
    Ok(())
}

fn address(file: &Path) -> anyhow::Result<std::net::SocketAddr> {
    address_in(file).context("nobody listens there now")
}
