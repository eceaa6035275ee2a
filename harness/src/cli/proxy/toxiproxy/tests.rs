use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener as PlainListener, TcpStream},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::*;

/// The API on a runtime of its own, and a server that answers every byte with itself.
struct Scene {
    api: SocketAddr,
    echo: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Scene {
    fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind(any))
            .expect("a port");
        let api = listener.local_addr().expect("an address");
        let proxies = Proxies::new(1, runtime.handle().clone());
        runtime.spawn(serve(listener, proxies));
        let plain = PlainListener::bind(any).expect("a port");
        let echo = plain.local_addr().expect("an address");
        std::thread::spawn(move || {
            for stream in plain.incoming().map_while(Result::ok) {
                std::thread::spawn(move || {
                    let mut copy = stream.try_clone().expect("a descriptor");
                    std::io::copy(&mut &stream, &mut copy).ok();
                });
            }
        });
        Self {
            api,
            echo,
            _runtime: runtime,
        }
    }

    /// One request: the status and the JSON.
    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut stream = TcpStream::connect(self.api).expect("it listens");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head
            .split(' ')
            .nth(1)
            .expect("a status")
            .parse()
            .expect("a number");
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// A proxy to the echo, and where it listens.
    fn proxy(&self, name: &str) -> SocketAddr {
        let wish = json!({ "name": name, "upstream": self.echo.to_string() });
        let (status, made) = self.ask("POST", "/proxies", &wish);
        assert_eq!(status, 201, "{made}");
        made["listen"]
            .as_str()
            .expect("text")
            .parse()
            .expect("an address")
    }
}

/// How long one byte takes there and back; `None` when it does not come back.
fn ping(address: SocketAddr) -> Option<Duration> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(2)))
        .expect("a limit");
    let begun = Instant::now();
    stream.write_all(b"x").ok()?;
    stream.read_exact(&mut [0]).ok()?;
    Some(begun.elapsed())
}

#[test]
fn a_proxy_is_made_shown_disabled_enabled_moved_and_deleted() {
    let scene = Scene::open();
    let address = scene.proxy("db");
    assert!(ping(address).is_some());
    let (_, all) = scene.ask("GET", "/proxies", &Value::Null);
    assert_eq!(all["db"]["listen"], address.to_string());
    assert_eq!(
        (&all["db"]["enabled"], &all["db"]["toxics"]),
        (&json!(true), &json!([]))
    );
    let (status, off) = scene.ask("POST", "/proxies/db", &json!({ "enabled": false }));
    assert_eq!((status, &off["enabled"]), (200, &json!(false)));
    assert!(ping(address).is_none(), "nobody listens");
    scene.ask("PATCH", "/proxies/db", &json!({ "enabled": true }));
    assert!(ping(address).is_some(), "the same port again");
    let (_, moved) = scene.ask("POST", "/proxies/db", &json!({ "listen": "127.0.0.1:0" }));
    assert_ne!(moved["listen"], address.to_string());
    assert_eq!(scene.ask("DELETE", "/proxies/db", &Value::Null).0, 204);
    assert_eq!(scene.ask("GET", "/proxies/db", &Value::Null).0, 404);
}

#[test]
fn toxics_hold_change_and_go() {
    let scene = Scene::open();
    let address = scene.proxy("db");
    let slow = json!({ "type": "latency", "attributes": { "latency": 150 } });
    let (status, made) = scene.ask("POST", "/proxies/db/toxics", &slow);
    assert_eq!(status, 200, "{made}");
    let expected = json!({ "name": "latency_downstream", "type": "latency", "stream": "downstream",
        "toxicity": 1.0, "attributes": { "latency": 150, "jitter": 0 } });
    assert_eq!(made, expected);
    assert!(ping(address).is_some_and(|took| took >= Duration::from_millis(150)));
    let path = "/proxies/db/toxics/latency_downstream";
    let less = json!({ "attributes": { "latency": 1 } });
    assert_eq!(scene.ask("POST", path, &less).1["attributes"]["latency"], 1);
    assert!(ping(address).is_some_and(|took| took < Duration::from_millis(150)));
    assert_eq!(scene.ask("GET", path, &Value::Null).0, 200);
    assert_eq!(scene.ask("DELETE", path, &Value::Null).0, 204);
    assert_eq!(scene.ask("GET", path, &Value::Null).0, 404);
}

