//! What an attacker, or an operator without luck, gets away with.

use std::time::Duration;

#[cfg(feature = "sqlite")]
use base64::Engine as _;
#[cfg(feature = "sqlite")]
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
#[cfg(feature = "sqlite")]
use lattice_lock_auth::codes::AUDIT_BROKEN;
use lattice_lock_auth::codes::{
    BOOTSTRAPPED, CREDENTIALS_REFUSED, GRANT_EXCEEDED, IMPORT_INVALID, TOKEN_REVOKED,
};
use lattice_lock_auth::{Auth, Grant, Keys, Role, RoleName, Source, UserRecord};
use lattice_lock_principal::Principal;
use lattice_lock_repository::Engine;
#[cfg(feature = "sqlite")]
use sha2::{Digest, Sha256};

use crate::world::{
    OTHER_PASSWORD, PASSWORD, World, entries, here, host, permission, refused, secret,
};

/// `secret`, hashed by bcrypt at the lowest cost.
const BCRYPT: &str = "$2b$04$U5OEFjJb.hIqTYu9pGfbqenHuVt.w8QbYI09oAtP9MBzpU1sRavz2";

fn place(n: usize) -> Source {
    format!("place-{n}").parse().unwrap()
}

fn record(name: &str, hash: &str, role: &str) -> UserRecord {
    let json = serde_json::json!({"username": name, "hashed_password": hash, "role": role});
    serde_json::from_value(json).unwrap()
}

/// Somebody who manages viewers, and nobody else.
fn clerk() -> Principal {
    let names = [
        "manage:users",
        "read:health",
        "read:projects",
        "read:errors",
    ];
    Principal::service("clerk")
        .unwrap()
        .permissions(names.map(permission))
}

/// Each is still an administrator when the credential is looked up; one of the two changes comes first.
pub(crate) async fn two_administrators_cannot_remove_each_other(world: World) {
    let (ann, bob) = (
        world.user("ann", Role::Admin).await,
        world.user("bob", Role::Admin).await,
    );
    let (one, other, source) = (world.auth.clone(), world.other(), here());
    let sessions = [world.login("ann").await, world.login("bob").await];
    let as_ann = one
        .verify_now(sessions[0].access().expose(), &source)
        .await
        .unwrap();
    let as_bob = other
        .verify_now(sessions[1].access().expose(), &source)
        .await
        .unwrap();
    let (by_ann, by_bob) = (one.acting(&as_ann, &source), other.acting(&as_bob, &source));
    let done = tokio::join!(by_ann.disable(bob.id()), by_bob.disable(ann.id()));
    let (host, mut left) = (host(), 0);
    let acting = world.auth.acting(&host, &source);
    for id in [ann.id(), bob.id()] {
        left += u32::from(!acting.user(id).await.unwrap().is_disabled());
    }
    assert!(left > 0, "no administrator is left: {done:?}");
}

/// What the audit says came first was called back.
pub(crate) async fn calling_everything_back_wins_over_an_exchange(world: World) {
    let (one, other, source) = (world.auth.clone(), world.other(), here());
    world.user("ann", Role::Viewer).await;
    let host = host();
    for _ in 0..16 {
        let stolen = world.login("ann").await;
        world.pass(1);
        let now = world.now();
        let acting = other.acting(&host, &source);
        let (exchanged, called) = tokio::join!(
            one.refresh(stolen.refresh().expose(), &source),
            acting.revoke_before(now),
        );
        called.unwrap();
        let Ok(next) = exchanged else { continue };
        let entries = entries(&world.auth).await;
        let last = |action: &str| {
            let is_it = |it: &serde_json::Value| it["action"] == action && it["outcome"] == "ok";
            entries.iter().rposition(is_it).unwrap()
        };
        let came_first = last("revoke_before") < last("refresh");
        let goes_on = one.refresh(next.refresh().expose(), &source).await.is_ok();
        assert!(
            !(came_first && goes_on),
            "a token of before {now} was exchanged after all of them were called back"
        );
        world.pass(1);
    }
}

/// As little as a key: once the password is another one, the thief's places are strangers'.
pub(crate) async fn a_stolen_password_makes_no_places_to_guess_from(world: World) {
    let ann = world.user("ann", Role::Viewer).await;
    let (host, source) = (host(), here());
    for n in 0..4 {
        let stolen = world.auth.login("ann", &secret(PASSWORD), &place(n)).await;
        stolen.unwrap();
    }
    let acting = world.auth.acting(&host, &source);
    acting
        .reset_password(ann.id(), &secret(OTHER_PASSWORD), Keys::Revoke)
        .await
        .unwrap();
    let mut guesses = 0;
    for n in 0..4 {
        while world.fail("ann", &place(n)).await == CREDENTIALS_REFUSED {
            guesses += 1;
        }
    }
    assert_eq!(guesses, 5, "as many as from anywhere");
}

