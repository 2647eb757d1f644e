//! What would be written where, and why: what is shown to people before they apply it.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::fold::Folding;
use truthsource_core::price::PriceRule;
use truthsource_core::record::{Claim, ConnectionId, KeyState, RecordKey, Shadow};
use truthsource_core::rules::Rules;
use truthsource_core::stock::{Buffer, Supply, Tells};
use truthsource_core::{Decimal, Fields, Kind, UnixMs, Value};

use super::connections::Parties;
use super::price::published_by;
use super::shelf::{Shelf, Undecided, count, day_began, place_of};
use super::through::{self, Through};
use super::{Engine, Error};
use crate::store::{Connection, Debt, DebtState, PRICED_BY_RULES, PlannedWrite, Step, What};

/// Events of a record that are looked through for who decided a field.
const EVENTS_MAX: u32 = 500;

/// The field that is published of a level.
const COUNT: &str = "on_hand";
/// The fields of a price that rules have a say in.
const PRICES: [&str; 2] = ["amount", "breaks"];

/// One record's write, as it is owed now.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Where.
    pub connection: ConnectionId,
    /// The record.
    pub key: RecordKey,
    /// What would be written, and on what that was decided.
    pub write: PlannedWrite,
    /// Field → why.
    pub why: BTreeMap<String, Why>,
}

/// Why a field is to be what it is to be.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Why {
    /// What the truth says; `None` for a field that a mapping makes.
    pub truth: Option<Value>,
    /// The record's version that gave the truth this value.
    pub version: u64,
    /// The connection whose word stands.
    pub owner: Option<ConnectionId>,
    /// What decided: `owner`, `newest`, or a policy as `slot@digest`.
    pub policy: String,
    /// What systems said that the truth came of.
    pub inputs: Vec<Claim>,
    /// What stands between the truth and the system, as `slot@digest`.
    pub through: Vec<String>,
    /// What a count that is published was worked out of.
    pub count: Option<Counted>,
    /// The price rules that have a say in a list price of today, by id.
    pub price_rules: Vec<String>,
}

/// What a count that is published is worked out of, as it is known now.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// `None` where nobody has said how many there are.
    pub on_hand: Option<Decimal>,
    /// Of a kit, how many of each part one takes.
    pub takes: BTreeMap<String, Decimal>,
    /// What is promised of it, and what there is of a kit's parts.
    pub supply: Supply,
    /// What is held back.
    pub hold: Buffer,
    /// What may be sold there, before the cap; below 0 where more is promised than there is.
    pub free: Option<Decimal>,
    /// As what the system is told it.
    pub tells: Tells,
}

/// Proposals for a kind of a connection, in order of the key after `after`; of at most `n_max` debts. Also the key after
/// which there is more.
///
/// What is under way, what no fold has decided and what waits for a person is not proposed.
///
/// # Errors
/// When the store fails.
pub async fn propose(
    engine: &Engine,
    parties: &Parties,
    (connection, kind): (&Connection, Kind),
    after: Option<&str>,
    n_max: u32,
) -> Result<(Vec<Proposal>, Option<String>), Error> {
    let debts = engine.store.owed(connection.id, kind, after, n_max).await?;
    let last = debts.last().map(|it| it.key.key.clone()).filter(|_| debts.len() == n_max as usize);
    let open: Vec<Debt> = debts.into_iter().filter(is_open).collect();
    let keys: BTreeSet<RecordKey> = open.iter().map(|it| it.key.clone()).collect();
    let states = engine.store.states(&keys).await?;
    let through = Through::of(engine, connection, kind).await;
    let places = states.values().filter_map(|it| place_of(&it.truth.values()));
    let publishes = parties.rules.publishes(connection.id).is_some() && kind == Kind::StockLevel;
    let places = places.filter(|_| publishes).collect();
    let news = (Undecided::default(), engine.now());
    let shelf = Shelf::look(engine.store.as_ref(), &parties.rules, &places, news).await?;
    let is_ruled = kind == Kind::Price && connection.spec.priced_by.as_deref() == Some(PRICED_BY_RULES);
    let items = states.values().filter_map(|it| text(&it.truth.values(), "item").map(str::to_owned));
    let items = items.collect();
    let rules = if is_ruled { published_by(engine.store.as_ref(), &items).await? } else { BTreeMap::new() };
    let mut proposals = Vec::with_capacity(open.len());
    for debt in open {
        let state = states.get(&debt.key).cloned().unwrap_or_default();
        if let Some(write) = owed(parties, &debt, &state) {
            let mut why = explain(engine, parties, (&debt, &state), &write, &through).await?;
            if let Some(count) = why.get_mut(COUNT).filter(|_| publishes) {
                count.count = counted(&parties.rules, debt.connection, &state.truth.values(), &shelf);
            }
            for name in PRICES {
                if let Some(price) = why.get_mut(name).filter(|_| is_ruled) {
                    price.price_rules = reaching(&rules, &state.truth.values(), engine.now());
                }
            }
            proposals.push(Proposal { connection: connection.id, key: debt.key, write, why });
        }
    }
    Ok((proposals, last))
}

