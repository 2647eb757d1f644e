//! What must hold at the end of what came and went: an item that the owner has is everywhere, and alike; one that it has not
//! is for sale nowhere; nobody was made twice; and where it is otherwise, a person is asked.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::record::{KeyState, RecordKey};
use truthsource_core::{Kind, UnixMs, schema};
use truthsource_simulators::journal::Actor;
use truthsource_simulators::world::{Deed, Held, cut};

use super::plan::{Act, WARE};
use crate::demo::world::{Product, Seat};
use crate::engine::twins::NAME_TAKEN;
use crate::store::{self, About, Backlog, Conflict, Debt, DebtState, TenantStore};

/// A ware as a system has it: its fields by name.
type Ware<'a> = BTreeMap<&'static str, &'a str>;

/// What the engine knows that keeps wares from being alike everywhere, by their codes in lower case.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Those that cannot be made at a system, by its place: another record bears the name there, and a person is to see to
    /// it.
    out: BTreeSet<(usize, String)>,
    /// Those that were deleted where it counts: all that the others are told is that they are out of sale.
    deleted: BTreeSet<String>,
}

impl Kept {
    /// As it is stored.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of(store: &dyn TenantStore) -> store::Result<Self> {
        let connections = store.connections().await?;
        let items = store.records(Kind::Item, None, 10_000).await?.into_iter();
        let states = store.states(&items.map(|it| RecordKey::new(Kind::Item, it)).collect()).await?;
        let called = |state: &KeyState| schema::of(Kind::Item).natural_key(&state.truth.values());
        let deleted = states.values().filter(|it| it.truth.deleted_at.is_some()).filter_map(called).collect();
        let parked = store.debts(DebtState::Parked, None, 1_000).await?;
        let is_kept_out = |it: &&Debt| it.last_error.as_deref().is_some_and(|it| it.starts_with(NAME_TAKEN));
        let out = parked.iter().filter(is_kept_out).filter_map(|debt| {
            let at = connections.iter().position(|it| it.id == debt.connection)?;
            Some((at, called(states.get(&debt.key)?)?))
        });
        Ok(Self { out: out.collect(), deleted })
    }
}

/// What is not as it must be, in words. `done` is what people did.
#[must_use]
pub(super) fn check(
    (seats, now): (&[Seat], UnixMs),
    done: &[Act],
    (conflicts, kept): (&[Conflict], &Kept),
) -> Vec<String> {
    let held: Vec<Held> = seats.iter().map(|it| it.site.held(it.there(now))).collect();
    let wares: Vec<BTreeMap<String, Ware<'_>>> = held.iter().map(wares_of).collect();
    let asked = Asked::about(done, conflicts);
    let mut found = Vec::new();
    let Some(owned) = wares.first() else { return found };
    for (at, (seat, here)) in seats.iter().zip(&wares).enumerate() {
        found.extend(twins(seat, |code| asked.is(code)));
        let settled = |code: &&String| {
            let is_lasting = has_lasting_codes(seat) && asked.recoded.contains(*code);
            !(asked.is(code) || is_lasting || kept.out.contains(&(at, (*code).clone())))
        };
        for (code, ware) in here.iter().filter(|(code, _)| settled(code) && !owned.contains_key(*code)) {
            if ware.get("active") == Some(&"true") {
                found.push(format!("P1: item/{code} is for sale at {}, and the owner has none", seat.name()));
            }
        }
        for (code, ware) in owned.iter().filter(|(code, _)| settled(code)) {
            match here.get(code) {
                // What is out of sale is not made anywhere for that.
                None if ware.get("active") == Some(&"false") => {}
                None => found.push(format!("P1: missing: item/{code} at {}", seat.name())),
                Some(mine) => {
                    let fields: &[&str] =
                        if kept.deleted.contains(code) { &["active"] } else { &["title", "barcode", "active"] };
                    found.extend(differing(seat, code, (ware, mine), fields));
                }
            }
        }
    }
    found
}

/// What a system has otherwise than the owner, of these fields.
fn differing(seat: &Seat, code: &str, (owned, mine): (&Ware<'_>, &Ware<'_>), fields: &[&str]) -> Vec<String> {
    let differs = fields.iter().filter(|field| {
        let fits = owned.get(*field).map(|it| cut(it, seat.site.room(field)));
        fits != mine.get(*field).copied()
    });
    let told = differs.map(|field| {
        let (theirs, ours, at) = (owned.get(*field), mine.get(*field), seat.name());
        format!("P1: item/{code} {field}: {theirs:?} at the owner, {ours:?} at {at}")
    });
    told.collect()
}

/// Codes there stand for ever: nobody can tell them of another.
fn has_lasting_codes(seat: &Seat) -> bool {
    matches!(seat.product, Product::SapB1 | Product::Dynamics365)
}

fn wares_of(held: &Held) -> BTreeMap<String, Ware<'_>> {
    let mut wares: BTreeMap<String, Ware<'_>> = BTreeMap::new();
    for (cell, value) in held {
        if let Some(code) = cell.record.strip_prefix("item/").filter(|it| is_ware(it)) {
            wares.entry(code.to_owned()).or_default().insert(cell.field, value);
        }
    }
    wares
}

