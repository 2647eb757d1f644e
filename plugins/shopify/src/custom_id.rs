//! The definitions that custom ids need.
//!
//! A shop finds records by a metafield only once a definition says that the metafield is an id; before, it refuses to
//! look. The definition of each sort of record is made with the first of them that is created here.

use serde::Deserialize;
use serde_json::json;
use truthsource_sdk::Fault;
use truthsource_sdk::connector::Outcome;

use crate::cursor::Nodes;
use crate::graphql::{Shop, UserError};

/// The metafield that keeps the command key a record was created under.
pub(crate) const NAMESPACE: &str = "truthsource";
/// Its key.
pub(crate) const COMMAND_KEY: &str = "command_key";
/// What it must be to be found by.
const ID: &str = "id";

/// What a metafield hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Product,
    Order,
}

impl Owner {
    fn as_str(self) -> &'static str {
        match self {
            Self::Product => "PRODUCT",
            Self::Order => "ORDER",
        }
    }
}

/// What a shop says of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Definition {
    Missing,
    Id,
    /// Somebody made it something else.
    Other(String),
}

const DEFINITIONS: &str = "query Defined($owner: MetafieldOwnerType!, $namespace: String!, $key: String!) { \
                           metafieldDefinitions(first: 1, ownerType: $owner, namespace: $namespace, key: $key) { \
                           nodes { type { name } } } }";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definitions {
    metafield_definitions: Nodes<Defined>,
}

#[derive(Deserialize)]
struct Defined {
    r#type: Type,
}

#[derive(Deserialize)]
struct Type {
    name: String,
}

pub(crate) fn look(shop: &Shop<'_>, owner: Owner) -> Result<Definition, Fault> {
    let variables = json!({ "owner": owner.as_str(), "namespace": NAMESPACE, "key": COMMAND_KEY });
    let found: Definitions = shop.query(DEFINITIONS, variables)?;
    Ok(match found.metafield_definitions.nodes.into_iter().next() {
        None => Definition::Missing,
        Some(it) if it.r#type.name == ID => Definition::Id,
        Some(it) => Definition::Other(it.r#type.name),
    })
}

/// What is wrong with a definition of another type, and what to do.
pub(crate) fn other(name: &str) -> String {
    format!(
        "the metafield `{NAMESPACE}.{COMMAND_KEY}` is defined as `{name}`, not as `{ID}`: its definition has to be deleted"
    )
}

const DEFINE: &str = "mutation Define($definition: MetafieldDefinitionInput!) { \
                      metafieldDefinitionCreate(definition: $definition) { userErrors { code field message } } }";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    metafield_definition_create: Option<Payload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    user_errors: Vec<UserError>,
}

/// Makes the definition where it is missing. `Err` is the outcome of every creation that needs it: none was begun.
pub(crate) fn ensure(shop: &Shop<'_>, owner: Owner) -> Result<(), Outcome> {
    match look(shop, owner).map_err(Outcome::not_written)? {
        Definition::Id => return Ok(()),
        Definition::Other(name) => return Err(Outcome::rejected("custom-id", other(&name))),
        Definition::Missing => {}
    }
    let definition = json!({
        "name": "TruthSource command key",
        "namespace": NAMESPACE,
        "key": COMMAND_KEY,
        "type": ID,
        "ownerType": owner.as_str(),
    });
    let made: Made = shop.mutate(DEFINE, json!({ "definition": definition })).map_err(|outcome| match outcome {
        // Whether or not it is there now, the record itself was not sent, and the next try will see.
        Outcome::Unknown(why) => Outcome::Retry(None, format!("the definition of custom ids: {why}")),
        outcome => outcome,
    })?;
    let refused = made.metafield_definition_create.and_then(|it| it.user_errors.into_iter().next());
    match refused {
        // Another call was faster.
        Some(error) if error.code() != "TAKEN" => return Err(error.rejection()),
        _ => {}
    }
    // A shop that only accepted it would refuse the record for good, and not for now.
    match look(shop, owner).map_err(Outcome::not_written)? {
        Definition::Id => Ok(()),
        Definition::Missing => Err(Outcome::Retry(None, "the definition of custom ids is not there yet".to_owned())),
        Definition::Other(name) => Err(Outcome::rejected("custom-id", other(&name))),
    }
}

