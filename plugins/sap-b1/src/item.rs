//! Items, under their codes.

use serde::Deserialize;
use truthsource_sdk::connector::{Outcome, Page, State, Write};
use truthsource_sdk::kinds::{Item, Record};
use truthsource_sdk::value::Held;
use truthsource_sdk::{Fault, Value};

use crate::cursor::Walk;
use crate::listing::{Found, Listing};
use crate::odata::{entity, literal, plain};
use crate::push::{change, create};
use crate::record::{active, fixed, members, text};
use crate::wire::Service;

const MEMBERS: &str = "ItemCode,ItemName,BarCode,Frozen,UpdateDate,UpdateTime,CreateDate,CreateTime";

pub(crate) const LISTING: Listing = Listing {
    entity: "Items",
    select: MEMBERS,
    key: "ItemCode",
    is_text: true,
    filter: "",
    created: "CreateDate",
    table: "OITM",
    condition: "",
    page: 500,
};

#[derive(Deserialize)]
struct Members {
    #[serde(rename = "ItemCode")]
    code: String,
    #[serde(rename = "ItemName", default)]
    name: Held<String>,
    #[serde(rename = "BarCode", default)]
    barcode: Held<String>,
    #[serde(rename = "Frozen", default)]
    frozen: Option<String>,
}

pub(crate) fn pull(service: &Service<'_>, walk: &Walk) -> Result<Page, Fault> {
    let (found, after) = LISTING.page(service, walk)?;
    Ok(walk.turn(found.iter().map(state).collect::<Result<_, _>>()?, after))
}

pub(crate) fn read(service: &Service<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let found = LISTING.of_keys(service, ids)?;
    LISTING.dated(service, found.iter().map(state).collect::<Result<_, _>>()?)
}

fn look(service: &Service<'_>, code: &str) -> Result<Option<State>, Fault> {
    LISTING.one(service, code)?.as_ref().map(state).transpose()
}

fn state(found: &Found) -> Result<State, Fault> {
    let members: Members = plain(&found.raw).map_err(|error| Fault::Protocol(format!("Items: {error}")))?;
    let fields = Item {
        code: members.code.clone().into(),
        title: text(members.name),
        barcode: text(members.barcode),
        active: active(members.frozen.as_deref()),
    };
    Ok(State {
        remote_id: members.code,
        fields: fields.into_fields(),
        version: found.version.clone(),
        changed_at_ms: found.changed_at_ms,
        command_key: None,
    })
}

fn member(field: &str) -> Option<&'static str> {
    Some(match field {
        "code" => "ItemCode",
        "title" => "ItemName",
        "barcode" => "BarCode",
        _ => return None,
    })
}

pub(crate) fn push(service: &Service<'_>, write: &Write) -> Result<Outcome, Fault> {
    let Some(id) = &write.remote_id else {
        let Some(Value::Text(code)) = write.want.get("code") else {
            return Ok(Outcome::rejected("incomplete", "an item needs a code"));
        };
        let body = members(write, write.want.keys(), member);
        return create(
            write,
            || look(service, code),
            || service.post("Items", &body).map(|_: serde::de::IgnoredAny| ()),
        );
    };
    if fixed(write, &["code"]).is_some() {
        return Ok(Outcome::rejected("create-only", "an item's code is its key and never changes"));
    }
    let path = entity("Items", &literal(id));
    let body = members(write, write.changed.iter(), member);
    change(write, id, || look(service, id), |held| service.patch(&path, &held.version, &body))
}
