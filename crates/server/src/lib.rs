//! The HTTP surface of Taskcast over an engine.
