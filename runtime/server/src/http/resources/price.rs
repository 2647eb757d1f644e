//! Prices, each with its receipt.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use truthsource_core::Decimal;
use truthsource_host::model::{Basket, Line, PriceBreak};
use utoipa::ToSchema;

use crate::app::Quote;
use crate::auth::Scope;
use crate::http::extract::Json;
use crate::http::route::{Access, Route};
use crate::http::view::{moment, parse_moment};
use crate::http::{Acting, ApiError, Door};

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
    /// A decimal in quotes.
    #[schema(value_type = String)]
    list_price: Decimal,
    /// Ascending by `from_quantity`.
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
    receipt: ReceiptView,
}

/// The price of one line.
#[derive(Serialize, ToSchema)]
struct PricedView {
    #[schema(value_type = String)]
    unit_price: Decimal,
    reason: String,
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
            .about("Prices a basket with the tenant's rule.")
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
    let slot = body.slot.as_deref().unwrap_or("pricing").to_owned();
    check(&body)?;
    let lines = body.lines.into_iter().map(line).collect();
    let basket = Basket { company: body.company, currency: body.currency, at, lines };
    let Quote { lines, receipt } = door.app.plugins.price(&acting.tenant, &slot, basket).await?;
    let receipt = ReceiptView {
        slot: receipt.slot,
        release: receipt.release,
        digest: receipt.digest,
        input_sha256: receipt.input_sha256,
        fuel: receipt.fuel,
    };
    let lines = lines.into_iter().map(|it| PricedView { unit_price: it.unit_price, reason: it.reason });
    Ok(Json(QuoteView { at: moment(at), lines: lines.collect(), receipt }))
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
        if line.quantity <= Decimal::ZERO || line.list_price.is_negative() {
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

fn line(line: LineBody) -> Line {
    let breaks = line.breaks.into_iter();
    let breaks = breaks.map(|it| PriceBreak { from_quantity: it.from_quantity, unit_price: it.unit_price });
    Line { item: line.item, quantity: line.quantity, list_price: line.list_price, breaks: breaks.collect() }
}
