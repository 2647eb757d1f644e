//! What became of writes that were begun before: nobody heard, or whoever heard is not there any more.

use truthsource_core::plant::{self, Bug};
use truthsource_core::{Fields, schema};
use truthsource_host::CallError;
use truthsource_host::model::{self, Effect, Observed, Outcome, Write};

use super::{Ready, Sent};
use crate::engine::address::{Links, address};
use crate::engine::conclude::{conclude_all, give_up};
use crate::engine::connections::Parties;
use crate::engine::lane::{Lane, is_away};
use crate::engine::twins::{self, there};
use crate::engine::{Engine, Error, mapped};
use crate::store::Debt;

/// Finds out what became of writes that were begun before. Those that may simply be sent again are given back.
pub(super) async fn look_up(
    engine: &Engine,
    parties: &Parties,
    lane: &mut Lane,
    debts: Vec<Debt>,
) -> Result<Vec<Ready>, Error> {
    let mut again = Vec::new();
    let begun = debts.iter().filter_map(|it| Some((it.key.kind, it.intent.as_ref()?)));
    let links = Links::of(engine, lane.connection.id, begun).await?;
    let created = debts.iter().filter(|it| it.intent.as_ref().is_some_and(|it| it.remote_id.is_none()));
    let there = there(engine, lane.connection.id, created.map(|it| &it.key)).await?;
    for debt in debts {
        let Some(intent) = debt.intent.clone() else { continue };
        let Ok(write) = address(&links, lane.connection.id, debt.key.kind, &intent) else { continue };
        let effect = parties.kind_power(lane.connection.id, debt.key.kind).map_or(Effect::Unsafe, |it| it.effect);
        let mut write = write;
        if plant::on(Bug::RetryWithoutLookUp) {
            again.push(Ready { debt, intent, write, open: false });
            continue;
        }
        write.first_sent(intent.begun_at);
        let ready = Ready { debt, intent, write, open: true };
        if !lane.is_open(engine) {
            // It is as open as before, and has not failed once more.
            continue;
        }
        let sent = Sent { as_of: lane.tick(), at: None };
        let is_last = engine.pace.retry.is_spent(ready.debt.attempts + 1) && shows(&ready);
        match found(engine, parties, lane, &ready, effect).await {
            Ok(Found::Again) if there.contains_key(&ready.debt.key) => {
                let mut batch = lane.batch(engine);
                twins::leave(ready, &mut batch);
                engine.store.commit(batch).await?;
            }
            Ok(Found::Again) if is_last => give_up_on(engine, parties, lane, ready, sent).await?,
            Ok(Found::Again) => again.push(ready),
            Ok(Found::Ended(outcome)) => {
                conclude_all(engine, lane, vec![(ready, outcome)], sent, lane.batch(engine)).await?;
            }
            Err(error) => {
                lane.note(engine, Err(&error));
                if !is_away(&error) {
                    let outcome = Outcome::Unknown(error.to_string());
                    conclude_all(engine, lane, vec![(ready, outcome)], sent, lane.batch(engine)).await?;
                }
            }
        }
    }
    Ok(again)
}

/// What its system holds shows whether the write is there. A counter that stands where it was may have been moved back
/// since: of that nobody guesses, and what was sent waits for a person with the debt.
fn shows(ready: &Ready) -> bool {
    let Write { remote_id, changed, .. } = &ready.write.write;
    let is_counter = |name: &String| schema::of(ready.debt.key.kind).field(name).is_some_and(|it| it.counter);
    remote_id.is_some() && !changed.iter().any(is_counter)
}

/// The last try is a look: a write that was never answered is sent no more once its system shows that it is not there.
async fn give_up_on(
    engine: &Engine,
    parties: &Parties,
    lane: &mut Lane,
    ready: Ready,
    sent: Sent,
) -> Result<(), Error> {
    // Whatever its connector makes of repetitions: it is read.
    let outcome = match found(engine, parties, lane, &ready, Effect::Unsafe).await {
        Ok(Found::Ended(Outcome::Stale(observed))) => {
            return give_up(engine, lane, ready, (observed, sent.as_of)).await;
        }
        Ok(Found::Ended(outcome)) => outcome,
        Ok(Found::Again) => Outcome::Unknown("nobody knows what became of it".to_owned()),
        Err(error) => {
            lane.note(engine, Err(&error));
            if is_away(&error) {
                return Ok(());
            }
            Outcome::Unknown(error.to_string())
        }
    };
    conclude_all(engine, lane, vec![(ready, outcome)], sent, lane.batch(engine)).await
}

/// What a look-up came to.
enum Found {
    /// The write is not there, or repeating it is safe: send it again.
    Again,
    /// This is what became of it.
    Ended(Outcome),
}

async fn found(
    engine: &Engine,
    parties: &Parties,
    lane: &Lane,
    ready: &Ready,
    effect: Effect,
) -> Result<Found, CallError> {
    let (kind, write) = (ready.debt.key.kind, &ready.write.write);
    let once = parties.care(lane.connection.id, kind).creates_once;
    let Some(remote_id) = &write.remote_id else {
        return match mapped::find(engine, &lane.connection, kind, &write.command_key).await {
            Ok(created) => Ok(created.map_or(Found::Again, |state| Found::Ended(Outcome::Applied(state)))),
            // Records without a key of their own are named by what they belong to: the connector looks there first.
            Err(CallError::Refused(model::Fault::Unsupported(_))) if effect != Effect::Unsafe && !once => {
                Ok(Found::Again)
            }
            Err(error) => Err(error),
        };
    };
    match effect {
        Effect::Keyed | Effect::Conditional | Effect::Absolute => Ok(Found::Again),
        Effect::Verify | Effect::Unsafe => {
            let (connection, ids) = (&lane.connection, std::slice::from_ref(remote_id));
            let certain = parties.certain_max(connection.id, kind).is_some();
            let seen = mapped::read(engine, connection, kind, (ids, certain)).await?.pop().transpose()?;
            Ok(match seen {
                Some(Observed::Present(state)) if holds(&state.fields, write) => Found::Ended(Outcome::Applied(state)),
                Some(Observed::Present(state)) if unchanged(&state.fields, write) && effect == Effect::Verify => {
                    Found::Again
                }
                Some(observed) => Found::Ended(Outcome::Stale(observed)),
                None => Found::Ended(Outcome::Unknown("the system did not say what it holds".to_owned())),
            })
        }
    }
}

fn holds(fields: &Fields, write: &Write) -> bool {
    write.changed.iter().all(|name| fields.get(name) == write.want.get(name))
}

pub(in crate::engine) fn unchanged(fields: &Fields, write: &Write) -> bool {
    write.changed.iter().all(|name| fields.get(name) == write.base.get(name))
}
