//! One tenant of a run: its systems with their people, and what the node does for it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use truthsource_core::draw::Draw;
use truthsource_core::record::ConnectionId;
use truthsource_core::{Kind, UnixMs};
use truthsource_simulators::door::Reply;
use truthsource_simulators::faults::Faults;
use truthsource_simulators::outbox::Departure;
use truthsource_simulators::world::{Deed, Held};

use super::apart::Words;
use super::cast::Cast;
use super::coverage::Moment;
use super::house::{connect, endpoints, engine, host_of, regime, troupe};
use super::intake::Intake;
use super::judge;
use super::node::Node;
use super::notes::Notes;
use super::person::Desk;
use super::plan::{Act, Plan, Reform, words};
use super::setup::{Link, Setup};
use super::stage::{Clocked, Doors, SimClock};
use super::store::{Kept, MortalStore};
use super::troupe::{Of, Troupe, hook_of};
use super::wares;
use crate::demo::account;
use crate::demo::latency::{Mark, held};
use crate::demo::world::Seat;
use crate::engine::Did;
use crate::engine::ports::Clock as _;
use crate::http::hooks::{Endpoint, Pages};
use crate::plugins::Made;
use crate::store::control::TenantId;
use crate::store::{Backlog, Batch, Change, TenantStore as _, Work};

/// The systems of a tenant, with their doors.
pub(super) struct Place<'a> {
    pub tenant: &'static str,
    pub plan: &'a Plan,
    pub seats: Vec<Seat>,
    pub doors: Vec<Clocked>,
}

impl<'a> Place<'a> {
    /// Systems that are filled as the plan has it.
    pub(super) fn fill(tenant: &'static str, plan: &'a Plan, setup: &Setup) -> anyhow::Result<Self> {
        let fill = |(at, product)| -> anyhow::Result<Seat> {
            let ahead_ms = plan.faults.ahead_ms(at);
            let begins = UnixMs(plan.begins.0.saturating_add_signed(ahead_ms));
            let seat = Seat::of(plan.edition(product), product, begins, &plan.catalogue_of(at))?;
            let called = setup.link(product).map_or(seat.called.clone(), Link::name);
            Ok(Seat { ahead_ms, called, ..seat })
        };
        let seats: Vec<Seat> = plan.systems.iter().copied().enumerate().map(fill).collect::<anyhow::Result<_>>()?;
        let doors = seats.iter().map(|it| Clocked::new(it.site.system(), it.ahead_ms)).collect();
        Ok(Self { tenant, plan, seats, doors })
    }

    /// Its doors by the names of their hosts.
    pub(super) fn by_host(&self) -> impl Iterator<Item = (String, Clocked)> {
        self.seats.iter().map(|it| host_of(self.tenant, it)).zip(self.doors.iter().cloned())
    }

    /// What only requests to its systems may say.
    pub(super) fn words(&self) -> Words {
        Words::of(self.tenant, self.by_host().map(|it| it.0).collect(), self.plan.mark.as_deref())
    }
}

/// What the node keeps for all its tenants.
#[derive(Default)]
pub(super) struct Shared {
    /// To reach systems with.
    made: Arc<Made>,
    /// To verify webhooks by.
    pages: Arc<Pages>,
}

/// A tenant, as the node works for it.
pub(super) struct Tenancy<'a> {
    pub tenant: &'static str,
    id: TenantId,
    pub plan: &'a Plan,
    clock: Arc<SimClock>,
    network: Arc<Doors>,
    pub seats: Vec<Seat>,
    doors: Vec<Clocked>,
    pub troupe: Arc<Troupe>,
    /// Where each system's webhooks come to, if it sends any.
    endpoints: Vec<Option<Arc<Endpoint>>>,
    pages: Arc<Pages>,
    intake: Intake,
    pub store: Arc<MortalStore>,
    pub node: Node,
    acts: std::iter::Peekable<std::slice::Iter<'a, Act>>,
    reforms: std::iter::Peekable<std::slice::Iter<'a, Reform>>,
    /// What the owner held before anybody read it.
    opened: Held,
    /// What the systems held when people began to act, and where their journals were.
    pub first: Option<(Vec<Held>, Mark)>,
    pub orders: judge::Orders,
    pub desk: Desk,
    pub cast: Arc<Cast>,
}

