use std::sync::mpsc;

use lattice_lock_auth::codes::{
    HASH_MALFORMED, HASH_TOO_COSTLY, HASH_UNSUPPORTED, HASHING_OVERLOADED, PASSWORD_TOO_LONG,
    PASSWORD_TOO_SHORT,
};
use lattice_lock_auth::{Cost, PasswordHash, Passwords};
use lattice_lock_errors::{Code, Secret};

const SALT: &str = "c29tZXNhbHRzb21lc2FsdA";
const DIGEST: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn stored(parameters: &str) -> String {
    format!("$argon2id$v=19${parameters}${SALT}${DIGEST}")
}

#[tokio::test]
async fn only_the_password_itself_is_verified() {
    let passwords = Passwords::default();
    let password = "five tired zebras wander home";
    let hash = passwords.hash(&secret(password)).await.unwrap();
    assert!(passwords.verify(&secret(password), &hash).await.unwrap());
    for other in [
        "",
        "five tired zebras wander hom",
        "five tired zebras wander home ",
        "Five tired zebras wander home",
        "five tired zebras wander home\0",
    ] {
        assert!(
            !passwords.verify(&secret(other), &hash).await.unwrap(),
            "{other:?}"
        );
    }
    let read: PasswordHash = hash.as_str().parse().unwrap();
    assert!(passwords.verify(&secret(password), &read).await.unwrap());
    assert_eq!(read.cost(), Cost::default());
}

#[tokio::test]
async fn nothing_is_cut() {
    let passwords = Passwords::default();
    let long = "x".repeat(1024);
    let hash = passwords.hash(&secret(&long)).await.unwrap();
    assert!(passwords.verify(&secret(&long), &hash).await.unwrap());
    assert!(!passwords.verify(&secret(&long[1..]), &hash).await.unwrap());
}

#[tokio::test]
async fn the_same_password_has_another_hash_each_time() {
    let passwords = Passwords::default();
    let password = secret("five tired zebras wander home");
    let (one, two) = (
        passwords.hash(&password).await,
        passwords.hash(&password).await,
    );
    assert_ne!(one.unwrap().as_str(), two.unwrap().as_str());
}

