//! `taskcast token`.

use super::JsonArg;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// `token`.
#[derive(Args, Debug)]
pub struct TokenArgs {
    /// The configuration file that holds the secret
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Who the token is for
    #[arg(long)]
    pub sub: Option<String>,
    /// What it allows, as event:subscribe; separated by commas, or given several times
    #[arg(long, value_delimiter = ',', required = true)]
    pub scope: Vec<String>,
    /// The tasks it is good for [default: all]
    #[arg(long, value_delimiter = ',')]
    pub task_id: Vec<String>,
    /// How long it is good: seconds, or a number with s, m, h or d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration)]
    pub expires_in: Duration,
    /// How it is printed.
    #[command(flatten)]
    pub json: JsonArg,
}

/// `90`, `90s`, `15m`, `12h` or `7d`.
fn duration(text: &str) -> Result<Duration, String> {
    let complaint = || "expected seconds, or a number with s, m, h or d".to_owned();
    let (number, unit) = match text.char_indices().last() {
        Some((_, last)) if last.is_ascii_digit() => (text, 1),
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3_600),
        Some((at, 'd')) => (&text[..at], 86_400),
        _ => return Err(complaint()),
    };
    let number: u64 = number.parse().map_err(|_| complaint())?;
    match number.checked_mul(unit) {
        Some(0) => Err("a token that is never good is of no use".to_owned()),
        Some(seconds) if seconds <= 100 * 366 * 86_400 => Ok(Duration::from_secs(seconds)),
        _ => Err("at most a hundred years".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_or_are_seconds() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("2m", 120),
            ("1h", 3_600),
            ("2d", 172_800),
        ] {
            assert_eq!(duration(text).unwrap().as_secs(), seconds, "{text}");
        }
        for text in [
            "",
            "h",
            "1w",
            "-1",
            "0",
            "1.5h",
            "99999999999999999999",
            "999999d",
            "é",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
