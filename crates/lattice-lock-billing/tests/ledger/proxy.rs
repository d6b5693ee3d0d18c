//! A database whose answer to a commit is lost, and which is away afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use lattice_lock_billing::{AttemptId, Booking, Ledger, codes};
use lattice_lock_repository::Database;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::contract::{intent, open};
use crate::{entry, first};

const PASSING: u8 = 0;
/// The next commit gets there, and its answer does not come back.
const ARMED: u8 = 1;
const AWAY: u8 = 2;

/// Between a ledger and a server.
struct Proxy {
    port: u16,
    state: Arc<AtomicU8>,
}

impl Proxy {
    async fn start(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(AtomicU8::new(PASSING));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if shared.load(Ordering::Acquire) != AWAY {
                    tokio::spawn(pass(client, server.clone(), Arc::clone(&shared)));
                }
            }
        });
        Self { port, state }
    }

    fn is(&self, state: u8) {
        self.state.store(state, Ordering::Release);
    }
}

async fn pass(client: TcpStream, server: String, state: Arc<AtomicU8>) {
    let server = TcpStream::connect(server).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
        // Nothing but the end of a transaction: an isolation level has a name that begins so.
        let sent = &buffer[..read];
        let is_commit =
            sent.windows(7).any(|part| part == b"COMMIT\0") || sent.ends_with(b"COMMIT");
        let is = state.load(Ordering::Acquire);
        if is == AWAY {
            break;
        }
        let is_cut = is_commit && is == ARMED;
        if is_cut {
            state.store(AWAY, Ordering::Release);
            back.abort();
        }
        if to_server.write_all(&buffer[..read]).await.is_err() || is_cut {
            break;
        }
    }
    back.abort();
}

/// A ledger behind a proxy in front of the database at this address.
async fn behind(url: &str) -> (Proxy, Ledger, Database) {
    let (before, rest) = url.rsplit_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let proxy = Proxy::start(server.to_owned()).await;
    // What is encrypted could not be looked into.
    let plain = if url.starts_with("mysql") {
        "ssl-mode=disabled"
    } else {
        "sslmode=disable"
    };
    let through = format!("{before}@127.0.0.1:{}/{name}?{plain}", proxy.port);
    let through = Database::open(&through).await.unwrap();
    let ledger = Ledger::new(&through);
    (proxy, ledger, through)
}

/// Whether an intent is open once nothing is being committed any more.
async fn committed(direct: &Ledger, attempt: AttemptId) -> bool {
    // Whoever writes waits for whoever does.
    direct.withdraw(first(), None).await.unwrap();
    open(direct).await.contains(&attempt)
}

/// What is told to be not noted is not found open later, although it was committed.
pub(crate) async fn an_intent_that_was_refused_does_not_stay(database: Database, url: String) {
    let direct = Ledger::new(&database);
    let (proxy, ledger, through) = behind(&url).await;
    let [refused, following, sent]: [AttemptId; 3] = [first(), first(), first()];
    ledger.intend(intent(sent)).await.unwrap();
    proxy.is(ARMED);
    let told = ledger.intend(intent(refused)).await.unwrap_err();
    assert_eq!(told.code(), codes::LEDGER_UNAVAILABLE);
    assert!(committed(&direct, refused).await);
    proxy.is(PASSING);
    ledger.flush(Duration::from_mins(1)).await.unwrap();
    assert!(!open(&direct).await.contains(&refused));
    // The same with the intent of a following attempt, whose entry is kept.
    proxy.is(ARMED);
    let told = ledger.record(entry(sent, 5), Some(intent(following))).await;
    assert_eq!(told.unwrap_err().code(), codes::LEDGER_UNAVAILABLE);
    assert!(committed(&direct, following).await);
    // Whoever asks again is told the truth, whatever became of the first time.
    proxy.is(PASSING);
    let again = loop {
        match ledger.intend(intent(following)).await {
            Ok(booking) => break booking,
            Err(away) => assert_eq!(away.code(), codes::LEDGER_UNAVAILABLE),
        }
    };
    assert_eq!(again, Booking::Durable);
    ledger.flush(Duration::from_mins(1)).await.unwrap();
    assert!(open(&direct).await.contains(&following));
    assert_eq!(
        direct.of_operation(sent.operation()).await.unwrap().len(),
        1
    );
    // What was noted before is not taken back.
    proxy.is(ARMED);
    let told = ledger.intend(intent(following)).await.unwrap_err();
    assert_eq!(told.code(), codes::LEDGER_UNAVAILABLE);
    proxy.is(PASSING);
    ledger.flush(Duration::from_mins(1)).await.unwrap();
    assert!(committed(&direct, following).await);
    through.dispose().await;
}
