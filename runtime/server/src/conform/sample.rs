//! The business that connectors are tried on, what its people do, and what is written to it.

use truthsource_core::record::State;
use truthsource_core::value::Row;
use truthsource_core::{Decimal, Fields, Kind, Value};
use truthsource_host::model::{KindPower, Write};
use truthsource_simulators::world::{Article, BASE, Catalogue, Deed, Firm, Placed, Price};

use super::rig::Rig;
use super::verdict::Halt;

/// Places that hold stock.
const LOCATIONS: [&str; 2] = ["Main", "Outlet"];
/// Price lists.
const LISTS: [&str; 3] = [BASE, "wholesale", "gold"];
/// The number of an article without stock.
const UNSTOCKED: u32 = 2;
/// The number of an article that is not there at first.
const ADDED: u32 = 9_000;

/// The business, with so many articles and companies.
#[must_use]
pub fn business(articles: u32, firms: u32) -> Catalogue {
    Catalogue {
        locations: LOCATIONS.map(str::to_owned).to_vec(),
        lists: LISTS.map(str::to_owned).to_vec(),
        articles: (0..articles).map(article).collect(),
        firms: (0..firms).map(firm).collect(),
    }
}

/// The code of an article.
#[must_use]
pub fn code(at: u32) -> String {
    format!("CONF-{at:04}")
}

fn company(at: u32) -> String {
    format!("C-{}", 100 + at)
}

fn cents(cents: i64) -> Decimal {
    Decimal::new(cents, 2).unwrap_or_default()
}

fn barcode(at: u32) -> String {
    format!("{:013}", 4_000_000_000_000_u64 + u64::from(at) * 17)
}

/// The third has no stock: where there is stock, nothing is deleted at some systems.
fn article(at: u32) -> Article {
    let price = |(n, _): (usize, &&str)| {
        let amount = cents(1_000 + i64::from(at) - 100 * i64::try_from(n).unwrap_or(0));
        Price { amount, breaks: Vec::new() }
    };
    Article {
        code: code(at),
        title: format!("Sample article {at}"),
        barcode: barcode(at),
        stock: if at == UNSTOCKED { Vec::new() } else { vec![100 + i64::from(at), 50] },
        prices: LISTS.iter().enumerate().map(price).collect(),
    }
}

fn firm(at: u32) -> Firm {
    Firm {
        code: company(at),
        name: format!("Workshop {at}"),
        email: format!("orders@workshop-{at}.example"),
        list: LISTS[2].to_owned(),
    }
}

/// What people do so that there is a new record of a kind; `n` tells one from the next.
#[must_use]
pub fn creation(kind: Kind, n: u32) -> Option<Deed> {
    match kind {
        Kind::Item | Kind::StockLevel | Kind::Price => Some(Deed::Add(article(ADDED + n))),
        Kind::Order => Some(Deed::Order(placed(n))),
        Kind::Company | Kind::Location => None,
    }
}

fn placed(n: u32) -> Placed {
    Placed {
        po_number: format!("PO-{n}"),
        company: company(0),
        lines: vec![(code(1), 3)],
        charges: Vec::new(),
        waits: Vec::new(),
    }
}

/// What people do so that a record of a kind is another than before; each `n` makes another of it, but of an order, which
/// leaves once.
#[must_use]
pub fn change(kind: Kind, n: u32) -> Option<Deed> {
    match kind {
        Kind::Company => change_of(kind, 0, n),
        Kind::Order => Some(Deed::Ship { po_number: "PO-1".to_owned() }),
        _ => change_of(kind, 1, n),
    }
}

/// The same of the article or the company of this number. Orders change but once.
#[must_use]
pub fn change_of(kind: Kind, at: u32, n: u32) -> Option<Deed> {
    match kind {
        Kind::Item => Some(Deed::Retitle { item: code(at), title: format!("Retitled {n}") }),
        Kind::Company => Some(Deed::Rename { company: company(at), name: format!("Renamed {n}") }),
        Kind::StockLevel => {
            Some(Deed::Move { item: code(at), location: LOCATIONS[0].to_owned(), by: 1 + i64::from(n) })
        }
        Kind::Price => {
            let price = Price { amount: cents(5_000 + i64::from(n)), breaks: Vec::new() };
            Some(Deed::Price { list: LISTS[1].to_owned(), item: code(at), price })
        }
        Kind::Order | Kind::Location => None,
    }
}