#[test]
fn every_type_of_toxic_does_what_it_says() {
    let scene = Scene::open();
    let address = scene.proxy("db");
    let add = |kind: &str, attributes: Value| {
        let wish = json!({ "name": "t", "type": kind, "attributes": attributes });
        let (status, made) = scene.ask("POST", "/proxies/db/toxics", &wish);
        assert_eq!(status, 200, "{made}");
    };
    let take_away = || {
        assert_eq!(
            scene.ask("DELETE", "/proxies/db/toxics/t", &Value::Null).0,
            204
        )
    };
    // Whether the connection ended, and how, after sending a kilobyte and reading what came.
    let talk = || {
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(2)))
            .expect("a limit");
        let begun = Instant::now();
        stream.write_all(&[7; 1000]).expect("it reads");
        let mut read = Vec::new();
        let mut piece = [0; 1000];
        let end = loop {
            match stream.read(&mut piece) {
                Ok(0) => break "closed",
                Ok(count) => read.extend_from_slice(&piece[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break "reset",
                Err(_) => break "open",
            }
            if read.len() == 1000 {
                break "whole";
            }
        };
        (end, read.len(), begun.elapsed().as_millis())
    };
    assert_eq!(talk().0, "whole");
    add("timeout", json!({ "timeout": 100 }));
    let (end, count, took_ms) = talk();
    assert_eq!((end, count), ("closed", 0));
    assert!(took_ms >= 100);
    take_away();
    add("reset_peer", json!({ "timeout": 50 }));
    assert_eq!((talk().0, talk().1), ("reset", 0));
    take_away();
    add("limit_data", json!({ "bytes": 300 }));
    let (end, count, _) = talk();
    assert_eq!((end, count), ("closed", 300));
    take_away();
    add(
        "slicer",
        json!({ "average_size": 100, "size_variation": 10, "delay": 20_000 }),
    );
    let (end, _, took_ms) = talk();
    assert!(end == "whole" && took_ms >= 160, "{end} after {took_ms} ms");
    take_away();
    add("bandwidth", json!({ "rate": 5 }));
    let (end, _, took_ms) = talk();
    assert!(end == "whole" && took_ms >= 100, "{end} after {took_ms} ms");
    take_away();
    add("slow_close", json!({ "delay": 200 }));
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(b"x").expect("it reads");
    stream
        .shutdown(std::net::Shutdown::Write)
        .expect("it is open");
    let begun = Instant::now();
    stream.read_to_end(&mut Vec::new()).expect("it ends");
    assert!(begun.elapsed() >= Duration::from_millis(200));
    take_away();
    assert_eq!(talk().0, "whole");
}

#[test]
fn a_share_of_connections_is_poisoned() {
    let scene = Scene::open();
    let address = scene.proxy("db");
    let wish = json!({ "type": "limit_data", "toxicity": 0.5, "attributes": { "bytes": 0 } });
    assert_eq!(
        scene.ask("POST", "/proxies/db/toxics", &wish).1["toxicity"],
        0.5
    );
    let passed = (0..40).filter(|_| ping(address).is_some()).count();
    assert!((5..=35).contains(&passed), "{passed} of 40");
}

#[test]
fn populate_and_reset_bring_a_known_state() {
    let scene = Scene::open();
    let upstream = scene.echo.to_string();
    let wish = json!([{ "name": "a", "upstream": upstream }, { "name": "b", "upstream": upstream, "enabled": false }]);
    let (status, made) = scene.ask("POST", "/populate", &wish);
    assert_eq!(
        (status, made["proxies"].as_array().map(Vec::len)),
        (201, Some(2))
    );
    let slow = json!({ "type": "latency", "stream": "upstream" });
    assert_eq!(
        scene.ask("POST", "/proxies/b/toxics", &slow).1["stream"],
        "upstream"
    );
    assert_eq!(scene.ask("POST", "/reset", &Value::Null).0, 204);
    let (_, all) = scene.ask("GET", "/proxies", &Value::Null);
    assert_eq!(
        (&all["b"]["enabled"], &all["b"]["toxics"]),
        (&json!(true), &json!([]))
    );
    let (_, version) = scene.ask("GET", "/version", &Value::Null);
    assert!(
        version["version"]
            .as_str()
            .is_some_and(|text| text.starts_with("2.9.0"))
    );
}

#[test]
fn what_cannot_be_is_refused_as_toxiproxy_does() {
    let scene = Scene::open();
    scene.proxy("db");
    let upstream = scene.echo.to_string();
    for (method, path, body, status, part) in [
        (
            "POST",
            "/proxies",
            json!({ "upstream": upstream }),
            400,
            "missing required field: name",
        ),
        (
            "POST",
            "/proxies",
            json!({ "name": "x" }),
            400,
            "missing required field: upstream",
        ),
        (
            "POST",
            "/proxies",
            json!({ "name": "db", "upstream": upstream }),
            409,
            "proxy already exists",
        ),
        (
            "POST",
            "/proxies",
            json!({ "name": "x", "upstream": "nowhere" }),
            400,
            "no HOST:PORT",
        ),
        (
            "POST",
            "/proxies/db/toxics",
            json!({ "type": "venom" }),
            400,
            "invalid toxic type",
        ),
        (
            "POST",
            "/proxies/db/toxics",
            json!({ "type": "latency", "stream": "up" }),
            400,
            "stream was invalid",
        ),
        (
            "POST",
            "/proxies/db/toxics",
            json!({ "type": "latency", "attributes": { "latency": -1 } }),
            400,
            "not a whole number",
        ),
        (
            "POST",
            "/proxies/no/toxics",
            json!({ "type": "latency" }),
            404,
            "proxy not found",
        ),
        (
            "DELETE",
            "/proxies/db/toxics/no",
            Value::Null,
            404,
            "toxic not found",
        ),
        ("POST", "/proxies", json!("db"), 400, "bad request body"),
        ("PUT", "/venom", Value::Null, 404, "there is no PUT /venom"),
    ] {
        let (answered, error) = scene.ask(method, path, &body);
        assert_eq!(answered, status, "{method} {path} {body}: {error}");
        assert!(
            error["error"]
                .as_str()
                .is_some_and(|text| text.contains(part)),
            "{error}"
        );
    }
}
