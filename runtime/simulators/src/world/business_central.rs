//! A Business Central company and its people.

use std::collections::BTreeMap;
use std::sync::Arc;

use truthsource_core::{Decimal, UnixMs};

use super::{
    Article, BASE, Break, Catalogue, Cell, Deed, Held, OrderHeld, Placed, Price, Reader, Refused, Site, charges,
    company_record, created_at, item_record, price_record, spelled, stock_record, unescaped, value,
};
use crate::dynamics::business_central::seed::{SeedCode, SeedCustomer, SeedItem, SeedPrice, SeedPriceList, SeedStock};
use crate::dynamics::business_central::{Editor, Seed, Settings};
use crate::dynamics::token::Application;
use crate::dynamics::{
    self, BusinessCentral, CustomerEdit, ItemEdit, ItemRow, NewOrder, NewOrderLine, OrderRow, PriceEdit,
};
use crate::journal::Change;
use crate::system::System;

/// The numbers of the accounts that shipping, taxes and discounts are booked to.
pub const CHARGE_ACCOUNTS: [&str; 3] = ["6810", "5410", "6910"];

/// A company that was filled from a catalogue. Numbers and codes are in capitals there, whatever was asked for.
pub struct BusinessCentralSite {
    system: Arc<BusinessCentral>,
    catalogue: Names,
    application: Application,
}

/// Names of the catalogue, which are codes in capitals there.
#[derive(Clone)]
struct Names {
    locations: Vec<String>,
    lists: Vec<String>,
}

impl Names {
    fn location(&self, code: &str) -> Option<&str> {
        self.locations.iter().find(|it| it.eq_ignore_ascii_case(code)).map(String::as_str)
    }

    fn list(&self, code: &str) -> Option<&str> {
        self.lists.iter().find(|it| it.eq_ignore_ascii_case(code)).map(String::as_str)
    }
}

impl BusinessCentralSite {
    /// A company with these settings and all of the catalogue in it.
    ///
    /// # Errors
    /// When the catalogue makes no sense.
    pub fn open(now: UnixMs, settings: Settings, catalogue: &Catalogue) -> Result<Self, Refused> {
        let application = settings.application.clone();
        let system = BusinessCentral::new(settings);
        system.seed(now, seed(catalogue)).map_err(refused)?;
        let names = Names { locations: catalogue.locations.clone(), lists: catalogue.lists.clone() };
        Ok(Self { system: Arc::new(system), catalogue: names, application })
    }

    fn item(&self, code: &str) -> Option<ItemRow> {
        self.system.item(code)
    }

    fn edit(&self, now: UnixMs, code: &str, edit: ItemEdit) -> Result<(), Refused> {
        if self.item(code).is_none() {
            return Ok(());
        }
        self.system.set_item(now, Editor::User, code, edit).map_err(refused)
    }

    fn move_stock(&self, now: UnixMs, (code, location): (&str, &str), by: i64) -> Result<(), Refused> {
        if self.item(code).is_none() {
            return Ok(());
        }
        let held = self.system.stock_at(code, location).map(|it| it.on_hand).unwrap_or_default();
        let moved = held.checked_add(Decimal::new(by, 0).unwrap_or_default()).unwrap_or(held).max(Decimal::ZERO);
        self.system.set_stock(now, Editor::User, (code, location), moved).map_err(refused)
    }

    fn price(&self, now: UnixMs, (list, code): (&str, &str), price: &Price) -> Result<(), Refused> {
        if self.item(code).is_none() || self.catalogue.list(list).is_none() {
            return Ok(());
        }
        let rows = if list == BASE { &[][..] } else { &price.breaks[..] };
        let breaks = rows.iter().map(|it| dynamics::Break { from: it.from, amount: it.amount }).collect();
        let edit = PriceEdit { amount: price.amount, breaks };
        self.system.set_price(now, Editor::User, (list, code), edit).map_err(refused)
    }

    fn add(&self, now: UnixMs, article: &Article) -> Result<(), Refused> {
        self.system.add_item(now, Editor::User, seed_item(article)).map_err(refused)?;
        for (list, price) in self.catalogue.lists.iter().zip(&article.prices) {
            self.price(now, (list, &article.code), price)?;
        }
        for (location, count) in self.catalogue.locations.iter().zip(&article.stock) {
            self.move_stock(now, (&article.code, location), *count)?;
        }
        Ok(())
    }

    /// An order of which nothing has left.
    fn untouched_order(&self, po_number: &str) -> Option<OrderRow> {
        let is_untouched = |it: &OrderRow| !it.is_gone && it.lines.iter().all(|line| line.shipped == Decimal::ZERO);
        self.orders_of(po_number).into_iter().find(is_untouched)
    }

