//! Runs over two tiers in memory: every promise is kept, wherever a log is.

use taskcast_sim::run_tiered;

#[test]
fn sixty_seeds_keep_every_promise() {
    let mut moves = 0;
    for seed in 0..60 {
        let outcome = run_tiered(seed).unwrap();
        assert!(
            outcome.broken.is_empty(),
            "seed {seed}: {:#?}",
            outcome.broken
        );
        assert!(outcome.events > 0 && outcome.acknowledged > 0);
        moves += outcome.moves;
    }
    assert!(moves > 60, "logs were released and came back {moves} times");
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 1_000..1_006 {
        assert_eq!(
            run_tiered(seed).unwrap(),
            run_tiered(seed).unwrap(),
            "seed {seed}"
        );
    }
}
