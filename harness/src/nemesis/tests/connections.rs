//! Faults of connections: that they are felt while they last, and not afterwards.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
};

use super::*;
use crate::{
    nemesis::deed::Way,
    proxy::{Direction, StallEnd},
    topology::End,
};

#[test]
fn a_storm_is_there_while_it_lasts_and_gone_afterwards() {
    let mut scene = Scene::new(None);
    let region = drawn("connection-storm").remove(0).regions()[0];
    // Fewer than are drawn: other tests need descriptors too.
    let connections = 20;
    let deed = Deed::Storm {
        region,
        connections,
    };
    let open = |scene: &Scene| scene.network.link(End::Client, region).traffic().open;
    scene.run(&script(&[(1, Start, deed.clone())]));
    assert_eq!(scene.results(), [(1, Start, Installed)]);
    wait_until("all are there", || open(&scene) >= connections);
    scene.run(&script(&[(1, Stop, deed)]));
    assert_eq!(scene.results()[1], (1, Stop, Installed));
    // The region's side: each connection that reached it has ended.
    for _ in 0..connections {
        let (mut reached, _) = scene.upstream.accept().unwrap();
        assert_eq!(reached.read(&mut [0]).unwrap(), 0);
    }
    wait_until("all are gone", || open(&scene) == 0);
    assert_eq!(scene.heal(), Vec::<String>::new());
}

#[test]
fn a_storm_to_where_nobody_listens_is_skipped() {
    let mut scene = Scene::new(None);
    let link = scene.network.link(End::Client, 0);
    link.install("deaf", Direction::Forward, LinkFault::Refuse);
    let address = link.address();
    wait_until("it refuses", || TcpStream::connect(address).is_err());
    let storm = Deed::Storm {
        region: 0,
        connections: 3,
    };
    scene.run(&script(&[(1, Start, storm)]));
    assert_eq!(scene.results(), [(1, Start, Skipped)]);
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn poor_links_are_poor_in_five_ways() {
    let packages = by_names(&["poor-links".to_owned()]).unwrap();
    let mut seen = Vec::new();
    for seed in 0..40 {
        let plan = Plan::draw(&packages, seed, Duration::from_secs(20), &regions(3));
        for planned in plan.actions {
            let Deed::Links { fault, .. } = planned.deed else {
                panic!("poor links are about links")
            };
            let kind = std::mem::discriminant(&fault);
            if !seen.contains(&kind) {
                seen.push(kind);
            }
        }
    }
    assert_eq!(seen.len(), 5);
}

/// Where the tests send.
const WAY: Way = Way {
    from: End::Region(0),
    to: 1,
    direction: Direction::Forward,
};

#[test]
fn a_cut_ends_while_something_else_stalls_the_link() {
    let mut scene = Scene::new(None);
    let stall = LinkFault::Stall {
        ends: StallEnd::Reset,
        after_ms: 0,
    };
    let stalled = Deed::Links {
        ways: vec![WAY],
        fault: stall,
    };
    scene.run(&script(&[
        (1, Start, stalled),
        (2, Start, cut(&[(0, 1)])),
        (2, Stop, cut(&[(0, 1)])),
    ]));
    assert_eq!(scene.results()[2], (2, Stop, Installed));
    let Some(Moment::Fault { why, .. }) = scene.moments.last() else {
        unreachable!("the stop is the last")
    };
    let why = why.as_deref().unwrap();
    assert!(why.ends_with("are still held by fault 1"), "{why}");
}

/// How many of 2000 bytes arrive, and how long that takes.
fn carried(scene: &Scene) -> (usize, Duration) {
    let address = scene.network.link(WAY.from, WAY.to).address();
    let mut sender = TcpStream::connect(address).unwrap();
    let begun = Instant::now();
    sender.write_all(&[b'x'; 2000]).unwrap();
    sender.shutdown(Shutdown::Write).unwrap();
    let (mut receiver, _) = scene.upstream.accept().unwrap();
    let mut arrived = Vec::new();
    // A reset is one of the ways in which it ends.
    let _ = receiver.read_to_end(&mut arrived);
    (arrived.len(), begun.elapsed())
}

#[test]
fn a_poor_link_is_poor_while_it_lasts_and_as_good_as_before_afterwards() {
    let slice = LinkFault::Slice {
        bytes: 100,
        variation: 50,
        pause_us: 5_000,
    };
    let stall = LinkFault::Stall {
        ends: StallEnd::Reset,
        after_ms: 100,
    };
    for (fault, bytes, takes_ms) in [
        (
            LinkFault::Bandwidth {
                bytes_per_s: 20_000,
            },
            2000,
            80,
        ),
        (slice, 2000, 60),
        (LinkFault::SlowClose { delay_ms: 150 }, 2000, 150),
        (LinkFault::Truncate { bytes: 64 }, 64, 0),
        (stall, 0, 100),
    ] {
        let mut scene = Scene::new(None);
        let ways = vec![WAY];
        let deed = Deed::Links { ways, fault };
        scene.run(&script(&[(1, Start, deed.clone())]));
        assert_eq!(scene.results(), [(1, Start, Installed)], "{fault:?}");
        let (count, took) = carried(&scene);
        assert_eq!(count, bytes, "{fault:?}");
        assert!(
            took >= Duration::from_millis(takes_ms),
            "{fault:?}: {took:?}"
        );
        scene.run(&script(&[(1, Stop, deed)]));
        assert_eq!(carried(&scene).0, 2000, "{fault:?} is over");
    }
}
