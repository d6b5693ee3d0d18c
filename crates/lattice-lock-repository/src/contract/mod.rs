//! What every [`Repository`](crate::Repository) and every [`Database`](crate::Database) promises, as tests that run on
//! any implementation.
//!
//! [`repository_contract!`](crate::repository_contract) turns each fact into a test. An implementation of one's own
//! keeps [`Note`]s for it.
//!
//! ```
//! use std::sync::Arc;
//!
//! use lattice_lock_repository::contract::{Fact, Subject};
//! use lattice_lock_repository::{Database, MemoryRepository};
//!
//! async fn in_memory(fact: Fact) {
//!     Subject::new(Database::in_memory(), Arc::new(MemoryRepository::new())).hold(fact).await;
//! }
//!
//! lattice_lock_repository::repository_contract!(memory, crate::in_memory);
//! # fn main() {}
//! ```

#[doc(hidden)]
pub mod facts;
mod note;
mod subject;

use std::future::Future;

pub use note::Note;
#[cfg(feature = "__sql")]
pub use note::{NOTES, NoteTable};
pub use subject::{Fact, Subject};

/// Runs a fact on what `on` gives it, in a runtime of several threads.
#[doc(hidden)]
pub fn hold<On: Future<Output = ()>>(on: fn(Fact) -> On, fact: Fact) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(on(fact)),
        Err(error) => panic!("no runtime: {error}"),
    }
}

/// The tests of the [contract](crate::contract) for one store: a module of this name, with a test for each fact.
///
/// The second argument is the path, from the crate's root, of an `async fn(Fact)`: it makes an empty store, lets
/// [`Subject::hold`](crate::contract::Subject::hold) hold the fact against it, and removes the store.
#[macro_export]
macro_rules! repository_contract {
    ($store:ident, $on:path) => {
        mod $store {
            $crate::repository_contract!(@ $on;
                what_is_created_reads_back
                extreme_and_foreign_values_survive
                what_is_missing_is_not_found
                an_update_of_an_old_version_is_refused_and_changes_nothing
                a_unique_value_is_refused_and_free_again_afterwards
                unique_values_differ_when_their_bytes_do
                what_is_deleted_is_gone
                many_are_created_together_or_not_at_all
                more_than_fit_into_a_statement_are_created_together
                keys_follow_the_order_of_creation
                pages_neither_shift_nor_repeat_when_entities_come
                a_listing_goes_through_all_and_leaves_the_scope_free
                pages_under_concurrent_inserts_repeat_nothing
                a_transaction_that_succeeds_is_committed_as_a_whole
                an_error_undoes_the_whole_transaction
                a_panic_undoes_the_whole_transaction
                what_a_method_refuses_leaves_the_transaction_usable
                a_failed_statement_cannot_be_committed
                a_nested_part_is_undone_by_itself
                a_nested_part_in_a_nested_part_is_undone_with_it
                a_nested_part_that_is_dropped_is_undone
                a_failure_inside_a_nested_part_does_not_spoil_the_rest
                reading_scopes_refuse_to_write
                contention_is_retried_so_often_and_no_more
                other_errors_are_not_retried
                uncommitted_changes_are_seen_by_nobody_else
                a_transaction_dropped_at_any_point_is_whole_or_absent
                an_operation_dropped_at_any_point_is_whole_or_absent
                of_many_writers_of_one_version_exactly_one_wins
                no_update_is_lost_with_versions
                no_update_is_lost_in_transactions
                serialisable_transactions_have_no_write_skew
                a_database_that_was_reset_is_empty_and_usable
                a_database_that_was_disposed_of_says_so
                sixty_four_writers_all_get_their_entities_in
            );
        }
    };
    (@ $on:path; $($fact:ident)+) => {
        $(#[test]
        fn $fact() {
            $crate::contract::hold($on, |subject| ::std::boxed::Box::pin($crate::contract::facts::$fact(subject)));
        })+
    };
}
