//! What can be done to one entity besides reading and writing it.

use super::entity::Entity;
use super::sets::{Key, Set};
use super::{Call, write};
use crate::sap_b1::model::{Book, Document};
use crate::sap_b1::problem::Problem;
use crate::sap_b1::sql;
use crate::sap_b1::state::Turn;
use crate::sap_b1::wire;
use crate::system::Response;

/// Carries an action out; `None`: the set has none of this name.
pub(super) fn answer(call: &mut Call<'_>, (set, key): (Set, &Key), action: &str) -> Option<Result<Response, Problem>> {
    let turn = match action {
        "Close" => Some(Turn::Close),
        "Cancel" => Some(Turn::Cancel),
        "Reopen" => Some(Turn::Reopen),
        _ => None,
    };
    match (set, key, action) {
        (Set::SqlQueries, Key::Text(code), "List") => Some(sql::list(call, code)),
        (Set::Documents(Book::Orders), Key::Entry(entry), _) if turn.is_some() => {
            Some(turn.map_or_else(|| Err(Problem::not_found()), |turn| turn_order(call, (set, key), *entry, turn)))
        }
        (Set::EventSubscriptions, Key::Text(id), "Pause" | "Resume" | "Handshake" | "Replay") => {
            Some(subscription(call, id, action))
        }
        _ => None,
    }
}

fn turn_order(call: &mut Call<'_>, (set, key): (Set, &Key), entry: i64, turn: Turn) -> Result<Response, Problem> {
    if !call.is("POST") {
        return Err(Problem::method());
    }
    let order = Document::find(call.state, set, key).ok_or_else(Problem::not_found)?;
    write::refuse_stale(call, set, order)?;
    call.state.turn_order(call.cause, entry, turn)?;
    Ok(wire::empty(204))
}

fn subscription(call: &mut Call<'_>, id: &str, action: &str) -> Result<Response, Problem> {
    if !call.is("POST") {
        return Err(Problem::method());
    }
    let now = call.cause.now;
    let subscription = call.state.subscriptions.get_mut(id).ok_or_else(Problem::not_found)?;
    match action {
        "Pause" => subscription.state = "Inactive",
        "Resume" => {
            (subscription.state, subscription.failures) = ("Active", 0);
            if !subscription.is_proved {
                call.state.shake_hands(now, id)?;
            }
        }
        "Handshake" => call.state.shake_hands(now, id)?,
        _ => call.state.replay(now, id),
    }
    Ok(wire::empty(204))
}
