use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use lattice_lock_billing::{
    AttemptId, Cost, Discount, Entry, EntryKind, ForeignAmount, InstanceId, Intent, Ledger, Money,
    MoneySum, OperationId, Outcome, Period, Position, Resolution, Tariff, Unpriced,
    UsageAccumulator, codes, prove,
};
use lattice_lock_principal::Principal;
use lattice_lock_providers::{
    Bucket, Catalogue, FailureClass, PriceVersion, ServiceTier, TokenUsage,
};
use lattice_lock_repository::{Database, Timestamp};

use crate::{entry, first, list, priced};

pub(crate) type Fact = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Prepares the tables, then holds a fact against them.
pub(crate) async fn run(database: Database, fact: fn(Database) -> Fact) {
    #[cfg(feature = "__sql")]
    database.migrate(Ledger::MIGRATIONS).await.unwrap();
    fact(database).await;
}

/// Whether two views of the ledger are two processes, each with what it has under way.
pub(crate) fn process(database: &Database, first: &Ledger) -> Ledger {
    match database.engine() {
        lattice_lock_repository::Engine::Memory => first.as_instance(InstanceId::generate()),
        _ => Ledger::new(database),
    }
}

macro_rules! facts {
    ($(async fn $name:ident($ledger:ident: Ledger) $body:block)+) => {
        $(pub(crate) fn $name(database: Database) -> Fact {
            let $ledger = Ledger::new(&database);
            Box::pin(async move { $body })
        })+
    };
}

pub(crate) fn intent(attempt: AttemptId) -> Intent {
    let who = Principal::external("user-17").unwrap();
    Intent::new(attempt, &who, "openai/gpt-5-mini".parse().unwrap())
}

