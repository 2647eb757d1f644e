//! The columns of each entity.

use super::{Access, Column, Ty};

const fn write(name: &'static str, ty: Ty) -> Column {
    Column { name, ty, access: Access::Write }
}

const fn read(name: &'static str, ty: Ty) -> Column {
    Column { name, ty, access: Access::Read }
}

const STAMP: Column = read("lastModifiedDateTime", Ty::Moment);
const ID: Column = read("id", Ty::Id);

const ITEM_TYPES: &[&str] = &["Inventory", "Service", "Non-Inventory"];
const BLOCKED: &[&str] = &[" ", "Ship", "Invoice", "All"];
pub(in crate::dynamics::business_central) const ORDER_STATUS: &[&str] = &["Draft", "In Review", "Open"];
const LINE_TYPES: &[&str] = &["Comment", "Account", "Item", "Resource", "Fixed Asset", "Charge"];
const CUSTOMER_TYPES: &[&str] = &["Company", "Person"];
const ENTRY_TYPES: &[&str] = &["Purchase", "Sale", "Positive Adjmt.", "Negative Adjmt.", "Transfer"];
const DOCUMENT_TYPES: &[&str] = &[" ", "Sales Shipment", "Sales Invoice"];
const SOURCE_TYPES: &[&str] = &[" ", "Customer", "Vendor", "Item"];
const PRICE_SOURCES: &[&str] = &["All Customers", "Customer", "Customer Price Group", "Campaign"];
const PRICE_STATUS: &[&str] = &["Draft", "Active", "Inactive"];
const INVOICE_STATUS: &[&str] = &["Draft", "In Review", "Open", "Paid", "Canceled", "Corrective"];

pub(super) const ITEMS: &[Column] = &[
    ID,
    write("number", Ty::Code(20)),
    write("displayName", Ty::Text(100)),
    write("displayName2", Ty::Text(50)),
    write("type", Ty::Choice(ITEM_TYPES)),
    write("itemCategoryId", Ty::Id),
    write("itemCategoryCode", Ty::Code(20)),
    write("blocked", Ty::Flag),
    write("gtin", Ty::Code(14)),
    write("inventory", Ty::Number),
    write("unitPrice", Ty::Number),
    write("priceIncludesTax", Ty::Flag),
    write("unitCost", Ty::Number),
    write("taxGroupId", Ty::Id),
    write("taxGroupCode", Ty::Code(20)),
    write("baseUnitOfMeasureId", Ty::Id),
    write("baseUnitOfMeasureCode", Ty::Code(10)),
    write("generalProductPostingGroupId", Ty::Id),
    write("generalProductPostingGroupCode", Ty::Code(20)),
    write("inventoryPostingGroupId", Ty::Id),
    write("inventoryPostingGroupCode", Ty::Code(20)),
    STAMP,
];

pub(super) const CUSTOMERS: &[Column] = &[
    ID,
    write("number", Ty::Code(20)),
    write("displayName", Ty::Text(100)),
    write("type", Ty::Choice(CUSTOMER_TYPES)),
    write("addressLine1", Ty::Text(100)),
    write("addressLine2", Ty::Text(50)),
    write("city", Ty::Text(30)),
    write("state", Ty::Text(30)),
    write("country", Ty::Code(10)),
    write("postalCode", Ty::Code(20)),
    write("phoneNumber", Ty::Text(30)),
    write("email", Ty::Text(80)),
    write("website", Ty::Text(80)),
    write("salespersonCode", Ty::Code(20)),
    read("balanceDue", Ty::Number),
    write("creditLimit", Ty::Number),
    write("taxLiable", Ty::Flag),
    write("taxAreaId", Ty::Id),
    read("taxAreaDisplayName", Ty::Text(100)),
    write("taxRegistrationNumber", Ty::Text(20)),
    write("currencyId", Ty::Id),
    write("currencyCode", Ty::Code(10)),
    write("paymentTermsId", Ty::Id),
    write("shipmentMethodId", Ty::Id),
    write("paymentMethodId", Ty::Id),
    write("blocked", Ty::Choice(BLOCKED)),
    STAMP,
];

pub(super) const LOCATIONS: &[Column] = &[
    ID,
    write("code", Ty::Code(10)),
    write("displayName", Ty::Text(100)),
    write("contact", Ty::Text(100)),
    write("addressLine1", Ty::Text(100)),
    write("city", Ty::Text(30)),
    write("country", Ty::Code(10)),
    write("postalCode", Ty::Code(20)),
    STAMP,
];

pub(super) const CURRENCIES: &[Column] = &[
    ID,
    write("code", Ty::Code(10)),
    write("displayName", Ty::Text(30)),
    write("symbol", Ty::Text(10)),
    write("amountDecimalPlaces", Ty::Text(5)),
    write("amountRoundingPrecision", Ty::Number),
    STAMP,
];

pub(super) const PAYMENT_TERMS: &[Column] = &[
    ID,
    write("code", Ty::Code(10)),
    write("displayName", Ty::Text(100)),
    write("dueDateCalculation", Ty::Text(32)),
    write("discountPercent", Ty::Number),
    STAMP,
];

