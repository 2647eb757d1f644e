//! A Shopify shop and its people.

use std::collections::BTreeMap;
use std::sync::Arc;

use truthsource_core::{Decimal, UnixMs};

use super::{
    Article, BASE, Break, Catalogue, Cell, ChargeKind, Deed, Firm, Held, OrderHeld, Placed, Price, Reader, Refused,
    Site, Waits, charges, company_record, item_record, price_record, spelled, stock_record, value,
};
use crate::journal::Change;
use crate::shopify::people::{self, ItemEdit, PlacedLine};
use crate::shopify::seed::{
    Seed, SeedCompany, SeedCompanyLocation, SeedLocation, SeedPrice, SeedPriceList, SeedProduct, SeedVariant,
};
use crate::shopify::settings::{App, Settings};
use crate::shopify::views::{OrderLineView, OrderView, RELEASED};
use crate::shopify::{BreakText, Financial, LocationInput, OrderChange, ParcelInput, Shopify, Status};
use crate::system::System;

/// A shop that was filled from a catalogue. The first of its lists is the shop's own prices.
pub struct ShopifySite {
    system: Arc<Shopify>,
    lists: BTreeMap<u64, String>,
    apps: Vec<App>,
}

impl ShopifySite {
    /// A shop with these settings and all of the catalogue in it.
    ///
    /// # Errors
    /// When the catalogue makes no sense.
    pub fn open(now: UnixMs, settings: Settings, catalogue: &Catalogue) -> Result<Self, Refused> {
        let apps = settings.apps.clone();
        let system = Shopify::new(settings);
        let seeded = system.seed(now, &seed(catalogue)).map_err(refused)?;
        let lists = seeded.price_lists.iter().map(|(name, id)| (*id, name.clone())).collect();
        Ok(Self { system: Arc::new(system), lists, apps })
    }

    fn item(&self, code: &str) -> Option<u64> {
        let of_it = self.system.items().into_iter().filter(|it| it.code.eq_ignore_ascii_case(code));
        of_it.min_by_key(|it| !it.active).map(|it| it.id)
    }

    fn location(&self, name: &str) -> Option<u64> {
        self.system.locations().into_iter().find(|it| it.name == name).map(|it| it.id)
    }

    fn edit(&self, now: UnixMs, code: &str, edit: ItemEdit) -> Result<(), Refused> {
        self.item(code).map_or(Ok(()), |id| self.system.set_item(now, id, edit).map_err(refused))
    }

    fn move_stock(&self, now: UnixMs, (code, location): (&str, &str), by: i64) -> Result<(), Refused> {
        let (Some(item), Some(location)) = (self.item(code), self.location(location)) else { return Ok(()) };
        let held = self.system.on_hand(item, location).unwrap_or(0);
        self.system.set_on_hand(now, item, location, (held + by).max(0)).map_err(refused)
    }

    fn price(&self, now: UnixMs, (list, code): (&str, &str), price: &Price) -> Result<(), Refused> {
        let Some(item) = self.item(code) else { return Ok(()) };
        let of_shop = list == BASE;
        let known = self.lists.iter().find(|(_, name)| *name == list).map(|(id, _)| *id);
        if known.is_none() && !of_shop {
            return Ok(());
        }
        let breaks: Vec<BreakText> = if of_shop { Vec::new() } else { price.breaks.iter().map(break_text).collect() };
        let known = known.filter(|_| !of_shop);
        self.system.set_price(now, known, item, (price.amount, &breaks)).map_err(refused)
    }

    fn place(&self, now: UnixMs, placed: &Placed) -> Result<(), Refused> {
        let company = self.system.companies().into_iter().find(|it| it.code == placed.company);
        let Some(buyer) = company.and_then(|it| it.locations.first().copied()) else { return Ok(()) };
        let line = |(code, quantity): &(String, u32)| {
            let quantity = i32::try_from(*quantity).unwrap_or(i32::MAX);
            Some(PlacedLine { item: self.item(code)?, quantity, price: None })
        };
        let lines: Vec<PlacedLine> = placed.lines.iter().filter_map(line).collect();
        if lines.is_empty() {
            return Ok(());
        }
        let order = people::Placed {
            company_location: Some(buyer),
            po_number: Some(placed.po_number.clone()),
            lines,
            shipping: sum(placed, ChargeKind::Shipping),
            discount: Some(-sum(placed, ChargeKind::Discount))
                .filter(|it| *it != Decimal::ZERO)
                .map(|it| (it, "OFF".to_owned())),
            taxes: Some(sum(placed, ChargeKind::Tax))
                .filter(|it| *it != Decimal::ZERO)
                .map(|it| ("VAT".to_owned(), it))
                .into_iter()
                .collect(),
            financial: if placed.waits.contains(&Waits::Unpaid) { Financial::Pending } else { Financial::Paid },
            on_hold: placed.waits.contains(&Waits::Held),
            risky: placed.waits.contains(&Waits::Suspected),
            ..people::Placed::default()
        };
        self.system.place_order(now, &order).map(drop).map_err(refused)
    }

