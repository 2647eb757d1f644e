//! Fulfilments.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::UserError;
use crate::shopify::gid::number;
use crate::shopify::graph::objects::fulfillments::Fulfillment;
use crate::shopify::graph::{Call, Needs};
use crate::shopify::state::parcels::ParcelInput;
use crate::shopify::state::{Cause, State};

const FULFILLMENTS: Needs = Needs(&["write_merchant_managed_fulfillment_orders"]);

/// Mutations of fulfilments.
#[derive(Default)]
pub struct FulfillmentMutations;

#[derive(InputObject)]
struct FulfillmentOrderLineItemInput {
    id: ID,
    quantity: i32,
}

#[derive(InputObject)]
struct FulfillmentOrderLineItemsInput {
    fulfillment_order_id: ID,
    fulfillment_order_line_items: Option<Vec<FulfillmentOrderLineItemInput>>,
}

#[derive(InputObject)]
struct FulfillmentTrackingInput {
    company: Option<String>,
    number: Option<String>,
    url: Option<String>,
}

#[derive(InputObject)]
struct FulfillmentInput {
    line_items_by_fulfillment_order: Vec<FulfillmentOrderLineItemsInput>,
    notify_customer: Option<bool>,
    tracking_info: Option<FulfillmentTrackingInput>,
}

#[derive(SimpleObject)]
struct FulfillmentCreatePayload {
    fulfillment: Option<Fulfillment>,
    user_errors: Vec<UserError>,
}

/// The order of the fulfilment orders that are named, and its lines: all that is open of one that names none.
fn asked(state: &State, input: FulfillmentInput) -> Result<(u64, ParcelInput), &'static str> {
    let mut order = None;
    let mut parcel = ParcelInput::default();
    for part in input.line_items_by_fulfillment_order {
        let id = number(&part.fulfillment_order_id, "FulfillmentOrder").unwrap_or(0);
        let owner = state.orders.iter().find(|it| it.groups.iter().any(|group| group.id == id));
        let owner = owner.ok_or("Fulfillment order does not exist.")?;
        if order.replace(owner.id).is_some_and(|it| it != owner.id) {
            return Err("All fulfillment orders must belong to the same order.");
        }
        let Some(group) = owner.groups.iter().find(|it| it.id == id).copied() else { continue };
        match part.fulfillment_order_line_items {
            None => parcel.lines.extend(owner.lines_of(group).map(|it| (it.id, owner.open(it)))),
            Some(lines) => {
                for it in lines {
                    let line = number(&it.id, "FulfillmentOrderLineItem").unwrap_or(0);
                    if !owner.lines_of(group).any(|it| it.id == line) {
                        return Err("Fulfillment order line item does not exist.");
                    }
                    parcel.lines.push((line, it.quantity));
                }
            }
        }
    }
    let tracking = input.tracking_info;
    parcel.carrier = tracking.as_ref().and_then(|it| it.company.clone());
    parcel.tracking = tracking.and_then(|it| it.number);
    Ok((order.ok_or("Fulfillment has no line items.")?, parcel))
}

fn make(state: &mut State, cause: Cause, input: FulfillmentInput) -> Result<Option<Fulfillment>, &'static str> {
    let (order, parcel) = asked(state, input)?;
    state.fulfil(cause, order, parcel)?;
    Ok(state.orders.get(order).and_then(|it| Fulfillment::of(it).last()))
}

#[Object]
impl FulfillmentMutations {
    #[graphql(guard = "FULFILLMENTS")]
    async fn fulfillment_create(
        &self,
        ctx: &Context<'_>,
        fulfillment: FulfillmentInput,
        #[graphql(name = "message")] _message: Option<String>,
    ) -> Option<FulfillmentCreatePayload> {
        Some(match Call::write(ctx, |state, cause| make(state, cause, fulfillment)) {
            Ok(fulfillment) => FulfillmentCreatePayload { fulfillment, user_errors: vec![] },
            Err(why) => {
                FulfillmentCreatePayload { fulfillment: None, user_errors: vec![UserError::at("fulfillment", why)] }
            }
        })
    }
}
