//! Who a caller is: signed tokens, service keys and stream tickets.
//!
//! An [`Authenticator`] turns the headers of a request into an [`Identity`]. Each does one thing,
//! and they compose:
//!
//! | | identifies |
//! |---|---|
//! | [`Anyone`] | everybody, as somebody who may do everything |
//! | [`JwtAuthenticator`] | by a signed token in `Authorization: Bearer` |
//! | [`WithServiceKeys`] | trusted services by their key, and others as the one it wraps does |
//!
//! Beside them stands [`TicketKey`]: a ticket is asked for by an identified caller, and lets a
//! browser follow one task.
//!
//! Nothing here reads a clock, a file or the environment: times, keys and randomness are arguments.
//! No secret appears in any `Debug` or `Display`.
//!
//! ```
//! use std::time::Duration;
//! use taskcast_auth::{
//!     Algorithm, JwtAuthenticator, JwtSettings, SharedKey, TicketKey, mint,
//! };
//! use taskcast_core::{Millis, Scope, TaskId};
//!
//! let secret = b"thirty-two bytes or more, random";
//! let key = SharedKey::new(Algorithm::HS256, secret)?;
//! let now = Millis(1_700_000_000_000);
//!
//! // Somebody with the secret signs a token for one task …
//! let claims = serde_json::json!({
//!     "sub": "ann", "taskIds": ["report-7"], "scope": ["event:subscribe"],
//! });
//! let token = mint(claims.as_object().unwrap(), &key, now, Duration::from_secs(3_600))?;
//!
//! // … and the server knows who sends it.
//! let auth = JwtAuthenticator::new(JwtSettings {
//!     key: key.into(),
//!     issuer: None,
//!     audience: None,
//!     leeway: Duration::from_secs(60),
//! });
//! let ann = auth.identify(&token, now)?;
//! let task = TaskId::new("report-7")?;
//! assert!(ann.check_task(Scope::EventSubscribe, &task).is_ok());
//! assert!(ann.check_task(Scope::EventPublish, &task).is_err());
//!
//! // A browser cannot send headers, so ann asks for a ticket.
//! let tickets = TicketKey::from_secret(secret);
//! let ticket = tickets.issue(&task, &ann, now)?;
//! let follower = tickets.verify(ticket.as_str(), &task, now, false)?;
//! assert_eq!(follower.subject.as_deref(), Some("ann"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod anyone;
mod authenticator;
mod error;
mod jwt;
mod service_keys;
mod ticket;

pub use anyone::Anyone;
pub use authenticator::Authenticator;
pub use error::AuthError;
pub use jwt::{
    Algorithm, JwtAuthenticator, JwtSettings, Key, KeyError, KeyWarning, MintError, PublicKey,
    SharedKey, TOKEN_MAX_BYTES, TokenProblem, UnknownAlgorithm, mint, verify_jws,
};
pub use service_keys::{
    SERVICE_KEY_HEADER, SERVICE_KEY_MIN_BYTES, ServiceKey, ServiceKeyTooShort, WithServiceKeys,
};
pub use taskcast_core::Identity;
pub use ticket::{
    FIRST_CONNECT_MILLIS, OPEN_ENDED_MILLIS, TICKET_CLAIMS_MAX_BYTES, Ticket, TicketError,
    TicketKey, TicketProblem,
};
