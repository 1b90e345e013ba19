//! The parsed job file to the job as meant: every key with its default.
//!
//! Defaults are here and nowhere else; `migrations-config/full.yaml` shows them and a test
//! compares.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::fields::Overridable;
use crate::config::host;
use crate::config::job::{
    Accept, ApplicationIntent, Collations, Computed, Consistency, Encrypt, History, Job, LeftOut,
    Mode, NameStyle, ReportFiles, Retry, RowVersion, SchemaOptions, Source, SourcePool, SslMode,
    TableOverride, Tables, Target, TargetPool, Tls, Transfer, Untranslated, ValuePolicy, Values,
    ValuesOverride, VerifyLevel, Views,
};
use crate::config::problem::Problem;
use crate::config::section::{Gathered, Section};
use crate::config::substitute::Lookup;
use crate::config::units;
use crate::config::yaml::Node;

/// A dozen readers kept a 16-core SQL Server busy in the measurements that this tool grew out of;
/// 24 and 36 were slower.
const SOURCE_CONNECTIONS: usize = 12;
/// PostgreSQL loads with one core per COPY, so fewer writers than readers are enough.
const TARGET_CONNECTIONS: usize = 8;
/// An index build takes a core and maintenance memory of its own: half of the target's connections
/// leave the other half to loading.
const FINISH_CONNECTIONS: usize = 4;
/// PostgreSQL's own 64 MiB make an index of some million rows sort on disk; with four builds at a
/// time this is 1 GiB of the server.
const MAINTENANCE_MEMORY: u64 = 256 << 20;
const MOST_CONNECTIONS: usize = 1000;
/// Readers queue for the pool by design; two minutes of queueing are still work, not a fault.
const SOURCE_ACQUIRE: Duration = Duration::from_secs(120);
const TARGET_ACQUIRE: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(15);
/// What Azure advises for its databases, which may have to be woken first (azure-docs,
/// "Troubleshoot common connection errors").
const SOURCE_CONNECT: Duration = Duration::from_secs(30);
/// Longer than any scan pauses on a busy server, shorter than a night.
const READ: Duration = Duration::from_secs(300);
/// A cold table of 100 GB, read or counted to its end before the first row: 30 MB/s.
const FIRST_ROW: Duration = Duration::from_secs(3600);
/// SQL Server Browser (MC-SQLR 2.1).
const BROWSER_PORT: u16 = 1434;
/// Below this a table is read in a second or two; cutting it costs more than it saves.
const PARTITION_MIN_ROWS: u64 = 500_000;
/// About what half a million rows of a wide table are, and what reading an index for cuts is worth.
const PARTITION_MIN_SIZE: u64 = 1 << 30;
/// Half a second of COPY into one backend, of which two seeks and a claim are a tenth at most.
const PARTITION_MIN_SIZE_DENSE: u64 = 64 << 20;
/// Some seconds of work: what a crash costs at most per partition.
const COMMIT_EVERY: u64 = 64 << 20;

/// `problems` are those that reading and substituting found already.
pub(crate) fn job(
    root: Node,
    stem: &str,
    env: Lookup<'_>,
    problems: Vec<Problem>,
) -> Result<Job, Vec<Problem>> {
    let mut gathered = Gathered {
        env,
        problems,
        settings: Vec::new(),
    };
    let g = &mut gathered;
    let mut top = Section::new(root, "", g);
    let name = name(&mut top, stem, g);
    let mut job = Job {
        name,
        source: source(&mut top, g),
        target: target(&mut top, g),
        tables: tables(&mut top, g),
        types: top.names("types", &[], g),
        transfer: transfer(&mut top, g),
        schema: schema(&mut top, g),
        values: values(&mut top, g),
        verify: verify(&mut top, g),
        report: report(&mut top, g),
        settings: Vec::new(),
    };
    top.finish(g);
    if gathered.problems.is_empty() {
        job.settings = gathered.settings;
        Ok(job)
    } else {
        Err(gathered.problems)
    }
}

fn name(top: &mut Section, stem: &str, g: &mut Gathered<'_>) -> String {
    let name = top.string("job", stem, g);
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        top.problem(
            "job",
            "a job's name is 1 to 200 characters without control characters",
            g,
        );
    }
    name
}

