use leptos::prelude::Owner;
use serde_json::{Value, json};

use super::*;
use crate::domain::event::Fact;

const MINUTE: i64 = 60_000;

fn id(n: u128) -> ExecutionId {
    ExecutionId(uuid::Uuid::from_u128(n))
}

fn fact(seq: u64, n: u128, event: Value) -> Recorded {
    let event = serde_json::from_value(event).expect("it is an event");
    let name = |text: &str| text.parse().expect("it is a name");
    let at = Timestamp(i64::try_from(seq).expect("it is small") * 1000);
    let fact = Fact { at, execution_id: id(n), owner: name("alice"), workflow: name("backup"), event };
    Recorded { seq: Seq(seq), fact, hash: None }
}

fn queued(seq: u64, n: u128) -> Recorded {
    let steps = json!([{"id": "a", "name": "A", "needs": [], "weight": 1.0}]);
    fact(seq, n, json!({"kind": "execution.queued", "trigger": "manual", "params": {}, "steps": steps}))
}

fn waiting(seq: u64, n: u128, place: u64) -> Recorded {
    fact(seq, n, json!({"kind": "execution.waiting", "reason": "capacity", "place": place}))
}

fn started(seq: u64, n: u128) -> Recorded {
    fact(seq, n, json!({"kind": "execution.started"}))
}

fn begun(seq: u64, n: u128) -> Recorded {
    fact(seq, n, json!({"kind": "step.started", "step": "a", "attempt": 1, "usual_ms": [1000, 600_000]}))
}

fn progress(seq: u64, n: u128, eta_ms: u64) -> Recorded {
    fact(
        seq,
        n,
        json!({"kind": "step.progress", "step": "a", "attempt": 1, "percent": 10.0, "source": "reported",
        "execution_percent": 10.0, "eta_ms": eta_ms}),
    )
}

fn retrying(seq: u64, n: u128) -> Recorded {
    fact(
        seq,
        n,
        json!({"kind": "step.retrying", "step": "a", "attempt": 1, "status": "failed", "error": "no",
        "duration_ms": 5, "lines": 0, "next_attempt_at": "2026-11-22T10:00:00.000Z"}),
    )
}

fn failed(seq: u64, n: u128) -> Recorded {
    let error = json!({"message": "no", "tail": []});
    fact(seq, n, json!({"kind": "execution.failed", "status": "failed", "error": error, "duration_ms": 5}))
}

fn page() -> (Owner, Now) {
    let owner = Owner::new();
    let overview = Overview {
        running: Vec::new(),
        queued: Vec::new(),
        more: false,
        ended: Vec::new(),
        ran: Vec::new(),
        tally: Tally::default(),
        at: Timestamp(0),
        head: Seq(0),
    };
    let now = owner.with(|| Now::new(overview));
    (owner, now)
}

/// The numbers of the rows that need a look, are on course, wait, and have just ended.
fn rows(now: &Now) -> [Vec<u128>; 4] {
    let of = |list: RwSignal<Vec<Row>>| list.get_untracked().iter().map(|row| row.id.0.as_u128()).collect();
    let ended = now.ended.get_untracked().iter().map(|one| one.id.0.as_u128()).collect();
    [of(now.look), of(now.course), of(now.queued), ended]
}

/// Three that run: ends in 50 minutes, in 5, and one of which nothing is known.
fn three(now: &Now) {
    for n in 1..=3 {
        let seq = u64::try_from(n).expect("it is small") * 3;
        now.fold(&[queued(seq, n), started(seq + 1, n), begun(seq + 2, n)]);
    }
    now.fold(&[progress(20, 1, 50 * 60_000), progress(21, 2, 5 * 60_000)]);
    now.tick(Timestamp(22_000));
}

#[test]
fn what_comes_waits_runs_and_ends_in_its_own_group_at_once() {
    let (_owner, now) = page();
    assert!(now.is_empty());
    now.fold(&[queued(1, 1), waiting(2, 1, 1)]);
    assert_eq!(rows(&now), [vec![], vec![], vec![1], vec![]]);
    now.tick(Timestamp(12_000));
    now.fold(&[started(3, 1)]);
    assert_eq!(rows(&now), [vec![], vec![1], vec![], vec![]]);
    assert_eq!(now.strip.with_untracked(|strip| strip.bars.len()), 1, "it is drawn at once");
    now.tick(Timestamp(13_000));
    now.fold(&[failed(4, 1)]);
    assert_eq!(rows(&now), [vec![], vec![], vec![], vec![1]]);
    let counts = now.counts.get_untracked();
    assert_eq!((counts.running, counts.queued, counts.failed), (0, 0, 1));
}

#[test]
fn what_has_nothing_to_wait_for_comes_where_it_will_run() {
    let (_owner, now) = page();
    three(&now);
    now.fold(&[queued(30, 4), queued(31, 5)]);
    assert_eq!(rows(&now), [vec![], vec![2, 1, 3, 4, 5], vec![], vec![]]);
    let counts = now.counts.get_untracked();
    assert_eq!((counts.running, counts.queued), (3, 2), "it is counted as what it is");
    now.tick(Timestamp(32_000));
    now.fold(&[started(33, 4), waiting(34, 5, 1)]);
    assert_eq!(rows(&now), [vec![], vec![2, 1, 3, 4], vec![5], vec![]]);
}

#[test]
fn what_has_ended_stands_by_its_end_and_at_one_moment_by_its_last_fact() {
    let (_owner, now) = page();
    three(&now);
    let ended = |seq, n, at| {
        let mut ended = failed(seq, n);
        ended.fact.at = Timestamp(at);
        ended
    };
    now.fold(&[ended(40, 1, 40_000), ended(41, 2, 40_000), ended(42, 3, 39_000)]);
    assert_eq!(rows(&now), [vec![], vec![], vec![], vec![2, 1, 3]]);
}

