//! What every store promises, run for each implementation.

mod atomic;
mod commitments;
mod control;
mod damage;
mod debts;
mod entries;
mod equal;
mod history;
mod intake;
mod lanes;
mod ledger;
mod links;
mod places;
mod plans;
mod price_rules;
mod records;
mod slots;
mod touches;

use std::sync::Arc;

use truthsource_core::price::Pays;
use truthsource_core::record::{Cause, Observed, Settlement, Shadow, State, Truth, TruthField};
use truthsource_core::{Decimal, Value};

use super::control::{ControlStore, TenantId};
use super::*;

/// Somewhere to keep stores, for one test.
#[async_trait]
pub(super) trait Place: Send + Sync + Sized {
    /// An empty place.
    async fn start() -> Self;
    fn control(&self) -> Arc<dyn ControlStore>;
    async fn open(&self, tenant: TenantId) -> Arc<dyn Inspect>;
    /// What another process finds after this one ended.
    async fn restart(self) -> Self;

    /// A place with one tenant, and its store.
    async fn with_tenant() -> (Self, Arc<dyn Inspect>) {
        let place = Self::start().await;
        let tenant = place.control().add_tenant("acme", at(0)).await.unwrap();
        let store = place.open(tenant.id).await;
        (place, store)
    }
}

macro_rules! promises {
    ($($file:ident { $($promise:ident)+ })+) => {
        mod model {
            $(mod $file {
                $(#[tokio::test]
                async fn $promise() {
                    crate::store::contract::$file::$promise::<crate::store::contract::places::Model>().await;
                })+
            })+
        }
        mod sqlite {
            $(mod $file {
                $(#[tokio::test]
                async fn $promise() {
                    crate::store::contract::$file::$promise::<crate::store::contract::places::Sqlite>().await;
                })+
            })+
        }
    };
}

promises! {
    intake {
        a_webhook_is_taken_once
        w3_an_event_id_is_new_again_only_after_seven_days
        an_understood_webhook_leaves_the_inbox
        s2_callers_at_once_are_all_answered
    }
    touches {
        touches_of_one_record_merge
        a_read_settles_only_touches_before_it
        a_failed_read_is_tried_later
        what_was_not_read_may_be_any_record
        cursors_are_kept_by_kind the_latest_ask_counts
    }
    entries {
        the_log_is_read_in_order
        an_entry_is_folded_once
        what_waits_is_woken_by_its_token
        a_dropped_entry_is_not_folded
        a_later_word_supersedes_what_no_fold_has_taken
        a_creation_is_found_by_its_command_key
    }
    commitments {
        what_orders_want_is_found_by_item
        levels_are_found_by_item
        one_record_is_told_anew
    }
    price_rules {
        rules_are_found_by_whom_and_what_they_name
        rules_are_listed_in_pages
    }
    records {
        what_is_not_known_is_default
        truths_and_shadows_come_back
        records_are_found_by_their_present_natural_key
        keys_are_listed_in_pages
        what_was_decided_under_something_else_is_found
    }
    links {
        a_link_is_one_to_one
        links_are_looked_up_both_ways
        what_is_unlinked_can_be_linked_otherwise
        a_sweep_tells_what_it_missed
        digests_are_of_what_arrived
        what_is_folded_as_it_was_logged_stays_what_it_was
        a_digest_is_absent_while_news_waits
        what_waits_to_be_folded_has_a_digest_of_its_own
        older_news_leaves_a_digest
        what_was_carried_counts_and_makes_the_next_reading_news
    }
    debts {
        a_debt_keeps_its_age_and_intent
        a_parked_debt_waits_for_a_newer_truth
        a_delivery_writes_its_row
        p5_what_became_of_an_older_write_does_not_stop_a_newer_truth
        p5_what_settles_is_owed_anew_by_whoever_takes_in_the_answer
        the_most_urgent_is_due_first
        a_paid_debt_is_gone
        what_moved_since_it_was_read_is_not_paid
        c9_parked_debts_are_redriven
        every_record_of_a_kind_is_told_anew
        debts_are_listed_in_pages
        what_does_not_exist_yet_is_listed
        what_is_owed_is_listed_and_counted
        the_backlog_counts_what_waits
    }
    plans {
        a_plan_is_handed_in_once
        what_waits_steps_aside
        what_is_to_be_read_first_is_told
        plans_are_listed_in_pages_and_forgotten
    }
    history {
        a_timeline_is_read_in_order
        what_vanished_lately_is_counted
        conflicts_are_closed_by_a_person
        a_conflict_is_open_once
        the_newest_accuracy_counts
        what_a_sweep_found_goes_with_its_figure
    }
    slots {
        a_release_takes_over_and_gives_back
        a_slot_can_be_emptied
        u7_the_same_bytes_in_a_slot_are_one_release
        the_newest_hundred_calls_are_kept
        a_component_keeps_bytes
        connections_are_kept
        a_connection_is_changed_only_as_it_was_read
        secrets_are_kept_sealed
        settings_are_kept
    }
    ledger {
        what_was_decided_is_kept_with_what_it_was_decided_on
        accounts_are_listed_in_pages
        a_record_is_restated_whole
    }
    damage {
        s7_a_row_that_cannot_be_read_is_named_and_set_aside
        s7_what_was_set_aside_leaves_a_blank
        s7_a_debt_that_was_begun_is_held_and_another_asked_for_anew
        s7_what_cannot_be_read_keeps_nobody_from_writing
    }
    lanes {
        a_lease_is_held_by_one
        c12_a_lane_that_is_let_go_is_free_at_once
        c8_a_lost_lease_voids_a_batch
    }
    atomic {
        a_refused_batch_leaves_nothing
        a_caller_that_goes_away_changes_nothing
        what_was_committed_survives
        tenants_see_nothing_of_each_other
    }
    control {
        tenants_have_one_name_each a_tenant_that_was_ended_leaves_its_number
        keys_are_found_and_revoked
        a_request_is_remembered
        a_dead_process_reserves_nothing
    }
}

