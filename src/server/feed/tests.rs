use std::time::Duration;

use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    domain::{
        access::{Role, Viewer},
        event::EndReason,
    },
    server::journal::{
        Journal,
        tests::{Story, in_memory, name},
    },
};

fn viewer(who: &str, role: Role) -> Viewer {
    Viewer { name: name(who), role }
}

fn ends() -> (CancellationToken, CancellationToken) {
    (CancellationToken::new(), CancellationToken::new())
}

/// What a reader says until it has caught up, ended, or has nothing to say.
async fn said(reader: &mut Reader) -> String {
    let mut text = String::new();
    while let Ok(Some(bytes)) = tokio::time::timeout(Duration::from_secs(5), reader.next()).await {
        text.push_str(std::str::from_utf8(&bytes).expect("UTF-8"));
        if text.contains("\"kind\":\"caught_up\"") || text.contains("\"kind\":\"end\"") {
            break;
        }
    }
    text
}

fn ids(text: &str) -> Vec<u64> {
    text.lines().filter_map(|line| line.strip_prefix("id: ")).map(|id| id.parse().expect("a number")).collect()
}

async fn read_all(feed: &Feed, journal: &Journal, viewer: &Viewer, start: Start) -> Reader {
    feed.read_all(journal, viewer, Filter::default(), start, ends()).await.expect("a reader")
}

