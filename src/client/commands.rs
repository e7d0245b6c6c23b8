//! The commands that talk to a server.

use std::io::{BufWriter, Write as _, stdout};

use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::Value;

use super::{
    api::{Api, Page, Row},
    arguments::{CancelArgs, ListArgs, LogArgs, StartArgs, WatchArgs},
    error::ClientError,
    follow::{Heard, follow, hear},
    overview::overview,
    paint::Paint,
    printable::{Keep, printable},
    say,
    stream::{EventStream, Message},
};
use crate::domain::{
    event::Event,
    execution::Execution,
    id::{ExecutionId, Name},
    time::spoken,
};

/// Longest line of a log that is held before it is printed, in bytes; the server's own are a good deal shorter.
const LINE_MAX: usize = 1024 * 1024;

/// What is looked at of a snapshot.
#[derive(Deserialize)]
struct Started {
    id: ExecutionId,
    workflow: Name,
}

fn started(snapshot: &Value) -> Result<Started, ClientError> {
    Started::deserialize(snapshot).map_err(|error| ClientError::Strange(error.to_string()))
}

/// `runcast start`
///
/// # Errors
/// If the server is not reached or refuses, or standard output is gone; so with all commands here.
pub async fn start(args: StartArgs) -> Result<u8, ClientError> {
    let mut names: Vec<&str> = args.param.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(ClientError::Usage(format!("the parameter {} is given twice", twice[0])));
    }
    let api = Api::new(&args.server)?;
    let snapshot = api.start(&args.workflow, &args.param).await?;
    let Started { id, workflow } = started(&snapshot)?;
    if args.follow {
        return follow(&api, id, args.server.json).await;
    }
    if args.server.json {
        say(snapshot.to_string())?;
    } else {
        say(format!("{workflow} {id}"))?;
    }
    Ok(0)
}

/// `runcast watch`
///
/// # Errors
/// As with [`start`].
pub async fn watch(args: WatchArgs) -> Result<u8, ClientError> {
    let api = Api::new(&args.server)?;
    match args.id {
        Some(id) => follow(&api, id, args.server.json).await,
        None => overview(&api, args.server.json).await,
    }
}

/// `runcast cancel`
///
/// # Errors
/// As with [`start`].
pub async fn cancel(args: CancelArgs) -> Result<u8, ClientError> {
    let snapshot = Api::new(&args.server)?.cancel(args.id).await?;
    if args.server.json {
        say(snapshot.to_string())?;
    } else {
        let Started { id, workflow } = started(&snapshot)?;
        say(format!("{workflow} {id} is being stopped"))?;
    }
    Ok(0)
}

/// `runcast list`
///
/// # Errors
/// As with [`start`].
pub async fn list(args: ListArgs) -> Result<u8, ClientError> {
    let mut query = vec![("limit", args.limit.to_string())];
    if !args.status.is_empty() {
        query.push(("status", args.status.iter().map(|status| status.word()).collect::<Vec<_>>().join(",")));
    }
    query.extend(args.workflow.iter().map(|name| ("workflow", name.to_string())));
    query.extend(args.owner.iter().map(|name| ("owner", name.to_string())));
    let api = Api::new(&args.server)?;
    if args.server.json {
        say(api.list::<Value>(&query).await?.to_string())?;
    } else {
        let page: Page = api.list(&query).await?;
        table(Paint::of_stdout(), &page.items).iter().try_for_each(say)?;
    }
    Ok(0)
}