/// What people do so that records of a kind are there no more.
#[must_use]
pub fn removal(kind: Kind) -> Option<Deed> {
    match kind {
        Kind::Item | Kind::Price => Some(Deed::Delete { item: code(UNSTOCKED) }),
        Kind::StockLevel => Some(Deed::Delete { item: code(3) }),
        Kind::Order | Kind::Company | Kind::Location => None,
    }
}

/// The field that writes change when one is as good as another.
#[must_use]
pub fn edited(power: &KindPower) -> Option<&'static str> {
    let is_open = |name: &&str| power.fields.iter().any(|it| it.name == *name && it.writable && !it.create_only);
    ["title", "name", "on_hand", "amount", "po_number"].into_iter().find(is_open)
}

/// What that field is to become.
#[must_use]
pub fn value(field: &str, held: Option<&Value>, n: u32) -> Value {
    let held = held.and_then(Value::as_number).unwrap_or_default();
    match field {
        "on_hand" => Value::Number(held + Decimal::from(7 + n)),
        "amount" => Value::Number(cents(6_000 + i64::from(n))),
        "po_number" => format!("PO-W-{n}").into(),
        _ => format!("Written {n}").into(),
    }
}

/// The write that changes one field of a record as it is known.
///
/// # Errors
/// When the connector does not say what its system would hold.
pub async fn update(
    rig: &Rig,
    kind: Kind,
    state: &State,
    (field, value): (&str, Value),
    op: &str,
) -> Result<Write, Halt> {
    let mut record = state.fields.clone();
    record.insert(field.to_owned(), value);
    Ok(Write {
        op_id: op.to_owned(),
        kind,
        remote_id: Some(state.remote_id.clone()),
        command_key: format!("{op}-command"),
        want: rig.project(kind, &record).await?,
        changed: vec![field.to_owned()],
        base: state.fields.clone(),
        base_version: state.version.clone(),
        first_sent: None,
    })
}

/// The write that creates a record of which there is none yet.
///
/// # Errors
/// When there is no place for another one, or the connector does not say what its system would hold.
pub async fn create(rig: &Rig, kind: Kind, n: u32, op: &str) -> Result<Write, Halt> {
    let power = rig.power(kind)?.clone();
    if !power.creates {
        return Err(Halt::Untested("nothing is created".to_owned()));
    }
    let mut record = fresh(rig, kind, n).await?;
    record.retain(|name, _| power.fields.iter().any(|it| it.name == *name && it.writable));
    let want = rig.project(kind, &record).await?;
    Ok(Write {
        op_id: op.to_owned(),
        kind,
        remote_id: None,
        command_key: format!("{op}-command"),
        changed: want.keys().cloned().collect(),
        want,
        base: Fields::new(),
        base_version: String::new(),
        first_sent: None,
    })
}

