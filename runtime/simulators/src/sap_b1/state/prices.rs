//! What things cost: lists that follow others, special prices, and the price that holds in the end.

use jiff::civil::Date;
use truthsource_core::{Decimal, UnixMs};

use super::{Cause, State, fits, pair};
use crate::sap_b1::model::{DataArea, Item, QuantityArea, SpecialPrice};
use crate::sap_b1::problem::Problem;
use crate::sap_b1::settings::FactorLists;

/// Whose price is asked, and of how many.
#[derive(Debug, Clone)]
pub(in crate::sap_b1) struct Asked<'a> {
    pub item: &'a str,
    pub card: Option<&'a str>,
    /// The list of those who have none of their own.
    pub list: Option<i64>,
    pub quantity: Decimal,
    pub day: Date,
}

/// A price and its currency.
pub(in crate::sap_b1) type Priced = (Decimal, Option<String>);

impl State {
    /// Sets the prices that follow others, and cuts all to the company's digits.
    pub(super) fn follow(&self, item: &mut Item) -> Result<(), Problem> {
        let places = self.settings.price_decimals;
        for row in item.prices.values_mut() {
            row.price = row.price.round(places);
            if let Some(currency) = &row.currency
                && !self.settings.currencies.iter().any(|it| it.code == *currency)
            {
                return Err(Problem::reference("currency", "ITM1.Currency", currency));
            }
        }
        if self.settings.factor_lists == FactorLists::Stored {
            return Ok(());
        }
        // A list may follow one that follows another: as many rounds as there are lists settle them all.
        for _ in 0..self.lists.len() {
            let before = item.prices.clone();
            for row in item.prices.values_mut().filter(|it| it.base != it.list && !it.is_manual) {
                let Some(base) = before.get(&row.base) else { continue };
                row.price = fits(base.price.checked_mul(row.factor))?.round(places);
                row.currency.clone_from(&base.currency);
            }
            if item.prices == before {
                break;
            }
        }
        Ok(())
    }

    /// The prices from a quantity on that hold for a whole list on a day.
    pub(in crate::sap_b1) fn breaks(&self, now: UnixMs, list: i64, item: &str) -> Vec<(Decimal, Decimal)> {
        let day = self.stamp(now).date;
        let special = self.special.get(&(format!("*{list}"), item.to_owned()));
        let period = special.filter(|it| it.holds(day)).and_then(|it| it.period(day));
        let mut breaks: Vec<_> =
            period.map_or(&[][..], |it| &it.volumes).iter().map(|it| (it.from, it.price)).collect();
        breaks.sort_unstable();
        breaks
    }

    /// Saves a special price, new or not.
    pub(in crate::sap_b1) fn save_special(&mut self, cause: Cause, mut special: SpecialPrice) -> Result<(), Problem> {
        let Some(item) = self.items.get(&special.item) else {
            return Err(Problem::reference("item number", "OSPP.ItemCode", &special.item));
        };
        let of_list = special.card.strip_prefix('*').and_then(|it| it.parse::<i64>().ok());
        let is_known = match of_list {
            Some(list) => self.lists.contains_key(&list),
            None => self.partners.contains_key(&special.card),
        };
        if !is_known {
            return Err(Problem::reference("BP code", "OSPP.CardCode", &special.card));
        }
        if special.price_list == 0 {
            let own = self.partners.get(&special.card).map_or(1, |it| it.price_list);
            special.price_list = of_list.unwrap_or(own);
        }
        let list_price = item.prices.get(&special.price_list).map(|it| it.price).unwrap_or_default();
        let list_currency = item.prices.get(&special.price_list).and_then(|it| it.currency.clone());
        special.settle(list_price, list_currency, self.settings.price_decimals)?;
        let key = (special.card.clone(), special.item.clone());
        let before = of_list.map(|list| self.breaks_text(cause.now, list, &key.1));
        self.special.insert(key.clone(), special);
        self.record_breaks(cause, of_list, &key.1, before);
        Ok(())
    }

