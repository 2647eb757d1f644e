//! What a system adds up.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::record::State;
use truthsource_core::{Decimal, Fields, Kind, Value, schema};
use truthsource_host::model::{HeldRecord, RangeDigest};

use super::rig::{Listing, Rig};
use super::sample::removal;
use super::seen::{begun, stir};
use super::stand::Stand;
use super::verdict::{Found, Halt};

/// What the system adds up is what a listing adds up to, before and after people changed and deleted something; its ranges
/// list what they add up; and no field of a record can become another without a sum that does.
///
/// # Errors
/// When it cannot be tried.
pub async fn digests(stand: &Stand, kind: Kind) -> Result<Found, Halt> {
    let (rig, listing, _) = begun(stand, kind).await?;
    if rig.tell(kind).await?.is_none() {
        return Err(Halt::Undeclared("it is not added up".to_owned()));
    }
    let mut told = Vec::new();
    if let Some(refuted) = agree(&rig, kind, &listing).await? {
        return Ok(Found::refuted(refuted));
    }
    let removed = |rig: &Rig| removal(kind).and_then(|deed| rig.act(kind, &deed).ok().map(|_| format!("{deed:?}")));
    for did in [Some(stir(&rig, kind, 1).await?), removed(&rig)].into_iter().flatten() {
        rig.settle(kind);
        let listing = rig.list(kind).await?;
        if let Some(refuted) = agree(&rig, kind, &listing).await? {
            return Ok(Found::refuted(format!("{did}: {refuted}")));
        }
        told.push(did);
    }
    let mut fields = 0;
    for state in listing.states.values() {
        let was = rig.add(kind, vec![held(state, state.fields.clone())]).await?;
        for (name, other) in others(kind, &state.fields) {
            let changed = Fields::from_iter(state.fields.clone().into_iter().chain([(name.clone(), other)]));
            if rig.add(kind, vec![held(state, changed)]).await? == was {
                return Ok(Found::refuted(format!("`{name}` of {} does not count in any sum", state.remote_id)));
            }
            fields += 1;
        }
    }
    let (n, told) = (listing.states.len(), told.join(", "));
    Ok(Found::proved(format!("{n} records and {fields} fields of theirs count in the sums, before and after {told}")))
}

fn held(state: &State, fields: Fields) -> HeldRecord {
    HeldRecord { remote_id: state.remote_id.clone(), fields }
}

/// Fields with other values. What refers to something else is what the record is about, and named by its id.
fn others(kind: Kind, fields: &Fields) -> Vec<(String, Value)> {
    let is_about = |name: &String, value: &Value| {
        !schema::of(kind).references(&Fields::from([(name.clone(), value.clone())])).is_empty()
    };
    let other = |value: &Value| match value {
        Value::Null => None,
        Value::Text(text) => Some(Value::Text(format!("{text}x"))),
        Value::Number(number) => number.checked_add(Decimal::from(1)).map(Value::Number),
        Value::Flag(flag) => Some(Value::Flag(!flag)),
        Value::Rows(rows) => (!rows.is_empty()).then(|| Value::Rows(rows[1..].to_vec())),
    };
    let known = fields.iter().filter(|(name, value)| !is_about(name, value));
    known.filter_map(|(name, value)| Some((name.clone(), other(value)?))).collect()
}

/// In what the system's sums and those of a listing, or its ranges and what they list, differ.
async fn agree(rig: &Rig, kind: Kind, listing: &Listing) -> Result<Option<String>, Halt> {
    let states: Vec<&State> = listing.states.values().collect();
    let records = states.iter().map(|it| held(it, it.fields.clone())).collect();
    let digests = rig.add(kind, records).await?;
    let mut sums: BTreeMap<&str, Vec<Decimal>> = BTreeMap::new();
    let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (state, RangeDigest { range, sums: more }) in states.iter().zip(&digests) {
        let all = sums.entry(range).or_insert_with(|| vec![Decimal::ZERO; more.len()]);
        for (all, more) in all.iter_mut().zip(more) {
            *all = all.checked_add(*more).ok_or_else(|| Halt::Broken(format!("range {range} cannot be added up")))?;
        }
        ids.entry(range).or_default().insert(&state.remote_id);
    }
    let told = rig.tell(kind).await?.unwrap_or_default();
    let told_sums: BTreeMap<&str, Vec<Decimal>> =
        told.iter().map(|it| (it.digest.range.as_str(), it.digest.sums.clone())).collect();
    if told_sums != sums {
        return Ok(Some(format!("the system says {told_sums:?}, and what is listed adds up to {sums:?}")));
    }
    for it in &told {
        let range = it.digest.range.as_str();
        let first = rig.page(kind, Some(it.cursor.clone()), 0).await?;
        let listed = rig.go_on(kind, (Listing { pages: 1, ..Listing::default() }, first), 0).await?;
        let listed: BTreeSet<&str> = listed.states.keys().map(String::as_str).collect();
        if ids.get(range) != Some(&listed) {
            return Ok(Some(format!("range {range} has {:?} in it, and lists {listed:?}", ids.get(range))));
        }
    }
    Ok(None)
}
