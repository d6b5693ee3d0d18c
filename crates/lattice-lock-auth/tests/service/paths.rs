//! What is turned off is off on every path: signing in, exchanging, keys and tokens.

use lattice_lock_auth::codes::{
    CREDENTIALS_REFUSED, KEY_UNKNOWN, LOCKED_OUT, SESSION_ENDED, TOKEN_REVOKED,
};
use lattice_lock_auth::{Auth, Keys, NewKey, Role, SignedIn, User};
use lattice_lock_errors::{Code, Result, Secret};

use crate::world::{
    OTHER_PASSWORD, PASSWORD, World, elsewhere, here, host, permission, refused, secret,
};

/// A user with a session, remembered by the cache, and a key.
struct Credentials {
    user: User,
    session: SignedIn,
    key: Secret<String>,
}

async fn credentials(world: &World) -> Credentials {
    let user = world.user("ann", Role::Operator).await;
    let session = world.login("ann").await;
    let (host, source) = (host(), here());
    let key = NewKey::new("k")
        .scope(permission("read:health"))
        .scope(permission("write:rollback"));
    let (key, _) = world
        .auth
        .acting(&host, &source)
        .create_key(user.id(), &key)
        .await
        .unwrap();
    let all = Credentials { user, session, key };
    for auth in [&world.auth, &world.other()] {
        let outcomes = all.outcomes(auth, PASSWORD).await;
        assert_eq!(outcomes, [Ok(()); 4]);
    }
    // Trying it has exchanged the refresh token.
    Credentials {
        session: world.login("ann").await,
        ..all
    }
}

impl Credentials {
    /// Login, exchange, key, token: from somewhere else than the user signed in from.
    async fn outcomes(&self, auth: &Auth, password: &str) -> [Result<(), Code>; 4] {
        let from = elsewhere();
        let code = |result: Result<()>| result.map_err(|error| error.code());
        let fresh = self.session.refresh().expose();
        [
            code(auth.login("ann", &secret(password), &from).await.map(drop)),
            code(auth.refresh(fresh, &from).await.map(drop).or_else(|error| {
                // The first process has exchanged it in the same moment.
                let superseded = lattice_lock_auth::codes::REFRESH_SUPERSEDED;
                if error.code() == superseded {
                    Ok(())
                } else {
                    Err(error)
                }
            })),
            code(auth.verify_key(self.key.expose(), &from).await.map(drop)),
            code(
                auth.verify(self.session.access().expose(), &from)
                    .await
                    .map(drop),
            ),
        ]
    }
}

pub(crate) async fn a_lock_holds_on_every_path(world: World) {
    world.user("ann", Role::Operator).await;
    let session = world.login("ann").await;
    let (host, source) = (host(), here());
    let ann = session
        .principal()
        .id()
        .as_str()
        .parse()
        .map(lattice_lock_repository::EntityId::from_uuid);
    let key = NewKey::new("k").scope(permission("read:health"));
    let (key, _) = world
        .auth
        .acting(&host, &source)
        .create_key(ann.unwrap(), &key)
        .await
        .unwrap();
    let user = world
        .auth
        .acting(&host, &source)
        .users(None, 1)
        .await
        .unwrap()
        .remove(0);
    let all = Credentials { user, session, key };
    // Where the key was used before, nobody can lock it out.
    let server: lattice_lock_auth::Source = "server".parse().unwrap();
    assert!(
        world
            .auth
            .verify_key(all.key.expose(), &server)
            .await
            .is_ok()
    );
    world.pass(10);
    for n in 0..5 {
        world
            .fail("ann", &format!("attacker-{n}").parse().unwrap())
            .await;
    }
    assert_eq!(
        all.outcomes(&world.auth, PASSWORD).await,
        [Err(LOCKED_OUT); 4]
    );
    let there = world
        .auth
        .verify(all.session.access().expose(), &here())
        .await;
    assert!(there.is_ok(), "from where ann signed in");
    assert!(
        world
            .auth
            .verify_key(all.key.expose(), &server)
            .await
            .is_ok()
    );
    let waits = world
        .auth
        .verify_key(all.key.expose(), &elsewhere())
        .await
        .unwrap_err();
    assert_eq!(waits.retry_after().unwrap().as_secs(), 1);
    world.pass(1);
    assert_eq!(all.outcomes(&world.auth, PASSWORD).await, [Ok(()); 4]);
    let _ = all.user;
}

pub(crate) async fn disabling_holds_on_every_path(world: World) {
    let all = credentials(&world).await;
    let (host, source) = (host(), here());
    let acting = world.auth.acting(&host, &source);
    acting.disable(all.user.id()).await.unwrap();
    let off = [
        Err(CREDENTIALS_REFUSED),
        Err(SESSION_ENDED),
        Err(KEY_UNKNOWN),
        Err(TOKEN_REVOKED),
    ];
    assert_eq!(all.outcomes(&world.auth, PASSWORD).await, off);
    acting.enable(all.user.id()).await.unwrap();
    let on = [Ok(()), Err(SESSION_ENDED), Ok(()), Err(TOKEN_REVOKED)];
    assert_eq!(all.outcomes(&world.auth, PASSWORD).await, on);
}

