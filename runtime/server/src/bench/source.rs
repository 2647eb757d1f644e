//! Systems in this process, without connectors and without limits: what is measured is ours alone.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use truthsource_core::budget::Class;
use truthsource_core::record::ConnectionId;
use truthsource_core::{Decimal, Fields, Kind, Value};
use truthsource_host::CallError;
use truthsource_host::model::{
    Conflict, Decision, Description, Effect, Fault, FieldPower, Finding, KindPower, Level, Notice, Observed, Outcome,
    Page, Pull, Rate, Standing, State, Verdict, Webhook, Write,
};

use crate::engine::ports::{Decided, Guests};
use crate::store::Connection;

/// Records on a page of a listing, as several of the real systems give at the most.
pub(super) const PAGE: usize = 250;

/// A system that holds items.
#[derive(Debug, Default)]
pub(super) struct Source {
    held: Mutex<Held>,
    pages: AtomicU64,
    reads: AtomicU64,
    writes: AtomicU64,
}

#[derive(Debug, Default)]
struct Held {
    /// By id, spelled out: what a system takes is not ours, and is to take little.
    items: BTreeMap<String, Box<[u8]>>,
    /// What changed and was told of, oldest first.
    told: Vec<String>,
}

impl Source {
    /// One that holds so many items.
    pub(super) fn of(items: usize) -> Self {
        let source = Self::default();
        source.held().items = (0..items).map(|n| (id(n), spelled(&item(n, 0)))).collect();
        source
    }

    /// An item changes, and whoever asks for changes is told.
    pub(super) fn change(&self, n: usize, revision: u64) {
        let mut held = self.held();
        held.items.insert(id(n), spelled(&item(n, revision)));
        held.told.push(id(n));
    }

    /// An item's title changes, and nobody is told.
    pub(super) fn drift(&self, n: usize) {
        let title = Value::from(format!("what somebody made of it {n}"));
        if let Some(held) = self.held().items.values_mut().nth(n) {
            let mut fields = read(held);
            fields.insert("title".to_owned(), title);
            *held = spelled(&fields);
        }
    }

    /// Everything that it holds, by code.
    pub(super) fn items(&self) -> BTreeMap<String, Fields> {
        let by_code = |it: Fields| Some((it.get("code")?.as_text()?.to_owned(), it));
        self.held().items.values().map(|it| read(it)).filter_map(by_code).collect()
    }

    /// Pages that were listed, records that were asked for by their ids, and writes, since the last call.
    pub(super) fn counted(&self) -> (u64, u64, u64) {
        let take = |it: &AtomicU64| it.swap(0, Ordering::Relaxed);
        (take(&self.pages), take(&self.reads), take(&self.writes))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A listing goes on after the last id, a delta at the next place in what was told.
    fn page(&self, cursor: Option<&str>) -> Page {
        self.pages.fetch_add(1, Ordering::Relaxed);
        let held = self.held();
        let (entries, cursor, more): (Vec<Observed>, String, bool) = match cursor.and_then(|it| it.split_once('/')) {
            Some(("told", from)) => {
                let from: usize = from.parse().unwrap_or(0);
                let ids: Vec<&String> = held.told.iter().skip(from).take(PAGE).collect();
                let next = from + ids.len();
                let entries = ids.iter().map(|id| seen(id, held.items.get(*id).map(|it| &**it))).collect();
                (entries, format!("told/{next}"), next < held.told.len())
            }
            other => {
                let after = other.map_or(Bound::Unbounded, |(_, after)| Bound::Excluded(after.to_owned()));
                let mut rest = held.items.range((after, Bound::Unbounded));
                let entries: Vec<Observed> = rest.by_ref().take(PAGE).map(|(id, it)| seen(id, Some(it))).collect();
                let last = entries.last().map_or("", |it| it.remote_id());
                match rest.next() {
                    Some(_) => (entries.clone(), format!("list/{last}"), true),
                    None => (entries.clone(), format!("told/{}", held.told.len()), false),
                }
            }
        };
        Page { entries, unread: Vec::new(), cursor, more }
    }

    fn write(&self, write: &Write) -> Outcome {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let id = write.remote_id.clone().unwrap_or_else(|| write.command_key.clone());
        let mut held = self.held();
        let mut fields = held.items.get(&id).map(|it| read(it)).unwrap_or_default();
        fields.extend(write.want.clone());
        held.items.insert(id.clone(), spelled(&fields));
        Outcome::Applied(state(&id, fields))
    }
}

fn id(n: usize) -> String {
    format!("{n:08}")
}

fn item(n: usize, revision: u64) -> Fields {
    let text = |name: &str, text: String| (name.to_owned(), Value::Text(text));
    Fields::from([
        text("code", format!("SKU-{n}")),
        text("title", format!("Hexagon bolt number {n}, galvanised, of revision {revision}")),
        text("barcode", format!("40{n:011}")),
        ("active".to_owned(), Value::Flag(true)),
    ])
}

fn spelled(fields: &Fields) -> Box<[u8]> {
    serde_json::to_vec(fields).unwrap_or_default().into()
}

fn read(held: &[u8]) -> Fields {
    serde_json::from_slice(held).unwrap_or_default()
}

fn state(id: &str, fields: Fields) -> State {
    State { remote_id: id.to_owned(), fields, version: "1".to_owned(), ..State::default() }
}

fn seen(id: &str, held: Option<&[u8]>) -> Observed {
    held.map_or_else(|| Observed::Absent(id.to_owned()), |it| Observed::Present(state(id, read(it))))
}

/// The systems of a tenant, by connection.
pub(super) struct Sources(pub BTreeMap<ConnectionId, Arc<Source>>);

impl Sources {
    fn of(&self, connection: &Connection) -> Result<&Source, CallError> {
        let gone = || CallError::Refused(Fault::Unsupported(format!("there is no system {}", connection.name)));
        self.0.get(&connection.id).map(AsRef::as_ref).ok_or_else(gone)
    }
}

#[async_trait]
impl Guests for Sources {
    async fn describe(&self, _: &Connection) -> Result<Arc<Description>, CallError> {
        let field = |name: &str| FieldPower { name: name.to_owned(), writable: true, create_only: false };
        let kind = KindPower {
            kind: Kind::Item,
            fields: item(0, 0).keys().map(|it| field(it)).collect(),
            sees_creates: true,
            sees_updates: true,
            sees_deletes: true,
            granularity_ms: 1,
            lag_ms: 0,
            effect: Effect::Absolute,
            creates: true,
            push_max: 100,
            read_max: 100,
            certain_max: 0,
        };
        let (system, rate) = ("in-process".to_owned(), Rate::Concurrent(4));
        let (auth, webhook, settings) = Default::default();
        Ok(Arc::new(Description { system, kinds: vec![kind], auth, webhook, rate, settings }))
    }

