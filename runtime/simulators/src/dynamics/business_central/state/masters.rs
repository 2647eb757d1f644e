//! Customers, and the small tables that others refer to.

use super::references::Reference;
use super::{Cause, Draft, State, Subject};
use crate::dynamics::business_central::catalogue::Set;
use crate::dynamics::business_central::problem::Problem;
use crate::dynamics::business_central::settings::Numbers;
use crate::dynamics::guid::Guid;
use crate::dynamics::table::Cell;

/// A currency by id or code.
pub(super) const CURRENCY: Reference =
    Reference { to: Set::Currencies, id: "currencyId", code: "currencyCode", label: "currency" };
const PAYMENT_TERMS: Reference =
    Reference { to: Set::PaymentTerms, id: "paymentTermsId", code: "$paymentTerms", label: "payment term" };

/// What a table is called in refusals.
fn title(set: Set) -> &'static str {
    match set {
        Set::Locations => "Location",
        Set::Currencies => "Currency",
        Set::PaymentTerms => "Payment Terms",
        Set::ItemCategories => "Item Category",
        _ => "Unit of Measure",
    }
}

impl State {
    pub(super) fn save_customer(&mut self, cause: Cause, mut draft: Draft) -> Result<Guid, Problem> {
        let id = draft.row.id;
        let before = self.row(Set::Customers, id).cloned();
        if before.is_none() {
            self.number_customer(&mut draft)?;
        }
        if draft.row.text("number").is_empty() {
            return Err(Problem::field("No. must have a value in Customer. It cannot be zero or empty."));
        }
        self.unique(Set::Customers, &draft.row, "Customer", "No.")?;
        self.refer(&mut draft, CURRENCY)?;
        self.refer(&mut draft, PAYMENT_TERMS)?;
        draft.default("type", Cell::text("Company"));
        draft.default("blocked", Cell::text(" "));
        self.journaled(cause, &[Subject::Company(id)], |state| {
            let number = draft.row.text("number").to_owned();
            state.put(cause, Set::Customers, draft.row);
            if before.is_some_and(|it| it.text("number") != number) {
                for set in [Set::Orders, Set::Shipments, Set::Invoices] {
                    state.rename(cause, set, ("customerId", id), ("customerNumber", &number));
                }
            }
            Ok(id)
        })
    }

    fn number_customer(&mut self, draft: &mut Draft) -> Result<(), Problem> {
        let is_given = !draft.row.text("number").is_empty();
        if is_given && self.settings.customer_numbers == Numbers::Series {
            let message = "You may not enter numbers manually. If you want to enter numbers manually, please activate Manual Nos. in No. Series CUST.";
            return Err(Problem::dialog(message));
        }
        if !is_given {
            let number = self.next_number("C");
            draft.row.set_text("number", number);
        }
        Ok(())
    }

    /// A code that other rows repeat follows its record. No stamp moves.
    pub(super) fn rename(
        &mut self,
        cause: Cause,
        set: Set,
        (id_column, id): (&'static str, Guid),
        (code_column, code): (&'static str, &str),
    ) {
        let rows = self.table(set).rows().filter(|it| it.reference(id_column) == id);
        for mut row in rows.cloned().collect::<Vec<_>>() {
            row.set_text(code_column, code);
            self.put_quietly(cause.now, set, row);
        }
    }

    /// A customer with open orders stays.
    pub(super) fn delete_customer(&mut self, cause: Cause, id: Guid) -> Result<(), Problem> {
        let Some(row) = self.row(Set::Customers, id) else { return Err(Problem::no_record("Customer", id)) };
        if self.table(Set::Orders).rows().any(|it| it.reference("customerId") == id) {
            let number = row.text("number");
            let message = format!(
                "You cannot delete Customer {number} because there is at least one outstanding Sales Order for this customer."
            );
            return Err(Problem::dialog(message));
        }
        self.journaled(cause, &[Subject::Company(id)], |state| {
            state.remove(cause, Set::Customers, id);
            Ok(())
        })
    }

    pub(super) fn save_master(&mut self, cause: Cause, set: Set, draft: Draft) -> Result<Guid, Problem> {
        let id = draft.row.id;
        let code = draft.row.text("code").to_owned();
        if code.is_empty() {
            return Err(Problem::required("code"));
        }
        self.unique(set, &draft.row, title(set), "Code")?;
        let mut subjects = vec![Subject::Location(id)];
        let is_renamed = self.row(set, id).is_some_and(|it| it.text("code") != code);
        if set == Set::Locations && is_renamed {
            let places = self.table(Set::Stocks).rows().filter(|it| it.reference(super::stock::LOCATION) == id);
            let subject = |item| Subject::Stock { item, location: id };
            subjects.extend(places.map(|it| subject(it.reference(super::stock::ITEM))));
        }
        self.journaled(cause, &subjects, |state| {
            state.put(cause, set, draft.row);
            if set == Set::Locations && is_renamed {
                for set in [Set::Stocks, Set::Adjustments] {
                    state.rename(cause, set, (super::stock::LOCATION, id), ("locationCode", &code));
                }
            }
            Ok(id)
        })
    }

    pub(super) fn delete_master(&mut self, cause: Cause, set: Set, id: Guid) -> Result<(), Problem> {
        let is_used = match set {
            Set::Locations => {
                let mut stocks = self.table(Set::Stocks).rows();
                stocks.any(|it| it.reference(super::stock::LOCATION) == id)
            }
            Set::Currencies => self.table(Set::Customers).rows().any(|it| it.reference("currencyId") == id),
            Set::Units => self.table(Set::Items).rows().any(|it| it.reference("baseUnitOfMeasureId") == id),
            Set::ItemCategories => self.table(Set::Items).rows().any(|it| it.reference("itemCategoryId") == id),
            _ => false,
        };
        if self.row(set, id).is_none() {
            return Err(Problem::no_record(title(set), id));
        }
        if is_used {
            let message = format!("You cannot delete the {} because it is used.", title(set));
            return Err(Problem::dialog(message));
        }
        self.journaled(cause, &[Subject::Location(id)], |state| {
            state.remove(cause, set, id);
            Ok(())
        })
    }
}
