//! A question or a list above the page. The browser keeps the focus in it, and gives it back; Escape closes it.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

use super::icon::Icon;

/// A dialog, whose inside is made anew each time it opens.
#[component]
pub fn Dialog(
    /// What it is about.
    #[prop(into)]
    title: Signal<String>,
    /// Whether it is open.
    open: RwSignal<bool>,
    /// What is in it.
    children: ChildrenFn,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move || {
        let (Some(dialog), open) = (node.get(), open.get()) else { return };
        if open && !dialog.open() {
            let _ = dialog.show_modal();
        } else if !open && dialog.open() {
            dialog.close();
        }
    });
    // A click beside it is a click on the dialog itself: all that is in it lies in one box.
    let beside = move |event: leptos::ev::MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlDialogElement>().ok());
        if target.is_some() {
            open.set(false);
        }
    };
    view! {
        <dialog class="dialog" aria-label=move || title.get() node_ref=node on:close=move |_| open.set(false) on:click=beside>
            <Show when=move || open.get()>
                <div data-part="box">
                    <div data-part="head">
                        <h2>{move || title.get()}</h2>
                        <button
                            class="button"
                            type="button"
                            data-shape="square"
                            data-kind="quiet"
                            aria-label="Close"
                            title="Close"
                            on:click=move |_| open.set(false)
                        >
                            <Icon name="close"/>
                        </button>
                    </div>
                    {children()}
                </div>
            </Show>
        </dialog>
    }
}
