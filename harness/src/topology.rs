//! Regions and the links between them, as data: who there is, and how long a packet takes from each to each.
//!
//! A topology says what the weather is when nothing is wrong; faults come on top of it (`proxy`). Delays are one way; a round trip is
//! the delay there and the delay back. Clients stand beside their region. Absent on purpose: clients far from their region (a link of the
//! TOML form can say so), and loss, which a TCP proxy can only show as delay.

mod measured;
mod toml_form;

use std::{collections::BTreeMap, time::Duration};

pub(crate) use measured::REGIONS as MEASURED_REGIONS;
pub(crate) use toml_form::TopologyForm;

/// One way between a client and its region.
const CLIENT_DELAY: Duration = Duration::from_micros(500);
/// Jitter as a share of the delay: about what long links show when they are well.
const JITTER_PER_CENT: u32 = 3;
/// More would be a mesh of more than 132 links on one machine.
pub(crate) const REGIONS_MAX: usize = 12;

/// Where a link begins.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum End {
    /// The clients of the region at the other end.
    Client,
    /// A region.
    Region(usize),
}

/// What a link does to bytes, one way, when nothing is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weather {
    /// How long a byte travels.
    pub(crate) delay: Duration,
    /// At most this much more or less.
    pub(crate) jitter: Duration,
    /// Bytes per second, if limited.
    pub(crate) bandwidth: Option<u64>,
}

/// Regions and the links between them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Topology {
    regions: Vec<String>,
    links: BTreeMap<(End, usize), Weather>,
}

/// What is wrong with a description of regions.
#[derive(Debug, thiserror::Error, PartialEq)]
pub(crate) enum TopologyError {
    /// None, or too many.
    #[error("{given} regions were given; name 1 to {REGIONS_MAX} of them")]
    Count {
        /// How many.
        given: usize,
    },
    /// Twice the same name.
    #[error("region {name:?} is named twice; a global table has one replica per region")]
    Twice {
        /// Its name.
        name: String,
    },
    /// A name that cannot stand in a credential scope.
    #[error(
        "{name:?} cannot be a region's name; use lower-case letters, digits and '-', for example us-east-1"
    )]
    Name {
        /// Its name.
        name: String,
    },
    /// No figures for this region.
    #[error(
        "region {name:?} is not one that we have measured delays for; use some of {}, or describe its links in a TOML file ([[topology.link]])",
        MEASURED_REGIONS.join(", ")
    )]
    Unmeasured {
        /// Its name.
        name: String,
    },
    /// No such set.
    #[error("there is no set of regions called {name:?}; the sets are three, five, twelve")]
    Set {
        /// Its name.
        name: String,
    },
    /// A link of the TOML form that does not fit.
    #[error("topology.link from {from:?} to {to:?}: {wrong}")]
    Link {
        /// As given.
        from: String,
        /// As given.
        to: String,
        /// What is wrong and what to do.
        wrong: String,
    },
    /// Another field of the TOML form.
    #[error("topology.{field}: {wrong}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong and what to do.
        wrong: String,
    },
    /// A scale that is no scale.
    #[error(
        "rtt-scale is {given}; it must be 0 (no delay) or more, 1 for the measured delays, at most 100"
    )]
    Scale {
        /// As given.
        given: f64,
    },
}

impl Topology {
    /// A built-in set: `three`, `five` or `twelve` regions with measured delays.
    ///
    /// # Errors
    /// When there is no such set.
    pub(crate) fn set(name: &str) -> Result<Topology, TopologyError> {
        let count = match name {
            "three" => 3,
            "five" => 5,
            "twelve" => 12,
            other => {
                return Err(TopologyError::Set {
                    name: other.to_owned(),
                });
            }
        };
        let names: Vec<String> = MEASURED_REGIONS[..count]
            .iter()
            .map(ToString::to_string)
            .collect();
        Topology::of_regions(&names)
    }

    /// The regions of these names with their measured delays.
    ///
    /// # Errors
    /// When there are too few, too many, duplicates, or names without a figure.
    pub(crate) fn of_regions(names: &[String]) -> Result<Topology, TopologyError> {
        let mut topology = Topology::without_delay(names)?;
        for (to, to_name) in names.iter().enumerate() {
            for (from, from_name) in names.iter().enumerate() {
                let unmeasured = |name: &String| TopologyError::Unmeasured { name: name.clone() };
                measured::round_trip_ms(from_name, from_name)
                    .ok_or_else(|| unmeasured(from_name))?;
                let round_trip = measured::round_trip_ms(from_name, to_name)
                    .ok_or_else(|| unmeasured(to_name))?;
                if from != to {
                    let delay = Duration::from_millis(u64::from(round_trip)) / 2;
                    topology
                        .links
                        .insert((End::Region(from), to), Weather::of_delay(delay));
                }
            }
            topology
                .links
                .insert((End::Client, to), Weather::of_delay(CLIENT_DELAY));
        }
        Ok(topology)
    }

    /// The regions of these names, any names, with links that add no delay.
    ///
    /// # Errors
    /// When there are too few, too many, duplicates, or a name that cannot be one.
    pub(crate) fn without_delay(names: &[String]) -> Result<Topology, TopologyError> {
        check_names(names)?;
        let mut links = BTreeMap::new();
        for to in 0..names.len() {
            links.insert((End::Client, to), Weather::default());
            for from in (0..names.len()).filter(|from| *from != to) {
                links.insert((End::Region(from), to), Weather::default());
            }
        }
        Ok(Topology {
            regions: names.to_vec(),
            links,
        })
    }

