//! Plans from seeds, and plans done to a target that records what it was told.

use std::{
    collections::BTreeSet,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reports::run_folder::{
    FaultAction::{self, Start, Stop},
    FaultResult::{self, Indeterminate, Installed, Skipped},
    Moment,
};
use serde_json::json;

use super::{
    deed::{Deed, Touch, packets},
    plan::Planned,
    *,
};
use crate::{
    disk::Order,
    proxy::{AfterHeal, LinkFault, Network},
    target::{Ability, Action, Health, Loss, Skew, Target, Trouble},
    topology::Topology,
};

mod absence;
mod connections;
mod habits;
mod packets;

fn regions(count: usize) -> Vec<String> {
    crate::topology::MEASURED_REGIONS[..count]
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn all() -> Vec<&'static dyn Package> {
    by_names(&["all".to_owned()]).unwrap()
}

fn plan(seed: u64, seconds: u64, count: usize) -> Plan {
    Plan::draw(&all(), seed, Duration::from_secs(seconds), &regions(count))
}

#[test]
fn a_seed_gives_the_same_bytes_and_another_seed_others() {
    assert_eq!(plan(7, 30, 3).to_json(), plan(7, 30, 3).to_json());
    assert_ne!(plan(7, 30, 3).to_json(), plan(8, 30, 3).to_json());
    let again = Plan::from_json(&plan(7, 30, 3).to_json(), &regions(3)).unwrap();
    assert_eq!(again, plan(7, 30, 3), "a saved plan is the plan");
}

#[test]
fn the_plan_of_a_seed_is_pinned() {
    let names = ["partition", "kill", "pause", "clock"].map(str::to_owned);
    let packages = by_names(&names).unwrap();
    let plan = Plan::draw(&packages, 7, Duration::from_secs(10), &regions(3));
    let actions: Vec<String> = plan
        .actions
        .iter()
        .map(|a| format!("{:>5} {} {:?} {}", a.at_ms, a.id, a.action, a.what))
        .collect();
    insta::assert_snapshot!(actions.join("\n"), @r"
     339 1 Start strobe ap-southeast-1 -157 ms every 862 ms
    1081 2 Start kill eu-west-1
    1679 2 Stop kill eu-west-1
    2372 3 Start pause eu-west-1
    2720 4 Start deafen us-east-1: nothing reaches it, connections reset at its end
    4139 1 Stop strobe ap-southeast-1 -157 ms every 862 ms
    5193 3 Stop pause eu-west-1
    6520 4 Stop deafen us-east-1: nothing reaches it, connections reset at its end
    ");
}

#[test]
fn each_package_occurs_in_thirty_seconds_and_the_first_begins_early() {
    for seed in 0..300 {
        for count in [2, 3, 12] {
            let plan = plan(seed, 30, count);
            let seen: BTreeSet<&str> = plan.actions.iter().map(|a| a.fault.as_str()).collect();
            assert_eq!(
                seen.len(),
                registry().len(),
                "seed {seed}, {count} regions: {seen:?}"
            );
            assert!(
                plan.actions[0].at_ms <= 2_000,
                "seed {seed}: {}",
                plan.actions[0].at_ms
            );
        }
    }
}

#[test]
fn every_start_has_its_stop_in_time_and_processes_are_hit_once_at_a_time() {
    for seed in 0..300 {
        for seconds in [1, 5, 30, 120] {
            let plan = plan(seed, seconds, 3);
            assert!(!plan.actions.is_empty(), "seed {seed}, {seconds} s");
            let mut down = BTreeSet::new();
            let mut open = BTreeSet::new();
            for action in &plan.actions {
                assert!(action.at_ms < seconds * 1_000, "seed {seed}: {action:?}");
                let begins = action.action == Start;
                let fits = if begins {
                    open.insert(action.id)
                } else {
                    open.remove(&action.id)
                };
                assert!(fits, "seed {seed}: {action:?}");
                match action.deed.touch() {
                    Touch::Down(region) | Touch::Absent(region) if begins => {
                        assert!(down.insert(region), "seed {seed}");
                    }
                    Touch::Down(region) | Touch::Absent(region) => {
                        assert!(down.remove(&region), "seed {seed}");
                    }
                    Touch::Skewed(region) => assert!(!down.contains(&region), "seed {seed}"),
                    Touch::Unheard(_) | Touch::None => {}
                }
            }
            assert!(open.is_empty(), "seed {seed}: {open:?} never stop");
        }
    }
}

#[test]
fn every_shape_and_both_signs_are_drawn() {
    let what: BTreeSet<String> = (0..200)
        .flat_map(|seed| plan(seed, 30, 3).actions)
        .map(|action| action.what)
        .collect();
    for part in [
        "isolate",
        "mute",
        "deafen",
        "halves",
        "cut ",
        "one-way",
        "reset at its end",
        "bridge ",
        "flap ",
        "slow ",
        "lose replies of",
        "rolling restart, 3 of 3",
        "copy the data of ",
        "roll ",
        "kill ",
        "pause ",
        "step",
        "drift",
        "strobe",
        " +",
        " -",
    ] {
        assert!(
            what.iter().any(|what| what.contains(part)),
            "{part:?} was never drawn"
        );
    }
    assert!(plan(1, 0, 3).actions.is_empty(), "no time, no faults");
    let one_region: BTreeSet<String> = plan(1, 30, 1)
        .actions
        .into_iter()
        .map(|action| action.fault)
        .collect();
    assert!(
        !one_region.contains("partition") && one_region.contains("kill"),
        "{one_region:?}"
    );
}

#[test]
fn unknown_faults_and_plans_of_other_runs_are_refused_in_words() {
    let names = |list: &[&str]| by_names(&list.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert!(names(&["none"]).unwrap().is_empty());
    assert!(
        names(&["flood"])
            .err()
            .unwrap()
            .to_string()
            .contains("partition, kill, pause, clock")
    );
    assert!(names(&["none", "kill"]).is_err());
    let json = plan(7, 30, 3).to_json();
    let refused = |text: &str, count| {
        Plan::from_json(text, &regions(count))
            .unwrap_err()
            .to_string()
    };
    assert!(refused(&json, 2).contains("--regions ap-southeast-1,us-east-1,eu-west-1"));
    assert!(refused("{", 3).contains("plan.json"));
    assert!(refused(&json.replace("plan/1", "plan/9"), 3).contains("plan/9"));
    assert!(
        refused(&json.replace("\"region\": 0", "\"region\": 5"), 3).contains("region number 5")
    );
}

/// A target that notes what it is told, and fails or refuses as told.
struct Recorder {
    regions: Vec<String>,
    acts: Mutex<Vec<String>>,
    failing: Mutex<Option<Action>>,
    cannot: Option<Ability>,
    /// What a region has not yet told another, and whether it has yet to feed its rows again.
    pending: AtomicU64,
    /// How many connections have to send again.
    held_back: AtomicUsize,
    refeeding: AtomicBool,
    /// Whether a region is poisoned until it is started.
    is_poisoned: AtomicBool,
    /// Whether regions have no table, and are members of none, until one is added.
    is_bare: AtomicBool,
    head: AtomicU64,
    /// How much it writes as soon as it has said how it is.
    about_to_write: AtomicU64,
}

impl Recorder {
    /// The life that a region has, and the one that the others know as a member.
    fn life(&self, region: usize) -> (u64, Option<u64>) {
        let acts = self.acts.lock().unwrap();
        let mut seen = (0, Some(0));
        for act in acts
            .iter()
            .filter_map(|act| act.strip_prefix(&format!("{region} ")))
        {
            seen = match act.split(' ').next().unwrap() {
                "PutCopyBack" => (seen.0 + 1, Some(seen.0 + 1)),
                "LoseData" => (seen.0 + 1, seen.1),
                "Leave" => (seen.0, None),
                "Join" => (seen.0, Some(seen.0)),
                _ => seen,
            };
        }
        seen
    }

    fn health(&self, region: usize) -> Health {
        let writes = self.about_to_write.swap(0, Ordering::Relaxed);
        let head = self.head.fetch_add(writes, Ordering::Relaxed);
        let others = (0..self.regions.len()).filter(|other| *other != region);
        let peers = others.map(|other| {
            let known = self.life(region).1.and(self.life(other).1);
            let known = known.filter(|_| !self.is_bare.load(Ordering::Relaxed));
            let peer = json!({
                "incarnation": known, "acknowledged": head, "consumed": 0, "connected": true,
                "pending": self.pending.load(Ordering::Relaxed),
            });
            (self.regions[other].clone(), peer)
        });
        let peers: serde_json::Map<_, _> = peers.collect();
        let table = json!({ "is_moving": self.refeeding.load(Ordering::Relaxed), "unpulled": [] });
        let tables = match self.is_bare.load(Ordering::Relaxed) {
            true => json!({}),
            false => json!({ "t": table }),
        };
        serde_json::from_value(json!({
            "status": "ok", "pid": 1, "clock": Skew::default(), "disk": Trouble::default(),
            "core": {
                "incarnation": self.life(region).0, "feed_head": head, "undurable_batches": 0,
                "waiting_answers": 0, "tables": tables, "peers": peers,
            },
        }))
        .unwrap()
    }
}

impl Target for Recorder {
    fn regions(&self) -> &[String] {
        &self.regions
    }

    fn address(&self, _: usize) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 1))
    }

    fn status(&self, region: usize) -> Option<std::io::Result<Health>> {
        if self.is_poisoned.load(Ordering::Relaxed) {
            return Some(Err(std::io::Error::other("GET /health answered 500")));
        }
        Some(Ok(self.health(region)))
    }

    fn can(&self, ability: Ability) -> Result<(), String> {
        if self.cannot == Some(ability) {
            Err("not here".to_owned())
        } else {
            Ok(())
        }
    }

    fn order(&self, region: usize, order: Order) -> Result<String, String> {
        self.acts
            .lock()
            .unwrap()
            .push(format!("{region} {order:?}"));
        Ok("as told".to_owned())
    }

    fn lose_packets(&self, region: usize, loss: Loss) -> Result<String, String> {
        let (to, from) = (loss.to_per_mille, loss.from_per_mille);
        let mut acts = self.acts.lock().unwrap();
        acts.push(format!("{region} lose {to} {from}"));
        Ok("as told".to_owned())
    }

    fn held_back(&self, _region: usize) -> Result<usize, String> {
        Ok(self.held_back.load(Ordering::Relaxed))
    }

    fn act(&self, region: usize, action: &Action) -> Result<(), String> {
        self.acts
            .lock()
            .unwrap()
            .push(format!("{region} {action:?}"));
        if *action == Action::Start {
            self.is_poisoned.store(false, Ordering::Relaxed);
        }
        if matches!(action, Action::Join { .. }) {
            self.is_bare.store(false, Ordering::Relaxed);
        }
        if *action == Action::CopyData {
            self.about_to_write.store(1, Ordering::Relaxed);
        }
        match self.failing.lock().unwrap().as_ref() {
            Some(failing) if failing == action => Err("it would not".to_owned()),
            Some(_) | None => Ok(()),
        }
    }
}

