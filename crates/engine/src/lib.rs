//! The library that hosts embed: tasks, events, subscriptions, deadlines.
