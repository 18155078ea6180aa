//! What a server says about itself when it starts.

use super::compose::Secrets;
use super::listen::Listening;
use std::io::{self, Write};
use taskcast_config::{Auth, Loaded, LongTermStorage, Storage};
use taskcast_store::StoreInfo;

/// The start lines. The last one tells the address, and that it is listened on.
pub(super) struct Announcement<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) listening: &'a Listening,
    pub(super) store: &'a StoreInfo,
    pub(super) secrets: &'a Secrets,
    pub(super) warnings: &'a [String],
}

impl Announcement<'_> {
    /// Writes the lines to standard output, and warnings to the log. A server whose output nobody
    /// reads serves all the same.
    pub(super) fn print(&self) {
        for warning in self.loaded.warnings.iter().chain(self.warnings) {
            tracing::warn!("{warning}");
        }
        let mut out = io::stdout().lock();
        let _ = out.write_all(self.text().as_bytes());
        let _ = out.flush();
    }

    fn text(&self) -> String {
        let mut text = format!("Taskcast {}\n", crate::VERSION);
        for (name, value) in self.lines() {
            text += &format!("  {name:<14} {value}\n");
        }
        text + &format!("Taskcast is listening on {}\n", self.listening.url)
    }

    fn lines(&self) -> Vec<(&'static str, String)> {
        let file = self.loaded.file.as_ref();
        let mut lines = vec![
            (
                "configuration",
                file.map_or("(none)".to_owned(), |file| file.display().to_string()),
            ),
            ("storage", self.storage()),
            ("long-term", self.long_term()),
            ("acknowledged", self.store.acknowledgement.to_string()),
            ("auth", self.auth()),
            ("reachable by", self.listening.reach.clone()),
        ];
        if let Some(token) = &self.secrets.drawn_admin_token {
            lines.push(("admin token", format!("{token} (drawn for this run)")));
        }
        lines
    }

    fn storage(&self) -> String {
        match &self.loaded.settings.storage {
            Storage::Memory { .. } => "memory".to_owned(),
            Storage::Sqlite { path, .. } => format!("sqlite, {}", path.display()),
            Storage::Redis(redis) => format!("redis, {}", redis.url),
        }
    }

    fn long_term(&self) -> String {
        match self.loaded.settings.long_term.as_ref().map(|it| &it.store) {
            None => "(none)".to_owned(),
            Some(LongTermStorage::Postgres(postgres)) => format!("postgres, {}", postgres.url),
            Some(LongTermStorage::Sqlite { path }) => format!("sqlite, {}", path.display()),
        }
    }

    fn auth(&self) -> String {
        let settings = &self.loaded.settings;
        let mode = match &settings.auth {
            Auth::None => "none: everybody may do everything".to_owned(),
            Auth::Jwt(jwt) => format!("jwt, {}", jwt.algorithm.as_str()),
        };
        match settings.trusted_services.len() {
            0 => mode,
            1 => format!("{mode}; 1 trusted service"),
            count => format!("{mode}; {count} trusted services"),
        }
    }
}
