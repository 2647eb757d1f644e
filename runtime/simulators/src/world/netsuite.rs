//! A NetSuite account and its people.

use std::collections::BTreeMap;
use std::sync::Arc;

use truthsource_core::{Decimal, UnixMs};

use super::{
    Article, BASE, Break, Catalogue, Cell, ChargeKind, Deed, Held, OrderHeld, Placed, Price, Reader, Refused, Site,
    charges, company_record, item_record, price_record, spelled, stock_record, value,
};
use crate::journal::Change;
use crate::netsuite::model::{ItemType, Status, StockKey, Transaction};
use crate::netsuite::seed::{Seed, SeedCustomer, SeedItem, SeedLocation, SeedPrice, SeedStock};
use crate::netsuite::settings::{Named, Script, Tba};
use crate::netsuite::{self, CustomerEdit, ItemEdit, Netsuite, PriceEdit, Settings};
use crate::system::System;

/// The internal ids of the items that shipping, taxes and discounts are booked as.
pub const CHARGE_ITEMS: [&str; 3] = ["501", "502", "503"];

/// The first item's internal id.
const FIRST_ITEM: u64 = 1_000;

/// A NetSuite account that was filled from a catalogue. Price levels and locations have the numbers of their places in it,
/// from one.
pub struct NetsuiteSite {
    system: Arc<Netsuite>,
    lists: Vec<String>,
    tba: Option<Tba>,
}

impl NetsuiteSite {
    /// An account with these settings, but for its price levels, and all of the catalogue in it.
    ///
    /// # Errors
    /// When the settings or the catalogue make no sense.
    pub fn open(now: UnixMs, settings: Settings, catalogue: &Catalogue) -> Result<Self, Refused> {
        let level = |(at, name): (usize, &String)| Named { id: at as u64 + 1, name: format!("{name} price") };
        let price_levels = catalogue.lists.iter().enumerate().map(level).collect();
        let tba = settings.tba.clone();
        let settings = Settings { price_levels, ..settings };
        let system = Netsuite::new(settings).map_err(|error| Refused(error.to_string()))?;
        system.seed(now, seed(catalogue)).map_err(refused)?;
        Ok(Self { system: Arc::new(system), lists: catalogue.lists.clone(), tba })
    }

    fn item(&self, code: &str) -> Option<u64> {
        self.system.items().into_iter().find(|it| it.code.eq_ignore_ascii_case(code)).map(|it| it.id)
    }

    fn location(&self, name: &str) -> Option<u64> {
        self.system.locations().into_iter().find(|it| it.name == name).map(|it| it.id)
    }

    fn edit(&self, now: UnixMs, code: &str, edit: ItemEdit) -> Result<(), Refused> {
        self.item(code).map_or(Ok(()), |id| self.system.set_item(now, id, edit).map_err(refused))
    }

    fn move_stock(&self, now: UnixMs, (code, location): (&str, &str), by: i64) -> Result<(), Refused> {
        let (Some(item), Some(location)) = (self.item(code), self.location(location)) else { return Ok(()) };
        let key = StockKey { item, location };
        let held = self.system.stock_at(key).map(|it| it.on_hand).unwrap_or_default();
        let moved = held.checked_add(Decimal::new(by, 0).unwrap_or_default()).unwrap_or(held).max(Decimal::ZERO);
        self.system.set_on_hand(now, key, moved).map_err(refused)
    }

    fn price(&self, now: UnixMs, (list, code): (&str, &str), price: &Price) -> Result<(), Refused> {
        let level = self.lists.iter().position(|it| it == list);
        let (Some(level), Some(item)) = (level, self.item(code)) else { return Ok(()) };
        let breaks = price.breaks.iter().map(|it| netsuite::Break { from: it.from, amount: it.amount }).collect();
        let edit = PriceEdit { currency: None, amount: price.amount, breaks };
        self.system.set_price(now, item, level as u64 + 1, edit).map_err(refused)
    }

    fn add(&self, now: UnixMs, article: &Article) -> Result<(), Refused> {
        let item = SeedItem { id: None, ..seed_item(article) };
        self.system.add_item(now, item).map_err(refused)?;
        for (list, price) in self.lists.iter().zip(&article.prices) {
            self.price(now, (list, &article.code), price)?;
        }
        let locations = self.system.locations();
        for (location, count) in locations.iter().zip(&article.stock) {
            self.move_stock(now, (&article.code, &location.name), *count)?;
        }
        Ok(())
    }

