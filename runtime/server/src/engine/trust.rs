//! How far a connector's word is taken.
//!
//! What was proved is relied on. What was refuted, or never proved, is assumed to be the worst that the contract allows,
//! wherever that costs work and no harm: polls reach further back, everything is compared more often, a write is looked up
//! before it is repeated, and a record is read before it is written. What this cannot make good is a race: where a system
//! does not compare itself, what somebody does between that reading and the write is overwritten.

use std::sync::Arc;

use truthsource_host::model::{Description, Effect, KindPower};

use crate::certificate::{Certificate, Certified, Power, Verdict};

/// Whose word there is for what a connector declares.
#[derive(Debug, Clone, Default)]
pub enum Word {
    /// The operator's, or a simulation's: it is as declared.
    #[default]
    Declared,
    /// The conformance suite's, as far as its certificates say; nobody's where there are none.
    Certified(Arc<Vec<Certificate>>),
}

/// How a kind of a connection is dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Care {
    /// A poll reaches back so far at least, in milliseconds.
    pub overlap_ms: u32,
    /// Everything is compared so often at least, in milliseconds, where it is compared in turn at all.
    pub sweep_every_ms: Option<u64>,
    /// A record is read, and compared with what a write was decided on, before the write is sent.
    pub reads_first: bool,
    /// A creation whose answer was lost is not sent again where nobody can look for what it made: a person does.
    pub creates_once: bool,
    /// What its system adds up is believed.
    pub digests: bool,
}

impl Care {
    /// None but what the contract asks of everybody.
    pub const NONE: Self =
        Self { overlap_ms: 0, sweep_every_ms: None, reads_first: false, creates_once: false, digests: true };
}

/// How far a poll reaches back where nobody knows how late changes show: the longest that systems are known to need, and a
/// lunch break of whoever has a transaction open.
pub const CAREFUL_OVERLAP_MS: u32 = 30 * 60_000;
/// How often everything is compared where new records or changes may never show: as seldom as people can wait.
pub const BLIND_SWEEP_MS: u64 = 15 * 60_000;
/// How often everything is compared where only deletions may never show: webhooks tell of most.
pub const DELETES_SWEEP_MS: u64 = 6 * 3_600_000;

/// What is believed of a kind, and what is done about the rest. Pure.
#[must_use]
pub fn of(declared: &KindPower, word: &Word) -> (KindPower, Care) {
    match word {
        Word::Declared => (declared.clone(), Care::NONE),
        Word::Certified(certificates) => certified(declared, proof_of(declared, certificates)),
    }
}

/// What is believed of a connector.
#[must_use]
pub fn believed(declared: &Arc<Description>, word: &Word) -> Arc<Description> {
    match word {
        Word::Declared => declared.clone(),
        Word::Certified(_) => {
            let kinds = declared.kinds.iter().map(|it| of(it, word).0).collect();
            Arc::new(Description { kinds, ..Description::clone(declared) })
        }
    }
}

/// The proof of exactly this declaration: of another one nothing follows.
fn proof_of<'a>(declared: &KindPower, certificates: &'a [Certificate]) -> Option<&'a Certified> {
    let of_kind = certificates.iter().filter_map(|it| it.kinds.get(&declared.kind));
    of_kind.into_iter().find(|it| it.declared == *declared)
}

fn certified(declared: &KindPower, proof: Option<&Certified>) -> (KindPower, Care) {
    let finding = |power| proof.and_then(|it| it.powers.get(&power));
    let holds = |power| finding(power).is_some_and(|it| it.verdict == Verdict::Proved);
    let measured = |power| finding(power).and_then(|it| it.measured).and_then(|it| u32::try_from(it).ok());
    // What cannot be written there needs no proof of how that is repeated.
    let repeats = !is_written(declared) || holds(Power::RepeatedUpdate);
    let effect = if repeats { declared.effect } else { careful(declared.effect) };
    let granularity_ms = declared.granularity_ms.max(measured(Power::Granularity).unwrap_or(0));
    let certain_max = if holds(Power::Certain) { declared.certain_max } else { 0 };
    let sees = |is_declared: bool, power| is_declared && holds(power);
    let power = KindPower {
        sees_creates: sees(declared.sees_creates, Power::Creates),
        sees_updates: sees(declared.sees_updates, Power::Updates),
        sees_deletes: sees(declared.sees_deletes, Power::Deletes),
        granularity_ms,
        effect,
        certain_max,
        ..declared.clone()
    };
    let on_time = [Power::Granularity, Power::Ordering, Power::Lag].into_iter().all(holds);
    let sees_all = power.sees_creates && power.sees_updates && holds(Power::Listing);
    let care = Care {
        overlap_ms: if on_time { 0 } else { CAREFUL_OVERLAP_MS },
        sweep_every_ms: match (sees_all, power.sees_deletes) {
            (true, true) => None,
            (true, false) => Some(DELETES_SWEEP_MS),
            (false, _) => Some(BLIND_SWEEP_MS),
        },
        reads_first: is_written(declared) && !holds(Power::StaleBase),
        creates_once: declared.creates && !holds(Power::RepeatedCreate),
        digests: holds(Power::Digests),
    };
    (power, care)
}

/// A write that nobody has seen repeated without harm is read and compared first.
fn careful(effect: Effect) -> Effect {
    match effect {
        Effect::Absolute | Effect::Keyed | Effect::Conditional | Effect::Verify => Effect::Verify,
        Effect::Unsafe => Effect::Unsafe,
    }
}

fn is_written(declared: &KindPower) -> bool {
    declared.fields.iter().any(|it| it.writable && !it.create_only)
}

#[cfg(test)]
pub(crate) mod tests;
