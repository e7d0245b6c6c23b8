//! A form whose fields go to the API as JSON; what is refused is said in it.

use leptos::{ev::SubmitEvent, html::Form, prelude::*};
use serde_json::{Map, Value};
use web_sys::FormData;

use super::moment::hydrated;
use crate::browser::{http, page};

/// What to do with a form: where its fields go. It may take away those that are not meant for the server.
type Address = Box<dyn Fn(&mut Map<String, Value>) -> String + Send + Sync>;

/// A form.
#[component]
pub fn SendForm(
    /// POST, PATCH or DELETE.
    verb: &'static str,
    /// The names of its fields; those that are empty are not sent.
    fields: &'static [&'static str],
    /// Where its fields go.
    address: Address,
    /// What to do with the answer.
    done: Callback<Value>,
    /// What its button says.
    button: &'static str,
    /// `main` or `danger`.
    #[prop(default = "main")]
    kind: &'static str,
    /// Its fields.
    children: Children,
) -> impl IntoView {
    let form = NodeRef::<Form>::new();
    let (wrong, sending, hydrated) = (RwSignal::new(None::<String>), RwSignal::new(false), hydrated());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(form) = form.get_untracked() else { return };
        let Ok(data) = FormData::new_with_form(&form) else { return };
        let filled = |name: &&str| data.get(name).as_string().filter(|text| !text.is_empty());
        let mut body: Map<String, Value> =
            fields.iter().filter_map(|name| Some(((*name).to_owned(), Value::String(filled(name)?)))).collect();
        let path = address(&mut body);
        sending.set(true);
        wrong.set(None);
        leptos::task::spawn_local(async move {
            let answer = http::send(verb, &path, &Value::Object(body)).await;
            sending.try_set(false);
            match answer {
                Ok(answer) => {
                    form.reset();
                    done.run(answer);
                }
                Err(problem) => {
                    let called = |field: &str| page::label_of(&form, field).unwrap_or_else(|| field.to_owned());
                    wrong.try_set(Some(problem.told_of(called)));
                }
            }
        });
    };
    view! {
        <form class="send-form" node_ref=form on:submit=submit>
            {children()}
            <p data-part="error" role="alert">{move || wrong.get()}</p>
            <button class="button" type="submit" data-kind=kind disabled=move || sending.get() || !hydrated.get()>
                {button}
            </button>
        </form>
    }
}
