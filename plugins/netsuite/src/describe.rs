//! What this connector promises.

use truthsource_sdk::Kind;
use truthsource_sdk::charges::ChargeBook;
use truthsource_sdk::connector::{
    Description, Effect, FieldPower, Handshake, KindPower, Proof, Rate, Setting, Signature, WebhookScheme,
};

use crate::cursor::LAG_MS;

/// A write is three requests, and a call has sixty.
const PUSH_MAX: u32 = 18;

/// A certain reading is a request, or one for each sort of item where the item is gone.
const CERTAIN_MAX: u32 = 12;

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
        system: "netsuite".to_owned(),
        kinds: vec![location(), item(), company(), stock_level(), price(), order()],
        auth: ["oauth2-jwt-bearer", "oauth1-tba"].map(str::to_owned).to_vec(),
        webhook: Some(WebhookScheme {
            proof: Proof::Signature(Signature {
                header: "x-truthsource-signature".to_owned(),
                algorithm: "hmac-sha256-hex".to_owned(),
            }),
            handshake: Handshake::None,
            id_header: "x-truthsource-event-id".to_owned(),
            topic_header: "x-truthsource-topic".to_owned(),
            // The signature covers the body; a header with the time proves nothing.
            timestamp_header: String::new(),
        }),
        // The smallest that any account has, and it is shared with every other integration.
        rate: Rate::Concurrent(5),
        settings: settings(),
    }
}

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
        creates: false,
        push_max: PUSH_MAX,
        read_max: 250,
        certain_max: CERTAIN_MAX,
    }
}

fn location() -> KindPower {
    KindPower { certain_max: 0, ..kind(Kind::Location, &[("code", Read), ("name", Read), ("active", Read)]) }
}

fn item() -> KindPower {
    let fields = [("code", Write), ("title", Write), ("barcode", Write), ("active", Write)];
    KindPower { creates: true, sees_deletes: true, ..kind(Kind::Item, &fields) }
}

fn company() -> KindPower {
    let fields = [("code", Write), ("name", Write), ("email", Write), ("currency", Create), ("active", Write)];
    KindPower { creates: true, sees_deletes: true, ..kind(Kind::Company, &fields) }
}

/// Inventory items only: assemblies have stock too, and no table that says when it moved.
fn stock_level() -> KindPower {
    let fields = [("item", Create), ("location", Create), ("on_hand", Write)];
    let power = kind(Kind::StockLevel, &fields);
    KindPower { creates: true, effect: Effect::Keyed, read_max: 100, ..power }
}

fn price() -> KindPower {
    let fields = [("list", Create), ("item", Create), ("currency", Create), ("amount", Write), ("breaks", Write)];
    KindPower { creates: true, read_max: 100, ..kind(Kind::Price, &fields) }
}

/// Of a status only a call-off is taken. Lines are changed as long as nothing of the order has left.
fn order() -> KindPower {
    let fields = [
        ("number", Read),
        ("company", Create),
        ("po_number", Write),
        ("currency", Create),
        ("placed_at", Create),
        ("status", Write),
        ("total", Read),
        ("lines", Write),
        ("charges", Write),
        ("fulfilments", Read),
    ];
    KindPower { creates: true, sees_deletes: true, effect: Effect::Keyed, ..kind(Kind::Order, &fields) }
}

fn settings() -> Vec<Setting> {
    let setting = |name: &str, about: &str, default: Option<&str>| Setting {
        name: name.to_owned(),
        about: about.to_owned(),
        default: default.map(str::to_owned),
    };
    vec![
        setting("base-url", "The account's address: https://<account>.suitetalk.api.netsuite.com", None),
        setting("subsidiary", "Internal id of the subsidiary that new records belong to", Some("1")),
        setting(
            "adjustment-account",
            "Internal id of the account that stock is adjusted against; empty: no writes of stock",
            Some(""),
        ),
        setting("currency", "ISO code of the account's own currency, in which prices are kept", Some("USD")),
        setting("currency-id", "Internal id of that currency", Some("1")),
        setting("multi-currency", "yes where the account has the Multi-Currency feature, else no", Some("yes")),
        setting(
            "price-lists",
            "Codes of price levels by internal id: 1=base, 5=wholesale; others are called by name",
            Some("1=base"),
        ),
        setting("location-codes", "Codes of locations by internal id: 2=main; others are called by name", Some("")),
        setting("order-location", "Internal id of the location that lines of new orders name; empty: none", Some("")),
        ChargeBook::setting("the internal ids of items of the type Other Charge or Non-Inventory"),
    ]
}
