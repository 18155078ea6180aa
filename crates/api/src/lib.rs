//! The wire: bodies, error codes and event-stream frames of the Taskcast protocol.
