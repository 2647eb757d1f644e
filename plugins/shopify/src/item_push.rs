//! Writing items: a product of one variant each.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use truthsource_sdk::connector::{Observed, Outcome, State, Write};
use truthsource_sdk::{Fault, Value};

use crate::batch::{Errors, Mutation, run};
use crate::custom_id::{self, COMMAND_KEY, NAMESPACE, Owner};
use crate::graphql::{Shop, UserError};
use crate::item::{find, state};
use crate::variant::{ALONE, Variant, of_items};

/// Reads all items, decides about each, writes those that are due in few calls, and reads them again.
pub(crate) fn push(shop: &Shop<'_>, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
    let ids: Vec<String> = writes.iter().filter_map(|it| it.remote_id.clone()).collect();
    let variants = by_item(of_items(shop, &ids)?)?;
    let mut outcomes: Vec<Option<Outcome>> = vec![None; writes.len()];
    let mut sent: Vec<(usize, usize)> = Vec::new();
    let mut mutations = Vec::new();
    let mut defined: Option<Result<(), Outcome>> = None;
    for (at, write) in writes.iter().enumerate() {
        let Some(id) = &write.remote_id else {
            let defined = defined.get_or_insert_with(|| custom_id::ensure(shop, Owner::Product));
            outcomes[at] = Some(defined.clone().err().unwrap_or_else(|| create(shop, write)));
            continue;
        };
        match decide(variants.get(id), id, write)? {
            Err(outcome) => outcomes[at] = Some(outcome),
            Ok(due) => {
                sent.push((at, due.len()));
                mutations.extend(due);
            }
        }
    }
    let mut results = run(shop, &mutations).into_iter();
    for (at, n) in &sent {
        let results: Vec<_> = results.by_ref().take(*n).collect();
        outcomes[*at] = failed(results);
    }
    read_back(shop, writes, &mut outcomes)?;
    Ok(outcomes.into_iter().map(|it| it.unwrap_or(Outcome::Unknown("not decided".to_owned()))).collect())
}

fn by_item(variants: Vec<Variant>) -> Result<BTreeMap<String, Variant>, Fault> {
    variants.into_iter().map(|it| Ok((it.item()?, it))).collect()
}

/// The mutations that a write needs, or the outcome that it has without any.
fn decide(variant: Option<&Variant>, id: &str, write: &Write) -> Result<Result<Vec<Mutation>, Outcome>, Fault> {
    let Some(variant) = variant else { return Ok(Err(Outcome::Stale(Observed::Absent(id.to_owned())))) };
    let held = state(variant)?;
    if write.is_done(&held.fields) {
        return Ok(Err(Outcome::Applied(held)));
    }
    if !write.is_current(&held.fields) {
        return Ok(Err(Outcome::Stale(Observed::Present(held))));
    }
    if !variant.is_alone() && (write.changes("title") || write.changes("active")) {
        let why = "the product has other variants, which share its title and status";
        return Ok(Err(Outcome::rejected("shared-product", why)));
    }
    Ok(Ok(changes(variant, write)))
}

fn changes(variant: &Variant, write: &Write) -> Vec<Mutation> {
    let mut mutations = Vec::new();
    let mut of_variant = Map::new();
    if write.changes("code") {
        of_variant.insert("inventoryItem".to_owned(), json!({ "sku": or_empty(write, "code") }));
    }
    if write.changes("barcode") {
        of_variant.insert("barcode".to_owned(), or_empty(write, "barcode"));
    }
    if !of_variant.is_empty() {
        of_variant.insert("id".to_owned(), json!(variant.id));
        mutations.push(update_variant(&variant.product.id, Json::Object(of_variant)));
    }
    let mut of_product = Map::new();
    if write.changes("title") {
        of_product.insert("title".to_owned(), text(write, "title"));
    }
    if write.changes("active") {
        of_product.insert("status".to_owned(), json!(status(write)));
    }
    if !of_product.is_empty() {
        of_product.insert("id".to_owned(), json!(variant.product.id));
        mutations.push(Mutation {
            name: "productUpdate",
            arguments: vec![("product", "ProductUpdateInput!", Json::Object(of_product))],
            constants: "",
            errors: Errors::Plain,
            key: None,
        });
    }
    mutations
}

/// Changes one variant of a product.
pub(crate) fn update_variant(product: &str, variant: Json) -> Mutation {
    Mutation {
        name: "productVariantsBulkUpdate",
        arguments: vec![
            ("productId", "ID!", json!(product)),
            ("variants", "[ProductVariantsBulkInput!]!", json!([variant])),
        ],
        constants: ", allowPartialUpdates: false",
        errors: Errors::Coded,
        key: None,
    }
}

fn text(write: &Write, name: &str) -> Json {
    if let Some(Value::Text(text)) = write.want.get(name) { json!(text) } else { Json::Null }
}

