//! What a delta shows of what people do.

use truthsource_core::Kind;
use truthsource_core::record::{Observed, State};
use truthsource_host::model::Outcome;

use super::dialect::Pages;
use super::rig::{Listing, Rig, Seen};
use super::sample::{business, change, create, creation, removal};
use super::stand::Stand;
use super::verdict::{Found, Halt};

/// Longer than any delta reaches back by itself.
pub const LONG_MS: u64 = 2 * 3_600_000;

/// A rig of a small business in which there is something of the kind, and where its deltas go on.
///
/// # Errors
/// When there is no such thing here.
pub async fn begun(stand: &Stand, kind: Kind) -> Result<(Rig, Listing, String), Halt> {
    let rig = stand.open(&business(5, 2), Pages::Usual).await?;
    rig.power(kind)?;
    if kind == Kind::Order {
        make(&rig, kind, 1).await?;
        rig.settle(kind);
    }
    let listing = rig.list(kind).await?;
    // Whatever is declared: no delta reaches back to how it all began.
    rig.pass(LONG_MS);
    let (_, cursor) = rig.delta(kind, &listing.cursor, 0).await?;
    Ok((rig, listing, cursor))
}

/// There is a new record: people make it where they can, and else a write does.
///
/// # Errors
/// When neither can.
pub async fn make(rig: &Rig, kind: Kind, n: u32) -> Result<String, Halt> {
    let by_hand = creation(kind, n).map(|deed| rig.act(kind, &deed).map(|_| format!("people did {deed:?}")));
    if let Some(Ok(told)) = by_hand {
        return Ok(told);
    }
    let write = create(rig, kind, n, &format!("make-{n}")).await?;
    match rig.push(&write).await.map_err(Halt::call("push"))? {
        Outcome::Applied(state) => Ok(format!("a write created {kind} {}", state.remote_id)),
        other => Err(Halt::Untested(format!("none could be made: a creation came to {other:?}"))),
    }
}

/// Something of the kind is another than before: of orders there is one more, as they change but once.
///
/// # Errors
/// When nobody can do that here.
pub async fn stir(rig: &Rig, kind: Kind, n: u32) -> Result<String, Halt> {
    if kind == Kind::Order {
        return make(rig, kind, 100 + n).await;
    }
    let deed = change(kind, n).ok_or_else(|| Halt::Untested(format!("nobody here changes any {kind}")))?;
    rig.act(kind, &deed)?;
    Ok(format!("people did {deed:?}"))
}

/// The records that are new or others than before.
#[must_use]
pub fn difference<'a>(before: &Listing, after: &'a Listing) -> Vec<&'a State> {
    let is_news = |it: &&State| before.states.get(&it.remote_id).is_none_or(|was| was.fields != it.fields);
    after.states.values().filter(is_news).collect()
}

/// What a delta says of what happened, when it is asked at once and again when all must show.
async fn seen(rig: &Rig, kind: Kind, cursor: &str) -> Result<Seen, Halt> {
    let (early, cursor) = rig.delta(kind, cursor, 0).await?;
    rig.settle(kind);
    let (late, _) = rig.delta(kind, &cursor, 0).await?;
    Ok(early.then(late))
}

fn told(kind: Kind, did: &str, news: &[&State], seen: &Seen) -> Found {
    let missed: Vec<&str> = news.iter().filter(|it| !seen.tells(it)).map(|it| it.remote_id.as_str()).collect();
    if news.is_empty() {
        return Found::refuted(format!("{did}, and a complete listing of {kind} is as it was"));
    }
    if missed.is_empty() {
        return Found::proved(format!("{did}; {} records were told of by the delta", news.len()));
    }
    Found::refuted(format!("{did}; a complete listing shows it, and the delta did not tell of {}", missed.join(", ")))
}

