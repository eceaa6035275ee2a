//! Who asks: AWS Signature Version 4, verified as the service does, with its error names and texts.
//!
//! Without `--credentials` a request need only *be* signed, by whomever, so that the `aws` CLI works with any keys. With them the signature
//! must be right: known access key, this region's scope, 15 minutes of leeway by the system's clock (never the skewed one, which belongs to the
//! table and not to whoever signs), and the right HMAC.
//!
//! Absent: signatures in the query string, session tokens, the plain `Date` header.

use hmac::{Hmac, Mac as _};
use hyper::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::peer_key::{hex, unhex};
use super::timestamp;
use crate::core::{ApiError, ErrorKind, Region};

/// How far a request's date may lie from the server's.
const LEEWAY_MS: i64 = 15 * 60 * 1000;

/// The one key pair that the server knows.
#[derive(Clone)]
pub(crate) struct Credentials {
    access_key: String,
    secret_key: String,
}

/// The parts of a request that a signature covers.
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

/// An `Authorization` header, taken apart.
struct Authorization<'a> {
    access_key: &'a str,
    scope: Scope<'a>,
    signed_headers: &'a str,
    signature: &'a str,
    /// `X-Amz-Date`.
    date: &'a str,
}

/// `<date>/<region>/<service>/aws4_request`.
struct Scope<'a> {
    date: &'a str,
    region: &'a str,
    service: &'a str,
    terminator: &'a str,
}

impl Credentials {
    /// From `ACCESS:SECRET`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((access, secret)) if !access.is_empty() && !secret.is_empty() => Ok(Self {
                access_key: access.to_owned(),
                secret_key: secret.to_owned(),
            }),
            _ => Err("write ACCESS:SECRET, both not empty".to_owned()),
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Credentials({}:..)", self.access_key)
    }
}

/// Whether the request is signed at all, with every part that a signature has.
pub(crate) fn check_presence(headers: &HeaderMap) -> Result<(), ApiError> {
    authorization(headers).map(|_| ())
}

/// Whether the request is signed by the holder of these credentials, for this region, now.
pub(crate) fn verify(
    credentials: &Credentials,
    region: &Region,
    system_ms: i64,
    request: &Signed<'_>,
) -> Result<(), ApiError> {
    let authorization = authorization(request.headers)?;
    check_date(&authorization, system_ms)?;
    check_scope(&authorization, region)?;
    if authorization.access_key != credentials.access_key {
        return Err(ApiError::new(
            ErrorKind::UnrecognizedClient,
            "The security token included in the request is invalid.",
        ));
    }
    let string = string_to_sign(&authorization, request)?;
    let mac = keyed(
        &signing_key(&credentials.secret_key, &authorization.scope),
        &string,
    );
    let given = unhex(authorization.signature.as_bytes()).unwrap_or_default();
    mac.verify_slice(&given).map_err(|_| {
        invalid(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
        )
    })
}

fn authorization(headers: &HeaderMap) -> Result<Authorization<'_>, ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(header) = text("authorization").filter(|header| !header.is_empty()) else {
        return Err(ApiError::new(
            ErrorKind::MissingAuthenticationToken,
            "Request is missing Authentication Token",
        ));
    };
    let Some(parameters) = header.strip_prefix("AWS4-HMAC-SHA256") else {
        return Err(ApiError::new(
            ErrorKind::MissingAuthenticationToken,
            "Request is missing Authentication Token",
        ));
    };
    let parameter = |name: &str| {
        parameters
            .split(',')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
    };
    let date = text("x-amz-date");
    let (Some(credential), Some(signature), Some(signed_headers), Some(date)) = (
        parameter("Credential"),
        parameter("Signature"),
        parameter("SignedHeaders"),
        date,
    ) else {
        let mut missing = String::new();
        for name in ["Credential", "Signature", "SignedHeaders"] {
            if parameter(name).is_none() {
                missing.push_str(&format!(
                    "Authorization header requires '{name}' parameter. "
                ));
            }
        }
        if date.is_none() {
            missing.push_str(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
            );
        }
        return Err(incomplete(format!("{missing}Authorization={header}")));
    };
    let parts: Vec<&str> = credential.rsplitn(5, '/').collect();
    let &[terminator, service, region, scope_date, access_key] = parts.as_slice() else {
        return Err(incomplete(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"
        )));
    };
    let scope = Scope {
        date: scope_date,
        region,
        service,
        terminator,
    };
    Ok(Authorization {
        access_key,
        scope,
        signed_headers,
        signature,
        date,
    })
}