pub(crate) async fn open(ledger: &Ledger) -> BTreeSet<AttemptId> {
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
        let read = ledger.of_operation(written.attempt().unwrap().operation()).await.unwrap();
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
            let read = ledger.of_operation(written.attempt().unwrap().operation()).await.unwrap();
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

    async fn of_many_at_once_those_that_were_there_before_do_no_harm(ledger: Ledger) {
        for round in 1..=3 {
            let known: Vec<AttemptId> = (0..16).map(|_| first()).collect();
            for attempt in &known {
                ledger.record(entry(*attempt, 5), None).await.unwrap();
            }
            let writers: Vec<_> = (0..64)
                .map(|n| {
                    let (ledger, known) = (ledger.clone(), known[n % 16]);
                    tokio::spawn(async move {
                        let next = Some(intent(known));
                        let outcome = match n % 4 {
                            0 => ledger.record(entry(known, 5), None).await,
                            1 => ledger.record(entry(known, 6), None).await,
                            2 => ledger.record(entry(first(), 5), next).await,
                            _ => ledger.record(entry(first(), 5), None).await,
                        };
                        (n % 4, outcome.map(|recorded| recorded.replayed))
                    })
                })
                .collect();
            for writer in writers {
                match writer.await.unwrap() {
                    (0, outcome) => assert_eq!(outcome.ok(), Some(true)),
                    (1, outcome) => assert_eq!(outcome.unwrap_err().code(), codes::ENTRY_CONFLICT),
                    (_, outcome) => assert_eq!(outcome.ok(), Some(false)),
                }
            }
            let entries = ledger.list(None, 1000).await.unwrap();
            let positions: Vec<_> = entries.iter().filter_map(Entry::position).collect();
            assert_eq!(positions, (1..=48 * round).map(Position::new).collect::<Vec<_>>());
            assert!(open(&ledger).await.is_empty());
        }
    }

    async fn what_is_opened_behind_its_being_given_up_is_not_given_up(ledger: Ledger) {
        for is_there in [false, true].repeat(10) {
            let attempt = first();
            if is_there {
                ledger.intend(intent(attempt)).await.unwrap();
            }
            let (ended, given_up, again) = tokio::join!(
                ledger.withdraw(attempt, None),
                ledger.abandon(attempt),
                ledger.intend(intent(attempt)),
            );
            ended.and(given_up).and(again).unwrap();
            let intents = ledger.open_intents().await.unwrap();
            let found = intents.iter().find(|it| it.attempt() == attempt).unwrap();
            assert_eq!(found.instance(), Some(ledger.instance()));
        }
        // It is alive, and its lease is not over.
        let done = ledger.recover(|_| Resolution::Withdraw).await.unwrap();
        assert!(done.withdrawn.is_empty());
    }

    async fn a_correction_that_is_refused_does_not_give_up_what_is_under_way(ledger: Ledger) {
        let attempt = first();
        ledger.intend(intent(attempt)).await.unwrap();
        let early = ledger.record(entry(attempt, 5).corrected("too early"), None).await;
        assert_eq!(early.unwrap_err().code(), codes::NOTHING_TO_CORRECT);
        ledger.flush(Duration::from_mins(1)).await.unwrap();
        let intents = ledger.open_intents().await.unwrap();
        assert_eq!(intents[0].instance(), Some(ledger.instance()));
    }

    async fn sums_beyond_64_bits_are_exact(ledger: Ledger) {
        // 9,223,372,036 dollars and 7 nano-dollars more each time: three of them leave 64 bits.
        let mut expected = MoneySum::default();
        for _ in 0..3 {
            let huge = priced(first(), 9_223_372, "1000000000");
            let small = priced(first(), 7, "0.001");
            for entry in [huge, small] {
                expected = expected.checked_add(entry.cost().amount().unwrap().into()).unwrap();
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
        let read = ledger.of_operation(failed.attempt().unwrap().operation()).await.unwrap();
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

    async fn pages_follow_the_order_of_commits(ledger: Ledger) {
        for _ in 0..7 {
            ledger.record(entry(first(), 1), None).await.unwrap();
        }
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = ledger.list(after, 3).await.unwrap();
            let Some(last) = page.last() else { break };
            after = last.position();
            seen.extend(page.iter().map(Entry::position));
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
            assert_eq!(booked.entry.attempt(), Some(attempt));
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
            ledger.flush(Duration::from_mins(1)).await.unwrap();
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
            prove(operation, &returned, &entries).unwrap();
        }
    }
    async fn a_correction_is_a_revision_that_changes_the_total_by_the_difference(ledger: Ledger) {
        let attempt = first();
        let kept = ledger.record(entry(attempt, 5), None).await.unwrap().entry;
        let usage = TokenUsage::new().with(Bucket::Input, 3);
        let version = PriceVersion::new("test");
        let less = kept.corrected("counted twice").used(usage, Some((&version, &list("1"))));
        let corrected = ledger.record(less.clone(), None).await.unwrap();
        assert!(!corrected.replayed);
        let corrected = corrected.entry;
        assert_eq!((corrected.revision(), corrected.kind()), (1, EntryKind::Correction));
        assert_eq!((corrected.effect().nanos(), corrected.reason()), (-2000, Some("counted twice")));
        assert!(ledger.record(less.clone(), None).await.unwrap().replayed);
        let other = kept.corrected("something else");
        assert_eq!(ledger.record(other, None).await.unwrap_err().code(), codes::ENTRY_CONFLICT);
        let unpriced = corrected.corrected("the price was wrong").used(usage, None);
        ledger.record(unpriced.clone(), None).await.unwrap();
        let total = ledger.total().await.unwrap();
        assert_eq!((total.entries, total.unpriced, total.total_usd.nanos()), (3, 1, 0));
        let entries = ledger.of_operation(attempt.operation()).await.unwrap();
        assert_eq!(entries.iter().map(Entry::revision).collect::<Vec<_>>(), [0, 1, 2]);
        let sum = UsageAccumulator::of_entries(&entries).unwrap();
        assert_eq!((sum.attempts(), sum.unpriced(), sum.count(Bucket::Input)), (1, 1, Some(3)));
        let void = entries[2].voided("credit note");
        assert_eq!(ledger.record(void, None).await.unwrap().entry.cost(), &Cost::Void);
        let total = ledger.total().await.unwrap();
        assert_eq!((total.entries, total.unpriced, total.total_usd.nanos()), (4, 0, 0));
        let entries = ledger.of_operation(attempt.operation()).await.unwrap();
        assert_eq!(UsageAccumulator::of_entries(&entries).unwrap().attempts(), 0);
    }

    async fn what_is_not_there_cannot_be_corrected(ledger: Ledger) {
        let nobody = entry(first(), 5).corrected("why not");
        let refused = ledger.record(nobody, None).await.unwrap_err();
        assert_eq!(refused.code(), codes::NOTHING_TO_CORRECT);
        let kept = ledger.record(entry(first(), 5), None).await.unwrap().entry;
        let second = kept.corrected("one").corrected("two");
        assert_eq!(ledger.record(second, None).await.unwrap_err().code(), codes::NOTHING_TO_CORRECT);
        assert_eq!(ledger.total().await.unwrap().entries, 1);
    }

    async fn every_kind_of_entry_reads_back_with_all_it_says(ledger: Ledger) {
        let (version, list) = (PriceVersion::new("contract-7"), list("0.25"));
        let tariff = Tariff::new(&version, &list)
            .for_service(ServiceTier::Batch)
            .discounted(Discount::percent("12.5").unwrap());
        let usage = TokenUsage::new().with(Bucket::Input, 1_000).with_total(1_000);
        let euros = ForeignAmount::new("EUR".parse().unwrap(), "0.10", "1.08", "ECB").unwrap();
        let who = Principal::service("nightly").unwrap().team("t").project("p").tag("a", "b");
        let charge = Entry::charge("invoice 7/1".parse().unwrap(), &who, "openai/file_storage".parse().unwrap(), Money::cents(5));
        let drafts = [
            entry(first(), 1).rated(usage, Some(&tariff)).in_conversation("c-1"),
            entry(first(), 1).estimated(usage, Some(&tariff)),
            entry(first(), 1).reported_cost(Money::cents(7)),
            entry(first(), 1).reported_foreign_cost(euros.clone()).unwrap(),
            entry(first(), 1).used_in_part(usage).latency(Duration::from_millis(3)),
            charge.unwrap(),
        ];
        let mut written = Vec::new();
        for draft in drafts {
            let kept = ledger.record(draft.clone(), None).await.unwrap().entry;
            assert!(ledger.record(draft, None).await.unwrap().replayed);
            written.push(kept);
        }
        assert_eq!(ledger.list(None, 10).await.unwrap(), written);
        assert_eq!(written[0].cost().amount().unwrap().nanos(), 218_750);
        assert_eq!((written[0].tier(), written[0].discount().millionths()), (ServiceTier::Batch, 125_000));
        assert!(written[1].cost().is_estimated());
        assert_eq!(written[3].cost().to_string(), "$0.108 (by the provider)");
        assert_eq!(written[3].foreign_amount(), Some(&euros));
        assert_eq!((written[5].kind(), written[5].attempt()), (EntryKind::Charge, None));
    }

    async fn a_charge_is_booked_once_under_its_key(ledger: Ledger) {
        let who = Principal::service("nightly").unwrap();
        let charge = |key: &str, cents| {
            let what = "openai/file_storage".parse().unwrap();
            let at = Timestamp::from_micros(7);
            Entry::charge(key.parse().unwrap(), &who, what, Money::cents(cents)).unwrap().occurred_at(at)
        };
        let kept = ledger.record(charge("a", 5), None).await.unwrap().entry;
        assert!(ledger.record(charge("a", 5), None).await.unwrap().replayed);
        assert_eq!(ledger.record(charge("a", 6), None).await.unwrap_err().code(), codes::ENTRY_CONFLICT);
        // Neither case, a space, nor what looks like a revision makes another key the same one.
        for key in ["A", "a ", " a", "a#1", "á"] {
            assert!(!ledger.record(charge(key, 5), None).await.unwrap().replayed, "{key:?}");
        }
        ledger.record(kept.corrected("cheaper").reported_cost(Money::cents(1)), None).await.unwrap();
        assert_eq!(ledger.total().await.unwrap().total_usd, Money::cents(26).into());
    }

    async fn only_expired_intents_of_others_are_recovered(ledger: Ledger) {
        let (sibling, starting) = (InstanceId::generate(), ledger.as_instance(InstanceId::generate()));
        let live = ledger.as_instance(sibling);
        live.intend(intent(first())).await.unwrap();
        let nobody = starting.recover(|_| Resolution::Withdraw).await.unwrap();
        assert_eq!((nobody.withdrawn.len(), nobody.left), (0, 0));
        assert_eq!(ledger.open_intents().await.unwrap()[0].instance(), Some(sibling));
    }

    async fn a_dropped_intent_is_not_reopened_behind_its_withdrawal(ledger: Ledger) {
        for _ in 0..40 {
            let attempt = first();
            let _begun = is_done(Box::pin(ledger.intend(intent(attempt))).as_mut());
            ledger.withdraw(attempt, None).await.unwrap();
        }
        ledger.flush(Duration::from_mins(1)).await.unwrap();
        assert_eq!(open(&ledger).await, BTreeSet::new());
    }

    async fn repricing_appends_what_differs_and_nothing_the_second_time(ledger: Ledger) {
        let catalogue = |usd: &str| {
            let text = r#"{"version": "new", "sources": [], "models": [{"provider": "openai", "name": "gpt-5-mini",
                "context_window": 9, "output_limit": 9,
                "prices": [{"from": "1970-01-01", "usd_per_million": {"input": "USD"}}]}]}"#;
            Catalogue::from_json(&text.replace("USD", usd)).unwrap()
        };
        let unpriced = entry(first(), 7).used(TokenUsage::new().with(Bucket::Input, 7), None);
        let drafts = [entry(first(), 5), unpriced, entry(first(), 9).reported_cost(Money::cents(1)), entry(first(), 0)];
        for draft in drafts {
            ledger.record(draft, None).await.unwrap();
        }
        let kept = ledger.record(entry(first(), 11), None).await.unwrap().entry;
        ledger.record(kept.voided("never happened"), None).await.unwrap();
        let all = Period::new(Timestamp::from_micros(0), Timestamp::from_micros(2_000_000));
        let none = Period::new(Timestamp::from_micros(0), Timestamp::from_micros(1_000_000));
        assert_eq!(ledger.reprice(none, &catalogue("3")).await.unwrap().examined, 0);
        let done = ledger.reprice(all, &catalogue("3")).await.unwrap();
        assert_eq!((done.examined, done.corrected, done.difference_usd.nanos()), (5, 2, 10_000 + 21_000));
        let total = ledger.total().await.unwrap();
        assert_eq!((total.unpriced, total.total_usd.nanos()), (0, 15_000 + 21_000 + 10_000_000));
        assert_eq!(ledger.reprice(all, &catalogue("3")).await.unwrap().corrected, 0);
        let back = ledger.reprice(all, &catalogue("1")).await.unwrap();
        assert_eq!((back.corrected, back.difference_usd.nanos()), (2, -10_000 - 14_000));
    }

    async fn a_closed_period_is_archived_whole_and_its_totals_and_keys_are_kept(ledger: Ledger) {
        let at = |micros| Timestamp::from_micros(micros);
        let kept = ledger.record(entry(first(), 5), None).await.unwrap().entry;
        let fixed = kept.corrected("x").used(TokenUsage::new().with(Bucket::Input, 1), None);
        let fixed = ledger.record(fixed, None).await.unwrap().entry;
        let later = entry(first(), 7).occurred_at(at(5_000_000));
        ledger.record(later.clone(), None).await.unwrap();
        let before = ledger.total().await.unwrap();
        let period = Period::new(at(0), at(5_000_000));
        let mut file = Vec::new();
        let stale = ledger.export(period, &mut file).await.unwrap();
        let void = ledger.record(fixed.voided("y"), None).await.unwrap().entry;
        let after = ledger.total().await.unwrap();
        assert_eq!((before.unpriced, after.unpriced), (1, 0));
        // A revision that came after the export would stay without what it corrects.
        assert_eq!(ledger.archive(&stale).await.unwrap_err().code(), codes::PERIOD_OPEN);
        assert_eq!(ledger.total().await.unwrap(), after);
        assert_eq!(ledger.archives().await.unwrap(), []);
        assert_eq!(String::from_utf8(file).unwrap().lines().count(), 2);
        // So would one of a charge that is dated into another period.
        let who = Principal::external("user-17").unwrap();
        let what = "openai/file_storage".parse().unwrap();
        let charge = Entry::charge("1".parse().unwrap(), &who, what, Money::cents(1)).unwrap();
        let charge = ledger.record(charge.occurred_at(at(1)), None).await.unwrap().entry;
        let moved = charge.voided("not ours").occurred_at(at(6_000_000));
        ledger.record(moved, None).await.unwrap();
        let torn = ledger.export(period, &mut Vec::new()).await.unwrap();
        assert_eq!(ledger.archive(&torn).await.unwrap_err().code(), codes::PERIOD_OPEN);
        let others = Period::new(at(6_000_000), at(6_000_001));
        let others = ledger.export(others, &mut Vec::new()).await.unwrap();
        ledger.archive(&others).await.unwrap();
        let after = ledger.total().await.unwrap();
        let stale = ledger.export(period, &mut Vec::new()).await.unwrap();
        ledger.archive(&stale).await.unwrap();
        assert_eq!(ledger.total().await.unwrap(), after);
        assert_eq!(ledger.archives().await.unwrap(), [others.clone(), stale.clone()]);
        // Whoever did not hear of it may do it again.
        ledger.archive(&stale).await.unwrap();
        assert_eq!(ledger.archives().await.unwrap(), [others.clone(), stale.clone()]);
        let attempt = kept.attempt().unwrap();
        assert_eq!(ledger.of_operation(attempt.operation()).await.unwrap(), []);
        assert_eq!(void.revision(), 2);
        for again in [entry(attempt, 5), entry(attempt, 6)] {
            assert_eq!(ledger.record(again, None).await.unwrap_err().code(), codes::ENTRY_ARCHIVED);
        }
        ledger.intend(intent(attempt)).await.unwrap();
        assert!(open(&ledger).await.is_empty());
        assert!(ledger.record(later, None).await.unwrap().replayed);
        let future = Period::new(at(0), Timestamp::now() + Duration::from_mins(1));
        assert_eq!(ledger.export(future, &mut Vec::new()).await.unwrap_err().code(), codes::PERIOD_OPEN);
        ledger.intend(intent(first())).await.unwrap();
        let whole = ledger.export(Period::new(at(0), Timestamp::now()), &mut Vec::new()).await.unwrap();
        assert_eq!(ledger.archive(&whole).await.unwrap_err().code(), codes::PERIOD_OPEN);
        assert_eq!(ledger.total().await.unwrap(), after);
    }
}

