//! What was decided in a fold and cannot be computed from what systems said: with it, and with the log, the record comes
//! out the same again, whatever policies, connectors and rules have become meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Folding, Power, Question, Telling, Verdict};
use crate::record::{ConnectionId, KeyState, Truth};
use crate::rules::Rules;
use crate::stock::Supply;
use crate::{Fields, Kind, digest};

/// What one fold decided about one record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ruling {
    /// The entries that it took in, by their place in the log, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<u64>,
    /// What was decided before was decided again, under the terms of now, before any entry was taken in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reviewed: bool,
    /// What connections were being told, as far as it settles what they had said.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub telling: Telling,
    /// The remote ids that it found to be the record.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub linked: BTreeMap<ConnectionId, String>,
    /// What was answered to its questions, in order. Empty where each had one claim, and that was taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// Field → `slot@digest` of the policy that decided it; a field without one was decided by the built-in rule.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, String>,
    /// Why a validator refused what came of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What other records said about its stock.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub supply: Supply,
    /// What connectors made of the truth, where they said.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub wants: BTreeMap<ConnectionId, Projection>,
    /// Nothing was decided: what was known is no more, as something that it rests on cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void: Option<Void>,
}

/// What is known no more, until it is heard again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Void {
    /// What a connection holds: the next reading is the first that is known.
    Shadow(ConnectionId),
    /// The truth and all that connections hold. Its version goes on from here.
    Record(u64),
}

impl Void {
    /// What is left.
    #[must_use]
    pub fn apply(&self, mut state: KeyState) -> KeyState {
        match self {
            Self::Shadow(connection) => {
                state.shadows.remove(connection);
                state
            }
            Self::Record(version) => {
                KeyState { truth: Truth { version: *version, ..Truth::default() }, shadows: BTreeMap::new() }
            }
        }
    }
}

fn is_nothing(supply: &Supply) -> bool {
    *supply == Supply::default()
}

impl Ruling {
    /// It says only which remote id is the record: nothing was decided.
    #[must_use]
    pub fn is_link(&self) -> bool {
        *self == Self { linked: self.linked.clone(), ..Self::default() }
    }
}

/// An answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The field that it was about.
    pub field: String,
    /// What was answered.
    pub verdict: Verdict,
}

/// What a connector made of what it was told: the same, but for this.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Projection {
    /// Fields that its system does not have.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    without: BTreeSet<String>,
    /// Fields that it would hold otherwise.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    with: Fields,
    /// All of it in the connector's own words, where a mapping makes them differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unmapped: Option<Fields>,
}

/// What a fold decides under: it changes seldom, and rulings name it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Terms {
    /// The tenant's rules.
    pub rules: Rules,
    /// What could be written where.
    pub powers: BTreeMap<ConnectionId, BTreeMap<Kind, Power>>,
}

impl Terms {
    /// Their name: equal terms have equal names, other terms have others.
    #[must_use]
    pub fn digest(&self) -> String {
        // Everything in them is ordered, so equal terms have equal JSON.
        let json = serde_json::to_vec(self).unwrap_or_default();
        let digest: digest::Digest = Sha256::digest(json).into();
        digest::hex(&digest)[..32].to_owned()
    }

    /// What could be written to a connection.
    #[must_use]
    pub fn power(&self, connection: ConnectionId, kind: Kind) -> Power {
        self.powers.get(&connection).and_then(|it| it.get(&kind)).cloned().unwrap_or_default()
    }
}

impl Projection {
    fn of(told: &Fields, want: &Fields, unmapped: Option<&Fields>) -> Self {
        let without = told.keys().filter(|it| !want.contains_key(*it)).cloned().collect();
        let with = want.iter().filter(|(name, value)| told.get(*name) != Some(value));
        let with = with.map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { without, with, unmapped: unmapped.cloned() }
    }

    fn apply(&self, told: Fields) -> Fields {
        let kept = told.into_iter().filter(|(name, _)| !self.without.contains(name));
        kept.chain(self.with.clone()).collect()
    }
}

/// Why a ruling cannot be followed: it does not go with what the log says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The entries raise a question that was not answered.
    #[error("nothing says how `{0}` was decided")]
    Unanswered(String),
    /// It answers what nobody asks.
    #[error("`{0}` was decided, and the log raises no question about it")]
    Unasked(String),
    /// It tells a connection that is told nothing.
    #[error("connection {0} was told something that nothing gives it")]
    Untold(ConnectionId),
}

