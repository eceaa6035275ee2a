//! Regions in network namespaces of their own: faults below TCP, and nothing left whoever ends first.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::dateline::{Place, starts, wait_until};

const NETNS: &str =
    "test register --seed 11 --time-limit 9 --rtt-scale 0.1 --rate 100 --network netns";

/// Whether this machine makes namespaces, by a run in a folder of its own; a refusal must say what is missing and what to do.
fn can_be_apart() -> bool {
    let place = Place::new();
    let line = "test register --time-limit 1 --rtt-scale 0 --faults none --network netns";
    let ended = place.run(line);
    if ended.code == 0 {
        return true;
    }
    assert_eq!(ended.code, 64, "{}{}", ended.out, ended.err);
    assert!(
        ended.err.starts_with("error: --network netns: ")
            && ended.err.contains("leave --network out"),
        "{}",
        ended.err
    );
    eprintln!("nothing was tested beyond the refusal: {}", ended.err);
    false
}

/// The namespaces of a process's threads.
fn namespaces(process: &Path) -> BTreeSet<PathBuf> {
    let threads = fs::read_dir(process.join("task")).into_iter().flatten();
    let links = threads.flatten().map(|thread| thread.path().join("ns/net"));
    // A thread may have ended meanwhile.
    links.filter_map(|link| fs::read_link(link).ok()).collect()
}

/// All that anybody on this machine is in, or keeps by a mount.
fn all_namespaces() -> BTreeSet<PathBuf> {
    let processes = fs::read_dir("/proc").expect("Linux").flatten();
    let mut all: BTreeSet<PathBuf> = processes
        .flat_map(|process| namespaces(&process.path()))
        .collect();
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("Linux");
    let kept = mounts.split_whitespace();
    all.extend(
        kept.filter(|word| word.starts_with("net:["))
            .map(PathBuf::from),
    );
    all
}

/// What there is in the namespace in which the tests run.
fn devices() -> BTreeSet<String> {
    let table = fs::read_to_string("/proc/net/dev").expect("Linux");
    let names = table.lines().filter_map(|line| line.split_once(':'));
    names.map(|(name, _)| name.trim().to_owned()).collect()
}

#[test]
fn packets_are_lost_and_pass_again_and_a_saved_plan_repeats_it() {
    if !can_be_apart() {
        return;
    }
    let place = Place::new();
    let ended = place.run(&format!("{NETNS} --faults packet-loss,black-hole,kill"));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("--network netns"), "{}", ended.out);
    let told = place.faults();
    assert!(told.iter().all(|it| it[2] == "installed"), "{told:?}");
    for (fault, begun) in [
        ("packet-loss", " packets were dropped"),
        ("black-hole", "a probe got no answer within"),
    ] {
        let says = |action: &str, part: &str| {
            let mut those = told.iter().filter(|it| it[0] == fault && it[1] == action);
            those.any(|it| it[3].contains(part) && !it[3].starts_with("0 of "))
        };
        assert!(says("start", begun), "{fault}: {told:?}");
        assert!(says("stop", " packets were dropped"), "{fault}: {told:?}");
    }
    assert_eq!(place.orphans(), Vec::<String>::new());

    let plan = place.path().join("saved.json");
    fs::copy(place.latest().join("plan.json"), &plan).expect("there is a plan");
    let again = "test register --plan saved.json --rtt-scale 0.1 --rate 100";
    let refused = place.run(again);
    assert_eq!(refused.code, 64, "{}{}", refused.out, refused.err);
    assert!(
        refused.err.contains("give --network netns"),
        "{}",
        refused.err
    );
    let ended = place.run(&format!("{again} --network netns"));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert_eq!(starts(place.faults()), starts(told), "the same faults");
}

#[test]
fn without_namespaces_their_faults_are_refused_by_name_and_left_out_of_all() {
    let place = Place::new();
    let refused = place.run("test register --faults black-hole");
    assert_eq!(refused.code, 64, "{}{}", refused.out, refused.err);
    assert!(
        refused.err.contains("give --network netns"),
        "{}",
        refused.err
    );
    let all = place.run("test register --seed 1 --faults all --dry-run");
    assert_eq!(all.code, 0, "{}{}", all.out, all.err);
    assert!(all.out.contains("lose replies of"), "{}", all.out);
    for part in ["black hole", "% of packets"] {
        assert!(!all.out.contains(part), "{}", all.out);
    }
    let netns = place.run("test register --seed 1 --faults all --dry-run --network netns");
    for part in ["black hole", "% of packets", "--network netns"] {
        assert!(netns.out.contains(part), "{}", netns.out);
    }
}

#[test]
fn a_machine_without_the_tools_is_told_which_and_what_to_do() {
    let place = Place::new();
    let nowhere = place.path().to_string_lossy().into_owned();
    let refused = place.run_with(NETNS, &[("PATH", &nowhere)]);
    assert_eq!(refused.code, 64, "{}{}", refused.out, refused.err);
    let told = "error: --network netns: there is no `ip` on the PATH; install iproute2";
    assert!(refused.err.starts_with(told), "{}", refused.err);
    for (network, told) in [
        ("moon", "--network moon: there are loopback and netns"),
        (
            "netns --endpoint us-east-1=http://127.0.0.1:1",
            "--network: the target endpoints does without it",
        ),
    ] {
        let refused = place.run(&format!("test register --network {network}"));
        assert_eq!(refused.code, 64, "{}{}", refused.out, refused.err);
        assert!(refused.err.contains(told), "{}", refused.err);
    }
    assert!(
        !place.path().join("dateline-runs").exists(),
        "nothing began"
    );
}

#[test]
fn no_namespace_is_left_by_a_harness_that_is_killed() {
    if !can_be_apart() {
        return;
    }
    let place = Place::new();
    let before = devices();
    let mut child = place.start(
        "test register --seed 3 --time-limit 600 --rtt-scale 0.1 --rate 100 --network netns --faults packet-loss,black-hole",
    );
    place.wait_for_history(500);
    let here = namespaces(Path::new("/proc/self"));
    let mut theirs = namespaces(Path::new(&format!("/proc/{}", child.id())));
    theirs.retain(|namespace| !here.contains(namespace));
    assert_eq!(theirs.len(), 4, "its own, and one for each region");
    assert!(theirs.is_subset(&all_namespaces()));
    assert_eq!(devices(), before, "it lays its cables elsewhere");
    child.kill().and_then(|()| child.wait()).expect("it runs");
    wait_until("nothing is left", || {
        place.orphans().is_empty() && all_namespaces().is_disjoint(&theirs)
    });
    assert_eq!(devices(), before);
}
