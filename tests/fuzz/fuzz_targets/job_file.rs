//! Any text as a job file: a job, or problems that each have their place.

#![no_main]

use std::ffi::OsString;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // No file of this machine is read, so that a finding is one everywhere.
    if text.contains("${file:") {
        return;
    }
    let env = |name: &str| (name.len() % 2 == 0).then(|| OsString::from(name));
    match migrate::config::parse(text, "fuzz", &env) {
        Ok(job) => assert!(!job.name.is_empty()),
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in problems {
                assert!(!problem.message.is_empty(), "{problem}");
            }
        }
    }
});