    fn book(&self, now: UnixMs, placed: &Placed) -> Result<(), Refused> {
        let line = |(code, n): &(String, u32)| {
            let location = self.catalogue.locations.first().map(|it| it.to_uppercase());
            Some(NewOrderLine { item: self.item(code)?.code, quantity: Decimal::from(*n), unit_price: None, location })
        };
        let lines = placed.lines.iter().filter_map(line).collect();
        let (customer, po_number) = (placed.company.clone(), placed.po_number.clone());
        let order = NewOrder { customer, po_number, currency: None, lines };
        self.system.place_order(now, Editor::User, order).map(drop).map_err(refused)
    }

    fn orders_of(&self, po_number: &str) -> Vec<OrderRow> {
        let is_it = |it: &OrderRow| it.po_number == po_number || written(it).as_deref() == Some(po_number);
        self.system.orders().into_iter().filter(is_it).collect()
    }

    fn items(&self) -> BTreeMap<String, String> {
        self.system.items().into_iter().map(|it| (it.id.to_string(), it.code)).collect()
    }
}

impl Site for BusinessCentralSite {
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
            Deed::Delete { item } => match self.item(item) {
                Some(_) => self.system.delete_item(now, Editor::User, item).map_err(refused),
                None => Ok(()),
            },
            Deed::Move { item, location, by } => self.move_stock(now, (item, location), *by),
            Deed::Price { list, item, price } => self.price(now, (list, item), price),
            Deed::Rename { company, name } => {
                let known = self.system.customers().into_iter().any(|it| it.code == *company);
                let edit = CustomerEdit { name: Some(name.clone()), ..CustomerEdit::default() };
                if known { self.system.set_customer(now, Editor::User, company, edit).map_err(refused) } else { Ok(()) }
            }
            // Orders are taken where they are bought, and so are those who buy.
            Deed::Enrol { .. } | Deed::Order(_) => Ok(()),
            Deed::Book(placed) => self.book(now, placed),
            Deed::Ship { po_number } => match self.untouched_order(po_number) {
                Some(order) => self.system.post_order(now, Editor::User, &order.id.to_string()).map_err(refused),
                None => Ok(()),
            },
            Deed::Parcel { po_number, lines, carrier, tracking } => {
                let orders = self.orders_of(po_number);
                let Some(order) = orders.iter().find(|it| !it.is_gone) else { return Ok(()) };
                let lines: Vec<(String, Decimal)> =
                    lines.iter().map(|(code, n)| (code.to_uppercase(), Decimal::from(*n))).collect();
                let parcel = (Some(lines.as_slice()), carrier.as_str(), tracking.as_str());
                self.system.ship_parcel(now, Editor::User, &order.id.to_string(), parcel).map_err(refused)
            }
            // Orders are changed, paid, and let go where they are bought.
            Deed::Edit { .. } | Deed::Pay { .. } | Deed::Release { .. } => Ok(()),
            Deed::Cancel { po_number } => match self.untouched_order(po_number) {
                Some(order) => self.system.delete_order(now, Editor::User, &order.id.to_string()).map_err(refused),
                None => Ok(()),
            },
        }
    }

    fn lock_out(&self, out: bool) -> Result<(), Refused> {
        let client_secret = if out { "another".to_owned() } else { self.application.client_secret.clone() };
        let application = Application { client_secret, ..self.application.clone() };
        self.system.revoke_tokens();
        self.system.set_settings(Settings { application, ..self.system.settings() });
        Ok(())
    }

    fn held(&self, _now: UnixMs) -> Held {
        let mut held = Held::new();
        let items = self.items();
        let mut put = |record: &str, field: &'static str, value: String| {
            held.insert(Cell::new(record, field), value);
        };
        for it in self.system.items() {
            let record = item_record(&it.code);
            put(&record, "code", it.code);
            put(&record, "title", it.title);
            put(&record, "barcode", it.barcode);
            put(&record, "active", it.active.to_string());
        }
        for it in self.system.stock() {
            let location = it.id.split_once(':').and_then(|(_, code)| self.catalogue.location(&unescaped(code)));
            if let (Some(item), Some(location)) = (items.get(&it.item.to_string()), location) {
                put(&stock_record(item, location), "on_hand", it.on_hand.to_string());
            }
        }
        for it in self.system.prices() {
            let (Some(item), Some(list)) = (items.get(&it.item.to_string()), self.catalogue.list(&it.list)) else {
                continue;
            };
            let record = price_record(list, item);
            if let Some(amount) = it.amount {
                put(&record, "amount", amount.to_string());
            }
            if list != BASE {
                put(&record, "breaks", spelled(it.breaks.iter().map(|it| (it.from, it.amount))));
            }
        }
        for it in self.system.customers() {
            let record = company_record(&it.code);
            put(&record, "code", it.code);
            put(&record, "name", it.name);
        }
        held
    }

    fn room(&self, _field: &str) -> usize {
        100
    }

    fn breaks(&self, _now: UnixMs, list: &str, item: &str) -> Vec<Break> {
        let Some(item) = self.item(item) else { return Vec::new() };
        let mut prices = self.system.prices().into_iter();
        let found = prices.find(|it| it.item == item.id && it.list.eq_ignore_ascii_case(list));
        let rows = found.map(|it| it.breaks).unwrap_or_default();
        rows.into_iter().map(|it| Break { from: it.from, amount: it.amount }).collect()
    }

    fn orders(&self) -> Vec<OrderHeld> {
        let made = created_at(self.system.as_ref());
        let companies: BTreeMap<String, String> =
            self.system.customers().into_iter().map(|it| (it.id.to_string(), it.code)).collect();
        let parcels = self.system.parcels();
        let held = |it: OrderRow| OrderHeld {
            parcels: parcels
                .get(&it.number)
                .into_iter()
                .flatten()
                .map(|(tracking, item, n)| (tracking.clone(), item.to_lowercase(), *n))
                .collect(),
            cancelled: it.is_gone && it.lines.iter().all(|line| line.shipped == Decimal::ZERO),
            shipped: it.lines.iter().all(|line| line.shipped >= line.quantity),
            created_at: made.get(&it.id.to_string()).copied().unwrap_or_default(),
            po_number: written(&it).unwrap_or(it.po_number),
            company: companies.get(&it.company.to_string()).cloned().unwrap_or_default(),
            charges: charges(CHARGE_ACCOUNTS, it.accounts.iter().map(|(name, amount)| (name.as_str(), *amount))),
            total: it.total,
            waits: false,
            lines: it.lines.iter().map(|line| (line.sku.to_lowercase(), line.quantity, line.unit_price)).collect(),
        };
        self.system.orders().into_iter().map(held).collect()
    }

    fn on_hand(&self, item: &str, location: &str) -> Option<Decimal> {
        self.system.stock_at(item, location).map(|it| it.on_hand)
    }

    fn reader(&self) -> Reader {
        let (names, items) = (self.catalogue.clone(), self.items());
        Box::new(move |change| cell(&names, &items, change).map(|cell| (cell, value(change))))
    }
}

