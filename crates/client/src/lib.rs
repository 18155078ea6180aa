//! Rust client of a Taskcast server: producer, and subscriber with exact resume.
