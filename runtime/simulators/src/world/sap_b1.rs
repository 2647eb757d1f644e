//! A SAP Business One company and its people.

use std::sync::Arc;

use truthsource_core::{Decimal, UnixMs};

use super::{
    Article, BASE, Break, Catalogue, Cell, Deed, Held, OrderHeld, Placed, Price, Reader, Refused, Site, charges,
    company_record, created_at, item_record, price_record, spelled, stock_record, unescaped, value,
};
use crate::journal::Change;
use crate::sap_b1::model::{CardType, Document};
use crate::sap_b1::seed::{
    Seed, SeedField, SeedItem, SeedList, SeedPartner, SeedPeriod, SeedPrice, SeedSpecial, SeedStock, SeedWarehouse,
};
use crate::sap_b1::settings::{Settings, User};
use crate::sap_b1::{self, ItemEdit, NewOrder, OrderedLine, PartnerEdit, PriceEdit, SapB1};
use crate::system::System;

/// The field of documents that holds whose order it is elsewhere.
pub const EXTERNAL_ID: &str = "ExtId";

/// The codes of the additional expenses that shipping, taxes and discounts are booked as.
pub const CHARGE_EXPENSES: [&str; 3] = ["1", "2", "3"];

/// The company's shipping types, numbered from one.
pub const CARRIERS: [&str; 2] = ["UPS", "DHL"];

/// A company that was filled from a catalogue. Price lists have the numbers of their places in it, from one; warehouses
/// are named by their code.
pub struct SapB1Site {
    system: Arc<SapB1>,
    lists: Vec<String>,
    users: Vec<User>,
}

impl SapB1Site {
    /// A company with these settings and all of the catalogue in it.
    ///
    /// # Errors
    /// When the settings or the catalogue make no sense.
    pub fn open(now: UnixMs, settings: Settings, catalogue: &Catalogue) -> Result<Self, Refused> {
        let default_warehouse = catalogue.locations.first().cloned().unwrap_or_default();
        let users = settings.users.clone();
        let system =
            SapB1::new(Settings { default_warehouse, ..settings }).map_err(|error| Refused(error.to_string()))?;
        system.seed(now, seed(catalogue)).map_err(refused)?;
        Ok(Self { system: Arc::new(system), lists: catalogue.lists.clone(), users })
    }

    /// The code as the company spells it.
    fn item(&self, code: &str) -> Option<String> {
        if self.system.item(code).is_some() {
            return Some(code.to_owned());
        }
        self.system.items().into_iter().find(|it| it.code.eq_ignore_ascii_case(code)).map(|it| it.code)
    }

    fn list(&self, name: &str) -> Option<i64> {
        let at = self.lists.iter().position(|it| it == name)?;
        i64::try_from(at).ok().map(|at| at + 1)
    }

    fn edit(&self, now: UnixMs, code: &str, edit: ItemEdit) -> Result<(), Refused> {
        self.item(code).map_or(Ok(()), |code| self.system.set_item(now, &code, edit).map_err(refused))
    }

    fn move_stock(&self, now: UnixMs, (code, location): (&str, &str), by: i64) -> Result<(), Refused> {
        let Some(code) = self.item(code) else { return Ok(()) };
        let held = self.system.stock_at(&code, location).map(|it| it.on_hand).unwrap_or_default();
        let moved = held.checked_add(Decimal::new(by, 0).unwrap_or_default()).unwrap_or(held).max(Decimal::ZERO);
        self.system.set_on_hand(now, &code, location, moved).map_err(refused)
    }

    fn price(&self, now: UnixMs, (list, code): (&str, &str), price: &Price) -> Result<(), Refused> {
        let (Some(list), Some(code)) = (self.list(list), self.item(code)) else { return Ok(()) };
        let breaks: Vec<(Decimal, Decimal)> = price.breaks.iter().map(|it| (it.from, it.amount)).collect();
        let breaks = (self.lists.first().map(String::as_str) != Some(BASE) || list != 1).then_some(breaks);
        let edit = PriceEdit { amount: price.amount, currency: None, breaks };
        self.system.set_price(now, list, &code, edit).map_err(refused)
    }

    fn add(&self, now: UnixMs, article: &Article) -> Result<(), Refused> {
        self.system.add_item(now, seed_item(article)).map_err(refused)?;
        for (list, price) in self.lists.iter().zip(&article.prices) {
            self.price(now, (list, &article.code), price)?;
        }
        for (warehouse, count) in self.system.warehouses().iter().zip(&article.stock) {
            self.move_stock(now, (&article.code, &warehouse.code), *count)?;
        }
        Ok(())
    }

    fn book(&self, now: UnixMs, placed: &Placed) -> Result<(), Refused> {
        let line = |(code, n): &(String, u32)| {
            let (quantity, warehouse) = (Decimal::from(*n), None);
            Some(OrderedLine { item: self.item(code)?, quantity, warehouse })
        };
        let lines = placed.lines.iter().filter_map(line).collect();
        let reference = Some(placed.po_number.clone());
        let order = NewOrder { customer: placed.company.clone(), reference, due: None, lines };
        self.system.place_order(now, order).map(drop).map_err(refused)
    }

