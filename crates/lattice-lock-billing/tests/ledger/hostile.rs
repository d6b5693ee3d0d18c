//! What a ledger promises of processes that fail, clocks that lie, and figures and texts that nobody would expect.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lattice_lock_billing::{
    AttemptId, ChargeKey, Cost, Entry, ForeignAmount, InstanceId, Intent, Ledger, Money, Outcome,
    Period, Resolution, Unpriced, UsageAccumulator, codes, prove,
};
use lattice_lock_principal::Principal;
use lattice_lock_providers::{Bucket, Catalogue, PriceVersion, TokenUsage};
use lattice_lock_repository::{Database, Timestamp};

use crate::contract::{Fact, clock, intent, is_done, open, process};
use crate::{entry, first, list};

fn assumed(intent: &Intent) -> Resolution {
    let usage = TokenUsage::new().with(Bucket::Input, 7);
    let (version, list) = (PriceVersion::new("test"), list("1"));
    let estimate = intent
        .unknown()
        .estimated(usage, Some(&(&version, &list).into()));
    Resolution::Settle(Box::new(estimate))
}

pub(crate) fn an_attempt_that_was_given_up_is_recovered_while_its_process_lives(
    database: Database,
) -> Fact {
    Box::pin(async move {
        let ledger = Ledger::new(&database);
        let other = process(&database, &ledger);
        let [given_up, live, others] = [first(), first(), first()];
        let who = Principal::external("user-17").unwrap().team("search");
        let model = "openai/gpt-5-mini".parse().unwrap();
        ledger
            .intend(Intent::new(given_up, &who, model))
            .await
            .unwrap();
        ledger.intend(intent(live)).await.unwrap();
        other.intend(intent(others)).await.unwrap();
        assert!(ledger.recover(assumed).await.unwrap().settled.is_empty());
        for attempt in [given_up, others] {
            ledger.abandon(attempt).await.unwrap();
        }
        // Its own process may take it too; what is somebody else's is not given up by this one.
        let done = ledger.recover(assumed).await.unwrap();
        let settled: Vec<_> = done.settled.iter().map(Intent::attempt).collect();
        assert_eq!(settled, [given_up]);
        assert_eq!(open(&ledger).await, BTreeSet::from([live, others]));
        let booked = &ledger.of_operation(given_up.operation()).await.unwrap()[0];
        assert_eq!(booked.attribution().team(), Some("search"));
        let late = ledger.record(entry(given_up, 5), None).await.unwrap();
        assert_eq!(late.entry.revision(), 1);
        ledger.abandon(given_up).await.unwrap();
        ledger.abandon(first()).await.unwrap();
        assert_eq!(ledger.recover(assumed).await.unwrap().settled.len(), 0);
    })
}

/// What comes between the assumption and what the provider really said.
#[derive(Clone, Copy, Debug)]
enum Between {
    Nothing,
    Reprice,
    Correction,
    Void,
    Both,
}

pub(crate) fn a_late_outcome_is_booked_once_whatever_was_corrected_before(
    database: Database,
) -> Fact {
    Box::pin(async move {
        for between in [
            Between::Nothing,
            Between::Reprice,
            Between::Correction,
            Between::Void,
            Between::Both,
        ] {
            late_after(&database, between).await;
        }
    })
}

