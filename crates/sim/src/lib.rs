//! Seeded simulation of writers, readers, restarts and crashes over a Taskcast engine.
