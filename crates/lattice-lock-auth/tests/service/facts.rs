use std::time::Duration;

use lattice_lock_auth::codes::{
    BOOTSTRAPPED, CREDENTIALS_REFUSED, GRANT_EXCEEDED, IMPORT_INVALID, LOCKED_OUT, ROLE_UNKNOWN,
    SELF_REFUSED, USER_UNKNOWN, USERNAME_TAKEN,
};
use lattice_lock_auth::{AuditHead, NewKey, Role, RoleName, UserRecord};
use lattice_lock_principal::Principal;
use lattice_lock_principal::codes::PERMISSION_MISSING;

use crate::world::{
    NOW, OTHER_PASSWORD, PASSWORD, WRONG, World, elsewhere, here, host, permission, refused, secret,
};

/// `secret`, hashed by bcrypt at the lowest cost.
pub(crate) const BCRYPT: &str = "$2b$04$U5OEFjJb.hIqTYu9pGfbqenHuVt.w8QbYI09oAtP9MBzpU1sRavz2";

pub(crate) async fn the_first_administrator_is_made_once(world: World) {
    let other = world.other();
    let tries = (0..6).map(|n| {
        let auth = if n % 2 == 0 {
            world.auth.clone()
        } else {
            other.clone()
        };
        tokio::spawn(async move {
            let name = format!("root{n}").parse().unwrap();
            auth.bootstrap(&name, &secret(PASSWORD)).await
        })
    });
    let mut made = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        match one.await.unwrap() {
            Ok(user) => made.push(user),
            Err(error) => assert_eq!(error.code(), BOOTSTRAPPED),
        }
    }
    let [root] = &made[..] else {
        panic!("{made:?}")
    };
    assert_eq!(root.role().as_str(), "admin");
    let session = world.login(root.name().as_str()).await;
    assert!(session.principal().may(&permission("manage:users")));
    // Also after that user is gone.
    let (host, source) = (host(), here());
    world
        .auth
        .acting(&host, &source)
        .delete_user(root.id())
        .await
        .unwrap();
    let again = world
        .auth
        .bootstrap(&"root".parse().unwrap(), &secret(PASSWORD))
        .await;
    refused(again, BOOTSTRAPPED);
}

