//! Benchmark of a Taskcast server against the floors of its machine.