    fn alter(&self, now: UnixMs, po_number: &str, change: OrderChange) -> Result<(), Refused> {
        self.open_order(po_number).map_or(Ok(()), |it| self.system.alter_order(now, it.id, change).map_err(refused))
    }

    fn open_order(&self, po_number: &str) -> Option<OrderView> {
        let orders = self.system.orders().into_iter();
        let mut open = orders.filter(|it| !it.cancelled && !it.fulfilled);
        open.find(|it| it.po_number.as_deref() == Some(po_number))
    }
}

impl Site for ShopifySite {
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
            Deed::Offer { item, active } => {
                let status = if *active { Status::Active } else { Status::Draft };
                edit(item, ItemEdit { status: Some(status), ..ItemEdit::default() })
            }
            Deed::Recode { item, code } => edit(item, ItemEdit { sku: Some(code.clone()), ..ItemEdit::default() }),
            Deed::Add(article) => {
                let price = article.prices.first().map(|it| it.amount);
                let made = ItemEdit {
                    title: Some(article.title.clone()),
                    sku: Some(article.code.clone()),
                    barcode: Some(article.barcode.clone()),
                    status: Some(Status::Active),
                    price,
                };
                self.system.add_item(now, made).map(drop).map_err(refused)
            }
            Deed::Delete { item } => {
                self.item(item).map_or(Ok(()), |id| self.system.delete_item(now, id).map_err(refused))
            }
            Deed::Move { item, location, by } => self.move_stock(now, (item, location), *by),
            Deed::Price { list, item, price } => self.price(now, (list, item), price),
            Deed::Enrol { company, name } => self.system.add_company(now, name, company).map(drop).map_err(refused),
            Deed::Rename { company, name } => {
                let known = self.system.companies().into_iter().find(|it| it.code == *company);
                known
                    .map_or(Ok(()), |it| self.system.set_company(now, it.id, Some(name.clone()), None).map_err(refused))
            }
            Deed::Order(placed) | Deed::Book(placed) => self.place(now, placed),
            Deed::Ship { po_number } => {
                self.open_order(po_number).map_or(Ok(()), |it| self.system.ship_order(now, it.id).map_err(refused))
            }
            Deed::Parcel { po_number, lines, carrier, tracking } => {
                let Some(order) = self.open_order(po_number) else { return Ok(()) };
                let line = |(code, n): &(String, u32)| {
                    let is_it =
                        |it: &&OrderLineView| it.code.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(code));
                    Some((order.lines.iter().find(is_it)?.id, i32::try_from(*n).ok()?))
                };
                let lines = lines.iter().filter_map(line).collect();
                let (carrier, tracking) = (Some(carrier.clone()), Some(tracking.clone()));
                let parcel = ParcelInput { lines, carrier, tracking };
                self.system.ship_parcel(now, order.id, parcel).map_err(refused)
            }
            Deed::Edit { po_number, lines } => {
                let Some(order) = self.open_order(po_number) else { return Ok(()) };
                let line = |(code, n): &(String, u32)| Some((self.item(code)?, i32::try_from(*n).ok()?));
                let wanted: Vec<(u64, i32)> = lines.iter().filter_map(line).collect();
                self.system.edit_order(now, order.id, &wanted).map_err(refused)
            }
            Deed::Pay { po_number } => {
                self.alter(now, po_number, OrderChange { financial: Some(Financial::Paid), ..OrderChange::default() })
            }
            Deed::Release { po_number } => {
                let tags = Some(vec![RELEASED.to_owned()]);
                self.alter(now, po_number, OrderChange { on_hold: Some(false), tags, ..OrderChange::default() })
            }
            Deed::Cancel { po_number } => {
                self.open_order(po_number).map_or(Ok(()), |it| self.system.cancel_order(now, it.id).map_err(refused))
            }
        }
    }

    fn lock_out(&self, out: bool) -> Result<(), Refused> {
        let mut settings = self.system.settings();
        settings.apps = if out { Vec::new() } else { self.apps.clone() };
        self.system.set_settings(settings);
        Ok(())
    }

    fn held(&self, _now: UnixMs) -> Held {
        let mut held = Held::new();
        let names = Names::of(self);
        let mut put = |record: &str, field: &'static str, value: String| {
            held.insert(Cell::new(record, field), value);
        };
        let mut items = self.system.items();
        // A shop lets several have one code. What is for sale is meant.
        items.sort_by_key(|it| it.active);
        for it in items {
            let record = item_record(&it.code);
            put(&record, "code", it.code);
            put(&record, "title", it.title);
            put(&record, "barcode", it.barcode);
            put(&record, "active", it.active.to_string());
        }
        for it in self.system.stock() {
            if let Some(record) = names.stock(it.item, it.location) {
                put(&record, "on_hand", it.on_hand.to_string());
            }
        }
        for it in self.system.prices() {
            let Some(record) = names.price(it.list, it.item) else { continue };
            put(&record, "amount", it.amount.to_string());
            // The shop's own prices have none.
            if it.list.is_some() {
                put(&record, "breaks", spelled(it.breaks.iter().map(|it| (it.from, it.amount))));
            }
        }
        for it in self.system.companies() {
            let record = company_record(&it.code);
            put(&record, "code", it.code);
            put(&record, "name", it.name);
        }
        held
    }

    fn breaks(&self, _now: UnixMs, list: &str, item: &str) -> Vec<Break> {
        let Some(item) = self.item(item) else { return Vec::new() };
        let is_it = |it: &crate::shopify::views::PriceView| {
            it.item == item && it.list.and_then(|id| self.lists.get(&id)).is_some_and(|name| name == list)
        };
        let price = self.system.prices().into_iter().find(is_it);
        let breaks = price.map(|it| it.breaks).unwrap_or_default();
        breaks.into_iter().map(|it| Break { from: it.from, amount: it.amount }).collect()
    }

    /// Nobody may set it so; it comes to that where more is sold than there is.
    fn goes_below_nothing(&self) -> bool {
        false
    }

    fn orders(&self) -> Vec<OrderHeld> {
        let companies: BTreeMap<u64, String> = self.system.companies().into_iter().map(|it| (it.id, it.code)).collect();
        let held = |it: OrderView| OrderHeld {
            po_number: it.po_number.unwrap_or_default(),
            company: it.company.and_then(|id| companies.get(&id).cloned()).unwrap_or_default(),
            lines: {
                // Of what was called off it is known what it was.
                let wanted = |line: &OrderLineView| if it.cancelled { line.quantity } else { line.current_quantity };
                let code = |line: &OrderLineView| line.code.as_deref().unwrap_or_default().to_lowercase();
                let lines = it.lines.iter().filter(|line| wanted(line) > 0);
                lines.map(|line| (code(line), Decimal::from(wanted(line)), line.price)).collect()
            },
            charges: {
                let kinds = ChargeKind::ALL.map(ChargeKind::as_str);
                charges(kinds, it.charges.iter().map(|(kind, amount)| (kind.as_str(), *amount)))
            },
            total: it.total,
            waits: !it.paid || it.held,
            parcels: it
                .parcels
                .iter()
                .map(|(tracking, code, n)| (tracking.clone(), code.to_lowercase(), Decimal::from(*n)))
                .collect(),
            cancelled: it.cancelled,
            shipped: it.fulfilled,
            created_at: moment(&it.created_at),
        };
        self.system.orders().into_iter().map(held).collect()
    }

    fn on_hand(&self, item: &str, location: &str) -> Option<Decimal> {
        let on_hand = self.system.on_hand(self.item(item)?, self.location(location)?)?;
        Decimal::new(on_hand, 0).ok()
    }

    fn reader(&self) -> Reader {
        let names = Names::of(self);
        Box::new(move |change| names.cell(change).map(|cell| (cell, value(change))))
    }
}

