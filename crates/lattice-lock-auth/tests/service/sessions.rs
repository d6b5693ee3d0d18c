use lattice_lock_auth::codes::{
    REFRESH_REUSED, REFRESH_SUPERSEDED, SESSION_ENDED, TOKEN_EXPIRED, TOKEN_HEADER_REFUSED,
    TOKEN_REVOKED, USER_CHANGED,
};
use lattice_lock_auth::{Keys, Role};
use lattice_lock_principal::codes::PERMISSION_MISSING;

use crate::world::{OTHER_PASSWORD, PASSWORD, World, here, host, permission, refused, secret};

pub(crate) async fn of_many_exchanges_one_wins(world: World) {
    world.user("ann", Role::Viewer).await;
    let session = world.login("ann").await;
    let (one, other) = (world.auth.clone(), world.other());
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let auth = if n % 2 == 0 {
                one.clone()
            } else {
                other.clone()
            };
            let token = session.refresh().clone();
            tokio::spawn(async move { auth.refresh(token.expose(), &here()).await })
        })
        .collect();
    let mut winners = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(next) => winners.push(next),
            Err(error) => assert_eq!(error.code(), REFRESH_SUPERSEDED, "{error:?}"),
        }
    }
    let [winner] = &winners[..] else {
        panic!("{} winners", winners.len())
    };
    assert!(world.verify(winner).await.is_ok());
    let next = world
        .auth
        .refresh(winner.refresh().expose(), &here())
        .await
        .unwrap();
    assert!(world.verify(&next).await.is_ok());
    // The first one is two exchanges old.
    refused(
        world
            .auth
            .refresh(session.refresh().expose(), &here())
            .await,
        REFRESH_REUSED,
    );
    refused(world.verify(&next).await, TOKEN_REVOKED);
    refused(
        world.auth.refresh(next.refresh().expose(), &here()).await,
        SESSION_ENDED,
    );
}

pub(crate) async fn an_old_token_ends_the_session(world: World) {
    world.user("ann", Role::Viewer).await;
    let (first, apart) = (world.login("ann").await, world.login("ann").await);
    let second = world
        .auth
        .refresh(first.refresh().expose(), &here())
        .await
        .unwrap();
    world.pass(9);
    refused(
        world.auth.refresh(first.refresh().expose(), &here()).await,
        REFRESH_SUPERSEDED,
    );
    assert!(world.verify(&second).await.is_ok());
    world.pass(1);
    refused(
        world.auth.refresh(first.refresh().expose(), &here()).await,
        REFRESH_REUSED,
    );
    refused(
        world.auth.refresh(first.refresh().expose(), &here()).await,
        SESSION_ENDED,
    );
    refused(
        world.auth.refresh(second.refresh().expose(), &here()).await,
        SESSION_ENDED,
    );
    for token in [&first, &second] {
        refused(world.verify(token).await, TOKEN_REVOKED);
    }
    assert!(
        world.verify(&apart).await.is_ok(),
        "another session of the same user"
    );
}

pub(crate) async fn a_session_ends_after_its_lifetime(world: World) {
    const DAY: u64 = 24 * 60 * 60;
    world.user("ann", Role::Viewer).await;
    let mut session = world.login("ann").await;
    for _ in 0..14 {
        world.pass(6 * DAY);
        session = world
            .auth
            .refresh(session.refresh().expose(), &here())
            .await
            .unwrap();
    }
    // 84 days have passed, and 90 are the most.
    world.pass(6 * DAY + 4);
    let last = world
        .auth
        .refresh(session.refresh().expose(), &here())
        .await;
    refused(last, SESSION_ENDED);
    world.pass(1);
    refused(
        world
            .auth
            .refresh(session.refresh().expose(), &here())
            .await,
        TOKEN_EXPIRED,
    );
    let idle = world.login("ann").await;
    world.pass(7 * DAY + 5);
    refused(
        world.auth.refresh(idle.refresh().expose(), &here()).await,
        TOKEN_EXPIRED,
    );
}

