//! The house's own rules, as far as a search can check them.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file under a folder whose name ends so, by its path from the root.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("a folder's entries can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path.strip_prefix(root()).expect("it was found under the root").to_owned());
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no {ending} file under {folder}/: the search has lost its object");
    found
}

/// `file:line: text` of every line of code that breaks a rule; comments do not count.
fn breaches(files: &[PathBuf], allowed: impl Fn(&Path) -> bool, breaks: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !allowed(file)) {
        for (n, line) in read(&root().join(file)).lines().enumerate() {
            if !line.trim_start().starts_with("//") && breaks(line) {
                found.push(format!("{}:{}: {}", file.display(), n + 1, line.trim()));
            }
        }
    }
    found
}

fn leptos_keys(file: &str) -> toml::Table {
    let text = read(&root().join(file));
    assert!(
        text.lines().any(|line| line == "[package.metadata.leptos]"),
        "{file} has the header [package.metadata.leptos] at column 0, which is what leptos_config looks for"
    );
    let table: toml::Table = text.parse().expect("it is TOML");
    table["package"]["metadata"]["leptos"].as_table().expect("it is a table").clone()
}

#[test]
fn leptos_toml_says_what_cargo_toml_says() {
    let built = leptos_keys("Cargo.toml");
    let served = leptos_keys("Leptos.toml");
    assert!(served.len() >= 5);
    for (key, value) in served {
        assert_eq!(Some(&value), built.get(&key), "the key {key} of Leptos.toml and Cargo.toml");
    }
}

#[test]
fn the_border_between_server_and_browser_is_drawn_in_two_files() {
    let gates = |line: &str| line.contains("cfg") && line.contains("feature =") || line.contains("cfg_if");
    let allowed = |file: &Path| file == Path::new("src/lib.rs") || file == Path::new("src/main.rs");
    let found = breaches(&files("src", ".rs"), allowed, gates);
    assert!(found.is_empty(), "cfg(feature) stands in lib.rs and main.rs only:\n{}", found.join("\n"));
    let drawn = breaches(&[PathBuf::from("src/lib.rs")], |_| false, gates);
    assert!(!drawn.is_empty(), "the search has lost its object");
}

#[test]
fn sql_stands_with_the_keepers_of_the_databases() {
    const WORDS: [&str; 9] = [
        "sqlx::query",
        "\"select ",
        "insert into ",
        "delete from ",
        "create table",
        "create index",
        "\"update ",
        "pragma ",
        "begin immediate",
    ];
    let keeper = |file: &Path| file.starts_with("src/server/journal") || file.starts_with("src/server/access");
    let sql = |line: &str| WORDS.iter().any(|word| line.to_lowercase().contains(word));
    let found = breaches(&files("src", ".rs"), keeper, sql);
    assert!(found.is_empty(), "SQL stands under server/journal and server/access only:\n{}", found.join("\n"));
}

#[test]
fn every_route_is_in_the_list_that_the_test_of_secrecy_walks() {
    let counted = |file: &Path| {
        let name = file.to_string_lossy();
        name.ends_with("http/routes.rs") || name.ends_with("http/pages.rs") || name.ends_with("_tests.rs")
    };
    let found = breaches(&files("src/server", ".rs"), counted, |line| line.contains("Router::new("));
    assert!(found.is_empty(), "routes are registered through http::routes::Routes only:\n{}", found.join("\n"));
    let kept = breaches(&[PathBuf::from("src/server/http/routes.rs")], |_| false, |line| line.contains("Router::new("));
    assert!(!kept.is_empty(), "the search has lost its object");
}

#[test]
fn raw_colours_stand_in_the_tokens() {
    let tokens = |file: &Path| file == Path::new("style/tokens.css");
    let found = breaches(&files("style", ".css"), tokens, holds_colour);
    assert!(found.is_empty(), "colours stand in style/tokens.css only:\n{}", found.join("\n"));
    let kept = breaches(&[PathBuf::from("style/tokens.css")], |_| false, holds_colour);
    assert!(!kept.is_empty(), "the search has lost its object");
}

fn holds_colour(line: &str) -> bool {
    const FUNCTIONS: [&str; 9] = ["rgb(", "rgba(", "hsl(", "hsla(", "hwb(", "lab(", "lch(", "oklab(", "oklch("];
    let hex = line.split('#').skip(1).any(|rest| {
        let digits = rest.chars().take_while(char::is_ascii_hexdigit).count();
        let ends =
            rest[digits..].chars().next().is_none_or(|next| !next.is_alphanumeric() && next != '-' && next != '_');
        matches!(digits, 3 | 4 | 6 | 8) && ends
    });
    hex || FUNCTIONS.iter().any(|function| line.contains(function))
}

#[test]
fn the_wasm_bindgen_that_is_pinned_is_the_one_that_is_locked() {
    let lock: toml::Table = read(&root().join("Cargo.lock")).parse().expect("it is TOML");
    let locked = lock["package"]
        .as_array()
        .expect("packages are a list")
        .iter()
        .find(|package| package["name"].as_str() == Some("wasm-bindgen"))
        .expect("wasm-bindgen is locked")["version"]
        .clone();
    let cargo: toml::Table = read(&root().join("Cargo.toml")).parse().expect("it is TOML");
    let pinned = cargo["dependencies"]["wasm-bindgen"].as_str().expect("it is a plain version");
    assert_eq!(Some(pinned), locked.as_str().map(|version| format!("={version}")).as_deref());
}