    fn parcel(
        &self,
        now: UnixMs,
        po_number: &str,
        lines: &[(String, u32)],
        (carrier, tracking): (&str, &str),
    ) -> Result<(), Refused> {
        let order = self.system.orders().into_iter().find(|it| it.reference.as_deref() == Some(po_number));
        let Some(order) = order else { return Ok(()) };
        let line = |(code, n): &(String, u32)| {
            let line = order.lines.iter().find(|it| it.item.eq_ignore_ascii_case(code))?;
            Some((line.number, Decimal::from(*n)))
        };
        let lines: Vec<(i64, Decimal)> = lines.iter().filter_map(line).collect();
        let transport = (1..).zip(CARRIERS).find(|(_, it)| *it == carrier).map(|(number, _)| number);
        let marks = (transport, Some(tracking.to_owned()));
        self.system.deliver_parcel(now, order.entry, Some(&lines), marks).map(drop).map_err(refused)
    }

    /// An order of which nothing has left.
    fn untouched_order(&self, po_number: &str) -> Option<Document> {
        let mut orders = self.system.orders().into_iter().filter(|it| it.canonical_status() == "open");
        orders.find(|it| it.reference.as_deref() == Some(po_number))
    }
}

impl Site for SapB1Site {
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
            // An item's code is its key, and a key stays.
            Deed::Recode { .. } => Ok(()),
            Deed::Add(article) => self.add(now, article),
            Deed::Delete { item } => {
                self.item(item).map_or(Ok(()), |code| self.system.delete_item(now, &code).map_err(refused))
            }
            Deed::Move { item, location, by } => self.move_stock(now, (item, location), *by),
            Deed::Price { list, item, price } => self.price(now, (list, item), price),
            Deed::Rename { company, name } => {
                let known = self.system.partners().into_iter().any(|it| it.code == *company);
                let edit = PartnerEdit { name: Some(name.clone()), ..PartnerEdit::default() };
                if known { self.system.set_partner(now, company, edit).map_err(refused) } else { Ok(()) }
            }
            // Orders are taken where they are bought, and so are those who buy.
            Deed::Enrol { .. } | Deed::Order(_) => Ok(()),
            Deed::Book(placed) => self.book(now, placed),
            Deed::Ship { po_number } => match self.untouched_order(po_number) {
                Some(order) => self.system.deliver(now, order.entry, None).map(drop).map_err(refused),
                None => Ok(()),
            },
            Deed::Parcel { po_number, lines, carrier, tracking } => {
                self.parcel(now, po_number, lines, (carrier, tracking))
            }
            // Orders are changed, paid, and let go where they are bought.
            Deed::Edit { .. } | Deed::Pay { .. } | Deed::Release { .. } => Ok(()),
            Deed::Cancel { po_number } => match self.untouched_order(po_number) {
                Some(order) => self.system.cancel_order(now, order.entry).map_err(refused),
                None => Ok(()),
            },
        }
    }

    fn lock_out(&self, out: bool) -> Result<(), Refused> {
        let users = if out { Vec::new() } else { self.users.clone() };
        self.system.end_sessions();
        self.system.set_settings(Settings { users, ..self.system.settings() }).map_err(refused)
    }

    fn refused_logins(&self) -> usize {
        self.system.refused_logins().len()
    }

    fn held(&self, now: UnixMs) -> Held {
        let mut held = Held::new();
        let mut put = |record: &str, field: &'static str, value: String| {
            held.insert(Cell::new(record, field), value);
        };
        for it in self.system.items() {
            let record = item_record(&it.code);
            put(&record, "code", it.code);
            put(&record, "title", it.name.unwrap_or_default());
            put(&record, "barcode", it.barcode.unwrap_or_default());
            put(&record, "active", (it.valid && !it.frozen).to_string());
        }
        for it in self.system.stock() {
            put(&stock_record(&it.item, &it.warehouse), "on_hand", it.on_hand.to_string());
        }
        for it in self.system.prices(now) {
            let Some(list) = list_of(&self.lists, it.list) else { continue };
            let record = price_record(list, &it.item);
            put(&record, "amount", it.amount.to_string());
            if list != BASE {
                put(&record, "breaks", spelled(it.breaks));
            }
        }
        for it in self.system.partners().into_iter().filter(|it| it.ty == CardType::Customer) {
            let record = company_record(&it.code);
            put(&record, "code", it.code);
            put(&record, "name", it.name.unwrap_or_default());
        }
        held
    }

    /// Volume prices are special prices of their own, which nobody fills from outside; an item's code is its key.
    fn can_hold(&self, cell: &Cell) -> bool {
        !matches!(cell.field, "breaks" | "code")
    }

    fn room(&self, _field: &str) -> usize {
        100
    }

    fn goes_below_nothing(&self) -> bool {
        false
    }

    fn breaks(&self, now: UnixMs, list: &str, item: &str) -> Vec<Break> {
        let (Some(list), Some(item)) = (self.list(list), self.item(item)) else { return Vec::new() };
        let found = self.system.prices(now).into_iter().find(|it| it.list == list && it.item == item);
        let rows = found.map(|it| it.breaks).unwrap_or_default();
        rows.into_iter().map(|(from, amount)| Break { from, amount }).collect()
    }

    fn orders(&self) -> Vec<OrderHeld> {
        let made = created_at(self.system.as_ref());
        let deliveries = self.system.deliveries();
        let parcels = |order: i64| {
            let lines = deliveries.iter().flat_map(|it| it.lines.iter().map(|line| (it.tracking.clone(), line)));
            let of_order = lines.filter(|(_, line)| line.base_entry == Some(order));
            of_order.map(|(tracking, it)| (tracking.unwrap_or_default(), it.item.to_lowercase(), it.quantity)).collect()
        };
        let held = |it: Document| OrderHeld {
            parcels: parcels(it.entry),
            cancelled: it.cancelled,
            shipped: it.canonical_status() == "fulfilled",
            created_at: made.get(&it.entry.to_string()).copied().unwrap_or_default(),
            po_number: it.reference.unwrap_or_default(),
            company: it.card.unwrap_or_default(),
            lines: it.lines.iter().map(|line| (line.item.to_lowercase(), line.quantity, line.price)).collect(),
            charges: {
                let booked: Vec<(String, Decimal)> =
                    it.expenses.iter().map(|it| (it.code.to_string(), it.total)).collect();
                charges(CHARGE_EXPENSES, booked.iter().map(|(name, amount)| (name.as_str(), *amount)))
            },
            total: it.total,
            waits: false,
        };
        self.system.orders().into_iter().map(held).collect()
    }

    fn on_hand(&self, item: &str, location: &str) -> Option<Decimal> {
        self.system.stock_at(&self.item(item)?, location).map(|it| it.on_hand)
    }

    fn reader(&self) -> Reader {
        let lists = self.lists.clone();
        Box::new(move |change| cell(&lists, change).map(|cell| (cell, value(change))))
    }
}