pub(crate) async fn scopes_narrow_a_session_for_good(world: World) {
    world.user("ann", Role::Operator).await;
    let scopes = ["read:health", "manage:users"].map(permission).into();
    let (password, source) = (secret(PASSWORD), here());
    let login = world
        .auth
        .login_scoped("ann", &password, &source, scopes)
        .await;
    let session = login.unwrap();
    let next = world
        .auth
        .refresh(session.refresh().expose(), &here())
        .await
        .unwrap();
    for token in [session, next] {
        let who = world.verify(&token).await.unwrap();
        for who in [&who, token.principal()] {
            assert!(who.may(&permission("read:health")));
            assert!(!who.may(&permission("read:projects")), "narrowed away");
            assert!(!who.may(&permission("manage:users")), "never held");
        }
    }
}

pub(crate) async fn signing_out_ends_every_token(world: World) {
    world.user("ann", Role::Viewer).await;
    let (session, apart) = (world.login("ann").await, world.login("ann").await);
    assert!(world.verify(&session).await.is_ok());
    world
        .auth
        .logout(session.refresh().expose(), &here())
        .await
        .unwrap();
    world
        .auth
        .logout(session.refresh().expose(), &here())
        .await
        .unwrap();
    refused(world.verify(&session).await, TOKEN_REVOKED);
    refused(
        world
            .auth
            .refresh(session.refresh().expose(), &here())
            .await,
        SESSION_ENDED,
    );
    assert!(world.verify(&apart).await.is_ok());
}

pub(crate) async fn tokens_can_be_called_back(world: World) {
    world.user("ann", Role::Viewer).await;
    world.user("bob", Role::Viewer).await;
    let (ann, bob) = (world.login("ann").await, world.login("bob").await);
    let source = here();
    let as_ann = world.auth.acting(ann.principal(), &source);
    refused(
        as_ann.revoke_token(bob.access().expose()).await,
        PERMISSION_MISSING,
    );
    as_ann.revoke_token(ann.access().expose()).await.unwrap();
    as_ann.revoke_token(ann.access().expose()).await.unwrap();
    refused(world.verify(&ann).await, TOKEN_REVOKED);
    let ann = world
        .auth
        .refresh(ann.refresh().expose(), &source)
        .await
        .unwrap();
    assert!(
        world.verify(&ann).await.is_ok(),
        "one token, not the session"
    );

    let host = host();
    let acting = world.auth.acting(&host, &source);
    world.pass(2);
    let before = world.now();
    acting.revoke_before(before + 1_000_000).await.unwrap();
    let later = world.login("bob").await;
    acting.revoke_before(before - 1).await.unwrap();
    for token in [&ann, &bob] {
        refused(world.verify(token).await, TOKEN_REVOKED);
        refused(
            world.auth.refresh(token.refresh().expose(), &source).await,
            SESSION_ENDED,
        );
    }
    assert!(world.verify(&later).await.is_ok());
}

pub(crate) async fn refresh_tokens_are_no_access_tokens(world: World) {
    world.user("ann", Role::Viewer).await;
    let session = world.login("ann").await;
    let (access, refresh) = (session.access().expose(), session.refresh().expose());
    refused(
        world.auth.verify(refresh, &here()).await,
        TOKEN_HEADER_REFUSED,
    );
    refused(world.auth.tokens().verify(refresh), TOKEN_HEADER_REFUSED);
    refused(
        world.auth.refresh(access, &here()).await,
        TOKEN_HEADER_REFUSED,
    );
    assert!(world.auth.tokens().verify(access).is_ok());
    let shown = format!("{session:?}");
    assert!(!shown.contains(&access[..20]) && !shown.contains(&refresh[..20]));
}

pub(crate) async fn a_password_that_changes_during_a_login_wins(world: World) {
    let ann = world.user("ann", Role::Viewer).await;
    let source = here();
    let (old, new) = (secret(PASSWORD), secret(OTHER_PASSWORD));
    let mut sessions = Vec::new();
    let change = world
        .auth
        .change_password("ann", &old, &new, Keys::Revoke, &source);
    let (changed, one, two) = tokio::join!(
        change,
        world.auth.login("ann", &old, &source),
        world.auth.login("ann", &old, &source),
    );
    if let Err(error) = changed {
        assert_eq!(error.code(), USER_CHANGED, "{error:?}");
        return;
    }
    sessions.extend([one, two].into_iter().flatten());
    for session in sessions {
        refused(world.verify(&session).await, TOKEN_REVOKED);
        refused(
            world
                .auth
                .refresh(session.refresh().expose(), &source)
                .await,
            SESSION_ENDED,
        );
    }
    assert!(world.auth.login("ann", &new, &source).await.is_ok());
    let _ = ann;
}
