//! What must hold, each as a sentence.

mod again;
mod app;
mod citizen;
mod command;
mod crash;
mod cut;
mod dice;
mod disk;
mod engine;
mod estimates;
mod history;
mod house;
mod input;
mod live;
mod load;
mod mix;
mod privacy;
mod quiet;
mod resume;
mod secrecy;
mod soak;
mod stream;
mod turn;
mod wire;
mod witness;
