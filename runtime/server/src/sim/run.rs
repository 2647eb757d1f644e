//! One run of a plan.

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use truthsource_core::draw::Draw;
use truthsource_core::{UnixMs, schema};
use truthsource_simulators::journal::Actor;
use truthsource_simulators::world::{Cell, Held};

use super::cast::Cast;
use super::coverage::Moment;
use super::notes::Notes;
use super::plan::{Plan, Regime};
use super::stage::{Doors, SimClock};
use super::store::{Files, Keeping, open};
use super::tenancy::{Place, Shared, Tenancy};
use super::{apart, backwards, judge, quotes, wares};
use crate::demo::latency::{Line, Mark, since};
use crate::demo::world::Seat;
use crate::engine::ports::Clock as _;
use crate::engine::{Did, Error};
use crate::store::{self, Conflict, DebtState, Inspect as _, TenantStore as _};

/// How long the systems and the engine may take to agree after faults end.
const LIVENESS_MS: u64 = 3_600_000;
/// How much longer than a round of polls all must be quiet, before it counts as such.
const MARGIN_MS: u64 = 20_000;
/// For how long faults are on at first, where they are.
const FIRST_LOAD_MS: u64 = 60_000;
/// How long all must be quiet before people begin to act.
const OPENING_MS: u64 = 5_000;
/// How long the engine waits where it waits for nothing in particular.
const IDLE_MS: u64 = 500;
/// How often the node may take turns: more, and something goes round in circles (I16). Days that go well take some hundreds,
/// and those of a quick node some thousands.
const TURNS_MAX: u64 = 15_000;
/// On how many days of a thousand all is compared once more at the end.
const SWEPT_AT_LAST: u32 = 250;

/// What debts are that are not paid, the worst first.
const WAITING: [DebtState; 5] =
    [DebtState::Parked, DebtState::Due, DebtState::Blocked, DebtState::Untold, DebtState::Settling];

/// The tenant of a run.
const TENANT: &str = "sim";
/// The one beside it in the same node.
const NEIGHBOUR: &str = "neighbour";

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What was broken, and what was reached.
    pub notes: Notes,
    /// SHA-256 of everything that happened, hex.
    pub trace: String,
    /// SHA-256 of what is stored at the end, hex.
    pub state: String,
    /// How much time passed in it, in milliseconds.
    pub simulated_ms: u64,
    /// What happened to records that broke a promise, and what people and the engine did to them, in the order of time.
    pub story: Vec<String>,
}

/// Carries out a plan.
///
/// # Errors
/// When the run itself cannot be set up; what the engine does wrong is in the outcome.
pub async fn run(cast: &Arc<Cast>, plan: &Plan, keeping: Keeping) -> anyhow::Result<Outcome> {
    let (mut world, files) = World::set_up(cast, plan, keeping).await?;
    if plan.faults.first_load {
        world.spoil();
        while world.clock.now().since(plan.begins) < FIRST_LOAD_MS && !world.is_over() {
            world.turn().await;
        }
        world.heal();
    }
    // What people do before a system was read for the first time is part of what it opens with.
    if !world.calm_down(OPENING_MS).await {
        world.unsettled().await?;
    }
    world.begin();
    while world.elapsed() < plan.chaos_ms && !world.is_over() {
        world.turn().await;
    }
    world.heal();
    world.act_out();
    let calm = world.calm_down(world.quiet_ms()).await;
    let outcome = world.judge(calm).await;
    if let Some(files) = files {
        files.close().await;
    }
    outcome
}

struct World<'a> {
    plan: &'a Plan,
    clock: Arc<SimClock>,
    network: Arc<Doors>,
    /// The tenant of the run, and its neighbour in the same node where it has one.
    tenants: Vec<Tenancy<'a>>,
    /// When people began to act.
    begun: Option<UnixMs>,
    /// Faults are on.
    is_spoilt: bool,
    turns: u64,
    notes: Notes,
    trace: Sha256,
}

