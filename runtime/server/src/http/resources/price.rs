//! Prices, each with its receipt.

use std::collections::BTreeSet;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use truthsource_core::price::{Ask, Receipt};
use truthsource_core::{Decimal, Kind, UnixMs};
use truthsource_host::model::{Basket, Line, PriceBreak};
use utoipa::ToSchema;

use super::named::Keys;
use crate::app::Quote;
use crate::auth::Scope;
use crate::engine::price::prices;
use crate::http::extract::Json;
use crate::http::route::{Access, Route};
use crate::http::view::{moment, parse_moment};
use crate::http::{Acting, ApiError, Door};

/// The slot that is asked where none is named.
const SLOT: &str = "pricing";
/// The most lines of a basket.
const LINES_MAX: usize = 1_000;

/// A basket to price.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BasketBody {
    /// The slot of the rule; `pricing` if absent.
    #[serde(default)]
    slot: Option<String>,
    /// The customer's code; empty for an unknown customer.
    #[serde(default)]
    company: String,
    /// ISO 4217, upper case.
    currency: String,
    /// The moment to price for; now, if absent.
    #[serde(default)]
    at: Option<String>,
    /// 1 to 1000.
    lines: Vec<LineBody>,
}

/// One line.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LineBody {
    /// The item's code.
    item: String,
    /// A decimal in quotes, above zero.
    #[schema(value_type = String)]
    quantity: Decimal,
    /// A decimal in quotes; what the tenant's price rules come to, if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    list_price: Option<Decimal>,
    /// Ascending by `from_quantity`; of a `list_price` that is given.
    #[serde(default)]
    breaks: Vec<BreakBody>,
}

/// A quantity from which another unit price holds.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BreakBody {
    #[schema(value_type = String)]
    from_quantity: Decimal,
    #[schema(value_type = String)]
    unit_price: Decimal,
}

/// Prices and what it takes to explain them.
#[derive(Serialize, ToSchema)]
struct QuoteView {
    /// The moment that was priced for.
    at: String,
    /// One per line, in order.
    lines: Vec<PricedView>,
    /// Of the component that had the last word; absent where none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptView>,
}

/// The price of one line.
#[derive(Serialize, ToSchema)]
struct PricedView {
    #[schema(value_type = String)]
    unit_price: Decimal,
    reason: String,
    /// What the tenant's price rules came to, where they were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    rules: Option<Receipt>,
}

/// What the call was, so that it can be repeated.
#[derive(Serialize, ToSchema)]
struct ReceiptView {
    slot: String,
    release: u64,
    /// The component's sha256, in hex.
    digest: String,
    input_sha256: String,
    fuel: u64,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/v1/price", Access::Tenant(Scope::Price), price)
            .about("Prices a basket: by the tenant's price rules, and by its component.")
            .takes::<BasketBody>()
            .gives::<QuoteView>(200)
            .without_memory(),
    ]
}

async fn price(
    State(door): State<Door>,
    acting: Acting,
    Json(body): Json<BasketBody>,
) -> Result<Json<QuoteView>, ApiError> {
    let at = body.at.as_deref().map(|it| parse_moment("at", it)).transpose()?;
    let at = at.unwrap_or_else(|| door.app.clock.now());
    check(&body)?;
    let resolved = resolved(&acting, &body, at).await?;
    // Nobody needs a component whose rules say it all.
    let slot = match &body.slot {
        Some(slot) => Some(slot.clone()),
        None if resolved.iter().all(Option::is_some) && !is_filled(&acting, SLOT).await? => None,
        None => Some(SLOT.to_owned()),
    };
    let Some(slot) = slot else {
        let lines = resolved.into_iter().flatten().map(|it| PricedView {
            unit_price: it.unit_price,
            reason: reason(&it),
            rules: Some(it),
        });
        return Ok(Json(QuoteView { at: moment(at), lines: lines.collect(), receipt: None }));
    };
    let lines = body.lines.into_iter().zip(&resolved).map(line).collect();
    let basket = Basket { company: body.company, currency: body.currency, at, lines };
    let Quote { lines, receipt } = door.app.plugins.price(&acting.tenant, &slot, basket).await?;
    let receipt = ReceiptView {
        slot: receipt.slot,
        release: receipt.release,
        digest: receipt.digest,
        input_sha256: receipt.input_sha256,
        fuel: receipt.fuel,
    };
    let lines = lines.into_iter().zip(resolved).map(|(it, rules)| PricedView {
        unit_price: it.unit_price,
        reason: it.reason,
        rules,
    });
    Ok(Json(QuoteView { at: moment(at), lines: lines.collect(), receipt: Some(receipt) }))
}

