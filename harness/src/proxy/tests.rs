//! Links against real loopback sockets. Time is only ever a lower bound or a limit on patience.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use super::*;
use crate::topology::{End, Topology};

const PATIENCE: Duration = Duration::from_secs(10);
/// Long enough to tell a stall from a loopback hop, short enough for a test.
const A_WHILE: Duration = Duration::from_millis(80);
const CUT: LinkFault = LinkFault::Blackhole {
    after: AfterHeal::Continue,
};

/// A network of two regions, whose second one is us.
struct Bench {
    network: Network,
    upstream: TcpListener,
}

impl Bench {
    fn new() -> Bench {
        let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = upstream.local_addr().unwrap();
        let names = ["a".to_owned(), "b".to_owned()];
        let topology = Topology::without_delay(&names).unwrap();
        Bench {
            network: Network::start(&topology, &[here, here], 7).unwrap(),
            upstream,
        }
    }

    fn link(&self) -> &Arc<Link> {
        self.network.link(End::Region(0), 1)
    }

    fn connect(&self) -> TcpStream {
        patient(TcpStream::connect(self.network.address(End::Region(0), 1)).unwrap())
    }

    /// Both ends of a connection over the link.
    fn pair(&self) -> (TcpStream, TcpStream) {
        let opener = self.connect();
        let (far, _) = self.upstream.accept().unwrap();
        (opener, patient(far))
    }
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn passes(from: &mut TcpStream, to: &mut TcpStream, word: &[u8]) {
    from.write_all(word).unwrap();
    receives(to, word);
}

fn receives(stream: &mut TcpStream, word: &[u8]) {
    let mut got = vec![0; word.len()];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(got, word);
}

fn is_silent(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(A_WHILE)).unwrap();
    let error = stream.read(&mut [0]).expect_err("nothing may arrive");
    assert!(
        matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{error}"
    );
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
}

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let limit = Instant::now() + PATIENCE;
    while !holds() {
        assert!(
            Instant::now() < limit,
            "{what} did not happen in {PATIENCE:?}"
        );
        std::thread::yield_now();
    }
}

#[test]
fn bytes_and_ends_of_stream_pass_both_ways() {
    let bench = Bench::new();
    let (mut opener, mut far) = bench.pair();
    passes(&mut opener, &mut far, b"ask");
    passes(&mut far, &mut opener, b"answer");
    opener.shutdown(Shutdown::Write).unwrap();
    assert_eq!(far.read(&mut [0]).unwrap(), 0, "the end of stream arrives");
    passes(&mut far, &mut opener, b"the other half stays open");
    drop(far);
    assert_eq!(opener.read(&mut [0]).unwrap(), 0);
    wait_for("the connection's end", || bench.link().traffic().open == 0);
    let traffic = bench.link().traffic();
    assert_eq!(
        (
            traffic.accepted,
            traffic.forward_bytes,
            traffic.backward_bytes
        ),
        (1, 3, 31)
    );
}

#[test]
fn a_megabyte_arrives_whole_and_in_order_with_jitter() {
    let bench = Bench::new();
    let jitter = LinkFault::Latency {
        delay_ms: 3,
        jitter_ms: 3,
    };
    bench.link().install("test", Direction::Forward, jitter);
    let (mut opener, mut far) = bench.pair();
    let sent: Vec<u8> = (0..3_000_000u32).map(|n| n.to_le_bytes()[1]).collect();
    let copy = sent.clone();
    let writer = std::thread::spawn(move || opener.write_all(&copy));
    let mut got = vec![0; sent.len()];
    far.read_exact(&mut got).unwrap();
    assert!(got == sent, "the bytes arrived changed or out of order");
    writer.join().unwrap().unwrap();
}

