//! Documents of every kind.

use super::{Entity, entry};
use crate::sap_b1::json::Members;
use crate::sap_b1::model::{Book, Counting, Document, Posting, Transfer};
use crate::sap_b1::problem::Problem;
use crate::sap_b1::service::sets::{Key, Set};
use crate::sap_b1::state::{Cause, State};

fn book(set: Set) -> Book {
    if let Set::Documents(book) = set { book } else { Book::Orders }
}

impl Entity for Document {
    const TABLE: Option<&'static str> = Some("ORDR");

    fn all(state: &State, set: Set) -> Box<dyn Iterator<Item = &Self> + '_> {
        let book = book(set);
        Box::new(state.documents.range((book, 0)..=(book, i64::MAX)).map(|(_, it)| it))
    }

    fn find<'s>(state: &'s State, set: Set, key: &Key) -> Option<&'s Self> {
        state.documents.get(&(book(set), entry(key)))
    }

    fn version(&self) -> Option<u64> {
        Some(self.version)
    }

    fn blank(state: &mut State, cause: Cause, set: Set, _: &mut Members) -> Result<Self, Problem> {
        Ok(state.blank_document(cause, book(set)))
    }

    fn add(state: &mut State, cause: Cause, set: Set, new: Self) -> Result<Key, Problem> {
        state.add_document(cause, book(set), new).map(Key::Entry)
    }

    fn update(state: &mut State, cause: Cause, set: Set, changed: Self) -> Result<(), Problem> {
        state.update_document(cause, book(set), changed)
    }

    fn delete(state: &mut State, _: Cause, set: Set, key: &Key) -> Result<(), Problem> {
        state.delete_document(book(set), entry(key))
    }
}

impl Entity for Counting {
    fn all(state: &State, _: Set) -> Box<dyn Iterator<Item = &Self> + '_> {
        Box::new(state.countings.values())
    }

    fn find<'s>(state: &'s State, _: Set, key: &Key) -> Option<&'s Self> {
        state.countings.get(&entry(key))
    }

    fn blank(state: &mut State, cause: Cause, _: Set, _: &mut Members) -> Result<Self, Problem> {
        let day = state.stamp(cause.now).date;
        Ok(Self { entry: 0, day, remarks: None, closed: false, lines: Vec::new() })
    }

    fn add(state: &mut State, _: Cause, _: Set, new: Self) -> Result<Key, Problem> {
        state.save_counting(new).map(Key::Entry)
    }

    fn update(state: &mut State, _: Cause, _: Set, changed: Self) -> Result<(), Problem> {
        state.save_counting(changed).map(|_| ())
    }
}

impl Entity for Posting {
    fn all(state: &State, _: Set) -> Box<dyn Iterator<Item = &Self> + '_> {
        Box::new(state.postings.values())
    }

    fn find<'s>(state: &'s State, _: Set, key: &Key) -> Option<&'s Self> {
        state.postings.get(&entry(key))
    }

    fn blank(state: &mut State, cause: Cause, _: Set, _: &mut Members) -> Result<Self, Problem> {
        let day = state.stamp(cause.now).date;
        Ok(Self { entry: 0, day, count_day: day, remarks: None, reference: None, lines: Vec::new() })
    }

    fn add(state: &mut State, cause: Cause, _: Set, new: Self) -> Result<Key, Problem> {
        state.add_posting(cause, new).map(Key::Entry)
    }
}

impl Entity for Transfer {
    fn all(state: &State, _: Set) -> Box<dyn Iterator<Item = &Self> + '_> {
        Box::new(state.transfers.values())
    }

    fn find<'s>(state: &'s State, _: Set, key: &Key) -> Option<&'s Self> {
        state.transfers.get(&entry(key))
    }

    fn blank(state: &mut State, cause: Cause, _: Set, _: &mut Members) -> Result<Self, Problem> {
        let created = state.stamp(cause.now);
        Ok(Self { entry: 0, day: created.date, from: None, to: None, comments: None, lines: Vec::new(), created })
    }

    fn add(state: &mut State, cause: Cause, _: Set, new: Self) -> Result<Key, Problem> {
        state.add_transfer(cause, new).map(Key::Entry)
    }
}