pub(crate) async fn nobody_bootstraps_beside_users_that_were_imported(world: World) {
    let imported = world
        .auth
        .import_users(&[record("root", BCRYPT, "admin")])
        .await;
    assert_eq!(imported.unwrap().added, 1);
    let stranger = "mallory".parse().unwrap();
    let made = world.auth.bootstrap(&stranger, &secret(PASSWORD)).await;
    refused(made.map(|user| user.role().clone()), BOOTSTRAPPED);
}

/// Either an import refuses them, or a login says what it says of a wrong password.
pub(crate) async fn a_hash_that_cannot_be_computed_tells_nobody(world: World) {
    // Bits beyond the salt's last byte, as old programs wrote them.
    let padded = BCRYPT.replacen("pGfbqe", "pGfbqf", 1);
    let mut faults = Vec::new();
    for (n, hash) in [padded.as_str()].into_iter().enumerate() {
        let name = format!("ann{n}");
        let user = record(&name, hash, "viewer");
        if world.auth.import_users(&[user]).await.is_ok() {
            let code = world.fail(&name, &place(n)).await;
            if code != CREDENTIALS_REFUSED {
                faults.push((hash, code));
            }
        }
    }
    assert_eq!(faults, []);
}

pub(crate) async fn an_import_does_not_revive_what_was_called_back(world: World) {
    let ann = world.user("ann", Role::Viewer).await;
    let (host, source) = (host(), here());
    let kept = world.auth.export_users().await.unwrap();
    let last = entries(&world.auth).await.pop().unwrap();
    assert_eq!(last["action"], "export_users");
    let grant = Grant::new(ann.principal_id().unwrap()).role(Role::Viewer);
    let token = world
        .auth
        .tokens()
        .issue(&grant, Duration::from_mins(30))
        .unwrap();
    world.pass(1);
    let acting = world.auth.acting(&host, &source);
    acting.delete_user(ann.id()).await.unwrap();
    refused(
        world.auth.verify_now(token.expose(), &source).await,
        TOKEN_REVOKED,
    );
    world.auth.import_users(&kept).await.unwrap();
    refused(
        world.auth.verify_now(token.expose(), &source).await,
        TOKEN_REVOKED,
    );
}

/// Of two processes, one has not been told of the host's own role yet.
pub(crate) async fn a_role_that_is_unknown_here_protects_its_user(world: World) {
    if world.database.engine() == Engine::Memory {
        return;
    }
    let owner: RoleName = "owner".parse().unwrap();
    let all = Role::Admin.permissions();
    let knows = world.builder().role(owner.clone(), all).build().unwrap();
    let (host, source) = (host(), here());
    let boss = knows
        .acting(&host, &source)
        .create_user(&"boss".parse().unwrap(), &secret(PASSWORD), owner)
        .await
        .unwrap();
    let (clerk, new) = (clerk(), secret(OTHER_PASSWORD));
    let there = knows.acting(&clerk, &source);
    let reset = there.reset_password(boss.id(), &new, Keys::Keep).await;
    refused(reset, GRANT_EXCEEDED);
    let elsewhere: Auth = world.auth.clone();
    let there = elsewhere.acting(&clerk, &source);
    let reset = there.reset_password(boss.id(), &new, Keys::Keep).await;
    let taken = knows.login("boss", &new, &source).await;
    assert!(
        reset.is_err() && taken.is_err(),
        "a clerk signs in as {:?}",
        taken.map(|session| session.principal().clone())
    );
}

pub(crate) async fn nobody_deletes_a_user_who_was_promoted_meanwhile(world: World) {
    let (one, other, source) = (world.auth.clone(), world.other(), here());
    let (host, clerk) = (host(), clerk());
    for n in 0..12 {
        let user = world.user(&format!("user{n}"), Role::Viewer).await;
        let (below, above) = (one.acting(&clerk, &source), other.acting(&host, &source));
        let (deleted, promoted) = tokio::join!(
            below.delete_user(user.id()),
            above.change_role(user.id(), Role::Admin),
        );
        assert!(
            !(deleted.is_ok() && promoted.is_ok()),
            "a clerk deleted an administrator"
        );
    }
}

