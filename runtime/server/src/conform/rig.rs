//! A connector at a system of its own, with people at the system's screens and a clock that moves when a check says so.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use truthsource_core::budget::Class;
use truthsource_core::record::{Observed, State};
use truthsource_core::{Fields, Kind, UnixMs};
use truthsource_host::CallError;
use truthsource_host::model::{
    Description, Fault, HeldRecord, KindPower, Outcome, Page, Pull, RangeDigest, RangeTold, Write,
};
use truthsource_simulators::door::Door;
use truthsource_simulators::journal::{Actor, Change};
use truthsource_simulators::world::{Deed, Site};

use super::line::Line;
use super::verdict::Halt;
use crate::engine::ports::{Clock as _, Guests};
use crate::http::hooks::Endpoint;
use crate::sim::stage::SimClock;
use crate::store::Connection;

/// Pages of one listing: more, and it never ends.
const PAGES_MAX: usize = 2_000;
/// How often a system may say "not now" to one question.
const PATIENCE: usize = 40;
/// How long it is left alone then, if it does not say.
const PAUSE_MS: u64 = 2_000;

/// A connector at a system.
pub struct Rig {
    /// The clock.
    pub clock: Arc<SimClock>,
    /// The system and its people.
    pub site: Arc<dyn Site>,
    /// The system's door, where searches are made to lag and webhooks leave.
    pub door: Arc<Door>,
    /// The way there.
    pub line: Arc<Line>,
    /// The connector.
    pub guests: Arc<dyn Guests>,
    /// Its connection.
    pub connection: Connection,
    /// What it declares for that connection.
    pub described: Arc<Description>,
    /// Where the system's webhooks come to.
    pub(crate) endpoint: Option<Arc<Endpoint>>,
}

/// What a complete listing found.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Records by id.
    pub states: BTreeMap<String, State>,
    /// Where deltas begin.
    pub cursor: String,
    /// How many pages it had.
    pub pages: usize,
}

impl Rig {
    /// What is declared of a kind.
    ///
    /// # Errors
    /// When nothing is.
    pub fn power(&self, kind: Kind) -> Result<&KindPower, Halt> {
        let known = self.described.kinds.iter().find(|it| it.kind == kind);
        known.ok_or_else(|| Halt::Untested(format!("{kind} is not declared for this system")))
    }

    /// Now, by the rig's clock.
    #[must_use]
    pub fn now(&self) -> UnixMs {
        self.clock.now()
    }

    /// Time goes on, and what the system does by itself is done.
    pub fn pass(&self, ms: u64) {
        self.clock.advance(ms);
        self.door.collect(self.now());
    }

    /// So much time that a change of now is seen by every search, as far as is declared.
    pub fn settle(&self, kind: Kind) {
        let power = self.power(kind).ok();
        let grain_ms = power.map_or(0, |it| u64::from(it.granularity_ms));
        let lag_ms = power.map_or(0, |it| u64::from(it.lag_ms));
        self.pass(lag_ms + grain_ms + 1);
    }

    /// Somebody does something at the system's own screens. Gives what that changed of a kind, which is something.
    ///
    /// # Errors
    /// When it is not possible here.
    pub fn act(&self, kind: Kind, deed: &Deed) -> Result<Vec<Change>, Halt> {
        let before = self.journal();
        let refused = self.site.act(self.now(), deed).err();
        self.door.collect(self.now());
        let mut changes = self.site.system().journal().since(before);
        changes.retain(|it| it.kind == kind.as_str());
        if changes.is_empty() {
            let why = refused.map_or_else(|| format!("of {kind} nothing comes of it"), |it| it.to_string());
            return Err(Halt::Untested(format!("the system's people cannot do this: {why}")));
        }
        Ok(changes)
    }

    /// Lines of the system's journal.
    #[must_use]
    pub fn journal(&self) -> usize {
        self.site.system().journal().len()
    }

    /// What the API changed since `from`, of one kind.
    #[must_use]
    pub fn effects(&self, from: usize, kind: Kind) -> Vec<Change> {
        let lines = self.site.system().journal().since(from).into_iter();
        lines.filter(|it| it.actor == Actor::Api && it.kind == kind.as_str()).collect()
    }