pub(super) const A: ConnectionId = ConnectionId(1);
pub(super) const B: ConnectionId = ConnectionId(2);

pub(super) fn at(ms: u64) -> UnixMs {
    UnixMs(1_700_000_000_000 + ms)
}

pub(super) fn batch(ms: u64, changes: impl IntoIterator<Item = Change>) -> Batch {
    Batch { changes: changes.into_iter().collect(), ..Batch::new(at(ms)) }
}

pub(super) async fn commit(store: &Arc<dyn Inspect>, ms: u64, changes: impl IntoIterator<Item = Change>) -> Committed {
    store.commit(batch(ms, changes)).await.unwrap()
}

pub(super) fn item(key: &str) -> RecordKey {
    RecordKey::new(Kind::Item, key)
}

pub(super) fn texts<const N: usize>(texts: [&str; N]) -> BTreeSet<String> {
    texts.into_iter().map(str::to_owned).collect()
}

pub(super) fn pairs<T: AsRef<str>, const N: usize>(pairs: [(&str, T); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(a, b)| (a.to_owned(), b.as_ref().to_owned())).collect()
}

pub(super) fn fields<const N: usize>(pairs: [(&str, &str); N]) -> Fields {
    pairs.into_iter().map(|(name, text)| (name.to_owned(), Value::from(text))).collect()
}

pub(super) fn state(remote_id: &str, fields: Fields) -> State {
    State { remote_id: remote_id.to_owned(), fields, version: "v1".to_owned(), ..State::default() }
}

pub(super) fn observed(as_of: u64, state: State) -> Entry {
    Entry::Observed {
        connection: A,
        cause: Cause::Poll,
        as_of,
        observed: Observed::Present(state),
        tried: Fields::new(),
    }
}

pub(super) fn append(kind: Kind, entry: Entry) -> Change {
    Change::Append { kind, key: None, entry }
}

pub(super) fn folded(seq: u64, key: &str, entry: Entry) -> Change {
    Change::Folded { seq, key: key.to_owned(), entry: Some(entry) }
}

pub(super) fn link(key: &RecordKey, remote_id: &str) -> Change {
    Change::Link { connection: A, key: key.clone(), remote_id: remote_id.to_owned() }
}

pub(super) fn truth(version: u64, text: &str) -> Truth {
    let field = TruthField::decided(text.into(), version);
    Truth { version, fields: BTreeMap::from([("title".to_owned(), field)]), deleted_at: None }
}

pub(super) fn shadow(remote_id: &str) -> Shadow {
    Shadow { remote_id: remote_id.to_owned(), version: "v1".to_owned(), as_of: 1, ..Shadow::default() }
}

pub(super) fn debt(key: &str, truth_version: u64) -> Debt {
    Debt {
        connection: A,
        key: item(key),
        truth_version,
        priority: 2,
        due_at: at(10),
        since: at(10),
        attempts: 0,
        state: DebtState::Due,
        last_error: None,
        intent: None,
    }
}

pub(crate) fn intent(op_id: &str) -> Intent {
    Intent {
        op_id: op_id.to_owned(),
        remote_id: None,
        command_key: "c".to_owned(),
        want: fields([("title", "Bolt")]),
        changed: vec!["title".to_owned()],
        base: Fields::new(),
        base_version: String::new(),
        truth_version: 1,
        begun_at: at(1),
        of: Fields::new(),
        accepted: 0,
        plan: None,
        unmapped: None,
    }
}

pub(super) fn price_rule(company: Option<String>, item: Option<String>) -> PriceRule {
    let pays = Pays::Fixed { amount: Decimal::ONE, breaks: Vec::new() };
    PriceRule { company, item, currency: "EUR".to_owned(), from: None, until: Some(at(9)), pays }
}

pub(super) fn webhook(event_id: &str) -> Change {
    Change::Inbox {
        connection: A,
        event_id: event_id.to_owned(),
        topic: "products/update".to_owned(),
        headers: vec![("x-shop".to_owned(), "acme".to_owned())],
        body: event_id.as_bytes().to_vec(),
    }
}

pub(super) async fn unfolded(store: &Arc<dyn Inspect>) -> Vec<u64> {
    store.unfolded(100).await.unwrap().iter().map(|it| it.seq).collect()
}
