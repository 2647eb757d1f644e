//! Orders.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::prices::MoneyInput;
use super::rest::MetafieldInput;
use super::{CodedError, UserError, errors};
use crate::shopify::gid::{gid, number};
use crate::shopify::graph::objects::orders::Order;
use crate::shopify::graph::scalars::{CurrencyCode, DateTime, Decimal};
use crate::shopify::graph::{Call, Needs};
use crate::shopify::refusals::{Code, OrderCancelUserErrorCode, OrderCreateUserErrorCode as Why, Refusal};
use crate::shopify::state::companies::Person;
use crate::shopify::state::orders as rows;
use crate::shopify::state::{Cause, State};

const ORDERS: Needs = Needs(&["write_orders"]);

/// Mutations of orders.
#[derive(Default)]
pub struct OrderMutations;

/// How far an order is paid when it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
#[allow(missing_docs)]
enum OrderCreateFinancialStatus {
    Authorized,
    Expired,
    Paid,
    PartiallyPaid,
    PartiallyRefunded,
    Pending,
    Refunded,
    Voided,
}

#[derive(InputObject)]
struct MoneyBagInput {
    shop_money: MoneyInput,
    presentment_money: Option<MoneyInput>,
}

#[derive(InputObject)]
struct OrderCreateTaxLineInput {
    title: String,
    rate: Decimal,
    price_set: Option<MoneyBagInput>,
    channel_liable: Option<bool>,
}

#[derive(InputObject)]
struct OrderCreateShippingLineInput {
    title: String,
    code: Option<String>,
    source: Option<String>,
    price_set: MoneyBagInput,
    tax_lines: Option<Vec<OrderCreateTaxLineInput>>,
}

#[derive(InputObject)]
struct OrderCreateFixedDiscountCodeAttributesInput {
    code: String,
    amount_set: Option<MoneyBagInput>,
}

#[derive(InputObject)]
struct OrderCreateDiscountCodeInput {
    item_fixed_discount_code: Option<OrderCreateFixedDiscountCodeAttributesInput>,
}

#[derive(InputObject)]
struct OrderCreateLineItemInput {
    variant_id: Option<ID>,
    product_id: Option<ID>,
    sku: Option<String>,
    title: Option<String>,
    variant_title: Option<String>,
    quantity: i32,
    price_set: Option<MoneyBagInput>,
    tax_lines: Option<Vec<OrderCreateTaxLineInput>>,
    requires_shipping: Option<bool>,
    taxable: Option<bool>,
}

#[derive(InputObject)]
struct OrderCreateUpsertCustomerAttributesInput {
    id: Option<ID>,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    phone: Option<String>,
}

#[derive(InputObject)]
struct OrderCreateAssociateCustomerAttributesInput {
    id: Option<ID>,
    email: Option<String>,
}

#[derive(InputObject)]
struct OrderCreateCustomerInput {
    to_upsert: Option<OrderCreateUpsertCustomerAttributesInput>,
    to_associate: Option<OrderCreateAssociateCustomerAttributesInput>,
}

#[derive(InputObject)]
struct OrderCreateOrderInput {
    company_location_id: Option<ID>,
    customer_id: Option<ID>,
    customer: Option<OrderCreateCustomerInput>,
    email: Option<String>,
    po_number: Option<String>,
    name: Option<String>,
    note: Option<String>,
    tags: Option<Vec<String>>,
    source_identifier: Option<String>,
    source_name: Option<String>,
    currency: Option<CurrencyCode>,
    presentment_currency: Option<CurrencyCode>,
    taxes_included: Option<bool>,
    test: Option<bool>,
    financial_status: Option<OrderCreateFinancialStatus>,
    processed_at: Option<DateTime>,
    line_items: Option<Vec<OrderCreateLineItemInput>>,
    tax_lines: Option<Vec<OrderCreateTaxLineInput>>,
    shipping_lines: Option<Vec<OrderCreateShippingLineInput>>,
    discount_code: Option<OrderCreateDiscountCodeInput>,
    metafields: Option<Vec<MetafieldInput>>,
}

#[derive(InputObject)]
struct OrderCreateOptionsInput {
    inventory_behaviour: Option<rows::Claim>,
    send_receipt: Option<bool>,
    send_fulfillment_receipt: Option<bool>,
}

