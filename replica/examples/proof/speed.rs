//! How much a replica serves per second of its own CPU, beside a bare HTTP server that does nothing.
//!
//! The servers are processes, driven one after the other by the same client: 64 kept connections, one request under way on each. CPU time is
//! the server's alone, from the process table. A put counts when it is acknowledged, which is after `fdatasync`; the rate of bare
//! `fdatasync` calls in the same directory stands beside it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::client::Client;
use super::machine;
use super::server::Server;

const CONNECTIONS: usize = 64;
const KEYS: u64 = 100_000;
const ITEM_BYTES: usize = 300;

/// The operation and the body of the request for a key.
type Ask = fn(u64) -> (&'static str, String);

/// What one part measured.
struct Measured {
    wall_s: f64,
    cpu_s: f64,
    latencies_us: Vec<u64>,
}

/// Measures requests, each kind for so long.
///
/// # Errors
/// When a server cannot be started or asked.
pub(crate) fn compare(duration: Duration, beside: Option<&str>) -> anyhow::Result<()> {
    // Beside the executable and not in the system's temporary directory, which may be memory.
    let here = std::env::current_exe()?;
    let home = tempfile::tempdir_in(here.parent().context("an executable lies somewhere")?)?;
    println!(
        "{CONNECTIONS} connections, {ITEM_BYTES} B items, {KEYS} keys, {duration:?} each; fsync policy: fdatasync before every acknowledgement, group commit"
    );
    println!(
        "bare fdatasync of 340 B appends there: {:.0}/s",
        machine::fdatasync_rate(home.path())?
    );

    let file = home.path().join("echo-address");
    let server = Server::start(&["echo".to_owned(), file.display().to_string()], &file)?;
    measure("bare HTTP echo of puts", &server, duration, put)?;
    drop(server);
    if let Some(command) = beside {
        let server = Server::start_other(command, &home.path().join("other"))?;
        create_table(&server)?;
        measure("another server's puts", &server, duration, put)?;
        // Of as many keys as ours are asked for, few of which a slow server has by now; that flatters it.
        measure("another server's gets", &server, duration, get)?;
    }

    let data_dir = home.path().join("data");
    let option = format!("--data-dir={}", data_dir.display());
    let arguments = [
        "replica".to_owned(),
        "--region=eu-west-1".to_owned(),
        option,
        "--die-with-parent".to_owned(),
    ];
    let server = Server::start(&arguments, &data_dir.join("address"))?;
    create_table(&server)?;
    measure("durable puts of new items", &server, duration, put)?;
    measure("strong gets", &server, duration, get)?;
    measure("durable puts over old items", &server, duration, put)?;
    let (now, most) = server.resident_mib()?;
    println!("resident with these {KEYS} keys: {now} MiB (at most {most})");
    Ok(())
}

/// Runs one part and prints its line.
fn measure(name: &str, server: &Server, duration: Duration, ask: Ask) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let cpu_before_s = server.cpu_s()?;
    let started = Instant::now();
    let outcome = runtime.block_on(async {
        let until = started + duration;
        let slots: Vec<_> = (0..CONNECTIONS as u64)
            .map(|slot| tokio::spawn(drive(server.address, slot, until, ask)))
            .collect();
        let mut latencies_us = Vec::new();
        for slot in slots {
            latencies_us.extend(slot.await??);
        }
        anyhow::Ok(latencies_us)
    });
    let wall_s = started.elapsed().as_secs_f64();
    let cpu_s = server.cpu_s()? - cpu_before_s;
    let mut latencies_us = outcome?;
    latencies_us.sort_unstable();
    Measured {
        wall_s,
        cpu_s,
        latencies_us,
    }
    .print(name);
    Ok(())
}

impl Measured {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of some seconds, shown with few digits"
    )]
    fn print(&self, name: &str) {
        let last = self.latencies_us.len().saturating_sub(1);
        let at_ms = |per_mille: usize| {
            self.latencies_us
                .get(last * per_mille / 1000)
                .copied()
                .unwrap_or(0) as f64
                / 1000.0
        };
        let requests = self.latencies_us.len() as f64;
        println!(
            "{name:28}{:7.0} per server CPU-second ({:5.1} us each), {:6.0}/s of wall time; p50 {:.2} p99 {:.2} p99.9 {:.2} max {:.2} ms",
            requests / self.cpu_s,
            self.cpu_s * 1e6 / requests,
            requests / self.wall_s,
            at_ms(500),
            at_ms(990),
            at_ms(999),
            at_ms(1000),
        );
    }
}

/// One connection's requests, one after the other; returns their latencies.
async fn drive(
    address: SocketAddr,
    slot: u64,
    until: Instant,
    ask: Ask,
) -> anyhow::Result<Vec<u64>> {
    let mut connection = Client::connect(address).await?;
    let mut latencies_us = Vec::new();
    // Weyl's sequence walks the keys without order and without a generator.
    let mut number = slot.wrapping_mul(0xD134_2543_DE82_EF95);
    while Instant::now() < until {
        number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let (operation, body) = ask((number >> 20) % KEYS);
        let sent = Instant::now();
        connection.call(operation, body).await?;
        latencies_us.push(u64::try_from(sent.elapsed().as_micros())?);
    }
    Ok(latencies_us)
}

fn put(key: u64) -> (&'static str, String) {
    let value = "v".repeat(ITEM_BYTES - 26);
    let item = format!(r#"{{"k":{{"S":"key-{key:020}"}},"v":{{"S":"{value}"}}}}"#);
    (
        "PutItem",
        format!(r#"{{"TableName":"bench","Item":{item}}}"#),
    )
}

fn get(key: u64) -> (&'static str, String) {
    let key = format!(r#"{{"k":{{"S":"key-{key:020}"}}}}"#);
    (
        "GetItem",
        format!(r#"{{"TableName":"bench","Key":{key},"ConsistentRead":true}}"#),
    )
}

fn create_table(server: &Server) -> anyhow::Result<()> {
    let table = r#"{"TableName":"bench","KeySchema":[{"AttributeName":"k","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"k","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}}"#;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut connection = Client::connect(server.address).await?;
        connection.call("CreateTable", table.to_owned()).await?;
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(10) {
            let body = r#"{"TableName":"bench"}"#.to_owned();
            let answer = connection.call("DescribeTable", body).await?;
            if String::from_utf8_lossy(&answer).contains("ACTIVE") {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        anyhow::bail!("the table did not become ACTIVE")
    })
}

/// A server that reads each body and answers `{}` with the headers that a replica sends.
pub(crate) fn echo(file: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let file = file.to_owned();
    let serving = runtime.spawn(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        std::fs::write(file, listener.local_addr()?.to_string())?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let serving = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(nothing));
            tokio::spawn(serving);
        }
    });
    runtime.block_on(serving)?
}

async fn nothing(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-type", "application/x-amz-json-1.0"),
        (
            "x-amzn-requestid",
            "0123456789ABCDEFGHIJKLMNOPQRSTUV0123456789ABCDEFGHIJ",
        ),
        ("x-amz-crc32", "2745614147"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A body that breaks off leaves nobody to answer.
    let _ = request.into_body().collect().await;
    Ok(response)
}
