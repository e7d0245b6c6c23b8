use std::time::Duration;

use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    domain::{
        access::{Role, Viewer},
        event::{Control, EndReason},
    },
    server::journal::{
        Journal,
        tests::{Story, in_memory, name},
    },
};

fn viewer(who: &str, role: Role) -> Viewer {
    Viewer { name: name(who), role, groups: Vec::new() }
}

fn until(revoked: &CancellationToken) -> Link {
    Link { framing: Framing::Plain, revoked: revoked.clone() }
}

fn link() -> Link {
    until(&CancellationToken::new())
}

/// The next bytes, sent as far as `most` of them; none when the stream is over.
async fn take(reader: &mut Reader, most: usize) -> Option<String> {
    let piece = reader.next().await?;
    let sent = &piece.rest()[..piece.rest().len().min(most)];
    let text = std::str::from_utf8(sent).expect("ASCII").to_owned();
    let bytes = sent.len();
    reader.sent(&piece, bytes);
    Some(text)
}

async fn next(reader: &mut Reader) -> Option<String> {
    take(reader, usize::MAX).await
}

/// What a reader says until it has caught up, ended, or has nothing to say.
async fn said(reader: &mut Reader) -> String {
    let mut text = String::new();
    while let Ok(Some(bytes)) = tokio::time::timeout(Duration::from_secs(5), next(reader)).await {
        text.push_str(&bytes);
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
    feed.read_all(journal, viewer, (None, None), start, link()).await.expect("a reader")
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
        live.extend(ids(&next(&mut reader).await.expect("frames")));
    }
    assert_eq!(live, [5, 7]);
    let mut all = Vec::new();
    while all.len() < 4 {
        all.extend(ids(&next(&mut admin).await.expect("frames")));
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
    let mut reader = feed.read_execution(&journal, &alice, story.id, Start::Beginning, link()).await.expect("a reader");
    assert_eq!(ids(&said(&mut reader).await), [1]);
    journal.append(story.output(0, &["x"])).await;
    journal.append(story.completed()).await;
    journal.flush().await.expect("committed");
    let rest = said(&mut reader).await;
    assert_eq!(ids(&rest), [2, 3]);
    assert!(rest.ends_with("data: {\"kind\":\"end\",\"reason\":\"finished\"}\n\n"), "{rest}");
    assert_eq!(next(&mut reader).await, None);

    let again = feed.read_execution(&journal, &alice, story.id, Start::After(Seq(1)), link()).await;
    let mut again = again.expect("a reader");
    let text = said(&mut again).await;
    assert_eq!(ids(&text), [2, 3]);
    assert!(text.contains("caught_up"), "{text}");
    assert!(said(&mut again).await.contains("finished"));
    let past = feed.read_execution(&journal, &alice, story.id, Start::After(Seq(3)), link()).await;
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
        let refused = feed.read_execution(&journal, &bob, story.id, start, link()).await;
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
    for reason in [EndReason::Revoked, EndReason::Shutdown] {
        let feed = Feed::default();
        let journal = in_memory(&feed).await;
        let alice = viewer("alice", Role::User);
        let revoked = CancellationToken::new();
        let mut reader =
            feed.read_all(&journal, &alice, (None, None), Start::Now, until(&revoked)).await.expect("a reader");
        said(&mut reader).await;
        // It waits already: it has to be woken.
        let waits = tokio::spawn(async move { (next(&mut reader).await, next(&mut reader).await) });
        tokio::task::yield_now().await;
        match reason {
            EndReason::Revoked => revoked.cancel(),
            _ => feed.close(),
        }
        let (last, over) = waits.await.expect("it ends");
        assert_eq!(last.expect("the last words"), Framing::Plain.control(&Control::End { reason }));
        assert_eq!(over, None);
    }
}

#[tokio::test]
async fn a_frame_that_was_begun_is_ended_before_the_last_words() {
    for pruned in [false, true] {
        let feed = Feed::default();
        let journal = in_memory(&feed).await;
        let story = Story::new("alice", "a");
        let alice = viewer("alice", Role::User);
        let revoked = CancellationToken::new();
        let mut reader =
            feed.read_all(&journal, &alice, (None, None), Start::Now, until(&revoked)).await.expect("a reader");
        said(&mut reader).await;
        story.whole(&journal).await;
        let begun = take(&mut reader, 10).await.expect("a fact");
        revoked.cancel();
        if pruned {
            // Far more than a tail holds, so that the frame would have to come from the journal, which has lost it.
            for _ in 0..2_000 {
                Story::new("alice", "a").whole(&journal).await;
            }
            let all = crate::server::journal::Retention { count: Some(0), ..Default::default() };
            journal.prune(all).await.expect("pruned");
            assert_eq!(next(&mut reader).await, None, "nothing can be said in the middle of a frame");
            continue;
        }
        let rest = said(&mut reader).await;
        let first = format!("{begun}{rest}");
        let (frame, words) = first.split_once("\n\n").expect("the frame ends");
        assert_eq!(ids(frame), [1]);
        assert_eq!(words, Framing::Plain.control(&Control::End { reason: EndReason::Revoked }));
    }
}

#[tokio::test]
async fn what_keeps_the_journal_from_writing_is_told_at_once_and_its_end_as_well() {
    let feed = Feed::default();
    let journal = in_memory(&feed).await;
    let mut reader = read_all(&feed, &journal, &viewer("alice", Role::User), Start::Now).await;
    said(&mut reader).await;
    feed.trouble(Some("the disk is full"));
    assert!(next(&mut reader).await.expect("a beat").contains(r#""trouble":"the disk is full"}"#));
    let mut late = read_all(&feed, &journal, &viewer("alice", Role::User), Start::Now).await;
    said(&mut late).await;
    assert!(next(&mut late).await.expect("a beat").contains("the disk is full"));
    feed.trouble(None);
    for reader in [&mut reader, &mut late] {
        let beat = next(reader).await.expect("a beat");
        assert!(beat.contains("heartbeat") && !beat.contains("trouble"), "{beat}");
    }
}

#[tokio::test]
async fn there_are_so_many_seats_and_no_more() {
    let feed = Feed::new(Seats::new(2, 3), FeedMetrics::default());
    let journal = in_memory(&feed).await;
    let (alice, bob) = (viewer("alice", Role::User), viewer("bob", Role::User));
    let open = async |viewer| feed.read_all(&journal, viewer, (None, None), Start::Now, link()).await;
    let (first, second) = (open(&alice).await, open(&alice).await);
    assert!(first.is_ok() && second.is_ok());
    assert!(matches!(open(&alice).await, Err(Refusal::Limit)));
    let his = open(&bob).await;
    assert!(his.is_ok() && matches!(open(&bob).await, Err(Refusal::Limit)));
    drop(first);
    assert!(open(&alice).await.is_ok(), "what is closed makes room");
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
        let beat = next(&mut reader).await.expect("a heartbeat");
        assert!(beat.starts_with(r#"data: {"kind":"heartbeat","at":""#), "{beat}");
    }
}

#[tokio::test]
async fn a_tail_that_nobody_reads_is_dropped() {
    let feed = Feed::default();
    let journal = in_memory(&feed).await;
    let alice = viewer("alice", Role::User);
    let (one, other) =
        (read_all(&feed, &journal, &alice, Start::Now).await, read_all(&feed, &journal, &alice, Start::Now).await);
    drop(one);
    assert_eq!(feed.tails().len(), 1);
    drop(other);
    assert!(feed.tails().is_empty());
}

#[test]
fn readers_are_woken_at_once_then_together_and_at_once_for_much() {
    let (begin, pause) = (Instant::now(), Duration::from_millis(4));
    let mut ring = Ring::new(Seq(0));
    let publish = |ring: &mut Ring, seq: u64, bytes: usize, after_ms: u64| {
        let (story, mut fresh) = (Story::new("alice", "a"), Fresh::default());
        let recorded = Recorded { seq: Seq(seq), fact: story.started(), hash: None };
        fresh.push(&Committed::new(&recorded, "x".repeat(bytes)), Framing::Plain, 0);
        ring.append(fresh, usize::MAX);
        ring.wake(begin + Duration::from_millis(after_ms), pause)
    };
    assert_eq!(publish(&mut ring, 1, 10, 0), Wake::Now);
    assert_eq!(publish(&mut ring, 2, 10, 1), Wake::At(begin + pause));
    assert_eq!(publish(&mut ring, 3, 10, 2), Wake::Coming);
    assert!(ring.due(begin + pause), "two have come since");
    assert_eq!(publish(&mut ring, 4, 10, 5), Wake::At(begin + 2 * pause));
    assert_eq!(publish(&mut ring, 5, 100_000, 6), Wake::Now, "it is much");
    assert!(!ring.due(begin + 2 * pause), "all were told meanwhile");
    assert_eq!(publish(&mut ring, 6, 10, 20), Wake::Now, "it was quiet");
}

#[tokio::test]
async fn what_is_told_late_is_told_all_the_same() {
    let feed = Feed::new(Seats::new(1_000, 1_000), FeedMetrics::default());
    let journal = in_memory(&feed).await;
    let alice = viewer("alice", Role::User);
    // So many that they are woken together, 5 ms apart.
    let mut readers = Vec::new();
    for _ in 0..1_000 {
        readers.push(read_all(&feed, &journal, &alice, Start::Now).await);
    }
    let story = Story::new("alice", "a");
    story.begin(&journal).await;
    for _ in 0..3 {
        journal.append(story.started()).await;
        journal.flush().await.expect("committed");
    }
    for reader in &mut readers {
        let mut got = String::new();
        while ids(&got).len() < 4 {
            let more = tokio::time::timeout(Duration::from_secs(5), next(reader)).await.expect("it is told in time");
            got.push_str(&more.expect("frames"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is published while a reader reads, reconnects, takes a few bytes or none, or lies far behind: joined, it
    /// has had exactly what it may see, in order, once. Outputs of 160 KB push what is old out of the tails, so both
    /// ways are taken.
    #[test]
    fn a_reader_that_comes_and_goes_misses_nothing_and_gets_nothing_twice(
        moves in prop::collection::vec((0u8..6, any::<bool>(), 0usize..160_000), 1..60),
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
            // As a client does it: what was begun and not ended when the link broke is thrown away.
            let whole = |text: &str| text.rfind("\n\n").map_or(0, |end| end + 2);
            let open = async |got: &str| {
                let start = ids(got).last().map_or(Start::Beginning, |last| Start::After(Seq(*last)));
                feed.read_execution(&journal, &alice, own, start, link()).await.expect("a reader")
            };
            let (mut got, mut expected, mut committed, mut line) = (String::new(), vec![1], 2, 0);
            let mut reader = open(&got).await;
            for (what, mine, size) in moves {
                match what {
                    0 => {
                        got.truncate(whole(&got));
                        reader = open(&got).await;
                    }
                    1 | 2 => {
                        let most = if what == 1 { usize::MAX } else { size / 32 };
                        let took = tokio::time::timeout(Duration::from_millis(1), take(&mut reader, most)).await;
                        got.push_str(&took.map(|text| text.expect("frames")).unwrap_or_default());
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
            while ids(&got[..whole(&got)]).len() < expected.len() {
                got.push_str(&next(&mut reader).await.expect("frames"));
            }
            assert_eq!(ids(&got), expected);
            // Byte for byte: nothing of a frame is missing or there twice.
            let frames: String = got.split_inclusive("\n\n").filter(|frame| frame.starts_with("id: ")).collect();
            let mut reader = open("").await;
            let mut again = String::new();
            while ids(&again[..whole(&again)]).len() < expected.len() {
                again.push_str(&next(&mut reader).await.expect("frames"));
            }
            let again: String = again.split_inclusive("\n\n").filter(|frame| frame.starts_with("id: ")).collect();
            assert_eq!(frames, again);
        });
    }
}
