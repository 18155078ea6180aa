//! Where tasks and events are kept.

use super::{Context, problem_at};
use crate::draft::Draft;
use crate::model::{Config, ShortTermProvider};
use crate::problem::Place;
use crate::settings::Storage;

pub(super) fn resolve(
    config: &Config,
    context: &Context<'_>,
    draft: &mut Draft,
) -> Option<Storage> {
    if !draft.is_sound("adapters") {
        return None;
    }
    let store = &config.adapters.short_term;
    let storage = match store.provider {
        ShortTermProvider::Memory => Storage::Memory {
            max_bytes: store.max_bytes,
        },
        ShortTermProvider::Sqlite => Storage::Sqlite {
            path: context.absolute(&store.path, draft.place("adapters.shortTerm.path")),
            durability: store.durability,
        },
    };
    let unused: &[&str] = match store.provider {
        ShortTermProvider::Memory => &["path", "durability"],
        ShortTermProvider::Sqlite => &["maxBytes"],
    };
    let fine = unused
        .iter()
        .filter(|name| !is_idle(name, &storage, draft))
        .count()
        == 0;
    fine.then_some(storage)
}

/// A key of the other store: refused where the same hand chose the store, else only idle.
///
/// An image's variables or a shared file may well describe a store that a flag replaces.
fn is_idle(name: &str, storage: &Storage, draft: &mut Draft) -> bool {
    let key = format!("adapters.shortTerm.{name}");
    let Some(place) = draft.place(&key) else {
        return true;
    };
    let chosen = draft.place("adapters.shortTerm.provider");
    let same_hand = match place {
        Place::File { .. } => matches!(chosen, None | Some(Place::File { .. })),
        Place::Flag { .. } => true,
        Place::Variable { .. } => false,
    };
    if !same_hand {
        return true;
    }
    let chosen = match storage {
        Storage::Memory { .. } => "memory",
        Storage::Sqlite { .. } => "sqlite",
    };
    let problem = problem_at(draft, &key, format!("storage {chosen} does not use it"));
    draft.problem(problem.hint("remove it, or choose the other storage"));
    false
}
