//! What an integration sets up: queries, fields and subscriptions.

use super::{Entity, code, new_code, unsupported};
use crate::sap_b1::json::{Json, Members};
use crate::sap_b1::model::field::{Field, shared_table};
use crate::sap_b1::model::{Notification, SqlQuery, Subscription};
use crate::sap_b1::problem::Problem;
use crate::sap_b1::service::sets::{Key, Set};
use crate::sap_b1::shape::Shape;
use crate::sap_b1::sql;
use crate::sap_b1::state::{Cause, State};

impl Entity for SqlQuery {
    fn all(state: &State, _: Set) -> Box<dyn Iterator<Item = &Self> + '_> {
        Box::new(state.queries.values())
    }

    fn find<'s>(state: &'s State, _: Set, key: &Key) -> Option<&'s Self> {
        state.queries.get(code(key))
    }

    fn blank(state: &mut State, cause: Cause, set: Set, members: &mut Members) -> Result<Self, Problem> {
        let code = new_code::<Self>(members, set, |it| state.queries.contains_key(it))?;
        let stamp = state.stamp(cause.now);
        Ok(Self { code, name: String::new(), sql: String::new(), params: Vec::new(), created: stamp, updated: stamp })
    }

    fn add(state: &mut State, cause: Cause, set: Set, new: Self) -> Result<Key, Problem> {
        let key = Key::Text(new.code.clone());
        Self::update(state, cause, set, new).map(|()| key)
    }

    fn update(state: &mut State, cause: Cause, _: Set, mut changed: Self) -> Result<(), Problem> {
        if changed.code.is_empty() {
            return Err(Problem::new(400, -5002, "SqlCode is missing"));
        }
        changed.params = sql::check(state, &changed.sql)?;
        changed.updated = state.stamp(cause.now);
        state.queries.insert(changed.code.clone(), changed);
        Ok(())
    }

    fn delete(state: &mut State, _: Cause, _: Set, key: &Key) -> Result<(), Problem> {
        state.queries.remove(code(key)).map(|_| ()).ok_or_else(Problem::not_found)
    }
}

impl Entity for Field {
    fn all(state: &State, _: Set) -> Box<dyn Iterator<Item = &Self> + '_> {
        Box::new(state.fields.all())
    }

    fn find<'s>(state: &'s State, _: Set, key: &Key) -> Option<&'s Self> {
        let Key::Field(table, id) = key else { return None };
        state.fields.all().find(|it| it.table == *table && it.id == *id)
    }

    fn blank(state: &mut State, _: Cause, _: Set, members: &mut Members) -> Result<Self, Problem> {
        let Some(Json::Text(table)) = members.remove("TableName") else {
            return Err(Problem::property("TableName", Self::TYPE));
        };
        let id = state.fields.all().filter(|it| it.table == table).map(|it| it.id + 1).max().unwrap_or(0);
        Ok(Self { table, id, name: String::new(), ty: "db_Alpha", size: 10, description: None })
    }

    fn add(state: &mut State, _: Cause, set: Set, new: Self) -> Result<Key, Problem> {
        let unknown = || Problem::reference("table", "CUFD.TableID", &new.table);
        let shared = shared_table(&new.table).ok_or_else(unknown)?;
        if new.name.is_empty() {
            return Err(Problem::new(400, -5002, "Field name is missing [CUFD.AliasID]"));
        }
        let key = Key::Field(new.table.clone(), new.id);
        if state.fields.add(shared, new) { Ok(key) } else { Err(Problem::duplicate(set.table())) }
    }

    fn delete(state: &mut State, _: Cause, _: Set, key: &Key) -> Result<(), Problem> {
        let Key::Field(table, id) = key else { return Err(Problem::not_found()) };
        if state.fields.remove(table, *id) { Ok(()) } else { Err(Problem::not_found()) }
    }
}

impl Entity for Subscription {
    fn all(state: &State, _: Set) -> Box<dyn Iterator<Item = &Self> + '_> {
        Box::new(state.subscriptions.values())
    }

    fn find<'s>(state: &'s State, _: Set, key: &Key) -> Option<&'s Self> {
        state.subscriptions.get(code(key))
    }

    fn blank(state: &mut State, _: Cause, set: Set, members: &mut Members) -> Result<Self, Problem> {
        let id = new_code::<Self>(members, set, |it| state.subscriptions.contains_key(it))?;
        Ok(Self {
            id,
            url: String::new(),
            authentication: "HMAC",
            credential: None,
            verify_certificate: true,
            handshake: true,
            is_proved: false,
            work_mode: "Standard",
            state: "Active",
            events: Vec::new(),
            token: None,
            failures: 0,
        })
    }

    fn add(state: &mut State, cause: Cause, _: Set, new: Self) -> Result<Key, Problem> {
        let key = Key::Text(new.id.clone());
        state.save_subscription(cause.now, new).map(|()| key)
    }

    fn update(state: &mut State, cause: Cause, _: Set, changed: Self) -> Result<(), Problem> {
        state.save_subscription(cause.now, changed)
    }

    fn delete(state: &mut State, _: Cause, _: Set, key: &Key) -> Result<(), Problem> {
        state.subscriptions.remove(code(key)).map(|_| ()).ok_or_else(Problem::not_found)
    }
}

impl Entity for Notification {
    fn all(state: &State, _: Set) -> Box<dyn Iterator<Item = &Self> + '_> {
        Box::new(state.notifications.iter())
    }

    fn find<'s>(state: &'s State, _: Set, key: &Key) -> Option<&'s Self> {
        state.notifications.iter().find(|it| it.id == code(key))
    }

    fn blank(_: &mut State, _: Cause, _: Set, _: &mut Members) -> Result<Self, Problem> {
        Err(unsupported())
    }

    fn add(_: &mut State, _: Cause, _: Set, _: Self) -> Result<Key, Problem> {
        Err(unsupported())
    }
}
