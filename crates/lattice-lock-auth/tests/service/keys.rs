use std::time::Duration;

use lattice_lock_auth::codes::{
    GRANT_EXCEEDED, KEY_MALFORMED, KEY_SETTING_INVALID, KEY_UNKNOWN, USER_UNKNOWN,
};
use lattice_lock_auth::{NewKey, Role};
use lattice_lock_principal::PrincipalKind;
use lattice_lock_principal::codes::PERMISSION_MISSING;
use lattice_lock_repository::EntityId;

use crate::world::{World, elsewhere, here, host, permission, refused};

fn reading() -> NewKey {
    NewKey::new("nightly")
        .scope(permission("read:health"))
        .scope(permission("read:ledger"))
}

pub(crate) async fn a_key_may_what_it_says_and_its_owner_may(world: World) {
    let ann = world.user("ann", Role::Operator).await;
    let (host, source) = (host(), here());
    let session = world.login("ann").await;
    let as_ann = world.auth.acting(session.principal(), &source);
    refused(
        as_ann.create_key(ann.id(), &reading()).await,
        PERMISSION_MISSING,
    );
    let acting = world.auth.acting(&host, &source);
    let (text, key) = acting.create_key(ann.id(), &reading()).await.unwrap();
    assert_eq!(as_ann.keys(ann.id()).await.unwrap().len(), 1);
    let who = world
        .auth
        .authenticate(text.expose(), &elsewhere())
        .await
        .unwrap();
    assert_eq!(who.kind(), PrincipalKind::ApiKey);
    assert_eq!(who.id().as_str(), ann.id().to_string());
    assert_eq!(
        who.attribution().unwrap().tags()["api_key"],
        key.id().as_str()
    );
    assert!(who.may(&permission("read:ledger")) && !who.may(&permission("read:budgets")));
    // A key makes no keys, nor reads its owner's.
    let as_key = world.auth.acting(&who, &source);
    refused(
        as_key.create_key(ann.id(), &reading()).await,
        PERMISSION_MISSING,
    );
    refused(as_key.keys(ann.id()).await, PERMISSION_MISSING);
    refused(as_key.end_sessions(ann.id()).await, PERMISSION_MISSING);
    let more = reading().scope(permission("delete:everything"));
    refused(acting.create_key(ann.id(), &more).await, GRANT_EXCEEDED);
    world
        .auth
        .acting(&host, &source)
        .change_role(ann.id(), Role::Viewer)
        .await
        .unwrap();
    let who = world
        .auth
        .authenticate(text.expose(), &elsewhere())
        .await
        .unwrap();
    assert!(!who.may(&permission("read:ledger")) && who.may(&permission("read:health")));
}

pub(crate) async fn a_key_ends_when_it_expires_is_replaced_or_revoked(world: World) {
    let ann = world.user("ann", Role::Operator).await;
    let (host, source) = (host(), here());
    let acting = world.auth.acting(&host, &source);
    let hour = Duration::from_hours(1);
    let (text, first) = acting
        .create_key(ann.id(), &reading().expires_in(hour))
        .await
        .unwrap();
    let verify = async |text: &str| world.auth.verify_key(text, &source).await;
    assert!(verify(text.expose()).await.is_ok());
    world.pass(1800);
    let (next, second) = acting
        .rotate_key(first.id(), Duration::from_mins(10))
        .await
        .unwrap();
    assert_eq!(second.expires_at(), Some(world.now() + 3600));
    assert_eq!(
        (second.name(), second.scopes()),
        (first.name(), first.scopes())
    );
    world.pass(599);
    assert!(verify(text.expose()).await.is_ok() && verify(next.expose()).await.is_ok());
    world.pass(1);
    refused(verify(text.expose()).await, KEY_UNKNOWN);
    refused(acting.rotate_key(first.id(), hour).await, KEY_UNKNOWN);
    world.auth.sweep().await.unwrap();
    let kept = acting.keys(ann.id()).await.unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!(kept[0].last_used_at(), Some(world.now() - 1));
    acting.revoke_key(second.id()).await.unwrap();
    acting.revoke_key(second.id()).await.unwrap();
    refused(verify(next.expose()).await, KEY_UNKNOWN);
    let (brief, _) = acting
        .create_key(ann.id(), &reading().expires_in(hour))
        .await
        .unwrap();
    world.pass(3599);
    assert!(verify(brief.expose()).await.is_ok());
    world.pass(1);
    refused(verify(brief.expose()).await, KEY_UNKNOWN);
}

