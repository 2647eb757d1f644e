//! What can be asked.

mod buyers;
mod items;
mod rest;

use async_graphql::{InputObject, MergedObject};

use crate::shopify::paging::Order as SortedBy;
use crate::shopify::state::State;

/// The query root.
#[derive(MergedObject, Default)]
#[graphql(name = "QueryRoot")]
pub struct QueryRoot(items::ItemQueries, buyers::BuyerQueries, rest::RestQueries);

/// A value by which an object is found.
#[derive(Debug, Clone, InputObject)]
pub struct UniqueMetafieldValueInput {
    /// The metafield's namespace.
    pub namespace: Option<String>,
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl UniqueMetafieldValueInput {
    /// The number of the object of `kind` that has the value.
    pub fn find(&self, state: &State, kind: &str) -> Option<u64> {
        state.metafields.owner_of(kind, self.namespace.as_deref().unwrap_or_default(), &self.key, &self.value)
    }
}

/// A text every row has, as a sort key.
fn by<T>(value: fn(&State, &T) -> String) -> SortedBy<State, T> {
    SortedBy::By(value)
}
