//! What shops may be shown of stock, computed from what systems and orders hold, and by nothing of the engine's (P9).

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::record::{ConnectionId, KeyState, RecordKey};
use truthsource_core::value::Row;
use truthsource_core::{Decimal, Fields, Kind, UnixMs, Value};
use truthsource_simulators::world::{Cell, Held, OrderHeld};

use super::coverage::Moment;
use super::notes::Notes;
use super::plan::Shelf;
use crate::demo::world::Seat;
use crate::store::{self, TenantStore};

/// What somebody wants of stock: the item's code in lower case, and how many are still to leave.
type Wanted = Vec<(String, Decimal)>;

/// What there is, what is wanted of it, and what shops set aside themselves.
struct Room<'a> {
    shelf: &'a Shelf,
    on_hand: BTreeMap<(String, String), Decimal>,
    wanted: Wanted,
    own: Wanted,
    /// What was ordered of late, before today.
    demand: Wanted,
}

impl Room<'_> {
    fn sum(&self, of: &Wanted, location: &str, times: impl Fn(&str) -> u32) -> Decimal {
        if self.shelf.ships_from.as_ref().is_some_and(|it| it.to_lowercase() != location) {
            return Decimal::ZERO;
        }
        let wanted = of.iter().map(|(item, n)| *n * Decimal::from(times(item)));
        wanted.fold(Decimal::ZERO, |sum, it| sum + it)
    }

    fn of_kit(&self, kit: &str, part: &str) -> u32 {
        let kit = self.shelf.kit.as_ref().filter(|it| it.item.to_lowercase() == kit);
        let parts = kit.into_iter().flat_map(|it| &it.parts);
        parts.filter(|(item, _)| item.to_lowercase() == part).map(|(_, n)| *n).sum()
    }

    /// Before the cap; `None` where it is not known how many there are.
    fn free(&self, item: &str, location: &str) -> Option<Decimal> {
        if let Some(kit) = self.shelf.kit.as_ref().filter(|it| it.item.to_lowercase() == item) {
            let parts = kit.parts.iter().map(|(part, n)| {
                let free = self.free(&part.to_lowercase(), location).unwrap_or_default();
                // Whole kits, one after the other.
                let goes = |kits: i64| Decimal::new(kits, 0).unwrap_or_default() * Decimal::from(*n) <= free;
                (-2_000..2_000).rev().find(|kits| goes(*kits)).unwrap_or(-2_000)
            });
            return parts.min().and_then(|it| Decimal::new(it, 0).ok());
        }
        let there = *self.on_hand.get(&(item.to_owned(), location.to_owned()))?;
        let taken = self.sum(&self.wanted, location, |named| u32::from(named == item) + self.of_kit(named, item));
        let sellable = there - taken;
        let held = &self.shelf.publishes;
        let demand = self.sum(&self.demand, location, |named| u32::from(named == item) + self.of_kit(named, item));
        // As days are at most two in a run, all of what was ordered before today is of the last four weeks.
        let cover = (demand * held.cover_days).times(Decimal::from(28)).unwrap_or_default();
        let cover = if cover * Decimal::from(28) < demand * held.cover_days { cover + Decimal::ONE } else { cover };
        let share = sellable.max(Decimal::ZERO) * held.percent * Decimal::new(1, 2).unwrap_or_default();
        Some(sellable - held.absolute.max(share).max(cover))
    }

    /// What a shop is to be told.
    fn told(&self, item: &str, location: &str) -> Option<Decimal> {
        let free = self.free(item, location)?.floor();
        let shown = self.shelf.publishes.cap.map_or(free, |cap| cap.min(free));
        let own = self.sum(&self.own, location, |named| u32::from(named == item));
        Some((shown + own).max(Decimal::ZERO))
    }
}

/// What shops should hold at the end, and what nobody counts because it is made of others.
#[derive(Debug, Default)]
pub struct Shown {
    /// What shops hold that others hold otherwise.
    pub computed: BTreeMap<Cell, String>,
    /// What only shops are told.
    pub uncounted: BTreeSet<Cell>,
}

