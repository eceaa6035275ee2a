//! A history in a store that speaks S3 (moto, from PyPI): judged in parts from there, with the verdict and evidence that its file has.

use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::ensure;

use super::cluster::free_port_run;
use super::prompt::{Answer, Prompt, Running, wait_until};
use super::venv;

const LIMIT: Duration = Duration::from_secs(120);

const REGION: &str = "us-east-1";

/// Where the history is put.
pub(super) const ADDRESS: &str = "s3://dateline/runs/history.compact";

/// Puts a file there with somebody else's client.
const PUT: &str = "
import sys, boto3
s3 = boto3.client('s3', endpoint_url=sys.argv[1], region_name=sys.argv[2], aws_access_key_id='id', aws_secret_access_key='secret')
s3.create_bucket(Bucket='dateline')
s3.upload_file(sys.argv[3], 'dateline', 'runs/history.compact')
";

/// The store, until it is dropped.
pub(super) struct Store {
    running: Running,
    /// A prompt whose environment names it, as the AWS tools have it.
    pub(super) prompt: Prompt,
}

impl Store {
    /// Starts one that holds this file.
    pub(super) fn with(prompt: &Prompt, history: &Path) -> anyhow::Result<Self> {
        let program = venv::program("moto[server]", "moto_server")?;
        let port = free_port_run(1)?;
        let arguments = ["-H", "127.0.0.1", "-p", &port.to_string()];
        let mut running = Running::start(prompt.command(program, &arguments))?;
        wait_until("store", LIMIT, || {
            ensure!(running.is_running(), "the store has ended by itself");
            Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
        })?;
        let endpoint = format!("http://127.0.0.1:{port}");
        let python = venv::library("moto[server]", "boto3")?;
        let arguments = ["-c", PUT, &endpoint, REGION, &history.to_string_lossy()];
        prompt.run(python, &arguments, LIMIT)?.exits(0)?;
        let prompt = prompt
            .clone()
            .with("AWS_ENDPOINT_URL", &endpoint)
            .with("AWS_REGION", REGION)
            .with("AWS_ACCESS_KEY_ID", "id")
            .with("AWS_SECRET_ACCESS_KEY", "secret");
        Ok(Self { running, prompt })
    }

    /// Ends it.
    pub(super) fn end(self) -> anyhow::Result<Answer> {
        self.running.killed()
    }
}
