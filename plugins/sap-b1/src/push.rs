//! Writes: look, compare, write, look again.

use truthsource_sdk::connector::{Observed, Outcome, State, Write};
use truthsource_sdk::host::Level;
use truthsource_sdk::{Fault, Kind};

use crate::listing::Listing;
use crate::wire::{Service, Unwritten};
use crate::{company, item, order, order_push, price_push, stock_push};

/// Carries out writes one after the other: two of one record never meet, and a look is worth something only while
/// nothing else of ours moves.
pub(crate) fn push(service: &Service<'_>, kind: Kind, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
    match kind {
        Kind::Location => Err(Fault::Unsupported("warehouses are not written".to_owned())),
        Kind::Item => {
            let outcomes = each(service, writes, |write| item::push(service, write))?;
            Ok(dated(service, &item::LISTING, outcomes))
        }
        Kind::Company => {
            let outcomes = each(service, writes, |write| company::push(service, write))?;
            Ok(dated(service, &company::LISTING, outcomes))
        }
        Kind::StockLevel => each(service, writes, |write| stock_push::push(service, write)),
        Kind::Price => each(service, writes, |write| price_push::push(service, write)),
        Kind::Order => {
            let outcomes = each(service, writes, |write| order_push::push(service, write))?;
            Ok(dated(service, &order::LISTING, outcomes))
        }
    }
}

/// One outcome per write. When the company refuses us or is out of reach, the writes after that are not tried.
fn each(
    service: &Service<'_>,
    writes: &[Write],
    one: impl Fn(&Write) -> Result<Outcome, Fault>,
) -> Result<Vec<Outcome>, Fault> {
    let mut outcomes = Vec::with_capacity(writes.len());
    let mut stopped: Option<Outcome> = None;
    for write in writes {
        let outcome = match &stopped {
            Some(stopped) => stopped.clone(),
            None if !service.can_write() => Outcome::Retry(None, "this call has sent enough".to_owned()),
            None => match one(write) {
                Ok(outcome) => outcome,
                Err(fault) if outcomes.is_empty() => return Err(fault),
                Err(fault) => Outcome::not_written(fault),
            },
        };
        if stopped.is_none() && matches!(outcome, Outcome::Retry(..)) {
            stopped = Some(outcome.clone());
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// Dates what writes came upon, so that whoever decides between two changes knows which was later. Not to know it is no
/// reason to fail.
fn dated(service: &Service<'_>, listing: &Listing, mut outcomes: Vec<Outcome>) -> Vec<Outcome> {
    let mut stale: Vec<&mut State> = Vec::new();
    for outcome in &mut outcomes {
        if let Outcome::Stale(Observed::Present(state)) = outcome {
            stale.push(state);
        }
    }
    if stale.is_empty() {
        return outcomes;
    }
    let found = stale.iter().map(|it| State::clone(it)).collect();
    match listing.dated(service, found) {
        Ok(found) => stale.into_iter().zip(found).for_each(|(state, dated)| *state = dated),
        Err(fault) => service.host.log(Level::Debug, &format!("known to the minute only: {fault}")),
    }
    outcomes
}

/// Versions of a record that one write may come upon before it gives up: a version is the whole record's, and what else
/// of it changes (an item's stock, its other prices) is no reason not to write.
const VERSIONS_MAX: u32 = 2;

/// Changes a record: written only where it still holds what the engine knew, or already what it wants. `send` gets what
/// was found, whose version is the condition of the write.
pub(crate) fn change(
    write: &Write,
    id: &str,
    look: impl Fn() -> Result<Option<State>, Fault>,
    send: impl Fn(&State) -> Result<(), Unwritten>,
) -> Result<Outcome, Fault> {
    let mut held = look()?;
    for _ in 0..VERSIONS_MAX {
        let Some(state) = held else { return Ok(Outcome::Stale(Observed::Absent(id.to_owned()))) };
        if write.is_done(&state.fields) {
            return Ok(Outcome::Applied(state));
        }
        if !write.is_current(&state.fields) {
            return Ok(Outcome::Stale(Observed::Present(state)));
        }
        if let Some(untold) = write.untold(&state.fields) {
            return Ok(untold);
        }
        match send(&state) {
            Ok(()) => return Ok(read_back(look)),
            Err(Unwritten::Stale | Unwritten::NoMatch(_)) => held = look()?,
            Err(other) => return Ok(other.into()),
        }
    }
    Ok(Outcome::Stale(observed(id, held)))
}

/// Creates a record whose key is its name everywhere. One that is there already is the one that is wanted: where it
/// holds something else, that is news.
pub(crate) fn create(
    write: &Write,
    look: impl Fn() -> Result<Option<State>, Fault>,
    send: impl FnOnce() -> Result<(), Unwritten>,
) -> Result<Outcome, Fault> {
    let there = |held: State| match write.is_done(&held.fields) {
        true => Outcome::Applied(held),
        false => Outcome::Stale(Observed::Present(held)),
    };
    if let Some(held) = look()? {
        return Ok(there(held));
    }
    match send() {
        Ok(()) => Ok(read_back(look)),
        // Between the look and the write somebody made it.
        Err(Unwritten::Exists) => Ok(look()?.map_or_else(|| Unwritten::Exists.into(), there)),
        Err(other) => Ok(other.into()),
    }
}

pub(crate) fn observed(id: &str, held: Option<State>) -> Observed {
    held.map_or_else(|| Observed::Absent(id.to_owned()), Observed::Present)
}

/// What a record holds after a write that the company took.
pub(crate) fn read_back(look: impl Fn() -> Result<Option<State>, Fault>) -> Outcome {
    match look() {
        Ok(Some(held)) => Outcome::Applied(held),
        Ok(None) => Outcome::Unknown("written, and not there when read back".to_owned()),
        Err(fault) => Outcome::Unknown(format!("written, and not read back: {fault}")),
    }
}
