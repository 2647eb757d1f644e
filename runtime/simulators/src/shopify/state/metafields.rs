//! Metafields: values that apps hang on objects, and find objects by.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use truthsource_core::UnixMs;

use super::{Cause, State};
use crate::shopify::refusals::{Code, MetafieldsSetUserErrorCode as Why, Refusal};

/// A value on an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Metafield {
    /// Its number.
    pub id: u64,
    /// The kind of the object, as in its global id, and its number.
    pub owner: (String, u64),
    /// Whose keys these are.
    pub namespace: String,
    /// Its name.
    pub key: String,
    /// What sort of value it is.
    pub kind: String,
    /// The value, as text.
    pub value: String,
    /// When it was made.
    pub created: UnixMs,
    /// When it last changed.
    pub updated: UnixMs,
}

/// A metafield to be written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetafieldInput {
    /// Whose keys these are.
    pub namespace: String,
    /// Its name.
    pub key: String,
    /// What sort of value it is; `None` keeps the sort it has.
    pub kind: Option<String>,
    /// The value, as text.
    pub value: String,
    /// What the caller believes is there: `Some(None)` that nothing is.
    pub compare_digest: Option<Option<String>>,
}

type Owner = (String, u64);

/// All metafields, by owner and by value.
#[derive(Clone, Debug, Default)]
pub struct Metafields {
    by_owner: BTreeMap<Owner, BTreeMap<(String, String), Metafield>>,
    by_value: BTreeMap<(String, String, String, String), u64>,
}

impl Metafield {
    /// A digest of the value, for compare-and-set.
    #[must_use]
    pub fn digest(&self) -> String {
        let hash = Sha256::digest(format!("{}\n{}\n{}", self.id, self.updated, self.value).as_bytes());
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Metafields {
    /// An object's metafield.
    #[must_use]
    pub fn get(&self, owner: &Owner, namespace: &str, key: &str) -> Option<&Metafield> {
        self.by_owner.get(owner)?.get(&(namespace.to_owned(), key.to_owned()))
    }

    /// All metafields of an object.
    pub fn of(&self, owner: &Owner) -> impl DoubleEndedIterator<Item = &Metafield> {
        self.by_owner.get(owner).into_iter().flat_map(BTreeMap::values)
    }

    /// The number of the object of `kind` that has this value.
    #[must_use]
    pub fn owner_of(&self, kind: &str, namespace: &str, key: &str, value: &str) -> Option<u64> {
        let place = (kind.to_owned(), namespace.to_owned(), key.to_owned(), value.to_owned());
        self.by_value.get(&place).copied()
    }

    /// Whether any object of `kind` has this metafield.
    #[must_use]
    pub fn has_any(&self, kind: &str, namespace: &str, key: &str) -> bool {
        let place = (kind.to_owned(), namespace.to_owned(), key.to_owned(), String::new());
        let first = self.by_value.range(place..).next();
        first.is_some_and(|((owner, space, name, _), _)| owner == kind && space == namespace && name == key)
    }

    /// Forgets an object's metafields.
    pub fn drop_owner(&mut self, kind: &str, number: u64) {
        for field in self.by_owner.remove(&(kind.to_owned(), number)).into_iter().flat_map(BTreeMap::into_values) {
            self.by_value.remove(&value_place(&field));
        }
    }

    fn put(&mut self, field: Metafield) {
        let place = (field.namespace.clone(), field.key.clone());
        self.by_value.insert(value_place(&field), field.owner.1);
        let old = self.by_owner.entry(field.owner.clone()).or_default().insert(place, field.clone());
        if let Some(old) = old.filter(|it| it.value != field.value) {
            self.by_value.remove(&value_place(&old));
        }
    }
}

fn value_place(field: &Metafield) -> (String, String, String, String) {
    (field.owner.0.clone(), field.namespace.clone(), field.key.clone(), field.value.clone())
}

impl State {
    /// Says whether a metafield may be written.
    ///
    /// # Errors
    /// When a part is blank or too long, or the owner's field is not what the caller believes.
    pub fn check_metafield(&self, owner: &Owner, input: &MetafieldInput) -> Result<(), Refusal<Why>> {
        if input.namespace.is_empty() || input.key.is_empty() || input.value.is_empty() {
            return Err(Why::Blank.at("value"));
        }
        if input.key.len() > 64 || input.namespace.len() > 255 {
            return Err(Why::TooLong.at("key"));
        }
        let known = self.metafields.get(owner, &input.namespace, &input.key);
        if known.is_none() && input.kind.is_none() {
            return Err(Why::InvalidType.at("type"));
        }
        match &input.compare_digest {
            Some(asked) if known.map(Metafield::digest) != *asked => Err(Why::StaleObject.at("compareDigest")),
            _ => Ok(()),
        }
    }

    /// Writes a metafield.
    pub fn put_metafield(&mut self, cause: Cause, owner: Owner, input: MetafieldInput) -> Metafield {
        let second = cause.second();
        let known = self.metafields.get(&owner, &input.namespace, &input.key).cloned();
        let field = match known {
            Some(known) if known.value == input.value => known,
            Some(known) => {
                Metafield { value: input.value, kind: input.kind.unwrap_or(known.kind), updated: second, ..known }
            }
            None => Metafield {
                id: self.new_id(),
                owner,
                namespace: input.namespace,
                key: input.key,
                kind: input.kind.unwrap_or_else(|| "single_line_text_field".to_owned()),
                value: input.value,
                created: second,
                updated: second,
            },
        };
        self.metafields.put(field.clone());
        field
    }
}
