//! Who is told of what, and what they were told.

use serde::Serialize;
use truthsource_core::UnixMs;

use super::super::json::Json;
use super::super::problem::Problem;
use super::super::shape::{
    Collection, Datum, Edm, Property, Rules, Shape, YES_NO, fill, int, maybe, show_all, text, yes_no,
};

/// A subscription to events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subscription {
    /// `WebhookID`: the key.
    pub id: String,
    /// `WebhookURL`, which nobody else may have.
    pub url: String,
    /// `AuthenticationType`.
    pub authentication: &'static str,
    /// `AuthenticationCred`: JSON in a text. Answers never show it.
    #[serde(skip)]
    pub credential: Option<String>,
    /// `VerifyCertificate`.
    pub verify_certificate: bool,
    /// `Handshake`: nothing is told before the address answered one.
    pub handshake: bool,
    /// The address answered one, or need not.
    pub is_proved: bool,
    /// `WorkMode`.
    pub work_mode: &'static str,
    /// `State`.
    pub state: &'static str,
    /// `EventCollection`.
    pub events: Vec<EventKind>,
    /// The token of the handshake that is under way.
    #[serde(skip)]
    pub(in crate::sap_b1) token: Option<String>,
    /// Deliveries that were given up in a row.
    pub failures: u32,
}

/// What a subscription wants to hear of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventKind {
    /// `BusinessObject`.
    pub object: String,
    /// `TransactionType`.
    pub transaction: String,
    /// `BizObjProps`: properties besides the key, between commas.
    pub properties: Option<String>,
}

/// What became of an event for a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// The event's id.
    pub id: String,
    /// The subscription.
    pub webhook: String,
    /// `BusinessObject`.
    pub object: String,
    /// `TransactionType`.
    pub transaction: String,
    /// The key of the object, as the event has it.
    pub subject: String,
    /// `Sent`, `Pending`, `Missed`.
    pub status: &'static str,
    /// When it happened.
    pub at: UnixMs,
    /// The name of the key's property.
    pub key: &'static str,
}

const AUTHENTICATION: Edm = Edm::Enum(
    "WebhookAuthenticationType",
    &[("HMAC", "HMAC"), ("None", "None"), ("Basic", "Basic"), ("OAuth", "OAuth")],
);
const WORK_MODES: Edm = Edm::Enum("WebhookWorkMode", &[("Standard", "Standard"), ("Replay", "Replay")]);
const STATES: Edm =
    Edm::Enum("WebhookState", &[("Active", "Active"), ("Inactive", "Inactive"), ("Exceptional", "Exceptional")]);

impl Shape for Subscription {
    const TYPE: &'static str = "EventSubscription";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("WebhookID", Edm::Text, |it| text(&it.id)),
        Property::<Self>::new("WebhookURL", Edm::Text, |it| text(&it.url))
            .set(|it, to| it.url = to.into_text().unwrap_or_default()),
        Property::<Self>::new("AuthenticationType", AUTHENTICATION, |it| Datum::Member(it.authentication)).set(
            |it, to| {
                if let Datum::Member(to) = to {
                    it.authentication = to;
                }
            },
        ),
        Property::<Self>::new("AuthenticationCred", Edm::Text, |_| Datum::Null)
            .set(|it, to| it.credential = to.into_text()),
        Property::<Self>::new("VerifyCertificate", YES_NO, |it| yes_no(it.verify_certificate))
            .set(|it, to| it.verify_certificate = to.is_yes()),
        Property::<Self>::new("Handshake", YES_NO, |it| yes_no(it.handshake)).set(|it, to| it.handshake = to.is_yes()),
        Property::<Self>::new("WorkMode", WORK_MODES, |it| Datum::Member(it.work_mode)).set(|it, to| {
            if let Datum::Member(to) = to {
                it.work_mode = to;
            }
        }),
        Property::<Self>::new("State", STATES, |it| Datum::Member(it.state)).set(|it, to| {
            if let Datum::Member(to) = to {
                it.state = to;
            }
        }),
    ];
    const COLLECTIONS: &'static [Collection<Self>] = &[Collection {
        name: "EventCollection",
        ty: EventKind::TYPE,
        show: |it, view| show_all(&it.events, view),
        write: Some(write_events),
    }];
}

/// Entries have no keys: what is given is the whole.
fn write_events(subscription: &mut Subscription, entries: Vec<Json>, rules: &Rules<'_>) -> Result<(), Problem> {
    subscription.events.clear();
    for entry in entries {
        let Json::Object(members) = entry else { return Err(Problem::body("an object was expected")) };
        let mut kind = EventKind { object: String::new(), transaction: String::new(), properties: None };
        fill(&mut kind, members, rules)?;
        subscription.events.push(kind);
    }
    Ok(())
}

impl Shape for EventKind {
    const TYPE: &'static str = "EventSubscriptionLine";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("BusinessObject", Edm::Text, |it| text(&it.object))
            .set(|it, to| it.object = to.into_text().unwrap_or_default()),
        Property::<Self>::new("TransactionType", Edm::Text, |it| text(&it.transaction))
            .set(|it, to| it.transaction = to.into_text().unwrap_or_default()),
        Property::<Self>::new("BizObjProps", Edm::Text, |it| maybe(&it.properties))
            .set(|it, to| it.properties = to.into_text()),
    ];
}

impl Shape for Notification {
    const TYPE: &'static str = "EventNotification";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("EventID", Edm::Text, |it| text(&it.id)),
        Property::<Self>::new("WebhookID", Edm::Text, |it| text(&it.webhook)),
        Property::<Self>::new("BusinessObject", Edm::Text, |it| text(&it.object)),
        Property::<Self>::new("TransactionType", Edm::Text, |it| text(&it.transaction)),
        Property::<Self>::new("Subject", Edm::Text, |it| text(&it.subject)),
        Property::<Self>::new("Status", Edm::Text, |it| text(it.status)),
        Property::<Self>::new("Timestamp", Edm::Int, |it| int(it.at.0 / 1_000)),
    ];
}