/// Who is told each question of a fold that is followed, and how it was answered.
pub type Hear<'a> = dyn FnMut(&Folding<'_>, &Question, &Verdict) + 'a;

impl Folding<'_> {
    /// Writes down an answer.
    pub(super) fn note_answer(&mut self, question: &Question, verdict: &Verdict) {
        self.is_plain &= question.claims.len() == 1 && *verdict == Verdict::Take(0);
        let (field, verdict) = (question.field.clone(), verdict.clone());
        self.ruling.answers.push(Answer { field, verdict });
    }

    /// Writes down what a connector made of the truth.
    pub(super) fn note_projection(&mut self, connection: ConnectionId, want: &Fields, unmapped: Option<&Fields>) {
        let told = self.tell(connection).unwrap_or_default();
        self.ruling.wants.insert(connection, Projection::of(&told, want, unmapped));
    }

    /// What was decided so far. Which entries were taken in, links and names of policies are the caller's to add.
    #[must_use]
    pub fn ruling(&self) -> Ruling {
        let mut ruling = self.ruling.clone();
        if self.is_plain {
            ruling.answers.clear();
        }
        ruling
    }

    /// Decides as a fold did before, once its entries are absorbed. `before` is the truth that it began with.
    ///
    /// # Errors
    /// When the ruling does not go with the entries.
    pub fn decide_as(&mut self, ruling: &Ruling, before: &Truth) -> Result<(), Misfit> {
        self.decide_and_tell(ruling, before, &mut |_, _, _| {})
    }

    /// The same, and tells each question with its answer before it is decided.
    ///
    /// # Errors
    /// When the ruling does not go with the entries.
    pub fn decide_and_tell(&mut self, ruling: &Ruling, before: &Truth, hear: &mut Hear<'_>) -> Result<(), Misfit> {
        self.ruling.telling.clone_from(&ruling.telling);
        let mut answers = ruling.answers.iter();
        loop {
            let questions = self.questions();
            let answer = if ruling.answers.is_empty() { None } else { answers.next() };
            let (question, verdict) = match (questions.first(), answer) {
                (None, None) => break,
                (_, Some(answer)) => {
                    let asked = questions.iter().find(|it| it.field == answer.field);
                    (asked.ok_or_else(|| Misfit::Unasked(answer.field.clone()))?, answer.verdict.clone())
                }
                (Some(question), None) if ruling.answers.is_empty() && question.claims.len() == 1 => {
                    (question, Verdict::Take(0))
                }
                (Some(question), None) => return Err(Misfit::Unanswered(question.field.clone())),
            };
            hear(self, question, &verdict);
            self.answer(question, verdict);
        }
        if let Some(reason) = &ruling.refused {
            self.refuse(before, reason);
        }
        self.supplied(ruling.supply.clone());
        for (connection, projection) in &ruling.wants {
            let told = self.tell(*connection).ok_or(Misfit::Untold(*connection))?;
            self.projected(*connection, projection.apply(told), projection.unmapped.clone());
        }
        Ok(())
    }
}

