//! What an execution printed, as its page holds it: a window of the lines, of all steps or of one.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    browser,
    domain::{
        event::{Event, Recorded},
        execution::Execution,
        id::{ExecutionId, StepId},
        listing::LogLine,
        problem::Problem,
    },
};

/// Lines in a block: what is rendered, and thrown away, as one.
pub const BLOCK: usize = 100;
/// Most lines that the page holds; the oldest block goes.
pub const LINES_MAX: usize = 5_000;
/// How many lines are fetched at once.
const FETCH: usize = 500;

/// Some lines that follow each other.
#[derive(Clone, Debug)]
pub struct Block {
    /// What tells it from the others.
    pub key: u64,
    /// [`BLOCK`] lines at most.
    pub lines: ArcRwSignal<Vec<Arc<LogLine>>>,
}

/// A window of the output, of all steps or of one. A copy is the same window.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    id: ExecutionId,
    execution: RwSignal<Execution>,
    /// The lines, in order.
    pub blocks: RwSignal<Vec<Block>>,
    /// The step it shows; none means all.
    pub step: RwSignal<Option<StepId>>,
    /// The number of the first line that is there.
    pub first: RwSignal<u64>,
    /// The number of the line that would come next.
    pub next: RwSignal<u64>,
    /// What went wrong when lines were fetched.
    pub problem: RwSignal<Option<Problem>>,
    keys: StoredValue<u64>,
    /// The turn for which lines are being fetched.
    fetching: StoredValue<Option<u64>>,
    /// Counts choices of a step, so that an answer to an older one is not taken.
    turn: StoredValue<u64>,
}

impl Log {
    /// The log of an execution, of which the last `lines` are known.
    pub fn new(id: ExecutionId, execution: RwSignal<Execution>, lines: Vec<LogLine>) -> Self {
        let log = Self {
            id,
            execution,
            blocks: RwSignal::default(),
            step: RwSignal::default(),
            first: RwSignal::default(),
            next: RwSignal::default(),
            problem: RwSignal::default(),
            keys: StoredValue::default(),
            fetching: StoredValue::default(),
            turn: StoredValue::default(),
        };
        log.open(lines);
        log
    }

    /// Whether there are lines before the first that is there.
    pub fn has_earlier(&self) -> bool {
        self.first.get() > 0
    }

    /// Whether it holds no more than it may, so that earlier lines can be fetched.
    pub fn has_room(&self) -> bool {
        self.next.get().saturating_sub(self.first.get()) < (LINES_MAX - FETCH) as u64
    }

    /// Begins anew: all steps, of which the last `lines` are known.
    pub fn open(&self, lines: Vec<LogLine>) {
        let next = lines.last().map_or(0, |line| line.n + 1);
        self.turn.update_value(|turn| *turn += 1);
        self.step.set(None);
        self.load(lines, next);
    }

    fn load(&self, lines: Vec<LogLine>, next: u64) {
        self.blocks.set(Vec::new());
        self.first.set(lines.first().map_or(next, |line| line.n));
        self.next.set(next);
        let blocks = self.cut(lines);
        self.blocks.set(blocks);
    }

    fn cut(&self, lines: Vec<LogLine>) -> Vec<Block> {
        let lines: Vec<Arc<LogLine>> = lines.into_iter().map(Arc::new).collect();
        lines.chunks(BLOCK).map(|lines| self.block(lines.to_vec())).collect()
    }

    fn block(&self, lines: Vec<Arc<LogLine>>) -> Block {
        self.keys.update_value(|key| *key += 1);
        Block { key: self.keys.get_value(), lines: ArcRwSignal::new(lines) }
    }

    /// Adds the lines that come next; those it has are passed over, and so are all if some between are missing.
    fn append(&self, lines: impl IntoIterator<Item = LogLine>) {
        let mut next = self.next.get_untracked();
        let new: Vec<Arc<LogLine>> = lines
            .into_iter()
            .filter(|line| line.n >= next)
            .enumerate()
            .take_while(|(index, line)| line.n == next + *index as u64)
            .map(|(_, line)| Arc::new(line))
            .collect();
        if new.is_empty() {
            return;
        }
        next += new.len() as u64;
        let mut rest = new.as_slice();
        let last = self.blocks.with_untracked(|blocks| blocks.last().cloned());
        if let Some(last) = last {
            let room = BLOCK.saturating_sub(last.lines.with_untracked(Vec::len)).min(rest.len());
            let (fits, more) = rest.split_at(room);
            if !fits.is_empty() {
                last.lines.update(|lines| lines.extend_from_slice(fits));
            }
            rest = more;
        }
        if !rest.is_empty() {
            let more: Vec<Block> = rest.chunks(BLOCK).map(|lines| self.block(lines.to_vec())).collect();
            self.blocks.update(|blocks| blocks.extend(more));
        }
        self.next.set(next);
        self.trim();
    }

