//! What a connection's records would be linked to, shown before it is done, and done by a person where a match is not
//! certain.

use std::collections::BTreeMap;

use truthsource_core::record::{ConnectionId, Entry, KeyState, Observed, RecordKey, State};
use truthsource_core::{Fields, Kind, Value, schema};

use super::connections::Parties;
use super::identify::{Identifier, Identity};
use super::token::Token;
use super::{Engine, Error};
use crate::store::{About, Batch, Change, Connection, ConnectionSpec, Event, Links, LoggedEntry, LoggedRuling, What};

/// How a remote record was matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// A record is called just so.
    Exact,
    /// A record is called so, but for case and spaces.
    Normalised,
    /// No record is called so: it becomes one.
    New,
    /// It is not certain: a person is asked.
    Ambiguous,
    /// It refers to what is not linked yet.
    Waits,
}

impl How {
    /// All of them.
    pub const ALL: [How; 5] = [Self::Exact, Self::Normalised, Self::New, Self::Ambiguous, Self::Waits];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Normalised => "normalised",
            Self::New => "new",
            Self::Ambiguous => "ambiguous",
            Self::Waits => "waits",
        }
    }
}

/// What a remote record would be linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Its kind.
    pub kind: Kind,
    /// Its id there.
    pub remote_id: String,
    /// What it is called there, by naming field.
    pub called: Fields,
    /// How it was matched.
    pub how: How,
    /// The record, where it is certain.
    pub key: Option<String>,
    /// Why it is not.
    pub reason: Option<String>,
}

/// Readings that are looked at: what is more is said to be more.
pub const MATCHES_MAX: usize = 20_000;

/// What everything that waits for a person's approval at a connection would be linked to: what the fold would do, on
/// copies. Whether there is more than was looked at. Nothing is written.
///
/// # Errors
/// When the store fails.
pub async fn matches(engine: &Engine, connection: ConnectionId) -> Result<(Vec<Match>, bool), Error> {
    let mut parties = Parties::load(engine).await?;
    if let Some(it) = parties.connections.get_mut(&connection) {
        it.spec.links = Links::Automatic;
    }
    let (entries, is_more) = waiting(engine, connection).await?;
    let mut identifier = Identifier::prepare(engine, &parties, &entries).await?;
    let mut batch = Batch::new(engine.now());
    let mut found = Vec::with_capacity(entries.len());
    for logged in &entries {
        let Entry::Observed { observed: Observed::Present(state), .. } = &logged.entry else { continue };
        let links = batch.changes.len();
        let identity = identifier.identify(logged, &mut batch).await?;
        let is_new = batch.changes[links..].iter().any(is_first_seen);
        found.push(matched(logged.kind, state, identity, is_new));
    }
    sort_out_names(engine, &mut found).await?;
    Ok((found, is_more))
}

/// What waits, the newest reading of each remote record.
async fn waiting(engine: &Engine, connection: ConnectionId) -> Result<(Vec<LoggedEntry>, bool), Error> {
    let (token, mut after) = (Token::Approved(connection).to_string(), 0);
    let mut newest: BTreeMap<(Kind, String), LoggedEntry> = BTreeMap::new();
    loop {
        let page = engine.store.waiting(&token, after, 500).await?;
        let Some(last) = page.last() else { return Ok((in_order(newest), false)) };
        after = last.seq;
        for logged in page {
            let Entry::Observed { observed, .. } = &logged.entry else { continue };
            newest.insert((logged.kind, observed.remote_id().to_owned()), logged);
        }
        if newest.len() >= MATCHES_MAX {
            return Ok((in_order(newest), true));
        }
    }
}

fn in_order(newest: BTreeMap<(Kind, String), LoggedEntry>) -> Vec<LoggedEntry> {
    let mut entries: Vec<LoggedEntry> = newest.into_values().collect();
    entries.sort_by_key(|it| it.seq);
    entries
}

fn is_first_seen(change: &Change) -> bool {
    matches!(change, Change::Event(Event { what: What::Linked { by, .. }, .. }) if by == "first-seen")
}

