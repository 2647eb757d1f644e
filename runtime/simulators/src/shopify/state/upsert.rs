//! Products as callers and people make, change and delete them; `productSet` replaces lists as a whole.

use std::collections::BTreeSet;

use super::items::{Altered, NO_OPTION, ProductChange, VariantChange};
use super::metafields::MetafieldInput;
use super::stock::level_key;
use super::{Cause, State};
use crate::shopify::refusals::{Code, ProductSetUserErrorCode as Why, Refusal};
use crate::shopify::webhooks::Topic;

/// Which product is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier {
    /// The one with this number; it must be there.
    Number(u64),
    /// The one with this handle; made if it is not there.
    Handle(String),
    /// The one with this metafield; made if it is not there.
    Custom {
        /// The metafield's namespace.
        namespace: String,
        /// Its key.
        key: String,
        /// Its value.
        value: String,
    },
}

/// What a product is to be. Lists that are given replace those that are there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProductInput {
    /// Its own fields.
    pub change: ProductChange,
    /// The names of its options, with the values each may have.
    pub options: Option<Vec<(String, Vec<String>)>>,
    /// Its variants.
    pub variants: Option<Vec<VariantInput>>,
    /// Metafields to be written.
    pub metafields: Vec<MetafieldInput>,
}

/// What a variant is to be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VariantInput {
    /// The one that is meant; found by its option values when left out.
    pub id: Option<u64>,
    /// Its option values, as (option, value).
    pub values: Vec<(String, String)>,
    /// Its fields.
    pub change: VariantChange,
    /// Quantities to be set, as (location, name, quantity).
    pub stock: Vec<(u64, String, i64)>,
    /// Metafields to be written.
    pub metafields: Vec<MetafieldInput>,
}

/// The most variants a product has.
const VARIANTS_MAX: usize = 2048;
/// The most options a product has.
const OPTIONS_MAX: usize = 3;

impl State {
    /// Makes or changes a product so that it is as `input` says. Nothing is changed when anything is wrong.
    ///
    /// # Errors
    /// Everything that is wrong with the input.
    pub fn set_product(
        &mut self,
        cause: Cause,
        identifier: Option<&Identifier>,
        input: ProductInput,
    ) -> Result<u64, Vec<Refusal<Why>>> {
        let known = self.identified(identifier).map_err(|why| vec![why])?;
        let options = self.checked_product(known, &input)?;
        let created = known.is_none();
        let mut change = input.change;
        let id = match known {
            Some(id) => id,
            None => {
                let title = change.title.take().unwrap_or_default();
                let named = change.handle.take().or_else(|| match identifier {
                    Some(Identifier::Handle(handle)) => Some(handle.clone()),
                    _ => None,
                });
                let handle = named.unwrap_or_else(|| self.free_handle(&title));
                self.make_product(cause, &title, handle, options.clone())
            }
        };
        let mut changed = self.alter_product(cause, id, change);
        self.products.edit(cause.at, id, |it| it.options = options.clone());
        if let Some(Identifier::Custom { namespace, key, value }) = identifier.filter(|_| created) {
            let (namespace, key, value) = (namespace.clone(), key.clone(), value.clone());
            let field = MetafieldInput { namespace, key, value, kind: Some("id".into()), compare_digest: None };
            self.put_metafield(cause, ("Product".into(), id), field);
        }
        for field in input.metafields {
            self.put_metafield(cause, ("Product".into(), id), field);
        }
        match input.variants {
            Some(variants) => changed |= self.replace_variants(cause, id, &options, variants),
            None if created => self.add_variant(cause, id, VariantInput::default(), &options),
            None => {}
        }
        if created {
            self.happened(cause, "Product", id, "create");
            self.announce(cause, Topic::ProductsCreate, |state| state.product_body(id));
        } else if changed {
            self.announce(cause, Topic::ProductsUpdate, |state| state.product_body(id));
        }
        Ok(id)
    }