#[derive(InputObject)]
struct OrderInput {
    id: ID,
    po_number: MaybeUndefined<String>,
    note: MaybeUndefined<String>,
    email: MaybeUndefined<String>,
    tags: Option<Vec<String>>,
    metafields: Option<Vec<MetafieldInput>>,
}

#[derive(SimpleObject)]
struct OrderCreatePayload {
    order: Option<Order>,
    user_errors: Vec<CodedError<Why>>,
}

#[derive(SimpleObject)]
struct OrderUpdatePayload {
    order: Option<Order>,
    user_errors: Vec<UserError>,
}

#[derive(SimpleObject)]
struct Job {
    id: ID,
    done: bool,
}

#[derive(SimpleObject)]
struct OrderCancelPayload {
    job: Option<Job>,
    order_cancel_user_errors: Vec<CodedError<OrderCancelUserErrorCode>>,
    user_errors: Vec<UserError>,
}

impl MoneyBagInput {
    fn read(self) -> rows::Both {
        let shop = self.shop_money.amount.0;
        rows::Both { shop, presentment: self.presentment_money.map_or(shop, |it| it.amount.0) }
    }
}

impl OrderCreateTaxLineInput {
    fn read(self) -> rows::TaxLine {
        let price = self.price_set.map(MoneyBagInput::read).unwrap_or_default();
        rows::TaxLine { title: self.title, rate: self.rate.0, price }
    }
}

fn tax_lines(lines: Option<Vec<OrderCreateTaxLineInput>>) -> Vec<rows::TaxLine> {
    lines.unwrap_or_default().into_iter().map(OrderCreateTaxLineInput::read).collect()
}

impl OrderCreateLineItemInput {
    fn read(self) -> rows::LineInput {
        rows::LineInput {
            variant: self.variant_id.map(|it| number(&it, "ProductVariant").unwrap_or(0)),
            sku: self.sku,
            title: self.title,
            quantity: self.quantity,
            price: self.price_set.map(MoneyBagInput::read),
            tax_lines: tax_lines(self.tax_lines),
        }
    }
}

impl OrderCreateFinancialStatus {
    fn read(self) -> rows::Financial {
        match self {
            Self::Authorized => rows::Financial::Authorized,
            Self::Expired => rows::Financial::Expired,
            Self::Paid => rows::Financial::Paid,
            Self::PartiallyPaid => rows::Financial::PartiallyPaid,
            Self::PartiallyRefunded => rows::Financial::PartiallyRefunded,
            Self::Pending => rows::Financial::Pending,
            Self::Refunded => rows::Financial::Refunded,
            Self::Voided => rows::Financial::Voided,
        }
    }
}

/// The customer of an order: the one named, or found or made by what is said of it.
fn customer(
    state: &mut State,
    cause: Cause,
    id: Option<&ID>,
    input: Option<OrderCreateCustomerInput>,
) -> Result<Option<u64>, Refusal<Why>> {
    let named = |id: &ID| number(id, "Customer").unwrap_or(0);
    let Some(input) = input else { return Ok(id.map(named)) };
    if id.is_some() {
        return Err(Why::RedundantCustomerFields.at("order.customer"));
    }
    if let Some(known) = input.to_associate {
        return Ok(known.id.as_ref().map(named).or_else(|| state.customer_by_email(known.email.as_deref()?)));
    }
    let Some(it) = input.to_upsert else { return Ok(None) };
    if let Some(id) = &it.id {
        return Ok(Some(named(id)));
    }
    let (first_name, last_name, email, phone) = (it.first_name, it.last_name, it.email, it.phone);
    Ok(Some(state.customer_for(cause, Person { first_name, last_name, email, phone, title: None })))
}