pub(crate) async fn unknown_wrong_and_disabled_are_the_same(world: World) {
    world.user("ann", Role::Viewer).await;
    let off = world.user("off", Role::Viewer).await;
    let (host, source) = (host(), here());
    world
        .auth
        .acting(&host, &source)
        .disable(off.id())
        .await
        .unwrap();
    let wrong = secret(WRONG);
    let right = secret(PASSWORD);
    let mut answers = Vec::new();
    for (name, password) in [
        ("nobody", &right),
        ("not a name", &right),
        ("", &right),
        ("ann", &wrong),
        ("off", &right),
        ("off", &wrong),
    ] {
        let before = world.auth.passwords().hash_calls();
        let error = world
            .auth
            .login(name, password, &elsewhere())
            .await
            .unwrap_err();
        let calls = world.auth.passwords().hash_calls() - before;
        assert_eq!(calls, 1, "{name}");
        assert_eq!(error.code(), CREDENTIALS_REFUSED);
        answers.push(format!("{error:?}"));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let before = world.auth.passwords().hash_calls();
    world.login("ANN").await;
    assert_eq!(world.auth.passwords().hash_calls() - before, 1);
}

pub(crate) async fn failures_lock_names_that_nobody_has_too(world: World) {
    world.user("ann", Role::Viewer).await;
    let mut answers = Vec::new();
    for (n, name) in ["ann", "nobody", "not a name"].into_iter().enumerate() {
        let source = format!("source-{n}").parse().unwrap();
        for _ in 0..5 {
            assert_eq!(world.fail(name, &source).await, CREDENTIALS_REFUSED);
        }
        for password in [PASSWORD, OTHER_PASSWORD] {
            let before = world.auth.passwords().hash_calls();
            let other = world.other();
            let error = other
                .login(name, &secret(password), &elsewhere())
                .await
                .unwrap_err();
            assert_eq!(error.code(), LOCKED_OUT, "{name}");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
            assert_eq!(world.auth.passwords().hash_calls(), before, "{name}");
            answers.push(format!("{error:?}"));
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

pub(crate) async fn waits_grow_and_a_success_begins_anew(world: World) {
    world.user("ann", Role::Viewer).await;
    for _ in 0..4 {
        world.fail("ann", &elsewhere()).await;
    }
    let mut waits = Vec::new();
    for _ in 0..6 {
        assert_eq!(world.fail("ann", &elsewhere()).await, CREDENTIALS_REFUSED);
        let right = world
            .auth
            .login("ann", &secret(PASSWORD), &elsewhere())
            .await;
        let wait = right.unwrap_err().retry_after().unwrap().as_secs();
        waits.push(wait);
        world.pass(wait - 1);
        assert_eq!(
            world.fail("ann", &elsewhere()).await,
            LOCKED_OUT,
            "a second early"
        );
        world.pass(1);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32]);
    world.login("ann").await;
    for _ in 0..5 {
        assert_eq!(world.fail("ann", &elsewhere()).await, CREDENTIALS_REFUSED);
    }
    assert_eq!(world.fail("ann", &elsewhere()).await, LOCKED_OUT);
}

pub(crate) async fn guesses_at_the_same_time_are_counted(world: World) {
    world.user("ann", Role::Viewer).await;
    let (one, other) = (world.auth.clone(), world.other());
    let is_one = world.database.engine() == lattice_lock_repository::Engine::Memory;
    let hashes = || {
        let others = if is_one {
            0
        } else {
            other.passwords().hash_calls()
        };
        one.passwords().hash_calls() + others
    };
    let before = hashes();
    let guesses: Vec<_> = (0..64)
        .map(|n| {
            let auth = if n % 2 == 0 {
                one.clone()
            } else {
                other.clone()
            };
            let guess = secret(&format!("guess number {n} of many"));
            let source = format!("source-{n}").parse().unwrap();
            tokio::spawn(async move { auth.login("ann", &guess, &source).await })
        })
        .collect();
    for guess in guesses {
        guess.await.unwrap().unwrap_err();
    }
    let calls = hashes() - before;
    assert!(calls <= 5, "{calls}");
}

pub(crate) async fn a_source_has_its_own_count_over_all_names(world: World) {
    world.user("ann", Role::Viewer).await;
    let lockout = lattice_lock_auth::Lockout::default()
        .free_attempts_of_source(4)
        .unwrap();
    let strict = world.builder().lockout(lockout).build().unwrap();
    let wrong = secret(WRONG);
    for n in 0..4 {
        let name = format!("name{n}");
        refused(
            strict.login(&name, &wrong, &elsewhere()).await,
            CREDENTIALS_REFUSED,
        );
    }
    refused(
        strict.login("name9", &wrong, &elsewhere()).await,
        LOCKED_OUT,
    );
    refused(
        strict.login("name9", &wrong, &here()).await,
        CREDENTIALS_REFUSED,
    );
}

pub(crate) async fn nobody_is_locked_out_from_where_they_signed_in(world: World) {
    world.user("ann", Role::Viewer).await;
    world.login("ann").await;
    for _ in 0..8 {
        world.fail("ann", &elsewhere()).await;
    }
    let there = world
        .auth
        .login("ann", &secret(PASSWORD), &elsewhere())
        .await;
    refused(there, LOCKED_OUT);
    let session = world.login("ann").await;
    assert!(world.verify(&session).await.is_ok());
    // There, too, guessing has an end.
    for _ in 0..5 {
        assert_eq!(world.fail("ann", &here()).await, CREDENTIALS_REFUSED);
    }
    assert_eq!(world.fail("ann", &here()).await, LOCKED_OUT);
}

pub(crate) async fn neighbours_lock_nobody_out(world: World) {
    let lockout = lattice_lock_auth::Lockout::default()
        .free_attempts_of_source(4)
        .unwrap();
    let auth = world.builder().lockout(lockout).build().unwrap();
    let (name, right) = ("ann".parse().unwrap(), secret(PASSWORD));
    auth.bootstrap(&name, &right).await.unwrap();
    let session = auth.login("ann", &right, &here()).await.unwrap();
    for n in 0..6 {
        let (name, wrong, source) = (format!("name{n}"), secret(WRONG), here());
        let guess = auth.login(&name, &wrong, &source).await;
        let expected = if n < 4 {
            CREDENTIALS_REFUSED
        } else {
            LOCKED_OUT
        };
        refused(guess, expected);
    }
    let token = session.access().expose();
    assert!(auth.verify(token, &here()).await.is_ok());
    auth.login("ann", &right, &here()).await.unwrap();
}

pub(crate) async fn a_hash_that_cannot_be_used_tells_nobody(world: World) {
    let costly = BCRYPT.replace("$04$", "$15$");
    let record: UserRecord =
        serde_json::from_value(serde_json::json!({"username": "ann", "hashed_password": costly}))
            .unwrap();
    world.auth.import_users(&[record]).await.unwrap();
    let mut answers = Vec::new();
    for name in ["ann", "nobody"] {
        let before = world.auth.passwords().hash_calls();
        let error = world
            .auth
            .login(name, &secret("secret"), &elsewhere())
            .await
            .unwrap_err();
        assert_eq!(world.auth.passwords().hash_calls() - before, 1);
        answers.push(format!("{error:?}"));
    }
    assert_eq!(answers[0], answers[1]);
    let mut audit = Vec::new();
    let (host, source) = (host(), here());
    world
        .auth
        .acting(&host, &source)
        .export_audit(&mut audit)
        .await
        .unwrap();
    assert!(
        String::from_utf8(audit).unwrap().contains("LL-AUT-025"),
        "its keeper learns of it"
    );
}

pub(crate) async fn users_have_one_name_each(world: World) {
    let ann = world.user("ann", Role::Viewer).await;
    let (host, source) = (host(), here());
    let acting = world.auth.acting(&host, &source);
    let name = "Ann".parse().unwrap();
    let again = acting
        .create_user(&name, &secret(PASSWORD), Role::Viewer)
        .await;
    refused(again, USERNAME_TAKEN);
    let bob = world.user("bob", Role::Operator).await;
    refused(
        acting.rename(bob.id(), &"ann".parse().unwrap()).await,
        USERNAME_TAKEN,
    );
    acting
        .rename(ann.id(), &"eve".parse().unwrap())
        .await
        .unwrap();
    acting
        .rename(bob.id(), &"ann".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(acting.user(bob.id()).await.unwrap().name().as_str(), "ann");
    let all = acting.users(None, 1000).await.unwrap();
    assert_eq!(
        all.iter()
            .map(|user| user.name().as_str())
            .collect::<Vec<_>>(),
        ["eve", "ann"]
    );
    let page = acting.users(Some(ann.id()), 1).await.unwrap();
    assert_eq!(page[0].id(), bob.id());
    assert_eq!(
        (page[0].role().as_str(), page[0].created_at()),
        ("operator", NOW)
    );
    acting.delete_user(bob.id()).await.unwrap();
    refused(acting.user(bob.id()).await, USER_UNKNOWN);
    refused(acting.delete_user(bob.id()).await, USER_UNKNOWN);
    world.user("ann", Role::Viewer).await;
    assert_eq!(
        world.login("eve").await.principal().id().as_str(),
        ann.id().to_string()
    );
}

pub(crate) async fn nobody_grants_more_than_they_hold(world: World) {
    let source = here();
    let admin = world.user("admin", Role::Admin).await;
    let viewer = world.user("viewer", Role::Viewer).await;
    let some = |names: &[&str]| {
        Principal::service("somebody")
            .unwrap()
            .permissions(names.iter().map(|name| permission(name)))
    };
    let nobody = some(&[]);
    let acting = world.auth.acting(&nobody, &source);
    let name = "new".parse().unwrap();
    let made = acting
        .create_user(&name, &secret(PASSWORD), Role::Viewer)
        .await;
    refused(made, PERMISSION_MISSING);
    refused(acting.users(None, 10).await, PERMISSION_MISSING);
    refused(acting.user(viewer.id()).await, PERMISSION_MISSING);
    refused(acting.disable(viewer.id()).await, PERMISSION_MISSING);
    refused(acting.verify_audit(None).await, PERMISSION_MISSING);
    refused(acting.revoke_before(NOW).await, PERMISSION_MISSING);
    refused(acting.end_sessions(viewer.id()).await, PERMISSION_MISSING);
    refused(acting.keys(viewer.id()).await, PERMISSION_MISSING);
    let key = NewKey::new("x");
    refused(
        acting.create_key(viewer.id(), &key).await,
        PERMISSION_MISSING,
    );

    let clerk = some(&[
        "manage:users",
        "manage:api_keys",
        "read:health",
        "read:projects",
        "read:errors",
    ]);
    let acting = world.auth.acting(&clerk, &source);
    let made = acting
        .create_user(&name, &secret(PASSWORD), Role::Operator)
        .await;
    refused(made, GRANT_EXCEEDED);
    let made = acting
        .create_user(&name, &secret(PASSWORD), Role::Viewer)
        .await
        .unwrap();
    refused(
        acting.change_role(made.id(), Role::Admin).await,
        GRANT_EXCEEDED,
    );
    refused(
        acting.change_role(admin.id(), Role::Viewer).await,
        GRANT_EXCEEDED,
    );
    refused(acting.disable(admin.id()).await, GRANT_EXCEEDED);
    refused(acting.delete_user(admin.id()).await, GRANT_EXCEEDED);
    refused(acting.end_sessions(admin.id()).await, GRANT_EXCEEDED);
    let new = secret(OTHER_PASSWORD);
    let reset = acting
        .reset_password(admin.id(), &new, lattice_lock_auth::Keys::Keep)
        .await;
    refused(reset, GRANT_EXCEEDED);
    refused(
        acting.rename(admin.id(), &"x".parse().unwrap()).await,
        GRANT_EXCEEDED,
    );
    refused(acting.create_key(admin.id(), &key).await, GRANT_EXCEEDED);
    let more = NewKey::new("x").scope(permission("write:config"));
    refused(acting.create_key(viewer.id(), &more).await, GRANT_EXCEEDED);
    acting.create_key(viewer.id(), &key).await.unwrap();
    let gone: RoleName = "auditor".parse().unwrap();
    refused(acting.change_role(made.id(), gone).await, ROLE_UNKNOWN);
}

pub(crate) async fn roles_of_the_host_count_like_ours(world: World) {
    let auditor: RoleName = "auditor".parse().unwrap();
    let may = ["read:audit", "read:archive"].map(permission);
    let builder = world.builder().role(auditor.clone(), may.clone().into());
    let (auth, source) = (builder.build().unwrap(), here());
    let (name, password) = ("ann".parse().unwrap(), secret(PASSWORD));
    let host = host();
    let made = auth
        .acting(&host, &source)
        .create_user(&name, &password, auditor.clone())
        .await;
    refused(made, GRANT_EXCEEDED);
    let host = host.permissions(Role::Admin.permissions().into_iter().chain(may.clone()));
    let acting = auth.acting(&host, &source);
    let ann = acting.create_user(&name, &password, auditor).await.unwrap();
    let session = auth.login("ann", &password, &source).await.unwrap();
    let token = session.access().expose();
    let who = auth.verify(token, &source).await.unwrap();
    assert!(may.iter().all(|one| who.may(one)) && !who.may(&permission("read:health")));
    auth.acting(&who, &source).verify_audit(None).await.unwrap();
    acting.change_role(ann.id(), Role::Viewer).await.unwrap();
    let who = auth.verify(token, &source).await.unwrap();
    assert!(!may.iter().any(|one| who.may(one)));
    refused(
        auth.acting(&who, &source).verify_audit(None).await,
        PERMISSION_MISSING,
    );
}

pub(crate) async fn nobody_removes_themselves(world: World) {
    let ann = world.user("ann", Role::Admin).await;
    let session = world.login("ann").await;
    let source = here();
    let acting = world.auth.acting(session.principal(), &source);
    refused(acting.disable(ann.id()).await, SELF_REFUSED);
    refused(acting.delete_user(ann.id()).await, SELF_REFUSED);
    refused(
        acting.change_role(ann.id(), Role::Viewer).await,
        SELF_REFUSED,
    );
    acting
        .rename(ann.id(), &"anna".parse().unwrap())
        .await
        .unwrap();
    acting.end_sessions(ann.id()).await.unwrap();
    assert!(world.verify(&session).await.is_err());
}

pub(crate) async fn hashes_of_bcrypt_are_replaced_at_login(world: World) {
    let record: UserRecord = serde_json::from_value(serde_json::json!({
        "username": "Ann", "hashed_password": BCRYPT, "role": "operator", "is_active": true, "email": "a@b",
    }))
    .unwrap();
    assert!(!format!("{record:?}").contains("EixZa"));
    let imported = world.auth.import_users(&[record]).await.unwrap();
    assert_eq!((imported.added, imported.skipped), (1, 0));
    refused(
        world.auth.login("ann", &secret("Secret"), &here()).await,
        CREDENTIALS_REFUSED,
    );
    let session = world
        .auth
        .login("ann", &secret("secret"), &here())
        .await
        .unwrap();
    assert!(session.principal().may(&permission("write:rollback")));
    let exported = serde_json::to_value(world.auth.export_users().await.unwrap()).unwrap();
    let hash = exported[0]["password_hash"].as_str().unwrap();
    assert!(
        hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "not replaced"
    );
    world
        .auth
        .login("ann", &secret("secret"), &here())
        .await
        .unwrap();
}

pub(crate) async fn users_move_with_their_passwords(world: World) {
    let ann = world.user("ann", Role::Operator).await;
    let off = world.user("off", Role::Viewer).await;
    let (host, source) = (host(), here());
    world
        .auth
        .acting(&host, &source)
        .disable(off.id())
        .await
        .unwrap();
    let json = serde_json::to_string(&world.auth.export_users().await.unwrap()).unwrap();
    let records: Vec<UserRecord> = serde_json::from_str(&json).unwrap();

    let elsewhere = lattice_lock_auth::Auth::builder(
        lattice_lock_auth::Tokens::builder(&lattice_lock_config::SigningSecret::random().unwrap()),
        &lattice_lock_repository::Database::in_memory(),
    );
    let elsewhere = elsewhere.build().unwrap();
    let imported = elsewhere.import_users(&records).await.unwrap();
    assert_eq!((imported.added, imported.skipped), (2, 0));
    let again = elsewhere.import_users(&records).await.unwrap();
    assert_eq!((again.added, again.skipped), (0, 2));
    let session = elsewhere
        .login("ann", &secret(PASSWORD), &source)
        .await
        .unwrap();
    assert_eq!(session.principal().id().as_str(), ann.id().to_string());
    refused(
        elsewhere.login("off", &secret(PASSWORD), &source).await,
        CREDENTIALS_REFUSED,
    );

    let bad: Vec<UserRecord> = serde_json::from_value(serde_json::json!([
        {"username": "good", "hashed_password": BCRYPT},
        {"username": "bad", "hashed_password": "plain text"},
    ]))
    .unwrap();
    let error = elsewhere.import_users(&bad).await.unwrap_err();
    assert_eq!(error.code(), IMPORT_INVALID);
    assert!(!format!("{error:?}").contains("plain text"));
    refused(
        elsewhere.login("good", &secret("secret"), &source).await,
        CREDENTIALS_REFUSED,
    );
}

pub(crate) async fn the_audit_is_a_chain(world: World) {
    let (host, source) = (host(), here());
    let acting = world.auth.acting(&host, &source);
    assert_eq!(
        acting.verify_audit(None).await.unwrap(),
        AuditHead::new(0, "")
    );
    let ann = world.user("ann", Role::Viewer).await;
    world.fail("ann", &elsewhere()).await;
    world.fail("my-password-by-mistake", &elsewhere()).await;
    world.login("ann").await;
    let kept = acting.audit_head().await.unwrap();
    acting.disable(ann.id()).await.unwrap();
    acting
        .create_user(&"ann".parse().unwrap(), &secret(PASSWORD), Role::Viewer)
        .await
        .unwrap_err();
    let head = acting.verify_audit(Some(&kept)).await.unwrap();
    assert_eq!(head.sequence, kept.sequence + 2);
    let mut lines = Vec::new();
    assert_eq!(acting.export_audit(&mut lines).await.unwrap(), head);
    let text = String::from_utf8(lines).unwrap();
    assert!(!text.contains("by-mistake") && !text.contains(PASSWORD));
    let entries: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let brief: Vec<_> = entries
        .iter()
        .map(|entry| {
            format!(
                "{} {} {} {}",
                entry["action"], entry["actor"], entry["source"], entry["outcome"]
            )
            .replace('"', "")
        })
        .collect();
    let ann_is = format!("user:{}", ann.id());
    assert_eq!(
        brief,
        [
            "create_user service:host 192.0.2.7 ok".to_owned(),
            "login nobody 198.51.100.9 LL-AUT-053".to_owned(),
            "login nobody 198.51.100.9 LL-AUT-053".to_owned(),
            format!("login {ann_is} 192.0.2.7 ok"),
            "disable_user service:host 192.0.2.7 ok".to_owned(),
            "create_user service:host 192.0.2.7 LL-AUT-037".to_owned(),
        ]
    );
    for other in [
        AuditHead::new(kept.sequence, "x"),
        AuditHead::new(99, head.mac),
    ] {
        let error = acting.verify_audit(Some(&other)).await.unwrap_err();
        assert_eq!(error.code(), lattice_lock_auth::codes::AUDIT_BROKEN);
    }
}

pub(crate) async fn two_writers_of_the_audit_make_one_chain(world: World) {
    let (one, other) = (world.auth.clone(), world.other());
    let tasks: Vec<_> = (0..24)
        .map(|n| {
            let auth = if n % 2 == 0 {
                one.clone()
            } else {
                other.clone()
            };
            tokio::spawn(async move {
                let (host, source) = (host(), here());
                let done = auth.acting(&host, &source).revoke_before(0).await;
                done.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let (host, source) = (host(), here());
    let head = world
        .auth
        .acting(&host, &source)
        .verify_audit(None)
        .await
        .unwrap();
    assert_eq!(head.sequence, 24);
}

pub(crate) async fn what_has_expired_is_swept(world: World) {
    world.user("ann", Role::Viewer).await;
    let session = world.login("ann").await;
    world.fail("nobody", &elsewhere()).await;
    let source = here();
    let acting = world.auth.acting(session.principal(), &source);
    acting
        .revoke_token(session.access().expose())
        .await
        .unwrap();
    assert_eq!(world.auth.sweep().await.unwrap(), 0);
    world.pass(8 * 24 * 60 * 60);
    assert_eq!(world.auth.sweep().await.unwrap(), 2, "session, revocation");
    world.pass(23 * 24 * 60 * 60);
    let gates = world.auth.sweep().await.unwrap();
    assert!(gates >= 4, "both names, sources and places: {gates}");
    assert_eq!(world.auth.sweep().await.unwrap(), 0);
    refused(
        world
            .auth
            .refresh(session.refresh().expose(), &source)
            .await,
        lattice_lock_auth::codes::TOKEN_EXPIRED,
    );
}

#[cfg(feature = "sqlite")]
pub(crate) async fn changed_entries_are_found(world: World) {
    use sea_orm::ConnectionTrait;
    let (host, source) = (host(), here());
    let acting = world.auth.acting(&host, &source);
    for _ in 0..6 {
        acting.revoke_before(0).await.unwrap();
    }
    let head = acting.verify_audit(None).await.unwrap();
    let execute = async |sql: &str| {
        let mut scope = world.database.writer().unwrap();
        scope
            .connection()
            .unwrap()
            .execute_unprepared(sql)
            .await
            .unwrap();
    };
    let first_broken = async |head: Option<&AuditHead>| {
        let error = acting.verify_audit(head).await.unwrap_err();
        assert_eq!(error.code(), lattice_lock_auth::codes::AUDIT_BROKEN);
        error
            .context()
            .find(|(key, _)| *key == "sequence")
            .unwrap()
            .1
            .to_owned()
    };
    for (column, value) in [
        ("actor", "'user:x'"),
        ("action", "'login'"),
        ("target", "'y'"),
        ("source", "''"),
        ("outcome", "'LL-AUT-053'"),
        ("happened_at", "1"),
        ("mac", "'x'"),
        ("key_id", "'x'"),
    ] {
        execute("CREATE TABLE kept AS SELECT * FROM lattice_auth_audit").await;
        execute(&format!(
            "UPDATE lattice_auth_audit SET {column} = {value} WHERE sequence = 3"
        ))
        .await;
        assert_eq!(first_broken(None).await, "3", "{column}");
        execute("DELETE FROM lattice_auth_audit").await;
        execute("INSERT INTO lattice_auth_audit SELECT * FROM kept").await;
        execute("DROP TABLE kept").await;
    }
    assert_eq!(acting.verify_audit(Some(&head)).await.unwrap(), head);
    execute("DELETE FROM lattice_auth_audit WHERE sequence > 5").await;
    assert!(
        acting.verify_audit(None).await.is_ok(),
        "a chain alone does not show where it ended"
    );
    assert_eq!(first_broken(Some(&head)).await, "6");
    execute("DELETE FROM lattice_auth_audit WHERE sequence = 2").await;
    assert_eq!(first_broken(None).await, "2");
    execute("DELETE FROM lattice_auth_audit").await;
    assert_eq!(first_broken(Some(&head)).await, "1");
}
