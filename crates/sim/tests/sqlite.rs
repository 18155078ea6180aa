//! Runs over SQLite with power cuts: what was promised is there afterwards.

use taskcast_sim::run_sqlite;

#[test]
fn what_was_acknowledged_or_seen_survives_as_the_durability_says() {
    for seed in 0..20 {
        let outcome = run_sqlite(seed).unwrap();
        assert!(
            outcome.broken.is_empty(),
            "seed {seed}: {:#?}",
            outcome.broken
        );
    }
}