struct Scene {
    target: Arc<Recorder>,
    network: Arc<Network>,
    crowd: Arc<habits::Crowd>,
    nemesis: Arc<Nemesis>,
    moments: Vec<Moment>,
    /// Where every link leads.
    upstream: TcpListener,
}

impl Scene {
    fn new(cannot: Option<Ability>) -> Scene {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstreams = vec![listener.local_addr().unwrap(); 3];
        let topology = Topology::without_delay(&regions(3)).unwrap();
        let network = Arc::new(Network::start(&topology, &upstreams, 1).unwrap());
        let target = Arc::new(Recorder {
            regions: regions(3),
            acts: Mutex::default(),
            failing: Mutex::default(),
            cannot,
            pending: AtomicU64::new(0),
            held_back: AtomicUsize::new(0),
            refeeding: AtomicBool::new(false),
            is_poisoned: AtomicBool::new(false),
            is_bare: AtomicBool::new(false),
            head: AtomicU64::new(1),
            about_to_write: AtomicU64::new(0),
        });
        let crowd = Arc::new(habits::Crowd::default());
        let as_target: Arc<dyn Target> = Arc::<Recorder>::clone(&target);
        let nemesis = Nemesis::new(
            as_target,
            Arc::clone(&network),
            Arc::clone(&crowd) as Arc<dyn Clients>,
            Instant::now(),
        );
        Scene {
            target,
            network,
            crowd,
            nemesis,
            moments: Vec::new(),
            upstream: listener,
        }
    }

