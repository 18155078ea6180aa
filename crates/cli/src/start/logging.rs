//! Log lines on standard error.

use crate::output;
use std::io;
use taskcast_config::{Log, LogFormat, LogLevel};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Installs the log of this process.
pub(super) fn install(log: Log) {
    let level = match log.level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    };
    // What libraries say below a warning is about them, not about this server.
    let targets = Targets::new()
        .with_target("taskcast", level)
        .with_default(level.min(LevelFilter::WARN));
    let registry = tracing_subscriber::registry().with(targets);
    let layer = fmt::layer().with_writer(io::stderr);
    // A second log in one process would be a fault of the caller's, and not worth ending it.
    let _ = match log.format {
        LogFormat::Text => registry
            .with(
                layer
                    .with_ansi(output::colours_on_stderr())
                    .with_target(false),
            )
            .try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
}
