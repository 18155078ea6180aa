//! Tickets: what lets a browser's `EventSource`, which cannot send headers, follow one task.
//!
//! A ticket is a signed note of who asked for it, and lives in no store: every instance that has
//! the key can verify it. It reads
//!
//! ```text
//!   base64url( HMAC-SHA256 (32 bytes) ‖ JSON {task, sub?, issued, ends, claims?} )
//! ```
//!
//! It is signed, not encrypted: whoever holds it can read the claims in it, as with a token.

use crate::AuthError;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::fmt;
use taskcast_core::{Denied, Identity, Millis, RawJson, Scope, Scopes, TaskId, TaskScope};

/// How long after its issue a ticket opens a first connection, in milliseconds.
pub const FIRST_CONNECT_MILLIS: u64 = 60_000;

/// How long a ticket lasts whose issuer's credentials never end, in milliseconds: 24 hours.
pub const OPEN_ENDED_MILLIS: u64 = 24 * 60 * 60 * 1_000;

/// The most that a ticket carries of the caller's subject and claims together, in bytes.
pub const TICKET_CLAIMS_MAX_BYTES: usize = 4 * 1024;

/// The longest text that is looked at. JSON escapes and base64 can make eight bytes of one.
const TICKET_MAX_BYTES: usize = 40 * 1024;

const MAC_BYTES: usize = 32;

/// Issues and verifies tickets. All instances of a deployment need the same one.
#[derive(Clone)]
pub struct TicketKey(hmac::Key);

/// Lets its holder follow one task: safe in a URL, and to be kept out of logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket(String);

/// Why no ticket was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// The caller may not follow the task, so neither may a ticket of theirs.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The caller's subject and claims do not fit into a URL.
    #[error(
        "the token's claims have {bytes} bytes, and a ticket carries at most 4096; \
         ask with a token that claims less"
    )]
    TooLarge {
        /// How long the claims and the subject are together.
        bytes: usize,
    },
}

/// Why a ticket does not hold: for logs, not for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TicketProblem {
    /// No ticket, or one that another key signed, or a changed one.
    #[error("the ticket was not issued with this key")]
    Forged,
    /// The ticket is for another task.
    #[error("the ticket is for another task")]
    OtherTask,
    /// A first connection came later than 60 seconds after the issue.
    #[error("the ticket opens a first connection within 60 seconds only")]
    Late,
    /// The credentials behind the ticket have ended.
    #[error("the ticket has expired")]
    Expired,
}

/// What a ticket says.
#[derive(Serialize, Deserialize)]
struct Note {
    task: TaskId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sub: Option<Box<str>>,
    issued: Millis,
    ends: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claims: Option<RawJson>,
}

impl TicketKey {
    /// Takes 32 random bytes.
    #[must_use]
    pub fn new(random: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, random))
    }

    /// Derives the key from a secret that all instances share, such as the one that signs tokens.
    /// A ticket tells nothing about the secret, and is no token.
    #[must_use]
    pub fn from_secret(secret: &[u8]) -> Self {
        // The spaces keep this apart from the text of any token, which the secret may sign too.
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = hmac::sign(&secret, b"taskcast ticket key, version 1");
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// Issues a ticket with which the caller can follow one task.
    ///
    /// It opens a first connection within [`FIRST_CONNECT_MILLIS`], and lets that one be resumed
    /// until the caller's own credentials end ([`OPEN_ENDED_MILLIS`] if they never do).
    ///
    /// # Errors
    /// [`TicketError`]: the caller may not follow the task, or their claims are too long.
    pub fn issue(
        &self,
        task: &TaskId,
        caller: &Identity,
        now: Millis,
    ) -> Result<Ticket, TicketError> {
        caller.check_task(Scope::EventSubscribe, task)?;
        let bytes = caller.subject.as_ref().map_or(0, |sub| sub.len())
            + caller.claims.as_ref().map_or(0, |all| all.as_bytes().len());
        if bytes > TICKET_CLAIMS_MAX_BYTES {
            return Err(TicketError::TooLarge { bytes });
        }
        let open_end = Millis(now.0.saturating_add(OPEN_ENDED_MILLIS));
        let note = Note {
            task: task.clone(),
            sub: caller.subject.clone(),
            issued: now,
            ends: caller.expires_at.unwrap_or(open_end),
            claims: caller.claims.clone(),
        };
        // Strings and numbers, and claims that are JSON already: they have a JSON form.
        let note = serde_json::to_vec(&note).map_err(|_| TicketError::TooLarge { bytes })?;
        let mut signed = hmac::sign(&self.0, &note).as_ref().to_vec();
        signed.extend_from_slice(&note);
        Ok(Ticket(URL_SAFE_NO_PAD.encode(signed)))
    }

    /// The identity that a ticket stands for at `now`: whoever asked for it, allowed to follow
    /// `task` and nothing else. `is_resume` tells that the request continues a stream (it has a
    /// `Last-Event-ID`).
    ///
    /// # Errors
    /// [`AuthError::InvalidTicket`].
    pub fn verify(
        &self,
        ticket: &str,
        task: &TaskId,
        now: Millis,
        is_resume: bool,
    ) -> Result<Identity, AuthError> {
        let note = self.read(ticket).ok_or(TicketProblem::Forged)?;
        note.check(task, now, is_resume)?;
        Ok(Identity {
            subject: note.sub,
            tasks: TaskScope::Only([note.task].into()),
            scopes: Scopes::NONE.with(Scope::EventSubscribe),
            expires_at: Some(note.ends),
            claims: note.claims,
        })
    }

    fn read(&self, ticket: &str) -> Option<Note> {
        if ticket.len() > TICKET_MAX_BYTES {
            return None;
        }
        let signed = URL_SAFE_NO_PAD.decode(ticket).ok()?;
        let (mac, note) = signed.split_at_checked(MAC_BYTES)?;
        hmac::verify(&self.0, note, mac).ok()?;
        serde_json::from_slice(note).ok()
    }
}

impl Note {
    fn check(&self, task: &TaskId, now: Millis, is_resume: bool) -> Result<(), TicketProblem> {
        if self.task != *task {
            return Err(TicketProblem::OtherTask);
        }
        if now >= self.ends {
            return Err(TicketProblem::Expired);
        }
        let first_until = Millis(self.issued.0.saturating_add(FIRST_CONNECT_MILLIS));
        if !is_resume && now > first_until {
            return Err(TicketProblem::Late);
        }
        Ok(())
    }
}

impl Ticket {
    /// The text to put into a URL: letters, digits, `-` and `_`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Ticket> for String {
    fn from(ticket: Ticket) -> Self {
        ticket.0
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(…)")
    }
}

impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKey(…)")
    }
}
