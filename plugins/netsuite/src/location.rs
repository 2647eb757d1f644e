//! Locations: few, without a time of change, and never written.

use truthsource_sdk::connector::{Page, State};
use truthsource_sdk::kinds::{Location, Record};
use truthsource_sdk::{Fault, value::Held};

use crate::cursor::Walk;
use crate::query::{ROWS_MAX, Row, ask, marks, numeric};
use crate::wire::Account;

const SELECT: &str = "SELECT id, name, isinactive FROM location";

pub(crate) fn pull(account: &Account<'_>, walk: &Walk) -> Result<Page, Fault> {
    let [after] = walk.after_parts::<1>()?;
    let page = ask(account, &format!("{SELECT} WHERE id > ? ORDER BY id"), &[after], ROWS_MAX)?;
    let found = page.rows.iter().map(|row| state(account, row)).collect::<Result<Vec<_>, _>>()?;
    Ok(match found.last() {
        Some(last) if page.more => {
            let after = last.remote_id.clone();
            walk.go_on(found, after)
        }
        _ => walk.end(found, Vec::new()),
    })
}

pub(crate) fn read(account: &Account<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let ids = numeric(ids);
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = ask(account, &format!("{SELECT} WHERE id IN {} ORDER BY id", marks(ids.len())), &ids, ROWS_MAX)?.rows;
    rows.iter().map(|row| state(account, row)).collect()
}

fn state(account: &Account<'_>, row: &Row) -> Result<State, Fault> {
    let id = row.must("id")?;
    let name = row.text("name");
    let code = account.settings.location_codes.get(&id).cloned().or_else(|| name.clone());
    let fields = Location {
        code: code.into(),
        name: name.into(),
        active: row.flag("isinactive").map_or(Held::Unknown, |it| Held::Is(!it)),
    };
    Ok(State { remote_id: id, fields: fields.into_fields(), ..State::default() })
}