    fn book(&self, now: UnixMs, placed: &Placed) -> Result<(), Refused> {
        let customer = self.system.customers().into_iter().find(|it| it.code == placed.company);
        let Some(customer) = customer else { return Ok(()) };
        let line = |(code, n): &(String, u32)| Some((self.item(code)?, Decimal::from(*n)));
        let lines: Vec<(u64, Decimal)> = placed.lines.iter().filter_map(line).collect();
        self.system.place_order(now, (customer.id, &placed.po_number), &lines, 1).map(drop).map_err(refused)
    }

    fn parcel(
        &self,
        now: UnixMs,
        po_number: &str,
        lines: &[(String, u32)],
        (carrier, tracking): (String, String),
    ) -> Result<(), Refused> {
        let Some(order) = self.order(po_number) else { return Ok(()) };
        let line = |(code, n): &(String, u32)| {
            let item = self.item(code)?;
            Some((order.lines.iter().find(|it| it.item == item)?.number, Decimal::from(*n)))
        };
        let lines = lines.iter().filter_map(line).collect();
        self.system.fulfil_part(now, order.id, &lines, (Some(carrier), Some(tracking))).map(drop).map_err(refused)
    }

    fn order(&self, po_number: &str) -> Option<Transaction> {
        self.system.orders().into_iter().find(|it| it.po_number.as_deref() == Some(po_number))
    }
}

impl Site for NetsuiteSite {
    fn system(&self) -> Arc<dyn System> {
        self.system.clone()
    }

    fn act(&self, now: UnixMs, deed: &Deed) -> Result<(), Refused> {
        let edit = |code: &str, edit: ItemEdit| self.edit(now, code, edit);
        match deed {
            Deed::Retitle { item, title } => edit(item, ItemEdit { title: Some(title.clone()), ..ItemEdit::default() }),
            Deed::Barcode { item, barcode } => {
                edit(item, ItemEdit { barcode: Some(barcode.clone()), ..ItemEdit::default() })
            }
            Deed::Offer { item, active } => edit(item, ItemEdit { active: Some(*active), ..ItemEdit::default() }),
            Deed::Recode { item, code } => edit(item, ItemEdit { code: Some(code.clone()), ..ItemEdit::default() }),
            Deed::Add(article) => self.add(now, article),
            Deed::Delete { item } => {
                self.item(item).map_or(Ok(()), |id| self.system.delete_item(now, id).map_err(refused))
            }
            Deed::Move { item, location, by } => self.move_stock(now, (item, location), *by),
            Deed::Price { list, item, price } => self.price(now, (list, item), price),
            Deed::Rename { company, name } => {
                let known = self.system.customers().into_iter().find(|it| it.code == *company);
                let edit = CustomerEdit { name: Some(name.clone()), ..CustomerEdit::default() };
                known.map_or(Ok(()), |it| self.system.set_customer(now, it.id, edit).map_err(refused))
            }
            // Orders are taken where they are bought, and so are those who buy.
            Deed::Enrol { .. } | Deed::Order(_) => Ok(()),
            Deed::Book(placed) => self.book(now, placed),
            Deed::Ship { po_number } => match self.order(po_number) {
                Some(order) if order.status == Some(Status::PendingFulfillment) => {
                    self.system.fulfil(now, order.id).map(drop).map_err(refused)
                }
                _ => Ok(()),
            },
            Deed::Parcel { po_number, lines, carrier, tracking } => {
                self.parcel(now, po_number, lines, (carrier.clone(), tracking.clone()))
            }
            // Orders are changed, paid, and let go where they are bought.
            Deed::Edit { .. } | Deed::Pay { .. } | Deed::Release { .. } => Ok(()),
            Deed::Cancel { po_number } => match self.order(po_number) {
                Some(order) if order.status == Some(Status::PendingFulfillment) => {
                    self.system.set_order_status(now, order.id, Status::Cancelled).map_err(refused)
                }
                _ => Ok(()),
            },
        }
    }

    fn install_hook(&self, url: &str, secret: &str) -> Result<(), Refused> {
        let script = Script { url: url.to_owned(), secret: secret.to_owned() };
        self.system.set_settings(Settings { script: Some(script), ..self.system.settings() }).map_err(refused)
    }

