//! Following one execution to its end.

use std::{
    collections::HashMap,
    io::{IsTerminal as _, stderr, stdout},
    pin::pin,
    time::Duration,
};

use tokio::{signal::ctrl_c, time::interval};

use super::{
    api::Api,
    board::{Board, LINES_MAX},
    error::{ClientError, exit_code_of},
    paint::Paint,
    say,
    stream::{EventStream, Message},
};
use crate::domain::{
    event::{Event, Fact, Recorded},
    execution::{Execution, Step, StepStatus},
    id::{ExecutionId, Seq, StepId},
    time::Timestamp,
};

/// How often a board is drawn, for the clock on it.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// A plain line is worth each so many percent, unless the message changes.
const PERCENT_STEP: f64 = 10.0;

/// How an execution is shown while it runs.
enum View {
    Json,
    Lines { paint: Paint, told: Told },
    Board { paint: Paint, board: Board, link: Option<String>, in_sync: Option<Seq> },
}

/// What was last said of each step's progress; as many as there are steps.
#[derive(Debug, Default)]
pub struct Told(HashMap<StepId, (f64, Option<String>)>);

impl Told {
    /// Whether a fact says enough that is new for a line of its own.
    pub fn is_news(&mut self, event: &Event) -> bool {
        match event {
            Event::StepProgress { step, percent, message, .. } => {
                let last = self.0.get(step);
                let news = last.is_none_or(|(said, words)| percent - said >= PERCENT_STEP || words != message);
                if news {
                    self.0.insert(step.clone(), (*percent, message.clone()));
                }
                news
            }
            Event::StepStarted { step, .. } => {
                self.0.remove(step);
                true
            }
            _ => true,
        }
    }
}

/// What came, or that the person at the keyboard has seen enough.
pub enum Heard {
    /// From the stream.
    Message(Message),
    /// Ctrl-C.
    Enough,
}

/// Waits for the next message; meanwhile calls `draw`, as often as a clock needs.
///
/// # Errors
/// Those of [`EventStream::next`].
pub async fn hear(stream: &mut EventStream, mut draw: impl FnMut()) -> Result<Heard, ClientError> {
    let mut next = pin!(stream.next());
    let mut enough = pin!(ctrl_c());
    let mut clock = interval(DRAW_EVERY);
    loop {
        tokio::select! {
            biased;
            _ = &mut enough => return Ok(Heard::Enough),
            message = &mut next => return message.map(Heard::Message),
            _ = clock.tick() => draw(),
        }
    }
}

/// Whether there is a person with a terminal to draw on.
pub fn can_draw() -> bool {
    stdout().is_terminal() && stderr().is_terminal()
}

/// This moment.
pub fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}

/// Follows an execution to its end; gives the exit code.
///
/// # Errors
/// If the server is not reached or refuses, or standard output is gone.
pub async fn follow(api: &Api, id: ExecutionId, json: bool) -> Result<u8, ClientError> {
    let mut view = View::new(json);
    // A board shows the state, so it begins with it; lines show what happened, from the beginning.
    let mut execution: Option<Execution> = match view {
        View::Board { .. } => Some(api.snapshot(id).await?),
        _ => None,
    };
    let position = execution.as_ref().map(|execution| execution.seq);
    let mut stream = EventStream::new(api.clone(), format!("/api/executions/{id}/events"), position);
    while !execution.as_ref().is_some_and(|execution| execution.status.is_final()) {
        match hear(&mut stream, || view.draw(execution.as_ref())).await? {
            Heard::Enough => {
                view.close(execution.as_ref());
                eprintln!("{id} goes on. `runcast watch {id}` watches it, `runcast cancel {id}` stops it.");
                return Ok(130);
            }
            Heard::Message(Message::Fact { recorded, json }) => {
                view.event(recorded.as_deref(), &json)?;
                let Some(recorded) = recorded else { continue };
                match take(&mut execution, &recorded) {
                    Some(true) => view.in_sync(recorded.seq),
                    Some(false) => {
                        eprintln!("what was told up to event {} is not what the server has; asking it", recorded.seq);
                        execution = Some(api.snapshot_again(id, recorded.seq).await?);
                    }
                    None => {}
                }
            }
            Heard::Message(Message::Reset) => execution = Some(api.snapshot(id).await?),
            Heard::Message(Message::Ended) => {
                execution = Some(api.snapshot(id).await?);
                break;
            }
            Heard::Message(Message::Lost(reason)) => view.lost(Some(&reason)),
            Heard::Message(Message::Found) => view.lost(None),
            Heard::Message(Message::Trouble(trouble)) => view.trouble(&trouble),
            Heard::Message(Message::CaughtUp) => {}
        }
    }
    let status = execution.as_ref().map(|execution| execution.status);
    view.end(execution.as_ref())?;
    status.map(exit_code_of).ok_or_else(|| ClientError::Strange("the stream ended before it began".to_owned()))
}