pub(crate) fn is_done<T>(future: Pin<&mut impl Future<Output = T>>) -> bool {
    future
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_ready()
}

/// Changes each column of a row behind the ledger's back.
/// Archives and reports are of a period, and must not read the years before it.
#[cfg(feature = "__sql")]
pub(crate) fn an_index_begins_with_the_time(database: Database) -> Fact {
    use lattice_lock_repository::Engine;
    use sea_orm::{ConnectionTrait, Statement};

    Box::pin(async move {
        let query = match database.engine() {
            Engine::Postgres => {
                "SELECT indexname FROM pg_indexes WHERE tablename = 'lattice_entries' \
                 AND indexdef LIKE '%(occurred_at)'"
            }
            Engine::Mysql => {
                "SELECT index_name FROM information_schema.statistics WHERE table_schema = DATABASE() \
                 AND table_name = 'lattice_entries' AND column_name = 'occurred_at' AND seq_in_index = 1"
            }
            _ => {
                "SELECT list.name FROM pragma_index_list('lattice_entries') AS list, \
                 pragma_index_info(list.name) AS part WHERE part.name = 'occurred_at' AND part.seqno = 0"
            }
        };
        let mut scope = database.reader().unwrap();
        let connection = scope.connection().unwrap();
        let statement = Statement::from_string(connection.get_database_backend(), query);
        assert_eq!(connection.query_all_raw(statement).await.unwrap().len(), 1);
    })
}