    /// Searches lag by so much from now on.
    pub fn lag(&self, search_lag_ms: u64) {
        let faults = self.door.faults();
        self.door.set_faults(truthsource_simulators::faults::Faults { search_lag_ms, ..faults });
    }

    /// Asks until the system is ready to answer, as the engine would.
    async fn asked<T, F: Future<Output = Result<T, CallError>>>(&self, ask: impl Fn() -> F) -> Result<T, CallError> {
        let mut patience = PATIENCE;
        loop {
            let answer = ask().await;
            let Err(CallError::Refused(fault @ (Fault::Throttled(_) | Fault::Unavailable(_)))) = &answer else {
                return answer;
            };
            if patience == 0 {
                return answer;
            }
            patience -= 1;
            let asked_ms = if let Fault::Throttled(asked) = fault { *asked } else { None };
            self.pass(asked_ms.map_or(PAUSE_MS, |it| u64::from(it).max(1)));
        }
    }

    /// One page.
    ///
    /// # Errors
    /// When the connector gives none.
    pub async fn page(&self, kind: Kind, cursor: Option<String>, overlap_ms: u32) -> Result<Page, Halt> {
        let pull = Pull { kind, cursor, overlap_ms };
        let page = self
            .asked(|| self.guests.pull(&self.connection, &pull, Class::default()))
            .await
            .map_err(Halt::call("pull"))?;
        if page.more && pull.cursor.as_ref() == Some(&page.cursor) {
            return Err(Halt::Broken(format!("a pull of {kind} stands still: its cursor leads to itself")));
        }
        if let Some(unread) = page.unread.first() {
            let (id, why) = (&unread.remote_id, &unread.reason);
            return Err(Halt::Broken(format!("a pull of {kind} gave {id}, which is not as its schema says: {why}")));
        }
        Ok(page)
    }

    /// Everything of a kind.
    ///
    /// # Errors
    /// When the connector does not list it.
    pub async fn list(&self, kind: Kind) -> Result<Listing, Halt> {
        let first = self.page(kind, None, 0).await?;
        self.go_on(kind, (Listing { pages: 1, ..Listing::default() }, first), 0).await
    }

    /// What changed since a cursor: the newest word on each record, and where to go on.
    ///
    /// # Errors
    /// When the connector does not say.
    pub async fn delta(&self, kind: Kind, cursor: &str, overlap_ms: u32) -> Result<(Seen, String), Halt> {
        let mut seen = Seen::default();
        let mut cursor = cursor.to_owned();
        for _ in 0..PAGES_MAX {
            let page = self.page(kind, Some(cursor), overlap_ms).await?;
            page.entries.into_iter().for_each(|it| seen.take(it));
            cursor = page.cursor;
            if !page.more {
                return Ok((seen, cursor));
            }
        }
        Err(Halt::Broken(format!("a pull of {kind} goes on for more than {PAGES_MAX} pages")))
    }

    /// Goes on with a complete listing.
    ///
    /// # Errors
    /// As of [`Rig::list`].
    pub async fn go_on(
        &self,
        kind: Kind,
        (mut listing, mut page): (Listing, Page),
        pause_ms: u64,
    ) -> Result<Listing, Halt> {
        for _ in 0..PAGES_MAX {
            for it in page.entries {
                match it {
                    Observed::Present(state) => listing.states.insert(state.remote_id.clone(), state),
                    Observed::Absent(id) => listing.states.remove(&id),
                };
            }
            listing.cursor.clone_from(&page.cursor);
            if !page.more {
                return Ok(listing);
            }
            self.pass(pause_ms);
            page = self.page(kind, Some(page.cursor), 0).await?;
            listing.pages += 1;
        }
        Err(Halt::Broken(format!("a listing of {kind} goes on for more than {PAGES_MAX} pages")))
    }

