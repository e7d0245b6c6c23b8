//! What an execution printed, as its page shows it: a view of the lines, of all steps or of one, however many there are.
//!
//! Of the lines the page holds those that were looked at last (`pages`) and fetches others when they come into view.
//! `place` says what is in view, `find` what was looked for, `link` what an address means.

pub mod find;
pub mod link;
pub mod pages;
pub mod place;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use futures::future::{AbortHandle, abortable};
use leptos::prelude::*;

use self::{
    find::Find,
    pages::{PAGE, Pages},
    place::{Place, Sizes, above, at},
};
use crate::{
    browser,
    domain::{
        event::{Event, Recorded},
        execution::Execution,
        folds::{Fold, Folds, Parts, Row},
        id::{ExecutionId, StepId},
        listing::LogLine,
        marks::Marks,
        problem::Problem,
    },
};

/// Most lines that are copied at once.
pub const COPIED_MAX: u64 = 10_000;
/// Sizes before they are measured, in pixels: those of a desktop.
const USUAL: Sizes = Sizes { view: 560.0, row: 20.0, line: 20.0 };

/// A view of the output, of all steps or of one. A copy is the same view.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    id: ExecutionId,
    /// The execution as the page shows it: as it is, or as it was.
    pub shown: Signal<Execution>,
    /// The step it shows; none means all.
    pub step: RwSignal<Option<StepId>>,
    /// How many lines there are to show.
    pub end: Memo<u64>,
    /// What stands out, as far as it was told.
    pub marks: RwSignal<Marks>,
    /// Its rows.
    pub folds: Memo<Folds>,
    /// What is in view.
    pub place: RwSignal<Place>,
    /// How large that is.
    pub sizes: RwSignal<Sizes>,
    /// The lines that the reader chose, the first and the last.
    pub chosen: RwSignal<Option<(u64, u64)>>,
    /// What is looked for.
    pub find: Find,
    /// What went wrong when lines were fetched.
    pub problem: RwSignal<Option<Problem>>,
    /// Says that lines have come.
    pub came: Trigger,
    /// Says that the reader was taken somewhere, so that what scrolls must follow.
    pub moved: Trigger,
    folded: RwSignal<BTreeSet<(Option<StepId>, Fold)>>,
    pages: StoredValue<Pages>,
    /// The pages that are in view.
    wanted: StoredValue<BTreeSet<u64>>,
    /// The pages that are being fetched, [`Log::AT_ONCE`] at most.
    fetching: StoredValue<BTreeMap<u64, AbortHandle>>,
    /// Counts choices of a step, so that an answer to an older one is not taken.
    turn: StoredValue<u64>,
    /// The turn for which is asked what stands out.
    asking: StoredValue<Option<u64>>,
    live: RwSignal<Execution>,
}

impl Log {
    /// Most pages that are fetched at the same time.
    const AT_ONCE: usize = 4;

    /// The log of an execution, of which the last lines and what stands out are known. `shown` is the execution as the
    /// page shows it: lines that it does not have yet are not shown.
    pub fn new(live: RwSignal<Execution>, shown: Signal<Execution>, lines: Vec<LogLine>, marks: Marks) -> Self {
        let step = RwSignal::new(None);
        let marks = RwSignal::new(marks);
        let folded = RwSignal::new(BTreeSet::new());
        let end = Memo::new(move |_| shown.with(|execution| step.with(|step| known(execution, step.as_ref()))));
        let folds = Memo::new(move |_| {
            let parts = parts(shown, step, marks);
            let step = step.get();
            folded.with(|folded| Folds::new(end.get(), &parts, |fold| folded.contains(&(step.clone(), fold))))
        });
        let log = Self {
            id: live.with_untracked(|execution| execution.id),
            shown,
            step,
            end,
            marks,
            folds,
            place: RwSignal::new(Place::End),
            sizes: RwSignal::new(USUAL),
            chosen: RwSignal::default(),
            find: Find::default(),
            problem: RwSignal::default(),
            came: Trigger::new(),
            moved: Trigger::new(),
            folded,
            pages: StoredValue::default(),
            wanted: StoredValue::default(),
            fetching: StoredValue::default(),
            turn: StoredValue::default(),
            asking: StoredValue::default(),
            live,
        };
        log.pages.update_value(|pages| pages.insert(lines));
        log
    }

