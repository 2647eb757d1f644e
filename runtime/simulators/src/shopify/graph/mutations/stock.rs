//! Setting, adjusting and activating stock.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};

use super::{CodedError, UserError, errors};
use crate::shopify::gid::number;
use crate::shopify::graph::connection::coded;
use crate::shopify::graph::objects::stock::{InventoryAdjustmentGroup, InventoryLevel};
use crate::shopify::graph::{Call, Needs, idempotency_key};
use crate::shopify::idempotency::Verdict;
use crate::shopify::inventory::{Adjusted, Entry, From, Header};
use crate::shopify::refusals::{
    Code, InventoryAdjustQuantitiesUserErrorCode as AdjustCode, InventorySetQuantitiesUserErrorCode as SetCode,
    Refusal, codes,
};
use crate::shopify::state::stock::level_key;
use crate::shopify::state::{Cause, State};

/// The most entries a call has.
const ENTRIES_MAX: usize = 250;
const INVENTORY: Needs = Needs(&["write_inventory"]);

/// Mutations of stock.
#[derive(Default)]
pub struct StockMutations;

#[derive(InputObject)]
struct InventorySetQuantitiesInput {
    name: String,
    reason: String,
    reference_document_uri: Option<String>,
    quantities: Vec<InventoryQuantityInput>,
}

#[derive(InputObject)]
struct InventoryQuantityInput {
    inventory_item_id: ID,
    location_id: ID,
    quantity: i32,
    change_from_quantity: MaybeUndefined<i32>,
}

#[derive(InputObject)]
struct InventoryAdjustQuantitiesInput {
    name: String,
    reason: String,
    reference_document_uri: Option<String>,
    changes: Vec<InventoryChangeInput>,
}

#[derive(InputObject)]
struct InventoryChangeInput {
    inventory_item_id: ID,
    location_id: ID,
    delta: i32,
    ledger_document_uri: Option<String>,
    change_from_quantity: MaybeUndefined<i32>,
}

#[derive(SimpleObject)]
struct InventorySetQuantitiesPayload {
    inventory_adjustment_group: Option<InventoryAdjustmentGroup>,
    user_errors: Vec<CodedError<SetCode>>,
}

#[derive(SimpleObject)]
struct InventoryAdjustQuantitiesPayload {
    inventory_adjustment_group: Option<InventoryAdjustmentGroup>,
    user_errors: Vec<CodedError<AdjustCode>>,
}

#[derive(SimpleObject)]
struct InventoryActivatePayload {
    inventory_level: Option<InventoryLevel>,
    user_errors: Vec<UserError>,
}

fn entry(item: &ID, location: &ID, amount: i32, from: &MaybeUndefined<i32>) -> Entry {
    let from = match from {
        MaybeUndefined::Value(quantity) => From::Exactly(i64::from(*quantity)),
        MaybeUndefined::Null => From::Whatever,
        MaybeUndefined::Undefined => From::Unsaid,
    };
    let (item, location) = (number(item, "InventoryItem"), number(location, "Location"));
    Entry { item, location, amount: i64::from(amount), from }
}

/// The codes a mutation answers its idempotency key with.
struct KeyCodes<C> {
    mismatch: C,
    previous_failed: C,
}

type Outcome<C> = std::result::Result<Adjusted, Vec<Refusal<C>>>;

/// Carries a mutation out once for its key.
///
/// # Errors
/// When there is no key and the version served asks for one, or there are too many entries.
fn once<C: Code>(
    ctx: &Context<'_>,
    entries: usize,
    codes: &KeyCodes<C>,
    change: impl FnOnce(&mut State, Cause) -> Outcome<C>,
) -> Result<Outcome<C>> {
    if entries > ENTRIES_MAX {
        let message =
            format!("The input array size of {entries} is greater than the maximum allowed of {ENTRIES_MAX}.");
        return Err(coded("MAX_INPUT_SIZE_EXCEEDED", &message));
    }
    let call = Call::of(ctx);
    let Some(key) = required_key(ctx)? else { return Ok(Call::write(ctx, change)) };
    let fingerprint = format!("{} {:?}", ctx.field().name(), ctx.field().arguments()?);
    let key = (call.client_id.clone(), key);
    Ok(Call::write(ctx, |state, cause| {
        let lifetime = state.settings.idempotency_ms;
        state.attempts.forget_old(cause.at, lifetime);
        match state.attempts.verdict(cause.at, lifetime, &key, &fingerprint) {
            Verdict::Replay(adjusted) => return Ok(adjusted),
            Verdict::Mismatch => return Err(vec![codes.mismatch.at("")]),
            Verdict::PreviousFailed => return Err(vec![codes.previous_failed.at("")]),
            Verdict::New => {}
        }
        let outcome = change(state, cause);
        state.attempts.remember(cause.at, key, fingerprint, outcome.as_ref().ok().cloned());
        outcome
    }))
}

/// The call's key; none only in versions that did not ask for one yet.
fn required_key(ctx: &Context<'_>) -> Result<Option<String>> {
    let key = idempotency_key(ctx)?;
    let is_required = Call::read(ctx, |state| Call::of(ctx).version >= state.settings.idempotent_since);
    match key {
        Some(key) if key.is_empty() || key.len() > 255 => Err(coded("BAD_REQUEST", "The idempotency key is invalid.")),
        None if is_required => {
            Err(coded("BAD_REQUEST", "The @idempotent directive is required for this mutation but was not provided."))
        }
        key => Ok(key),
    }
}