/// What a look-up by custom id came to. Where it was refused because there is no definition yet, nothing was created
/// under any id either.
pub(crate) fn found<T>(shop: &Shop<'_>, owner: Owner, found: Result<Option<T>, Fault>) -> Result<Option<T>, Fault> {
    match found {
        Err(fault @ Fault::Protocol(_)) => match look(shop, owner) {
            Ok(Definition::Missing) => Ok(None),
            _ => Err(fault),
        },
        found => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use truthsource_sdk::script::Script;
    use truthsource_sdk::{Connector, Context, Kind};

    use crate::Shopify;

    const GRAPHQL: &str = "/admin/api/2026-10/graphql.json";
    const NONE: &str = r#"{"data":{"metafieldDefinitions":{"nodes":[]}}}"#;
    const THERE: &str = r#"{"data":{"metafieldDefinitions":{"nodes":[{"type":{"name":"id"}}]}}}"#;

    fn ctx() -> Context {
        Context { settings: [("base-url".to_owned(), "https://x.example".to_owned())].into(), now_ms: 0 }
    }

    fn script(answers: &[&str]) -> Script {
        answers.iter().fold(Script::new(), |script, body| script.answer("POST", GRAPHQL, 200, body))
    }

    fn made(errors: &str) -> String {
        format!(r#"{{"data":{{"metafieldDefinitionCreate":{{"userErrors":[{errors}]}}}}}}"#)
    }

    /// Ensures against these answers, of which all are asked for.
    fn check(answers: &[&str], expect: &str) -> Script {
        let (script, ctx) = (script(answers), ctx());
        let seen = match ensure(&Shop::open(&script, &ctx).unwrap(), Owner::Product) {
            Ok(()) => "there".to_owned(),
            Err(Outcome::Rejected(why)) => format!("rejected {}", why.code),
            Err(Outcome::Retry(..)) => "retry".to_owned(),
            Err(outcome) => panic!("{outcome:?}"),
        };
        assert_eq!((seen.as_str(), script.steps_left()), (expect, 0), "{answers:?}");
        script
    }

    #[test]
    fn a_definition_that_is_missing_is_made() {
        check(&[THERE], "there");
        let script = check(&[NONE, &made(""), THERE], "there");
        for part in [r#""ownerType":"PRODUCT""#, r#""type":"id""#, r#""key":"command_key""#] {
            assert!(script.body(1).contains(part), "{part} in {}", script.body(1));
        }
        check(&[NONE, &made(r#"{"code":"TAKEN","message":"Key is in use"}"#), THERE], "there");
        // It was accepted, and is not there.
        check(&[NONE, &made(""), NONE], "retry");
        check(&[NONE, &made(r#"{"code":"LIMIT_EXCEEDED","message":"no"}"#)], "rejected LIMIT_EXCEEDED");
        check(&[&THERE.replace("id", "json")], "rejected custom-id");
        // Nobody knows whether it was made; of the record it is known that it was not.
        check(&[NONE, "<html>Log in"], "retry");
        check(&["<html>Log in"], "retry");
    }

    #[test]
    fn nothing_was_created_under_an_id_that_is_not_defined() {
        let refused = r#"{"data":{"productByIdentifier":null},"errors":[{"message":"no definition"}]}"#;
        let find = |answers: &[&str]| Shopify::find(&script(answers), &ctx(), Kind::Item, "key-1");
        assert_eq!(find(&[refused, NONE]).unwrap(), None);
        assert!(matches!(find(&[refused, THERE]), Err(Fault::Protocol(_))));
    }
}
