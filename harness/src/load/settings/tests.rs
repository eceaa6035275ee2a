use clap::Parser;

use super::*;

/// The flags of a line, as the command line has them.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    flags: LoadFlags,
}

fn course(arrivals: Arrivals, rate: &str) -> Course {
    let measured = Duration::from_secs(10);
    Course {
        rate: rate.to_owned(),
        arrivals,
        shape: arrivals.shape(rate, measured).expect("well formed"),
        measured,
        warm_up: Duration::from_secs(2),
        share: None,
    }
}

fn resolve(name: &str, line: &str) -> Result<LoadSettings, String> {
    let words = line.split_whitespace();
    let flags = Line::parse_from(["dateline"].into_iter().chain(words)).flags;
    let course = course(Arrivals::Constant, "1k");
    LoadSettings::resolve(
        name,
        course,
        None,
        format!("dateline load run {name}"),
        flags,
    )
    .map_err(|error| error.to_string())
}

#[test]
fn stages_and_warm_up_have_numbers_of_their_own_and_whole_hundreds() {
    for (arrivals, rate) in [
        (Arrivals::Constant, "333"),
        (Arrivals::Poisson, "333"),
        (Arrivals::Ramp, "100..1k"),
    ] {
        let course = course(arrivals, rate);
        let all: Vec<(u64, u64)> = course.schedule(500, Seed(7)).collect();
        let (warm_up, _) = course.numbers();
        let (before, measured): (Vec<_>, Vec<_>) =
            all.iter().partition(|(number, _)| *number < 500 + warm_up);
        assert!(before.iter().all(|(_, at_ns)| *at_ns < 2_000_000_000));
        assert!(measured.iter().all(|(_, at_ns)| *at_ns >= 2_000_000_000));
        assert_eq!(measured[0].0, 500 + warm_up);
        assert!(
            all.iter()
                .all(|(number, _)| (500..course.end(500)).contains(number))
        );
        assert_eq!(course.end(500) % 100, 0);
        assert!(all.is_sorted_by(|one, other| one.0 < other.0 && one.1 <= other.1));
    }
}

#[test]
fn shares_ask_what_the_whole_would() {
    let whole: Vec<(u64, u64)> = course(Arrivals::Poisson, "500")
        .schedule(0, Seed(7))
        .collect();
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for index in 1..=3 {
        let mut part = course(Arrivals::Poisson, "500");
        part.share = Some((index, 3, Share::new(u64::from(index), 3).expect("a share")));
        joined.extend(part.schedule(0, Seed(7)));
    }
    joined.sort_unstable();
    assert_eq!(joined, whole);
}

#[test]
fn regions_have_weights_and_mixes() {
    let settings = resolve(
        "mixed",
        "--regions three --mix read=90,update=10 --mix us-east-1:read=100 --weight eu-west-1=0 --weight us-east-1=3",
    )
    .expect("well formed");
    let regions: BTreeMap<&str, (u64, u64)> = settings
        .regions
        .iter()
        .zip(&settings.choice.regions)
        .map(|(name, (weight, mix))| (name.as_str(), (*weight, mix.expect("given").reads)))
        .collect();
    assert_eq!(regions["us-east-1"], (3, 100));
    assert_eq!(regions["eu-west-1"], (0, 90));
    let shares: f64 = (0..3).map(|region| settings.region_share(region)).sum();
    assert!((shares - 1.0).abs() < 1e-9);
}

#[test]
fn a_load_is_repeated_by_one_line() {
    let settings = resolve(
        "ycsb-b",
        "--seed 7 --keys 2k --timeout 500ms --reads strong --key-distribution latest --goal read.p99<20ms --rtt-scale 0.1",
    )
    .expect("well formed");
    assert_eq!(
        settings.reproduce(),
        "dateline load run ycsb-b --seed 7 --in-flight 64 --keys 2000 --timeout 500ms --key-distribution latest --reads strong --rtt-scale 0.1 --goal 'read.p99<20ms'"
    );
    assert_eq!(settings.options()["key_distribution"], "latest");
    let step = settings.at_rate(750.0);
    assert!(
        step.reproduce()
            .starts_with("dateline load run ycsb-b --rate 750 --for 10s --warm-up 2s --seed 7 ")
    );
    assert_eq!(step.course.rate_per_s(), 750.0);
}

#[test]
fn what_cannot_be_asked_for_is_refused_by_name() {
    for (name, line, parts) in [
        (
            "frob",
            "",
            vec!["there is no load `frob`", "ycsb-f", "half strong reads"],
        ),
        (
            "mixed",
            "--in-flight 1M",
            vec!["--in-flight 1000000", "1 to 20000"],
        ),
        ("mixed", "--keys 10000M", vec!["--keys 10000000000"]),
        (
            "mixed",
            "--mix read=90",
            vec!["--mix read=90", "add up to 90"],
        ),
        (
            "mixed",
            "--mix mars:read=100",
            vec!["--mix mars:read=100", "no region `mars`"],
        ),
        (
            "mixed",
            "--weight us-east-1",
            vec!["--weight us-east-1", "REGION=NUMBER"],
        ),
        (
            "mixed",
            "--key-distribution gauss",
            vec!["gauss", "hotspot"],
        ),
        (
            "mixed",
            "--goal scan.p99<1s",
            vec!["scan", "kinds here: read, update"],
        ),
        (
            "mixed",
            "--goal frob",
            vec!["--goal: goal `frob`", "comparison"],
        ),
        ("mixed", "--region a", vec!["--region a", "NAME=URL"]),
        (
            "mixed",
            "--region a=ftp://127.0.0.1:1",
            vec!["--region a=ftp://", "https://"],
        ),
        (
            "mixed",
            "--region a=http://127.0.0.1:1 --region a=http://127.0.0.1:2",
            vec!["twice"],
        ),
        (
            "mixed",
            "--region a=http://127.0.0.1:1 --rtt-scale 1",
            vec!["--rtt-scale", "cannot be touched"],
        ),
    ] {
        let Err(told) = resolve(name, line) else {
            panic!("accepted: {name} {line}")
        };
        for part in parts {
            assert!(told.contains(part), "{name} {line}: no {part:?} in {told}");
        }
    }
}
