//! Signature Version 4, client side: AWS refuses requests without it, and gateways route by the region in its credential scope.
//!
//! Source: AWS General Reference, "Create a signed AWS API request". The signing key depends on the day and the region only, so
//! it is derived once a day, and again when the credentials have been renewed. What the requests of one second begin with is
//! hashed once: hashing is much of what a request costs its client. Where keys come from is not asked here.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue},
};
use jiff::Timestamp;
use ring::{digest, hmac};

use super::credentials::{Credentials, Keys};

const SERVICE: &str = "dynamodb";
const JSON: &str = "application/x-amz-json-1.0";

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// Signs the requests of one client to one host.
pub(crate) struct Signer {
    credentials: Arc<Credentials>,
    region: String,
    host: String,
    day: Option<Day>,
    second: Option<Second>,
}

/// What the requests of one day have in common, as long as the keys stay the same.
struct Day {
    day: String,
    keys: Arc<Keys>,
    key: hmac::Key,
}

/// What the requests of one second have in common.
struct Second {
    second: i64,
    /// All headers but the target and the authorization.
    headers: HeaderMap,
    /// The authorization as far as the signature.
    authorization: String,
    /// The text to sign, as far as the hash of the canonical request.
    to_sign: hmac::Context,
    /// The canonical request before the target, and from there to the hash of the body.
    request: (String, String),
    /// For each target the canonical request, as far as the hash of its body.
    canonical: Vec<(String, digest::Context)>,
}

impl Signer {
    pub(crate) fn new(credentials: Arc<Credentials>, region: String, host: String) -> Self {
        Self {
            credentials,
            region,
            host,
            day: None,
            second: None,
        }
    }

    /// A signed request, ready to send.
    pub(crate) fn sign(&mut self, target: &str, body: Bytes) -> Request<Full<Bytes>> {
        let now = Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH);
        let second = self.second(now);
        let authorization = second.authorization(target, &body);
        let mut headers = second.headers.clone();
        headers.insert(TARGET, plain(target));
        headers.insert(AUTHORIZATION, plain(&authorization));
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.headers_mut() = headers;
        request
    }

    fn second(&mut self, now: Timestamp) -> &mut Second {
        let known = self.second.take();
        let second = known
            .filter(|known| known.second == now.as_second())
            .unwrap_or_else(|| {
                let today = self.today(now);
                let second = self.begin(now, &today);
                self.day = Some(today);
                second
            });
        self.second.insert(second)
    }

    fn begin(&self, now: Timestamp, Day { day, keys, key }: &Day) -> Second {
        let (host, region) = (&self.host, &self.region);
        let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let scope = format!("{day}/{region}/{SERVICE}/aws4_request");
        let mut to_sign = hmac::Context::with_key(key);
        to_sign.update(format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n").as_bytes());
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(HOST, plain(host));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        headers.insert(DATE, plain(&date));
        // In the order of the alphabet.
        let mut request =
            format!("POST\n/\n\ncontent-type:{JSON}\nhost:{host}\nx-amz-date:{date}\n");
        if let Some(token) = &keys.session_token {
            headers.insert(TOKEN, plain(token));
            request += &format!("{TOKEN}:{token}\n");
        }
        request += "x-amz-target:";
        let signed = signed_headers(keys);
        Second {
            second: now.as_second(),
            headers,
            authorization: format!(
                "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature=",
                keys.access_key,
            ),
            to_sign,
            request: (request, format!("\n\n{signed}\n")),
            canonical: Vec::new(),
        }
    }

    /// The key of this day, of the keys that hold now.
    fn today(&mut self, now: Timestamp) -> Day {
        let day = now.strftime("%Y%m%d").to_string();
        let keys = self.credentials.current(now);
        let known = self.day.take();
        let same = known.filter(|known| known.day == day && Arc::ptr_eq(&known.keys, &keys));
        same.unwrap_or_else(|| Day {
            key: signing_key(&keys.secret_key, &day, &self.region, SERVICE),
            day,
            keys,
        })
    }
}

impl Second {
    fn authorization(&mut self, target: &str, body: &[u8]) -> String {
        let mut canonical = self.canonical(target);
        canonical.update(hex(digest::digest(&digest::SHA256, body).as_ref()).as_bytes());
        let mut to_sign = self.to_sign.clone();
        to_sign.update(hex(canonical.finish().as_ref()).as_bytes());
        let signature = hex(to_sign.sign().as_ref());
        [self.authorization.as_str(), &signature].concat()
    }

    /// The canonical request of this target, as far as the hash of its body.
    fn canonical(&mut self, target: &str) -> digest::Context {
        if let Some((_, canonical)) = self.canonical.iter().find(|(known, _)| known == target) {
            return canonical.clone();
        }
        let (before, after) = &self.request;
        let mut canonical = digest::Context::new(&digest::SHA256);
        for part in [before, target, after] {
            canonical.update(part.as_bytes());
        }
        self.canonical.push((target.to_owned(), canonical.clone()));
        canonical
    }
}

fn signed_headers(keys: &Keys) -> &'static str {
    match keys.session_token {
        None => "content-type;host;x-amz-date;x-amz-target",
        Some(_) => "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
    }
}

