//! The tables of an organisation: their columns, keys and how they refer to one another.

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Set {
    Products,
    PriceLevels,
    ProductPrices,
    Accounts,
    Orders,
    OrderDetails,
    Currencies,
    Warehouses,
    Inventories,
    Contacts,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ty {
    /// Text of at most so many characters.
    Text(usize),
    /// Money and decimals.
    Number,
    /// One of these values of a choice, each with what people read.
    Choice(&'static [(u32, &'static str)]),
    Flag,
    /// `modifiedon` and its like.
    Moment,
    /// A reference; the names of the navigation properties that bind it, with where each leads.
    Lookup(&'static [(&'static str, Set)]),
}

/// A column, by its name in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub name: &'static str,
    pub ty: Ty,
    /// The system alone writes it.
    pub is_read_only: bool,
}

/// A table as the API shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entity {
    pub set: Set,
    /// `accounts`
    pub plural: &'static str,
    /// `account`
    pub name: &'static str,
    /// `accountid`
    pub id: &'static str,
    /// The column of its alternate key, which is unique.
    pub key: Option<&'static str>,
    /// What a record must have.
    pub required: &'static [&'static str],
    pub columns: &'static [Column],
    /// Navigation to records that belong to it: the property, the table, and its column that refers here.
    pub owned: &'static [(&'static str, Set, &'static str)],
    /// Change tracking is on.
    pub is_tracked: bool,
}

impl Entity {
    pub(super) fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|it| it.name == name)
    }

    /// The lookup column that a navigation property binds, and the table it leads to.
    pub(super) fn binding(&self, nav: &str) -> Option<(&'static Column, Set)> {
        self.columns.iter().find_map(|column| match column.ty {
            Ty::Lookup(ways) => ways.iter().find(|(name, _)| *name == nav).map(|(_, set)| (column, *set)),
            _ => None,
        })
    }
}

const fn own(name: &'static str, ty: Ty) -> Column {
    Column { name, ty, is_read_only: false }
}

const fn read(name: &'static str, ty: Ty) -> Column {
    Column { name, ty, is_read_only: true }
}

const CREATED: Column = read("createdon", Ty::Moment);
const MODIFIED: Column = read("modifiedon", Ty::Moment);
const CURRENCY: Column = own("_transactioncurrencyid_value", Ty::Lookup(&[("transactioncurrencyid", Set::Currencies)]));
const PRICE_LEVEL: Column = own("_pricelevelid_value", Ty::Lookup(&[("pricelevelid", Set::PriceLevels)]));
const PRODUCT: Column = own("_productid_value", Ty::Lookup(&[("productid", Set::Products)]));

const PRICING_METHODS: &[(u32, &str)] = &[
    (1, "Currency Amount"),
    (2, "Percent of List"),
    (3, "Percent Markup - Current Cost"),
    (4, "Percent Margin - Current Cost"),
    (5, "Percent Markup - Standard Cost"),
    (6, "Percent Margin - Standard Cost"),
];
const ORDER_STATES: &[(u32, &str)] =
    &[(0, "Active"), (1, "Submitted"), (2, "Canceled"), (3, "Fulfilled"), (4, "Invoiced")];
const ORDER_STATUSES: &[(u32, &str)] = &[
    (1, "New"),
    (2, "Pending"),
    (3, "In Progress"),
    (4, "No Money"),
    (100_001, "Complete"),
    (100_002, "Partial"),
    (100_003, "Invoiced"),
];

const PRODUCTS: &[Column] = &[
    own("productnumber", Ty::Text(100)),
    own("name", Ty::Text(100)),
    own("description", Ty::Text(2_000)),
    own("price", Ty::Number),
    own("currentcost", Ty::Number),
    own("quantityonhand", Ty::Number),
    own("statecode", Ty::Choice(&[(0, "Active"), (1, "Retired"), (2, "Draft"), (3, "Under Revision")])),
    own("statuscode", Ty::Choice(&[(0, "Draft"), (1, "Active"), (2, "Retired"), (3, "Under Revision")])),
    PRICE_LEVEL,
    CURRENCY,
    CREATED,
    MODIFIED,
];

const PRICE_LEVELS: &[Column] = &[
    own("name", Ty::Text(100)),
    own("description", Ty::Text(2_000)),
    own("statecode", Ty::Choice(&[(0, "Active"), (1, "Inactive")])),
    CURRENCY,
    CREATED,
    MODIFIED,
];

const PRODUCT_PRICES: &[Column] = &[
    own("amount", Ty::Number),
    own("pricingmethodcode", Ty::Choice(PRICING_METHODS)),
    own("quantitysellingcode", Ty::Choice(&[(1, "No Control"), (2, "Whole"), (3, "Whole and Fractional")])),
    PRICE_LEVEL,
    PRODUCT,
    CURRENCY,
    CREATED,
    MODIFIED,
];

const ACCOUNTS: &[Column] = &[
    own("accountnumber", Ty::Text(20)),
    own("name", Ty::Text(160)),
    own("emailaddress1", Ty::Text(100)),
    own("telephone1", Ty::Text(50)),
    own("statecode", Ty::Choice(&[(0, "Active"), (1, "Inactive")])),
    own("statuscode", Ty::Choice(&[(1, "Active"), (2, "Inactive")])),
    own("_defaultpricelevelid_value", Ty::Lookup(&[("defaultpricelevelid", Set::PriceLevels)])),
    CURRENCY,
    CREATED,
    MODIFIED,
];

