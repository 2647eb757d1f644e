//! From a seed to a plan.

use std::collections::BTreeSet;

use truthsource_core::draw::Draw;
use truthsource_core::{Decimal, UnixMs};
use truthsource_simulators::world::{Article, Break, Catalogue, Charge, ChargeKind, Deed, Firm, Placed, Price, Waits};

use super::words::spoken;
use super::{Act, Habits, Menu, Outage, PATIENT, Plan, Reform, Shelf, Stir, tariff, wares};
use crate::demo::world::{LISTS, LOCATIONS, Product};
use crate::sim::drift::Drift;

/// Items that every system knows from the start; the owner has one more.
const ITEMS: u64 = 4;
pub(super) const COMPANIES: u64 = 2;
/// How many there are of an item where nothing else is said.
pub(super) const PLENTY: u32 = 100;
/// When runs begin: on ordinary days, and shortly before clocks are put back or forward where the systems stand.
const BEGINS: [&str; 6] = [
    "2026-09-15T11:50:00Z",
    "2026-10-25T00:55:00Z",
    "2026-11-01T08:55:00Z",
    "2026-12-31T23:55:00Z",
    "2027-03-14T09:55:00Z",
    "2028-02-29T23:55:00Z",
];

/// Those of them at which clocks are changed within the hour, in Europe or in America.
const CHANGES: [usize; 3] = [1, 2, 4];

/// Whether clocks are put back or forward within an hour of this.
pub(super) fn clocks_change(begins: UnixMs) -> bool {
    CHANGES.into_iter().any(|at| moment(BEGINS[at]) == begins)
}

fn moment(text: &str) -> UnixMs {
    let millis = text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond).unwrap_or_default();
    UnixMs(u64::try_from(millis).unwrap_or_default())
}

/// People act at moments this far apart: by themselves, or many at once.
const RUSHES_MS: [u64; 4] = [1, 5_000, 15_000, 30_000];

