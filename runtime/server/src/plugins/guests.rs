//! One tenant's components, as its engine calls them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use truthsource_core::budget::Class;
use truthsource_core::record::ConnectionId;
use truthsource_core::{Decimal, Fields, Kind, UnixMs};
use truthsource_host::model::{
    Basket, Conflict, Context, Decision, Description, Finding, HeldRecord, Level, Notice, Observed, Outcome, Page,
    Priced, Pull, RangeDigest, RangeTold, Standing, State, Target, Verdict, Webhook, Write,
};
use truthsource_host::{
    CallError, CallSetup, Connector, Mapping, Policy, Pricing, Reach, Recording, Release, StockRule, Validator,
};

use super::certificates::Certificates;
use super::{Active, Parts, Reaches, Rivals, Slots, secrets, setup};
use crate::app::{Refusal, TenantHandle};
use crate::engine::ports::{Decided, Guests};
use crate::engine::trust::Word;
use crate::store::{Batch, CallRow, Change, Connection};

/// What a release said of a connection.
struct Described {
    release: u64,
    settings: BTreeMap<String, String>,
    description: Arc<Description>,
}

/// The components of one tenant.
pub struct TenantGuests {
    parts: Arc<Parts>,
    slots: Arc<Slots>,
    reaches: Arc<Reaches>,
    certificates: Arc<Certificates>,
    rivals: Arc<Rivals>,
    tenant: Arc<TenantHandle>,
    /// What each release of a connector said it can do with each connection, as it is set.
    described: Mutex<BTreeMap<ConnectionId, Described>>,
}

impl TenantGuests {
    pub(super) fn new(
        parts: Arc<Parts>,
        (slots, reaches, certificates, rivals): (Arc<Slots>, Arc<Reaches>, Arc<Certificates>, Arc<Rivals>),
        tenant: Arc<TenantHandle>,
    ) -> Self {
        Self { parts, slots, reaches, certificates, rivals, tenant, described: Mutex::default() }
    }

    /// The connection's connector, to be called now: whoever asks while it is left alone and then does not call takes
    /// the one try away from those who would.
    async fn connector(&self, connection: &Connection) -> Result<(Connector, Arc<Active>), CallError> {
        let active = self.active(connection).await?;
        let connector = Connector::try_from(active.release.clone()).map_err(|_| misfit(&connection.spec.connector))?;
        active.health.admit(self.parts.clock.now())?;
        Ok((connector, active))
    }

    async fn active(&self, connection: &Connection) -> Result<Arc<Active>, CallError> {
        self.slots.active(&self.tenant, &connection.spec.connector).await.map_err(|it| unready(&it))
    }

    fn described(&self, connection: &Connection, release: u64) -> Option<Arc<Description>> {
        let described = self.described.lock().unwrap_or_else(PoisonError::into_inner);
        let known = described.get(&connection.id)?;
        let counts = known.release == release && known.settings == connection.spec.settings;
        counts.then(|| known.description.clone())
    }

    /// What fills a slot that may be empty.
    async fn filling<T>(&self, slot: &str) -> Result<Option<(T, Arc<Active>)>, CallError>
    where
        T: TryFrom<Release>,
    {
        let active = self.slots.find(&self.tenant, slot).await.map_err(|it| unready(&it))?;
        let Some(active) = active else { return Ok(None) };
        let component = T::try_from(active.release.clone()).map_err(|_| misfit(slot))?;
        active.health.admit(self.parts.clock.now())?;
        Ok(Some((component, active)))
    }

    async fn mapping(&self, connection: &Connection) -> Result<Option<(Mapping, Arc<Active>)>, CallError> {
        self.filling(&format!("mapping:{}", connection.name)).await
    }

    fn pure(&self, slot: &str) -> CallSetup {
        setup(&self.tenant, slot, self.parts.clock.as_ref())
    }

    async fn reaching(&self, connection: &Connection, class: Class) -> Result<CallSetup, CallError> {
        let reach: Reach = self.reaches.of(&self.tenant, connection).await?;
        Ok(self.pure(&connection.spec.connector).reaching(Reach { class, ..reach }))
    }

    fn context(&self, connection: &Connection) -> Context {
        Context { settings: connection.spec.settings.clone(), now: self.parts.clock.now() }
    }

    async fn noted<T>(&self, active: &Active, answer: (Result<T, CallError>, Recording)) -> Result<T, CallError> {
        let (result, recording) = answer;
        note(&self.tenant, active, (&result, &recording), self.parts.clock.now()).await;
        result
    }
}

#[async_trait]
impl Guests for TenantGuests {
    async fn describe(&self, connection: &Connection) -> Result<Arc<Description>, CallError> {
        if let Some(known) = self.described(connection, self.active(connection).await?.id) {
            // Each connection leads to an account of its own, or may.
            self.reaches.limit(self.tenant.tenant.id, connection, &known.rate);
            return Ok(known);
        }
        let (connector, active) = self.connector(connection).await?;
        let settings = connection.spec.settings.clone();
        let answer = connector.describe(&self.pure(&connection.spec.connector), settings.clone()).await;
        let description = Arc::new(self.noted(&active, answer).await?);
        self.reaches.limit(self.tenant.tenant.id, connection, &description.rate);
        let described = Described { release: active.id, settings, description: description.clone() };
        self.described.lock().unwrap_or_else(PoisonError::into_inner).insert(connection.id, described);
        Ok(description)
    }

