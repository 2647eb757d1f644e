//! Several mutations in one call.
//!
//! A shop carries out the mutations of a document one after the other, and says of each what went wrong. Each gets an
//! alias, and its errors are its own.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use truthsource_sdk::connector::Outcome;

use crate::graphql::{Shop, UserError};

/// How many mutations go into one call: each is reserved ten points of at most a thousand, with room for answers.
const MUTATIONS_MAX: usize = 20;

/// A mutation and what it is given.
#[derive(Debug, Clone)]
pub(crate) struct Mutation {
    /// Its name.
    pub name: &'static str,
    /// Arguments: name, type, value.
    pub arguments: Vec<(&'static str, &'static str, Json)>,
    /// Arguments that never change, written into the document.
    pub constants: &'static str,
    /// Its errors carry codes, which not all do.
    pub errors: Errors,
    /// The idempotency key, where the mutation needs one.
    pub key: Option<String>,
}

/// What the errors of a mutation hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errors {
    /// Code, field and message.
    Coded,
    /// Field and message.
    Plain,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    #[serde(default)]
    user_errors: Vec<UserError>,
}

/// Carries out mutations and says of each: no errors, its first error, or the outcome of the whole call.
pub(crate) fn run(shop: &Shop<'_>, mutations: &[Mutation]) -> Vec<Result<Option<UserError>, Outcome>> {
    let mut results = Vec::with_capacity(mutations.len());
    for chunk in mutations.chunks(MUTATIONS_MAX) {
        let (document, variables) = document(chunk);
        match shop.mutate::<BTreeMap<String, Option<Payload>>>(&document, variables) {
            Err(outcome) => results.extend(chunk.iter().map(|_| Err(outcome.clone()))),
            Ok(mut payloads) => {
                results.extend((0..chunk.len()).map(|at| match payloads.remove(&format!("m{at}")).flatten() {
                    Some(payload) => Ok(payload.user_errors.into_iter().next()),
                    None => Err(Outcome::Unknown("the shop answered nothing for this mutation".to_owned())),
                }))
            }
        }
    }
    results
}

fn document(mutations: &[Mutation]) -> (String, Json) {
    let mut declarations = Vec::new();
    let mut fields = Vec::new();
    let mut variables = Map::new();
    for (at, mutation) in mutations.iter().enumerate() {
        let mut arguments = Vec::new();
        for (name, ty, value) in &mutation.arguments {
            declarations.push(format!("${name}{at}: {ty}"));
            arguments.push(format!("{name}: ${name}{at}"));
            variables.insert(format!("{name}{at}"), value.clone());
        }
        let mut directive = String::new();
        if let Some(key) = &mutation.key {
            declarations.push(format!("$key{at}: String!"));
            variables.insert(format!("key{at}"), Json::String(key.clone()));
            directive = format!(" @idempotent(key: $key{at})");
        }
        let code = if mutation.errors == Errors::Coded { "code " } else { "" };
        let (name, arguments, constants) = (mutation.name, arguments.join(", "), mutation.constants);
        fields.push(format!(
            "m{at}: {name}({arguments}{constants}){directive} {{ userErrors {{ {code}field message }} }}"
        ));
    }
    (format!("mutation Batch({}) {{ {} }}", declarations.join(", "), fields.join(" ")), Json::Object(variables))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_mutation_has_its_own_alias_and_variables() {
        let activate = Mutation {
            name: "inventoryActivate",
            arguments: vec![("locationId", "ID!", json!("gid://shopify/Location/67"))],
            constants: "",
            errors: Errors::Plain,
            key: Some("op-1".to_owned()),
        };
        let update = Mutation {
            name: "companyUpdate",
            arguments: vec![("companyId", "ID!", json!("gid://shopify/Company/31"))],
            constants: "",
            errors: Errors::Coded,
            key: None,
        };
        let (document, variables) = document(&[activate, update]);
        let expect = "mutation Batch($locationId0: ID!, $key0: String!, $companyId1: ID!) { \
                      m0: inventoryActivate(locationId: $locationId0) @idempotent(key: $key0) { userErrors { field message } } \
                      m1: companyUpdate(companyId: $companyId1) { userErrors { code field message } } }";
        assert_eq!(document, expect);
        assert_eq!(variables["key0"], "op-1");
        assert_eq!(variables["companyId1"], "gid://shopify/Company/31");
    }
}
