//! What a person sees while a run goes on: one live line on a terminal, plain lines otherwise.

use std::{
    io::{IsTerminal as _, stderr},
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::journal::Journal;

/// How often the live line changes.
const LIVE_EVERY: Duration = Duration::from_millis(200);

/// How often a plain line is printed, unless the phase changes.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// How often a plain display looks for a change of phase.
const PLAIN_LOOK_EVERY: Duration = Duration::from_millis(200);

/// The display; it ends when this is dropped.
pub(crate) struct Progress {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Shows the journal's state from now on.
    pub(crate) fn start(journal: Arc<Journal>) -> Self {
        let (end, ended) = channel::<()>();
        let is_over =
            move |every| !matches!(ended.recv_timeout(every), Err(RecvTimeoutError::Timeout));
        let thread = thread::spawn(move || {
            if stderr().is_terminal() {
                live(&journal, is_over)
            } else {
                plain(&journal, is_over)
            }
        });
        Self {
            end: Some(end),
            thread: Some(thread),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // A display that panicked has said so itself.
            let _ = thread.join();
        }
    }
}

fn live(journal: &Journal, is_over: impl Fn(Duration) -> bool) {
    // indicatif itself honours NO_COLOR.
    let style = ProgressStyle::with_template("{spinner:.cyan} {elapsed_precise} {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style);
    while !is_over(LIVE_EVERY) {
        bar.set_message(line(journal));
        bar.tick();
    }
    bar.finish_and_clear();
}

fn plain(journal: &Journal, is_over: impl Fn(Duration) -> bool) {
    let mut shown_phase = String::new();
    let mut since_shown = Duration::ZERO;
    while !is_over(PLAIN_LOOK_EVERY) {
        since_shown += PLAIN_LOOK_EVERY;
        let (phase, _) = journal.state();
        if phase != shown_phase || since_shown >= PLAIN_EVERY {
            eprintln!("{:>6.1} s  {}", seconds(journal), line(journal));
            shown_phase = phase;
            since_shown = Duration::ZERO;
        }
    }
}

fn seconds(journal: &Journal) -> f64 {
    Duration::from_nanos(journal.now_ns()).as_secs_f64()
}

/// Phase, operations and faults.
fn line(journal: &Journal) -> String {
    let counts = journal.counts();
    let (phase, faults) = journal.state();
    let faults = if faults.is_empty() {
        String::new()
    } else {
        format!("  [{}]", faults.join("; "))
    };
    format!(
        "{phase:<11} {} ok, {} fail, {} info{faults}",
        counts.ok, counts.fail, counts.info
    )
}