fn matched(kind: Kind, state: &State, identity: Identity, is_new: bool) -> Match {
    let naming = schema::of(kind).natural.iter();
    let called = naming.filter_map(|name| Some(((*name).to_owned(), state.fields.get(*name)?.clone()))).collect();
    let (how, key, reason) = match identity {
        Identity::Known(key, _) if is_new => (How::New, Some(key.key), None),
        Identity::Known(key, _) => (How::Normalised, Some(key.key), None),
        Identity::Waits(token) => (How::Waits, None, Some(format!("it waits for {token}"))),
        Identity::Dropped(reason) => (How::Ambiguous, None, Some(reason)),
    };
    Match { kind, remote_id: state.remote_id.clone(), called, how, key, reason }
}

/// Tells those that are called just as their records are from those that are called nearly so.
async fn sort_out_names(engine: &Engine, found: &mut [Match]) -> Result<(), Error> {
    let of = |it: &Match| it.key.as_ref().map(|key| RecordKey::new(it.kind, key));
    let known = found.iter().filter(|it| it.how == How::Normalised).filter_map(of).collect();
    let states = engine.store.states(&known).await?;
    for it in found.iter_mut().filter(|it| it.how == How::Normalised) {
        let truth = of(it).and_then(|key| states.get(&key)).map(|it| it.truth.values()).unwrap_or_default();
        // A reference is by the other's id there; what it refers to was linked by itself.
        let is_text =
            |name: &String| schema::of(it.kind).field(name).is_some_and(|it| matches!(it.ty, schema::Type::Text(_)));
        if it.called.iter().filter(|(name, _)| is_text(name)).all(|(name, value)| truth.get(name) == Some(value)) {
            it.how = How::Exact;
        }
    }
    Ok(())
}

/// A person approved: what waits is linked as it was shown, and what is read later by itself.
#[must_use]
pub fn approve(connection: &Connection) -> Vec<Change> {
    let spec = ConnectionSpec { links: Links::Automatic, ..connection.spec.clone() };
    let read = connection.revision;
    vec![Change::ConnectionSpec { id: connection.id, read, spec }, Token::Approved(connection.id).wake()]
}

/// Why a person's link cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such record.
    #[error("there is no such record")]
    NoRecord,
    /// One of the two is linked already.
    #[error("{0}")]
    Linked(String),
}

