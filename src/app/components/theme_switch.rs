//! Light, dark, or as the system has it, in turn.

use leptos::prelude::*;

use super::icon::Icon;
use crate::browser::theme::Theme;

/// The switch.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    let theme = RwSignal::new(Theme::System);
    Effect::new(move || theme.set(Theme::kept()));
    let icon = Signal::derive(move || match theme.get() {
        Theme::System => "theme",
        Theme::Light => "sun",
        Theme::Dark => "moon",
    });
    let label = move || format!("Theme: {}", theme.get().word());
    let switch = move |_| {
        let next = theme.get_untracked().next();
        next.choose();
        theme.set(next);
    };
    view! {
        <button class="button" type="button" data-shape="square" data-kind="quiet" aria-label=label title=label on:click=switch>
            <Icon name=icon/>
        </button>
    }
}
