//! Writing stock: compared and set in one step.
//!
//! The shop would take many levels in one mutation, but its idempotency key then stands for exactly that set of them,
//! and a try that is repeated in other company would be refused as stale by its own first effect: nobody could tell
//! that from somebody's sale. So every level is a mutation of its own, under its own key, and many of them are a call.

use std::collections::BTreeMap;

use serde_json::json;
use truthsource_sdk::connector::{Observed, Outcome, State, Write};
use truthsource_sdk::kinds::{Record, StockLevel};
use truthsource_sdk::{Decimal, Fault, Value};

use crate::batch::{Errors, Mutation, run};
use crate::gid::gid;
use crate::graphql::{Shop, UserError};
use crate::stock;

/// One level to be set.
#[derive(Debug, Clone)]
struct Line<'a> {
    /// Its place among the writes.
    at: usize,
    op_id: &'a str,
    /// The level's remote id.
    id: String,
    item: String,
    location: String,
    quantity: i64,
    /// What it must be set from; `None`: it is to be stocked there for the first time.
    from: Option<i64>,
}

/// What is known of each write so far.
#[derive(Debug, Clone)]
enum Verdict {
    /// It was carried out, and is to be read back.
    Written,
    /// Something else was there: what it is decides.
    Stale,
    Done(Outcome),
}

pub(crate) fn push(shop: &Shop<'_>, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
    let mut verdicts: BTreeMap<usize, Verdict> = BTreeMap::new();
    let mut ids: Vec<String> = Vec::with_capacity(writes.len());
    let (mut known, mut new) = (Vec::new(), Vec::new());
    for (at, write) in writes.iter().enumerate() {
        match line(at, write) {
            Ok(line) => {
                ids.push(line.id.clone());
                if line.from.is_some() { known.push(line) } else { new.push(line) }
            }
            Err(outcome) => {
                ids.push(write.remote_id.clone().unwrap_or_default());
                verdicts.insert(at, Verdict::Done(outcome));
            }
        }
    }
    activate(shop, &new, &mut verdicts);
    set(shop, &known, &mut verdicts);
    conclude(shop, writes, &ids, verdicts)
}

fn line(at: usize, write: &Write) -> Result<Line<'_>, Outcome> {
    let wanted = StockLevel::from_fields(&write.want).map_err(Outcome::not_written)?;
    let incomplete = || Outcome::rejected("incomplete", "a stock level needs item, location and on_hand");
    let (item, location) = match (wanted.item.as_ref(), wanted.location.as_ref()) {
        (Some(item), Some(location)) => (item.clone(), location.clone()),
        _ => return Err(incomplete()),
    };
    let quantity = wanted.on_hand.into_option().ok_or_else(incomplete)?;
    let quantity = whole(quantity)?;
    let from = match (&write.remote_id, write.base.get("on_hand")) {
        (None, _) => None,
        (Some(_), Some(Value::Number(base))) => Some(whole(*base)?),
        // Nothing was known of it, so nothing may be written over.
        (Some(_), _) => return Err(Outcome::Retry(None, "what the level held is not known yet".to_owned())),
    };
    Ok(Line { at, op_id: &write.op_id, id: format!("{item}:{location}"), item, location, quantity, from })
}

fn whole(quantity: Decimal) -> Result<i64, Outcome> {
    quantity.whole().ok_or_else(|| Outcome::rejected("fraction", format!("{quantity} is no whole number of pieces")))
}

/// Stocks items at locations for the first time.
fn activate(shop: &Shop<'_>, lines: &[Line<'_>], verdicts: &mut BTreeMap<usize, Verdict>) {
    let mutation = |line: &Line<'_>| Mutation {
        name: "inventoryActivate",
        arguments: vec![
            ("inventoryItemId", "ID!", json!(gid("InventoryItem", &line.item))),
            ("locationId", "ID!", json!(gid("Location", &line.location))),
            ("available", "Int", json!(line.quantity)),
        ],
        constants: "",
        errors: Errors::Plain,
        key: Some(line.op_id.to_owned()),
    };
    let mutations: Vec<Mutation> = lines.iter().map(mutation).collect();
    for (line, result) in lines.iter().zip(run(shop, &mutations)) {
        let verdict = match result {
            Ok(None) => Verdict::Written,
            // Most often it is stocked there already: whoever knows what it holds decides again.
            Ok(Some(error)) => Verdict::Done(error.rejection()),
            Err(outcome) => Verdict::Done(outcome),
        };
        let is_refused = matches!(verdict, Verdict::Done(Outcome::Rejected(_)));
        verdicts.insert(line.at, if is_refused { already(shop, line, verdict) } else { verdict });
    }
}

/// A level that could not be stocked because it is: what it holds is the answer.
fn already(shop: &Shop<'_>, line: &Line<'_>, refused: Verdict) -> Verdict {
    match stock::read(shop, std::slice::from_ref(&line.id)) {
        Ok(found) if !found.is_empty() => Verdict::Stale,
        _ => refused,
    }
}

/// Keys that one write may spend.
const KEYS_MAX: u32 = 5;