    /// The line of that number, if it was fetched.
    pub fn line(&self, n: u64) -> Option<Arc<LogLine>> {
        self.pages.with_value(|pages| pages.get(n))
    }

    /// Whether what follows is closed there.
    pub fn is_folded(&self, fold: Fold) -> bool {
        self.folded.with(|folded| folded.contains(&(self.step.get(), fold)))
    }

    /// Closes or opens it.
    pub fn fold(&self, fold: Fold) {
        if self.place.get_untracked() == Place::End {
            self.follow(false);
        }
        let key = (self.step.get_untracked(), fold);
        self.folded.update(|folded| {
            if !folded.remove(&key) {
                folded.insert(key);
            }
        });
        let (folds, sizes) = (self.folds.get_untracked(), self.sizes.get_untracked());
        if sizes.lowest(folds.rows()) <= above(self.place.get_untracked(), &folds, sizes) {
            self.follow(false);
        }
        self.moved.notify();
    }

    /// How many lines it holds.
    pub fn held(&self, fold: Fold) -> u64 {
        parts(self.shown, self.step, self.marks).held(fold, self.end.get())
    }

    /// The lines in view, whole or in part; those that are folded away between them as well.
    pub fn in_view(&self) -> Range<u64> {
        let (folds, sizes) = (self.folds.get_untracked(), self.sizes.get_untracked());
        let first = at(above(self.place.get_untracked(), &folds, sizes), &folds, sizes);
        let row = if let Place::At(row, _) = first { folds.find(row).unwrap_or(0) } else { 0 };
        let last = folds.row((row + sizes.rows()).min(folds.rows().saturating_sub(1)));
        folds.row(row).map_or(0, Row::line)..last.map_or(0, |row| row.line() + 1).min(self.end.get_untracked())
    }

    /// Whether attempts have heads.
    pub fn has_heads(&self) -> bool {
        has_heads(self.shown, self.step, self.marks)
    }

    /// Whether that line is the title of a group that can be closed.
    pub fn is_group(&self, line: u64) -> bool {
        self.marks.with(|marks| marks.groups.lines.binary_search(&line).is_ok())
    }

    /// Whether the end is in view and stays so.
    pub fn is_following(&self) -> bool {
        self.place.get() == Place::End
    }

    /// Holds on to the end, or lets go of it where it is.
    pub fn follow(&self, follow: bool) {
        let (folds, sizes) = (self.folds.get_untracked(), self.sizes.get_untracked());
        self.place.set(if follow { Place::End } else { at(sizes.lowest(folds.rows()), &folds, sizes) });
        self.moved.notify();
    }

    /// Brings a line into view, opens what hides it, and marks it, up to `last`.
    pub fn go_to(&self, line: u64, last: u64) {
        let step = self.step.get_untracked();
        let around = untrack(|| parts(self.shown, self.step, self.marks)).around(line);
        if self.folded.with_untracked(|folded| around.iter().any(|fold| folded.contains(&(step.clone(), *fold)))) {
            self.folded.update(|folded| folded.retain(|(of, fold)| *of != step || !around.contains(fold)));
        }
        let (folds, sizes) = (self.folds.get_untracked(), self.sizes.get_untracked());
        let row = folds.row_of(line).unwrap_or(0);
        let before = (sizes.view / sizes.row / 3.0).floor() * sizes.row;
        self.place.set(at(row as f64 * sizes.row - before, &folds, sizes));
        self.chosen.set(Some((line, last)));
        self.moved.notify();
    }

    /// Brings the head before a line to the top.
    pub fn show_head(&self, line: u64) {
        self.place.set(Place::At(Row::Head(line), 0.0));
        self.moved.notify();
    }

    /// The first line in view.
    pub fn top(&self) -> u64 {
        let (folds, sizes) = (self.folds.get_untracked(), self.sizes.get_untracked());
        match self.place.get_untracked() {
            Place::At(Row::Line(line) | Row::Head(line), _) => line,
            Place::End => match folds.row(folds.rows().saturating_sub(sizes.rows())) {
                Some(Row::Line(line) | Row::Head(line)) => line,
                None => 0,
            },
        }
    }