fn table(paint: Paint, rows: &[Row]) -> Vec<String> {
    let widest =
        |of: fn(&Row) -> &str, least: usize| rows.iter().map(|row| of(row).len()).max().unwrap_or(0).max(least);
    let (workflow, owner) = (widest(|row| row.workflow.as_str(), 8), widest(|row| row.owner.as_str(), 5));
    let head = format!(
        "{:36}  {:11}  {:workflow$}  {:owner$}  {:>6}  {:24}  {:>9}",
        "ID", "STATUS", "WORKFLOW", "OWNER", "DONE", "ASKED FOR", "TOOK"
    );
    let line = |row: &Row| {
        let took = row.duration_ms.map(spoken).unwrap_or_default();
        let (id, percent, asked) = (row.id.to_string(), format!("{:.1}%", row.percent), row.queued_at.to_string());
        let line = format!(
            "{id:36}  {}  {:workflow$}  {:owner$}  {percent:>6}  {asked:24}  {took:>9}",
            paint.status(row.status, 11),
            row.workflow.as_str(),
            row.owner.as_str(),
        );
        format!("{line}  {}", now_doing(row)).trim_end().to_owned()
    };
    std::iter::once(paint.dim(head)).chain(rows.iter().map(line)).collect()
}

/// The steps at work, or why it failed.
fn now_doing(row: &Row) -> String {
    let running: Vec<&str> = row.running.iter().map(|step| step.name.as_str()).collect();
    let text = match &row.error {
        Some(error) => error.message.clone(),
        None => running.join(", "),
    };
    printable(&text, Keep::Text)
}

/// `runcast log`
///
/// # Errors
/// As with [`start`].
pub async fn log(args: LogArgs) -> Result<u8, ClientError> {
    let api = Api::new(&args.server)?;
    if args.follow {
        return follow_log(&api, &args).await;
    }
    let json = args.server.json;
    let accept = if json { "application/x-ndjson" } else { "text/plain" };
    let mut pieces = Box::pin(api.log(args.id, args.step.as_ref(), accept).await?);
    let mut lines = Lines { paint: Paint::of_stdout(), raw: json, begun: Vec::new(), out: BufWriter::new(stdout()) };
    while let Some(piece) = pieces.next().await {
        lines.write(&piece?)?;
    }
    lines.end()?;
    Ok(0)
}

/// Prints lines that come in pieces.
struct Lines {
    paint: Paint,
    /// The API's own JSON, in which nothing controls a terminal.
    raw: bool,
    /// The line that has begun, at most [`LINE_MAX`] and a piece.
    begun: Vec<u8>,
    out: BufWriter<std::io::Stdout>,
}

impl Lines {
    fn write(&mut self, piece: &[u8]) -> Result<(), ClientError> {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(part);
            if part.ends_with(b"\n") || self.begun.len() > LINE_MAX {
                self.end_line()?;
            }
        }
        Ok(self.out.flush()?)
    }

    fn end(mut self) -> Result<(), ClientError> {
        if !self.begun.is_empty() {
            self.end_line()?;
        }
        Ok(self.out.flush()?)
    }

    fn end_line(&mut self) -> Result<(), ClientError> {
        let line = String::from_utf8_lossy(&self.begun);
        let line = line.strip_suffix('\n').unwrap_or(&line);
        if self.raw {
            writeln!(self.out, "{line}")?;
        } else {
            writeln!(self.out, "{}", self.paint.theirs(line))?;
        }
        self.begun.clear();
        Ok(())
    }
}

async fn follow_log(api: &Api, args: &LogArgs) -> Result<u8, ClientError> {
    let execution: Execution = api.snapshot(args.id).await?;
    if let Some(step) = args.step.as_ref().filter(|step| execution.step(step).is_none()) {
        return Err(ClientError::Usage(format!("{} has no step {step}", execution.workflow)));
    }
    let paint = Paint::of_stdout();
    let mut stream = EventStream::new(api.clone(), format!("/api/executions/{}/events", args.id), None);
    loop {
        let Heard::Message(message) = hear(&mut stream, || ()).await? else { return Ok(130) };
        match message {
            Message::Fact { recorded: Some(recorded), json } => match &recorded.fact.event {
                Event::StepOutput { step, lines, .. } if args.step.as_ref().is_none_or(|wanted| wanted == step) => {
                    if args.server.json {
                        say(json)?;
                    } else {
                        lines.iter().try_for_each(|line| say(paint.theirs(&line.text)))?;
                    }
                }
                event if event.is_final() => return Ok(0),
                _ => {}
            },
            Message::Ended => return Ok(0),
            Message::Reset => eprintln!("some lines are missing here; what follows is live"),
            _ => {}
        }
    }
}
