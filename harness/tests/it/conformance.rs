//! The conformance suite against our replicas, in all three arms.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    dateline::{Place, Running},
    endpoints::tables,
    lag,
    tls_front::TlsFront,
};

#[test]
fn replicas_as_processes_answer_as_documented() {
    let ended = Place::new().run("conformance");
    assert_eq!(ended.code, 0, "{}", ended.out);
    assert!(ended.out.contains(" 0 failed"), "{}", ended.out);
}

#[test]
fn the_simulation_plays_every_case() {
    let ended = Place::new().run("conformance --arm simulation");
    assert_eq!(ended.code, 0, "{}", ended.out);
    assert!(ended.out.contains(" 0 failed, 0 skipped"), "{}", ended.out);
}

const REGIONS: [&str; 3] = ["ap-southeast-1", "us-east-1", "eu-west-1"];

/// Three regions that know each other and that somebody else runs.
struct Elsewhere {
    place: Place,
    addresses: [SocketAddr; 3],
    _replicas: [Running; 3],
}

impl Elsewhere {
    fn start() -> Self {
        let place = Place::new();
        let (replicas, urls) = lag::replicas(&place, REGIONS);
        let address = |url: String| url.trim_start_matches("http://").parse();
        Self {
            place,
            addresses: urls.map(|url| address(url).expect("an address")),
            _replicas: replicas,
        }
    }

    fn flags(&self, url: impl Fn(usize) -> String) -> String {
        let endpoint = |own: usize| format!(" --endpoint {}={}", REGIONS[own], url(own));
        (0..REGIONS.len()).map(endpoint).collect()
    }

    /// No case has left anything.
    fn assert_empty(&self) {
        for address in self.addresses {
            assert!(!tables(address).contains("case-"), "{}", tables(address));
        }
    }
}

#[test]
fn regions_elsewhere_are_asked_over_https_and_nothing_stays_there() {
    let elsewhere = Elsewhere::start();
    let fronts = elsewhere.addresses.map(TlsFront::start);
    let authorities: String = fronts.iter().map(|one| one.authority.as_str()).collect();
    let place = &elsewhere.place;
    fs::write(place.path().join("ca.pem"), authorities).expect("writable");
    let flags = elsewhere.flags(|own| format!("https://localhost:{}", fronts[own].address.port()));
    let ended = place.run(&format!("conformance --only replica --ca ca.pem {flags}"));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let told = ended.out.matches("passed   ").count();
    assert!(told > 10, "{}", ended.out);
    assert!(!ended.out.contains("LEFT"), "{}", ended.out);
    elsewhere.assert_empty();
}

#[test]
fn a_stop_ends_the_case_and_its_table() {
    let elsewhere = Elsewhere::start();
    let flags = elsewhere.flags(|own| format!("http://{}", elsewhere.addresses[own]));
    let mut child = elsewhere.place.start(&format!("conformance {flags}"));
    let mut told = BufReader::new(child.stdout.take().expect("piped"));
    let mut first = String::new();
    told.read_line(&mut first).expect("a line");
    assert!(first.starts_with("passed   "), "{first}");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("process numbers fit"));
    kill(pid, Signal::SIGINT).expect("it runs");
    let mut rest = String::new();
    told.read_to_string(&mut rest).expect("text");
    assert!(rest.contains("stopped by Ctrl-C after"), "{rest}");
    assert_eq!(child.wait().expect("it ends").code(), Some(2), "{rest}");
    elsewhere.assert_empty();
}

#[test]
fn regions_that_nobody_serves_are_told_before_anything_is_asked() {
    let nobody = "--endpoint a=http://127.0.0.1:9 --endpoint b=http://127.0.0.1:9 --endpoint c=http://127.0.0.1:9";
    for (line, code, part) in [
        (
            format!("conformance --only unknown {nobody}"),
            3,
            "--endpoint a=http://127.0.0.1:9: it cannot be reached",
        ),
        (
            "conformance --endpoint a=127.0.0.1:9 --endpoint b=x --endpoint c=y".to_owned(),
            64,
            "write NAME=URL, such as",
        ),
        (
            "conformance --endpoint a=http://127.0.0.1:9".to_owned(),
            64,
            "name 3 regions; 1 given",
        ),
    ] {
        let ended = Place::new().run(&line);
        assert_eq!(ended.code, code, "{line}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains(part), "{line}: {}", ended.err);
    }
}
