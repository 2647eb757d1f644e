//! The components of a run at work for its tenant.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use truthsource_core::budget::Class;
use truthsource_core::draw::Draw;
use truthsource_core::record::ConnectionId;
use truthsource_core::{Decimal, Fields, Kind};
use truthsource_host::capability::http::{Outbound, WebhookSecret};
use truthsource_host::capability::kv::{KvGrant, KvStore, Unavailable};
use truthsource_host::egress::{Origin, Transport};
use truthsource_host::model::{
    Conflict, Context, Decision, Description, Finding, HeldRecord, Level, Notice, Observed, Outcome, Page, Pull,
    RangeDigest, RangeTold, Standing, State, Target, Verdict, Webhook, Write,
};
use truthsource_host::signing::{Credentials, Secret, Signer};
use truthsource_host::{CallError, CallSetup, Connector, Mapping, Reach, Tenant};

use super::asked::Asked;
use super::cast::Cast;
use super::coverage::Moment;
use super::plan::Menu;
use super::stage::{SimClock, Still};
use super::watch::{Watch, present, shown};
use crate::engine::ports::{Clock, Decided, Guests};
use crate::plugins::Made;
use crate::store::Connection;
use crate::store::control::TenantId;

/// What deliveries prove themselves with, of systems that their connectors subscribe at.
pub const SUBSCRIBED_SECRET: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// Where a connection's webhooks are delivered to.
#[must_use]
pub fn hook_of(tenant: &str, connection: &str) -> String {
    format!("https://truthsource.sim/hooks/{tenant}/{connection}")
}

/// Whose components they are.
#[derive(Clone)]
pub struct Of {
    /// Its name.
    pub tenant: &'static str,
    /// Its number in the store.
    pub id: TenantId,
    /// What the node keeps to reach systems with, of all its tenants.
    pub made: Arc<Made>,
}

impl Of {
    /// The only tenant of a node.
    #[must_use]
    pub fn one() -> Self {
        Self { tenant: "sim", id: TenantId(1), made: Arc::default() }
    }
}

/// The components of a run.
pub struct Troupe {
    cast: Arc<Cast>,
    of: Of,
    clock: Arc<SimClock>,
    connections: BTreeMap<ConnectionId, Reached>,
    draw: Draw,
    faults: Menu,
    /// Faults are on.
    chaos: AtomicBool,
    /// Complete listings that were begun.
    listings: AtomicU64,
    /// How often components were called, by function.
    calls: Mutex<BTreeMap<Moment, u64>>,
    /// What policies answered at this moment.
    asked: Mutex<Asked>,
    /// Looks at every write.
    pub watch: Mutex<Watch>,
}

struct Reached {
    connector: Connector,
    mapping: Option<Mapping>,
    reach: Reach,
    described: Mutex<Option<Arc<Description>>>,
}

/// What is needed to reach a system: its connection, its connector, and its credentials as JSON.
pub struct Member {
    /// The connection.
    pub connection: ConnectionId,
    /// Its connector.
    pub connector: Connector,
    /// What the tenant has before it.
    pub mapping: Option<Mapping>,
    /// Its origin.
    pub origin: String,
    /// What requests are signed with.
    pub credentials: serde_json::Value,
}

impl Troupe {
    /// Components that reach these systems through `network`.
    ///
    /// # Errors
    /// When credentials make no sense.
    pub fn gather(
        (cast, of): (Arc<Cast>, Of),
        (clock, network): (Arc<SimClock>, Arc<dyn Transport>),
        members: Vec<Member>,
        (seed, faults): (u64, &Menu),
        watch: Watch,
    ) -> anyhow::Result<Self> {
        let mut connections = BTreeMap::new();
        for member in members {
            let credentials: Credentials = serde_json::from_value(member.credentials)?;
            let signer = Signer::new(credentials, Arc::new(Still::on(clock.clone())))?;
            let origin: Origin = member.origin.parse()?;
            let origins = [origin.clone()].into();
            let http = Some(Arc::new(Outbound::new((origins, [origin].into()), network.clone(), signer)));
            let kv = Some(KvGrant(Arc::new(Kept::default())));
            let reach = Reach { http, kv, ..Reach::default() };
            let reached =
                Reached { connector: member.connector, mapping: member.mapping, reach, described: Mutex::default() };
            connections.insert(member.connection, reached);
        }
        Ok(Self {
            cast,
            of,
            clock,
            connections,
            draw: Draw::new(seed),
            faults: faults.clone(),
            chaos: AtomicBool::default(),
            listings: AtomicU64::default(),
            calls: Mutex::default(),
            asked: Mutex::default(),
            watch: Mutex::new(watch),
        })
    }

