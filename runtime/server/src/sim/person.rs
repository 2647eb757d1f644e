//! Somebody who looks at what waits for a person.

use truthsource_core::UnixMs;
use truthsource_core::draw::Draw;
use truthsource_core::record::Settlement;

use super::coverage::Moment;
use super::notes::Notes;
use super::plan::{PATIENT, Regime};
use super::tenancy::Tenancy;
use crate::engine::word;
use crate::store::{self, About, Batch, Change, DebtState, TenantStore as _};

/// Between two looks at the least.
const LOOKS_EVERY_MS: u64 = 20_000;
/// How often, of a thousand questions that are open when they look, one is answered.
const ANSWERS: u32 = 500;
/// Who answers.
const NAME: &str = "somebody";

/// When they look next.
#[derive(Debug, Default)]
pub(super) struct Desk {
    next_at: UnixMs,
}

impl Tenancy<'_> {
    /// They look, where it is time for it: what was given up is put back to work on days on which that is soon done. While
    /// people act and titles are left to a person, a question about one is answered now and then by what one of the systems
    /// said. Whoever was not told that it is stored looks again.
    ///
    /// # Errors
    /// When the store fails, or the node dies.
    pub(super) async fn look(&mut self, draw: Draw, answers: bool, notes: &mut Notes) -> store::Result<()> {
        let now = self.node.engine.now();
        if now < self.desk.next_at {
            return Ok(());
        }
        self.desk.next_at = now.plus(LOOKS_EVERY_MS);
        let mut batch = Batch::new(now);
        let is_parked = !self.store.debts(DebtState::Parked, None, 1).await?.is_empty();
        if is_parked && self.plan.habits.tries_max < PATIENT {
            notes.reach(Moment::Redriven);
            batch.changes.push(Change::Redrive { connection: None, key: None });
        }
        if answers && self.holds() {
            batch.changes.extend(self.answer(draw, now).await?);
        }
        if batch.changes.is_empty() { Ok(()) } else { self.store.commit(batch).await.map(drop) }
    }

    /// What is said about a title, where one is asked about and somebody answers.
    async fn answer(&self, draw: Draw, now: UnixMs) -> store::Result<Vec<Change>> {
        let (field, purpose) = ("title".to_owned(), |what: &str| format!("{what} at {}", self.tenant));
        let open = self.store.conflicts(Some(true), None, 100).await?;
        let asked = open.into_iter().rfind(|it| it.about == About::Field(field.clone()));
        let Some(conflict) = asked.filter(|_| draw.chance(ANSWERS, &purpose("somebody answers"), now.0)) else {
            return Ok(Vec::new());
        };
        let chosen = draw.below(conflict.claims.len() as u64, &purpose("what somebody answers"), now.0) as usize;
        let Some(value) = conflict.claims.values().nth(chosen).cloned() else { return Ok(Vec::new()) };
        let what = Settlement::Field { field, value: value.clone() };
        Ok(vec![word::said(&conflict, what, NAME), word::closed(&conflict, value, NAME)])
    }

    /// Titles are left to a person for the rest of the day: an owner that comes later may hold something else.
    fn holds(&self) -> bool {
        self.has_its_last_rules() && self.plan.reforms.last().is_some_and(|it| it.to == Regime::Hold)
    }
}
