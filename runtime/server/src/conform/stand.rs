//! What is tried, and against what: every check opens a rig of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use truthsource_core::UnixMs;
use truthsource_core::draw::Draw;
use truthsource_core::record::ConnectionId;
use truthsource_host::egress::Transport;
use truthsource_host::model::Description;
use truthsource_host::{CallError, CallSetup, Connector, Tenant};
use truthsource_simulators::door::{Door, Reply};
use truthsource_simulators::world::Catalogue;

use super::dialect::{Dialect, Pages};
use super::line::Line;
use super::rig::Rig;
use crate::demo::law::Law;
use crate::engine::ports::{Clock as _, Guests};
use crate::http::hooks::Endpoint;
use crate::plugins::{HookSecret, HookSecrets};
use crate::sim::Cast;
use crate::sim::plan::Menu;
use crate::sim::stage::{Doors, SimClock};
use crate::sim::troupe::{Member, Of, SUBSCRIBED_SECRET, Troupe, hook_of};
use crate::sim::watch::Watch;
use crate::store::{Connection, ConnectionSpec, ConnectionState};

/// When checks begin: an ordinary day, at no round moment.
pub const BEGINS: UnixMs = UnixMs(1_789_473_011_123);
/// How long a call may compute on this machine, however busy it is. A good one takes a few milliseconds.
const CPU_MS_MAX: u64 = 10_000;
/// The name of the connection.
const NAME: &str = "tried";
const ID: ConnectionId = ConnectionId(1);

/// Stands between a check and the connector: how a test makes a connector lie.
pub type Between = Arc<dyn Fn(Arc<dyn Guests>) -> Arc<dyn Guests> + Send + Sync>;

/// What is tried, and against what. Cheap to clone.
#[derive(Clone)]
pub struct Stand {
    cast: Arc<Cast>,
    connector: Connector,
    /// The component's digest, in hex.
    pub digest: String,
    /// Its name and version.
    pub plugin: String,
    /// Settings that hold the system's address, as its manifest says.
    addresses: Vec<String>,
    /// Settings besides those that the system's shipped connector would get.
    pub settings: BTreeMap<String, String>,
    /// Against what.
    pub against: Dialect,
    /// What is drawn is drawn from this.
    pub seed: u64,
    /// Nobody, but for tests.
    between: Option<Between>,
}

impl Stand {
    /// A component, taken as an upload would be.
    ///
    /// # Errors
    /// When it is no component, or no connector.
    pub async fn build(
        (bytes, program): (&[u8], PathBuf),
        against: Option<Dialect>,
        settings: BTreeMap<String, String>,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let (cast, release) = Cast::of_one(bytes, program, CPU_MS_MAX).await?;
        let (digest, manifest) = (release.digest().to_string(), release.manifest().clone());
        let connector = Connector::try_from(release)?;
        let dialect_set = settings.get("dialect").and_then(|it| it.parse().ok());
        let against = against.or(dialect_set).or_else(|| Dialect::named(&manifest.name)).with_context(|| {
            let all = Dialect::ALL.map(Dialect::as_str).join(", ");
            format!("`{}` does not say which system it is for: name one with --against, of {all}", manifest.name)
        })?;
        Ok(Self {
            cast: Arc::new(cast),
            connector,
            digest,
            plugin: format!("{} {}", manifest.name, manifest.version),
            addresses: manifest.wants.http.into_iter().collect(),
            settings,
            against,
            seed,
            between: None,
        })
    }

    /// The same, with somebody between the checks and the connector.
    #[must_use]
    pub fn with(&self, between: Between) -> Self {
        Self { between: Some(between), ..self.clone() }
    }

    /// Draws of this run.
    #[must_use]
    pub fn draw(&self) -> Draw {
        Draw::new(self.seed)
    }