/// The names behind the shop's numbers.
struct Names {
    items: BTreeMap<u64, String>,
    locations: BTreeMap<u64, String>,
    lists: BTreeMap<u64, String>,
}

impl Names {
    fn of(site: &ShopifySite) -> Self {
        Self {
            items: site.system.items().into_iter().map(|it| (it.id, it.code.to_lowercase())).collect(),
            locations: site.system.locations().into_iter().map(|it| (it.id, it.name)).collect(),
            lists: site.lists.clone(),
        }
    }

    fn stock(&self, item: u64, location: u64) -> Option<String> {
        Some(stock_record(self.items.get(&item)?, self.locations.get(&location)?))
    }

    fn price(&self, list: Option<u64>, item: u64) -> Option<String> {
        let list = match list {
            None => BASE,
            Some(list) => self.lists.get(&list)?,
        };
        Some(price_record(list, self.items.get(&item)?))
    }

    fn cell(&self, change: &Change) -> Option<Cell> {
        let pair = || change.id.split_once(':').and_then(|(one, item)| Some((one, item.parse::<u64>().ok()?)));
        let record = match change.kind.as_str() {
            "item" => item_record(self.items.get(&change.id.parse().ok()?)?),
            "stock-level" => pair().and_then(|(item, location)| self.stock(item.parse().ok()?, location))?,
            "price" => {
                let (list, item) = pair()?;
                if list == BASE && change.field == "breaks" {
                    return None;
                }
                self.price(list.parse().ok(), item)?
            }
            _ => return None,
        };
        Cell::named(record, &change.field)
    }
}

