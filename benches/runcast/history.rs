//! A journal with a million executions: how long its pages, filters, searches and counts take.

use std::time::{Duration, Instant};

use runcast::{
    domain::{
        access::Scope,
        event::{Event, ExecutionError, ExecutionFailure},
        execution::Status,
        id::ExecutionId,
        listing::Query,
    },
    server::journal::{Beside, Journal},
};
use tokio::task::JoinSet;

use crate::{
    hosted::{Hosted, one},
    marked::Track,
    table::{Row, percentile, title},
};

const EXECUTIONS: usize = 1_000_000;
/// Every so many an execution fails, and every so many of those for a reason of its own.
const FAILS: usize = 1_000;
const ODD: usize = 100;
const OWNERS: usize = 200;
const AT_ONCE: usize = 256;
const ROUNDS: usize = 20;
const AIM: Duration = Duration::from_millis(50);

pub async fn measure() {
    title(&format!("a journal with {EXECUTIONS} executions"));
    let hosted = Hosted::start(0).await;
    let journal = hosted.journal().clone();
    let began = Instant::now();
    fill(&journal).await;
    println!("  made in {:.0} s", began.elapsed().as_secs_f64());
    let owner = Scope::Owner(format!("owner-{}", OWNERS - 1).parse().expect("a name"));
    let of = |status: &[Status], q: Option<&str>| Query {
        status: status.to_vec(),
        q: q.map(str::to_owned),
        ..Query::default()
    };
    let middle = middle(&journal).await;
    for (what, scope, query) in [
        ("the newest 50", &Scope::Everything, of(&[], None)),
        ("50 from the middle", &Scope::Everything, Query { before: Some(middle), ..of(&[], None) }),
        ("the newest 50 of one owner of 200", &owner, of(&[], None)),
        ("50 that failed, of 0.1 %", &Scope::Everything, of(&[Status::Failed, Status::TimedOut], None)),
        ("of one owner, that failed", &owner, of(&[Status::Failed], None)),
        ("50 by a rare word of their error", &Scope::Everything, of(&[], Some("meteor"))),
        ("50 by a common word", &Scope::Everything, of(&[], Some("load"))),
        ("by a word that none has", &Scope::Everything, of(&[], Some("unheard of"))),
    ] {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let asked = Instant::now();
            journal.list(scope, &query).await.expect("a page");
            times.push(asked.elapsed());
        }
        times.sort_unstable();
        Row::time(what, percentile(&times, 95.0)).at_most(AIM.as_secs_f64()).print();
    }
    let asked = Instant::now();
    let counts = journal.count().await.expect("counts");
    assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), EXECUTIONS as u64);
    Row::time("counts by status", asked.elapsed()).at_most(AIM.as_secs_f64()).print();
    hosted.stop().await;
}

async fn fill(journal: &Journal) {
    let plan = one();
    let mut tasks = JoinSet::new();
    for first in 0..AT_ONCE {
        let (journal, plan) = (journal.clone(), plan.clone());
        tasks.spawn(async move {
            for number in (first..EXECUTIONS).step_by(AT_ONCE) {
                let owner = format!("owner-{}", number % OWNERS).parse().expect("a name");
                let track = Track::new(number, owner);
                journal.begin(track.queued(), plan.clone(), Beside::default()).await.expect("begun");
                journal
                    .append(if number % FAILS == OWNERS - 1 { track.fact(failed(number)) } else { track.completed() })
                    .await;
            }
        });
    }
    tasks.join_all().await;
    journal.flush().await.expect("committed");
}

fn failed(number: usize) -> Event {
    let message =
        if (number / FAILS).is_multiple_of(ODD) { "a meteor came down" } else { "no space left on the device" };
    let error = ExecutionError { step: None, message: message.to_owned(), exit_code: Some(1), tail: Vec::new() };
    Event::ExecutionFailed { status: ExecutionFailure::Failed, error, duration_ms: 5, lines: 0 }
}

/// Some execution that half of all are older than.
async fn middle(journal: &Journal) -> ExecutionId {
    let owner = Scope::Owner(format!("owner-{}", OWNERS / 2).parse().expect("a name"));
    let mut query = Query { limit: Some(200), ..Query::default() };
    for _ in 0..EXECUTIONS / OWNERS / 2 / 200 {
        query.before = journal.list(&owner, &query).await.expect("a page").next;
    }
    query.before.expect("there are so many")
}
