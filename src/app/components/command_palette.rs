//! Everything by name: Ctrl K, a few letters, Enter.

use leptos::{ev::KeyboardEvent, html, prelude::*};
use leptos_router::hooks::{use_location, use_navigate};
use wasm_bindgen::JsCast;

use super::{icon::Icon, status_badge::StatusIcon};
use crate::app::commands::{Act, Command, Known};

/// The palette.
#[component]
pub fn CommandPalette(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Whether the list of shortcuts is.
    shortcuts: RwSignal<bool>,
) -> impl IntoView {
    let (known, at) = (Known::new(), RwSignal::new(0_usize));
    let commands = Memo::new(move |_| if open.get() { known.fitting() } else { Vec::new() });
    let chosen = Memo::new(move |_| at.get().min(commands.with(Vec::len).saturating_sub(1)));
    let node = NodeRef::<html::Dialog>::new();
    let path = use_location().pathname;
    Effect::new(move || {
        let (Some(dialog), open) = (node.get(), open.get()) else { return };
        if open && !dialog.open() {
            at.set(0);
            known.begin(&path.get_untracked());
            let _ = dialog.show_modal();
        } else if !open && dialog.open() {
            dialog.close();
        }
    });
    let navigate = use_navigate();
    let owner = Owner::current();
    let choose = Callback::new(move |act: Act| {
        // Whatever it does later still finds what the page hands down.
        let stay = || known.choose(act, |path| navigate(path, Default::default()), || shortcuts.set(true));
        let stays = owner.as_ref().map_or_else(|| false, |owner| owner.with(stay));
        at.set(0);
        if !stays {
            open.set(false);
        }
    });
    let press = move |event: KeyboardEvent| {
        let last = commands.with_untracked(Vec::len).saturating_sub(1);
        let now = chosen.get_untracked();
        let next = match &*event.key() {
            "ArrowDown" => Some(if now == last { 0 } else { now + 1 }),
            "ArrowUp" => Some(if now == 0 { last } else { now - 1 }),
            "Enter" => {
                event.prevent_default();
                if let Some(command) = commands.with_untracked(|all| all.get(now).cloned()) {
                    choose.run(command.act);
                }
                None
            }
            _ => None,
        };
        if let Some(next) = next {
            event.prevent_default();
            at.set(next);
        }
    };
    let beside = move |event: leptos::ev::MouseEvent| {
        if event.target().is_some_and(|target| target.has_type::<web_sys::HtmlDialogElement>()) {
            open.set(false);
        }
    };
    let typed = move |text: String| {
        if text == "?" {
            return choose.run(Act::Shortcuts);
        }
        known.text.set(text);
        at.set(0);
        known.ask(true);
    };
    view! {
        <dialog class="command-palette" aria-label="Commands" node_ref=node on:close=move |_| open.set(false) on:click=beside>
            <div data-part="ask">
                <Icon name="search"/>
                <input
                    type="text"
                    role="combobox"
                    aria-expanded="true"
                    aria-controls="palette-list"
                    aria-autocomplete="list"
                    aria-activedescendant=move || (!commands.with(Vec::is_empty)).then(|| format!("palette-{}", chosen.get()))
                    aria-label="Search and commands"
                    placeholder="Run, find or go to"
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=move || known.text.get()
                    on:input:target=move |event| typed(event.target().value())
                    on:keydown=press
                />
                <span class="key" aria-hidden="true">"Esc"</span>
            </div>
            <Offers commands chosen at choose/>
            <p class="visually-hidden" role="status">{move || count(commands.with(Vec::len))}</p>
            <footer aria-hidden="true">
                <span><span class="key">"↑"</span><span class="key">"↓"</span>" choose"</span>
                <span><span class="key">"Enter"</span>" open"</span>
                <span><span class="key">"?"</span>" all shortcuts"</span>
            </footer>
        </dialog>
    }
}

fn count(count: usize) -> String {
    match count {
        0 => "Nothing fits".to_owned(),
        1 => "1 fits".to_owned(),
        count => format!("{count} fit"),
    }
}

/// What can be chosen, under its headings.
#[component]
fn Offers(
    commands: Memo<Vec<Command>>,
    chosen: Memo<usize>,
    at: RwSignal<usize>,
    choose: Callback<Act>,
) -> impl IntoView {
    let offers = move || {
        let all: Vec<(usize, Command)> = commands.get().into_iter().enumerate().collect();
        let groups: Vec<Vec<(usize, Command)>> =
            all.chunk_by(|one, next| one.1.group == next.1.group).map(<[_]>::to_vec).collect();
        let group = |group: Vec<(usize, Command)>| {
            let name = group.first().map_or("", |(_, command)| command.group);
            let offers = group.into_iter().map(|(index, command)| view! { <Offer index command chosen at choose/> });
            view! {
                <div role="group" aria-label=name>
                    <div role="presentation">{name}</div>
                    {offers.collect_view()}
                </div>
            }
        };
        groups.into_iter().map(group).collect_view()
    };
    view! {
        <div role="listbox" id="palette-list" aria-label="Results">{offers}</div>
        <p data-part="none" hidden=move || !commands.with(Vec::is_empty)>"Nothing fits."</p>
    }
}

#[component]
fn Offer(
    index: usize,
    command: Command,
    chosen: Memo<usize>,
    at: RwSignal<usize>,
    choose: Callback<Act>,
) -> impl IntoView {
    let node = NodeRef::<html::Div>::new();
    let selected = Memo::new(move |_| chosen.get() == index);
    Effect::new(move || {
        if let (Some(node), true) = (node.get(), selected.get()) {
            keep_in_view(&node);
        }
    });
    let act = command.act;
    let icon = match command.sign {
        Some((sign, percent)) => {
            view! { <StatusIcon sign=Signal::stored(sign) percent=Signal::stored(percent)/> }.into_any()
        }
        None => view! { <Icon name=command.icon/> }.into_any(),
    };
    view! {
        <div
            role="option"
            id=format!("palette-{index}")
            aria-selected=move || selected.get().to_string()
            node_ref=node
            on:pointermove=move |_| at.set(index)
            on:click=move |_| choose.run(act.clone())
        >
            {icon}
            <span><b>{command.text}</b></span>
            <small>{command.note}</small>
        </div>
    }
}

/// Scrolls the list as far as is needed, and nothing else.
fn keep_in_view(option: &web_sys::HtmlElement) {
    let list = option.closest("[role=listbox]").ok().flatten();
    let Some(list) = list.and_then(|list| list.dyn_into::<web_sys::HtmlElement>().ok()) else { return };
    let top = option.offset_top() - list.offset_top();
    let bottom = top + option.offset_height() - list.client_height();
    list.set_scroll_top(list.scroll_top().min(top).max(bottom));
}
