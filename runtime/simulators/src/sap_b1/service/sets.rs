//! The sets of entities, and the keys in them.

use crate::odata::{Arguments, Cell};
use crate::sap_b1::model::Book;
use crate::sap_b1::problem::Problem;

/// A set of entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    Items,
    Warehouses,
    PriceLists,
    SpecialPrices,
    BusinessPartners,
    Documents(Book),
    InventoryCountings,
    InventoryPostings,
    StockTransfers,
    Currencies,
    SqlQueries,
    UserFieldsMd,
    EventSubscriptions,
    EventNotifications,
}

/// The key of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Text(String),
    Entry(i64),
    /// Of a special price: customer and item.
    Pair(String, String),
    /// Of a user-defined field: table and number.
    Field(String, i64),
}

/// Which sort of key a set has, and of which properties it is made.
enum Kind {
    Text(&'static str),
    Entry(&'static str),
    Pair,
    Field,
}

impl Set {
    pub(super) const ALL: [Self; 18] = [
        Self::Items,
        Self::Warehouses,
        Self::PriceLists,
        Self::SpecialPrices,
        Self::BusinessPartners,
        Self::Documents(Book::Orders),
        Self::Documents(Book::DeliveryNotes),
        Self::Documents(Book::Drafts),
        Self::Documents(Book::InventoryGenEntries),
        Self::Documents(Book::InventoryGenExits),
        Self::InventoryCountings,
        Self::InventoryPostings,
        Self::StockTransfers,
        Self::Currencies,
        Self::SqlQueries,
        Self::UserFieldsMd,
        Self::EventSubscriptions,
        Self::EventNotifications,
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Items => "Items",
            Self::Warehouses => "Warehouses",
            Self::PriceLists => "PriceLists",
            Self::SpecialPrices => "SpecialPrices",
            Self::BusinessPartners => "BusinessPartners",
            Self::Documents(book) => book.name(),
            Self::InventoryCountings => "InventoryCountings",
            Self::InventoryPostings => "InventoryPostings",
            Self::StockTransfers => "StockTransfers",
            Self::Currencies => "Currencies",
            Self::SqlQueries => "SQLQueries",
            Self::UserFieldsMd => "UserFieldsMD",
            Self::EventSubscriptions => "EventSubscriptions",
            Self::EventNotifications => "EventNotifications",
        }
    }

    /// The table that a refusal names.
    pub(super) fn table(self) -> &'static str {
        match self {
            Self::Items => "OITM",
            Self::Warehouses => "OWHS",
            Self::PriceLists => "OPLN",
            Self::SpecialPrices => "OSPP",
            Self::BusinessPartners => "OCRD",
            Self::Documents(Book::Orders) => "ORDR",
            Self::Documents(Book::DeliveryNotes) => "ODLN",
            Self::Documents(Book::Drafts) => "ODRF",
            Self::Documents(Book::InventoryGenEntries) => "OIGN",
            Self::Documents(Book::InventoryGenExits) => "OIGE",
            Self::InventoryCountings => "OINC",
            Self::InventoryPostings => "OIQR",
            Self::StockTransfers => "OWTR",
            Self::Currencies => "OCRN",
            Self::SqlQueries => "OUQR",
            Self::UserFieldsMd => "CUFD",
            Self::EventSubscriptions | Self::EventNotifications => "OWHK",
        }
    }

    /// Its entities have ETags.
    pub(super) fn has_etags(self) -> bool {
        matches!(self, Self::Items | Self::BusinessPartners | Self::Documents(_))
    }

