//! Toxics: as they stand in JSON, and what each does to a link.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Refusal;
use crate::proxy::{ALL, Direction, Link, LinkFault, StallEnd};

/// The types of toxics, each with its attributes.
const TYPES: [(&str, &[&str]); 7] = [
    ("latency", &["latency", "jitter"]),
    ("bandwidth", &["rate"]),
    ("slow_close", &["delay"]),
    ("timeout", &["timeout"]),
    ("reset_peer", &["timeout"]),
    ("slicer", &["average_size", "size_variation", "delay"]),
    ("limit_data", &["bytes"]),
];

/// Bytes in a KB of a bandwidth.
const KB: u64 = 1024;

/// One toxic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Toxic {
    attributes: Map<String, Value>,
    pub(super) name: String,
    #[serde(rename = "type")]
    kind: String,
    stream: String,
    toxicity: f64,
}

/// A toxic as somebody asks for it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    stream: String,
    toxicity: Option<f64>,
    attributes: Map<String, Value>,
}

impl Toxic {
    /// The toxic that is asked for, with Toxiproxy's defaults.
    pub(super) fn of(wish: Wish) -> Result<Self, Refusal> {
        let stream = match wish.stream.as_str() {
            "" => "downstream",
            "upstream" => "upstream",
            "downstream" => "downstream",
            _ => {
                let error = "stream was invalid, can be either upstream or downstream";
                return Err(Refusal::new(400, error));
            }
        };
        let name = if wish.name.is_empty() {
            format!("{}_{stream}", wish.kind)
        } else {
            wish.name
        };
        let mut toxic = Self {
            attributes: Map::new(),
            name,
            kind: wish.kind,
            stream: stream.to_owned(),
            toxicity: wish.toxicity.unwrap_or(1.0),
        };
        for name in toxic.attribute_names()? {
            toxic.attributes.insert((*name).to_owned(), json!(0));
        }
        toxic.change(Wish {
            attributes: wish.attributes,
            ..Wish::default()
        })?;
        Ok(toxic)
    }

    /// Changes the attributes and the toxicity that the wish names; the rest stays.
    pub(super) fn change(&mut self, wish: Wish) -> Result<(), Refusal> {
        let mut changed = self.clone();
        let names = self.attribute_names()?;
        for (name, value) in wish.attributes {
            // Toxiproxy ignores what it does not know, so clients may send it.
            if names.contains(&name.as_str()) {
                changed.attributes.insert(name, value);
            }
        }
        changed.toxicity = wish.toxicity.unwrap_or(self.toxicity);
        changed.fault()?;
        *self = changed;
        Ok(())
    }

    /// Lets it hold on a link, in its own name.
    pub(super) fn install(&self, link: &Link) {
        let direction = match self.stream.as_str() {
            "upstream" => Direction::Forward,
            _ => Direction::Backward,
        };
        let fault = self.fault().expect("it was tried when the toxic was made");
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between 0 and a million"
        )]
        let share = (self.toxicity.clamp(0.0, 1.0) * f64::from(ALL)).round() as u32;
        link.install_for(share, &self.name, direction, fault);
    }

    fn attribute_names(&self) -> Result<&'static [&'static str], Refusal> {
        let known = TYPES.iter().find(|(kind, _)| *kind == self.kind);
        known
            .map(|(_, names)| *names)
            .ok_or_else(|| Refusal::new(400, "invalid toxic type"))
    }

    /// What it is to a link.
    fn fault(&self) -> Result<LinkFault, Refusal> {
        Ok(match self.kind.as_str() {
            "latency" => LinkFault::Latency {
                delay_ms: self.number("latency")?,
                jitter_ms: self.number("jitter")?,
            },
            // Toxiproxy lets nothing pass at rate 0; one byte in a second is as good as nothing.
            "bandwidth" => LinkFault::Bandwidth {
                bytes_per_s: self.number("rate")?.saturating_mul(KB).max(1),
            },
            "slow_close" => LinkFault::SlowClose {
                delay_ms: self.number("delay")?,
            },
            "timeout" => LinkFault::Stall {
                ends: StallEnd::Close,
                after_ms: self.number("timeout")?,
            },
            "reset_peer" => LinkFault::Stall {
                ends: StallEnd::Reset,
                // At 0 it resets at once, where a timeout would wait for ever.
                after_ms: self.number("timeout")?.max(1),
            },
            "slicer" => LinkFault::Slice {
                bytes: self.number("average_size")?.max(1),
                variation: self.number("size_variation")?,
                pause_us: self.number("delay")?,
            },
            "limit_data" => LinkFault::Truncate {
                bytes: self.number("bytes")?,
            },
            _ => return Err(Refusal::new(400, "invalid toxic type")),
        })
    }

    fn number(&self, name: &str) -> Result<u64, Refusal> {
        let value = self.attributes.get(name).unwrap_or(&Value::Null);
        value.as_u64().ok_or_else(|| {
            let error = format!(
                "bad request body: attribute {name} is {value}, not a whole number of 0 or more"
            );
            Refusal::new(400, error)
        })
    }
}
