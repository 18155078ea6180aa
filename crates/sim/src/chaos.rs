//! What happens to everybody: restarts, deletions, trims, cleaning, a clock that is set.

use crate::rng::Rng;
use crate::world::World;
use std::time::Duration;
use taskcast_core::{Index, NewTask, TaskId};
use taskcast_engine::CreateAsk;
use taskcast_store::Maintenance;
use tokio::time::sleep;

/// Makes trouble until the run stops.
pub(crate) async fn chaos(world: &World, mut rng: Rng) {
    while !world.stopping() {
        sleep(Duration::from_millis(20 + rng.below(400))).await;
        let id = rng.pick(&world.ids).clone();
        match rng.below(9) {
            0 => world.restart(&mut rng).await,
            1 => {
                // Faults and races may refuse it; then it is not deleted.
                let _ = world.engine(&mut rng).delete(&id).await;
            }
            2 | 3 if let Some(tiers) = &world.tiers => tiers.release(&mut rng, &id).await,
            2 => trim(world, &mut rng, &id).await,
            3 => clean(world, &mut rng, &id).await,
            4 => {
                let by = i64::try_from(rng.below(6_000)).unwrap_or_default();
                world.clock.jump(by - 3_000);
            }
            _ => create(world, &mut rng, &id).await,
        }
    }
}

/// Creates a task, unless it exists.
pub(crate) async fn create(world: &World, rng: &mut Rng, id: &TaskId) {
    let ask = CreateAsk {
        id: Some(id.clone()),
        task: NewTask {
            ttl: rng.once_in(3).then(|| 1 + rng.below(10)),
            ..NewTask::default()
        },
        ..CreateAsk::default()
    };
    // It may exist already.
    let _ = world.engine(rng).create(ask).await;
}

async fn trim(world: &World, rng: &mut Rng, id: &TaskId) {
    let state = world.real.load(id).await;
    if let Ok(Some(state)) = state {
        let to = Index(state.trim.0 + rng.below(1 + (state.tail.0 - state.trim.0)) / 2);
        // The log may be gone since.
        let _ = world.store.trim(id, state.epoch, to).await;
    }
}

async fn clean(world: &World, rng: &mut Rng, id: &TaskId) {
    let state = world.real.load(id).await;
    if let Ok(Some(state)) = state {
        let some: Vec<Index> = (0..3).map(|_| Index(rng.below(1 + state.tail.0))).collect();
        // The log may be gone since.
        let _ = world.store.clean(id, state.epoch, &some).await;
    }
}
