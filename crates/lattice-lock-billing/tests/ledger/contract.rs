use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};

use lattice_lock_billing::{
    AttemptId, Entry, Intent, Ledger, Money, MoneySum, OperationId, Outcome, Unpriced,
    UsageAccumulator, codes, prove,
};
use lattice_lock_principal::Principal;
use lattice_lock_providers::{Bucket, FailureClass, TokenUsage};
use lattice_lock_repository::Database;

use crate::{entry, first, list, priced};

pub(crate) type Fact = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Prepares the tables, then holds a fact against them.
pub(crate) async fn run(database: Database, fact: fn(Database) -> Fact) {
    #[cfg(feature = "__sql")]
    database.migrate(Ledger::MIGRATIONS).await.unwrap();
    fact(database).await;
}

macro_rules! facts {
    ($(async fn $name:ident($ledger:ident: Ledger) $body:block)+) => {
        $(pub(crate) fn $name(database: Database) -> Fact {
            let $ledger = Ledger::new(&database);
            Box::pin(async move { $body })
        })+
    };
}

fn intent(attempt: AttemptId) -> Intent {
    let who = Principal::external("user-17").unwrap();
    Intent::new(attempt, &who, "openai/gpt-5-mini".parse().unwrap())
}

async fn open(ledger: &Ledger) -> BTreeSet<AttemptId> {
    ledger
        .open_intents()
        .await
        .unwrap()
        .iter()
        .map(Intent::attempt)
        .collect()
}

