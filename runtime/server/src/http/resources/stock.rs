//! What there is to say about stock, and what comes of it.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, header};
use serde::Serialize;
use truthsource_core::record::{ConnectionId, RecordKey};
use truthsource_core::stock::{Buffer, Promised, Supply, Tells};
use truthsource_core::{Decimal, Kind};
use utoipa::ToSchema;

use super::named::Keys;
use super::plan::{engine, failed};
use super::records::{etag_of, with_etag};
use crate::auth::Scope;
use crate::engine::connections::{Parties, retell_kind};
use crate::engine::shelf::{Shelf, Undecided, count, place_of};
use crate::engine::stock_rules::{STOCK_RULES, StockSpec};
use crate::http::extract::{Json, Path};
use crate::http::route::{Access, Route};
use crate::http::{Acting, ApiError, Door};
use crate::store::{Batch, Change};

/// The most kits, parts of a kit, and buffers.
const KITS_MAX: usize = 2_000;
const PARTS_MAX: usize = 50;
const BUFFERS_MAX: usize = 1_000;

/// A level's stock: what there is, what is promised of it, and what each channel may sell.
#[derive(Serialize, ToSchema)]
struct StockView {
    item: String,
    location: String,
    /// `null` where nobody has said.
    #[schema(value_type = Option<String>)]
    on_hand: Option<Decimal>,
    #[serde(flatten)]
    supply: SupplyView,
    /// By the connection that it is published to.
    published: BTreeMap<String, PublishedView>,
}

/// What other records say about a level.
#[derive(Serialize, ToSchema)]
pub(super) struct SupplyView {
    /// What is promised to orders.
    promised: PromisedView,
    /// What a kit is made of, by item.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parts: BTreeMap<String, PartView>,
}

/// What is promised to orders.
#[derive(Serialize, ToSchema)]
struct PromisedView {
    /// Of orders that are booked where stock is kept.
    #[schema(value_type = String)]
    reserved: Decimal,
    /// Of orders that are not, by the channel that took them.
    #[schema(value_type = BTreeMap<String, String>)]
    unacknowledged: BTreeMap<String, Decimal>,
    /// What each system sets aside itself.
    #[schema(value_type = BTreeMap<String, String>)]
    own: BTreeMap<String, Decimal>,
    /// What was ordered in the last 28 days; 0 where no rule asks for it.
    #[schema(value_type = String)]
    demand: Decimal,
}

/// A part of a kit.
#[derive(Serialize, ToSchema)]
struct PartView {
    /// How many of it one kit takes.
    #[schema(value_type = String)]
    quantity: Decimal,
    /// `null` where it is not stocked.
    #[schema(value_type = Option<String>)]
    on_hand: Option<Decimal>,
    promised: PromisedView,
}

/// What a channel is shown.
#[derive(Serialize, ToSchema)]
struct PublishedView {
    /// `on-hand` or `available`.
    #[schema(value_type = String)]
    tells: Tells,
    /// What is held back.
    #[schema(value_type = Object)]
    hold: Buffer,
    /// What may be sold there, before `cap`; below 0 where more is promised than there is.
    #[schema(value_type = Option<String>)]
    free: Option<Decimal>,
    /// What its system is told; `null` where it is not known how many there are.
    #[schema(value_type = Option<String>)]
    told: Option<Decimal>,
    /// What its system holds, as it was read last.
    #[schema(value_type = Option<String>)]
    holds: Option<Decimal>,
}

/// A tenant's rules about stock. Items and locations are named by code or by key, and shown by key.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it says what [`StockSpec`] looks like")]
struct RulesBody {
    /// Items of which there are as many as can be made of their parts.
    kits: Vec<KitBody>,
    /// Connection: the location that its orders leave from.
    ships_from: BTreeMap<String, String>,
    /// Buffers of their own; the first that matches counts, instead of what the connection says.
    buffers: Vec<BufferBody>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "as above")]
struct KitBody {
    item: String,
    /// 1 to 50.
    parts: Vec<PartBody>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "as above")]
struct PartBody {
    item: String,
    /// A decimal in quotes, above 0.
    quantity: String,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "as above")]
struct BufferBody {
    connection: Option<String>,
    item: Option<String>,
    location: Option<String>,
    /// `absolute`, `percent`, `cover_days` and `cap`, decimals in quotes.
    #[schema(value_type = Object)]
    hold: String,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/stock/{key}", Access::Tenant(Scope::RecordsRead), show)
            .about("A stock level: what there is, what is promised of it, and what each channel may sell.")
            .gives::<StockView>(200),
        Route::get("/v1/stock-rules", Access::Tenant(Scope::RulesRead), rules)
            .about("Kits, buffers, and where orders leave from.")
            .gives::<RulesBody>(200),
        Route::put("/v1/stock-rules", Access::Tenant(Scope::RulesWrite), replace)
            .about("Replaces them; with `If-Match`, only if they are still those that were read.")
            .conditional()
            .takes::<RulesBody>()
            .gives::<RulesBody>(200),
    ]
}