/// Whether everything that is left to do is about wares, and waits for what a person says of them: news that refers to
/// one that nobody knows, writes to one whose deletion nobody believes, what a system refused, and what refers to that.
///
/// # Errors
/// When the store fails.
pub(super) async fn is_asked(store: &dyn TenantStore, backlog: &Backlog) -> store::Result<bool> {
    let open = store.conflicts(Some(true), None, 1_000).await?;
    let is_unlinked = open.iter().any(|it| matches!(it.about, About::Unlinked { .. }));
    let is_mass = open.iter().any(|it| it.about == About::Mass);
    // What is not believed is looked at again and again.
    let is_busy = backlog.inbox > 0 || !is_mass && (backlog.touched > 0 || backlog.unfolded > 0);
    if is_busy || backlog.waiting > 0 && !is_unlinked {
        return Ok(false);
    }
    let parked = store.debts(DebtState::Parked, None, 1_000).await?;
    let refused: BTreeSet<_> = parked.iter().map(|it| (it.connection, it.key.key.as_str())).collect();
    for state in [DebtState::Due, DebtState::Blocked, DebtState::Untold, DebtState::Settling, DebtState::Parked] {
        let is_explained = |it: &Debt| {
            let is_wares = it.key.key.split('@').any(is_ware);
            let is_refused = || it.key.key.split('@').any(|code| refused.contains(&(it.connection, code)));
            let is_blocked = state == DebtState::Blocked && (is_unlinked || is_refused());
            is_wares && (state == DebtState::Parked || is_mass || is_blocked)
        };
        if !store.debts(state, None, 1_000).await?.iter().all(is_explained) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the code is a ware's.
#[must_use]
pub fn is_ware(code: &str) -> bool {
    code.to_lowercase().starts_with(&WARE.to_lowercase())
}

/// Items of one code at a system, of which we made one, and of which nobody is asked.
pub(super) fn twins(seat: &Seat, is_asked: impl Fn(&str) -> bool) -> Vec<String> {
    let mut codes: BTreeMap<String, (String, bool)> = BTreeMap::new();
    for line in seat.site.system().journal().since(0).into_iter().filter(|it| it.kind == "item") {
        match line.field.as_str() {
            "created" => drop(codes.insert(line.id, (String::new(), line.actor == Actor::Api))),
            "deleted" => drop(codes.remove(&line.id)),
            "code" => codes.entry(line.id).or_default().0 = line.value.to_lowercase(),
            _ => {}
        }
    }
    let mut by_code: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for (code, is_ours) in codes.into_values() {
        by_code.entry(code).or_default().push(is_ours);
    }
    let twice = by_code.into_iter().filter(|(code, all)| all.len() > 1 && all.contains(&true) && !is_asked(code));
    twice.map(|(code, all)| format!("P6: item/{code} is {} times at {}", all.len(), seat.name())).collect()
}

/// What people are asked about, and what is called otherwise since.
struct Asked {
    /// Whatever open questions name: records, ids, and what systems say.
    named: BTreeSet<String>,
    is_mass: bool,
    /// Old codes, and the new ones that people gave where the owner is.
    renamed: BTreeMap<String, String>,
    /// Every code that somebody took away or gave.
    recoded: BTreeSet<String>,
}

impl Asked {
    fn about(done: &[Act], conflicts: &[Conflict]) -> Self {
        let open: Vec<&Conflict> =
            conflicts.iter().filter(|it| it.outcome.is_none() && it.key.kind == Kind::Item).collect();
        let codes = |it: &Act| match &it.deed {
            Deed::Recode { item, code } => Some((item.to_lowercase(), code.to_lowercase())),
            _ => None,
        };
        let renamed = done.iter().filter(|it| it.seat == 0).filter_map(codes);
        let recoded = done.iter().filter_map(codes).flat_map(|(from, to)| [from, to]);
        Self {
            is_mass: open.iter().any(|it| it.about == About::Mass),
            named: open.iter().flat_map(|it| named_in(it)).collect(),
            recoded: recoded.collect(),
            renamed: renamed.filter(|(from, to)| from != to).collect(),
        }
    }

    /// A person is asked about it, by what it is called or was.
    fn is(&self, code: &str) -> bool {
        let mut names = BTreeSet::from([code]);
        names.extend(self.renamed.iter().filter(|(_, to)| *to == code).map(|(from, _)| from.as_str()));
        self.is_mass || names.into_iter().any(|it| self.named.contains(it))
    }
}

/// What a question names, in lower case as records are.
fn named_in(conflict: &Conflict) -> impl Iterator<Item = String> {
    let id = match &conflict.about {
        About::Unlinked { remote_id, .. } | About::Unread { remote_id, .. } => Some(remote_id.to_lowercase()),
        _ => None,
    };
    let said = conflict.claims.values().filter_map(|it| it.as_text()).map(str::to_lowercase);
    said.chain(id).chain([conflict.key.key.to_lowercase()])
}

#[cfg(test)]
mod tests;