/// From what the owner has on its shelves, and the shops in their orders.
#[must_use]
pub fn shown((seats, now): (&[Seat], UnixMs), owner: &Held, shelf: &Shelf) -> Shown {
    let place = |cell: &Cell| {
        let (item, location) = cell.record.strip_prefix("stock-level/")?.split_once('@')?;
        (cell.field == "on_hand").then(|| (item.to_owned(), location.to_lowercase()))
    };
    let on_hand = owner.iter().filter_map(|(cell, held)| Some((place(cell)?, held.parse().ok()?))).collect();
    let shops = seats.iter().filter(|it| it.product.is_shop());
    let orders: Vec<OrderHeld> = shops.flat_map(|it| it.site.orders()).filter(|it| !it.cancelled).collect();
    let ordered = |order: &OrderHeld| -> Wanted { order.lines.iter().map(|(item, n, _)| (item.clone(), *n)).collect() };
    let before = orders.iter().filter(|it| day(it.created_at) < day(now));
    let demand = before.flat_map(ordered).collect();
    let open = orders.iter().filter(|it| !it.shipped);
    let wanted: Wanted = open
        .flat_map(|order| {
            let left: Vec<_> = order.parcels.iter().map(|(_, item, n)| (item.clone(), -*n)).collect();
            ordered(order).into_iter().chain(left)
        })
        .collect();
    let room = Room { shelf, on_hand, own: wanted.clone(), wanted, demand };
    let mut shown = Shown::default();
    for cell in owner.keys() {
        let Some((item, location)) = place(cell) else { continue };
        if let Some(told) = room.told(&item, &location) {
            shown.computed.insert(cell.clone(), told.to_string());
        }
        if shelf.kit.as_ref().is_some_and(|it| it.item.to_lowercase() == item) {
            shown.uncounted.insert(cell.clone());
        }
    }
    shown
}

/// What a fold decided that a connection is to be told of a level.
pub type Told = (RecordKey, ConnectionId, Decimal);

/// Whether what was just decided is more than may be sold, as everything is known to the store at this moment (P9).
///
/// # Errors
/// When the store fails.
pub async fn check(
    store: &dyn TenantStore,
    (shelf, shops): (&Shelf, &BTreeSet<ConnectionId>),
    (told, now): (Vec<Told>, UnixMs),
    notes: &mut Notes,
) -> store::Result<()> {
    let told: Vec<Told> = told.into_iter().filter(|(_, at, _)| shops.contains(at)).collect();
    if told.is_empty() {
        return Ok(());
    }
    let levels = all(store, Kind::StockLevel).await?;
    let orders = all(store, Kind::Order).await?;
    let on_hand = levels.values().filter_map(|it| {
        let truth = it.truth.values();
        Some((place_of(&truth)?, truth.get("on_hand")?.as_number()?))
    });
    let there: Vec<Fields> =
        orders.values().filter(|it| it.truth.deleted_at.is_none()).map(|it| it.truth.values()).collect();
    let wanted = there.iter().flat_map(open);
    let demand = there.iter().flat_map(|it| ordered_before(it, day(now)));
    let (on_hand, wanted, demand) = (on_hand.collect(), wanted.collect(), demand.collect());
    let mut room = Room { shelf, on_hand, wanted, own: Vec::new(), demand };
    for (key, at, told) in told {
        let there = orders.values().filter_map(|it| it.shadows.get(&at)).filter(|it| it.exists());
        room.own = there.flat_map(|it| open(&it.values())).collect();
        let Some((item, location)) = levels.get(&key).and_then(|it| place_of(&it.truth.values())) else { continue };
        let most = room.told(&item, &location).unwrap_or_default();
        notes.reach(Moment::StockPublished);
        if told > most {
            notes.broke(format!("P9: {key} is published as {told}, and {most} is the most that may be shown"));
        }
    }
    Ok(())
}

async fn all(store: &dyn TenantStore, kind: Kind) -> store::Result<BTreeMap<RecordKey, KeyState>> {
    let keys = store.records(kind, None, 10_000).await?;
    store.states(&keys.into_iter().map(|key| RecordKey::new(kind, key)).collect()).await
}