impl<'a> Tenancy<'a> {
    /// Everything that a tenant needs: connections, components, workers.
    pub(super) async fn move_in(
        cast: &Arc<Cast>,
        Place { tenant, plan, seats, doors }: Place<'a>,
        (clock, network): (&Arc<SimClock>, &Arc<Doors>),
        (kept, shared): (Kept, &Shared),
    ) -> anyhow::Result<Self> {
        let store = Arc::new(MortalStore::new(kept.store, plan.seed, plan.faults.clone()));
        let connections = connect((&store, cast), (tenant, &seats, plan), clock.now()).await?;
        let id = kept.id;
        let of = Of { tenant, id, made: shared.made.clone() };
        let troupe = Arc::new(troupe(cast, (clock, network), (plan, &seats), (of, &connections))?);
        let engine = engine(&store, &troupe, clock, plan);
        let endpoints = endpoints(&engine, &seats).await?;
        let opened = seats.first().map(|it| it.site.held(it.there(clock.now()))).unwrap_or_default();
        Ok(Self {
            tenant,
            id,
            pages: shared.pages.clone(),
            plan,
            clock: clock.clone(),
            network: network.clone(),
            node: Node::new(engine, store.clone(), (seats.len(), plan.shelf.clone())),
            seats,
            doors,
            troupe,
            endpoints,
            intake: Intake::default(),
            store,
            acts: plan.acts.iter().peekable(),
            reforms: plan.reforms.iter().peekable(),
            opened,
            first: None,
            orders: judge::Orders::default(),
            desk: Desk::default(),
            cast: cast.clone(),
        })
    }

    /// Where its systems deliver to, by path.
    pub(super) fn receivers(&self) -> BTreeMap<String, Arc<Endpoint>> {
        let path = |seat: &Seat| hook_of(self.tenant, seat.name()).replace("https://truthsource.sim", "");
        self.seats.iter().map(path).zip(&self.endpoints).filter_map(|(path, it)| Some((path, it.clone()?))).collect()
    }

    /// Administrators have the systems tell of changes.
    pub(super) fn subscribe(&self) -> anyhow::Result<()> {
        for (seat, door) in self.seats.iter().zip(&self.doors) {
            let hook = hook_of(self.tenant, seat.name());
            for request in account::subscribe(seat, &format!("http://{}", host_of(self.tenant, seat)), &hook)? {
                let Reply::Answer(answer, _) = door.api(self.clock.now(), &request) else {
                    anyhow::bail!("{} takes no subscription", seat.name());
                };
                account::subscribed(answer.body())?;
            }
        }
        Ok(())
    }

    /// Faults begin.
    pub(super) fn spoil(&self) {
        let now = self.clock.now();
        for (at, door) in self.doors.iter().enumerate() {
            door.set_faults(self.plan.faults.at(at, self.plan.seed, now));
        }
        self.store.set_chaos(true);
        if let Some(drift) = &self.plan.faults.drift {
            let host = host_of(self.tenant, &self.seats[drift.seat % self.seats.len()]);
            self.network.drift(host, drift.clone());
        }
    }

    /// People begin to act.
    pub(super) fn begin(&mut self, notes: &mut Notes) {
        // What a first listing leaves out without a word was never heard of.
        self.troupe.set_chaos(true);
        for seat in self.plan.faults.mute.iter().filter_map(|at| self.seats.get(*at)) {
            seat.site.system().unsubscribe_everybody();
        }
        let held = held(&self.seats, self.clock.now());
        if self.cast.setup.is_usual() {
            notes.violations.extend(judge::opening(&self.seats, (&self.opened, &held)));
        }
        self.first = Some((held, Mark::now(&self.seats)));
    }

    /// Faults end.
    pub(super) fn heal(&self) {
        self.store.set_chaos(false);
        self.troupe.set_chaos(false);
        self.network.drift_no_more();
        for door in &self.doors {
            door.set_faults(Faults::default());
        }
    }

    /// Lines of all journals.
    pub(super) fn lines(&self) -> usize {
        self.seats.iter().map(|it| it.site.system().journal().len()).sum()
    }

