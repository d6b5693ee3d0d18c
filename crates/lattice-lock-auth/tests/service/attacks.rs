//! What somebody tries who knows how it is built.

use std::time::Duration;

use lattice_lock_auth::codes::{
    CREDENTIALS_REFUSED, KEY_UNKNOWN, LOCKED_OUT, REFRESH_REUSED, SELF_REFUSED, SESSION_ENDED,
    TOKEN_REVOKED, USER_CHANGED, USER_UNKNOWN,
};
use lattice_lock_auth::{Grant, Keys, Lockout, NewKey, Role, Source, UserRecord};
use lattice_lock_errors::Secret;
use lattice_lock_principal::Principal;
use lattice_lock_principal::codes::PERMISSION_MISSING;
use lattice_lock_repository::{Engine, EntityId};

use crate::facts::BCRYPT;
use crate::world::{
    OTHER_PASSWORD, PASSWORD, WRONG, World, elsewhere, entries, here, host, permission, refused,
    secret,
};

fn place(n: usize) -> Source {
    format!("place-{n}").parse().unwrap()
}

async fn key_of(world: &World, owner: EntityId) -> Secret<String> {
    let (host, source) = (host(), here());
    let key = NewKey::new("k").scope(permission("read:health"));
    let acting = world.auth.acting(&host, &source);
    acting.create_key(owner, &key).await.unwrap().0
}

/// Lets the account wait, by failing from places that nobody knows.
async fn lock(world: &World, name: &str) {
    for n in 0..5 {
        let stranger = format!("stranger-{n}").parse().unwrap();
        assert_eq!(world.fail(name, &stranger).await, CREDENTIALS_REFUSED);
    }
}

pub(crate) async fn a_stolen_key_makes_no_places_to_guess_from(world: World) {
    let ann = world.user("ann", Role::Viewer).await;
    let key = key_of(&world, ann.id()).await;
    for n in 0..4 {
        let used = world.auth.verify_key(key.expose(), &place(n)).await;
        used.unwrap();
    }
    let mut guesses = 0;
    for n in 0..4 {
        while world.fail("ann", &place(n)).await == CREDENTIALS_REFUSED {
            guesses += 1;
        }
    }
    assert_eq!(guesses, 5, "as many as without a key");
    world.pass(5);
    assert_eq!(world.fail("ann", &elsewhere()).await, CREDENTIALS_REFUSED);
    assert_eq!(world.fail("ann", &elsewhere()).await, LOCKED_OUT);
    let key = key.expose();
    assert!(world.auth.verify_key(key, &place(0)).await.is_ok());
    refused(world.auth.verify_key(key, &elsewhere()).await, LOCKED_OUT);
}

/// Callers that go away at any moment: what was done is in the audit, and what is in the audit was done.
pub(crate) async fn whoever_goes_away_leaves_an_entry_for_what_was_done(world: World) {
    let ann = world.user("ann", Role::Viewer).await;
    let (host, source) = (host(), here());
    let acting = world.auth.acting(&host, &source);
    for round in 0..60_u32 {
        let patience = 1_u32 << (round % 15);
        let key = NewKey::new("k");
        tokio::select! {
            biased;
            made = acting.create_key(ann.id(), &key) => drop(made.unwrap()),
            () = turns(patience) => {}
        }
    }
    // Whoever comes next finds what the others left.
    acting
        .create_key(ann.id(), &NewKey::new("k"))
        .await
        .unwrap();
    let mut made: Vec<_> = acting.keys(ann.id()).await.unwrap();
    let mut kept: Vec<_> = made.drain(..).map(|key| key.id().to_string()).collect();
    let done = entries(&world.auth)
        .await
        .into_iter()
        .filter(|entry| entry["action"] == "create_key" && entry["outcome"] == "ok");
    let mut audited: Vec<_> = done
        .map(|entry| entry["target"].as_str().unwrap().to_owned())
        .collect();
    kept.sort();
    audited.sort();
    assert_eq!(kept, audited);
}

