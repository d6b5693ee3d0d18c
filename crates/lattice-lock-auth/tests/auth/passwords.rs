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
    assert_eq!(read.cost(), Some(Cost::default()));
}

#[tokio::test]
async fn nothing_is_cut() {
    let passwords = Passwords::default();
    let long: String = (0_u32..1024)
        .filter_map(|n| char::from_u32(0x4e00 + n))
        .collect();
    let hash = passwords.hash(&secret(&long)).await.unwrap();
    assert!(passwords.verify(&secret(&long), &hash).await.unwrap());
    assert!(!passwords.verify(&secret(&long[3..]), &hash).await.unwrap());
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
    assert_eq!(hash.cost(), Some(cost));
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
    check("$2x$12$x", HASH_UNSUPPORTED);
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
    let scheme = "$scrypt$x".parse::<PasswordHash>().unwrap_err();
    assert_eq!(scheme.context().collect::<Vec<_>>(), [("scheme", "scrypt")]);
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
        "m=19456,t=2,p=1,keyid=",
        "m=19456,t=2,keyid=AAAA,p=1",
        "m=19456,t=2,p=1,keyid=AAAAAAAAAAAAAAAAAA",
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

#[tokio::test]
async fn a_hash_of_bcrypt_is_verified_with_what_was_typed() {
    let hash: PasswordHash = "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW"
        .parse()
        .unwrap();
    let passwords = Passwords::default();
    assert!(passwords.verify(&secret("secret"), &hash).await.unwrap());
    assert!(!passwords.verify(&secret("Secret"), &hash).await.unwrap());
    assert_eq!(passwords.hash_calls(), 2);
    let costly: PasswordHash = hash.as_str().replace("$12$", "$15$").parse().unwrap();
    let error = passwords
        .verify(&secret("secret"), &costly)
        .await
        .unwrap_err();
    assert_eq!(error.code(), HASH_TOO_COSTLY);
    for bad in [
        "$2b$12$",
        "$2b$1$x",
        "$2b$+9$",
        "$2b$12$x",
        "$2b$32$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
    ] {
        check(bad, HASH_MALFORMED);
    }
}

#[tokio::test]
async fn a_pepper_is_needed_and_named() {
    use lattice_lock_auth::codes::PEPPER_UNKNOWN;
    use lattice_lock_config::SigningSecret;
    let (one, two) = (
        SigningSecret::random().unwrap(),
        SigningSecret::random().unwrap(),
    );
    let peppered = |builder: lattice_lock_auth::PasswordsBuilder| builder.build().unwrap();
    let first = peppered(Passwords::builder().pepper("p1", &one));
    let both = peppered(Passwords::builder().pepper("p1", &one).pepper("p2", &two));
    let other = peppered(Passwords::builder().pepper("p1", &two));
    let password = secret("five tired zebras wander home");
    let hash = first.hash(&password).await.unwrap();
    assert!(hash.as_str().contains(",keyid="));
    let read: PasswordHash = hash.as_str().parse().unwrap();
    assert!(first.verify(&password, &read).await.unwrap());
    assert!(both.verify(&password, &read).await.unwrap());
    assert!(!other.verify(&password, &read).await.unwrap());
    let error = Passwords::default()
        .verify(&password, &read)
        .await
        .unwrap_err();
    assert_eq!(error.code(), PEPPER_UNKNOWN);
    assert!(both.hash(&password).await.unwrap().as_str() != hash.as_str());
    assert!(!format!("{first:?}").contains(&format!("{:?}", one.expose())));
}

#[derive(Debug)]
struct Stolen;

#[async_trait::async_trait]
impl lattice_lock_auth::Breaches for Stolen {
    async fn contains(&self, password: &Secret<String>) -> lattice_lock_errors::Result<bool> {
        Ok(password.expose().contains("zebras"))
    }
}

#[tokio::test]
async fn common_and_stolen_passwords_are_refused_with_the_reason() {
    use lattice_lock_auth::codes::PASSWORD_COMMON;
    let passwords = Passwords::builder()
        .shortest(8)
        .breaches(Stolen)
        .build()
        .unwrap();
    for (text, reason) in [
        ("iloveyou", "common"),
        ("passwordpassword", "common"),
        ("five tired zebras wander home", "stolen"),
    ] {
        let error = passwords.hash(&secret(text)).await.unwrap_err();
        assert_eq!(error.code(), PASSWORD_COMMON);
        assert!(error.to_string().contains(reason), "{error}");
    }
    assert_eq!(passwords.hash_calls(), 0);
    assert!(
        passwords
            .hash(&secret("nine calm otters paddle north"))
            .await
            .is_ok()
    );
}
