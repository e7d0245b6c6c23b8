//! What must hold, each as a sentence.

mod house;
