//! Groups: `allow` holds for whoever is in one, from the moment they are to the moment they are no more.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{TestApp, User, answer, eventually, problem};

const CLOSED: (&str, &str) = ("vault", "allow: [ops]\nsteps:\n- {id: work, run: echo worked}\n");
const OPEN: (&str, &str) = ("open", "steps:\n- {id: work, run: echo worked}\n");

/// A server with an admin, alice and bob.
async fn people() -> (TestApp, User, User, User) {
    let app = TestApp::new(&[CLOSED, OPEN]).await;
    let (root, alice, bob) = (app.admin("root").await, app.user("alice").await, app.user("bob").await);
    (app, root, alice, bob)
}

async fn send(user: &User, method: Method, path: &str, body: Value) -> (u16, Value) {
    let response = answer(user.request(method, path).json(&body)).await;
    let (status, text) = (response.status().as_u16(), response.text().await.expect("it is text"));
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

async fn names(user: &User, path: &str, list: Option<&str>) -> Vec<String> {
    let document = user.json(path).await;
    let items = list.map_or(&document, |list| &document[list]).as_array().expect("it is a list").clone();
    items.iter().map(|item| item["name"].as_str().expect("it has a name").to_owned()).collect()
}

/// What of the workflow somebody is told, and may do with it: everything or nothing.
async fn may(user: &User, earlier: &str) -> bool {
    let listed = names(user, "/api/workflows", None).await.contains(&"vault".to_owned());
    let one = user.get("/api/workflows/vault").await.status();
    let start = user.post("/api/executions", &json!({ "workflow": "vault" })).await.status();
    let again = user.post(&format!("/api/executions/{earlier}/rerun"), &json!({ "from": "all" })).await.status();
    let page = user.get("/workflows/vault").await;
    let page = page.text().await.expect("it is a page").contains("vault.yaml");
    let pages = user.get("/workflows").await.text().await.expect("it is a page").contains("vault");
    let told = [one == StatusCode::OK, start == StatusCode::CREATED, again == StatusCode::CREATED, page, pages];
    assert!(told.iter().all(|told| *told == listed), "{listed}: {told:?}");
    if !listed {
        assert_eq!((one.as_u16(), start.as_u16(), again.as_u16()), (404, 404, 409));
    }
    listed
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_in_the_group_sees_and_starts_the_workflow_until_they_are_taken_out() {
    let (app, root, alice, bob) = people().await;
    let (status, group) =
        send(&root, Method::POST, "/api/groups", json!({ "name": "ops", "members": ["alice"] })).await;
    assert_eq!((status, &group["members"]), (201, &json!(["alice"])));
    let (hers, _) = alice.run("vault", json!({})).await;
    // One of his that he could run again, had he not been taken out since.
    send(&root, Method::PATCH, "/api/groups/ops", json!({ "members": ["alice", "bob"] })).await;
    let (his, _) = bob.run("vault", json!({})).await;
    assert!(may(&alice, &hers).await && may(&bob, &his).await);
    let (status, group) = send(&root, Method::PATCH, "/api/groups/ops", json!({ "members": ["alice"] })).await;
    assert_eq!((status, &group["members"]), (200, &json!(["alice"])));
    assert!(may(&alice, &hers).await && !may(&bob, &his).await);
    assert!(
        alice.json("/api/me").await["groups"] == json!(["ops"]) && bob.json("/api/me").await["groups"] == json!([])
    );
    // The same by the command line, on the data folder of a server that runs.
    assert_eq!(app.command(&["group", "add", "ops", "--member", "bob"]).await.code, 0);
    assert!(may(&bob, &his).await);
    let said = app.command(&["group", "remove", "ops", "--member", "bob", "--member", "alice"]).await;
    assert_eq!((said.code, said.out.trim()), (0, "nobody is in the group ops"));
    assert!(!may(&alice, &hers).await && !may(&bob, &his).await);
    // And without the group nobody is in it.
    send(&root, Method::PATCH, "/api/groups/ops", json!({ "members": ["bob"] })).await;
    assert!(may(&bob, &his).await);
    assert_eq!(send(&root, Method::DELETE, "/api/groups/ops", Value::Null).await.0, 204);
    assert!(!may(&bob, &his).await && may(&root, &his).await, "an admin starts everything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_sees_the_groups_they_are_in_and_changes_none() {
    let (app, root, alice, bob) = people().await;
    for (name, members) in [("ops", json!(["alice", "bob"])), ("dev", json!(["alice"])), ("none", json!([]))] {
        assert_eq!(send(&root, Method::POST, "/api/groups", json!({ "name": name, "members": members })).await.0, 201);
    }
    assert_eq!(names(&root, "/api/groups", Some("items")).await, ["dev", "none", "ops"]);
    assert_eq!(names(&alice, "/api/groups", Some("items")).await, ["dev", "ops"]);
    assert_eq!(names(&bob, "/api/groups", Some("items")).await, ["ops"]);
    assert_eq!(bob.json("/api/groups/ops").await["members"], json!(["alice", "bob"]));
    let unknown = problem(bob.get("/api/groups/unknown").await, 404).await;
    assert_eq!(problem(bob.get("/api/groups/dev").await, 404).await, unknown, "one can't tell that it is there");
    for (method, path, status) in [
        (Method::POST, "/api/groups", 403),
        (Method::PATCH, "/api/groups/ops", 403),
        (Method::DELETE, "/api/groups/ops", 403),
        (Method::PATCH, "/api/groups/dev", 404),
        (Method::DELETE, "/api/groups/dev", 404),
    ] {
        assert_eq!(send(&bob, method, path, json!({ "name": "mine", "members": ["bob"] })).await.0, status, "{path}");
    }
    let nobody = app.bearer("nobody", "");
    for path in ["/api/groups", "/api/groups/ops"] {
        problem(nobody.get(path).await, 401).await;
    }
    assert_eq!(root.json("/api/groups/ops").await["members"], json!(["alice", "bob"]), "nothing has changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_group_is_told_by_its_field() {
    let (_app, root, _alice, _bob) = people().await;
    assert_eq!(send(&root, Method::POST, "/api/groups", json!({ "name": "ops" })).await.0, 201);
    for (body, status, field) in [
        (json!({}), 422, Some("name")),
        (json!({ "name": "No Name" }), 422, Some("name")),
        (json!({ "name": "runcast" }), 422, Some("name")),
        (json!({ "name": "alice" }), 409, None),
        (json!({ "name": "ops" }), 409, None),
        (json!({ "name": "dev", "members": "alice" }), 422, Some("members")),
        (json!({ "name": "dev", "members": ["alice", 7] }), 422, Some("members[1]")),
        (json!({ "name": "dev", "members": ["alice", "No Name"] }), 422, Some("members[1]")),
        (json!({ "name": "dev", "members": ["bob", "alice", "eve"] }), 422, Some("members[2]")),
        (json!({ "name": "dev", "members": ["ops"] }), 422, Some("members[0]")),
        (json!({ "name": "dev", "members": vec!["alice"; 1001] }), 422, Some("members")),
        (json!({ "name": "dev", "colour": "red" }), 422, Some("colour")),
        (json!([]), 400, None),
    ] {
        let (said, problem) = send(&root, Method::POST, "/api/groups", body.clone()).await;
        assert_eq!((said, problem["errors"][0]["field"].as_str()), (status, field), "{body}: {problem}");
    }
    assert_eq!(names(&root, "/api/groups", Some("items")).await, ["ops"]);
    // The other way round: no user with a group's name, and none that is taken out leaves a trace.
    let user = json!({ "name": "ops", "password": "correct horse battery" });
    assert_eq!(send(&root, Method::POST, "/api/users", user).await.0, 409);
    send(&root, Method::PATCH, "/api/groups/ops", json!({ "members": ["alice"] })).await;
    assert_eq!(send(&root, Method::DELETE, "/api/users/alice", Value::Null).await.0, 204);
    assert_eq!(root.json("/api/groups/ops").await["members"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_says_what_it_did_to_a_group_and_what_it_can_not() {
    let (app, root, _alice, bob) = people().await;
    for (args, code, wanted) in [
        (&["group", "add", "ops", "--member", "bob", "--member", "alice"][..], 0, "in the group ops are alice bob"),
        (&["group", "add", "empty"], 0, "nobody is in the group empty"),
        (&["group", "add", "ops"], 1, "there is a group ops already"),
        (&["group", "add", "alice"], 1, "there is a user alice"),
        (&["group", "add", "ops", "--member", "eve"], 1, "there is no user eve"),
        (&["group", "add", "Ops"], 2, "is no name"),
        (&["group", "remove", "dev"], 1, "there is no group dev"),
        (&["group", "remove", "dev", "--member", "bob"], 1, "there is no group dev"),
        (&["user", "add", "ops", "--password-stdin"], 1, "there is a group ops"),
        (&["group", "list"], 0, "ops                       alice bob"),
        (&["group", "remove", "empty"], 0, "removed the group empty"),
    ] {
        let said = app.command(args).await;
        let text = format!("{}{}", said.out, said.err);
        assert!((said.code == 0) == (code == 0) && text.contains(wanted), "{args:?}: {said:?}");
    }
    let said = app.command(&["group", "list", "--json"]).await;
    let groups: Value = serde_json::from_str(&said.out).expect("it is JSON");
    assert_eq!((&groups[0]["name"], &groups[0]["members"]), (&json!("ops"), &json!(["alice", "bob"])));
    assert_eq!(groups, root.json("/api/groups").await["items"], "as the server has it");
    assert_eq!(app.command(&["user", "remove", "bob"]).await.code, 0);
    problem(bob.get("/api/groups").await, 401).await;
    eventually("he is out", async || root.json("/api/groups/ops").await["members"] == json!(["alice"])).await;
}
