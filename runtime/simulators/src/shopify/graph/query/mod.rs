//! What can be asked.

mod buyers;
mod definitions;
mod items;
mod rest;

use async_graphql::{Error, ErrorExtensions as _, InputObject, MergedObject, Result};

use crate::shopify::paging::Order as SortedBy;
use crate::shopify::state::State;

/// The query root.
#[derive(MergedObject, Default)]
#[graphql(name = "QueryRoot")]
pub struct QueryRoot(items::ItemQueries, buyers::BuyerQueries, definitions::DefinitionQueries, rest::RestQueries);

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
    ///
    /// # Errors
    /// When no definition says that the metafield is an id.
    pub fn find(&self, state: &State, kind: &str) -> Result<Option<u64>> {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        if !state.is_custom_id(kind, namespace, &self.key) {
            let message =
                format!("No metafield definition of type id for namespace '{namespace}' and key '{}'.", self.key);
            return Err(Error::new(message).extend_with(|_, extensions| extensions.set("code", "NOT_FOUND")));
        }
        Ok(state.metafields.owner_of(kind, namespace, &self.key, &self.value))
    }
}

/// A text every row has, as a sort key.
fn by<T>(value: fn(&State, &T) -> String) -> SortedBy<State, T> {
    SortedBy::By(value)
}
