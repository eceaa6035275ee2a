//! Endpoints that somebody else runs: https, credentials, and that nothing stays there.

use std::{fs, net::SocketAddr};

use crate::{
    dateline::{Place, Running, wait_until},
    tls_front::TlsFront,
};

const RUN: &str = "test register --seed 7 --time-limit 4 --rate 60 --concurrency 2 --keys 4";

const SECRET: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "of-the-test"),
];

/// A region that takes signatures of one key only.
fn region(place: &Place) -> (Running, SocketAddr) {
    let running = place.start(
        "replica --region us-east-1 --data-dir region --credentials ASIAEXAMPLE:of-the-test",
    );
    let file = place.path().join("region/address");
    wait_until("the replica listens", || {
        fs::read_to_string(&file).is_ok_and(|text| text.trim().parse::<SocketAddr>().is_ok())
    });
    let text = fs::read_to_string(&file).expect("readable");
    (running, text.trim().parse().expect("an address"))
}

/// What was said, however it was wrapped.
fn said(ended: &crate::dateline::Ended) -> String {
    let all = format!("{} {}", ended.out, ended.err);
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn https_with_a_private_authority_and_temporary_keys_runs_under_client_faults() {
    let place = Place::new();
    let (_replica, address) = region(&place);
    let front = TlsFront::start(address);
    fs::write(place.path().join("ca.pem"), &front.authority).expect("writable");
    let endpoint = format!("us-east-1=https://localhost:{}", front.address.port());
    let line = format!(
        "{RUN} --endpoint {endpoint} --ca ca.pem --faults client-link,slow-clients,connection-storm"
    );
    let token = [&SECRET[..], &[("AWS_SESSION_TOKEN", "t0ken")]].concat();
    let ended = place.run_with(&line, &token);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(!said(&ended).contains("stays in"), "{}", ended.out);
    assert!(ended.out.contains("--ca ca.pem"), "{}", ended.out);
    let timeline = fs::read_to_string(place.latest().join("timeline.jsonl")).expect("readable");
    assert!(timeline.contains("\"client-link\""), "{timeline}");

    let wrong = [SECRET[0], ("AWS_SECRET_ACCESS_KEY", "another")];
    let ended = place.run_with(&line, &wrong);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(
        said(&ended).contains("CreateTable in us-east-1 was refused"),
        "{}",
        said(&ended)
    );
}

#[test]
fn a_certificate_that_is_not_trusted_is_told_and_what_to_do() {
    let place = Place::new();
    let (_replica, address) = region(&place);
    let front = TlsFront::start(address);
    let other = TlsFront::signed_by_itself(address);
    for (name, front) in [("ca.pem", &front), ("own.pem", &other)] {
        fs::write(place.path().join(name), &front.authority).expect("writable");
    }
    let port = front.address.port();
    let plain = address.port();
    for (rest, part) in [
        (
            format!("https://localhost:{port} --ca own.pem"),
            "comes from an authority that is not trusted here",
        ),
        (
            format!("https://127.0.0.1:{port} --ca ca.pem"),
            "its certificate is not for 127.0.0.1 but for",
        ),
        (
            format!("https://localhost:{plain} --ca ca.pem"),
            "should the endpoint be http://?",
        ),
        (
            format!("http://localhost:{port}"),
            "CreateTable in us-east-1: no answer",
        ),
    ] {
        let ended = place.run_with(&format!("{RUN} --endpoint us-east-1={rest}"), &SECRET);
        assert_eq!(ended.code, 3, "{rest}: {}{}", ended.out, ended.err);
        assert!(said(&ended).contains(part), "{rest}: {}", said(&ended));
    }
    // A certificate that signs itself needs no authority once it is named itself; a load takes it, too.
    let own = other.address.port();
    let line = format!(
        "load run mixed --rate 50 --for 1s --warm-up 0s --keys 10 --region us-east-1=https://localhost:{own} --ca own.pem --goal errors<1%"
    );
    let ended = place.run_with(&line, &SECRET);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
}

#[test]
fn what_https_cannot_have_is_refused_before_anything_begins() {
    let place = Place::new();
    fs::write(place.path().join("empty.pem"), "").expect("writable");
    for (line, parts) in [
        (
            "--endpoint a=https://localhost:9 --ca empty.pem",
            ["--ca empty.pem", "no certificate is in it"],
        ),
        (
            "--endpoint a=http://localhost:9 --ca empty.pem",
            ["--ca: no endpoint is https://", "leave it out"],
        ),
        ("--ca empty.pem", ["--ca: the target local", "leave it out"]),
    ] {
        let ended = place.run(&format!("{RUN} {line}"));
        assert_eq!(ended.code, 64, "{line}: {}{}", ended.out, ended.err);
        for part in parts {
            assert!(ended.err.contains(part), "{line}: {}", ended.err);
        }
    }
    let front = TlsFront::start("127.0.0.1:9".parse().expect("an address"));
    fs::write(place.path().join("ca.pem"), &front.authority).expect("writable");
    let line = format!("{RUN} --endpoint a=https://localhost:9 --ca ca.pem --faults lost-replies");
    let ended = place.run(&line);
    assert_eq!(ended.code, 64, "{}{}", ended.out, ended.err);
    for part in ["TLS's own", "possible there: client-link, slow-clients"] {
        assert!(ended.err.contains(part), "{}", ended.err);
    }
}