fn cell(names: &Names, items: &BTreeMap<String, String>, change: &Change) -> Option<Cell> {
    let pair = || change.id.split_once(':').map(|(one, other)| (unescaped(one), unescaped(other)));
    let record = match change.kind.as_str() {
        "item" => item_record(items.get(&change.id)?),
        "stock-level" => {
            let (item, location) = pair()?;
            stock_record(&item, names.location(&location)?)
        }
        "price" => {
            let (list, item) = pair()?;
            let list = names.list(&list)?;
            if list == BASE && change.field == "breaks" {
                return None;
            }
            price_record(list, &item)
        }
        _ => return None,
    };
    Cell::named(record, &change.field)
}

fn refused(refused: dynamics::Refused) -> Refused {
    Refused(refused.0)
}

fn seed_item(article: &Article) -> SeedItem {
    SeedItem {
        id: None,
        code: article.code.clone(),
        title: article.title.clone(),
        barcode: article.barcode.clone(),
        price: article.prices.first().map(|it| it.amount).unwrap_or_default(),
        active: true,
        never_changed: false,
    }
}

fn seed(catalogue: &Catalogue) -> Seed {
    let location = |name: &String| SeedCode { id: None, code: name.clone(), name: name.clone() };
    let list = |(at, name): (usize, &String)| SeedPriceList {
        code: name.clone(),
        name: format!("{name} price"),
        currency: String::new(),
        customer: None,
        prices: catalogue.articles.iter().filter_map(|it| Some((it, it.prices.get(at)?))).flat_map(rows).collect(),
    };
    let stock = |article: &Article| {
        let rows = catalogue.locations.iter().zip(&article.stock);
        let item = article.code.clone();
        rows.map(move |(location, count)| SeedStock {
            item: item.clone(),
            location: location.clone(),
            on_hand: Decimal::new(*count, 0).unwrap_or_default(),
        })
        .collect::<Vec<_>>()
    };
    let lists = catalogue.lists.iter().enumerate().filter(|(_, name)| *name != BASE);
    Seed {
        locations: catalogue.locations.iter().map(location).collect(),
        items: catalogue.articles.iter().map(seed_item).collect(),
        price_lists: lists.map(list).collect(),
        stock: catalogue.articles.iter().flat_map(stock).collect(),
        customers: catalogue
            .firms
            .iter()
            .map(|firm| SeedCustomer {
                id: None,
                code: firm.code.clone(),
                name: firm.name.clone(),
                email: firm.email.clone(),
                currency: String::new(),
                active: true,
            })
            .collect(),
        ..Seed::default()
    }
}

/// The lines of an article's price on a list.
fn rows((article, price): (&Article, &Price)) -> Vec<SeedPrice> {
    let base = (Decimal::ZERO, price.amount);
    let rows = std::iter::once(base).chain(price.breaks.iter().map(|it| (it.from, it.amount)));
    rows.map(|(from, amount)| SeedPrice { item: article.code.clone(), from, amount }).collect()
}

/// Where the buyer's number has no field of its own, people write it between the lines.
fn written(it: &OrderRow) -> Option<String> {
    it.comments.iter().find_map(|it| it.strip_prefix("PO number: ")).map(str::to_owned)
}
