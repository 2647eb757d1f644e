//! What people do at both systems while the demonstration runs: who does what when follows from the seed alone.

use std::time::Duration;

use truthsource_core::draw::Draw;
use truthsource_core::{Decimal, UnixMs};
use truthsource_simulators::faults::Faults;
use truthsource_simulators::netsuite::model::StockKey;
use truthsource_simulators::netsuite::{self, PriceEdit};
use truthsource_simulators::shopify;
use truthsource_simulators::shopify::people::{Placed, PlacedLine};

use super::reading::Side;
use super::world::{LISTS, LOCATIONS, World};

/// How long one side refuses every connection.
pub const OUTAGE_MS: u64 = 2_000;
/// Moments, as parts of the whole, at which both systems are changed at once.
const CONFLICTS_AT: [u32; 5] = [15, 30, 45, 60, 90];

/// How much happens, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Flow {
    /// Changes a second.
    pub rate: u32,
    /// For so long.
    pub seconds: u32,
    /// Whose turn it is follows from this.
    pub seed: u64,
}

/// What was done.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// Changes at either side, orders included.
    pub changes: u64,
    /// Orders that were placed: (purchase-order number, when).
    pub orders: Vec<(String, UnixMs)>,
    /// When one side was not there.
    pub outage: (UnixMs, UnixMs),
}

impl Done {
    /// It was made while both sides were there.
    #[must_use]
    pub fn is_outside_outage(&self, made: UnixMs) -> bool {
        made < self.outage.0 || self.outage.1 <= made
    }
}

/// One thing that a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Count(Side),
    Price(Side),
    Title(Side),
    Barcode,
    Order,
    Both(u32),
}

impl Flow {
    /// Changes in all.
    #[must_use]
    pub fn total(self) -> u64 {
        u64::from(self.rate) * u64::from(self.seconds)
    }

    fn draw(self) -> Draw {
        Draw::new(self.seed)
    }

    /// When the `n`th change is made, after the start.
    fn at(self, n: u64) -> Duration {
        Duration::from_micros(n * 1_000_000 / u64::from(self.rate.max(1)))
    }

    fn deed(self, n: u64) -> Deed {
        let total = self.total();
        let conflict = CONFLICTS_AT.iter().position(|part| n == total * u64::from(*part) / 100);
        if let Some(which) = conflict {
            return Deed::Both(u32::try_from(which).unwrap_or(0));
        }
        let side = if self.draw().chance(500, "side", n) { Side::Erp } else { Side::Shop };
        match self.draw().below(100, "deed", n) {
            0..=49 => Deed::Count(side),
            50..=69 => Deed::Price(side),
            70..=86 => Deed::Title(side),
            87..=91 => Deed::Barcode,
            _ => Deed::Order,
        }
    }
}

/// The faults of the demonstration: webhooks that come twice or never, and a while in which one side is not there,
/// which is what it gives.
pub fn disturb(world: &World, flow: Flow) -> (UnixMs, UnixMs) {
    let menu = Faults { seed: flow.seed, webhook_lost: 50, webhook_duplicate: 50, ..Faults::default() };
    // Not in the last third, so that the end of traffic is not the end of the outage.
    let from = world.now().plus(u64::from(flow.seconds) * 1_000 / 2);
    let outage = (from, from.plus(OUTAGE_MS.min(u64::from(flow.seconds) * 1_000 / 4)));
    let away = Faults { outage: Some(outage), ..menu.clone() };
    let (erp, shop) = if flow.seed.is_multiple_of(2) { (away, menu) } else { (menu, away) };
    world.erp_at.door.set_faults(erp);
    world.shop_at.door.set_faults(shop);
    outage
}

/// Both sides work again.
pub fn heal(world: &World) {
    world.erp_at.door.set_faults(Faults::default());
    world.shop_at.door.set_faults(Faults::default());
}

/// Makes changes at their times until all are made; `progress` is told how many are.
///
/// # Errors
/// When a system does not let a person do what people do.
pub async fn run(world: &World, flow: Flow, progress: impl Fn(u64)) -> anyhow::Result<Done> {
    let began = tokio::time::Instant::now();
    let mut done = Done::default();
    for n in 0..flow.total() {
        tokio::time::sleep_until(began + flow.at(n)).await;
        Person { world, flow, n }.act(flow.deed(n), &mut done)?;
        world.erp_at.collect();
        world.shop_at.collect();
        progress(n + 1);
    }
    Ok(done)
}

/// Somebody at a screen.
struct Person<'a> {
    world: &'a World,
    flow: Flow,
    n: u64,
}

