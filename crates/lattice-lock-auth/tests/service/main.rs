//! What auth promises, held against every store with the same tests.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod attacks;
mod facts;
mod hazards;
mod keys;
mod paths;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod servers;
mod sessions;
mod world;

use lattice_lock_repository::Database;
#[cfg(feature = "sqlite")]
use lattice_lock_repository::DatabaseOptions;
use world::{Fact, hold};

/// Each fact, as a test of its own, on the database that `$on` gives.
macro_rules! on_store {
    ($store:ident, $on:path) => {
        mod $store {
            on_store!(@ $on;
                facts::the_first_administrator_is_made_once
                facts::unknown_wrong_and_disabled_are_the_same
                facts::failures_lock_names_that_nobody_has_too
                facts::waits_grow_and_a_success_begins_anew
                facts::guesses_at_the_same_time_are_counted
                facts::a_source_has_its_own_count_over_all_names
                facts::nobody_is_locked_out_from_where_they_signed_in
                facts::neighbours_lock_nobody_out
                facts::a_hash_that_cannot_be_used_tells_nobody
                facts::users_have_one_name_each
                facts::nobody_grants_more_than_they_hold
                facts::roles_of_the_host_count_like_ours
                facts::nobody_removes_themselves
                facts::hashes_of_bcrypt_are_replaced_at_login
                facts::users_move_with_their_passwords
                facts::the_audit_is_a_chain
                facts::two_writers_of_the_audit_make_one_chain
                facts::what_has_expired_is_swept
                sessions::of_many_exchanges_one_wins
                sessions::an_old_token_ends_the_session
                sessions::a_session_ends_after_its_lifetime
                sessions::scopes_narrow_a_session_for_good
                sessions::signing_out_ends_every_token
                sessions::tokens_can_be_called_back
                sessions::refresh_tokens_are_no_access_tokens
                sessions::a_password_that_changes_during_a_login_wins
                keys::a_key_may_what_it_says_and_its_owner_may
                keys::a_key_ends_when_it_expires_is_replaced_or_revoked
                keys::a_wrong_key_is_refused
                keys::keys_are_managed_by_those_who_may
                paths::a_lock_holds_on_every_path
                paths::disabling_holds_on_every_path
                paths::deleting_holds_on_every_path
                paths::a_lesser_role_holds_on_every_path
                paths::a_new_password_holds_on_every_path
                paths::a_reset_password_holds_on_every_path
                paths::ending_sessions_holds_on_every_path
                paths::other_processes_learn_of_it_within_the_delay
                attacks::a_stolen_key_makes_no_places_to_guess_from
                attacks::whoever_goes_away_leaves_an_entry_for_what_was_done
                attacks::a_key_that_was_called_back_has_no_successor
                attacks::a_user_who_was_deleted_leaves_no_key
                attacks::an_old_token_is_noticed_while_its_account_waits
                attacks::tokens_without_a_session_are_called_back_too
                attacks::guesses_hold_up_what_was_proved_for_a_while_and_no_longer
                attacks::an_administrator_opens_an_account
                attacks::the_audit_outlives_its_secrets
                attacks::a_success_at_home_forgets_no_strangers
                attacks::a_right_password_closes_nothing
                attacks::nobody_learns_who_came_from_elsewhere
                attacks::a_clock_that_goes_back_revives_nothing
                attacks::another_name_keeps_the_lock
                hazards::two_administrators_cannot_remove_each_other
                hazards::calling_everything_back_wins_over_an_exchange
                hazards::a_stolen_password_makes_no_places_to_guess_from
                hazards::nobody_bootstraps_beside_users_that_were_imported
                hazards::a_hash_that_cannot_be_computed_tells_nobody
                hazards::an_import_does_not_revive_what_was_called_back
                hazards::a_role_that_is_unknown_here_protects_its_user
                hazards::nobody_deletes_a_user_who_was_promoted_meanwhile
                hazards::a_clock_that_jumps_sweeps_no_revocation_that_counts
                hazards::a_typo_beyond_what_bcrypt_reads_changes_no_password
                hazards::access_ends_with_its_session
                hazards::a_clock_that_jumps_locks_nobody_out_for_days
                hazards::an_import_of_one_name_twice_is_refused
                hazards::other_processes_learn_of_hashes_of_bcrypt
            );
        }
    };
    (@ $on:path; $($module:ident::$fact:ident)+) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $fact() {
            $on(|world| Box::pin(crate::$module::$fact(world))).await;
        })+
    };
}

on_store!(memory, crate::in_memory);
#[cfg(feature = "sqlite")]
on_store!(sqlite, crate::on_sqlite);
#[cfg(feature = "postgres")]
on_store!(postgres, crate::servers::on_postgres);
#[cfg(feature = "mysql")]
on_store!(mysql, crate::servers::on_mysql);

async fn in_memory(fact: Fact) {
    hold(Database::in_memory(), fact).await;
}

#[cfg(feature = "sqlite")]
async fn on_sqlite(fact: Fact) {
    let folder = tempfile::TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("auth.db").display());
    let options = DatabaseOptions::default().echo(true);
    let database = Database::open_with(&url, options).await.unwrap();
    hold(database.clone(), fact).await;
    database.dispose().await;
    for file in folder.path().read_dir().unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        world::planted::none_in("the database's files", &bytes);
    }
}

/// Whoever can write to the table changes, removes or cuts off entries.
#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread")]
async fn an_audit_that_somebody_changed_is_found_out() {
    on_sqlite(|world| Box::pin(facts::changed_entries_are_found(world))).await;
}

/// Whoever can write to the table needs no secret to write entries of a key that nobody knows.
#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread")]
async fn an_audit_that_was_written_anew_under_an_unknown_key_is_found_out() {
    on_sqlite(|world| Box::pin(hazards::a_history_of_an_unknown_key_is_found(world))).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread")]
async fn entries_that_somebody_put_at_the_end_of_the_audit_are_found_out() {
    on_sqlite(|world| Box::pin(hazards::entries_that_were_put_at_the_end_are_found(world))).await;
}