async fn late_after(database: &Database, between: Between) {
    let ledger = Ledger::new(database);
    let attempt = first();
    ledger.intend(intent(attempt)).await.unwrap();
    ledger.abandon(attempt).await.unwrap();
    assert_eq!(ledger.recover(assumed).await.unwrap().settled.len(), 1);
    let expected = match between {
        Between::Nothing => 1,
        Between::Both => 3,
        _ => 2,
    };
    if matches!(between, Between::Reprice | Between::Both) {
        reprice(&ledger).await;
    }
    let last = ledger.of_operation(attempt.operation()).await.unwrap();
    let last = last.last().unwrap();
    let correction = match between {
        Between::Correction | Between::Both => {
            Some(last.corrected("a guess").reported_cost(Money::cents(3)))
        }
        Between::Void => Some(last.voided("was it sent?")),
        Between::Nothing | Between::Reprice => None,
    };
    if let Some(correction) = correction {
        ledger.record(correction, None).await.unwrap();
    }
    let said = entry(attempt, 5);
    for replayed in [false, true] {
        let late = ledger.record(said.clone(), None).await.unwrap();
        let figures = (late.replayed, late.entry.revision(), late.entry.outcome());
        assert_eq!(
            figures,
            (replayed, expected, Outcome::Replied),
            "{between:?}"
        );
    }
    let other = ledger.record(entry(attempt, 6), None).await.unwrap_err();
    assert_eq!(other.code(), codes::ENTRY_CONFLICT, "{between:?}");
    // It is the same one still when it was itself corrected.
    let kept = ledger.of_operation(attempt.operation()).await.unwrap();
    let fixed = kept.last().unwrap().corrected("credit note");
    let fixed = fixed.reported_cost(Money::from_nanos(1_000));
    ledger.record(fixed, None).await.unwrap();
    let again = ledger.record(said.clone(), None).await.unwrap();
    assert_eq!((again.replayed, again.entry.revision()), (true, expected));
    let entries = ledger.of_operation(attempt.operation()).await.unwrap();
    assert_eq!(entries.len(), usize::from(expected) + 2);
    let effects: i64 = entries.iter().map(|entry| entry.effect().nanos()).sum();
    assert_eq!(effects, 1_000, "{between:?}");
    // The replies said so all the time.
    let mut returned = UsageAccumulator::default();
    returned.add(said.usage(), said.cost()).unwrap();
    prove(attempt.operation(), &returned, &entries).unwrap();
}

async fn reprice(ledger: &Ledger) {
    let catalogue = r#"{"version": "new", "sources": [], "models": [{"provider": "openai", "name": "gpt-5-mini",
        "context_window": 9, "output_limit": 9,
        "prices": [{"from": "1970-01-01", "usd_per_million": {"input": "2"}}]}]}"#;
    let ever = Period::new(
        Timestamp::from_micros(0),
        Timestamp::now() + Duration::from_hours(1),
    );
    let catalogue = Catalogue::from_json(catalogue).unwrap();
    assert!(ledger.reprice(ever, &catalogue).await.unwrap().corrected > 0);
}

