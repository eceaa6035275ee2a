//! Regions that cannot reach each other, while their clients still reach them.
//!
//! A partition is a set of ordered pairs of regions whose packets do not pass, so one-way partitions are as easy as two-way ones.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::{Deed, packets},
    package::{Drawn, Package, two_regions},
};
use crate::{
    proxy::{AfterHeal, LinkFault},
    target::Ability,
};

/// The package.
pub(crate) struct Partition;

/// Ordered pairs whose packets do not pass.
type Pairs = Vec<(usize, usize)>;

/// Draws which pairs; says it in words, and whose lanes a plot shades.
type Shape = fn(&mut Stream, &[String]) -> (String, Vec<usize>, Pairs);

impl Package for Partition {
    fn name(&self) -> &'static str {
        "partition"
    }

    fn about(&self) -> &'static str {
        "cut links between regions: isolate one, halves, a bridge, a majority ring, mute or deafen one, a single link, one way of it"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::PeerLinks]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        // Often longer than stores wait for each other before they give up: what happens then is another matter than waiting.
        1_500..=10_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        if regions.len() < 2 {
            return None;
        }
        let shapes: [Shape; 8] = [
            isolate,
            halves,
            mute,
            deafen,
            single_link,
            one_way,
            bridge,
            majority_ring,
        ];
        // A bridge needs two sides, and in a smaller ring every region would see all others.
        let possible = match regions.len() {
            0..3 => 6,
            3..5 => 7,
            _ => 8,
        };
        let shape = draws.pick(&shapes[..possible]);
        let (what, shaded, pairs) = shape(draws, regions);
        assert!(!pairs.is_empty(), "a partition cuts something");
        let after = *draws.pick(&[AfterHeal::Continue, AfterHeal::Reset]);
        let healing = match after {
            AfterHeal::Continue => "",
            AfterHeal::Reset => ", connections reset at its end",
        };
        let mut ways: Vec<_> = pairs
            .iter()
            .flat_map(|&(from, to)| packets(from, to))
            .collect();
        ways.sort_unstable();
        Some(Drawn::throughout(
            format!("{what}{healing}"),
            shaded,
            Deed::Links {
                ways,
                fault: LinkFault::Blackhole { after },
            },
        ))
    }
}

fn isolate(draws: &mut Stream, regions: &[String]) -> (String, Vec<usize>, Pairs) {
    let one = draws.index(regions.len());
    (
        format!("isolate {}", regions[one]),
        vec![one],
        [out_of(one, regions), into(one, regions)].concat(),
    )
}

fn mute(draws: &mut Stream, regions: &[String]) -> (String, Vec<usize>, Pairs) {
    let one = draws.index(regions.len());
    (
        format!("mute {}: nothing leaves it", regions[one]),
        vec![one],
        out_of(one, regions),
    )
}

fn deafen(draws: &mut Stream, regions: &[String]) -> (String, Vec<usize>, Pairs) {
    let one = draws.index(regions.len());
    (
        format!("deafen {}: nothing reaches it", regions[one]),
        vec![one],
        into(one, regions),
    )
}

/// Two halves, the first the smaller one when the number is odd.
fn halves(draws: &mut Stream, regions: &[String]) -> (String, Vec<usize>, Pairs) {
    let mut order: Vec<usize> = (0..regions.len()).collect();
    draws.shuffle(&mut order);
    let (first, second) = order.split_at_mut(regions.len() / 2);
    first.sort_unstable();
    second.sort_unstable();
    let pairs = between(first, second);
    let names = |half: &[usize]| in_order(half, regions);
    (
        format!("halves {} | {}", names(first), names(second)),
        first.to_vec(),
        pairs,
    )
}

/// Two sides that one region alone still sees both of.
fn bridge(draws: &mut Stream, regions: &[String]) -> (String, Vec<usize>, Pairs) {
    let mut order: Vec<usize> = (0..regions.len()).collect();
    draws.shuffle(&mut order);
    let (bridge, others) = order
        .split_first()
        .expect("there are three regions at least");
    let (first, second) = others.split_at(others.len() / 2);
    let pairs = between(first, second);
    let names = |half: &[usize]| in_order(half, regions);
    (
        format!(
            "bridge {}: {} | {}",
            regions[*bridge],
            names(first),
            names(second)
        ),
        vec![*bridge],
        pairs,
    )
}

/// Every region sees a majority, and no two see the same one: in a ring in some order, each sees its nearest on both sides.
fn majority_ring(draws: &mut Stream, regions: &[String]) -> (String, Vec<usize>, Pairs) {
    let count = regions.len();
    let mut order: Vec<usize> = (0..count).collect();
    draws.shuffle(&mut order);
    // With itself that is more than half.
    let reach = (count / 2).div_ceil(2);
    let distance = |a: usize, b: usize| a.abs_diff(b).min(count - a.abs_diff(b));
    let all = (0..count).flat_map(|a| (0..count).map(move |b| (a, b)));
    let far = all.filter(|&(a, b)| distance(a, b) > reach);
    let pairs = far.map(|(a, b)| (order[a], order[b])).collect();
    let names: Vec<&str> = order
        .iter()
        .map(|&region| regions[region].as_str())
        .collect();
    (
        format!("majority ring {}", names.join(" ")),
        (0..count).collect(),
        pairs,
    )
}

fn between(first: &[usize], second: &[usize]) -> Pairs {
    let pairs = first
        .iter()
        .flat_map(|&a| second.iter().flat_map(move |&b| [(a, b), (b, a)]));
    pairs.collect()
}

fn in_order(half: &[usize], regions: &[String]) -> String {
    let mut half = half.to_vec();
    half.sort_unstable();
    let names: Vec<&str> = half
        .iter()
        .map(|&region| regions[region].as_str())
        .collect();
    names.join(" ")
}

fn single_link(draws: &mut Stream, regions: &[String]) -> (String, Vec<usize>, Pairs) {
    let (a, b) = two(draws, regions);
    let what = format!("cut {} <-> {}", regions[a], regions[b]);
    (what, vec![a, b], vec![(a, b), (b, a)])
}

fn one_way(draws: &mut Stream, regions: &[String]) -> (String, Vec<usize>, Pairs) {
    let (a, b) = two(draws, regions);
    (
        format!("one-way {} -> {}", regions[a], regions[b]),
        vec![a, b],
        vec![(a, b)],
    )
}

fn two(draws: &mut Stream, regions: &[String]) -> (usize, usize) {
    two_regions(draws, regions).expect("a partition is drawn where there are regions to part")
}

fn out_of(one: usize, regions: &[String]) -> Pairs {
    (0..regions.len())
        .filter(|other| *other != one)
        .map(|other| (one, other))
        .collect()
}

fn into(one: usize, regions: &[String]) -> Pairs {
    out_of(one, regions)
        .into_iter()
        .map(|(one, other)| (other, one))
        .collect()
}
