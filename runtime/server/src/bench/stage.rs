//! An ERP and a shop in this process, and the real engine between them on a store of files with its real durability.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;
use truthsource_core::draw::Draw;
use truthsource_core::record::ConnectionId;
use truthsource_core::rules::Direction;
use truthsource_core::{Kind, UnixMs};

use super::source::{Source, Sources};
use crate::engine::connections::Parties;
use crate::engine::lane::Lane;
use crate::engine::ports::Clock as _;
use crate::engine::rules::RULES;
use crate::engine::{Engine, Error, Pace, fold, turn};
use crate::node::MachineClock;
use crate::store::control::ControlStore as _;
use crate::store::{
    Batch, Change, ConnectionSpec, ConnectionState, SqliteStores, TenantStore, Work, open, sqlite::SqliteTenant,
};

pub(super) const ERP: ConnectionId = ConnectionId(1);
pub(super) const SHOP: ConnectionId = ConnectionId(2);

/// A tenant whose ERP owns every field and whose shop, if there is one, is told.
pub(super) struct Stage {
    pub engine: Engine,
    pub store: Arc<SqliteTenant>,
    pub erp: Arc<Source>,
    pub shop: Arc<Source>,
    lanes: Vec<Lane>,
    stores: SqliteStores,
    _dir: TempDir,
}

impl Stage {
    /// An ERP of so many items, and an empty shop if it is wanted.
    pub(super) async fn open(items: usize, with_shop: bool) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let stores = open(dir.path()).await?;
        let tenant = stores.add_tenant("bench", MachineClock.now()).await?;
        let store = stores.tenant_store(tenant.id).await?;
        let (erp, shop) = (Arc::new(Source::of(items)), Arc::new(Source::default()));
        let mut systems = BTreeMap::from([(ERP, erp.clone())]);
        systems.extend(with_shop.then(|| (SHOP, shop.clone())));
        let names: Vec<&str> = ["erp", "shop"].into_iter().take(systems.len()).collect();
        connect(&*store, &names).await?;
        let engine = Engine {
            store: store.clone(),
            guests: Arc::new(Sources(systems)),
            clock: Arc::new(MachineClock),
            draw: Draw::new(1),
            holder: "bench".to_owned(),
            pace: Pace::default(),
        };
        let parties = Parties::load(&engine).await?;
        let mut lanes = Vec::new();
        for connection in parties.connections.values() {
            lanes.extend(Lane::take(&engine, connection.clone()).await?);
        }
        Ok(Self { engine, store, erp, shop, lanes, stores, _dir: dir })
    }

    /// Lanes and fold side by side, as in a node, until nothing is left to do.
    pub(super) async fn settle(&mut self) -> anyhow::Result<()> {
        self.work(usize::MAX).await
    }

    /// The same, and only the ERP's lane works.
    pub(super) async fn load(&mut self) -> anyhow::Result<()> {
        self.work(1).await
    }

    async fn work(&mut self, lanes_max: usize) -> anyhow::Result<()> {
        loop {
            let parties = Arc::new(Parties::load(&self.engine).await?);
            let mut working = JoinSet::new();
            for lane in self.lanes.drain(..self.lanes.len().min(lanes_max)) {
                working.spawn(run(self.engine.clone(), parties.clone(), lane));
            }
            let folding = tokio::spawn(folded(self.engine.clone(), parties));
            let mut handled = 0;
            while let Some(done) = working.join_next().await {
                let (lane, did) = done??;
                self.lanes.push(lane);
                handled += did;
            }
            self.lanes.sort_by_key(|it| it.connection.id);
            handled += folding.await??;
            if handled == 0 && self.is_idle(lanes_max).await? {
                return Ok(());
            }
        }
    }

    async fn is_idle(&self, lanes_max: usize) -> Result<bool, Error> {
        let backlog = self.store.backlog().await?;
        Ok(backlog.unfolded == 0 && (backlog.debts == 0 || lanes_max < self.lanes.len()))
    }

    /// A connection is to be asked for changes, or compared as a whole.
    pub(super) async fn ask(&self, connection: ConnectionId, work: Work) -> Result<(), Error> {
        let changes = vec![Change::Ask { connection, kind: Kind::Item, work }];
        self.store.commit(Batch { changes, ..Batch::new(self.now().plus(1)) }).await?;
        Ok(())
    }

    fn now(&self) -> UnixMs {
        self.engine.now()
    }

    pub(super) async fn close(self) {
        self.stores.close().await;
    }
}

/// A lane works until it has nothing to do. Gives it back, and how much it did.
async fn run(engine: Engine, parties: Arc<Parties>, mut lane: Lane) -> Result<(Lane, usize), Error> {
    let mut handled = 0;
    loop {
        lane.renew(&engine).await?;
        let did = turn::turn(&engine, &parties, &mut lane, &|| ()).await?;
        handled += did.handled;
        if did.handled == 0 {
            return Ok((lane, handled));
        }
    }
}

/// Folds until there is nothing to fold. Gives how much there was.
async fn folded(engine: Engine, parties: Arc<Parties>) -> Result<usize, Error> {
    let mut handled = 0;
    loop {
        let did = fold::fold(&engine, &parties).await?;
        handled += did.handled;
        if did.handled == 0 {
            return Ok(handled);
        }
    }
}

async fn connect(store: &dyn TenantStore, names: &[&str]) -> anyhow::Result<()> {
    let mut batch = Batch::new(MachineClock.now());
    for (rank, name) in names.iter().enumerate() {
        let kinds = json!({Kind::Item.as_str(): serde_json::to_value(Direction::BOTH)?});
        let day = 86_400_000;
        let spec: ConnectionSpec = serde_json::from_value(json!({
            "connector": "connector:in-process", "egress": [], "rank": rank, "kinds": kinds,
            "poll_every_ms": {Kind::Item.as_str(): day}, "sweep_every_ms": 0,
        }))?;
        batch.changes.push(Change::NewConnection { name: (*name).to_owned(), spec });
    }
    let value = json!({"fields": [{"field": "*", "owner": "erp"}]});
    batch.changes.push(Change::Setting { name: RULES.to_owned(), value });
    let at = batch.at;
    let made = store.commit(batch).await?.connections;
    let state = ConnectionState::Active;
    let active = made.into_iter().map(|id| Change::ConnectionState { id, read: 0, state, trouble: None });
    store.commit(Batch { changes: active.collect(), ..Batch::new(at) }).await?;
    Ok(())
}