    /// Shows the output of one step, or of all.
    pub fn choose(&self, step: Option<StepId>) {
        if self.step.get_untracked() == step {
            return;
        }
        self.forget();
        self.chosen.set(None);
        self.place.set(Place::End);
        self.marks.set(Marks::default());
        self.step.set(step);
        self.came.notify();
        self.moved.notify();
        self.fetch_marks();
        self.look_for(self.find.text.get_untracked());
    }

    /// Begins anew with what the server has: the last lines and what stands out, of all steps. What is in view stays.
    pub fn open(&self, lines: Vec<LogLine>, marks: Marks) {
        self.forget();
        if self.step.with_untracked(Option::is_none) {
            self.pages.update_value(|pages| pages.insert(lines));
            self.marks.set(marks);
        } else {
            self.fetch_marks();
        }
        self.came.notify();
        self.look_for(self.find.text.get_untracked());
    }

    fn forget(&self) {
        self.turn.update_value(|turn| *turn += 1);
        self.fetching.update_value(|fetching| {
            fetching.values().for_each(AbortHandle::abort);
            fetching.clear();
        });
        self.pages.update_value(Pages::clear);
        self.problem.set(None);
    }

    /// Takes in what was printed next.
    pub fn extend(&self, lines: Vec<LogLine>) {
        let Some(last) = lines.last().map(|line| line.n) else { return };
        self.marks.update(|marks| marks.extend(&lines));
        if self.marks.with_untracked(|marks| marks.lines <= last) {
            // Some between were not told.
            self.fetch_marks();
        }
        self.find.extend(&lines);
        self.pages.update_value(|pages| {
            pages.insert(lines);
            self.wanted.with_value(|wanted| pages.trim(wanted));
        });
        self.came.notify();
    }

    /// Fetches what is missing of the pages that hold these lines, and gives up fetching others.
    pub fn want(&self, lines: impl Iterator<Item = u64>) {
        let wanted: BTreeSet<u64> = lines.map(|line| line / PAGE).collect();
        self.fetching.update_value(|fetching| {
            fetching.retain(|page, request| {
                let keep = wanted.contains(page);
                if !keep {
                    request.abort();
                }
                keep
            });
        });
        self.pages.update_value(|pages| pages.trim(&wanted));
        self.wanted.set_value(wanted);
        let (log, turn) = (*self, self.turn.get_value());
        leptos::task::spawn_local(async move {
            // Whoever pulls the scroll bar passes pages that they do not look at.
            browser::time::frame().await;
            if log.turn.try_get_value() == Some(turn) && log.problem.with_untracked(Option::is_none) {
                log.fetch_wanted();
            }
        });
    }

    /// Tries again what failed.
    pub fn try_again(&self) {
        self.problem.set(None);
        if self.marks.with_untracked(|marks| marks.lines < self.end.get_untracked()) {
            self.fetch_marks();
        }
        self.fetch_wanted();
    }

    fn fetch_wanted(&self) {
        let end =
            self.live.with_untracked(|execution| self.step.with_untracked(|step| known(execution, step.as_ref())));
        for page in self.wanted.get_value() {
            let (busy, all) = self.fetching.with_value(|fetching| (fetching.contains_key(&page), fetching.len()));
            let missing = self.pages.with_value(|pages| pages.missing(page, end));
            if let Some(missing) = missing.filter(|_| !busy && all < Self::AT_ONCE) {
                self.fetch(page, missing);
            }
        }
    }

    fn fetch(&self, page: u64, missing: Range<u64>) {
        let (log, turn, step) = (*self, self.turn.get_value(), self.step.get_untracked());
        let (asking, handle) = abortable(async move { browser::http::log(log.id, step.as_ref(), missing).await });
        self.fetching.update_value(|fetching| drop(fetching.insert(page, handle)));
        leptos::task::spawn_local(async move {
            let Ok(answer) = asking.await else { return };
            if log.turn.try_get_value() != Some(turn) {
                return;
            }
            log.fetching.update_value(|fetching| drop(fetching.remove(&page)));
            match answer {
                Ok(lines) if lines.is_empty() => log.problem.set(Some(browser::http::unreadable())),
                Ok(lines) => {
                    log.pages.update_value(|pages| pages.insert(lines));
                    log.came.notify();
                    log.fetch_wanted();
                }
                Err(problem) => log.problem.set(Some(problem)),
            }
        });
    }

