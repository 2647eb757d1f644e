//! What this connector promises, which depends on what it is connected to.

use truthsource_sdk::charges::ChargeBook;
use truthsource_sdk::connector::{
    Description, Effect, FieldPower, Handshake, KindPower, Proof, Rate, Setting, WebhookScheme, Window,
};
use truthsource_sdk::{Context, Kind, Settings};

use crate::business_central::{self, settings as bc};
use crate::dataverse;
use crate::settings::{Dialect, REQUESTS_MAX, requests_max, yes};

/// How a field may be written.
#[derive(Clone, Copy)]
enum Access {
    Read,
    Create,
    Write,
}

use Access::{Create, Read, Write};

/// A description is always given: settings that make no sense are told by `check`.
pub(crate) fn describe(settings: &Settings) -> Description {
    let ctx = Context { settings: settings.clone(), now_ms: 0 };
    match Dialect::read(&ctx) {
        Ok(Dialect::Dataverse) => of_dataverse(&ctx),
        _ => of_business_central(&ctx),
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
        // The database keeps times to a 300th of a second.
        granularity_ms: 10,
        lag_ms: business_central::LAG_MS,
        effect: Effect::Conditional,
        creates: true,
        push_max: 50,
        read_max: 250,
        certain_max: 50,
    }
}

fn of_business_central(ctx: &Context) -> Description {
    let settings = bc::Settings::of_any(ctx).or_else(|_| bc::Settings::of_any(&Context::default()));
    let mut kinds = vec![
        KindPower { creates: false, ..kind(Kind::Location, &[("code", Read), ("name", Read)]) },
        kind(Kind::Item, &[("code", Create), ("title", Write), ("barcode", Write), ("active", Write)]),
        kind(
            Kind::Company,
            &[("code", Create), ("name", Write), ("email", Write), ("currency", Write), ("active", Write)],
        ),
    ];
    if let Ok(settings) = &settings {
        kinds.extend(stock_level(settings));
        kinds.push(price(settings));
    }
    // Of a status only a call-off is taken.
    let more = [("po_number", Create), ("placed_at", Create), ("status", Write), ("fulfilments", Read)];
    kinds.push(order(&more, 5));
    Description {
        system: "dynamics-365".to_owned(),
        kinds,
        auth: vec!["oauth2-client-credentials".to_owned()],
        webhook: settings.is_ok_and(|it| it.webhooks).then(webhook),
        // Of one user.
        rate: window(ctx, 5),
        settings: settings_of_all(),
    }
}

/// Notifications hold no data and are not signed: the secret stands in each of them, and the host checks it.
fn webhook() -> WebhookScheme {
    WebhookScheme {
        proof: Proof::BodySecret("value.*.clientState".to_owned()),
        handshake: Handshake::EchoQuery("validationToken".to_owned()),
        id_header: String::new(),
        topic_header: String::new(),
        timestamp_header: String::new(),
    }
}

fn stock_level(settings: &bc::Settings) -> Option<KindPower> {
    let fields = [("item", Create), ("location", Create), ("on_hand", Write)];
    let power = KindPower { read_max: 200, ..kind(Kind::StockLevel, &fields) };
    match &settings.stock {
        // A movement bears the operation's id, and is taken once.
        Some(_) if settings.adjustment.is_some() => Some(KindPower { effect: Effect::Keyed, ..power }),
        // The version of a row that is worked out as it is asked for does not move with it.
        Some(page) if page.name("changed").is_some() => Some(power),
        Some(_) => Some(KindPower { effect: Effect::Verify, ..power }),
        // Every item has a level as soon as it exists.
        None if settings.stock_location.is_some() => {
            Some(KindPower { effect: Effect::Verify, creates: false, ..power })
        }
        None => None,
    }
}

/// A price on a list is several lines, which are written one by one.
fn price(settings: &bc::Settings) -> KindPower {
    let mut fields = vec![("list", Create), ("item", Create), ("currency", Create), ("amount", Write)];
    let has_breaks = settings.price.as_ref().is_some_and(|it| it.name("from").is_some());
    if has_breaks {
        fields.push(("breaks", Write));
    }
    KindPower { effect: Effect::Verify, read_max: 200, ..kind(Kind::Price, &fields) }
}

/// What an order says is final once it is in the books, and what becomes of it is theirs to say; but its lines and charges
/// change as long as nothing has left of it.
fn order(more: &[(&str, Access)], push_max: u32) -> KindPower {
    let fields = [("number", Read), ("total", Read)];
    let created = [("company", Create), ("currency", Create), ("lines", Write), ("charges", Write)];
    let fields: Vec<(&str, Access)> = fields.into_iter().chain(created).chain(more.iter().copied()).collect();
    KindPower { effect: Effect::Verify, push_max, read_max: 100, certain_max: 25, ..kind(Kind::Order, &fields) }
}