impl<'a> World<'a> {
    async fn set_up(cast: &Arc<Cast>, plan: &'a Plan, keeping: Keeping) -> anyhow::Result<(Self, Option<Files>)> {
        let clock = Arc::new(SimClock::at(plan.begins));
        let mut places = vec![Place::fill(TENANT, plan, &cast.setup)?];
        if let Some(neighbour) = &plan.neighbour {
            places.push(Place::fill(NEIGHBOUR, neighbour, &cast.setup)?);
        }
        let by_host = places.iter().flat_map(Place::by_host).collect();
        // Of one tenant alone nothing could be anybody else's.
        let words = places.iter().filter(|_| places.len() > 1);
        let words = words.map(Place::words).collect();
        let network = Arc::new(Doors::new(by_host, clock.clone()).keeping_apart(words));
        let names: Vec<&str> = places.iter().map(|it| it.tenant).collect();
        let (kept, files) = open(keeping, &names, clock.now()).await?;
        let shared = Shared::default();
        let mut tenants = Vec::new();
        for (place, kept) in places.into_iter().zip(kept) {
            tenants.push(Tenancy::move_in(cast, place, (&clock, &network), (kept, &shared)).await?);
        }
        network.receive_at(tenants.iter().flat_map(Tenancy::receivers).collect());
        tenants.iter().try_for_each(Tenancy::subscribe)?;
        let (notes, trace) = (Notes::default(), Sha256::new());
        Ok((Self { plan, clock, network, tenants, begun: None, is_spoilt: false, turns: 0, notes, trace }, files))
    }

    /// Faults begin.
    fn spoil(&mut self) {
        self.tenants.iter().for_each(Tenancy::spoil);
        self.is_spoilt = true;
    }

    /// People begin to act.
    fn begin(&mut self) {
        self.spoil();
        self.tenants.iter_mut().for_each(|it| it.begin(&mut self.notes));
        self.begun = Some(self.clock.now());
    }

    /// Milliseconds since people began to act.
    fn elapsed(&self) -> u64 {
        self.begun.map_or(0, |begun| self.clock.now().since(begun))
    }

    /// Faults end.
    fn heal(&mut self) {
        self.is_spoilt = false;
        self.tenants.iter().for_each(Tenancy::heal);
    }

    /// The last acts of people happen before the systems are compared.
    fn act_out(&mut self) {
        for tenant in &mut self.tenants {
            while tenant.act(u64::MAX, &mut self.notes) {}
        }
    }

    /// For how long nothing may happen, once all is quiet: long enough for everything to be polled once more.
    fn quiet_ms(&self) -> u64 {
        self.plan.habits.poll_every_ms + MARGIN_MS
    }

    /// Runs until there was nothing to do for this long; false if that does not happen in time.
    async fn calm_down(&mut self, quiet_ms: u64) -> bool {
        let by = self.clock.now().plus(LIVENESS_MS);
        let mut calm_since = self.clock.now();
        while self.clock.now().since(calm_since) < quiet_ms {
            if self.clock.now() > by {
                return false;
            }
            if self.is_over() {
                return true;
            }
            let written = self.lines();
            self.turn().await;
            // What a lane whose holder is dead would have found is not known.
            let is_manned = self.tenants.iter().all(|it| it.node.is_manned());
            let is_calm = written == self.lines() && is_manned && self.is_idle().await && self.is_read().await;
            if !is_calm || self.tenants.iter().any(|it| it.next_webhook_at().is_some()) {
                calm_since = self.clock.now();
            }
        }
        true
    }

    /// There is nothing to do for anybody now.
    async fn is_idle(&self) -> bool {
        for tenant in &self.tenants {
            if !tenant.is_idle().await {
                return false;
            }
        }
        true
    }

    /// Everything was read once. What failed may wait longer to be tried again than all must be quiet for.
    async fn is_read(&self) -> bool {
        if self.begun.is_some() {
            return true;
        }
        for tenant in &self.tenants {
            if tenant.unlisted().await.is_ok_and(|it| !it.is_empty()) {
                return false;
            }
        }
        true
    }

    /// A promise was broken: what comes after tells nothing more.
    fn is_over(&self) -> bool {
        let is_said = !self.network.breaches().is_empty();
        is_said || !self.notes.violations.is_empty() || self.tenants.iter().any(Tenancy::is_broken)
    }

