//! The region in the credential scope of a SigV4 `Authorization` header.

/// Why a header names no region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ScopeError {
    #[error("the request has no Authorization header, so it names no region")]
    Missing,
    #[error("the Authorization header is not of AWS Signature Version 4, so it names no region")]
    OtherScheme,
    #[error(
        "the Authorization header has no Credential=KEY/DATE/REGION/SERVICE/aws4_request, so it names no region"
    )]
    NoScope,
}

/// The region that this header was signed for.
pub(super) fn region_of(authorization: Option<&str>) -> Result<&str, ScopeError> {
    let header = authorization.ok_or(ScopeError::Missing)?;
    let fields = header
        .strip_prefix("AWS4-HMAC-SHA256")
        .ok_or(ScopeError::OtherScheme)?;
    let credential = fields
        .split(',')
        .find_map(|field| field.trim().strip_prefix("Credential="))
        .ok_or(ScopeError::NoScope)?;
    // From the right: an access key may contain slashes, the four other parts may not.
    let mut parts = credential.rsplit('/');
    let (end, _service, region) = (parts.next(), parts.next(), parts.next());
    let (date, key) = (parts.next(), parts.next());
    match region {
        Some(region) if end == Some("aws4_request") && date.is_some() && key.is_some() => {
            Ok(region)
        }
        Some(_) | None => Err(ScopeError::NoScope),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_read_wherever_the_credential_stands() {
        let first = "AWS4-HMAC-SHA256 Credential=AKID/20250101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00";
        let last = "AWS4-HMAC-SHA256 SignedHeaders=host,Credential=a/b/20250101/eu-west-1/dynamodb/aws4_request";
        assert_eq!(region_of(Some(first)), Ok("us-east-1"));
        assert_eq!(region_of(Some(last)), Ok("eu-west-1"), "a key with a slash");
    }

    #[test]
    fn what_names_no_region_is_told_apart() {
        assert_eq!(region_of(None), Err(ScopeError::Missing));
        assert_eq!(region_of(Some("Bearer x")), Err(ScopeError::OtherScheme));
        for header in [
            "AWS4-HMAC-SHA256",
            "AWS4-HMAC-SHA256 Credential=AKID",
            "AWS4-HMAC-SHA256 Credential=us-east-1/dynamodb/aws4_request",
            "AWS4-HMAC-SHA256 Credential=k/20250101/us-east-1/dynamodb/aws5",
        ] {
            assert_eq!(
                region_of(Some(header)),
                Err(ScopeError::NoScope),
                "{header}"
            );
        }
    }
}
