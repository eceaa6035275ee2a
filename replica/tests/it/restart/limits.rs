//! What strangers and floods get.

use serde_json::json;

use super::process::{Home, wait_for};

#[test]
fn bodies_and_connections_have_limits() {
    let home = Home::new("--connections-max 2");
    let process = home.start();
    let mut first = process.client();
    let answer = first
        .post(
            "/",
            "x-amz-target: DynamoDB_20120810.PutItem\r\n",
            &vec![b' '; (16 << 20) + 1],
        )
        .map(|answer| answer.status);
    // The server answers without reading the body, so that the connection may break before we have read the answer.
    assert!(matches!(answer, Ok(413) | Err(_)), "{answer:?}");

    let mut kept = [process.client(), process.client()];
    for client in &mut kept {
        client.get("/").expect("within the limit");
    }
    let mut third = process.client();
    third.get("/").expect_err("one too many");
    let [mut one, other] = kept;
    drop(other);
    wait_for("room for another", || process.client().get("/").ok());
    one.get("/").expect("still served");
}

#[test]
fn unsigned_requests_are_refused() {
    let process = Home::new("").start();
    let headers = "content-type: application/x-amz-json-1.0\r\nx-amz-target: DynamoDB_20120810.ListTables\r\n";
    let answer = process
        .client()
        .post("/", headers, b"{}")
        .expect("it answers");
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.header("content-type"),
        Some("application/x-amz-json-1.0")
    );
    assert_eq!(answer.header("x-amzn-requestid").map(str::len), Some(52));
    let crc: u32 = answer
        .header("x-amz-crc32")
        .and_then(|crc| crc.parse().ok())
        .expect("a number");
    assert_eq!(crc, crc32fast::hash(&answer.body));
    let (name, text) = answer.refusal();
    assert_eq!(name, "MissingAuthenticationTokenException");
    assert_eq!(text, "Request is missing Authentication Token");
}

#[test]
fn with_credentials_any_signature_will_not_do() {
    let process = Home::new("--credentials someone:something").start();
    let (name, _) = process
        .client()
        .call("ListTables", &json!({}))
        .expect("it answers")
        .refusal();
    assert_eq!(name, "InvalidSignatureException");
}

#[test]
fn strangers_are_no_peers() {
    let home = Home::new("");
    let key = home.path().with_extension("key");
    std::fs::write(&key, "a key that all regions share").expect("writable");
    let home = Home::new(&format!("--peer-key-file {}", key.display()));
    let process = home.start();
    let answer = process
        .client()
        .post("/_dateline/peer", "", b"hello")
        .expect("it answers");
    assert_eq!(answer.status, 403, "{}", answer.text());
}
