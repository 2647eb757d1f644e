//! What other records say about the levels that are about to be told.

use truthsource_core::stock::commitments;
use truthsource_core::{Fields, Kind, UnixMs};

use super::Fold;
use crate::engine::connections::Parties;
use crate::engine::shelf::{Place, Shelf, Undecided, count, place_of};
use crate::engine::{Engine, Error};

/// Tells every level under the fold what is promised of it, where stock is published.
pub(super) async fn supply(
    engine: &Engine,
    parties: &Parties,
    folds: &mut [Fold<'_>],
    now: UnixMs,
) -> Result<(), Error> {
    let levels: Vec<(usize, Place)> =
        folds.iter().enumerate().filter_map(|(at, it)| Some((at, place_of(&level(it)?)?))).collect();
    if levels.is_empty() || parties.published().next().is_none() {
        return Ok(());
    }
    // What is decided in this fold counts already.
    let mut news = Undecided::default();
    for fold in folds.iter() {
        if fold.key.kind == Kind::Order {
            news.orders.insert(fold.key.key.clone(), commitments(fold.folding.state()));
        } else if let Some(level) = level(fold)
            && let Some(place) = place_of(&level)
        {
            news.levels.insert(place, count(&level));
        }
    }
    let places = levels.iter().map(|(_, place)| place.clone()).collect();
    let shelf = Shelf::look(engine.store.as_ref(), &parties.rules, &places, (news, now)).await?;
    for (at, place) in levels {
        folds[at].folding.supplied(shelf.supply(&place));
    }
    Ok(())
}

/// What is decided of a level.
pub(super) fn level(fold: &Fold<'_>) -> Option<Fields> {
    (fold.key.kind == Kind::StockLevel).then(|| fold.folding.state().truth.values())
}

#[cfg(test)]
mod tests;
