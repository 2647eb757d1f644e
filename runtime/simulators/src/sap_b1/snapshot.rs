//! What the company holds, for code in the same process.

use serde::Serialize;
use truthsource_core::{Decimal, UnixMs};

use super::SapB1;
use super::model::{
    Book, Document, Item, Notification, Partner, Posting, PriceList, SpecialPrice, Stock, Subscription, Transfer,
    Warehouse,
};
use super::session::RefusedLogin;
use super::settings::Settings;

/// Stock of an item in a warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StockRow {
    /// `ItemCode`.
    pub item: String,
    /// `WarehouseCode`.
    pub warehouse: String,
    /// What a count would find.
    pub on_hand: Decimal,
    /// What open sales orders want, whether it is there or not.
    pub committed: Decimal,
}

/// The price of an item in a list. Prices of zero are none, and not here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PriceRow {
    /// `PriceListNo`.
    pub list: i64,
    /// `ItemCode`.
    pub item: String,
    /// The ISO code.
    pub currency: String,
    /// The price of one.
    pub amount: Decimal,
    /// Prices from a quantity on that hold for the whole list today: (least quantity, price of one), in order.
    pub breaks: Vec<(Decimal, Decimal)>,
}

/// Snapshots. All are in the order of their keys.
impl SapB1 {
    /// The set-up.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.with(|state| state.settings.clone())
    }

    /// Every item.
    #[must_use]
    pub fn items(&self) -> Vec<Item> {
        self.with(|state| state.items.values().cloned().collect())
    }

    /// An item.
    #[must_use]
    pub fn item(&self, code: &str) -> Option<Item> {
        self.with(|state| state.items.get(code).cloned())
    }

    /// All stock of items that are counted: a row for every item and every warehouse.
    #[must_use]
    pub fn stock(&self) -> Vec<StockRow> {
        self.with(|state| {
            let counted = state.items.values().filter(|it| it.is_inventory);
            counted.flat_map(|it| it.stock.values().map(stock_row)).collect()
        })
    }

    /// Stock of an item in a warehouse.
    #[must_use]
    pub fn stock_at(&self, item: &str, warehouse: &str) -> Option<StockRow> {
        self.with(|state| state.items.get(item).and_then(|it| it.stock.get(warehouse)).map(stock_row))
    }

    /// All prices of lists, as of `now`: breaks hold for days.
    #[must_use]
    pub fn prices(&self, now: UnixMs) -> Vec<PriceRow> {
        self.with(|state| {
            let of_item = |item: &Item| {
                let priced = item.prices.values().filter(|it| it.price > Decimal::ZERO);
                let row = |it: &super::model::ItemPrice| PriceRow {
                    list: it.list,
                    item: item.code.clone(),
                    currency: state.settings.iso(it.currency.as_deref().unwrap_or_default()).to_owned(),
                    amount: it.price,
                    breaks: state.breaks(now, it.list, &item.code),
                };
                priced.map(row).collect::<Vec<_>>()
            };
            state.items.values().flat_map(of_item).collect()
        })
    }

    /// Every special price.
    #[must_use]
    pub fn special_prices(&self) -> Vec<SpecialPrice> {
        self.with(|state| state.special.values().cloned().collect())
    }

    /// Every business partner.
    #[must_use]
    pub fn partners(&self) -> Vec<Partner> {
        self.with(|state| state.partners.values().cloned().collect())
    }

    /// Every warehouse.
    #[must_use]
    pub fn warehouses(&self) -> Vec<Warehouse> {
        self.with(|state| state.warehouses.values().cloned().collect())
    }

    /// Every price list.
    #[must_use]
    pub fn price_lists(&self) -> Vec<PriceList> {
        self.with(|state| state.lists.values().cloned().collect())
    }

    /// Every document of a set.
    #[must_use]
    pub fn documents(&self, set: Book) -> Vec<Document> {
        self.with(|state| state.documents.range((set, 0)..=(set, i64::MAX)).map(|(_, it)| it.clone()).collect())
    }

    /// Every sales order.
    #[must_use]
    pub fn orders(&self) -> Vec<Document> {
        self.documents(Book::Orders)
    }

    /// Every delivery.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Document> {
        self.documents(Book::DeliveryNotes)
    }

    /// Every inventory posting.
    #[must_use]
    pub fn postings(&self) -> Vec<Posting> {
        self.with(|state| state.postings.values().cloned().collect())
    }

    /// Every stock transfer.
    #[must_use]
    pub fn transfers(&self) -> Vec<Transfer> {
        self.with(|state| state.transfers.values().cloned().collect())
    }

    /// Who is told of what.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<Subscription> {
        self.with(|state| state.subscriptions.values().cloned().collect())
    }

    /// What became of events.
    #[must_use]
    pub fn notifications(&self) -> Vec<Notification> {
        self.with(|state| state.notifications.clone())
    }

    /// Refused logins, with the reason that the caller was not told.
    #[must_use]
    pub fn refused_logins(&self) -> Vec<RefusedLogin> {
        self.with(|state| state.sessions.refused().to_vec())
    }
}

fn stock_row(it: &Stock) -> StockRow {
    StockRow { item: it.item.clone(), warehouse: it.warehouse.clone(), on_hand: it.on_hand, committed: it.committed }
}
