//! A Dataverse organisation and its people.

use std::collections::BTreeMap;
use std::sync::Arc;

use truthsource_core::{Decimal, UnixMs};

use super::{
    Article, BASE, Break, Catalogue, Cell, Deed, Held, OrderHeld, Placed, Price, Reader, Refused, Site, charges,
    company_record, created_at, item_record, price_record, unescaped, value,
};
use crate::dynamics::dataverse::seed::{SeedAccount, SeedPriceLevel, SeedProduct};
use crate::dynamics::dataverse::{Seed, Settings};
use crate::dynamics::token::Application;
use crate::dynamics::{self, CustomerEdit, Dataverse, ItemEdit, ItemRow, NewOrder, NewOrderLine, OrderRow, PriceEdit};
use crate::journal::Change;
use crate::system::System;

/// An organisation that was filled from a catalogue. Of stock, barcodes and quantity breaks its people know nothing.
pub struct DataverseSite {
    system: Arc<Dataverse>,
    lists: Vec<String>,
    application: Application,
}

impl DataverseSite {
    /// An organisation with these settings and all of the catalogue in it that it has a place for.
    ///
    /// # Errors
    /// When the catalogue makes no sense.
    pub fn open(now: UnixMs, settings: Settings, catalogue: &Catalogue) -> Result<Self, Refused> {
        let application = settings.application.clone();
        let system = Dataverse::new(settings);
        system.seed(now, seed(catalogue)).map_err(refused)?;
        Ok(Self { system: Arc::new(system), lists: catalogue.lists.clone(), application })
    }

    /// Numbers keep their case there, and people do not.
    fn item(&self, code: &str) -> Option<ItemRow> {
        self.system.items().into_iter().find(|it| it.code.eq_ignore_ascii_case(code))
    }

    fn edit(&self, now: UnixMs, code: &str, edit: ItemEdit) -> Result<(), Refused> {
        let Some(item) = self.item(code) else { return Ok(()) };
        self.system.set_item(now, &item.code, edit).map_err(refused)
    }

    fn price(&self, now: UnixMs, (list, code): (&str, &str), price: &Price) -> Result<(), Refused> {
        let Some(item) = self.item(code).filter(|_| self.lists.iter().any(|it| it == list)) else { return Ok(()) };
        let edit = PriceEdit { amount: price.amount, breaks: Vec::new() };
        self.system.set_price(now, (list, &item.code), edit).map_err(refused)
    }

    fn add(&self, now: UnixMs, article: &Article) -> Result<(), Refused> {
        self.system.add_item(now, product(article)).map_err(refused)?;
        let rest = self.lists.iter().zip(&article.prices).filter(|(list, _)| *list != BASE);
        for (list, price) in rest {
            self.price(now, (list, &article.code), price)?;
        }
        Ok(())
    }

    /// Buyers order what is sold here, and leave out the rest.
    fn order(&self, now: UnixMs, placed: &Placed) -> Result<(), Refused> {
        let line = |(code, quantity): &(String, u32)| {
            let item = self.item(code)?.code;
            Some(NewOrderLine { item, quantity: Decimal::from(*quantity), unit_price: None, location: None })
        };
        let order = NewOrder {
            customer: placed.company.clone(),
            po_number: placed.po_number.clone(),
            currency: None,
            lines: placed.lines.iter().filter_map(line).collect(),
        };
        self.system.place_order(now, order).map(drop).map_err(refused)
    }

    /// An order that is open and of which nothing has left.
    fn untouched_order(&self, po_number: &str) -> Option<OrderRow> {
        let is_untouched = |it: &OrderRow| it.status == "open" && it.lines.iter().all(|it| it.shipped == Decimal::ZERO);
        self.system.orders().into_iter().find(|it| it.po_number == po_number && is_untouched(it))
    }

    fn items(&self) -> BTreeMap<String, String> {
        self.system.items().into_iter().map(|it| (it.id.to_string(), it.code)).collect()
    }
}

impl Site for DataverseSite {
    fn system(&self) -> Arc<dyn System> {
        self.system.clone()
    }