impl Plan {
    /// The plan of a seed for these systems, the owner first: a random half of the faults, at random strength, and never
    /// fewer than three kinds.
    #[must_use]
    pub fn of(seed: u64, systems: &[Product]) -> Self {
        let draw = Draw::new(seed);
        let chaos_ms = 300_000;
        let begins = moment(BEGINS[draw.below(BEGINS.len() as u64, "begins", 0) as usize]);
        let count = 100 + draw.below(40, "acts", 0);
        let rush_ms = RUSHES_MS[draw.below(RUSHES_MS.len() as u64, "rush", 0) as usize];
        let mut acts: Vec<Act> =
            (0..count).flat_map(|n| of_a_newcomer(draw, n, act(draw, n, systems, (chaos_ms, rush_ms)))).collect();
        let became: Vec<Act> = acts.iter().flat_map(|it| became_of(draw, it, systems)).collect();
        acts.extend(became);
        let stirs = Stir::drawn(draw);
        acts.extend(wares::acts(draw, &stirs, (systems.len(), chaos_ms)));
        acts.sort_by_key(|it| it.at_ms);
        let faults = (0..).map(|round| menu(draw, round, systems.len(), chaos_ms)).find(|it| it.kinds().len() >= 3);
        let first_load = draw.chance(FIRST_LOADS, "faults at the first load", 0);
        let faults = Menu { first_load, ..faults.unwrap_or_default() };
        let mut habits = Habits::drawn(draw);
        if !stirs.is_empty() {
            // What a system never takes would be tried again for ever.
            habits.tries_max = PATIENT;
        }
        let drift = Drift::drawn(draw, systems, chaos_ms);
        // Only NetSuite lists what was deleted, and of prices nobody does. Where a webhook is lost, a sweep finds it out: as
        // often as polls do what changed, so that it is known before all counts as quiet.
        // What is not said of a record for a while is not asked for again, either.
        if drift.is_some() || acts.iter().any(|it| matches!(it.deed, Deed::Delete { .. })) {
            habits.sweep_every_ms = habits.poll_every_ms;
        }
        Self {
            seed,
            systems: systems.to_vec(),
            begins,
            acts,
            reforms: Reform::drawn(draw, systems.len(), chaos_ms),
            faults: Menu { drift, skew: skew(draw, systems), ..faults },
            habits,
            chaos_ms,
            older: older(draw, systems),
            stock: stock(draw),
            shelf: shelf(draw, systems),
            tariff: tariff::drawn(draw, begins),
            stirs,
            neighbour: None,
            mark: None,
        }
        .beside_a_neighbour(draw)
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

/// How many of a thousand systems are of an older edition.
const OLDER: u32 = 200;

fn older(draw: Draw, systems: &[Product]) -> BTreeSet<Product> {
    systems.iter().filter(|it| draw.chance(OLDER, &format!("an older {it}"), 0)).copied().collect()
}

/// What there is at the start: on every other day plenty, and else of each item plenty, few or none.
fn stock(draw: Draw) -> Vec<u32> {
    if draw.chance(500, "there is plenty", 0) {
        return Vec::new();
    }
    let there = |item| [0, 3, 12, PLENTY][draw.below(4, "how many there are", item) as usize];
    (0..ITEMS).map(there).collect()
}

/// How many of a thousand orders are of somebody who was taken on a moment before.
const NEWCOMERS: u32 = 150;

/// Who buys may be nobody whom any system knows, until the shop takes them on, up to three seconds before.
fn of_a_newcomer(draw: Draw, n: u64, act: Act) -> Vec<Act> {
    let Deed::Order(placed) = &act.deed else { return vec![act] };
    if !draw.chance(NEWCOMERS, "a newcomer buys", n) {
        return vec![act];
    }
    let (company, name) = (format!("N-{n}"), spoken(draw, n, format!("Newcomers {n}")));
    let at_ms = act.at_ms.saturating_sub(draw.below(3_000, "taken on before", n));
    let enrol = Act { at_ms, seat: act.seat, deed: Deed::Enrol { company: company.clone(), name } };
    vec![enrol, Act { deed: Deed::Order(Placed { company, ..placed.clone() }), ..act }]
}

/// Stock is published where there is a shop, and somebody else who counts.
fn shelf(draw: Draw, systems: &[Product]) -> Option<Shelf> {
    let is_sold = systems.iter().any(|it| it.is_shop()) && systems.first().is_some_and(|it| !it.is_shop());
    Shelf::drawn(draw, &LOCATIONS).filter(|_| is_sold)
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
        page_for_answer: rate("page-for-answer", 40),
        unapplied: rate("accepted-not-applied", 30),
        signed_out: rate("token-expiry", 30),
        locked: rate("record-lock", 200),
        // Never so few that what is looked up at once would not be there at once.
        page_max: Some(strength("small-pages", 6) as usize).filter(|it| *it > 0).map_or(0, |it| it + 2),
        webhook_lost: rate("webhook-lost", 400),
        webhook_duplicate: rate("webhook-duplicate", 400),
        webhook_late: rate("webhook-late", 400),
        mute: (0..seats).filter(|seat| draw.chance(150, &format!("mute {seat}"), round)).collect(),
        search_lag_ms: strength("search-lag", 20_000),
        outages: outages.collect(),
        crash_before: rate("crash-before", 15),
        crash_after: rate("crash-after", 15),
        crash_at_cursors: rate("crash-at-cursors", 150),
        stalled: rate("stalled", 20),
        listing_empty: rate("listing-empty", 200),
        listing_cut: rate("listing-cut", 300),
        ..Menu::default()
    }
}

/// In how many of a thousand days faults begin with the first request.
const FIRST_LOADS: u32 = 300;

/// In how many of a thousand days the clock of a system in a back room is a day wrong.
const SKEWED_DAYS: u32 = 100;

fn skew(draw: Draw, systems: &[Product]) -> Option<(usize, i64)> {
    let seat = systems.iter().position(|it| *it == Product::SapB1)?;
    let ahead = if draw.chance(500, "a clock is ahead", 0) { DAY_MS } else { -DAY_MS };
    draw.chance(SKEWED_DAYS, "a clock is wrong", 0).then_some((seat, ahead))
}

/// A day, in milliseconds.
const DAY_MS: i64 = 86_400_000;

pub(super) fn code(at: u64) -> String {
    format!("BOLT-{at}")
}

pub(super) fn company(at: u64) -> String {
    format!("C-{at}")
}

pub(super) fn money(cents: u64) -> Decimal {
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
        stock: LOCATIONS.map(|_| i64::from(PLENTY) + if differs(3) { 7 } else { 0 }).to_vec(),
        prices,
    }
}