    /// What the component says it can do with a connection of these settings.
    ///
    /// # Errors
    /// When it does not say.
    pub async fn describe(&self, settings: BTreeMap<String, String>) -> Result<Description, CallError> {
        self.connector.describe(&CallSetup::new(Tenant::new("sim"), BEGINS), settings).await.0
    }

    /// A system that was filled from a catalogue, with the connector at it.
    ///
    /// # Errors
    /// When it cannot be set up, or the connector does not say what it can do.
    pub async fn open(&self, catalogue: &Catalogue, pages: Pages) -> anyhow::Result<Rig> {
        let clock = Arc::new(SimClock::at(BEGINS));
        let site = self.against.fill(clock.now(), catalogue, pages)?;
        let host = format!("{}.sim", self.against);
        let url = format!("http://{host}");
        let door = Arc::new(Door::new(site.system()));
        let doors = Arc::new(Doors::new([(host, door.clone().into())].into(), clock.clone()));
        let line = Arc::new(Line::to(site.system(), doors.clone()));
        let spec: ConnectionSpec = serde_json::from_value(self.against.connection(&site, &url))?;
        let connection = self.connection(spec, &url);
        let member = Member {
            connection: ID,
            connector: self.connector.clone(),
            mapping: None,
            origin: url.clone(),
            credentials: self.against.credentials(&url),
        };
        let network: Arc<dyn Transport> = line.clone();
        let troupe = Troupe::gather(
            (self.cast.clone(), Of::one()),
            (clock.clone(), network),
            vec![member],
            (0, &Menu::default()),
            Watch::new(Law::default(), vec![]),
        )?;
        let guests: Arc<dyn Guests> = Arc::new(troupe);
        let guests = match &self.between {
            Some(between) => between(guests),
            None => guests,
        };
        let described = guests.describe(&connection).await?;
        let endpoint = self.endpoint(&described, &doors);
        let rig = Rig { clock, site, door, line, guests, connection, described, endpoint };
        self.subscribe(&rig, &url)?;
        Ok(rig)
    }

    /// The settings of the shipped connector, where this one takes them; addresses where its manifest says; and what was set
    /// by hand.
    fn connection(&self, mut spec: ConnectionSpec, url: &str) -> Connection {
        let base = spec.settings.get("base-url").cloned().unwrap_or_else(|| url.to_owned());
        for name in &self.addresses {
            spec.settings.entry(name.clone()).or_insert_with(|| base.clone());
        }
        let here = |it: &String| it.replace("{url}", url);
        spec.settings.extend(self.settings.iter().map(|(name, value)| (name.clone(), here(value))));
        let (name, state) = (NAME.to_owned(), ConnectionState::Active);
        Connection { id: ID, name, spec, state, trouble: None, created_at: BEGINS, revision: 0 }
    }

    /// Where the system's deliveries come to, and what it asks there is answered.
    fn endpoint(&self, described: &Description, doors: &Doors) -> Option<Arc<Endpoint>> {
        let secret = self.against.hook_secret().unwrap_or_else(|| SUBSCRIBED_SECRET.to_owned());
        let secrets = HookSecrets { secrets: vec![HookSecret { secret, expires_at: None }] };
        let endpoint = Arc::new(Endpoint::new(ID, described.webhook.as_ref()?, &secrets)?);
        doors.receive_at([(hook_of("sim", NAME).replace("https://truthsource.sim", ""), endpoint.clone())].into());
        Some(endpoint)
    }

    /// An administrator has the system tell of changes.
    fn subscribe(&self, rig: &Rig, url: &str) -> anyhow::Result<()> {
        if rig.endpoint.is_none() {
            return Ok(());
        }
        for request in self.against.subscribe(&rig.site, (url, &hook_of("sim", NAME)))? {
            let Reply::Answer(answer, _) = rig.door.api(rig.now(), &request) else {
                anyhow::bail!("{} takes no subscription", self.against);
            };
            crate::demo::account::subscribed(answer.body())?;
        }
        Ok(())
    }
}
