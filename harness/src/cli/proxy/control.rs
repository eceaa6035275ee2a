//! The lines that drive `dateline proxy`: one command each, one answer each.

use std::sync::Arc;

use super::Links;
use crate::proxy::{AfterHeal, Direction, Link, LinkFault};

/// Faults of the control lines are held under this name.
const HOLDER: &str = "control";

/// What can be said.
pub(super) const HELP: &str = "\
Lines on standard input, each answered by one line (WAY is forward, backward or both):
  NAME latency WAY MS [JITTER_MS]    delay bytes
  NAME tail WAY MEAN_MS              delay each piece by a time of its own, exponentially distributed
  NAME bandwidth WAY BYTES_PER_S     limit their rate
  NAME cut WAY [reset]               hold them until healed; reset connections then
  NAME slow-close WAY MS             delay the end of a stream
  NAME truncate WAY BYTES            close each connection after so many more
  NAME repeat PER_MILLE MS           let so many HTTP requests of a thousand arrive again, up to so much later
  NAME refuse                        refuse new connections
  NAME reset                         reset every connection now
  NAME heal                          take every fault away
  NAME show                          what the link has carried";

/// Does what one line says.
pub(super) fn obey(line: &str, links: &Links) -> Result<String, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, verb, rest @ ..] = words.as_slice() else {
        return Err("say NAME COMMAND …; `dateline proxy --help` lists the commands".to_owned());
    };
    let link = links.get(*name).ok_or_else(|| {
        let names: Vec<&str> = links.keys().map(String::as_str).collect();
        format!("there is no link {name:?}; there are {}", names.join(", "))
    })?;
    match (*verb, rest) {
        ("heal", []) => link.heal(),
        ("reset", []) => link.reset_connections(),
        ("show", []) => return Ok(summary(link)),
        ("refuse", []) => link.install(HOLDER, Direction::Forward, LinkFault::Refuse),
        ("repeat", [per_mille, ms]) => {
            let fault = LinkFault::Repeat {
                per_mille: number(verb, per_mille)?,
                delay_ms: number(verb, ms)?,
            };
            link.install(HOLDER, Direction::Forward, fault);
        }
        (_, [way, numbers @ ..]) => {
            let fault = fault(verb, numbers)?;
            for direction in directions(way)? {
                link.install(HOLDER, direction, fault);
            }
        }
        (_, []) => return Err(unknown(verb)),
    }
    Ok(format!("{name} {verb}: done"))
}

/// What a link has carried, in a line.
pub(super) fn summary(link: &Arc<Link>) -> String {
    let traffic = link.traffic();
    format!(
        "{}: {} connections open of {} accepted, {} bytes forward, {} backward, {} requests repeated",
        link.name(),
        traffic.open,
        traffic.accepted,
        traffic.forward_bytes,
        traffic.backward_bytes,
        traffic.repeated
    )
}

fn fault(verb: &str, arguments: &[&str]) -> Result<LinkFault, String> {
    let number = |text: &str| number(verb, text);
    match (verb, arguments) {
        ("latency", [ms]) => Ok(LinkFault::Latency {
            delay_ms: number(ms)?,
            jitter_ms: 0,
        }),
        ("latency", [ms, jitter]) => Ok(LinkFault::Latency {
            delay_ms: number(ms)?,
            jitter_ms: number(jitter)?,
        }),
        ("tail", [ms]) => Ok(LinkFault::Tail {
            mean_ms: number(ms)?,
        }),
        ("bandwidth", ["0"]) => Err("bandwidth 0 would hold everything; say cut".to_owned()),
        ("bandwidth", [rate]) => Ok(LinkFault::Bandwidth {
            bytes_per_s: number(rate)?,
        }),
        ("cut", []) => Ok(LinkFault::Blackhole {
            after: AfterHeal::Continue,
        }),
        ("cut", ["reset"]) => Ok(LinkFault::Blackhole {
            after: AfterHeal::Reset,
        }),
        ("slow-close", [ms]) => Ok(LinkFault::SlowClose {
            delay_ms: number(ms)?,
        }),
        ("truncate", [bytes]) => Ok(LinkFault::Truncate {
            bytes: number(bytes)?,
        }),
        _ => Err(unknown(verb)),
    }
}

fn number(verb: &str, text: &str) -> Result<u64, String> {
    text.parse::<u64>()
        .map_err(|_| format!("{verb}: {text:?} is no whole number of 0 or more"))
}

fn directions(way: &str) -> Result<Vec<Direction>, String> {
    match way {
        "forward" => Ok(vec![Direction::Forward]),
        "backward" => Ok(vec![Direction::Backward]),
        "both" => Ok(vec![Direction::Forward, Direction::Backward]),
        other => Err(format!(
            "{other:?} is no way; say forward, backward or both"
        )),
    }
}

fn unknown(verb: &str) -> String {
    format!("{verb:?} with these words is no command; `dateline proxy --help` lists them")
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, time::Duration};

    use workloads::seed::Seed;

    use super::*;
    use crate::topology::Weather;

    #[test]
    fn lines_change_links_and_mistakes_are_named() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let link = Link::open(
            "db",
            any,
            any,
            Weather::default(),
            Seed(1),
            runtime.handle(),
        )
        .unwrap();
        let links = Links::from([("db".to_owned(), Arc::clone(&link))]);
        let say = |line: &str| obey(line, &links);
        assert_eq!(say("db latency both 20 5").unwrap(), "db latency: done");
        assert_eq!(link.round_trip_max(), Duration::from_millis(50));
        assert_eq!(say("db tail forward 4").unwrap(), "db tail: done");
        assert_eq!(link.round_trip_max(), Duration::from_millis(90));
        assert_eq!(say("db cut forward reset").unwrap(), "db cut: done");
        assert_eq!(link.cut_by(Direction::Forward), ["control"]);
        say("db refuse").unwrap();
        assert_eq!(link.barred_by(Direction::Backward), ["control"]);
        say("db heal").unwrap();
        assert!(link.barred_by(Direction::Forward).is_empty());
        assert!(link.barred_by(Direction::Backward).is_empty());
        assert!(
            say("db show")
                .unwrap()
                .contains("0 connections open of 0 accepted")
        );
        for (line, part) in [
            ("", "NAME COMMAND"),
            ("dbb heal", "there are db"),
            ("db dance", "no command"),
            ("db latency up 5", "forward, backward or both"),
            ("db latency both soon", "no whole number"),
            ("db bandwidth both 0", "say cut"),
        ] {
            assert!(
                say(line).unwrap_err().contains(part),
                "{line}: {:?}",
                say(line)
            );
        }
    }
}