/// A shop takes a null here for "not mentioned"; an empty text takes the value away.
fn or_empty(write: &Write, name: &str) -> Json {
    if let Some(Value::Text(text)) = write.want.get(name) { json!(text) } else { json!("") }
}

fn status(write: &Write) -> &'static str {
    if write.want.get("active") == Some(&Value::Flag(false)) { "ARCHIVED" } else { "ACTIVE" }
}

/// The outcome of mutations of which some failed; `None` when all went well. When only some did, what the record
/// holds now has to be looked up.
fn failed(results: Vec<Result<Option<UserError>, Outcome>>) -> Option<Outcome> {
    let went_well = results.iter().filter(|it| matches!(it, Ok(None))).count();
    let first = results.into_iter().find_map(|it| match it {
        Ok(None) => None,
        Ok(Some(error)) => Some(error.rejection()),
        Err(outcome) => Some(outcome),
    })?;
    Some(if went_well == 0 { first } else { Outcome::Unknown(format!("only a part was written: {first:?}")) })
}

/// Fills in what every write without an outcome came to.
fn read_back(shop: &Shop<'_>, writes: &[Write], outcomes: &mut [Option<Outcome>]) -> Result<(), Fault> {
    let due = |(write, outcome): (&Write, &Option<Outcome>)| match outcome {
        None => write.remote_id.clone(),
        Some(_) => None,
    };
    let ids: Vec<String> = writes.iter().zip(outcomes.iter()).filter_map(due).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let variants = of_items(shop, &ids).and_then(by_item);
    for (write, outcome) in writes.iter().zip(outcomes.iter_mut()).filter(|(_, it)| it.is_none()) {
        let id = write.remote_id.as_deref().unwrap_or_default();
        *outcome = Some(match &variants {
            Err(fault) => Outcome::Unknown(format!("written, and not read back: {fault}")),
            Ok(variants) => match variants.get(id) {
                None => Outcome::Unknown("written, and gone when read back".to_owned()),
                Some(variant) => Outcome::Applied(state(variant)?),
            },
        });
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    product_set: Option<Set>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Set {
    user_errors: Vec<UserError>,
}

const CREATE: &str = "mutation Create($input: ProductSetInput!, $identifier: ProductSetIdentifiers!) { \
                      productSet(input: $input, identifier: $identifier, synchronous: true) { \
                      product { id } userErrors { code field message } } }";

/// Creates the product of an item. The command key identifies it, so that a creation which is repeated meets its own
/// product; still it is looked up first, because setting it again would undo what people did to it since.
fn create(shop: &Shop<'_>, write: &Write) -> Outcome {
    match find(shop, &write.command_key) {
        Ok(Some(held)) => return Outcome::Applied(held),
        Ok(None) => {}
        Err(fault) => return Outcome::not_written(fault),
    }
    let field = json!({ "namespace": NAMESPACE, "key": COMMAND_KEY, "value": write.command_key });
    let metafield = json!({ "namespace": NAMESPACE, "key": COMMAND_KEY, "value": write.command_key, "type": "id" });
    let title = match text(write, "title") {
        Json::Null => text(write, "code"),
        title => title,
    };
    let input = json!({
        "title": title,
        "status": status(write),
        "metafields": [metafield],
        "productOptions": [{ "name": "Title", "values": [{ "name": ALONE }] }],
        "variants": [{
            "optionValues": [{ "optionName": "Title", "name": ALONE }],
            "sku": text(write, "code"),
            "barcode": text(write, "barcode"),
            "inventoryItem": { "tracked": true },
        }],
    });
    let created: Created = match shop.mutate(CREATE, json!({ "input": input, "identifier": { "customId": field } })) {
        Ok(created) => created,
        Err(outcome) => return outcome,
    };
    if let Some(error) = created.product_set.as_ref().and_then(|it| it.user_errors.first()) {
        return error.rejection();
    }
    read_created(find(shop, &write.command_key))
}

/// What a creation came to, as found under its key.
pub(crate) fn read_created(found: Result<Option<State>, Fault>) -> Outcome {
    match found {
        Ok(Some(held)) => Outcome::Applied(held),
        Ok(None) => Outcome::Unknown("created, and not found under its key".to_owned()),
        Err(fault) => Outcome::Unknown(format!("created, and not read back: {fault}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_half_succeeded_is_looked_up() {
        let error = || Ok(Some(UserError { code: None, field: None, message: "no".to_owned() }));
        assert_eq!(failed(vec![Ok(None), Ok(None)]), None);
        assert!(matches!(failed(vec![error()]), Some(Outcome::Rejected(_))));
        assert!(matches!(failed(vec![Ok(None), error()]), Some(Outcome::Unknown(_))));
    }
}