impl Person<'_> {
    fn act(&self, deed: Deed, done: &mut Done) -> anyhow::Result<()> {
        done.changes += 1;
        match deed {
            Deed::Count(side) => self.count(side),
            Deed::Price(Side::Erp) => self.price_erp(self.below(LISTS.len(), "list")),
            Deed::Price(Side::Shop) => self.price_shop(),
            Deed::Title(side) => self.title(side),
            Deed::Barcode => self.barcode(),
            Deed::Order => self.order(done),
            Deed::Both(which) => {
                done.changes += 1;
                self.both(which)
            }
        }
    }

    fn below(&self, bound: usize, purpose: &str) -> usize {
        usize::try_from(self.flow.draw().below(bound as u64, purpose, self.n)).unwrap_or(0)
    }

    /// An item that both have: its numbers in the ERP and in the shop.
    fn item(&self) -> (u64, u64) {
        let mut all = self.world.linked.iter();
        let at = self.below(self.world.linked.len(), "item");
        all.nth(at).map(|(erp, shop)| (*erp, *shop)).unwrap_or_default()
    }

    /// Somebody sells, receives or corrects: the quantity moves by a few.
    fn count(&self, side: Side) -> anyhow::Result<()> {
        let (erp, shop) = self.item();
        let at = self.below(LOCATIONS.len(), "location");
        let by = [-5, -3, -2, -1, 1, 2, 8][self.below(7, "by")];
        let world = self.world;
        match side {
            Side::Erp => {
                let key = StockKey { item: erp, location: at as u64 + 1 };
                let held = world.erp.stock_at(key).map(|it| it.on_hand).unwrap_or_default();
                let moved = held.checked_add(Decimal::from(by)).unwrap_or(held).max(Decimal::ZERO);
                Ok(world.erp.set_on_hand(world.now(), key, moved)?)
            }
            Side::Shop => {
                let location = world.shop_locations.get(at).copied().unwrap_or_default();
                let held = world.shop.on_hand(shop, location).unwrap_or(0);
                Ok(world.shop.set_on_hand(world.now(), shop, location, (held + i64::from(by)).max(0))?)
            }
        }
    }

    fn amount(&self) -> Decimal {
        Decimal::new(500 + i64::try_from(self.below(20_000, "amount")).unwrap_or(0), 2).unwrap_or_default()
    }

    fn price_erp(&self, list: usize) -> anyhow::Result<()> {
        let (item, _) = self.item();
        let level = list as u64 + 1;
        let rows = self.world.erp.prices_of(item, level);
        let breaks = rows.into_iter().filter(|it| it.from > Decimal::ZERO);
        let breaks = breaks.map(|it| netsuite::Break { from: it.from, amount: it.amount }).collect();
        let price = PriceEdit { currency: None, amount: self.amount(), breaks };
        Ok(self.world.erp.set_price(self.world.now(), item, level, price)?)
    }

    fn price_shop(&self) -> anyhow::Result<()> {
        Ok(self.world.shop.set_price(self.world.now(), None, self.item().1, (self.amount(), &[]))?)
    }

    fn title(&self, side: Side) -> anyhow::Result<()> {
        let (erp, shop) = self.item();
        let title = Some(format!("Bolt, edition {} of the {}", self.n, if side == Side::Erp { "ERP" } else { "shop" }));
        match side {
            Side::Erp => {
                let edit = netsuite::ItemEdit { title, ..netsuite::ItemEdit::default() };
                Ok(self.world.erp.set_item(self.world.now(), erp, edit)?)
            }
            Side::Shop => {
                let edit = shopify::people::ItemEdit { title, ..shopify::people::ItemEdit::default() };
                Ok(self.world.shop.set_item(self.world.now(), shop, edit)?)
            }
        }
    }

    fn barcode(&self) -> anyhow::Result<()> {
        let barcode = Some(format!("{:013}", 5_000_000_000_000_u64 + self.n));
        let edit = netsuite::ItemEdit { barcode, ..netsuite::ItemEdit::default() };
        Ok(self.world.erp.set_item(self.world.now(), self.item().0, edit)?)
    }

    fn order(&self, done: &mut Done) -> anyhow::Result<()> {
        let world = self.world;
        let po_number = format!("PO-{:06}", self.n);
        let lines = (0..1 + self.below(3, "lines")).map(|line| {
            let at = (self.below(world.linked.len(), "item") + line * 7) % world.linked.len().max(1);
            let item = world.linked.values().nth(at).copied().unwrap_or_default();
            let quantity = 1 + i32::try_from(self.below(12, "quantity")).unwrap_or(0);
            PlacedLine { item, quantity, price: None }
        });
        let buyer = world.buyers.get(self.below(world.buyers.len(), "buyer")).copied();
        let placed = Placed {
            company_location: buyer,
            po_number: Some(po_number.clone()),
            lines: lines.collect(),
            ..Placed::default()
        };
        let at = self.world.now();
        world.shop.place_order(at, &placed)?;
        done.orders.push((po_number, at));
        Ok(())
    }

    /// The same thing is changed at both systems in the same moment.
    fn both(&self, which: u32) -> anyhow::Result<()> {
        match which {
            0 | 3 => {
                self.title(Side::Erp)?;
                self.title(Side::Shop)
            }
            1 => {
                self.count(Side::Erp)?;
                self.count(Side::Shop)
            }
            2 => {
                self.price_erp(0)?;
                let amount = self.amount().checked_add(Decimal::ONE).unwrap_or_default();
                Ok(self.world.shop.set_price(self.world.now(), None, self.item().1, (amount, &[]))?)
            }
            _ => {
                // The barcode belongs to the ERP: the shop's word does not stand.
                let barcode = Some("0000000000000".to_owned());
                let edit = shopify::people::ItemEdit { barcode, ..shopify::people::ItemEdit::default() };
                self.barcode()?;
                Ok(self.world.shop.set_item(self.world.now(), self.item().1, edit)?)
            }
        }
    }
}