    /// Asks what stands out, until that is of all lines that are known. One question at a time.
    fn fetch_marks(&self) {
        let (log, turn) = (*self, self.turn.get_value());
        if self.asking.get_value() == Some(turn) {
            return;
        }
        self.asking.set_value(Some(turn));
        leptos::task::spawn_local(async move {
            let step = log.step.get_untracked();
            loop {
                let known = log.live.try_with_untracked(|execution| known(execution, step.as_ref()));
                let answer = browser::http::marks(log.id, step.as_ref()).await;
                if log.turn.try_get_value() != Some(turn) {
                    return;
                }
                match answer {
                    Ok(marks) => log.marks.set(marks),
                    Err(problem) => log.problem.set(Some(problem)),
                }
                let told = log.marks.with_untracked(|marks| marks.lines);
                let now = log.live.try_with_untracked(|execution| self::known(execution, step.as_ref()));
                // More may have come meanwhile; what was known when it was asked for must be in the answer.
                if now <= Some(told) || known > Some(told) {
                    break;
                }
            }
            log.asking.set_value(None);
        });
    }

    /// Looks for a text in the whole log.
    pub fn look_for(&self, text: String) {
        let go = (self.top(), *self);
        self.find.look_for(self.id, self.step.get_untracked(), text, move |line| {
            if let Some(line) = line(go.0) {
                go.1.go_to(line, line);
            }
        });
    }

    /// Goes to the next line that holds what is looked for, or to the one before.
    pub fn next_hit(&self, forward: bool) {
        let log = *self;
        let end = self.end.get_untracked();
        self.find.step(self.id, self.step.get_untracked(), end, forward, move |line| log.go_to(line, line));
    }

    /// Goes to the next of `lines` after the chosen one or the first in view, or to the one before; around the end.
    pub fn next_of(&self, lines: &[u64], forward: bool) {
        let here = self.chosen.get_untracked().map(|(first, _)| first);
        let next = match (here, forward) {
            (Some(here), true) => lines.iter().find(|line| **line > here).or(lines.first()),
            (Some(here), false) => lines.iter().rev().find(|line| **line < here).or(lines.last()),
            (None, true) => lines.first(),
            (None, false) => lines.last(),
        };
        if let Some(line) = next {
            self.go_to(*line, *line);
        }
    }

    /// Lines as text, without their escapes, [`COPIED_MAX`] at most; those that are not there are fetched.
    ///
    /// # Errors
    /// The server's.
    pub async fn text(self, lines: Range<u64>) -> Result<String, Problem> {
        let lines = lines.start..lines.end.min(lines.start + COPIED_MAX);
        let held: Option<Vec<_>> = lines.clone().map(|n| self.line(n)).collect();
        let plain = |line: &LogLine| crate::domain::ansi::plain(&line.line.text).into_owned() + "\n";
        match held {
            Some(held) => Ok(held.iter().map(|line| plain(line)).collect()),
            None => {
                let step = self.step.get_untracked();
                let lines = browser::http::log(self.id, step.as_ref(), lines).await?;
                Ok(lines.iter().map(plain).collect())
            }
        }
    }
}

/// What there is to fold. An only attempt of an only step has no head.
fn parts(shown: Signal<Execution>, step: RwSignal<Option<StepId>>, marks: RwSignal<Marks>) -> Parts {
    let heads = has_heads(shown, step, marks);
    marks.with(|marks| {
        let heads = if heads { marks.heads.as_slice() } else { &[] };
        Parts {
            heads: heads.iter().map(|head| head.line).collect(),
            groups: marks.groups.lines.clone(),
            ends: marks.group_ends.lines.clone(),
        }
    })
}

fn has_heads(shown: Signal<Execution>, step: RwSignal<Option<StepId>>, marks: RwSignal<Marks>) -> bool {
    let several = step.with(Option::is_none) && shown.with(|execution| execution.steps.len() > 1);
    several || marks.with(|marks| marks.heads.len() > 1)
}

/// How many lines a step is known to have; without one, all of them.
fn known(execution: &Execution, step: Option<&StepId>) -> u64 {
    execution.steps.iter().filter(|one| step.is_none_or(|step| one.id == *step)).map(|step| step.lines).sum()
}

/// The lines of a fact with their numbers in the view of `step`; `execution` is as it was before the fact.
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
