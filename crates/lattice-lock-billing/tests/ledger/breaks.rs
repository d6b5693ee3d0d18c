//! What should hold and does not.

use std::collections::BTreeSet;
use std::time::Duration;

use lattice_lock_billing::{ForeignAmount, Ledger, Money, Resolution, UsageAccumulator, prove};
use lattice_lock_repository::Database;
use sea_orm::ConnectionTrait;

use crate::contract::{Fact, intent, open};
use crate::{entry, first};

async fn execute(database: &Database, sql: &str) {
    let mut scope = database.writer().unwrap();
    let connection = scope.connection().unwrap();
    connection.execute_unprepared(sql).await.unwrap();
}

fn taken_up_again(database: Database) -> Fact {
    Box::pin(async move {
        let ledger = Ledger::new(&database);
        let attempt = first();
        ledger.intend(intent(attempt)).await.unwrap();
        // One transaction: all are handed in before the writer has its turn.
        let (given_up, ended, again) = tokio::join!(
            ledger.abandon(attempt),
            ledger.withdraw(attempt, None),
            ledger.intend(intent(attempt)),
        );
        given_up.and(ended).and(again).unwrap();
        let intents = ledger.open_intents().await.unwrap();
        assert_eq!(intents[0].instance(), Some(ledger.instance()));
        // It is alive and its lease is not over.
        let done = ledger.recover(|_| Resolution::Withdraw).await.unwrap();
        assert!(done.withdrawn.is_empty());
    })
}

#[tokio::test]
async fn an_attempt_that_is_taken_up_again_behind_its_withdrawal_is_not_anybodys() {
    crate::on_sqlite(taken_up_again).await;
}

#[tokio::test]
async fn an_attempt_that_is_taken_up_again_in_memory_is_not_anybodys() {
    crate::in_memory(taken_up_again).await;
}

fn settled_as_another(database: Database) -> Fact {
    Box::pin(async move {
        let ledger = Ledger::new(&database);
        let attempt = first();
        ledger.intend(intent(attempt)).await.unwrap();
        ledger.abandon(attempt).await.unwrap();
        let (other, mut asked) = (entry(first(), 5), 0);
        let done = ledger.recover(|_| {
            asked += 1;
            // Without this it would go on for ever.
            if asked > 3 {
                return Resolution::Hold;
            }
            Resolution::Settle(Box::new(other.clone()))
        });
        let done = done.await;
        assert_eq!(asked, 1, "asked again and again about the same: {done:?}");
        assert!(done.is_err());
    })
}

#[tokio::test]
async fn a_recovery_that_books_another_attempt_is_told_so() {
    crate::on_sqlite(settled_as_another).await;
}

#[tokio::test]
async fn a_recovery_in_memory_that_books_another_attempt_is_told_so() {
    crate::in_memory(settled_as_another).await;
}

fn an_intent_of_a_newer_version(database: Database) -> Fact {
    Box::pin(async move {
        let ledger = Ledger::new(&database);
        let [newer, ours] = [first(), first()];
        for attempt in [newer, ours] {
            ledger.intend(intent(attempt)).await.unwrap();
            ledger.abandon(attempt).await.unwrap();
        }
        let tier = format!(
            "UPDATE lattice_intents SET service_tier = 'turbo' WHERE attempt_key = '{newer}'"
        );
        execute(&database, &tier).await;
        let done = ledger.recover(|_| Resolution::Withdraw).await.unwrap();
        assert_eq!(done.withdrawn.len(), 1);
    })
}

#[tokio::test]
async fn an_intent_of_a_newer_version_keeps_no_other_from_being_recovered() {
    crate::on_sqlite(an_intent_of_a_newer_version).await;
}

#[test]
fn no_format_cuts_digits_off_an_amount() {
    let amount = Money::cents(123_456);
    for text in [
        format!("{amount:.2}"),
        format!("{amount:.4}"),
        format!("{amount:#.2}"),
    ] {
        assert_eq!(text.parse::<Money>().ok(), Some(amount), "{text}");
    }
}

