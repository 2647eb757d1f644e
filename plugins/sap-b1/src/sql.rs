//! Queries that the company keeps: what OData cannot ask, seconds above all.
//!
//! A query must be stored before it is run. Each is stored under a name that carries a digest of its text, the first time
//! it is missed: another version of this connector, or another setting, stores another one beside it.

use serde::de::DeserializeOwned;
use serde_json::json;
use truthsource_sdk::Fault;
use truthsource_sdk::connector::Outcome;
use truthsource_sdk::host::Response;

use crate::odata::{Rows, encoded, entity, literal};
use crate::wire::{Service, Unwritten, code, refusal, refused};

/// A query under the name that it is stored by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    code: String,
    text: String,
}

/// What stands for a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Param {
    Text(String),
    Number(i64),
}

impl Stored {
    pub(crate) fn new(name: &str, text: String) -> Self {
        Self { code: format!("ts_{name}_{:08x}", digest(&text)), text }
    }

    /// Runs it, and stores it first where it is not known.
    pub(crate) fn run<T: DeserializeOwned>(
        &self,
        service: &Service<'_>,
        params: &[(&str, Param)],
        rows_max: usize,
    ) -> Result<Rows<T>, Fault> {
        let mut response = self.ask(service, params, rows_max)?;
        if response.status != 200 && refused(&response).code == code::NO_MATCH {
            self.store(service)?;
            response = self.ask(service, params, rows_max)?;
        }
        if response.status != 200 {
            return Err(refusal(&response, &self.code, service.ctx.now_ms));
        }
        let page: Answer<T> = truthsource_sdk::json::answer(&response.body, &self.code)?;
        Ok(Rows { rows: page.value, more: page.next.is_some_and(|it| !it.is_empty()) })
    }

    fn ask(&self, service: &Service<'_>, params: &[(&str, Param)], rows_max: usize) -> Result<Response, Fault> {
        let given = params.iter().map(|(name, value)| match value {
            Param::Text(text) => format!("{name}={}", encoded(&literal(text))),
            Param::Number(number) => format!("{name}={number}"),
        });
        let given: Vec<String> = given.collect();
        let list = format!("{}/List", entity("SQLQueries", &literal(&self.code)));
        let path = if given.is_empty() { list } else { format!("{list}?{}", given.join("&")) };
        let prefer = format!("odata.maxpagesize={rows_max}");
        Ok(service.send("GET", &path, &[("prefer", &prefer)], Vec::new())?)
    }

    /// Somebody else may be storing it too: that it is there is all that counts.
    fn store(&self, service: &Service<'_>) -> Result<(), Fault> {
        let body = json!({ "SqlCode": self.code, "SqlName": self.code, "SqlText": self.text });
        let stored: Result<serde::de::IgnoredAny, _> = service.post("SQLQueries", &body);
        match stored {
            Ok(_) | Err(Unwritten::Exists | Unwritten::Stale) => Ok(()),
            Err(Unwritten::Other(Outcome::Rejected(it))) if code::TABLES.contains(&it.code.as_str()) => {
                Err(Fault::Denied(format!("{}: {}: {}", self.code, it.code, it.message)))
            }
            Err(Unwritten::Denied(why)) => Err(Fault::Denied(format!("the query {} is not stored: {why}", self.code))),
            Err(Unwritten::NoMatch(it) | Unwritten::Other(it)) => match it {
                Outcome::Rejected(it) => Err(Fault::Protocol(format!("{}: {}: {}", self.code, it.code, it.message))),
                other => Err(Fault::Unavailable(format!("the query {} may not be stored yet: {other:?}", self.code))),
            },
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Answer<T> {
    value: Vec<T>,
    #[serde(rename = "@odata.nextLink", alias = "odata.nextLink", default)]
    next: Option<String>,
}

/// FNV-1a: tells texts apart that were written by the same hand.
pub(crate) fn digest(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_text_has_another_name() {
        let stored = |text: &str| Stored::new("items", text.to_owned());
        assert_eq!(stored("SELECT 1").code, stored("SELECT 1").code);
        assert_ne!(stored("SELECT 1").code, stored("SELECT 2").code);
        assert!(stored("SELECT 1").code.len() <= 20, "{}", stored("SELECT 1").code);
    }
}
