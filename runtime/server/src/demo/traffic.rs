//! What people do at the systems while the demonstration runs: who does what when follows from the seed alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use truthsource_core::draw::Draw;
use truthsource_core::{Decimal, UnixMs};
use truthsource_simulators::faults::Faults;
use truthsource_simulators::world::{Cell, Charge, ChargeKind, Deed, Placed, Price};

use super::law::Law;
use super::world::{COMPANIES_SHARED, LISTS, LOCATIONS, Product, World, code, company};

/// How long one side refuses every connection.
pub const OUTAGE_MS: u64 = 2_000;
/// Moments, as parts of the whole, at which two systems are changed at once.
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
    /// Changes at any side, orders included.
    pub changes: u64,
    /// Orders that were placed: (purchase-order number, when).
    pub orders: Vec<(String, UnixMs)>,
    /// When one side was not there.
    pub outage: (UnixMs, UnixMs),
    /// Words that were heard and overruled, as the conflict log says.
    pub overruled: BTreeSet<(Cell, String)>,
    /// What shops should hold that others hold otherwise: what is published there.
    pub computed: BTreeMap<Cell, String>,
    /// What only shops are told, and nobody counts.
    pub uncounted: BTreeSet<Cell>,
    /// Whose word stands.
    pub law: Law,
    /// Products that a mapping stands before: what they hold is in a language of their own.
    pub mapped: BTreeSet<Product>,
    /// Fields of which a person is asked what they are.
    pub asked: BTreeSet<Cell>,
    /// How codes of items begin, in lower case, that are judged elsewhere.
    pub aside: Option<String>,
}

impl Done {
    /// The field is of an item that is judged elsewhere, or of its stock or price.
    #[must_use]
    pub fn is_aside(&self, cell: &Cell) -> bool {
        let code = cell.record.rsplit('/').next().unwrap_or_default();
        self.aside.as_ref().is_some_and(|it| code.starts_with(it.as_str()))
    }

    /// It was made while all sides were there.
    #[must_use]
    pub fn is_outside_outage(&self, made: UnixMs) -> bool {
        made < self.outage.0 || self.outage.1 <= made
    }
}

