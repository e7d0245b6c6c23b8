use leptos::prelude::{GetUntracked, Owner, WithUntracked};
use serde_json::json;

use super::*;
use crate::domain::{event::Fact, time::Timestamp};

fn id(n: u128) -> ExecutionId {
    ExecutionId(uuid::Uuid::from_u128(n))
}

fn fact(seq: u64, n: u128, event: serde_json::Value) -> Recorded {
    let mut event = event;
    event["steps"] = json!([{"id": "a", "name": "A", "needs": [], "weight": 1.0}]);
    event["trigger"] = json!("manual");
    event["params"] = json!({});
    let event = serde_json::from_value(event).expect("it is an event");
    let name = |text: &str| text.parse().expect("it is a name");
    let fact = Fact { at: Timestamp(1), execution_id: id(n), owner: name("alice"), workflow: name("backup"), event };
    Recorded { seq: Seq(seq), fact, hash: None }
}

fn queued(seq: u64, n: u128) -> Recorded {
    fact(seq, n, json!({"kind": "execution.queued"}))
}

fn started(seq: u64, n: u128) -> Recorded {
    fact(seq, n, json!({"kind": "execution.started"}))
}

fn failed(seq: u64, n: u128) -> Recorded {
    let error = json!({"message": "no", "tail": []});
    fact(seq, n, json!({"kind": "execution.failed", "status": "failed", "error": error, "duration_ms": 5}))
}

fn rows(query: Query) -> (Owner, Rows) {
    let owner = Owner::new();
    let empty = Page { active: Vec::new(), more: false, ended: Vec::new(), next: None, head: Seq(0) };
    let rows = owner.with(|| Rows::new(query, empty));
    (owner, rows)
}

fn ids(rows: &Rows) -> [Vec<u128>; 3] {
    let of = |list: RwSignal<Vec<Row>>| list.get_untracked().iter().map(|row| row.id.0.as_u128()).collect();
    [of(rows.running), of(rows.queued), rows.ended.get_untracked().iter().map(|one| one.id.0.as_u128()).collect()]
}

#[test]
fn a_new_execution_appears_on_top_and_moves_on_as_its_status_does() {
    let (_owner, rows) = rows(Query::default());
    rows.fold(&[queued(1, 1), queued(2, 2)]);
    assert_eq!(ids(&rows), [vec![], vec![2, 1], vec![]]);
    rows.fold(&[started(3, 2)]);
    assert_eq!(ids(&rows), [vec![2], vec![1], vec![]]);
    rows.fold(&[started(4, 1), failed(5, 2)]);
    assert_eq!(ids(&rows), [vec![1], vec![], vec![2]]);
    assert_eq!(rows.stands_at(), Seq(5));
}

#[test]
fn a_whole_life_in_one_batch_ends_where_it_belongs() {
    let (_owner, rows) = rows(Query::default());
    rows.fold(&[queued(1, 1), started(2, 1), failed(3, 1)]);
    assert_eq!(ids(&rows), [vec![], vec![], vec![1]]);
    rows.ended.with_untracked(|ended| assert_eq!(ended.first().map(|one| one.status), Some(Status::Failed)));
}

#[test]
fn what_is_told_twice_is_there_once() {
    let (_owner, rows) = rows(Query::default());
    let life = [queued(1, 1), started(2, 1), failed(3, 1)];
    rows.fold(&life);
    rows.fold(&life);
    assert_eq!(ids(&rows), [vec![], vec![], vec![1]]);
}

#[test]
fn a_filter_by_status_lets_an_execution_in_when_it_comes_to_match() {
    let (_owner, rows) = rows(Query { status: vec![Status::Failed], ..Query::default() });
    rows.fold(&[queued(1, 1), started(2, 1)]);
    assert_eq!(ids(&rows), [vec![], vec![], vec![]]);
    assert_eq!(rows.fold(&[failed(3, 1)]), Folded::In);
    assert_eq!(ids(&rows), [vec![], vec![], vec![1]]);
}

#[test]
fn an_unknown_execution_that_may_come_to_match_has_the_page_fetched_anew() {
    let (_owner, rows) = rows(Query { status: vec![Status::Failed], ..Query::default() });
    assert_eq!(rows.fold(&[failed(3, 1)]), Folded::Beyond);
}

#[test]
fn another_workflow_stays_out() {
    let (_owner, rows) = rows(Query { workflow: Some("other".parse().expect("it is a name")), ..Query::default() });
    rows.fold(&[queued(1, 1), started(2, 1)]);
    assert_eq!(ids(&rows), [vec![], vec![], vec![]]);
}

#[test]
fn the_list_of_what_ended_is_bounded_and_older_goes_on_below_it() {
    let (_owner, rows) = rows(Query::default());
    for n in 1..=u64::try_from(ENDED_MAX).expect("it is small") + 5 {
        rows.fold(&[queued(3 * n, n.into()), started(3 * n + 1, n.into()), failed(3 * n + 2, n.into())]);
    }
    assert_eq!(rows.ended.with_untracked(Vec::len), ENDED_MAX);
    assert_eq!(rows.next.get_untracked(), Some(id(6)));
}