    fn lock_out(&self, out: bool) -> Result<(), Refused> {
        let tba = if out { None } else { self.tba.clone() };
        self.system.set_settings(Settings { tba, ..self.system.settings() }).map_err(refused)
    }

    fn refused_logins(&self) -> usize {
        self.system.refusals().len()
    }

    fn held(&self, _now: UnixMs) -> Held {
        let mut held = Held::new();
        let names = Names::of(self);
        let mut put = |record: &str, field: &'static str, value: String| {
            held.insert(Cell::new(record, field), value);
        };
        for it in self.system.items().into_iter().filter(|it| it.ty != ItemType::OthCharge) {
            let record = item_record(&it.code);
            put(&record, "code", it.code);
            put(&record, "title", it.title.unwrap_or_default());
            put(&record, "barcode", it.barcode.unwrap_or_default());
            put(&record, "active", it.active.to_string());
        }
        for it in self.system.stock() {
            if let Some(record) = names.stock(it.item, it.location) {
                put(&record, "on_hand", it.on_hand.to_string());
            }
        }
        let mut breaks: BTreeMap<String, Vec<(Decimal, Decimal)>> = BTreeMap::new();
        for it in self.system.prices() {
            let Some(record) = names.price(it.level, it.item) else { continue };
            let rows = breaks.entry(record.clone()).or_default();
            if it.from == Decimal::ZERO {
                put(&record, "amount", it.amount.to_string());
            } else {
                rows.push((it.from, it.amount));
            }
        }
        // A shop's own prices have none, so those of that list are not compared.
        let of_base = price_record(BASE, "");
        for (record, rows) in breaks.into_iter().filter(|(record, _)| !record.starts_with(&of_base)) {
            put(&record, "breaks", spelled(rows));
        }
        for it in self.system.customers() {
            let record = company_record(&it.code);
            put(&record, "code", it.code);
            put(&record, "name", it.name.unwrap_or_default());
        }
        held
    }

    fn room(&self, field: &str) -> usize {
        if field == "name" { 83 } else { 100 }
    }

    fn breaks(&self, _now: UnixMs, list: &str, item: &str) -> Vec<Break> {
        let level = self.lists.iter().position(|it| it == list);
        let (Some(level), Some(item)) = (level, self.item(item)) else { return Vec::new() };
        let rows = self.system.prices_of(item, level as u64 + 1).into_iter().filter(|it| it.from > Decimal::ZERO);
        rows.map(|it| Break { from: it.from, amount: it.amount }).collect()
    }

    fn orders(&self) -> Vec<OrderHeld> {
        let names = Names::of(self);
        let companies: BTreeMap<u64, String> = self.system.customers().into_iter().map(|it| (it.id, it.code)).collect();
        let is_charge = |it: &&netsuite::model::Line| CHARGE_ITEMS.contains(&it.item.to_string().as_str());
        let line = |it: &netsuite::model::Line| {
            (names.items.get(&it.item).cloned().unwrap_or_default(), it.quantity, it.rate.unwrap_or_default())
        };
        let mut parcels = self.system.parcels();
        let held = |it: Transaction| OrderHeld {
            parcels: parcels
                .remove(&it.id)
                .unwrap_or_default()
                .iter()
                .flat_map(|parcel| {
                    let tracking = parcel.tracking.clone().unwrap_or_default();
                    parcel.lines.iter().map(move |it| (tracking.clone(), it.item, it.quantity))
                })
                .map(|(tracking, item, n)| (tracking, names.items.get(&item).cloned().unwrap_or_default(), n))
                .collect(),
            company: it.entity.and_then(|id| companies.get(&id).cloned()).unwrap_or_default(),
            charges: {
                let booked = it.lines.iter().filter(is_charge);
                let booked: Vec<(String, Decimal)> =
                    booked.map(|it| (it.item.to_string(), it.amount.unwrap_or_default())).collect();
                charges(CHARGE_ITEMS, booked.iter().map(|(name, amount)| (name.as_str(), *amount)))
            },
            total: it.total(),
            waits: false,
            lines: it.lines.iter().filter(|it| !is_charge(it)).map(line).collect(),
            cancelled: it.status == Some(Status::Cancelled),
            shipped: matches!(it.status, Some(Status::PendingBilling | Status::Billed)),
            created_at: it.created,
            po_number: it.po_number.unwrap_or_default(),
        };
        self.system.orders().into_iter().map(held).collect()
    }

    fn on_hand(&self, item: &str, location: &str) -> Option<Decimal> {
        let key = StockKey { item: self.item(item)?, location: self.location(location)? };
        self.system.stock_at(key).map(|it| it.on_hand)
    }

    fn reader(&self) -> Reader {
        let names = Names::of(self);
        Box::new(move |change| names.cell(change).map(|cell| (cell, value(change))))
    }
}