    fn run(&mut self, plan: &Plan) {
        let nemesis = Arc::clone(&self.nemesis);
        nemesis.run(plan, &mut |moment| self.moments.push(moment), &|| false);
    }

    fn heal(&mut self) -> Vec<String> {
        let nemesis = Arc::clone(&self.nemesis);
        nemesis.heal_everything(&mut |moment| self.moments.push(moment))
    }

    fn results(&self) -> Vec<(u64, FaultAction, FaultResult)> {
        self.moments
            .iter()
            .map(|moment| match moment {
                Moment::Fault {
                    id,
                    action,
                    result,
                    begun,
                    t,
                    ..
                } => {
                    assert!(begun <= t);
                    (*id, *action, *result)
                }
                Moment::Phase { .. } => unreachable!("the nemesis has no phases"),
            })
            .collect()
    }
}

/// A plan of these deeds, one after the other, without pauses.
fn script(deeds: &[(u64, FaultAction, Deed)]) -> Plan {
    let actions = deeds
        .iter()
        .map(|(id, action, deed)| Planned {
            at_ms: 0,
            id: *id,
            fault: "test".to_owned(),
            action: *action,
            what: "something".to_owned(),
            regions: vec![0],
            deed: deed.clone(),
        })
        .collect();
    Plan {
        actions,
        ..plan(0, 0, 3)
    }
}

