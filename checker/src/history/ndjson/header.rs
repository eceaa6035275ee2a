//! The first line: what is known about the history as a whole.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};

use super::{ReadError, SCHEMA};
use crate::history::{Delivery, Header};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    schema: String,
    regions: Vec<String>,
    #[serde(default)]
    workload: Option<String>,
    #[serde(default)]
    seed: Option<u64>,
    #[serde(default)]
    stamps_visible: bool,
    #[serde(default)]
    key_names: BTreeMap<u64, String>,
    #[serde(default)]
    delivery: Option<Delivery>,
}

#[derive(Serialize)]
struct Written<'h> {
    schema: &'static str,
    regions: &'h [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    workload: Option<&'h str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    stamps_visible: bool,
    key_names: &'h BTreeMap<u64, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<&'h Delivery>,
}

/// The header as a line, without its end.
pub(crate) fn header_line(header: &Header) -> io::Result<String> {
    let line = Written {
        schema: SCHEMA,
        regions: &header.regions,
        workload: header.workload.as_deref(),
        seed: header.seed,
        stamps_visible: header.stamps_visible,
        key_names: &header.key_names,
        delivery: header.delivery.as_ref(),
    };
    Ok(serde_json::to_string(&line)?)
}

/// Understands a header line.
pub(crate) fn parse_header(text: &[u8]) -> Result<Header, ReadError> {
    let parsed: Result<Read, _> = serde_json::from_slice(text);
    let line = match parsed {
        Ok(line) => line,
        Err(error) if error.is_eof() && !text.ends_with(b"\n") => {
            let column = text.len() + 1;
            return Err(ReadError::HalfWritten { line: 1, column });
        }
        Err(error) => {
            return Err(ReadError::Header {
                reason: error.to_string(),
            });
        }
    };
    if line.schema != SCHEMA {
        let reason = format!(
            "its schema is {:?}, this version reads {SCHEMA:?}",
            line.schema
        );
        return Err(ReadError::Header { reason });
    }
    if line.regions.is_empty() || line.regions.len() > usize::from(u8::MAX) {
        let reason = format!("it lists {} regions, expected 1 to 255", line.regions.len());
        return Err(ReadError::Header { reason });
    }
    Ok(Header {
        regions: line.regions,
        key_names: line.key_names,
        workload: line.workload,
        seed: line.seed,
        stamps_visible: line.stamps_visible,
        delivery: line.delivery,
    })
}
