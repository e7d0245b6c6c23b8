//! What only a browser does.
//!
//! It compiles for the server too, so that nothing here needs a gate; but the server never calls it: the app does so
//! in effects and event handlers only, and the server runs neither.

pub mod address;
pub mod editor;
pub mod feed;
pub mod focus;
pub mod glide;
pub mod http;
pub mod keys;
pub mod page;
mod script;
pub mod sizes;
pub mod storage;
pub mod theme;
pub mod time;