fn cut(pairs: &[(usize, usize)]) -> Deed {
    Deed::Links {
        ways: pairs
            .iter()
            .flat_map(|&(from, to)| packets(from, to))
            .collect(),
        fault: LinkFault::Blackhole {
            after: AfterHeal::Continue,
        },
    }
}

#[test]
fn every_package_starts_and_stops_and_each_action_is_verified() {
    let mut scene = Scene::new(None);
    let mut plan = plan(3, 30, 3);
    for action in &mut plan.actions {
        action.at_ms = 0;
    }
    scene.run(&plan);
    assert_eq!(scene.moments.len(), plan.actions.len());
    assert!(
        scene
            .results()
            .iter()
            .all(|(_, _, result)| *result == Installed)
    );
    assert!(scene.nemesis.open.lock().unwrap().is_empty());
    let acts = scene.target.acts.lock().unwrap().join("\n");
    for act in [
        "Kill",
        "Stop",
        "Start",
        "Pause",
        "Resume",
        "Clock(Skew { offset_ms: 0, drift_ppm: 0, strobe_period_ms: 0 })",
    ] {
        assert!(acts.contains(act), "{act} was never done:\n{acts}");
    }
    assert_eq!(scene.heal(), Vec::<String>::new());
}

#[test]
fn what_is_open_when_told_to_stop_is_healed_once() {
    let mut scene = Scene::new(None);
    let skew = Skew {
        offset_ms: 5,
        ..Skew::default()
    };
    scene.run(&script(&[
        (1, Start, Deed::Kill { region: 1 }),
        (2, Start, Deed::Clock { region: 2, skew }),
        (3, Start, cut(&[(0, 1)])),
    ]));
    assert_eq!(scene.nemesis.open.lock().unwrap().len(), 3);
    assert_eq!(scene.heal(), Vec::<String>::new());
    let stops = [
        (3, Stop, Installed),
        (2, Stop, Installed),
        (1, Stop, Installed),
    ];
    assert_eq!(scene.results()[3..], stops, "the last first");
    let before = scene.moments.len();
    assert_eq!(scene.heal(), Vec::<String>::new());
    assert_eq!(
        scene.moments.len(),
        before,
        "the second time there is nothing to do"
    );
}

