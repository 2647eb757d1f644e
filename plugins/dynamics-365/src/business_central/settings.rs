//! What a tenant says about its Business Central.

use std::collections::BTreeMap;

use truthsource_sdk::charges::ChargeBook;
use truthsource_sdk::settings::pairs;
use truthsource_sdk::{Context, Fault};

use crate::settings::{base_url, or_none, requests_max, yes};

/// The page of stock per location that the reference extension publishes.
pub(crate) const STOCK_PATH: &str = "erpsync/inventory/v1.0/itemLocationStocks";
pub(crate) const STOCK_FIELDS: &str =
    "item=itemNumber, location=locationCode, on-hand=quantity, variant=variantCode, changed=lastModifiedDateTime";
/// Its page of movements of that stock, each of which is taken once only.
pub(crate) const ADJUSTMENT_PATH: &str = "erpsync/inventory/v1.0/itemLocationAdjustments";
pub(crate) const ADJUSTMENT_FIELDS: &str =
    "item=itemNumber, location=locationCode, by=quantity, reference=externalReference";
/// Its page of the lines of price lists.
pub(crate) const PRICE_PATH: &str = "erpsync/pricing/v1.0/priceListLines";
pub(crate) const PRICE_FIELDS: &str = "list=priceListCode, item=assetNumber, amount=unitPrice, from=minimumQuantity, \
     currency=currencyCode, starts=startingDate, ends=endingDate, status=status, variant=variantCode, \
     unit=unitOfMeasureCode, discount=lineDiscountPercent, type=assetType, source=sourceType, \
     source-number=sourceNumber, changed=lastModifiedDateTime";

const STOCK_NAMES: (&[&str], &[&str]) = (&["item", "location", "on-hand"], &["variant", "changed"]);
const ADJUSTMENT_NAMES: (&[&str], &[&str]) = (&["item", "location", "by", "reference"], &[]);
const PRICE_NAMES: (&[&str], &[&str]) = (
    &["list", "item", "amount"],
    &[
        "from",
        "currency",
        "starts",
        "ends",
        "status",
        "variant",
        "unit",
        "discount",
        "type",
        "source",
        "source-number",
        "changed",
    ],
);

/// A collection below `/api/`: the API it belongs to, and its name there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// `v2.0`, or publisher, group and version.
    pub api: String,
    pub set: String,
}

impl Place {
    /// A collection of the standard API.
    pub(crate) fn standard(set: &str) -> Self {
        Self { api: "v2.0".to_owned(), set: set.to_owned() }
    }

    fn parse(path: &str) -> Result<Self, Fault> {
        let path = path.trim_matches('/');
        let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"/._-".contains(&it);
        match path.rsplit_once('/') {
            Some((api, set)) if path.bytes().all(is_plain) && !path.contains("..") => {
                Ok(Self { api: api.to_owned(), set: set.to_owned() })
            }
            _ => Err(Fault::Invalid(format!("`{path}` is no path such as `{STOCK_PATH}`"))),
        }
    }
}

/// A page that the tenant's own extension serves: where it is, and what its properties are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomPage {
    pub place: Place,
    fields: BTreeMap<String, String>,
}

impl CustomPage {
    fn read(path: &str, fields: &str, names: (&[&str], &[&str])) -> Result<Self, Fault> {
        let (needed, known) = names;
        let fields = pairs(fields)?;
        let is_name = |it: &String| !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
        if let Some(odd) = fields.keys().find(|it| !needed.contains(&it.as_str()) && !known.contains(&it.as_str())) {
            return Err(Fault::Invalid(format!("`{odd}` is none of {}, {}", needed.join(", "), known.join(", "))));
        }
        if let Some(missing) = needed.iter().find(|it| !fields.contains_key(**it)) {
            return Err(Fault::Invalid(format!("the fields of `{path}` do not say which one is `{missing}`")));
        }
        if let Some(odd) = fields.values().find(|it| !is_name(it)) {
            return Err(Fault::Invalid(format!("`{odd}` is no name of a property")));
        }
        Ok(Self { place: Place::parse(path)?, fields })
    }

    /// What the page calls one of our fields; `None` where it has none.
    pub(crate) fn name(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(String::as_str)
    }

    /// What the page calls a field that it must have.
    pub(crate) fn must<'f>(&'f self, field: &'f str) -> &'f str {
        self.name(field).unwrap_or(field)
    }

    /// Every property that is read.
    pub(crate) fn select(&self) -> String {
        let mut names: Vec<&str> = self.fields.values().map(String::as_str).collect();
        names.push("id");
        names.sort_unstable();
        names.dedup();
        names.join(",")
    }

