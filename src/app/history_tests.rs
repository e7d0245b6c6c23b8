use leptos::prelude::Owner;
use serde_json::{Value, json};

use super::*;
use crate::domain::{event::Fact, execution::Status, time::Timestamp};

fn fact(seq: u64, n: u128, event: Value) -> Recorded {
    let event = serde_json::from_value(event).expect("it is an event");
    let name = |text: &str| text.parse().expect("it is a name");
    let execution_id = ExecutionId(uuid::Uuid::from_u128(n));
    let fact = Fact { at: Timestamp(1), execution_id, owner: name("alice"), workflow: name("backup"), event };
    Recorded { seq: Seq(seq), fact, hash: None }
}

fn queued(seq: u64, n: u128) -> Recorded {
    let steps = json!([{"id": "a", "name": "A", "needs": [], "weight": 1.0}]);
    fact(seq, n, json!({"kind": "execution.queued", "trigger": "manual", "params": {}, "steps": steps}))
}

fn started(seq: u64, n: u128) -> Recorded {
    fact(seq, n, json!({"kind": "execution.started"}))
}

fn failed(seq: u64, n: u128) -> Recorded {
    let error = json!({"message": "no", "tail": []});
    fact(seq, n, json!({"kind": "execution.failed", "status": "failed", "error": error, "duration_ms": 5}))
}

fn page(query: Query) -> (Owner, History) {
    let owner = Owner::new();
    let listing = Listing { items: Vec::new(), next: None, head: Seq(0) };
    let history = owner.with(|| History::new(query, listing));
    (owner, history)
}

fn ids(history: &History) -> Vec<u128> {
    history.rows.get_untracked().iter().map(|row| row.id.0.as_u128()).collect()
}

#[test]
fn new_ones_come_on_top_and_stay_where_they_are_whatever_becomes_of_them() {
    let (_owner, history) = page(Query::default());
    history.fold(&[queued(1, 1), queued(2, 2)]);
    history.fold(&[started(3, 1), failed(4, 2)]);
    assert_eq!(ids(&history), [2, 1]);
    let statuses: Vec<Status> = history.rows.get_untracked().iter().map(Row::status).collect();
    assert_eq!(statuses, [Status::Failed, Status::Running]);
    assert_eq!(history.stands_at(), Seq(4));
}

#[test]
fn while_somebody_reads_new_ones_wait_and_are_counted() {
    let (_owner, history) = page(Query::default());
    history.fold(&[queued(1, 1)]);
    history.hold(true);
    history.fold(&[queued(2, 2), queued(3, 3), failed(4, 1)]);
    assert_eq!((ids(&history), history.waiting.get_untracked()), (vec![1], 2));
    history.take_in();
    assert_eq!((ids(&history), history.waiting.get_untracked()), (vec![3, 2, 1], 0));
    history.fold(&[queued(5, 4)]);
    assert_eq!(history.waiting.get_untracked(), 1);
    history.hold(false);
    assert_eq!((ids(&history), history.waiting.get_untracked()), (vec![4, 3, 2, 1], 0));
}

#[test]
fn a_filter_by_status_lets_in_what_comes_to_match_and_gives_up_what_does_no_more() {
    let (_owner, history) = page(Query { status: vec![Status::Running], ..Query::default() });
    history.fold(&[queued(1, 1)]);
    assert_eq!(ids(&history), [0; 0]);
    history.fold(&[started(2, 1)]);
    assert_eq!(ids(&history), [1]);
    history.hold(true);
    history.fold(&[failed(3, 1)]);
    assert_eq!(ids(&history), [1], "not under somebody's eyes");
    history.hold(false);
    assert_eq!(ids(&history), [0; 0]);
    assert_eq!(history.fold(&[started(4, 99)]), Folded::Beyond, "one that was there before, and left out");
}

#[test]
fn a_filter_by_trigger_or_time_keeps_others_out() {
    let manual = Query { trigger: Some(crate::domain::event::Trigger::Manual), ..Query::default() };
    let webhook = Query { trigger: Some(crate::domain::event::Trigger::Webhook), ..Query::default() };
    let before: Query = Query { to: "2000-01-01T00:00:00Z".parse().ok(), ..Query::default() };
    let recent: Query = Query { from: "1h".parse().ok(), ..Query::default() };
    let made = uuid::Uuid::parse_str("019a0000-0000-7000-8000-000000000001").expect("an id").as_u128();
    for (query, there) in [(manual, true), (webhook, false), (before, false), (recent, true)] {
        let (_owner, history) = page(query);
        history.fold(&[queued(1, made)]);
        assert_eq!(ids(&history).len() == 1, there);
    }
}

#[test]
fn a_page_is_bounded_and_older_goes_on_below_it() {
    let (_owner, history) = page(Query::default());
    for n in 1..=u64::try_from(FOLLOWED_MAX).expect("it is small") + 5 {
        history.fold(&[queued(n, n.into())]);
    }
    assert_eq!(history.rows.with_untracked(Vec::len), ROWS_MAX);
    assert_eq!(history.next.get_untracked(), history.rows.with_untracked(|rows| rows.last().map(|row| row.id)));
    assert!(history.state.with_value(|state| state.followed.len()) <= FOLLOWED_MAX);
}
