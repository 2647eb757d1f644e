//! Locations: few, and never written.

use truthsource_sdk::Fault;
use truthsource_sdk::connector::State;
use truthsource_sdk::kinds::{Location, Record};
use truthsource_sdk::value::Held;

use super::books::Books;
use super::listing::Listing;
use crate::odata::Row;

pub(crate) const LISTING: Listing =
    Listing { set: "locations", select: "id,code,displayName,lastModifiedDateTime", state };

fn state(books: &Books<'_>, row: &Row) -> Result<State, Fault> {
    let code = row.text("code");
    let named = code.as_ref().and_then(|it| books.settings.location_codes.get(it)).cloned();
    let fields = Location {
        code: named.or(code).into(),
        name: row.held("displayName")?,
        // No location is ever out of use here.
        active: Held::Unknown,
    };
    Ok(State {
        remote_id: row.must("id")?.to_lowercase(),
        fields: fields.into_fields(),
        version: row.etag(),
        changed_at_ms: row.moment("lastModifiedDateTime"),
        command_key: None,
    })
}