fn text<'f>(fields: &'f Fields, name: &str) -> Option<&'f str> {
    fields.get(name)?.as_text()
}

/// The rules that hold today and are about the item and the currency of a price.
fn reaching(rules: &BTreeMap<String, PriceRule>, price: &Fields, now: UnixMs) -> Vec<String> {
    let (item, currency, today) = (text(price, "item"), text(price, "currency"), day_began(now));
    let is_about = |it: &PriceRule| {
        it.holds(today) && (it.item.is_none() || it.item.as_deref() == item) && Some(it.currency.as_str()) == currency
    };
    rules.iter().filter(|(_, it)| is_about(it)).map(|(id, _)| id.clone()).collect()
}

/// What a level's count is worked out of, for one that is told it.
fn counted(rules: &Rules, connection: ConnectionId, level: &Fields, shelf: &Shelf<'_>) -> Option<Counted> {
    let place = place_of(level)?;
    let supply = shelf.supply(&place);
    let parts = rules.stock.kits.get(&place.0).into_iter().flatten();
    Some(Counted {
        on_hand: count(level),
        takes: parts.map(|it| (it.item.clone(), it.quantity)).collect(),
        hold: rules.buffer(connection, &place.0, &place.1),
        free: rules.free(connection, level, &supply).flatten(),
        tells: rules.publishes(connection)?.tells,
        supply,
    })
}

fn is_open(debt: &Debt) -> bool {
    matches!(debt.state, DebtState::Due | DebtState::Blocked) && debt.intent.is_none()
}

/// The write that pays a debt now; `None` if nothing is owed.
fn owed(parties: &Parties, debt: &Debt, state: &KeyState) -> Option<PlannedWrite> {
    let folding = Folding::new(&debt.key, &parties.rules, state.clone());
    let owed = folding.owed(debt.connection, &parties.power(debt.connection, debt.key.kind))?;
    let shadow = state.shadows.get(&debt.connection)?;
    let step = |name: &String| {
        let from = if owed.create { serde_json::Value::Null } else { held(shadow, name) };
        (name.clone(), Step { from, to: wanted(shadow, name) })
    };
    Some(PlannedWrite {
        remote_id: (!owed.create).then(|| shadow.remote_id.clone()),
        truth_version: state.truth.version,
        base_version: if owed.create { String::new() } else { shadow.version.clone() },
        fields: owed.changed.iter().map(step).collect(),
    })
}

/// What a system holds of a field, as people are shown it.
pub(super) fn held(shadow: &Shadow, field: &str) -> serde_json::Value {
    shadow.fields.get(field).map_or(serde_json::Value::Null, |it| it.value.to_json())
}

/// What it should hold.
pub(super) fn wanted(shadow: &Shadow, field: &str) -> serde_json::Value {
    shadow.want.get(field).map_or(serde_json::Value::Null, Value::to_json)
}

async fn explain(
    engine: &Engine,
    parties: &Parties,
    (debt, state): (&Debt, &KeyState),
    write: &PlannedWrite,
    through: &Through,
) -> Result<BTreeMap<String, Why>, Error> {
    let rule = |field: &str| parties.rules.field(debt.key.kind, field);
    let has_policy = |field: &String| rule(field).is_some_and(|it| it.policy.is_some());
    let decided = match write.fields.keys().any(has_policy) {
        true => who_decided(engine, &debt.key).await?,
        false => BTreeMap::new(),
    };
    let mut why = BTreeMap::new();
    for name in write.fields.keys() {
        let truth = state.truth.fields.get(name);
        let (owner, slot) = rule(name).map_or((None, None), |it| (it.owner, it.policy.as_deref()));
        let policy = match slot {
            Some(slot) => match decided.get(name) {
                Some(policy) => policy.clone(),
                None => through::named(engine, slot).await,
            },
            None if owner.is_some() => "owner".to_owned(),
            None => "newest".to_owned(),
        };
        why.insert(
            name.clone(),
            Why {
                truth: truth.map(|it| it.value.clone()),
                version: truth.map_or(0, |it| it.version),
                owner,
                policy,
                inputs: truth.map(|it| it.claims.clone()).unwrap_or_default(),
                through: through.passed([name]),
                count: None,
                price_rules: Vec::new(),
            },
        );
    }
    Ok(why)
}

/// The policy that decided each field last, where one was asked.
async fn who_decided(engine: &Engine, key: &RecordKey) -> Result<BTreeMap<String, String>, Error> {
    let (mut decided, mut after) = (BTreeMap::new(), 0);
    loop {
        let events = engine.store.timeline(key, after, EVENTS_MAX).await?;
        let is_last = events.len() < EVENTS_MAX as usize;
        for event in events {
            after = event.id;
            if let What::Decided { field, policy, .. } = event.what
                && !policy.is_empty()
            {
                decided.insert(field, policy);
            }
        }
        if is_last {
            return Ok(decided);
        }
    }
}

#[cfg(test)]
mod tests;
