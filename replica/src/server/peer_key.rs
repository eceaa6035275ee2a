//! The key that the regions of a cluster share: who calls, and who answers, is one of them.
//!
//! Every call and every answer carries `x-dateline-signature`: HMAC-SHA256 of a label, the called region's name and the bytes. The name keeps a
//! call from being played to another region. Playing it again to the same one is harmless, since deliveries are at least once anyway.

use std::path::Path;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::core::Region;

/// The header that carries the signature, in hexadecimal.
pub(crate) const SIGNATURE_HEADER: &str = "x-dateline-signature";

/// Shorter keys can be guessed.
const KEY_BYTES_MIN: usize = 16;

/// Which half of a call is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    Call,
    Answer,
}

/// A shared key.
#[derive(Clone)]
pub(crate) struct PeerKey(Vec<u8>);

impl PeerKey {
    /// Reads a key from a file; white space around it does not count.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read(path)
            .map_err(|error| format!("--peer-key-file: cannot read {}: {error}", path.display()))?;
        let key = text.trim_ascii();
        if key.len() < KEY_BYTES_MIN {
            return Err(format!(
                "--peer-key-file: {} holds {} bytes; a key needs at least {KEY_BYTES_MIN}, such as `head -c 32 /dev/urandom | base64` writes",
                path.display(),
                key.len()
            ));
        }
        Ok(Self(key.to_vec()))
    }

    /// The signature of one half of a call to this region.
    pub(crate) fn sign(&self, half: Half, called: &Region, body: &[u8]) -> String {
        hex(&self.mac(half, called, body).finalize().into_bytes())
    }

    /// Whether a signature is right; takes as long for a nearly right one as for any other.
    pub(crate) fn verify(
        &self,
        half: Half,
        called: &Region,
        body: &[u8],
        signature: &[u8],
    ) -> bool {
        unhex(signature).is_some_and(|tag| self.mac(half, called, body).verify_slice(&tag).is_ok())
    }

    fn mac(&self, half: Half, called: &Region, body: &[u8]) -> Hmac<Sha256> {
        let label: &[u8] = match half {
            Half::Call => b"dateline peer call 1\n",
            Half::Answer => b"dateline peer answer 1\n",
        };
        let mut mac = Hmac::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        for part in [label, called.as_str().as_bytes(), b"\n", body] {
            mac.update(part);
        }
        mac
    }
}

impl std::fmt::Debug for PeerKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PeerKey(..)")
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The bytes behind hexadecimal digits.
pub(crate) fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    text.chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_half_region_and_bytes_only() {
        let home = tempfile::tempdir().expect("temporary directory");
        let path = home.path().join("key");
        std::fs::write(&path, "0123456789abcdef\n").expect("writable");
        let key = PeerKey::read(&path).expect("long enough");
        let (here, there) = (Region::new("eu-west-1"), Region::new("us-east-1"));
        let signature = key.sign(Half::Call, &here, b"body");
        let holds = |half, region: &Region, body: &[u8], signature: &str| {
            key.verify(half, region, body, signature.as_bytes())
        };
        assert!(holds(Half::Call, &here, b"body", &signature));
        assert!(!holds(Half::Answer, &here, b"body", &signature));
        assert!(!holds(Half::Call, &there, b"body", &signature));
        assert!(!holds(Half::Call, &here, b"bodY", &signature));
        assert!(!holds(Half::Call, &here, b"body", &signature[2..]));
        assert!(!holds(Half::Call, &here, b"body", "not hexadecimal"));
        std::fs::write(&path, "another key, also long").expect("writable");
        let other = PeerKey::read(&path).expect("long enough");
        assert!(!other.verify(Half::Call, &here, b"body", signature.as_bytes()));
    }

    #[test]
    fn short_and_missing_keys_are_refused() {
        let home = tempfile::tempdir().expect("temporary directory");
        let path = home.path().join("key");
        let message = PeerKey::read(&path).expect_err("missing");
        assert!(
            message.starts_with("--peer-key-file: cannot read "),
            "{message}"
        );
        std::fs::write(&path, "short\n").expect("writable");
        let message = PeerKey::read(&path).expect_err("short");
        assert!(
            message.contains("holds 5 bytes; a key needs at least 16"),
            "{message}"
        );
    }
}
