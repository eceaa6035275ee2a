//! A topology written by hand: the `[topology]` table of a TOML file.
//!
//! ```toml
//! [topology]
//! regions = ["oslo", "bergen", "tromso"]   # or: set = "three"
//! client_delay_ms = 0.5
//!
//! [[topology.link]]                        # both ways unless the other way is given too
//! from = "oslo"
//! to = "bergen"
//! delay_ms = 4.5
//! jitter_ms = 0.3
//! bandwidth_kb_s = 2000
//!
//! [[topology.link]]                        # one region's clients
//! from = "client"
//! to = "tromso"
//! delay_ms = 30
//! ```
//! Pairs without a link have the measured delay if both regions are in the matrix, else none.

use std::time::Duration;

use serde::Deserialize;

use super::{End, Topology, TopologyError, Weather, measured};

/// The `[topology]` table.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopologyForm {
    /// A built-in set of regions.
    set: Option<String>,
    /// Or their names.
    regions: Option<Vec<String>>,
    /// One way between clients and their region.
    client_delay_ms: Option<f64>,
    /// Links that differ.
    #[serde(default)]
    link: Vec<LinkForm>,
}

/// One `[[topology.link]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkForm {
    from: String,
    to: String,
    delay_ms: f64,
    #[serde(default)]
    jitter_ms: f64,
    bandwidth_kb_s: Option<u64>,
}

impl TopologyForm {
    /// The topology that this table describes.
    ///
    /// # Errors
    /// Which field is wrong, and what to do.
    pub(crate) fn resolve(&self) -> Result<Topology, TopologyError> {
        let mut topology = self.start()?;
        if let Some(ms) = self.client_delay_ms {
            let delay = milliseconds(ms).map_err(|wrong| TopologyError::Field {
                field: "client_delay_ms",
                wrong,
            })?;
            for to in 0..topology.regions.len() {
                topology
                    .links
                    .insert((End::Client, to), Weather::of_delay(delay));
            }
        }
        let mut given = Vec::new();
        for link in &self.link {
            let (from, to) = link.ends(&topology)?;
            if given.contains(&(from, to)) {
                return Err(link.error("is given twice; keep one"));
            }
            given.push((from, to));
        }
        for (link, &(from, to)) in self.link.iter().zip(&given) {
            let weather = link.weather()?;
            topology.links.insert((from, to), weather);
            if let End::Region(index) = from
                && !given.contains(&(End::Region(to), index))
            {
                topology.links.insert((End::Region(to), index), weather);
            }
        }
        Ok(topology)
    }

    fn start(&self) -> Result<Topology, TopologyError> {
        match (&self.set, &self.regions) {
            (Some(_), Some(_)) => Err(TopologyError::Field {
                field: "set",
                wrong: "cannot stand beside topology.regions; keep one of the two".to_owned(),
            }),
            (Some(set), None) => Topology::set(set),
            (None, None) => Topology::set("three"),
            (None, Some(names)) => {
                let mut topology = Topology::without_delay(names)?;
                for (&(from, to), weather) in &mut topology.links {
                    let End::Region(from) = from else { continue };
                    if let Some(ms) = measured::round_trip_ms(&names[from], &names[to]) {
                        *weather = Weather::of_delay(Duration::from_millis(u64::from(ms)) / 2);
                    }
                }
                Ok(topology)
            }
        }
    }
}

impl LinkForm {
    fn ends(&self, topology: &Topology) -> Result<(End, usize), TopologyError> {
        let place = |name: &String| topology.regions.iter().position(|region| region == name);
        let unknown = |name: &String| {
            self.error(&format!(
                "{name:?} is no region here; they are {}",
                topology.regions.join(", ")
            ))
        };
        let to = place(&self.to).ok_or_else(|| unknown(&self.to))?;
        if self.from == "client" {
            return Ok((End::Client, to));
        }
        let from = place(&self.from).ok_or_else(|| unknown(&self.from))?;
        if from == to {
            return Err(self.error("begins where it ends; a region needs no link to itself"));
        }
        Ok((End::Region(from), to))
    }

    fn weather(&self) -> Result<Weather, TopologyError> {
        let delay = milliseconds(self.delay_ms)
            .map_err(|wrong| self.error(&format!("delay_ms {wrong}")))?;
        let jitter = milliseconds(self.jitter_ms)
            .map_err(|wrong| self.error(&format!("jitter_ms {wrong}")))?;
        if self.bandwidth_kb_s == Some(0) {
            return Err(self.error(
                "bandwidth_kb_s is 0, so nothing would ever pass; leave it out for no limit",
            ));
        }
        Ok(Weather {
            delay,
            jitter,
            bandwidth: self.bandwidth_kb_s.map(|kb| kb.saturating_mul(1000)),
        })
    }

    fn error(&self, wrong: &str) -> TopologyError {
        TopologyError::Link {
            from: self.from.clone(),
            to: self.to.clone(),
            wrong: wrong.to_owned(),
        }
    }
}

fn milliseconds(ms: f64) -> Result<Duration, String> {
    if (0.0..=60_000.0).contains(&ms) {
        Ok(Duration::from_secs_f64(ms / 1e3))
    } else {
        Err(format!("is {ms}; give 0 to 60000 milliseconds"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Result<Topology, String> {
        let form: TopologyForm = toml::from_str(text).map_err(|error| error.to_string())?;
        form.resolve().map_err(|error| error.to_string())
    }

    #[test]
    fn a_link_holds_both_ways_unless_the_other_way_is_given() {
        let topology = resolve(
            r#"regions = ["oslo", "bergen", "us-east-1", "eu-west-1"]
               link = [
                 { from = "oslo", to = "bergen", delay_ms = 4.5, jitter_ms = 0.5, bandwidth_kb_s = 20 },
                 { from = "us-east-1", to = "oslo", delay_ms = 50 },
                 { from = "oslo", to = "us-east-1", delay_ms = 60 },
                 { from = "client", to = "bergen", delay_ms = 30 } ]"#,
        )
        .unwrap();
        let ms = |from, to| topology.weather(from, to).delay.as_secs_f64() * 1e3;
        assert_eq!(ms(End::Region(1), 0), 4.5);
        assert_eq!(topology.weather(End::Region(1), 0).bandwidth, Some(20_000));
        assert_eq!((ms(End::Region(2), 0), ms(End::Region(0), 2)), (50.0, 60.0));
        assert_eq!((ms(End::Client, 1), ms(End::Client, 0)), (30.0, 0.0));
        assert_eq!(
            ms(End::Region(2), 3),
            35.0,
            "measured pairs keep their figure"
        );
        assert_eq!(ms(End::Region(1), 3), 0.0);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_field() {
        let wrong = |text: &str| resolve(text).unwrap_err();
        let link = |rest: &str| wrong(&format!(r#"link = [{{ from = "us-east-1", {rest} }}]"#));
        assert!(wrong(r#"set = "six""#).contains("three, five, twelve"));
        assert!(wrong("set = 'three'\nregions = ['a']").contains("keep one of the two"));
        assert!(wrong("sett = 'three'").contains("sett"));
        assert!(link(r#"to = "mars", delay_ms = 1"#).contains("no region here"));
        assert!(link(r#"to = "us-east-1", delay_ms = 1"#).contains("begins where it ends"));
        assert!(link(r#"to = "eu-west-1", delay_ms = -1"#).contains("delay_ms"));
        assert!(
            link(r#"to = "eu-west-1", delay_ms = 1, bandwidth_kb_s = 0"#)
                .contains("bandwidth_kb_s")
        );
        assert!(wrong("client_delay_ms = 1e9").contains("client_delay_ms"));
    }
}
