//! Where output goes, and how it looks on a terminal.

use crate::{Failure, environment};
use serde::Serialize;
use std::fmt;
use std::io::{self, ErrorKind, IsTerminal, Write};

/// Whether log lines and progress are coloured.
pub(crate) fn colours_on_stderr() -> bool {
    io::stderr().is_terminal() && !environment::no_colour()
}

/// Standard output. A reader that went away ends the command quietly.
pub(crate) struct Output {
    out: io::StdoutLock<'static>,
    colours: bool,
}

/// How a word looks on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// As everything else.
    Plain,
    /// Less important.
    Dim,
    /// It went well.
    Good,
    /// To look at.
    Warning,
    /// It went wrong.
    Bad,
    /// A name.
    Name,
}

impl Output {
    /// Standard output; held until dropped.
    pub(crate) fn new() -> Self {
        let out = io::stdout().lock();
        Self {
            colours: out.is_terminal() && !environment::no_colour(),
            out,
        }
    }

    /// Writes a line, and lets it go at once.
    pub(crate) fn line(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        writeln!(self.out, "{text}")
            .and_then(|()| self.out.flush())
            .map_err(|error| broken(&error))
    }

    /// Writes a value as JSON on one line.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(Failure::failed)?;
        self.line(text)
    }

    /// Text that is coloured on a terminal.
    pub(crate) fn styled(&self, style: Style, text: impl fmt::Display) -> String {
        let code = match style {
            _ if !self.colours => return text.to_string(),
            Style::Plain => return text.to_string(),
            Style::Dim => "2",
            Style::Good => "32",
            Style::Warning => "33",
            Style::Bad => "31",
            Style::Name => "36",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

fn broken(error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => Failure::Silent(0),
        _ => Failure::Failed(format!("the output cannot be written: {error}")),
    }
}

/// Tells why a command ended, on standard error.
pub(crate) fn failure(failure: &Failure) {
    if !matches!(failure, Failure::Silent(_)) {
        note(failure);
    }
}

/// A line on standard error, for people; whether anybody reads it does not matter.
pub(crate) fn note(text: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Text of somebody else's, fit for a line on a terminal: control characters are escaped.
pub(crate) fn printable(text: &str) -> String {
    let harmful =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match harmful(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

/// A time of day, in UTC: `12:34:56`.
pub(crate) fn time_of_day(millis: u64) -> String {
    let seconds = millis / 1_000 % 86_400;
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

/// A time, in UTC: `2026-01-31 12:34:56`.
pub(crate) fn timestamp(millis: u64) -> String {
    let (year, month, day) = date(millis / 86_400_000);
    format!("{year:04}-{month:02}-{day:02} {}", time_of_day(millis))
}

/// The date that is so many days after the first of January 1970, in the proleptic Gregorian
/// calendar. Counts from the first of March of the year 0, so that leap days end a year.
fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_PER_ERA: u64 = 146_097;
    let days = days.saturating_add(719_468);
    let (era, day_of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    let leap_days = day_of_era / 1_460 + day_of_era / (DAYS_PER_ERA - 1);
    let year_of_era = (day_of_era - leap_days + day_of_era / 36_524) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_cannot_steer_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
        assert_eq!(printable("\u{202e}abc"), "\\u{202e}abc");
        assert_eq!(printable("naïve 日本 🦀"), "naïve 日本 🦀");
    }

    #[test]
    fn a_time_of_day_is_utc() {
        assert_eq!(time_of_day(0), "00:00:00");
        assert_eq!(time_of_day(1_700_000_000_123), "22:13:20");
        for (millis, shown) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399_000, "2000-02-28 23:59:59"),
            (951_782_400_000, "2000-02-29 00:00:00"),
            (1_700_000_000_123, "2023-11-14 22:13:20"),
            (4_107_542_400_000, "2100-03-01 00:00:00"),
        ] {
            assert_eq!(timestamp(millis), shown);
        }
    }
}