fn act(draw: Draw, n: u64, systems: &[Product], (chaos_ms, rush_ms): (u64, u64)) -> Act {
    let at_ms = draw.below(chaos_ms, "when", n);
    let at_ms = at_ms - at_ms % rush_ms;
    let mut seat = draw.below(systems.len() as u64, "where", n) as usize;
    // In a rush most of what happens is about the same few things.
    let is_hot = rush_ms > 1 && draw.chance(750, "is what all want", n);
    let one_of = |of: u64, what: &str| if is_hot { draw.below(of, what, at_ms) } else { draw.below(of, what, n) };
    let item = code(one_of(ITEMS, "item"));
    let deed = match draw.below(100, "deed", n) {
        0..46 => Deed::Move {
            item,
            location: LOCATIONS[one_of(2, "location") as usize].to_owned(),
            by: i64::try_from(draw.below(14, "by", n)).unwrap_or_default() - 6,
        },
        46..64 => Deed::Retitle { item, title: spoken(draw, n, format!("Bolt, edition {n}")) },
        64..78 => {
            // Only the owner says what companies pay.
            let list = if seat == 0 { one_of(3, "list") as usize } else { 0 };
            let from = |amount: u64| Break { from: Decimal::from(10), amount: money(amount) };
            let amount = 1_000 + draw.below(2_000, "amount", n);
            let breaks = if list == 0 { Vec::new() } else { vec![from(amount - 100)] };
            Deed::Price { list: LISTS[list].to_owned(), item, price: Price { amount: money(amount), breaks } }
        }
        78..84 => Deed::Barcode { item, barcode: format!("{:013}", 5_000_000_000_000 + n) },
        // One that nobody orders and nobody counts: ERPs book nothing of what is not for sale.
        84..88 => Deed::Offer { item: code(ITEMS), active: draw.chance(500, "active", n) },
        88..92 => {
            let name = spoken(draw, n, format!("Workshop, renamed {n}"));
            Deed::Rename { company: company(one_of(COMPANIES, "company")), name }
        }
        _ => {
            let Some(shop) = systems.iter().position(|it| it.is_shop()) else {
                return Act { at_ms, seat, deed: Deed::Retitle { item, title: format!("Bolt {n}") } };
            };
            seat = shop;
            let line = |at: u64| {
                (code((draw.below(ITEMS, "ordered", n) + at) % ITEMS), 1 + draw.below(4, "quantity", n) as u32)
            };
            let lines = (0..1 + draw.below(2, "lines", n)).map(line).collect();
            let company = company(draw.below(COMPANIES, "buyer", n));
            Deed::Order(Placed {
                po_number: format!("PO-{n:04}"),
                company,
                lines,
                charges: charges(draw, n),
                waits: waits(draw, n),
            })
        }
    };
    Act { at_ms, seat, deed }
}

/// What keeps an order at first: now and then something.
fn waits(draw: Draw, n: u64) -> Vec<Waits> {
    let why = [Waits::Unpaid, Waits::Held, Waits::Suspected];
    let is_kept = |why: &Waits| draw.chance(150, &format!("order is {why:?}"), n);
    why.into_iter().filter(is_kept).collect()
}