    /// What looks at every write.
    pub fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often components were called, by function.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<Moment, u64> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, function: Moment) {
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner).entry(function).or_default() += 1;
    }

    fn of(&self, connection: &Connection) -> Result<&Reached, CallError> {
        let known = self.connections.get(&connection.id);
        known.ok_or_else(|| CallError::Host { reason: format!("no connector for {}", connection.name) })
    }

    /// Faults begin or end.
    pub fn set_chaos(&self, on: bool) {
        self.chaos.store(on, Ordering::SeqCst);
    }

    /// The first page of a complete listing, as a system answers that has lost some of it for the moment.
    fn listed(&self, mut page: Page) -> Page {
        let listing = self.listings.fetch_add(1, Ordering::SeqCst);
        if !self.chaos.load(Ordering::SeqCst) {
            return page;
        }
        if self.draw.chance(self.faults.listing_empty, "listing-empty", listing) {
            return Page { entries: Vec::new(), unread: Vec::new(), more: false, ..page };
        }
        if self.draw.chance(self.faults.listing_cut, "listing-cut", listing) {
            let mut at = 0;
            page.entries.retain(|_| {
                at += 1;
                self.draw.chance(700, &format!("entry {at} is listed"), listing)
            });
        }
        page
    }

    fn setup(&self) -> CallSetup {
        CallSetup::new(Tenant::new(self.of.tenant), self.clock.now())
    }

    /// What a call of the connection's component may reach: kept where the node keeps it for all its tenants.
    async fn reaching(&self, connection: &Connection, reached: &Reached) -> Result<CallSetup, CallError> {
        let make = async || Ok(reached.reach.clone());
        let reach = self.of.made.of((self.of.id, connection.id), make).await?;
        if !is_made_of(&reach, &reached.reach) {
            let (tenant, name) = (self.of.tenant, &connection.name);
            let breach = format!("P11: {name} of {tenant} is reached with what was made for another connection");
            self.watch().breaches.push(breach);
        }
        Ok(self.setup().reaching(reach))
    }

    fn context(&self, connection: &Connection) -> Context {
        Context { settings: connection.spec.settings.clone(), now: self.clock.now() }
    }
}