    /// The properties that are asked for, by our names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.values().map(String::as_str)
    }
}

/// The settings of a connection, read.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub base_url: String,
    /// The company's id or name.
    pub company: String,
    /// `None`: stock is known for the whole company only.
    pub stock: Option<CustomPage>,
    /// Where stock of that page is moved; `None`: its quantities are written.
    pub adjustment: Option<CustomPage>,
    /// The code of the location that the whole company's stock is taken to be at.
    pub stock_location: Option<String>,
    /// `None`: items have prices of their own, and no others are known.
    pub price: Option<CustomPage>,
    /// The list's code by the code that the system has for it; others are called by the latter, in small letters.
    pub lists: BTreeMap<String, String>,
    /// The location's code by the code that the system has for it; others are called by the latter.
    pub location_codes: BTreeMap<String, String>,
    /// The local currency, which the system writes as nothing.
    pub currency: String,
    /// The code of the location that lines of new orders name.
    pub order_location: Option<String>,
    /// What posted shipments call their carrier and its number for the parcel, where the tenant's page shows them.
    pub shipment_carrier: Option<String>,
    pub shipment_tracking: Option<String>,
    pub webhooks: bool,
    /// What new items, customers and orders hold besides.
    pub item_defaults: BTreeMap<String, String>,
    pub company_defaults: BTreeMap<String, String>,
    pub order_defaults: BTreeMap<String, String>,
    /// As which accounts of the general ledger shipping, discounts and taxes of whole orders are booked.
    pub charges: ChargeBook,
    /// Lines of booked orders are changed as they are where they were placed; otherwise a person is asked.
    pub order_edits: bool,
    /// How long an order that was sent and never answered may still appear.
    pub order_wait_ms: u64,
    /// How far the company's day is ahead of UTC's.
    pub utc_offset_ms: i64,
}

impl Settings {
    pub(crate) fn read(ctx: &Context) -> Result<Self, Fault> {
        let company = ctx.setting("company");
        let company =
            company.ok_or_else(|| Fault::Invalid("setting `company` is missing: its id or name".to_owned()))?;
        Ok(Self { base_url: base_url(ctx)?, company: company.to_owned(), ..Self::of_any(ctx)? })
    }

    /// What can be said without knowing where the system is.
    pub(crate) fn of_any(ctx: &Context) -> Result<Self, Fault> {
        requests_max(ctx)?;
        let wait = ctx.setting_or("order-wait-seconds", "120");
        let wait: u32 = wait.parse().map_err(|_| Fault::Invalid(format!("`{wait}` is no number of seconds")))?;
        let page = |path: &str, default: &'static str, fields: &str, of_default: &'static str, names| {
            let read = |path| CustomPage::read(path, ctx.setting_or(fields, of_default), names);
            or_none(ctx, path, default).map(read).transpose()
        };
        let stock = page("stock-path", STOCK_PATH, "stock-fields", STOCK_FIELDS, STOCK_NAMES)?;
        let adjustment =
            page("adjustment-path", ADJUSTMENT_PATH, "adjustment-fields", ADJUSTMENT_FIELDS, ADJUSTMENT_NAMES)?;
        Ok(Self {
            base_url: String::new(),
            company: String::new(),
            // Without the page of stock there are no places to move it at.
            adjustment: adjustment.filter(|_| stock.is_some()),
            stock,
            stock_location: ctx.setting("stock-location").map(str::to_owned),
            price: page("price-path", PRICE_PATH, "price-fields", PRICE_FIELDS, PRICE_NAMES)?,
            lists: pairs(ctx.setting_or("price-lists", ""))?,
            location_codes: pairs(ctx.setting_or("location-codes", ""))?,
            currency: ctx.setting_or("currency", "USD").to_uppercase(),
            order_location: ctx.setting("order-location").map(str::to_owned),
            charges: ChargeBook::read(&ctx.settings)?,
            shipment_carrier: ctx.setting("shipment-carrier").map(property).transpose()?,
            shipment_tracking: ctx.setting("shipment-tracking").map(property).transpose()?,
            webhooks: yes(ctx, "webhooks", "yes")?,
            item_defaults: pairs(ctx.setting_or("item-defaults", ""))?,
            company_defaults: pairs(ctx.setting_or("company-defaults", ""))?,
            order_defaults: pairs(ctx.setting_or("order-defaults", ""))?,
            order_edits: yes(ctx, "order-edits", "yes")?,
            order_wait_ms: u64::from(wait) * 1_000,
            utc_offset_ms: offset(ctx.setting_or("utc-offset", "+00:00"))?,
        })
    }