    /// The number of the product that is meant; `None` if it is to be made.
    fn identified(&self, identifier: Option<&Identifier>) -> Result<Option<u64>, Refusal<Why>> {
        Ok(match identifier {
            None => None,
            Some(Identifier::Number(id)) if self.products.has(*id) => Some(*id),
            Some(Identifier::Number(_)) => return Err(Why::ProductDoesNotExist.at("input.id")),
            Some(Identifier::Handle(handle)) => self.handles.get(handle).copied(),
            Some(Identifier::Custom { namespace, key, .. }) if !self.is_custom_id("Product", namespace, key) => {
                let message =
                    format!("No metafield definition of type id for namespace '{namespace}' and key '{key}'.");
                return Err(Refusal { message, ..Why::InvalidInput.at("identifier.customId") });
            }
            Some(Identifier::Custom { namespace, key, value }) => {
                self.metafields.owner_of("Product", namespace, key, value)
            }
        })
    }

    /// The names of the product's options after the call, if nothing is wrong with it.
    fn checked_product(&self, known: Option<u64>, input: &ProductInput) -> Result<Vec<String>, Vec<Refusal<Why>>> {
        let mut refusals = Vec::new();
        let before = known.and_then(|it| self.products.get(it));
        if before.is_none() && input.change.title.as_deref().unwrap_or_default().trim().is_empty() {
            refusals.push(Why::MissingFieldRequired.at("input.title"));
        }
        if input.change.title.as_deref().is_some_and(|it| it.trim().is_empty() || it.chars().count() > 255) {
            refusals.push(Why::InvalidProduct.at("input.title"));
        }
        let holder = input.change.handle.as_ref().and_then(|it| self.handles.get(it));
        if holder.is_some_and(|it| Some(*it) != known) {
            refusals.push(Why::HandleNotUnique.at("input.handle"));
        }
        match (&input.options, &input.variants) {
            (None, Some(_)) => refusals.push(Why::ProductOptionsInputMissing.at("input.productOptions")),
            (Some(_), None) => refusals.push(Why::VariantsInputMissing.at("input.variants")),
            _ => {}
        }
        let options = match (&input.options, before) {
            (Some(options), _) => options.iter().map(|(name, _)| name.clone()).collect(),
            (None, Some(before)) => before.options.clone(),
            (None, None) => vec![NO_OPTION.0.to_owned()],
        };
        if options.len() > OPTIONS_MAX {
            refusals.push(Why::OptionsOverLimit.at("input.productOptions"));
        }
        if options.iter().collect::<BTreeSet<_>>().len() < options.len() {
            refusals.push(Why::DuplicatedOptionName.at("input.productOptions"));
        }
        if let Some(variants) = &input.variants {
            self.check_variants(known, &options, variants, &mut refusals);
        }
        if refusals.is_empty() { Ok(options) } else { Err(refusals) }
    }

    fn check_variants(
        &self,
        product: Option<u64>,
        options: &[String],
        variants: &[VariantInput],
        refusals: &mut Vec<Refusal<Why>>,
    ) {
        if variants.len() > VARIANTS_MAX {
            refusals.push(Why::VariantsOverLimit.at("input.variants"));
        }
        let mut seen = BTreeSet::new();
        for (n, input) in variants.iter().enumerate() {
            let at = |field: &str| format!("input.variants.{n}.{field}");
            let is_own = |id: u64| self.variants.get(id).is_some_and(|it| Some(it.product) == product);
            if input.id.is_some_and(|it| !is_own(it)) {
                refusals.push(Why::ProductVariantDoesNotExist.at(&at("id")));
            }
            let values = values_of(options, input);
            if input.values.iter().any(|(option, _)| !options.contains(option)) {
                refusals.push(Why::OptionDoesNotExist.at(&at("optionValues")));
            } else if values.iter().any(Option::is_none) {
                refusals.push(Why::OptionValuesMissing.at(&at("optionValues")));
            } else if !seen.insert(values) {
                refusals.push(Why::InvalidVariant.at(&at("optionValues")));
            }
            if input.change.price.is_some_and(|it| it.is_negative()) {
                refusals.push(Why::InvalidVariant.at(&at("price")));
            }
            if input.stock.iter().any(|(location, ..)| !self.locations.has(*location)) {
                refusals.push(Why::InvalidVariant.at(&at("inventoryQuantities")));
            }
        }
    }

