//! How charges of orders are booked: what a tenant says about it, read once and used by every connector.
//!
//! A system that books a charge as a line of its own needs to be told as what: an item, an expense, an account. The setting
//! [`SETTING`] says it. What it does not say of shipping and discounts is a question to a person, as an order would be booked
//! short otherwise; taxes that it does not name are the system's own business.

use std::collections::BTreeMap;

use crate::connector::{Outcome, Setting};
use crate::kinds::{Charge, ChargeKind, Order};
use crate::value::Held;
use crate::{Decimal, Fault, Settings};

/// The setting that names as what each kind of charge is booked: `shipping=501, discount=502`.
pub const SETTING: &str = "order-charges";

/// As what each kind of charge is booked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChargeBook(BTreeMap<ChargeKind, String>);

impl ChargeBook {
    /// What the settings say.
    ///
    /// # Errors
    /// [`Fault::Invalid`] when it is no list of pairs, names no kind of charge, or one thing for two of them: what is read
    /// back could not be told apart.
    pub fn read(settings: &Settings) -> Result<Self, Fault> {
        let mut book = BTreeMap::new();
        let parts = settings.get(SETTING).unwrap_or_default().split(',').map(str::trim).filter(|it| !it.is_empty());
        for part in parts {
            let pair = part.split_once('=').map(|(kind, target)| (ChargeKind::named(kind.trim()), target.trim()));
            let (kind, target) = match pair {
                Some((Some(kind), target)) if !target.is_empty() => (kind, target),
                _ => {
                    let why = format!(
                        "`{part}` in setting `{SETTING}` is no pair such as `shipping=501`, `tax=…`, `discount=…`"
                    );
                    return Err(Fault::Invalid(why));
                }
            };
            if book.values().any(|it: &String| it.eq_ignore_ascii_case(target)) {
                return Err(Fault::Invalid(format!("setting `{SETTING}` names `{target}` twice")));
            }
            if book.insert(kind, target.to_owned()).is_some() {
                return Err(Fault::Invalid(format!("setting `{SETTING}` says `{}` twice", kind.as_str())));
            }
        }
        Ok(Self(book))
    }

    /// The setting, for [`crate::connector::Description::settings`]; `what` is what a kind of charge is booked as.
    #[must_use]
    pub fn setting(what: &str) -> Setting {
        let about = format!(
            "As what shipping, discounts and taxes of whole orders are booked, by {what}: shipping=…, discount=…, tax=…; \
             taxes that are not named are the system's own business"
        );
        Setting { name: SETTING.to_owned(), about, default: Some(String::new()) }
    }

    /// As what a kind of charge is booked.
    #[must_use]
    pub fn target(&self, kind: ChargeKind) -> Option<&str> {
        self.0.get(&kind).map(String::as_str)
    }

    /// What is booked as this.
    #[must_use]
    pub fn kind_of(&self, target: &str) -> Option<ChargeKind> {
        self.0.iter().find(|(_, it)| it.eq_ignore_ascii_case(target)).map(|(kind, _)| *kind)
    }

    /// What the system would hold of charges: no names, nothing of nothing, and taxes only where they are booked as lines.
    /// What cannot be booked stays: that somebody has to say as what is found when it is written.
    #[must_use]
    pub fn project(&self, charges: Held<Vec<Charge>>) -> Held<Vec<Charge>> {
        match charges {
            Held::Unknown => Held::Unknown,
            Held::Empty => Held::Is(Vec::new()),
            Held::Is(charges) => Held::Is(self.booked(charges)),
        }
    }

    fn booked(&self, charges: Vec<Charge>) -> Vec<Charge> {
        let is_ours = |it: &Charge| it.kind != ChargeKind::Tax || self.target(ChargeKind::Tax).is_some();
        let something = charges.into_iter().filter(|it| it.amount != Decimal::ZERO);
        something.filter(is_ours).map(|it| Charge::new(it.kind, it.amount)).collect()
    }