pub(crate) async fn a_clock_that_jumps_sweeps_no_revocation_that_counts(world: World) {
    world.user("ann", Role::Viewer).await;
    let (session, source) = (world.login("ann").await, here());
    let acting = world.auth.acting(session.principal(), &source);
    let token = session.access().expose();
    acting.revoke_token(token).await.unwrap();
    refused(world.auth.verify_now(token, &source).await, TOKEN_REVOKED);
    world.pass(3600);
    world.auth.sweep().await.unwrap();
    world.go_back(3600);
    refused(world.auth.verify_now(token, &source).await, TOKEN_REVOKED);
}

/// A password of 80 letters, of which bcrypt reads 72.
pub(crate) async fn a_typo_beyond_what_bcrypt_reads_changes_no_password(world: World) {
    let right = format!("{}tail-one", "0123456789abcdef-five-zebras ".repeat(3));
    let hash = bcrypt::hash_with_salt(&right, 4, [7; 16])
        .unwrap()
        .to_string();
    let user = record("ann", &hash, "viewer");
    world.auth.import_users(&[user]).await.unwrap();
    let typo = right.replace("tail-one", "tail-two");
    let _ = world.auth.login("ann", &secret(&typo), &here()).await;
    let signed_in = world.auth.login("ann", &secret(&right), &here()).await;
    assert!(
        signed_in.is_ok(),
        "the password is what somebody mistyped: {signed_in:?}"
    );
}

pub(crate) async fn access_ends_with_its_session(world: World) {
    let hour = Duration::from_hours(1);
    let builder = world.builder();
    let builder = builder.refresh_lifetime(hour).session_lifetime(hour);
    let (auth, source, right) = (builder.build().unwrap(), here(), secret(PASSWORD));
    auth.bootstrap(&"ann".parse().unwrap(), &right)
        .await
        .unwrap();
    let first = auth.login("ann", &right, &source).await.unwrap();
    world.pass(3599);
    let last = auth.refresh(first.refresh().expose(), &source).await;
    let last = last.unwrap();
    world.pass(600);
    let before = auth.verify_now(last.access().expose(), &source).await;
    auth.sweep().await.unwrap();
    let after = auth.verify_now(last.access().expose(), &source).await;
    assert!(after.is_err(), "it is swept");
    assert!(before.is_err(), "an hour in all, and ten minutes");
}

/// Somebody mistyped while a machine's clock was wrong.
pub(crate) async fn a_clock_that_jumps_locks_nobody_out_for_days(world: World) {
    const DAY: u64 = 24 * 60 * 60;
    let ann = world.user("ann", Role::Viewer).await;
    let session = world.login("ann").await;
    world.pass(5 * DAY);
    for _ in 0..5 {
        world.fail("ann", &here()).await;
    }
    world.go_back(5 * DAY);
    world.pass(1);
    let (host, source) = (host(), here());
    let acting = world.auth.acting(&host, &source);
    acting.unlock(ann.id()).await.unwrap();
    world.pass(20 * 60);
    let mut held = Vec::new();
    let right = secret(PASSWORD);
    held.extend(world.auth.login("ann", &right, &source).await.err());
    let token = world
        .auth
        .refresh(session.refresh().expose(), &source)
        .await;
    held.extend(token.err());
    assert!(held.is_empty(), "{held:?}");
}

/// Two who are one here: which of them is the administrator, and which is turned off, is not for chance to say.
pub(crate) async fn an_import_of_one_name_twice_is_refused(world: World) {
    let records: Vec<UserRecord> = serde_json::from_value(serde_json::json!([
        {"username": "Ann", "hashed_password": BCRYPT, "role": "admin"},
        {"username": "ann", "hashed_password": BCRYPT, "role": "viewer", "is_active": false},
    ]))
    .unwrap();
    refused(world.auth.import_users(&records).await, IMPORT_INVALID);
    // Nor is what is not understood: it may be what turns somebody off.
    let other = serde_json::json!({"username": "ann", "hashed_password": BCRYPT, "disabled": true});
    assert!(serde_json::from_value::<UserRecord>(other).is_err());
}

