//! What a ledger promises, held against every store with the same tests.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

#[cfg(feature = "sqlite")]
mod away;
mod contract;
#[cfg(feature = "sqlite")]
mod disk;
mod histories;
mod hostile;
mod model;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod proxy;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod servers;
#[cfg(feature = "postgres")]
mod timeouts;

/// What every store is held against.
mod facts {
    pub(crate) use crate::contract::*;
    pub(crate) use crate::hostile::*;
}

use contract::Fact;
#[cfg(feature = "__sql")]
use lattice_lock_billing::Ledger;
use lattice_lock_billing::{AttemptId, Entry, OperationId, Outcome};
use lattice_lock_principal::Principal;
use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, TokenUsage};
use lattice_lock_repository::{Database, Timestamp};

/// An entry of so many input tokens, at a dollar each million unless said otherwise.
fn entry(attempt: AttemptId, input: u64) -> Entry {
    priced(attempt, input, "1")
}

fn priced(attempt: AttemptId, input: u64, usd_per_million: &str) -> Entry {
    let who = Principal::external("user-17")
        .unwrap()
        .team("search")
        .tag("cost_center", "4711");
    let list = list(usd_per_million);
    let version = PriceVersion::new("test");
    Entry::new(
        attempt,
        &who,
        "openai/gpt-5-mini".parse().unwrap(),
        Outcome::Replied,
    )
    .unwrap()
    .used(
        TokenUsage::new().with(Bucket::Input, input),
        Some((&version, &list)),
    )
    .occurred_at(Timestamp::from_micros(1_000_000))
}

fn list(usd_per_million: &str) -> PriceList {
    PriceList::new([(Bucket::Input, Price::per_million(usd_per_million).unwrap())])
}

fn first() -> AttemptId {
    AttemptId::first(OperationId::generate())
}

