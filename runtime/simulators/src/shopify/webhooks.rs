//! Webhook topics, and how a webhook is signed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Waits between the tries of a webhook: eight more within four hours, at growing gaps.
pub const RETRIES_MS: &[u64] = &[10_000, 30_000, 60_000, 300_000, 900_000, 1_800_000, 3_600_000, 7_200_000];

macro_rules! topics {
    ($($topic:ident => $name:literal, $scopes:expr;)*) => {
        /// What a webhook tells of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, async_graphql::Enum)]
        #[graphql(name = "WebhookSubscriptionTopic")]
        #[allow(missing_docs)]
        pub enum Topic {
            $($topic,)*
        }

        impl Topic {
            /// As the header spells it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$topic => $name,)*
                }
            }

            /// The scopes of which a subscriber needs one.
            #[must_use]
            pub fn scopes(self) -> &'static [&'static str] {
                match self {
                    $(Self::$topic => $scopes,)*
                }
            }
        }
    };
}

const PRODUCTS: &[&str] = &["read_products", "write_products"];
const INVENTORY: &[&str] = &["read_inventory", "write_inventory"];
const ORDERS: &[&str] = &["read_orders", "write_orders"];
const COMPANIES: &[&str] = &["read_companies", "write_companies", "read_customers", "write_customers"];
const CUSTOMERS: &[&str] = &["read_customers", "write_customers"];
const LOCATIONS: &[&str] = &["read_locations"];

topics!(
    ProductsCreate => "products/create", PRODUCTS;
    ProductsUpdate => "products/update", PRODUCTS;
    ProductsDelete => "products/delete", PRODUCTS;
    InventoryItemsCreate => "inventory_items/create", INVENTORY;
    InventoryItemsUpdate => "inventory_items/update", INVENTORY;
    InventoryItemsDelete => "inventory_items/delete", INVENTORY;
    InventoryLevelsConnect => "inventory_levels/connect", INVENTORY;
    InventoryLevelsUpdate => "inventory_levels/update", INVENTORY;
    InventoryLevelsDisconnect => "inventory_levels/disconnect", INVENTORY;
    OrdersCreate => "orders/create", ORDERS;
    OrdersUpdated => "orders/updated", ORDERS;
    OrdersEdited => "orders/edited", ORDERS;
    OrdersCancelled => "orders/cancelled", ORDERS;
    OrdersPaid => "orders/paid", ORDERS;
    OrdersFulfilled => "orders/fulfilled", ORDERS;
    OrdersDelete => "orders/delete", ORDERS;
    CompaniesCreate => "companies/create", COMPANIES;
    CompaniesUpdate => "companies/update", COMPANIES;
    CompaniesDelete => "companies/delete", COMPANIES;
    CompanyLocationsCreate => "company_locations/create", COMPANIES;
    CompanyLocationsUpdate => "company_locations/update", COMPANIES;
    CompanyLocationsDelete => "company_locations/delete", COMPANIES;
    CustomersCreate => "customers/create", CUSTOMERS;
    CustomersUpdate => "customers/update", CUSTOMERS;
    CustomersDelete => "customers/delete", CUSTOMERS;
    LocationsCreate => "locations/create", LOCATIONS;
    LocationsUpdate => "locations/update", LOCATIONS;
    LocationsDelete => "locations/delete", LOCATIONS;
    AppUninstalled => "app/uninstalled", &[];
);

/// The signature of a webhook: base64 of HMAC-SHA256 over the exact bytes of its body, under the app's secret.
#[must_use]
pub fn sign(secret: &str, body: &[u8]) -> String {
    // HMAC takes keys of every length: the error cannot happen, and an empty signature would verify nowhere.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_hmac_sha256_in_base64() {
        // RFC 4231, test case 2.
        assert_eq!(sign("Jefe", b"what do ya want for nothing?"), "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
    }

    #[test]
    fn retries_end_within_four_hours() {
        assert_eq!(RETRIES_MS.len(), 8);
        assert!(RETRIES_MS.windows(2).all(|gap| gap[0] < gap[1]));
        assert!(RETRIES_MS.iter().sum::<u64>() <= 4 * 3_600_000);
    }
}