    /// Deletes a special price.
    pub(in crate::sap_b1) fn delete_special(&mut self, cause: Cause, key: &(String, String)) -> Result<(), Problem> {
        let of_list = key.0.strip_prefix('*').and_then(|it| it.parse::<i64>().ok());
        let before = of_list.map(|list| self.breaks_text(cause.now, list, &key.1));
        self.special.remove(key).ok_or_else(Problem::not_found)?;
        self.record_breaks(cause, of_list, &key.1, before);
        Ok(())
    }

    fn record_breaks(&mut self, cause: Cause, of_list: Option<i64>, item: &str, before: Option<String>) {
        let Some(list) = of_list else { return };
        let after = self.breaks_text(cause.now, list, item);
        let has_price =
            self.items.get(item).and_then(|it| it.prices.get(&list)).is_some_and(|it| it.price > Decimal::ZERO);
        if before.as_ref() != Some(&after) && has_price {
            self.record(cause, ("price", &pair(&list.to_string(), item)), "breaks", after);
        }
    }

    /// What one of an item costs: by the customer's special price, else by the special price of its whole list, else
    /// by the list. `None`: there is no price.
    pub(in crate::sap_b1) fn price_for(&self, asked: &Asked<'_>) -> Option<Priced> {
        let own = asked.card.and_then(|it| self.partners.get(it)).map(|it| it.price_list);
        let list = own.or(asked.list).unwrap_or(1);
        let cards = asked.card.map(str::to_owned).into_iter().chain([format!("*{list}")]);
        for card in cards {
            let special = self.special.get(&(card, asked.item.to_owned()));
            if let Some(special) = special.filter(|it| it.holds(asked.day)) {
                return Some(special.price_for(asked.quantity, asked.day));
            }
        }
        let row = self.items.get(asked.item)?.prices.get(&list)?;
        (row.price > Decimal::ZERO).then(|| (row.price, row.currency.clone()))
    }
}

fn within(day: Date, from: Option<Date>, to: Option<Date>) -> bool {
    from.is_none_or(|it| it <= day) && to.is_none_or(|it| day <= it)
}

impl SpecialPrice {
    fn holds(&self, day: Date) -> bool {
        self.valid && within(day, self.valid_from, self.valid_to)
    }

    fn period(&self, day: Date) -> Option<&DataArea> {
        self.periods.iter().find(|it| within(day, it.from, it.to))
    }

    fn price_for(&self, quantity: Decimal, day: Date) -> Priced {
        let Some(period) = self.period(day) else { return (self.price, self.currency.clone()) };
        let volumes = period.volumes.iter().filter(|it| it.from <= quantity);
        match volumes.max_by_key(|it| it.from) {
            Some(it) => (it.price, it.currency.clone().or_else(|| period.currency.clone())),
            None => (period.price, period.currency.clone().or_else(|| self.currency.clone())),
        }
    }

    /// Fills in prices that only a discount is given for, at every level, and cuts them to the company's digits.
    fn settle(&mut self, list_price: Decimal, currency: Option<String>, places: u32) -> Result<(), Problem> {
        self.currency = self.currency.take().or(currency);
        self.price = settled(self.price, self.discount, list_price, places)?;
        for DataArea { card, item, price, discount, currency, volumes, .. } in &mut self.periods {
            (*card, *item) = (self.card.clone(), self.item.clone());
            *price = settled(*price, *discount, self.price, places)?;
            *currency = currency.take().or_else(|| self.currency.clone());
            for QuantityArea { card, item, price: of_volume, discount, currency: own, .. } in volumes {
                (*card, *item) = (self.card.clone(), self.item.clone());
                *of_volume = settled(*of_volume, *discount, *price, places)?;
                *own = own.take().or_else(|| currency.clone());
            }
        }
        Ok(())
    }
}

fn settled(price: Decimal, discount: Decimal, base: Decimal, places: u32) -> Result<Decimal, Problem> {
    if price.is_negative() {
        return Err(Problem::rule("Enter a valid price [OSPP.Price]"));
    }
    if price != Decimal::ZERO {
        return Ok(price.round(places));
    }
    discounted(base, discount).map(|it| it.round(places))
}

/// The price less so many percent.
pub(super) fn discounted(price: Decimal, percent: Decimal) -> Result<Decimal, Problem> {
    let share = crate::sap_b1::model::percent(percent).and_then(|it| Decimal::ONE.checked_sub(it));
    fits(share.and_then(|it| price.checked_mul(it)))
}