fn source(top: &mut Section, g: &mut Gathered<'_>) -> Source {
    let mut section = top.section("source", g);
    let mut source = Source {
        host: section.required("host", g),
        port: section.optional_number("port", 1..=u16::MAX, g),
        instance: section.optional("instance", g),
        browser_port: section.number("browser_port", BROWSER_PORT, 1..=u16::MAX, g),
        database: section.required("database", g),
        user: section.required("user", g),
        password: section.secret("password", g),
        encrypt: section.choice("encrypt", Encrypt::Required, g),
        tls: section.choice("tls", Tls::Modern, g),
        trust_server_certificate: section.boolean("trust_server_certificate", false, g),
        application_intent: section.choice("application_intent", ApplicationIntent::ReadWrite, g),
        ca_file: section.path("ca_file", g),
        host_name_in_certificate: section.optional("host_name_in_certificate", g),
        connect_timeout: section.duration("connect_timeout", SOURCE_CONNECT, None, g),
        read_timeout: section.duration("read_timeout", READ, None, g),
        first_row_timeout: section.duration("first_row_timeout", FIRST_ROW, None, g),
        pool: source_pool(&mut section, g),
    };
    source_place(&mut source, &section, g);
    source_tls(&source, &section, g);
    section.finish(g);
    source
}

/// A port and an instance may be written with the host, and must then not contradict their own keys.
fn source_place(source: &mut Source, section: &Section, g: &mut Gathered<'_>) {
    if source.host.is_empty() {
        return;
    }
    let written = match host::read(&source.host) {
        Ok(written) => written,
        Err(message) => return section.problem("host", message, g),
    };
    if let Some(port) = written.port {
        if source.port.is_some_and(|other| other != port) {
            section.problem("port", "is not the port that source.host names", g);
        }
        source.port = Some(port);
        section.given_elsewhere("port", port.to_string(), g);
    }
    if let Some(instance) = written.instance {
        let other = source.instance.as_ref();
        if other.is_some_and(|other| !other.eq_ignore_ascii_case(&instance)) {
            section.problem("instance", "is not the instance that source.host names", g);
        }
        section.given_elsewhere("instance", instance.clone(), g);
        source.instance = Some(instance);
    }
    section.given_elsewhere("host", written.host.clone(), g);
    source.host = written.host;
}

fn source_tls(source: &Source, section: &Section, g: &mut Gathered<'_>) {
    if source.tls == Tls::Modern {
        return;
    }
    match source.encrypt {
        _ if !cfg!(feature = "legacy-tls") => section.problem(
            "tls",
            "`legacy` is not in this build of migrate: use the released image, or build it with \
             `--features legacy-tls`",
            g,
        ),
        Encrypt::Strict => section.problem(
            "tls",
            "`legacy` is for old servers; a server that speaks `encrypt: strict` is not one",
            g,
        ),
        Encrypt::Off => section.problem("tls", "`legacy` says nothing under `encrypt: off`", g),
        Encrypt::Required | Encrypt::LoginOnly => {}
    }
}

fn source_pool(source: &mut Section, g: &mut Gathered<'_>) -> SourcePool {
    let mut section = source.section("pool", g);
    let max_connections = section.number_or_env(
        Overridable::new("max_connections", "MAX_MSSQL_CONNECTIONS"),
        SOURCE_CONNECTIONS,
        1..=MOST_CONNECTIONS,
        g,
    );
    let default = (max_connections / 4).max(1);
    let mut min_connections = section.number("min_connections", default, 0..=MOST_CONNECTIONS, g);
    if min_connections > max_connections {
        // Where the environment lowered the cap under what the file warms up, the cap holds.
        if section.overridden("max_connections", g) {
            min_connections = max_connections;
            section.correct("min_connections", max_connections.to_string(), g);
        } else {
            section.problem("min_connections", "is more than max_connections", g);
        }
    }
    let pool = SourcePool {
        max_connections,
        min_connections,
        acquire_timeout: section.duration(
            "acquire_timeout",
            SOURCE_ACQUIRE,
            Some("MAX_MSSQL_ACQUIRE_TIMEOUT"),
            g,
        ),
        test_on_checkout: section.boolean("test_on_checkout", true, g),
    };
    section.finish(g);
    pool
}

fn target(top: &mut Section, g: &mut Gathered<'_>) -> Target {
    let mut section = top.section("target", g);
    let target = Target {
        host: section.required("host", g),
        port: section.number("port", 5432, 1..=u16::MAX, g),
        database: section.required("database", g),
        user: section.required("user", g),
        password: section.secret("password", g),
        sslmode: section.choice("sslmode", SslMode::VerifyFull, g),
        ca_file: section.path("ca_file", g),
        connect_timeout: section.duration("connect_timeout", CONNECT, None, g),
        pool: target_pool(&mut section, g),
        finish_connections: section.number(
            "finish_connections",
            FINISH_CONNECTIONS,
            1..=MOST_CONNECTIONS,
            g,
        ),
        maintenance_work_mem: section.size(
            "maintenance_work_mem",
            MAINTENANCE_MEMORY,
            1 << 20..=1 << 40,
            g,
        ),
        parallel_maintenance_workers: section.number(
            "parallel_maintenance_workers",
            2,
            0..=1024,
            g,
        ),
        schemas: schemas(&mut section, g),
    };
    section.finish(g);
    target
}

