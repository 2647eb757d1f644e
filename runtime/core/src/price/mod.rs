//! What a customer pays: rules, and what comes of them.
//!
//! A hundred thousand items for a thousand companies stay as few rules as somebody wrote: nothing is multiplied out. A
//! price is resolved when it is asked for, from the rules that name its company and its item, or nobody in particular.

mod money;
mod resolve;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::{Decimal, UnixMs};

pub use money::digits;
pub use resolve::{Ask, ListPrice, Receipt, Unpriced, resolve};

/// A rule about what is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceRule {
    /// Only for this company, by key; everybody, where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Only of this item, by key; every item, where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// ISO 4217, upper case: it says nothing of prices in others.
    pub currency: String,
    /// From this moment on; always before `until`, where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<UnixMs>,
    /// Before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<UnixMs>,
    /// What is paid.
    pub pays: Pays,
}

/// What is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Pays {
    /// What a price list says, and so many per cent more; less, below 0.
    List {
        /// The list's code, as its price records have it.
        list: String,
        /// Per cent, above -100.
        #[serde(default, skip_serializing_if = "Decimal::is_zero")]
        percent: Decimal,
    },
    /// This, whatever lists say.
    Fixed {
        /// Per unit.
        amount: Decimal,
        /// Quantities from which another amount holds, ascending.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        breaks: Vec<Break>,
    },
    /// So many per cent more than the list price that counts; less, below 0. Fixed prices stay what they are.
    Percent {
        /// Per cent, above -100.
        percent: Decimal,
        /// From this quantity on.
        #[serde(default, skip_serializing_if = "Decimal::is_zero")]
        from_quantity: Decimal,
    },
}

/// A quantity from which another amount holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Break {
    /// The quantity; above 0.
    pub from: Decimal,
    /// Per unit.
    pub amount: Decimal,
}

impl PriceRule {
    /// It holds at this moment: its first belongs to it, its last does not.
    #[must_use]
    pub fn holds(&self, at: UnixMs) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }

    /// Whether it can be.
    ///
    /// # Errors
    /// What it cannot be, for whoever wrote it.
    pub fn check(&self) -> Result<(), &'static str> {
        let whole = Decimal::from(-100);
        if self.currency.len() != 3 || !self.currency.bytes().all(|it| it.is_ascii_uppercase()) {
            return Err("`currency` is three capital letters");
        }
        if self.from.zip(self.until).is_some_and(|(from, until)| from >= until) {
            return Err("`from` is before `until`");
        }
        match &self.pays {
            Pays::List { list, .. } if list.trim().is_empty() || list.len() > 255 => {
                Err("`list` is a text of 1 to 255 bytes")
            }
            Pays::List { percent, .. } | Pays::Percent { percent, .. } if *percent <= whole => {
                Err("`percent` is above -100")
            }
            Pays::List { percent, .. } | Pays::Percent { percent, .. } if percent.parts().1 > 6 => {
                Err("`percent` has at most 6 digits after the point")
            }
            Pays::Percent { from_quantity, .. } if from_quantity.is_negative() => Err("`from_quantity` is at least 0"),
            Pays::Fixed { amount, breaks } => fixed(*amount, breaks),
            _ => Ok(()),
        }
    }
}

fn fixed(amount: Decimal, breaks: &[Break]) -> Result<(), &'static str> {
    let mut amounts = breaks.iter().map(|it| it.amount).chain([amount]);
    if amounts.any(|it| it.is_negative() || it.parts().1 > 6) {
        return Err("`amount` is at least 0, with at most 6 digits after the point");
    }
    if breaks.len() > 100 {
        return Err("at most 100 `breaks`");
    }
    if breaks.iter().any(|it| it.from <= Decimal::ZERO) || !breaks.is_sorted_by(|one, next| one.from < next.from) {
        return Err("`breaks` ascend by `from`, which is above 0");
    }
    Ok(())
}