#[async_trait]
impl Guests for Troupe {
    async fn describe(&self, connection: &Connection) -> Result<Arc<Description>, CallError> {
        let reached = self.of(connection)?;
        let known = reached.described.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            return Ok(known);
        }
        let settings = connection.spec.settings.clone();
        let described = Arc::new(reached.connector.describe(&self.setup(), settings).await.0?);
        *reached.described.lock().unwrap_or_else(PoisonError::into_inner) = Some(described.clone());
        Ok(described)
    }

    async fn check(&self, connection: &Connection) -> Result<Vec<Finding>, CallError> {
        let reached = self.of(connection)?;
        reached.connector.check(&self.reaching(connection, reached).await?, self.context(connection)).await.0
    }

    async fn pull(&self, connection: &Connection, pull: &Pull, _: Class) -> Result<Page, CallError> {
        self.count(Moment::Pull);
        let reached = self.of(connection)?;
        let page = reached
            .connector
            .pull(&self.reaching(connection, reached).await?, self.context(connection), pull.clone())
            .await
            .0?;
        let page = if pull.cursor.is_none() { self.listed(page) } else { page };
        self.watch().told(connection.id, pull.kind, present(&page.entries));
        Ok(page)
    }

    async fn read(
        &self,
        connection: &Connection,
        kind: Kind,
        remote_ids: &[String],
        certain: bool,
    ) -> Result<Vec<Observed>, CallError> {
        self.count(Moment::Read);
        let (reached, ids) = (self.of(connection)?, remote_ids.to_vec());
        let read = reached
            .connector
            .read(&self.reaching(connection, reached).await?, self.context(connection), kind, ids, certain)
            .await
            .0?;
        self.watch().told(connection.id, kind, present(&read));
        Ok(read)
    }

    async fn push(&self, connection: &Connection, writes: &[Write]) -> Result<Vec<Outcome>, CallError> {
        self.count(Moment::Push);
        let reached = self.of(connection)?;
        let pushed = reached
            .connector
            .push(&self.reaching(connection, reached).await?, self.context(connection), writes.to_vec())
            .await
            .0;
        let mut watch = self.watch();
        watch.look((connection.id, self.clock.now()), writes);
        if let (Some(write), Ok(outcomes)) = (writes.first(), &pushed) {
            watch.told(connection.id, write.kind, outcomes.iter().filter_map(shown));
        }
        pushed
    }

    async fn find(&self, connection: &Connection, kind: Kind, command_key: &str) -> Result<Option<State>, CallError> {
        self.count(Moment::Find);
        let (reached, key) = (self.of(connection)?, command_key.to_owned());
        let setup = self.reaching(connection, reached).await?;
        let found = reached.connector.find(&setup, self.context(connection), kind, key).await.0?;
        self.watch().told(connection.id, kind, &found);
        Ok(found)
    }

    async fn ensure(&self, connection: &Connection) -> Result<Option<Standing>, CallError> {
        let reached = self.of(connection)?;
        if !reached.connector.subscribes() || self.describe(connection).await?.webhook.is_none() {
            return Ok(None);
        }
        self.count(Moment::Ensure);
        let mut setup = self.reaching(connection, reached).await?;
        setup.reach.webhook_secret = WebhookSecret::new(Secret::new(SUBSCRIBED_SECRET.to_owned()));
        let target = Target { url: hook_of(self.of.tenant, &connection.name) };
        reached.connector.ensure(&setup, self.context(connection), target).await.0.map(Some)
    }

    async fn tell(&self, connection: &Connection, kind: Kind) -> Result<Option<Vec<RangeTold>>, CallError> {
        let reached = self.of(connection)?;
        if !reached.connector.sums() {
            return Ok(None);
        }
        self.count(Moment::Tell);
        let setup = self.reaching(connection, reached).await?;
        reached.connector.tell(&setup, self.context(connection), kind).await.0
    }

    async fn add(
        &self,
        connection: &Connection,
        kind: Kind,
        records: &[HeldRecord],
    ) -> Result<Vec<RangeDigest>, CallError> {
        self.count(Moment::Add);
        let reached = self.of(connection)?;
        reached.connector.add(&self.setup(), self.context(connection), kind, records.to_vec()).await.0
    }

    async fn receive(&self, connection: &Connection, webhook: &Webhook) -> Result<Vec<Notice>, CallError> {
        self.count(Moment::Receive);
        let reached = self.of(connection)?;
        reached.connector.receive(&self.setup(), self.context(connection), webhook.clone()).await.0
    }

    async fn project(&self, connection: &Connection, kind: Kind, records: &[Fields]) -> Result<Vec<Fields>, CallError> {
        self.count(Moment::Project);
        let reached = self.of(connection)?;
        reached.connector.project(&self.setup(), self.context(connection), kind, records.to_vec()).await.0
    }

    async fn map_in(
        &self,
        connection: &Connection,
        kind: Kind,
        records: &[Fields],
    ) -> Result<Option<Vec<Option<Fields>>>, CallError> {
        let Some(mapping) = &self.of(connection)?.mapping else { return Ok(None) };
        self.count(Moment::MapIn);
        mapping.to_canonical(&self.setup(), self.context(connection), kind, records.to_vec()).await.0.map(Some)
    }

    async fn map_out(
        &self,
        connection: &Connection,
        kind: Kind,
        records: &[Fields],
    ) -> Result<Option<Vec<Fields>>, CallError> {
        let Some(mapping) = &self.of(connection)?.mapping else { return Ok(None) };
        self.count(Moment::MapOut);
        mapping.from_canonical(&self.setup(), self.context(connection), kind, records.to_vec()).await.0.map(Some)
    }

    async fn release(&self, slot: &str) -> Result<Option<String>, CallError> {
        let named = self.cast.policies.get(slot).and_then(|(_, named)| named.split_once('@'));
        Ok(named.map(|(_, digest)| digest.to_owned()))
    }

    async fn decide(&self, slot: &str, conflicts: &[Conflict]) -> Result<Option<Decided>, CallError> {
        let Some((policy, named)) = self.cast.policies.get(slot) else { return Ok(None) };
        let (now, asked) = (self.clock.now(), || self.asked.lock().unwrap_or_else(PoisonError::into_inner));
        let known = asked().known(now, slot, conflicts);
        let decisions = match known {
            Some(decisions) => decisions,
            None => {
                self.count(Moment::Decide);
                let decisions = policy.decide(&self.setup(), conflicts.to_vec()).await.0?;
                asked().note(now, slot, conflicts, &decisions);
                decisions
            }
        };
        Ok(Some(Decided { decisions, policy: named.clone() }))
    }

    async fn decide_by(&self, slot: &str, _: u64, conflicts: &[Conflict]) -> Result<Vec<Decision>, CallError> {
        let Some((policy, _)) = self.cast.policies.get(slot) else {
            return Err(CallError::Host { reason: format!("nothing is in {slot}") });
        };
        policy.decide(&self.setup(), conflicts.to_vec()).await.0
    }

    async fn publish(&self, _: &[Level]) -> Result<Option<Vec<Decimal>>, CallError> {
        Ok(None)
    }

    async fn validate(&self, kind: Kind, records: &[Fields]) -> Result<Option<Vec<Verdict>>, CallError> {
        let Some(validator) = self.cast.validators.get(&kind) else { return Ok(None) };
        self.count(Moment::Validate);
        validator.validate(&self.setup(), kind, records.to_vec()).await.0.map(Some)
    }
}

/// Whether what a call may reach is this and nobody else's: its origins and credentials, and its small state.
fn is_made_of(reach: &Reach, own: &Reach) -> bool {
    let http = reach.http.as_ref().zip(own.http.as_ref()).is_some_and(|(it, own)| Arc::ptr_eq(it, own));
    let kv = reach.kv.as_ref().zip(own.kv.as_ref()).is_some_and(|(it, own)| Arc::ptr_eq(&it.0, &own.0));
    http && kv
}

/// The small state of a connection.
#[derive(Default)]
struct Kept(Mutex<BTreeMap<String, Vec<u8>>>);

#[async_trait]
impl KvStore for Kept {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    async fn count(&self) -> Result<usize, Unavailable> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).len())
    }

    async fn apply(&self, writes: BTreeMap<String, Option<Vec<u8>>>) -> Result<(), Unavailable> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in writes {
            match value {
                Some(value) => kept.insert(key, value),
                None => kept.remove(&key),
            };
        }
        Ok(())
    }
}
