//! Requests that arrive more than once: a copy of an HTTP request that has passed is sent again on a connection of its own, perhaps much later, so that it
//! also comes after requests that were made after it. Whoever made the request gets one answer; that to the copy is thrown away.
//!
//! It stands beside the pump and is told what passes. A copy goes through the same listener and the same faults as everything else. Absent: requests
//! of unknown length (chunked), and those longer than [`REQUEST_BYTES_MAX`]; they pass once.

use std::{
    collections::BTreeSet,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    runtime::Handle,
    sync::Semaphore,
    time::{sleep, timeout},
};
use workloads::seed::Stream;

/// Longer requests are not repeated.
const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Headers that a request may have.
const HEADERS_MAX: usize = 64;
/// Copies of a link that are under way or waiting; what comes beyond is not copied.
const COPIES_MAX: usize = 32;
/// How long a copy may take to be answered once it is sent.
const ANSWER: Duration = Duration::from_secs(10);

/// What is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repeat {
    /// So many requests of a thousand.
    pub(super) per_mille: u64,
    /// A copy goes at most so much later than its original.
    pub(super) delay_max: Duration,
}

/// The copies of one link.
#[derive(Debug)]
pub(super) struct Copies {
    /// Where those come from that are under way: they are not copied again.
    from: Mutex<BTreeSet<SocketAddr>>,
    places: Arc<Semaphore>,
    answered: AtomicU64,
}

impl Default for Copies {
    fn default() -> Copies {
        Copies {
            from: Mutex::default(),
            places: Arc::new(Semaphore::new(COPIES_MAX)),
            answered: AtomicU64::new(0),
        }
    }
}

impl Copies {
    /// How many were answered since the start.
    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Whether a connection from there carries a copy.
    pub(super) fn are_from(&self, address: SocketAddr) -> bool {
        self.from().contains(&address)
    }

    /// Sends a request again after a time.
    pub(super) fn send(
        self: &Arc<Copies>,
        runtime: &Handle,
        link: SocketAddr,
        request: Vec<u8>,
        delay: Duration,
    ) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return;
        };
        let copies = Arc::clone(self);
        runtime.spawn(async move {
            sleep(delay).await;
            // One that cannot be delivered is no copy: a link may be cut, and a region down.
            if let Ok(Ok(())) = timeout(ANSWER, copies.deliver(link, &request)).await {
                copies.answered.fetch_add(1, Ordering::Relaxed);
            }
            drop(place);
        });
    }

    async fn deliver(&self, link: SocketAddr, request: &[u8]) -> io::Result<()> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(link.ip(), 0))?;
        let registered = Registered::new(self, socket.local_addr()?);
        let mut connection = socket.connect(link).await?;
        connection.write_all(request).await?;
        let mut answer = [0; 1];
        connection.read_exact(&mut answer).await?;
        drop(registered);
        Ok(())
    }

    fn from(&self) -> MutexGuard<'_, BTreeSet<SocketAddr>> {
        self.from.lock().expect("no holder of this lock panics")
    }
}

/// A connection from this address carries a copy, for as long as this lives.
struct Registered<'a> {
    copies: &'a Copies,
    from: SocketAddr,
}

impl Registered<'_> {
    fn new(copies: &Copies, from: SocketAddr) -> Registered<'_> {
        copies.from().insert(from);
        Registered { copies, from }
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.copies.from().remove(&self.from);
    }
}

/// Puts requests together from the pieces of a connection.
#[derive(Debug)]
pub(super) struct Requests {
    draws: Stream,
    bytes: Vec<u8>,
}

/// What the bytes so far are.
enum Head {
    /// Too few to tell.
    Begun,
    /// Of a request of this length.
    Of(usize),
    /// Of none that can be copied.
    Unknown,
}

impl Requests {
    pub(super) fn new(draws: Stream) -> Requests {
        Requests {
            draws,
            bytes: Vec::new(),
        }
    }

    /// Forgets what has begun.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Takes the next piece that passed; if it ends a request that is to be repeated, that request and how much later its copy goes.
    pub(super) fn see(&mut self, piece: &[u8], repeat: Repeat) -> Option<(Vec<u8>, Duration)> {
        self.bytes.extend_from_slice(piece);
        let length = match head(&self.bytes) {
            Head::Of(length) if length <= REQUEST_BYTES_MAX => length,
            Head::Begun if self.bytes.len() <= REQUEST_BYTES_MAX => return None,
            // The next piece that begins like a request is one.
            Head::Begun | Head::Of(_) | Head::Unknown => {
                self.clear();
                return None;
            }
        };
        if self.bytes.len() < length {
            return None;
        }
        let rest = self.bytes.split_off(length);
        let request = std::mem::replace(&mut self.bytes, rest);
        let delay_max_us = u64::try_from(repeat.delay_max.as_micros()).unwrap_or(u64::MAX - 1);
        let delay = Duration::from_micros(self.draws.below(delay_max_us + 1));
        self.draws
            .chance(repeat.per_mille)
            .then_some((request, delay))
    }
}

fn head(bytes: &[u8]) -> Head {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Head::Begun,
        Err(_) => return Head::Unknown,
    };
    let named = |name: &str| {
        let mut headers = request.headers.iter();
        headers.find(|header| header.name.eq_ignore_ascii_case(name))
    };
    if named("transfer-encoding").is_some() {
        return Head::Unknown;
    }
    match named("content-length").map(|header| std::str::from_utf8(header.value)) {
        None => Head::Of(length),
        Some(Ok(text)) => match text.trim().parse::<usize>() {
            Ok(body) => Head::Of(length.saturating_add(body)),
            Err(_) => Head::Unknown,
        },
        Some(Err(_)) => Head::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use workloads::seed::Seed;

    use super::*;

    const ALWAYS: Repeat = Repeat {
        per_mille: 1000,
        delay_max: Duration::from_secs(2),
    };

    fn seen(pieces: &[&[u8]], repeat: Repeat) -> Vec<Vec<u8>> {
        let mut requests = Requests::new(Seed(1).stream("repeat"));
        let mut seen = Vec::new();
        for piece in pieces {
            let Some((request, delay)) = requests.see(piece, repeat) else {
                continue;
            };
            assert!(delay <= repeat.delay_max);
            seen.push(request);
        }
        seen
    }

    #[test]
    fn a_request_is_put_together_from_its_pieces() {
        let first = b"POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
        let second = b"GET /b HTTP/1.1\r\nHost: c\r\n\r\n";
        let both = [&first[..], &second[..]].concat();
        let bytes: Vec<&[u8]> = both.chunks(1).collect();
        assert_eq!(seen(&bytes, ALWAYS), [&first[..], &second[..]]);
        let never = Repeat {
            per_mille: 0,
            ..ALWAYS
        };
        assert!(seen(&bytes, never).is_empty());
    }

    #[test]
    fn what_begins_in_the_middle_is_passed_over() {
        let whole = b"GET /b HTTP/1.1\r\n\r\n";
        let chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let huge = b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n";
        let middle = b"\x00\x01 the end of a body";
        let pieces: [&[u8]; 6] = [middle, whole, chunked, whole, huge, whole];
        assert_eq!(seen(&pieces, ALWAYS), [&whole[..]; 3]);
    }
}