/// Folds a fact in; says whether that left what the server has, if the fact tells.
fn take(execution: &mut Option<Execution>, recorded: &Recorded) -> Option<bool> {
    match execution {
        Some(execution) => {
            execution.apply(recorded);
            execution.in_sync(recorded)
        }
        None => {
            *execution = Execution::begin(recorded.seq, &recorded.fact);
            None
        }
    }
}

impl View {
    fn new(json: bool) -> Self {
        let paint = Paint::of_stdout();
        if json {
            View::Json
        } else if can_draw() {
            View::Board { paint, board: Board::default(), link: None, in_sync: None }
        } else {
            View::Lines { paint, told: Told::default() }
        }
    }

    fn event(&mut self, recorded: Option<&Recorded>, json: &str) -> Result<(), ClientError> {
        match (self, recorded) {
            (View::Json, _) => say(json),
            (View::Lines { paint, told }, Some(recorded)) => {
                lines(*paint, told, &recorded.fact).iter().try_for_each(say)
            }
            _ => Ok(()),
        }
    }

    fn lost(&mut self, reason: Option<&str>) {
        match self {
            View::Board { link, .. } => *link = reason.map(str::to_owned),
            _ => eprintln!("{}", lost(reason)),
        }
    }

    fn in_sync(&mut self, at: Seq) {
        if let View::Board { in_sync, .. } = self {
            *in_sync = Some(at);
        }
    }

    fn trouble(&mut self, trouble: &str) {
        match self {
            View::Board { board, .. } => board.say(&format!("the server says: {trouble}")),
            _ => eprintln!("the server says: {trouble}"),
        }
    }

    fn draw(&mut self, execution: Option<&Execution>) {
        if let (View::Board { paint, board, link, in_sync }, Some(execution)) = (self, execution) {
            let now = now();
            let mut drawn = vec![paint.execution(execution, now)];
            let shown = chosen(&execution.steps);
            drawn.extend(shown.iter().map(|step| paint.step(step, now)));
            if shown.len() < execution.steps.len() {
                drawn.push(paint.dim(format!("  and {} more steps", execution.steps.len() - shown.len())));
            }
            drawn.extend(in_sync.map(|at| paint.dim(format!("  in sync with the server at event {at}"))));
            drawn.extend(link.as_deref().map(|reason| paint.warn(format!("  {}", lost(Some(reason))))));
            board.show(&drawn);
        }
    }

    fn close(mut self, execution: Option<&Execution>) {
        self.draw(execution);
        if let View::Board { board, .. } = self {
            board.leave();
        }
    }

    fn end(self, execution: Option<&Execution>) -> Result<(), ClientError> {
        let paint = match &self {
            View::Json => return Ok(()),
            View::Lines { paint, .. } | View::Board { paint, .. } => *paint,
        };
        self.close(execution);
        execution.map(|execution| paint.outcome(execution)).unwrap_or_default().iter().try_for_each(say)
    }
}

fn lines(paint: Paint, told: &mut Told, fact: &Fact) -> Vec<String> {
    match &fact.event {
        Event::StepOutput { step, lines, .. } => lines.iter().map(|line| paint.output(step, line)).collect(),
        // How it ended is told at the end, with the result or the error.
        event if event.is_final() => Vec::new(),
        Event::ExecutionQueued { .. } => vec![format!("{} {}", paint.strong(&fact.workflow), fact.execution_id)],
        event if told.is_news(event) => paint.fact(fact).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// What is said about the link.
pub fn lost(reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("the link to the server is lost ({reason}); connecting again"),
        None => "the link to the server is there again".to_owned(),
    }
}

/// The steps that a board has room for, in their order: those at work first, then those that went wrong, then others.
fn chosen(steps: &[Step]) -> Vec<&Step> {
    let mut places: Vec<usize> = (0..steps.len()).collect();
    places.sort_by_key(|place| match steps[*place].status {
        StepStatus::Running | StepStatus::Retrying => 0,
        StepStatus::Failed | StepStatus::TimedOut => 1,
        StepStatus::Pending => 2,
        _ => 3,
    });
    places.truncate(LINES_MAX);
    places.sort_unstable();
    places.into_iter().map(|place| &steps[place]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Source;

    fn progress(percent: f64, message: Option<&str>) -> Event {
        Event::StepProgress {
            step: "build".parse().expect("it is an id"),
            attempt: 1,
            percent,
            message: message.map(str::to_owned),
            source: Source::Reported,
            execution_percent: percent,
            eta_ms: None,
            eta_range_ms: None,
        }
    }

    #[test]
    fn progress_is_a_line_every_ten_percent_or_when_its_message_changes() {
        let mut told = Told::default();
        let said = [(1.0, None), (5.0, None), (11.0, None), (12.0, Some("b")), (13.0, Some("b")), (22.5, Some("b"))];
        let news = said.map(|(percent, message)| told.is_news(&progress(percent, message)));
        assert_eq!(news, [true, false, true, true, false, true]);
    }
}