fn make(
    state: &mut State,
    cause: Cause,
    order: OrderCreateOrderInput,
    claim: rows::Claim,
) -> Result<u64, Refusal<Why>> {
    let customer = customer(state, cause, order.customer_id.as_ref(), order.customer)?;
    let shop = state.settings.currency.clone();
    let currency = order.currency.map_or(shop, |it| it.0);
    let shipping = order.shipping_lines.unwrap_or_default();
    let shipping_title = shipping.first().map(|it| it.title.clone());
    let mut discount = order.discount_code.and_then(|it| it.item_fixed_discount_code);
    let input = rows::OrderInput {
        company_location: order.company_location_id.map(|it| number(&it, "CompanyLocation").unwrap_or(0)),
        customer,
        email: order.email,
        po_number: order.po_number,
        note: order.note,
        tags: order.tags.unwrap_or_default(),
        source_identifier: order.source_identifier,
        source_name: order.source_name,
        presentment_currency: order.presentment_currency.map_or_else(|| currency.clone(), |it| it.0),
        currency,
        taxes_included: order.taxes_included.unwrap_or(false),
        test: order.test.unwrap_or(false),
        financial: order.financial_status.map(OrderCreateFinancialStatus::read).unwrap_or_default(),
        processed: order.processed_at.map(|it| it.0),
        name: order.name,
        lines: order.line_items.unwrap_or_default().into_iter().map(OrderCreateLineItemInput::read).collect(),
        tax_lines: tax_lines(order.tax_lines),
        shipping: rows::Both::sum(shipping.into_iter().map(|it| it.price_set.read())),
        shipping_title,
        discount: discount.as_mut().and_then(|it| it.amount_set.take()).map(MoneyBagInput::read).unwrap_or_default(),
        risky: false,
        on_hold: false,
        discount_codes: discount.into_iter().map(|it| it.code).collect(),
        claim,
    };
    let id = state.make_order(cause, input)?;
    for field in order.metafields.unwrap_or_default() {
        state.put_metafield(cause, ("Order".into(), id), field.read());
    }
    Ok(id)
}

#[Object]
#[allow(clippy::too_many_arguments, reason = "the arguments are the schema's")]
impl OrderMutations {
    #[graphql(guard = "ORDERS")]
    async fn order_create(
        &self,
        ctx: &Context<'_>,
        order: OrderCreateOrderInput,
        options: Option<OrderCreateOptionsInput>,
    ) -> Option<OrderCreatePayload> {
        let claim = options.and_then(|it| it.inventory_behaviour).unwrap_or_default();
        let outcome = Call::write(ctx, |state, cause| {
            let id = make(state, cause, order, claim)?;
            Ok(state.orders.get(id).cloned().map(Order))
        });
        Some(match outcome {
            Ok(order) => OrderCreatePayload { order, user_errors: vec![] },
            Err(why) => OrderCreatePayload { order: None, user_errors: errors(vec![why]) },
        })
    }

    #[graphql(guard = "ORDERS")]
    async fn order_update(&self, ctx: &Context<'_>, input: OrderInput) -> Option<OrderUpdatePayload> {
        let id = number(&input.id, "Order").unwrap_or(0);
        let maybe = |value: MaybeUndefined<String>| match value {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(value) => Some(Some(value)),
        };
        let change = rows::OrderChange {
            po_number: maybe(input.po_number),
            note: maybe(input.note),
            email: maybe(input.email),
            tags: input.tags,
            ..rows::OrderChange::default()
        };
        let order = Call::write(ctx, |state, cause| {
            if state.alter_order(cause, id, change) {
                for field in input.metafields.unwrap_or_default() {
                    state.put_metafield(cause, ("Order".into(), id), field.read());
                }
            }
            state.orders.get(id).cloned().map(Order)
        });
        let user_errors = if order.is_some() { vec![] } else { vec![UserError::at("id", "Order does not exist")] };
        Some(OrderUpdatePayload { order, user_errors })
    }

    #[graphql(guard = "ORDERS")]
    async fn order_cancel(
        &self,
        ctx: &Context<'_>,
        order_id: ID,
        reason: rows::CancelReason,
        restock: bool,
        #[graphql(name = "refund")] _refund: Option<bool>,
        #[graphql(name = "notifyCustomer")] _notify_customer: Option<bool>,
        #[graphql(name = "staffNote")] _staff_note: Option<String>,
    ) -> Option<OrderCancelPayload> {
        let id = number(&order_id, "Order").unwrap_or(0);
        let restock = if restock { rows::Restock::Yes } else { rows::Restock::No };
        let (known, cancelled, job) = Call::write(ctx, |state, cause| {
            (state.orders.has(id), state.cancel_order(cause, id, reason, restock), state.new_id())
        });
        let why = match (known, cancelled) {
            (_, true) => None,
            (true, false) => Some(OrderCancelUserErrorCode::Invalid),
            (false, false) => Some(OrderCancelUserErrorCode::NotFound),
        };
        Some(OrderCancelPayload {
            job: cancelled.then(|| Job { id: gid("Job", job).into(), done: true }),
            order_cancel_user_errors: errors(why.map(|it| it.at("orderId")).into_iter().collect()),
            user_errors: vec![],
        })
    }
}
