//! What a tenant says about its account.

use std::collections::BTreeMap;

use truthsource_sdk::charges::ChargeBook;
use truthsource_sdk::settings::{pairs, yes};
use truthsource_sdk::{Context, Fault};

/// The settings of a connection, read.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `https://1234567.suitetalk.api.netsuite.com`, without a slash at the end.
    pub base_url: String,
    /// The subsidiary that new records belong to.
    pub subsidiary: String,
    /// The account that stock adjustments are booked to; `None`: stock is not written.
    pub adjustment_account: Option<String>,
    /// ISO code of the account's own currency, the one whose prices are kept.
    pub currency: String,
    /// Its internal id.
    pub currency_id: String,
    /// Prices and customers name their currency.
    pub multi_currency: bool,
    /// The list's code by price level id; other levels are called by their names.
    pub lists: BTreeMap<String, String>,
    /// The code by location id; other locations are called by their names.
    pub location_codes: BTreeMap<String, String>,
    /// The location that new orders ship from, if the lines should say.
    pub order_location: Option<String>,
    /// As which items shipping, discounts and taxes of whole orders are booked.
    pub charges: ChargeBook,
}

impl Settings {
    pub(crate) fn read(ctx: &Context) -> Result<Self, Fault> {
        let base_url = ctx.setting("base-url").ok_or_else(|| {
            Fault::Invalid("setting `base-url` is missing: https://<account>.suitetalk.api.netsuite.com".to_owned())
        })?;
        Ok(Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            subsidiary: ctx.setting_or("subsidiary", "1").to_owned(),
            adjustment_account: ctx.setting("adjustment-account").map(str::to_owned),
            currency: ctx.setting_or("currency", "USD").to_uppercase(),
            currency_id: ctx.setting_or("currency-id", "1").to_owned(),
            multi_currency: yes("multi-currency", ctx.setting_or("multi-currency", "yes"))?,
            lists: pairs(ctx.setting_or("price-lists", "1=base"))?,
            location_codes: pairs(ctx.setting_or("location-codes", ""))?,
            order_location: ctx.setting("order-location").map(str::to_owned),
            charges: ChargeBook::read(&ctx.settings)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_several_currencies_or_it_has_not() {
        let read = |text: &str| {
            let settings = [("base-url", "https://1.example"), ("multi-currency", text)];
            let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            Settings::read(&Context { settings, now_ms: 0 }).map(|it| it.multi_currency)
        };
        assert_eq!((read("yes").unwrap(), read("no").unwrap()), (true, false));
        assert!(matches!(read("maybe"), Err(Fault::Invalid(_))));
    }
}
