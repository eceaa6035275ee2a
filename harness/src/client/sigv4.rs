//! Signature Version 4, client side: AWS refuses requests without it, and gateways route by the region in its credential scope.
//!
//! Source: AWS General Reference, "Create a signed AWS API request". The signing key depends on the day and the region only, so
//! it is derived once a day, and again when the credentials have been renewed. Where keys come from is not asked here.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use hmac::{Hmac, Mac};
use http_body_util::Full;
use hyper::Request;
use jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest, Sha256};

use super::credentials::{Credentials, Keys};

const SERVICE: &str = "dynamodb";
const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// Signs the requests of one client.
pub(crate) struct Signer {
    credentials: Arc<Credentials>,
    /// Those of this second.
    keys: Arc<Keys>,
    region: String,
    /// The second that `amz_date` stands for.
    second: i64,
    amz_date: String,
    /// The day that `key` is good for.
    day: String,
    key: [u8; 32],
}

impl Signer {
    pub(crate) fn new(credentials: Arc<Credentials>, region: String) -> Self {
        Self {
            keys: credentials.current(Timestamp::UNIX_EPOCH),
            credentials,
            region,
            second: i64::MIN,
            amz_date: String::new(),
            day: String::new(),
            key: [0; 32],
        }
    }

    /// A signed request, ready to send.
    pub(crate) fn sign(&mut self, host: &str, target: &str, body: Bytes) -> Request<Full<Bytes>> {
        self.refresh(Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH));
        let authorization = self.authorization(host, target, &body);
        let mut request = Request::post("/")
            .header("host", host)
            .header("content-type", CONTENT_TYPE)
            .header("x-amz-date", &self.amz_date)
            .header("x-amz-target", target)
            .header("authorization", authorization);
        if let Some(token) = &self.keys.session_token {
            request = request.header("x-amz-security-token", token);
        }
        request
            .body(Full::new(body))
            .expect("all parts are plain ASCII")
    }

    /// The date header changes each second, the key each day and with the credentials.
    fn refresh(&mut self, now: Timestamp) {
        if now.as_second() == self.second {
            return;
        }
        self.second = now.as_second();
        let civil = now.to_zoned(TimeZone::UTC);
        self.amz_date = civil.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = civil.strftime("%Y%m%d").to_string();
        let keys = self.credentials.current(now);
        if day != self.day || !Arc::ptr_eq(&keys, &self.keys) {
            self.keys = keys;
            let secret = format!("AWS4{}", self.keys.secret_key);
            let key = hmac(secret.as_bytes(), &day);
            let key = hmac(&key, &self.region);
            let key = hmac(&key, SERVICE);
            self.key = hmac(&key, "aws4_request");
            self.day = day;
        }
    }

    fn authorization(&self, host: &str, target: &str, body: &[u8]) -> String {
        // In the order of the alphabet.
        let (token, signed) = match &self.keys.session_token {
            None => (String::new(), "content-type;host;x-amz-date;x-amz-target"),
            Some(token) => (
                format!("x-amz-security-token:{token}\n"),
                "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
            ),
        };
        let canonical = format!(
            "POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{host}\nx-amz-date:{date}\n\
             {token}x-amz-target:{target}\n\n{signed}\n{body}",
            date = self.amz_date,
            body = hex(&Sha256::digest(body)),
        );
        let scope = format!("{}/{}/{SERVICE}/aws4_request", self.day, self.region);
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
            self.amz_date,
            hex(&Sha256::digest(canonical.as_bytes()))
        );
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature={}",
            self.keys.access_key,
            hex(&hmac(&self.key, &to_sign))
        )
    }
}

fn hmac(key: &[u8], text: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length of key will do");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| {
            [
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]
        })
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::credentials::KeySource;

    fn signer() -> Signer {
        let credentials =
            Credentials::fixed("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        Signer::new(credentials, "us-east-1".into())
    }

    #[test]
    fn the_signing_key_is_that_of_the_published_example() {
        // AWS General Reference, "Deriving the signing key": this secret, 20150830, us-east-1, service iam.
        let key = hmac(b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830");
        let key = hmac(&hmac(&hmac(&key, "us-east-1"), "iam"), "aws4_request");
        assert_eq!(
            hex(&key),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
        );
    }

    #[test]
    fn the_scope_names_day_and_region() {
        let mut signer = signer();
        signer.refresh("2018-02-19T20:31:10Z".parse().expect("a time"));
        let header = signer.authorization("localhost:8000", "DynamoDB_20120810.GetItem", b"{}");
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
        signer.refresh("2018-02-19T20:31:10Z".parse().expect("a time"));
        let one = signer.authorization("h", "t", b"{}");
        assert_ne!(one, signer.authorization("h", "t", b"{ }"));
        assert_eq!(one, signer.authorization("h", "t", b"{}"));
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
        let now = "2018-02-19T20:31:10Z".parse().expect("a time");
        let keys = Keys {
            session_token: Some("TOKEN".into()),
            ..Keys::lasting("ASIAEXAMPLE", "secret")
        };
        let credentials = Credentials::of(keys, Arc::new(Nobody), now);
        let mut signer = Signer::new(credentials, "us-east-1".into());
        let request = signer.sign("h", "t", Bytes::from_static(b"{}"));
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
        let mut signer = Signer::new(first.credentials.clone(), "us-east-1".into());
        signer.refresh("2018-02-19T20:31:10Z".parse().expect("a time"));
        let before = signer.key;
        // The same day, other keys.
        signer.credentials = Credentials::fixed("OTHER", "other");
        signer.refresh("2018-02-19T20:31:10Z".parse().expect("a time"));
        assert_eq!(signer.key, before, "not within the second");
        signer.refresh("2018-02-19T20:31:11Z".parse().expect("a time"));
        assert_ne!(signer.key, before);
        assert!(
            signer
                .authorization("h", "t", b"")
                .contains("Credential=OTHER/")
        );
    }
}