/// `dbo` goes to `public` unless the job says otherwise.
fn schemas(target: &mut Section, g: &mut Gathered<'_>) -> BTreeMap<String, String> {
    let mut schemas = target.names("schemas", &[("dbo", "public")], g);
    schemas.retain(|source, schema| {
        let empty = source.is_empty() || schema.is_empty();
        if empty {
            target.problem("schemas", "a schema's name is not empty", g);
        }
        !empty
    });
    schemas
}

fn target_pool(target: &mut Section, g: &mut Gathered<'_>) -> TargetPool {
    let mut section = target.section("pool", g);
    let pool = TargetPool {
        max_connections: section.number_or_env(
            Overridable::new("max_connections", "MAX_PG_CONNECTIONS"),
            TARGET_CONNECTIONS,
            1..=MOST_CONNECTIONS,
            g,
        ),
        acquire_timeout: section.duration("acquire_timeout", TARGET_ACQUIRE, None, g),
    };
    section.finish(g);
    pool
}

fn tables(top: &mut Section, g: &mut Gathered<'_>) -> Tables {
    let mut section = top.section("tables", g);
    let include = patterns(&mut section, "include", g);
    let exclude = patterns(&mut section, "exclude", g);
    let mut overrides = BTreeMap::new();
    let mut written = section.section("overrides", g);
    for entry in written.take_rest() {
        let path = written.path_of(&entry.key);
        if !entry.key.contains('.') {
            let message = "a table is named `schema.table`";
            g.problem(entry.at, &path, message);
        }
        let fields = Section::new(entry.node, &path, g);
        overrides.insert(entry.key, table_override(fields, g));
    }
    section.finish(g);
    Tables {
        include,
        exclude,
        overrides,
    }
}

fn patterns(section: &mut Section, key: &'static str, g: &mut Gathered<'_>) -> Vec<String> {
    let path = section.path_of(key);
    let mut patterns = Vec::new();
    for (pattern, at) in section.list(key, g) {
        if !pattern.contains('.') {
            let message = "a pattern is `schema.table`, as `dbo.*` or `*.Posts`";
            g.problem(at, &path, message);
        }
        patterns.push(pattern);
    }
    patterns
}

fn table_override(mut section: Section, g: &mut Gathered<'_>) -> TableOverride {
    let filter = section.optional("where", g);
    let mut columns = section.section("columns", g);
    let exclude_columns = columns.list("exclude", g);
    let rename_columns = columns.names("rename", &[], g);
    columns.finish(g);
    let rename = section.optional("rename", g);
    if filter
        .as_ref()
        .is_some_and(|filter| filter.trim().is_empty())
    {
        section.problem("where", "has no condition", g);
    }
    if rename.as_ref().is_some_and(String::is_empty) {
        section.problem("rename", "a table's name is not empty", g);
    }
    let partitions = section.optional_number("partitions", 1..=1024, g);
    let types = section.names("types", &[], g);
    let values = column_values(&mut section, g);
    let accept = accept(&mut section, g);
    let without = section.list("without", g).into_iter();
    let without = without.map(|(name, at)| LeftOut {
        name,
        line: at.line,
    });
    let without = without.collect();
    section.finish(g);
    TableOverride {
        filter,
        exclude_columns: exclude_columns.into_iter().map(|(name, _)| name).collect(),
        rename,
        rename_columns,
        partitions,
        types,
        values,
        accept,
        without,
    }
}

fn accept(section: &mut Section, g: &mut Gathered<'_>) -> Accept {
    let path = section.path_of("accept");
    let mut accept = Accept::default();
    for (word, at) in section.list("accept", g) {
        match word.as_str() {
            "masked" => accept.masked = true,
            "filtered" => accept.filtered = true,
            _ => g.problem(at, &path, "expected one of masked, filtered"),
        }
    }
    accept
}

