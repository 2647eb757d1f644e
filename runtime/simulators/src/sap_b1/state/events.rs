//! Events, and who is told of them.

use serde_json::{Value, json};
use truthsource_core::UnixMs;
use truthsource_core::draw::Draw;

use super::State;
use crate::outbox::{Answer, Webhook};
use crate::sap_b1::model::{EventKind, Notification, Subscription};
use crate::sap_b1::problem::Problem;
use crate::sap_b1::service;
use crate::sap_b1::webhooks::{self, BATCH_MAX, KEPT_MS, LIFE_MS, RETRIES_MS, SUBSCRIPTIONS_MAX};

/// A delivery that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sap_b1) struct Sent {
    webhook: String,
    /// The ids of its events.
    events: Vec<String>,
    failures: usize,
}

/// What can happen to an object.
pub(in crate::sap_b1) fn transactions(object: &str) -> &'static [&'static str] {
    match object {
        "Orders" => &["Created", "Updated", "Deleted", "Closed", "Cancelled", "Reopened"],
        "InventoryGenEntries" | "InventoryGenExits" | "InventoryPostings" | "StockTransfers" => &["Created", "Updated"],
        _ => &["Created", "Updated", "Deleted"],
    }
}

impl State {
    /// Tells everybody who wants to know that something happened to the object with a key.
    pub(super) fn tell(
        &mut self,
        now: UnixMs,
        (object, transaction): (&str, &str),
        (key, subject): (&'static str, &str),
    ) {
        if !self.settings.webhooks || !self.webhooks_on {
            return;
        }
        let wants = |it: &EventKind| it.object == object && it.transaction == transaction;
        let wanted = self.subscriptions.values().filter(|it| it.events.iter().any(wants)).map(|it| it.id.clone());
        let wanted: Vec<String> = wanted.collect();
        let old = self.notifications.partition_point(|it| now.since(it.at) > KEPT_MS);
        self.notifications.drain(..old);
        self.has_pending |= !wanted.is_empty();
        for webhook in wanted {
            self.events += 1;
            let id = named(&self.settings.company, self.events);
            let (object, transaction, subject) = (object.to_owned(), transaction.to_owned(), subject.to_owned());
            let status = "Pending";
            self.notifications.push(Notification { id, webhook, object, transaction, subject, status, at: now, key });
        }
    }

    /// Saves a subscription, new or changed, and shakes hands with an address that is new.
    pub(in crate::sap_b1) fn save_subscription(&mut self, now: UnixMs, mut new: Subscription) -> Result<(), Problem> {
        let before = self.subscriptions.get(&new.id).cloned();
        if new.id.is_empty() || new.url.parse::<http::Uri>().ok().is_none_or(|it| it.host().is_none()) {
            return Err(Problem::rule("WebhookID and an absolute WebhookURL are needed"));
        }
        if self.subscriptions.values().any(|it| it.url == new.url && it.id != new.id) {
            return Err(Problem::duplicate("OWHK"));
        }
        if before.is_none() && self.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            return Err(Problem::rule(format!("No more than {SUBSCRIPTIONS_MAX} webhooks are allowed")));
        }
        let is_known = |it: &EventKind| {
            self.settings.webhook_objects.contains(&it.object) && transactions(&it.object).contains(&&*it.transaction)
        };
        if let Some(kind) = new.events.iter().find(|it| !is_known(it)) {
            return Err(Problem::rule(format!("There is no event '{}.{}'", kind.object, kind.transaction)));
        }
        webhooks::proof(&new, b"")?;
        let is_moved = before.as_ref().is_none_or(|it| it.url != new.url || it.handshake != new.handshake);
        if is_moved {
            (new.is_proved, new.token) = (!new.handshake, None);
        }
        let wants_replay = new.work_mode == "Replay";
        new.work_mode = "Standard";
        let id = new.id.clone();
        let needs_handshake = !new.is_proved && new.token.is_none() && new.state != "Inactive";
        self.subscriptions.insert(id.clone(), new);
        if needs_handshake {
            self.shake_hands(now, &id)?;
        }
        if wants_replay {
            self.replay(now, &id);
        }
        Ok(())
    }

    /// Sends a handshake.
    pub(in crate::sap_b1) fn shake_hands(&mut self, now: UnixMs, id: &str) -> Result<(), Problem> {
        self.events += 1;
        let token = named(&format!("{} {now}", self.settings.company), self.events);
        let subscription = self.subscriptions.get_mut(id).ok_or_else(Problem::not_found)?;
        self.outgoing.push(webhooks::handshake(subscription, &token)?);
        (subscription.token, subscription.failures, subscription.is_proved) = (Some(token), 0, false);
        Ok(())
    }

    /// Sends again what a subscription missed, unless it is too old by now.
    pub(in crate::sap_b1) fn replay(&mut self, now: UnixMs, id: &str) {
        let missed = self.notifications.iter_mut().filter(|it| it.webhook == id && it.status == "Missed");
        for notification in missed.filter(|it| now.since(it.at) <= LIFE_MS) {
            notification.status = "Pending";
        }
        self.has_pending = true;
    }

