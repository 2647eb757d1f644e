//! What a key may do.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A permission. Every route names the one it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// List tenants.
    TenantsRead,
    /// Make tenants.
    TenantsWrite,
    /// See connections, their schedules and checks.
    ConnectionsRead,
    /// Make, change, pause and resume connections, and give them credentials.
    ConnectionsWrite,
    /// Ask for a sweep.
    Sweep,
    /// See slots and releases.
    PluginsRead,
    /// Upload components. Does not let them run.
    PluginsUpload,
    /// Let a release answer calls, and take it back.
    PluginsActivate,
    /// Read records, their timelines, conflicts and accuracy.
    RecordsRead,
    /// Settle conflicts.
    ConflictsSettle,
    /// See parked debts and the backlog.
    WorkRead,
    /// Put parked debts back to work.
    WorkWrite,
    /// Ask for prices.
    Price,
    /// See API keys, never their secrets.
    KeysRead,
    /// Make, rotate and revoke API keys with at most one's own scopes.
    KeysWrite,
    /// See who owns fields and which policy is asked.
    RulesRead,
    /// Say who owns fields and which policy is asked.
    RulesWrite,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 17] = [
        Self::TenantsRead,
        Self::TenantsWrite,
        Self::ConnectionsRead,
        Self::ConnectionsWrite,
        Self::Sweep,
        Self::PluginsRead,
        Self::PluginsUpload,
        Self::PluginsActivate,
        Self::RecordsRead,
        Self::ConflictsSettle,
        Self::WorkRead,
        Self::WorkWrite,
        Self::Price,
        Self::KeysRead,
        Self::KeysWrite,
        Self::RulesRead,
        Self::RulesWrite,
    ];

    /// Its name in keys, URLs and documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TenantsRead => "tenants:read",
            Self::TenantsWrite => "tenants:write",
            Self::ConnectionsRead => "connections:read",
            Self::ConnectionsWrite => "connections:write",
            Self::Sweep => "sweep",
            Self::PluginsRead => "plugins:read",
            Self::PluginsUpload => "plugins:upload",
            Self::PluginsActivate => "plugins:activate",
            Self::RecordsRead => "records:read",
            Self::ConflictsSettle => "conflicts:settle",
            Self::WorkRead => "work:read",
            Self::WorkWrite => "work:write",
            Self::Price => "price",
            Self::KeysRead => "keys:read",
            Self::KeysWrite => "keys:write",
            Self::RulesRead => "rules:read",
            Self::RulesWrite => "rules:write",
        }
    }

    /// The names of every scope: what an operator's first key may do.
    #[must_use]
    pub fn all_names() -> BTreeSet<String> {
        Self::ALL.iter().map(ToString::to_string).collect()
    }

    /// The names of every scope that makes sense within one tenant.
    #[must_use]
    pub fn tenant_names() -> BTreeSet<String> {
        let of_operators = [Self::TenantsRead, Self::TenantsWrite];
        Self::ALL.iter().filter(|it| !of_operators.contains(it)).map(ToString::to_string).collect()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no scope")]
pub struct Unknown(pub String);

impl FromStr for Scope {
    type Err = Unknown;

    fn from_str(name: &str) -> Result<Self, Unknown> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == name);
        found.ok_or_else(|| Unknown(name.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_scopes_are_one_to_one() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert_eq!(Scope::all_names().len(), Scope::ALL.len());
        assert_eq!("admin".parse::<Scope>(), Err(Unknown("admin".into())));
    }
}
