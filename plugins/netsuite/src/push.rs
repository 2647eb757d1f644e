//! Writes: look, compare, write, look again.

use truthsource_sdk::connector::{Observed, Outcome, State, Write};
use truthsource_sdk::host::Level;
use truthsource_sdk::{Fault, Kind};

use crate::catalog::Catalog;
use crate::clock;
use crate::listing::Listing;
use crate::wire::Account;
use crate::{company, item, order, price, stock};

/// Carries out writes one after the other: NetSuite has no call that takes several and says of each what became of it
/// at once.
pub(crate) fn push(account: &Account<'_>, kind: Kind, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
    match kind {
        Kind::Location => Err(Fault::Unsupported("locations are not written".to_owned())),
        Kind::Item => {
            let types = item::types(account, &remote_ids(writes, |it| Some(it.to_owned())))?;
            let outcomes = each(account, writes, |write| item::push(account, &types, write))?;
            Ok(dated(account, &item::LISTING, outcomes))
        }
        Kind::Company => {
            let catalog = Catalog::read(account)?;
            let outcomes = each(account, writes, |write| company::push(account, &catalog, write))?;
            Ok(dated(account, &company::LISTING, outcomes))
        }
        Kind::StockLevel => {
            let types = item::types(account, &remote_ids(writes, |it| Some(it.split_once(':')?.0.to_owned())))?;
            each(account, writes, |write| stock::push(account, &types, write))
        }
        Kind::Price => {
            let catalog = Catalog::read(account)?;
            let types = item::types(account, &price::items(writes))?;
            each(account, writes, |write| price::push(account, (&catalog, &types), write))
        }
        Kind::Order => {
            let catalog = Catalog::read(account)?;
            let outcomes = each(account, writes, |write| order::push(account, &catalog, write))?;
            Ok(dated(account, &order::LISTING, outcomes))
        }
    }
}

fn remote_ids(writes: &[Write], id: impl Fn(&str) -> Option<String>) -> Vec<String> {
    writes.iter().filter_map(|it| id(it.remote_id.as_deref()?)).collect()
}

/// One outcome per write. When the account refuses us or is out of reach, the writes after that are not tried.
fn each(
    account: &Account<'_>,
    writes: &[Write],
    one: impl Fn(&Write) -> Result<Outcome, Fault>,
) -> Result<Vec<Outcome>, Fault> {
    let mut outcomes = Vec::with_capacity(writes.len());
    let mut stopped: Option<Outcome> = None;
    for write in writes {
        let outcome = match &stopped {
            Some(stopped) => stopped.clone(),
            None if !account.can_write() => Outcome::Retry(None, "this call has sent enough".to_owned()),
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
fn dated(account: &Account<'_>, listing: &Listing, mut outcomes: Vec<Outcome>) -> Vec<Outcome> {
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
    match clock::read(account).and_then(|clock| listing.dated(account, &clock, found)) {
        Ok(found) => stale.into_iter().zip(found).for_each(|(state, dated)| *state = dated),
        Err(fault) => account.host.log(Level::Debug, &format!("known to the minute only: {fault}")),
    }
    outcomes
}

/// Changes a record: written only where it still holds what the engine knew, or already what it wants.
pub(crate) fn change(
    write: &Write,
    id: &str,
    look: impl Fn() -> Result<Option<State>, Fault>,
    send: impl FnOnce(&State) -> Result<(), Outcome>,
) -> Result<Outcome, Fault> {
    let Some(held) = look()? else { return Ok(Outcome::Stale(Observed::Absent(id.to_owned()))) };
    if write.is_done(&held.fields) {
        return Ok(Outcome::Applied(held));
    }
    if !write.is_current(&held.fields) {
        return Ok(Outcome::Stale(Observed::Present(held)));
    }
    Ok(send(&held).err().unwrap_or_else(|| read_back(look)))
}

/// Creates a record, unless an earlier try has.
pub(crate) fn create(
    look: impl Fn() -> Result<Option<State>, Fault>,
    send: impl FnOnce() -> Result<(), Outcome>,
) -> Result<Outcome, Fault> {
    if let Some(held) = look()? {
        return Ok(Outcome::Applied(held));
    }
    Ok(send().err().unwrap_or_else(|| read_back(look)))
}

/// What a record holds after a write that NetSuite took.
pub(crate) fn read_back(look: impl Fn() -> Result<Option<State>, Fault>) -> Outcome {
    match look() {
        Ok(Some(held)) => Outcome::Applied(held),
        Ok(None) => Outcome::Unknown("written, and not there when read back".to_owned()),
        Err(fault) => Outcome::Unknown(format!("written, and not read back: {fault}")),
    }
}
