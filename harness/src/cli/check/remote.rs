//! `check s3://BUCKET/KEY`: a history that lies in an object store which speaks S3, brought into a temporary file piece by piece.
//!
//! Endpoint, region and credentials are those that the AWS tools read from the environment (`AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, …), so what
//! works for them works here. Every piece is asked for with the object's ETag: one that is written anew meanwhile is refused, not mixed. A share brings the
//! whole object, because keys are not in order in it. Absent: writing to a store, and stores that do not speak S3.

use std::{io::Write as _, path::Path, time::Duration};

use object_store::{
    GetOptions, GetRange, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    path::Path as ObjectPath,
};
use tempfile::NamedTempFile;

/// How addresses begin.
const SCHEME: &str = "s3://";

/// How much is asked for at a time.
const PIECE_BYTES: u64 = 8 << 20;

/// How long a store that does not answer is asked again.
const RETRIES: RetryConfig = RetryConfig {
    max_retries: 4,
    retry_timeout: Duration::from_secs(30),
    backoff: object_store::BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(5),
        base: 2.0,
    },
};

/// Why there is no history from there.
#[derive(Debug, thiserror::Error)]
pub(super) enum RemoteError {
    #[error("write s3://BUCKET/KEY")]
    Address,
    #[error(
        "{0}; look at AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_SKIP_SIGNATURE=true: without credentials)"
    )]
    Store(#[from] object_store::Error),
    #[error("it cannot be put aside in a temporary file: {0}")]
    Write(#[from] std::io::Error),
}

/// The address, if this is not a path of this machine.
pub(super) fn address(history: &Path) -> Option<&str> {
    history.to_str().filter(|path| path.starts_with(SCHEME))
}

/// Brings the object here.
pub(super) fn fetch(address: &str) -> Result<NamedTempFile, RemoteError> {
    fetch_by(AmazonS3Builder::from_env(), address)
}

fn fetch_by(store: AmazonS3Builder, address: &str) -> Result<NamedTempFile, RemoteError> {
    let named = address
        .strip_prefix(SCHEME)
        .and_then(|rest| rest.split_once('/'));
    let (bucket, key) = named
        .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
        .ok_or(RemoteError::Address)?;
    let endpoint = store.get_config_value(&AmazonS3ConfigKey::Endpoint);
    let is_plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    let store = store.with_bucket_name(bucket).with_retry(RETRIES);
    // Who names an endpoint without TLS means it.
    let store = if is_plain {
        store.with_allow_http(true)
    } else {
        store
    };
    let store = store.build()?;
    let key = ObjectPath::parse(key).map_err(object_store::Error::from)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(bring(&store, &key))
}

async fn bring(store: &dyn ObjectStore, key: &ObjectPath) -> Result<NamedTempFile, RemoteError> {
    let object = store
        .get_opts(
            key,
            GetOptions {
                head: true,
                ..GetOptions::default()
            },
        )
        .await?
        .meta;
    let mut file = NamedTempFile::new()?;
    let mut at = 0;
    while at < object.size {
        let end = object.size.min(at + PIECE_BYTES);
        let piece = GetOptions {
            range: Some(GetRange::Bounded(at..end)),
            if_match: object.e_tag.clone(),
            ..GetOptions::default()
        };
        let bytes = store.get_opts(key, piece).await?.bytes().await?;
        assert_eq!(
            u64::try_from(bytes.len()),
            Ok(end - at),
            "the store's client checks what it was given"
        );
        file.write_all(&bytes)?;
        at = end;
    }
    file.flush()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader},
        net::{Ipv4Addr, TcpListener, TcpStream},
        thread,
    };

    use super::*;

    const ETAG: &str = "\"one\"";

    /// Answers requests for one object until the test ends; returns its address.
    fn serve(object: Vec<u8>) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it listens");
        thread::spawn(move || {
            for stream in listener.incoming() {
                let object = object.clone();
                thread::spawn(move || answer(&stream.expect("a client"), &object));
            }
        });
        format!("http://{address}")
    }

    /// Ranged GET and HEAD of `/bucket/runs/history.jsonl`, 404 for anything else.
    fn answer(mut stream: &TcpStream, object: &[u8]) {
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        while let Some(request) = lines.next() {
            let headers: Vec<String> = lines
                .by_ref()
                .take_while(|line| !line.is_empty())
                .map(|line| line.to_ascii_lowercase())
                .collect();
            let value = |name: &str| headers.iter().find_map(|line| line.strip_prefix(name));
            let is_there = request.contains(" /bucket/runs/history.jsonl ");
            let range = value("range: bytes=").and_then(|range| {
                let (from, to) = range.split_once('-')?;
                Some((from.parse::<usize>().ok()?, to.parse::<usize>().ok()?))
            });
            let (status, extra, body) = match (is_there, range) {
                (false, _) => ("404 Not Found", String::new(), &b""[..]),
                (true, None) => ("200 OK", String::new(), object),
                (true, Some((from, to))) => {
                    assert_eq!(value("if-match: "), Some(ETAG));
                    let told = format!("Content-Range: bytes {from}-{to}/{}\r\n", object.len());
                    ("206 Partial Content", told, &object[from..=to])
                }
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: {ETAG}\r\nLast-Modified: Sun, 22 Nov 2026 00:00:00 GMT\r\n{extra}\r\n",
                body.len()
            );
            let body = if request.starts_with("HEAD") {
                b""
            } else {
                body
            };
            let sent = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(body));
            if sent.is_err() {
                return;
            }
        }
    }

    fn store(endpoint: &str) -> AmazonS3Builder {
        AmazonS3Builder::new()
            .with_endpoint(endpoint)
            .with_region("us-east-1")
            .with_access_key_id("id")
            .with_secret_access_key("secret")
    }

    #[test]
    fn an_object_is_brought_in_pieces() {
        let bytes = usize::try_from(PIECE_BYTES).expect("it fits") + 5;
        let object: Vec<u8> = (0..=u8::MAX).cycle().take(bytes).collect();
        let endpoint = serve(object.clone());
        let file = fetch_by(store(&endpoint), "s3://bucket/runs/history.jsonl");
        let file = file.expect("it is there");
        assert!(std::fs::read(file.path()).expect("readable") == object);
    }

    #[test]
    fn what_is_not_there_is_told_with_what_to_look_at() {
        let endpoint = serve(Vec::new());
        let told = |address: &str| {
            let error = fetch_by(store(&endpoint), address).err();
            error.expect("it is refused").to_string()
        };
        let missing = told("s3://bucket/other");
        assert!(missing.contains("other"), "{missing}");
        assert!(missing.contains("AWS_ENDPOINT_URL"), "{missing}");
        assert_eq!(told("s3://bucket"), "write s3://BUCKET/KEY");
        assert_eq!(told("s3:///key"), "write s3://BUCKET/KEY");
    }

    #[test]
    fn only_addresses_are_taken_for_them() {
        assert_eq!(address(Path::new("s3://a/b")), Some("s3://a/b"));
        assert_eq!(address(Path::new("s3/a/b")), None);
    }
}
