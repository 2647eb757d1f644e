//! Items.

use truthsource_sdk::Fault;
use truthsource_sdk::connector::{State, Write};
use truthsource_sdk::kinds::{Item, Record};
use truthsource_sdk::value::Held;

use super::books::Books;
use super::listing::Listing;
use crate::odata::{Body, Row};
use crate::writes::{active, texts};

pub(crate) const LISTING: Listing =
    Listing { set: "items", select: "id,number,displayName,gtin,blocked,lastModifiedDateTime", state };

const TEXTS: &[(&str, &str)] = &[("code", "number"), ("title", "displayName"), ("barcode", "gtin")];

fn state(_books: &Books<'_>, row: &Row) -> Result<State, Fault> {
    let fields = Item {
        code: row.held("number")?,
        title: row.held("displayName")?,
        barcode: row.held("gtin")?,
        active: row.flag("blocked").map_or(Held::Unknown, |it| Held::Is(!it)),
    };
    Ok(State {
        remote_id: row.must("id")?.to_lowercase(),
        fields: fields.into_fields(),
        version: row.etag(),
        changed_at_ms: row.moment("lastModifiedDateTime"),
        command_key: None,
    })
}

pub(crate) fn body(books: &Books<'_>, write: &Write) -> Body {
    let mut body = texts(Body::new(), write, TEXTS);
    if let Some(active) = active(write) {
        body = body.flag("blocked", !active);
    }
    if write.remote_id.is_none() { body.texts(&books.settings.item_defaults) } else { body }
}
