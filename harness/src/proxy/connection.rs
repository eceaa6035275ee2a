//! One connection over a link: its handshake, its two pumps, its end.

use std::{io, net::SocketAddr, time::Instant};

use tokio::{net::TcpStream, sync::watch};

use super::{
    fault::{DIRECTIONS, Direction, Passage},
    link::Link,
    pump::{self, Cut},
    state::State,
};

/// What an opener may send before the connection leads anywhere.
const EARLY_BYTES_MAX: usize = 64 * 1024;

/// How a connection ended, as far as its listener cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// In one of the usual ways.
    Closed,
    /// Nobody listens upstream.
    UpstreamRefused,
}

/// Carries one connection until both directions have ended or it is cut.
pub(super) async fn carry(
    mut opener: TcpStream,
    from: SocketAddr,
    number: u64,
    link: &Link,
) -> Ended {
    let mut state = link.state.subscribe();
    let resets = state.borrow_and_update().resets;
    let sink = link.probes().remove(&from);
    let mut early = Vec::new();
    if sink.is_none() {
        match shake_hands(link, &opener, &mut early, &mut state, resets).await {
            Handshake::Done => {}
            Handshake::Reset => {
                reset(&opener);
                return Ended::Closed;
            }
            Handshake::GivenUp => return Ended::Closed,
        }
    }
    let upstream_address = sink.unwrap_or_else(|| state.borrow().upstream);
    // Nobody may answer for minutes.
    let connected = tokio::select! {
        connected = TcpStream::connect(upstream_address) => connected,
        () = was_reset(&mut state, resets) => {
            reset(&opener);
            return Ended::Closed;
        }
    };
    let Ok(mut upstream) = connected else {
        reset(&opener);
        // The sink of a probe that came too late says nothing about the upstream.
        return match sink {
            None => Ended::UpstreamRefused,
            Some(_) => Ended::Closed,
        };
    };
    for socket in [&opener, &upstream] {
        // Small requests must not wait for each other; failing that, they only do.
        socket.set_nodelay(true).ok();
    }
    let pump_of = |direction| pump::Pump::new(link, direction, number, resets);
    let ended = {
        let (opener_read, opener_write) = opener.split();
        let (upstream_read, upstream_write) = upstream.split();
        let forward = pump_of(Direction::Forward).holding(early);
        let forward = match link.copies.are_from(from) {
            true => forward,
            false => forward.repeatable(),
        };
        let backward = pump_of(Direction::Backward);
        tokio::try_join!(
            forward.run(opener_read, upstream_write),
            backward.run(upstream_read, opener_write)
        )
    };
    match ended {
        Ok(((), ())) | Err(Cut::Close) => {}
        Err(Cut::Reset) => {
            reset(&opener);
            reset(&upstream);
        }
    }
    Ended::Closed
}

enum Handshake {
    Done,
    Reset,
    GivenUp,
}

/// Waits for as long as a handshake over this link takes: a round trip, once nothing is cut. What the opener sends meanwhile is kept; if
/// it closes meanwhile, the connection never was.
async fn shake_hands(
    link: &Link,
    opener: &TcpStream,
    early: &mut Vec<u8>,
    state: &mut watch::Receiver<State>,
    resets: u64,
) -> Handshake {
    let begun = Instant::now();
    loop {
        let due = {
            let state = state.borrow_and_update();
            if state.resets > resets {
                return Handshake::Reset;
            }
            let round_trip = DIRECTIONS.iter().map(|&way| state.effect(way).delay).sum();
            (state.passage() == Passage::Open).then_some(begun + round_trip)
        };
        if due.is_some_and(|due| due <= Instant::now()) {
            return Handshake::Done;
        }
        tokio::select! {
            changed = state.changed() => assert!(changed.is_ok(), "the link outlives its connections"),
            () = link.alarm.at(due.unwrap_or(begun)), if due.is_some() => {}
            ready = opener.readable(), if early.len() < EARLY_BYTES_MAX => {
                if ready.and_then(|()| read_early(opener, early)).is_err() {
                    return Handshake::GivenUp;
                }
            }
        }
    }
}

async fn was_reset(state: &mut watch::Receiver<State>, resets: u64) {
    let known = state.wait_for(|state| state.resets > resets).await;
    assert!(known.is_ok(), "the link outlives its connections");
}

/// Reads what is there; fails when the opener has closed.
fn read_early(opener: &TcpStream, early: &mut Vec<u8>) -> io::Result<()> {
    let mut bytes = [0; 4096];
    match opener.try_read(&mut bytes) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(count) => {
            early.extend_from_slice(&bytes[..count]);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes the close that follows a reset.
fn reset(socket: &TcpStream) {
    // It fails only on a socket that is gone already.
    socket.set_zero_linger().ok();
}