/// Each fact of the contract, as a test of its own, on the database that `$on` gives.
macro_rules! on_store {
    ($store:ident, $on:path) => {
        mod $store {
            on_store!(@ $on;
                an_entry_reads_back_as_it_was_written
                a_replay_returns_what_is_kept_and_changes_nothing
                the_very_same_entry_again_is_a_replay_and_with_other_figures_a_conflict
                of_many_writers_of_the_very_same_entry_one_is_the_first
                whatever_a_provider_calls_things_can_be_booked
                an_intent_that_comes_while_its_entry_is_booked_is_not_left
                a_dropped_read_leaves_nothing_behind
                other_figures_for_the_same_attempt_are_refused_and_change_nothing
                an_entry_and_the_intents_around_it_change_together
                what_was_certainly_not_billed_is_withdrawn_without_an_entry
                an_intent_after_its_entry_is_not_reopened
                every_attempt_is_booked_once_whoever_repeats_it
                of_many_at_once_those_that_were_there_before_do_no_harm
                what_is_opened_behind_its_being_given_up_is_not_given_up
                a_correction_that_is_refused_does_not_give_up_what_is_under_way
                sums_beyond_64_bits_are_exact
                unpriced_entries_are_counted_and_not_summed
                labels_of_any_script_and_length_survive
                pages_follow_the_order_of_commits
                a_correction_is_a_revision_that_changes_the_total_by_the_difference
                what_is_not_there_cannot_be_corrected
                every_kind_of_entry_reads_back_with_all_it_says
                a_charge_is_booked_once_under_its_key
                only_expired_intents_of_others_are_recovered
                a_dropped_intent_is_not_reopened_behind_its_withdrawal
                the_intents_of_the_dead_are_settled_and_held_as_decided
                repricing_appends_what_differs_and_nothing_the_second_time
                a_closed_period_is_archived_whole_and_its_totals_and_keys_are_kept
                a_dropped_booking_is_whole_or_absent
                a_flush_waits_for_writes_whose_callers_went_away
                random_histories_agree_with_the_model
                an_attempt_that_was_given_up_is_recovered_while_its_process_lives
                an_attempt_that_is_taken_up_again_behind_its_withdrawal_is_not_given_up
                what_is_no_first_statement_of_an_attempt_does_not_settle_it
                a_late_outcome_is_booked_once_whatever_was_corrected_before
                two_processes_with_the_same_attempt_book_it_once
                a_clock_that_goes_back_leaves_the_living_alone
                figures_at_the_ends_of_their_range_are_kept_or_refused
                texts_of_any_length_and_with_any_characters_are_kept_or_cut
                what_ends_with_a_blank_is_something_else
                a_dropped_recovery_or_archive_is_whole_or_absent
            );
        }
    };
    (@ $on:path; $($fact:ident)+) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $fact() {
            $on(crate::facts::$fact).await;
        })+
    };
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn what_postgres_may_lose_is_not_called_durable() {
    servers::on_postgres(contract::a_setting_that_may_lose_commits_is_noticed).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn what_postgres_committed_and_was_refused_is_taken_back() {
    servers::at_postgres(proxy::an_intent_that_was_refused_does_not_stay).await;
}

#[cfg(feature = "mysql")]
#[tokio::test(flavor = "multi_thread")]
async fn what_mariadb_committed_and_was_refused_is_taken_back() {
    servers::at_mysql(proxy::an_intent_that_was_refused_does_not_stay).await;
}

on_store!(memory, crate::in_memory);
#[cfg(feature = "sqlite")]
on_store!(sqlite, crate::on_sqlite);
#[cfg(feature = "postgres")]
on_store!(postgres, crate::servers::on_postgres);
#[cfg(feature = "mysql")]
on_store!(mysql, crate::servers::on_mysql);

async fn in_memory(fact: fn(Database) -> Fact) {
    contract::run(Database::in_memory(), fact).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_model_agrees_in_memory() {
    histories::a_reference_model_agrees(Database::in_memory(), String::new()).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread")]
async fn a_reference_model_agrees_on_sqlite() {
    let folder = tempfile::TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
    let database = Database::open(&url).await.unwrap();
    database.migrate(Ledger::MIGRATIONS).await.unwrap();
    histories::a_reference_model_agrees(database.clone(), url).await;
    database.dispose().await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn a_reference_model_agrees_on_postgres() {
    servers::at_postgres(histories::a_reference_model_agrees).await;
}

#[cfg(feature = "mysql")]
#[tokio::test(flavor = "multi_thread")]
async fn a_reference_model_agrees_on_mariadb() {
    servers::at_mysql(histories::a_reference_model_agrees).await;
}

#[cfg(feature = "sqlite")]
async fn on_sqlite(fact: fn(Database) -> Fact) {
    let folder = tempfile::TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
    let database = Database::open(&url).await.unwrap();
    contract::run(database.clone(), fact).await;
    database.dispose().await;
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn rows_that_somebody_else_changed_are_noticed() {
    on_sqlite(contract::changed_rows_are_noticed).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn what_a_newer_version_wrote_is_not_missed() {
    on_sqlite(contract::an_entry_of_a_newer_version_is_not_missed).await;
}

/// Does something behind the ledger's back.
#[cfg(feature = "__sql")]
async fn execute(database: &Database, sql: &str) {
    use sea_orm::ConnectionTrait;

    let mut scope = database.writer().unwrap();
    let connection = scope.connection().unwrap();
    connection.execute_unprepared(sql).await.unwrap();
}

/// Intents of a newer version, in a database that keeps them.
macro_rules! beside_a_newer_version {
    ($engine:literal $name:ident $on:path) => {
        #[cfg(feature = $engine)]
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            $on(contract::intents_of_a_newer_version_keep_no_other_from_being_recovered).await;
        }
    };
}

beside_a_newer_version!("sqlite" a_newer_version_may_run_beside_on_sqlite crate::on_sqlite);
beside_a_newer_version!("postgres" a_newer_version_may_run_beside_on_postgres crate::servers::on_postgres);
beside_a_newer_version!("mysql" a_newer_version_may_run_beside_on_mariadb crate::servers::on_mysql);

#[cfg(feature = "__sql")]
#[tokio::test(flavor = "multi_thread")]
async fn a_period_is_found_by_its_time_on_every_engine() {
    #[cfg(feature = "sqlite")]
    on_sqlite(contract::an_index_begins_with_the_time).await;
    #[cfg(feature = "postgres")]
    servers::on_postgres(contract::an_index_begins_with_the_time).await;
    #[cfg(feature = "mysql")]
    servers::on_mysql(contract::an_index_begins_with_the_time).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_a_commit_is_asked_for_again() {
    servers::on_postgres(contract::a_commit_that_nobody_heard_of_is_made_sure_of).await;
}
