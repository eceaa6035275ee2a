//! What a person sees while a load goes: a few lines on a terminal, or one plain line now and then. Nothing of it is made when nobody looks.

use indicatif::{ProgressBar, ProgressStyle};
use reports::words;

/// How often a plain line is shown, in intervals.
const PLAIN_EVERY: u64 = 10;

/// What a person sees meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// Live lines on a terminal.
    Live,
    /// A plain line now and then.
    Plain,
    /// Nothing.
    Nothing,
}

/// The last interval.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Glance {
    /// What is going on.
    pub(super) phase: &'static str,
    pub(super) elapsed_s: f64,
    pub(super) total_s: f64,
    pub(super) asked_per_s: f64,
    pub(super) got_per_s: f64,
    /// How many latencies the percentiles are of.
    pub(super) answered: u64,
    pub(super) response_p50_ns: u64,
    pub(super) response_p99_ns: u64,
    pub(super) service_p99_ns: u64,
    /// Upper bound of the replication lag, of so many heartbeats.
    pub(super) beats: u64,
    pub(super) lag_p99_ns: u64,
    pub(super) errors: u64,
    pub(super) late: u64,
    /// What is broken on purpose.
    pub(super) faults: Vec<String>,
}

impl Glance {
    /// For a log.
    fn plain(&self) -> String {
        let faults = match self.faults.as_slice() {
            [] => String::new(),
            faults => format!("  [{}]", faults.join("; ")),
        };
        format!(
            "{:>5.0} s  {:9}  asked {:.0}/s  got {:.0}/s  p50 {}  p99 {}  lag p99 {}  errors {}{faults}",
            self.elapsed_s,
            self.phase,
            self.asked_per_s,
            self.got_per_s,
            words::latency(self.answered, self.response_p50_ns),
            words::latency(self.answered, self.response_p99_ns),
            words::latency(self.beats, self.lag_p99_ns),
            words::count(self.errors),
        )
    }

    /// For a terminal.
    fn live(&self) -> String {
        let faults = match self.faults.as_slice() {
            [] => "none".to_owned(),
            faults => faults.join("; "),
        };
        format!(
            "{} {:.0} of {:.0} s   asked {:.0}/s   got {:.0}/s\n  response p50 {}  p99 {}   service p99 {}\n  lag p99 {}   errors {}   late {}\n  faults: {faults}",
            self.phase,
            self.elapsed_s,
            self.total_s,
            self.asked_per_s,
            self.got_per_s,
            words::latency(self.answered, self.response_p50_ns),
            words::latency(self.answered, self.response_p99_ns),
            words::latency(self.answered, self.service_p99_ns),
            words::latency(self.beats, self.lag_p99_ns),
            words::count(self.errors),
            words::count(self.late),
        )
    }
}

/// Where glances go.
pub(super) enum View {
    Live(ProgressBar),
    Plain,
    Nothing,
}

impl View {
    pub(super) fn open(show: Show) -> Self {
        match show {
            Show::Live => Self::Live(live()),
            Show::Plain => Self::Plain,
            Show::Nothing => Self::Nothing,
        }
    }

    /// Shows interval number `second`, if it is to be shown; `glance` makes it.
    pub(super) fn show(&self, second: u64, glance: impl FnOnce() -> Glance) {
        match self {
            Self::Live(bar) => {
                bar.set_message(glance().live());
                bar.tick();
            }
            Self::Plain if second % PLAIN_EVERY == PLAIN_EVERY - 1 => {
                eprintln!("{}", glance().plain());
            }
            Self::Plain | Self::Nothing => {}
        }
    }

    /// Clears what was shown live.
    pub(super) fn close(self) {
        match self {
            Self::Live(bar) => bar.finish_and_clear(),
            Self::Plain | Self::Nothing => {}
        }
    }
}

fn live() -> ProgressBar {
    // indicatif itself honours NO_COLOR.
    let style = ProgressStyle::with_template("{spinner:.cyan} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glance() -> Glance {
        Glance {
            phase: "measuring",
            elapsed_s: 12.0,
            total_s: 35.0,
            asked_per_s: 1000.0,
            got_per_s: 997.6,
            answered: 998,
            response_p50_ns: 1_200_000,
            response_p99_ns: 81_000_000,
            service_p99_ns: 7_900_000,
            beats: 0,
            lag_p99_ns: 0,
            errors: 2,
            late: 17,
            faults: vec!["partition: eu-west-1 is cut off".into()],
        }
    }

    #[test]
    fn a_glance_tells_what_is_going_on() {
        insta::assert_snapshot!(glance().plain(), @"   12 s  measuring  asked 1000/s  got 998/s  p50 1.20 ms  p99 81.0 ms  lag p99 –  errors 2  [partition: eu-west-1 is cut off]");
        insta::assert_snapshot!(glance().live(), @"
        measuring 12 of 35 s   asked 1000/s   got 998/s
          response p50 1.20 ms  p99 81.0 ms   service p99 7.90 ms
          lag p99 –   errors 2   late 17
          faults: partition: eu-west-1 is cut off
        ");
    }

    #[test]
    fn nobody_pays_for_what_is_not_shown() {
        View::open(Show::Nothing).show(9, || panic!("nobody looks"));
        View::open(Show::Plain).show(8, || panic!("not its turn"));
    }
}
