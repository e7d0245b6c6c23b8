//! The shape of an execution: its steps as a timeline or as a graph, swapped in place, with the ruler over them and what
//! the chosen step is doing below. All of it is a function of the execution and of the moment, whichever moment that is.

use leptos::{either::Either, ev::MouseEvent, prelude::*};
use leptos_router::hooks::{use_location, use_query_map};

use super::{icon::Icon, step_graph::StepGraph, step_inspector::StepInspector, step_timeline::StepTimeline};
use crate::browser::address;
use crate::domain::{
    axis::Axis,
    course::Course,
    event::PlannedStep,
    execution::{Execution, Step},
    id::{Name, StepId},
    links::Links,
    time::Timestamp,
    usual::{Slot, UsualRun},
};

/// What all drawings of the steps share. A copy is the same.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The execution as it is shown; its steps are always the same ones.
    pub execution: Signal<Execution>,
    /// The moment that is shown.
    pub now: Signal<Timestamp>,
    /// What the drawings lie on.
    pub axis: Signal<Axis>,
    /// The step that was chosen.
    pub chosen: Signal<Option<StepId>>,
    /// Chooses a step, or none.
    pub choose: Callback<Option<StepId>>,
    /// What needs what.
    pub links: StoredValue<Links>,
    /// Where each step usually lies.
    pub slots: StoredValue<Vec<Option<Slot>>>,
    /// What is ahead, and what decides the end.
    pub course: Memo<Course>,
    /// The step whose needs and followers are lit, by its place; read it by [`Shape::lit`].
    pub lit: RwSignal<Option<usize>>,
}

/// What a step is to the one that is lit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It is the one.
    Itself,
    /// That one waits for it.
    Need,
    /// It waits for that one.
    Then,
}

impl Relation {
    /// The word of it, for the style sheet.
    pub fn word(self) -> &'static str {
        match self {
            Relation::Itself => "self",
            Relation::Need => "need",
            Relation::Then => "then",
        }
    }
}

impl Shape {
    /// Of an execution, as far as it has come by the moment that is shown.
    pub fn new(
        execution: Signal<Execution>,
        now: Signal<Timestamp>,
        axis: Signal<Axis>,
        usual: Option<&UsualRun>,
        chosen: Signal<Option<StepId>>,
        choose: Callback<Option<StepId>>,
    ) -> Self {
        let (links, slots) = execution.with_untracked(|execution| {
            let steps = execution.steps.iter();
            let slots = usual.map_or_else(Vec::new, |usual| usual.slots(steps.clone().map(|step| &step.id)));
            (Links::new(steps.map(|step| (&step.id, step.needs.as_slice()))), slots)
        });
        let (links, slots) = (StoredValue::new(links), StoredValue::new(slots));
        let course = Memo::new(move |_| {
            execution.with(|execution| {
                let now = now.get();
                links.with_value(|links| slots.with_value(|slots| Course::of(execution, links, slots, now)))
            })
        });
        Self { execution, now, axis, chosen, choose, links, slots, course, lit: RwSignal::new(None) }
    }

    /// Of steps of which nothing has happened yet: what is planned, and how long it usually takes.
    pub fn planned(workflow: Name, steps: Vec<PlannedStep>, usual: Option<&UsualRun>) -> Option<Self> {
        let links = Links::new(steps.iter().map(|step| (&step.id, step.needs.as_slice())));
        let slots = usual.map(|usual| usual.slots(steps.iter().map(|step| &step.id))).unwrap_or_default();
        let execution = Execution::planned(workflow, steps)?;
        let course = Course::of(&execution, &links, &slots, Timestamp(0));
        let length = usual.map_or(0, |usual| i64::try_from(usual.duration_ms).unwrap_or(i64::MAX));
        let chosen = RwSignal::new(None);
        Some(Self {
            execution: Signal::stored(execution),
            now: Signal::stored(Timestamp(0)),
            axis: Signal::stored(Axis::new(Timestamp(0), Timestamp(length))),
            chosen: chosen.into(),
            choose: Callback::new(move |step| chosen.set(step)),
            links: StoredValue::new(links),
            slots: StoredValue::new(slots),
            course: Memo::new(move |_| course.clone()),
            lit: RwSignal::new(None),
        })
    }

    /// The moment that is shown.
    pub fn moment(&self) -> Timestamp {
        self.now.get()
    }

    /// Reads something of a step.
    pub fn step<T>(&self, place: usize, read: impl FnOnce(&Step) -> T) -> Option<T> {
        self.execution.with(|execution| execution.steps.get(place).map(read))
    }

    /// Where a step usually lies.
    pub fn slot(&self, place: usize) -> Option<Slot> {
        self.slots.with_value(|slots| slots.get(place).copied().flatten())
    }

    /// The step that is lit, by its place. Where the focus leaves a step because its page does, nothing is.
    pub fn lit(&self) -> Option<usize> {
        self.lit.try_get().flatten()
    }

