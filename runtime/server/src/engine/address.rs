//! References between records: keys of ours on this side, remote ids on the other.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::plant::{self, Bug};
use truthsource_core::record::{ConnectionId, State};
use truthsource_core::{Fields, Kind, UnixMs, schema};
use truthsource_host::model::Write;

use super::token::Token;
use super::{Engine, Error};
use crate::store::Intent;

/// A write with remote ids for references.
pub(super) struct Addressed {
    /// As the engine compares it.
    pub write: Write,
    /// As the connector is told it, where a mapping makes it differ.
    pub unmapped: Option<Write>,
}

impl Addressed {
    /// As the connector is told it.
    pub fn sent(&self) -> &Write {
        self.unmapped.as_ref().unwrap_or(&self.write)
    }

    /// An earlier try of it was begun at this moment, and nobody knows what became of that.
    pub fn first_sent(&mut self, at: UnixMs) {
        self.write.first_sent = Some(at);
        if let Some(unmapped) = &mut self.unmapped {
            unmapped.first_sent = Some(at);
        }
    }
}

/// The intent with references as remote ids; or the token of a record that must exist there first.
pub(super) fn address(
    links: &Links,
    connection: ConnectionId,
    kind: Kind,
    intent: &Intent,
) -> Result<Addressed, Token> {
    let mut remote = |kind: Kind, key: &str| links.0.get(&(kind, key.to_owned())).cloned();
    let mut translate = |fields: &Fields| {
        let translated = schema::of(kind).translate(fields, &mut remote);
        translated.map_err(|(kind, key)| Token::Exists(connection, kind, key))
    };
    let want = translate(&intent.want)?;
    let unmapped = match &intent.unmapped {
        Some(it) => Some((translate(&it.want)?, it)),
        None => None,
    };
    // What it held may refer to something that is gone; it is compared, never sent.
    let base = schema::of(kind).translate(&intent.base, &mut |kind, key| Some(remote(kind, key).unwrap_or_default()));
    let write = Write {
        op_id: intent.op_id.clone(),
        kind,
        remote_id: intent.remote_id.clone(),
        command_key: intent.command_key.clone(),
        want,
        changed: intent.changed.clone(),
        base: base.unwrap_or_default(),
        base_version: intent.base_version.clone(),
        first_sent: None,
    };
    let write = if plant::on(Bug::DropCompareAndSet) { unfounded(write) } else { write };
    let unmapped = unmapped.map(|(want, it)| {
        let (changed, base) = (it.changed.clone(), it.base.clone());
        Write { want, changed, base, ..write.clone() }
    });
    Ok(Addressed { write, unmapped })
}

/// What [`Bug::DropCompareAndSet`] makes of a write.
fn unfounded(write: Write) -> Write {
    Write { base: Fields::new(), base_version: String::new(), ..write }
}

/// What the other end of each reference is called: looked up for many records at once.
pub(super) struct Links(BTreeMap<(Kind, String), String>);

impl Links {
    /// The remote ids of everything that intents refer to by key.
    pub async fn of(
        engine: &Engine,
        connection: ConnectionId,
        intents: impl Iterator<Item = (Kind, &Intent)>,
    ) -> Result<Self, Error> {
        let fields = intents.flat_map(|(kind, it)| {
            let unmapped = it.unmapped.as_ref().map(|it| (kind, &it.want));
            [(kind, &it.want), (kind, &it.base)].into_iter().chain(unmapped)
        });
        Self::to(engine, connection, references(fields)).await
    }

    /// The remote ids of these keys: what records refer to, as [`references`] has it.
    pub async fn to(
        engine: &Engine,
        connection: ConnectionId,
        wanted: BTreeMap<Kind, BTreeSet<String>>,
    ) -> Result<Self, Error> {
        let mut links = BTreeMap::new();
        for (kind, keys) in wanted {
            for (key, remote_id) in engine.store.links_to(connection, kind, &keys).await? {
                links.insert((kind, key), remote_id);
            }
        }
        Ok(Self(links))
    }

    /// The keys of everything that states refer to by remote id.
    pub async fn from(
        engine: &Engine,
        connection: ConnectionId,
        states: impl Iterator<Item = (Kind, &Fields)>,
    ) -> Result<Self, Error> {
        let mut links = BTreeMap::new();
        for (kind, remote_ids) in references(states) {
            for (remote_id, key) in engine.store.links_from(connection, kind, &remote_ids).await? {
                links.insert((kind, remote_id), key);
            }
        }
        Ok(Self(links))
    }

    /// A state with references as keys, where these are the keys of remote ids. A reference that we do not know is left
    /// out: it is not ours to judge.
    pub fn canonical(&self, kind: Kind, state: State) -> State {
        State { fields: self.translate(kind, &state.fields), ..state }
    }

    /// A record with the other end of each reference in its place; a reference that has none is left out.
    pub fn translate(&self, kind: Kind, fields: &Fields) -> Fields {
        let mut fields = fields.clone();
        fields.retain(|name, value| {
            let one = Fields::from([(name.clone(), value.clone())]);
            schema::of(kind).references(&one).iter().all(|it| self.0.contains_key(it))
        });
        let mut other_end = |kind: Kind, end: &str| self.0.get(&(kind, end.to_owned())).cloned();
        schema::of(kind).translate(&fields, &mut other_end).unwrap_or_default()
    }
}

/// What records refer to, by kind.
pub(super) fn references<'a>(records: impl Iterator<Item = (Kind, &'a Fields)>) -> BTreeMap<Kind, BTreeSet<String>> {
    let mut wanted: BTreeMap<Kind, BTreeSet<String>> = BTreeMap::new();
    for (kind, name) in records.flat_map(|(kind, fields)| schema::of(kind).references(fields)) {
        wanted.entry(kind).or_default().insert(name);
    }
    wanted
}
