//! The tenant's connections and rules, as the steps need them.

use std::collections::BTreeMap;
use std::sync::Arc;

use truthsource_core::Kind;
use truthsource_core::fold::{Lag, Power, Terms};
use truthsource_core::record::ConnectionId;
use truthsource_core::rules::Rules;
use truthsource_host::{CallError, model};

use super::basis::{self, Basis};
use super::rules::{RULES, RulesSpec};
use super::stock_rules::{STOCK_RULES, StockSpec};
use super::trust::{self, Care, Word};
use super::{Engine, Error};
use crate::store::{Change, Connection, ConnectionState, TenantStore, Work};

/// What a step knows about who takes part.
pub struct Parties {
    /// Every connection, by number.
    pub connections: BTreeMap<ConnectionId, Connection>,
    /// The rules.
    pub rules: Rules,
    /// What each connection's connector can do, where that is known, as far as it is believed.
    pub powers: BTreeMap<ConnectionId, Arc<model::Description>>,
    /// What is done about the rest, where anything is.
    pub care: BTreeMap<(ConnectionId, Kind), Care>,
    /// Why it is not known.
    pub mute: BTreeMap<ConnectionId, String>,
    /// What the records of each kind are decided under and told by; absent where that cannot be told now.
    pub bases: BTreeMap<Kind, Basis>,
}

impl Parties {
    /// Loads connections, rules and powers. What is owed to a connection whose connector cannot be asked waits.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn load(engine: &Engine) -> Result<Self, Error> {
        Self::under(engine, &rules_of(&*engine.store).await?).await
    }

    /// The same, as if these were the rules.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn under(engine: &Engine, spec: &RulesSpec) -> Result<Self, Error> {
        let connections = by_id(&*engine.store).await?;
        let rules = spec.resolve(&connections, &stock_rules_of(&*engine.store).await?);
        let (mut powers, mut care, mut mute) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for connection in connections.values().filter(|it| it.state != ConnectionState::New) {
            match known(engine, connection).await {
                Ok((description, word)) => {
                    care.extend(description.kinds.iter().map(|it| ((connection.id, it.kind), trust::of(it, &word).1)));
                    powers.insert(connection.id, trust::believed(&description, &word));
                }
                Err(error) => {
                    tracing::debug!(connection = connection.name, %error, "the connector does not say what it can do");
                    mute.insert(connection.id, error.to_string());
                }
            }
        }
        let bases = basis::of(engine, &connections, &rules).await;
        Ok(Self { connections, rules, powers, care, mute, bases })
    }

    /// What records are decided under and told by at this moment: rules and releases may have changed since these were
    /// loaded.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn bases_now(engine: &Engine) -> Result<BTreeMap<Kind, Basis>, Error> {
        let connections = by_id(&*engine.store).await?;
        let stock = stock_rules_of(&*engine.store).await?;
        let rules = rules_of(&*engine.store).await?.resolve(&connections, &stock);
        Ok(basis::of(engine, &connections, &rules).await)
    }

    /// What is done about what a connection's connector is not believed to do with a kind.
    #[must_use]
    pub fn care(&self, connection: ConnectionId, kind: Kind) -> Care {
        self.care.get(&(connection, kind)).copied().unwrap_or(Care::NONE)
    }

    /// What can be written to a connection.
    #[must_use]
    pub fn power(&self, connection: ConnectionId, kind: Kind) -> Power {
        let known = self.kind_power(connection, kind);
        known.map_or_else(Power::default, |it| Power {
            known: it.fields.iter().map(|it| it.name.clone()).collect(),
            writable: it.fields.iter().filter(|it| it.writable && !it.create_only).map(|it| it.name.clone()).collect(),
            creates: it.creates,
        })
    }

    /// What a fold decides under.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let powers = |(id, it): (&ConnectionId, &Arc<model::Description>)| {
            (*id, it.kinds.iter().map(|it| (it.kind, self.power(*id, it.kind))).collect())
        };
        Terms { rules: self.rules.clone(), powers: self.powers.iter().map(powers).collect() }
    }

    /// How late a connection's readings of a kind may be.
    #[must_use]
    pub fn lag(&self, connection: Option<ConnectionId>, kind: Kind) -> Lag {
        let known = connection.and_then(|it| self.kind_power(it, kind));
        known.map_or_else(Lag::default, |it| Lag {
            lag_ms: it.lag_ms,
            granularity_ms: it.granularity_ms,
            checkable: it.certain_max > 0,
        })
    }

    /// How many records of a kind a connection's connector can read for certain at once, if it can at all.
    #[must_use]
    pub fn certain_max(&self, connection: ConnectionId, kind: Kind) -> Option<usize> {
        let known = self.kind_power(connection, kind).map_or(0, |it| it.certain_max);
        (known > 0).then_some(known as usize)
    }

    /// What a connection's connector said of a kind.
    #[must_use]
    pub fn kind_power(&self, connection: ConnectionId, kind: Kind) -> Option<&model::KindPower> {
        self.powers.get(&connection)?.kinds.iter().find(|it| it.kind == kind)
    }

    /// A connection's name, or its number where it has none any more.
    #[must_use]
    pub fn name(&self, connection: ConnectionId) -> String {
        self.connections.get(&connection).map_or_else(|| connection.to_string(), |it| it.name.clone())
    }

    /// The connections that stock is published to, and that are told.
    pub fn published(&self) -> impl Iterator<Item = &Connection> {
        self.told(Kind::StockLevel).filter(|it| it.spec.publishes.is_some())
    }

    /// The connections that are told about a kind. Those whose connector is mute are among them: they are owed it.
    pub fn told(&self, kind: Kind) -> impl Iterator<Item = &Connection> {
        let writes = move |it: &&Connection| self.rules.direction(it.id, kind).is_some_and(|it| it.writes);
        let takes = move |it: &&Connection| self.kind_power(it.id, kind).is_some() || self.mute.contains_key(&it.id);
        self.connections.values().filter(writes).filter(takes)
    }
}