fn list_of(lists: &[String], number: i64) -> Option<&str> {
    lists.get(usize::try_from(number).ok()?.checked_sub(1)?).map(String::as_str)
}

fn cell(lists: &[String], change: &Change) -> Option<Cell> {
    let pair = || change.id.split_once(':').map(|(one, other)| (unescaped(one), unescaped(other)));
    let record = match change.kind.as_str() {
        "item" => item_record(&change.id),
        "stock-level" => pair().map(|(item, warehouse)| stock_record(&item, &warehouse))?,
        "price" => {
            let (list, item) = pair()?;
            let list = list_of(lists, list.parse().ok()?)?;
            if list == BASE && change.field == "breaks" {
                return None;
            }
            price_record(list, &item)
        }
        _ => return None,
    };
    Cell::named(record, &change.field)
}

fn refused(refused: sap_b1::Refused) -> Refused {
    Refused(refused.0)
}

fn seed_item(article: &Article) -> SeedItem {
    let (title, barcode) = (Some(article.title.clone()), Some(article.barcode.clone()));
    SeedItem { title, barcode, ..SeedItem::new(article.code.clone()) }
}

fn seed(catalogue: &Catalogue) -> Seed {
    let warehouse = |name: &String| SeedWarehouse { code: name.clone(), name: Some(name.clone()) };
    let list = |(number, name): (i64, &String)| SeedList {
        number,
        name: format!("{name} price"),
        base: None,
        factor: None,
        currency: None,
    };
    let field = SeedField { table: "ORDR".to_owned(), name: EXTERNAL_ID.to_owned() };
    let mut seed = Seed {
        warehouses: catalogue.locations.iter().map(warehouse).collect(),
        price_lists: (1..).zip(&catalogue.lists).map(list).collect(),
        fields: vec![field],
        ..Seed::default()
    };
    for article in &catalogue.articles {
        let item = || article.code.clone();
        seed.items.push(seed_item(article));
        for (number, price) in (1..).zip(&article.prices) {
            seed.prices.push(SeedPrice { item: item(), list: number, currency: None, amount: price.amount });
            if price.breaks.is_empty() {
                continue;
            }
            let volumes = price.breaks.iter().map(|it| (it.from, it.amount)).collect();
            let period = SeedPeriod { from: None, to: None, price: price.amount, volumes };
            let (card, discount) = (format!("*{number}"), Decimal::ZERO);
            let special = SeedSpecial { card, item: item(), price: price.amount, discount, periods: vec![period] };
            seed.special_prices.push(special);
        }
        for (warehouse, count) in catalogue.locations.iter().zip(&article.stock) {
            let on_hand = Decimal::new(*count, 0).unwrap_or_default();
            seed.stock.push(SeedStock { item: item(), warehouse: warehouse.clone(), on_hand });
        }
    }
    for firm in &catalogue.firms {
        let (name, email) = (Some(firm.name.clone()), Some(firm.email.clone()));
        let number = (1..).zip(&catalogue.lists).find(|(_, name)| **name == firm.list).map(|(number, _)| number);
        seed.partners.push(SeedPartner { name, email, price_list: number, ..SeedPartner::new(firm.code.clone()) });
    }
    seed
}
