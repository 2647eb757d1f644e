//! The systems that a connector can be tried against.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use truthsource_core::UnixMs;
use truthsource_simulators::dynamics::dataverse;
use truthsource_simulators::world::{BusinessCentralSite, Catalogue, DataverseSite, Site};

use crate::demo::account::{self, Edition};
use crate::demo::world::{Product, Seat};

/// Rows of a page where pages can be made small.
const PAGE_ROWS: usize = 3;

/// A simulated system, as a connector speaks to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "names of systems")]
pub enum Dialect {
    Netsuite,
    Shopify,
    SapB1,
    BusinessCentral,
    Dataverse,
}

impl Dialect {
    /// Every system.
    pub const ALL: [Self; 5] = [Self::Netsuite, Self::Shopify, Self::SapB1, Self::BusinessCentral, Self::Dataverse];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Netsuite => "netsuite",
            Self::Shopify => "shopify",
            Self::SapB1 => "sap-b1",
            Self::BusinessCentral => "business-central",
            Self::Dataverse => "dataverse",
        }
    }

    /// The shipped connector for it.
    #[must_use]
    pub fn component(self) -> &'static str {
        match self {
            Self::BusinessCentral | Self::Dataverse => "dynamics-365",
            other => other.as_str(),
        }
    }

    /// What a connector is most likely for, by what it calls its system or itself.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let named = Self::ALL.into_iter().find(|it| it.as_str() == name || it.component() == name);
        named.or_else(|| Self::ALL.into_iter().find(|it| name.contains(it.as_str())))
    }

    fn product(self) -> Option<Product> {
        match self {
            Self::Netsuite => Some(Product::Netsuite),
            Self::Shopify => Some(Product::Shopify),
            Self::SapB1 => Some(Product::SapB1),
            Self::BusinessCentral => Some(Product::Dynamics365),
            Self::Dataverse => None,
        }
    }

    /// A system that was filled from a catalogue.
    ///
    /// # Errors
    /// When the catalogue makes no sense.
    pub fn fill(self, now: UnixMs, catalogue: &Catalogue, pages: Pages) -> anyhow::Result<Arc<dyn Site>> {
        Ok(match self {
            Self::BusinessCentral => {
                let mut settings = account::business_central_settings(Edition::Newest);
                if pages == Pages::Small {
                    settings.limits.page_max = PAGE_ROWS;
                }
                Arc::new(BusinessCentralSite::open(now, settings, catalogue)?)
            }
            Self::Dataverse => {
                let settings = dataverse::Settings::default();
                let page_max = if pages == Pages::Small { PAGE_ROWS } else { settings.page_max };
                let settings = dataverse::Settings { page_max, requests_max: account::REQUESTS_MAX, ..settings };
                Arc::new(DataverseSite::open(now, settings, catalogue)?)
            }
            Self::Netsuite => Seat::fill(Product::Netsuite, now, catalogue)?.site,
            Self::Shopify => Seat::fill(Product::Shopify, now, catalogue)?.site,
            Self::SapB1 => Seat::fill(Product::SapB1, now, catalogue)?.site,
        })
    }

    /// Whether its pages can be made small, so that a few rows are several pages.
    #[must_use]
    pub fn has_small_pages(self) -> bool {
        matches!(self, Self::BusinessCentral | Self::Dataverse)
    }

    /// What requests to it at `url` are signed with.
    #[must_use]
    pub fn credentials(self, url: &str) -> Json {
        let Some(product) = self.product() else {
            let application = dataverse::Settings::default().application;
            return json!({
                "scheme": "oauth2-client-credentials",
                "token_url": format!("{url}/{}/oauth2/v2.0/token", application.tenant),
                "client_id": application.client_id,
                "client_secret": application.client_secret,
                "scope": format!("{}/.default", dataverse::Settings::default().resource()),
            });
        };
        account::credentials(product, url)
    }

    /// What its deliveries are proved by; nothing where connectors subscribe.
    #[must_use]
    pub fn hook_secret(self) -> Option<String> {
        self.product().and_then(account::hook_secret)
    }

    /// The connection that its shipped connector takes to it.
    #[must_use]
    pub fn connection(self, site: &Arc<dyn Site>, url: &str) -> Json {
        if let Some(product) = self.product() {
            return account::connection(&seated(product, site), url, 0, 0)["spec"].take();
        }
        json!({
            "connector": "connector:dynamics-365",
            "settings": {
                "dialect": "dataverse",
                "base-url": url,
                "requests-max": account::REQUESTS_MAX.to_string(),
                "price-lists": "Standard=base, wholesale=wholesale, gold=gold",
            },
            "egress": [url],
            "rank": 0,
            "kinds": {},
        })
    }

    /// What an administrator does so that it tells of changes at `hook`, where a connector does not see to that itself.
    ///
    /// # Errors
    /// When the system does not let an administrator do that.
    pub fn subscribe(
        self,
        site: &Arc<dyn Site>,
        (url, hook): (&str, &str),
    ) -> anyhow::Result<Vec<http::Request<bytes::Bytes>>> {
        match self.product() {
            Some(product) => account::subscribe(&seated(product, site), url, hook),
            None => Ok(Vec::new()),
        }
    }
}

/// A product's system in a place of its own.
fn seated(product: Product, site: &Arc<dyn Site>) -> Seat {
    Seat { product, called: product.connection().to_owned(), site: site.clone(), edition: Edition::Newest, ahead_ms: 0 }
}

/// How large a system's pages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// As they usually are.
    Usual,
    /// Of a few rows, where that can be had.
    Small,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Dialect {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = Self::ALL.map(Self::as_str).join(", ");
        Self::ALL.into_iter().find(|it| it.as_str() == name).ok_or_else(|| format!("must be one of {all}"))
    }
}