async fn show(State(door): State<Door>, acting: Acting, Path(key): Path<String>) -> Result<Json<StockView>, ApiError> {
    let (store, key) = (&acting.tenant.store, RecordKey::new(Kind::StockLevel, key));
    let state = store.states(&BTreeSet::from([key.clone()])).await?.remove(&key).unwrap_or_default();
    let level = state.truth.values();
    let place = place_of(&level).ok_or(ApiError::NotFound("record"))?;
    let parties = Parties::load(&engine(&door, &acting.tenant)).await.map_err(failed)?;
    let (rules, now) = (&parties.rules, door.app.clock.now());
    let levels = BTreeSet::from([place.clone()]);
    let shelf = Shelf::look(store.as_ref(), rules, &levels, (Undecided::default(), now)).await?;
    let supply = shelf.supply(&place);
    let published = rules.connections.iter().filter_map(|(id, it)| Some((*id, it.publishes.as_ref()?)));
    let published = published.map(|(id, it)| {
        let held = state.shadows.get(&id).and_then(|it| count(&it.values()));
        let shown = PublishedView {
            tells: it.tells,
            hold: rules.buffer(id, &place.0, &place.1),
            free: rules.free(id, &level, &supply).flatten(),
            told: rules.published(id, &level, &supply),
            holds: held,
        };
        (parties.name(id), shown)
    });
    let published = published.collect();
    let parts = rules.stock.kits.get(&place.0).into_iter().flatten();
    let takes = parts.map(|it| (it.item.clone(), it.quantity)).collect();
    let supply = SupplyView::of(&supply, takes, &parties);
    Ok(Json(StockView { on_hand: count(&level), item: place.0, location: place.1, supply, published }))
}

impl SupplyView {
    /// `takes`: of a kit, how many of each part one takes.
    pub(super) fn of(supply: &Supply, takes: BTreeMap<String, Decimal>, parties: &Parties) -> Self {
        let parts = takes.into_iter().map(|(item, quantity)| {
            let there = supply.parts.get(&item);
            let promised = there.map(|it| it.promised.clone()).unwrap_or_default();
            let part =
                PartView { quantity, on_hand: there.map(|it| it.on_hand), promised: promised_view(promised, parties) };
            (item, part)
        });
        Self { parts: parts.collect(), promised: promised_view(supply.promised.clone(), parties) }
    }
}

fn promised_view(it: Promised, parties: &Parties) -> PromisedView {
    let named = |by: BTreeMap<ConnectionId, Decimal>| by.into_iter().map(|(id, n)| (parties.name(id), n)).collect();
    let (unacknowledged, own) = (named(it.unacknowledged), named(it.own));
    PromisedView { reserved: it.reserved, unacknowledged, own, demand: it.demand }
}

async fn rules(acting: Acting, headers: HeaderMap) -> Result<Response, ApiError> {
    with_etag(&stored(&acting).await?, &headers)
}

async fn replace(
    State(door): State<Door>,
    acting: Acting,
    headers: HeaderMap,
    Json(spec): Json<StockSpec>,
) -> Result<Response, ApiError> {
    let spec = checked(&acting, spec).await?;
    let _replacing = door.rules.lock().await;
    if let Some(expected) = headers.get(header::IF_MATCH) {
        let now = serde_json::to_vec(&stored(&acting).await?).map_err(|it| ApiError::Internal(it.into()))?;
        // There are always rules, if none were written none: `*` matches.
        if !matches!(expected.to_str(), Ok(it) if it == "*" || it == etag_of(&now)) {
            return Err(ApiError::Stale);
        }
    }
    let value = serde_json::to_value(&spec).map_err(|it| ApiError::Internal(it.into()))?;
    let mut batch = Batch::new(door.app.clock.now());
    batch.changes.push(Change::Setting { name: STOCK_RULES.to_owned(), value });
    for connection in acting.tenant.store.connections().await?.iter().filter(|it| it.spec.publishes.is_some()) {
        batch.changes.extend(retell_kind(connection, Kind::StockLevel));
    }
    acting.tenant.store.commit(batch).await?;
    acting.tenant.wake.notify_one();
    with_etag(&spec, &HeaderMap::new())
}