pub(crate) async fn deleting_holds_on_every_path(world: World) {
    let all = credentials(&world).await;
    let (host, source) = (host(), here());
    world
        .auth
        .acting(&host, &source)
        .delete_user(all.user.id())
        .await
        .unwrap();
    world.user("ann", Role::Admin).await;
    let off = [
        Ok(()),
        Err(SESSION_ENDED),
        Err(KEY_UNKNOWN),
        Err(TOKEN_REVOKED),
    ];
    assert_eq!(
        all.outcomes(&world.auth, PASSWORD).await,
        off,
        "the name is somebody else's"
    );
}

pub(crate) async fn a_lesser_role_holds_on_every_path(world: World) {
    let all = credentials(&world).await;
    let (host, source) = (host(), here());
    let changed = world
        .auth
        .acting(&host, &source)
        .change_role(all.user.id(), Role::Viewer)
        .await;
    changed.unwrap();
    let (more, less) = (permission("write:rollback"), permission("read:health"));
    let token = world.verify(&all.session).await.unwrap();
    let key = world
        .auth
        .verify_key(all.key.expose(), &source)
        .await
        .unwrap();
    let next = world
        .auth
        .refresh(all.session.refresh().expose(), &source)
        .await
        .unwrap();
    let login = world.login("ann").await;
    for who in [&token, &key, next.principal(), login.principal()] {
        assert!(!who.may(&more) && who.may(&less), "{who:?}");
    }
    for token in [&next, &login] {
        let who = world.verify(token).await.unwrap();
        assert!(!who.may(&more) && who.may(&less));
    }
}

pub(crate) async fn a_new_password_holds_on_every_path(world: World) {
    let all = credentials(&world).await;
    let (old, new, source) = (secret(PASSWORD), secret(OTHER_PASSWORD), here());
    let changed = world
        .auth
        .change_password("ann", &old, &new, Keys::Revoke, &source)
        .await;
    changed.unwrap();
    let off = [
        Err(CREDENTIALS_REFUSED),
        Err(SESSION_ENDED),
        Err(KEY_UNKNOWN),
        Err(TOKEN_REVOKED),
    ];
    assert_eq!(all.outcomes(&world.auth, PASSWORD).await, off);
    assert_eq!(all.outcomes(&world.auth, OTHER_PASSWORD).await[0], Ok(()));
    let wrong = world
        .auth
        .change_password("ann", &old, &new, Keys::Revoke, &source)
        .await;
    refused(wrong, CREDENTIALS_REFUSED);
}

pub(crate) async fn a_reset_password_holds_on_every_path(world: World) {
    let all = credentials(&world).await;
    let (host, source, new) = (host(), here(), secret(OTHER_PASSWORD));
    let acting = world.auth.acting(&host, &source);
    acting
        .reset_password(all.user.id(), &new, Keys::Keep)
        .await
        .unwrap();
    let off = [
        Err(CREDENTIALS_REFUSED),
        Err(SESSION_ENDED),
        Ok(()),
        Err(TOKEN_REVOKED),
    ];
    assert_eq!(
        all.outcomes(&world.auth, PASSWORD).await,
        off,
        "keys were to be kept"
    );
    acting
        .reset_password(all.user.id(), &new, Keys::Revoke)
        .await
        .unwrap();
    let off = [
        Err(CREDENTIALS_REFUSED),
        Err(SESSION_ENDED),
        Err(KEY_UNKNOWN),
        Err(TOKEN_REVOKED),
    ];
    assert_eq!(all.outcomes(&world.auth, PASSWORD).await, off);
}

pub(crate) async fn ending_sessions_holds_on_every_path(world: World) {
    let all = credentials(&world).await;
    let (host, source) = (host(), here());
    world
        .auth
        .acting(&host, &source)
        .end_sessions(all.user.id())
        .await
        .unwrap();
    let off = [Ok(()), Err(SESSION_ENDED), Ok(()), Err(TOKEN_REVOKED)];
    assert_eq!(all.outcomes(&world.auth, PASSWORD).await, off);
}

pub(crate) async fn other_processes_learn_of_it_within_the_delay(world: World) {
    let all = credentials(&world).await;
    let other = world.other();
    let from = elsewhere();
    let token = all.session.access().expose();
    let key = all.key.expose();
    assert!(other.verify(token, &from).await.is_ok());
    assert!(other.verify_key(key, &from).await.is_ok());
    let (host, source) = (host(), here());
    world
        .auth
        .acting(&host, &source)
        .disable(all.user.id())
        .await
        .unwrap();
    refused(world.auth.verify(token, &from).await, TOKEN_REVOKED);
    refused(other.verify_now(token, &from).await, TOKEN_REVOKED);
    refused(
        other.refresh(all.session.refresh().expose(), &from).await,
        SESSION_ENDED,
    );
    world.pass(5);
    refused(other.verify(token, &from).await, TOKEN_REVOKED);
    refused(other.verify_key(key, &from).await, KEY_UNKNOWN);
}
