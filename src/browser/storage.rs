//! What this browser keeps for itself: looks, switches, what is followed. Nothing secret.

/// What was kept under a name.
pub fn kept(name: &str) -> Option<String> {
    storage()?.get_item(name).ok().flatten()
}

/// Keeps a text under a name, or nothing. A browser that keeps nothing is no reason to stop.
pub fn keep(name: &str, text: Option<&str>) {
    let Some(storage) = storage() else { return };
    let _ = match text {
        Some(text) => storage.set_item(name, text),
        None => storage.remove_item(name),
    };
}

/// Keeps a text for this tab, until it is taken or the tab is closed.
pub fn keep_for_tab(name: &str, text: &str) {
    if let Some(storage) = of_tab() {
        let _ = storage.set_item(name, text);
    }
}

/// Takes what was kept for this tab under a name.
pub fn take_for_tab(name: &str) -> Option<String> {
    let storage = of_tab()?;
    let text = storage.get_item(name).ok()??;
    let _ = storage.remove_item(name);
    Some(text)
}

fn of_tab() -> Option<web_sys::Storage> {
    web_sys::window()?.session_storage().ok().flatten()
}

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok().flatten()
}
