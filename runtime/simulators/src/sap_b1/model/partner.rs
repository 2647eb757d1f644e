//! Business partners: customers, suppliers and leads.

use serde::{Deserialize, Serialize};
use truthsource_core::Decimal;

use super::super::clock::Stamp;
use super::super::shape::{
    Collection, Datum, Edm, Line, Property, Shape, UserFields, YES_NO, int, maybe, merge, show_all, text, yes_no,
};

/// What a partner is to the company.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardType {
    /// It buys.
    #[default]
    Customer,
    /// It sells.
    Supplier,
    /// It may buy some day.
    Lead,
}

const CARD_TYPES: Edm = Edm::Enum("BoCardTypes", &[("cCustomer", "C"), ("cSupplier", "S"), ("cLid", "L")]);
const ADDRESS_TYPES: Edm = Edm::Enum("BoAddressType", &[("bo_ShipTo", "S"), ("bo_BillTo", "B")]);

impl CardType {
    /// The name of the enumeration's member.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "cCustomer",
            Self::Supplier => "cSupplier",
            Self::Lead => "cLid",
        }
    }

    /// The letter in the database.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::Customer => "C",
            Self::Supplier => "S",
            Self::Lead => "L",
        }
    }
}

/// A business partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Partner {
    /// `CardCode`, which never changes.
    pub code: String,
    /// `CardName`.
    pub name: Option<String>,
    /// `CardType`.
    pub ty: CardType,
    /// `GroupCode`.
    pub group: i64,
    /// `PriceListNum`: the list it buys from.
    pub price_list: i64,
    /// `Currency`; `##` is all of them.
    pub currency: String,
    /// `CreditLimit`.
    pub credit_limit: Decimal,
    /// `FederalTaxID`.
    pub tax_id: Option<String>,
    /// `EmailAddress`.
    pub email: Option<String>,
    /// `Phone1`.
    pub phone: Option<String>,
    /// `PayTermsGrpCode`.
    pub payment_terms: i64,
    /// `DiscountPercent`: what its documents are discounted by as a whole.
    pub discount: Decimal,
    /// `FatherCard`: who pays.
    pub father: Option<String>,
    /// `Valid`.
    pub valid: bool,
    /// `Frozen`.
    pub frozen: bool,
    /// `BPAddresses`.
    pub addresses: Vec<Address>,
    /// `ContactEmployees`.
    pub contacts: Vec<Contact>,
    /// User-defined fields.
    #[serde(skip)]
    pub(in crate::sap_b1) user_fields: UserFields,
    /// When it was made.
    pub created: Stamp,
    /// When it was last saved.
    pub updated: Option<Stamp>,
    /// Counts saves: what the ETag is of.
    pub version: u64,
    /// What the body of a write said of `Valid` and `Frozen`.
    #[serde(skip)]
    pub(in crate::sap_b1) said: (Option<bool>, Option<bool>),
}

impl Partner {
    /// May buy.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.valid && !self.frozen
    }
}

/// An address of a partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Address {
    /// `RowNum`.
    pub row: i64,
    /// `BPCode`: whose it is.
    pub partner: String,
    /// `AddressName`.
    pub name: Option<String>,
    /// `Street`.
    pub street: Option<String>,
    /// `City`.
    pub city: Option<String>,
    /// `ZipCode`.
    pub zip: Option<String>,
    /// `State`.
    pub state: Option<String>,
    /// `Country`: two letters.
    pub country: Option<String>,
    /// `AddressType`: bills go there, not goods.
    pub is_billing: bool,
}

/// A person at a partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// `InternalCode`.
    pub code: i64,
    /// `CardCode`: where it works.
    pub partner: String,
    /// `Name`.
    pub name: Option<String>,
    /// `FirstName`.
    pub first_name: Option<String>,
    /// `LastName`.
    pub last_name: Option<String>,
    /// `E_Mail`.
    pub email: Option<String>,
    /// `Phone1`.
    pub phone: Option<String>,
    /// `Active`.
    pub active: bool,
}