    async fn check(&self, _: &Connection) -> Result<Vec<Finding>, CallError> {
        Ok(Vec::new())
    }

    async fn pull(&self, connection: &Connection, pull: &Pull, _: Class) -> Result<Page, CallError> {
        Ok(self.of(connection)?.page(pull.cursor.as_deref()))
    }

    async fn read(&self, of: &Connection, _: Kind, ids: &[String], _: bool) -> Result<Vec<Observed>, CallError> {
        let source = self.of(of)?;
        source.reads.fetch_add(ids.len() as u64, Ordering::Relaxed);
        let held = source.held();
        Ok(ids.iter().map(|id| seen(id, held.items.get(id).map(|it| &**it))).collect())
    }

    async fn push(&self, connection: &Connection, writes: &[Write]) -> Result<Vec<Outcome>, CallError> {
        let source = self.of(connection)?;
        Ok(writes.iter().map(|it| source.write(it)).collect())
    }

    async fn find(&self, of: &Connection, _: Kind, command_key: &str) -> Result<Option<State>, CallError> {
        Ok(self.of(of)?.held().items.get(command_key).map(|it| state(command_key, read(it))))
    }

    async fn ensure(&self, _: &Connection) -> Result<Option<Standing>, CallError> {
        Ok(None)
    }

    async fn receive(&self, _: &Connection, _: &Webhook) -> Result<Vec<Notice>, CallError> {
        Ok(Vec::new())
    }

    async fn project(&self, _: &Connection, _: Kind, records: &[Fields]) -> Result<Vec<Fields>, CallError> {
        Ok(records.to_vec())
    }

    async fn map_in(&self, _: &Connection, _: Kind, _: &[Fields]) -> Result<Option<Vec<Option<Fields>>>, CallError> {
        Ok(None)
    }

    async fn map_out(&self, _: &Connection, _: Kind, _: &[Fields]) -> Result<Option<Vec<Fields>>, CallError> {
        Ok(None)
    }

    async fn decide_by(&self, _: &str, _: u64, _: &[Conflict]) -> Result<Vec<Decision>, CallError> {
        Err(CallError::Host { reason: "there are no policies".to_owned() })
    }

    async fn release(&self, _: &str) -> Result<Option<String>, CallError> {
        Ok(None)
    }

    async fn decide(&self, _: &str, _: &[Conflict]) -> Result<Option<Decided>, CallError> {
        Ok(None)
    }

    async fn publish(&self, _: &[Level]) -> Result<Option<Vec<Decimal>>, CallError> {
        Ok(None)
    }

    async fn validate(&self, _: Kind, _: &[Fields]) -> Result<Option<Vec<Verdict>>, CallError> {
        Ok(None)
    }
}
