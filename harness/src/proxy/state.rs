//! What holds on a link now. Every pump watches it, so a change reaches connections that are already open.

use std::{collections::BTreeMap, net::SocketAddr};

use super::fault::{AfterHeal, Direction, Effect, LinkFault, Passage};
use crate::topology::Weather;

/// The whole, of which a share of connections is told in parts.
pub(crate) const ALL: u32 = 1_000_000;

/// One fault that somebody holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    direction: Direction,
    fault: LinkFault,
    /// So many in a million connections have it.
    share: u32,
}

/// Faults by the name of their holder, and what they come to.
#[derive(Clone, Debug)]
pub(super) struct State {
    weather: Weather,
    faults: BTreeMap<String, Vec<Held>>,
    forward: Effect,
    backward: Effect,
    /// Where connections lead.
    pub(super) upstream: SocketAddr,
    /// Connections opened before this was last raised are to be reset.
    pub(super) resets: u64,
    /// Whether the link is to end.
    pub(super) closed: bool,
}

impl State {
    pub(super) fn new(weather: Weather, upstream: SocketAddr) -> State {
        let calm = Effect::of_weather(weather);
        State {
            weather,
            faults: BTreeMap::new(),
            forward: calm,
            backward: calm,
            upstream,
            resets: 0,
            closed: false,
        }
    }

    /// What holds for connections that have every fault.
    pub(super) fn effect(&self, direction: Direction) -> Effect {
        match direction {
            Direction::Forward => self.forward,
            Direction::Backward => self.backward,
        }
    }

    /// What holds for one connection; `luck` says where, of a million, it falls in the share of a holder.
    pub(super) fn effect_for(&self, direction: Direction, luck: impl Fn(&str) -> u32) -> Effect {
        let is_whole = |held: &Held| held.share >= ALL;
        if self.faults.values().flatten().all(is_whole) {
            return self.effect(direction);
        }
        let mut effect = Effect::of_weather(self.weather);
        for (holder, faults) in &self.faults {
            let has = |held: &&Held| held.direction == direction && luck(holder) < held.share;
            for held in faults.iter().filter(has) {
                effect = effect.with(held.fault);
            }
        }
        effect
    }

    /// Whether a connection can be opened: its handshake needs both directions.
    pub(super) fn passage(&self) -> Passage {
        match (self.forward.passage, self.backward.passage) {
            (Passage::Open, Passage::Open) => Passage::Open,
            (Passage::Held, _) | (_, Passage::Held) => Passage::Held,
        }
    }

    pub(super) fn refuses(&self) -> bool {
        self.all_faults()
            .any(|(_, fault)| fault == LinkFault::Refuse)
    }

    /// Names of those who hold this direction cut.
    pub(super) fn cut_by(&self, direction: Direction) -> Vec<String> {
        self.holders(|held| {
            held.direction == direction && matches!(held.fault, LinkFault::Blackhole { .. })
        })
    }

    /// Names of those who may keep a new connection from carrying bytes in this direction: who hold it cut, or refuse, stop or end connections.
    pub(super) fn barred_by(&self, direction: Direction) -> Vec<String> {
        self.holders(|held| match held.fault {
            LinkFault::Blackhole { .. } => held.direction == direction,
            // What ends a connection ends both its directions.
            LinkFault::Truncate { .. } | LinkFault::Stall { .. } | LinkFault::Refuse => true,
            LinkFault::Latency { .. }
            | LinkFault::Tail { .. }
            | LinkFault::Bandwidth { .. }
            | LinkFault::SlowClose { .. }
            | LinkFault::Slice { .. }
            | LinkFault::Repeat { .. } => false,
        })
    }

    fn holders(&self, does: impl Fn(&Held) -> bool) -> Vec<String> {
        let mut names = Vec::new();
        for (name, faults) in &self.faults {
            if faults.iter().any(&does) {
                names.push(name.clone());
            }
        }
        names
    }

    pub(super) fn install(
        &mut self,
        holder: &str,
        direction: Direction,
        fault: LinkFault,
        share: u32,
    ) {
        self.faults
            .entry(holder.to_owned())
            .or_default()
            .push(Held {
                direction,
                fault,
                share,
            });
        self.sum_up();
    }

    /// Takes away all that this holder installed. Existing connections are reset if a cut of his asked for it.
    pub(super) fn remove(&mut self, holder: &str) {
        let Some(faults) = self.faults.remove(holder) else {
            return;
        };
        if faults.iter().any(|held| asks_for_reset(held.fault)) {
            self.resets += 1;
        }
        self.sum_up();
    }

