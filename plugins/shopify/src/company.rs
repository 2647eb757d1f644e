//! Companies. The customer number is the external id, which the shop keeps unique.
//!
//! A company is created with a location, whose external id is the command key: a shop finds companies by no other
//! field of ours.

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use truthsource_sdk::connector::{Observed, Outcome, Page, State, Write};
use truthsource_sdk::kinds::{Company as Fields, Record};
use truthsource_sdk::value::Held;
use truthsource_sdk::{Fault, Value, moment};

use crate::batch::{Errors, Mutation, run};
use crate::cursor::{Nodes, Walk};
use crate::gid::{gid, is_number, number};
use crate::graphql::{Shop, UserError};
use crate::item::filled;
use crate::item_push::read_created;

macro_rules! company {
    () => {
        "fragment C on Company { id name externalId updatedAt \
         mainContact { customer { defaultEmailAddress { emailAddress } } } \
         locations(first: 1) { nodes { externalId currency } } }"
    };
}

const ALL: &str = concat!(
    "query Companies($after: String, $q: String, $sort: CompanySortKeys) { \
     companies(first: 50, after: $after, query: $q, sortKey: $sort) { nodes { ...C } pageInfo { hasNextPage endCursor } } } ",
    company!()
);
const SOME: &str = concat!("query Some($ids: [ID!]!) { nodes(ids: $ids) { ...C } } ", company!());
const BY_LOCATION: &str = concat!(
    "query Find($q: String) { companyLocations(first: 5, query: $q) { nodes { externalId company { ...C } } } } ",
    company!()
);

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Company {
    id: String,
    name: String,
    #[serde(default)]
    external_id: Option<String>,
    updated_at: String,
    #[serde(default)]
    main_contact: Option<Contact>,
    locations: Nodes<Location>,
}

