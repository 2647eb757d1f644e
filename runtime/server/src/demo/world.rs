//! The world of the demonstration: systems that know most of the same things.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use truthsource_core::draw::Draw;
use truthsource_core::{Decimal, UnixMs};
use truthsource_simulators::faults::Faults;
use truthsource_simulators::serve::{Now, Served, serve_on};
use truthsource_simulators::world::{
    Article, BASE, Break, BusinessCentralSite, Catalogue, Firm, NetsuiteSite, Price, SapB1Site, ShopifySite, Site,
};

use super::account::{self, Edition};
use crate::engine::ports::Clock;

/// Places that hold stock.
pub const LOCATIONS: [&str; 2] = ["Main", "Outlet"];
/// Price lists. The first is a shop's own prices.
pub const LISTS: [&str; 3] = [BASE, "wholesale", "gold"];
/// Companies that the first ERP knows.
pub const COMPANIES: u32 = 20;
/// Companies that the others know, too.
pub const COMPANIES_SHARED: u32 = 15;
/// Items that the first ERP and the others call differently, stock differently or price differently when they meet.
pub const DIFFERING: u32 = 30;

/// A product that can be simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Product {
    /// NetSuite.
    Netsuite,
    /// Shopify.
    Shopify,
    /// SAP Business One.
    SapB1,
    /// Business Central.
    #[serde(rename = "dynamics-365")]
    Dynamics365,
}

impl Product {
    /// Every product.
    pub const ALL: [Self; 4] = [Self::Netsuite, Self::Shopify, Self::SapB1, Self::Dynamics365];

    /// Its name, which is its connector's, too.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Netsuite => "netsuite",
            Self::Shopify => "shopify",
            Self::SapB1 => "sap-b1",
            Self::Dynamics365 => "dynamics-365",
        }
    }

    /// The name of the connection to it.
    #[must_use]
    pub fn connection(self) -> &'static str {
        match self {
            Self::Netsuite => "erp",
            Self::Shopify => "shop",
            Self::SapB1 => "sap",
            Self::Dynamics365 => "dynamics",
        }
    }

    /// Orders are taken there, and everywhere else they are booked.
    #[must_use]
    pub fn is_shop(self) -> bool {
        self == Self::Shopify
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Product {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = Self::ALL.map(Self::as_str).join(", ");
        Self::ALL.into_iter().find(|it| it.as_str() == name).ok_or_else(|| format!("must be one of {all}"))
    }
}

/// How large the world is, and what its contents are drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Items in the first ERP; seven tenths of them are in the others.
    pub items: u32,
    /// What is drawn is drawn from this.
    pub seed: u64,
}

impl Extent {
    /// Items that every system has from the start.
    #[must_use]
    pub fn items_shared(self) -> u32 {
        self.items * 7 / 10
    }
}

/// A system in its place.
pub struct Seat {
    /// What it is.
    pub product: Product,
    /// What people call it.
    pub called: String,
    /// It and its people.
    pub site: Arc<dyn Site>,
    /// How it is set up.
    pub edition: Edition,
    /// By how many milliseconds its clock is ahead.
    pub ahead_ms: i64,
}

impl Seat {
    /// A system that was filled from a catalogue.
    ///
    /// # Errors
    /// When the catalogue makes no sense.
    pub fn fill(product: Product, now: UnixMs, catalogue: &Catalogue) -> anyhow::Result<Self> {
        Self::of(Edition::Newest, product, now, catalogue)
    }

    /// One of an edition that was filled from a catalogue.
    ///
    /// # Errors
    /// When the catalogue makes no sense.
    pub fn of(edition: Edition, product: Product, now: UnixMs, catalogue: &Catalogue) -> anyhow::Result<Self> {
        let site: Arc<dyn Site> = match product {
            Product::Netsuite => Arc::new(NetsuiteSite::open(now, account::netsuite_settings(edition), catalogue)?),
            Product::Shopify => Arc::new(ShopifySite::open(now, account::shopify_settings(edition), catalogue)?),
            Product::SapB1 => Arc::new(SapB1Site::open(now, account::sap_b1_settings(edition), catalogue)?),
            Product::Dynamics365 => {
                Arc::new(BusinessCentralSite::open(now, account::business_central_settings(edition), catalogue)?)
            }
        };
        Ok(Self { product, called: product.connection().to_owned(), site, edition, ahead_ms: 0 })
    }

    /// What its clock shows.
    #[must_use]
    pub fn there(&self, now: UnixMs) -> UnixMs {
        UnixMs(now.0.saturating_add_signed(self.ahead_ms))
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.called
    }
}

/// The systems, served on loopback ports. Dropping it closes them.
pub struct World {
    /// How large it is.
    pub extent: Extent,
    /// The systems. The first is the ERP that owns what only one may say.
    pub seats: Vec<Seat>,
    /// Their ports, in the same order.
    pub ports: Vec<Served>,
    clock: Arc<dyn Clock>,
}