    fn kind(self) -> Kind {
        match self {
            Self::Items => Kind::Text("ItemCode"),
            Self::Warehouses => Kind::Text("WarehouseCode"),
            Self::PriceLists => Kind::Entry("PriceListNo"),
            Self::SpecialPrices => Kind::Pair,
            Self::BusinessPartners => Kind::Text("CardCode"),
            Self::Documents(_) | Self::StockTransfers => Kind::Entry("DocEntry"),
            Self::InventoryCountings | Self::InventoryPostings => Kind::Entry("DocumentEntry"),
            Self::Currencies => Kind::Text("Code"),
            Self::SqlQueries => Kind::Text("SqlCode"),
            Self::UserFieldsMd => Kind::Field,
            Self::EventSubscriptions => Kind::Text("WebhookID"),
            Self::EventNotifications => Kind::Text("EventID"),
        }
    }

    /// The properties that its key is made of.
    pub(super) fn key_properties(self) -> &'static [&'static str] {
        match self.kind() {
            Kind::Pair => &["CardCode", "ItemCode"],
            Kind::Field => &["TableName", "FieldID"],
            Kind::Text("ItemCode") => &["ItemCode"],
            Kind::Text("WarehouseCode") => &["WarehouseCode"],
            Kind::Text("CardCode") => &["CardCode"],
            Kind::Text("Code") => &["Code"],
            Kind::Text("SqlCode") => &["SqlCode"],
            Kind::Text("WebhookID") => &["WebhookID"],
            Kind::Text(_) => &["EventID"],
            Kind::Entry("PriceListNo") => &["PriceListNo"],
            Kind::Entry("DocEntry") => &["DocEntry"],
            Kind::Entry(_) => &["DocumentEntry"],
        }
    }

    /// The key in parentheses.
    pub(super) fn key(self, arguments: Option<&Arguments>) -> Result<Key, Problem> {
        let invalid = || Problem::new(400, -1000, format!("Invalid key of '{}'", self.name()));
        let named = |wanted: &str| match arguments {
            Some(Arguments::Named(pairs)) => pairs.iter().find(|(name, _)| name == wanted).map(|(_, it)| it),
            _ => None,
        };
        let single = |name: &str| match arguments {
            Some(Arguments::One(cell)) => Some(cell),
            _ => named(name),
        };
        let key = match self.kind() {
            Kind::Text(name) => single(name).and_then(text).map(Key::Text),
            Kind::Entry(name) => single(name).and_then(whole).map(Key::Entry),
            Kind::Pair => {
                let (card, item) = (named("CardCode").and_then(text), named("ItemCode").and_then(text));
                card.zip(item).map(|(card, item)| Key::Pair(card, item))
            }
            Kind::Field => {
                let (table, id) = (named("TableName").and_then(text), named("FieldID").and_then(whole));
                table.zip(id).map(|(table, id)| Key::Field(table, id))
            }
        };
        key.ok_or_else(invalid)
    }

    /// The key that an event names as its subject.
    pub(super) fn key_of_subject(self, subject: &str) -> Option<Key> {
        match self.kind() {
            Kind::Text(_) => Some(Key::Text(subject.to_owned())),
            Kind::Entry(_) => subject.parse().ok().map(Key::Entry),
            Kind::Pair | Kind::Field => None,
        }
    }

    /// The path of an entity after the service root, fit for a header.
    pub(super) fn path(self, key: &Key) -> String {
        let quoted = |it: &str| {
            let bytes = it.replace('\'', "''").into_bytes();
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~'*".contains(&byte);
            let written =
                bytes.into_iter().map(|it| if plain(it) { char::from(it).to_string() } else { format!("%{it:02X}") });
            format!("'{}'", written.collect::<String>())
        };
        let key = match key {
            Key::Text(it) => quoted(it),
            Key::Entry(it) => it.to_string(),
            Key::Pair(card, item) => format!("CardCode={},ItemCode={}", quoted(card), quoted(item)),
            Key::Field(table, id) => format!("TableName={},FieldID={id}", quoted(table)),
        };
        format!("{}({key})", self.name())
    }
}

fn text(cell: &Cell) -> Option<String> {
    if let Cell::Text(text) = cell { Some(text.clone()) } else { None }
}

fn whole(cell: &Cell) -> Option<i64> {
    if let Cell::Number(number) = cell { number.to_string().parse().ok() } else { None }
}