    /// Webhooks since the last call.
    pub(in crate::sap_b1) fn take_webhooks(&mut self) -> Vec<Webhook> {
        if !std::mem::take(&mut self.has_pending) {
            return std::mem::take(&mut self.outgoing);
        }
        for subscription in self.subscriptions.values().cloned().collect::<Vec<_>>() {
            let is_waiting = |it: &&Notification| it.webhook == subscription.id && it.status == "Pending";
            let waiting: Vec<Notification> = self.notifications.iter().filter(is_waiting).cloned().collect();
            if subscription.state == "Inactive" {
                self.mark(waiting.iter().map(|it| it.id.as_str()), "Missed");
            } else if subscription.is_proved {
                for batch in waiting.chunks(BATCH_MAX) {
                    self.send(&subscription, batch);
                }
            } else {
                self.has_pending |= !waiting.is_empty();
            }
        }
        std::mem::take(&mut self.outgoing)
    }

    fn send(&mut self, subscription: &Subscription, batch: &[Notification]) {
        let events: Vec<Value> = batch.iter().map(|it| self.event(subscription, it)).collect();
        // The credential was checked when it was saved.
        let Ok(webhook) = webhooks::delivery(subscription, &self.settings.webhook_media, &events) else { return };
        self.mark(batch.iter().map(|it| it.id.as_str()), "Sent");
        let events = batch.iter().map(|it| it.id.clone()).collect();
        let sent = Sent { webhook: subscription.id.clone(), events, failures: 0 };
        self.sent.insert(webhook.body.clone(), sent);
        self.outgoing.push(webhook);
    }

    /// The event as a receiver gets it: the key, and what else the subscription asked for, as texts.
    fn event(&self, subscription: &Subscription, it: &Notification) -> Value {
        let mut data = json!({ it.key: it.subject });
        let kind =
            subscription.events.iter().find(|kind| kind.object == it.object && kind.transaction == it.transaction);
        let more = kind.and_then(|it| it.properties.as_deref()).unwrap_or_default();
        for name in more.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            if let Some(value) = service::property_text(self, (&it.object, &it.subject), name) {
                data[name] = Value::String(value);
            }
        }
        let millis = i64::try_from(it.at.0).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
        json!({
            "id": it.id,
            "specversion": "1.0",
            "source": format!("/default/sap.b1/{}", self.settings.company),
            "type": format!("sap.b1.{}.{}.v1", it.object, it.transaction),
            "subject": it.subject,
            "time": format!("{time:.3}"),
            "datacontenttype": "application/json",
            "data": data,
        })
    }

    fn mark<'i>(&mut self, ids: impl Iterator<Item = &'i str>, status: &'static str) {
        let ids: std::collections::BTreeSet<&str> = ids.collect();
        self.notifications.iter_mut().filter(|it| ids.contains(it.id.as_str())).for_each(|it| it.status = status);
    }

    /// Learns what a receiver said.
    pub(in crate::sap_b1) fn webhook_answered(&mut self, webhook: &Webhook, said: Option<&Answer>) {
        if webhook.method == http::Method::GET {
            self.handshake_answered(webhook, said);
        } else {
            self.delivery_answered(webhook, said);
        }
    }

    fn handshake_answered(&mut self, webhook: &Webhook, said: Option<&Answer>) {
        let of = |it: &&mut Subscription| {
            it.token.as_ref().is_some_and(|token| webhook.headers.iter().any(|(_, value)| value == token))
        };
        let Some(subscription) = self.subscriptions.values_mut().find(of) else { return };
        let is_taken = said.is_some_and(Answer::is_taken);
        let challenge = said.filter(|_| is_taken).and_then(|it| webhooks::challenge(&it.body));
        if challenge.is_some() && challenge == subscription.token {
            (subscription.is_proved, subscription.token, subscription.failures) = (true, None, 0);
            return;
        }
        subscription.failures += 1;
        // A wrong challenge is not asked for again: only silence and errors are.
        if is_taken || subscription.failures as usize > RETRIES_MS.len() {
            (subscription.state, subscription.token) = ("Inactive", None);
        }
    }

    fn delivery_answered(&mut self, webhook: &Webhook, said: Option<&Answer>) {
        let Some(sent) = self.sent.get_mut(&webhook.body) else { return };
        let is_taken = said.is_some_and(Answer::is_taken);
        sent.failures += usize::from(!is_taken);
        if !is_taken && sent.failures <= RETRIES_MS.len() {
            return;
        }
        let Some(sent) = self.sent.remove(&webhook.body) else { return };
        if !is_taken {
            self.mark(sent.events.iter().map(String::as_str), "Missed");
        }
        let failures_max = self.settings.webhook_failures_max;
        let Some(subscription) = self.subscriptions.get_mut(&sent.webhook) else { return };
        subscription.failures = if is_taken { 0 } else { subscription.failures + 1 };
        subscription.state = match (subscription.failures, subscription.state) {
            (_, "Inactive") => "Inactive",
            (0, _) => "Active",
            (failures, _) if failures >= failures_max => "Inactive",
            _ => "Exceptional",
        };
    }
}

/// A UUID that depends on nothing but its arguments.
fn named(of: &str, n: u64) -> String {
    let draw = Draw::new(n);
    let (high, low) = (draw.number(of, 0), draw.number(of, 1));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 52 & 0xfff,
        low & 0xffff_ffff_ffff
    )
}
