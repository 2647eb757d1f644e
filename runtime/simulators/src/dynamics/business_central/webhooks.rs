//! Subscriptions: what they are told, when, and what ends them.
//!
//! Changes are gathered and told together a while after the first. A receiver that answers 408, 429 or 5xx, or not at
//! all, is tried again for 36 hours; any other refusal ends its subscription. What a delegated admin changes waits
//! until somebody else changes the same table.

use std::collections::BTreeMap;

use bytes::Bytes;
use truthsource_core::UnixMs;

use super::super::guid::Guid;
use super::super::json::{Json, object};
use super::super::moment;
use super::catalogue::{self, Set};
use super::settings::Settings;
use super::state::{Event, Move};
use crate::outbox::{Answer, Webhook};

/// How long a notification is tried.
const TRIES_MS: u64 = 36 * 3_600_000;
/// How long the pause between two tries grows at the most.
const PAUSE_MS_MAX: u64 = 3_600_000;

/// A subscription to a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subscription {
    pub id: String,
    pub set: Set,
    /// Where the collection is, from the API's root on, without a slash at the beginning.
    pub resource: String,
    /// The `resource` as the subscriber wrote it.
    pub given: String,
    /// The endpoint that made it, by which it is found again.
    pub endpoint: String,
    pub url: String,
    pub client_state: String,
    pub expires: UnixMs,
    pub created: UnixMs,
    pub modified: UnixMs,
    pub version: u64,
    /// Changes that were not told yet, by record.
    pending: BTreeMap<Guid, (Move, UnixMs)>,
    /// When they are told; `None` while nobody has changed the table who may be told of.
    due: Option<UnixMs>,
}

/// A notification that is out, or waits for its next try.
#[derive(Debug, Clone)]
struct Notification {
    subscription: String,
    webhook: Webhook,
    first: UnixMs,
    tries: u32,
    /// When it leaves again; `None`: it is out.
    again: Option<UnixMs>,
}

/// All subscriptions.
#[derive(Debug, Clone, Default)]
pub(super) struct Subscriptions {
    by_id: BTreeMap<String, Subscription>,
    notifications: Vec<Notification>,
    numbered: u64,
}

impl Subscription {
    pub(super) fn new(set: Set, (endpoint, given, resource): (String, String, String)) -> Self {
        let never = UnixMs(0);
        Self {
            id: String::new(),
            set,
            resource,
            given,
            endpoint,
            url: String::new(),
            client_state: String::new(),
            expires: never,
            created: never,
            modified: never,
            version: 0,
            pending: BTreeMap::new(),
            due: None,
        }
    }
}

impl Subscriptions {
    /// Every subscription that has not ended by `now`.
    pub(super) fn living(&self, now: UnixMs) -> impl Iterator<Item = &Subscription> {
        self.by_id.values().filter(move |it| now < it.expires)
    }

    pub(super) fn get(&self, now: UnixMs, id: &str) -> Option<&Subscription> {
        self.by_id.get(id).filter(|it| now < it.expires)
    }

    /// Adds a subscription, or renews the one of its id.
    pub(super) fn put(&mut self, now: UnixMs, settings: &Settings, mut it: Subscription) -> Subscription {
        self.numbered += 1;
        if it.id.is_empty() {
            let singular = catalogue::of(it.set).map_or("", |it| it.plural);
            it.id = format!("webhook{}{}", capital(singular), Guid::drawn("subscription", self.numbered));
            it.created = now;
        }
        (it.version, it.modified, it.expires) = (self.numbered, now, now.plus(settings.webhooks.life_ms));
        self.by_id.insert(it.id.clone(), it.clone());
        it
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.by_id.remove(id);
        self.notifications.retain(|it| it.subscription != id);
    }

    /// Something changed.
    pub(super) fn hear(&mut self, settings: &Settings, event: Event) {
        let its = self.by_id.values_mut().filter(|it| it.set == event.set && event.at < it.expires);
        for it in its {
            let entry = it.pending.entry(event.id).or_insert((event.how, event.at));
            // What was created and changed is still news as created.
            let how = if (entry.0, event.how) == (Move::Created, Move::Updated) { Move::Created } else { event.how };
            *entry = (how, event.at);
            if event.notifies && it.due.is_none() {
                it.due = Some(event.at.plus(settings.webhooks.delay_ms));
            }
        }
    }