#[cfg(feature = "sqlite")]
pub(crate) fn changed_rows_are_noticed(database: Database) -> Fact {
    Box::pin(async move { changed_rows(&database).await })
}

#[cfg(feature = "sqlite")]
async fn changed_rows(database: &Database) {
    for change in [
        "cost_nanos = cost_nanos + 1",
        "cost_nanos = NULL",
        "input_tokens = NULL",
        "input_tokens = -1",
        "principal_id = 'user-18'",
        "team = 'sales'",
        "tags = NULL",
        "tags = '[]'",
        "kind = 'charge'",
        "revision = 1",
        "effect_nanos = 0",
        "discount = 1",
        "service_tier = 'batch'",
        "payload_hash = 'x'",
        "cost_state = 'no_usage'",
        "outcome = 'timeout'",
        "occurred_at = 0",
        "turn = 70000",
    ] {
        let ledger = Ledger::new(database);
        let attempt = first();
        ledger.record(entry(attempt, 5), None).await.unwrap();
        let sql =
            format!("UPDATE lattice_entries SET {change} WHERE idempotency_key = '{attempt}'");
        crate::execute(database, &sql).await;
        let read = ledger.of_operation(attempt.operation()).await;
        assert_eq!(read.unwrap_err().code(), codes::LEDGER_CORRUPT, "{change}");
    }
}