fn transfer(top: &mut Section, g: &mut Gathered<'_>) -> Transfer {
    let mut section = top.section("transfer", g);
    let mode = section.choice("mode", Mode::Create, g);
    let consistency = section.choice("consistency", Consistency::Strict, g);
    if consistency == Consistency::DatabaseSnapshot {
        section.unavailable("consistency", consistency.word(), g);
    }
    let rows = section.number("partition_min_rows", PARTITION_MIN_ROWS, 1..=u64::MAX, g);
    let either = format!(
        "{}, or {} if sampled",
        units::show_size(PARTITION_MIN_SIZE_DENSE),
        units::show_size(PARTITION_MIN_SIZE)
    );
    let size = section.optional_size("partition_min_size", &either, 1024..=1 << 50, g);
    let transfer = Transfer {
        mode,
        consistency,
        max_partitions_per_table: section.number("max_partitions_per_table", 8, 1..=1024, g),
        partition_min_rows: rows,
        partition_min_size: size.unwrap_or(PARTITION_MIN_SIZE),
        partition_min_size_dense: size.unwrap_or(PARTITION_MIN_SIZE_DENSE),
        commit_every: section.size("commit_every", COMMIT_EVERY, 1024..=16 << 30, g),
        unlogged_load: section.boolean("unlogged_load", false, g),
        synchronous_commit: section.boolean("synchronous_commit", false, g),
        vacuum: section.boolean("vacuum", false, g),
        split_stragglers: section.boolean("split_stragglers", true, g),
        partitions_in_flight: section.optional_number(
            "partitions_in_flight",
            1..=MOST_CONNECTIONS,
            g,
        ),
        retry: retry(&mut section, g),
    };
    section.finish(g);
    transfer
}

fn retry(transfer: &mut Section, g: &mut Gathered<'_>) -> Retry {
    let mut section = transfer.section("retry", g);
    let second = Duration::from_secs(1);
    let retry = Retry {
        attempts: section.number("attempts", 10, 1..=100, g),
        initial_backoff: section.duration("initial_backoff", second, None, g),
        max_backoff: section.duration("max_backoff", 60 * second, None, g),
        at_start: section.duration("at_start", 30 * second, None, g),
    };
    if retry.max_backoff < retry.initial_backoff {
        section.problem("max_backoff", "is less than initial_backoff", g);
    }
    section.finish(g);
    retry
}

fn schema(top: &mut Section, g: &mut Gathered<'_>) -> SchemaOptions {
    let mut section = top.section("schema", g);
    let options = SchemaOptions {
        names: section.choice("names", NameStyle::Lowercase, g),
        indexes: section.boolean("indexes", true, g),
        foreign_keys: section.boolean("foreign_keys", true, g),
        checks: section.boolean("checks", true, g),
        defaults: section.boolean("defaults", true, g),
        identity: section.boolean("identity", true, g),
        computed: section.choice("computed", Computed::Generated, g),
        comments: section.boolean("comments", true, g),
        sequences: section.boolean("sequences", true, g),
        views: section.choice("views", Views::None, g),
        collations: section.choice("collations", Collations::Plain, g),
        untranslated: section.choice("untranslated", Untranslated::Report, g),
        rowversion: section.choice("rowversion", RowVersion::Bytes, g),
        history: section.choice("history", History::None, g),
    };
    section.finish(g);
    options
}

fn values(top: &mut Section, g: &mut Gathered<'_>) -> Values {
    let mut section = top.section("values", g);
    let mut policy = |key| section.choice(key, ValuePolicy::Error, g);
    let values = Values {
        nul_characters: policy("nul_characters"),
        unpaired_surrogates: policy("unpaired_surrogates"),
        undecodable: policy("undecodable"),
        out_of_range: policy("out_of_range"),
    };
    check_range(&section, Some(values.out_of_range), g);
    section.finish(g);
    values
}

/// `values:` of an override: column to what differs from the job's own.
fn column_values(table: &mut Section, g: &mut Gathered<'_>) -> BTreeMap<String, ValuesOverride> {
    let mut written = table.section("values", g);
    let mut columns = BTreeMap::new();
    for entry in written.take_rest() {
        let path = written.path_of(&entry.key);
        let mut section = Section::new(entry.node, &path, g);
        let mut policy = |key| section.optional_choice(key, g);
        let values = ValuesOverride {
            nul_characters: policy("nul_characters"),
            unpaired_surrogates: policy("unpaired_surrogates"),
            undecodable: policy("undecodable"),
            out_of_range: policy("out_of_range"),
        };
        check_range(&section, values.out_of_range, g);
        section.finish(g);
        columns.insert(entry.key, values);
    }
    columns
}

fn check_range(section: &Section, policy: Option<ValuePolicy>, g: &mut Gathered<'_>) {
    if matches!(policy, Some(ValuePolicy::Strip | ValuePolicy::Replace)) {
        let message = "strip and replace are for text only; expected one of error, reject";
        section.problem("out_of_range", message, g);
    }
}

fn verify(top: &mut Section, g: &mut Gathered<'_>) -> VerifyLevel {
    top.choice("verify", VerifyLevel::Counts, g)
}

fn report(top: &mut Section, g: &mut Gathered<'_>) -> ReportFiles {
    let mut section = top.section("report", g);
    let files = ReportFiles {
        json: section.path("json", g),
        html: section.path("html", g),
    };
    section.finish(g);
    files
}
