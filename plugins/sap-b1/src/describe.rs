//! What this connector promises, which depends on what the company has.

use truthsource_sdk::charges::ChargeBook;
use truthsource_sdk::connector::{
    Description, Echo, Effect, FieldPower, Handshake, KindPower, Proof, Rate, Setting, Signature, WebhookScheme,
};
use truthsource_sdk::{Kind, Settings};

use crate::cursor::LAG_MS;
use crate::settings::{flag, reference_field, webhooks};

/// A write is three requests, five where an earlier try is looked for, and a call has sixty.
const PUSH_MAX: u32 = 18;
const CAREFUL_PUSH_MAX: u32 = 11;
/// Ids of one reading: a long code takes a request for every few.
const READ_MAX: u32 = 200;

/// How a field may be written.
#[derive(Clone, Copy)]
enum Access {
    Read,
    Create,
    Write,
}

use Access::{Create, Read, Write};

/// Whatever settings there are, none at all included: what makes no sense counts as not given.
pub(crate) fn describe(given: &Settings) -> Description {
    let grain_ms = if flag(given, "sql-queries", true).unwrap_or(true) { 1_000 } else { 60_000 };
    let has_number = reference_field(given).is_ok_and(|it| it.is_some());
    let has_breaks = flag(given, "quantity-breaks", true).unwrap_or(true);
    let dated = |power: KindPower| KindPower { granularity_ms: grain_ms, lag_ms: LAG_MS, ..power };
    Description {
        system: "sap-b1".to_owned(),
        kinds: vec![
            location(),
            dated(item()),
            dated(company()),
            stock_level(),
            price(has_breaks),
            dated(order(has_number)),
        ],
        auth: vec!["b1-session".to_owned()],
        webhook: webhooks(given).then(webhook),
        // The service has no limit and no mercy: what is too much queues up, times out, and takes others along.
        rate: Rate::Concurrent(4),
        settings: settings(),
    }
}

fn webhook() -> WebhookScheme {
    WebhookScheme {
        proof: Proof::Signature(Signature {
            header: "x-b1-webhook-signature".to_owned(),
            algorithm: "hmac-sha256-base64".to_owned(),
        }),
        handshake: Handshake::EchoHeader(Echo {
            header: "x-b1-webhook-token".to_owned(),
            member: "Challenge".to_owned(),
        }),
        // A delivery has no id of its own: it is a list of events.
        id_header: String::new(),
        topic_header: String::new(),
        timestamp_header: String::new(),
    }
}

/// A kind without times of change, all of which every pull reads.
fn kind(kind: Kind, fields: &[(&str, Access)]) -> KindPower {
    let field = |(name, access): &(&str, Access)| FieldPower {
        name: (*name).to_owned(),
        writable: !matches!(access, Read),
        create_only: matches!(access, Create),
    };
    KindPower {
        kind: kind.as_str().to_owned(),
        fields: fields.iter().map(field).collect(),
        sees_creates: true,
        sees_updates: true,
        sees_deletes: false,
        granularity_ms: 1_000,
        lag_ms: 0,
        effect: Effect::Conditional,
        creates: true,
        push_max: PUSH_MAX,
        read_max: READ_MAX,
        certain_max: READ_MAX,
    }
}

fn location() -> KindPower {
    let power = kind(Kind::Location, &[("code", Read), ("name", Read), ("active", Read)]);
    KindPower { creates: false, effect: Effect::Verify, ..power }
}

fn item() -> KindPower {
    kind(Kind::Item, &[("code", Create), ("title", Write), ("barcode", Write), ("active", Write)])
}

fn company() -> KindPower {
    let fields = [("code", Create), ("name", Write), ("email", Write), ("currency", Create), ("active", Write)];
    kind(Kind::Company, &fields)
}

/// No version guards a movement; it is a difference, so that another one in the same moment is not undone.
fn stock_level() -> KindPower {
    let power = kind(Kind::StockLevel, &[("item", Create), ("location", Create), ("on_hand", Write)]);
    KindPower { effect: Effect::Keyed, push_max: CAREFUL_PUSH_MAX, ..power }
}

/// Whoever changes a price on its list leaves the item's version as it is: no version guards a write. Breaks belong to
/// special prices, and are read.
fn price(has_breaks: bool) -> KindPower {
    let mut fields = vec![("list", Create), ("item", Create), ("currency", Create), ("amount", Write)];
    if has_breaks {
        fields.push(("breaks", Read));
    }
    KindPower { effect: Effect::Verify, ..kind(Kind::Price, &fields) }
}