#[test]
fn overlapping_cuts_do_not_heal_each_other() {
    let mut scene = Scene::new(None);
    scene.run(&script(&[
        (1, Start, cut(&[(0, 1), (1, 0)])),
        (2, Start, cut(&[(0, 1)])),
        (1, Stop, cut(&[(0, 1), (1, 0)])),
    ]));
    let Some(Moment::Fault { result, why, .. }) = scene.moments.last() else {
        unreachable!()
    };
    assert_eq!(*result, Installed);
    assert_eq!(
        why.as_deref(),
        Some("2 of 4 ways are still held by fault 2")
    );
    let link = scene.network.link(crate::topology::End::Region(0), 1);
    assert_eq!(link.cut_by(crate::proxy::Direction::Forward), ["fault 2"]);
}

#[test]
fn what_a_target_cannot_is_skipped_and_what_it_fails_is_indeterminate() {
    let mut scene = Scene::new(Some(Ability::Clock));
    *scene.target.failing.lock().unwrap() = Some(Action::Start);
    let clock = Deed::Clock {
        region: 0,
        skew: Skew::default(),
    };
    scene.run(&script(&[
        (1, Start, clock.clone()),
        (1, Stop, clock),
        (2, Start, Deed::Kill { region: 0 }),
        (2, Stop, Deed::Kill { region: 0 }),
    ]));
    let expected = [
        (1, Start, Skipped),
        (1, Stop, Skipped),
        (2, Start, Installed),
        (2, Stop, Indeterminate),
    ];
    assert_eq!(scene.results(), expected);
    let unhealed = scene.heal();
    assert!(
        unhealed.len() == 1 && unhealed[0].contains("fault 2"),
        "{unhealed:?}"
    );
    *scene.target.failing.lock().unwrap() = None;
    assert_eq!(
        scene.heal(),
        Vec::<String>::new(),
        "trying again later works"
    );
}

#[test]
fn a_wish_to_stop_ends_the_waiting() {
    let mut scene = Scene::new(None);
    let mut plan = script(&[(1, Start, Deed::Kill { region: 0 })]);
    plan.actions[0].at_ms = 3_600_000;
    let asked = std::cell::Cell::new(0);
    let nemesis = Arc::clone(&scene.nemesis);
    nemesis.run(&plan, &mut |moment| scene.moments.push(moment), &|| {
        asked.set(asked.get() + 1);
        asked.get() > 3
    });
    assert!(scene.moments.is_empty());
}

/// Deeds on links, one at a time, as the package of this name draws them for three regions.
fn drawn(name: &str) -> Vec<Deed> {
    let packages = by_names(&[name.to_owned()]).unwrap();
    let plan = Plan::draw(&packages, 5, Duration::from_secs(30), &regions(3));
    let starts = plan.actions.into_iter().filter(|a| a.action == Start);
    starts.map(|planned| planned.deed).collect()
}

#[test]
fn a_slow_link_is_slow_while_it_lasts_and_as_fast_as_before_afterwards() {
    for name in ["slow-links", "slow-clients"] {
        let mut scene = Scene::new(None);
        let mut deed = drawn(name).remove(0);
        let Deed::Links { ways, fault } = &mut deed else {
            panic!("{name} is about links")
        };
        *fault = LinkFault::Latency {
            delay_ms: 300,
            jitter_ms: 0,
        };
        let way = ways[0];
        let arrives_within = |scene: &Scene, limit| {
            let carried = scene.network.link(way.from, way.to).probe(limit);
            match way.direction {
                crate::proxy::Direction::Forward => carried.forward,
                crate::proxy::Direction::Backward => carried.backward,
            }
        };
        scene.run(&script(&[(1, Start, deed.clone())]));
        let begun = Instant::now();
        assert!(arrives_within(&scene, Duration::from_secs(10)), "{name}");
        assert!(begun.elapsed() >= Duration::from_millis(300), "{name}");
        scene.run(&script(&[(1, Stop, deed)]));
        let link = scene.network.link(way.from, way.to);
        assert_eq!(link.round_trip_max(), Duration::ZERO, "{name}");
        assert!(arrives_within(&scene, Duration::from_secs(10)), "{name}");
    }
}

