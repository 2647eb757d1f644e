//! How an organisation is set up: what differs between one customer and the next, and what nobody documents.

use serde::{Deserialize, Serialize};

use super::super::token::Application;

/// An organisation's set-up. Everything that public sources leave open is a choice here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The application that may call, and its directory.
    pub application: Application,
    /// The organisation's name in its address: `https://{organisation}.crm.dynamics.com`.
    pub organisation: String,
    /// The ISO code of the base currency.
    pub base_currency: String,
    /// The price level that stands for the default prices in canonical terms.
    pub default_price_level: String,
    /// Field Service's tables of warehouses and inventories are installed; without, there is no stock.
    pub inventory: bool,
    /// Requests within the window.
    pub requests_max: usize,
    /// Execution time within the window.
    pub execution_ms_max: u64,
    /// What one request is counted with.
    pub execution_ms: u64,
    /// How long the window is.
    pub window_ms: u64,
    /// Requests at once.
    pub concurrency_max: usize,
    /// Rows of a page, and what `odata.maxpagesize` may ask for at the most.
    pub page_max: usize,
    /// How long a delta token is good.
    pub delta_life_ms: u64,
    /// The status that a delta token which is too old is answered with.
    pub delta_gone_status: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            application: Application::default(),
            organisation: "contoso".to_owned(),
            base_currency: "USD".to_owned(),
            default_price_level: "Standard".to_owned(),
            inventory: true,
            requests_max: 6_000,
            execution_ms_max: 1_200_000,
            execution_ms: 0,
            window_ms: 300_000,
            concurrency_max: 52,
            page_max: 5_000,
            delta_life_ms: 7 * 24 * 3_600_000,
            delta_gone_status: 400,
        }
    }
}

impl Settings {
    /// What tokens are good for.
    #[must_use]
    pub fn resource(&self) -> String {
        format!("https://{}.crm.dynamics.com", self.organisation)
    }
}