    /// Lines of all journals.
    fn lines(&self) -> usize {
        self.tenants.iter().map(Tenancy::lines).sum()
    }

    fn draw(&self) -> Draw {
        Draw::new(self.plan.seed)
    }

    /// People act, webhooks arrive, every worker gets a turn, in an order of the seed's choosing, and time goes on.
    async fn turn(&mut self) {
        self.turns += 1;
        if self.turns == TURNS_MAX {
            self.notes.broke(format!("I16: {TURNS_MAX} turns, and there is always something to do"));
        }
        if self.begun.is_some() {
            self.happen().await;
        }
        self.look().await;
        let mut did = self.deliver_hooks().await;
        let workers: usize = self.tenants.iter().map(Tenancy::workers).sum();
        let first = self.draw().below(workers as u64, "order", self.turns) as usize;
        for n in 0..workers {
            did = did.and(self.work((first + n) % workers).await);
        }
        for (name, times) in self.network.take_seen() {
            self.notes.reach_times(name, times);
        }
        self.pass(did).await;
    }

    /// What people do at the systems and about the rules, as far as it is due.
    async fn happen(&mut self) {
        let elapsed = self.elapsed();
        for at in 0..self.tenants.len() {
            while self.tenants[at].act(elapsed, &mut self.notes) {}
            while let Some(reform) = self.tenants[at].next_reform(elapsed) {
                // Whoever is not told whether it was stored says it again.
                while !self.tenants[at].reform(reform).await {
                    self.bury();
                }
                self.notes.reach(Moment::RulesChanged);
            }
        }
    }

    /// Somebody looks at what waits for a person.
    async fn look(&mut self) {
        let (draw, answers) = (self.draw(), self.begun.is_some() && self.is_spoilt);
        for at in 0..self.tenants.len() {
            let looked = self.tenants[at].look(draw, answers, &mut self.notes).await;
            if let Some(error) = looked.err().filter(|_| !self.bury()) {
                self.notes.broke(format!("S: a person could not say what they said: {error:?}"));
            }
        }
    }

    /// A turn of the worker in this place among all.
    async fn work(&mut self, at: usize) -> Did {
        let (mut worker, mut of) = (at, 0);
        while worker >= self.tenants[of].workers() {
            worker -= self.tenants[of].workers();
            of += 1;
        }
        let draws = (self.draw(), self.turns, self.is_spoilt);
        let did = self.tenants[of].work(worker, draws, &mut self.notes).await;
        match &did {
            Ok(did) => {
                self.trace.update([at as u8, did.handled as u8]);
                self.trace.update(self.clock.now().0.to_le_bytes());
            }
            Err(error) => self.trace.update(error.to_string()),
        }
        let died = self.bury();
        if let Some(error) = did.as_ref().err().filter(|it| !died && !is_fenced(it)) {
            self.notes.broke(format!("S: a worker of {} failed: {error:?}", self.tenants[of].tenant));
        }
        did.unwrap_or_default()
    }

    /// If the node died, another begins for everybody with what is stored and nothing else.
    fn bury(&mut self) -> bool {
        let deaths = self.tenants.iter().filter(|it| it.store.take_death()).count();
        if deaths > 0 {
            self.notes.reach(Moment::Crash);
            self.tenants.iter_mut().for_each(|it| it.node.perish());
        }
        deaths > 0
    }

    /// A moment passes where there is work, and else all the time until something is due.
    async fn pass(&mut self, did: Did) {
        let now = self.clock.now();
        let pause = 1 + self.draw().below(self.plan.habits.turn_ms_max, "pause", self.turns);
        if did.handled > 0 {
            self.clock.advance(pause);
            return;
        }
        // What waits for a lane that nobody has waits for the lane.
        let mut idle = self.plan.habits.poll_every_ms;
        for tenant in &self.tenants {
            if !tenant.is_idle().await && !tenant.node.is_locked_out() {
                idle = idle.min(IDLE_MS);
            }
        }
        let acts = self.tenants.iter().filter_map(Tenancy::next_act_ms).min();
        let act = self.begun.zip(acts).map(|(begun, at_ms)| begun.plus(at_ms));
        let hook = self.tenants.iter().filter_map(Tenancy::next_webhook_at).min();
        let work = self.tenants.iter().filter_map(|it| it.node.next_at()).min();
        let next = [act, hook, work].into_iter().flatten().min().map_or(idle, |it| it.since(now));
        self.clock.advance(next.clamp(pause, idle.max(pause)));
    }