#[test]
fn on_course_the_next_to_end_is_first_and_what_is_unknown_last() {
    let (_owner, now) = page();
    three(&now);
    assert_eq!(rows(&now), [vec![], vec![2, 1, 3], vec![], vec![]]);
}

#[test]
fn what_fails_or_becomes_late_stands_above_the_rest() {
    let (_owner, now) = page();
    three(&now);
    now.fold(&[retrying(30, 3)]);
    now.tick(Timestamp(31_000));
    assert_eq!(rows(&now), [vec![3], vec![2, 1], vec![], vec![]]);
    now.tick(Timestamp(11 * MINUTE));
    assert_eq!(rows(&now), [vec![3, 1, 2], vec![], vec![], vec![]], "late ones below what fails, by age");
    let counts = now.counts.get_untracked();
    assert_eq!((counts.running, counts.look), (3, 3));
}

#[test]
fn no_row_moves_while_somebody_points_at_them_and_all_do_when_they_leave() {
    let (_owner, now) = page();
    three(&now);
    now.hold(true);
    now.fold(&[retrying(30, 3), failed(31, 2), queued(32, 4), waiting(33, 4, 1)]);
    now.tick(Timestamp(33_000));
    assert_eq!(rows(&now), [vec![], vec![2, 1, 3], vec![], vec![]]);
    assert!(now.waiting.get_untracked(), "it is told that the order is another one");
    assert_eq!(now.counts.get_untracked().running, 2, "counts do not wait");
    let still = now.course.get_untracked().first().map(Row::status);
    assert_eq!(still, Some(Status::Failed), "a row that stays tells how it ended");
    now.hold(false);
    assert_eq!(rows(&now), [vec![3], vec![1], vec![4], vec![2]]);
    assert!(!now.waiting.get_untracked());
}

#[test]
fn a_page_under_the_pointer_is_not_empty_when_all_on_it_has_ended() {
    let (_owner, now) = page();
    now.fold(&[queued(1, 1), started(2, 1)]);
    now.hold(true);
    now.fold(&[failed(3, 1)]);
    assert!(now.ended.with_untracked(Vec::is_empty), "the rows are held");
    assert!(!now.is_empty());
}

#[test]
fn progress_alone_moves_no_row_between_two_ticks() {
    let (_owner, now) = page();
    three(&now);
    now.fold(&[progress(30, 1, 1000)]);
    assert_eq!(rows(&now)[1], [2, 1, 3]);
    now.tick(Timestamp(31_000));
    assert_eq!(rows(&now)[1], [1, 2, 3]);
}

#[test]
fn ends_of_executions_beyond_the_page_are_counted_and_told_twice_count_once() {
    let (_owner, now) = page();
    now.fold(&[failed(5, 77)]);
    now.fold(&[failed(5, 77)]);
    now.tick(Timestamp(6000));
    assert_eq!(now.counts.get_untracked().failed, 1);
    assert_eq!(now.strip.with_untracked(|strip| strip.bars.len()), 1);
    now.tick(Timestamp(5000 + 62 * MINUTE));
    assert_eq!(now.counts.get_untracked().failed, 0);
    // The strip is drawn anew every ten seconds.
    now.tick(Timestamp(63 * MINUTE));
    assert_eq!(now.strip.with_untracked(|strip| strip.bars.len()), 0);
}

#[test]
fn the_strip_shows_what_runs_to_its_edge_and_what_needs_a_look_as_such() {
    let (_owner, now) = page();
    three(&now);
    now.fold(&[retrying(30, 3), failed(31, 2)]);
    now.tick(Timestamp(40_000));
    let strip = now.strip.get_untracked();
    let seen: Vec<_> = strip.bars.iter().map(|bar| (bar.id.0.as_u128(), bar.status, bar.lane)).collect();
    assert_eq!(seen, [(1, "running", 0), (3, "attention", 1), (2, "failed", 2)]);
    let runs = strip.bars.first().expect("a bar");
    assert!(runs.x + runs.width >= 200.0, "{runs:?}");
}

#[test]
fn a_page_that_is_fetched_anew_keeps_its_rows() {
    let (_owner, now) = page();
    three(&now);
    let before = now.course.get_untracked();
    let running = before.iter().map(|row| row.execution.get_untracked()).collect();
    now.load(Overview {
        running,
        queued: Vec::new(),
        more: false,
        ended: Vec::new(),
        ran: Vec::new(),
        tally: Tally::default(),
        at: Timestamp(22_000),
        head: Seq(40),
    });
    assert_eq!(rows(&now)[1].len(), 3);
    assert!(now.course.get_untracked().iter().all(|row| before.contains(row)), "the very same rows");
    now.fold(&[failed(41, 1)]);
    assert_eq!(before.iter().filter(|row| row.status() == Status::Failed).count(), 1);
}

#[test]
fn rows_are_bounded_and_those_left_out_are_fetched_when_there_is_room() {
    let (_owner, now) = page();
    let many = u128::try_from(FOLLOWED_MAX).expect("it is small");
    for n in 1..=many + 5 {
        let seq = u64::try_from(n).expect("it is small");
        now.fold(&[queued(seq, n)]);
    }
    now.tick(Timestamp(1));
    assert_eq!(now.state.with_value(|state| state.rows.len()), FOLLOWED_MAX);
    assert!(now.counts.get_untracked().more);
    let mut answer = Folded::In;
    for n in 1..=many {
        let seq = 10_000 + u64::try_from(n).expect("it is small");
        answer = now.fold(&[failed(seq, n)]);
        now.tick(Timestamp(1));
        if answer == Folded::Beyond {
            break;
        }
    }
    assert_eq!(answer, Folded::Beyond);
}