    /// Something says where stock is.
    pub(crate) fn knows_stock(&self) -> bool {
        self.stock.is_some() || self.stock_location.is_some()
    }

    /// ISO code of a currency as the system writes it: the local one is nothing.
    pub(crate) fn currency_of(&self, code: Option<String>) -> String {
        code.map_or_else(|| self.currency.clone(), |it| it.to_uppercase())
    }

    /// A currency as the system writes it.
    pub(crate) fn currency_code(&self, iso: &str) -> String {
        if iso.eq_ignore_ascii_case(&self.currency) { String::new() } else { iso.to_uppercase() }
    }

    /// The list's code.
    pub(crate) fn list(&self, code: &str) -> String {
        self.lists.get(code).cloned().unwrap_or_else(|| code.to_lowercase())
    }

    /// The code that the system has for a list.
    pub(crate) fn list_code(&self, list: &str) -> String {
        let named = self.lists.iter().find(|(_, it)| it.eq_ignore_ascii_case(list));
        named.map_or_else(|| list.to_uppercase(), |(code, _)| code.clone())
    }
}

/// Reads `+01:00`.
fn offset(text: &str) -> Result<i64, Fault> {
    let read = || {
        let (sign, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = rest.split_once(':')?;
        let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
        ((0..=14).contains(&hours) && (0..60).contains(&minutes)).then(|| sign * (hours * 60 + minutes) * 60_000)
    };
    read().ok_or_else(|| Fault::Invalid(format!("setting `utc-offset` is `{text}` and not such as `+01:00`")))
}

/// The name of a property stands in URLs: it is checked to be a name.
fn property(name: &str) -> Result<String, Fault> {
    let is_name = !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
    if is_name { Ok(name.to_owned()) } else { Err(Fault::Invalid(format!("`{name}` in a setting names no property"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Settings, Fault> {
        let given = [("base-url", "https://bc.example/v2.0/Production/"), ("company", "CRONUS")];
        let all = given.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::read(&Context { settings: all.collect(), now_ms: 0 })
    }

    #[test]
    fn pages_have_defaults_and_can_be_left_out() {
        let settings = read(&[]).unwrap();
        let stock = settings.stock.unwrap();
        assert_eq!(
            (stock.place.api.as_str(), stock.place.set.as_str()),
            ("erpsync/inventory/v1.0", "itemLocationStocks")
        );
        assert_eq!(stock.select(), "id,itemNumber,lastModifiedDateTime,locationCode,quantity,variantCode");
        assert_eq!(
            (settings.base_url.as_str(), settings.currency.as_str()),
            ("https://bc.example/v2.0/Production", "USD")
        );
        assert_eq!(settings.adjustment.unwrap().select(), "externalReference,id,itemNumber,locationCode,quantity");
        let none = read(&[("stock-path", "none"), ("price-path", "none")]).unwrap();
        assert_eq!((none.stock, none.adjustment, none.price), (None, None, None));
        assert_eq!(read(&[("adjustment-path", "none")]).unwrap().adjustment, None);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_is_wrong() {
        let check = |name: &str, value: &str, expect: &str| {
            let fault = read(&[(name, value)]).unwrap_err().to_string();
            assert!(fault.contains(expect), "{fault}");
        };
        check("stock-path", "items", "no path");
        check("stock-path", "a/b/v1.0/x?y", "no path");
        check("stock-fields", "item=itemNumber, location=code", "`on-hand`");
        check("stock-fields", "item=a, location=b, on-hand=c, colour=d", "`colour`");
        check("stock-fields", "item=a, location=b, on-hand=c or 1 eq 1", "no name");
        check("adjustment-fields", "item=itemNumber, location=code, by=quantity", "`reference`");
        check("utc-offset", "1 h", "utc-offset");
        check("webhooks", "maybe", "webhooks");
        check("order-edits", "sometimes", "order-edits");
        assert_eq!(read(&[("utc-offset", "-05:30")]).unwrap().utc_offset_ms, -19_800_000);
    }

    #[test]
    fn lists_and_currencies_have_two_names() {
        let settings = read(&[("price-lists", "GH-2026=wholesale"), ("currency", "eur")]).unwrap();
        assert_eq!((settings.list("GH-2026").as_str(), settings.list("RETAIL").as_str()), ("wholesale", "retail"));
        assert_eq!(
            (settings.list_code("Wholesale").as_str(), settings.list_code("retail").as_str()),
            ("GH-2026", "RETAIL")
        );
        assert_eq!((settings.currency_of(None).as_str(), settings.currency_code("EUR").as_str()), ("EUR", ""));
    }
}
