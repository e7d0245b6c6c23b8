//! Access over a real database, with a second one open on the same folder where another process would be.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use http::{HeaderMap, HeaderValue, header};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::domain::id::Name;

const PASSWORD: &str = "correct horse battery";

pub(super) fn named(text: &str) -> Name {
    text.parse().unwrap()
}

pub(super) fn peer() -> Peer {
    Peer { address: [127, 0, 0, 1].into(), agent: "test".into() }
}

pub(super) async fn open(data: &Path) -> Access {
    Access::open(data, AccessSettings::default()).await.unwrap()
}

/// What another process sees and does: SQLite, and none of our code.
async fn other_process(data: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(data.join("access.db")).busy_timeout(BUSY).foreign_keys(true);
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// An admin `root` and a user `alice`.
pub(super) async fn peopled() -> (TempDir, Access) {
    let data = tempfile::tempdir().unwrap();
    let access = open(data.path()).await;
    access.add_user(named("root"), Role::Admin, PASSWORD).await.unwrap();
    access.add_user(named("alice"), Role::User, PASSWORD).await.unwrap();
    (data, access)
}

async fn signed_in(access: &Access, name: &str) -> Caller {
    access.sign_in(name, PASSWORD, &peer()).await.unwrap().0
}

fn with_bearer(token: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::try_from(format!("Bearer {token}")).unwrap())])
}

fn with_cookie(secret: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::COOKIE, HeaderValue::try_from(format!("a=b; runcast={secret}; c=d")).unwrap())])
}

pub(super) async fn by_token(access: &Access, name: &str) -> Caller {
    let (_, token) = access.create_token(&named(name), "test").await.unwrap();
    access.authenticate(&with_bearer(&token)).await.unwrap().unwrap()
}

async fn ends_within_a_second(revoked: &CancellationToken) -> bool {
    timeout(Duration::from_secs(1), revoked.cancelled()).await.is_ok()
}

#[tokio::test]
async fn the_folder_and_the_database_are_for_their_owner_only() {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("data");
    let access = open(&data).await;
    access.add_user(named("root"), Role::Admin, PASSWORD).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{file:?}");
    }
}

