//! Companies: customers.

use truthsource_sdk::Fault;
use truthsource_sdk::connector::{State, Write};
use truthsource_sdk::kinds::{Company, Record};
use truthsource_sdk::value::Held;

use super::books::Books;
use super::listing::Listing;
use crate::odata::{Body, Row};
use crate::writes::{active, names, text, texts};

pub(crate) const LISTING: Listing = Listing {
    set: "customers",
    select: "id,number,displayName,email,currencyCode,blocked,lastModifiedDateTime",
    state,
};

const TEXTS: &[(&str, &str)] = &[("code", "number"), ("name", "displayName"), ("email", "email")];

/// How an enumeration spells a blank.
const BLANK: &str = "_x0020_";

fn state(books: &Books<'_>, row: &Row) -> Result<State, Fault> {
    let currency = row.has("currencyCode").then(|| books.settings.currency_of(row.text("currencyCode")));
    let fields = Company {
        code: row.held("number")?,
        name: row.held("displayName")?,
        email: row.held("email")?,
        currency: currency.map_or(Held::Unknown, Held::Is),
        // Whoever is blocked for shipments or invoices alone cannot buy either.
        active: if row.has("blocked") { Held::Is(row.choice("blocked").is_none()) } else { Held::Unknown },
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
    if names(write).into_iter().any(|it| it == "currency") {
        body = body.text("currencyCode", books.settings.currency_code(&text(write, "currency")));
    }
    match (active(write), &write.remote_id) {
        (Some(true), Some(_)) => body = body.text("blocked", BLANK),
        (Some(false), _) => body = body.text("blocked", "All"),
        _ => {}
    }
    if write.remote_id.is_none() { body.text("type", "Company").texts(&books.settings.company_defaults) } else { body }
}