/// Without a field of its own the mark of what we create stands where the customer's number would. Of a status only a
/// call-off is taken.
fn order(has_number: bool) -> KindPower {
    let fields = [
        ("number", Read),
        ("company", Create),
        ("po_number", if has_number { Write } else { Read }),
        ("currency", Create),
        ("placed_at", Create),
        ("status", Write),
        ("total", Read),
        ("lines", Write),
        ("charges", Write),
        ("fulfilments", Read),
    ];
    KindPower { effect: Effect::Keyed, push_max: CAREFUL_PUSH_MAX, ..kind(Kind::Order, &fields) }
}

/// Name, what it is, and its default; `None` where it must be given.
const SETTINGS: &[(&str, &str, Option<&str>)] = &[
    ("base-url", "The Service Layer's address: https://<server>:50000", None),
    ("time-zone", "The server's zone, whose local times the company keeps: Europe/Berlin", None),
    ("api-version", "v2 (OData 4), or v1 where the company has no other", Some("v2")),
    ("price-lists", "Codes of price lists by number: 1=base, 2=wholesale; others are not read", Some("1=base")),
    ("quantity-breaks", "yes: breaks of quantity are read from the lists' special prices; else no", Some("yes")),
    ("currency", "ISO code of the company's own currency", Some("USD")),
    ("currency-codes", "ISO codes of currencies that the company calls otherwise: $=USD", Some("")),
    ("location-codes", "Codes of warehouses: 01=main; others are called by their own", Some("")),
    (
        "external-id-field",
        "User-defined text field of marketing documents (64 letters or more) that keeps the keys of what is created here, \
         such as U_ExtId; empty: the customer's reference does, and PO numbers are not written",
        Some(""),
    ),
    ("order-series", "Number of the series of new orders; empty: the default one", Some("")),
    ("order-warehouse", "Code of the warehouse that lines of new orders name; empty: each item's own", Some("")),
    (
        "carriers",
        "Names of carriers by the number of the shipping type: 1=UPS, 2=DHL; others by their numbers",
        Some(""),
    ),
    ("due-days", "Days from an order's date to its delivery date", Some("0")),
    ("stock-account", "Code of the account that stock is booked against; empty: each item's own", Some("")),
    (
        "in-flight-seconds",
        "How long a document whose answer was lost may still be booked: it is not sent again before",
        Some("45"),
    ),
    ("price-decimals", "Digits after the point of prices, as the company has them: 0 to 6", Some("6")),
    ("quantity-decimals", "Digits after the point of quantities, as the company has them: 0 to 6", Some("6")),
    (
        "negative-stock",
        "yes where the company lets stock fall below nothing; else what is below nothing elsewhere is nothing there",
        Some("no"),
    ),
    (
        "sql-queries",
        "yes where the company has stored queries (10.0 FP2011 and later) and the user may store them",
        Some("yes"),
    ),
    ("webhooks", "yes where the company has webhooks (10.0 FP2602 and later, v2), else no", Some("no")),
];

fn settings() -> Vec<Setting> {
    let setting = |(name, about, default): &(&str, &str, Option<&str>)| Setting {
        name: (*name).to_owned(),
        about: (*about).to_owned(),
        default: default.map(str::to_owned),
    };
    let charges = ChargeBook::setting("the codes of additional expenses");
    SETTINGS.iter().map(setting).chain([charges]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(settings: &[(&str, &str)]) -> Description {
        describe(&settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn power(description: &Description, kind: Kind) -> &KindPower {
        description.kinds.iter().find(|it| it.kind == kind.as_str()).unwrap()
    }

    #[test]
    fn powers_are_those_of_the_companys_version() {
        let old = described(&[("sql-queries", "no"), ("api-version", "v1"), ("webhooks", "yes")]);
        assert_eq!(power(&old, Kind::Item).granularity_ms, 60_000);
        assert!(old.webhook.is_none());
        let new = described(&[("webhooks", "yes"), ("external-id-field", "U_ExtId"), ("quantity-breaks", "no")]);
        assert_eq!(power(&new, Kind::Item).granularity_ms, 1_000);
        assert!(new.webhook.is_some());
        let writable = |it: &Description, kind, name: &str| {
            power(it, kind).fields.iter().find(|it| it.name == name).map(|it| it.writable)
        };
        assert_eq!(writable(&new, Kind::Order, "po_number"), Some(true));
        assert_eq!(writable(&old, Kind::Order, "po_number"), Some(false));
        assert_eq!(writable(&new, Kind::Price, "breaks"), None);
        assert_eq!(writable(&old, Kind::Price, "breaks"), Some(false));
    }

    #[test]
    fn an_upload_has_no_settings_and_settings_may_be_nonsense() {
        let plain = described(&[]);
        assert!(plain.webhook.is_none() && plain.kinds.len() == Kind::ALL.len());
        let odd = described(&[("sql-queries", "perhaps"), ("external-id-field", "; drop")]);
        assert_eq!(power(&odd, Kind::Item).granularity_ms, 1_000);
    }
}
