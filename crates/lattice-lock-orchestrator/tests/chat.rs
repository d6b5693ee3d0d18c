//! What an operation promises, against a provider that keeps its own account.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::collections::BTreeMap;
use std::time::Duration;

use lattice_lock_analyzer::Analyzer;
use lattice_lock_billing::{BillingIntegrityError, Cost, Entry, Ledger, Outcome, Unpriced};
use lattice_lock_clients::{ChatReply, ChatRequest, Client, HttpClients};
use lattice_lock_errors::{Code, Result, TraceId};
use lattice_lock_orchestrator::{Call, ChatOutcome, Orchestrator, Parts, codes};
use lattice_lock_principal::Principal;
use lattice_lock_providers::{
    Bucket, Catalogue, FailureClass, ModelName, Provider, ProviderId, Registry, TokenUsage,
};
use lattice_lock_repository::Database;
use lattice_lock_testkit::{Exchange, Gate, PriceList, Rates, ScriptedServer, Usage};

const CATALOGUE: &str = r#"{"version": "test", "sources": [], "models": [
    {"provider": "openai", "name": "first", "context_window": 100000, "output_limit": 1000,
     "prices": [{"from": "2020-01-01", "usd_per_million": {"input": "1", "cache_read": "0.1", "output": "4"}}]},
    {"provider": "anthropic", "name": "second", "context_window": 100000, "output_limit": 1000,
     "prices": [{"from": "2020-01-01", "usd_per_million": {"input": "3", "output": "15"}}]}
]}"#;

struct World {
    server: ScriptedServer,
    orchestrator: Orchestrator,
}

impl World {
    async fn new(script: impl IntoIterator<Item = Exchange>) -> Self {
        Self::with(CATALOGUE, script).await
    }

    async fn with(catalogue: &str, script: impl IntoIterator<Item = Exchange>) -> Self {
        let server = ScriptedServer::start().await.unwrap();
        script
            .into_iter()
            .for_each(|exchange| server.script(exchange));
        let url = format!("{}/v1", server.url());
        let keyed = |provider: Provider| provider.api_key("sk-test".to_string()).at(&url).unwrap();
        let providers = [keyed(Provider::openai()), keyed(Provider::anthropic())];
        let http = HttpClients::new().unwrap();
        let clients = providers
            .iter()
            .map(|provider| (provider.id().clone(), http.client(provider)));
        let orchestrator = Orchestrator::new(Parts {
            analyzer: Analyzer::new(),
            clients: clients.collect::<BTreeMap<_, _>>(),
            registry: Registry::new(Catalogue::from_json(catalogue).unwrap(), providers.clone()),
            ledger: Ledger::new(&Database::in_memory()),
        });
        Self {
            server,
            orchestrator,
        }
    }

    async fn chat(&self, model: Option<&str>) -> Result<ChatOutcome> {
        self.orchestrator.chat(call(model)).await
    }

    /// Whether nothing is left open, and how many entries there are.
    async fn entries(&self) -> u64 {
        assert!(
            self.orchestrator
                .ledger()
                .open_intents()
                .await
                .unwrap()
                .is_empty()
        );
        self.orchestrator.ledger().total().await.unwrap().entries
    }
}

fn call(model: Option<&str>) -> Call {
    Call {
        request: ChatRequest::new("Translate to French: good morning"),
        principal: Principal::external("user-17").unwrap().team("search"),
        model: model.map(Into::into),
        trace: None,
    }
}

fn reply() -> Exchange {
    Exchange::reply("Bonjour").usage(
        Usage::new()
            .input(100)
            .cache_read(50)
            .output(10)
            .reasoning(5),
    )
}

async fn check_error(
    script: impl IntoIterator<Item = Exchange>,
    model: Option<&str>,
    code: Code,
    entries: u64,
) {
    let world = World::new(script).await;
    let error = world.chat(model).await.unwrap_err();
    assert_eq!(error.code(), code, "{error:?}");
    assert_eq!(world.entries().await, entries);
}

#[tokio::test]
async fn the_cheapest_that_fits_answers_and_the_bill_agrees_with_the_providers() {
    let world = World::new([reply()]).await;
    let outcome = world.chat(None).await.unwrap();
    assert_eq!(outcome.text(), "Bonjour");
    assert_eq!(outcome.model().to_string(), "openai/first");
    assert_eq!(outcome.total().count(Bucket::Reasoning), Some(5));
    let rates = Rates::per_million("1", "4")
        .unwrap()
        .cache_read("0.1")
        .unwrap();
    let prices = PriceList::new().model(outcome.served_model().as_str(), rates);
    let bill = world.server.account().bill(&prices).unwrap();
    assert_eq!(outcome.total().cost().nanos(), bill.nano_usd());
    assert_eq!(outcome.entries()[0].attribution().team(), Some("search"));
    assert_eq!(world.entries().await, 1);
}

