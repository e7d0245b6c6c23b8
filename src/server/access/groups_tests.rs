//! Groups over a real database, with a second one open on the same folder where another process would be.

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{
    Access, AccessError, Members,
    tests::{by_token, named, open, peopled},
};
use crate::domain::{
    access::{Role, may_start},
    id::Name,
};

const PASSWORD: &str = "correct horse battery";

fn some(names: &[&str]) -> Vec<Name> {
    names.iter().map(|name| named(name)).collect()
}

async fn members(access: &Access, group: &str) -> Vec<Name> {
    access.group(&named(group)).await.unwrap().unwrap().members
}

#[tokio::test]
async fn a_database_of_before_groups_keeps_its_users_and_gets_groups() {
    let data = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new().filename(data.path().join("access.db")).create_if_missing(true);
    let mut old = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::migrate!("src/server/access/migrations").run_to(1, &mut old).await.unwrap();
    let insert = "insert into users (name, role, password_hash, created_at) values ('alice', 'user', 'x', 7)";
    sqlx::query(insert).execute(&mut old).await.unwrap();
    old.close().await.unwrap();
    let access = open(data.path()).await;
    assert_eq!(access.user(&named("alice")).await.unwrap().unwrap().created_at.0, 7);
    assert_eq!(access.list_groups(None).await.unwrap(), []);
    let caller = by_token(&access, "alice").await;
    assert_eq!(caller.viewer.groups, []);
    access.add_group(named("ops"), &some(&["alice"])).await.unwrap();
    assert_eq!(by_token(&access, "alice").await.viewer.groups, some(&["ops"]));
}

#[tokio::test]
async fn who_is_in_a_group_is_known_with_the_next_request_whoever_changed_it() {
    let (data, server) = peopled().await;
    let command_line = open(data.path()).await;
    command_line.join_group(named("ops"), &some(&["alice"])).await.unwrap();
    command_line.join_group(named("dev"), &some(&["alice", "root"])).await.unwrap();
    let caller = by_token(&server, "alice").await;
    assert_eq!(caller.viewer.groups, some(&["dev", "ops"]));
    assert!(may_start(&caller.viewer, Some(&some(&["ops"]))));
    command_line.change_group(&named("ops"), &some(&["alice", "nobody-known"]), Members::Leave).await.unwrap();
    let caller = by_token(&server, "alice").await;
    assert!(!may_start(&caller.viewer, Some(&some(&["ops"]))) && may_start(&caller.viewer, Some(&some(&["dev"]))));
    server.change_group(&named("dev"), &[], Members::Are).await.unwrap();
    assert_eq!(by_token(&server, "alice").await.viewer.groups, []);
    let (caller, _) = server.sign_in("root", PASSWORD, &super::tests::peer()).await.unwrap();
    assert_eq!(caller.viewer.groups, []);
}

#[tokio::test]
async fn a_user_who_is_removed_is_in_no_group_and_a_namesake_is_in_none_either() {
    let (_data, access) = peopled().await;
    access.add_group(named("ops"), &some(&["alice", "root", "alice"])).await.unwrap();
    assert_eq!(members(&access, "ops").await, some(&["alice", "root"]));
    access.remove_user(&named("alice")).await.unwrap();
    assert_eq!(members(&access, "ops").await, some(&["root"]));
    access.add_user(named("alice"), Role::User, PASSWORD).await.unwrap();
    assert_eq!(by_token(&access, "alice").await.viewer.groups, []);
    access.remove_group(&named("ops")).await.unwrap();
    assert!(access.user(&named("root")).await.unwrap().is_some());
    assert!(matches!(access.remove_group(&named("ops")).await, Err(AccessError::NoSuchGroup(_))));
}

#[tokio::test]
async fn a_name_is_a_users_or_a_groups() {
    let (_data, access) = peopled().await;
    let made = access.add_group(named("alice"), &[]).await;
    assert!(matches!(made, Err(AccessError::UserHasName(_))), "{made:?}");
    let made = access.join_group(named("root"), &some(&["alice"])).await;
    assert!(matches!(made, Err(AccessError::UserHasName(_))), "{made:?}");
    assert!(matches!(access.add_group(named("runcast"), &[]).await, Err(AccessError::NobodysName)));
    access.add_group(named("ops"), &[]).await.unwrap();
    assert!(matches!(access.add_group(named("ops"), &[]).await, Err(AccessError::GroupExists(_))));
    let made = access.add_user(named("ops"), Role::User, PASSWORD).await;
    assert!(matches!(made, Err(AccessError::GroupHasName(_))), "{made:?}");
    assert!(access.user(&named("ops")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_change_that_fails_changes_nothing() {
    let (_data, access) = peopled().await;
    access.add_group(named("ops"), &some(&["alice"])).await.unwrap();
    for how in [Members::Are, Members::Join] {
        let changed = access.change_group(&named("ops"), &some(&["root", "bob"]), how).await;
        assert!(matches!(&changed, Err(AccessError::NoSuchMember(name)) if name.as_str() == "bob"), "{changed:?}");
        assert_eq!(members(&access, "ops").await, some(&["alice"]));
    }
    assert!(access.join_group(named("new"), &some(&["ops"])).await.is_err(), "a group is in no group");
    assert_eq!(access.group(&named("new")).await.unwrap(), None);
    let nowhere = access.change_group(&named("new"), &[], Members::Are).await;
    assert!(matches!(nowhere, Err(AccessError::NoSuchGroup(_))));
    assert_eq!(access.list_groups(Some(&named("root"))).await.unwrap(), []);
    assert_eq!(access.list_groups(Some(&named("alice"))).await.unwrap().len(), 1);
}
