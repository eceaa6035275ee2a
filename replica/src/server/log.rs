//! The server's log, on standard error: lines for people or JSON for programs.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Starts logging; in a process that already logs, that log stays.
pub(crate) fn start(format: LogFormat) {
    // The engine tells its own story at INFO with every flush; only what went wrong is ours to tell.
    let targets = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target("fjall", LevelFilter::WARN)
        .with_target("lsm_tree", LevelFilter::WARN);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(false).with_target(false).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    let _ = tracing_subscriber::registry()
        .with(layer.with_filter(targets))
        .try_init();
}
