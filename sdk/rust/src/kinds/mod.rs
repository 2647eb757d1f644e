//! The kinds as typed records, to build fields from and to read them into.

mod charge;
mod order;
mod price;

pub use charge::{Charge, ChargeKind};
pub use order::{Fulfilment, Line, Order, Payment, Status, Taken};
pub use price::{Break, Price};

use crate::value::{FieldValue, Fields, Held, Value};
use crate::{Decimal, Fault};

/// A record of one kind: fields with names and types.
pub trait Record: Sized {
    /// Every known field, by name.
    fn into_fields(self) -> Fields;

    /// The typed record.
    ///
    /// # Errors
    /// [`Fault::Invalid`] naming the first field that does not fit. Fields of other names are left out.
    fn from_fields(fields: &Fields) -> Result<Self, Fault>;
}

pub(crate) fn put<T: FieldValue>(fields: &mut Fields, name: &str, held: Held<T>) {
    let value = match held {
        Held::Unknown => return,
        Held::Empty => Value::Null,
        Held::Is(value) => value.into_value(),
    };
    fields.insert(name.to_owned(), value);
}

pub(crate) fn take<T: FieldValue>(fields: &Fields, name: &str) -> Result<Held<T>, Fault> {
    match fields.get(name) {
        None => Ok(Held::Unknown),
        Some(Value::Null) => Ok(Held::Empty),
        Some(value) => {
            let read = T::from_value(value.clone()).map(Held::Is);
            read.map_err(|reason| Fault::Invalid(format!("field `{name}` {reason}")))
        }
    }
}

/// A typed record whose fields are those of the kind's schema.
macro_rules! record {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct $name {
            $($(#[$doc])* pub $field: crate::value::Held<$ty>,)*
        }

        impl crate::kinds::Record for $name {
            fn into_fields(self) -> crate::Fields {
                let mut fields = crate::Fields::new();
                $(crate::kinds::put(&mut fields, stringify!($field), self.$field);)*
                fields
            }

            fn from_fields(fields: &crate::Fields) -> Result<Self, crate::Fault> {
                Ok(Self { $($field: crate::kinds::take(fields, stringify!($field))?,)* })
            }
        }
    };
}
pub(crate) use record;

record! {
    /// A place that holds stock.
    Location {
        /// What people call it in papers; unique among locations.
        code: String,
        /// Its name.
        name: String,
        /// In use.
        active: bool,
    }
}

record! {
    /// Something that is sold.
    Item {
        /// The SKU.
        code: String,
        /// What customers read.
        title: String,
        /// A GTIN or another code to scan.
        barcode: String,
        /// May be sold.
        active: bool,
    }
}

record! {
    /// A customer that is a business.
    Company {
        /// The customer number.
        code: String,
        /// Its name.
        name: String,
        /// Where it reads mail.
        email: String,
        /// ISO 4217, upper case.
        currency: String,
        /// May buy.
        active: bool,
    }
}

record! {
    /// How much of an item is at a location.
    StockLevel {
        /// The item's remote id.
        item: String,
        /// The location's remote id.
        location: String,
        /// What is there, reserved or not, in the item's base unit. May be below zero.
        on_hand: Decimal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_and_empty_are_two_things() {
        let item = Item { code: "BOLT-8".to_owned().into(), title: Held::Empty, ..Item::default() };
        let fields = item.clone().into_fields();
        assert_eq!(fields.get("title"), Some(&Value::Null));
        assert_eq!(fields.get("barcode"), None);
        assert_eq!(Item::from_fields(&fields).unwrap(), item);
    }

    #[test]
    fn a_field_of_the_wrong_type_is_named() {
        let fields = Fields::from([("on_hand".to_owned(), Value::Text("7".to_owned()))]);
        let fault = StockLevel::from_fields(&fields).unwrap_err();
        assert_eq!(fault, Fault::Invalid("field `on_hand` must be a number".to_owned()));
    }
}
