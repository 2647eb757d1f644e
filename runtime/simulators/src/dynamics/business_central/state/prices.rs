//! Price lists and their lines: tables 7000 and 7001, which only the customer's own pages show.

use truthsource_core::Decimal;

use super::{Cause, Draft, State, Subject};
use crate::dynamics::business_central::catalogue::Set;
use crate::dynamics::business_central::problem::Problem;
use crate::dynamics::guid::Guid;
use crate::dynamics::moment;
use crate::dynamics::table::{Cell, Row};

/// The list of a line. No API shows it.
pub(super) const HEAD: &str = "$head";
/// The item of a line.
pub(super) const ITEM: &str = "$item";

impl State {
    pub(super) fn save_price_list(&mut self, cause: Cause, mut draft: Draft) -> Result<Guid, Problem> {
        let id = draft.row.id;
        let code = draft.row.text("code").to_owned();
        if code.is_empty() {
            return Err(Problem::required("code"));
        }
        self.unique(Set::PriceLists, &draft.row, "Price List Header", "Code")?;
        draft.default("sourceType", Cell::text("All Customers"));
        draft.default("status", Cell::text("Draft"));
        self.check_currency(&draft.row)?;
        self.check_source(&draft.row)?;
        let lines: Vec<Row> = self.table(Set::PriceLines).owned_by(id).cloned().collect();
        let subjects: Vec<Subject> = lines.iter().map(|it| price_of(id, it)).collect();
        self.journaled(cause, &distinct(subjects), |state| {
            let head = draft.row.clone();
            state.put(cause, Set::PriceLists, draft.row);
            for mut line in lines {
                let before = line.clone();
                inherit(&mut line, &head);
                if line != before {
                    state.put(cause, Set::PriceLines, line);
                }
            }
            Ok(id)
        })
    }

    fn check_currency(&self, row: &Row) -> Result<(), Problem> {
        let code = row.text("currencyCode");
        if code.is_empty() || self.table(Set::Currencies).by_key(code).is_some() {
            return Ok(());
        }
        Err(Problem::relation("Currency Code", "Price List Header", code, "Currency"))
    }

    fn check_source(&self, row: &Row) -> Result<(), Problem> {
        let number = row.text("sourceNumber");
        if row.text("sourceType") != "Customer" || self.table(Set::Customers).by_key(number).is_some() {
            return Ok(());
        }
        Err(Problem::relation("Assign-to No.", "Price List Header", number, "Customer"))
    }

    pub(super) fn save_price_line(&mut self, cause: Cause, mut draft: Draft) -> Result<Guid, Problem> {
        let id = draft.row.id;
        let code = draft.row.text("priceListCode").to_owned();
        let head = self.table(Set::PriceLists).by_key(&code).cloned();
        let head =
            head.ok_or_else(|| Problem::relation("Price List Code", "Price List Line", &code, "Price List Header"))?;
        let before = self.row(Set::PriceLines, id).cloned();
        let number = draft.row.text("assetNumber").to_owned();
        let item = self.table(Set::Items).by_key(&number).map(|it| it.id);
        let item = item.ok_or_else(|| Problem::relation("Asset No.", "Price List Line", &number, "Item"))?;
        if before.as_ref().is_some_and(|it| it.reference(HEAD) != head.id) {
            return Err(Problem::read_only("priceListCode"));
        }
        if draft.row.number("unitPrice").is_negative() || draft.row.number("minimumQuantity").is_negative() {
            return Err(Problem::field("The value must be greater than or equal to 0."));
        }
        draft.row.set(HEAD, Cell::Id(head.id));
        draft.row.set(ITEM, Cell::Id(item));
        draft.row.set_text("assetType", "Item");
        inherit(&mut draft.row, &head);
        self.check_double(&draft.row)?;
        if before.is_none() {
            let number = self.next_line();
            draft.row.set("lineNumber", Cell::Number(number));
        }
        let mut subjects: Vec<Subject> = before.iter().map(|it| price_of(head.id, it)).collect();
        subjects.push(price_of(head.id, &draft.row));
        self.journaled(cause, &distinct(subjects), |state| {
            state.put(cause, Set::PriceLines, draft.row);
            Ok(id)
        })
    }

    /// The number of a new line: it grows by ten thousand, over all lists.
    fn next_line(&mut self) -> Decimal {
        let last = self.series.entry("price line").or_insert(0);
        *last += 10_000;
        Decimal::from(u32::try_from(*last).unwrap_or(u32::MAX))
    }

