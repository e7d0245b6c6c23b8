//! What can be done with those selected: how many of them each deed makes sense for, a question before many are
//! stopped, and what came of it.

use leptos::{either::Either, html::Button, prelude::*};

use super::icon::Icon;
use crate::app::selection::{Deed, Outcome, Selection};

/// The bar; it is there while something is selected, or was done.
#[component]
pub fn SelectionBar(
    /// What is selected.
    selection: Selection,
) -> impl IntoView {
    let number = Memo::new(move |_| selection.count());
    let asking = RwSignal::new(false);
    let there = move || number.get() > 0 || selection.outcome.with(Option::is_some);
    view! {
        <Show when=there>
            <div class="selection-bar" role="toolbar" aria-label="Selected executions">
                {move || selection.outcome.get().map(|outcome| view! { <Came outcome/> })}
                <Show when=move || { number.get() > 0 }>
                    <span>{move || format!("{} selected", number.get())}</span>
                    {move || {
                        if asking.get() {
                            Either::Left(view! { <Question selection asking/> })
                        } else {
                            Either::Right(view! { <Deeds selection asking/> })
                        }
                    }}
                </Show>
                <button
                    class="button"
                    type="button"
                    data-shape="square"
                    data-kind="quiet"
                    aria-label="Clear the selection"
                    title="Clear the selection"
                    on:click=move |_| selection.clear()
                >
                    <Icon name="close"/>
                </button>
            </div>
        </Show>
    }
}

#[component]
fn Deeds(selection: Selection, asking: RwSignal<bool>) -> impl IntoView {
    let cancel = move || {
        // One is stopped as on its own page is said; many are asked about.
        if untrack(|| selection.suiting(Deed::Cancel)) > 1 { asking.set(true) } else { selection.act(Deed::Cancel) }
    };
    view! {
        <Offer selection deed=Deed::Cancel word="Cancel" icon="stop" act=cancel/>
        <Offer
            selection
            deed=Deed::RerunFailed
            word="Run from what failed"
            icon="again"
            act=move || selection.act(Deed::RerunFailed)
        />
        <Offer selection deed=Deed::Rerun word="Run again" icon="again" act=move || selection.act(Deed::Rerun)/>
    }
}

/// A deed; it is not there if it makes sense for none.
#[component]
fn Offer(
    selection: Selection,
    deed: Deed,
    word: &'static str,
    icon: &'static str,
    act: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let (suits, all) = (Memo::new(move |_| selection.suiting(deed)), Memo::new(move |_| selection.count()));
    let label = move || if suits.get() == all.get() { word.to_owned() } else { format!("{word} {}", suits.get()) };
    view! {
        <Show when=move || { suits.get() > 0 }>
            <button
                class="button"
                type="button"
                data-kind=(deed == Deed::Cancel).then_some("danger")
                disabled=move || selection.busy.get()
                on:click=move |_| act()
            >
                <Icon name=icon/>
                {label}
            </button>
        </Show>
    }
}

#[component]
fn Question(selection: Selection, asking: RwSignal<bool>) -> impl IntoView {
    let first = NodeRef::<Button>::new();
    Effect::new(move || {
        if let Some(button) = first.get() {
            let _ = button.focus();
        }
    });
    let number = untrack(|| selection.suiting(Deed::Cancel));
    let question = format!("Cancel {number} executions?");
    let asked = question.clone();
    view! {
        <span data-part="question" role="group" aria-label=question>
            <span>{asked}</span>
            <button class="button" type="button" on:click=move |_| asking.set(false) node_ref=first>"Keep them running"</button>
            <button
                class="button"
                type="button"
                data-kind="danger"
                on:click=move |_| {
                    asking.set(false);
                    selection.act(Deed::Cancel);
                }
            >
                <Icon name="stop"/>
                {format!("Yes, cancel {number}")}
            </button>
        </span>
    }
}

#[component]
fn Came(outcome: Outcome) -> impl IntoView {
    let refused = outcome.refused.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
    view! {
        <div data-part="outcome" role="status">
            <strong>{outcome.done}</strong>
            {outcome.seen_at.map(|place| view! { <a href=place>"Show"</a> })}
            <ul>{refused}</ul>
        </div>
    }
}
