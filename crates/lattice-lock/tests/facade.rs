//! The main job through the facade: a prompt is routed, answered, priced and booked in a `SQLite` file.
#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::time::Duration;

use lattice_lock::billing::Booking;
use lattice_lock::providers::Provider;
use lattice_lock::repository::codes::{DATABASE_DISPOSED, MIGRATION_NEEDED};
use lattice_lock::{AppConfig, Database, LatticeLock, Principal, Providers};
use lattice_lock_testkit::{Exchange, Gate, PriceList, Rates, ScriptedServer, Usage};
use tempfile::TempDir;

struct World {
    server: ScriptedServer,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        Self {
            server: ScriptedServer::start().await.unwrap(),
            folder: TempDir::new().unwrap(),
        }
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.folder.path().join("ledger.db").display())
    }

    async fn llm(&self, database: Database) -> LatticeLock {
        let url = format!("{}/v1", self.server.url());
        let openai = Provider::openai()
            .api_key("sk-test".to_string())
            .at(&url)
            .unwrap();
        let builder = LatticeLock::builder().database(database).migrate();
        builder
            .providers(Providers::new().with(openai))
            .build()
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn usage_times_price_is_cost_is_ledger_is_what_the_provider_charged() {
    let world = World::new().await;
    let usage = Usage::new()
        .input(1_234)
        .cache_read(567)
        .output(89)
        .reasoning(1_011);
    world.server.script(Exchange::reply("Goethe.").usage(usage));
    let database = Database::open(&world.url()).await.unwrap();
    let llm = world.llm(database.clone()).await;
    let who = Principal::external("user-17").unwrap().team("search");
    let out = llm
        .chat("Who wrote Faust?")
        .by(&who)
        .model("gpt-5-mini")
        .send()
        .await
        .unwrap();
    assert_eq!((out.text(), out.booking()), ("Goethe.", Booking::Durable));

    let rates = Rates::per_million("0.25", "2")
        .unwrap()
        .cache_read("0.025")
        .unwrap();
    let prices = PriceList::new().model(out.served_model().as_str(), rates);
    let charged = world.server.account().bill(&prices).unwrap().nano_usd();
    assert_eq!(i128::from(out.cost().amount().unwrap().nanos()), charged);
    llm.shutdown(Duration::from_secs(5)).await;
    database.dispose().await;

    // Another process finds the same in the file.
    let again = world.llm(Database::open(&world.url()).await.unwrap()).await;
    assert_eq!(
        again.ledger().total().await.unwrap().total_usd.nanos(),
        charged
    );
    assert_eq!(
        again.ledger().of_operation(out.operation()).await.unwrap(),
        out.entries()
    );
}

#[tokio::test]
async fn tables_are_not_made_unless_asked_for() {
    let world = World::new().await;
    let database = Database::open(&world.url()).await.unwrap();
    let error = LatticeLock::builder()
        .database(database)
        .build()
        .await
        .unwrap_err();
    assert_eq!(error.code(), MIGRATION_NEEDED);
}

#[tokio::test]
async fn a_database_that_the_caller_opened_stays_open_and_one_of_ours_is_closed() {
    let world = World::new().await;
    let theirs = Database::open(&world.url()).await.unwrap();
    world
        .llm(theirs.clone())
        .await
        .shutdown(Duration::from_secs(5))
        .await;
    assert!(theirs.reader().is_ok());

    let config = AppConfig::builder()
        .set("database.url", world.url())
        .build()
        .unwrap();
    let llm = LatticeLock::builder().config(config).build().await.unwrap();
    llm.shutdown(Duration::from_secs(5)).await;
    assert_eq!(
        llm.database().reader().unwrap_err().code(),
        DATABASE_DISPOSED
    );
}

#[tokio::test]
async fn a_shutdown_goes_through_its_phases_and_names_what_it_cut() {
    let config = AppConfig::builder()
        .set("runtime.background_task_timeout", "0.05")
        .build()
        .unwrap();
    let llm = LatticeLock::builder().config(config).build().await.unwrap();
    let hang = llm
        .tasks()
        .spawn("hang", std::future::pending::<lattice_lock::Result<()>>());
    hang.unwrap().detach();
    assert!(llm.health().is_ready().await);

    let report = llm.shutdown(Duration::from_secs(20)).await;
    let phases: Vec<_> = report
        .phases
        .iter()
        .map(|phase| (phase.name, phase.outcome.as_str()))
        .collect();
    let expected = [
        ("stop accepting", "finished"),
        ("drain operations", "finished"),
        ("flush ledger", "finished"),
        ("stop tasks", "cut"),
        ("close databases", "finished"),
    ];
    assert_eq!(phases, expected);
    assert_eq!(report.leftovers[0].name, "hang");
    assert!(report.took < Duration::from_secs(10), "{report}");
    assert!(!llm.health().is_ready().await);
    assert!(llm.tasks().spawn("late", async { Ok(()) }).is_err());
}

#[tokio::test]
async fn a_call_that_hangs_is_cut_and_named_and_its_intent_kept() {
    let world = World::new().await;
    let gate = Gate::new();
    world.server.script(Exchange::reply("late").gate(&gate));
    let llm = world.llm(Database::in_memory()).await;
    let call = tokio::spawn(llm.chat("Hi").model("gpt-5-mini").send());
    gate.reached().await;
    let report = llm.shutdown(Duration::from_millis(300)).await;
    assert_eq!(report.leftovers[0].name, "chat");
    assert!(call.await.unwrap().is_err());
    assert_eq!(llm.ledger().open_intents().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_database_is_a_component_of_health_only_if_there_is_one() {
    let world = World::new().await;
    let in_memory = world.llm(Database::in_memory()).await;
    assert!(in_memory.health().check().await.components.is_empty());

    let database = Database::open(&world.url()).await.unwrap();
    let llm = world.llm(database.clone()).await;
    let report = llm.health().check().await;
    assert_eq!(report.components[0].name, "database");
    assert!(report.ready);
    database.dispose().await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert!(!llm.health().check().await.ready);
}

#[tokio::test]
async fn after_shutdown_no_call_is_accepted() {
    let world = World::new().await;
    let llm = world.llm(Database::in_memory()).await;
    llm.shutdown(Duration::from_secs(5)).await;
    let error = llm.chat("Hi").send().await.unwrap_err();
    let counted = llm.error_metrics().snapshot().total;
    assert_eq!((counted.all(), counted.of_code(error.code())), (1, 1));
    assert!(world.server.received().is_empty());
}

#[tokio::test]
async fn the_key_is_in_no_debug_output() {
    let world = World::new().await;
    let llm = world.llm(Database::in_memory()).await;
    assert!(!format!("{llm:?}").contains("sk-test"));
}

#[cfg(feature = "auth")]
#[tokio::test]
async fn tokens_are_issued_with_the_configured_secret_and_only_with_it() {
    use lattice_lock::auth::Grant;

    let build = async || LatticeLock::builder().build().await.unwrap();
    let (one, other) = (build().await, build().await);
    let grant = Grant::new("user-17".parse().unwrap());
    let tokens = |llm: &LatticeLock| llm.auth().unwrap().tokens().clone();
    let token = tokens(&one).issue(&grant, Duration::from_mins(1)).unwrap();
    let who = tokens(&one).verify(token.expose()).unwrap();
    assert_eq!(who.id().as_str(), "user-17");
    assert!(tokens(&other).verify(token.expose()).is_err());
}
