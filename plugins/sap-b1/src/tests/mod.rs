//! Whole calls against scripted answers.

mod checks;
mod items;
mod orders;
mod pages;
mod prices;
mod pulls;
mod stock;

use truthsource_sdk::connector::{Observed, Outcome, Write};
use truthsource_sdk::host::HttpFault;
use truthsource_sdk::script::Script;
use truthsource_sdk::{Connector, Context, Fault, Fields, Kind, Value};

use crate::SapB1;

/// 2026-11-21T12:00:00Z.
const NOW: u64 = 1_795_262_400_000;
const CLOCK: &str = r#"{"skew_ms":0,"at_ms":1795262400000}"#;

fn ctx_with(extra: &[(&str, &str)]) -> Context {
    let settings = [
        ("base-url", "https://b1.example:50000"),
        ("time-zone", "Europe/Berlin"),
        ("currency-codes", "$=USD"),
        ("quantity-breaks", "no"),
    ];
    let settings = settings.iter().chain(extra).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Context { settings: settings.collect(), now_ms: NOW }
}

fn ctx() -> Context {
    ctx_with(&[])
}

fn script() -> Script {
    Script::new().keep("clock", CLOCK)
}

fn number(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn fields(pairs: &[(&str, Value)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn write(id: Option<&str>, want: Fields, base: Fields) -> Write {
    let changed = want.keys().filter(|it| want.get(*it) != base.get(*it)).cloned().collect();
    Write {
        op_id: "op-1".to_owned(),
        remote_id: id.map(str::to_owned),
        command_key: "key-1".to_owned(),
        want,
        changed,
        base,
        base_version: String::new(),
        first_sent_ms: None,
    }
}

fn push(script: &Script, ctx: &Context, kind: Kind, write: Write) -> Outcome {
    SapB1::push(script, ctx, kind, &[write]).unwrap().remove(0)
}

fn error(code: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"whatever the language"}}}}"#)
}

const ITEM: &str = "Items('A1')";

fn item(name: &str, version: &str) -> String {
    format!(
        r#"{{"@odata.etag":"{version}","ItemCode":"A1","ItemName":"{name}","BarCode":null,"Frozen":"tNO",
            "UpdateDate":"2026-11-21T00:00:00Z","UpdateTime":"12:59:00","CreateDate":"2024-02-01T00:00:00Z"}}"#
    )
}

const NONE: &str = r#"{"value":[]}"#;
