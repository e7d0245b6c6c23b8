//! Watching everything one may see.

use std::collections::{BTreeMap, HashMap};

use super::{
    api::{Api, Page},
    board::{Board, LINES_MAX},
    error::ClientError,
    follow::{Heard, Told, can_draw, hear, lost, now},
    paint::Paint,
    say,
    stream::{ALL, EventStream, Message},
};
use crate::domain::{
    event::Recorded,
    execution::{Execution, Status},
    id::{ExecutionId, Seq},
};

/// Most executions that are kept in mind; of further ones only the end is told.
const KNOWN_MAX: usize = 1_000;
/// Executions that are looked up at the beginning; a page of the list.
const FIRST_LOOK: usize = 200;

/// Watches until Ctrl-C, or until the server says no.
///
/// # Errors
/// If the server is not reached or refuses, or standard output is gone.
pub async fn overview(api: &Api, json: bool) -> Result<u8, ClientError> {
    if json {
        watch_lines(api, |_, json| say(json)).await
    } else if can_draw() {
        watch_board(api).await
    } else {
        let paint = Paint::of_stdout();
        let mut told: HashMap<ExecutionId, Told> = HashMap::new();
        watch_lines(api, |recorded, _| recorded.map_or(Ok(()), |recorded| tell(paint, &mut told, recorded))).await
    }
}

async fn watch_lines(
    api: &Api,
    mut event: impl FnMut(Option<&Recorded>, &str) -> Result<(), ClientError>,
) -> Result<u8, ClientError> {
    let mut stream = EventStream::new(api.clone(), ALL.to_owned(), None);
    loop {
        match hear(&mut stream, || ()).await? {
            Heard::Enough => return Ok(130),
            Heard::Message(Message::Fact { recorded, json }) => event(recorded.as_deref(), &json)?,
            Heard::Message(Message::Lost(reason)) => eprintln!("{}", lost(Some(&reason))),
            Heard::Message(Message::Found) => eprintln!("{}", lost(None)),
            Heard::Message(Message::Trouble(trouble)) => eprintln!("the server says: {trouble}"),
            Heard::Message(Message::Reset) => eprintln!("some events are missing here; what follows is live"),
            Heard::Message(Message::CaughtUp) => {}
            Heard::Message(Message::Ended) => return Ok(0),
        }
    }
}

fn tell(paint: Paint, told: &mut HashMap<ExecutionId, Told>, recorded: &Recorded) -> Result<(), ClientError> {
    let fact = &recorded.fact;
    if told.len() >= KNOWN_MAX {
        told.clear();
    }
    let news = told.entry(fact.execution_id).or_default().is_news(&fact.event);
    if fact.event.is_final() {
        told.remove(&fact.execution_id);
    }
    match paint.fact(fact).filter(|_| news) {
        Some(line) => say(format!("{} {} {} {line}", paint.dim(fact.at), paint.dim(fact.execution_id), fact.workflow)),
        None => Ok(()),
    }
}

async fn watch_board(api: &Api) -> Result<u8, ClientError> {
    let paint = Paint::of_stdout();
    let mut board = Board::default();
    let mut trouble: Option<String> = None;
    let (mut known, head) = look(api).await?;
    let mut stream = EventStream::new(api.clone(), ALL.to_owned(), Some(head));
    loop {
        match hear(&mut stream, || draw(&mut board, paint, &known, trouble.as_deref())).await? {
            Heard::Enough | Heard::Message(Message::Ended) => {
                board.clear();
                return Ok(130);
            }
            Heard::Message(Message::Fact { recorded: Some(recorded), .. }) => {
                let ended = take(&mut known, &recorded);
                let id = recorded.fact.execution_id;
                if known.get(&id).and_then(|execution| execution.in_sync(&recorded)) == Some(false) {
                    known.insert(id, api.snapshot_again(id, recorded.seq).await?);
                }
                if let Some(ended) = ended {
                    board.say(&paint.row(&ended, now()));
                }
            }
            Heard::Message(Message::Reset) => known = look(api).await?.0,
            Heard::Message(Message::Lost(reason)) => trouble = Some(reason),
            Heard::Message(Message::Found) => trouble = None,
            Heard::Message(Message::Trouble(said)) => board.say(&format!("the server says: {said}")),
            Heard::Message(Message::Fact { recorded: None, .. } | Message::CaughtUp) => {}
        }
    }
}

/// What is unfinished now, and the place in the order that this is true of.
async fn look(api: &Api) -> Result<(BTreeMap<ExecutionId, Execution>, Seq), ClientError> {
    let page: Page = api.list(&[("status", "running,queued".to_owned()), ("limit", FIRST_LOOK.to_string())]).await?;
    let mut known = BTreeMap::new();
    for row in page.items {
        let execution: Execution = api.snapshot(row.id).await?;
        if !execution.status.is_final() {
            known.insert(row.id, execution);
        }
    }
    Ok((known, page.head))
}

/// Takes a fact in; gives the execution back if that was its end.
fn take(known: &mut BTreeMap<ExecutionId, Execution>, recorded: &Recorded) -> Option<Execution> {
    let id = recorded.fact.execution_id;
    if let Some(execution) = known.get_mut(&id) {
        execution.apply(recorded);
        return if execution.status.is_final() { known.remove(&id) } else { None };
    }
    if let Some(execution) = Execution::begin(recorded.seq, &recorded.fact).filter(|_| known.len() < KNOWN_MAX) {
        known.insert(id, execution);
    }
    None
}

fn draw(board: &mut Board, paint: Paint, known: &BTreeMap<ExecutionId, Execution>, trouble: Option<&str>) {
    let now = now();
    let mut shown: Vec<&Execution> = known.values().collect();
    shown.sort_by_key(|execution| (execution.status != Status::Running, execution.id));
    let mut lines: Vec<String> = shown.iter().take(LINES_MAX).map(|execution| paint.row(execution, now)).collect();
    if shown.len() > LINES_MAX {
        lines.push(paint.dim(format!("and {} more", shown.len() - LINES_MAX)));
    }
    if shown.is_empty() {
        lines.push(paint.dim("nothing runs; Ctrl-C ends this"));
    }
    lines.extend(trouble.map(|reason| paint.warn(lost(Some(reason)))));
    board.show(&lines);
}
