//! Writes, whatever the dialect: look, compare, write on the condition that nothing moved, look again.

use truthsource_sdk::connector::{Observed, Outcome, State, Write};
use truthsource_sdk::{Fault, Value};

use crate::odata::Body;

/// The outcome that a write has without being sent; `None`: send it. `id` is what the record is known by.
pub(crate) fn decide(write: &Write, held: Option<&State>, id: &str) -> Option<Outcome> {
    match (held, &write.remote_id) {
        (Some(held), _) if write.is_done(&held.fields) => Some(Outcome::Applied(held.clone())),
        // The engine does not know of a record that is there.
        (Some(held), None) => Some(stale(held)),
        (Some(held), Some(_)) if !write.is_current(&held.fields) => Some(stale(held)),
        (Some(held), Some(_)) => write.untold(&held.fields),
        (None, None) => None,
        (None, Some(_)) => Some(Outcome::Stale(Observed::Absent(id.to_owned()))),
    }
}

pub(crate) fn stale(held: &State) -> Outcome {
    Outcome::Stale(Observed::Present(held.clone()))
}

/// What became of a write that the system took, by what is there then.
pub(crate) fn read_back(held: Result<Option<State>, Fault>) -> Outcome {
    match held {
        Ok(Some(held)) => Outcome::Applied(held),
        Ok(None) => Outcome::Unknown("written, and not there when read back".to_owned()),
        Err(fault) => Outcome::Unknown(format!("written, and not read back: {fault}")),
    }
}

/// The names of the fields that a write sends: all of a new record.
pub(crate) fn names(write: &Write) -> Vec<&String> {
    if write.remote_id.is_some() { write.changed.iter().collect() } else { write.want.keys().collect() }
}

/// The text that a field is to hold; empty for none.
pub(crate) fn text(write: &Write, name: &str) -> String {
    if let Some(Value::Text(text)) = write.want.get(name) { text.clone() } else { String::new() }
}

/// The texts of a write under the system's names.
pub(crate) fn texts(body: Body, write: &Write, renamed: &[(&str, &str)]) -> Body {
    let due = names(write).into_iter().filter_map(|name| renamed.iter().find(|(ours, _)| ours == name));
    due.fold(body, |body, (ours, theirs)| body.text(theirs, text(write, ours)))
}

/// Whether the record is to be in use, where the write says so.
pub(crate) fn active(write: &Write) -> Option<bool> {
    let is_due = names(write).into_iter().any(|it| it == "active");
    match write.want.get("active") {
        Some(Value::Flag(active)) if is_due => Some(*active),
        _ => None,
    }
}
