//! The entities of the API: their columns, what may be written, and how they lead to one another.

mod columns;

pub(super) use columns::ORDER_STATUS;
use columns::{
    ADJUSTMENTS, CURRENCIES, CUSTOMERS, INVOICE_LINES, INVOICES, ITEM_CATEGORIES, ITEMS, LEDGER_ENTRIES, LOCATIONS,
    ORDER_LINES, ORDERS, PAYMENT_TERMS, PRICE_LINES, PRICE_LISTS, SHIPMENT_LINES, SHIPMENTS, STOCKS, UNITS,
};

/// A table behind the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Set {
    Items,
    Customers,
    Locations,
    Currencies,
    PaymentTerms,
    Units,
    ItemCategories,
    LedgerEntries,
    Orders,
    OrderLines,
    Shipments,
    ShipmentLines,
    Invoices,
    InvoiceLines,
    Stocks,
    Adjustments,
    PriceLists,
    PriceLines,
    /// Orders that were posted in full: in no API, kept for snapshots.
    PastOrders,
    /// Their lines.
    PastLines,
}

/// Which API an entity is served by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    /// Microsoft's `v2.0`.
    Standard,
    /// The customer's own page of stock per location.
    Stocks,
    /// The customer's own page of movements of that stock.
    Adjustments,
    /// The customer's own page of price list heads.
    PriceLists,
    /// The customer's own page of price list lines.
    PriceLines,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ty {
    /// Text of at most so many characters.
    Text(usize),
    /// A code: text that is stored in capitals.
    Code(usize),
    /// One of these captions; blank is one blank.
    Choice(&'static [&'static str]),
    Number,
    Integer,
    Flag,
    Id,
    Day,
    Moment,
}

/// Who may give a column its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Every write.
    Write,
    /// No write: the system does.
    Read,
}

/// A property of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub name: &'static str,
    pub ty: Ty,
    pub access: Access,
}

/// How one entity leads to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To the rows that belong to it.
    Owned,
    /// To the row that this column names.
    By(&'static str),
}

/// A navigation property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nav {
    pub name: &'static str,
    pub to: Set,
    pub way: Way,
}

/// What the API lets a caller do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verbs {
    pub insert: bool,
    pub modify: bool,
    pub delete: bool,
}

/// An entity of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entity {
    pub set: Set,
    pub api: Api,
    pub plural: &'static str,
    pub singular: &'static str,
    pub columns: &'static [Column],
    pub navs: &'static [Nav],
    pub verbs: Verbs,
    /// Changes can be subscribed to.
    pub subscribable: bool,
}

impl Entity {
    pub(super) fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|it| it.name == name)
    }

    pub(super) fn nav(&self, name: &str) -> Option<&'static Nav> {
        self.navs.iter().find(|it| it.name == name)
    }
}

const fn owned(name: &'static str, to: Set) -> Nav {
    Nav { name, to, way: Way::Owned }
}

const fn by(name: &'static str, to: Set, column: &'static str) -> Nav {
    Nav { name, to, way: Way::By(column) }
}

const ALL: Verbs = Verbs { insert: true, modify: true, delete: true };
const NONE: Verbs = Verbs { insert: false, modify: false, delete: false };

const fn master(set: Set, plural: &'static str, singular: &'static str, columns: &'static [Column]) -> Entity {
    Entity { set, api: Api::Standard, plural, singular, columns, navs: &[], verbs: ALL, subscribable: true }
}

