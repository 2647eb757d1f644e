//! What a tenant says about its system, whichever dialect it speaks.

use truthsource_sdk::{Context, Fault, settings};

/// Which of the products that are called Dynamics 365.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    BusinessCentral,
    Dataverse,
}

impl Dialect {
    pub(crate) fn read(ctx: &Context) -> Result<Self, Fault> {
        match ctx.setting_or("dialect", "business-central") {
            "business-central" => Ok(Self::BusinessCentral),
            "dataverse" => Ok(Self::Dataverse),
            other => {
                Err(Fault::Invalid(format!("setting `dialect` is `{other}`, not `business-central` or `dataverse`")))
            }
        }
    }
}

/// Where the system is, without a slash at the end.
pub(crate) fn base_url(ctx: &Context) -> Result<String, Fault> {
    let url = ctx.setting("base-url").ok_or_else(|| {
        let example = "https://api.businesscentral.dynamics.com/v2.0/Production, or https://<org>.crm.dynamics.com";
        Fault::Invalid(format!("setting `base-url` is missing: {example}"))
    })?;
    Ok(url.trim_end_matches('/').to_owned())
}

/// How many requests of one user either service takes in five minutes.
pub(crate) const REQUESTS_MAX: u32 = 6_000;

/// The same, as the tenant says.
pub(crate) fn requests_max(ctx: &Context) -> Result<u32, Fault> {
    let Some(text) = ctx.setting("requests-max") else { return Ok(REQUESTS_MAX) };
    let number = text.parse().ok().filter(|it| *it > 0);
    number.ok_or_else(|| Fault::Invalid(format!("setting `requests-max` is `{text}`, and no number of requests")))
}

/// A setting that says yes or no.
pub(crate) fn yes(ctx: &Context, name: &str, default: &str) -> Result<bool, Fault> {
    settings::yes(name, ctx.setting_or(name, default))
}

/// A setting that may be given as `none`; not given at all, it is `default`.
pub(crate) fn or_none<'a>(ctx: &'a Context, name: &str, default: &'a str) -> Option<&'a str> {
    Some(ctx.setting_or(name, default)).filter(|it| *it != "none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_is_one_of_two() {
        let read = |text: &str| {
            Dialect::read(&Context { settings: [("dialect".to_owned(), text.to_owned())].into(), now_ms: 0 })
        };
        assert_eq!(read("").unwrap(), Dialect::BusinessCentral);
        assert_eq!(read("dataverse").unwrap(), Dialect::Dataverse);
        assert!(matches!(read("finance"), Err(Fault::Invalid(_))));
    }
}
