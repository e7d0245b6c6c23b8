//! The workflows folder as its readers know it: the text of files, who gets it, and the word that something has changed.

use serde_json::{Value, json};

use crate::app::{TestApp, User, answer, eventually, problem};

const OPEN: (&str, &str) = ("open", "secrets: [DB_PASSWORD]\nsteps:\n- {id: say, run: 'echo said'} # with a word\n");
const CLOSED: (&str, &str) = ("closed", "allow: [bob]\nsteps:\n- {id: say, run: 'echo said'}\n");
const BROKEN: &str = "allow: [bob]\nsteps:\n- {id: say, rum: 'echo for-bob-only'}\n";

async fn file(user: &User, name: &str) -> String {
    let answer = user.get(&format!("/api/workflows/{name}/file")).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"application/yaml".parse().expect("a media type"))
    );
    answer.text().await.expect("it is text")
}

async fn has_errors(user: &User, name: &str) -> bool {
    let list = user.json("/api/workflows").await;
    let found = list.as_array().and_then(|all| all.iter().find(|one| one["name"] == name));
    found.is_some_and(|workflow| workflow["errors"] != json!([]))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_of_a_file_is_for_those_who_may_start_the_workflow_and_holds_no_secret() {
    let mut app = TestApp::asleep(&[], &[OPEN, CLOSED]).env("DB_PASSWORD", "swordfish-7f3a");
    app.launch().await;
    let (alice, bob, root) = (app.user("alice").await, app.user("bob").await, app.admin("root").await);
    for user in [&alice, &bob, &root] {
        assert_eq!(file(user, "open").await, OPEN.1);
        for path in ["/api/workflows/open", "/api/workflows/open/file", "/workflows/open", "/check?of=open"] {
            let text = user.get(path).await.text().await.expect("it is text");
            assert!(text.contains("DB_PASSWORD") && !text.contains("swordfish"), "{path}: a name, and no more: {text}");
        }
    }
    for user in [&bob, &root] {
        assert_eq!(file(user, "closed").await, CLOSED.1);
    }
    let hers = problem(alice.get("/api/workflows/closed/file").await, 404).await;
    assert_eq!(
        hers,
        problem(alice.get("/api/workflows/nothing/file").await, 404).await,
        "one can't tell that it exists"
    );
    for path in ["/workflows/closed", "/check?of=closed"] {
        let page = alice.get(path).await;
        assert_eq!(page.status(), 404, "{path}");
        assert!(!page.text().await.expect("it is text").contains("echo said"));
    }
    problem(app.bearer("nobody", "").get("/api/workflows/open/file").await, 401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_is_for_admins_and_the_others_get_its_last_good_version() {
    let app = TestApp::new(&[OPEN]).await;
    let (alice, root) = (app.user("alice").await, app.admin("root").await);
    app.write_workflow("open", BROKEN);
    app.write_workflow("hopeless", BROKEN);
    eventually("both are read", async || has_errors(&root, "open").await && has_errors(&root, "hopeless").await).await;
    assert_eq!((file(&root, "open").await.as_str(), file(&root, "hopeless").await.as_str()), (BROKEN, BROKEN));
    assert_eq!(file(&alice, "open").await, OPEN.1, "it may be about to say that she may not start it");
    assert!(has_errors(&alice, "open").await, "but she is told that it is broken");
    let page = alice.get("/workflows/open").await.text().await.expect("it is text");
    assert!(
        page.contains("The file is broken.") && page.contains("with a word") && !page.contains("for-bob-only"),
        "{page}"
    );
    let page = root.get("/workflows/open").await.text().await.expect("it is text");
    assert!(page.contains("<li id=\"L3\" data-level=\"error\">") && page.contains("for-bob-only"), "{page}");
    problem(alice.get("/api/workflows/hopeless/file").await, 404).await;
    app.write_workflow("open", CLOSED.1);
    eventually("it is mended", async || alice.get("/api/workflows/open/file").await.status() == 404).await;
    assert_eq!(file(&root, "open").await, CLOSED.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_everything_are_told_that_the_folder_has_changed_and_no_more() {
    let mut app = TestApp::new(&[OPEN]).await;
    let alice = app.user("alice").await;
    let version = |message: &Value| message["version"].as_u64().or(message["workflows"].as_u64()).expect("a number");
    let first = version(&alice.events().await.until_kind("hello").await);
    let mut all = alice.events().await.live().await;
    app.write_workflow("closed", CLOSED.1);
    let told = all.until_kind("workflows").await;
    assert_eq!(told, json!({ "kind": "workflows", "version": version(&told) }), "not even which file it was");
    assert_ne!(version(&told), first);
    assert_eq!(
        version(&alice.events().await.until_kind("hello").await),
        version(&told),
        "whoever was away knows as well"
    );
    std::fs::remove_file(app.path("workflows/closed.yaml")).expect("it is there");
    assert_ne!(version(&all.until_kind("workflows").await), version(&told));
    app.restart().await;
    let after = version(&alice.events().await.until_kind("hello").await);
    assert!(![first, version(&told)].contains(&after), "another life has other numbers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_tells_how_its_last_runs_went_and_whose_they_were() {
    const TURNS: (&str, &str) =
        ("turns", "params: [{name: code, type: integer, default: 0}]\nsteps:\n- {id: end, run: 'exit $CODE'}\n");
    let app = TestApp::new(&[TURNS]).await;
    let (alice, root) = (app.user("alice").await, app.admin("root").await);
    for code in [0, 0, 3] {
        alice.run("turns", json!({ "code": code })).await;
    }
    root.run("turns", json!({})).await;
    let statuses = |workflow: &Value| -> Vec<String> {
        let recent = workflow["recent"].as_array().expect("it is a list");
        recent.iter().map(|run| run["status"].as_str().expect("it has one").to_owned()).collect()
    };
    let list = answer(alice.request(reqwest::Method::GET, "/api/workflows")).await.json::<Value>().await.expect("JSON");
    assert_eq!(statuses(&list[0]), ["failed", "succeeded", "succeeded"], "her own, newest first");
    let all = root.json("/api/workflows/turns").await;
    assert_eq!(statuses(&all), ["succeeded", "failed", "succeeded", "succeeded"]);
    assert_eq!((&all["history"][0]["owner"], &all["history"][1]["owner"]), (&json!("root"), &json!("alice")));
    let (median, high) = (all["statistics"]["median_ms"].as_u64(), all["statistics"]["high_ms"].as_u64());
    assert!(median.is_some() && high >= median, "{all}");
}
