//! Stock levels, under item and warehouse: `A1:01`.
//!
//! No table of stock says when it moved, and no document tells all that may move it. So every pull reads all of it: a
//! stored query gives a thousand rows an answer, and what is known already costs nothing further.

use serde::Deserialize;
use serde_json::value::RawValue;
use truthsource_sdk::connector::{Page, State};
use truthsource_sdk::kinds::{Record, StockLevel};
use truthsource_sdk::{Decimal, Fault};

use crate::cursor::Walk;
use crate::exact::Exact;
use crate::id::{joined, split};
use crate::odata::{Query, entity, literal, of_keys, plain};
use crate::record::flag;
use crate::sql::{Param, Stored};
use crate::wire::Service;

/// Rows of one stored query.
const ROWS_MAX: usize = 1_000;
/// Items of one page: each comes with all of its warehouses, and a warehouse with fifty members.
const ITEMS_MAX: usize = 20;
const QUERY: Query<'static> = Query {
    entity: "Items",
    select: "ItemCode,ManageBatchNumbers,ManageSerialNumbers,ItemWarehouseInfoCollection",
    filter: &[],
    order: "ItemCode",
};

/// An item with its stock.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Stocked {
    #[serde(rename = "ItemCode")]
    code: String,
    #[serde(rename = "ManageBatchNumbers", default)]
    batches: Option<String>,
    #[serde(rename = "ManageSerialNumbers", default)]
    serials: Option<String>,
    #[serde(rename = "ItemWarehouseInfoCollection")]
    warehouses: Vec<Warehouse>,
}

/// What of an item is in a warehouse.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Warehouse {
    #[serde(rename = "WarehouseCode")]
    code: String,
    /// Where an answer does not say it, nobody knows it: none would be somebody's sale of all there is.
    #[serde(rename = "InStock")]
    in_stock: Exact,
    /// What a piece is worth in the books.
    #[serde(rename = "StandardAveragePrice", default)]
    pub average_price: Option<Exact>,
}

impl Stocked {
    /// Its pieces are known one by one, or in batches: they cannot be moved without saying which.
    pub(crate) fn is_tracked(&self) -> bool {
        [&self.batches, &self.serials].into_iter().any(|it| flag(it.as_deref()) == Some(true))
    }

    pub(crate) fn warehouse(&self, code: &str) -> Option<&Warehouse> {
        self.warehouses.iter().find(|it| it.code == code)
    }
}

impl Warehouse {
    pub(crate) fn on_hand(&self) -> Decimal {
        self.in_stock.0
    }
}

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "ItemCode")]
    item: String,
    #[serde(rename = "WhsCode")]
    warehouse: String,
    #[serde(rename = "OnHand", default)]
    on_hand: Option<Exact>,
}

pub(crate) fn pull(service: &Service<'_>, walk: &Walk) -> Result<Page, Fault> {
    if service.settings.sql_queries { by_row(service, walk) } else { by_item(service, walk) }
}

fn by_row(service: &Service<'_>, walk: &Walk) -> Result<Page, Fault> {
    let text = "SELECT T0.ItemCode AS ItemCode, T0.WhsCode AS WhsCode, T0.OnHand AS OnHand FROM OITW T0 \
                WHERE T0.ItemCode > :item OR (T0.ItemCode = :item AND T0.WhsCode > :whs) \
                ORDER BY T0.ItemCode, T0.WhsCode";
    let [item, warehouse] = walk.after_two()?.unwrap_or_default();
    let params = [("item", Param::Text(item)), ("whs", Param::Text(warehouse))];
    let page = Stored::new("OITW", text.to_owned()).run::<Row>(service, &params, ROWS_MAX)?;
    let level = |it: &Row| level([&it.item, &it.warehouse], it.on_hand.unwrap_or_default().0);
    let found: Vec<State> = page.rows.iter().map(level).collect();
    let after = found.last().filter(|_| page.more).map(|it| it.remote_id.clone());
    Ok(walk.turn(found, after))
}

fn by_item(service: &Service<'_>, walk: &Walk) -> Result<Page, Fault> {
    let behind = walk.after.as_deref().map(|it| format!("ItemCode gt {}", literal(it))).unwrap_or_default();
    let page = service.list::<Stocked>(&Query { filter: &[&behind], ..QUERY }.path(), ITEMS_MAX, plain)?;
    let after = page.rows.last().filter(|_| page.more).map(|it| it.code.clone());
    Ok(walk.turn(page.rows.iter().flat_map(levels).collect(), after))
}

pub(crate) fn read(service: &Service<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
    let mut items: Vec<String> = ids.iter().filter_map(|it| split(it)).map(|[item, _]| literal(&item)).collect();
    items.sort_unstable();
    items.dedup();
    let found = of_keys(service, &QUERY, (&items, ITEMS_MAX), plain::<Stocked>, |it| Some(literal(&it.code)))?;
    Ok(found.iter().flat_map(levels).filter(|it| ids.contains(&it.remote_id)).collect())
}

/// An item with its stock as it is now.
pub(crate) fn look(service: &Service<'_>, item: &str) -> Result<Option<Stocked>, Fault> {
    let path = Query { entity: &entity("Items", &literal(item)), order: "", ..QUERY }.path();
    let raw: Option<Box<RawValue>> = service.get(&path)?;
    raw.map(|it| plain(&it).map_err(|error| Fault::Protocol(format!("{path}: {error}")))).transpose()
}

fn levels(item: &Stocked) -> Vec<State> {
    item.warehouses.iter().map(|it| level([&item.code, &it.code], it.on_hand())).collect()
}

pub(crate) fn level([item, location]: [&str; 2], on_hand: Decimal) -> State {
    let fields =
        StockLevel { item: item.to_owned().into(), location: location.to_owned().into(), on_hand: on_hand.into() };
    State { remote_id: joined([item, location]), fields: fields.into_fields(), ..State::default() }
}
