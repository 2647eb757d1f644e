//! Has systems tell of changes, where their connectors can do that: what should be subscribed to is looked at again and
//! again, because systems end subscriptions by themselves, and silently.

use serde::{Deserialize, Serialize};
use truthsource_core::UnixMs;
use truthsource_core::record::ConnectionId;
use truthsource_host::CallError;
use truthsource_host::model::{Fault, Standing};

use super::connections::Parties;
use super::lane::Lane;
use super::poll::read_kinds;
use super::{Did, Engine, Error};
use crate::store::{Change, Work};

/// How often a system is asked whether it still tells, in milliseconds: what it did not tell meanwhile, polls find.
const LOOK_EVERY_MS: u64 = 900_000;

/// How a connection's subscriptions stand, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed {
    /// When that was looked at.
    pub at: UnixMs,
    /// They end then unless they are renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew_by: Option<UnixMs>,
    /// Why they could not be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// The setting that holds how a connection's subscriptions stand.
#[must_use]
pub fn setting(connection: ConnectionId) -> String {
    format!("subscribed/{connection}")
}

/// When a lane looks at its system's subscriptions next.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    due_at: UnixMs,
    failures: u32,
}

/// Looks whether the lane's system tells what it should, if that is due, and has it tell what it did not. What may have gone
/// untold is pulled.
///
/// # Errors
/// When the store fails; a failing system is noted at the lane.
pub async fn subscribe(engine: &Engine, parties: &Parties, lane: &mut Lane) -> Result<Did, Error> {
    let is_due = lane.watch.due_at <= engine.now() && parties.powers.contains_key(&lane.connection.id);
    if !is_due {
        return Ok(Did::default());
    }
    let standing = engine.guests.ensure(&lane.connection).await;
    // Not to be allowed to subscribe is no reason to stop: what cannot be told is polled for.
    if !matches!(standing, Err(CallError::Refused(Fault::Denied(_)))) {
        lane.note(engine, standing.as_ref().map(|_| ()));
    }
    let now = engine.now();
    let mut batch = lane.batch(engine);
    let (subscribed, due_at, failures) = match standing {
        // Another release, or another address of ours, may change that.
        Ok(None) => (None, now.plus(LOOK_EVERY_MS), 0),
        Ok(Some(standing)) => {
            if standing.gap {
                let connection = lane.connection.id;
                let pull = |kind| Change::Ask { connection, kind, work: Work::Poll };
                batch.changes.extend(read_kinds(lane).map(pull));
            }
            let Standing { renew_by, .. } = standing;
            let due_at = renew_by.unwrap_or(UnixMs(u64::MAX)).min(now.plus(LOOK_EVERY_MS)).max(now.plus(1_000));
            (Some(Subscribed { at: now, renew_by, failure: None }), due_at, 0)
        }
        Err(error) => {
            tracing::warn!(connection = lane.connection.name, %error, "whether the system tells of changes is not known");
            let failures = lane.watch.failures + 1;
            let wait_ms = engine.pace.retry.wait_ms(failures, None, engine.draw, &setting(lane.connection.id));
            let subscribed = Subscribed { at: now, renew_by: None, failure: Some(error.to_string()) };
            (Some(subscribed), now.plus(wait_ms), failures)
        }
    };
    let handled = usize::from(subscribed.is_some());
    if let Some(subscribed) = subscribed {
        let value = serde_json::to_value(subscribed).unwrap_or_default();
        batch.changes.push(Change::Setting { name: setting(lane.connection.id), value });
        engine.store.commit(batch).await?;
    }
    lane.watch = Watch { due_at, failures };
    Ok(Did { handled, more: false })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::engine::fake::{ERP, Fake, House, answers};

    /// How often the system was asked in a turn at each of these times after the first, and what it was told to pull.
    async fn asked(
        standing: impl Fn(u32) -> Result<Option<Standing>, CallError> + Send + 'static,
    ) -> (Vec<u32>, usize) {
        let count = Arc::new(AtomicU32::new(0));
        let counted = count.clone();
        let ensure = answers(move |_| standing(counted.fetch_add(1, Ordering::Relaxed)));
        let house = House::with(Fake { ensure, ..Fake::default() }).await;
        let parties = Parties::load(&house.engine).await.unwrap();
        let mut lane = Lane::take(&house.engine, parties.connections[&ERP].clone()).await.unwrap().unwrap();
        let mut seen = Vec::new();
        for wait_ms in [0, 1_000, 600_000, 300_000] {
            house.pass(wait_ms);
            subscribe(&house.engine, &parties, &mut lane).await.unwrap();
            seen.push(count.load(Ordering::Relaxed));
        }
        let asks = house.store.asks(ERP).await.unwrap();
        (seen, asks.keys().filter(|(work, _)| *work == Work::Poll).count())
    }

    fn stands(renew_by: Option<u64>, gap: bool) -> Result<Option<Standing>, CallError> {
        Ok(Some(Standing { renew_by: renew_by.map(UnixMs), gap }))
    }

    #[tokio::test]
    async fn a_system_is_asked_again_before_its_subscriptions_end() {
        assert_eq!(asked(|_| stands(None, false)).await, (vec![1, 1, 1, 2], 0));
        assert_eq!(asked(|_| stands(Some(0), false)).await.0, [1, 2, 3, 4], "what ended is renewed, with a pause");
        assert_eq!(asked(|_| Ok(None)).await.0, [1, 1, 1, 2]);
    }

    #[tokio::test]
    async fn what_may_have_gone_untold_is_pulled() {
        let kinds = crate::engine::fake::spec().kinds.len();
        assert_eq!(asked(|_| stands(None, true)).await, (vec![1, 1, 1, 2], kinds));
    }

    #[tokio::test]
    async fn whoever_may_not_subscribe_goes_on_without() {
        let denied = |_| Err(CallError::Refused(Fault::Denied("no permission".to_owned())));
        let (seen, _) = asked(denied).await;
        assert!(seen[3] >= 3, "{seen:?}");
    }
}
