//! The objects that a company holds, and how they look from outside.

mod document;
pub(super) mod field;
mod item;
mod partner;
mod price;
mod query;
mod stock_document;
mod subscription;

pub(super) use document::percent;
pub use document::{Book, Document, DocumentExpense, DocumentLine};
pub use item::{Item, ItemPrice, Stock, Warehouse};
pub use partner::{Address, CardType, Contact, Partner};
pub use price::{DataArea, PriceList, QuantityArea, SpecialPrice};
pub use query::SqlQuery;
pub use stock_document::{Counting, CountingLine, Posting, PostingLine, Transfer, TransferLine};
pub use subscription::{EventKind, Notification, Subscription};
