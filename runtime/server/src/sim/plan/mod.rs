//! What happens in a run, as data.

use serde::{Deserialize, Serialize};
use truthsource_core::draw::Draw;
use truthsource_core::{Decimal, UnixMs};
use truthsource_simulators::faults::Faults;
use truthsource_simulators::world::{Article, Break, Catalogue, Deed, Firm, Placed, Price};

use crate::demo::world::{LISTS, LOCATIONS, Product};

/// Items that every system knows from the start; the owner has one more.
const ITEMS: u64 = 4;
const COMPANIES: u64 = 2;
/// When runs begin: on ordinary days, and shortly before clocks are put back or forward where the systems stand.
const BEGINS: [&str; 6] = [
    "2026-09-15T11:50:00Z",
    "2026-10-25T00:55:00Z",
    "2026-11-01T08:55:00Z",
    "2026-12-31T23:55:00Z",
    "2027-03-14T09:55:00Z",
    "2028-02-29T23:55:00Z",
];

/// Everything that decides a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Names every draw.
    pub seed: u64,
    /// The systems, the owner first.
    pub systems: Vec<Product>,
    /// When it begins.
    pub begins: UnixMs,
    /// What people do, by time.
    pub acts: Vec<Act>,
    /// What goes wrong while faults are on.
    pub faults: Menu,
    /// When faults end, in milliseconds since people began to act.
    pub chaos_ms: u64,
}

/// Something that a person does at a system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// When, in milliseconds since people began to act.
    pub at_ms: u64,
    /// At which of the systems.
    pub seat: usize,
    /// What.
    pub deed: Deed,
}

/// How often what goes wrong, in one of a thousand requests, webhooks or commits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Menu {
    /// A request is answered "too many requests".
    pub overloaded: u32,
    /// A request is answered 5xx.
    pub broken: u32,
    /// A request is never carried out, and never answered.
    pub timeout_before: u32,
    /// A request is carried out, and never answered.
    pub timeout_after: u32,
    /// A request is carried out, and its answer breaks off.
    pub broken_off: u32,
    /// A webhook never leaves.
    pub webhook_lost: u32,
    /// A webhook leaves twice.
    pub webhook_duplicate: u32,
    /// A webhook leaves late, by up to a minute, and is overtaken by others.
    pub webhook_late: u32,
    /// Searches miss what happened in the last so many milliseconds.
    pub search_lag_ms: u64,
    /// A system cannot be reached for a while.
    pub outages: Vec<Outage>,
    /// The node dies before a commit.
    pub crash_before: u32,
    /// The node dies after a commit, before it knows.
    pub crash_after: u32,
    /// And for certain at this commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crash_at: Option<CrashAt>,
}

/// A while in which a system refuses every connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// Which of the systems.
    pub seat: usize,
    /// When it begins, in milliseconds since people began to act.
    pub from_ms: u64,
    /// When it ends.
    pub to_ms: u64,
}

/// Where the node dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrashAt {
    /// The commit's number, from one.
    pub commit: u64,
    /// What it writes is there; nobody knows.
    pub stored: bool,
}

