//! Runs in memory: every promise is kept, and a seed is a whole run.

use taskcast_sim::run_memory;

#[test]
fn a_hundred_seeds_keep_every_promise() {
    for seed in 0..100 {
        let outcome = run_memory(seed).unwrap();
        assert!(
            outcome.broken.is_empty(),
            "seed {seed}: {:#?}",
            outcome.broken
        );
        assert!(outcome.events > 0 && outcome.acknowledged > 0);
    }
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 1_000..1_010 {
        assert_eq!(
            run_memory(seed).unwrap(),
            run_memory(seed).unwrap(),
            "seed {seed}"
        );
    }
}
