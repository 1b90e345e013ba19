//! Runs a job: the only code that spawns tasks.