fn refused(refused: people::Refused) -> Refused {
    Refused(refused.to_string())
}

fn moment(text: &str) -> UnixMs {
    let ms = text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond).unwrap_or_default();
    UnixMs(u64::try_from(ms).unwrap_or_default())
}

/// What is charged for this.
fn sum(placed: &Placed, kind: ChargeKind) -> Decimal {
    let amounts = placed.charges.iter().filter(|it| it.kind == kind).map(|it| it.amount);
    amounts.fold(Decimal::ZERO, |sum, it| sum.checked_add(it).unwrap_or(sum))
}

fn break_text(it: &Break) -> BreakText {
    BreakText { from: it.from, amount: it.amount }
}

fn yard(firm: &Firm) -> String {
    format!("{}, yard", firm.name)
}

fn product(catalogue: &Catalogue, article: &Article) -> SeedProduct {
    SeedProduct {
        title: article.title.clone(),
        status: Status::Active,
        variants: vec![SeedVariant {
            sku: article.code.clone(),
            barcode: Some(article.barcode.clone()),
            price: article.prices.first().map(|it| it.amount).unwrap_or_default(),
            value: None,
            stock: catalogue.locations.iter().cloned().zip(article.stock.iter().copied()).collect(),
        }],
        ..SeedProduct::default()
    }
}

fn seed(catalogue: &Catalogue) -> Seed {
    let location = |name: &String| SeedLocation { name: name.clone(), fulfills_online_orders: true };
    let list = |(at, name): (usize, &String)| SeedPriceList {
        name: name.clone(),
        currency: None,
        adjustment: None,
        prices: catalogue
            .articles
            .iter()
            .filter_map(|it| Some((it, it.prices.get(at)?)))
            .map(|(article, price)| SeedPrice {
                sku: article.code.clone(),
                amount: price.amount,
                breaks: price.breaks.iter().map(break_text).collect(),
            })
            .collect(),
    };
    let company = |firm: &Firm| {
        let about = LocationInput { name: yard(firm), ..LocationInput::default() };
        let price_lists = if firm.list == BASE { Vec::new() } else { vec![firm.list.clone()] };
        SeedCompany {
            name: firm.name.clone(),
            external_id: Some(firm.code.clone()),
            contact: None,
            locations: vec![SeedCompanyLocation { about, price_lists }],
        }
    };
    Seed {
        locations: catalogue.locations.iter().map(location).collect(),
        products: catalogue.articles.iter().map(|it| product(catalogue, it)).collect(),
        price_lists: catalogue.lists.iter().enumerate().filter(|(_, name)| *name != BASE).map(list).collect(),
        companies: catalogue.firms.iter().map(company).collect(),
    }
}