/// Every entity that is served.
pub(super) const ENTITIES: &[Entity] = &[
    Entity {
        navs: &[
            by("unitOfMeasure", Set::Units, "baseUnitOfMeasureId"),
            by("itemCategory", Set::ItemCategories, "itemCategoryId"),
        ],
        ..master(Set::Items, "items", "item", ITEMS)
    },
    Entity {
        navs: &[by("currency", Set::Currencies, "currencyId"), by("paymentTerm", Set::PaymentTerms, "paymentTermsId")],
        ..master(Set::Customers, "customers", "customer", CUSTOMERS)
    },
    Entity { subscribable: false, ..master(Set::Locations, "locations", "location", LOCATIONS) },
    master(Set::Currencies, "currencies", "currency", CURRENCIES),
    master(Set::PaymentTerms, "paymentTerms", "paymentTerm", PAYMENT_TERMS),
    master(Set::Units, "unitsOfMeasure", "unitOfMeasure", UNITS),
    master(Set::ItemCategories, "itemCategories", "itemCategory", ITEM_CATEGORIES),
    Entity {
        verbs: NONE,
        subscribable: false,
        ..master(Set::LedgerEntries, "itemLedgerEntries", "itemLedgerEntry", LEDGER_ENTRIES)
    },
    Entity {
        navs: &[
            owned("salesOrderLines", Set::OrderLines),
            by("customer", Set::Customers, "customerId"),
            by("currency", Set::Currencies, "currencyId"),
            by("paymentTerm", Set::PaymentTerms, "paymentTermsId"),
        ],
        ..master(Set::Orders, "salesOrders", "salesOrder", ORDERS)
    },
    Entity {
        navs: &[
            by("item", Set::Items, "itemId"),
            by("location", Set::Locations, "locationId"),
            by("salesOrder", Set::Orders, "documentId"),
        ],
        subscribable: false,
        ..master(Set::OrderLines, "salesOrderLines", "salesOrderLine", ORDER_LINES)
    },
    Entity {
        navs: &[owned("salesShipmentLines", Set::ShipmentLines), by("customer", Set::Customers, "customerId")],
        verbs: NONE,
        subscribable: false,
        ..master(Set::Shipments, "salesShipments", "salesShipment", SHIPMENTS)
    },
    Entity {
        verbs: NONE,
        subscribable: false,
        ..master(Set::ShipmentLines, "salesShipmentLines", "salesShipmentLine", SHIPMENT_LINES)
    },
    Entity {
        navs: &[owned("salesInvoiceLines", Set::InvoiceLines), by("customer", Set::Customers, "customerId")],
        verbs: NONE,
        ..master(Set::Invoices, "salesInvoices", "salesInvoice", INVOICES)
    },
    Entity {
        verbs: NONE,
        subscribable: false,
        ..master(Set::InvoiceLines, "salesInvoiceLines", "salesInvoiceLine", INVOICE_LINES)
    },
    Entity {
        api: Api::Stocks,
        verbs: Verbs { delete: false, ..ALL },
        ..master(Set::Stocks, "itemLocationStocks", "itemLocationStock", STOCKS)
    },
    Entity {
        api: Api::Adjustments,
        verbs: Verbs { insert: true, ..NONE },
        ..master(Set::Adjustments, "itemLocationAdjustments", "itemLocationAdjustment", ADJUSTMENTS)
    },
    Entity {
        api: Api::PriceLists,
        navs: &[owned("priceListLines", Set::PriceLines)],
        ..master(Set::PriceLists, "priceLists", "priceList", PRICE_LISTS)
    },
    Entity { api: Api::PriceLines, ..master(Set::PriceLines, "priceListLines", "priceListLine", PRICE_LINES) },
];

/// The entity that shows a table; `None` for those that no API shows.
pub(super) fn of(set: Set) -> Option<&'static Entity> {
    ENTITIES.iter().find(|it| it.set == set)
}

/// An enum value as JSON spells it: what may not stand in an XML name is escaped.
pub(super) fn escaped(caption: &str) -> String {
    let mut text = String::with_capacity(caption.len());
    for letter in caption.chars() {
        if letter.is_ascii_alphanumeric() || letter == '_' {
            text.push(letter);
        } else {
            text.push_str(&format!("_x{:04x}_", u32::from(letter)).to_uppercase().replace("_X", "_x"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_escaped_like_xml_names() {
        for (caption, expect) in [
            (" ", "_x0020_"),
            ("In Review", "In_x0020_Review"),
            ("Positive Adjmt.", "Positive_x0020_Adjmt_x002E_"),
            ("Non-Inventory", "Non_x002D_Inventory"),
            ("Ship", "Ship"),
        ] {
            assert_eq!(escaped(caption), expect);
        }
    }
}
