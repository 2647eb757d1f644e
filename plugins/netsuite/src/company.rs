//! Companies: NetSuite's customers.

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use truthsource_sdk::connector::{Outcome, Page, State, Write};
use truthsource_sdk::kinds::{Company, Record};
use truthsource_sdk::{Fault, Value, moment, value::Held};

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::cursor::Walk;
use crate::listing::{Listing, deleted};
use crate::push::{change, create};
use crate::query::{ROWS_MAX, Row, numeric};
use crate::record::{Id, Ref, trimmed};
use crate::wire::Account;

pub(crate) const LISTING: Listing = Listing {
    select: "SELECT id, entityid, companyname, email, externalid, isinactive, currency, \
             TO_CHAR(lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS lm FROM customer",
    filter: "id > 0",
    id: "id",
    changed: "lastmodifieddate",
};

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CustomerRecord {
    id: Id,
    #[serde(default)]
    entity_id: Option<String>,
    #[serde(default)]
    company_name: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    currency: Option<Ref>,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    is_inactive: Option<bool>,
    #[serde(default)]
    last_modified_date: Option<String>,
}

pub(crate) fn pull(account: &Account<'_>, clock: &Clock, walk: &Walk) -> Result<Page, Fault> {
    let catalog = Catalog::read(account)?;
    let page = LISTING.page(account, clock, walk, ROWS_MAX)?;
    let found = page.rows.iter().map(|row| state(account, &catalog, clock, row)).collect::<Result<Vec<_>, _>>()?;
    match found.last() {
        Some(last) if page.more => {
            let after = last.remote_id.clone();
            Ok(walk.go_on(found, after))
        }
        _ => Ok(walk.end(found, deleted(account, clock, walk, &["customer"])?)),
    }
}

pub(crate) fn read(account: &Account<'_>, clock: &Clock, ids: &[String]) -> Result<Vec<State>, Fault> {
    let catalog = Catalog::read(account)?;
    LISTING.of_ids(account, ids)?.iter().map(|row| state(account, &catalog, clock, row)).collect()
}

/// Companies as their records are now.
pub(crate) fn certain(account: &Account<'_>, clock: &Clock, ids: &[String]) -> Result<Vec<State>, Fault> {
    let catalog = Catalog::read(account)?;
    let found = numeric(ids).into_iter().filter_map(|id| look(account, &catalog, &id).transpose());
    LISTING.dated(account, clock, found.collect::<Result<_, _>>()?)
}

pub(crate) fn find(account: &Account<'_>, command_key: &str) -> Result<Option<State>, Fault> {
    look(account, &Catalog::read(account)?, &format!("eid:{command_key}"))
}

fn look(account: &Account<'_>, catalog: &Catalog, id: &str) -> Result<Option<State>, Fault> {
    let record: Option<CustomerRecord> = account.get(&format!("record/v1/customer/{id}"))?;
    Ok(record.map(|it| state_of(account, catalog, it)))
}

fn state(account: &Account<'_>, catalog: &Catalog, clock: &Clock, row: &Row) -> Result<State, Fault> {
    let fields = Company {
        code: row.text("entityid").into(),
        name: row.text("companyname").into(),
        email: row.text("email").into(),
        currency: known(catalog.currency(account, row.text("currency").as_deref())),
        active: row.flag("isinactive").map_or(Held::Unknown, |it| Held::Is(!it)),
    };
    Ok(State {
        remote_id: row.must("id")?,
        fields: fields.into_fields(),
        version: String::new(),
        changed_at_ms: clock.changed_at(row, "lm"),
        command_key: row.text("externalid"),
    })
}

fn state_of(account: &Account<'_>, catalog: &Catalog, record: CustomerRecord) -> State {
    let fields = Company {
        code: trimmed(record.entity_id).into(),
        name: trimmed(record.company_name).into(),
        email: trimmed(record.email).into(),
        currency: known(catalog.currency(account, record.currency.as_ref().map(|it| it.id.0.as_str()))),
        active: record.is_inactive.map_or(Held::Unknown, |it| Held::Is(!it)),
    };
    State {
        remote_id: record.id.0,
        fields: fields.into_fields(),
        version: String::new(),
        changed_at_ms: record.last_modified_date.as_deref().and_then(moment::parse),
        command_key: trimmed(record.external_id),
    }
}

/// A currency without a known code is not told, rather than told to be none.
fn known(code: Option<String>) -> Held<String> {
    code.map_or(Held::Unknown, Held::Is)
}

pub(crate) fn push(account: &Account<'_>, catalog: &Catalog, write: &Write) -> Result<Outcome, Fault> {
    let Some(id) = &write.remote_id else {
        let path = format!("record/v1/customer/eid:{}", write.command_key);
        let mut body = body(write, &write.want.keys().cloned().collect::<Vec<_>>());
        body.insert("subsidiary".to_owned(), json!({ "id": account.settings.subsidiary }));
        body.insert("isPerson".to_owned(), json!(false));
        if let Some(Value::Text(code)) = write.want.get("currency") {
            let Some(currency) = catalog.currency_id(account, code) else {
                return Ok(Outcome::rejected("unknown-currency", format!("the account has no currency {code}")));
            };
            body.insert("currency".to_owned(), json!({ "id": currency }));
        }
        return create(|| find(account, &write.command_key), || account.write("PUT", &path, &body));
    };
    if write.changes("currency") {
        return Ok(Outcome::rejected("create-only", "a customer's currency is set when it is created"));
    }
    let path = format!("record/v1/customer/{id}");
    change(write, id, || look(account, catalog, id), |_| account.write("PATCH", &path, &body(write, &write.changed)))
}

fn body(write: &Write, names: &[String]) -> Map<String, Json> {
    let mut body = Map::new();
    for name in names {
        let value = match write.want.get(name) {
            Some(Value::Text(text)) => json!(text),
            Some(Value::Flag(active)) => json!(!active),
            _ => Json::Null,
        };
        let remote = match name.as_str() {
            "code" => "entityId",
            "name" => "companyName",
            "email" => "email",
            "active" => "isInactive",
            _ => continue,
        };
        body.insert(remote.to_owned(), value);
    }
    body
}