fn place_of(level: &Fields) -> Option<(String, String)> {
    let text = |name: &str| level.get(name)?.as_text().map(str::to_owned);
    Some((text("item")?, text("location")?))
}

/// What was ordered before this day, line by line.
fn ordered_before(order: &Fields, today: u64) -> Wanted {
    let placed = order.get("placed_at").and_then(Value::as_text).and_then(|it| it.parse::<jiff::Timestamp>().ok());
    let placed = placed.and_then(|it| u64::try_from(it.as_millisecond()).ok()).map(|it| day(UnixMs(it)));
    let is_off = order.get("status").and_then(Value::as_text) == Some("cancelled");
    if is_off || placed.is_none_or(|it| it >= today) {
        return Vec::new();
    }
    rows(order, "lines")
}

/// Items and quantities of an order's rows.
fn rows(order: &Fields, name: &str) -> Wanted {
    let Some(Value::Rows(rows)) = order.get(name) else { return Vec::new() };
    let row = |row: &Row| Some((row.get("item")?.as_text()?.to_owned(), row.get("quantity")?.as_number()?));
    rows.iter().filter_map(row).collect()
}

/// Days since 1970, as they are in UTC.
fn day(at: UnixMs) -> u64 {
    at.0 / 86_400_000
}

/// What is still to leave of an order, line by line.
fn open(order: &Fields) -> Wanted {
    let is_over = order.get("status").and_then(Value::as_text);
    if is_over.is_some_and(|it| matches!(it, "cancelled" | "closed" | "fulfilled")) {
        return Vec::new();
    }
    let left = rows(order, "fulfilments").into_iter().map(|(item, n)| (item, -n));
    rows(order, "lines").into_iter().chain(left).collect()
}

#[cfg(test)]
mod tests {
    use truthsource_core::stock::Publishes;

    use super::*;
    use crate::sim::plan::Kit;

    #[test]
    fn what_shops_may_be_shown_is_counted_by_hand() {
        let kit = Kit { item: "BOLT-0".to_owned(), parts: vec![("BOLT-1".to_owned(), 2), ("BOLT-2".to_owned(), 1)] };
        let publishes = Publishes { absolute: 5.into(), cap: Some(40.into()), ..Publishes::default() };
        let mut shelf = Shelf { publishes, kit: Some(kit), ships_from: None };
        let place = |item: &str| (item.to_owned(), "main".to_owned());
        let on_hand: BTreeMap<_, Decimal> =
            [(place("bolt-0"), 100.into()), (place("bolt-1"), 61.into()), (place("bolt-2"), 100.into())].into();
        let wanted: Wanted = vec![("bolt-0".to_owned(), 3.into()), ("bolt-1".to_owned(), 4.into())];
        let told = |shelf: &Shelf, item: &str| {
            let (own, demand) = (wanted.clone(), vec![("bolt-1".to_owned(), 9.into())]);
            let room = Room { shelf, on_hand: on_hand.clone(), own, wanted: wanted.clone(), demand };
            room.told(item, "main")
        };
        // 61 less 4, less 3 kits of 2, less 5: 46 may be sold, 40 are shown, and the shop takes off its own 4.
        assert_eq!(told(&shelf, "bolt-1"), Some(44.into()));
        // 46 are 23 kits, and 3 are ordered.
        assert_eq!(told(&shelf, "bolt-0"), Some(26.into()));
        assert_eq!(told(&shelf, "bolt-2"), Some(40.into()));
        assert_eq!(told(&shelf, "bolt-3"), None);
        // 51 may be sold, of which 4 and a half, so 5, cover a fortnight: as much as is held back anyway; and then 9 do.
        shelf.publishes.cap = None;
        for (cover_days, expect) in [(14, 50), (28, 46)] {
            shelf.publishes.cover_days = cover_days.into();
            assert_eq!(told(&shelf, "bolt-1"), Some(expect.into()), "{cover_days}");
        }
        shelf.publishes = Publishes { cap: Some(40.into()), ..shelf.publishes };
        shelf.ships_from = Some("Outlet".to_owned());
        assert_eq!(told(&shelf, "bolt-1"), Some(40.into()));
    }
}