/// What is charged beside the lines: often something, and of each kind sometimes.
fn charges(draw: Draw, n: u64) -> Vec<Charge> {
    let charge = |kind: ChargeKind| {
        let name = |what: &str| format!("{what} {}", kind.as_str());
        let cents = 1 + draw.below(300, &name("cents of"), n);
        let amount = if kind == ChargeKind::Discount { -money(cents) } else { money(cents) };
        draw.chance(500, &name("charged"), n).then_some(Charge { kind, amount })
    };
    ChargeKind::ALL.into_iter().filter_map(charge).collect()
}

/// What becomes of an order: it leaves, in a parcel or two, from the first system that books orders; or it is called off,
/// there or in the shop.
fn became_of(draw: Draw, act: &Act, systems: &[Product]) -> Vec<Act> {
    let Deed::Order(order) = &act.deed else { return Vec::new() };
    let Some(erp) = systems.iter().position(|it| !it.is_shop()) else { return Vec::new() };
    let name = |what: &str| format!("{what} of {}", order.po_number);
    let after = |what: &str, from_ms: u64| from_ms + draw.below(60_000, &name(what), 0);
    let po_number = order.po_number.clone();
    let mut acts = let_go(order, |what| Act { at_ms: after(what, act.at_ms), ..act.clone() });
    let fate = draw.below(100, &name("fate"), 0);
    if fate >= 75 {
        acts.extend(
            edited(draw, order).map(|deed| Act { at_ms: after("edit", act.at_ms), ..Act { deed, ..act.clone() } }),
        );
        return acts;
    }
    if fate >= 60 {
        let seat = if draw.chance(500, &name("called off where it is booked"), 0) { erp } else { act.seat };
        acts.push(Act { at_ms: after("call-off", act.at_ms), seat, deed: Deed::Cancel { po_number } });
        return acts;
    }
    let Some((item, ordered)) = order.lines.first() else { return acts };
    let n = 1 + draw.below(u64::from(*ordered), &name("parcel size"), 0) as u32;
    let first_ms = after("parcel", act.at_ms + 5_000);
    let (carrier, tracking) = ("UPS".to_owned(), format!("1Z-{po_number}"));
    let parcel = Deed::Parcel { po_number: po_number.clone(), lines: vec![(item.clone(), n)], carrier, tracking };
    acts.push(Act { at_ms: first_ms, seat: erp, deed: parcel });
    if draw.chance(500, &name("the rest leaves"), 0) {
        acts.push(Act { at_ms: after("rest", first_ms), seat: erp, deed: Deed::Ship { po_number } });
    }
    acts
}

/// What people do so that an order waits no more.
fn let_go(order: &Placed, at: impl Fn(&str) -> Act) -> Vec<Act> {
    let po_number = || order.po_number.clone();
    let is_unpaid = order.waits.contains(&Waits::Unpaid);
    let is_held = order.waits.iter().any(|it| *it != Waits::Unpaid);
    let paid = is_unpaid.then(|| Act { deed: Deed::Pay { po_number: po_number() }, ..at("payment") });
    let released = is_held.then(|| Act { deed: Deed::Release { po_number: po_number() }, ..at("release") });
    paid.into_iter().chain(released).collect()
}

/// What a buyer makes of an order of which nothing leaves: more or fewer of the first item, and another one.
fn edited(draw: Draw, order: &Placed) -> Option<Deed> {
    let name = |what: &str| format!("{what} of {}", order.po_number);
    if draw.chance(400, &name("it stays"), 0) {
        return None;
    }
    let (first, _) = order.lines.first()?;
    let other = code(draw.below(ITEMS, &name("added"), 0));
    let n = |what: &str| 1 + u32::try_from(draw.below(4, &name(what), 0)).unwrap_or_default();
    let mut lines = vec![(first.clone(), n("edited quantity"))];
    lines.extend((other != *first).then(|| (other, n("added quantity"))));
    Some(Deed::Edit { po_number: order.po_number.clone(), lines })
}