pub(crate) fn an_attempt_that_is_taken_up_again_behind_its_withdrawal_is_not_given_up(
    database: Database,
) -> Fact {
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

pub(crate) fn what_is_no_first_statement_of_an_attempt_does_not_settle_it(
    database: Database,
) -> Fact {
    Box::pin(async move {
        let ledger = Ledger::new(&database);
        let attempt = first();
        ledger.intend(intent(attempt)).await.unwrap();
        ledger.abandon(attempt).await.unwrap();
        let own = entry(attempt, 5);
        for wrong in [
            entry(first(), 5),
            entry(attempt.next_attempt(), 5),
            own.corrected("a guess"),
            own.voided("never sent"),
        ] {
            let mut asked = 0;
            let done = ledger.recover(|_| {
                asked += 1;
                // Whoever asks again is told to stop.
                if asked > 1 {
                    return Resolution::Hold;
                }
                Resolution::Settle(Box::new(wrong.clone()))
            });
            let refused = done.await.unwrap_err();
            assert_eq!((refused.code(), asked), (codes::RESOLUTION_INVALID, 1));
        }
        assert_eq!(ledger.total().await.unwrap().entries, 0);
        let done = ledger.recover(|_| Resolution::Settle(Box::new(own.clone())));
        assert_eq!(done.await.unwrap().settled.len(), 1);
        assert_eq!(open(&ledger).await, BTreeSet::new());
    })
}

pub(crate) fn two_processes_with_the_same_attempt_book_it_once(database: Database) -> Fact {
    Box::pin(async move {
        let one = Ledger::new(&database);
        let other = process(&database, &one);
        for round in 0..10_u64 {
            let (attempt, differs) = (first(), round % 2);
            let tasks = [(one.clone(), 5), (other.clone(), 5 + differs)].map(|(ledger, input)| {
                tokio::spawn(async move {
                    ledger.intend(intent(attempt)).await.unwrap();
                    ledger.record(entry(attempt, input), None).await
                })
            });
            let mut fresh = 0;
            for task in tasks {
                match task.await.unwrap() {
                    Ok(kept) => fresh += usize::from(!kept.replayed),
                    Err(refused) => {
                        assert_eq!((differs, refused.code()), (1, codes::ENTRY_CONFLICT));
                    }
                }
            }
            assert_eq!(fresh, 1);
            assert_eq!(
                one.of_operation(attempt.operation()).await.unwrap().len(),
                1
            );
        }
        one.flush(Duration::from_mins(1)).await.unwrap();
        assert_eq!(open(&one).await, BTreeSet::new());
    })
}

pub(crate) fn a_clock_that_goes_back_leaves_the_living_alone(database: Database) -> Fact {
    Box::pin(async move {
        let (micros, now) = clock();
        let builder = Ledger::builder(&database).clock(now.clone());
        let live = builder.lease(Duration::from_mins(1)).build().unwrap();
        let finder = match database.engine() {
            lattice_lock_repository::Engine::Memory => live.as_instance(InstanceId::generate()),
            _ => Ledger::builder(&database).clock(now).build().unwrap(),
        };
        let attempt = first();
        live.intend(intent(attempt)).await.unwrap();
        micros.fetch_sub(500_000_000, Ordering::Relaxed);
        assert!(finder.recover(assumed).await.unwrap().settled.is_empty());
        // By the clock as it is now, it is alive for another lease.
        live.record(entry(first(), 1), None).await.unwrap();
        micros.fetch_add(59_000_000, Ordering::Relaxed);
        assert!(finder.recover(assumed).await.unwrap().settled.is_empty());
        micros.fetch_add(2_000_000, Ordering::Relaxed);
        let done = finder.recover(assumed).await.unwrap();
        let later = done.settled.len();
        micros.fetch_add(500_000_000, Ordering::Relaxed);
        assert_eq!(
            later + finder.recover(assumed).await.unwrap().settled.len(),
            1
        );
    })
}

pub(crate) fn a_dropped_recovery_or_archive_is_whole_or_absent(database: Database) -> Fact {
    Box::pin(async move {
        let ledger = Ledger::new(&database);
        let period = Period::new(Timestamp::from_micros(0), Timestamp::from_micros(2_000_000));
        for polls in 0..30 {
            let attempt = first();
            ledger.intend(intent(attempt)).await.unwrap();
            ledger.abandon(attempt).await.unwrap();
            polled(ledger.recover(assumed), polls).await;
            ledger.recover(assumed).await.unwrap();
            let entries = ledger.of_operation(attempt.operation()).await.unwrap();
            assert_eq!((entries.len(), open(&ledger).await.len()), (1, 0));
            ledger.record(entry(first(), 5), None).await.unwrap();
            let before = ledger.total().await.unwrap();
            let archive = ledger.export(period, &mut Vec::new()).await.unwrap();
            polled(ledger.archive(&archive), polls).await;
            ledger.archive(&archive).await.unwrap();
            assert_eq!(ledger.archives().await.unwrap().len(), polls + 1);
            assert_eq!(ledger.total().await.unwrap(), before);
        }
    })
}

/// Polls so often, as far as it is not done before, and drops it.
async fn polled<T>(work: impl Future<Output = T>, polls: usize) {
    let mut work = Box::pin(work);
    for _ in 0..polls {
        if is_done(work.as_mut()) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

pub(crate) fn figures_at_the_ends_of_their_range_are_kept_or_refused(database: Database) -> Fact {
    Box::pin(async move {
        let ledger = Ledger::new(&database);
        let (least, most) = (Money::from_nanos(i64::MIN), Money::from_nanos(i64::MAX));
        let largest = u64::try_from(i64::MAX).unwrap();
        for (amount, micros) in [(least, i64::MIN), (most, i64::MAX), (least, 0)] {
            let usage = TokenUsage::new()
                .with(Bucket::Input, largest)
                .with_total(largest);
            let written = entry(AttemptId::new(first().operation(), u16::MAX, u16::MAX), 1)
                .used(usage, None)
                .reported_cost(amount)
                .latency(Duration::MAX)
                .occurred_at(Timestamp::from_micros(micros));
            let kept = ledger.record(written.clone(), None).await.unwrap().entry;
            let read = ledger
                .of_operation(kept.attempt().unwrap().operation())
                .await;
            assert_eq!(read.unwrap(), std::slice::from_ref(&kept));
            assert_eq!(kept.payload_hash(), written.payload_hash());
            // From one end to the other is further than what is kept.
            let other = if amount == least { most } else { least };
            let refused = ledger
                .record(kept.corrected("other end").reported_cost(other), None)
                .await;
            assert_eq!(refused.unwrap_err().code(), codes::OUT_OF_RANGE);
        }
        let total = ledger.total().await.unwrap();
        let expected = 2 * i128::from(i64::MIN) + i128::from(i64::MAX);
        assert_eq!((total.entries, total.total_usd.nanos()), (3, expected));
        let ends = Period::new(
            Timestamp::from_micros(i64::MIN),
            Timestamp::from_micros(i64::MAX),
        );
        let refused = ledger.export(ends, &mut Vec::new()).await.unwrap_err();
        assert_eq!(refused.code(), codes::PERIOD_OPEN);
        let beyond =
            entry(first(), 1).used(TokenUsage::new().with(Bucket::Input, largest + 1), None);
        let kept = ledger.record(beyond, None).await.unwrap().entry;
        assert_eq!(kept.cost(), &Cost::Unpriced(Unpriced::Implausible));
    })
}

pub(crate) fn texts_of_any_length_and_with_any_characters_are_kept_or_cut(
    database: Database,
) -> Fact {
    Box::pin(async move {
        let ledger = Ledger::new(&database);
        let huge = "\u{10ffff}'\"\\;--".repeat(10 << 16);
        for text in [
            huge.as_str(),
            "",
            "\0",
            " ",
            "a\0b",
            "\u{feff}\u{200d}\u{fffd}",
        ] {
            let attempt = first();
            let who = Principal::external("user-17").unwrap();
            let mut intent = Intent::new(attempt, &who, "openai/gpt-5-mini".parse().unwrap());
            intent = intent.in_conversation(text).task_type(text);
            ledger.intend(intent).await.unwrap();
            let euros = ForeignAmount::new("EUR".parse().unwrap(), "1", "1", text).unwrap();
            let version = PriceVersion::new(text);
            let written = entry(attempt, 5)
                .used(
                    TokenUsage::new().with(Bucket::Input, 5),
                    Some((&version, &list("1"))),
                )
                .provider_request_id(text)
                .task_type(text)
                .in_conversation(text);
            let kept = ledger.record(written, None).await.unwrap().entry;
            let foreign = kept.corrected(text).reported_foreign_cost(euros).unwrap();
            let foreign = ledger.record(foreign, None).await.unwrap().entry;
            let read = ledger.of_operation(attempt.operation()).await.unwrap();
            assert_eq!(read, [kept, foreign]);
            // What is one's own name is refused before it gets here.
            if text.trim().is_empty() || text.chars().count() > 128 || text.contains('\0') {
                assert!(text.parse::<ChargeKey>().is_err());
                let who = Principal::external("user-17").unwrap().team(text);
                let model = "openai/gpt-5-mini".parse().unwrap();
                assert!(Entry::new(attempt, &who, model, Outcome::Replied).is_err());
                let plain = Principal::external("user-17").unwrap();
                assert!(plain.tag("x", text).attribution().is_err());
            }
        }
        assert_eq!(open(&ledger).await, BTreeSet::new());
    })
}

pub(crate) fn what_ends_with_a_blank_is_something_else(database: Database) -> Fact {
    Box::pin(async move {
        let ledger = Ledger::new(&database);
        for label in ["a", "a ", "A", "a\u{a0}", "á"] {
            let attempt = first();
            let who = Principal::external("user-17").unwrap();
            let who = who.team(label).project(label).tag("x", label);
            let model = "openai/gpt-5-mini".parse().unwrap();
            let intent = Intent::new(attempt, &who, model).in_conversation(label);
            ledger.intend(intent.task_type(label)).await.unwrap();
            ledger.abandon(attempt).await.unwrap();
            assert_eq!(ledger.recover(assumed).await.unwrap().settled.len(), 1);
            let read = &ledger.of_operation(attempt.operation()).await.unwrap()[0];
            let attribution = read.attribution();
            let labels = [
                attribution.team(),
                attribution.project(),
                read.conversation(),
                read.task(),
            ];
            assert_eq!(labels, [Some(label); 4]);
            assert_eq!(attribution.tags()["x"], label);
            let what = "openai/file_storage".parse().unwrap();
            let charge = Entry::charge(label.parse().unwrap(), &who, what, Money::cents(1));
            assert!(
                !ledger.record(charge.unwrap(), None).await.unwrap().replayed,
                "{label:?}"
            );
        }
        assert_eq!(ledger.total().await.unwrap().entries, 10);
    })
}
