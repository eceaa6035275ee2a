//! A bare server that answers any request at once, or so many at a time after a fixed time: what the generator itself is measured against.
//!
//! Its answer passes for that of `CreateTable`, of a read that finds nothing and of a write that replaced nothing. With a service time its capacity is
//! known exactly: each of its servers ends a request that long after it began it, and begins the next at that very moment, however late it was woken.
//! Absent: everything else. It is not a store, and nothing that is read from it means anything.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use bytes::{Buf as _, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 34\r\n\r\n{\"Table\":{\"TableStatus\":\"ACTIVE\"}}";

/// Longer requests are no requests.
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// A known capacity: so many servers, each busy for so long with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    pub(crate) servers: usize,
    pub(crate) service: Duration,
}

/// A request that waits for a server.
struct Job {
    arrived: Instant,
    done: oneshot::Sender<()>,
}

/// Serves until its process ends. `told` gets the address.
pub(crate) async fn serve(
    listen: SocketAddr,
    capacity: Option<Capacity>,
    told: impl FnOnce(SocketAddr),
) -> std::io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    told(listener.local_addr()?);
    let jobs = capacity.map(start).transpose()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let jobs = jobs.clone();
        // A connection that breaks is the client's affair.
        tokio::spawn(async move { converse(stream, jobs).await.ok() });
    }
}

fn start(capacity: Capacity) -> std::io::Result<Sender<Job>> {
    let (send, receive) = channel();
    let receive = Arc::new(Mutex::new(receive));
    for _server in 0..capacity.servers {
        let receive = receive.clone();
        std::thread::Builder::new()
            .name("echo".into())
            .spawn(move || work(&receive, capacity.service))?;
    }
    Ok(send)
}

fn work(jobs: &Mutex<Receiver<Job>>, service: Duration) {
    let mut free_at = Instant::now();
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else {
            return;
        };
        free_at = free_at.max(job.arrived) + service;
        std::thread::sleep(free_at.saturating_duration_since(Instant::now()));
        // Nobody waits any more when the client has given up.
        let _ = job.done.send(());
    }
}

async fn converse(mut stream: TcpStream, jobs: Option<Sender<Job>>) -> std::io::Result<()> {
    let mut read = BytesMut::with_capacity(4096);
    loop {
        while let Some(length) = request_length(&read) {
            read.advance(length);
            if let Some(jobs) = &jobs {
                let (done, is_done) = oneshot::channel();
                let arrived = Instant::now();
                let sent = jobs.send(Job { arrived, done });
                sent.map_err(std::io::Error::other)?;
                is_done.await.map_err(std::io::Error::other)?;
            }
            stream.write_all(ANSWER).await?;
        }
        if read.len() > REQUEST_BYTES_MAX || stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
    }
}

/// The length of the first request, once all of it is there.
fn request_length(read: &[u8]) -> Option<usize> {
    let head = read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&read[..head]).ok()?;
    let body = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok())?
    });
    let length = head + body.unwrap_or(0);
    (read.len() >= length).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart() {
        let one = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(request_length(one), Some(one.len()));
        assert_eq!(request_length(&one[..one.len() - 1]), None);
        assert_eq!(
            request_length(&[&one[..], b"POST"].concat()),
            Some(one.len())
        );
        assert_eq!(request_length(b"GET / HTTP/1.1\r\n\r\n"), Some(18));
    }
}