async fn by_id(store: &dyn TenantStore) -> Result<BTreeMap<ConnectionId, Connection>, Error> {
    Ok(store.connections().await?.into_iter().map(|it| (it.id, it)).collect())
}

/// The rules that a tenant wrote. Without them nothing is decided: no rules would let the newest win over every owner.
async fn rules_of(store: &dyn TenantStore) -> Result<RulesSpec, Error> {
    let spec = store.setting(RULES).await?.map(serde_json::from_value);
    Ok(spec.transpose().map_err(Error::Rules)?.unwrap_or_default())
}

/// Without its kits and buffers more would be sold than there is.
async fn stock_rules_of(store: &dyn TenantStore) -> Result<StockSpec, Error> {
    let spec = store.setting(STOCK_RULES).await?.map(serde_json::from_value);
    Ok(spec.transpose().map_err(Error::Rules)?.unwrap_or_default())
}

/// What a connector declares, and whose word there is for it.
async fn known(engine: &Engine, connection: &Connection) -> Result<(Arc<model::Description>, Word), CallError> {
    Ok((engine.guests.describe(connection).await?, engine.guests.word(connection).await?))
}

/// Has everything told anew to a connection that began to take part, or whose part or component changed, and everything
/// read again that could not be read.
pub fn retell(connection: &Connection) -> impl Iterator<Item = Change> {
    let connection_id = connection.id;
    let kinds = connection.spec.kinds.iter();
    kinds.flat_map(move |(kind, it)| {
        let (connection, kind) = (connection_id, *kind);
        let told = it.writes.then_some(Change::Retell { connection, kind });
        told.into_iter().chain(it.reads.then_some(Change::Reread { connection, kind }))
    })
}

/// Has what is told of one kind told anew, where anything is.
pub fn retell_kind(connection: &Connection, kind: Kind) -> Option<Change> {
    let writes = connection.spec.kinds.get(&kind).is_some_and(|it| it.writes);
    writes.then_some(Change::Retell { connection: connection.id, kind })
}

/// Has what failed at a connection tried again at once: what made it fail may be gone.
pub fn resume(connection: &Connection) -> impl Iterator<Item = Change> {
    let read = connection.spec.kinds.iter().filter(|(_, it)| it.reads);
    read.map(|(kind, _)| Change::Ask { connection: connection.id, kind: *kind, work: Work::Retry })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::{Fake, House};

    #[tokio::test]
    async fn p3_rules_that_cannot_be_understood_are_not_no_rules() {
        let house = House::with(Fake::default()).await;
        let value = serde_json::json!({"fields": [], "of a later version": true});
        house.commit([Change::Setting { name: RULES.to_owned(), value }]).await;
        assert!(matches!(Parties::load(&house.engine).await, Err(Error::Rules(_))));
    }
}
