//! What must hold, each as a sentence.

mod engine;
mod house;