impl Menu {
    /// The names of the kinds of faults that are on.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        let rates = [
            ("overloaded", self.overloaded.into()),
            ("broken", self.broken.into()),
            ("timeout-before", self.timeout_before.into()),
            ("timeout-after", self.timeout_after.into()),
            ("broken-off", self.broken_off.into()),
            ("webhook-lost", self.webhook_lost.into()),
            ("webhook-duplicate", self.webhook_duplicate.into()),
            ("webhook-late", self.webhook_late.into()),
            ("search-lag", self.search_lag_ms),
            ("outage", self.outages.len() as u64),
            ("crash-before", self.crash_before.into()),
            ("crash-after", self.crash_after.into()),
            ("crash-at", u64::from(self.crash_at.is_some())),
        ];
        rates.into_iter().filter(|(_, rate)| *rate > 0).map(|(name, _)| name).collect()
    }

    /// What goes wrong at the door of one of the systems, where people began to act at `begun`.
    #[must_use]
    pub fn at(&self, seat: usize, seed: u64, begun: UnixMs) -> Faults {
        let outage = self.outages.iter().find(|it| it.seat == seat);
        Faults {
            seed: seed.wrapping_mul(31).wrapping_add(seat as u64),
            overloaded: self.overloaded,
            broken: self.broken,
            timeout_before: self.timeout_before,
            timeout_after: self.timeout_after,
            broken_off: self.broken_off,
            webhook_lost: self.webhook_lost,
            webhook_duplicate: self.webhook_duplicate,
            webhook_late: self.webhook_late,
            webhook_late_ms_max: 60_000,
            search_lag_ms: self.search_lag_ms,
            latency_ms: 0,
            outage: outage.map(|it| (begun.plus(it.from_ms), begun.plus(it.to_ms))),
        }
    }
}

impl Plan {
    /// The plan of a seed for these systems, the owner first: a random half of the faults, at random strength, and never
    /// fewer than three kinds.
    #[must_use]
    pub fn of(seed: u64, systems: &[Product]) -> Self {
        let draw = Draw::new(seed);
        let chaos_ms = 300_000;
        let begins = BEGINS[draw.below(BEGINS.len() as u64, "begins", 0) as usize];
        let begins = begins.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond).unwrap_or_default();
        let count = 100 + draw.below(40, "acts", 0);
        let mut acts: Vec<Act> = (0..count).map(|n| act(draw, n, systems, chaos_ms)).collect();
        acts.sort_by_key(|it| it.at_ms);
        let faults = (0..).map(|round| menu(draw, round, systems.len(), chaos_ms)).find(|it| it.kinds().len() >= 3);
        Self {
            seed,
            systems: systems.to_vec(),
            begins: UnixMs(u64::try_from(begins).unwrap_or_default()),
            acts,
            faults: faults.unwrap_or_default(),
            chaos_ms,
        }
    }

    /// What the system in this place begins with. The others lack the owner's last item, and call, stock and price one
    /// otherwise.
    #[must_use]
    pub fn catalogue(seat: usize) -> Catalogue {
        let items = if seat == 0 { ITEMS + 1 } else { ITEMS };
        let firm = |at: u64| Firm {
            code: company(at),
            name: format!("Workshop {at}"),
            email: format!("orders@workshop-{at}.example"),
            list: LISTS[2].to_owned(),
        };
        Catalogue {
            locations: LOCATIONS.map(str::to_owned).to_vec(),
            lists: LISTS.map(str::to_owned).to_vec(),
            articles: (0..items).map(|at| article(at, seat)).collect(),
            firms: (0..COMPANIES).map(firm).collect(),
        }
    }
}

fn menu(draw: Draw, round: u64, seats: usize, chaos_ms: u64) -> Menu {
    let strength = |name: &str, most: u64| {
        let on = draw.chance(500, &format!("{name} is on"), round);
        if on { 1 + draw.below(most, &format!("{name} strength"), round) } else { 0 }
    };
    let rate = |name: &str, most: u64| u32::try_from(strength(name, most)).unwrap_or(0);
    let outages = (0..seats).filter(|seat| draw.chance(200, &format!("outage of {seat}"), round)).map(|seat| {
        let from_ms = draw.below(chaos_ms, &format!("outage of {seat} begins"), round);
        let to_ms = from_ms + 1_000 + draw.below(60_000, &format!("outage of {seat} takes"), round);
        Outage { seat, from_ms, to_ms }
    });
    Menu {
        overloaded: rate("overloaded", 80),
        broken: rate("broken", 80),
        timeout_before: rate("timeout-before", 30),
        timeout_after: rate("timeout-after", 60),
        broken_off: rate("broken-off", 100),
        webhook_lost: rate("webhook-lost", 400),
        webhook_duplicate: rate("webhook-duplicate", 400),
        webhook_late: rate("webhook-late", 400),
        search_lag_ms: strength("search-lag", 20_000),
        outages: outages.collect(),
        crash_before: rate("crash-before", 15),
        crash_after: rate("crash-after", 15),
        crash_at: None,
    }
}