#[tokio::test]
async fn a_reader_gets_its_own_history_then_what_happens_and_nothing_of_others() {
    let feed = Feed::default();
    let journal = in_memory(&feed).await;
    let (alice, bob) = (Story::new("alice", "a"), Story::new("bob", "b"));
    alice.begin(&journal).await;
    bob.begin(&journal).await;
    let mut reader = read_all(&feed, &journal, &viewer("alice", Role::User), Start::After(Seq(0))).await;
    let mut admin = read_all(&feed, &journal, &viewer("root", Role::Admin), Start::Now).await;
    let opening = said(&mut reader).await;
    assert!(opening.starts_with("retry: "), "{opening}");
    assert!(opening.contains(r#"data: {"kind":"hello","head":2,"user":"alice"}"#), "{opening}");
    assert_eq!(ids(&opening), [1]);
    assert!(ids(&said(&mut admin).await).is_empty());
    bob.rest(&journal).await;
    journal.append(alice.started()).await;
    journal.append(alice.output(0, &["x"])).await;
    journal.append(alice.completed()).await;
    journal.flush().await.expect("committed");
    let mut live = Vec::new();
    while live.len() < 2 {
        live.extend(ids(std::str::from_utf8(&reader.next().await.expect("frames")).expect("UTF-8")));
    }
    assert_eq!(live, [5, 7]);
    let mut all = Vec::new();
    while all.len() < 4 {
        all.extend(ids(std::str::from_utf8(&admin.next().await.expect("frames")).expect("UTF-8")));
    }
    assert_eq!(all, [3, 4, 5, 7]);
}

#[tokio::test]
async fn an_executions_stream_has_its_output_and_ends_with_it() {
    let feed = Feed::default();
    let journal = in_memory(&feed).await;
    let story = Story::new("alice", "a");
    story.begin(&journal).await;
    let alice = viewer("alice", Role::User);
    let mut reader = feed.read_execution(&journal, &alice, story.id, Start::Beginning, ends()).await.expect("a reader");
    assert_eq!(ids(&said(&mut reader).await), [1]);
    journal.append(story.output(0, &["x"])).await;
    journal.append(story.completed()).await;
    journal.flush().await.expect("committed");
    let rest = said(&mut reader).await;
    assert_eq!(ids(&rest), [2, 3]);
    assert!(rest.ends_with("data: {\"kind\":\"end\",\"reason\":\"finished\"}\n\n"), "{rest}");
    assert_eq!(reader.next().await, None);

    let again = feed.read_execution(&journal, &alice, story.id, Start::After(Seq(1)), ends()).await;
    let mut again = again.expect("a reader");
    let text = said(&mut again).await;
    assert_eq!(ids(&text), [2, 3]);
    assert!(text.contains("caught_up"), "{text}");
    assert!(said(&mut again).await.contains("finished"));
    let past = feed.read_execution(&journal, &alice, story.id, Start::After(Seq(3)), ends()).await;
    assert!(matches!(past, Err(Refusal::NothingMore)));
}

#[tokio::test]
async fn a_stranger_has_no_reader_of_an_execution() {
    let feed = Feed::default();
    let journal = in_memory(&feed).await;
    let story = Story::new("alice", "a");
    story.begin(&journal).await;
    let bob = viewer("bob", Role::User);
    for start in [Start::Beginning, Start::Now, Start::After(Seq(0)), Start::After(Seq(99))] {
        let refused = feed.read_execution(&journal, &bob, story.id, start, ends()).await;
        assert!(matches!(refused, Err(Refusal::NotFound)));
    }
}

#[tokio::test]
async fn a_position_that_cannot_be_resumed_is_told() {
    let feed = Feed::default();
    let journal = in_memory(&feed).await;
    let alice = viewer("alice", Role::User);
    for _ in 0..2 {
        Story::new("alice", "a").whole(&journal).await;
    }
    journal.prune(crate::server::journal::Retention { count: Some(1), ..Default::default() }).await.expect("pruned");
    for (after, reset) in [(0, true), (2, true), (3, false), (6, false), (7, true), (u64::MAX, true)] {
        let mut reader = read_all(&feed, &journal, &alice, Start::After(Seq(after))).await;
        let text = said(&mut reader).await;
        assert_eq!(text.contains(r#"{"kind":"reset","reason":"expired","head":6}"#), reset, "after {after}: {text}");
        let expected: Vec<u64> = if reset { Vec::new() } else { (after + 1..=6).collect() };
        assert_eq!(ids(&text), expected);
    }
}

#[tokio::test]
async fn a_revoked_or_stopped_reader_is_told_why_and_ends() {
    let feed = Feed::default();
    let journal = in_memory(&feed).await;
    let alice = viewer("alice", Role::User);
    for (reason, which) in [(EndReason::Revoked, 0), (EndReason::Shutdown, 1)] {
        let (revoked, shutdown) = ends();
        let given = (revoked.clone(), shutdown.clone());
        let mut reader = feed.read_all(&journal, &alice, Filter::default(), Start::Now, given).await.expect("a reader");
        said(&mut reader).await;
        if which == 0 {
            revoked.cancel()
        } else {
            shutdown.cancel()
        }
        let last = reader.next().await.expect("the last words");
        assert_eq!(last, control(&Control::End { reason }).as_bytes());
        assert_eq!(reader.next().await, None);
    }
}

#[tokio::test]
async fn a_silent_stream_says_again_and_again_that_it_is_alive() {
    let feed = Feed::default();
    let journal = in_memory(&feed).await;
    let mut reader = read_all(&feed, &journal, &viewer("alice", Role::User), Start::Now).await;
    assert_eq!(reader.heartbeat.period(), Duration::from_secs(15));
    reader.heartbeat = tokio::time::interval(Duration::from_millis(5));
    said(&mut reader).await;
    for _ in 0..3 {
        let beat = reader.next().await.expect("a heartbeat");
        assert!(beat.starts_with(br#"data: {"kind":"heartbeat","at":""#));
    }
}

#[tokio::test]
async fn a_tail_that_nobody_reads_is_dropped() {
    let feed = Feed::default();
    let journal = in_memory(&feed).await;
    drop(read_all(&feed, &journal, &viewer("alice", Role::User), Start::Now).await);
    Story::new("alice", "a").whole(&journal).await;
    assert!(feed.inner().tails.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is published while a reader reads, reconnects, or lies far behind: joined, it has had exactly what it
    /// may see, in order, once. Outputs of 20 KB push what is old out of the tails, so both ways are taken.
    #[test]
    fn a_reader_that_comes_and_goes_misses_nothing_and_gets_nothing_twice(
        moves in prop::collection::vec((0u8..5, any::<bool>(), 0usize..20_000), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let feed = Feed::default();
            let journal = in_memory(&feed).await;
            let stories = [Story::new("alice", "a"), Story::new("bob", "b")];
            for story in &stories {
                story.begin(&journal).await;
            }
            let alice = viewer("alice", Role::User);
            let own = stories[0].id;
            let open = async |got: &[u64]| {
                let start = got.last().map_or(Start::Beginning, |last| Start::After(Seq(*last)));
                feed.read_execution(&journal, &alice, own, start, ends()).await.expect("a reader")
            };
            let (mut got, mut expected, mut committed, mut line) = (Vec::new(), vec![1], 2, 0);
            let mut reader = open(&got).await;
            for (what, mine, size) in moves {
                match what {
                    0 => {
                        drop(reader);
                        reader = open(&got).await;
                    }
                    1 => {
                        let _ = tokio::time::timeout(Duration::from_millis(1), reader.next()).await
                            .map(|bytes| got.extend(ids(std::str::from_utf8(&bytes.expect("frames")).expect("UTF-8"))));
                    }
                    _ => {
                        let story = &stories[usize::from(!mine)];
                        journal.append(story.output(line, &["x".repeat(size).as_str()])).await;
                        journal.flush().await.expect("committed");
                        (committed, line) = (committed + 1, line + 1);
                        if mine {
                            expected.push(committed);
                        }
                    }
                }
            }
            while got.len() < expected.len() {
                let bytes = reader.next().await.expect("frames");
                got.extend(ids(std::str::from_utf8(&bytes).expect("UTF-8")));
            }
            assert_eq!(got, expected);
        });
    }
}