const ORDERS: &[Column] = &[
    own("ordernumber", Ty::Text(100)),
    own("name", Ty::Text(300)),
    own("description", Ty::Text(2_000)),
    own(
        "_customerid_value",
        Ty::Lookup(&[("customerid_account", Set::Accounts), ("customerid_contact", Set::Contacts)]),
    ),
    PRICE_LEVEL,
    CURRENCY,
    own("statecode", Ty::Choice(ORDER_STATES)),
    own("statuscode", Ty::Choice(ORDER_STATUSES)),
    read("totallineitemamount", Ty::Number),
    own("freightamount", Ty::Number),
    own("discountamount", Ty::Number),
    own("discountpercentage", Ty::Number),
    read("totaltax", Ty::Number),
    read("totalamount", Ty::Number),
    CREATED,
    MODIFIED,
];

const ORDER_DETAILS: &[Column] = &[
    own("_salesorderid_value", Ty::Lookup(&[("salesorderid", Set::Orders)])),
    PRODUCT,
    own("productdescription", Ty::Text(500)),
    own("lineitemnumber", Ty::Number),
    own("quantity", Ty::Number),
    own("ispriceoverridden", Ty::Flag),
    own("priceperunit", Ty::Number),
    own("manualdiscountamount", Ty::Number),
    own("quantityshipped", Ty::Number),
    read("baseamount", Ty::Number),
    read("extendedamount", Ty::Number),
    CREATED,
    MODIFIED,
];

const CURRENCIES: &[Column] =
    &[own("isocurrencycode", Ty::Text(5)), own("currencyname", Ty::Text(100)), CREATED, MODIFIED];

const WAREHOUSES: &[Column] =
    &[own("msdyn_name", Ty::Text(100)), own("msdyn_description", Ty::Text(1_000)), CREATED, MODIFIED];

const INVENTORIES: &[Column] = &[
    own("msdyn_name", Ty::Text(100)),
    own("_msdyn_product_value", Ty::Lookup(&[("msdyn_Product", Set::Products)])),
    own("_msdyn_warehouse_value", Ty::Lookup(&[("msdyn_Warehouse", Set::Warehouses)])),
    own("msdyn_qtyonhand", Ty::Number),
    CREATED,
    MODIFIED,
];

const CONTACTS: &[Column] = &[
    own("firstname", Ty::Text(50)),
    own("lastname", Ty::Text(50)),
    read("fullname", Ty::Text(160)),
    own("emailaddress1", Ty::Text(100)),
    own("telephone1", Ty::Text(50)),
    own("_parentcustomerid_value", Ty::Lookup(&[("parentcustomerid_account", Set::Accounts)])),
    own("statecode", Ty::Choice(&[(0, "Active"), (1, "Inactive")])),
    CREATED,
    MODIFIED,
];

const fn table(
    set: Set,
    (plural, name, id): (&'static str, &'static str, &'static str),
    columns: &'static [Column],
) -> Entity {
    Entity { set, plural, name, id, key: None, required: &[], columns, owned: &[], is_tracked: true }
}

/// Every table.
pub(super) const ENTITIES: [Entity; 10] = [
    Entity {
        key: Some("productnumber"),
        required: &["name", "productnumber"],
        ..table(Set::Products, ("products", "product", "productid"), PRODUCTS)
    },
    Entity {
        key: Some("name"),
        required: &["name"],
        owned: &[("price_level_product_price_levels", Set::ProductPrices, "_pricelevelid_value")],
        ..table(Set::PriceLevels, ("pricelevels", "pricelevel", "pricelevelid"), PRICE_LEVELS)
    },
    Entity {
        required: &["_pricelevelid_value", "_productid_value"],
        ..table(Set::ProductPrices, ("productpricelevels", "productpricelevel", "productpricelevelid"), PRODUCT_PRICES)
    },
    Entity {
        key: Some("accountnumber"),
        required: &["name"],
        ..table(Set::Accounts, ("accounts", "account", "accountid"), ACCOUNTS)
    },
    Entity {
        key: Some("ordernumber"),
        required: &["name", "_customerid_value"],
        owned: &[("order_details", Set::OrderDetails, "_salesorderid_value")],
        ..table(Set::Orders, ("salesorders", "salesorder", "salesorderid"), ORDERS)
    },
    Entity {
        required: &["_salesorderid_value", "_productid_value", "quantity"],
        ..table(Set::OrderDetails, ("salesorderdetails", "salesorderdetail", "salesorderdetailid"), ORDER_DETAILS)
    },
    Entity {
        key: Some("isocurrencycode"),
        is_tracked: false,
        ..table(Set::Currencies, ("transactioncurrencies", "transactioncurrency", "transactioncurrencyid"), CURRENCIES)
    },
    Entity {
        key: Some("msdyn_name"),
        required: &["msdyn_name"],
        ..table(Set::Warehouses, ("msdyn_warehouses", "msdyn_warehouse", "msdyn_warehouseid"), WAREHOUSES)
    },
    Entity {
        required: &["_msdyn_product_value", "_msdyn_warehouse_value"],
        ..table(
            Set::Inventories,
            ("msdyn_productinventories", "msdyn_productinventory", "msdyn_productinventoryid"),
            INVENTORIES,
        )
    },
    table(Set::Contacts, ("contacts", "contact", "contactid"), CONTACTS),
];

pub(super) fn of(set: Set) -> &'static Entity {
    &ENTITIES[set as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_stand_in_the_order_of_their_names() {
        assert!(ENTITIES.iter().all(|it| of(it.set) == it));
        assert_eq!(of(Set::Orders).binding("customerid_account").map(|it| it.1), Some(Set::Accounts));
    }
}