#[test]
fn latency_delays_each_direction_by_at_least_its_own() {
    let bench = Bench::new();
    let (mut opener, mut far) = bench.pair();
    let late = LinkFault::Latency {
        delay_ms: 60,
        jitter_ms: 0,
    };
    bench.link().install("slow", Direction::Backward, late);
    let begun = Instant::now();
    passes(&mut opener, &mut far, b"ask");
    passes(&mut far, &mut opener, b"answer");
    assert!(
        begun.elapsed() >= Duration::from_millis(60),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(bench.link().round_trip_max(), Duration::from_millis(60));
    bench.link().remove("slow");
    passes(&mut far, &mut opener, b"again");
}

#[test]
fn a_new_connection_waits_for_its_handshake() {
    let bench = Bench::new();
    for way in [Direction::Forward, Direction::Backward] {
        bench.link().install(
            "slow",
            way,
            LinkFault::Latency {
                delay_ms: 20,
                jitter_ms: 0,
            },
        );
    }
    let begun = Instant::now();
    let (mut opener, mut far) = bench.pair();
    assert!(
        begun.elapsed() >= Duration::from_millis(40),
        "{:?}",
        begun.elapsed()
    );
    passes(&mut opener, &mut far, b"ask");
    assert!(
        begun.elapsed() >= Duration::from_millis(60),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_cut_stalls_open_connections_and_loses_nothing() {
    let bench = Bench::new();
    let (mut opener, mut far) = bench.pair();
    bench.link().install("cut", Direction::Forward, CUT);
    opener.write_all(b"held").unwrap();
    is_silent(&mut far);
    passes(&mut far, &mut opener, b"the other way works");
    bench.link().remove("cut");
    receives(&mut far, b"held");
}

#[test]
fn a_cut_can_reset_what_it_held() {
    let bench = Bench::new();
    let (mut opener, mut far) = bench.pair();
    let cut = LinkFault::Blackhole {
        after: AfterHeal::Reset,
    };
    bench.link().install("cut", Direction::Forward, cut);
    opener.write_all(b"lost").unwrap();
    is_silent(&mut far);
    bench.link().remove("cut");
    assert_eq!(
        opener.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(
        far.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
}

#[test]
fn a_connection_opened_during_a_cut_goes_nowhere_until_it_heals() {
    let bench = Bench::new();
    bench.link().install("cut", Direction::Backward, CUT);
    let mut given_up = bench.connect();
    given_up.write_all(b"never sent").unwrap();
    drop(given_up);
    let mut opener = bench.connect();
    opener.write_all(b"sent early").unwrap();
    wait_for("the first opener's end", || {
        let traffic = bench.link().traffic();
        (traffic.accepted, traffic.open) == (2, 1)
    });
    bench.upstream.set_nonblocking(true).unwrap();
    let nobody = bench
        .upstream
        .accept()
        .expect_err("no handshake goes through");
    assert_eq!(nobody.kind(), ErrorKind::WouldBlock);
    bench.upstream.set_nonblocking(false).unwrap();
    bench.link().remove("cut");
    let (far, _) = bench.upstream.accept().unwrap();
    receives(&mut patient(far), b"sent early");
}

#[test]
fn probes_tell_which_direction_is_cut_and_need_no_upstream() {
    let bench = Bench::new();
    let both = Carried {
        forward: true,
        backward: true,
        refused: false,
    };
    assert_eq!(bench.link().probe(PATIENCE), both);
    bench.link().install("cut", Direction::Forward, CUT);
    assert_eq!(
        bench.link().probe(A_WHILE),
        Carried {
            forward: false,
            backward: true,
            refused: false,
        }
    );
    assert_eq!(bench.link().cut_by(Direction::Forward), ["cut"]);
    bench.network.heal_all();
    assert_eq!(bench.link().probe(PATIENCE), both);
    bench
        .link()
        .install("deaf", Direction::Forward, LinkFault::Refuse);
    wait_for("refusal", || bench.link().probe(PATIENCE).refused);
}

#[test]
fn a_refused_connection_is_refused_and_the_port_comes_back() {
    let bench = Bench::new();
    let address = bench.link().address();
    let (mut opener, mut far) = bench.pair();
    bench
        .link()
        .install("deaf", Direction::Forward, LinkFault::Refuse);
    wait_for("refusal", || is_refused(address));
    passes(&mut opener, &mut far, b"those that exist stay");
    bench.link().remove("deaf");
    wait_for("listening", || !is_refused(address));
}

#[test]
fn a_dead_upstream_is_refused_too_and_found_again() {
    let bench = Bench::new();
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let address = bench.link().address();
    bench.network.set_upstream(1, gone);
    let mut first = bench.connect();
    assert_eq!(
        first.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    wait_for("refusal", || is_refused(address));
    bench
        .network
        .set_upstream(1, bench.upstream.local_addr().unwrap());
    wait_for("listening", || !is_refused(address));
}

fn is_refused(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

#[test]
fn resets_are_seen_at_both_ends() {
    let bench = Bench::new();
    let (mut opener, mut far) = bench.pair();
    passes(&mut opener, &mut far, b"ask");
    bench.link().reset_connections();
    assert_eq!(
        opener.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(
        far.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    let (mut opener, mut far) = bench.pair();
    passes(&mut opener, &mut far, b"the next one lives");
}

#[test]
fn a_truncated_stream_ends_after_so_many_bytes() {
    let bench = Bench::new();
    let (mut opener, mut far) = bench.pair();
    passes(&mut far, &mut opener, b"before");
    bench.link().install(
        "short",
        Direction::Backward,
        LinkFault::Truncate { bytes: 4 },
    );
    far.write_all(b"answer").unwrap();
    let mut got = Vec::new();
    opener.read_to_end(&mut got).unwrap();
    assert_eq!(got, b"answ");
}

#[test]
fn a_slow_close_holds_back_the_end_alone() {
    let bench = Bench::new();
    let (mut opener, mut far) = bench.pair();
    bench.link().install(
        "lazy",
        Direction::Forward,
        LinkFault::SlowClose { delay_ms: 60_000 },
    );
    opener.write_all(b"last words").unwrap();
    opener.shutdown(Shutdown::Write).unwrap();
    receives(&mut far, b"last words");
    is_silent(&mut far);
    bench.link().remove("lazy");
    assert_eq!(far.read(&mut [0]).unwrap(), 0);
}

#[test]
fn bandwidth_bounds_the_rate_and_lets_go_at_once_when_lifted() {
    let bench = Bench::new();
    let (mut opener, mut far) = bench.pair();
    let narrow = LinkFault::Bandwidth {
        bytes_per_s: 10_000,
    };
    bench.link().install("narrow", Direction::Forward, narrow);
    let begun = Instant::now();
    opener.write_all(&[7; 1_000_000]).unwrap();
    receives(&mut far, &[7; 1_000]);
    assert!(
        begun.elapsed() >= Duration::from_millis(80),
        "{:?}",
        begun.elapsed()
    );
    bench.link().remove("narrow");
    receives(&mut far, &[7; 999_000]);
}

#[test]
fn what_a_cut_holds_is_bounded() {
    let bench = Bench::new();
    let (opener, mut far) = bench.pair();
    bench.link().install("cut", Direction::Forward, CUT);
    opener.set_nonblocking(true).unwrap();
    let mut sent = 0;
    let mut refused_since = None;
    // Full once the sender could write nothing for a while.
    while refused_since.is_none_or(|since: Instant| since.elapsed() < A_WHILE) {
        match (&opener).write(&[1; 65_536]) {
            Ok(count) => (sent, refused_since) = (sent + count, None),
            Err(_) => {
                refused_since.get_or_insert_with(Instant::now);
                std::thread::yield_now();
            }
        }
        assert!(
            sent < 64 << 20,
            "the link took {sent} bytes that it could not pass on"
        );
    }
    bench.link().remove("cut");
    receives(&mut far, &vec![1; sent]);
}

#[test]
fn shutting_down_closes_every_socket() {
    let bench = Bench::new();
    let (mut opener, _far) = bench.pair();
    let address = bench.link().address();
    bench.network.shutdown();
    bench.network.shutdown();
    assert!(matches!(opener.read(&mut [0]), Ok(0) | Err(_)));
    assert!(is_refused(address));
    assert_eq!(
        bench.link().probe(A_WHILE),
        Carried::default(),
        "and a probe ends"
    );
}

/// Where nobody answers, neither with an acceptance nor with a refusal: more wait to be accepted than may.
struct Deaf {
    listener: tokio::net::TcpListener,
    _waiting: Vec<TcpStream>,
}

impl Deaf {
    fn new(bench: &Bench) -> Deaf {
        let _context = bench.link().runtime.enter();
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let tries = std::iter::from_fn(|| TcpStream::connect_timeout(&address, A_WHILE).ok());
        let _waiting = tries.collect();
        Deaf { listener, _waiting }
    }
}

#[test]
fn a_connection_that_nobody_answers_can_be_reset() {
    let bench = Bench::new();
    let deaf = Deaf::new(&bench);
    let link = bench.link();
    link.set_upstream(deaf.listener.local_addr().unwrap());
    let mut opener = bench.connect();
    wait_for("a connection", || link.traffic().open == 1);
    is_silent(&mut opener);
    link.reset_connections();
    let error = opener.read(&mut [0]).expect_err("it was reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_link_refuses_nobody_because_its_region_does_not_answer() {
    let bench = Bench::new();
    let deaf = Deaf::new(&bench);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let link = bench.link();
    link.set_upstream(nobody.local_addr().unwrap());
    drop(nobody);
    let refuses = || TcpStream::connect(link.address()).is_err();
    wait_for("a refusal", refuses);
    link.set_upstream(deaf.listener.local_addr().unwrap());
    wait_for("a connection", || !refuses());
}

#[test]
fn what_the_links_took_is_known_in_the_end() {
    // A thread's time may move by ticks, so work that is shorter than one often took none.
    let is_seen = (0..1000).any(|_| {
        let bench = Bench::new();
        let (mut opener, mut far) = bench.pair();
        passes(&mut opener, &mut far, &[7; 100_000]);
        assert_eq!(
            bench.network.spent_us(),
            None,
            "nobody knows before the end"
        );
        bench.network.shutdown();
        let spent_us = bench.network.spent_us();
        spent_us.expect("this system tells") > 0
    });
    assert!(is_seen, "a thousand networks took no time at all");
}