impl Shape for Partner {
    const TYPE: &'static str = "BusinessPartner";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("CardCode", Edm::Chars(15), |it| text(&it.code)),
        Property::<Self>::new("CardName", Edm::Chars(100), |it| maybe(&it.name)).set(|it, to| it.name = to.into_text()),
        Property::<Self>::new("CardType", CARD_TYPES, |it| Datum::Member(it.ty.name())).set(|it, to| {
            it.ty = match &to {
                to if to.is("cSupplier") => CardType::Supplier,
                to if to.is("cLid") => CardType::Lead,
                _ => CardType::Customer,
            };
        }),
        Property::<Self>::new("GroupCode", Edm::Int, |it| Datum::Int(it.group))
            .set(|it, to| it.group = to.int().unwrap_or(100)),
        Property::<Self>::new("PriceListNum", Edm::Int, |it| Datum::Int(it.price_list))
            .set(|it, to| it.price_list = to.int().unwrap_or(1)),
        Property::<Self>::new("Currency", Edm::Chars(3), |it| text(&it.currency))
            .set(|it, to| it.currency = to.into_text().unwrap_or_default()),
        Property::<Self>::new("CreditLimit", Edm::Double, |it| Datum::Double(it.credit_limit))
            .set(|it, to| it.credit_limit = to.number()),
        Property::<Self>::new("CurrentAccountBalance", Edm::Double, |_| Datum::Double(Decimal::ZERO)),
        Property::<Self>::new("FederalTaxID", Edm::Chars(32), |it| maybe(&it.tax_id))
            .set(|it, to| it.tax_id = to.into_text()),
        Property::<Self>::new("EmailAddress", Edm::Chars(100), |it| maybe(&it.email))
            .set(|it, to| it.email = to.into_text()),
        Property::<Self>::new("Phone1", Edm::Chars(20), |it| maybe(&it.phone)).set(|it, to| it.phone = to.into_text()),
        Property::<Self>::new("PayTermsGrpCode", Edm::Int, |it| Datum::Int(it.payment_terms))
            .set(|it, to| it.payment_terms = to.int().unwrap_or(-1)),
        Property::<Self>::new("DiscountPercent", Edm::Double, |it| Datum::Double(it.discount))
            .set(|it, to| it.discount = to.number()),
        Property::<Self>::new("FatherCard", Edm::Chars(15), |it| maybe(&it.father))
            .set(|it, to| it.father = to.into_text()),
        Property::<Self>::new("Valid", YES_NO, |it| yes_no(it.valid)).set(|it, to| it.said.0 = Some(to.is_yes())),
        Property::<Self>::new("Frozen", YES_NO, |it| yes_no(it.frozen)).set(|it, to| it.said.1 = Some(to.is_yes())),
        Property::<Self>::new("UpdateDate", Edm::Date, |it| Datum::date(it.updated.map(|it| it.date))),
        Property::<Self>::new("UpdateTime", Edm::Time, |it| it.updated.map_or(Datum::Null, |it| Datum::Time(it.time))),
        Property::<Self>::new("CreateDate", Edm::Date, |it| Datum::Date(it.created.date)),
        Property::<Self>::new("CreateTime", Edm::Time, |it| Datum::Time(it.created.time)),
    ];
    const COLLECTIONS: &'static [Collection<Self>] = &[
        Collection {
            name: "BPAddresses",
            ty: Address::TYPE,
            show: |it, view| show_all(&it.addresses, view),
            write: Some(|it, entries, rules| merge(&mut it.addresses, entries, rules)),
        },
        Collection {
            name: "ContactEmployees",
            ty: Contact::TYPE,
            show: |it, view| show_all(&it.contacts, view),
            write: Some(|it, entries, rules| merge(&mut it.contacts, entries, rules)),
        },
    ];

    fn user_fields(&self) -> Option<(&'static str, &UserFields)> {
        Some(("OCRD", &self.user_fields))
    }

    fn user_fields_mut(&mut self) -> Option<(&'static str, &mut UserFields)> {
        Some(("OCRD", &mut self.user_fields))
    }
}

impl Shape for Address {
    const TYPE: &'static str = "BPAddress";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("RowNum", Edm::Int, |it| int(it.row)),
        Property::<Self>::new("BPCode", Edm::Text, |it| text(&it.partner)),
        Property::<Self>::new("AddressName", Edm::Chars(50), |it| maybe(&it.name))
            .set(|it, to| it.name = to.into_text()),
        Property::<Self>::new("Street", Edm::Chars(100), |it| maybe(&it.street))
            .set(|it, to| it.street = to.into_text()),
        Property::<Self>::new("City", Edm::Chars(100), |it| maybe(&it.city)).set(|it, to| it.city = to.into_text()),
        Property::<Self>::new("ZipCode", Edm::Chars(20), |it| maybe(&it.zip)).set(|it, to| it.zip = to.into_text()),
        Property::<Self>::new("State", Edm::Chars(3), |it| maybe(&it.state)).set(|it, to| it.state = to.into_text()),
        Property::<Self>::new("Country", Edm::Chars(3), |it| maybe(&it.country))
            .set(|it, to| it.country = to.into_text()),
        Property::<Self>::new("AddressType", ADDRESS_TYPES, |it| {
            Datum::Member(if it.is_billing { "bo_BillTo" } else { "bo_ShipTo" })
        })
        .set(|it, to| it.is_billing = to.is("bo_BillTo")),
    ];
}

impl Line for Address {
    const KEY: &'static str = "RowNum";

    fn key(&self) -> i64 {
        self.row
    }

    fn blank(row: i64) -> Self {
        let partner = String::new();
        let (name, street, city, zip, state, country) = (None, None, None, None, None, None);
        Self { row, partner, name, street, city, zip, state, country, is_billing: false }
    }
}

impl Shape for Contact {
    const TYPE: &'static str = "ContactEmployee";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("InternalCode", Edm::Int, |it| int(it.code)),
        Property::<Self>::new("CardCode", Edm::Text, |it| text(&it.partner)),
        Property::<Self>::new("Name", Edm::Chars(50), |it| maybe(&it.name)).set(|it, to| it.name = to.into_text()),
        Property::<Self>::new("FirstName", Edm::Chars(50), |it| maybe(&it.first_name))
            .set(|it, to| it.first_name = to.into_text()),
        Property::<Self>::new("LastName", Edm::Chars(50), |it| maybe(&it.last_name))
            .set(|it, to| it.last_name = to.into_text()),
        Property::<Self>::new("E_Mail", Edm::Chars(100), |it| maybe(&it.email)).set(|it, to| it.email = to.into_text()),
        Property::<Self>::new("Phone1", Edm::Chars(20), |it| maybe(&it.phone)).set(|it, to| it.phone = to.into_text()),
        Property::<Self>::new("Active", YES_NO, |it| yes_no(it.active)).set(|it, to| it.active = to.is_yes()),
    ];
}

impl Line for Contact {
    const KEY: &'static str = "InternalCode";

    fn key(&self) -> i64 {
        self.code
    }

    fn blank(code: i64) -> Self {
        let partner = String::new();
        let (name, first_name, last_name, email, phone) = (None, None, None, None, None);
        Self { code, partner, name, first_name, last_name, email, phone, active: true }
    }
}
