//! The process edge: arguments, tracing, signals and the exit code.

fn main() {}