async fn stored(acting: &Acting) -> Result<StockSpec, ApiError> {
    let setting = acting.tenant.store.setting(STOCK_RULES).await?;
    let spec = setting.map(serde_json::from_value).transpose().map_err(|it| ApiError::Internal(it.into()))?;
    Ok(spec.unwrap_or_default())
}

/// The same with items and locations by their key, once every name is one: a rule with a typing error would hold nothing
/// back.
async fn checked(acting: &Acting, mut spec: StockSpec) -> Result<StockSpec, ApiError> {
    bounded(&spec)?;
    let kits = spec.kits.iter().flat_map(|it| it.parts.iter().map(|it| &it.item).chain([&it.item]));
    let items = kits.chain(spec.buffers.iter().filter_map(|it| it.item.as_ref())).cloned().collect();
    let places = spec.ships_from.values().chain(spec.buffers.iter().filter_map(|it| it.location.as_ref()));
    let keys = Keys::look(acting, [(Kind::Item, items), (Kind::Location, places.cloned().collect())]).await?;
    let connections = acting.tenant.store.connections().await?;
    let publishes = |name: &str| match connections.iter().find(|it| it.name == name) {
        None => Err(format!("there is no connection `{name}`")),
        Some(_) => Ok(()),
    };
    for (at, kit) in spec.kits.iter_mut().enumerate() {
        let place = format!("/kits/{at}");
        keys.put(Kind::Item, &mut kit.item).map_err(|why| invalid(&format!("{place}/item"), &why))?;
        for (n, part) in kit.parts.iter_mut().enumerate() {
            keys.put(Kind::Item, &mut part.item).map_err(|why| invalid(&format!("{place}/parts/{n}/item"), &why))?;
        }
    }
    for (name, location) in &mut spec.ships_from {
        let place = format!("/ships_from/{name}");
        publishes(name).and_then(|()| keys.put(Kind::Location, location)).map_err(|why| invalid(&place, &why))?;
    }
    for (at, rule) in spec.buffers.iter_mut().enumerate() {
        let place = |field: &str| format!("/buffers/{at}/{field}");
        if let Some(name) = &rule.connection {
            publishes(name).map_err(|why| invalid(&place("connection"), &why))?;
        }
        for (field, kind, named) in
            [("item", Kind::Item, &mut rule.item), ("location", Kind::Location, &mut rule.location)]
        {
            if let Some(named) = named {
                keys.put(kind, named).map_err(|why| invalid(&place(field), &why))?;
            }
        }
        rule.hold.check().map_err(|why| invalid(&place("hold"), why))?;
    }
    consistent(&spec)?;
    Ok(spec)
}

fn invalid(place: &str, why: &str) -> ApiError {
    ApiError::unprocessable("invalid-stock-rule", format!("{place}: {why}"))
}

fn bounded(spec: &StockSpec) -> Result<(), ApiError> {
    if spec.kits.len() > KITS_MAX {
        return Err(invalid("/kits", &format!("at most {KITS_MAX}")));
    }
    if spec.buffers.len() > BUFFERS_MAX {
        return Err(invalid("/buffers", &format!("at most {BUFFERS_MAX}")));
    }
    for (at, kit) in spec.kits.iter().enumerate() {
        if kit.parts.is_empty() || kit.parts.len() > PARTS_MAX {
            return Err(invalid(&format!("/kits/{at}/parts"), &format!("a kit has 1 to {PARTS_MAX} parts")));
        }
        for (n, part) in kit.parts.iter().enumerate() {
            let digits = part.quantity.parts().1;
            if part.quantity <= Decimal::ZERO || digits > 6 {
                let place = format!("/kits/{at}/parts/{n}/quantity");
                return Err(invalid(&place, "above 0, with at most 6 digits after the point"));
            }
        }
    }
    Ok(())
}

/// What can only be told once items are known by their key: two codes may be one item.
fn consistent(spec: &StockSpec) -> Result<(), ApiError> {
    let mut kits = BTreeSet::new();
    for (at, kit) in spec.kits.iter().enumerate() {
        if !kits.insert(&kit.item) {
            return Err(invalid(&format!("/kits/{at}/item"), &format!("`{}` is a kit already", kit.item)));
        }
    }
    for (at, kit) in spec.kits.iter().enumerate() {
        let mut parts = BTreeSet::new();
        for (n, part) in kit.parts.iter().enumerate() {
            let place = format!("/kits/{at}/parts/{n}/item");
            if kits.contains(&part.item) {
                return Err(invalid(&place, &format!("`{}` is a kit itself: name its parts", part.item)));
            }
            if !parts.insert(&part.item) {
                return Err(invalid(&place, &format!("`{}` is named twice: add the quantities up", part.item)));
            }
        }
    }
    Ok(())
}
