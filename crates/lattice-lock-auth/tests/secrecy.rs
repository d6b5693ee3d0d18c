//! Nothing that opens anything is in a log, an error, the audit or the database's files.
#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

#[expect(dead_code, reason = "made for more than this test")]
#[path = "service/world.rs"]
mod world;

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use lattice_lock_auth::{Keys, NewKey, Role};
use lattice_lock_repository::{Database, DatabaseOptions};
use tracing_subscriber::fmt::MakeWriter;

use world::{
    OTHER_PASSWORD, PASSWORD, SECRET, World, elsewhere, here, hold, host, permission, secret,
};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What was handed out or typed, to be looked for afterwards.
static PLANTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

const WRONG: &str = "planted-wrong-password-4711";
const NAME: &str = "planted.password.typed.as.name";

#[test]
fn no_credential_is_kept_or_shown() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .finish();
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("auth.db");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tracing_subscriber::util::SubscriberInitExt::try_init(subscriber).unwrap();
    runtime.block_on(async {
        let options = DatabaseOptions::default().echo(true);
        let url = format!("sqlite:{}", file.display());
        let database = Database::open_with(&url, options).await.unwrap();
        hold(database.clone(), |world| Box::pin(everything(world))).await;
        database.dispose().await;
    });
    let planted = PLANTED.lock().unwrap().clone();
    assert!(planted.len() > 10);
    let logged = log.0.lock().unwrap().clone();
    assert!(!logged.is_empty(), "statements are logged at this level");
    check("the log", &logged, &planted);
    for file in folder.path().read_dir().unwrap() {
        let path = file.unwrap().path();
        check(
            &path.display().to_string(),
            &std::fs::read(&path).unwrap(),
            &planted,
        );
    }
    assert!(
        read(&file).windows(3).any(|bytes| bytes == b"ann"),
        "the file is the database"
    );
}

fn read(file: &Path) -> Vec<u8> {
    std::fs::read(file).unwrap()
}

fn check(place: &str, bytes: &[u8], planted: &[String]) {
    for text in planted {
        let found = bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes());
        assert!(!found, "{text} in {place}");
    }
}

fn plant(text: &str) {
    PLANTED.lock().unwrap().push(text.to_owned());
}

async fn everything(world: World) {
    [PASSWORD, OTHER_PASSWORD, SECRET, WRONG, NAME]
        .into_iter()
        .for_each(plant);
    let ann = world.user("ann", Role::Admin).await;
    let (host, source) = (host(), here());
    let mut shown = Vec::new();
    for (name, password) in [("ann", WRONG), (NAME, PASSWORD), (WRONG, WRONG)] {
        let failed = world
            .auth
            .login(name, &secret(password), &elsewhere())
            .await
            .unwrap_err();
        shown.push(format!(
            "{failed:?} {failed} {}",
            serde_json::to_string(&failed.record()).unwrap()
        ));
    }
    let session = world.login("ann").await;
    let next = world
        .auth
        .refresh(session.refresh().expose(), &source)
        .await
        .unwrap();
    for one in [&session, &next] {
        for token in [one.access(), one.refresh()] {
            plant(token.expose());
            plant(token.expose().rsplit('.').next().unwrap());
        }
        shown.push(format!("{one:?}"));
    }
    let acting = world.auth.acting(&host, &source);
    let key = NewKey::new("k").scope(permission("read:health"));
    let (text, key) = acting.create_key(ann.id(), &key).await.unwrap();
    let (rotated, _) = acting
        .rotate_key(key.id(), std::time::Duration::from_secs(9))
        .await
        .unwrap();
    for text in [&text, &rotated] {
        plant(text.expose());
        plant(&text.expose()[14..]);
        world.auth.verify_key(text.expose(), &source).await.unwrap();
        let typo = format!("{}!", &text.expose()[..54]);
        let failed = world.auth.authenticate(&typo, &source).await.unwrap_err();
        shown.push(format!("{failed:?}"));
    }
    let forged = format!("{}x", next.access().expose());
    shown.push(format!(
        "{:?}",
        world.auth.verify(&forged, &source).await.unwrap_err()
    ));
    let (old, new) = (secret(PASSWORD), secret(OTHER_PASSWORD));
    world
        .auth
        .change_password("ann", &old, &new, Keys::Keep, &source)
        .await
        .unwrap();
    shown.push(format!(
        "{:?}",
        world
            .auth
            .refresh(next.refresh().expose(), &source)
            .await
            .unwrap_err()
    ));
    world.auth.sweep().await.unwrap();
    let mut audit = Vec::new();
    acting.export_audit(&mut audit).await.unwrap();
    shown.push(String::from_utf8(audit).unwrap());
    shown.push(format!(
        "{:?} {:?} {:?} {:?}",
        world.auth,
        ann,
        key,
        world.auth.export_users().await.unwrap()
    ));
    let planted = PLANTED.lock().unwrap().clone();
    check("what was shown", shown.join("\n").as_bytes(), &planted);
}