/// A person says that what a connection has there is this record: kept in the books as a fold's finding would be, and the
/// record is read there at once.
///
/// # Errors
/// When the store fails. The inner one: why that cannot be.
pub async fn link(
    engine: &Engine,
    connection: &Connection,
    (key, remote_id): (&RecordKey, &str),
    by: &str,
) -> Result<Result<Vec<Change>, Refused>, Error> {
    let (id, kind) = (connection.id, key.kind);
    let states = engine.store.states(&[key.clone()].into()).await?;
    if states.get(key).is_none_or(|it| *it == KeyState::default()) {
        return Ok(Err(Refused::NoRecord));
    }
    if let Some(other) = engine.store.links_from(id, kind, &[remote_id.to_owned()].into()).await?.remove(remote_id) {
        return Ok(Err(Refused::Linked(format!("`{remote_id}` is linked to `{other}` already"))));
    }
    if let Some(other) = engine.store.links_to(id, kind, &[key.key.clone()].into()).await?.remove(&key.key) {
        return Ok(Err(Refused::Linked(format!("`{}` is linked to `{other}` already", key.key))));
    }
    let (at, remote_id) = (engine.now(), remote_id.to_owned());
    let what = What::Linked { remote_id: remote_id.clone(), by: by.to_owned() };
    let ruling = LoggedRuling::link(at, key, [(id, remote_id.clone())].into());
    let about = About::Unlinked { connection: id, remote_id: remote_id.clone() };
    let (outcome, reason) = (Value::Text(key.key.clone()), by.to_owned());
    let cause = truthsource_core::record::Cause::Recheck;
    Ok(Ok(vec![
        Change::Link { connection: id, key: key.clone(), remote_id: remote_id.clone() },
        Change::Ruling(Box::new(ruling)),
        Change::ConflictClosed { kind, key: None, about, outcome, reason },
        Token::Linked(id, kind, remote_id.clone()).wake(),
        Token::Exists(id, kind, key.key.clone()).wake(),
        Change::Event(Event { id: 0, at, key: key.clone(), connection: Some(id), what }),
        Change::Touch { connection: id, kind, remote_id, cause },
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::{ERP, Fake, House, SHOP, item};
    use crate::engine::rebuild;

    async fn withheld() -> House {
        let house = House::with(Fake::default()).await;
        let shop = shop(&house).await;
        let spec = ConnectionSpec { links: Links::OnApproval, ..shop.spec };
        house.commit([Change::ConnectionSpec { id: SHOP, read: shop.revision, spec }]).await;
        for code in ["BOLT", "NUT"] {
            house.saw(ERP, code, "erp").await;
        }
        house.fold_all().await;
        house
    }

    async fn shop(house: &House) -> Connection {
        house.store.connections().await.unwrap().into_iter().find(|it| it.id == SHOP).unwrap()
    }

    async fn linked(house: &House) -> BTreeMap<String, String> {
        let ids = ["1", "2", "3", "4"].map(str::to_owned).into();
        house.store.links_from(SHOP, Kind::Item, &ids).await.unwrap()
    }

    async fn saw(house: &House, id: &str, code: &str) {
        house.read(SHOP, Kind::Item, id, &[("code", code.into()), ("title", "shop".into())]).await;
    }

    #[tokio::test]
    async fn a_first_reading_shows_what_it_would_link_and_links_nothing() {
        let house = withheld().await;
        for (id, code) in [("1", "BOLT"), ("2", "nut "), ("3", "SCREW"), ("4", "Bolt")] {
            saw(&house, id, code).await;
        }
        house.fold_all().await;
        let before = house.sizes().await;
        let (found, is_more) = matches(&house.engine, SHOP).await.unwrap();
        let seen: Vec<_> = found.iter().map(|it| (it.remote_id.as_str(), it.how, it.key.as_deref())).collect();
        let expect = [
            ("1", How::Exact, Some("bolt")),
            ("2", How::Normalised, Some("nut")),
            ("3", How::New, Some("screw")),
            ("4", How::Ambiguous, None),
        ];
        assert_eq!((seen, is_more), (expect.to_vec(), false));
        assert_eq!((house.sizes().await, linked(&house).await.len()), (before, 0));
        assert_eq!(house.title("bolt").await, Some("erp".into()), "what is not linked says nothing");
        // Approved, it is linked as it was shown.
        house.commit(approve(&shop(&house).await)).await;
        house.fold_all().await;
        let keys: Vec<String> = linked(&house).await.into_values().collect();
        assert_eq!(keys, ["bolt", "nut", "screw"]);
        assert_eq!(matches(&house.engine, SHOP).await.unwrap().0, []);
        assert_eq!(rebuild::verify(&*house.store).await.unwrap().differences, vec![]);
    }

    #[tokio::test]
    async fn a_person_links_what_has_another_name_and_it_is_kept() {
        let house = withheld().await;
        let shop = shop(&house).await;
        saw(&house, "1", "B-0815").await;
        house.fold_all().await;
        let link = async |key: RecordKey, id: &str| link(&house.engine, &shop, (&key, id), "ann").await.unwrap();
        house.commit(link(item("bolt"), "1").await.unwrap()).await;
        assert_eq!(linked(&house).await, [("1".to_owned(), "bolt".to_owned())].into());
        assert!(matches!(link(item("nut"), "1").await, Err(Refused::Linked(_))));
        assert!(matches!(link(item("bolt"), "2").await, Err(Refused::Linked(_))));
        assert_eq!(link(item("none"), "2").await.unwrap_err(), Refused::NoRecord);
        saw(&house, "1", "B-0815").await;
        house.fold_all().await;
        assert_eq!(house.title("bolt").await, Some("erp".into()), "they differed when they met; the ERP counts");
        let rebuilt = rebuild::verify(&*house.store).await.unwrap();
        assert_eq!(rebuilt.differences, vec![]);
    }
}
