//! Orders, with their lines.

use serde::Deserialize;
use serde_json::json;
use truthsource_sdk::connector::{Page, State};
use truthsource_sdk::host::Level;
use truthsource_sdk::kinds::{Charge, Line, Order as Fields, Payment, Record, Status};
use truthsource_sdk::value::Held;
use truthsource_sdk::{Decimal, Fault, moment};

use crate::charges::{Bag, Bill, Net, ShippingLine, TaxLine, bill, tax};
use crate::cursor::{Nodes, Walk};
use crate::custom_id::{self, COMMAND_KEY, NAMESPACE, Owner};
use crate::fulfilment::{Parcel, fulfilments, taken};
use crate::gid::{gid, is_number, number};
use crate::graphql::Shop;
use crate::item::filled;
use crate::price_list::ItemOf;
use crate::variant::Reference;

macro_rules! line {
    () => {
        "fragment I on LineItem { sku quantity currentQuantity variant { inventoryItem { id } } \
         discountedUnitPriceSet { shopMoney { amount } } }"
    };
}

macro_rules! parcel {
    () => {
        " fragment F on Fulfillment { status location { id } trackingInfo(first: 1) { company number } \
         fulfillmentLineItems(first: 50) { nodes { quantity lineItem { variant { inventoryItem { id } } } } } }"
    };
}

macro_rules! order {
    () => {
        concat!(
            "fragment O on Order { id name poNumber sourceIdentifier sourceName processedAt updatedAt cancelledAt test \
             currencyCode taxesIncluded displayFulfillmentStatus displayFinancialStatus risk { recommendation } tags \
             purchasingEntity { __typename ... on PurchasingCompany { company { id } } } \
             fulfillments(first: 100) { ...F } ",
            bill!(),
            "lineItems(first: 50) { nodes { ...I } pageInfo { hasNextPage endCursor } } } ",
            line!(),
            parcel!(),
            tax!()
        )
    };
}

const ALL: &str = concat!(
    "query Orders($after: String, $q: String, $sort: OrderSortKeys) { \
     orders(first: 25, after: $after, query: $q, sortKey: $sort) { nodes { ...O } pageInfo { hasNextPage endCursor } } } ",
    order!()
);
const SOME: &str = concat!("query Some($ids: [ID!]!) { nodes(ids: $ids) { ...O } } ", order!());
const FIND: &str = concat!(
    "query Find($namespace: String!, $key: String!, $value: String!) { orderByIdentifier(identifier: { customId: \
     { namespace: $namespace, key: $key, value: $value } }) { ...O } } ",
    order!()
);
const LINES: &str = concat!(
    "query Lines($id: ID!, $after: String) { order(id: $id) { lineItems(first: 250, after: $after) { \
     nodes { ...I } pageInfo { hasNextPage endCursor } } } } ",
    line!()
);

/// Where orders that this connector created say they come from.
pub(crate) const SOURCE: &str = "truthsource";

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    id: String,
    name: String,
    #[serde(default)]
    po_number: Option<String>,
    #[serde(default)]
    source_identifier: Option<String>,
    #[serde(default)]
    source_name: Option<String>,
    processed_at: String,
    updated_at: String,
    #[serde(default)]
    cancelled_at: Option<String>,
    test: bool,
    currency_code: String,
    taxes_included: bool,
    display_fulfillment_status: String,
    #[serde(default)]
    display_financial_status: Option<String>,
    #[serde(default)]
    risk: Option<Risk>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    purchasing_entity: Option<Purchaser>,
    current_total_price_set: Bag,
    current_shipping_price_set: Bag,
    #[serde(default)]
    shipping_line: Option<ShippingLine>,
    #[serde(default)]
    current_tax_lines: Vec<TaxLine>,
    current_total_discounts_set: Bag,
    #[serde(default)]
    discount_codes: Vec<String>,
    #[serde(default)]
    fulfillments: Vec<Parcel>,
    line_items: Nodes<Item>,
}