    /// Makes the product's variants those of the list: others are deleted. Says whether anything changed.
    fn replace_variants(&mut self, cause: Cause, product: u64, options: &[String], inputs: Vec<VariantInput>) -> bool {
        let before = self.products.get(product).map(|it| it.variants.clone()).unwrap_or_default();
        let mut changed = false;
        let mut kept = Vec::new();
        let mut new = Vec::new();
        for input in inputs {
            let values: Vec<String> = values_of(options, &input).into_iter().flatten().collect();
            let by_values = || {
                let has = |id: &&u64| self.variants.get(**id).is_some_and(|it| it.values == values);
                before.iter().find(has).copied()
            };
            match input.id.or_else(by_values) {
                Some(id) => kept.push((id, VariantChange { values: Some(values), ..input.change.clone() }, input)),
                None => new.push(input),
            }
        }
        let gone: Vec<u64> = before.into_iter().filter(|id| kept.iter().all(|(it, ..)| it != id)).collect();
        for id in gone {
            self.delete_variant(cause, id);
            changed = true;
        }
        for (id, change, input) in kept {
            let altered = self.change_variant(cause, id, change);
            self.fill_variant(cause, id, &input);
            changed |= altered.variant;
        }
        for input in new {
            self.add_variant(cause, product, input, options);
            changed = true;
        }
        changed
    }

    /// Adds a variant, with its stock and metafields.
    pub fn add_variant(&mut self, cause: Cause, product: u64, input: VariantInput, options: &[String]) {
        let values = values_of(options, &input).into_iter().flatten().collect::<Vec<_>>();
        let values = if values.is_empty() { vec![NO_OPTION.1.to_owned()] } else { values };
        let id = self.make_variant(cause, product, VariantChange { values: Some(values), ..input.change.clone() });
        self.note_variant_made(cause, id);
        self.happened(cause, "ProductVariant", id, "create");
        let Some(item) = self.variants.get(id).map(|it| it.item) else { return };
        self.announce(cause, Topic::InventoryItemsCreate, |state| state.item_body(item));
        self.fill_variant(cause, id, &input);
    }

    fn fill_variant(&mut self, cause: Cause, id: u64, input: &VariantInput) {
        let Some(item) = self.variants.get(id).map(|it| it.item) else { return };
        for (location, name, quantity) in &input.stock {
            let key = level_key(*location, item);
            if self.levels.get(key).is_some() {
                self.set_quantity(cause, key, name, *quantity);
            } else {
                self.stock_at(cause, *location, item, *quantity);
            }
        }
        for field in &input.metafields {
            self.put_metafield(cause, ("ProductVariant".into(), id), field.clone());
        }
    }

    /// Changes a variant and tells of its inventory item. The caller tells of the product.
    pub fn change_variant(&mut self, cause: Cause, id: u64, change: VariantChange) -> Altered {
        let altered = self.alter_variant(cause, id, change);
        if altered.item
            && let Some(item) = self.variants.get(id).map(|it| it.item)
        {
            self.announce(cause, Topic::InventoryItemsUpdate, |state| state.item_body(item));
        }
        altered
    }

    fn delete_variant(&mut self, cause: Cause, id: u64) {
        let Some(item) = self.variants.get(id).map(|it| it.item) else { return };
        self.drop_variant(cause, id);
        self.happened(cause, "ProductVariant", id, "destroy");
        let body =
            serde_json::json!({ "id": item, "admin_graphql_api_id": crate::shopify::gid::gid("InventoryItem", item) });
        self.announce(cause, Topic::InventoryItemsDelete, |_| body);
    }

    /// Deletes a product with its variants. Says whether there was one.
    pub fn delete_product(&mut self, cause: Cause, id: u64) -> bool {
        let Some(product) = self.products.get(id).cloned() else { return false };
        for variant in &product.variants {
            self.delete_variant(cause, *variant);
        }
        self.products.remove(id);
        self.handles.remove(&product.handle);
        self.metafields.drop_owner("Product", id);
        self.happened(cause, "Product", id, "destroy");
        self.announce(cause, Topic::ProductsDelete, |_| serde_json::json!({ "id": id }));
        true
    }

    /// Tells that a product changed.
    pub fn tell_product(&mut self, cause: Cause, id: u64) {
        self.announce(cause, Topic::ProductsUpdate, |state| state.product_body(id));
    }
}

/// The value of each option, `None` where the input has none. A product without options needs none.
fn values_of(options: &[String], input: &VariantInput) -> Vec<Option<String>> {
    let value = |option: &String| {
        let given = input.values.iter().find(|(name, _)| name == option).map(|(_, value)| value.clone());
        given.or_else(|| (options.len() == 1 && option == NO_OPTION.0).then(|| NO_OPTION.1.to_owned()))
    };
    options.iter().map(value).collect()
}
