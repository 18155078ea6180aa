//! The taskcast binary: configuration, composition and commands.