#[test]
fn a_lost_reply_is_one_whose_request_arrived() {
    use std::io::{Read as _, Write as _};
    let mut scene = Scene::new(None);
    let deed = drawn("lost-replies").remove(0);
    let region = deed.regions()[0];
    // What the client gets of ten thousand bytes that are sent in answer to a request that arrived whole.
    let reply_of = |scene: &Scene| {
        let address = scene.network.address(crate::topology::End::Client, region);
        let mut client = std::net::TcpStream::connect(address).unwrap();
        client.write_all(b"request").unwrap();
        let (mut server, _) = scene.upstream.accept().unwrap();
        let mut request = [0; 7];
        server.read_exact(&mut request).unwrap();
        assert_eq!(&request, b"request");
        // The connection may be gone in the middle of it.
        let _ = server.write_all(&[b'x'; 10_000]);
        drop(server);
        let mut reply = Vec::new();
        let _ = client.read_to_end(&mut reply);
        reply.len()
    };
    scene.run(&script(&[(1, Start, deed.clone())]));
    assert!(reply_of(&scene) < 200, "it ends within the first 200 bytes");
    scene.run(&script(&[(1, Stop, deed)]));
    assert_eq!(reply_of(&scene), 10_000);
}

#[test]
fn a_repeated_request_arrives_again_through_the_same_link_and_is_not_repeated_itself() {
    use std::io::{Read as _, Write as _};
    const REQUEST: &[u8] = b"POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello";
    let mut scene = Scene::new(None);
    let mut deed = drawn("repeated-requests").remove(0);
    let Deed::Links { ways, fault } = &mut deed else {
        panic!("it is about links")
    };
    *fault = LinkFault::Repeat {
        per_mille: 1000,
        delay_ms: 0,
    };
    let link = Arc::clone(scene.network.link(ways[0].from, ways[0].to));
    let mut opener = std::net::TcpStream::connect(link.address()).unwrap();
    let (mut original, _) = scene.upstream.accept().unwrap();
    let mut ask = || opener.write_all(REQUEST).unwrap();
    let gets = |connection: &mut std::net::TcpStream| {
        let mut request = [0; REQUEST.len()];
        connection.read_exact(&mut request).unwrap();
        assert_eq!(request, REQUEST);
    };
    scene.run(&script(&[(1, Start, deed.clone())]));
    ask();
    gets(&mut original);
    let (mut copy, _) = scene.upstream.accept().unwrap();
    gets(&mut copy);
    copy.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    let limit = Instant::now() + Duration::from_secs(10);
    while link.traffic().repeated == 0 {
        assert!(Instant::now() < limit, "the answer to the copy is noticed");
        std::thread::yield_now();
    }
    assert_eq!(
        link.traffic().accepted,
        2,
        "the opener's connection and the copy's"
    );
    scene.run(&script(&[(1, Stop, deed)]));
    ask();
    gets(&mut original);
    // Beside these two only probes; a late copy of the copy, or one of what came after the healing, would be one more.
    let probes = link.traffic().accepted - 2;
    assert!(link.probe(Duration::from_secs(10)).forward);
    assert_eq!(link.traffic().accepted, probes + 3);
    assert_eq!(link.traffic().repeated, 1);
}

#[test]
fn flapping_cuts_and_heals_the_same_links_again_and_again() {
    let packages = by_names(&["flapping".to_owned()]).unwrap();
    let mut plan = Plan::draw(&packages, 5, Duration::from_secs(10), &regions(3));
    let first: Vec<_> = plan.actions.iter().take(6).map(|a| a.action).collect();
    assert_eq!(first, [Start, Stop, Start, Stop, Start, Stop]);
    let mut scene = Scene::new(None);
    for action in &mut plan.actions {
        action.at_ms = 0;
    }
    scene.run(&plan);
    // Installed means that no probe passed, and at each stop that one passed again.
    assert!(
        scene
            .results()
            .iter()
            .all(|(_, _, result)| *result == Installed)
    );
    assert!(scene.moments.len() >= 6);
}