#[tokio::test]
async fn a_failure_that_may_be_billed_is_booked_and_the_next_candidate_answers() {
    let world = World::new([Exchange::error(500), reply()]).await;
    let outcome = world.chat(None).await.unwrap();
    assert_eq!(outcome.model().to_string(), "anthropic/second");
    let outcomes: Vec<_> = outcome
        .entries()
        .iter()
        .map(lattice_lock_billing::Entry::outcome)
        .collect();
    assert_eq!(
        outcomes,
        [Outcome::Failed(FailureClass::ServerError), Outcome::Replied]
    );
    let failed = &outcome.entries()[0];
    assert!(failed.latency_micros().is_some() && failed.request_id().is_some());
    assert_eq!(
        outcome.entries()[0].cost(),
        &Cost::Unpriced(Unpriced::NoUsage)
    );
    assert_eq!(
        (outcome.total().attempts(), outcome.total().unpriced()),
        (2, 1)
    );
    assert_eq!(world.entries().await, 2);
}

#[tokio::test]
async fn a_failure_that_is_not_billed_leaves_no_entry_and_no_intent() {
    let world = World::new([Exchange::error(429).retry_after(60), reply()]).await;
    let outcome = world.chat(None).await.unwrap();
    assert_eq!(outcome.model().to_string(), "anthropic/second");
    assert_eq!(world.entries().await, 1);
    let again = world.chat(None).await.unwrap();
    assert_eq!(
        again.model().to_string(),
        "anthropic/second",
        "the first one cools"
    );
}

#[tokio::test]
async fn a_provider_that_just_failed_is_not_asked_for_its_other_models() {
    let catalogue = CATALOGUE.replace("anthropic", "openai");
    let world = World::with(&catalogue, [Exchange::error(500), reply()]).await;
    assert_eq!(
        world.chat(None).await.unwrap_err().code(),
        FailureClass::ServerError.code()
    );
    assert_eq!(world.server.remaining(), 1);
}

#[tokio::test]
async fn what_no_other_model_would_take_is_not_sent_to_another() {
    check_error(
        [Exchange::error(400), reply()],
        None,
        FailureClass::BadRequest.code(),
        0,
    )
    .await;
}

#[tokio::test]
async fn when_all_fail_the_last_error_is_the_cause() {
    check_error(
        [Exchange::error(500), Exchange::error(529)],
        None,
        codes::ATTEMPTS_EXHAUSTED,
        1,
    )
    .await;
}

#[tokio::test]
async fn a_named_model_is_asked_alone_also_when_no_catalogue_knows_it() {
    check_error(
        [Exchange::error(500), reply()],
        Some("first"),
        FailureClass::ServerError.code(),
        1,
    )
    .await;
    let world = World::new([reply()]).await;
    let outcome = world.chat(Some("openai/gpt-9-foo")).await.unwrap();
    assert_eq!(outcome.cost(), &Cost::Unpriced(Unpriced::NoPrice));
    assert_eq!(world.entries().await, 1);
}

#[tokio::test]
async fn a_name_that_means_nothing_sends_nothing() {
    check_error(
        [],
        Some("furst"),
        lattice_lock_providers::codes::MODEL_UNKNOWN,
        0,
    )
    .await;
    check_error(
        [],
        Some("nobody/first"),
        lattice_lock_providers::codes::PROVIDER_UNKNOWN,
        0,
    )
    .await;
}

#[tokio::test]
async fn a_reply_without_usage_is_unpriced_and_not_free() {
    let world = World::new([Exchange::reply("Bonjour").without_usage()]).await;
    let outcome = world.chat(None).await.unwrap();
    assert_eq!(outcome.cost(), &Cost::Unpriced(Unpriced::NoUsage));
    assert_eq!(outcome.total().unpriced(), 1);
}

#[tokio::test]
async fn half_a_report_of_usage_is_unpriced_and_not_half_the_price() {
    for half in [
        serde_json::json!({"prompt_tokens": 1000}),
        serde_json::json!({"completion_tokens": 1000}),
    ] {
        let world = World::new([Exchange::reply("Bonjour").reporting(half)]).await;
        let outcome = world.chat(None).await.unwrap();
        assert_eq!(outcome.cost(), &Cost::Unpriced(Unpriced::PartialUsage));
        assert_eq!(world.entries().await, 1);
    }
}