fn code(at: u64) -> String {
    format!("BOLT-{at}")
}

fn company(at: u64) -> String {
    format!("C-{at}")
}

fn money(cents: u64) -> Decimal {
    Decimal::new(i64::try_from(cents).unwrap_or_default(), 2).unwrap_or_default()
}

fn article(at: u64, seat: usize) -> Article {
    let differs = |what: u64| seat > 0 && at == what;
    let breaks = vec![Break { from: Decimal::from(10), amount: money(900 + at) }];
    let prices = vec![
        Price { amount: money(1_250 + at + if differs(2) { 100 } else { 0 }), breaks: Vec::new() },
        Price { amount: money(1_100 + at), breaks: Vec::new() },
        Price { amount: money(1_000 + at), breaks },
    ];
    Article {
        code: if differs(1) { code(at).to_lowercase() } else { code(at) },
        title: if differs(1) { format!("Bolt {at} (old)") } else { format!("Bolt {at}") },
        barcode: format!("{:013}", 4_000_000_000_000 + at * 17),
        stock: LOCATIONS.map(|_| if differs(3) { 107 } else { 100 }).to_vec(),
        prices,
    }
}

fn act(draw: Draw, n: u64, systems: &[Product], chaos_ms: u64) -> Act {
    let mut seat = draw.below(systems.len() as u64, "where", n) as usize;
    let item = code(draw.below(ITEMS, "item", n));
    let deed = match draw.below(100, "deed", n) {
        0..40 => Deed::Move {
            item,
            location: LOCATIONS[draw.below(2, "location", n) as usize].to_owned(),
            by: i64::try_from(draw.below(14, "by", n)).unwrap_or_default() - 6,
        },
        40..58 => Deed::Retitle { item, title: format!("Bolt, edition {n}") },
        58..72 => {
            // Only the owner says what companies pay.
            let list = if seat == 0 { draw.below(3, "list", n) as usize } else { 0 };
            let from = |amount: u64| Break { from: Decimal::from(10), amount: money(amount) };
            let amount = 1_000 + draw.below(2_000, "amount", n);
            let breaks = if list == 0 { Vec::new() } else { vec![from(amount - 100)] };
            Deed::Price { list: LISTS[list].to_owned(), item, price: Price { amount: money(amount), breaks } }
        }
        72..78 => Deed::Barcode { item, barcode: format!("{:013}", 5_000_000_000_000 + n) },
        // One that nobody orders and nobody counts: ERPs book nothing of what is not for sale.
        78..82 => Deed::Offer { item: code(ITEMS), active: draw.chance(500, "active", n) },
        82..86 => Deed::Rename {
            company: company(draw.below(COMPANIES, "company", n)),
            name: format!("Workshop, renamed {n}"),
        },
        _ => {
            let Some(shop) = systems.iter().position(|it| it.is_shop()) else {
                return Act { at_ms: 0, seat, deed: Deed::Retitle { item, title: format!("Bolt {n}") } };
            };
            seat = shop;
            let line = |at: u64| {
                (code((draw.below(ITEMS, "ordered", n) + at) % ITEMS), 1 + draw.below(4, "quantity", n) as u32)
            };
            let lines = (0..1 + draw.below(2, "lines", n)).map(line).collect();
            let company = company(draw.below(COMPANIES, "buyer", n));
            Deed::Order(Placed { po_number: format!("PO-{n:04}"), company, lines })
        }
    };
    Act { at_ms: draw.below(chaos_ms, "when", n), seat, deed }
}
