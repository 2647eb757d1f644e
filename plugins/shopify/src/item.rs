//! Items: inventory items, with what their variants and products say of them.

use serde::Deserialize;
use serde_json::json;
use truthsource_sdk::connector::{Page, State};
use truthsource_sdk::kinds::{Item, Record};
use truthsource_sdk::{Fault, moment};

use crate::cursor::{Nodes, Walk};
use crate::custom_id::{self, COMMAND_KEY, NAMESPACE, Owner};
use crate::graphql::Shop;
use crate::variant::{self, Variant, variant};

pub(crate) fn pull(shop: &Shop<'_>, walk: &Walk) -> Result<Page, Fault> {
    let after = walk.after.as_deref();
    let page = match walk.window() {
        None => variant::all(shop, after)?,
        Some(window) => variant::changed(shop, &window, after)?,
    };
    let info = page.info();
    Ok(walk.turn(states(&page.nodes)?, info))
}

pub(crate) fn read(shop: &Shop<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    states(&variant::of_items(shop, ids)?)
}

fn states(variants: &[Variant]) -> Result<Vec<State>, Fault> {
    variants.iter().map(state).collect()
}

pub(crate) fn state(variant: &Variant) -> Result<State, Fault> {
    let title = variant.product.title.trim();
    let title = if variant.is_alone() { title.to_owned() } else { format!("{title} - {}", variant.title.trim()) };
    let fields = Item {
        code: filled(variant.sku.as_deref()).into(),
        title: filled(Some(&title)).into(),
        barcode: filled(variant.barcode.as_deref()).into(),
        active: (variant.product.status == "ACTIVE").into(),
    };
    let changed = [&variant.updated_at, &variant.product.updated_at].into_iter().filter_map(|it| moment::parse(it));
    Ok(State {
        remote_id: variant.item()?,
        fields: fields.into_fields(),
        changed_at_ms: changed.max(),
        command_key: variant.product.command_key.as_ref().filter(|_| variant.is_alone()).map(|it| it.value.clone()),
        ..State::default()
    })
}

/// Text without blanks at its ends; nothing for empty text, which the shop uses like null.
pub(crate) fn filled(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identified {
    product_by_identifier: Option<Created>,
}

#[derive(Deserialize)]
struct Created {
    variants: Nodes<Variant>,
}

const FIND: &str = concat!(
    "query Find($namespace: String!, $key: String!, $value: String!) { productByIdentifier(identifier: { customId: \
     { namespace: $namespace, key: $key, value: $value } }) { variants(first: 1) { nodes { ...V } } } } ",
    variant!()
);

pub(crate) fn find(shop: &Shop<'_>, command_key: &str) -> Result<Option<State>, Fault> {
    let variables = json!({ "namespace": NAMESPACE, "key": COMMAND_KEY, "value": command_key });
    let found = shop.query(FIND, variables).map(|it: Identified| it.product_by_identifier);
    let product = custom_id::found(shop, Owner::Product, found)?;
    let variant = product.and_then(|it| it.variants.nodes.into_iter().next());
    let created = |it: &Variant| Ok(State { command_key: Some(command_key.to_owned()), ..state(it)? });
    variant.as_ref().map(created).transpose()
}