#[test]
fn a_foreign_amount_from_json_keeps_the_rules_of_one_that_is_made() {
    for (rate, source) in [
        ("-1", "s".to_owned()),
        ("0", "s".into()),
        ("1", "x".repeat(1 << 20)),
    ] {
        let json = serde_json::json!({
            "currency": "EUR", "amount": "10", "usd_per_unit": rate, "source": source,
        });
        let read = serde_json::from_value::<ForeignAmount>(json);
        assert!(
            read.is_err() || read.is_ok_and(|it| it.source().len() <= 64),
            "rate {rate}, source of {}",
            source.len()
        );
    }
}

#[test]
fn an_entry_that_is_there_twice_is_no_proof() {
    let once = entry(first(), 5);
    let returned = UsageAccumulator::of_entries([&once]).unwrap();
    let operation = once.attempt().unwrap().operation();
    assert!(prove(operation, &returned, [&once, &once.clone()]).is_err());
}

fn archived_under_a_correction(database: Database) -> Fact {
    Box::pin(async move {
        let ledger = Ledger::new(&database);
        let attempt = first();
        let kept = ledger.record(entry(attempt, 5), None).await.unwrap().entry;
        let returned = UsageAccumulator::of_entries([&kept]).unwrap();
        let period = (lattice_lock_repository::Timestamp::from_micros(0)
            ..lattice_lock_repository::Timestamp::from_micros(2_000_000))
            .into();
        let archive = ledger.export(period, &mut Vec::new()).await.unwrap();
        let cheaper = kept.corrected("credit note").reported_cost(Money::ZERO);
        ledger.record(cheaper, None).await.unwrap();
        if ledger.archive(&archive).await.is_ok() {
            let left = ledger.of_operation(attempt.operation()).await.unwrap();
            let proved = prove(attempt.operation(), &returned, &left);
            assert!(left.is_empty() || proved.is_ok(), "{proved:?}: {left:?}");
        }
    })
}

#[tokio::test]
async fn an_archive_does_not_tear_a_correction_from_what_it_corrects() {
    crate::on_sqlite(archived_under_a_correction).await;
}

#[cfg(feature = "postgres")]
const HOLD_POSTGRES: &str = "WITH held AS (SELECT 1 FROM lattice_ledger WHERE id = 1 FOR UPDATE) \
     SELECT pg_sleep(2.5) FROM held";
#[cfg(feature = "mysql")]
const HOLD_MYSQL: &str = "UPDATE lattice_ledger SET archives = archives + SLEEP(2.5) WHERE id = 1";

/// Lets another process stall for a while with the ledger's lock.
async fn stall(database: &Database, hold: &'static str) -> tokio::task::JoinHandle<()> {
    let holder = database.clone();
    let held = tokio::spawn(async move { execute(&holder, hold).await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    held
}

async fn leased_after_waiting(database: &Database, hold: &'static str) {
    let lease = Duration::from_secs(1);
    let ledger = Ledger::builder(database).lease(lease).build().unwrap();
    let other = Ledger::new(database);
    other.withdraw(first(), None).await.unwrap();
    let held = stall(database, hold).await;
    let live = first();
    ledger.intend(intent(live)).await.unwrap();
    // It was acknowledged this very moment, and has a lease of a second.
    let done = other.recover(|_| Resolution::Withdraw).await.unwrap();
    held.await.unwrap();
    assert!(done.withdrawn.is_empty(), "a live call was recovered");
    assert_eq!(open(&ledger).await, BTreeSet::from([live]));
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_begins_when_the_lock_is_had_on_postgres() {
    crate::servers::on_postgres(|database| {
        Box::pin(async move { leased_after_waiting(&database, HOLD_POSTGRES).await })
    })
    .await;
}

#[cfg(feature = "mysql")]
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_begins_when_the_lock_is_had_on_mariadb() {
    crate::servers::on_mysql(|database| {
        Box::pin(async move { leased_after_waiting(&database, HOLD_MYSQL).await })
    })
    .await;
}

#[test]
fn a_usage_that_can_be_kept_is_kept_where_its_cost_cannot() {
    use lattice_lock_providers::{Bucket, PriceVersion, TokenUsage};
    let (version, list) = (PriceVersion::new("test"), crate::list("1000000"));
    let usage = TokenUsage::new().with(Bucket::Input, 10_000_000_000);
    let booked = entry(first(), 1).used(usage, Some((&version, &list)));
    assert_eq!(booked.usage(), &usage);
}
