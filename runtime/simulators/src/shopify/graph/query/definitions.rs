//! Metafield definitions.

use async_graphql::{Context, Object, Result};

use crate::shopify::graph::connection::{Connection, Pages};
use crate::shopify::graph::objects::definitions::MetafieldDefinition;
use crate::shopify::graph::{Call, denied};
use crate::shopify::state::definitions::{Definition, Owner};

/// Queries of metafield definitions.
#[derive(Default)]
pub struct DefinitionQueries;

fn read_scope(owner: Owner) -> &'static str {
    match owner {
        Owner::Company | Owner::CompanyLocation => "read_companies",
        Owner::Customer => "read_customers",
        Owner::Order => "read_orders",
        Owner::Location => "read_locations",
        Owner::Product | Owner::ProductVariant => "read_products",
    }
}

#[Object]
#[allow(clippy::too_many_arguments, reason = "the arguments are the schema's")]
impl DefinitionQueries {
    async fn metafield_definitions(
        &self,
        ctx: &Context<'_>,
        owner_type: Owner,
        namespace: Option<String>,
        key: Option<String>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
    ) -> Result<Connection<MetafieldDefinition>> {
        let scope = read_scope(owner_type);
        if !Call::of(ctx).may(scope) {
            return Err(denied(ctx, &[scope]));
        }
        let pages = Pages { first, after, last, before, reverse };
        Call::read(ctx, |state| {
            let is_asked = |it: &&Definition| {
                it.owner == owner_type
                    && namespace.as_ref().is_none_or(|name| it.namespace == *name)
                    && key.as_ref().is_none_or(|key| it.key == *key)
            };
            let found = state.definitions.iter().filter(is_asked);
            pages.slice(found.map(|it| (it.id, it.clone())), MetafieldDefinition)
        })
    }
}
