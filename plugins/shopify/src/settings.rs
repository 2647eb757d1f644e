//! What a tenant says about its shop.

use std::collections::BTreeMap;

use truthsource_sdk::settings::{self, pairs};
use truthsource_sdk::{Context, Fault};

/// The API version that the documents here are written for.
pub(crate) const VERSION: &str = "2026-10";

/// The settings of a connection, read.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `https://example.myshopify.com`, without a slash at the end.
    pub base_url: String,
    /// The list code of the shop's own prices.
    pub base_list: String,
    /// The code by location id; other locations are called by their names.
    pub location_codes: BTreeMap<String, String>,
    /// Orders are written here, and not only read.
    pub writes_orders: bool,
    /// The tag of orders that somebody has looked into.
    pub release_tag: String,
    /// The id of the company that orders of private persons are for.
    pub retail_company: Option<String>,
    /// Buyers get a mail from the shop when a parcel left.
    pub notifies: bool,
}

impl Settings {
    pub(crate) fn read(ctx: &Context) -> Result<Self, Fault> {
        let base_url = ctx
            .setting("base-url")
            .ok_or_else(|| Fault::Invalid("setting `base-url` is missing: https://<shop>.myshopify.com".to_owned()))?;
        price_decimals(ctx)?;
        Ok(Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            base_list: base_list(ctx).to_owned(),
            location_codes: pairs(ctx.setting_or("location-codes", ""))?,
            writes_orders: yes(ctx, "writes-orders", "yes")?,
            release_tag: ctx.setting_or("release-tag", "released").to_owned(),
            retail_company: retail_company(ctx)?,
            notifies: yes(ctx, "notify-customers", "no")?,
        })
    }
}

pub(crate) fn base_list(ctx: &Context) -> &str {
    ctx.setting_or("base-list", "base")
}

fn retail_company(ctx: &Context) -> Result<Option<String>, Fault> {
    let text = ctx.setting_or("retail-company", "");
    match text.bytes().all(|it| it.is_ascii_digit()) {
        true => Ok(Some(text.to_owned()).filter(|it| !it.is_empty())),
        false => {
            Err(Fault::Invalid(format!("setting `retail-company` is `{text}`, and no id of a company such as `31`")))
        }
    }
}

pub(crate) fn price_decimals(ctx: &Context) -> Result<u8, Fault> {
    let text = ctx.setting_or("price-decimals", "2");
    let places = text.parse().ok().filter(|it| *it <= 6);
    places.ok_or_else(|| Fault::Invalid(format!("setting `price-decimals` is `{text}`, not 0 to 6")))
}

fn yes(ctx: &Context, name: &str, default: &str) -> Result<bool, Fault> {
    settings::yes(name, ctx.setting_or(name, default))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_needs_its_address_and_nothing_else() {
        let ctx = |pairs: &[(&str, &str)]| Context {
            settings: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            now_ms: 0,
        };
        assert!(Settings::read(&ctx(&[])).is_err());
        let settings = Settings::read(&ctx(&[("base-url", "https://x.myshopify.com/"), ("base-list", " ")])).unwrap();
        assert_eq!((settings.base_url.as_str(), settings.base_list.as_str()), ("https://x.myshopify.com", "base"));
        let bad = ctx(&[("base-url", "https://x.myshopify.com"), ("price-decimals", "9")]);
        assert!(matches!(Settings::read(&bad), Err(Fault::Invalid(_))));
        let bad = ctx(&[("base-url", "https://x.myshopify.com"), ("writes-orders", "maybe")]);
        assert!(matches!(Settings::read(&bad), Err(Fault::Invalid(_))));
    }
}
