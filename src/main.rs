//! The process edge: arguments, log, signals and the exit code.
//!
//! What must be here and nowhere else: reading the real arguments and environment, installing the
//! handlers of signals and panics, and ending the process. Everything else is `cli`, which a test
//! can call. The process ends with the code that `cli::exit` gave, or on a second signal with the
//! signal's own code.

use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::Parser as _;
use migrate::cli::arguments::{Request, Typed};
use migrate::cli::console::Console;
use migrate::cli::wrong_line::{of_another_command, output_of, wrong};
use migrate::cli::{self, Signal};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The first signal that arrived; what it is decides the exit code.
static STOPPED_BY: OnceLock<Signal> = OnceLock::new();

fn main() -> ExitCode {
    if let Some(text) = cli::version::asked_for(std::env::args_os().skip(1)) {
        // A closed stdout is not an error.
        let _ = std::io::stdout().write_all(text.as_bytes());
        return ExitCode::SUCCESS;
    }
    // Read before the parser, so that a program that asked for JSON gets it for a wrong line too.
    let output = output_of(std::env::args_os().skip(1));
    let typed = match Typed::try_parse() {
        Ok(typed) => typed,
        Err(answer) => {
            if let Some(error) = of_another_command(&answer) {
                return ExitCode::from(cli::fail_before_start(&error, output));
            }
            // `--help` and `--version` come this way too. If the stream is closed, only the exit code
            // can tell.
            let _ = answer.print();
            return ExitCode::from(match answer.exit_code() {
                0 => 0,
                _ => cli::finish_with_error(&wrong(&answer), output),
            });
        }
    };
    let request = match typed.meant() {
        Ok(request) => request,
        Err(error) => return ExitCode::from(cli::fail_before_start(&error, output)),
    };
    let console = Console::new(&request);
    cli::log::start(&request, &console);
    keep_memory_out_of_core_dumps();
    panic::set_hook(Box::new(|panic| cli::report_panic(&panic.to_string())));
    // A panic of a worker ends its table; only one of this thread gets here, already printed.
    let code = panic::catch_unwind(AssertUnwindSafe(|| run(request, &console)))
        .unwrap_or_else(|_| cli::finish_with_error(&cli::panicked(), output));
    ExitCode::from(code)
}

/// Memory holds passwords and rows: a core dump of this process, or of a command that it starts, has none of
/// it (core(5), "Controlling which mappings are written to the core dump"). Linux only.
fn keep_memory_out_of_core_dumps() {
    if let Err(error) = std::fs::write("/proc/self/coredump_filter", "0") {
        tracing::debug!(%error, "core dumps would hold memory");
    }
}

/// Runs the command on a runtime of its own and gives its exit code.
fn run(request: Request, console: &Console) -> u8 {
    let output = request.output;
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(cause) => return cli::fail_before_start(&cli::no_runtime(cause), output),
    };
    let code = runtime.block_on(async {
        let cancel = CancellationToken::new();
        if let Err(cause) = listen(cancel.clone()) {
            return cli::fail_before_start(&cli::no_runtime(cause), output);
        }
        cli::execute(request, console, cancel, || STOPPED_BY.get().copied()).await
    });
    // A blocked thread must not delay the exit.
    // The report is written by now. A look-up of a host name, for example, blocks a thread for
    // long.
    runtime.shutdown_background();
    code
}

/// The first signal asks the work to stop, the second ends the process at once. Whenever that is,
/// what was committed is whole and the same command continues.
fn listen(cancel: CancellationToken) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // `nohup` and the like ask to ignore the end of the terminal.
    let mut hangup = if hangup_is_ignored() {
        None
    } else {
        Some(signal(SignalKind::hangup())?)
    };
    tokio::spawn(async move {
        loop {
            let arrived = tokio::select! {
                _ = interrupt.recv() => Signal::Interrupt,
                _ = terminate.recv() => Signal::Terminate,
                Some(()) = next_of(&mut hangup) => Signal::Hangup,
            };
            if STOPPED_BY.set(arrived).is_err() {
                std::process::exit(i32::from(arrived.code()));
            }
            tracing::warn!("stopping; a second signal exits at once");
            cancel.cancel();
        }
    });
    Ok(())
}

/// Waits for ever if the signal is ignored.
async fn next_of(listened: &mut Option<tokio::signal::unix::Signal>) -> Option<()> {
    match listened {
        Some(listened) => listened.recv().await,
        None => std::future::pending().await,
    }
}

/// Whether the parent left SIGHUP ignored: bit 0 of `SigIgn` in /proc/self/status (proc(5)).
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}