    /// What a step is to the one that is lit; none if nothing is lit, or if it has nothing to do with it.
    pub fn relation(&self, place: usize) -> Option<Relation> {
        let lit = self.lit()?;
        self.links.with_value(|links| {
            let among = |places: &[Vec<usize>]| places.get(lit).is_some_and(|places| places.contains(&place));
            match lit {
                lit if lit == place => Some(Relation::Itself),
                _ if among(&links.needs) => Some(Relation::Need),
                _ if among(&links.then) => Some(Relation::Then),
                _ => None,
            }
        })
    }

    /// Whether a step is the chosen one.
    pub fn is_chosen(&self, place: usize) -> bool {
        self.chosen
            .with(|chosen| chosen.as_ref().is_some_and(|id| self.step(place, |step| step.id == *id) == Some(true)))
    }

    /// The place of the chosen step.
    pub fn chosen_place(&self) -> Option<usize> {
        let chosen = self.chosen.get()?;
        self.execution.with(|execution| execution.steps.iter().position(|step| step.id == chosen))
    }

    /// Chooses the step at a place, or lets go of it if it is the chosen one.
    pub fn toggle(&self, place: usize) {
        let chosen = untrack(|| self.is_chosen(place));
        self.choose.run(if chosen { None } else { untrack(|| self.step(place, |step| step.id.clone())) });
    }
}

/// The axis of an execution as it is now; `usual_ms` is how long it usually takes.
pub fn axis_of(execution: Signal<Execution>, usual_ms: Option<u64>, now: Signal<Timestamp>) -> Signal<Axis> {
    Memo::new(move |_| execution.with(|execution| Axis::of(execution, usual_ms, now.get()))).into()
}

/// Whether the graph is shown: as the address asks for it, and then as the reader does.
pub fn shows_graph() -> RwSignal<bool> {
    let query = use_query_map();
    let asked = move || query.with(|query| query.get_str("view") == Some("graph"));
    let graph = RwSignal::new(untrack(asked));
    Effect::new(move |before: Option<bool>| {
        let asked = asked();
        if before.is_some_and(|before| before != asked) {
            graph.set(asked);
        }
        asked
    });
    graph
}

/// The steps, their ruler and the switch between their drawings.
#[component]
pub fn StepShape(
    /// The execution as it is shown.
    #[prop(into)]
    execution: Signal<Execution>,
    /// The moment that is shown.
    #[prop(into)]
    now: Signal<Timestamp>,
    /// The axis of the execution as it is now.
    axis: Signal<Axis>,
    /// Whether the moment is a past one that was chosen.
    #[prop(optional, into)]
    past: Signal<bool>,
    /// The usual run, where there is one.
    usual: Option<UsualRun>,
    /// The step that was chosen.
    #[prop(into)]
    chosen: Signal<Option<StepId>>,
    /// Chooses a step, or none.
    #[prop(into)]
    choose: Callback<Option<StepId>>,
    /// The ruler, over either drawing: [`super::time_ruler::TimeRuler`] with whatever moves along it.
    children: Children,
) -> impl IntoView {
    let shape = Shape::new(execution, now, axis, usual.as_ref(), chosen, choose);
    let graph = shows_graph();
    let runs = usual.map(|usual| usual.runs);
    let drawing = move || {
        shape.lit.set(None);
        if graph.get() {
            Either::Left(view! { <StepGraph shape/> })
        } else {
            Either::Right(view! { <StepTimeline shape past runs/> })
        }
    };
    view! {
        <div class="section-heading">
            <h2 class="visually-hidden">"Steps"</h2>
            <Views graph/>
        </div>
        {children()}
        {drawing}
        <StepInspector shape/>
    }
}

/// The switch; it stands in the address, and so in links.
#[component]
pub fn Views(
    /// Whether the graph is shown: [`shows_graph`].
    graph: RwSignal<bool>,
) -> impl IntoView {
    let location = use_location();
    let to = move |view| with_view(&location.pathname.get(), &location.search.get(), view);
    // It is no navigation, like the moment and the lines that stand in the address: these stay, and nothing scrolls.
    let go = move |event: MouseEvent, view: Option<&str>| {
        if event.ctrl_key() || event.meta_key() || event.shift_key() || event.button() != 0 {
            return;
        }
        event.prevent_default();
        address::set_query("view", view);
        graph.set(view.is_some());
    };
    view! {
        <nav class="switch" aria-label="View of the steps">
            <a
                href=move || to(None)
                aria-current=move || (!graph.get()).then_some("page")
                on:click=move |event| go(event, None)
            >
                <Icon name="list"/>
                "Timeline"
            </a>
            <a
                href=move || to(Some("graph"))
                aria-current=move || graph.get().then_some("page")
                on:click=move |event| go(event, Some("graph"))
            >
                <Icon name="flow"/>
                "Graph"
            </a>
        </nav>
    }
}

/// The address with another view in its query.
fn with_view(path: &str, search: &str, view: Option<&str>) -> String {
    let kept = search.trim_start_matches('?').split('&').filter(|part| !part.is_empty() && !part.starts_with("view="));
    let all: Vec<String> = kept.map(str::to_owned).chain(view.map(|view| format!("view={view}"))).collect();
    let mark = if all.is_empty() { "" } else { "?" };
    format!("{path}{mark}{}", all.join("&"))
}