/// The connections at which a fold let go of the record's remote id: what is created there anew has another.
pub fn unlinked<'a>(before: &'a KeyState, after: &'a KeyState) -> impl Iterator<Item = ConnectionId> + 'a {
    let was_gone = |connection| before.shadows.get(connection).is_some_and(|it| it.gone);
    let lost = after.shadows.iter().filter(move |(connection, it)| was_gone(*connection) && it.remote_id.is_empty());
    lost.map(|(connection, _)| *connection)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::{Cause, Entry, Observed, RecordKey, State};
    use crate::rules::{ConnectionRule, Direction};
    use crate::{UnixMs, Value};

    const A: ConnectionId = ConnectionId(1);
    const B: ConnectionId = ConnectionId(2);

    fn terms() -> Terms {
        let rule = |rank| ConnectionRule {
            name: format!("system-{rank}"),
            rank,
            kinds: [(Kind::Item, Direction::BOTH)].into(),
            publishes: None,
            imports: Default::default(),
        };
        let rules = Rules { connections: [(A, rule(0)), (B, rule(1))].into(), ..Rules::default() };
        Terms { rules, ..Terms::default() }
    }

    fn said(connection: ConnectionId, as_of: u64, title: &str) -> Entry {
        let fields = [("code".to_owned(), "bolt".into()), ("title".to_owned(), Value::from(title))].into();
        let state = State { remote_id: "7".to_owned(), fields, ..State::default() };
        Entry::Observed {
            connection,
            cause: Cause::Poll,
            as_of,
            observed: Observed::Present(state),
            tried: Fields::new(),
        }
    }

    fn key() -> RecordKey {
        RecordKey::new(Kind::Item, "bolt")
    }

    /// Folds as an engine would whose policies answer by chance, and gives what was decided.
    fn decided(terms: &Terms, state: KeyState, entries: &[Entry], draws: &mut dyn FnMut() -> u8) -> (KeyState, Ruling) {
        let key = key();
        let before = state.truth.clone();
        let mut folding = Folding::new(&key, &terms.rules, state);
        entries.iter().for_each(|it| folding.absorb(it, UnixMs(1)));
        while let Some(question) = folding.questions().pop() {
            let verdict = match draws() % 5 {
                0 | 1 => Verdict::Take(0),
                2 => Verdict::Merge("other".into()),
                3 => Verdict::Keep,
                _ => Verdict::Hold("who knows".to_owned()),
            };
            folding.answer(&question, verdict);
        }
        if draws().is_multiple_of(7) {
            folding.refuse(&before, "it is bad");
        }
        for connection in [A, B] {
            if let Some(mut want) = folding.tell(connection).filter(|_| !draws().is_multiple_of(5)) {
                want.remove(if draws().is_multiple_of(2) { "code" } else { "none" });
                want.insert("title".to_owned(), Value::from(format!("T{}", draws() % 2)));
                folding.projected(connection, want, None);
            }
        }
        let ruling = folding.ruling();
        (folding.finish().0, ruling)
    }

    fn followed(terms: &Terms, state: KeyState, entries: &[Entry], ruling: &Ruling) -> Result<KeyState, Misfit> {
        let key = key();
        let before = state.truth.clone();
        let mut folding = Folding::new(&key, &terms.rules, state);
        entries.iter().for_each(|it| folding.absorb(it, UnixMs(1)));
        folding.decide_as(ruling, &before)?;
        Ok(folding.finish().0)
    }

    #[test]
    fn the_only_claim_taken_is_not_written_down() {
        let terms = terms();
        let entries = [said(A, 1, "bolt")];
        let (state, ruling) = decided(&terms, KeyState::default(), &entries, &mut || 1);
        assert_eq!(ruling.answers, []);
        assert_eq!(followed(&terms, KeyState::default(), &entries, &ruling), Ok(state));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let terms = terms();
        let entries = [said(A, 1, "bolt"), said(B, 2, "nut")];
        let unanswered = followed(&terms, KeyState::default(), &entries, &Ruling::default());
        assert_eq!(unanswered, Err(Misfit::Unanswered("code".to_owned())));
        let answer = |field: &str| Answer { field: field.to_owned(), verdict: Verdict::Take(0) };
        let answers = vec![answer("code"), answer("title"), answer("barcode")];
        let unasked = followed(&terms, KeyState::default(), &entries, &Ruling { answers, ..Ruling::default() });
        assert_eq!(unasked, Err(Misfit::Unasked("barcode".to_owned())));
        let wants = [(ConnectionId(9), Projection::default())].into();
        let untold = followed(&terms, KeyState::default(), &entries[..1], &Ruling { wants, ..Ruling::default() });
        assert_eq!(untold, Err(Misfit::Untold(ConnectionId(9))));
    }

    proptest! {
        /// Through JSON, as it is kept.
        #[test]
        fn what_was_decided_is_decided_again(
            folds in prop::collection::vec(prop::collection::vec((any::<bool>(), 0u8..3), 0..4), 1..8),
            draws in prop::collection::vec(any::<u8>(), 1..40),
        ) {
            let terms = terms();
            let (mut state, mut again, mut n) = (KeyState::default(), KeyState::default(), 0);
            let mut draws = draws.into_iter().cycle();
            for fold in folds {
                let entries: Vec<Entry> = fold.into_iter().map(|(is_a, title)| {
                    n += 1;
                    said(if is_a { A } else { B }, n, ["bolt", "nut", "screw"][usize::from(title)])
                }).collect();
                let (after, ruling) = decided(&terms, state, &entries, &mut || draws.next().unwrap_or(0));
                let kept = serde_json::to_string(&ruling).unwrap();
                again = followed(&terms, again, &entries, &serde_json::from_str(&kept).unwrap()).unwrap();
                prop_assert_eq!(&after, &again);
                state = after;
            }
        }
    }
}