#[test]
fn a_bridge_sees_both_sides_and_a_ring_has_a_majority_for_everybody() {
    let packages = by_names(&["partition".to_owned()]).unwrap();
    for count in [3, 5, 7, 12] {
        let mut seen = BTreeSet::new();
        for seed in 0..60 {
            let plan = Plan::draw(&packages, seed, Duration::from_secs(20), &regions(count));
            for action in &plan.actions {
                let Deed::Links { ways, .. } = &action.deed else {
                    panic!("a partition is about links")
                };
                let cut = |a: usize, b: usize| packets(a, b).iter().all(|way| ways.contains(way));
                let sees = |a: usize| -> BTreeSet<usize> {
                    (0..count).filter(|&b| a == b || !cut(a, b)).collect()
                };
                if action.what.starts_with("bridge") {
                    seen.insert("bridge");
                    assert_eq!(sees(action.regions[0]).len(), count, "{}", action.what);
                    let others = (0..count).filter(|region| *region != action.regions[0]);
                    assert!(others.into_iter().all(|region| sees(region).len() < count));
                }
                if action.what.starts_with("majority ring") {
                    seen.insert("ring");
                    let views: BTreeSet<_> = (0..count).map(sees).collect();
                    assert_eq!(views.len(), count, "no two see the same");
                    assert!(
                        views
                            .iter()
                            .all(|view| view.len() * 2 > count && view.len() < count)
                    );
                }
            }
        }
        let expected = if count < 5 { 1 } else { 2 };
        assert_eq!(seen.len(), expected, "{count} regions: {seen:?}");
    }
}

#[test]
fn a_clock_jumps_a_day_or_stands_still() {
    let mut seen = BTreeSet::new();
    for seed in 0..30 {
        let packages = by_names(&["clock-extremes".to_owned()]).unwrap();
        let plan = Plan::draw(&packages, seed, Duration::from_secs(20), &regions(3));
        for planned in plan.actions {
            let Deed::Clock { skew, .. } = planned.deed else {
                panic!("it is about clocks")
            };
            seen.insert((skew.offset_ms, skew.drift_ppm));
        }
    }
    let day_ms = 86_400_000;
    let expected = [(-day_ms, 0), (0, -1_000_000), (day_ms, 0)];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_disk_is_full_until_there_is_space_and_slow_until_it_is_not() {
    let mut scene = Scene::new(None);
    let (full, slow) = (drawn("disk-full").remove(0), drawn("slow-fsync").remove(0));
    let disk_full = |action| script(&[(1, action, full.clone())]);
    scene.run(&disk_full(Start));
    scene.target.is_poisoned.store(true, Ordering::Relaxed);
    scene.run(&disk_full(Stop));
    let region = full.regions()[0];
    let free = "Disk(Trouble { fsync_delay_ms: 0, is_full: false })";
    let expected = [
        format!("{region} Disk(Trouble {{ fsync_delay_ms: 0, is_full: true }})"),
        format!("{region} {free}"),
        format!("{region} Kill"),
        format!("{region} Start"),
    ];
    assert_eq!(*scene.target.acts.lock().unwrap(), expected);
    scene.run(&script(&[
        (2, Start, slow.clone()),
        (2, Stop, slow.clone()),
    ]));
    let acts = scene.target.acts.lock().unwrap().clone();
    assert!(
        !acts[4].contains(" 0,") && acts[4].contains("is_full: false"),
        "{acts:?}"
    );
    assert_eq!(acts[5], format!("{} {free}", slow.regions()[0]));
    scene.run(&disk_full(Start));
    scene.run(&disk_full(Stop));
    assert_eq!(
        acts.len() + 2,
        scene.target.acts.lock().unwrap().len(),
        "nothing to start"
    );
}