    pub(super) fn clear(&mut self) {
        let holders: Vec<String> = self.faults.keys().cloned().collect();
        for holder in holders {
            self.remove(&holder);
        }
        assert!(self.faults.is_empty(), "every holder was removed");
    }

    fn all_faults(&self) -> impl Iterator<Item = (Direction, LinkFault)> + '_ {
        let held = self.faults.values().flatten();
        held.map(|held| (held.direction, held.fault))
    }

    fn sum_up(&mut self) {
        let sum = |direction: Direction| {
            self.all_faults()
                .filter(|(way, _)| *way == direction)
                .fold(Effect::of_weather(self.weather), |effect, (_, fault)| {
                    effect.with(fault)
                })
        };
        (self.forward, self.backward) = (sum(Direction::Forward), sum(Direction::Backward));
    }
}

fn asks_for_reset(fault: LinkFault) -> bool {
    match fault {
        LinkFault::Blackhole { after } => after == AfterHeal::Reset,
        LinkFault::Latency { .. }
        | LinkFault::Tail { .. }
        | LinkFault::Bandwidth { .. }
        | LinkFault::SlowClose { .. }
        | LinkFault::Truncate { .. }
        | LinkFault::Stall { .. }
        | LinkFault::Slice { .. }
        | LinkFault::Repeat { .. }
        | LinkFault::Refuse => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const CUT: LinkFault = LinkFault::Blackhole {
        after: AfterHeal::Continue,
    };

    fn state() -> State {
        let weather = Weather {
            delay: Duration::from_millis(10),
            ..Weather::default()
        };
        State::new(weather, SocketAddr::from(([127, 0, 0, 1], 1)))
    }

    #[test]
    fn a_cut_lasts_until_its_last_holder_lets_go() {
        let mut state = state();
        state.install("a", Direction::Forward, CUT, ALL);
        state.install("b", Direction::Forward, CUT, ALL);
        state.remove("a");
        assert_eq!(state.effect(Direction::Forward).passage, Passage::Held);
        assert_eq!(state.effect(Direction::Backward).passage, Passage::Open);
        assert_eq!(
            state.passage(),
            Passage::Held,
            "no handshake with one direction cut"
        );
        assert_eq!(state.cut_by(Direction::Forward), ["b"]);
        state.remove("b");
        assert_eq!((state.passage(), state.resets), (Passage::Open, 0));
    }

    #[test]
    fn what_ends_connections_bars_both_directions_and_what_slows_them_none() {
        let mut state = state();
        let slow = LinkFault::Bandwidth { bytes_per_s: 9 };
        state.install("slow", Direction::Forward, slow, ALL);
        assert!(state.barred_by(Direction::Forward).is_empty());
        state.install("cut", Direction::Forward, CUT, ALL);
        let short = LinkFault::Truncate { bytes: 0 };
        state.install("short", Direction::Backward, short, ALL);
        assert_eq!(state.barred_by(Direction::Forward), ["cut", "short"]);
        assert_eq!(state.barred_by(Direction::Backward), ["short"]);
    }

    #[test]
    fn faults_add_to_the_weather_and_healing_leaves_the_weather() {
        let mut state = state();
        let calm = state.effect(Direction::Forward);
        state.install(
            "slow",
            Direction::Forward,
            LinkFault::Latency {
                delay_ms: 5,
                jitter_ms: 2,
            },
            ALL,
        );
        state.install(
            "thin",
            Direction::Forward,
            LinkFault::Bandwidth { bytes_per_s: 9 },
            ALL,
        );
        state.install(
            "thin",
            Direction::Forward,
            LinkFault::Bandwidth { bytes_per_s: 7 },
            ALL,
        );
        state.install("none", Direction::Backward, LinkFault::Refuse, ALL);
        let worse = state.effect(Direction::Forward);
        assert_eq!(worse.delay, Duration::from_millis(15));
        assert_eq!(worse.bytes_per_s, Some(7));
        assert!(state.refuses());
        state.install(
            "cut",
            Direction::Backward,
            LinkFault::Blackhole {
                after: AfterHeal::Reset,
            },
            ALL,
        );
        state.clear();
        assert_eq!(state.effect(Direction::Forward), calm);
        assert!(!state.refuses());
        assert_eq!(state.resets, 1);
    }

    #[test]
    fn a_share_of_the_connections_has_a_fault() {
        let mut state = state();
        let slow = LinkFault::Latency {
            delay_ms: 5,
            jitter_ms: 0,
        };
        state.install("half", Direction::Forward, slow, ALL / 2);
        let delay = |luck| state.effect_for(Direction::Forward, |_| luck).delay;
        assert_eq!(delay(ALL / 2 - 1), Duration::from_millis(15));
        assert_eq!(delay(ALL / 2), Duration::from_millis(10));
    }
}
