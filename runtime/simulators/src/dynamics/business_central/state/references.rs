//! Columns that name another record, by id or by code.

use super::{Draft, State};
use crate::dynamics::business_central::catalogue::Set;
use crate::dynamics::business_central::problem::Problem;
use crate::dynamics::guid::Guid;
use crate::dynamics::table::{Cell, Row};

/// A pair of columns that name one record: its id and its code.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reference {
    pub to: Set,
    pub id: &'static str,
    pub code: &'static str,
    /// What the record is called in refusals: `customer`.
    pub label: &'static str,
}

/// The code of a record: its number, or what stands for one.
pub(super) fn code_of(row: &Row) -> &str {
    let number = row.text("number");
    if number.is_empty() { row.text("code") } else { number }
}

impl State {
    /// Makes both columns of a reference say what the caller said with either. An id wins over nothing, a code over
    /// an id that was there; two that are given must agree. Answers the record, if one is named.
    pub(super) fn refer(&self, draft: &mut Draft, reference: Reference) -> Result<Option<Guid>, Problem> {
        let Reference { to, id, code, label } = reference;
        let row = if draft.gives(id) && !draft.row.reference(id).is_zero() {
            let found = self.row(to, draft.row.reference(id));
            Some(found.ok_or_else(|| Problem::no_reference(format!("The {label} cannot be found.")))?)
        } else if draft.gives(code) && !draft.row.text(code).is_empty() {
            let found = self.table(to).by_key(draft.row.text(code));
            Some(found.ok_or_else(|| Problem::no_reference(format!("The {label} cannot be found.")))?)
        } else if draft.gives(id) || draft.gives(code) {
            None
        } else {
            self.row(to, draft.row.reference(id))
        };
        let (found, text) = row.map_or((Guid::ZERO, String::new()), |it| (it.id, code_of(it).to_owned()));
        if draft.gives(id) && draft.gives(code) && (draft.row.text(code) != text) {
            return Err(Problem::dialog(format!("The {label} values do not match to a specific {label}.")));
        }
        draft.row.set(id, Cell::Id(found));
        draft.row.set(code, Cell::Text(text));
        Ok(row.map(|it| it.id))
    }

    /// Refuses a code that another record of the table has.
    pub(super) fn unique(&self, set: Set, row: &Row, table: &str, field: &str) -> Result<(), Problem> {
        let code = code_of(row);
        match self.table(set).by_key(code) {
            Some(other) if other.id != row.id => {
                Err(Problem::same_key(self.settings.same_key_status, table, field, code))
            }
            _ => Ok(()),
        }
    }
}
