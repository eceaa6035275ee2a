//! The state of every ordered pair of regions: a board that is kept up to date on a terminal, lines when something changes elsewhere.

use std::{
    collections::BTreeMap,
    io::{IsTerminal as _, stderr},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::target::LocalTarget;

/// How one region says that its links are.
pub(super) struct Look {
    pub(super) from: String,
    /// By peer; none when the region does not answer.
    pub(super) peers: Option<BTreeMap<String, Tie>>,
}

/// One ordered pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tie {
    pub(super) connected: bool,
    pub(super) pending: u64,
}

/// Asks every region.
pub(super) fn look(target: &LocalTarget, regions: &[String]) -> Vec<Look> {
    let ask = |(index, from): (usize, &String)| Look {
        from: from.clone(),
        peers: target.health(index).ok().map(|health| {
            let peers = health.core.peers.into_iter();
            peers
                .map(|(to, peer)| {
                    (
                        to,
                        Tie {
                            connected: peer.connected,
                            pending: peer.pending,
                        },
                    )
                })
                .collect()
        }),
    };
    regions.iter().enumerate().map(ask).collect()
}

/// Shows looks.
pub(super) struct LinkBoard {
    regions: Vec<String>,
    live: Option<ProgressBar>,
    shown: BTreeMap<(String, String), &'static str>,
}

impl LinkBoard {
    pub(super) fn new(regions: &[String]) -> LinkBoard {
        let live = (stderr().is_terminal() && regions.len() > 1).then(|| {
            let style = ProgressStyle::with_template("{msg}");
            let plain = ProgressStyle::default_spinner();
            ProgressBar::new_spinner().with_style(style.unwrap_or(plain))
        });
        LinkBoard {
            regions: regions.to_vec(),
            live,
            shown: BTreeMap::new(),
        }
    }

    /// Shows how links are now.
    pub(super) fn show(&mut self, looks: Vec<Look>) {
        match &self.live {
            Some(bar) => {
                bar.set_message(table(&self.regions, &looks));
                bar.tick();
            }
            None => self
                .lines(&looks)
                .iter()
                .for_each(|line| eprintln!("{line}")),
        }
    }

    /// Takes the board away.
    pub(super) fn close(&self) {
        if let Some(bar) = &self.live {
            bar.finish_and_clear();
        }
    }

    /// What has changed. Only the kind of state counts: pending entries come and go with every write.
    fn lines(&mut self, looks: &[Look]) -> Vec<String> {
        let mut lines = Vec::new();
        for look in looks {
            for to in self.regions.iter().filter(|to| **to != look.from) {
                let tie = look.peers.as_ref().map(|peers| peers.get(to).copied());
                let state = state(tie);
                let pair = (look.from.clone(), to.clone());
                if self.shown.insert(pair, state) != Some(state) {
                    let pending = match tie {
                        Some(Some(tie)) if tie.pending > 0 => format!(", {} pending", tie.pending),
                        Some(_) | None => String::new(),
                    };
                    lines.push(format!("link {} -> {to}: {state}{pending}", look.from));
                }
            }
        }
        lines
    }
}

fn state(tie: Option<Option<Tie>>) -> &'static str {
    match tie {
        None => "region does not answer",
        Some(Some(Tie {
            connected: true, ..
        })) => "connected",
        Some(
            Some(Tie {
                connected: false, ..
            })
            | None,
        ) => "not connected",
    }
}

/// Rows are where entries come from, columns where they go.
fn table(regions: &[String], looks: &[Look]) -> String {
    let width = regions.iter().map(String::len).max().unwrap_or(0).max(14);
    let mut text = format!("{:<width$}", "links, from/to");
    for to in regions {
        text.push_str(&format!("  {to:>width$}"));
    }
    for look in looks {
        text.push_str(&format!("\n{:<width$}", look.from));
        for to in regions {
            let cell = match look.peers.as_ref().map(|peers| peers.get(to)) {
                _ if *to == look.from => "-".to_owned(),
                None => "no answer".to_owned(),
                Some(Some(Tie {
                    connected: true,
                    pending: 0,
                })) => "up to date".to_owned(),
                Some(Some(Tie {
                    connected: true,
                    pending,
                })) => format!("{pending} pending"),
                Some(Some(Tie {
                    connected: false,
                    pending,
                })) => format!("cut, {pending} wait"),
                Some(None) => "not connected".to_owned(),
            };
            text.push_str(&format!("  {cell:>width$}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(connected: bool, pending: u64) -> Vec<Look> {
        let tie = |to: &str| {
            Some(BTreeMap::from([(
                to.to_owned(),
                Tie { connected, pending },
            )]))
        };
        vec![
            Look {
                from: "a".to_owned(),
                peers: tie("b"),
            },
            Look {
                from: "b".to_owned(),
                peers: None,
            },
        ]
    }

    #[test]
    fn a_line_is_printed_when_a_link_changes_its_kind_of_state() {
        let regions = ["a".to_owned(), "b".to_owned()];
        let mut board = LinkBoard {
            regions: regions.to_vec(),
            live: None,
            shown: BTreeMap::new(),
        };
        let first = board.lines(&looks(true, 0));
        assert_eq!(
            first,
            [
                "link a -> b: connected",
                "link b -> a: region does not answer"
            ]
        );
        assert!(board.lines(&looks(true, 5)).is_empty());
        assert_eq!(
            board.lines(&looks(false, 5)),
            ["link a -> b: not connected, 5 pending"]
        );
    }

    #[test]
    fn the_table_has_a_cell_for_each_ordered_pair() {
        let regions = ["a".to_owned(), "b".to_owned()];
        insta::assert_snapshot!(table(&regions, &looks(false, 5)), @r"
        links, from/to               a               b
        a                            -     cut, 5 wait
        b                    no answer               -
        ");
    }
}
