//! Metafield definitions: what a metafield is, and whether records are found by it.

use super::{Cause, State};
use crate::shopify::refusals::{Code, MetafieldDefinitionCreateUserErrorCode as Why, Refusal};

/// What metafields hang on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "MetafieldOwnerType")]
#[allow(missing_docs)]
pub enum Owner {
    Company,
    CompanyLocation,
    Customer,
    Location,
    Order,
    Product,
    #[graphql(name = "PRODUCTVARIANT")]
    ProductVariant,
}

impl Owner {
    /// As global ids spell it.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Company => "Company",
            Self::CompanyLocation => "CompanyLocation",
            Self::Customer => "Customer",
            Self::Location => "Location",
            Self::Order => "Order",
            Self::Product => "Product",
            Self::ProductVariant => "ProductVariant",
        }
    }
}

/// What a metafield is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its number.
    pub id: u64,
    /// What the metafield hangs on.
    pub owner: Owner,
    /// Whose keys these are.
    pub namespace: String,
    /// The metafield's name.
    pub key: String,
    /// What sort of value it is; records are found by those of `id`.
    pub kind: String,
    /// What people call it.
    pub name: String,
    /// More about it, for people.
    pub description: Option<String>,
}

/// Sorts of values that can be defined, as far as this shop has them.
const KINDS: &[&str] = &[
    "boolean",
    "date",
    "date_time",
    "id",
    "json",
    "multi_line_text_field",
    "number_decimal",
    "number_integer",
    "single_line_text_field",
    "url",
];

impl State {
    /// A metafield's definition.
    #[must_use]
    pub fn definition(&self, kind: &str, namespace: &str, key: &str) -> Option<&Definition> {
        let is_it = |it: &&Definition| it.owner.kind() == kind && it.namespace == namespace && it.key == key;
        self.definitions.iter().find(is_it)
    }

    /// Whether records of `kind` are found by a metafield.
    #[must_use]
    pub fn is_custom_id(&self, kind: &str, namespace: &str, key: &str) -> bool {
        self.definition(kind, namespace, key).is_some_and(|it| it.kind == "id")
    }

    /// Defines a metafield; its number is given here.
    ///
    /// # Errors
    /// When a part does not do, or the metafield is defined already.
    pub fn define(&mut self, _cause: Cause, definition: Definition) -> Result<Definition, Refusal<Why>> {
        self.check_definition(&definition)?;
        let definition = Definition { id: self.new_id(), ..definition };
        self.definitions.push(definition.clone());
        Ok(definition)
    }

    fn check_definition(&self, it: &Definition) -> Result<(), Refusal<Why>> {
        let texts = [(&it.name, "definition.name", 1, 255), (&it.namespace, "definition.namespace", 3, 255)];
        for (text, field, min, max) in texts.into_iter().chain([(&it.key, "definition.key", 2, 64)]) {
            match text.chars().count() {
                0 => return Err(Why::Blank.at(field)),
                n if n < min => return Err(Why::TooShort.at(field)),
                n if n > max => return Err(Why::TooLong.at(field)),
                _ => {}
            }
        }
        let is_plain = |text: &str| text.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '-'));
        if !is_plain(&it.key) {
            return Err(Why::InvalidCharacter.at("definition.key"));
        }
        if !is_plain(&it.namespace) {
            return Err(Why::InvalidCharacter.at("definition.namespace"));
        }
        if !KINDS.contains(&it.kind.as_str()) {
            return Err(Why::Inclusion.at("definition.type"));
        }
        let (kind, namespace, key) = (it.owner.kind(), &it.namespace, &it.key);
        if self.definition(kind, namespace, key).is_some() {
            let message = format!("Key is in use for {kind} metafields on the '{namespace}' namespace.");
            return Err(Refusal { message, ..Why::Taken.at("definition.key") });
        }
        // What must be unique cannot be made so afterwards.
        if it.kind == "id" && self.metafields.has_any(kind, namespace, key) {
            return Err(Why::UnstructuredAlreadyExists.at("definition.key"));
        }
        Ok(())
    }
}
