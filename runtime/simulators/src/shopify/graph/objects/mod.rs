//! The objects of the schema: each holds its row as it was when it was read, and reads its neighbours when asked.

pub mod companies;
pub mod definitions;
pub mod fulfillments;
pub mod items;
pub mod node;
pub mod orders;
pub mod prices;
pub mod rest;
pub mod stock;

/// An object around a row.
macro_rules! around {
    ($(#[$doc:meta])* $object:ident, $row:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $object(pub std::sync::Arc<$row>);
    };
}
pub(super) use around;
