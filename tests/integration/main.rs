//! What must hold, each as a sentence.

mod app;
mod command;
mod engine;
mod history;
mod house;
mod input;
mod live;
mod load;
mod privacy;
mod resume;
mod secrecy;
mod stream;