fn plain(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("all parts are plain ASCII")
}

fn signing_key(secret: &str, day: &str, region: &str, service: &str) -> hmac::Key {
    let first = hmac_key(format!("AWS4{secret}").as_bytes());
    [day, region, service, "aws4_request"]
        .iter()
        .fold(first, |key, part| {
            hmac_key(hmac::sign(&key, part.as_bytes()).as_ref())
        })
}

fn hmac_key(bytes: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, bytes)
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::credentials::KeySource;

    fn signer() -> Signer {
        let credentials =
            Credentials::fixed("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        Signer::new(credentials, "us-east-1".into(), "localhost:8000".into())
    }

    fn at(time: &str) -> Timestamp {
        time.parse().expect("a time")
    }

    #[test]
    fn the_signing_key_is_that_of_the_published_example() {
        // AWS General Reference, "Deriving the signing key": this secret, 20150830, us-east-1, service iam.
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let key = signing_key(secret, "20150830", "us-east-1", "iam");
        let published = [
            0xc4, 0xaf, 0xb1, 0xcc, 0x57, 0x71, 0xd8, 0x71, 0x76, 0x3a, 0x39, 0x3e, 0x44, 0xb7,
            0x03, 0x57, 0x1b, 0x55, 0xcc, 0x28, 0x42, 0x4d, 0x1a, 0x5e, 0x86, 0xda, 0x6e, 0xd3,
            0xc1, 0x54, 0xa4, 0xb9,
        ];
        let signed = |key: &hmac::Key| hex(hmac::sign(key, b"text").as_ref());
        assert_eq!(signed(&key), signed(&hmac_key(&published)));
    }

    #[test]
    fn signatures_are_those_of_another_implementation() {
        // Computed with Python's hashlib and hmac from the same reference.
        let mut signer = signer();
        let second = signer.second(at("2018-02-19T20:31:10Z"));
        for _begun_or_kept in 0..2 {
            for (target, body, signature) in [
                (
                    "DynamoDB_20120810.GetItem",
                    "{}",
                    "d78c44bacfb49612bee7b7d166cb164687f30acf402080091df45530d87cbbdf",
                ),
                (
                    "DynamoDB_20120810.UpdateItem",
                    "{\"a\":1}",
                    "672d10a3bd7a2fb0220bdca7aea635cf2c2ae35bee6ad050d29c6e7fd55f3a0f",
                ),
            ] {
                let header = second.authorization(target, body.as_bytes());
                assert!(
                    header.ends_with(&format!("Signature={signature}")),
                    "{header}"
                );
            }
        }
    }

    #[test]
    fn the_scope_names_day_and_region() {
        let mut signer = signer();
        let second = signer.second(at("2018-02-19T20:31:10Z"));
        let header = second.authorization("DynamoDB_20120810.GetItem", b"{}");
        assert!(
            header.starts_with(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20180219/us-east-1/dynamodb/aws4_request, "
            ),
            "{header}"
        );
        assert_eq!(header.rsplit('=').next().map(str::len), Some(64));
    }

    #[test]
    fn the_signature_covers_the_body() {
        let mut signer = signer();
        let second = signer.second(at("2018-02-19T20:31:10Z"));
        let one = second.authorization("t", b"{}");
        assert_ne!(one, second.authorization("t", b"{ }"));
        assert_eq!(one, second.authorization("t", b"{}"));
    }

    /// Is never asked, because the keys do not expire.
    struct Nobody;

    impl KeySource for Nobody {
        fn fetch(&self) -> Result<Keys, String> {
            Err("nobody".to_owned())
        }
    }

    #[test]
    fn a_session_token_is_sent_and_signed() {
        let now = at("2018-02-19T20:31:10Z");
        let keys = Keys {
            session_token: Some("TOKEN".into()),
            ..Keys::lasting("ASIAEXAMPLE", "secret")
        };
        let credentials = Credentials::of(keys, Arc::new(Nobody), now);
        let mut signer = Signer::new(credentials, "us-east-1".into(), "h".into());
        let request = signer.sign("t", Bytes::from_static(b"{}"));
        let header = |name: &str| {
            let value = request.headers().get(name).expect(name);
            value.to_str().expect("text").to_owned()
        };
        assert_eq!(header("x-amz-security-token"), "TOKEN");
        assert!(
            header("authorization").contains(
                "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target,"
            ),
            "{}",
            header("authorization")
        );
    }

    #[test]
    fn renewed_keys_sign_from_the_next_second_on() {
        let first = signer();
        let mut signer = Signer::new(first.credentials.clone(), "us-east-1".into(), "h".into());
        let signed = |signer: &mut Signer, time| signer.second(at(time)).authorization("t", b"");
        let before = signed(&mut signer, "2018-02-19T20:31:10Z");
        // The same day, other keys.
        signer.credentials = Credentials::fixed("OTHER", "other");
        let within = signed(&mut signer, "2018-02-19T20:31:10Z");
        assert_eq!(within, before, "not within the second");
        let after = signed(&mut signer, "2018-02-19T20:31:11Z");
        assert!(after.contains("Credential=OTHER/"), "{after}");
    }
}