#[Object]
impl StockMutations {
    #[graphql(guard = "INVENTORY")]
    async fn inventory_set_quantities(
        &self,
        ctx: &Context<'_>,
        input: InventorySetQuantitiesInput,
    ) -> Result<Option<InventorySetQuantitiesPayload>> {
        let entries = input.quantities.iter();
        let entries: Vec<Entry> = entries
            .map(|it| entry(&it.inventory_item_id, &it.location_id, it.quantity, &it.change_from_quantity))
            .collect();
        let header =
            Header { name: input.name, reason: input.reason, reference: input.reference_document_uri, ledgers: vec![] };
        let codes = KeyCodes {
            mismatch: SetCode::IdempotencyKeyParameterMismatch,
            previous_failed: SetCode::IdempotencyPreviousAttemptFailed,
        };
        let outcome = once(ctx, entries.len(), &codes, |state, cause| state.set_quantities(cause, &header, &entries))?;
        Ok(Some(match outcome {
            Ok(adjusted) => {
                InventorySetQuantitiesPayload { inventory_adjustment_group: group(adjusted), user_errors: vec![] }
            }
            Err(why) => InventorySetQuantitiesPayload { inventory_adjustment_group: None, user_errors: errors(why) },
        }))
    }

    #[graphql(guard = "INVENTORY")]
    async fn inventory_adjust_quantities(
        &self,
        ctx: &Context<'_>,
        input: InventoryAdjustQuantitiesInput,
    ) -> Result<Option<InventoryAdjustQuantitiesPayload>> {
        let changes = input.changes.iter();
        let entries: Vec<Entry> = changes
            .map(|it| entry(&it.inventory_item_id, &it.location_id, it.delta, &it.change_from_quantity))
            .collect();
        let ledgers = input.changes.into_iter().map(|it| it.ledger_document_uri).collect();
        let header =
            Header { name: input.name, reason: input.reason, reference: input.reference_document_uri, ledgers };
        let codes = KeyCodes {
            mismatch: AdjustCode::IdempotencyKeyParameterMismatch,
            previous_failed: AdjustCode::IdempotencyPreviousAttemptFailed,
        };
        let outcome =
            once(ctx, entries.len(), &codes, |state, cause| state.adjust_quantities(cause, &header, &entries))?;
        Ok(Some(match outcome {
            Ok(adjusted) => {
                InventoryAdjustQuantitiesPayload { inventory_adjustment_group: group(adjusted), user_errors: vec![] }
            }
            Err(why) => InventoryAdjustQuantitiesPayload { inventory_adjustment_group: None, user_errors: errors(why) },
        }))
    }

    /// Stocks an item at a location. What is stocked there already stays as it is.
    #[graphql(guard = "INVENTORY")]
    async fn inventory_activate(
        &self,
        ctx: &Context<'_>,
        inventory_item_id: ID,
        location_id: ID,
        available: Option<i32>,
        on_hand: Option<i32>,
    ) -> Result<Option<InventoryActivatePayload>> {
        let place = (number(&inventory_item_id, "InventoryItem"), number(&location_id, "Location"));
        let wanted = match (available, on_hand) {
            (Some(_), Some(_)) => Err(ActivationCode::BothQuantities),
            (quantity, None) | (None, quantity) => Ok(quantity),
        };
        let codes = KeyCodes { mismatch: ActivationCode::KeyMismatch, previous_failed: ActivationCode::PreviousFailed };
        let outcome = once(ctx, 1, &codes, |state, cause| {
            let wanted = wanted.map_err(|why| vec![why.at("available")])?;
            activate(state, cause, place, wanted).map_err(|why| vec![why])
        })?;
        let level = match place {
            (Some(item), Some(location)) => {
                Call::read(ctx, |state| state.levels.get(level_key(location, item)).cloned())
            }
            _ => None,
        };
        Ok(Some(match outcome {
            Ok(_) => InventoryActivatePayload { inventory_level: level.map(InventoryLevel), user_errors: vec![] },
            Err(why) => {
                let user_errors = why.into_iter().map(UserError::from).collect();
                InventoryActivatePayload { inventory_level: None, user_errors }
            }
        }))
    }
}

codes!(
    /// Why an item was not stocked at a location. The schema has no code for it, only the text.
    ActivationCode {
        BothQuantities => "Available and on hand cannot both be set.",
        NoItem => "The product couldn't be stocked because it wasn't found.",
        NoLocation => "The product couldn't be stocked because the location wasn't found.",
        AlreadyActive => "Not allowed to set available quantity when the item is already active at the location.",
        KeyMismatch => "The same idempotency key cannot be used with different operation parameters.",
        PreviousFailed => "A previous request with this idempotency key failed. Retry with a new idempotency key.",
    }
);

/// Stocks an item at a location, with so many on the shelf.
fn activate(
    state: &mut State,
    cause: Cause,
    (item, location): (Option<u64>, Option<u64>),
    wanted: Option<i32>,
) -> std::result::Result<Adjusted, Refusal<ActivationCode>> {
    use ActivationCode as Why;
    let item = item.filter(|it| state.items.has(*it)).ok_or_else(|| Why::NoItem.at("inventoryItemId"))?;
    let is_active = |it: &u64| state.locations.get(*it).is_some_and(|it| it.is_active);
    let location = location.filter(is_active).ok_or_else(|| Why::NoLocation.at("locationId"))?;
    let is_known = state.level(location, item).is_some();
    if is_known && wanted.is_some() {
        return Err(Why::AlreadyActive.at("available"));
    }
    if !is_known {
        state.stock_at(cause, location, item, i64::from(wanted.unwrap_or(0)));
    }
    let id = state.new_id();
    Ok(Adjusted { id, at: cause.second(), reason: "movement_created".into(), reference: None, changes: vec![] })
}

fn group(adjusted: Adjusted) -> Option<InventoryAdjustmentGroup> {
    // A call that changed nothing has no group to show.
    (!adjusted.changes.is_empty()).then_some(InventoryAdjustmentGroup(adjusted))
}