#[tokio::test]
async fn a_cut_reply_is_booked_and_not_repeated() {
    let world = World::new([reply().then_truncate(), reply()]).await;
    assert!(world.chat(None).await.is_err());
    assert_eq!(world.entries().await, 1);
    assert_eq!(world.server.remaining(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_does_not_take_the_bill_with_it() {
    let gate = Gate::new();
    let world = World::new([reply().gate(&gate)]).await;
    let orchestrator = world.orchestrator.clone();
    let caller = tokio::spawn(async move { orchestrator.chat(call(None)).await });
    gate.reached().await;
    assert_eq!(
        world
            .orchestrator
            .ledger()
            .open_intents()
            .await
            .unwrap()
            .len(),
        1
    );
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    gate.open();
    let operations = world.orchestrator.operations();
    assert!(
        operations
            .shutdown(Duration::from_secs(10))
            .await
            .is_clean()
    );
    assert_eq!(world.entries().await, 1);
}

#[tokio::test]
async fn after_shutdown_nothing_is_accepted_and_nothing_sent() {
    let world = World::new([reply()]).await;
    world.orchestrator.operations().close();
    assert!(world.chat(None).await.is_err());
    assert_eq!((world.entries().await, world.server.remaining()), (0, 1));
}

#[tokio::test]
async fn a_bad_label_is_found_before_anything_is_sent() {
    let world = World::new([reply()]).await;
    let bad = Call {
        principal: Principal::external("user-17").unwrap().team("\n"),
        ..call(None)
    };
    let error = world.orchestrator.chat(bad).await.unwrap_err();
    assert_eq!(error.code(), lattice_lock_principal::codes::LABEL_INVALID);
    assert_eq!((world.entries().await, world.server.remaining()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_callers_are_booked_once_each() {
    let world = World::new([]).await;
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let orchestrator = world.orchestrator.clone();
            tokio::spawn(async move { orchestrator.chat(call(None)).await.unwrap().total().cost() })
        })
        .collect();
    let mut sum = lattice_lock_billing::MoneySum::default();
    for call in calls {
        sum = sum.checked_add(call.await.unwrap()).unwrap();
    }
    let total = world.orchestrator.ledger().total().await.unwrap();
    assert_eq!((total.entries, total.total_usd), (64, sum));
}

/// Says what it is told to have used, and while it is asked, books more than that to the same operation.
#[derive(Debug)]
struct Liar {
    provider: ProviderId,
    usage: TokenUsage,
    books: Option<Ledger>,
}

#[async_trait::async_trait]
impl Client for Liar {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn chat(&self, model: &ModelName, _: &ChatRequest) -> Result<ChatReply> {
        if let Some(ledger) = &self.books {
            let intent = ledger.open_intents().await?.remove(0);
            let (other, who) = (intent.attempt().next_attempt(), Principal::service("liar")?);
            let model = intent.requested_model().clone();
            let more = Entry::new(other, &who, model, Outcome::Replied)?;
            ledger.record(more.used(self.usage, None), None).await?;
        }
        Ok(ChatReply::new(model.clone(), "Bonjour").with_usage(self.usage))
    }

    async fn models(&self) -> Result<Vec<ModelName>> {
        Ok(Vec::new())
    }
}

fn lied_to(usage: TokenUsage, books_more: bool) -> Orchestrator {
    let provider = Provider::openai().api_key("sk-test".to_string());
    let ledger = Ledger::new(&Database::in_memory());
    let liar = Liar {
        provider: provider.id().clone(),
        usage,
        books: books_more.then(|| ledger.clone()),
    };
    Orchestrator::new(Parts {
        analyzer: Analyzer::new(),
        clients: BTreeMap::from([(
            provider.id().clone(),
            std::sync::Arc::new(liar) as std::sync::Arc<dyn Client>,
        )]),
        registry: Registry::new(Catalogue::from_json(CATALOGUE).unwrap(), [provider]),
        ledger,
    })
}

#[tokio::test]
async fn a_ledger_that_says_more_than_the_replies_is_not_believed() {
    let usage = TokenUsage::new().with(Bucket::Input, 5);
    let error = lied_to(usage, true).chat(call(None)).await.unwrap_err();
    assert_eq!(error.code(), lattice_lock_billing::codes::TOTALS_DISAGREE);
    let cause = error.find::<BillingIntegrityError>().unwrap();
    assert_eq!(cause.figure(), "attempts");
    assert!(cause.to_string().contains("2 in the ledger"), "{cause}");
}

#[tokio::test]
async fn an_implausible_usage_is_booked_as_unknown_and_the_reply_is_delivered() {
    let usage = TokenUsage::new().with(Bucket::Input, u64::MAX);
    let outcome = lied_to(usage, false).chat(call(None)).await.unwrap();
    assert_eq!(outcome.cost(), &Cost::Unpriced(Unpriced::Implausible));
    assert_eq!(outcome.total().count(Bucket::Input), None);
}

#[tokio::test]
async fn every_error_says_which_operation_and_trace_it_belongs_to() {
    let trace = TraceId::new(7);
    for (script, model) in [
        (Exchange::error(401), Some("openai/first")),
        (Exchange::error(500), Some("anthropic/second")),
        (reply(), Some("nobody/nothing")),
    ] {
        let world = World::new([script]).await;
        let call = Call {
            trace,
            ..call(model)
        };
        let error = world.orchestrator.chat(call).await.unwrap_err();
        assert_eq!(error.trace_id(), trace, "{error:?}");
        assert!(
            error.context().any(|(name, _)| name == "operation_id"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn prices_that_change_meanwhile_are_for_the_calls_after() {
    let gate = Gate::new();
    let world = World::new([reply().gate(&gate), reply()]).await;
    let orchestrator = world.orchestrator.clone();
    let begun = tokio::spawn(async move { orchestrator.chat(call(Some("openai/first"))).await });
    gate.reached().await;
    let dearer = CATALOGUE.replace("\"version\": \"test\"", "\"version\": \"dearer\"");
    let dearer = dearer.replace("\"output\": \"4\"", "\"output\": \"8\"");
    let registry = world.orchestrator.registry();
    registry.replace_catalogue(Catalogue::from_json(&dearer).unwrap());
    gate.open();
    let before = begun.await.unwrap().unwrap().cost().amount().unwrap();
    let after = world.chat(Some("openai/first")).await.unwrap();
    // 15 tokens of reply and thought at 4 more dollars per million.
    assert_eq!(
        after.cost().amount().unwrap().nanos() - before.nanos(),
        60_000
    );
}

/// An orchestrator whose one provider has two keys.
async fn two_keys(script: impl IntoIterator<Item = Exchange>) -> (ScriptedServer, Orchestrator) {
    let server = ScriptedServer::start().await.unwrap();
    for exchange in script {
        server.script(exchange);
    }
    let provider = Provider::openai()
        .api_key("key-one".to_string())
        .another_key("key-two".to_string())
        .at(&format!("{}/v1", server.url()))
        .unwrap();
    let client = HttpClients::new().unwrap().client(&provider);
    let orchestrator = Orchestrator::new(Parts {
        analyzer: Analyzer::new(),
        clients: BTreeMap::from([(provider.id().clone(), client)]),
        registry: Registry::new(Catalogue::default(), [provider]),
        ledger: Ledger::new(&Database::in_memory()),
    });
    (server, orchestrator)
}

fn shown(server: &ScriptedServer) -> Vec<String> {
    let received = server.received();
    let shown = received.iter().filter_map(|it| it.header("authorization"));
    shown.map(|value| value.replace("Bearer ", "")).collect()
}

#[tokio::test]
async fn a_key_that_is_refused_gives_way_to_the_next_one() {
    for status in [401, 429] {
        let (server, orchestrator) = two_keys([Exchange::error(status), reply(), reply()]).await;
        let outcome = orchestrator.chat(call(Some("openai/any"))).await.unwrap();
        assert_eq!(outcome.text(), "Bonjour");
        orchestrator.chat(call(Some("openai/any"))).await.unwrap();
        assert_eq!(
            shown(&server),
            ["key-one", "key-two", "key-two"],
            "{status}"
        );
    }
    let (server, orchestrator) = two_keys([Exchange::error(401), Exchange::error(401)]).await;
    assert!(orchestrator.chat(call(Some("openai/any"))).await.is_err());
    assert_eq!(shown(&server), ["key-one", "key-two"]);
}

/// Has a key for one user, and none for others.
struct Own;

impl lattice_lock_providers::CredentialResolver for Own {
    fn resolve<'a>(
        &'a self,
        who: &'a Principal,
        _: &'a ProviderId,
    ) -> lattice_lock_providers::BoxFuture<'a, Result<Option<lattice_lock_errors::Secret<String>>>>
    {
        let own = (who.id().as_str() == "user-17").then(|| "key-own".to_string().into());
        Box::pin(async move { Ok(own) })
    }
}

#[tokio::test]
async fn a_callers_own_key_is_used_and_speaks_against_nobody_else() {
    let (server, orchestrator) = two_keys([Exchange::error(401), reply()]).await;
    let orchestrator = orchestrator.credentials(std::sync::Arc::new(Own));
    let by = |name: &str| Call {
        principal: Principal::external(name).unwrap(),
        ..call(Some("openai/any"))
    };
    assert!(orchestrator.chat(by("user-17")).await.is_err());
    orchestrator.chat(by("user-18")).await.unwrap();
    assert_eq!(shown(&server), ["key-own", "key-one"]);
}
