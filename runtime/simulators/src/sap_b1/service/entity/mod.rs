//! How the entities of each set are found, made, saved and deleted.

use aws_lc_rs::digest;

use super::sets::{Key, Set};
use crate::sap_b1::json::Members;
use crate::sap_b1::problem::Problem;
use crate::sap_b1::settings::Settings;
use crate::sap_b1::shape::{Edm, Shape};
use crate::sap_b1::state::{Cause, State};

mod documents;
mod masters;
mod setup;

/// A type whose objects are in a set of their own.
pub(super) trait Entity: Shape + Clone {
    /// The table whose user-defined fields it has.
    const TABLE: Option<&'static str> = None;

    fn all(state: &State, set: Set) -> Box<dyn Iterator<Item = &Self> + '_>;
    fn find<'s>(state: &'s State, set: Set, key: &Key) -> Option<&'s Self>;

    /// What its ETag is of.
    fn version(&self) -> Option<u64> {
        None
    }

    /// A new object, with the key that a body gives taken out of it.
    fn blank(state: &mut State, cause: Cause, set: Set, members: &mut Members) -> Result<Self, Problem>;
    fn add(state: &mut State, cause: Cause, set: Set, new: Self) -> Result<Key, Problem>;

    fn update(_: &mut State, _: Cause, _: Set, _: Self) -> Result<(), Problem> {
        Err(unsupported())
    }

    fn delete(_: &mut State, _: Cause, _: Set, _: &Key) -> Result<(), Problem> {
        Err(unsupported())
    }
}

fn unsupported() -> Problem {
    Problem::new(400, -5006, "The requested action is not supported for this object.")
}

/// The ETag of an entity: what hashes its count of saves.
pub(super) fn etag<E: Entity>(settings: &Settings, set: Set, object: &E) -> Option<String> {
    let version = object.version().filter(|_| settings.etags && set.has_etags())?;
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, version.to_string().as_bytes());
    let hex: String = hash.as_ref().iter().map(|it| format!("{it:02X}")).collect();
    Some(format!("W/\"{hex}\""))
}

/// A text key of a body, which nobody may have yet.
fn new_code<E: Shape>(members: &mut Members, set: Set, is_taken: impl Fn(&str) -> bool) -> Result<String, Problem> {
    let name = set.key_properties().first().copied().unwrap_or_default();
    let Some(json) = members.remove(name) else { return Ok(String::new()) };
    let edm = E::PROPERTIES.iter().find(|it| it.name == name).map_or(Edm::Text, |it| it.edm);
    let code = edm.take(json, name, E::TYPE)?.into_text().unwrap_or_default();
    if is_taken(&code) { Err(Problem::duplicate(set.table())) } else { Ok(code) }
}

fn code(key: &Key) -> &str {
    if let Key::Text(code) = key { code } else { "" }
}

fn entry(key: &Key) -> i64 {
    if let Key::Entry(entry) = key { *entry } else { 0 }
}
