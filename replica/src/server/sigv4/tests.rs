use super::*;

/// The key pair and date of AWS's published test suite.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const DATE: &str = "20150830T123600Z";

type Headers = Vec<(&'static str, String)>;

fn headers(entries: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in entries {
        headers.append(*name, value.parse().expect("a header value"));
    }
    headers
}

fn signature(secret: &str, headers: &HeaderMap, method: &str, query: &str, body: &[u8]) -> String {
    let authorization = authorization(headers).expect("complete");
    let request = Signed {
        method,
        path: "/",
        query,
        headers,
        body,
    };
    let string = string_to_sign(&authorization, &request).expect("host is signed");
    hex(&keyed(&signing_key(secret, &authorization.scope), &string)
        .finalize()
        .into_bytes())
}

#[test]
fn published_vectors_come_out() {
    let vector = |extra: &[(&'static str, &str)], signed: &str, method: &str, query: &str| {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={signed}, Signature=00"
        );
        let mut entries = vec![
            ("host", "example.amazonaws.com"),
            ("x-amz-date", DATE),
            ("authorization", authorization.as_str()),
        ];
        entries.extend_from_slice(extra);
        signature(SECRET, &headers(&entries), method, query, b"")
    };
    assert_eq!(
        vector(&[], "host;x-amz-date", "GET", ""),
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        "get-vanilla"
    );
    assert_eq!(
        vector(&[], "host;x-amz-date", "POST", ""),
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        "post-vanilla"
    );
    assert_eq!(
        vector(&[], "host;x-amz-date", "GET", "Param2=value2&Param1=value1"),
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        "get-vanilla-query-order-key-case"
    );
}

/// A request of AKIDEXAMPLE to eu-west-1's table service; `change` may spoil it before it is signed, `spoil` after.
fn verdict(change: impl Fn(&mut Headers), body: &[u8]) -> Result<(), ApiError> {
    let scope = "20150830/eu-west-1/dynamodb/aws4_request";
    let authorization = |signature: &str| {
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders=host;x-amz-date;x-amz-target, Signature={signature}"
        )
    };
    let mut entries = vec![
        ("host", "localhost:8000".to_owned()),
        ("x-amz-date", DATE.to_owned()),
        ("x-amz-target", "DynamoDB_20120810.ListTables".to_owned()),
        ("authorization", authorization("00")),
    ];
    let borrowed = |entries: &[(&'static str, String)]| {
        let entries: Vec<(&'static str, &str)> = entries
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        headers(&entries)
    };
    let right = signature(SECRET, &borrowed(&entries), "POST", "", b"{}");
    entries[3].1 = authorization(&right);
    change(&mut entries);
    let headers = borrowed(&entries);
    let request = Signed {
        method: "POST",
        path: "/",
        query: "",
        headers: &headers,
        body,
    };
    let credentials = Credentials::parse(&format!("AKIDEXAMPLE:{SECRET}")).expect("a pair");
    let system_ms = timestamp::parse_compact("20150830T124000Z").expect("a date");
    verify(&credentials, &Region::new("eu-west-1"), system_ms, &request)
}

#[test]
fn only_the_right_signature_passes() {
    verdict(|_| {}, b"{}").expect("right");
    let refused = |change: &dyn Fn(&mut Headers), body: &[u8]| {
        let error = verdict(change, body).expect_err("spoilt");
        (error.kind, error.message)
    };
    let mismatch = "The request signature we calculated does not match";
    let (kind, message) = refused(&|_| {}, b"{ }");
    assert_eq!(kind, ErrorKind::InvalidSignature);
    assert!(message.starts_with(mismatch), "{message}");
    let (_, message) = refused(&|entries| entries[2].1.push('x'), b"{}");
    assert!(message.starts_with(mismatch), "{message}");

    let edit = |from: &'static str, to: &'static str| {
        refused(
            &|entries| entries[3].1 = entries[3].1.replace(from, to),
            b"{}",
        )
    };
    assert_eq!(
        edit("AKIDEXAMPLE", "AKIDSTRANGER").0,
        ErrorKind::UnrecognizedClient
    );
    assert_eq!(
        edit("eu-west-1", "c").1,
        "Credential should be scoped to a valid region, not 'c'. "
    );
    assert_eq!(
        edit("dynamodb", "s3").1,
        "Credential should be scoped to correct service: 'dynamodb'. "
    );
    assert!(
        edit("20150830/", "20150829/")
            .1
            .starts_with("Date in Credential scope does not match")
    );
    assert!(
        edit("host;", "")
            .1
            .starts_with("'Host' or ':authority' must be")
    );
    let (_, message) = refused(
        &|entries| entries[1].1 = "20150830T120000Z".to_owned(),
        b"{}",
    );
    assert_eq!(
        message,
        "Signature expired: 20150830T120000Z is now earlier than 20150830T122500Z (20150830T124000Z - 15 min.)"
    );
    let (_, message) = refused(
        &|entries| entries[1].1 = "20150830T130000Z".to_owned(),
        b"{}",
    );
    assert!(message.starts_with("Signature not yet current: 20150830T130000Z is still later than"));
}

#[test]
fn unsigned_and_half_signed_requests_are_told_apart() {
    let presence = |entries: &[(&'static str, &str)]| {
        let error = check_presence(&headers(entries)).expect_err("incomplete");
        (error.kind, error.message)
    };
    let missing = (
        ErrorKind::MissingAuthenticationToken,
        "Request is missing Authentication Token".to_owned(),
    );
    assert_eq!(presence(&[]), missing);
    assert_eq!(presence(&[("authorization", "Basic abc")]), missing);
    assert_eq!(
        presence(&[("authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e")]),
        (
            ErrorKind::IncompleteSignature,
            "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256 Credential=a/b/c/d/e".to_owned()
        )
    );
    let short = "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00";
    let (kind, message) = presence(&[("authorization", short), ("x-amz-date", DATE)]);
    assert_eq!(kind, ErrorKind::IncompleteSignature);
    assert!(message.ends_with("got 'a/b'"), "{message}");
}