#[tokio::test]
async fn no_secret_is_in_any_file_or_debug_output() {
    let (data, access) = peopled().await;
    let (_, secret) = access.sign_in("alice", PASSWORD, &peer()).await.unwrap();
    let (_, token) = access.create_token(&named("alice"), "test").await.unwrap();
    for file in fs::read_dir(data.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        for secret in [secret.expose(), &token, &token[3..], PASSWORD] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
    assert_eq!(format!("{secret:?}"), "SessionSecret(…)");
}

#[tokio::test]
async fn a_session_and_a_token_say_who_asks_and_what_is_not_quite_them_does_not() {
    let (_data, access) = peopled().await;
    let (caller, secret) = access.sign_in("alice", PASSWORD, &peer()).await.unwrap();
    assert_eq!(access.authenticate(&with_cookie(secret.expose())).await.unwrap(), Some(caller));
    let (_, token) = access.create_token(&named("root"), "test").await.unwrap();
    assert!(token.starts_with("rc_") && token.len() == 46, "{} characters", token.len());
    let caller = access.authenticate(&with_bearer(&token)).await.unwrap().unwrap();
    assert_eq!(caller.viewer, Viewer { name: named("root"), role: Role::Admin, groups: Vec::new() });
    for wrong in [&token[..45], &token[3..], "", "rc_", secret.expose()] {
        assert_eq!(access.authenticate(&with_bearer(wrong)).await.unwrap(), None);
    }
    assert_eq!(access.authenticate(&with_cookie(&token)).await.unwrap(), None);
}

#[tokio::test]
async fn a_bad_bearer_token_is_not_made_good_by_a_cookie() {
    let (_data, access) = peopled().await;
    let (_, secret) = access.sign_in("alice", PASSWORD, &peer()).await.unwrap();
    for bad in ["Bearer rc_wrong", "bearer", "Bearer ", "Bearer \u{7f}"] {
        let mut headers = with_cookie(secret.expose());
        let bad = HeaderValue::from_bytes(bad.replace('\u{7f}', "\u{e9}").as_bytes()).unwrap();
        headers.insert(header::AUTHORIZATION, bad.clone());
        assert_eq!(access.authenticate(&headers).await.unwrap(), None, "{bad:?}");
    }
    let mut headers = with_cookie(secret.expose());
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic cHJveHk6cHJveHk="));
    assert!(access.authenticate(&headers).await.unwrap().is_some(), "a proxy's own password is not our business");
}

#[tokio::test]
async fn a_user_and_a_token_added_by_another_process_work_at_once() {
    let (data, server) = peopled().await;
    let command_line = open(data.path()).await;
    command_line.add_user(named("bob"), Role::User, PASSWORD).await.unwrap();
    let (_, token) = command_line.create_token(&named("bob"), "cli").await.unwrap();
    assert!(server.authenticate(&with_bearer(&token)).await.unwrap().is_some());
    assert!(server.sign_in("bob", PASSWORD, &peer()).await.is_ok());
}

#[tokio::test]
async fn a_user_added_by_another_process_ends_the_set_up() {
    let data = tempfile::tempdir().unwrap();
    let server = open(data.path()).await;
    let code = server.setup_code().unwrap().to_string();
    open(data.path()).await.add_user(named("root"), Role::Admin, PASSWORD).await.unwrap();
    assert!(!server.is_empty().await);
    let late = server.set_up(&code, named("mallory"), PASSWORD, &peer()).await;
    assert!(matches!(late, Err(AccessError::SetUp)), "{late:?}");
    assert!(open(data.path()).await.setup_code().is_none());
}

#[tokio::test]
async fn of_two_set_ups_at_once_one_makes_the_admin() {
    let data = tempfile::tempdir().unwrap();
    let access = open(data.path()).await;
    let (code, peer) = (access.setup_code().unwrap().to_string(), peer());
    let (a, b) = tokio::join!(
        access.set_up(&code, named("a"), PASSWORD, &peer),
        access.set_up(&code, named("b"), PASSWORD, &peer)
    );
    assert_eq!([a.is_ok(), b.is_ok()].into_iter().filter(|ok| *ok).count(), 1);
    assert_eq!(access.list_users().await.unwrap().len(), 1);
    assert!(access.setup_code().is_none());
}

#[tokio::test]
async fn of_two_admins_who_remove_each_other_at_once_one_stays() {
    let (_data, access) = peopled().await;
    access.add_user(named("boss"), Role::Admin, PASSWORD).await.unwrap();
    let (root, boss) = (named("root"), named("boss"));
    let (a, b) = tokio::join!(access.remove_user(&root), access.remove_user(&boss));
    assert_eq!([a.is_ok(), b.is_ok()].into_iter().filter(|ok| *ok).count(), 1, "{a:?} {b:?}");
    let admins = access.list_users().await.unwrap().into_iter().filter(|user| user.role == Role::Admin).count();
    assert_eq!(admins, 1);
}

#[tokio::test]
async fn each_way_to_lose_access_ends_what_was_open_and_nothing_else() {
    let (_data, access) = peopled().await;
    let alice = named("alice");
    let bystander = access.watch(&by_token(&access, "root").await).await;
    let password = |text: &str| UserChange { password: Some(text.into()), ..UserChange::default() };

    let session = signed_in(&access, "alice").await;
    let watched = access.watch(&session).await;
    access.sign_out(&session).await.unwrap();
    assert!(ends_within_a_second(&watched).await, "signing out");

    let session = signed_in(&access, "alice").await;
    let CredentialId::Session(id) = session.credential else { panic!("{session:?}") };
    let watched = access.watch(&session).await;
    access.end_session(id, Some(&alice)).await.unwrap();
    assert!(ends_within_a_second(&watched).await, "the session was ended from the list");

    let token = by_token(&access, "alice").await;
    let CredentialId::Token(id) = token.credential else { panic!("{token:?}") };
    let watched = access.watch(&token).await;
    access.delete_token(id, Some(&alice)).await.unwrap();
    assert!(ends_within_a_second(&watched).await, "the token was deleted");

    let (kept, other) = (signed_in(&access, "alice").await, signed_in(&access, "alice").await);
    let (kept_watch, other_watch) = (access.watch(&kept).await, access.watch(&other).await);
    let change = UserChange { keep: Some(kept.credential), ..password("another password") };
    access.change_user(&alice, change).await.unwrap();
    assert!(ends_within_a_second(&other_watch).await, "the password was changed elsewhere");
    assert!(!kept_watch.is_cancelled(), "the session that changed the password goes on");

    let token = access.watch(&by_token(&access, "alice").await).await;
    access.change_user(&alice, UserChange { role: Some(Role::Admin), ..UserChange::default() }).await.unwrap();
    assert!(ends_within_a_second(&kept_watch).await, "another role, session");
    assert!(ends_within_a_second(&token).await, "another role, token");

    let token = access.watch(&by_token(&access, "alice").await).await;
    access.remove_user(&alice).await.unwrap();
    assert!(ends_within_a_second(&token).await, "the user was removed");

    assert!(!bystander.is_cancelled());
    assert_eq!(access.inner.watch.watched(), 1, "what has ended is forgotten");
}

#[tokio::test]
async fn what_another_process_takes_away_ends_within_a_second_too() {
    let (data, access) = peopled().await;
    let mut other = other_process(data.path()).await;
    let bystander = access.watch(&by_token(&access, "root").await).await;
    for change in [
        "delete from sessions where user = 'alice'",
        "update users set role = 'admin' where name = 'alice'",
        "update sessions set expires_at = 1 where user = 'alice'",
        "delete from users where name = 'alice'",
    ] {
        let watched = access.watch(&signed_in(&access, "alice").await).await;
        assert!(!watched.is_cancelled());
        sqlx::query(change).execute(&mut other).await.unwrap();
        assert!(ends_within_a_second(&watched).await, "{change}");
    }
    assert!(!bystander.is_cancelled());
}

#[tokio::test]
async fn a_session_that_expires_ends_what_was_open_though_nobody_writes_anything() {
    let (data, access) = peopled().await;
    let session = signed_in(&access, "alice").await;
    let update = sqlx::query("update sessions set expires_at = ?").bind(now().0 + 2000);
    update.execute(&mut other_process(data.path()).await).await.unwrap();
    let watched = access.watch(&session).await;
    assert!(!watched.is_cancelled());
    assert!(timeout(Duration::from_secs(3), watched.cancelled()).await.is_ok());
}

#[tokio::test]
async fn who_lost_access_between_the_question_and_the_watch_is_revoked_already() {
    let (data, access) = peopled().await;
    let session = signed_in(&access, "alice").await;
    let delete = sqlx::query("delete from sessions");
    delete.execute(&mut other_process(data.path()).await).await.unwrap();
    assert!(access.watch(&session).await.is_cancelled());

    let token = by_token(&access, "alice").await;
    access.change_user(&named("alice"), UserChange { role: Some(Role::Admin), ..Default::default() }).await.unwrap();
    assert!(access.watch(&token).await.is_cancelled(), "the role is not the one it was asked with");
}

#[tokio::test]
async fn a_session_lasts_30_days_from_its_last_use_which_is_written_once_an_hour() {
    let (data, access) = peopled().await;
    let (_, secret) = access.sign_in("alice", PASSWORD, &peer()).await.unwrap();
    let mut other = other_process(data.path()).await;
    let days = |ms: i64| ms as f64 / 86_400_000.0;
    for (minutes_ago, left) in [(59, 1.0), (61, 30.0)] {
        let set = sqlx::query("update sessions set last_seen_at = ?, expires_at = ?");
        let (seen, expires) = (now().0 - minutes_ago * 60_000, now().0 + 86_400_000);
        set.bind(seen).bind(expires).execute(&mut other).await.unwrap();
        assert!(access.authenticate(&with_cookie(secret.expose())).await.unwrap().is_some());
        let expires_at = access.list_sessions(&named("alice")).await.unwrap()[0].expires_at.0;
        assert!((days(expires_at - now().0) - left).abs() < 0.01, "seen {minutes_ago} minutes ago");
    }
    sqlx::query("update sessions set expires_at = ?").bind(now().0 - 1).execute(&mut other).await.unwrap();
    assert_eq!(access.authenticate(&with_cookie(secret.expose())).await.unwrap(), None);
    assert!(access.list_sessions(&named("alice")).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_user_has_100_sessions_at_most_and_the_one_unseen_for_longest_goes() {
    let (_data, access) = peopled().await;
    let (oldest, secret) = access.sign_in("alice", PASSWORD, &peer()).await.unwrap();
    let root = signed_in(&access, "root").await;
    let watched = (access.watch(&oldest).await, access.watch(&root).await);
    let hash = access.verify(Some(&named("alice")), PASSWORD).await.unwrap().unwrap();
    // The first is the oldest by a millisecond at least.
    while now() <= access.list_sessions(&named("alice")).await.unwrap()[0].last_seen_at {}
    for _ in 0..100 {
        access.open_session(named("alice"), Role::User, &hash, &peer()).await.unwrap();
    }
    assert_eq!(access.list_sessions(&named("alice")).await.unwrap().len(), 100);
    assert_eq!(access.authenticate(&with_cookie(secret.expose())).await.unwrap(), None);
    assert!(ends_within_a_second(&watched.0).await);
    assert!(!watched.1.is_cancelled());
}

#[tokio::test]
async fn a_password_that_is_changed_while_somebody_signs_in_by_the_old_one_lets_nobody_in() {
    let (_data, access) = peopled().await;
    let alice = named("alice");
    let old = access.verify(Some(&alice), PASSWORD).await.unwrap().unwrap();
    let change = UserChange { password: Some("another password".into()), ..UserChange::default() };
    access.change_user(&alice, change).await.unwrap();
    let late = access.open_session(alice, Role::User, &old, &peer()).await;
    assert!(matches!(late, Err(AccessError::WrongPassword)), "{late:?}");
}

#[tokio::test]
async fn the_command_line_is_told_what_is_wrong_in_words() {
    let (_data, access) = peopled().await;
    let said = |error: AccessError| error.to_string();
    let add = access.add_user(named("alice"), Role::User, PASSWORD).await.unwrap_err();
    assert_eq!(said(add), "there is a user alice already: choose another name");
    let add = access.add_user(named("bob"), Role::User, "short").await.unwrap_err();
    assert_eq!(said(add), "a password has 10 to 256 characters, this one has 5");
    let remove = access.remove_user(&named("root")).await.unwrap_err();
    assert_eq!(said(remove), "root is the last admin: make somebody else an admin first");
    let token = access.create_token(&named("nobody"), "x").await.unwrap_err();
    assert_eq!(said(token), "there is no user nobody");
    for label in ["", "  ", "a\nb", &"x".repeat(65)] {
        assert!(matches!(access.create_token(&named("alice"), label).await, Err(AccessError::Label)), "{label:?}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named_in_the_error() {
    let outer = tempfile::tempdir().unwrap();
    let file = outer.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Access::open(&file.join("data"), AccessSettings::default()).await.err().unwrap();
    assert!(error.to_string().contains("file/data"), "{error}");
}

#[tokio::test]
async fn server_and_command_line_may_both_be_the_first_on_an_empty_folder() {
    let data = tempfile::tempdir().unwrap();
    let opened = futures_util::future::join_all((0..4).map(|_| Access::open(data.path(), AccessSettings::default())));
    for access in opened.await {
        assert!(access.unwrap().is_empty().await);
    }
}
