//! Pages whose code comes when they are first opened, so that the first page waits for no other. Pages that people open one
//! after the other share a piece of wasm: what several pieces need is cut out of them, and with a piece for each page that
//! was a hundred files. A piece that can't be had would end the program, so it is not asked for before a server answers:
//! until then the page that was there stays.

#[cfg(target_arch = "wasm32")]
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use leptos::prelude::*;
use leptos_router::LazyRoute;

use super::{live::Live, pages};

/// Whether a page was asked for since the program began.
#[cfg(target_arch = "wasm32")]
static LOADED: AtomicBool = AtomicBool::new(false);

macro_rules! page {
    ($name:ident, $page:path, $piece:ident: $view:ident, $preload:ident) => {
        /// The page of the same name.
        #[derive(Debug)]
        pub struct $name;

        impl LazyRoute for $name {
            fn data() -> Self {
                Self
            }

            async fn view(_this: Self) -> AnyView {
                $view().await
            }

            async fn preload() {
                // The server asks as well, and has all of it.
                #[cfg(target_arch = "wasm32")]
                {
                    static FETCHED: AtomicBool = AtomicBool::new(false);
                    // The first page was just answered.
                    if !FETCHED.load(Relaxed) && LOADED.swap(true, Relaxed) {
                        crate::browser::http::answer().await;
                    }
                    $preload().await;
                    FETCHED.store(true, Relaxed);
                }
            }
        }

        // Pieces are told apart by their name and this place in this file.
        #[lazy($piece)]
        fn $view() -> AnyView {
            Live::expect().wake();
            $page().into_any()
        }
    };
}

page!(SignIn, pages::sign_in::SignIn, door: sign_in, __preload_sign_in);
page!(SetUp, pages::set_up::SetUp, door: set_up, __preload_set_up);
page!(NowPage, pages::now::NowPage, now: now, __preload_now);
page!(Executions, pages::executions::Executions, executions: executions, __preload_executions);
page!(ExecutionPage, pages::execution::ExecutionPage, execution: execution, __preload_execution);
page!(Workflows, pages::workflows::Workflows, workflows: workflows, __preload_workflows);
page!(WorkflowPage, pages::workflow::WorkflowPage, workflows: workflow, __preload_workflow);
page!(Check, pages::check::Check, workflows: check, __preload_check);
page!(Profile, pages::settings::Profile, settings: profile, __preload_profile);
page!(Settings, pages::settings::Settings, settings: settings, __preload_settings);