/// What the shop makes of who ordered.
#[derive(Debug, Clone, Deserialize)]
struct Risk {
    recommendation: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Purchaser {
    #[serde(default)]
    company: Option<Reference>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(default)]
    sku: Option<String>,
    quantity: Decimal,
    current_quantity: Decimal,
    #[serde(default)]
    variant: Option<ItemOf>,
    discounted_unit_price_set: Bag,
}

#[derive(Deserialize)]
struct All {
    orders: Nodes<Order>,
}

#[derive(Deserialize)]
struct Chosen {
    nodes: Vec<Option<Order>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    order_by_identifier: Option<Order>,
}

#[derive(Deserialize)]
struct Lines {
    order: Option<OfOrder>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfOrder {
    line_items: Nodes<Item>,
}

pub(crate) fn pull(shop: &Shop<'_>, walk: &Walk) -> Result<Page, Fault> {
    let sort = if walk.is_delta() { "UPDATED_AT" } else { "ID" };
    let all: All = shop.query(ALL, json!({ "after": walk.after, "q": walk.window(), "sort": sort }))?;
    let info = all.orders.info();
    let found = real(all.orders.nodes.into_iter()).map(|it| state(shop, it)).collect::<Result<_, _>>()?;
    Ok(walk.turn(found, info))
}

pub(crate) fn read(shop: &Shop<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let ids: Vec<String> = ids.iter().filter(|it| is_number(it)).map(|it| gid("Order", it)).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let some: Chosen = shop.query(SOME, json!({ "ids": ids }))?;
    real(some.nodes.into_iter().flatten()).map(|it| state(shop, it)).collect()
}

/// Orders that somebody placed to try the checkout are nobody's business: as if they were not there.
fn real(orders: impl Iterator<Item = Order>) -> impl Iterator<Item = Order> {
    orders.filter(|it| !it.test)
}

/// By the metafield that carries the command key: a look-up, not a search, so that it does not lag.
pub(crate) fn find(shop: &Shop<'_>, command_key: &str) -> Result<Option<State>, Fault> {
    let variables = json!({ "namespace": NAMESPACE, "key": COMMAND_KEY, "value": command_key });
    let found = shop.query(FIND, variables).map(|it: Found| it.order_by_identifier);
    let found = custom_id::found(shop, Owner::Order, found)?;
    let created = |it| Ok(State { command_key: Some(command_key.to_owned()), ..state(shop, it)? });
    real(found.into_iter()).next().map(created).transpose()
}

fn state(shop: &Shop<'_>, mut order: Order) -> Result<State, Fault> {
    let mut after = order.line_items.info().next();
    while after.is_some() {
        let page: Lines = shop.query(LINES, json!({ "id": order.id, "after": after }))?;
        let Some(page) = page.order else { break };
        after = page.line_items.info().next();
        order.line_items.nodes.extend(page.line_items.nodes);
    }
    if let Err(why) = charges(&order) {
        shop.host.log(Level::Warn, &format!("the lines of order {} are left out: {why}", order.name));
    }
    state_of((&shop.settings.release_tag, shop.settings.retail_company.as_deref()), order)
}

/// What is charged beside the lines, or why whoever books lines and charges would book something else than what was
/// charged. Neither is told then, so that a person enters the order.
fn charges(order: &Order) -> Result<Vec<Charge>, String> {
    if order.cancelled_at.is_some() {
        return Ok(Vec::new());
    }
    if order.taxes_included {
        return Err("its prices include taxes".to_owned());
    }
    let mut net = Net { amount: Decimal::ZERO, pieces: Decimal::ZERO, is_edited: false };
    for line in &order.line_items.nodes {
        let (n, price) = (line.current_quantity, line.discounted_unit_price_set.shop_money.amount);
        let amount = price.checked_mul(n).and_then(|it| net.amount.checked_add(it));
        net.amount = amount.ok_or("its amounts have too many digits")?;
        net.pieces = net.pieces.checked_add(n).ok_or("its amounts have too many digits")?;
        net.is_edited |= n != line.quantity;
    }
    let bill = Bill {
        total: order.current_total_price_set.shop_money.amount,
        shipping: order.current_shipping_price_set.shop_money.amount,
        shipping_line: order.shipping_line.as_ref(),
        taxes: &order.current_tax_lines,
        discounts: order.current_total_discounts_set.shop_money.amount,
        codes: &order.discount_codes,
    };
    bill.charges(&net)
}

/// What of an order is told, with the tag of those that are released, and the company that orders of private persons are for.
fn state_of((release_tag, retail_company): (&str, Option<&str>), order: Order) -> Result<State, Fault> {
    let (status, payment, hold) = (status(&order), payment(&order), hold(release_tag, &order));
    let charges = charges(&order).ok();
    let is_ours = order.source_name.as_deref() == Some(SOURCE);
    let company = order.purchasing_entity.as_ref().and_then(|it| it.company.as_ref());
    let company = company.map(|it| number(&it.id)).transpose()?.or_else(|| retail_company.map(str::to_owned));
    let mut lines = Vec::with_capacity(order.line_items.nodes.len());
    for item in order.line_items.nodes {
        // What was taken off the order since is no longer wanted.
        if item.current_quantity > Decimal::ZERO {
            let variant = item.variant.map(|it| number(&it.inventory_item.id)).transpose()?;
            let unit_price = item.discounted_unit_price_set.shop_money.amount;
            lines.push(Line {
                item: variant,
                sku: filled(item.sku.as_deref()),
                quantity: item.current_quantity,
                unit_price,
            });
        }
    }
    let living: Vec<&Parcel> = order.fulfillments.iter().filter(|it| it.is_living()).collect();
    let fields = Fields {
        // An order that came from elsewhere has its number there; the shop's own is another.
        number: if is_ours { Held::Unknown } else { filled(Some(&order.name)).into() },
        company: company.into(),
        po_number: filled(order.po_number.as_deref()).into(),
        currency: order.currency_code.into(),
        placed_at: order.processed_at.into(),
        status: status.map_or(Held::Unknown, Held::Is),
        payment: payment.map_or(Held::Unknown, Held::Is),
        hold: hold.map(str::to_owned).into(),
        total: order.current_total_price_set.shop_money.amount.into(),
        lines: if charges.is_some() { lines.into() } else { Held::Unknown },
        charges: charges.map_or(Held::Unknown, Held::Is),
        fulfilments: fulfilments(&living)?.into(),
        taken: taken(&living)?.into(),
    };
    Ok(State {
        remote_id: number(&order.id)?,
        fields: fields.into_fields(),
        version: String::new(),
        changed_at_ms: moment::parse(&order.updated_at),
        command_key: filled(order.source_identifier.as_deref()),
    })
}

/// How far an order is paid. A word that is not known is not told.
fn payment(order: &Order) -> Option<Payment> {
    Some(match order.display_financial_status.as_deref()? {
        "PENDING" => Payment::Pending,
        "AUTHORIZED" => Payment::Authorised,
        "PARTIALLY_PAID" => Payment::PartiallyPaid,
        "PAID" => Payment::Paid,
        "PARTIALLY_REFUNDED" => Payment::PartiallyRefunded,
        "REFUNDED" => Payment::Refunded,
        "VOIDED" => Payment::Voided,
        "EXPIRED" => Payment::Expired,
        _ => return None,
    })
}

/// Why nobody is to do anything about an order for now. What the shop suspects it goes on to suspect for ever: whoever has
/// looked into it says so by a tag.
fn hold(release_tag: &str, order: &Order) -> Option<&'static str> {
    if order.display_fulfillment_status == "ON_HOLD" {
        return Some("its fulfilment is on hold");
    }
    let is_released = order.tags.iter().any(|it| it.eq_ignore_ascii_case(release_tag));
    match order.risk.as_ref().filter(|_| !is_released)?.recommendation.as_str() {
        "CANCEL" => Some("the shop takes it for fraud and recommends to cancel it"),
        "INVESTIGATE" => Some("the shop suspects fraud and recommends to look into it"),
        _ => None,
    }
}