/// What a newer version may write.
#[cfg(feature = "sqlite")]
pub(crate) fn an_entry_of_a_newer_version_is_not_missed(database: Database) -> Fact {
    Box::pin(async move {
        for change in [
            "kind = 'refund'",
            "service_tier = 'turbo'",
            "principal_kind = 'agent'",
            "outcome = 'guessed'",
            "cost_state = 'free'",
            "payload_hash = '2:x'",
        ] {
            let ledger = Ledger::new(&database);
            let attempt = first();
            let kept = ledger.record(entry(attempt, 5), None).await.unwrap().entry;
            let sql =
                format!("UPDATE lattice_entries SET {change} WHERE idempotency_key = '{attempt}'");
            crate::execute(&database, &sql).await;
            let after = kept
                .position()
                .map(|at| lattice_lock_billing::Position::new(at.get() - 1));
            for read in [
                ledger.of_operation(attempt.operation()).await,
                ledger.list(after, 10).await,
            ] {
                assert_eq!(read.unwrap_err().code(), codes::LEDGER_FOREIGN, "{change}");
            }
        }
    })
}

/// More of them than are looked at together, and before the other ones.
#[cfg(feature = "__sql")]
pub(crate) fn intents_of_a_newer_version_keep_no_other_from_being_recovered(
    database: Database,
) -> Fact {
    Box::pin(async move {
        let ledger = Ledger::new(&database);
        let newer: Vec<_> = (0..520).map(|_| first()).collect();
        for give_up in [false, true] {
            let mut tasks = tokio::task::JoinSet::new();
            for attempt in newer.iter().copied() {
                let ledger = ledger.clone();
                tasks.spawn(async move {
                    if give_up {
                        ledger.abandon(attempt).await
                    } else {
                        ledger.intend(intent(attempt)).await
                    }
                });
            }
            while let Some(done) = tasks.join_next().await {
                done.unwrap().unwrap();
            }
        }
        crate::execute(
            &database,
            "UPDATE lattice_intents SET service_tier = 'turbo'",
        )
        .await;
        let [agents, ours] = [first(), first()];
        for attempt in [agents, ours] {
            ledger.intend(intent(attempt)).await.unwrap();
            ledger.abandon(attempt).await.unwrap();
        }
        let agent = "UPDATE lattice_intents SET principal_kind = 'agent' WHERE attempt_key = ";
        crate::execute(&database, &format!("{agent}'{agents}'")).await;
        assert_eq!(open(&ledger).await, BTreeSet::from([ours]));
        let done = ledger.recover(|_| Resolution::Withdraw).await.unwrap();
        assert_eq!((done.withdrawn.len(), done.foreign), (1, 521));
        assert_eq!(done.withdrawn[0].attempt(), ours);
    })
}