impl World {
    /// Makes the systems and opens their ports, on the clock of the machine or another. The first product is the owner.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn open(products: &[Product], extent: Extent, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let now = clock.now();
        let mut world = Self { extent, seats: Vec::new(), ports: Vec::new(), clock };
        for (at, product) in products.iter().enumerate() {
            let seat = Seat::fill(*product, now, &catalogue(extent, at))?;
            let ticks = world.clock.clone();
            let ticks: Now = Arc::new(move || ticks.now());
            world.ports.push(serve_on(seat.site.system(), ticks).await?);
            world.seats.push(seat);
        }
        Ok(world)
    }

    /// Now, by the clock of this world.
    #[must_use]
    pub fn now(&self) -> UnixMs {
        self.clock.now()
    }

    /// Addresses of all systems.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.ports.iter().map(|it| format!("http://{}", it.api)).collect()
    }

    /// A product's people and ports.
    ///
    /// # Errors
    /// When it has no seat.
    pub fn seat(&self, product: Product) -> anyhow::Result<(&Seat, &Served)> {
        let mut all = self.seats.iter().zip(&self.ports);
        all.find(|(seat, _)| seat.product == product).with_context(|| format!("there is no {product} here"))
    }

    /// The same goes wrong at every system.
    pub fn set_faults(&self, faults: &Faults) {
        for port in &self.ports {
            port.door.set_faults(faults.clone());
        }
    }

    /// Has all systems that are not asked by their connectors tell `server` what happens in them, as an administrator of
    /// each would set it up.
    ///
    /// # Errors
    /// When one does not take a subscription.
    pub async fn tell(&self, server: &str, tenant: &str) -> anyhow::Result<()> {
        let client = reqwest::Client::new();
        for (seat, url) in self.seats.iter().zip(self.urls()) {
            let hook = format!("{server}/hooks/{tenant}/{}", seat.name());
            for request in account::subscribe(seat, &url, &hook)? {
                let answer = client.execute(request.try_into()?).await?.error_for_status()?;
                account::subscribed(&answer.bytes().await?)?;
            }
        }
        Ok(())
    }
}

/// The code of an item, as the owner spells it.
#[must_use]
pub fn code(at: u32) -> String {
    format!("BOLT-{at:05}")
}

/// The code of a company.
#[must_use]
pub fn company(at: u32) -> String {
    format!("C-{:03}", 100 + at)
}

/// What the system in this place begins with. The owner has everything; the others have seven tenths of its items, of
/// which the first thirty differ: ten in their title, ten in their stock, ten in their price.
pub(crate) fn catalogue(extent: Extent, seat: usize) -> Catalogue {
    let (items, companies) =
        if seat == 0 { (extent.items, COMPANIES) } else { (extent.items_shared(), COMPANIES_SHARED) };
    Catalogue {
        locations: LOCATIONS.map(str::to_owned).to_vec(),
        lists: LISTS.map(str::to_owned).to_vec(),
        articles: (0..items).map(|at| article(extent, at, seat)).collect(),
        firms: (0..companies).map(firm).collect(),
    }
}

fn article(extent: Extent, at: u32, seat: usize) -> Article {
    let differs = |what: u32| seat > 0 && at < DIFFERING && at % 3 == what;
    let (title, off) = (title(at), if differs(1) { 7 * seat as i64 } else { 0 });
    let stock = (0..LOCATIONS.len()).map(|location| on_hand(extent, at, location) + off);
    let price = |list: usize| {
        let dearer = if list == 0 && differs(2) { 150 * seat as i64 } else { 0 };
        Price { amount: money(cents(extent, at, list) + dearer), breaks: breaks(extent, at, list) }
    };
    Article {
        code: spelled(code(at), at, seat),
        title: if differs(0) { format!("{title} (old)") } else { title },
        barcode: format!("{:013}", 4_000_000_000_000_u64 + u64::from(at) * 17),
        stock: stock.collect(),
        prices: (0..LISTS.len()).map(price).collect(),
    }
}

/// Every tenth item is spelled otherwise where the owner is not.
fn spelled(code: String, at: u32, seat: usize) -> String {
    if seat > 0 && at % 10 == 3 { code.to_lowercase() } else { code }
}

fn title(at: u32) -> String {
    let thread = [4, 5, 6, 8, 10, 12][at as usize % 6];
    format!("Hex bolt M{thread} x {}, box {at}", 10 + 5 * (at % 9))
}

/// The price of an item on a list, in cents.
fn cents(extent: Extent, at: u32, list: usize) -> i64 {
    let base = 500 + Draw::new(extent.seed).below(9_500, "price", at.into());
    i64::try_from(base).unwrap_or(500) * [100, 80, 70][list] / 100
}

fn money(cents: i64) -> Decimal {
    Decimal::new(cents, 2).unwrap_or_default()
}

/// Every third item is cheaper by the box on the lists of companies.
fn breaks(extent: Extent, at: u32, list: usize) -> Vec<Break> {
    if list == 0 || !at.is_multiple_of(3) {
        return Vec::new();
    }
    let cents = cents(extent, at, list);
    let from = |(from, part): (u32, i64)| Break { from: Decimal::from(from), amount: money(cents * part / 100) };
    [(10, 95), (50, 90)].map(from).to_vec()
}

fn on_hand(extent: Extent, at: u32, location: usize) -> i64 {
    let n = u64::from(at) * LOCATIONS.len() as u64 + location as u64;
    100 + i64::try_from(Draw::new(extent.seed).below(400, "stock", n)).unwrap_or(0)
}

fn firm(at: u32) -> Firm {
    Firm {
        code: company(at),
        name: format!("Workshop {} Ltd", 100 + at),
        email: format!("orders@workshop-{}.example", 100 + at),
        list: LISTS[1 + at as usize % 2].to_owned(),
    }
}
