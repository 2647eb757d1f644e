//! The books, in memory.

use std::ops::Range;

use truthsource_core::fold::Terms;

use super::data::{Name, name, owed_to};
use super::read::json;
use super::*;

impl Data {
    fn names(&self, after: Option<&RecordKey>, n_max: u32, all: impl Iterator<Item = Name>) -> Result<Vec<RecordKey>> {
        let after = after.map(name);
        let names: BTreeSet<Name> = all.filter(|it| after.as_ref().is_none_or(|after| it > after)).collect();
        let key = |(kind, key): Name| {
            let kind: Kind = kind.parse().map_err(|_| Error::damaged(format!("there is no kind {kind}")))?;
            Ok(RecordKey { kind, key })
        };
        names.into_iter().take(n_max as usize).map(key).collect()
    }

    /// The bases of a kind's truths that are others than this, in order.
    fn other_bases(&self, kind: Kind, basis: &str) -> BTreeSet<(&String, &String)> {
        let of_kind = self.truths.iter().filter(|((it, _), _)| *it == kind.as_str());
        of_kind.map(|((_, key), it)| (&it.basis, key)).filter(|(it, _)| *it != basis).collect()
    }

    fn outdated(&self, bases: &BTreeMap<Kind, String>, n_max: u32) -> BTreeSet<RecordKey> {
        let mut found = BTreeSet::new();
        for (kind, basis) in bases {
            let (below, above): (Vec<_>, Vec<_>) =
                self.other_bases(*kind, basis).into_iter().partition(|(it, _)| *it < basis);
            for side in [below, above] {
                let side = side.into_iter().take(n_max as usize);
                found.extend(side.map(|(_, key)| RecordKey::new(*kind, key)));
            }
        }
        found
    }

    fn count_outdated(&self, bases: &BTreeMap<Kind, String>) -> BTreeMap<Kind, u64> {
        let count = bases.iter().map(|(kind, basis)| (*kind, self.other_bases(*kind, basis).len() as u64));
        count.filter(|(_, n)| *n > 0).collect()
    }

    fn bases(&self, keys: &BTreeSet<RecordKey>) -> BTreeMap<RecordKey, String> {
        let basis = |key: &RecordKey| Some((key.clone(), self.truths.get(&name(key))?.basis.clone()));
        keys.iter().filter_map(basis).collect()
    }

    fn stored(&self, key: &RecordKey) -> Result<Stored> {
        let truth = self.truths.get(&name(key));
        let (first, last) = ((name(key), ConnectionId(0)), (name(key), ConnectionId(u32::MAX)));
        let shadows = self.shadows.range(first..=last).map(|((_, id), it)| Ok((*id, json(it)?)));
        let wants = self.commitments.iter().filter(|((_, order), _)| key.kind == Kind::Order && *order == key.key);
        let linked = |id: &ConnectionId| Some((*id, self.linked.get(&owed_to(*id, key))?.clone()));
        Ok(Stored {
            natural: truth.and_then(|it| it.natural.clone()),
            truth: truth.map(|it| json(&it.truth)).transpose()?,
            shadows: shadows.collect::<Result<_>>()?,
            wants: wants.map(|((item, _), it)| Ok((item.clone(), json(it)?))).collect::<Result<_>>()?,
            links: self.connections.keys().filter_map(linked).collect(),
        })
    }
}

#[async_trait]
impl Ledger for ModelStore {
    async fn accounts(&self, after: Option<&RecordKey>, n_max: u32) -> Result<Vec<RecordKey>> {
        self.with(|data| {
            let shadows = data.shadows.keys().map(|(name, _)| name.clone());
            let ruled = data.rulings.iter().map(|it| name(&it.key));
            data.names(after, n_max, data.truths.keys().cloned().chain(shadows).chain(ruled))
        })?
    }

    async fn ruled(&self, within: Range<UnixMs>, after: Option<&RecordKey>, n_max: u32) -> Result<Vec<RecordKey>> {
        self.with(|data| {
            let ruled = data.rulings.iter().filter(|it| within.contains(&it.at));
            data.names(after, n_max, ruled.map(|it| name(&it.key)))
        })?
    }

    async fn rulings(&self, keys: &BTreeSet<RecordKey>) -> Result<Vec<LoggedRuling>> {
        self.with(|data| data.rulings.iter().filter(|it| keys.contains(&it.key)).cloned().collect())
    }

    async fn entries(&self, seqs: &BTreeSet<u64>) -> Result<BTreeMap<u64, LoggedEntry>> {
        self.with(|data| seqs.iter().filter_map(|it| Some((*it, data.log.get(it)?.clone()))).collect())
    }

    async fn terms(&self, digest: &str) -> Result<Option<Terms>> {
        self.with(|data| data.terms.get(digest).cloned())
    }

    async fn outdated(&self, bases: &BTreeMap<Kind, String>, n_max: u32) -> Result<BTreeSet<RecordKey>> {
        self.with(|data| data.outdated(bases, n_max))
    }

    async fn count_outdated(&self, bases: &BTreeMap<Kind, String>) -> Result<BTreeMap<Kind, u64>> {
        self.with(|data| data.count_outdated(bases))
    }

    async fn bases(&self, keys: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, String>> {
        self.with(|data| data.bases(keys))
    }

    async fn stored(&self, keys: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, Stored>> {
        self.with(|data| keys.iter().map(|key| Ok((key.clone(), data.stored(key)?))).collect())?
    }
}
