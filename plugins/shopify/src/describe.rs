//! What this connector promises.

use truthsource_sdk::Kind;
use truthsource_sdk::connector::{
    Description, Effect, FieldPower, Handshake, KindPower, Points, Proof, Rate, Setting, Signature, WebhookScheme,
};

use crate::cursor::{LAG_MS, LISTS_LAG_MS};

/// How a field may be written.
#[derive(Clone, Copy)]
enum Access {
    Read,
    Create,
    Write,
}

use Access::{Create, Read, Write};

pub(crate) fn describe() -> Description {
    Description {
        system: "shopify".to_owned(),
        kinds: vec![location(), item(), company(), stock_level(), price(), order()],
        auth: ["oauth2-client-credentials", "shopify-token"].map(str::to_owned).to_vec(),
        webhook: Some(WebhookScheme {
            proof: Proof::Signature(Signature {
                header: "x-shopify-hmac-sha256".to_owned(),
                algorithm: "hmac-sha256-base64".to_owned(),
            }),
            handshake: Handshake::None,
            id_header: "x-shopify-webhook-id".to_owned(),
            topic_header: "x-shopify-topic".to_owned(),
            // The signature covers the body and nothing else.
            timestamp_header: String::new(),
        }),
        rate: Rate::Points(points()),
        settings: settings(),
    }
}

/// A bucket for each shop and app, refilled by 100 to 2 000 points a second: every answer says how full it is.
fn points() -> Points {
    let way = |ends: &[&str]| ["extensions", "cost"].iter().chain(ends).map(|it| (*it).to_owned()).collect();
    Points {
        available: way(&["throttleStatus", "currentlyAvailable"]),
        maximum: way(&["throttleStatus", "maximumAvailable"]),
        per_second: way(&["throttleStatus", "restoreRate"]),
        needed: way(&["requestedQueryCost"]),
        cost: way(&["actualQueryCost"]),
    }
}

/// Deletions show in webhooks only: the shop's log of events names products, not inventory items.
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
        lag_ms: LAG_MS,
        effect: Effect::Verify,
        creates: true,
        push_max: 50,
        read_max: 100,
        certain_max: 100,
    }
}

fn location() -> KindPower {
    KindPower { creates: false, ..kind(Kind::Location, &[("code", Read), ("name", Read), ("active", Read)]) }
}

fn item() -> KindPower {
    kind(Kind::Item, &[("code", Write), ("title", Write), ("barcode", Write), ("active", Write)])
}

/// One company is three calls.
fn company() -> KindPower {
    let fields = [("code", Write), ("name", Write), ("email", Create), ("currency", Read)];
    KindPower { push_max: 15, read_max: 50, certain_max: 50, ..kind(Kind::Company, &fields) }
}

fn stock_level() -> KindPower {
    let fields = [("item", Create), ("location", Create), ("on_hand", Write)];
    KindPower { effect: Effect::Keyed, push_max: 60, ..kind(Kind::StockLevel, &fields) }
}

fn price() -> KindPower {
    let fields = [("list", Create), ("item", Create), ("currency", Create), ("amount", Write), ("breaks", Write)];
    KindPower { lag_ms: LISTS_LAG_MS, ..kind(Kind::Price, &fields) }
}

/// What left and a call-off are told, and nothing else of a status. One order is up to five calls.
fn order() -> KindPower {
    let fields = [
        ("number", Read),
        ("company", Create),
        ("po_number", Write),
        ("currency", Create),
        ("placed_at", Create),
        ("status", Write),
        ("payment", Read),
        ("hold", Read),
        ("total", Read),
        ("lines", Create),
        ("charges", Create),
        ("fulfilments", Write),
        ("taken", Read),
    ];
    KindPower { push_max: 10, read_max: 20, certain_max: 20, ..kind(Kind::Order, &fields) }
}

fn settings() -> Vec<Setting> {
    let setting = |name: &str, about: &str, default: Option<&str>| Setting {
        name: name.to_owned(),
        about: about.to_owned(),
        default: default.map(str::to_owned),
    };
    vec![
        setting("base-url", "The shop's address: https://<shop>.myshopify.com", None),
        setting("base-list", "Code of the price list that the shop's own prices are", Some("base")),
        setting("price-decimals", "Digits after the point of a price: 2 for most currencies, 0 for yen", Some("2")),
        setting("writes-orders", "`no` where orders are only read: their permission is not looked for", Some("yes")),
        setting(
            "release-tag",
            "Tag of orders that somebody has looked into: the shop's suspicion of fraud holds them no more",
            Some("released"),
        ),
        setting("retail-company", "Id of the company that orders of private persons are for; else they wait", Some("")),
        setting("notify-customers", "`yes`: buyers get a mail from the shop when a parcel left", Some("no")),
        setting("location-codes", "Codes of locations by id: 67=main; others are called by name", Some("")),
    ]
}
