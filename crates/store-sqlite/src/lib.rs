//! The embedded durable store of Taskcast, on SQLite.
