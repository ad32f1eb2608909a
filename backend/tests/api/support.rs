//! What the tests stand on: a whole server without a socket, and the people and machines who call it.

pub mod app;
pub mod client;

pub use app::TestApp;
pub use client::{Answer, Client};

/// What a test returns: the first thing that went wrong.
pub type TestResult = Result<(), Box<dyn std::error::Error>>;