    async fn deliver_hooks(&mut self) -> Did {
        let mut handled = 0;
        for at in 0..self.tenants.len() {
            let due = self.tenants[at].departures();
            handled += due.len();
            for (seat, departure) in due {
                self.tenants[at].deliver(seat, departure, &mut self.notes).await;
                self.bury();
            }
        }
        Did { handled, more: false }
    }

    async fn judge(mut self, calm: bool) -> anyhow::Result<Outcome> {
        if !calm {
            self.unsettled().await?;
        }
        let is_over = self.is_over();
        if !is_over {
            self.listen().await?;
        }
        let (mut notes, mut story, mut state) = (self.notes, Vec::new(), Vec::new());
        notes.violations.append(&mut self.network.breaches());
        for tenant in &self.tenants {
            notes.violations.append(&mut tenant.troupe.watch().breaches);
            if !is_over {
                tenant.compare(&mut notes).await?;
            }
            let store = tenant.store.as_ref();
            judge::history(store, &mut notes).await?;
            judge::books(store, &mut notes.violations).await?;
            if !is_over {
                judge::decided(&tenant.node.engine, &mut notes).await?;
            }
            state.push(store.state_hash().await?);
            notes.reach_times(Moment::Commit, store.commits());
            for (function, times) in tenant.troupe.calls() {
                notes.reach_times(function, times);
            }
        }
        if let [one, other] = &self.tenants[..] {
            apart::check([one, other], &mut notes).await?;
        }
        for tenant in &self.tenants {
            story.extend(judge::story(tenant.store.as_ref(), &tenant.seats, &notes.violations).await?);
        }
        let state = state.join(" ");
        self.trace.update(&state);
        let trace: [u8; 32] = self.trace.finalize().into();
        notes.reach_times(Moment::Turn, self.turns);
        let simulated_ms = self.clock.now().since(self.plan.begins);
        Ok(Outcome { notes, trace: truthsource_core::digest::hex(&trace), state, simulated_ms, story })
    }

    /// P1 does not hold: what waits, and for what.
    async fn unsettled(&mut self) -> anyhow::Result<()> {
        for tenant in &self.tenants {
            for what in tenant.unlisted().await? {
                self.notes.broke(format!("P1: {what} was never read to the end"));
            }
            if tenant.is_idle().await {
                continue;
            }
            let store = tenant.store.as_ref();
            for state in WAITING {
                for debt in store.debts(state, None, 3).await? {
                    // By its name, so that its story is told, and that of what it may wait for.
                    let known = store.states(&[debt.key.clone()].into()).await?;
                    let values = known.get(&debt.key).map(|it| it.truth.values()).unwrap_or_default();
                    let of = schema::of(debt.key.kind).references(&values);
                    let of: Vec<String> = of.into_iter().map(|(kind, key)| format!("{kind}/{key}")).collect();
                    let record = judge::record_of(&debt.key);
                    self.notes.broke(format!("P1: {record} of {of:?} is {state:?}: {debt:?}"));
                }
            }
            let backlog = store.backlog().await?;
            let held = store.conflicts(Some(true), None, 3).await?;
            let held: Vec<String> = held
                .into_iter()
                .map(|it| format!("{} {:?}: {}", judge::record_of(&it.key), it.about, it.reason))
                .collect();
            let turns = self.turns;
            self.notes.broke(format!(
                "P1: not settled {LIVENESS_MS} ms after faults ended, in {turns} turns: {backlog:?}, held: {held:?}"
            ));
        }
        if self.notes.violations.is_empty() {
            self.notes.broke(format!("P1: still at work {LIVENESS_MS} ms after faults ended"));
        }
        Ok(())
    }