/// New records.
///
/// # Errors
/// When it cannot be tried.
pub async fn creates(stand: &Stand, kind: Kind) -> Result<Found, Halt> {
    let (rig, before, cursor) = begun(stand, kind).await?;
    if !rig.power(kind)?.sees_creates {
        return Err(Halt::Undeclared("new records are not promised to show".to_owned()));
    }
    let did = make(&rig, kind, 2).await?;
    let seen = seen(&rig, kind, &cursor).await?;
    let after = rig.list(kind).await?;
    let is_new = |it: &&State| !before.states.contains_key(&it.remote_id);
    let news: Vec<&State> = after.states.values().filter(is_new).collect();
    Ok(told(kind, &did, &news, &seen))
}

/// Changed records.
///
/// # Errors
/// When it cannot be tried.
pub async fn updates(stand: &Stand, kind: Kind) -> Result<Found, Halt> {
    let (rig, before, cursor) = begun(stand, kind).await?;
    if !rig.power(kind)?.sees_updates {
        return Err(Halt::Undeclared("changes are not promised to show".to_owned()));
    }
    let deed = change(kind, 1).ok_or_else(|| Halt::Untested(format!("nobody here changes any {kind}")))?;
    rig.act(kind, &deed)?;
    let seen = seen(&rig, kind, &cursor).await?;
    let after = rig.list(kind).await?;
    Ok(told(kind, &format!("people did {deed:?}"), &difference(&before, &after), &seen))
}

/// What people removed: the ids that a listing shows no more.
async fn removed(rig: &Rig, kind: Kind, before: &Listing) -> Result<Vec<String>, Halt> {
    let deed = removal(kind).ok_or_else(|| Halt::Untested(format!("nobody here deletes any {kind}")))?;
    rig.act(kind, &deed)?;
    rig.settle(kind);
    let after = rig.list(kind).await?;
    let gone: Vec<String> = before.states.keys().filter(|it| !after.states.contains_key(*it)).cloned().collect();
    if gone.is_empty() {
        return Err(Halt::Broken(format!("people did {deed:?}, and a complete listing of {kind} is as it was")));
    }
    Ok(gone)
}

/// Deletions.
///
/// # Errors
/// When it cannot be tried.
pub async fn deletes(stand: &Stand, kind: Kind) -> Result<Found, Halt> {
    let (rig, before, cursor) = begun(stand, kind).await?;
    if !rig.power(kind)?.sees_deletes {
        return Err(Halt::Undeclared("deletions are not promised to show".to_owned()));
    }
    let gone = removed(&rig, kind, &before).await?;
    let seen = seen(&rig, kind, &cursor).await?;
    let missed: Vec<&str> = gone.iter().filter(|it| !seen.absent.contains(*it)).map(String::as_str).collect();
    let did = format!("people deleted {}", gone.join(", "));
    Ok(match missed.is_empty() {
        true => Found::proved(format!("{did}; the delta told of each")),
        false => Found::refuted(format!("{did}; the delta did not tell of {}", missed.join(", "))),
    })
}

/// A record that is gone is told to be.
///
/// # Errors
/// When it cannot be tried.
pub async fn absence(stand: &Stand, kind: Kind) -> Result<Found, Halt> {
    let (rig, before, _) = begun(stand, kind).await?;
    let gone = removed(&rig, kind, &before).await?;
    let power = rig.power(kind)?.clone();
    for (certain, most) in [(false, power.read_max), (true, power.certain_max)] {
        for ids in gone.chunks(most.max(1) as usize).take(usize::from(most > 0) * gone.len()) {
            let read = rig.read(kind, ids, certain).await?;
            if let Some(Observed::Present(state)) = read.iter().find(|it| matches!(it, Observed::Present(_))) {
                let sort = if certain { "certain reading" } else { "reading" };
                return Ok(Found::refuted(format!("people deleted {}, and a {sort} has it still", state.remote_id)));
            }
        }
    }
    Ok(Found::proved(format!("people deleted {}; listings and readings are without", gone.join(", "))))
}
