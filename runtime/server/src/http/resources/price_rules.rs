//! Rules about what is paid.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use truthsource_core::price::{Pays, PriceRule};
use truthsource_core::{Kind, UnixMs};
use utoipa::{IntoParams, ToSchema};

use super::named::Keys;
use crate::auth::Scope;
use crate::engine::connections::retell_kind;
use crate::http::cursor::limit;
use crate::http::extract::{Json, Query};
use crate::http::route::{Access, Route};
use crate::http::view::{moment, parse_moment};
use crate::http::{Acting, ApiError, Door, List};
use crate::store::{Batch, Change, PRICED_BY_RULES};

/// The most rules of a change.
const CHANGE_MAX: usize = 500;
/// The most rules that name one company and one item, or neither: what there is to look at for one price is bounded by it.
const PLACE_MAX: usize = 100;

/// The part of the listing that is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Slice {
    /// How many, 1 to 500; 50 if absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// A rule as it is kept.
#[derive(Serialize, ToSchema)]
struct RuleView {
    id: String,
    #[serde(flatten)]
    rule: RuleBody,
}

/// A rule about what is paid. A company and an item are named by code or by key, and shown by key.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RuleBody {
    /// Only for this company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    company: Option<String>,
    /// Only of this item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    item: Option<String>,
    /// ISO 4217, upper case.
    currency: String,
    /// The first moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// The first moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// `{"list": {"list": "gold", "percent": "-10"}}`, `{"fixed": {"amount": "9.5", "breaks": [{"from": "10", "amount": "9"}]}}`
    /// or `{"percent": {"percent": "-5", "from_quantity": "100"}}`.
    #[schema(value_type = Object)]
    pays: Pays,
}

/// Rules to be, by id; those that are `null` are taken away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    /// 1 to 500.
    #[schema(value_type = BTreeMap<String, Object>)]
    rules: BTreeMap<String, Option<RuleBody>>,
}

/// What was changed.
#[derive(Serialize, ToSchema)]
struct ChangedView {
    set: usize,
    removed: usize,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/price-rules", Access::Tenant(Scope::RulesRead), list)
            .about("Lists rules about what is paid, by id.")
            .query::<Slice>()
            .lists::<RuleView>(),
        Route::put("/v1/price-rules", Access::Tenant(Scope::RulesWrite), change)
            .about("Sets some of them and takes others away, all or none; others stay.")
            .takes::<ChangeBody>()
            .gives::<ChangedView>(200),
    ]
}

async fn list(
    State(door): State<Door>,
    acting: Acting,
    Query(slice): Query<Slice>,
) -> Result<Json<List<RuleView>>, ApiError> {
    let n_max = limit(slice.limit)?;
    let bound = format!("{} price rules", acting.tenant.tenant.id.0);
    let after: Option<String> = door.cursors.open(&bound, slice.cursor.as_deref())?;
    let found = acting.tenant.store.all_price_rules(after.as_deref(), n_max + 1).await?;
    let more = found.len() > n_max as usize;
    let items: Vec<RuleView> =
        found.into_iter().take(n_max as usize).map(|(id, it)| RuleView { id, rule: shown(it) }).collect();
    let next = items.last().filter(|_| more).map(|last| door.cursors.seal(&bound, &last.id)).transpose()?;
    Ok(Json(List { items, next }))
}

fn shown(rule: PriceRule) -> RuleBody {
    let PriceRule { company, item, currency, from, until, pays } = rule;
    RuleBody { company, item, currency, from: from.map(moment), until: until.map(moment), pays }
}

async fn change(
    State(door): State<Door>,
    acting: Acting,
    Json(body): Json<ChangeBody>,
) -> Result<Json<ChangedView>, ApiError> {
    if body.rules.is_empty() || body.rules.len() > CHANGE_MAX {
        return Err(invalid("/rules", &format!("1 to {CHANGE_MAX} rules at once")));
    }
    let rules = body.rules.values().flatten();
    let names = |of: fn(&RuleBody) -> &Option<String>| rules.clone().filter_map(|it| of(it).clone()).collect();
    let (companies, items): (BTreeSet<String>, BTreeSet<String>) = (names(|it| &it.company), names(|it| &it.item));
    let keys = Keys::look(&acting, [(Kind::Company, companies), (Kind::Item, items)]).await?;
    let mut all: BTreeMap<String, Option<PriceRule>> = BTreeMap::new();
    for (id, rule) in body.rules {
        let place = format!("/rules/{id}");
        let is_name = |it: u8| it.is_ascii_alphanumeric() || b"-._@".contains(&it);
        if id.is_empty() || id.len() > 200 || !id.bytes().all(is_name) {
            return Err(invalid(&place, "an id is 1 to 200 letters, digits, `-`, `.`, `_` and `@`"));
        }
        let rule = rule.map(|it| known(it, &keys, &place)).transpose()?;
        all.insert(id, rule);
    }
    let _replacing = door.rules.lock().await;
    bounded(&acting, &all).await?;
    let set = all.values().flatten().count();
    let removed = all.len() - set;
    let mut batch = Batch::new(door.app.clock.now());
    batch.changes.extend(all.into_iter().map(|(id, rule)| Change::PriceRule { id, rule }));
    let connections = acting.tenant.store.connections().await?;
    let priced = connections.iter().filter(|it| it.spec.priced_by.as_deref() == Some(PRICED_BY_RULES));
    batch.changes.extend(priced.filter_map(|it| retell_kind(it, Kind::Price)));
    acting.tenant.store.commit(batch).await?;
    acting.tenant.wake.notify_one();
    Ok(Json(ChangedView { set, removed }))
}

fn invalid(place: &str, why: &str) -> ApiError {
    ApiError::unprocessable("invalid-price-rule", format!("{place}: {why}"))
}

/// The rule with keys and moments, once it can be.
fn known(body: RuleBody, keys: &Keys, place: &str) -> Result<PriceRule, ApiError> {
    let RuleBody { mut company, mut item, currency, from, until, pays } = body;
    for (field, kind, named) in [("company", Kind::Company, &mut company), ("item", Kind::Item, &mut item)] {
        if let Some(named) = named {
            keys.put(kind, named).map_err(|why| invalid(&format!("{place}/{field}"), &why))?;
        }
    }
    let at = |field: &str, it: Option<String>| it.map(|it| parse_moment(field, &it)).transpose();
    let (from, until): (Option<UnixMs>, Option<UnixMs>) = (at("from", from)?, at("until", until)?);
    let rule = PriceRule { company, item, currency, from, until, pays };
    rule.check().map_err(|why| invalid(place, why))?;
    Ok(rule)
}

/// However many rules there are, a price looks at few of them.
async fn bounded(acting: &Acting, all: &BTreeMap<String, Option<PriceRule>>) -> Result<(), ApiError> {
    let place = |it: &PriceRule| (it.company.clone(), it.item.clone());
    let places: BTreeSet<_> = all.values().flatten().map(place).collect();
    for (company, item) in places {
        let mut there = acting.tenant.store.price_rules(company.as_deref(), &item.iter().cloned().collect()).await?;
        there.retain(|id, it| place(it) == (company.clone(), item.clone()) && !all.contains_key(id));
        let added = all.values().flatten().filter(|it| place(it) == (company.clone(), item.clone())).count();
        if there.len() + added > PLACE_MAX {
            let named =
                format!("{} of {}", company.as_deref().unwrap_or("everybody"), item.as_deref().unwrap_or("every item"));
            return Err(invalid("/rules", &format!("more than {PLACE_MAX} rules for {named}")));
        }
    }
    Ok(())
}
