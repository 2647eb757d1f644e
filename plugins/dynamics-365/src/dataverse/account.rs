//! Companies: accounts.

use truthsource_sdk::Fault;
use truthsource_sdk::connector::{Outcome, State, Write};
use truthsource_sdk::kinds::{Company, Record};
use truthsource_sdk::value::Held;

use super::names::Currencies;
use super::org::Org;
use super::push::Rule;
use super::table::Table;
use crate::odata::{Body, Row, quoted};
use crate::writes::{active, text, texts};

pub(crate) const TABLE: Table = Table {
    set: "accounts",
    id: "accountid",
    select: "accountid,accountnumber,name,emailaddress1,_transactioncurrencyid_value,statecode,modifiedon",
    page: 1_000,
    states,
};

const TEXTS: &[(&str, &str)] = &[("code", "accountnumber"), ("name", "name"), ("email", "emailaddress1")];

fn states(org: &Org<'_>, rows: &[Row]) -> Result<Vec<State>, Fault> {
    let has_currency = rows.iter().any(|it| it.id("_transactioncurrencyid_value").is_some());
    let currencies = if has_currency { Some(Currencies::read(org)?) } else { None };
    rows.iter().map(|row| state(currencies.as_ref(), row)).collect()
}

fn state(currencies: Option<&Currencies>, row: &Row) -> Result<State, Fault> {
    let currency = currencies.and_then(|it| it.code(row.id("_transactioncurrencyid_value")));
    let fields = Company {
        code: row.held("accountnumber")?,
        name: row.held("name")?,
        email: row.held("emailaddress1")?,
        // A currency without a known code is not told, rather than told to be none.
        currency: currency.map_or(Held::Unknown, Held::Is),
        active: row.text("statecode").map_or(Held::Unknown, |it| Held::Is(it == "0")),
    };
    Ok(State {
        remote_id: row.must("accountid")?.to_lowercase(),
        fields: fields.into_fields(),
        version: row.etag(),
        changed_at_ms: row.moment("modifiedon"),
        command_key: None,
    })
}

/// How accounts are written.
pub(crate) struct Accounts;

impl Rule for Accounts {
    /// Nothing keeps two accounts from having one number.
    fn twin(&self, _org: &Org<'_>, write: &Write) -> Result<Result<Option<String>, Outcome>, Fault> {
        let code = text(write, "code");
        Ok(Ok((!code.is_empty()).then(|| format!("accountnumber eq {}", quoted(&code)))))
    }

    fn body(&self, org: &Org<'_>, write: &Write) -> Result<Result<Body, Outcome>, Fault> {
        let mut body = texts(Body::new(), write, TEXTS);
        if let Some(active) = active(write) {
            body = body.number("statecode", if active { 0.into() } else { 1.into() });
        }
        if write.remote_id.is_some() {
            return Ok(Ok(body));
        }
        let currency = text(write, "currency");
        if !currency.is_empty() {
            let currencies = Currencies::read(org)?;
            let Some(id) = currencies.id(&currency) else {
                let why = format!("the organisation has no currency {currency}");
                return Ok(Err(Outcome::rejected("unknown-currency", why)));
            };
            body = body.text("transactioncurrencyid@odata.bind", format!("/transactioncurrencies({id})"));
        }
        Ok(Ok(body.texts(&org.company_defaults)))
    }
}
