//! A public client library of Toxiproxy (`toxiproxy-python`, from PyPI) drives `dateline proxy` as it would drive Toxiproxy.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::sys::signal::Signal;

use super::prompt::{Running, wait_until};
use super::{Desk, processes, venv};

/// How long the proxy may take to listen, and to stop.
const LIMIT: Duration = Duration::from_secs(20);

/// What the library is made to do. It stops at the first thing that is not as with Toxiproxy.
const SCRIPT: &str = include_str!("toxiproxy_client.py");

/// Starts the proxy, runs the script, stops the proxy.
pub(super) fn run(desk: &Desk) -> anyhow::Result<()> {
    let python = venv::library("toxiproxy-python", "toxiproxy")?;
    let prompt = desk.prompt("toxiproxy")?;
    std::fs::write(prompt.folder.join("toxiproxy_client.py"), SCRIPT)?;
    let port = free_port()?.to_string();
    let api = format!("127.0.0.1:{port}");
    println!("e2e:   $ dateline proxy --api {api}");
    let mut running = Running::start(prompt.command(&desk.dateline, &["proxy", "--api", &api]))?;
    wait_until("listening API", LIMIT, || {
        ensure!(running.is_running(), "`dateline proxy` has ended");
        Ok(TcpStream::connect(&api).is_ok())
    })?;
    prompt
        .run(&python, &["toxiproxy_client.py", &port], LIMIT)?
        .exits(0)?;
    running.signal(Signal::SIGINT)?;
    let stopped = running.wait(LIMIT);
    stopped.context("`dateline proxy` did not stop")?.exits(0)?;
    processes::none_left(&prompt.folder)
}

/// A port that nobody listens on now.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}
