//! The configuration of a Taskcast server: a file, the environment and the command line become
//! validated [`Settings`], or every reason why they cannot.
//!
//! Nothing here looks at the process: the environment, the working directory and the home
//! directory are arguments. Only files are read, the configuration and the key files it names.
//!
//! ```
//! use taskcast_config::{Interface, LoadRequest, Storage, load};
//!
//! let folder = tempfile::tempdir()?;
//! std::fs::write(folder.path().join("taskcast.config.yaml"), "port: ${PORT}\n")?;
//! let request = LoadRequest {
//!     cwd: folder.path().to_owned(),
//!     env: [("PORT".to_owned(), "8080".to_owned())].into(),
//!     ..LoadRequest::default()
//! };
//! let loaded = load(&request)?;
//! assert_eq!(loaded.settings.bind.port, 8080);
//! assert_eq!(loaded.settings.bind.interface, Interface::Loopback);
//! assert!(matches!(loaded.settings.storage, Storage::Sqlite { .. }));
//!
//! std::fs::write(folder.path().join("taskcast.config.yaml"), "prot: 8080\n")?;
//! let refused = load(&request).unwrap_err().to_string();
//! assert!(refused.ends_with("taskcast.config.yaml:1:1: prot: unknown key; did you mean `port`?"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod describe;
mod draft;
mod environment;
mod interpolate;
mod keys;
mod later;
mod load;
mod locate;
pub mod model;
mod parse;
mod problem;
mod resolve;
mod sentry;
mod settings;
mod suggest;
mod url;
mod value;

pub use describe::{KeyReference, describe};
pub use keys::json_schema;
pub use load::{Given, LoadRequest, Loaded, Overrides, load};
pub use model::{
    Algorithm, Durability, LimitsConfig, LogFormat, LogLevel, ScopeName, Secret, Selection,
    ShutdownConfig, SseConfig,
};
pub use problem::{ConfigErrors, Place, Position, Problem};
pub use settings::{
    Admin, Auth, Bind, Cors, HotRetention, Interface, JwtKey, JwtSettings, Log, LongTerm,
    LongTermStorage, PostgresSettings, RedisSettings, Settings, Storage, TrustedService,
};
pub use url::ServerUrl;