    /// The regions of these names, any names, with links from their clients only: what is between them is not ours.
    ///
    /// # Errors
    /// When there are too few, too many, duplicates, or a name that cannot be one.
    pub(crate) fn clients_only(names: &[String]) -> Result<Topology, TopologyError> {
        let mut topology = Topology::without_delay(names)?;
        topology.links.retain(|(from, _), _| *from == End::Client);
        Ok(topology)
    }

    /// The same with every delay and jitter multiplied.
    ///
    /// # Errors
    /// When the scale is negative, absurd or not a number.
    pub(crate) fn scaled(mut self, rtt_scale: f64) -> Result<Topology, TopologyError> {
        if !(0.0..=100.0).contains(&rtt_scale) {
            return Err(TopologyError::Scale { given: rtt_scale });
        }
        for weather in self.links.values_mut() {
            weather.delay = weather.delay.mul_f64(rtt_scale);
            weather.jitter = weather.jitter.mul_f64(rtt_scale);
        }
        Ok(self)
    }

    /// Region names, in order.
    pub(crate) fn regions(&self) -> &[String] {
        &self.regions
    }

    /// Every link: where it begins, where it ends, and its weather.
    pub(crate) fn links(&self) -> impl Iterator<Item = (End, usize, Weather)> + '_ {
        self.links
            .iter()
            .map(|(&(from, to), &weather)| (from, to, weather))
    }

    /// The weather of one link.
    #[cfg(test)]
    pub(crate) fn weather(&self, from: End, to: usize) -> Weather {
        *self.links.get(&(from, to)).expect(
            "there is a link for each ordered pair of regions and for each region's clients",
        )
    }

    /// How an end of a link is written: a region's name, or `client:` and the region whose clients they are.
    pub(crate) fn end_name(&self, end: End, region: usize) -> String {
        match end {
            End::Client => format!("client:{}", self.regions[region]),
            End::Region(index) => self.regions[index].clone(),
        }
    }

    /// The links as `run.json` records them.
    pub(crate) fn record(&self) -> Vec<reports::run_folder::Link> {
        self.links()
            .map(|(from, to, weather)| reports::run_folder::Link {
                from: self.end_name(from, to),
                to: self.regions[to].clone(),
                delay_ms: weather.delay.as_secs_f64() * 1e3,
                jitter_ms: weather.jitter.as_secs_f64() * 1e3,
            })
            .collect()
    }
}

impl Weather {
    fn of_delay(delay: Duration) -> Weather {
        Weather {
            delay,
            jitter: delay * JITTER_PER_CENT / 100,
            bandwidth: None,
        }
    }
}

fn check_names(names: &[String]) -> Result<(), TopologyError> {
    if names.is_empty() || names.len() > REGIONS_MAX {
        return Err(TopologyError::Count { given: names.len() });
    }
    for (index, name) in names.iter().enumerate() {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            return Err(TopologyError::Name { name: name.clone() });
        }
        if names[..index].contains(name) {
            return Err(TopologyError::Twice { name: name.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_three_regions_have_their_measured_round_trips() {
        let three = Topology::set("three").unwrap();
        assert_eq!(
            three.regions(),
            names(&["ap-southeast-1", "us-east-1", "eu-west-1"])
        );
        let round_trip =
            |a, b| three.weather(End::Region(a), b).delay + three.weather(End::Region(b), a).delay;
        assert_eq!(round_trip(0, 1), Duration::from_millis(211));
        assert_eq!(round_trip(1, 2), Duration::from_millis(70));
        assert_eq!(round_trip(0, 2), Duration::from_millis(182));
        assert_eq!(
            three.weather(End::Client, 0).delay * 2,
            Duration::from_millis(1)
        );
        assert_eq!(three.record().len(), 3 * 2 + 3);
    }

    #[test]
    fn a_scale_multiplies_and_nought_removes_every_delay() {
        let tenth = Topology::set("three").unwrap().scaled(0.1).unwrap();
        assert_eq!(
            tenth.weather(End::Region(0), 1).delay,
            Duration::from_micros(10_550)
        );
        let none = Topology::set("twelve").unwrap().scaled(0.0).unwrap();
        assert!(
            none.links()
                .all(|(_, _, weather)| weather == Weather::default())
        );
        let bad = Topology::set("three").unwrap().scaled(f64::NAN);
        assert!(matches!(bad, Err(TopologyError::Scale { .. })));
    }

    #[test]
    fn what_is_wrong_with_a_list_of_regions_is_said() {
        let say = |list: &[&str]| Topology::of_regions(&names(list)).unwrap_err().to_string();
        assert!(say(&[]).contains("1 to 12"), "{}", say(&[]));
        assert!(say(&["us-east-1", "us-east-1"]).contains("named twice"));
        assert!(
            say(&["atlantis-1"]).contains("eu-west-1"),
            "lists those it knows"
        );
        assert!(say(&["US EAST"]).contains("cannot be a region's name"));
        assert!(
            Topology::set("four")
                .unwrap_err()
                .to_string()
                .contains("three, five, twelve")
        );
    }
}
