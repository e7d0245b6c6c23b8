//! A stream from the server, as the browser's EventSource reads it.

use std::rc::Rc;

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, EventSource, MessageEvent};

/// An open EventSource; dropping it closes it.
pub struct Link {
    source: EventSource,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Link {
    /// Opens it. `hear` is given each frame, and says whether it took it; if it did not the link is closed, as it is at
    /// any error, also at those that the browser would mend by itself: it would not tell when. Then `hear` is given
    /// none.
    pub fn open(address: &str, hear: impl Fn(Option<String>) -> bool + 'static) -> Option<Self> {
        let source = EventSource::new(address).ok()?;
        let hear = Rc::new(hear);
        let (full, ear) = (source.clone(), hear.clone());
        let on_message = Closure::new(move |event: MessageEvent| {
            if !event.data().as_string().is_none_or(|frame| ear(Some(frame))) {
                full.close();
            }
        });
        let broken = source.clone();
        let on_error = Closure::new(move |_: Event| {
            broken.close();
            hear(None);
        });
        source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Some(Self { source, _on_message: on_message, _on_error: on_error })
    }

    /// Whether nothing more comes.
    pub fn is_closed(&self) -> bool {
        self.source.ready_state() == EventSource::CLOSED
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.source.set_onmessage(None);
        self.source.set_onerror(None);
        self.source.close();
    }
}