    async fn word(&self, connection: &Connection) -> Result<Word, CallError> {
        let digest = self.active(connection).await?.release.digest().to_string();
        let word = self.certificates.word(&self.tenant, &digest, self.parts.believes).await;
        word.map_err(|it| unready(&it))
    }

    async fn check(&self, connection: &Connection) -> Result<Vec<Finding>, CallError> {
        let (connector, active) = self.connector(connection).await?;
        let answer = connector.check(&self.reaching(connection, Class::Order).await?, self.context(connection)).await;
        self.noted(&active, answer).await
    }

    async fn pull(&self, connection: &Connection, pull: &Pull, class: Class) -> Result<Page, CallError> {
        let (connector, active) = self.connector(connection).await?;
        let setup = self.reaching(connection, class).await?;
        let answer = connector.pull(&setup, self.context(connection), pull.clone()).await;
        self.noted(&active, answer).await
    }

    async fn read(
        &self,
        connection: &Connection,
        kind: Kind,
        remote_ids: &[String],
        certain: bool,
    ) -> Result<Vec<Observed>, CallError> {
        let (connector, active) = self.connector(connection).await?;
        let setup = self.reaching(connection, Class::of(kind)).await?;
        let answer = connector.read(&setup, self.context(connection), kind, remote_ids.to_vec(), certain).await;
        self.noted(&active, answer).await
    }

    async fn push(&self, connection: &Connection, writes: &[Write]) -> Result<Vec<Outcome>, CallError> {
        let (connector, active) = self.connector(connection).await?;
        let kind = writes.first().map_or(Kind::Order, |it| it.kind);
        let setup = self.reaching(connection, Class::of(kind)).await?;
        let answer = connector.push(&setup, self.context(connection), writes.to_vec()).await;
        let calls = u64::from(answer.1.http_requests);
        let outcomes = self.noted(&active, answer).await;
        let applied = outcomes.iter().flatten().filter(|it| matches!(it, Outcome::Applied(_))).count();
        self.reaches.measured((self.tenant.tenant.id, connection.id, kind), (calls, applied as u64));
        outcomes
    }

    async fn find(&self, connection: &Connection, kind: Kind, command_key: &str) -> Result<Option<State>, CallError> {
        let (connector, active) = self.connector(connection).await?;
        let setup = self.reaching(connection, Class::of(kind)).await?;
        let answer = connector.find(&setup, self.context(connection), kind, command_key.to_owned()).await;
        self.noted(&active, answer).await
    }

    async fn receive(&self, connection: &Connection, webhook: &Webhook) -> Result<Vec<Notice>, CallError> {
        let (connector, active) = self.connector(connection).await?;
        let setup = self.pure(&connection.spec.connector);
        let answer = connector.receive(&setup, self.context(connection), webhook.clone()).await;
        self.noted(&active, answer).await
    }

    async fn ensure(&self, connection: &Connection) -> Result<Option<Standing>, CallError> {
        let Some(public_url) = &self.parts.public_url else { return Ok(None) };
        if self.describe(connection).await?.webhook.is_none() {
            return Ok(None);
        }
        let (connector, active) = self.connector(connection).await?;
        if !connector.subscribes() {
            return Ok(None);
        }
        let mut setup = self.reaching(connection, Class::Order).await?;
        setup.reach.webhook_secret = Some(secrets::of_deliveries(&self.parts, &self.tenant, connection).await?);
        let url = format!("{public_url}/hooks/{}/{}", self.tenant.tenant.name, connection.name);
        let answer = connector.ensure(&setup, self.context(connection), Target { url }).await;
        self.noted(&active, answer).await.map(Some)
    }

    async fn tell(&self, connection: &Connection, kind: Kind) -> Result<Option<Vec<RangeTold>>, CallError> {
        let (connector, active) = self.connector(connection).await?;
        if !connector.sums() {
            return Ok(None);
        }
        let setup = self.reaching(connection, Class::Sweep).await?;
        let answer = connector.tell(&setup, self.context(connection), kind).await;
        self.noted(&active, answer).await
    }

    async fn add(
        &self,
        connection: &Connection,
        kind: Kind,
        records: &[HeldRecord],
    ) -> Result<Vec<RangeDigest>, CallError> {
        let (connector, active) = self.connector(connection).await?;
        let setup = self.pure(&connection.spec.connector);
        let answer = connector.add(&setup, self.context(connection), kind, records.to_vec()).await;
        self.noted(&active, answer).await
    }

    async fn project(&self, connection: &Connection, kind: Kind, records: &[Fields]) -> Result<Vec<Fields>, CallError> {
        let (connector, active) = self.connector(connection).await?;
        let setup = self.pure(&connection.spec.connector);
        let answer = connector.project(&setup, self.context(connection), kind, records.to_vec()).await;
        self.noted(&active, answer).await
    }

