//! Webhooks of a run, taken in as the server's door takes them in.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::HeaderMap;
use truthsource_core::UnixMs;
use truthsource_core::record::ConnectionId;
use truthsource_simulators::outbox::{Answer, Webhook};

use super::coverage::Moment;
use super::notes::Notes;
use crate::http::hooks::{Endpoint, shake, take_in, taken};
use crate::store::{Change, TenantStore};

/// Webhooks that wait to be understood and are looked through.
const WAITING_MAX: u32 = 100_000;

/// What was said yes to.
#[derive(Debug, Default)]
pub struct Intake {
    acknowledged: BTreeSet<(ConnectionId, String)>,
}

impl Intake {
    /// What a system is answered that delivers this. What was said yes to is there (I10), and is taken in once (W3).
    pub(super) async fn answer(
        &mut self,
        store: &dyn TenantStore,
        (endpoint, webhook): (&Arc<Endpoint>, &Webhook),
        now: UnixMs,
        notes: &mut Notes,
    ) -> Answer {
        let headers = headers(webhook);
        let shaken = webhook.url.parse().ok().and_then(|uri| shake(endpoint, &uri, &headers));
        if let Some((status, body)) = shaken {
            notes.reach(Moment::Handshake);
            return Answer { status, body };
        }
        let status = match taken(endpoint, &headers, &webhook.body, now) {
            Err(error) => {
                notes.broke(format!("W: a webhook to {} was refused: {error:?}", webhook.url));
                400
            }
            Ok(change) => self.take(store, change, now, notes).await,
        };
        Answer { status, body: bytes::Bytes::new() }
    }

    async fn take(&mut self, store: &dyn TenantStore, change: Change, now: UnixMs, notes: &mut Notes) -> u16 {
        let Change::Inbox { connection, event_id, body, .. } = &change else { return 400 };
        let (id, body) = ((*connection, event_id.clone()), body.clone());
        let Ok(is_new) = take_in(store, change, now).await else { return 503 };
        if !is_new {
            notes.reach(Moment::Deduplicated);
        } else if self.acknowledged.contains(&id) {
            notes.broke(format!("W3: webhook {} was taken in twice", id.1));
        } else {
            // Nobody has understood it yet, so it must lie there.
            let waiting = store.inbox(WAITING_MAX).await.unwrap_or_default();
            if !waiting.iter().any(|it| it.connection == id.0 && it.body == body) {
                notes.broke(format!("I10: webhook {} was acknowledged and is not there", id.1));
            }
        }
        self.acknowledged.insert(id);
        200
    }
}

fn headers(webhook: &Webhook) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &webhook.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.parse()) {
            headers.append(name, value);
        }
    }
    headers
}