/// The names behind the account's numbers.
struct Names {
    items: BTreeMap<u64, String>,
    locations: BTreeMap<u64, String>,
    lists: Vec<String>,
}

impl Names {
    fn of(site: &NetsuiteSite) -> Self {
        Self {
            items: {
                let sold = site.system.items().into_iter().filter(|it| it.ty != ItemType::OthCharge);
                sold.map(|it| (it.id, it.code.to_lowercase())).collect()
            },
            locations: site.system.locations().into_iter().map(|it| (it.id, it.name)).collect(),
            lists: site.lists.clone(),
        }
    }

    fn stock(&self, item: u64, location: u64) -> Option<String> {
        Some(stock_record(self.items.get(&item)?, self.locations.get(&location)?))
    }

    fn price(&self, level: u64, item: u64) -> Option<String> {
        let list = self.lists.get(usize::try_from(level).ok()?.checked_sub(1)?)?;
        Some(price_record(list, self.items.get(&item)?))
    }

    fn cell(&self, change: &Change) -> Option<Cell> {
        let pair = || {
            let (one, other) = change.id.split_once(':')?;
            Some((one.parse::<u64>().ok()?, other.parse::<u64>().ok()?))
        };
        let record = match change.kind.as_str() {
            "item" => item_record(self.items.get(&change.id.parse().ok()?)?),
            "stock-level" => pair().and_then(|(item, location)| self.stock(item, location))?,
            "price" => {
                let (level, item) = pair()?;
                if level == 1 && change.field == "breaks" {
                    return None;
                }
                self.price(level, item)?
            }
            _ => return None,
        };
        Cell::named(record, &change.field)
    }
}

fn refused(refused: netsuite::Refused) -> Refused {
    Refused(refused.0)
}

fn seed_item(article: &Article) -> SeedItem {
    let (title, barcode) = (Some(article.title.clone()), Some(article.barcode.clone()));
    SeedItem { title, barcode, ..SeedItem::new(article.code.clone()) }
}

fn seed(catalogue: &Catalogue) -> Seed {
    let location = |(at, name): (usize, &String)| SeedLocation { id: Some(at as u64 + 1), name: name.clone() };
    let mut seed =
        Seed { locations: catalogue.locations.iter().enumerate().map(location).collect(), ..Seed::default() };
    for (kind, id) in ChargeKind::ALL.iter().zip(CHARGE_ITEMS) {
        let item = SeedItem::new(format!("charge-{}", kind.as_str()));
        seed.items.push(SeedItem { id: id.parse().ok(), ty: ItemType::OthCharge, ..item });
    }
    for (item, article) in (FIRST_ITEM..).zip(&catalogue.articles) {
        seed.items.push(SeedItem { id: Some(item), ..seed_item(article) });
        for (level, price) in (1..).zip(&article.prices) {
            let base = (Decimal::ZERO, price.amount);
            let rows = std::iter::once(base).chain(price.breaks.iter().map(|it| (it.from, it.amount)));
            let rows = rows.map(|(from, amount)| SeedPrice { item, level, currency: None, from, amount });
            seed.prices.extend(rows);
        }
        for (location, count) in (1..).zip(&article.stock) {
            let on_hand = Decimal::new(*count, 0).unwrap_or_default();
            seed.stock.push(SeedStock { item, location, on_hand });
        }
    }
    for firm in &catalogue.firms {
        let (name, email) = (Some(firm.name.clone()), Some(firm.email.clone()));
        let level = catalogue.lists.iter().position(|it| *it == firm.list).map(|at| at as u64 + 1);
        seed.customers.push(SeedCustomer { name, email, price_level: level, ..SeedCustomer::new(firm.code.clone()) });
    }
    seed
}