fn check_date(authorization: &Authorization<'_>, system_ms: i64) -> Result<(), ApiError> {
    let date = authorization.date;
    let Some(date_ms) = timestamp::parse_compact(date) else {
        return Err(incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
        )));
    };
    let shown = timestamp::compact;
    if date_ms < system_ms - LEEWAY_MS {
        return Err(invalid(format!(
            "Signature expired: {date} is now earlier than {} ({} - 15 min.)",
            shown(system_ms - LEEWAY_MS),
            shown(system_ms)
        )));
    }
    if date_ms > system_ms + LEEWAY_MS {
        return Err(invalid(format!(
            "Signature not yet current: {date} is still later than {} ({} + 15 min.)",
            shown(system_ms + LEEWAY_MS),
            shown(system_ms)
        )));
    }
    Ok(())
}

fn check_scope(authorization: &Authorization<'_>, region: &Region) -> Result<(), ApiError> {
    let Scope {
        date,
        region: named,
        service,
        terminator,
    } = authorization.scope;
    let mut wrong = String::new();
    if named != region.as_str() {
        wrong.push_str(&format!(
            "Credential should be scoped to a valid region, not '{named}'. "
        ));
    }
    if service != "dynamodb" {
        wrong.push_str("Credential should be scoped to correct service: 'dynamodb'. ");
    }
    if terminator != "aws4_request" {
        wrong.push_str(&format!(
            "Credential should be scoped with a valid terminator: 'aws4_request', not '{terminator}'. "
        ));
    }
    let expected = &authorization.date[..8];
    if date != expected {
        wrong.push_str(&format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{date}' != '{expected}', from '{}'. ",
            authorization.date
        ));
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(invalid(wrong))
    }
}

fn string_to_sign(
    authorization: &Authorization<'_>,
    request: &Signed<'_>,
) -> Result<String, ApiError> {
    let names = || authorization.signed_headers.split(';');
    if !names().any(|name| name == "host") {
        return Err(invalid(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ));
    }
    let mut query: Vec<&str> = request
        .query
        .split('&')
        .filter(|part| !part.is_empty())
        .collect();
    query.sort_unstable();
    let mut headers = String::new();
    for name in names() {
        headers.push_str(name);
        headers.push(':');
        for (index, value) in request.headers.get_all(name).iter().enumerate() {
            if index > 0 {
                headers.push(',');
            }
            let value = String::from_utf8_lossy(value.as_bytes());
            let words: Vec<&str> = value.split_ascii_whitespace().collect();
            headers.push_str(&words.join(" "));
        }
        headers.push('\n');
    }
    let canonical = [
        request.method,
        request.path,
        &query.join("&"),
        &headers,
        authorization.signed_headers,
        &hex(&Sha256::digest(request.body)),
    ]
    .join("\n");
    let Scope {
        date,
        region,
        service,
        terminator,
    } = authorization.scope;
    let scope = [date, region, service, terminator].join("/");
    Ok(format!(
        "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
        authorization.date,
        hex(&Sha256::digest(canonical))
    ))
}

fn signing_key(secret: &str, scope: &Scope<'_>) -> Vec<u8> {
    let start = format!("AWS4{secret}").into_bytes();
    [scope.date, scope.region, scope.service, scope.terminator]
        .iter()
        .fold(start, |key, part| {
            keyed(&key, part).finalize().into_bytes().to_vec()
        })
}

fn keyed(key: &[u8], text: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorKind::InvalidSignature, message)
}

fn incomplete(message: String) -> ApiError {
    ApiError::new(ErrorKind::IncompleteSignature, message)
}

#[cfg(test)]
mod tests;