pub(crate) async fn a_wrong_key_is_refused(world: World) {
    let ann = world.user("ann", Role::Operator).await;
    let (host, source) = (host(), here());
    let acting = world.auth.acting(&host, &source);
    let (one, key) = acting.create_key(ann.id(), &reading()).await.unwrap();
    let (two, _) = acting.create_key(ann.id(), &reading()).await.unwrap();
    assert!(world.auth.verify_key(one.expose(), &source).await.is_ok());
    // The id of one with the secret of the other, with a checksum that is right or not.
    let mixed = format!("{}{}", &one.expose()[..14], &two.expose()[14..]);
    refused(world.auth.verify_key(&mixed, &source).await, KEY_MALFORMED);
    let body = &mixed[..49];
    let digest = {
        use sha2::Digest;
        sha2::Sha256::digest(body.as_bytes())
    };
    let mut rest = u32::from_be_bytes(digest[..4].try_into().unwrap());
    let mut check = [0; 6];
    for letter in check.iter_mut().rev() {
        *letter =
            b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(rest % 62) as usize];
        rest /= 62;
    }
    let mixed = format!("{body}{}", std::str::from_utf8(&check).unwrap());
    refused(world.auth.verify_key(&mixed, &source).await, KEY_UNKNOWN);
    refused(
        world.auth.authenticate("llk_", &source).await,
        KEY_MALFORMED,
    );
    assert!(!format!("{key:?}{one:?}").contains(&one.expose()[14..]));
}

pub(crate) async fn keys_are_managed_by_those_who_may(world: World) {
    let (ann, bob) = (
        world.user("ann", Role::Operator).await,
        world.user("bob", Role::Viewer).await,
    );
    let session = world.login("ann").await;
    let source = here();
    let acting = world.auth.acting(session.principal(), &source);
    let (host, source) = (host(), here());
    let as_host = world.auth.acting(&host, &source);
    let (_, key) = as_host.create_key(ann.id(), &reading()).await.unwrap();
    refused(
        acting.rotate_key(key.id(), Duration::ZERO).await,
        PERMISSION_MISSING,
    );
    refused(
        acting.create_key(bob.id(), &NewKey::new("x")).await,
        PERMISSION_MISSING,
    );
    let as_bob = world.login("bob").await;
    let as_bob = world.auth.acting(as_bob.principal(), &source);
    refused(as_bob.revoke_key(key.id()).await, PERMISSION_MISSING);
    refused(
        as_bob.rotate_key(key.id(), Duration::ZERO).await,
        PERMISSION_MISSING,
    );
    refused(as_bob.keys(ann.id()).await, PERMISSION_MISSING);
    refused(
        as_host.create_key(EntityId::generate(), &reading()).await,
        USER_UNKNOWN,
    );
    refused(
        as_host.revoke_key(&"0123456789".parse().unwrap()).await,
        KEY_UNKNOWN,
    );
    for bad in [
        NewKey::new(""),
        NewKey::new(&"x".repeat(65)),
        NewKey::new("a\n"),
        reading().expires_in(Duration::ZERO),
    ] {
        refused(
            as_host.create_key(ann.id(), &bad).await,
            KEY_SETTING_INVALID,
        );
    }
    acting.revoke_key(key.id()).await.unwrap();
}
