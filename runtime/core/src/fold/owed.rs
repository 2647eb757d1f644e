//! From the truth to what each system should hold, and what it is owed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Folding;
use crate::record::{ConnectionId, Shadow};
use crate::stock::Supply;
use crate::{Fields, Kind, Value, schema};

/// What a connection's system can be given of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Power {
    /// Fields that the system has at all.
    pub known: BTreeSet<String>,
    /// Those of them that a write can change.
    pub writable: BTreeSet<String>,
    /// Records can be created there.
    pub creates: bool,
}

impl Power {
    /// A write can change this field of a record that is there. What a mapping makes of fields of the system is written
    /// through them.
    #[must_use]
    pub fn writes(&self, field: &str, shadow: Option<&Shadow>) -> bool {
        let is_mapped = shadow.is_some_and(|it| it.unmapped.want.is_some());
        self.writable.contains(field) || is_mapped && !self.known.contains(field)
    }
}

/// What is owed to one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// The record does not exist there.
    pub create: bool,
    /// The fields to send, by name.
    pub changed: Vec<String>,
}

impl Folding<'_> {
    /// The truth as `connection` is to be told it, before its connector projects it; `None` if it is told nothing.
    #[must_use]
    pub fn tell(&self, connection: ConnectionId) -> Option<Fields> {
        let direction = self.rules.direction(connection, self.key.kind)?;
        if !direction.writes || self.state.truth.fields.is_empty() {
            return None;
        }
        let mut values = self.state.truth.values();
        if self.key.kind == Kind::StockLevel {
            match self.rules.published(connection, &values, &self.supply) {
                Some(shown) => drop(values.insert("on_hand".to_owned(), Value::Number(shown))),
                // How many kits there are is computed for who sells them: nobody counts them.
                None if self.rules.is_kit(&values) => return None,
                None => {}
            }
        }
        Some(values)
    }

    /// What other records say about the stock of this one, before anything is told of it.
    pub fn supplied(&mut self, supply: Supply) {
        self.ruling.supply.clone_from(&supply);
        self.supply = supply;
    }

    /// What the connection should hold, as its connector projected [`Folding::tell`], and the same before the tenant's
    /// mapping, if there is one.
    pub fn projected(&mut self, connection: ConnectionId, want: Fields, unmapped: Option<Fields>) {
        self.note_projection(connection, &want, unmapped.as_ref());
        let shadow = self.state.shadows.entry(connection).or_default();
        (shadow.want, shadow.unmapped.want) = (want, unmapped);
    }

    /// What they said.
    #[must_use]
    pub fn supply(&self) -> &Supply {
        &self.supply
    }

    /// What is owed to `connection` now; `None` if nothing.
    #[must_use]
    pub fn owed(&self, connection: ConnectionId, power: &Power) -> Option<Owed> {
        let direction = self.rules.direction(connection, self.key.kind)?;
        let shadow = self.shadow(connection)?;
        let truth = &self.state.truth;
        if !direction.writes || shadow.gone || truth.deleted_at == Some(connection) {
            return None;
        }
        if !shadow.exists() {
            let complete = schema::of(self.key.kind).natural.iter().all(|it| self.is_known(it));
            // What was called off before anybody booked it is nothing to book.
            let is_off = truth.fields.get("status").is_some_and(|it| it.value.as_text() == Some("cancelled"));
            let wanted = direction.creates && power.creates && truth.deleted_at.is_none() && complete && !is_off;
            let changed = shadow.want.keys().cloned().collect();
            return (wanted && !shadow.want.is_empty()).then_some(Owed { create: true, changed });
        }
        let differs = |name: &String, want: &Value| {
            let held = shadow.fields.get(name).map_or(&Value::Null, |it| &it.value);
            let waits = truth.fields.get(name).is_some_and(|it| it.held.is_some());
            // Of a deleted record nothing is told but that it is no longer active.
            let told = truth.deleted_at.is_none() || name == "active";
            held != want && !waits && told && power.writes(name, Some(shadow)) && !self.is_its_own(connection, name)
        };
        let changed: Vec<String> =
            shadow.want.iter().filter(|(name, want)| differs(name, want)).map(|(name, _)| name.clone()).collect();
        (!changed.is_empty()).then_some(Owed { create: false, changed })
    }

    /// The connection owns the field and has said what it is. Only a person says otherwise: what was decided before it owned
    /// the field is decided again, and not written there meanwhile (promise P3).
    fn is_its_own(&self, connection: ConnectionId, name: &str) -> bool {
        let kind = self.key.kind;
        let is_owner = self.rules.field(kind, name).is_some_and(|it| it.owner == Some(connection));
        let is_counter = schema::of(kind).field(name).is_some_and(|it| it.counter);
        let truth = self.state.truth.fields.get(name);
        let is_word = truth.is_some_and(|it| it.settled) || self.state.truth.deleted_at.is_some();
        is_owner && !is_counter && !is_word && self.shadow(connection).is_some_and(|it| it.fields.contains_key(name))
    }

    /// Why an order that `connection` lacks is not created there yet; `None` if it may be. It is decided anew whenever the
    /// order moves.
    #[must_use]
    pub fn held_back(&self, connection: ConnectionId) -> Option<String> {
        if self.key.kind != Kind::Order || self.shadow(connection).is_some_and(Shadow::exists) {
            return None;
        }
        let said = |name: &str| self.state.truth.fields.get(name).and_then(|it| it.value.as_text());
        if let Some(why) = said("hold").filter(|it| !it.is_empty()) {
            return Some(format!("the order is on hold where it was placed: {why}"));
        }
        let (imports, payment) = (self.rules.imports(connection), said("payment"));
        let is = payment.unwrap_or("not known");
        let why = format!("its payment is {is}, and `import_when` is `{}`", imports.as_str());
        (!imports.admits(payment)).then_some(why)
    }

    fn is_known(&self, name: &str) -> bool {
        self.state.truth.fields.get(name).is_some_and(|it| it.value != Value::Null)
    }
}