#[tokio::test]
async fn a_password_is_the_same_from_every_keyboard() {
    let passwords = Passwords::default();
    let hash = passwords
        .hash(&secret("\u{fc}ber\u{e9}\u{212b}ngstr\u{f6}mlich"))
        .await
        .unwrap();
    let decomposed = secret("u\u{308}bere\u{301}A\u{30a}ngstro\u{308}mlich");
    assert!(passwords.verify(&decomposed, &hash).await.unwrap());
    // Compatibility characters are others: folding them would make passwords weaker.
    let folded = passwords
        .hash(&secret("\u{fb01}ve tired zebras"))
        .await
        .unwrap();
    assert!(
        !passwords
            .verify(&secret("five tired zebras"), &folded)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn length_has_its_limits_and_the_policy_does_not_lock_out() {
    let passwords = Passwords::default();
    let code =
        |result: Result<PasswordHash, lattice_lock_errors::Error>| result.unwrap_err().code();
    assert_eq!(
        code(passwords.hash(&secret("fourteen chars")).await),
        PASSWORD_TOO_SHORT
    );
    let endless = secret(&"x".repeat(1025));
    assert_eq!(code(passwords.hash(&endless).await), PASSWORD_TOO_LONG);
    let shorter = Passwords::builder()
        .shortest(8)
        .longest(64)
        .build()
        .unwrap();
    let hash = shorter.hash(&secret("eight ch")).await.unwrap();
    assert_eq!(
        code(shorter.hash(&secret(&"x".repeat(65))).await),
        PASSWORD_TOO_LONG
    );
    assert!(passwords.verify(&secret("eight ch"), &hash).await.unwrap());
    let error = passwords.verify(&endless, &hash).await.unwrap_err();
    assert_eq!(error.code(), PASSWORD_TOO_LONG);
}

#[tokio::test]
async fn another_cost_is_written_and_read() {
    let cost = Cost::new(7168, 5, 2).unwrap();
    let passwords = Passwords::builder().cost(cost).build().unwrap();
    let password = secret("five tired zebras wander home");
    let hash = passwords.hash(&password).await.unwrap();
    assert!(hash.as_str().starts_with("$argon2id$v=19$m=7168,t=5,p=2$"));
    assert_eq!(hash.cost(), cost);
    assert!(Passwords::default().verify(&password, &hash).await.unwrap());
}

// One of the reference implementation's own tests.
#[tokio::test]
async fn a_hash_of_the_reference_implementation_is_verified() {
    let hash: PasswordHash =
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
            .parse()
            .unwrap();
    let passwords = Passwords::default();
    assert!(passwords.verify(&secret("password"), &hash).await.unwrap());
    assert!(!passwords.verify(&secret("Password"), &hash).await.unwrap());
}

#[tokio::test]
async fn a_stored_hash_does_not_decide_how_much_verifying_costs() {
    let passwords = Passwords::default();
    for parameters in [
        "m=4194304,t=2,p=1",
        "m=131073,t=2,p=1",
        "m=19456,t=11,p=1",
        "m=19456,t=4294967295,p=1",
        "m=19456,t=2,p=17",
        "m=4294967295,t=4294967295,p=1",
    ] {
        let hash: PasswordHash = stored(parameters).parse().unwrap();
        let error = passwords.verify(&secret("x"), &hash).await.unwrap_err();
        assert_eq!(error.code(), HASH_TOO_COSTLY, "{parameters}");
    }
}

fn check(text: &str, code: Code) {
    let error = text.parse::<PasswordHash>().expect_err(text);
    assert_eq!(error.code(), code, "{text}");
    let owned = PasswordHash::try_from(text.to_owned()).unwrap_err();
    assert_eq!(owned.code(), code, "{text}");
}

#[test]
fn hashes_of_others_are_named() {
    check(
        "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
        HASH_UNSUPPORTED,
    );
    check("$2a$04$", HASH_UNSUPPORTED);
    check("$2y$12$x", HASH_UNSUPPORTED);
    check(
        &stored("m=19456,t=2,p=1").replace("2id", "2i"),
        HASH_UNSUPPORTED,
    );
    check(
        &stored("m=19456,t=2,p=1").replace("2id", "2d"),
        HASH_UNSUPPORTED,
    );
    check(
        "$scrypt$ln=17,r=8,p=1$c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODw",
        HASH_UNSUPPORTED,
    );
    check(
        "$pbkdf2-sha256$i=600000$c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODw",
        HASH_UNSUPPORTED,
    );
    let scheme = "$2b$12$x".parse::<PasswordHash>().unwrap_err();
    assert_eq!(scheme.context().collect::<Vec<_>>(), [("scheme", "bcrypt")]);
}

#[test]
fn what_is_not_exactly_a_hash_of_ours_is_malformed() {
    assert!(stored("m=19456,t=2,p=1").parse::<PasswordHash>().is_ok());
    for parameters in [
        "",
        "m=19456",
        "m=19456,t=2",
        "t=2,m=19456,p=1",
        "m=19456,t=2,p=1,p=1",
        "m=19456,t=2,p=1,keyid=AAAA",
        "m=19456,t=2,p=1,data=AAAA",
        "m=0,t=2,p=1",
        "m=7,t=2,p=1",
        "m=19456,t=0,p=1",
        "m=19456,t=2,p=0",
        "m=19456,t=2,p=16777216",
        "m=4294967296,t=2,p=1",
        "m=-1,t=2,p=1",
        "m=x,t=2,p=1",
        "m=019456,t=2,p=1",
    ] {
        check(&stored(parameters), HASH_MALFORMED);
    }
    let good = stored("m=19456,t=2,p=1");
    for text in [
        String::new(),
        "$".into(),
        "$$$$$".into(),
        "password".into(),
        "$argon2id".into(),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}$"),
        format!("{good}$x"),
        format!("x{good}"),
        good.replace("$v=19", ""),
        good.replace("v=19", "v=16"),
        good.replace("v=19", "v=20"),
        good.replace(SALT, ""),
        good.replace(SALT, "c2FsdA"),
        good.replace(DIGEST, ""),
        good.replace(&format!("${DIGEST}"), ""),
        good.replace(DIGEST, "AAECAwQFBgcICQoLDA0O"),
        good.replace("argon2id", "argon2"),
        good.replace("argon2id", "ARGON2ID"),
        format!("{good}{}", "A".repeat(300)),
        "$argon2id$".repeat(1 << 20),
    ] {
        check(&text, HASH_MALFORMED);
    }
}

/// With no thread to hash on, everyone who has begun stays where they are.
#[test]
fn overload_is_told_at_once_and_passes() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let (release, released) = mpsc::channel::<()>();
    runtime.spawn_blocking(move || released.recv().ok());
    let passwords = Passwords::builder().at_once(1).queue(1).build().unwrap();
    let password = secret("five tired zebras wander home");
    runtime.block_on(async {
        let (mut one, mut two) = (
            Box::pin(passwords.hash(&password)),
            Box::pin(passwords.hash(&password)),
        );
        assert!(is_pending(&mut one).await && is_pending(&mut two).await);
        let error = passwords.hash(&password).await.unwrap_err();
        assert_eq!(error.code(), HASHING_OVERLOADED);
        assert!(error.is_retryable() && error.retry_after().is_some());
        release.send(()).unwrap();
        assert!(one.await.is_ok() && two.await.is_ok());
        assert!(passwords.hash(&password).await.is_ok());
    });
}

async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    use std::task::Poll;
    std::future::poll_fn(|cx| Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending()))
        .await
}