    fn trim(&self) {
        let blocks = self.blocks.with_untracked(Vec::len);
        let over = blocks.saturating_sub(LINES_MAX / BLOCK);
        if over > 0 {
            self.blocks.update(|blocks| drop(blocks.drain(..over)));
            let first = self.blocks.with_untracked(|blocks| {
                blocks.first().and_then(|block| block.lines.with_untracked(|lines| lines.first().map(|line| line.n)))
            });
            self.first.set(first.unwrap_or_else(|| self.next.get_untracked()));
        }
    }

    /// Takes in what was printed next, and fetches what is missing before it.
    pub fn extend(self, lines: Vec<LogLine>) {
        self.append(lines);
        if self.next.get_untracked() < self.known(self.step.get_untracked().as_ref()) {
            self.catch_up();
        }
    }

    /// Shows the output of one step, or of all.
    pub fn choose(self, step: Option<StepId>) {
        self.turn.update_value(|turn| *turn += 1);
        let known = self.known(step.as_ref());
        self.step.set(step);
        self.load(Vec::new(), known.saturating_sub(FETCH as u64));
        self.catch_up();
    }

    /// Fetches lines before the first that is there.
    pub fn earlier(self) {
        let (log, turn) = (self, self.turn.get_value());
        leptos::task::spawn_local(async move {
            let first = log.first.get_untracked();
            let from = first.saturating_sub(FETCH as u64);
            let limit = usize::try_from(first - from).unwrap_or(FETCH);
            let step = log.step.get_untracked();
            let answer = browser::http::log(self.id, step.as_ref(), from, limit).await;
            if log.turn.try_get_value() != Some(turn) || log.first.get_untracked() != first {
                return;
            }
            log.problem.set(answer.as_ref().err().cloned());
            if let Ok(lines) = answer {
                log.first.set(lines.first().map_or(first, |line| line.n));
                let blocks = log.cut(lines);
                log.blocks.update(|all| drop(all.splice(..0, blocks)));
            }
        });
    }

    /// Fetches lines until there are as many as the execution is known to have.
    fn catch_up(self) {
        let (log, turn) = (self, self.turn.get_value());
        if log.fetching.get_value() == Some(turn) {
            return;
        }
        log.fetching.set_value(Some(turn));
        leptos::task::spawn_local(async move {
            while self.fetch_next(turn).await {}
            if log.turn.try_get_value() == Some(turn) {
                log.fetching.set_value(None);
            }
        });
    }

    /// Fetches the lines that come next, if there are any. Says whether there may be more.
    async fn fetch_next(self, turn: u64) -> bool {
        let log = self;
        let (step, next) = (log.step.get_untracked(), log.next.get_untracked());
        if next >= self.known(step.as_ref()) {
            return false;
        }
        let answer = browser::http::log(self.id, step.as_ref(), next, FETCH).await;
        if log.turn.try_get_value() != Some(turn) {
            return false;
        }
        log.problem.set(answer.as_ref().err().cloned());
        let Ok(lines) = answer else { return false };
        log.append(lines);
        log.next.get_untracked() > next
    }

    /// How many lines a step is known to have; without one, all of them.
    fn known(&self, step: Option<&StepId>) -> u64 {
        self.execution.with_untracked(|execution| known(execution, step))
    }
}

fn known(execution: &Execution, step: Option<&StepId>) -> u64 {
    execution.steps.iter().filter(|one| step.is_none_or(|step| one.id == *step)).map(|step| step.lines).sum()
}

/// The lines of a fact with their numbers in the window of `step`; `execution` is as it was before the fact.
pub fn lines_of(recorded: &Recorded, execution: &Execution, step: Option<&StepId>) -> Vec<LogLine> {
    let Event::StepOutput { step: of, attempt, first_line, lines } = &recorded.fact.event else { return Vec::new() };
    if step.is_some_and(|step| step != of) {
        return Vec::new();
    }
    let had = known(execution, Some(of)).saturating_sub(*first_line);
    let base = if step.is_some() { *first_line + had } else { known(execution, None) };
    let new = lines.iter().skip(usize::try_from(had).unwrap_or(usize::MAX));
    new.enumerate()
        .map(|(index, line)| LogLine {
            n: base + index as u64,
            step: of.clone(),
            attempt: *attempt,
            line: line.clone(),
        })
        .collect()
}
