//! Whole calls against scripted answers.

use truthsource_sdk::connector::{Observed, Outcome, State, Write};
use truthsource_sdk::{Fields, Value};

mod business_central;
mod check;
mod dataverse;
mod dataverse_edits;
mod order_edits;
mod stock;
mod subscriptions;

/// 2026-11-21T12:00:00Z.
const NOW: u64 = 1_795_262_400_000;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn number(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

fn fields(pairs: &[(&str, Value)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn write(id: Option<&str>, want: Fields, base: Fields) -> Write {
    let changed = want.keys().filter(|it| want.get(*it) != base.get(*it)).cloned().collect();
    Write {
        op_id: "op-1".to_owned(),
        remote_id: id.map(str::to_owned),
        command_key: "ts-order-0123456789abcdef01234567".to_owned(),
        want,
        changed,
        base,
        base_version: String::new(),
        first_sent_ms: None,
    }
}

fn present(observed: &Observed) -> &State {
    let Observed::Present(state) = observed else { panic!("{observed:?}") };
    state
}

fn applied(outcome: &Outcome) -> &State {
    let Outcome::Applied(state) = outcome else { panic!("{outcome:?}") };
    state
}