/// One that commits before it is safe.
#[cfg(feature = "postgres")]
pub(crate) fn a_setting_that_may_lose_commits_is_noticed(database: Database) -> Fact {
    Box::pin(async move {
        use lattice_lock_billing::Booking;
        use sea_orm::ConnectionTrait;

        let ledger = Ledger::new(&database);
        let kept = ledger.record(entry(first(), 1), None).await.unwrap();
        assert_eq!(kept.booking, Booking::Durable);
        database
            .transaction(|scope| {
                Box::pin(async move {
                    let connection = scope.connection()?;
                    let sql = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', \
                         current_database()); END $$";
                    connection.execute_unprepared(sql).await.unwrap();
                    // The connections that there are go by what was set before.
                    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                         WHERE datname = current_database() AND pid <> pg_backend_pid()";
                    connection.execute_unprepared(sql).await.unwrap();
                    let sql = "SET synchronous_commit = off";
                    connection.execute_unprepared(sql).await.unwrap();
                    Ok(())
                })
            })
            .await
            .unwrap();
        let kept = ledger.record(entry(first(), 1), None).await.unwrap();
        assert_eq!(kept.booking, Booking::Memory);
    })
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

/// A clock that the test moves.
pub(crate) fn clock() -> (
    Arc<AtomicI64>,
    impl Fn() -> Timestamp + Clone + Send + Sync + 'static,
) {
    let micros = Arc::new(AtomicI64::new(1_000_000_000));
    let read = Arc::clone(&micros);
    (micros, move || {
        Timestamp::from_micros(read.load(Ordering::Relaxed))
    })
}

/// A process that dies with open intents, and others that find them.
pub(crate) fn the_intents_of_the_dead_are_settled_and_held_as_decided(database: Database) -> Fact {
    Box::pin(async move {
        let (micros, now) = clock();
        let ledger = |instance| {
            let builder = Ledger::builder(&database)
                .instance(instance)
                .clock(now.clone());
            builder.lease(Duration::from_mins(1)).build().unwrap()
        };
        let dead = ledger(InstanceId::generate());
        // In memory, another instance is another view of the same ledger.
        let other = |instance| match database.engine() {
            lattice_lock_repository::Engine::Memory => dead.as_instance(instance),
            _ => ledger(instance),
        };
        let (live, finder) = (other(InstanceId::generate()), other(InstanceId::generate()));
        let [settled, held, gone, lively] = [first(), first(), first(), first()];
        let who = Principal::external("user-17")
            .unwrap()
            .team("search")
            .tag("cost_center", "4711");
        for attempt in [settled, held, gone] {
            let intent = Intent::new(attempt, &who, "openai/gpt-5-mini".parse().unwrap());
            dead.intend(intent.task_type("translation").in_conversation("c-1"))
                .await
                .unwrap();
        }
        micros.fetch_add(59_000_000, Ordering::Relaxed);
        live.intend(intent(lively)).await.unwrap();
        let decide = |intent: &Intent| match intent.attempt() {
            it if it == settled => Resolution::Settle(Box::new(intent.unknown())),
            it if it == held => Resolution::Hold,
            it if it == gone => Resolution::Withdraw,
            other => panic!("{other} is alive"),
        };
        assert_eq!(finder.recover(decide).await.unwrap().settled.len(), 0);
        micros.fetch_add(2_000_000, Ordering::Relaxed);
        let done = finder.recover(decide).await.unwrap();
        assert_eq!(
            (
                done.settled.len(),
                done.held.len(),
                done.withdrawn.len(),
                done.left
            ),
            (1, 1, 1, 0)
        );
        let again = finder.recover(decide).await.unwrap();
        assert_eq!(
            (again.settled.len(), again.held.len(), again.withdrawn.len()),
            (0, 0, 0)
        );
        assert_eq!(open(&finder).await, BTreeSet::from([held, lively]));
        let entry = &finder.of_operation(settled.operation()).await.unwrap()[0];
        assert_eq!(
            (entry.outcome(), entry.cost()),
            (Outcome::Unknown, &Cost::Unpriced(Unpriced::NoUsage))
        );
        assert_eq!(
            (entry.attribution().team(), entry.task()),
            (Some("search"), Some("translation"))
        );
        assert_eq!(
            (
                entry.attribution().tags()["cost_center"].as_str(),
                entry.conversation()
            ),
            ("4711", Some("c-1"))
        );

        // It was not dead after all: what it says now is a correction, once.
        for replayed in [false, true] {
            let late = dead.record(crate::entry(settled, 5), None).await.unwrap();
            assert_eq!(
                (late.replayed, late.entry.revision(), late.entry.reason()),
                (replayed, 1, Some("late"))
            );
        }
        let other = dead
            .record(crate::entry(settled, 6), None)
            .await
            .unwrap_err();
        assert_eq!(other.code(), codes::ENTRY_CONFLICT);
        dead.record(crate::entry(held, 5), None).await.unwrap();
        assert_eq!(open(&finder).await, BTreeSet::from([lively]));
        let total = finder.total().await.unwrap();
        assert_eq!(
            (total.entries, total.unpriced, total.total_usd.nanos()),
            (3, 0, 10_000)
        );
    })
}

/// A small generator with a seed, so that a history can be repeated (`SplitMix64`).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % most as u64).unwrap()
    }
}