facts! {
    async fn an_entry_reads_back_as_it_was_written(ledger: Ledger) {
        let usage = Bucket::ALL.into_iter().fold(TokenUsage::new(), |usage, bucket| {
            usage.with(bucket, bucket.index() as u64 + 1)
        });
        let written = entry(first(), 1)
            .used(usage.with_total(66), None)
            .served("gpt-5-mini-2025-08-07".parse().unwrap())
            .provider_request_id("req-1")
            .task_type("translation")
            .latency(std::time::Duration::from_micros(1234));
        let recorded = ledger.record(written.clone(), None).await.unwrap();
        let read = ledger.of_operation(written.attempt().operation()).await.unwrap();
        assert_eq!(read, std::slice::from_ref(&recorded.entry));
        assert_eq!(read[0].payload_hash(), written.payload_hash());
        assert_eq!((read[0].usage(), read[0].id()), (written.usage(), recorded.entry.id()));
    }

    async fn a_replay_returns_what_is_kept_and_changes_nothing(ledger: Ledger) {
        let attempt = first();
        let kept = ledger.record(entry(attempt, 5), None).await.unwrap();
        let again = ledger.record(entry(attempt, 5), None).await.unwrap();
        assert!(!kept.replayed && again.replayed);
        assert_eq!(kept.entry, again.entry);
        assert_eq!(ledger.total().await.unwrap().entries, 1);
    }

    async fn the_very_same_entry_again_is_a_replay_and_with_other_figures_a_conflict(ledger: Ledger) {
        let written = entry(first(), 5);
        let kept = ledger.record(written.clone(), None).await.unwrap();
        let again = ledger.record(written.clone(), None).await.unwrap();
        assert_eq!((kept.replayed, again.replayed), (false, true));
        assert_eq!(kept.entry, again.entry);
        let other = written.used(TokenUsage::new().with(Bucket::Input, 6), None);
        let refused = ledger.record(other, None).await;
        assert_eq!(refused.unwrap_err().code(), codes::ENTRY_CONFLICT);
    }

    async fn of_many_writers_of_the_very_same_entry_one_is_the_first(ledger: Ledger) {
        for _ in 0..10 {
            let written = entry(first(), 5);
            let writers: Vec<_> = (0..8)
                .map(|_| {
                    let (ledger, written) = (ledger.clone(), written.clone());
                    tokio::spawn(async move { ledger.record(written, None).await.unwrap().replayed })
                })
                .collect();
            let mut fresh = 0;
            for writer in writers {
                fresh += usize::from(!writer.await.unwrap());
            }
            assert_eq!(fresh, 1);
        }
    }

    async fn whatever_a_provider_calls_things_can_be_booked(ledger: Ledger) {
        for odd in ["nul\0", "\u{1}\u{7f}\u{85}", "", " x ", &"x".repeat(70_000), &"👩".repeat(70_000), "\u{ffff}\u{202e}"] {
            let version = lattice_lock_providers::PriceVersion::new(odd);
            let written = entry(first(), 5)
                .used(TokenUsage::new().with(Bucket::Input, 5), Some((&version, &list("1"))))
                .provider_request_id(odd)
                .task_type(odd);
            let recorded = ledger.record(written.clone(), None).await.unwrap();
            let read = ledger.of_operation(written.attempt().operation()).await.unwrap();
            assert_eq!(read, [recorded.entry]);
            assert_eq!(read[0].payload_hash(), written.payload_hash());
        }
    }

    async fn an_intent_that_comes_while_its_entry_is_booked_is_not_left(ledger: Ledger) {
        for _ in 0..60 {
            let attempt = first();
            let late = tokio::spawn({
                let ledger = ledger.clone();
                async move { ledger.intend(intent(attempt)).await }
            });
            ledger.record(entry(attempt, 5), None).await.unwrap();
            late.await.unwrap().unwrap();
        }
        assert_eq!(open(&ledger).await, BTreeSet::new());
    }

    async fn a_dropped_read_leaves_nothing_behind(ledger: Ledger) {
        let attempt = first();
        ledger.record(entry(attempt, 5), None).await.unwrap();
        for round in 0..60 {
            let mut read = Box::pin(ledger.of_operation(attempt.operation()));
            for _ in 0..round % 20 {
                if is_done(read.as_mut()) {
                    break;
                }
                // Another read gives the engine the time to answer.
                ledger.total().await.unwrap();
            }
        }
        for _ in 0..40 {
            assert_eq!(ledger.total().await.unwrap().entries, 1);
            ledger.record(entry(attempt, 5), None).await.unwrap();
        }
    }

    async fn other_figures_for_the_same_attempt_are_refused_and_change_nothing(ledger: Ledger) {
        let attempt = first();
        ledger.intend(intent(attempt)).await.unwrap();
        ledger.record(entry(attempt, 5), None).await.unwrap();
        let before = ledger.total().await.unwrap();
        let refused = ledger.record(entry(attempt, 6), Some(intent(attempt.next_attempt()))).await;
        assert_eq!(refused.unwrap_err().code(), codes::ENTRY_CONFLICT);
        assert_eq!(ledger.total().await.unwrap(), before);
        assert!(open(&ledger).await.is_empty());
    }

    async fn an_entry_and_the_intents_around_it_change_together(ledger: Ledger) {
        let attempt = first();
        for _ in 0..2 {
            ledger.intend(intent(attempt)).await.unwrap();
        }
        assert_eq!(open(&ledger).await, BTreeSet::from([attempt]));
        ledger.record(entry(attempt, 5), Some(intent(attempt.next_attempt()))).await.unwrap();
        assert_eq!(open(&ledger).await, BTreeSet::from([attempt.next_attempt()]));
        ledger.record(entry(attempt.next_attempt(), 5), None).await.unwrap();
        assert!(open(&ledger).await.is_empty());
    }

    async fn what_was_certainly_not_billed_is_withdrawn_without_an_entry(ledger: Ledger) {
        let attempt = first();
        ledger.intend(intent(attempt)).await.unwrap();
        ledger.withdraw(attempt, Some(intent(attempt.next_attempt()))).await.unwrap();
        assert_eq!(open(&ledger).await, BTreeSet::from([attempt.next_attempt()]));
        assert_eq!(ledger.total().await.unwrap().entries, 0);
    }

    async fn an_intent_after_its_entry_is_not_reopened(ledger: Ledger) {
        let attempt = first();
        ledger.record(entry(attempt, 5), None).await.unwrap();
        ledger.intend(intent(attempt)).await.unwrap();
        assert!(open(&ledger).await.is_empty());
    }

    async fn every_attempt_is_booked_once_whoever_repeats_it(ledger: Ledger) {
        let attempts: Vec<AttemptId> = (0..16).map(|_| first()).collect();
        let writers: Vec<_> = (0..8)
            .map(|_| {
                let (ledger, attempts) = (ledger.clone(), attempts.clone());
                tokio::spawn(async move {
                    let mut fresh = 0;
                    for (n, attempt) in attempts.into_iter().enumerate() {
                        ledger.intend(intent(attempt)).await.unwrap();
                        let recorded = ledger.record(entry(attempt, n as u64), None).await.unwrap();
                        fresh += usize::from(!recorded.replayed);
                    }
                    fresh
                })
            })
            .collect();
        let mut fresh = 0;
        for writer in writers {
            fresh += writer.await.unwrap();
        }
        let total = ledger.total().await.unwrap();
        assert_eq!((fresh, total.entries), (16, 16));
        assert_eq!(total.total_usd, MoneySum::from_nanos((0..16).sum::<i128>() * 1000));
        assert!(open(&ledger).await.is_empty());
    }

    async fn sums_beyond_64_bits_are_exact(ledger: Ledger) {
        // 9,223,372,036 dollars and 7 nano-dollars more each time: three of them leave 64 bits.
        let mut expected = MoneySum::default();
        for _ in 0..3 {
            let huge = priced(first(), 9_223_372, "1000000000");
            let small = priced(first(), 7, "0.001");
            for entry in [huge, small] {
                expected = expected + entry.cost().amount().unwrap().into();
                ledger.record(entry, None).await.unwrap();
            }
        }
        assert!(expected.to_money().is_none());
        assert_eq!(ledger.total().await.unwrap().total_usd, expected);
    }

    async fn unpriced_entries_are_counted_and_not_summed(ledger: Ledger) {
        let unpriced = |attempt| entry(attempt, 1).used(TokenUsage::new().with(Bucket::Input, 1), None);
        ledger.record(unpriced(first()), None).await.unwrap();
        ledger.record(entry(first(), 0), None).await.unwrap();
        let failed = Entry::new(
            first(),
            &Principal::service("nightly").unwrap(),
            "openai/gpt-5".parse().unwrap(),
            Outcome::Failed(FailureClass::Timeout),
        );
        let failed = ledger.record(failed.unwrap(), None).await.unwrap().entry;
        let read = ledger.of_operation(failed.attempt().operation()).await.unwrap();
        assert_eq!(read[0].cost(), &lattice_lock_billing::Cost::Unpriced(Unpriced::NoUsage));
        let total = ledger.total().await.unwrap();
        assert_eq!((total.entries, total.unpriced, total.total_usd), (3, 2, Money::ZERO.into()));
    }

    async fn labels_of_any_script_and_length_survive(ledger: Ledger) {
        for label in ["ünïcode", "日本語チーム", "👩‍💻", "a'b\"c\\d;--", "Search", "search", &"é".repeat(128)] {
            let who = Principal::external("user-17").unwrap().team(label).tag("x", label);
            let attempt = first();
            let model = "openai/gpt-5".parse().unwrap();
            let entry = Entry::new(attempt, &who, model, Outcome::Replied).unwrap();
            ledger.record(entry, None).await.unwrap();
            let read = ledger.of_operation(attempt.operation()).await.unwrap();
            assert_eq!(read[0].attribution().team(), Some(label));
        }
    }

    async fn pages_follow_the_keys(ledger: Ledger) {
        for _ in 0..7 {
            ledger.record(entry(first(), 1), None).await.unwrap();
        }
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = ledger.list(after, 3).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.id());
            seen.extend(page.iter().map(Entry::id));
        }
        assert_eq!(seen.len(), 7);
        assert!(seen.windows(2).all(|pair| pair[0] < pair[1]));
        for limit in [0, 1001] {
            assert_eq!(ledger.list(None, limit).await.unwrap_err().code(), codes::LISTING_TOO_LARGE);
        }
    }

    async fn a_dropped_booking_is_whole_or_absent(ledger: Ledger) {
        for polls in 0..40 {
            let attempt = first();
            ledger.intend(intent(attempt)).await.unwrap();
            {
                let mut booking = Box::pin(ledger.record(entry(attempt, 5), None));
                for _ in 0..polls {
                    if is_done(booking.as_mut()) {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            }
            // A write of the same attempt waits for whatever the dropped one still holds.
            let booked = ledger.record(entry(attempt, 5), None).await.unwrap();
            assert_eq!(booked.entry.attempt(), attempt);
            assert_eq!(ledger.of_operation(attempt.operation()).await.unwrap().len(), 1);
        }
        assert!(open(&ledger).await.is_empty());
        assert_eq!(ledger.total().await.unwrap().entries, 40);
    }

    async fn a_flush_waits_for_writes_whose_callers_went_away(ledger: Ledger) {
        for _ in 0..20 {
            let attempt = first();
            // Polled once, so that the write has begun, and dropped.
            let _begun = is_done(Box::pin(ledger.record(entry(attempt, 5), None)).as_mut());
            ledger.flush().await;
            assert_eq!(ledger.of_operation(attempt.operation()).await.unwrap().len(), 1);
        }
    }

    async fn random_histories_agree_with_the_model(ledger: Ledger) {
        let mut random = Random(0x5eed);
        let operations: Vec<OperationId> = (0..4).map(|_| OperationId::generate()).collect();
        let (mut booked, mut intents) = (BTreeMap::<AttemptId, u64>::new(), BTreeSet::new());
        for _ in 0..120 {
            let operation = operations[random.below(4)];
            let attempt = AttemptId::new(operation, 1, u16::try_from(1 + random.below(6)).unwrap());
            let input = random.below(2) as u64;
            match random.below(3) {
                0 => {
                    ledger.intend(intent(attempt)).await.unwrap();
                    if !booked.contains_key(&attempt) {
                        intents.insert(attempt);
                    }
                }
                with_next => {
                    let next = (with_next == 2).then(|| attempt.next_attempt());
                    let outcome = ledger.record(entry(attempt, input), next.map(intent)).await;
                    let known = booked.get(&attempt).copied();
                    assert_eq!(outcome.is_err(), known.is_some_and(|kept| kept != input));
                    if let Ok(recorded) = outcome {
                        assert_eq!(recorded.replayed, known.is_some());
                        booked.insert(attempt, input);
                        intents.remove(&attempt);
                        intents.extend(next.filter(|next| !booked.contains_key(next)));
                    }
                }
            }
        }
        assert_eq!(open(&ledger).await, intents);
        let tokens: u64 = booked.values().sum();
        let total = ledger.total().await.unwrap();
        assert_eq!((total.entries, total.total_usd.nanos()), (booked.len() as u64, i128::from(tokens) * 1000));
        for operation in operations {
            let entries = ledger.of_operation(operation).await.unwrap();
            let mut returned = UsageAccumulator::default();
            for (attempt, input) in booked.iter().filter(|(attempt, _)| attempt.operation() == operation) {
                let entry = entry(*attempt, *input);
                returned.add(entry.usage(), entry.cost()).unwrap();
            }
            prove(operation, &returned, &UsageAccumulator::of_entries(&entries).unwrap()).unwrap();
        }
    }
}

fn is_done<T>(future: Pin<&mut impl Future<Output = T>>) -> bool {
    future
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_ready()
}

/// Changes each column of a row behind the ledger's back.
#[cfg(feature = "sqlite")]
pub(crate) fn changed_rows_are_noticed(database: Database) -> Fact {
    Box::pin(async move { changed_rows(&database).await })
}

#[cfg(feature = "sqlite")]
async fn changed_rows(database: &Database) {
    use sea_orm::ConnectionTrait;

    for change in [
        "cost_nanos = cost_nanos + 1",
        "cost_nanos = NULL",
        "cost_state = 'free'",
        "input_tokens = NULL",
        "input_tokens = -1",
        "principal_id = 'user-18'",
        "attribution = '{}'",
        "outcome = 'timeout'",
        "occurred_at = 0",
        "turn = 70000",
    ] {
        let ledger = Ledger::new(database);
        let attempt = first();
        ledger.record(entry(attempt, 5), None).await.unwrap();
        let sql =
            format!("UPDATE lattice_entries SET {change} WHERE idempotency_key = '{attempt}'");
        database
            .transaction(move |scope| {
                let sql = sql.clone();
                Box::pin(async move {
                    scope.connection()?.execute_unprepared(&sql).await.unwrap();
                    Ok(())
                })
            })
            .await
            .unwrap();
        let read = ledger.of_operation(attempt.operation()).await;
        assert_eq!(read.unwrap_err().code(), codes::LEDGER_CORRUPT, "{change}");
    }
}

/// Ends the connection of the first booking while it commits.
#[cfg(feature = "postgres")]
pub(crate) fn a_commit_that_nobody_heard_of_is_made_sure_of(database: Database) -> Fact {
    Box::pin(async move {
        for sql in [
            "CREATE SEQUENCE commits",
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF nextval('commits') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; \
             RETURN NULL; END $$",
            "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON lattice_entries \
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()",
        ] {
            let mut scope = database.reader().unwrap();
            let connection = scope.connection().unwrap();
            sea_orm::ConnectionTrait::execute_unprepared(connection, sql)
                .await
                .unwrap();
        }
        let ledger = Ledger::new(&database);
        let attempt = first();
        ledger.intend(intent(attempt)).await.unwrap();
        let recorded = ledger.record(entry(attempt, 5), None).await.unwrap();
        assert!(!recorded.replayed);
        assert_eq!(ledger.total().await.unwrap().entries, 1);
        assert!(open(&ledger).await.is_empty());
    })
}

/// A small generator with a seed, so that a history can be repeated (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % most as u64).unwrap()
    }
}
