//! The gateway between real sockets: a client below, regions above.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use super::*;
use crate::target::Ports;

const PATIENCE: Duration = Duration::from_secs(10);

/// More than any socket or server keeps of what nobody reads.
const LARGE_BYTES: usize = 10_000_000;

/// A gateway before two regions that answer with their name and what they were asked.
fn gateway() -> (SocketAddr, tokio::runtime::Runtime) {
    let routes: Vec<Route> = ["us-east-1", "eu-west-1"]
        .map(|name| Route {
            region: name.to_owned(),
            address: region(name),
        })
        .to_vec();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let gateway = runtime.block_on(Gateway::bind(any, &routes)).unwrap();
    let address = gateway.address().unwrap();
    runtime.spawn(gateway.serve());
    (address, runtime)
}

/// A region that answers two requests on one connection, then closes it, again and again.
fn region(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            for close in ["", "connection: close\r\n"] {
                let Some((head, body)) = read_message(&mut stream) else {
                    break;
                };
                let line = head.lines().next().unwrap_or_default();
                let text = format!("{name} {line} {}", body.len());
                let length = text.len();
                let head = format!("HTTP/1.1 200 OK\r\n{close}content-length: {length}");
                write!(stream, "{head}\r\n\r\n{text}").unwrap();
            }
        }
    });
    address
}

fn read_message(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        })
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Some((head, body))
}

fn ask(stream: &mut TcpStream, authorization: &str, body: &[u8]) -> (u16, String) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST / HTTP/1.1\r\nhost: x\r\n{authorization}content-length: {length}\r\n\r\n"
    )
    .unwrap();
    stream.write_all(body).unwrap();
    let (head, body) = read_message(stream).expect("an answer");
    (
        head[9..12].parse().unwrap(),
        String::from_utf8(body).unwrap(),
    )
}

fn signed(region: &str) -> String {
    format!(
        "authorization: AWS4-HMAC-SHA256 Credential=any/20250101/{region}/dynamodb/aws4_request, SignedHeaders=host, Signature=0\r\n"
    )
}

#[test]
fn each_request_of_a_connection_goes_to_the_region_it_is_signed_for() {
    let (address, _runtime) = gateway();
    let mut client = TcpStream::connect(address).unwrap();
    let large = vec![b'x'; LARGE_BYTES];
    for (region, body) in [
        ("us-east-1", b"{}".as_slice()),
        ("eu-west-1", &large),
        ("us-east-1", b"{}"),
        ("us-east-1", b""),
        ("eu-west-1", b"{}"),
    ] {
        let (status, text) = ask(&mut client, &signed(region), body);
        assert_eq!(
            (status, text),
            (200, format!("{region} POST / HTTP/1.1 {}", body.len()))
        );
    }
}

#[test]
fn a_request_for_nowhere_is_told_where_it_could_go() {
    let (address, _runtime) = gateway();
    let mut client = TcpStream::connect(address).unwrap();
    // The connection serves on after each, although nothing wants what was sent.
    let large = vec![b'x'; LARGE_BYTES];
    for (authorization, kind) in [
        (String::new(), "MissingAuthenticationTokenException"),
        (
            "authorization: AWS4-HMAC-SHA256 Credential=x\r\n".to_owned(),
            "IncompleteSignatureException",
        ),
        (signed("mars-1"), "ValidationException"),
    ] {
        let (status, text) = ask(&mut client, &authorization, &large);
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(status, 400, "{text}");
        assert!(answer["__type"].as_str().unwrap().ends_with(kind), "{text}");
        assert!(
            answer["message"]
                .as_str()
                .unwrap()
                .contains("us-east-1, eu-west-1"),
            "{text}"
        );
    }
}

#[test]
fn a_region_that_is_down_is_named() {
    let ports = Ports::find(1).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let route = Route {
        region: "us-east-1".to_owned(),
        address: ports.addresses()[0],
    };
    let gateway = runtime.block_on(Gateway::bind(any, &[route])).unwrap();
    let mut client = TcpStream::connect(gateway.address().unwrap()).unwrap();
    runtime.spawn(gateway.serve());
    let large = vec![b'x'; LARGE_BYTES];
    for body in [b"{}".as_slice(), &large, b"{}"] {
        let (status, text) = ask(&mut client, &signed("us-east-1"), body);
        assert!(
            status == 503 && text.contains("us-east-1 cannot be reached"),
            "{status} {text}"
        );
    }
}