async fn turns(count: u32) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn a_key_that_was_called_back_has_no_successor(world: World) {
    let ann = world.user("ann", Role::Viewer).await;
    let (host, source) = (host(), here());
    let (one, other) = (world.auth.clone(), world.other());
    for _ in 0..12 {
        let acting = one.acting(&host, &source);
        let (_, key) = acting
            .create_key(ann.id(), &NewKey::new("k"))
            .await
            .unwrap();
        let elsewhere = other.acting(&host, &source);
        let (rotated, revoked) = tokio::join!(
            acting.rotate_key(key.id(), Duration::from_hours(1)),
            elsewhere.revoke_key(key.id()),
        );
        revoked.unwrap();
        if let Err(error) = rotated {
            assert_eq!(error.code(), KEY_UNKNOWN);
        }
    }
    let mut gone = Vec::new();
    for entry in entries(&world.auth).await {
        let (action, target) = (&entry["action"], entry["target"].clone());
        if action == "revoke_key" && entry["outcome"] == "ok" {
            gone.push(target);
        } else if action == "rotate_key" && entry["outcome"] == "ok" {
            assert!(!gone.contains(&target), "replaced after its end");
        }
    }
    assert_eq!(gone.len(), 12);
}

pub(crate) async fn a_user_who_was_deleted_leaves_no_key(world: World) {
    let (host, source) = (host(), here());
    let (one, other) = (world.auth.clone(), world.other());
    for n in 0..8 {
        let user = world.user(&format!("user{n}"), Role::Viewer).await;
        let acting = one.acting(&host, &source);
        let elsewhere = other.acting(&host, &source);
        let key = NewKey::new("k");
        let (made, deleted) = tokio::join!(
            acting.create_key(user.id(), &key),
            elsewhere.delete_user(user.id()),
        );
        deleted.unwrap();
        if let Err(error) = made {
            assert!([USER_UNKNOWN, USER_CHANGED].contains(&error.code()));
        }
        assert_eq!(acting.keys(user.id()).await.unwrap(), []);
    }
}

pub(crate) async fn an_old_token_is_noticed_while_its_account_waits(world: World) {
    world.user("ann", Role::Viewer).await;
    let first = world.login("ann").await;
    let (auth, old) = (&world.auth, first.refresh().expose());
    let second = auth.refresh(old, &here()).await.unwrap();
    world.pass(60);
    lock(&world, "ann").await;
    let newest = second.refresh().expose();
    refused(auth.refresh(newest, &elsewhere()).await, LOCKED_OUT);
    refused(auth.refresh(old, &elsewhere()).await, REFRESH_REUSED);
    refused(auth.refresh(newest, &here()).await, SESSION_ENDED);
}

pub(crate) async fn tokens_without_a_session_are_called_back_too(world: World) {
    let ann = world.user("ann", Role::Viewer).await;
    let (host, source, new) = (host(), here(), secret(OTHER_PASSWORD));
    let acting = world.auth.acting(&host, &source);
    let issue = || {
        let grant = Grant::new(ann.principal_id().unwrap()).role(Role::Viewer);
        let lifetime = Duration::from_mins(30);
        world.auth.tokens().issue(&grant, lifetime).unwrap()
    };
    let verify = async |token: &Secret<String>| world.auth.verify(token.expose(), &source).await;
    for way in 0..3 {
        let token = issue();
        assert!(verify(&token).await.is_ok());
        match way {
            0 => acting.end_sessions(ann.id()).await.unwrap(),
            1 => {
                acting.disable(ann.id()).await.unwrap();
                acting.enable(ann.id()).await.unwrap();
            }
            _ => acting
                .reset_password(ann.id(), &new, Keys::Keep)
                .await
                .unwrap(),
        }
        refused(verify(&token).await, TOKEN_REVOKED);
        refused(verify(&issue()).await, TOKEN_REVOKED);
        world.pass(1);
        assert!(verify(&issue()).await.is_ok(), "issued afterwards");
    }
}