    /// The charges of an order to write: what each is booked as, and its amount. What people call it is not kept.
    ///
    /// # Errors
    /// The question to a person: what is charged, and what has to be said about it.
    pub fn lines(&self, order: &Order) -> Result<Vec<(String, Decimal)>, Outcome> {
        let charges = self.booked(order.charges.as_ref().cloned().unwrap_or_default());
        let line = |it: Charge| match self.target(it.kind) {
            Some(target) => Ok((target.to_owned(), it.amount)),
            None => Err(self.question(it)),
        };
        charges.into_iter().map(line).collect()
    }

    fn question(&self, it: Charge) -> Outcome {
        let (kind, amount) = (it.kind.as_str(), it.amount);
        Outcome::rejected(
            "unmapped-charge",
            format!(
                "{amount} of {kind} is charged beside the lines of this order, and setting `{SETTING}` does not say as what \
                 it is booked: add `{kind}=…`, or enter the order by hand"
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(text: &str) -> Result<ChargeBook, Fault> {
        ChargeBook::read(&Settings::default().with(SETTING, text))
    }

    fn order(charges: &[(ChargeKind, &str)]) -> Order {
        let row = |(kind, amount): &(ChargeKind, &str)| Charge {
            title: Some("Something".to_owned()),
            ..Charge::new(*kind, amount.parse().unwrap())
        };
        Order { charges: Held::Is(charges.iter().map(row).collect()), ..Order::default() }
    }

    #[test]
    fn a_setting_is_pairs_that_can_be_told_apart() {
        let read = book(" shipping=501 , tax = T ").unwrap();
        assert_eq!((read.target(ChargeKind::Shipping), read.target(ChargeKind::Discount)), (Some("501"), None));
        assert_eq!((read.kind_of("t"), read.kind_of("9")), (Some(ChargeKind::Tax), None));
        assert_eq!(book("").unwrap(), ChargeBook::default());
        for wrong in ["shipping", "shipping=", "tip=9", "shipping=1, tax=1", "shipping=1, shipping=2"] {
            assert!(matches!(book(wrong), Err(Fault::Invalid(_))), "{wrong}");
        }
    }

    #[test]
    fn an_order_is_never_booked_short() {
        let charged = order(&[(ChargeKind::Shipping, "9.5"), (ChargeKind::Tax, "7"), (ChargeKind::Discount, "-3")]);
        let check = |text: &str, expect: Result<&[&str], &str>| {
            let seen = book(text).unwrap().lines(&charged);
            match (&seen, expect) {
                (Ok(lines), Ok(expect)) => {
                    let lines: Vec<String> =
                        lines.iter().map(|(target, amount)| format!("{target} {amount}")).collect();
                    assert_eq!(lines, expect, "{text}");
                }
                (Err(Outcome::Rejected(why)), Err(names)) if why.message.contains(names) => {}
                _ => panic!("{text}: {seen:?}"),
            }
        };
        check("shipping=S, discount=D, tax=T", Ok(&["S 9.5", "T 7", "D -3"]));
        // Taxes that nobody names are the system's own business.
        check("shipping=S, discount=D", Ok(&["S 9.5", "D -3"]));
        check("discount=D", Err("9.5 of shipping"));
        check("shipping=S, tax=T", Err("-3 of discount"));
        let nothing = order(&[(ChargeKind::Shipping, "0")]);
        assert_eq!(book("").unwrap().lines(&nothing), Ok(Vec::new()));
    }

    #[test]
    fn what_is_held_is_what_would_be_held() {
        let charged = order(&[(ChargeKind::Shipping, "9.5"), (ChargeKind::Tax, "7"), (ChargeKind::Shipping, "0")]);
        for (text, expect) in [("", 1), ("tax=T", 2)] {
            let book = book(text).unwrap();
            let once = book.project(charged.charges.clone());
            assert_eq!(once.as_ref().map(Vec::len), Some(expect), "{text}");
            assert_eq!(book.project(once.clone()), once);
        }
        assert_eq!(book("").unwrap().project(Held::Empty), Held::Is(Vec::new()));
        assert_eq!(book("").unwrap().project(Held::Unknown), Held::Unknown);
    }
}