/// What somebody is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Count,
    Price,
    Title,
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

    fn turn(self, n: u64) -> Turn {
        let total = self.total();
        let conflict = CONFLICTS_AT.iter().position(|part| n == total * u64::from(*part) / 100);
        if let Some(which) = conflict {
            return Turn::Both(u32::try_from(which).unwrap_or(0));
        }
        match self.draw().below(100, "deed", n) {
            0..=49 => Turn::Count,
            50..=69 => Turn::Price,
            70..=86 => Turn::Title,
            87..=91 => Turn::Barcode,
            _ => Turn::Order,
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
    let whose = usize::try_from(flow.seed).unwrap_or(0) % world.seats.len().max(1);
    for (at, port) in world.ports.iter().enumerate() {
        port.door.set_faults(if at == whose { away.clone() } else { menu.clone() });
    }
    outage
}

/// All sides work again.
pub fn heal(world: &World) {
    world.set_faults(&Faults::default());
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
        Person { world, flow, n }.act(flow.turn(n), &mut done)?;
        for port in &world.ports {
            port.collect();
        }
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
    fn act(&self, turn: Turn, done: &mut Done) -> anyhow::Result<()> {
        done.changes += 1;
        let side = self.below(self.world.seats.len(), "side");
        match turn {
            Turn::Count => self.count(side),
            // Only the owner says what companies pay.
            Turn::Price if side == 0 => self.price(side, self.below(LISTS.len(), "list")),
            Turn::Price => self.price(side, 0),
            Turn::Title => self.title(side),
            Turn::Barcode => self.barcode(0),
            Turn::Order => self.order(done),
            Turn::Both(which) => {
                done.changes += 1;
                self.both(which)
            }
        }
    }

    fn below(&self, bound: usize, purpose: &str) -> usize {
        usize::try_from(self.flow.draw().below(bound as u64, purpose, self.n)).unwrap_or(0)
    }

    fn deed(&self, side: usize, deed: &Deed) -> anyhow::Result<()> {
        Ok(self.world.seats[side].site.act(self.world.now(), deed)?)
    }

    /// An item that all have.
    fn item(&self) -> String {
        code(u32::try_from(self.below(self.world.extent.items_shared() as usize, "item")).unwrap_or(0))
    }

    /// Somebody sells, receives or corrects: the quantity moves by a few.
    fn count(&self, side: usize) -> anyhow::Result<()> {
        let location = LOCATIONS[self.below(LOCATIONS.len(), "location")].to_owned();
        let by = [-5, -3, -2, -1, 1, 2, 8][self.below(7, "by")];
        self.deed(side, &Deed::Move { item: self.item(), location, by })
    }

    fn amount(&self) -> Decimal {
        Decimal::new(500 + i64::try_from(self.below(20_000, "amount")).unwrap_or(0), 2).unwrap_or_default()
    }

    /// The amount is new; breaks stay.
    fn price(&self, side: usize, list: usize) -> anyhow::Result<()> {
        self.priced(side, list, self.amount())
    }

    fn priced(&self, side: usize, list: usize, amount: Decimal) -> anyhow::Result<()> {
        let (list, item) = (LISTS[list], self.item());
        let breaks = self.world.seats[side].site.breaks(self.world.now(), list, &item);
        self.deed(side, &Deed::Price { list: list.to_owned(), item, price: Price { amount, breaks } })
    }

    fn title(&self, side: usize) -> anyhow::Result<()> {
        let title = format!("Bolt, edition {} of the {}", self.n, self.world.seats[side].name());
        self.deed(side, &Deed::Retitle { item: self.item(), title })
    }

    fn barcode(&self, side: usize) -> anyhow::Result<()> {
        let barcode = if side == 0 { format!("{:013}", 5_000_000_000_000_u64 + self.n) } else { "0".repeat(13) };
        self.deed(side, &Deed::Barcode { item: self.item(), barcode })
    }

    fn order(&self, done: &mut Done) -> anyhow::Result<()> {
        let Some(shop) = self.world.seats.iter().position(|it| it.product.is_shop()) else { return Ok(()) };
        let po_number = format!("PO-{:06}", self.n);
        let shared = self.world.extent.items_shared().max(1);
        let lines = (0..1 + self.below(3, "lines")).map(|line| {
            let at = u32::try_from(self.below(shared as usize, "item") + line * 7).unwrap_or(0) % shared;
            (code(at), 1 + u32::try_from(self.below(12, "quantity")).unwrap_or(0))
        });
        let buyer = u32::try_from(self.below(COMPANIES_SHARED as usize, "buyer")).unwrap_or(0);
        let cents = |of: usize, what: &str| i64::try_from(self.below(of, what)).unwrap_or_default();
        let charges = beside([cents(2_000, "shipping"), cents(500, "tax"), -cents(300, "discount")]);
        let placed = Placed {
            po_number: po_number.clone(),
            company: company(buyer),
            lines: lines.collect(),
            charges,
            waits: Vec::new(),
        };
        done.orders.push((po_number, self.world.now()));
        self.deed(shop, &Deed::Order(placed))
    }

    /// The same thing is changed at two systems in the same moment.
    fn both(&self, which: u32) -> anyhow::Result<()> {
        let other = 1 + self.below(self.world.seats.len() - 1, "other");
        match which {
            0 | 3 => {
                self.title(0)?;
                self.title(other)
            }
            1 => {
                self.count(0)?;
                self.count(other)
            }
            2 => {
                self.price(0, 0)?;
                self.priced(other, 0, self.amount().checked_add(Decimal::ONE).unwrap_or_default())
            }
            _ => {
                // The barcode belongs to the owner: the other's word does not stand.
                self.barcode(0)?;
                self.barcode(other)
            }
        }
    }
}

/// What is charged beside the lines, in cents: nothing where it is nothing.
fn beside(cents: [i64; 3]) -> Vec<Charge> {
    let amount = |cents: i64| Decimal::new(cents, 2).unwrap_or_default();
    let charge = |(kind, cents)| Charge { kind, amount: amount(cents) };
    ChargeKind::ALL.into_iter().zip(cents).filter(|(_, cents)| *cents != 0).map(charge).collect()
}