#[derive(Debug, Clone, Deserialize)]
struct Contact {
    #[serde(default)]
    customer: Option<Customer>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Customer {
    #[serde(default)]
    default_email_address: Option<Address>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address {
    email_address: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(default)]
    external_id: Option<String>,
    currency: String,
}

#[derive(Deserialize)]
struct All {
    companies: Nodes<Company>,
}

#[derive(Deserialize)]
struct Chosen {
    nodes: Vec<Option<Company>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ByLocation {
    company_locations: Nodes<Located>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Located {
    #[serde(default)]
    external_id: Option<String>,
    company: Company,
}

pub(crate) fn pull(shop: &Shop<'_>, walk: &Walk) -> Result<Page, Fault> {
    let sort = if walk.is_delta() { "UPDATED_AT" } else { "ID" };
    let all: All = shop.query(ALL, json!({ "after": walk.after, "q": walk.window(), "sort": sort }))?;
    let info = all.companies.info();
    let found = all.companies.nodes.iter().map(state).collect::<Result<_, _>>()?;
    Ok(walk.turn(found, info))
}

pub(crate) fn read(shop: &Shop<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let ids: Vec<String> = ids.iter().filter(|it| is_number(it)).map(|it| gid("Company", it)).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let some: Chosen = shop.query(SOME, json!({ "ids": ids }))?;
    some.nodes.iter().flatten().map(state).collect()
}

/// By the external id of its location. The shop finds it by search, which may lag; but creating it once more is
/// refused for its taken number, so that a creation which is not found yet is not repeated either.
pub(crate) fn find(shop: &Shop<'_>, command_key: &str) -> Result<Option<State>, Fault> {
    let found: ByLocation = shop.query(BY_LOCATION, json!({ "q": format!("external_id:'{command_key}'") }))?;
    let own = found.company_locations.nodes.iter().find(|it| it.external_id.as_deref() == Some(command_key));
    own.map(|it| state(&it.company)).transpose()
}

fn state(company: &Company) -> Result<State, Fault> {
    let contact = company.main_contact.as_ref().and_then(|it| it.customer.as_ref());
    let email = contact.and_then(|it| it.default_email_address.as_ref()).map(|it| it.email_address.as_str());
    let location = company.locations.nodes.first();
    let fields = Fields {
        code: filled(company.external_id.as_deref()).into(),
        name: filled(Some(&company.name)).into(),
        email: filled(email).into(),
        currency: location.map_or(Held::Unknown, |it| Held::Is(it.currency.clone())),
        // A shop keeps no such mark.
        active: Held::Unknown,
    };
    Ok(State {
        remote_id: number(&company.id)?,
        fields: fields.into_fields(),
        version: String::new(),
        changed_at_ms: moment::parse(&company.updated_at),
        command_key: location.and_then(|it| filled(it.external_id.as_deref())),
    })
}

pub(crate) fn push(shop: &Shop<'_>, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
    writes.iter().map(|write| one(shop, write)).collect()
}

/// One company: there are few, and each is looked at before and after.
fn one(shop: &Shop<'_>, write: &Write) -> Result<Outcome, Fault> {
    let Some(id) = &write.remote_id else { return Ok(create(shop, write)) };
    let look = || Ok::<_, Fault>(read(shop, std::slice::from_ref(id))?.into_iter().next());
    let held = match look() {
        Ok(Some(held)) => held,
        Ok(None) => return Ok(Outcome::Stale(Observed::Absent(id.clone()))),
        Err(fault) => return Ok(Outcome::not_written(fault)),
    };
    if write.is_done(&held.fields) {
        return Ok(Outcome::Applied(held));
    }
    if !write.is_current(&held.fields) {
        return Ok(Outcome::Stale(Observed::Present(held)));
    }
    if let Some(fixed) = write.changed.iter().find(|it| !matches!(it.as_str(), "code" | "name")) {
        return Ok(Outcome::rejected("read-only", format!("`{fixed}` of a company is not changed here")));
    }
    let mut input = Map::new();
    for (name, remote) in [("code", "externalId"), ("name", "name")] {
        if write.changes(name) {
            input.insert(remote.to_owned(), text(write, name));
        }
    }
    let mutation = Mutation {
        name: "companyUpdate",
        arguments: vec![
            ("companyId", "ID!", json!(gid("Company", id))),
            ("input", "CompanyInput!", Json::Object(input)),
        ],
        constants: "",
        errors: Errors::Coded,
        key: None,
    };
    Ok(match run(shop, &[mutation]).into_iter().next() {
        Some(Ok(None)) => read_created(look()),
        Some(Ok(Some(error))) => error.rejection(),
        Some(Err(outcome)) => outcome,
        None => Outcome::Unknown("not decided".to_owned()),
    })
}

fn text(write: &Write, name: &str) -> Json {
    if let Some(Value::Text(text)) = write.want.get(name) { json!(text) } else { Json::Null }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    company_create: Option<Payload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    #[serde(default)]
    company: Option<Company>,
    user_errors: Vec<UserError>,
}

const CREATE: &str = concat!(
    "mutation Create($input: CompanyCreateInput!) { companyCreate(input: $input) { company { ...C } \
     userErrors { code field message } } } ",
    company!()
);

fn create(shop: &Shop<'_>, write: &Write) -> Outcome {
    match find(shop, &write.command_key) {
        Ok(Some(held)) => return Outcome::Applied(held),
        Ok(None) => {}
        Err(fault) => return Outcome::not_written(fault),
    }
    let name = match text(write, "name") {
        Json::Null => text(write, "code"),
        name => name,
    };
    let mut input = json!({
        "company": { "name": name, "externalId": text(write, "code") },
        "companyLocation": { "name": name, "externalId": write.command_key },
    });
    if let Some(Value::Text(email)) = write.want.get("email") {
        input["companyContact"] = json!({ "email": email });
    }
    let created: Created = match shop.mutate(CREATE, json!({ "input": input })) {
        Ok(created) => created,
        Err(outcome) => return outcome,
    };
    let Some(payload) = created.company_create else { return Outcome::Unknown("the shop answered nothing".to_owned()) };
    if let Some(error) = payload.user_errors.first() {
        return if error.code() == "TAKEN" { taken(shop, write, error) } else { error.rejection() };
    }
    read_created(payload.company.as_ref().map(state).transpose())
}

/// The number is taken: by the company that an earlier try created, or by one that the engine should link.
fn taken(shop: &Shop<'_>, write: &Write, error: &UserError) -> Outcome {
    let Some(Value::Text(code)) = write.want.get("code") else { return error.rejection() };
    let search = format!("external_id:'{}'", code.replace(['\'', '\\'], ""));
    let found: Result<All, Fault> = shop.query(ALL, json!({ "after": null, "q": search, "sort": "ID" }));
    match found {
        Err(fault) => Outcome::Retry(None, format!("the number is taken, and its company was not read: {fault}")),
        Ok(all) => {
            let own = all.companies.nodes.iter().find(|it| it.external_id.as_ref() == Some(code));
            match own.map(state) {
                Some(Ok(held)) if held.command_key.as_ref() == Some(&write.command_key) => Outcome::Applied(held),
                Some(Ok(held)) => Outcome::Stale(Observed::Present(held)),
                Some(Err(fault)) => Outcome::Retry(None, fault.to_string()),
                // The search does not know it yet.
                None => Outcome::Retry(Some(5_000), "the number is taken, and its company is not found yet".to_owned()),
            }
        }
    }
}
