//! The contract of the store ports: what every implementation has to keep, written once and run over each of them.
//!
//! An implementation gives a [`Harness`] and calls [`crate::contract_tests!`], which makes one test per contract, each
//! with a harness of its own on an empty database. Nothing here sleeps: time passes through [`Harness::let_pass`].
//!
//! ```
//! use std::sync::Arc;
//! use async_trait::async_trait;
//! use order_domain::ports::{
//!     AuditReader, EventHistory, IdGenerator, OrderReader, OrderStore, Outbox, TaskDesk, TaskStore,
//! };
//! use order_domain::time::Duration;
//! use order_testkit::contract::Harness;
//! use order_testkit::memory::{MemoryStore, RowCounts};
//!
//! struct InMemory(MemoryStore);
//!
//! #[async_trait]
//! impl Harness for InMemory {
//!     fn store(&self) -> Arc<dyn OrderStore> { Arc::new(self.0.clone()) }
//!     fn reader(&self) -> Arc<dyn OrderReader> { Arc::new(self.0.clone()) }
//!     fn tasks(&self) -> Arc<dyn TaskStore> { Arc::new(self.0.clone()) }
//!     fn desk(&self) -> Arc<dyn TaskDesk> { Arc::new(self.0.clone()) }
//!     fn audit(&self) -> Arc<dyn AuditReader> { Arc::new(self.0.clone()) }
//!     fn outbox(&self) -> Arc<dyn Outbox> { Arc::new(self.0.clone()) }
//!     fn history(&self) -> Arc<dyn EventHistory> { Arc::new(self.0.clone()) }
//!     fn ids(&self) -> Arc<dyn IdGenerator> { Arc::new(self.0.clone()) }
//!     async fn second(&self) -> Box<dyn Harness> { Box::new(InMemory(self.0.clone())) }
//!     async fn counts(&self) -> RowCounts { self.0.counts() }
//!     async fn let_pass(&self, time: Duration) { self.0.advance(time) }
//! }
//!
//! order_testkit::contract_tests!(InMemory(MemoryStore::new()));
//! ```

pub mod atomic;
pub mod audits;
pub mod causes;
pub mod chores;
pub mod desk;
pub mod dropped;
pub mod entries;
pub mod figures;
pub mod guards;
pub mod history;
pub mod lanes;
pub mod leases;
pub mod money;
pub mod outbox;
pub mod pages;
pub mod reader;
pub mod receipts;
pub mod round_trip;
mod support;
pub mod tasks;
pub mod versions;

use std::sync::Arc;

use async_trait::async_trait;
use order_domain::ports::{
    AuditReader, EventHistory, IdGenerator, OrderReader, OrderStore, Outbox, TaskDesk, TaskStore,
};
use order_domain::time::Duration;

pub use crate::memory::RowCounts;
pub use support::eventually;

/// An implementation of the store ports over an empty database, and what a test needs beside them. The database's now is
/// at least a day after [`START`](crate::builders::START).
#[async_trait]
pub trait Harness: Send + Sync {
    /// Orders, loaded and committed.
    fn store(&self) -> Arc<dyn OrderStore>;

    /// Lists and timelines.
    fn reader(&self) -> Arc<dyn OrderReader>;

    /// Tasks.
    fn tasks(&self) -> Arc<dyn TaskStore>;

    /// What operators look at and do to tasks.
    fn desk(&self) -> Arc<dyn TaskDesk>;

    /// What audits read.
    fn audit(&self) -> Arc<dyn AuditReader>;

    /// Events that are to be published.
    fn outbox(&self) -> Arc<dyn Outbox>;

    /// Events that were ever committed.
    fn history(&self) -> Arc<dyn EventHistory>;

    /// Numbers.
    fn ids(&self) -> Arc<dyn IdGenerator>;

    /// Another instance on the same database, with connections of its own.
    async fn second(&self) -> Box<dyn Harness>;

