//! What a simulation should come upon sometimes.
//!
//! One that never crashes proves nothing about crashes: what was never reached is counted as well, as 0.

use truthsource_core::record::Cause;

use super::cast::Cast;
use super::seeds::Stores;
use crate::demo::world::Product;
use crate::store::What;

macro_rules! moments {
    ($($variant:ident $name:literal)+) => {
        /// Something that is reached on some days.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Moment {
            $(#[doc = $name] $variant,)+
        }

        impl Moment {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name in reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

moments! {
    // What people do.
    Act "act"
    ActRefused "act refused"
    OrderLeft "order left"
    OrderCalledOff "order called off"
    RulesChanged "rules changed"

    // What the systems do.
    Answered "request answered"
    BrokenOff "request refused or broken off"
    NeverAnswered "request never answered"
    OtherShape "answer of another shape"
    Handshake "handshake"
    Deduplicated "webhook deduplicated"

    // What the node does.
    Turn "turn"
    Commit "commit"
    Crash "crash"
    Stalled "worker stalled"
    StalledInVain "stalled worker had nothing to do"
    Fenced "fence stopped a worker that had lost its lease"
    LeaseLost "lease lost"
    LaneOfTheDead "lane held by a dead worker"
    BreakerOpen "breaker open"
    LaneInAFold "a connection was worked on in the middle of a fold"
    FoldInALane "a fold in the middle of work on a connection"
    FoldAnew "a fold began anew"
    TwoTenants "two tenants"
    StockPublished "stock published"
    Quoted "price quoted"

    // What components are asked.
    Pull "call: pull"
    Read "call: read"
    Push "call: push"
    Find "call: find"
    Ensure "call: ensure"
    Tell "call: tell"
    Add "call: add"
    Receive "call: receive"
    Project "call: project"
    MapIn "call: map-in"
    MapOut "call: map-out"
    Decide "call: decide"
    Validate "call: validate"

    // What becomes of records.
    ByWebhook "moved, as a webhook led to see"
    ByPoll "moved, as a poll saw"
    BySweep "moved, as a sweep saw"
    ByDelivery "moved, as was seen at a write"
    ByRecheck "moved, as was seen when it was read again"
    ByCertain "moved, as the record itself said"
    ByWord "moved, as a person said"
    Noticed "webhook named a record"
    Vanished "record vanished"
    Linked "record linked"
    Unlinked "record unlinked"
    Resolved "truth moved"
    Decided "conflict decided"
    Asked "person asked"
    Settled "person answered"
    Began "write begun"
    Confirmed "write confirmed"
    Overtaken "write overtaken"
    Failed "write failed"
    Parked "debt parked"
    Redriven "debt put back to work"
    Diverged "drift found"
    SweptAtLast "all compared once more, after all was quiet"

    // What is decided once more.
    OtherOrder "decided in another order"
    OnceMore "decided once more"
    Again "decided again"
    BothStores "the same in both stores"
}

impl Moment {
    /// It can be reached with these components, on these stores.
    #[must_use]
    pub fn is_possible(self, cast: &Cast, stores: Stores) -> bool {
        match self {
            Self::MapIn | Self::MapOut => !cast.mappings.is_empty(),
            Self::Validate => !cast.validators.is_empty(),
            Self::BothStores => stores == Stores::Both,
            Self::StockPublished => cast.connectors.contains_key(&Product::Shopify),
            // A tenant that is simulated for its own sake stays as it is, and by itself.
            Self::TwoTenants => cast.setup.is_usual(),
            Self::RulesChanged => cast.setup.rules.is_none(),
            _ => true,
        }
    }
}

impl From<&What> for Moment {
    fn from(what: &What) -> Self {
        match what {
            What::Observed { cause: Cause::Webhook, .. } => Self::ByWebhook,
            What::Observed { cause: Cause::Poll, .. } => Self::ByPoll,
            What::Observed { cause: Cause::Sweep, .. } => Self::BySweep,
            What::Observed { cause: Cause::Delivery, .. } => Self::ByDelivery,
            What::Observed { cause: Cause::Recheck, .. } => Self::ByRecheck,
            What::Observed { cause: Cause::Certain, .. } => Self::ByCertain,
            What::Observed { cause: Cause::Believed, .. } => Self::ByWord,
            What::Noticed { .. } => Self::Noticed,
            What::Vanished => Self::Vanished,
            What::Linked { .. } => Self::Linked,
            What::Unlinked => Self::Unlinked,
            What::Resolved { .. } => Self::Resolved,
            What::Decided { .. } => Self::Decided,
            What::Asked { .. } => Self::Asked,
            What::Answered { .. } => Self::Settled,
            What::Began { .. } => Self::Began,
            What::Confirmed { .. } => Self::Confirmed,
            What::Overtaken { .. } => Self::Overtaken,
            What::Failed { .. } => Self::Failed,
            What::Parked { .. } => Self::Parked,
            What::Redriven { .. } => Self::Redriven,
            What::Diverged { .. } => Self::Diverged,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_moment_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = Moment::ALL.iter().map(|it| it.name()).collect();
        assert_eq!(names.len(), Moment::ALL.len());
    }
}