    /// What these ids hold, in order.
    ///
    /// # Errors
    /// When the connector does not say.
    pub async fn read(&self, kind: Kind, ids: &[String], certain: bool) -> Result<Vec<Observed>, Halt> {
        self.asked(|| self.guests.read(&self.connection, kind, ids, certain)).await.map_err(Halt::call("read"))
    }

    /// What one id holds, as the engine would look when it wants to be sure.
    ///
    /// # Errors
    /// When the connector does not say.
    pub async fn look(&self, kind: Kind, id: &str) -> Result<Option<State>, Halt> {
        let certain = self.power(kind)?.certain_max > 0;
        let seen = self.read(kind, &[id.to_owned()], certain).await?.pop();
        Ok(seen.and_then(|it| if let Observed::Present(state) = it { Some(state) } else { None }))
    }

    /// Carries out a write, as often as the system asks to wait with it.
    ///
    /// # Errors
    /// When the connector gives no outcome at all: it may have acted.
    pub async fn push(&self, write: &Write) -> Result<Outcome, CallError> {
        for _ in 0..PATIENCE {
            let writes = std::slice::from_ref(write);
            let outcome = self.asked(|| self.guests.push(&self.connection, writes)).await?.pop();
            match outcome {
                Some(Outcome::Retry(asked_ms, _)) => self.pass(asked_ms.map_or(PAUSE_MS, u64::from).max(1)),
                Some(outcome) => return Ok(outcome),
                None => return Ok(Outcome::Unknown("there was no outcome".to_owned())),
            }
        }
        Ok(Outcome::Unknown("it asked to be tried again for ever".to_owned()))
    }

    /// What was created under a key. `None` in it: nothing; an error of the connector's that it cannot look is its own.
    ///
    /// # Errors
    /// When the connector does not say.
    pub async fn find(&self, kind: Kind, command_key: &str) -> Result<Option<State>, CallError> {
        self.asked(|| self.guests.find(&self.connection, kind, command_key)).await
    }

    /// What the system says of every range; `None`: it cannot add up the kind.
    ///
    /// # Errors
    /// When the connector does not say.
    pub async fn tell(&self, kind: Kind) -> Result<Option<Vec<RangeTold>>, Halt> {
        self.asked(|| self.guests.tell(&self.connection, kind)).await.map_err(Halt::call("tell"))
    }

    /// What each of these adds to its range.
    ///
    /// # Errors
    /// When the connector does not say.
    pub async fn add(&self, kind: Kind, records: Vec<HeldRecord>) -> Result<Vec<RangeDigest>, Halt> {
        self.guests.add(&self.connection, kind, &records).await.map_err(Halt::call("add"))
    }

    /// What the system would hold of a record.
    ///
    /// # Errors
    /// When the connector does not say.
    pub async fn project(&self, kind: Kind, record: &Fields) -> Result<Fields, Halt> {
        let records = std::slice::from_ref(record);
        let projected = self.guests.project(&self.connection, kind, records).await.map_err(Halt::call("project"))?;
        projected.into_iter().next().ok_or_else(|| Halt::Broken("`project` gave no answer for a record".to_owned()))
    }
}

/// What a delta said, the newest word of each record.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Records that exist.
    pub present: BTreeMap<String, State>,
    /// Records that do not.
    pub absent: BTreeSet<String>,
}

impl Seen {
    fn take(&mut self, observed: Observed) {
        match observed {
            Observed::Present(state) => {
                self.absent.remove(&state.remote_id);
                self.present.insert(state.remote_id.clone(), state);
            }
            Observed::Absent(id) => {
                self.present.remove(&id);
                self.absent.insert(id);
            }
        }
    }

    /// Both together, the later word counting.
    #[must_use]
    pub fn then(mut self, later: Self) -> Self {
        later.present.into_values().for_each(|it| self.take(Observed::Present(it)));
        later.absent.into_iter().for_each(|it| self.take(Observed::Absent(it)));
        self
    }

    /// Whether this record was told as it is.
    #[must_use]
    pub fn tells(&self, state: &State) -> bool {
        self.present.get(&state.remote_id).is_some_and(|it| it.fields == state.fields)
    }
}
