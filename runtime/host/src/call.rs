//! What the caller of a component decides about a call.

use std::fmt;
use std::sync::Arc;

use truthsource_core::UnixMs;
use truthsource_core::budget::Class;

use crate::capability::http::{Outbound, WebhookSecret};
use crate::capability::kv::KvGrant;
use crate::record::Detail;

/// Whose call it is. Only ever compared: the host gives each tenant its own share of the places.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(Arc<str>);

impl Tenant {
    /// The tenant of this id.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(Arc::from(id))
    }

    /// Its id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a call may reach outside its sandbox: nothing, unless the tenant granted it. Only connectors have a use for
/// it; the pure worlds cannot even name these interfaces.
#[derive(Clone, Default)]
pub struct Reach {
    /// The connection's way out. `None`: every request is answered `denied`.
    pub http: Option<Arc<Outbound>>,
    /// What its system's deliveries are to prove themselves with; only subscribing has a use for it.
    pub webhook_secret: Option<WebhookSecret>,
    /// The connection's small state. `None`: every access is answered `denied`.
    pub kv: Option<KvGrant>,
    /// How urgent its requests are: each carries it as an extension, for whoever decides which goes first.
    pub class: Class,
}

/// What the caller decides about one call. Cheap to clone.
#[derive(Clone)]
pub struct CallSetup {
    /// Whose call it is.
    pub tenant: Tenant,
    /// The slot it fills, for the recording: `pricing`, `connector:shop-eu`.
    pub slot: Option<Arc<str>>,
    /// The call's moment: the component's wall clock, so that a replay agrees.
    pub now: UnixMs,
    /// How much to keep.
    pub detail: Detail,
    /// What it may reach.
    pub reach: Reach,
}

impl CallSetup {
    /// A call of `tenant` at `now` that reaches nothing and keeps only counters.
    #[must_use]
    pub fn new(tenant: Tenant, now: UnixMs) -> Self {
        Self { tenant, slot: None, now, detail: Detail::Counters, reach: Reach::default() }
    }

    /// The same call, for this slot.
    #[must_use]
    pub fn slot(self, slot: &str) -> Self {
        Self { slot: Some(Arc::from(slot)), ..self }
    }

    /// The same call, keeping this much.
    #[must_use]
    pub fn keep(self, detail: Detail) -> Self {
        Self { detail, ..self }
    }

    /// The same call, reaching this far.
    #[must_use]
    pub fn reaching(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }
}