/// What the tenant's rules come to, for the lines that do not bring a price.
async fn resolved(acting: &Acting, body: &BasketBody, at: UnixMs) -> Result<Vec<Option<Receipt>>, ApiError> {
    let open: Vec<&LineBody> = body.lines.iter().filter(|it| it.list_price.is_none()).collect();
    if open.is_empty() {
        return Ok(body.lines.iter().map(|_| None).collect());
    }
    let companies: BTreeSet<String> = [&body.company].into_iter().filter(|it| !it.is_empty()).cloned().collect();
    let items: BTreeSet<String> = open.iter().map(|it| it.item.clone()).collect();
    let keys = Keys::look(acting, [(Kind::Company, companies.clone()), (Kind::Item, items)]).await?;
    let put = |kind: Kind, named: &str, place: String| {
        let mut key = named.to_owned();
        let known = keys.put(kind, &mut key).map(|()| key);
        known.map_err(|why| ApiError::unprocessable("invalid-basket", format!("{place}: {why}")))
    };
    let company = companies.first().map(|it| put(Kind::Company, it, "`company`".to_owned())).transpose()?;
    let mut asks = Vec::with_capacity(open.len());
    for (n, line) in body.lines.iter().enumerate().filter(|(_, it)| it.list_price.is_none()) {
        let item = put(Kind::Item, &line.item, format!("line {n}"))?;
        let (company, quantity, currency) = (company.clone(), line.quantity, body.currency.clone());
        asks.push(Ask { company, item, quantity, currency, at });
    }
    let (prices, _) = prices(acting.tenant.store.as_ref(), &asks).await?;
    let mut prices = prices.into_iter();
    let mut resolved = Vec::with_capacity(body.lines.len());
    for (n, line) in body.lines.iter().enumerate() {
        let price = if line.list_price.is_some() { None } else { prices.next() };
        let price = price.transpose().map_err(|why| ApiError::unprocessable("no-price", format!("line {n}: {why}")))?;
        resolved.push(price);
    }
    Ok(resolved)
}

async fn is_filled(acting: &Acting, slot: &str) -> Result<bool, ApiError> {
    let slots = acting.tenant.store.slots().await?;
    Ok(slots.iter().any(|it| it.name == slot && it.active.is_some()))
}

/// Why a price is what it is, for people.
fn reason(it: &Receipt) -> String {
    let from = it.from_quantity.map(|it| format!(" from {it}")).unwrap_or_default();
    let source = it.list.as_ref().map_or_else(|| "agreed".to_owned(), |list| format!("list {list}"));
    let adjusted = it.adjusted_by.as_ref().map(|by| format!(", changed by rule {by}")).unwrap_or_default();
    format!("{source}{from} by rule {}{adjusted}", it.rule)
}

fn check(body: &BasketBody) -> Result<(), ApiError> {
    let invalid = |detail: String| Err(ApiError::unprocessable("invalid-basket", detail));
    if body.currency.len() != 3 || !body.currency.bytes().all(|it| it.is_ascii_uppercase()) {
        return invalid("`currency` is three capital letters".to_owned());
    }
    if body.lines.is_empty() || body.lines.len() > LINES_MAX {
        return invalid(format!("a basket has 1 to {LINES_MAX} lines"));
    }
    for (at, line) in body.lines.iter().enumerate() {
        if line.quantity <= Decimal::ZERO || line.list_price.is_some_and(Decimal::is_negative) {
            return invalid(format!("line {at}: `quantity` is above zero and `list_price` not below"));
        }
        let ascends = line.breaks.is_sorted_by(|one, next| one.from_quantity < next.from_quantity);
        let whole = line.breaks.iter().all(|it| it.from_quantity > Decimal::ZERO && !it.unit_price.is_negative());
        if !ascends || !whole {
            return invalid(format!("line {at}: `breaks` ascend by `from_quantity`, which is above zero"));
        }
    }
    Ok(())
}

fn line((line, resolved): (LineBody, &Option<Receipt>)) -> Line {
    let list_price = line.list_price.or(resolved.as_ref().map(|it| it.unit_price)).unwrap_or_default();
    let breaks = line.breaks.into_iter().filter(|_| resolved.is_none());
    let breaks = breaks.map(|it| PriceBreak { from_quantity: it.from_quantity, unit_price: it.unit_price });
    Line { item: line.item, quantity: line.quantity, list_price, breaks: breaks.collect() }
}
