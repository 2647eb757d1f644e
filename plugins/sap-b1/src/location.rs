//! Locations: warehouses. They are few, have no stamps, and are read as they are.

use serde::Deserialize;
use truthsource_sdk::Fault;
use truthsource_sdk::connector::{Page, State};
use truthsource_sdk::kinds::{Location, Record};

use crate::cursor::Walk;
use crate::odata::{Query, literal, of_keys, plain};
use crate::record::{flag, known, trimmed};
use crate::wire::Service;

const QUERY: Query<'static> =
    Query { entity: "Warehouses", select: "WarehouseCode,WarehouseName,Inactive", filter: &[], order: "WarehouseCode" };
const PAGE: usize = 500;

#[derive(Deserialize)]
struct Members {
    #[serde(rename = "WarehouseCode")]
    code: String,
    #[serde(rename = "WarehouseName", default)]
    name: Option<String>,
    #[serde(rename = "Inactive", default)]
    inactive: Option<String>,
}

pub(crate) fn pull(service: &Service<'_>, walk: &Walk) -> Result<Page, Fault> {
    let behind = walk.after.as_deref().map(|it| format!("WarehouseCode gt {}", literal(it))).unwrap_or_default();
    let rows = service.list::<Members>(&Query { filter: &[&behind], ..QUERY }.path(), PAGE, plain)?;
    let after = rows.rows.last().filter(|_| rows.more).map(|it| it.code.clone());
    Ok(walk.turn(rows.rows.into_iter().map(|it| state(service, it)).collect(), after))
}

pub(crate) fn read(service: &Service<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let keys: Vec<String> = ids.iter().map(|it| literal(it)).collect();
    let found = of_keys(service, &QUERY, (&keys, PAGE), plain::<Members>, |it| Some(literal(&it.code)))?;
    Ok(found.into_iter().map(|it| state(service, it)).collect())
}

fn state(service: &Service<'_>, members: Members) -> State {
    let code = service.settings.location_codes.get(&members.code).unwrap_or(&members.code);
    let fields = Location {
        code: code.clone().into(),
        name: trimmed(members.name).into(),
        active: known(flag(members.inactive.as_deref()).map(|it| !it)),
    };
    State { remote_id: members.code, fields: fields.into_fields(), ..State::default() }
}
