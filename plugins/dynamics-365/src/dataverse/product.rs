//! Items: products.

use truthsource_sdk::Fault;
use truthsource_sdk::connector::{Outcome, State, Write};
use truthsource_sdk::kinds::{Item, Record};
use truthsource_sdk::value::Held;

use super::org::Org;
use super::push::Rule;
use super::table::Table;
use crate::odata::{Body, Row, quoted};
use crate::writes::{text, texts};

pub(crate) const TABLE: Table = Table {
    set: "products",
    id: "productid",
    select: "productid,productnumber,name,statecode,modifiedon",
    page: 1_000,
    states,
};

fn states(_org: &Org<'_>, rows: &[Row]) -> Result<Vec<State>, Fault> {
    rows.iter().map(state).collect()
}

fn state(row: &Row) -> Result<State, Fault> {
    let fields = Item {
        code: row.held("productnumber")?,
        title: row.held("name")?,
        barcode: Held::Unknown,
        // Drafts and products under revision are not sold either.
        active: row.text("statecode").map_or(Held::Unknown, |it| Held::Is(it == "0")),
    };
    Ok(State {
        remote_id: row.must("productid")?.to_lowercase(),
        fields: fields.into_fields(),
        version: row.etag(),
        changed_at_ms: row.moment("modifiedon"),
        command_key: None,
    })
}

/// How products are written.
pub(crate) struct Products;

impl Rule for Products {
    fn twin(&self, _org: &Org<'_>, write: &Write) -> Result<Result<Option<String>, Outcome>, Fault> {
        let code = text(write, "code");
        if code.is_empty() {
            return Ok(Err(Outcome::rejected("incomplete", "a new product needs its code")));
        }
        Ok(Ok(Some(format!("productnumber eq {}", quoted(&code)))))
    }

    fn body(&self, org: &Org<'_>, write: &Write) -> Result<Result<Body, Outcome>, Fault> {
        let body = texts(Body::new(), write, &[("code", "productnumber"), ("title", "name")]);
        Ok(Ok(if write.remote_id.is_none() { body.texts(&org.item_defaults) } else { body }))
    }
}
