//! What a fold's truths are stored with: see [`basis`](crate::engine::basis).

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::Kind;

use crate::engine::basis::Basis;
use crate::engine::connections::Parties;
use crate::engine::{Engine, Error};

/// The bases that lasted as long as the fold.
pub(super) struct Stamps {
    bases: BTreeMap<Kind, Basis>,
    /// `slot@digest` of what answered at its beginning and at its end.
    answering: BTreeSet<String>,
}

impl Stamps {
    /// To be called when all components were asked.
    pub async fn now(engine: &Engine, parties: &Parties) -> Result<Self, Error> {
        let (now, mut answering) = (Parties::bases_now(engine).await?, BTreeSet::new());
        let slots: BTreeSet<&String> = parties.rules.fields.iter().filter_map(|it| it.policy.as_ref()).collect();
        for slot in slots {
            if let Ok(Some(digest)) = engine.guests.release(slot).await {
                answering.insert(format!("{slot}@{digest}"));
            }
        }
        let lasted = parties.bases.iter().filter(|(kind, it)| now.get(kind) == Some(it));
        Ok(Self { bases: lasted.map(|(kind, it)| (*kind, it.clone())).collect(), answering })
    }

    /// What is stored with a truth that these policies decided: nothing where another release was asked on the way.
    pub fn of<'a>(&self, kind: Kind, policies: impl IntoIterator<Item = &'a String>) -> String {
        let mut named = policies.into_iter().filter(|it| it.contains('@'));
        let is_known = named.all(|it| self.answering.contains(it));
        self.bases.get(&kind).filter(|_| is_known).map(ToString::to_string).unwrap_or_default()
    }
}