pub(super) const UNITS: &[Column] = &[
    ID,
    write("code", Ty::Code(10)),
    write("displayName", Ty::Text(50)),
    write("internationalStandardCode", Ty::Code(10)),
    STAMP,
];

pub(super) const ITEM_CATEGORIES: &[Column] =
    &[ID, write("code", Ty::Code(20)), write("displayName", Ty::Text(100)), STAMP];

pub(super) const LEDGER_ENTRIES: &[Column] = &[
    ID,
    read("entryNumber", Ty::Integer),
    read("itemNumber", Ty::Code(20)),
    read("postingDate", Ty::Day),
    read("entryType", Ty::Choice(ENTRY_TYPES)),
    read("sourceNumber", Ty::Code(20)),
    read("sourceType", Ty::Choice(SOURCE_TYPES)),
    read("documentNumber", Ty::Code(20)),
    read("documentType", Ty::Choice(DOCUMENT_TYPES)),
    read("description", Ty::Text(100)),
    read("quantity", Ty::Number),
    read("salesAmountActual", Ty::Number),
    read("costAmountActual", Ty::Number),
    STAMP,
];

pub(super) const ORDERS: &[Column] = &[
    ID,
    write("number", Ty::Code(20)),
    write("externalDocumentNumber", Ty::Code(35)),
    write("orderDate", Ty::Day),
    write("postingDate", Ty::Day),
    write("customerId", Ty::Id),
    write("customerNumber", Ty::Code(20)),
    read("customerName", Ty::Text(100)),
    read("billToName", Ty::Text(100)),
    read("billToCustomerId", Ty::Id),
    read("billToCustomerNumber", Ty::Code(20)),
    write("billToAddressLine1", Ty::Text(100)),
    write("billToAddressLine2", Ty::Text(50)),
    write("billToCity", Ty::Text(30)),
    write("billToCountry", Ty::Code(10)),
    write("billToState", Ty::Text(30)),
    write("billToPostCode", Ty::Code(20)),
    write("shipToName", Ty::Text(100)),
    write("shipToContact", Ty::Text(100)),
    write("shipToAddressLine1", Ty::Text(100)),
    write("shipToAddressLine2", Ty::Text(50)),
    write("shipToCity", Ty::Text(30)),
    write("shipToCountry", Ty::Code(10)),
    write("shipToState", Ty::Text(30)),
    write("shipToPostCode", Ty::Code(20)),
    write("sellToAddressLine1", Ty::Text(100)),
    write("sellToAddressLine2", Ty::Text(50)),
    write("sellToCity", Ty::Text(30)),
    write("sellToCountry", Ty::Code(10)),
    write("sellToState", Ty::Text(30)),
    write("sellToPostCode", Ty::Code(20)),
    write("shortcutDimension1Code", Ty::Code(20)),
    write("shortcutDimension2Code", Ty::Code(20)),
    write("currencyId", Ty::Id),
    write("currencyCode", Ty::Code(10)),
    read("pricesIncludeTax", Ty::Flag),
    write("paymentTermsId", Ty::Id),
    write("shipmentMethodId", Ty::Id),
    write("salesperson", Ty::Code(20)),
    write("partialShipping", Ty::Flag),
    write("requestedDeliveryDate", Ty::Day),
    write("discountAmount", Ty::Number),
    read("discountAppliedBeforeTax", Ty::Flag),
    read("totalAmountExcludingTax", Ty::Number),
    read("totalTaxAmount", Ty::Number),
    read("totalAmountIncludingTax", Ty::Number),
    read("fullyShipped", Ty::Flag),
    read("status", Ty::Choice(ORDER_STATUS)),
    STAMP,
    write("phoneNumber", Ty::Text(30)),
    write("email", Ty::Text(80)),
];

pub(super) const ORDER_LINES: &[Column] = &[
    ID,
    write("documentId", Ty::Id),
    write("sequence", Ty::Integer),
    write("itemId", Ty::Id),
    write("accountId", Ty::Id),
    write("lineType", Ty::Choice(LINE_TYPES)),
    write("lineObjectNumber", Ty::Code(20)),
    write("description", Ty::Text(100)),
    write("description2", Ty::Text(50)),
    write("unitOfMeasureId", Ty::Id),
    write("unitOfMeasureCode", Ty::Code(10)),
    write("quantity", Ty::Number),
    write("unitPrice", Ty::Number),
    write("discountAmount", Ty::Number),
    write("discountPercent", Ty::Number),
    read("discountAppliedBeforeTax", Ty::Flag),
    read("amountExcludingTax", Ty::Number),
    write("taxCode", Ty::Code(20)),
    read("taxPercent", Ty::Number),
    read("totalTaxAmount", Ty::Number),
    read("amountIncludingTax", Ty::Number),
    read("netAmount", Ty::Number),
    read("netTaxAmount", Ty::Number),
    read("netAmountIncludingTax", Ty::Number),
    write("shipmentDate", Ty::Day),
    read("shippedQuantity", Ty::Number),
    read("invoicedQuantity", Ty::Number),
    write("invoiceQuantity", Ty::Number),
    write("shipQuantity", Ty::Number),
    write("itemVariantId", Ty::Id),
    write("locationId", Ty::Id),
];