    /// Two lines of one item and quantity cannot both hold.
    fn check_double(&self, row: &Row) -> Result<(), Problem> {
        let key = |it: &Row| {
            let dates = (it.cell("startingDate").cloned(), it.cell("endingDate").cloned());
            (it.reference(ITEM), it.number("minimumQuantity"), it.text("unitOfMeasureCode").to_owned(), dates)
        };
        let beginning = key_of(row.reference(HEAD), row.reference(ITEM));
        let mut others = self.table(Set::PriceLines).keyed_from(&beginning).filter(|it| it.id != row.id);
        if row.text("status") == "Active" && others.any(|it| it.text("status") == "Active" && key(it) == key(row)) {
            let message = "The price list line duplicates another line of the price list.";
            return Err(Problem::dialog(message));
        }
        Ok(())
    }

    pub(super) fn delete_price_list(&mut self, cause: Cause, id: Guid) -> Result<(), Problem> {
        if self.row(Set::PriceLists, id).is_none() {
            return Err(Problem::no_record("Price List Header", id));
        }
        let lines: Vec<Row> = self.table(Set::PriceLines).owned_by(id).cloned().collect();
        let subjects: Vec<Subject> = lines.iter().map(|it| price_of(id, it)).collect();
        self.journaled(cause, &distinct(subjects), |state| {
            lines.iter().for_each(|it| state.remove(cause, Set::PriceLines, it.id));
            state.remove(cause, Set::PriceLists, id);
            Ok(())
        })
    }

    pub(super) fn delete_price_line(&mut self, cause: Cause, id: Guid) -> Result<(), Problem> {
        let row = self.row(Set::PriceLines, id).cloned();
        let row = row.ok_or_else(|| Problem::no_record("Price List Line", id))?;
        self.journaled(cause, &[price_of(row.reference(HEAD), &row)], |state| {
            state.remove(cause, Set::PriceLines, id);
            Ok(())
        })
    }

    /// What one of an item costs a customer who buys so many on a day: the lowest of the active lists that hold for
    /// it, else the item's own price.
    pub(super) fn price_for(&self, item: Guid, order: &Row, quantity: Decimal) -> Decimal {
        let customer = order.text("customerNumber");
        let holds = |it: &&Row| {
            let is_for_them = match it.text("sourceType") {
                "All Customers" => true,
                "Customer" => it.text("sourceNumber") == customer,
                _ => false,
            };
            let day = |column: &str| match it.cell(column) {
                Some(Cell::Day(day)) if *day != moment::no_day() => Some(*day),
                _ => None,
            };
            let today = match order.cell("orderDate") {
                Some(Cell::Day(day)) => *day,
                _ => moment::no_day(),
            };
            it.reference(ITEM) == item
                && it.text("status") == "Active"
                && is_for_them
                && it.text("currencyCode") == order.text("currencyCode")
                && it.number("minimumQuantity") <= quantity
                && day("startingDate").is_none_or(|it| it <= today)
                && day("endingDate").is_none_or(|it| today <= it)
        };
        let best = self.table(Set::PriceLines).rows().filter(holds).map(|it| it.number("unitPrice")).min();
        best.unwrap_or_else(|| self.row(Set::Items, item).map_or(Decimal::ZERO, |it| it.number("unitPrice")))
    }
}

/// Lines of one item in one list have keys that begin alike.
pub(super) fn row_key(row: &Row) -> Option<String> {
    Some(format!("{}{}", key_of(row.reference(HEAD), row.reference(ITEM)), row.id))
}

/// How the keys of an item's lines in a list begin.
pub(super) fn key_of(list: Guid, item: Guid) -> String {
    format!("{list}:{item}:")
}

/// The list and the item of a line.
pub(in crate::dynamics::business_central) fn price_key(line: &Row) -> (Guid, Guid) {
    (line.reference(HEAD), line.reference(ITEM))
}

/// What a line takes from its head.
fn inherit(line: &mut Row, head: &Row) {
    for column in ["sourceType", "sourceNumber", "currencyCode", "status"] {
        line.set_text(column, head.text(column));
    }
    for column in ["startingDate", "endingDate"] {
        if line.cell(column).is_none()
            && let Some(day) = head.cell(column)
        {
            line.set(column, day.clone());
        }
    }
    line.set_text("priceListCode", head.text("code"));
}

fn price_of(list: Guid, line: &Row) -> Subject {
    Subject::Price { list: Some(list), item: line.reference(ITEM) }
}

fn distinct(mut subjects: Vec<Subject>) -> Vec<Subject> {
    subjects.sort_unstable();
    subjects.dedup();
    subjects
}
