//! Shopify: Admin GraphQL with B2B.