/// How far an order has come. A word that is not known is not told: new ones come with new versions. That it is on hold
/// is told as such: holds come and go, and a status goes forward.
fn status(order: &Order) -> Option<Status> {
    if order.cancelled_at.is_some() {
        return Some(Status::Cancelled);
    }
    Some(match order.display_fulfillment_status.as_str() {
        "UNFULFILLED"
        | "ON_HOLD"
        | "OPEN"
        | "IN_PROGRESS"
        | "SCHEDULED"
        | "PENDING_FULFILLMENT"
        | "REQUEST_DECLINED" => Status::Open,
        "PARTIALLY_FULFILLED" => Status::PartiallyFulfilled,
        "FULFILLED" | "FULFILLMENT_NOT_REQUIRED" => Status::Fulfilled,
        "RESTOCKED" => Status::Closed,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use truthsource_sdk::Value;

    const ORDER: &str = r##"{"id":"gid://shopify/Order/5512","name":"#1042","poNumber":"PO-77","sourceIdentifier":null,
        "processedAt":"2026-11-21T08:01:02Z","updatedAt":"2026-11-21T08:01:03Z","cancelledAt":null,"test":false,
        "currencyCode":"USD","taxesIncluded":false,"fulfillments":[],
        "displayFulfillmentStatus":"UNFULFILLED","purchasingEntity":{"__typename":"PurchasingCompany",
        "company":{"id":"gid://shopify/Company/31"}},"currentTotalPriceSet":{"shopMoney":{"amount":"37.50"}},
        "currentShippingPriceSet":{"shopMoney":{"amount":"0.0"}},"currentTaxLines":[],
        "currentTotalDiscountsSet":{"shopMoney":{"amount":"0.0"}},"discountCodes":[],
        "lineItems":{"nodes":[
            {"sku":"BOLT-8","quantity":3,"currentQuantity":3,"variant":{"inventoryItem":{"id":"gid://shopify/InventoryItem/4501"}},
             "discountedUnitPriceSet":{"shopMoney":{"amount":"12.5"}}},
            {"sku":"NUT-8","quantity":4,"currentQuantity":0,"variant":null,"discountedUnitPriceSet":{"shopMoney":{"amount":"1.0"}}}],
        "pageInfo":{"hasNextPage":false,"endCursor":null}}}"##;

    #[test]
    fn an_order_is_read_with_remote_ids_and_exact_numbers() {
        let state = state_of(("released", Some("99")), serde_json::from_str(ORDER).unwrap()).unwrap();
        assert_eq!((state.remote_id.as_str(), state.changed_at_ms), ("5512", Some(1_795_248_063_000)));
        let field = |name: &str| state.fields.get(name).cloned().unwrap();
        assert_eq!(field("number"), Value::Text("#1042".to_owned()));
        assert_eq!(field("company"), Value::Text("31".to_owned()));
        assert_eq!(field("status"), Value::Text("open".to_owned()));
        assert_eq!(field("total"), Value::Number("37.5".parse().unwrap()));
        let lines = r#"[{"item":"4501","sku":"BOLT-8","quantity":"3","unit_price":"12.5"}]"#;
        assert_eq!(field("lines"), Value::Json(lines.to_owned()));
    }

    #[test]
    fn an_order_of_a_private_person_is_for_the_company_that_the_tenant_says() {
        let mut order: Order = serde_json::from_str(ORDER).unwrap();
        order.purchasing_entity = Some(Purchaser { company: None });
        let company =
            |retail: Option<&str>| state_of(("released", retail), order.clone()).unwrap().fields["company"].clone();
        assert_eq!(company(Some("99")), Value::Text("99".to_owned()));
        assert_eq!(company(None), Value::Null);
    }

    /// The charges of an order with these changes, or the beginning of why neither they nor its lines are told.
    fn check(changes: &[(&str, &str)], expect: Result<&str, &str>) {
        let mut text = ORDER.to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        let order: Order = serde_json::from_str(&text).unwrap();
        let why = charges(&order).err();
        let fields = state_of(("released", None), order).unwrap().fields;
        assert_eq!(fields.contains_key("lines"), expect.is_ok(), "{changes:?}");
        match (why, expect) {
            (None, Ok(expect)) => {
                assert_eq!(fields.get("charges"), Some(&Value::Json(expect.to_owned())), "{changes:?}")
            }
            (Some(why), Err(begins)) if why.starts_with(begins) && !fields.contains_key("charges") => {}
            (why, _) => panic!("{changes:?}: {why:?}"),
        }
    }

    #[test]
    fn lines_that_would_be_booked_wrong_are_not_told() {
        let total = |amount: &'static str| (r#""37.50""#, amount);
        let taxes = (
            r#""currentTaxLines":[]"#,
            r#""currentTaxLines":[{"title":"VAT","priceSet":{"shopMoney":{"amount":"7.00"}}}]"#,
        );
        check(&[], Ok("[]"));
        check(&[(r#""taxesIncluded":false"#, r#""taxesIncluded":true"#)], Err("its prices include taxes"));
        check(&[taxes, total(r#""44.5""#)], Ok(r#"[{"kind":"tax","title":"VAT","amount":"7"}]"#));
        check(&[total(r#""47.49""#)], Err("its total 47.49 is more than"));
        check(&[total(r#""33.75""#)], Err("its total 33.75 is less than"));
        // What was called off is not booked at all.
        let cancelled = (r#""cancelledAt":null"#, r#""cancelledAt":"2026-11-22T00:00:00Z""#);
        check(&[cancelled, total(r#""0.0""#)], Ok("[]"));
    }

    #[test]
    fn an_order_is_held_while_the_shop_holds_or_suspects_it() {
        let mut order: Order = serde_json::from_str(ORDER).unwrap();
        let mut check = |status: &str, risk: &str, tags: &[&str], held: bool| {
            order.display_fulfillment_status = status.to_owned();
            order.risk = Some(Risk { recommendation: risk.to_owned() });
            order.tags = tags.iter().map(|it| (*it).to_owned()).collect();
            assert_eq!(hold("released", &order).is_some(), held, "{status} {risk} {tags:?}");
        };
        check("UNFULFILLED", "NONE", &[], false);
        check("UNFULFILLED", "ACCEPT", &[], false);
        check("UNFULFILLED", "INVESTIGATE", &[], true);
        check("UNFULFILLED", "CANCEL", &["vip"], true);
        check("UNFULFILLED", "CANCEL", &["vip", "Released"], false);
        check("ON_HOLD", "NONE", &["released"], true);
    }

    #[test]
    fn a_payment_that_is_not_known_is_not_told() {
        let mut order: Order = serde_json::from_str(ORDER).unwrap();
        let mut check = |word: Option<&str>, expect: Option<Payment>| {
            order.display_financial_status = word.map(str::to_owned);
            assert_eq!(payment(&order), expect, "{word:?}");
        };
        check(Some("PAID"), Some(Payment::Paid));
        check(Some("AUTHORIZED"), Some(Payment::Authorised));
        check(Some("BARTERED"), None);
        check(None, None);
    }

    #[test]
    fn a_status_that_is_not_known_is_not_told() {
        let mut order: Order = serde_json::from_str(ORDER).unwrap();
        let mut check = |word: &str, expect: Option<Status>| {
            order.display_fulfillment_status = word.to_owned();
            assert_eq!(status(&order), expect, "{word}");
        };
        check("PARTIALLY_FULFILLED", Some(Status::PartiallyFulfilled));
        check("FULFILLMENT_NOT_REQUIRED", Some(Status::Fulfilled));
        check("ON_HOLD", Some(Status::Open));
        check("TELEPORTED", None);
        order.cancelled_at = Some("2026-11-22T00:00:00Z".to_owned());
        assert_eq!(status(&order), Some(Status::Cancelled));
    }
}
