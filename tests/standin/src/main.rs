//! The stand-in as a program: listens, loads scripts and samples, commits faults on request.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, ValueEnum};
use standin::engine::{Engine, Options, batches};
use standin::fault::FaultSpec;
use standin::load::{self, Sample};
use standin::sample::Wide;
use standin::server::{MOST_PACKET, Server, ServerHandle, ServerOptions};
use standin::session::Session;
use standin::types::SqlError;
use standin::wire::{Domain, Doors, TlsMode};

/// A small SQL Server for tests, demo and benchmarks.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where clients connect; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:1433")]
    listen: SocketAddr,
    /// Port for `stats`, `work`, `work-by-text`, `reset-work`, `fault SPEC`, `clear`, `reset-peak`, `log on|off`, `log`, `drop-connections`
    #[arg(long)]
    admin: Option<SocketAddr>,
    /// UDP port that tells where the named instance listens (1434 on a real server)
    #[arg(long)]
    browser: Option<SocketAddr>,
    /// The longest packet that a login is granted
    #[arg(long, default_value_t = MOST_PACKET, value_parser = clap::value_parser!(u32).range(512..=i64::from(MOST_PACKET)))]
    most_packet: u32,
    /// Name of the instance
    #[arg(long, default_value = "MSSQLSERVER")]
    instance: String,
    #[arg(long, default_value = "sa")]
    user: String,
    /// Better in the environment: a command line is there for all to read
    #[arg(long, env = "STANDIN_PASSWORD", hide_env_values = true)]
    password: String,
    /// `DOMAIN\USER`, which may log in by NTLM with the same password; may be repeated
    #[arg(long = "windows-account")]
    windows_accounts: Vec<String>,
    /// Keys of the service `MSSQLSvc/...`: tickets of Kerberos are taken
    #[arg(long)]
    keytab: Option<PathBuf>,
    /// A file with an access token that is taken; its user is called after the file
    #[arg(long = "access-token-file")]
    token_files: Vec<PathBuf>,
    /// Refuses SQL Server logins ("Windows Authentication mode")
    #[arg(long)]
    windows_only: bool,
    /// What the server insists on
    #[arg(long, value_enum, default_value_t = Tls::Optional)]
    tls: Tls,
    /// Names and addresses in the server's certificate
    #[arg(long = "certificate-name", default_values = ["localhost", "127.0.0.1"])]
    certificate_names: Vec<String>,
    /// Writes the certificate of the authority, for clients that verify
    #[arg(long)]
    cert_out: Option<PathBuf>,
    /// Writes the server's own certificate, for clients that pin it
    #[arg(long)]
    server_cert_out: Option<PathBuf>,
    /// Writes the address that clients connect to, once everything is loaded
    #[arg(long)]
    address_out: Option<PathBuf>,
    /// Created at start; scripts and the sample go there
    #[arg(long)]
    database: Option<String>,
    /// T-SQL to run at start, batches separated by GO; may be repeated
    #[arg(long)]
    script: Vec<PathBuf>,
    /// T-SQL to run after the sample and the generated tables are filled; may be repeated
    #[arg(long)]
    script_after: Vec<PathBuf>,
    /// Stops when a script has an error, instead of reporting it and going on
    #[arg(long)]
    stop_on_error: bool,
    /// `stackoverflow:ROWS`; `benchmark:ROWS` with texts of one width; `scale:ROWS` with dense keys and
    /// short texts, made when it is read and never stored
    #[arg(long)]
    sample: Option<Sample>,
    /// `NAME:ROWS:BYTES`: a table with an int key and a text of that many bytes, made when it is read
    /// and never stored; may be repeated
    #[arg(long)]
    generated: Vec<Wide>,
    /// `query governor cost limit`: statements that read more than about this many thousand rows are
    /// refused (8649) in sessions that do not lift it; 0 is no limit
    #[arg(long, default_value_t = Options::default().cost_limit)]
    cost_limit: u64,
    /// `action[:key=value,...]`, such as `drop:rows=1000,times=forever,match=dbo.Posts`; may be repeated
    #[arg(long)]
    fault: Vec<FaultSpec>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Tls {
    Off,
    Optional,
    Required,
    Strict,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(_server) => loop {
            // Connections have threads of their own; a signal ends the process.
            std::thread::park();
        },
        Err(failure) => {
            report(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ServerHandle, Failure> {
    let logins = vec![(arguments.user.clone(), arguments.password.clone())];
    let engine = Engine::new(Options {
        logins,
        cost_limit: arguments.cost_limit,
        ..Options::default()
    });
    fill(arguments, &engine)?;
    let options = ServerOptions {
        doors: doors(arguments)?,
        ..server_options(arguments)
    };
    let server = Server::with_engine(options, &engine)?;
    for fault in &arguments.fault {
        server.faults().add(fault.clone());
    }
    let address = server.address().to_string();
    for (path, contents) in [
        (&arguments.cert_out, server.ca_pem()),
        (&arguments.server_cert_out, server.server_pem()),
        (&arguments.address_out, &address),
    ] {
        if let Some(path) = path {
            std::fs::write(path, contents)
                .map_err(|cause| format!("{}: {cause}", path.display()))?;
        }
    }
    report(&format!("listening on {address}"));
    Ok(server)
}

fn doors(arguments: &Arguments) -> Result<Doors, Failure> {
    let mut domain: Option<Domain> = None;
    for account in &arguments.windows_accounts {
        let (name, user) = account
            .split_once('\\')
            .ok_or_else(|| format!("{account}: not DOMAIN\\USER"))?;
        let account = (user.to_owned(), arguments.password.clone());
        let known = domain.get_or_insert_with(|| Domain {
            name: name.to_owned(),
            accounts: Vec::new(),
        });
        known.accounts.push(account);
    }
    let mut tokens = Vec::new();
    for path in &arguments.token_files {
        let token = std::fs::read_to_string(path)
            .map_err(|cause| format!("{}: {cause}", path.display()))?;
        let name = path.file_stem().unwrap_or_default();
        tokens.push((token.trim().to_owned(), name.to_string_lossy().into_owned()));
    }
    Ok(Doors {
        domain,
        keytab: arguments.keytab.clone(),
        tokens,
        windows_only: arguments.windows_only,
        impostor: false,
    })
}

fn server_options(arguments: &Arguments) -> ServerOptions {
    ServerOptions {
        listen: arguments.listen,
        tls: match arguments.tls {
            Tls::Off => TlsMode::NotSupported,
            Tls::Optional => TlsMode::Optional,
            Tls::Required => TlsMode::Required,
            Tls::Strict => TlsMode::Strict,
        },
        certificate_names: arguments.certificate_names.clone(),
        instance: arguments.instance.clone(),
        admin: arguments.admin,
        browser: arguments.browser,
        most_packet: arguments.most_packet,
        ..ServerOptions::default()
    }
}

/// The database, the scripts, the sample, the generated tables and the scripts after them, in this order.
fn fill(arguments: &Arguments, engine: &Arc<Engine>) -> Result<(), Failure> {
    let login = engine.login(&arguments.user, &arguments.password, None);
    let mut session = login.map_err(|error| error.message)?;
    let session = session.as_mut();
    if let Some(database) = &arguments.database {
        let (text, name) = (database.replace('\'', "''"), database.replace(']', "]]"));
        let create = format!("IF DB_ID(N'{text}') IS NULL CREATE DATABASE [{name}]");
        for batch in [create, format!("USE [{name}]")] {
            load::run_batch(session, &batch, &mut |_| {}).map_err(|error| error.message)?;
        }
    }
    for path in &arguments.script {
        run_script(path, session, arguments.stop_on_error)?;
    }
    for table in arguments.sample.iter().flat_map(Sample::tables) {
        let database = session.database().to_owned();
        let mut store =
            |name: &str, rows: load::Rows| engine.bulk_load(&database, "dbo", name, rows);
        load::create_and_fill(session, table.as_ref(), &mut store)
            .map_err(|error| error.message)?;
    }
    for made in arguments.sample.iter().flat_map(Sample::made) {
        engine
            .add_generated_table(session.database(), made.ddl, made.rows, made.generator)
            .map_err(|error| error.message)?;
    }
    for wide in &arguments.generated {
        engine
            .add_generated_table(
                session.database(),
                &wide.ddl(),
                wide.rows(),
                wide.generator(),
            )
            .map_err(|error| error.message)?;
    }
    for path in &arguments.script_after {
        run_script(path, session, arguments.stop_on_error)?;
    }
    Ok(())
}

fn run_script(path: &Path, session: &mut dyn Session, stop_on_error: bool) -> Result<(), Failure> {
    let place = path.display();
    let script = std::fs::read_to_string(path).map_err(|cause| format!("{place}: {cause}"))?;
    for (index, batch) in batches(&script).iter().enumerate() {
        let place = format!("{place}: batch {}", index + 1);
        let mut print = |message: &SqlError| {
            report(&format!(
                "{place}, line {}: {} ({})",
                message.line, message.message, message.number
            ));
        };
        let outcome = load::run_batch(session, batch, &mut print);
        if stop_on_error && outcome.is_err() {
            return Err(format!("{place} failed").into());
        }
    }
    Ok(())
}

/// To standard error; nobody is left to tell when that fails.
fn report(line: &str) {
    let _ = writeln!(std::io::stderr(), "standin: {line}");
}
