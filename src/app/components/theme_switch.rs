//! Light, dark, or as the system has it, in turn.

use leptos::prelude::*;

use super::icon::Icon;
use crate::{app::looks::Looks, browser::theme::Theme};

/// The switch.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    let looks = Looks::expect();
    let icon = Signal::derive(move || match looks.theme.get() {
        Theme::System => "theme",
        Theme::Light => "sun",
        Theme::Dark => "moon",
    });
    let label = move || format!("Theme: {}", looks.theme.get().word());
    let switch = move |_| looks.show(looks.theme.get_untracked().next());
    view! {
        <button class="button" type="button" data-shape="square" data-kind="quiet" aria-label=label title=label on:click=switch>
            <Icon name=icon/>
        </button>
    }
}