/// Forged entries at the end, by somebody who has no secret: the next honest entry must not vouch for them.
#[cfg(feature = "sqlite")]
pub(crate) async fn entries_that_were_put_at_the_end_are_found(world: World) {
    use sea_orm::ConnectionTrait;
    let (host, source) = (host(), here());
    let acting = world.auth.acting(&host, &source);
    acting.revoke_before(0).await.unwrap();
    let last = entries(&world.auth).await.pop().unwrap();
    let text = |name: &str| last[name].as_str().unwrap().to_owned();
    let (sequence, at) = (2.to_string(), last["at"].as_u64().unwrap());
    let forged = ["delete_user", "user:ann", "bob", "", "ok", "unknown"];
    let before = [text("digest"), text("mac"), sequence, at.to_string()];
    let digest = chained(before.iter().map(String::as_str).chain(forged));
    let [action, actor, target, from, outcome, key] = forged;
    let sql = format!(
        "INSERT INTO lattice_auth_audit (sequence, happened_at, action, actor, target, source, outcome, key_id, \
         digest, mac) VALUES (2, {at}000000, '{action}', '{actor}', '{target}', '{from}', '{outcome}', '{key}', \
         '{digest}', 'x')"
    );
    let mut scope = world.database.writer().unwrap();
    let connection = scope.connection().unwrap();
    connection.execute_unprepared(&sql).await.unwrap();
    drop(scope);
    let went_on = acting.revoke_before(0).await;
    let verified = acting.verify_audit(None).await;
    let found = verified
        .as_ref()
        .is_err_and(|error| error.code() == AUDIT_BROKEN);
    assert!(found, "{went_on:?} {verified:?}");
}

#[cfg(feature = "sqlite")]
fn chained<'f>(fields: impl IntoIterator<Item = &'f str>) -> String {
    let mut hash = Sha256::new();
    for field in fields {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// Users are imported by a process of its own.
pub(crate) async fn other_processes_learn_of_hashes_of_bcrypt(world: World) {
    if world.database.engine() == Engine::Memory {
        return;
    }
    let other = world.other();
    let calls = async |name: &str, n: usize| {
        let before = other.passwords().hash_calls();
        let wrong = secret(crate::world::WRONG);
        let error = other.login(name, &wrong, &place(n)).await.unwrap_err();
        assert_eq!(error.code(), CREDENTIALS_REFUSED);
        other.passwords().hash_calls() - before
    };
    assert_eq!(calls("nobody", 0).await, 1);
    let user = record("ann", BCRYPT, "viewer");
    world.auth.import_users(&[user]).await.unwrap();
    world.pass(60);
    let both = (calls("nobody", 1).await, calls("ann", 2).await);
    assert_eq!(both, (2, 2), "a hash of each scheme");
}

/// Entries name the key that vouches for them, and those of a key that is gone are believed if a later one is right.
#[cfg(feature = "sqlite")]
pub(crate) async fn a_history_of_an_unknown_key_is_found(world: World) {
    use sea_orm::ConnectionTrait;
    world.user("ann", Role::Viewer).await;
    let (host, source) = (host(), here());
    let acting = world.auth.acting(&host, &source);
    acting.revoke_before(0).await.unwrap();
    acting.verify_audit(None).await.unwrap();
    let (mut digest, mut mac) = (String::new(), String::new());
    let mut statements = Vec::new();
    for entry in entries(&world.auth).await {
        let text = |name: &str| entry[name].as_str().unwrap().to_owned();
        let (sequence, at) = (entry["sequence"].to_string(), entry["at"].to_string());
        let fields = [
            digest,
            mac,
            sequence.clone(),
            at,
            text("action"),
            "user:somebody-else".to_owned(),
            text("target"),
            text("source"),
            text("outcome"),
            "a key of long ago".to_owned(),
        ];
        digest = chained(fields.iter().map(String::as_str));
        mac = String::from("anything");
        statements.push(format!(
            "UPDATE lattice_auth_audit SET actor = 'user:somebody-else', key_id = 'a key of long ago', \
             digest = '{digest}', mac = '{mac}' WHERE sequence = {sequence}"
        ));
    }
    for sql in statements {
        let mut scope = world.database.writer().unwrap();
        let connection = scope.connection().unwrap();
        connection.execute_unprepared(&sql).await.unwrap();
    }
    // The next process goes on, or says that something is wrong.
    let next = world.other();
    let acting = next.acting(&host, &source);
    let went_on = acting.revoke_before(0).await;
    let verified = acting.verify_audit(None).await;
    let found = verified
        .as_ref()
        .is_err_and(|error| error.code() == AUDIT_BROKEN);
    assert!(
        found,
        "who did what was changed, and vouched for: {went_on:?} {verified:?}"
    );
}