    /// All is quiet, and stays so: nobody writes any more (P2), on some days though all is compared once more.
    ///
    /// # Errors
    /// When a store fails.
    async fn listen(&mut self) -> anyhow::Result<()> {
        let asked_at = self.clock.now();
        if self.draw().chance(SWEPT_AT_LAST, "all is compared once more", 0) {
            for tenant in &self.tenants {
                tenant.ask_for_sweeps(asked_at).await?;
            }
        }
        let marks: Vec<Mark> = self.tenants.iter().map(|it| Mark::now(&it.seats)).collect();
        let until = self.clock.now().plus(self.quiet_ms());
        while self.clock.now() < until && !self.is_over() {
            self.turn().await;
        }
        for (tenant, mark) in self.tenants.iter().zip(&marks) {
            let late: Vec<Line> = since(&tenant.seats, mark);
            let ours = late.iter().filter(|(_, it)| it.actor == Actor::Api);
            let spelled = |(at, it): &Line| {
                let seat = &tenant.seats[*at];
                // By its name, so that its story is told.
                let cell = seat.site.reader()(it).map(|(cell, _)| cell.record).unwrap_or_default();
                format!("{cell} at {}: {} {} {}", seat.name(), it.kind, it.id, it.field)
            };
            let written: Vec<String> = ours.map(spelled).collect();
            if !written.is_empty() {
                self.notes.broke(format!("P2: written after all was quiet: {written:?}"));
            }
            if tenant.is_swept_since(asked_at).await? {
                self.notes.reach(Moment::SweptAtLast);
            }
        }
        Ok(())
    }
}

/// The worker's lane is another's by now.
fn is_fenced(error: &Error) -> bool {
    matches!(error, Error::Store(store::Error::Fenced))
}

impl Tenancy<'_> {
    /// Reads the systems back and compares them with one another and with what people did.
    async fn compare(&self, notes: &mut Notes) -> anyhow::Result<()> {
        let Some((first, mark)) = &self.first else { return Ok(()) };
        let conflicts = self.store.conflicts(None, None, 100_000).await?;
        let kept = wares::Kept::of(self.store.as_ref()).await?;
        let changes = since(&self.seats, mark);
        let asked = self.asked(first, &conflicts);
        let (seats, said) = ((&self.seats[..], self.node.engine.now()), (&self.orders, &conflicts[..], &asked));
        notes.violations.extend(wares::check(seats, &self.plan.acts, (&conflicts, &kept)));
        let shelf = self.plan.shelf.as_ref();
        judge::systems(seats, (first, shelf, &self.cast), &changes, said, &mut notes.violations);
        self.quotes(&conflicts, notes).await?;
        // Other rules may well give an older word its right.
        if self.plan.reforms.is_empty() {
            let against = judge::decided_against(first, &conflicts);
            notes.violations.extend(backwards::check(&self.seats, &changes, &against));
        }
        Ok(())
    }

    /// Fields of which a person may be asked what they are, and is. Of a tenant's own policies it is known that they may
    /// ask; of the shipped ones a single one does, and whatever it asked is decided once the rules name another.
    fn asked(&self, first: &[Held], conflicts: &[Conflict]) -> BTreeSet<Cell> {
        let mut asked = judge::asked(first, conflicts);
        if self.cast.setup.is_usual() {
            let holds = self.plan.reforms.last().is_some_and(|it| it.to == Regime::Hold);
            asked.retain(|it| holds && it.field == "title");
        }
        asked
    }

    /// Asks what buyers pay, where the plan has them ask.
    async fn quotes(&self, conflicts: &[Conflict], notes: &mut Notes) -> anyhow::Result<()> {
        let now = self.node.engine.now();
        // What stands behind a mapping is in a language of its own.
        let is_plain = |seat: &&Seat| !self.cast.mappings.contains_key(&seat.product);
        let owner = self.seats.first().filter(|_| !self.plan.tariff.is_empty()).filter(is_plain);
        let Some(owner) = owner else { return Ok(()) };
        let held = owner.site.held(owner.there(now));
        let open: Vec<Conflict> = conflicts.iter().filter(|it| it.outcome.is_none()).cloned().collect();
        quotes::check(self.store.as_ref(), (&held, &open), (&self.plan.tariff, now), notes).await
    }
}