fn of_dataverse(ctx: &Context) -> Description {
    let tracked = yes(ctx, "change-tracking", "yes").unwrap_or(true);
    let of = |power: KindPower| KindPower {
        sees_deletes: tracked,
        granularity_ms: 1_000,
        lag_ms: dataverse::LAG_MS,
        push_max: 18,
        read_max: 100,
        certain_max: 50,
        ..power
    };
    let kinds = vec![
        of(kind(Kind::Item, &[("code", Create), ("title", Write), ("active", Read)])),
        of(kind(
            Kind::Company,
            &[("code", Write), ("name", Write), ("email", Write), ("currency", Create), ("active", Write)],
        )),
        of(kind(Kind::Price, &[("list", Create), ("item", Create), ("currency", Create), ("amount", Write)])),
        KindPower { push_max: 5, ..of(order(&[("placed_at", Read), ("status", Read)], 5)) },
    ];
    Description {
        system: "dynamics-365".to_owned(),
        kinds,
        auth: vec!["oauth2-client-credentials".to_owned()],
        webhook: None,
        // 52 are allowed, for every integration of the organisation together.
        rate: window(ctx, 10),
        settings: settings_of_all(),
    }
}

/// So many requests in five minutes, and so many at a time.
fn window(ctx: &Context, at_once: u32) -> Rate {
    let requests = requests_max(ctx).unwrap_or(REQUESTS_MAX);
    Rate::Window(Window { requests, seconds: 300, at_once: Some(at_once) })
}

fn settings_of_all() -> Vec<Setting> {
    let setting = |(name, about, default): &(&str, &str, Option<&str>)| Setting {
        name: (*name).to_owned(),
        about: (*about).to_owned(),
        default: default.map(str::to_owned),
    };
    let charges = ChargeBook::setting("the numbers of accounts of Business Central's general ledger");
    SETTINGS.iter().map(setting).chain([charges]).collect()
}

/// Name, what it is, and its default. The dialect comes first, and what belongs to one of them alone says so.
const SETTINGS: &[(&str, &str, Option<&str>)] = &[
    ("dialect", "business-central or dataverse", Some("business-central")),
    (
        "base-url",
        "https://api.businesscentral.dynamics.com/v2.0/<environment>, https://<host>:7048/<instance>, or \
         https://<organisation>.crm.dynamics.com",
        None,
    ),
    ("requests-max", "Requests of this user that the service takes in five minutes", Some("6000")),
    ("company", "Business Central: the company's id or name", Some("")),
    ("currency", "Business Central: ISO code of the local currency", Some("USD")),
    (
        "stock-path",
        "Business Central: the page of stock per location, below /api/; none: stock is known for the whole company only",
        Some(bc::STOCK_PATH),
    ),
    (
        "stock-fields",
        "Business Central: what that page calls item, location, on-hand, variant, changed; without the last, where it does not \
         move with the quantity, movements are found in the ledger of items",
        Some(bc::STOCK_FIELDS),
    ),
    (
        "adjustment-path",
        "Business Central with stock-path: the page where stock is moved by a difference, below /api/, which takes each \
         reference once; none: quantities are written, and where an answer is lost while somebody moves the same stock, \
         a person has to count it",
        Some(bc::ADJUSTMENT_PATH),
    ),
    (
        "adjustment-fields",
        "Business Central: what that page calls item, location, by, reference",
        Some(bc::ADJUSTMENT_FIELDS),
    ),
    (
        "stock-location",
        "Business Central without stock-path: code of the location that all stock is taken to be at; empty: no stock",
        Some(""),
    ),
    (
        "price-path",
        "Business Central: the page of the lines of price lists, below /api/; none: items' own prices only",
        Some(bc::PRICE_PATH),
    ),
    (
        "price-fields",
        "Business Central: what that page calls list, item, amount, from, currency, starts, ends, status, variant, unit, \
         discount, type, source, source-number, changed",
        Some(bc::PRICE_FIELDS),
    ),
    (
        "price-lists",
        "Codes of price lists by the system's code or name: WHOLESALE=wholesale; others are called by it",
        Some(""),
    ),
    (
        "location-codes",
        "Business Central: codes of locations by the system's code: BLUE=main; others are called by it",
        Some(""),
    ),
    ("order-location", "Business Central: code of the location that lines of new orders name; empty: none", Some("")),
    (
        "order-edits",
        "yes: lines and charges of booked orders that nothing has left of become those of where they were placed, all at \
         once; no: a person is asked, as where an extension commits while lines are written",
        Some("yes"),
    ),
    (
        "order-wait-seconds",
        "Business Central: how long an order that was sent and never answered is waited for before it is sent again; the \
         system lets an operation run for ten minutes at the most",
        Some("120"),
    ),
    (
        "shipment-carrier",
        "Business Central: the property of posted shipments that names the carrier, where a page shows it; empty: none",
        Some(""),
    ),
    (
        "shipment-tracking",
        "Business Central: the property of posted shipments with the carrier's number; empty: none",
        Some(""),
    ),
    ("utc-offset", "Business Central: how far the company's day is ahead of UTC's: +01:00", Some("+00:00")),
    (
        "item-defaults",
        "What new items hold besides: baseUnitOfMeasureCode=PCS, inventoryPostingGroupCode=RESALE",
        Some(""),
    ),
    ("company-defaults", "What new customers hold besides: paymentTermsId=…", Some("")),
    (
        "order-defaults",
        "What new orders hold besides: salesperson=JO, pricelevelid@odata.bind=/pricelevels(…)",
        Some(""),
    ),
    ("webhooks", "Business Central: yes, where changes are subscribed to, else no", Some("yes")),
    ("change-tracking", "Dataverse: yes, where every table that is read has change tracking on, else no", Some("yes")),
];