    /// There is nothing to do for it now but what waits for a person.
    pub(super) async fn is_idle(&self) -> bool {
        let Ok(backlog) = self.store.backlog().await else { return false };
        if backlog == (Backlog { conflicts: backlog.conflicts, ..Backlog::default() }) {
            return true;
        }
        !self.plan.stirs.is_empty() && wares::is_asked(self.store.as_ref(), &backlog).await.unwrap_or(false)
    }

    /// What its connections read and was not listed to the end yet.
    pub(super) async fn unlisted(&self) -> anyhow::Result<Vec<String>> {
        let mut unlisted = Vec::new();
        for (connection, kind) in self.read().await? {
            let cursors = self.store.cursors(connection).await?;
            if cursors.get(&kind).is_none_or(|it| !it.listed) {
                unlisted.push(format!("{kind} at connection {connection}"));
            }
        }
        Ok(unlisted)
    }

    /// Somebody asks for a comparison of everything that its connections read.
    pub(super) async fn ask_for_sweeps(&self, now: UnixMs) -> anyhow::Result<()> {
        let mut batch = Batch::new(now);
        for (connection, kind) in self.read().await? {
            batch.changes.push(Change::Ask { connection, kind, work: Work::Sweep });
        }
        self.store.commit(batch).await?;
        Ok(())
    }

