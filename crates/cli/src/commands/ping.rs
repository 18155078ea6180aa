//! `taskcast ping`: whether a server is there.

use crate::Failure;
use crate::args::PingArgs;
use crate::connect::{client, failure};
use crate::output::{Output, Style};
use serde_json::json;
use std::time::{Duration, Instant};

/// Asks the server how it is, once.
pub(super) async fn ping(args: &PingArgs) -> Result<(), Failure> {
    let (client, url) = (client(&args.server, Duration::ZERO)?, args.server.url());
    let started = Instant::now();
    let answer = client.health().await;
    let ms = started.elapsed().as_millis();
    let mut out = Output::new();
    match answer {
        Ok(_) if args.json.json => out.json(&json!({ "ok": true, "url": url, "ms": ms })),
        Ok(_) => {
            let ok = out.styled(Style::Good, "OK");
            out.line(format_args!("{ok} — taskcast at {url} ({ms}ms)"))
        }
        Err(error) if args.json.json => {
            let error = error.to_string();
            out.json(&json!({ "ok": false, "url": url, "error": error }))?;
            Err(Failure::Silent(1))
        }
        Err(error) => Err(Failure::Failed(format!("FAIL — {}", failure(error)))),
    }
}
