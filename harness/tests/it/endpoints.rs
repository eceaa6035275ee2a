//! Endpoints that somebody else runs: https, credentials, and that nothing stays there.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    dateline::{Ended, Place, Running, wait_until},
    lag,
    tls_front::TlsFront,
};

const RUN: &str = "test register --seed 7 --time-limit 4 --rate 60 --concurrency 2 --keys 4";

const SECRET: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "of-the-test"),
];

/// A region that takes signatures of one key only.
fn region(place: &Place) -> (Running, SocketAddr) {
    replica(place, "us-east-1 --credentials ASIAEXAMPLE:of-the-test")
}

/// A region called so, with these options.
fn replica(place: &Place, named: &str) -> (Running, SocketAddr) {
    let running = place.start(&format!("replica --data-dir region --region {named}"));
    let file = place.path().join("region/address");
    wait_until("the replica listens", || {
        fs::read_to_string(&file).is_ok_and(|text| text.trim().parse::<SocketAddr>().is_ok())
    });
    let text = fs::read_to_string(&file).expect("readable");
    (running, text.trim().parse().expect("an address"))
}

/// What a region that takes any signature says that it has.
pub(crate) fn tables(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: DynamoDB_20120810.ListTables\r\n\
        content-type: application/x-amz-json-1.0\r\nauthorization: AWS4-HMAC-SHA256 \
        Credential=x/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=x\r\nx-amz-date: 20260101T000000Z\r\n\
        content-length: 2\r\nconnection: close\r\n\r\n{}";
    stream.write_all(request.as_bytes()).expect("writable");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let body = answer.split("\r\n\r\n").nth(1).expect("a body");
    assert!(body.contains("TableNames"), "{answer}");
    body.to_owned()
}

/// What was said, however it was wrapped.
fn said(ended: &Ended) -> String {
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
    // Keys that last three seconds, of a run that lasts longer.
    let config = "[profile short]\n\
        credential_process = echo >>asked; date -u -d '+3 seconds' '+{\"Version\": 1, \"AccessKeyId\": \"ASIAEXAMPLE\", \
        \"SecretAccessKey\": \"of-the-test\", \"SessionToken\": \"t0ken\", \"Expiration\": \"%FT%TZ\"}'\n";
    fs::write(place.path().join("config"), config).expect("writable");
    let profile = [("AWS_CONFIG_FILE", "config"), ("AWS_PROFILE", "short")];
    let ended = place.run_with(&line, &profile);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(!said(&ended).contains("stays in"), "{}", ended.out);
    assert!(ended.out.contains("--ca ca.pem"), "{}", ended.out);
    let timeline = fs::read_to_string(place.latest().join("timeline.jsonl")).expect("readable");
    assert!(timeline.contains("\"client-link\""), "{timeline}");
    let asked = fs::read_to_string(place.path().join("asked")).expect("it was asked");
    assert!(
        asked.lines().count() > 1,
        "the keys were renewed while the run went on"
    );

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

#[test]
fn a_provider_breaks_its_region_and_heals_it_again() {
    let place = Place::new();
    let (_replica, address) = replica(&place, "us-east-1");
    let endpoint = format!("--endpoint us-east-1=http://{address}");
    let hook = place.path().join("hook.sh");
    fs::write(&hook, "#!/bin/sh\necho \"$@\" >>hooked\n").expect("writable");
    let mut command = place.command(&format!("{RUN} {endpoint} --faults provider"));
    let command = command.args(["--fault-hook", "sh ./hook.sh"]);
    let ended = Ended::of(command.output().expect("the binary starts"));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(
        said(&ended).contains("--fault-hook 'sh ./hook.sh'"),
        "{}",
        ended.out
    );
    let hooked = fs::read_to_string(place.path().join("hooked")).expect("it was run");
    let words: Vec<&str> = hooked.lines().collect();
    assert!(words.len() >= 2, "{hooked}");
    for pair in words.chunks(2) {
        assert_eq!(pair, ["begin us-east-1", "end us-east-1"], "{hooked}");
    }
    let timeline = fs::read_to_string(place.latest().join("timeline.jsonl")).expect("readable");
    let provider = timeline
        .lines()
        .filter(|line| line.contains("\"provider\""));
    assert!(
        provider.clone().all(|line| line.contains("\"installed\"")),
        "{timeline}"
    );
    assert_eq!(provider.count(), words.len(), "{timeline}");

    let ended = place.run(&format!("{RUN} {endpoint} --faults provider"));
    assert_eq!(ended.code, 64, "{}", ended.out);
    assert!(
        said(&ended).contains("give --fault-hook COMMAND"),
        "{}",
        said(&ended)
    );
}

#[test]
fn no_table_stays_however_a_run_ends() {
    let place = Place::new();
    let (_replica, address) = replica(&place, "us-east-1");
    let one = format!("--endpoint us-east-1=http://{address} --faults none");
    let long = format!("{RUN} {one}").replace("--time-limit 4", "--time-limit 600");
    let child = place.start(&long);
    place.wait_for_history(200);
    assert!(tables(address).contains("dateline-"), "{}", tables(address));
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("process numbers fit"));
    kill(pid, Signal::SIGINT).expect("it runs");
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert!(ended.out.contains("stopped by Ctrl-C"), "{}", ended.out);
    assert!(
        !tables(address).contains("dateline-"),
        "{}",
        tables(address)
    );

    // A replica in a region that this one has never heard of cannot be made.
    let elsewhere = Place::new();
    let (_other, unjoined) = replica(&elsewhere, "eu-west-1");
    let ended = place.run(&format!(
        "{RUN} {one} --endpoint eu-west-1=http://{unjoined}"
    ));
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    let refusal = "UpdateTable in us-east-1 was refused";
    assert!(said(&ended).contains(refusal), "{}", said(&ended));
    assert!(
        !tables(address).contains("dateline-"),
        "{}",
        tables(address)
    );

    // Both names lead to one store here, which is what a store that replicates by itself looks like at its best.
    let same = format!("{one} --endpoint eu-west-1=http://{address} --global-tables by-itself");
    let ended = place.run(&format!(
        "{RUN} {same} --cost-budget 0.0004 --settle-limit 1"
    ));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(
        said(&ended).contains("budget of operations is spent"),
        "{}",
        said(&ended)
    );
    assert!(
        !tables(address).contains("dateline-"),
        "{}",
        tables(address)
    );
}

#[test]
fn a_global_table_is_made_with_its_replicas_and_removed_everywhere() {
    let place = Place::new();
    let (_replicas, urls) = lag::replicas(&place, lag::REGIONS);
    let endpoint = |own: usize| format!("--endpoint {}={}", lag::REGIONS[own], urls[own]);
    let both = format!("{} {} --tag team=storage", endpoint(0), endpoint(1));
    let ended = place.run(&format!("{RUN} {both} --settle-limit 2"));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    for url in urls {
        let address = url
            .trim_start_matches("http://")
            .parse()
            .expect("an address");
        assert!(
            !tables(address).contains("dateline-"),
            "{}",
            tables(address)
        );
    }
    let log = fs::read_to_string(place.latest().join("logs/harness.log"));
    assert!(log.is_ok_and(|log| log.contains("making the table")));
}