    fn act(&self, now: UnixMs, deed: &Deed) -> Result<(), Refused> {
        let edit = |code: &str, edit: ItemEdit| self.edit(now, code, edit);
        match deed {
            Deed::Retitle { item, title } => edit(item, ItemEdit { title: Some(title.clone()), ..ItemEdit::default() }),
            Deed::Offer { item, active } => edit(item, ItemEdit { active: Some(*active), ..ItemEdit::default() }),
            Deed::Recode { item, code } => edit(item, ItemEdit { code: Some(code.clone()), ..ItemEdit::default() }),
            // A product has neither.
            Deed::Barcode { .. } | Deed::Move { .. } => Ok(()),
            Deed::Add(article) => self.add(now, article),
            Deed::Delete { item } => match self.item(item) {
                Some(item) => self.system.delete_item(now, &item.code).map_err(refused),
                None => Ok(()),
            },
            Deed::Price { list, item, price } => self.price(now, (list, item), price),
            Deed::Rename { company, name } => {
                let known = self.system.customers().into_iter().any(|it| it.code == *company);
                let edit = CustomerEdit { name: Some(name.clone()), ..CustomerEdit::default() };
                if known { self.system.set_customer(now, company, edit).map_err(refused) } else { Ok(()) }
            }
            Deed::Order(placed) | Deed::Book(placed) => self.order(now, placed),
            // Whole orders are fulfilled there, and those who buy are taken on in shops.
            Deed::Parcel { .. } | Deed::Enrol { .. } => Ok(()),
            Deed::Ship { po_number } => match self.untouched_order(po_number) {
                Some(order) => self.system.ship_order(now, (&order.id.to_string(), None), None).map_err(refused),
                None => Ok(()),
            },
            // Orders are changed, paid, and let go where they are bought.
            Deed::Edit { .. } | Deed::Pay { .. } | Deed::Release { .. } => Ok(()),
            Deed::Cancel { po_number } => match self.untouched_order(po_number) {
                Some(order) => self.system.cancel_order(now, &order.id.to_string()).map_err(refused),
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
            put(&record, "active", it.active.to_string());
        }
        for it in self.system.prices() {
            if let (Some(item), Some(amount)) = (items.get(&it.item.to_string()), it.amount) {
                put(&price_record(&it.list, item), "amount", amount.to_string());
            }
        }
        for it in self.system.customers() {
            let record = company_record(&it.code);
            put(&record, "code", it.code);
            put(&record, "name", it.name);
        }
        held
    }

    fn can_hold(&self, cell: &Cell) -> bool {
        !cell.record.starts_with("stock-level/") && !matches!(cell.field, "barcode" | "breaks")
    }

    fn breaks(&self, _now: UnixMs, _list: &str, _item: &str) -> Vec<Break> {
        Vec::new()
    }

    fn orders(&self) -> Vec<OrderHeld> {
        let made = created_at(self.system.as_ref());
        let companies: BTreeMap<String, String> =
            self.system.customers().into_iter().map(|it| (it.id.to_string(), it.code)).collect();
        let held = |it: OrderRow| OrderHeld {
            cancelled: it.status == "cancelled",
            shipped: it.lines.iter().all(|line| line.shipped >= line.quantity),
            created_at: made.get(&it.id.to_string()).copied().unwrap_or_default(),
            company: companies.get(&it.company.to_string()).cloned().unwrap_or_default(),
            charges: charges(["freight", "", "discount"], it.accounts.iter().map(|(name, it)| (name.as_str(), *it))),
            total: it.total,
            waits: false,
            lines: it.lines.iter().map(|line| (line.sku.to_lowercase(), line.quantity, line.unit_price)).collect(),
            po_number: it.po_number,
            parcels: Vec::new(),
        };
        self.system.orders().into_iter().map(held).collect()
    }

    fn on_hand(&self, _item: &str, _location: &str) -> Option<Decimal> {
        None
    }

    fn reader(&self) -> Reader {
        let items = self.items();
        Box::new(move |change| cell(&items, change).map(|cell| (cell, value(change))))
    }
}

fn cell(items: &BTreeMap<String, String>, change: &Change) -> Option<Cell> {
    let record = match change.kind.as_str() {
        "item" => item_record(items.get(&change.id)?),
        "price" => {
            let (list, item) = change.id.split_once(':')?;
            price_record(&unescaped(list), &unescaped(item))
        }
        _ => return None,
    };
    Cell::named(record, &change.field)
}

fn refused(refused: dynamics::Refused) -> Refused {
    Refused(refused.0)
}

fn product(article: &Article) -> SeedProduct {
    SeedProduct {
        id: None,
        code: article.code.clone(),
        title: article.title.clone(),
        price: article.prices.first().map(|it| it.amount),
        active: true,
    }
}

fn seed(catalogue: &Catalogue) -> Seed {
    let level = |(at, name): (usize, &String)| SeedPriceLevel {
        name: name.clone(),
        currency: None,
        prices: catalogue.articles.iter().filter_map(|it| Some((it.code.clone(), it.prices.get(at)?.amount))).collect(),
    };
    let account = |firm: &super::Firm| SeedAccount {
        id: None,
        code: firm.code.clone(),
        name: firm.name.clone(),
        email: firm.email.clone(),
        currency: None,
        active: true,
    };
    let lists = catalogue.lists.iter().enumerate().filter(|(_, name)| *name != BASE);
    Seed {
        price_levels: lists.map(level).collect(),
        products: catalogue.articles.iter().map(product).collect(),
        accounts: catalogue.firms.iter().map(account).collect(),
        ..Seed::default()
    }
}