    /// How many rows of each kind there are.
    async fn counts(&self) -> RowCounts;

    /// Time passes, for what is kept: the due time of every unfinished task and chore (of one that is held, the end of its
    /// lease), all times of every receipt and guard and the end of the publisher's lease move this far into the past. Or the
    /// database's clock moves on.
    async fn let_pass(&self, time: Duration);
}

/// Makes a test of each contract. The argument is an expression for a [`Harness`](crate::contract::Harness) over an
/// empty database, evaluated anew in each test; it may `.await`. The caller needs tokio with `macros` and
/// `rt-multi-thread`.
#[macro_export]
macro_rules! contract_tests {
    ($harness:expr) => {
        $crate::contract_tests! { @each $harness;
            round_trip:
                a_bare_order_is_loaded_as_it_was_placed,
                an_order_with_everything_is_loaded_as_it_was_placed,
                coordinates_are_loaded_to_the_last_digit,
                the_largest_order_is_loaded_as_it_was_placed,
                lines_are_loaded_in_their_sequence,
                an_order_for_nothing_is_loaded_as_it_was_placed,
                a_paid_order_is_loaded_as_it_was_committed,
                a_delivered_cash_order_is_loaded_as_it_was_committed,
                a_delivered_order_is_loaded_as_it_was_committed,
                a_cancelled_order_is_loaded_as_it_was_committed,
                a_declined_order_is_loaded_as_it_was_committed,
                refunds_are_loaded_as_they_were_committed,
                a_refund_in_review_is_loaded_as_it_was_committed,
                a_late_charge_is_loaded_as_it_was_committed,
                a_changed_delivery_is_loaded_as_it_was_committed,
                a_goodwill_is_loaded_as_it_was_committed,
                whatever_happens_to_an_order_is_loaded_as_it_was_committed,
                what_a_try_left_on_an_entry_is_loaded,
                an_order_that_is_not_there_is_none,
                the_databases_now_comes_with_an_order,
                numbers_are_given_once;
            atomic:
                several_write_sets_take_together,
                a_commit_of_nothing_takes,
                of_two_write_sets_one_that_conflicts_undoes_both,
                an_order_is_placed_once,
                an_order_that_is_not_there_is_not_changed,
                a_task_number_used_twice_undoes_the_commit,
                a_used_key_undoes_the_commit,
                a_lost_task_undoes_the_commit;
            versions:
                a_change_of_an_older_version_conflicts,
                of_two_writers_at_once_one_wins,
                of_two_couriers_at_once_one_has_the_order,
                a_change_leaves_entries_that_it_does_not_move,
                a_change_keeps_what_tries_left_on_its_entries,
                a_move_from_a_state_that_is_no_longer_so_conflicts,
                a_receipt_without_an_event_changes_no_version;
            entries:
                marking_sent_is_counted_and_is_no_event,
                a_cancellation_that_is_first_keeps_an_entry_from_being_sent,
                an_entry_is_marked_sent_only_at_the_version_that_was_loaded,
                of_a_cancellation_and_a_mark_at_once_one_wins,
                a_handler_that_lost_its_task_changes_nothing,
                a_task_that_was_handed_back_allows_no_move,
                putting_back_holds_after_loading_again,
                a_settled_entry_never_moves_again,
                a_refund_is_booked_with_its_task_and_ends_the_charges,
                a_commit_that_is_held_by_a_task_leaves_it;
            money:
                an_adjustment_is_kept_as_long_as_it_is_open,
                a_change_of_place_with_its_fee_is_loaded_as_it_was_committed,
                the_lines_of_an_edit_take_the_place_of_those_before,
                an_edit_takes_whole_or_not_at_all,
                of_two_edits_at_once_one_wins,
                of_an_edit_and_a_release_at_once_one_wins,
                what_a_person_saw_to_is_loaded_as_it_was_committed,
                the_task_of_a_charge_in_review_goes_on,
                a_release_is_claimed_when_it_is_due,
                a_scheduled_order_is_loaded_as_it_was_committed,
                the_bands_of_a_fee_are_loaded_to_the_last_digit;
            tasks:
                a_due_task_is_claimed_as_it_was_committed,
                a_task_is_not_claimed_before_it_is_due,
                a_lease_that_runs_out_is_the_next_thing_due,
                without_tasks_nothing_is_due,
                a_claim_keeps_to_its_slots,
                the_longest_due_is_claimed_first,
                a_claim_takes_only_what_it_names,
                a_task_is_finished_once,
                a_task_ends_with_the_commit_that_it_caused,
                a_failed_task_waits,
                a_task_that_is_handed_back_was_not_tried,
                two_workers_never_claim_the_same_task,
                a_task_that_may_die_is_dead_after_its_tries,
                what_moves_money_never_dies;
            leases:
                a_task_is_held_until_its_lease_runs_out,
                an_expired_lease_holds_until_somebody_claims,
                the_lease_of_what_moves_money_is_as_long_as_its_backoff,
                a_long_lease_is_kept,
                the_lease_of_a_cart_does_not_grow,
                a_task_that_kills_its_process_dies,
                the_last_try_may_still_succeed;
            lanes:
                a_lane_runs_in_the_sequence_of_its_events,
                only_the_head_of_a_lane_is_claimed,
                a_head_that_waits_holds_its_lane,
                lanes_do_not_wait_for_each_other,
                finishing_tells_the_next_of_the_lane,
                finishing_tells_nothing_that_is_not_due,
                a_commit_tells_the_next_of_the_lane_that_it_frees,
                a_commit_that_frees_no_lane_tells_nothing,
                a_dead_head_frees_its_lane,
                what_is_committed_later_stands_where_its_event_does;
            causes:
                a_cause_is_what_was_so_then,
                every_task_has_a_cause,
                a_lost_task_has_no_cause,
                messages_have_a_lane_of_their_own,
                a_dead_message_frees_its_lane;
            receipts:
                an_answer_is_kept_byte_for_byte,
                a_key_is_found_whatever_the_fingerprint,
                a_key_is_used_once,
                a_key_is_used_once_within_a_commit,
                of_two_equal_requests_at_once_one_is_answered,
                an_answer_is_kept_for_a_day,
                an_answer_that_is_over_a_day_old_is_replaced,
                an_answer_about_an_old_order_is_kept_for_a_day,
                without_a_key_nothing_is_found;
            guards:
                a_guard_is_found_as_it_was_written,
                a_guarded_cart_is_not_ordered_again,
                a_guard_that_was_not_seen_is_in_the_way,
                guard_and_receipt_take_together_or_not_at_all,
                an_order_that_waits_is_guarded,
                a_cancellation_ends_a_guard,
                a_change_that_is_no_cancellation_ends_no_guard,
                a_guard_ends_when_its_cart_is_cleared,
                a_guard_holds_for_ten_seconds,
                a_commit_that_ends_the_clearing_ends_the_guard,
                a_guard_ends_when_clearing_its_cart_is_dead,
                an_order_of_no_cart_is_guarded_for_ten_seconds,
                a_guard_that_has_ended_since_is_still_in_the_way,
                of_two_placings_of_a_cart_at_once_one_takes,
                only_what_has_ended_is_forgotten,
                forgetting_goes_in_batches;
            chores:
                a_chore_is_there_once,
                a_chore_is_claimed_by_name,
                a_chore_comes_due_again,
                a_chore_never_dies,
                the_lease_of_a_chore_is_as_long_as_its_backoff,
                a_chore_that_is_handed_back_was_not_tried,
                a_chore_that_fails_or_waits_is_told,
                of_two_workers_one_has_a_chore;
            desk:
                tasks_are_listed_by_how_they_stand,
                a_list_of_tasks_shows_what_meets_every_criterion,
                pages_of_tasks_follow_each_other,
                a_dead_task_that_is_retried_is_done,
                a_waiting_task_that_is_retried_is_due_at_once,
                a_discarded_task_is_gone,
                discarding_the_head_of_a_lane_tells_the_next,
                discarding_what_clears_the_cart_ends_its_guard,
                a_task_that_was_claimed_meanwhile_is_not_touched,
                a_task_of_another_order_is_not_touched,
                a_touch_and_its_event_take_together,
                of_two_operators_at_once_one_touches_a_task,
                nothing_of_a_paused_kind_is_claimed,
                a_paused_kind_does_not_keep_a_worker_awake,
                what_is_held_when_its_kind_is_paused_is_finished,
                a_kind_is_paused_once,
                kinds_say_what_waits;
            audits:
                an_order_is_audited_as_it_was_committed,
                orders_are_audited_by_their_numbers,
                tasks_are_audited_as_they_stand,
                keys_of_placings_are_audited,
                events_that_are_not_published_are_audited,
                an_entry_is_found_by_its_order_and_number,
                what_settled_in_a_period_is_found,
                pages_of_what_settled_follow_each_other;
            reader:
                a_list_shows_the_newest_first,
                a_list_shows_whole_orders,
                a_list_shows_what_meets_every_criterion,
                a_list_is_filtered_by_payment_status,
                a_list_shows_what_can_be_taken,
                a_list_shows_what_is_scheduled,
                a_timeline_tells_what_has_happened,
                a_timeline_is_that_of_its_order,
                a_timeline_goes_on_after_an_event,
                versions_are_told_of_the_orders_that_are_there,
                a_database_that_is_there_answers;
            figures:
                without_work_there_is_nothing_of_any_kind,
                the_longest_due_is_told_with_its_time,
                what_is_tried_and_not_done_grows_old,
                the_dead_are_counted,
                entries_in_review_are_counted;
            pages:
                pages_follow_each_other,
                a_page_says_whether_there_is_another,
                a_place_is_exact_to_the_microsecond,
                what_is_placed_meanwhile_moves_no_page,
                a_place_outlives_its_orders_reasons_to_be_shown,
                orders_in_several_statuses_are_one_list,
                whatever_a_list_shows_its_pages_make_the_whole;
            outbox:
                every_committed_event_waits_in_the_outbox,
                what_is_committed_together_waits_together,
                whatever_happens_to_an_order_waits_in_the_outbox,
                of_a_commit_that_does_not_take_nothing_waits,
                what_is_no_event_does_not_wait,
                no_limit_breaks_the_sequence_of_an_order,
                what_is_published_is_gone,
                removing_what_is_not_there_is_harmless,
                what_is_committed_meanwhile_waits,
                a_lease_shuts_others_out_until_it_ends,
                a_lease_that_is_over_is_kept_by_who_asks_first,
                who_lost_the_lease_still_removes_what_was_taken,
                a_lease_is_given_back,
                two_publishers_never_read_at_once,
                what_waits_is_counted;
            history:
                the_history_is_told_as_it_was_committed,
                whatever_happened_to_an_order_is_told_again,
                a_span_begins_with_its_first_moment_and_ends_before_its_last,
                pages_of_the_history_follow_each_other,
                a_place_in_the_history_need_not_be_an_events,
                of_no_order_there_is_no_history;
            dropped:
                a_dropped_placing_is_whole_or_not_at_all,
                a_dropped_change_has_happened_or_not,
                dropped_reads_leave_the_store_usable,
                a_dropped_claim_loses_no_task,
                a_dropped_mark_has_happened_or_not;
        }
    };
    (@each $harness:expr; $($module:ident: $($contract:ident),+;)+) => {
        $($(
            #[tokio::test(flavor = "multi_thread")]
            async fn $contract() {
                let harness = $harness;
                $crate::contract::$module::$contract(&harness).await;
            }
        )+)+
    };
}
