//! Two services that are both called Dynamics 365: Business Central, and Dataverse behind Dynamics 365 Sales.
//!
//! They share the directory that gives tokens ([`token`]), record ids, exact JSON, the row store and the terms in which
//! people edit and see what they hold; neither knows the other.

mod amounts;
pub mod business_central;
pub mod dataverse;
mod edits;
mod edmx;
mod guid;
mod json;
mod moment;
mod rows;
mod table;
pub mod token;
mod view;
mod wire;

pub use business_central::BusinessCentral;
pub use dataverse::Dataverse;
pub use edits::{Break, CustomerEdit, ItemEdit, NewOrder, NewOrderLine, PriceEdit, Refused};
pub use guid::{Guid, NoGuid};
pub use rows::{CustomerRow, ItemRow, LocationRow, OrderLineRow, OrderRow, PriceRow, StockRow};