async fn fresh(rig: &Rig, kind: Kind, n: u32) -> Result<Fields, Halt> {
    let fields: Vec<(&str, Value)> = match kind {
        Kind::Location => return Err(Halt::Untested("nobody creates locations".to_owned())),
        Kind::Item => vec![
            ("code", format!("CONF-W{n}").into()),
            ("title", format!("Written article {n}").into()),
            ("barcode", barcode(500_000 + n).into()),
            ("active", true.into()),
        ],
        Kind::Company => vec![
            ("code", format!("C-W{n}").into()),
            ("name", format!("Written company {n}").into()),
            ("email", format!("post@written-{n}.example").into()),
            ("currency", "USD".into()),
            ("active", true.into()),
        ],
        Kind::StockLevel => level(rig, n).await?,
        Kind::Price => price(rig, n).await?,
        Kind::Order => order(rig, n).await?,
    };
    Ok(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// An item that has neither stock nor any price but its own. Gives its id.
async fn bare_item(rig: &Rig, n: u32) -> Result<String, Halt> {
    let bare = article(ADDED + 500 + n);
    let bare = Article { stock: Vec::new(), prices: bare.prices.into_iter().take(1).collect(), ..bare };
    let code = bare.code.clone();
    rig.act(Kind::Item, &Deed::Add(bare))?;
    rig.settle(Kind::Item);
    id_of(rig, Kind::Item, "code", &code).await
}

/// The id of the record whose field says this.
///
/// # Errors
/// When there is none in the connector's own listing.
pub async fn id_of(rig: &Rig, kind: Kind, field: &str, says: &str) -> Result<String, Halt> {
    let listing = rig.list(kind).await?;
    let is_it =
        |it: &&State| it.fields.get(field).and_then(Value::as_text).is_some_and(|it| it.eq_ignore_ascii_case(says));
    let found = listing.states.values().find(is_it).map(|it| it.remote_id.clone());
    found.ok_or_else(|| Halt::Broken(format!("the listing of {kind} has none whose {field} is {says:?}")))
}

async fn level(rig: &Rig, n: u32) -> Result<Vec<(&'static str, Value)>, Halt> {
    let item = bare_item(rig, n).await?;
    rig.settle(Kind::StockLevel);
    let levels = rig.list(Kind::StockLevel).await?;
    let text = |it: &State, field: &str| it.fields.get(field).and_then(Value::as_text).map(str::to_owned);
    let taken: Vec<_> = levels.states.values().filter(|it| text(it, "item").as_ref() == Some(&item)).collect();
    let locations = rig.list(Kind::Location).await?;
    let is_free = |it: &&String| !taken.iter().any(|level| text(level, "location").as_ref() == Some(*it));
    let location = locations.states.keys().find(is_free).cloned();
    let location = location.ok_or_else(|| Halt::Untested("every item has a level everywhere from the start".into()))?;
    Ok(vec![("item", item.into()), ("location", location.into()), ("on_hand", Decimal::from(40).into())])
}

async fn price(rig: &Rig, n: u32) -> Result<Vec<(&'static str, Value)>, Halt> {
    let item = bare_item(rig, n).await?;
    rig.settle(Kind::Price);
    let prices = rig.list(Kind::Price).await?;
    let text = |it: &State, field: &str| it.fields.get(field).and_then(Value::as_text).map(str::to_owned);
    let has = |list: &str| {
        prices
            .states
            .values()
            .any(|it| text(it, "list").as_deref() == Some(list) && text(it, "item").as_ref() == Some(&item))
    };
    let mut lists = prices.states.values().filter_map(|it| Some((text(it, "list")?, text(it, "currency")?)));
    let free = lists.find(|(list, _)| list != BASE && !has(list));
    let (list, currency) = free.ok_or_else(|| Halt::Untested("every item has a price on every list".to_owned()))?;
    Ok(vec![
        ("list", list.into()),
        ("item", item.into()),
        ("currency", currency.into()),
        ("amount", cents(1_950).into()),
        ("breaks", Value::Rows(Vec::new())),
    ])
}

async fn order(rig: &Rig, n: u32) -> Result<Vec<(&'static str, Value)>, Halt> {
    let item = id_of(rig, Kind::Item, "code", &code(1)).await?;
    let buyer = id_of(rig, Kind::Company, "code", &company(0)).await?;
    let line: Row = [
        ("item", item.into()),
        ("sku", code(1).into()),
        ("quantity", Decimal::from(2).into()),
        ("unit_price", cents(1_250).into()),
    ]
    .map(|(name, value): (&str, Value)| (name.to_owned(), value))
    .into();
    let at = jiff::Timestamp::from_millisecond(i64::try_from(rig.now().0).unwrap_or_default()).unwrap_or_default();
    Ok(vec![
        ("company", buyer.into()),
        ("po_number", format!("PO-{n}").into()),
        ("currency", "USD".into()),
        ("placed_at", format!("{at:.0}").into()),
        ("lines", Value::Rows(vec![line])),
    ])
}
