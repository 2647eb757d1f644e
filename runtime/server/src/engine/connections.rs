//! The tenant's connections and rules, as the steps need them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use truthsource_core::Kind;
use truthsource_core::fold::{Lag, Power, Terms};
use truthsource_core::record::ConnectionId;
use truthsource_core::rules::{ConnectionRule, FieldRule, Rules};
use truthsource_host::{CallError, model};

use super::trust::{self, Care, Word};
use super::{Engine, Error};
use crate::store::{Change, Connection, ConnectionState, Work};

/// The name of the setting that holds [`RulesSpec`].
pub const RULES: &str = "rules";

/// A tenant's rules as it writes them: connections by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesSpec {
    /// Who owns and who decides, first match wins.
    #[serde(default)]
    pub fields: Vec<FieldSpec>,
}

/// Who owns a field and who decides about it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSpec {
    /// The kind; absent: every kind.
    #[serde(default)]
    pub kind: Option<Kind>,
    /// A field's name, or `*`.
    pub field: String,
    /// The connection whose word stands.
    #[serde(default)]
    pub owner: Option<String>,
    /// The slot of the conflict policy.
    #[serde(default)]
    pub policy: Option<String>,
}

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
}

impl Parties {
    /// Loads connections, rules and powers. What is owed to a connection whose connector cannot be asked waits.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn load(engine: &Engine) -> Result<Self, Error> {
        let connections: BTreeMap<_, _> = engine.store.connections().await?.into_iter().map(|it| (it.id, it)).collect();
        let spec = engine.store.setting(RULES).await?;
        // Without its rules nothing is decided: no rules would let the newest win over every owner.
        let spec: Option<RulesSpec> = spec.map(serde_json::from_value).transpose().map_err(Error::Rules)?;
        let spec = spec.unwrap_or_default();
        let rules = resolve(&spec, &connections);
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
        Ok(Self { connections, rules, powers, care, mute })
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
        known.map_or_else(Lag::default, |it| Lag { lag_ms: it.lag_ms, granularity_ms: it.granularity_ms })
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

    /// The connections that are told about a kind. Those whose connector is mute are among them: they are owed it.
    pub fn told(&self, kind: Kind) -> impl Iterator<Item = &Connection> {
        let writes = move |it: &&Connection| self.rules.direction(it.id, kind).is_some_and(|it| it.writes);
        let takes = move |it: &&Connection| self.kind_power(it.id, kind).is_some() || self.mute.contains_key(&it.id);
        self.connections.values().filter(writes).filter(takes)
    }
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

/// Has what failed at a connection tried again at once: what made it fail may be gone.
pub fn resume(connection: &Connection) -> impl Iterator<Item = Change> {
    let read = connection.spec.kinds.iter().filter(|(_, it)| it.reads);
    read.map(|(kind, _)| Change::Ask { connection: connection.id, kind: *kind, work: Work::Retry })
}

fn resolve(spec: &RulesSpec, connections: &BTreeMap<ConnectionId, Connection>) -> Rules {
    let by_name = |name: &String| connections.values().find(|it| it.name == *name).map(|it| it.id);
    let rule = |it: &Connection| ConnectionRule {
        name: it.name.clone(),
        rank: it.spec.rank,
        kinds: it.spec.kinds.clone(),
        publishes: it.spec.publishes.clone(),
    };
    let field = |it: &FieldSpec| FieldRule {
        kind: it.kind,
        field: it.field.clone(),
        owner: it.owner.as_ref().and_then(by_name),
        policy: it.policy.clone(),
    };
    Rules {
        connections: connections.values().map(|it| (it.id, rule(it))).collect(),
        fields: spec.fields.iter().map(field).collect(),
    }
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