    /// When the next notification leaves.
    pub(super) fn next_at(&self) -> Option<UnixMs> {
        let first = self.by_id.values().filter_map(|it| it.due);
        first.chain(self.notifications.iter().filter_map(|it| it.again)).min()
    }

    /// The notifications that leave by `now`.
    pub(super) fn ripe(&mut self, now: UnixMs, settings: &Settings) -> Vec<Webhook> {
        self.by_id.retain(|_, it| now < it.expires);
        self.notifications.retain(|it| now < it.first.plus(TRIES_MS));
        let mut leaving = Vec::new();
        for it in self.notifications.iter_mut().filter(|it| it.again.is_some_and(|at| at <= now)) {
            (it.again, it.tries) = (None, it.tries + 1);
            leaving.push(it.webhook.clone());
        }
        for it in self.by_id.values_mut().filter(|it| it.due.is_some_and(|at| at <= now)) {
            it.due = None;
            let pending = std::mem::take(&mut it.pending);
            let body = told(it, pending, settings);
            let webhook = Webhook {
                method: http::Method::POST,
                url: it.url.clone(),
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                body: Bytes::from(body.to_string()),
                retries_ms: &[],
            };
            let subscription = it.id.clone();
            self.notifications.push(Notification {
                subscription,
                webhook: webhook.clone(),
                first: now,
                tries: 1,
                again: None,
            });
            leaving.push(webhook);
        }
        leaving
    }

    /// What a receiver said to a notification.
    pub(super) fn answered(&mut self, now: UnixMs, webhook: &Webhook, said: Option<&Answer>) {
        let Some(at) = self.notifications.iter().position(|it| it.again.is_none() && it.webhook == *webhook) else {
            return;
        };
        let status = said.map_or(408, |it| it.status);
        if (200..300).contains(&status) {
            self.notifications.remove(at);
        } else if matches!(status, 408 | 429 | 500..) {
            let it = &mut self.notifications[at];
            let pause_ms = 5_000u64.saturating_mul(1 << it.tries.min(12)).min(PAUSE_MS_MAX);
            it.again = Some(now.plus(pause_ms)).filter(|it_at| *it_at < it.first.plus(TRIES_MS));
            if it.again.is_none() {
                self.notifications.remove(at);
            }
        } else {
            let id = self.notifications[at].subscription.clone();
            self.remove(&id);
        }
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |it| format!("{}{}", it.to_ascii_uppercase(), letters.as_str()))
}

/// The body of a notification.
fn told(it: &Subscription, pending: BTreeMap<Guid, (Move, UnixMs)>, settings: &Settings) -> Json {
    let slash = if settings.webhooks.leading_slash { "/" } else { "" };
    let entry = |resource: String, how: &str, at: UnixMs| {
        object([
            ("subscriptionId", Json::text(&it.id)),
            ("clientState", Json::text(&it.client_state)),
            ("expirationDateTime", Json::text(moment::short(it.expires))),
            ("resource", Json::text(resource)),
            ("changeType", Json::text(how)),
            ("lastModifiedDateTime", Json::text(moment::short(at))),
        ])
    };
    let entries = if pending.len() > settings.webhooks.collection_over {
        let first = pending.values().map(|(_, at)| *at).min().unwrap_or(UnixMs(0));
        let last = pending.values().map(|(_, at)| *at).max().unwrap_or(first);
        // The field's name is the one of an older API: that is what is sent.
        let filter = format!("$filter=lastDateTimeModified%20gt%20{}", moment::second(first.minus(1_000)));
        vec![entry(format!("{slash}{}?{filter}", it.resource), "collection", last)]
    } else {
        let one = |(id, (how, at)): (Guid, (Move, UnixMs))| {
            let how = match how {
                Move::Created => "created",
                Move::Updated => "updated",
                Move::Deleted => "deleted",
            };
            entry(format!("{slash}{}({id})", it.resource), how, at)
        };
        pending.into_iter().map(one).collect()
    };
    object([("value", Json::List(entries))])
}