    async fn map_in(
        &self,
        connection: &Connection,
        kind: Kind,
        records: &[Fields],
    ) -> Result<Option<Vec<Option<Fields>>>, CallError> {
        let Some((mapping, active)) = self.mapping(connection).await? else { return Ok(None) };
        let setup = self.pure(&active.slot);
        let answer = mapping.to_canonical(&setup, self.context(connection), kind, records.to_vec()).await;
        self.noted(&active, answer).await.map(Some)
    }

    async fn map_out(
        &self,
        connection: &Connection,
        kind: Kind,
        records: &[Fields],
    ) -> Result<Option<Vec<Fields>>, CallError> {
        let Some((mapping, active)) = self.mapping(connection).await? else { return Ok(None) };
        let setup = self.pure(&active.slot);
        let answer = mapping.from_canonical(&setup, self.context(connection), kind, records.to_vec()).await;
        self.noted(&active, answer).await.map(Some)
    }

    async fn release(&self, slot: &str) -> Result<Option<String>, CallError> {
        let active = self.slots.find(&self.tenant, slot).await.map_err(|it| unready(&it))?;
        Ok(active.map(|it| it.release.digest().to_string()))
    }

    async fn decide(&self, slot: &str, conflicts: &[Conflict]) -> Result<Option<Decided>, CallError> {
        let Some((policy, active)) = self.filling::<Policy>(slot).await? else { return Ok(None) };
        let setup = self.pure(slot);
        let decisions = self.noted(&active, policy.decide(&setup, conflicts.to_vec()).await).await?;
        if let Some(rival) = self.rivals.find(self.tenant.tenant.id, slot) {
            rival.ask(setup, conflicts, &decisions, self.parts.clock.now());
        }
        Ok(Some(Decided { decisions, policy: format!("{slot}@{}", active.release.digest()) }))
    }

    async fn decide_by(&self, slot: &str, release: u64, conflicts: &[Conflict]) -> Result<Vec<Decision>, CallError> {
        let active = self.slots.load(&self.tenant, slot, release).await.map_err(|it| unready(&it))?;
        let policy = Policy::try_from(active.release.clone()).map_err(|_| misfit(slot))?;
        policy.decide(&self.pure(slot), conflicts.to_vec()).await.0
    }

    async fn publish(&self, levels: &[Level]) -> Result<Option<Vec<Decimal>>, CallError> {
        let Some((rule, active)) = self.filling::<StockRule>("stock").await? else { return Ok(None) };
        let setup = self.pure("stock");
        self.noted(&active, rule.publish(&setup, levels.to_vec()).await).await.map(Some)
    }

    async fn price(&self, slot: &str, basket: &Basket) -> Result<Option<Vec<Priced>>, CallError> {
        let Some((pricing, active)) = self.filling::<Pricing>(slot).await? else { return Ok(None) };
        let setup = self.pure(slot);
        self.noted(&active, pricing.price(&setup, basket.clone()).await).await.map(Some)
    }

    async fn validate(&self, kind: Kind, records: &[Fields]) -> Result<Option<Vec<Verdict>>, CallError> {
        let slot = format!("validator:{kind}");
        let Some((validator, active)) = self.filling::<Validator>(&slot).await? else { return Ok(None) };
        let setup = self.pure(&slot);
        self.noted(&active, validator.validate(&setup, kind, records.to_vec()).await).await.map(Some)
    }
}

/// Takes note of how a call ended. The recording of one that failed is kept, so that the component's author can see why;
/// of one whose input was refused there is nothing to see, as the component never ran.
pub(super) async fn note<T>(
    tenant: &TenantHandle,
    active: &Active,
    (result, recording): (&Result<T, CallError>, &Recording),
    at: UnixMs,
) {
    active.health.note(at, result, recording.fuel);
    if result.as_ref().is_err_and(|it| !matches!(it, CallError::BadInput(_))) {
        record(tenant, &active.slot, recording, at).await;
    }
}

/// A store that cannot take it loses it.
async fn record(tenant: &TenantHandle, slot: &str, recording: &Recording, at: UnixMs) {
    let mut batch = Batch::new(at);
    batch.changes.push(Change::Call(CallRow {
        id: 0,
        at,
        slot: slot.to_owned(),
        digest: recording.digest.to_string(),
        function: recording.function.to_string(),
        fuel: recording.fuel.unwrap_or_default(),
        micros: recording.duration_us,
        fault: recording.failure.as_ref().map(|it| it.code.clone()),
        recording: serde_json::to_value(recording).unwrap_or_default(),
    }));
    if let Err(error) = tenant.store.commit(batch).await {
        tracing::warn!(slot, %error, "a failed call was not recorded");
    }
}

fn unready(refusal: &Refusal) -> CallError {
    CallError::Host { reason: refusal.message.clone() }
}

fn misfit(slot: &str) -> CallError {
    CallError::Host { reason: format!("the component in slot `{slot}` is of another world") }
}