/// Where nobody knows where a request comes from, strangers and users are in the same place.
pub(crate) async fn guesses_hold_up_what_was_proved_for_a_while_and_no_longer(world: World) {
    let ann = world.user("ann", Role::Viewer).await;
    let (key, nowhere) = (key_of(&world, ann.id()).await, Source::unknown());
    let (auth, right) = (&world.auth, secret(PASSWORD));
    let session = auth.login("ann", &right, &nowhere).await.unwrap();
    let began = world.now();
    for _ in 0..5 {
        world.fail("ann", &nowhere).await;
    }
    let held = || async {
        let token = auth.verify_now(session.access().expose(), &nowhere).await;
        let key = auth.verify_key(key.expose(), &nowhere).await;
        [token, key].map(|who| who.map(drop).map_err(|error| error.code()))
    };
    assert_eq!(held().await, [Err(LOCKED_OUT); 2]);
    while world.now() < began + 15 * 60 {
        let waits = auth.login("ann", &right, &nowhere).await.unwrap_err();
        world.pass(waits.retry_after().unwrap().as_secs());
        assert_eq!(world.fail("ann", &nowhere).await, CREDENTIALS_REFUSED);
    }
    refused(auth.login("ann", &right, &nowhere).await, LOCKED_OUT);
    assert_eq!(held().await, [Ok(()); 2]);
    let next = auth.refresh(session.refresh().expose(), &nowhere).await;
    assert!(next.is_ok());
}

pub(crate) async fn an_administrator_opens_an_account(world: World) {
    let lockout = Lockout::default().free_attempts_of_source(2).unwrap();
    let auth = world.builder().lockout(lockout).build().unwrap();
    let (host, source, right) = (host(), here(), secret(PASSWORD));
    let (acting, name) = (auth.acting(&host, &source), "ann".parse().unwrap());
    let ann = auth.bootstrap(&name, &right).await.unwrap();
    let session = auth.login("ann", &right, &here()).await.unwrap();
    let wrong = secret(WRONG);
    let fail = async |name: &str, from: &Source| {
        let failed = auth.login(name, &wrong, from).await;
        failed.unwrap_err().code()
    };
    // At home, everywhere, and because of a neighbour.
    for n in 0..5 {
        assert_eq!(fail("ann", &here()).await, CREDENTIALS_REFUSED);
        assert_eq!(fail("ann", &place(n)).await, CREDENTIALS_REFUSED);
        fail("somebody", &elsewhere()).await;
    }
    for place in [here(), elsewhere()] {
        refused(auth.login("ann", &right, &place).await, LOCKED_OUT);
    }
    let as_ann = auth.acting(session.principal(), &source);
    refused(as_ann.unlock(ann.id()).await, SELF_REFUSED);
    refused(acting.unlock(EntityId::generate()).await, USER_UNKNOWN);
    let clerk = Principal::service("clerk").unwrap();
    let as_clerk = auth.acting(&clerk, &source);
    refused(as_clerk.unlock(ann.id()).await, PERMISSION_MISSING);
    // What is counted in the same second could be later.
    world.pass(1);
    fail("somebody", &elsewhere()).await;
    acting.unlock(ann.id()).await.unwrap();
    for place in [here(), elsewhere()] {
        auth.login("ann", &right, &place).await.unwrap();
        let token = session.access().expose();
        auth.verify_now(token, &place).await.unwrap();
    }
    let entries = entries(&auth).await;
    let unlocks = entries.iter().filter(|it| it["action"] == "unlock_user");
    let outcomes: Vec<_> = unlocks.map(|it| it["outcome"].clone()).collect();
    assert_eq!(
        outcomes,
        [
            "LL-AUT-063",
            "LL-AUT-039",
            PERMISSION_MISSING.as_str(),
            "ok"
        ]
    );
}

/// In memory nothing outlives a secret.
pub(crate) async fn the_audit_outlives_its_secrets(world: World) {
    if world.database.engine() == Engine::Memory {
        return;
    }
    let (host, source) = (host(), here());
    let secrets = [0, 1, 2, 3].map(|_| lattice_lock_config::SigningSecret::random().unwrap());
    for pair in secrets.windows(2) {
        let auth = world.with_secrets(&pair[1], Some(&pair[0]));
        let acting = auth.acting(&host, &source);
        let before = acting.verify_audit(None).await.unwrap();
        for _ in 0..3 {
            acting.revoke_before(0).await.unwrap();
        }
        let head = acting.verify_audit(Some(&before)).await.unwrap();
        assert_eq!(head.sequence, before.sequence + 3);
    }
    // A secret that is unknown vouches for nothing.
    let stranger = world.with_secrets(&secrets[0], None);
    let error = stranger
        .acting(&host, &source)
        .verify_audit(None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), lattice_lock_auth::codes::AUDIT_BROKEN);
    let place = error.context().find(|(key, _)| *key == "sequence").unwrap();
    assert_eq!(place.1, "1");
}

