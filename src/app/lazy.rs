//! Pages whose code comes when they are first opened: each is a piece of wasm of its own, so that the first page waits
//! for no other.

use leptos::prelude::*;
use leptos_router::{LazyRoute, lazy_route};

use super::{live::Live, pages};

macro_rules! page {
    ($name:ident, $page:path) => {
        /// The page of the same name.
        #[derive(Debug)]
        pub struct $name;

        #[lazy_route]
        impl LazyRoute for $name {
            fn data() -> Self {
                Self
            }

            fn view(_this: Self) -> AnyView {
                Live::expect().wake();
                $page().into_any()
            }
        }
    };
}

page!(SignIn, pages::sign_in::SignIn);
page!(SetUp, pages::set_up::SetUp);
page!(NowPage, pages::now::NowPage);
page!(Executions, pages::executions::Executions);
page!(ExecutionPage, pages::execution::ExecutionPage);
page!(Workflows, pages::workflows::Workflows);
page!(WorkflowPage, pages::workflow::WorkflowPage);
page!(Check, pages::check::Check);
page!(Profile, pages::settings::Profile);
page!(Settings, pages::settings::Settings);
