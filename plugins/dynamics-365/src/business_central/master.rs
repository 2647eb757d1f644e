//! Items and customers as they are written: records with a number that is theirs alone.

use std::collections::BTreeMap;

use truthsource_sdk::Fault;
use truthsource_sdk::connector::{Outcome, State, Write};

use super::batch::Part;
use super::books::Books;
use super::listing::Listing;
use super::push::Plan;
use crate::odata::Body;
use crate::writes::text;

/// What stands before the number of a record that may not exist yet.
const NEW: &str = "number ";

/// How one of the two is written.
pub(crate) struct Master<'b, 'a> {
    pub books: &'b Books<'a>,
    pub listing: Listing,
    pub body: fn(&Books<'_>, &Write) -> Body,
}

impl Plan for Master<'_, '_> {
    fn target(&self, write: &Write) -> Result<String, Outcome> {
        if let Some(id) = &write.remote_id {
            if write.changes("code") {
                return Err(Outcome::rejected("create-only", "a number is given once, when the record is created"));
            }
            return Ok(id.clone());
        }
        // Without a number nobody would find it again.
        let number = text(write, "code").to_uppercase();
        if number.is_empty() {
            return Err(Outcome::rejected("incomplete", "a new record needs its code"));
        }
        Ok(format!("{NEW}{number}"))
    }

    fn held(&self, targets: &[String]) -> Result<BTreeMap<String, State>, Fault> {
        let (new, known): (Vec<&String>, Vec<&String>) = targets.iter().partition(|it| it.starts_with(NEW));
        let ids: Vec<String> = known.into_iter().cloned().collect();
        let found = self.listing.read(self.books, &ids)?;
        let mut held: BTreeMap<String, State> = found.into_iter().map(|it| (it.remote_id.clone(), it)).collect();
        let numbers: Vec<String> = new.iter().map(|it| it[NEW.len()..].to_owned()).collect();
        for (number, row) in self.listing.of_numbers(self.books, &numbers)? {
            held.insert(format!("{NEW}{number}"), (self.listing.state)(self.books, &row)?);
        }
        Ok(held)
    }

    fn part(&self, write: &Write, _target: &str, held: Option<&State>) -> Result<Part, Outcome> {
        let body = (self.body)(self.books, write);
        Ok(match held {
            Some(held) => Part::change(&self.listing.place(), (&held.remote_id, &held.version), body),
            None => Part::create(&self.listing.place(), body),
        })
    }
}