pub(crate) async fn a_success_at_home_forgets_no_strangers(world: World) {
    world.user("ann", Role::Viewer).await;
    world.login("ann").await;
    for n in 0..5 {
        assert_eq!(world.fail("ann", &place(n)).await, CREDENTIALS_REFUSED);
        world.login("ann").await;
    }
    assert_eq!(world.fail("ann", &elsewhere()).await, LOCKED_OUT);
}

pub(crate) async fn a_right_password_closes_nothing(world: World) {
    let lockout = Lockout::default().free_attempts_of_source(4).unwrap();
    let auth = world.builder().lockout(lockout).build().unwrap();
    let name = "ann".parse().unwrap();
    auth.bootstrap(&name, &secret(PASSWORD)).await.unwrap();
    let wrong = secret(WRONG);
    for n in 0..4 {
        let name = format!("name{n}");
        refused(
            auth.login(&name, &wrong, &elsewhere()).await,
            CREDENTIALS_REFUSED,
        );
    }
    world.pass(1);
    auth.login("ann", &secret(PASSWORD), &elsewhere())
        .await
        .unwrap();
    for expected in [CREDENTIALS_REFUSED, LOCKED_OUT] {
        refused(auth.login("name9", &wrong, &elsewhere()).await, expected);
    }
}

pub(crate) async fn nobody_learns_who_came_from_elsewhere(world: World) {
    world.user("bob", Role::Viewer).await;
    let off = world.user("off", Role::Viewer).await;
    let (host, source) = (host(), here());
    let acting = world.auth.acting(&host, &source);
    acting.disable(off.id()).await.unwrap();
    let record: UserRecord =
        serde_json::from_value(serde_json::json!({"username": "ann", "hashed_password": BCRYPT}))
            .unwrap();
    world.auth.import_users(&[record]).await.unwrap();
    let work = async |round: u32| {
        let mut seen = Vec::new();
        for (n, name) in ["ann", "bob", "off", "nobody"].into_iter().enumerate() {
            let from = format!("place-{round}-{n}").parse().unwrap();
            let before = world.auth.passwords().hash_calls();
            let wrong = secret(WRONG);
            let error = world.auth.login(name, &wrong, &from).await.unwrap_err();
            let calls = world.auth.passwords().hash_calls() - before;
            seen.push(format!("{calls} {error:?}"));
        }
        seen.dedup();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].split(' ').next().unwrap().to_owned()
    };
    assert_eq!(work(0).await, "2", "a hash of each scheme");
    let right = secret("secret");
    world.auth.login("ann", &right, &source).await.unwrap();
    world.pass(600);
    assert_eq!(work(1).await, "1", "none is left");
}

pub(crate) async fn a_clock_that_goes_back_revives_nothing(world: World) {
    let ann = world.user("ann", Role::Viewer).await;
    let (session, other) = (world.login("ann").await, world.other());
    let (token, from) = (session.access().expose(), here());
    world.pass(100);
    assert!(other.verify(token, &from).await.is_ok());
    world.go_back(100);
    let (host, source) = (host(), here());
    let acting = world.auth.acting(&host, &source);
    acting.disable(ann.id()).await.unwrap();
    // Others are served meanwhile.
    world.user("bob", Role::Viewer).await;
    let bob = world.login("bob").await;
    other.verify(bob.access().expose(), &from).await.unwrap();
    world.pass(100);
    refused(other.verify(token, &from).await, TOKEN_REVOKED);
}

pub(crate) async fn another_name_keeps_the_lock(world: World) {
    let ann = world.user("ann", Role::Viewer).await;
    lock(&world, "ann").await;
    let (host, source) = (host(), here());
    let acting = world.auth.acting(&host, &source);
    acting
        .rename(ann.id(), &"eve".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(world.fail("eve", &elsewhere()).await, LOCKED_OUT);
}
