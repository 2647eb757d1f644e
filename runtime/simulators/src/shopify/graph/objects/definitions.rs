//! Metafield definitions.

use async_graphql::{ID, Object, SimpleObject};

use crate::shopify::gid::gid;
use crate::shopify::state::definitions as rows;

/// What a metafield is.
#[derive(Debug, Clone)]
pub struct MetafieldDefinition(pub rows::Definition);

/// What sort of value a metafield holds.
#[derive(Debug, Clone, SimpleObject)]
pub struct MetafieldDefinitionType {
    name: String,
    category: &'static str,
}

#[Object]
impl MetafieldDefinition {
    pub async fn id(&self) -> ID {
        gid("MetafieldDefinition", self.0.id).into()
    }
    async fn name(&self) -> &str {
        &self.0.name
    }
    async fn namespace(&self) -> &str {
        &self.0.namespace
    }
    async fn key(&self) -> &str {
        &self.0.key
    }
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }
    async fn owner_type(&self) -> rows::Owner {
        self.0.owner
    }
    async fn r#type(&self) -> MetafieldDefinitionType {
        let category = match self.0.kind.as_str() {
            "boolean" => "TRUE_FALSE",
            "date" | "date_time" => "DATE_TIME",
            "id" => "ID",
            "json" => "JSON",
            "number_decimal" | "number_integer" => "NUMBER",
            "url" => "URL",
            _ => "TEXT",
        };
        MetafieldDefinitionType { name: self.0.kind.clone(), category }
    }
}