/// Sets levels, each under its own key. A key that the shop has spent on a failure is replaced by the next in order, so
/// that a write which is repeated goes through the keys of its earlier tries first: one that succeeded answers for it.
fn set(shop: &Shop<'_>, lines: &[Line<'_>], verdicts: &mut BTreeMap<usize, Verdict>) {
    let mut left = lines.to_vec();
    for key in 1..=KEYS_MAX {
        let results = send(shop, &left, key);
        let mut spent = Vec::new();
        for (line, result) in left.into_iter().zip(results) {
            match result {
                Ok(Some(error)) if error.code() == "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED" && key < KEYS_MAX => {
                    spent.push(line);
                }
                result => drop(verdicts.insert(line.at, verdict_of(result))),
            }
        }
        if spent.is_empty() {
            return;
        }
        left = spent;
    }
}

fn send(shop: &Shop<'_>, lines: &[Line<'_>], key: u32) -> Vec<Result<Option<UserError>, Outcome>> {
    let mutation = |line: &Line<'_>| {
        let quantity = json!({
            "inventoryItemId": gid("InventoryItem", &line.item),
            "locationId": gid("Location", &line.location),
            "quantity": line.quantity,
            "changeFromQuantity": line.from,
        });
        let input = json!({ "name": "on_hand", "reason": "correction", "quantities": [quantity] });
        Mutation {
            name: "inventorySetQuantities",
            arguments: vec![("input", "InventorySetQuantitiesInput!", input)],
            constants: "",
            errors: Errors::Coded,
            key: Some(if key == 1 { line.op_id.to_owned() } else { format!("{}-{key}", line.op_id) }),
        }
    };
    let mutations: Vec<Mutation> = lines.iter().map(mutation).collect();
    run(shop, &mutations)
}

fn verdict_of(result: Result<Option<UserError>, Outcome>) -> Verdict {
    match result {
        Ok(None) => Verdict::Written,
        Ok(Some(error)) => verdict(&error),
        Err(outcome) => Verdict::Done(outcome),
    }
}

fn verdict(error: &UserError) -> Verdict {
    match error.code() {
        "CHANGE_FROM_QUANTITY_STALE" | "COMPARE_QUANTITY_STALE" => Verdict::Stale,
        _ if is_busy(error) => Verdict::Done(Outcome::Retry(None, error.message.clone())),
        _ => Verdict::Done(error.rejection()),
    }
}

fn is_busy(error: &UserError) -> bool {
    matches!(error.code(), "IDEMPOTENCY_CONCURRENT_REQUEST" | "SERVICE_UNAVAILABLE")
}

/// Reads back what was written and what was stale, and says what became of each write.
fn conclude(
    shop: &Shop<'_>,
    writes: &[Write],
    ids: &[String],
    verdicts: BTreeMap<usize, Verdict>,
) -> Result<Vec<Outcome>, Fault> {
    let open = |at: &usize| matches!(verdicts.get(at), Some(Verdict::Written | Verdict::Stale));
    let to_read: Vec<String> = (0..writes.len()).filter(open).map(|at| ids[at].clone()).collect();
    let read = if to_read.is_empty() { Ok(Vec::new()) } else { stock::read(shop, &to_read) };
    let held = read.map(|found| found.into_iter().map(|it| (it.remote_id.clone(), it)).collect());
    let outcomes = writes.iter().enumerate().map(|(at, write)| match verdicts.get(&at) {
        Some(Verdict::Done(outcome)) => outcome.clone(),
        Some(verdict) => concluded(shop, write, &ids[at], verdict, &held),
        None => Outcome::Unknown("not decided".to_owned()),
    });
    Ok(outcomes.collect())
}

/// How long a key is sure to be remembered. The shop keeps one for a day; it is also asked some time after `now`.
const KEY_LIVES_MS: u64 = 23 * 60 * 60 * 1000;

/// An earlier try may have been carried out, and its key does not tell any more.
fn is_forgotten(shop: &Shop<'_>, write: &Write) -> bool {
    write.first_sent_ms.is_some_and(|sent| shop.ctx.now_ms.saturating_sub(sent) >= KEY_LIVES_MS)
}

fn concluded(
    shop: &Shop<'_>,
    write: &Write,
    id: &str,
    verdict: &Verdict,
    held: &Result<BTreeMap<String, State>, Fault>,
) -> Outcome {
    let is_written = matches!(verdict, Verdict::Written);
    match (held, is_written) {
        (Err(fault), true) => Outcome::Unknown(format!("written, and not read back: {fault}")),
        (Err(fault), false) => Outcome::Retry(None, format!("stale, and not read: {fault}")),
        (Ok(held), _) => match held.get(id) {
            // While the key lives it answers for what an earlier try did: what is stale then is somebody's doing, even
            // where it came out at what is wanted. After that, what was sent and is there is most likely our own.
            Some(state) if is_written || is_forgotten(shop, write) && write.is_done(&state.fields) => {
                Outcome::Applied(state.clone())
            }
            Some(state) => Outcome::Stale(Observed::Present(state.clone())),
            None if is_written => Outcome::Unknown("written, and gone when read back".to_owned()),
            None => Outcome::Stale(Observed::Absent(id.to_owned())),
        },
    }
}