    /// A comparison of everything has begun since then, and ended.
    pub(super) async fn is_swept_since(&self, at: UnixMs) -> anyhow::Result<bool> {
        for (connection, kind) in self.read().await? {
            let cursors = self.store.cursors(connection).await?;
            let swept_at = cursors.get(&kind).and_then(|it| it.swept_at);
            if swept_at.is_none_or(|it| it < at) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What its connections read.
    async fn read(&self) -> anyhow::Result<Vec<(ConnectionId, Kind)>> {
        let mut read = Vec::new();
        for connection in self.store.connections().await? {
            let described = self.node.engine.guests.describe(&connection).await?;
            let reads = |kind: &Kind| connection.spec.kinds.get(kind).is_some_and(|it| it.reads);
            let kinds = described.kinds.iter().map(|it| it.kind).filter(reads);
            read.extend(kinds.map(|kind| (connection.id, kind)));
        }
        Ok(read)
    }

    /// When the next webhook leaves one of its systems.
    pub(super) fn next_webhook_at(&self) -> Option<UnixMs> {
        self.doors.iter().filter_map(|it| it.next_webhook_at()).min()
    }

    /// When somebody does something next, in milliseconds since people began to act.
    pub(super) fn next_act_ms(&self) -> Option<u64> {
        self.acts.clone().next().map(|it| it.at_ms)
    }

    /// Something was found at a write that must never happen.
    pub(super) fn is_broken(&self) -> bool {
        !self.troupe.watch().breaches.is_empty()
    }

    /// How many workers it has: one for each system, and one that folds.
    pub(super) fn workers(&self) -> usize {
        self.seats.len() + 1
    }

    /// A turn of one of its workers.
    pub(super) async fn work(
        &mut self,
        at: usize,
        (draw, turn, is_chaos): (Draw, u64, bool),
        notes: &mut Notes,
    ) -> Result<Did, crate::engine::Error> {
        let beside = self.plan.habits.beside(draw, (at, turn), self.seats.len());
        if at == self.seats.len() {
            return self.node.fold((draw, turn), beside, notes).await;
        }
        let stalls = is_chaos && draw.chance(self.plan.faults.stalled, &format!("worker {at} stalls"), turn);
        self.node.lane(at, (stalls, (draw, turn), beside), notes).await
    }

    /// The next act that is due, if one is.
    pub(super) fn act(&mut self, elapsed: u64, notes: &mut Notes) -> bool {
        let Some(act) = self.acts.next_if(|it| it.at_ms <= elapsed) else { return false };
        let now = self.clock.now();
        let at = act.seat % self.seats.len();
        let seat = &self.seats[at];
        let stood = matches!(&act.deed, Deed::Cancel { po_number } if stands(seat, po_number));
        let did = seat.site.act(seat.there(now), &words::typed(seat.site.as_ref(), &act.deed));
        match (&did, &act.deed) {
            // What a person is not let do did not happen.
            (Err(_), _) => notes.reach(Moment::ActRefused),
            (Ok(()), Deed::Parcel { .. } | Deed::Ship { .. }) => notes.reach(Moment::OrderLeft),
            (Ok(()), _) => notes.reach(Moment::Act),
        }
        match &act.deed {
            Deed::Order(order) => {
                let is_there = seat.site.orders().iter().any(|it| it.po_number == order.po_number);
                self.orders.placed.extend(is_there.then(|| (order.po_number.clone(), now)));
            }
            // Nobody calls off what is not there yet.
            Deed::Cancel { po_number } if stood && !stands(seat, po_number) => {
                self.orders.called_off.insert(po_number.clone());
                notes.reach(Moment::OrderCalledOff);
            }
            _ => {}
        }
        let shops = self.seats.iter().filter(|it| it.product.is_shop());
        let free = shops.flat_map(|it| it.site.orders()).filter(|it| !it.waits).map(|it| it.po_number);
        self.orders.free.extend(free);
        self.doors[at].collect(now);
        self.troupe.watch().read_on();
        true
    }

    /// The next change of rules that is due, if one is: what is to be stored of it.
    pub(super) fn next_reform(&mut self, elapsed: u64) -> Option<&'a Reform> {
        self.reforms.next_if(|it| it.at_ms <= elapsed)
    }

    /// The rules of the day are what they will be.
    pub(super) fn has_its_last_rules(&self) -> bool {
        self.reforms.clone().next().is_none()
    }

    /// Tries to store other rules; false if nobody was told that they are.
    pub(super) async fn reform(&mut self, reform: &Reform) -> bool {
        let batch = Batch { changes: vec![regime(reform.to, &self.seats)], ..Batch::new(self.clock.now()) };
        if self.store.commit(batch).await.is_err() {
            return false;
        }
        self.node.look_again();
        let connections = self.seats.len();
        let owned = reform.to.owned().map(|(kind, field, seat)| (kind, field, seat % connections));
        self.troupe.watch().rules_changed(owned, self.clock.now());
        true
    }

    /// Webhooks that leave now, each with the place of its system.
    pub(super) fn departures(&self) -> Vec<(usize, Departure)> {
        let now = self.clock.now();
        let due = self.doors.iter().enumerate();
        due.flat_map(|(at, door)| door.take_webhooks(now).into_iter().map(move |it| (at, it))).collect()
    }

    /// Takes a webhook in.
    pub(super) async fn deliver(&mut self, at: usize, departure: Departure, notes: &mut Notes) {
        let now = self.clock.now();
        let (told, own) = (&departure.webhook.url, hook_of(self.tenant, self.seats[at].name()));
        if !told.starts_with(&own) {
            notes.broke(format!("P11: {own} is told of changes as {told}"));
        }
        let Some(endpoint) = &self.endpoints[at] else {
            notes.broke(format!("P11: {own} is told of changes, and its system tells of none"));
            return;
        };
        if !self.is_known(at, now).await {
            notes.broke(format!("P11: a webhook to {own} is verified by what is another connection's"));
        }
        let answer = self.intake.answer(self.store.as_ref(), (endpoint, &departure.webhook), now, notes).await;
        self.doors[at].webhook_answered(now, departure, Some(&answer));
    }
}

impl Tenancy<'_> {
    /// Where the webhooks of a system come to is what the node takes it for, among those of all its tenants.
    async fn is_known(&self, at: usize, now: UnixMs) -> bool {
        let read = async || {
            let named = self.seats.iter().map(|it| it.name().to_owned()).zip(&self.endpoints);
            Ok::<_, Infallible>(named.filter_map(|(name, it)| Some((name, it.clone()?))).collect())
        };
        let Ok(found) = self.pages.endpoint((self.id, self.seats[at].name()), || (now, 0), read).await;
        found.zip(self.endpoints[at].as_ref()).is_some_and(|(found, own)| Arc::ptr_eq(&found, own))
    }
}

/// Whether a system has the order, and it was not called off.
fn stands(seat: &Seat, po_number: &str) -> bool {
    seat.site.orders().iter().any(|it| it.po_number == po_number && !it.cancelled)
}
