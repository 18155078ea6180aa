//! Keys that the chosen store does not use.

use super::problem_at;
use crate::draft::Draft;
use crate::problem::Place;

/// Whether every one of `keys` is left out, or may be there without effect.
///
/// Refused where the same hand chose the store (`chooser`; absent when nobody did): an image's
/// variables or a shared file may well describe a store that a flag replaces. `chosen` is named in
/// the refusal.
pub(super) fn are_idle(
    keys: &[&str],
    chosen: &str,
    chooser: Option<&Place>,
    draft: &mut Draft,
) -> bool {
    let refused = keys.iter().filter(|key| {
        let Some(place) = draft.place(key) else {
            return false;
        };
        let same_hand = match place {
            Place::File { .. } => matches!(chooser, None | Some(Place::File { .. })),
            Place::Flag { .. } => true,
            Place::Variable { .. } => false,
        };
        if same_hand {
            let problem = problem_at(draft, key, format!("{chosen} does not use it"));
            draft.problem(problem.hint("remove it, or choose the other storage"));
        }
        same_hand
    });
    refused.count() == 0
}