pub(super) const SHIPMENTS: &[Column] = &[
    ID,
    read("number", Ty::Code(20)),
    read("externalDocumentNumber", Ty::Code(35)),
    read("postingDate", Ty::Day),
    read("orderNumber", Ty::Code(20)),
    read("customerId", Ty::Id),
    read("customerNumber", Ty::Code(20)),
    read("customerName", Ty::Text(100)),
    read("currencyCode", Ty::Code(10)),
    // The standard page has neither: an extension of the tenant's shows them.
    read("shippingAgentCode", Ty::Code(10)),
    read("packageTrackingNo", Ty::Text(50)),
    STAMP,
];

pub(super) const SHIPMENT_LINES: &[Column] = &[
    ID,
    read("documentId", Ty::Id),
    read("documentNumber", Ty::Code(20)),
    read("sequence", Ty::Integer),
    read("lineType", Ty::Choice(LINE_TYPES)),
    read("lineObjectNumber", Ty::Code(20)),
    read("description", Ty::Text(100)),
    read("unitOfMeasureCode", Ty::Code(10)),
    read("unitPrice", Ty::Number),
    read("quantity", Ty::Number),
    read("shipmentDate", Ty::Day),
];

pub(super) const INVOICES: &[Column] = &[
    ID,
    read("number", Ty::Code(20)),
    read("externalDocumentNumber", Ty::Code(35)),
    read("invoiceDate", Ty::Day),
    read("postingDate", Ty::Day),
    read("dueDate", Ty::Day),
    read("customerId", Ty::Id),
    read("customerNumber", Ty::Code(20)),
    read("customerName", Ty::Text(100)),
    read("currencyId", Ty::Id),
    read("currencyCode", Ty::Code(10)),
    read("orderId", Ty::Id),
    read("orderNumber", Ty::Code(20)),
    read("pricesIncludeTax", Ty::Flag),
    read("remainingAmount", Ty::Number),
    read("totalAmountExcludingTax", Ty::Number),
    read("totalTaxAmount", Ty::Number),
    read("totalAmountIncludingTax", Ty::Number),
    read("status", Ty::Choice(INVOICE_STATUS)),
    STAMP,
];

pub(super) const INVOICE_LINES: &[Column] = &[
    ID,
    read("documentId", Ty::Id),
    read("sequence", Ty::Integer),
    read("itemId", Ty::Id),
    read("lineType", Ty::Choice(LINE_TYPES)),
    read("lineObjectNumber", Ty::Code(20)),
    read("description", Ty::Text(100)),
    read("unitOfMeasureCode", Ty::Code(10)),
    read("quantity", Ty::Number),
    read("unitPrice", Ty::Number),
    read("netAmount", Ty::Number),
    read("amountIncludingTax", Ty::Number),
    read("locationId", Ty::Id),
];

pub(super) const STOCKS: &[Column] = &[
    ID,
    write("itemNumber", Ty::Code(20)),
    write("variantCode", Ty::Code(10)),
    write("locationCode", Ty::Code(10)),
    write("quantity", Ty::Number),
    read("reservedQuantity", Ty::Number),
    read("quantityOnSalesOrder", Ty::Number),
    STAMP,
];

pub(super) const ADJUSTMENTS: &[Column] = &[
    ID,
    write("itemNumber", Ty::Code(20)),
    write("locationCode", Ty::Code(10)),
    write("quantity", Ty::Number),
    write("externalReference", Ty::Text(50)),
    read("quantityAfter", Ty::Number),
    STAMP,
];

pub(super) const PRICE_LISTS: &[Column] = &[
    ID,
    write("code", Ty::Code(20)),
    write("description", Ty::Text(100)),
    write("sourceType", Ty::Choice(PRICE_SOURCES)),
    write("sourceNumber", Ty::Code(20)),
    write("currencyCode", Ty::Code(10)),
    write("startingDate", Ty::Day),
    write("endingDate", Ty::Day),
    write("status", Ty::Choice(PRICE_STATUS)),
    STAMP,
];

pub(super) const PRICE_LINES: &[Column] = &[
    ID,
    write("priceListCode", Ty::Code(20)),
    read("lineNumber", Ty::Integer),
    write("sourceType", Ty::Choice(PRICE_SOURCES)),
    write("sourceNumber", Ty::Code(20)),
    write("assetType", Ty::Choice(&["Item"])),
    write("assetNumber", Ty::Code(20)),
    write("variantCode", Ty::Code(10)),
    write("unitOfMeasureCode", Ty::Code(10)),
    write("minimumQuantity", Ty::Number),
    write("unitPrice", Ty::Number),
    write("lineDiscountPercent", Ty::Number),
    write("currencyCode", Ty::Code(10)),
    write("startingDate", Ty::Day),
    write("endingDate", Ty::Day),
    write("status", Ty::Choice(PRICE_STATUS)),
    STAMP,
];
