//! Companies: business partners that are customers, under their codes.

use serde::Deserialize;
use serde_json::json;
use truthsource_sdk::connector::{Outcome, Page, State, Write};
use truthsource_sdk::kinds::{Company, Record};
use truthsource_sdk::value::Held;
use truthsource_sdk::{Fault, Value};

use crate::cursor::Walk;
use crate::listing::{Found, Listing};
use crate::odata::{entity, literal, plain};
use crate::push::{change, create};
use crate::record::{active, fixed, known, members, text};
use crate::wire::Service;

const MEMBERS: &str =
    "CardCode,CardName,CardType,EmailAddress,Currency,Frozen,UpdateDate,UpdateTime,CreateDate,CreateTime";
const CUSTOMER: &str = "cCustomer";

pub(crate) const LISTING: Listing = Listing {
    entity: "BusinessPartners",
    select: MEMBERS,
    key: "CardCode",
    is_text: true,
    filter: "CardType eq 'cCustomer'",
    created: "CreateDate",
    table: "OCRD",
    condition: "T0.CardType = 'C'",
    page: 500,
};

#[derive(Deserialize)]
struct Members {
    #[serde(rename = "CardCode")]
    code: String,
    #[serde(rename = "CardType", default)]
    card_type: Option<String>,
    #[serde(rename = "CardName", default)]
    name: Held<String>,
    #[serde(rename = "EmailAddress", default)]
    email: Held<String>,
    #[serde(rename = "Currency", default)]
    currency: Option<String>,
    #[serde(rename = "Frozen", default)]
    frozen: Option<String>,
}

pub(crate) fn pull(service: &Service<'_>, walk: &Walk) -> Result<Page, Fault> {
    let (found, after) = LISTING.page(service, walk)?;
    Ok(walk.turn(states(service, &found)?, after))
}

pub(crate) fn read(service: &Service<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let found = LISTING.of_keys(service, ids)?;
    LISTING.dated(service, states(service, &found)?)
}

fn states(service: &Service<'_>, found: &[Found]) -> Result<Vec<State>, Fault> {
    found.iter().filter_map(|it| state(service, it).transpose()).collect()
}

fn look(service: &Service<'_>, code: &str) -> Result<Option<State>, Fault> {
    LISTING.one(service, code)?.map_or(Ok(None), |it| state(service, &it))
}

/// `None` for a vendor or a lead.
fn state(service: &Service<'_>, found: &Found) -> Result<Option<State>, Fault> {
    let members: Members = plain(&found.raw).map_err(|error| Fault::Protocol(format!("BusinessPartners: {error}")))?;
    if members.card_type.is_some_and(|it| it != CUSTOMER) {
        return Ok(None);
    }
    let fields = Company {
        code: members.code.clone().into(),
        name: text(members.name),
        email: text(members.email),
        currency: known(service.settings.iso(members.currency.as_deref())),
        active: active(members.frozen.as_deref()),
    };
    Ok(Some(State {
        remote_id: members.code,
        fields: fields.into_fields(),
        version: found.version.clone(),
        changed_at_ms: found.changed_at_ms,
        command_key: None,
    }))
}

fn member(field: &str) -> Option<&'static str> {
    Some(match field {
        "code" => "CardCode",
        "name" => "CardName",
        "email" => "EmailAddress",
        _ => return None,
    })
}

pub(crate) fn push(service: &Service<'_>, write: &Write) -> Result<Outcome, Fault> {
    let Some(id) = &write.remote_id else { return create_company(service, write) };
    if let Some(name) = fixed(write, &["code", "currency"]) {
        return Ok(Outcome::rejected("create-only", format!("`{name}` of a customer is set when it is created")));
    }
    let path = entity("BusinessPartners", &literal(id));
    let body = members(write, write.changed.iter(), member);
    change(write, id, || look(service, id), |held| service.patch(&path, &held.version, &body))
}

fn create_company(service: &Service<'_>, write: &Write) -> Result<Outcome, Fault> {
    let Some(Value::Text(code)) = write.want.get("code") else {
        return Ok(Outcome::rejected("incomplete", "a customer needs a code"));
    };
    let mut body = members(write, write.want.keys(), member);
    body.insert("CardType".to_owned(), json!(CUSTOMER));
    if let Some(Value::Text(iso)) = write.want.get("currency") {
        body.insert("Currency".to_owned(), json!(service.settings.currency_code(iso)));
    }
    create(write, || look(service, code), || service.post("BusinessPartners", &body).map(|_: serde::de::IgnoredAny| ()))
}
