//! Metafield definitions.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};

use super::{CodedError, errors};
use crate::shopify::graph::objects::definitions::MetafieldDefinition;
use crate::shopify::graph::{Call, denied};
use crate::shopify::refusals::MetafieldDefinitionCreateUserErrorCode as Why;
use crate::shopify::state::definitions::{Definition, Owner};

/// Mutations of metafield definitions.
#[derive(Default)]
pub struct DefinitionMutations;

#[derive(InputObject)]
struct MetafieldDefinitionInput {
    name: String,
    namespace: Option<String>,
    key: String,
    description: Option<String>,
    r#type: String,
    owner_type: Owner,
    pin: Option<bool>,
}

#[derive(SimpleObject)]
struct MetafieldDefinitionCreatePayload {
    created_definition: Option<MetafieldDefinition>,
    user_errors: Vec<CodedError<Why>>,
}

#[Object]
impl DefinitionMutations {
    async fn metafield_definition_create(
        &self,
        ctx: &Context<'_>,
        definition: MetafieldDefinitionInput,
    ) -> Result<Option<MetafieldDefinitionCreatePayload>> {
        let scope = super::rest::write_scope(definition.owner_type.kind());
        if !Call::of(ctx).may(scope) {
            return Err(denied(ctx, &[scope]));
        }
        let definition = Definition {
            id: 0,
            owner: definition.owner_type,
            namespace: definition.namespace.unwrap_or_default(),
            key: definition.key,
            kind: definition.r#type,
            name: definition.name,
            description: definition.description,
        };
        let made = Call::write(ctx, |state, cause| state.define(cause, definition));
        Ok(Some(match made {
            Ok(made) => MetafieldDefinitionCreatePayload {
                created_definition: Some(MetafieldDefinition(made)),
                user_errors: vec![],
            },
            Err(why) => MetafieldDefinitionCreatePayload { created_definition: None, user_errors: errors(vec![why]) },
        }))
    }
}
