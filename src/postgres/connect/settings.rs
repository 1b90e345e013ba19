//! What a session is set to, whatever the defaults of the server, the database and the role are.
//!
//! The lists below are the whole of it: nothing later in a session changes a setting but for its
//! own transaction, `finish::set_maintenance`, and `lock`, which has its own connection.

use tokio_postgres::{Client, SimpleQueryMessage};
use tracing::debug;

/// First and by itself: the role's own limit would hold for the statement that sets the rest.
const NO_TIMEOUT: &str = "SET statement_timeout = 0";

/// What a load needs. A load may take hours and be idle in its transaction while the source is slow;
/// only locks are not waited for endlessly. What is recorded as done is on disk, also if commits do
/// not wait by default: a load says in its own transactions where that may come later.
///
/// The list has each setting that a role can have (PostgreSQL documentation, "Client Connection Defaults",
/// "Version and Platform Compatibility", "Error Handling") and that decides how statements and literals
/// are read or how values are written. What decides on cost, place and logging (`work_mem`,
/// `default_tablespace`, `role`, `session_replication_role`, planner settings) stays the operator's.
/// Settings that this server version does not know are left out by the query. A search path keeps
/// its schemas, finds PostgreSQL's own names first and those of `public` last.
const SETTINGS: &str = "\
SELECT pg_catalog.set_config(s.name, v.value, false) \
FROM (VALUES ('statement_timeout', '0'), ('lock_timeout', '60s'), ('transaction_timeout', '0'), \
('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0'), \
('DateStyle', 'ISO, MDY'), ('IntervalStyle', 'postgres'), ('TimeZone', 'UTC'), \
('timezone_abbreviations', 'Default'), ('extra_float_digits', '1'), ('bytea_output', 'hex'), \
('xmloption', 'content'), ('xmlbinary', 'base64'), ('lc_monetary', 'C'), ('lc_numeric', 'C'), \
('lc_time', 'C'), ('client_min_messages', 'warning'), ('exit_on_error', 'off'), \
('default_transaction_read_only', 'off'), ('default_transaction_isolation', 'read committed'), \
('default_transaction_deferrable', 'off'), ('standard_conforming_strings', 'on'), \
('backslash_quote', 'safe_encoding'), ('escape_string_warning', 'on'), ('array_nulls', 'on'), \
('transform_null_equals', 'off'), ('quote_all_identifiers', 'off'), ('row_security', 'on'), \
('restrict_nonsystem_relation_kind', ''), ('check_function_bodies', 'on'), \
('synchronous_commit', \
pg_catalog.replace(pg_catalog.current_setting('synchronous_commit'), 'off', 'on')), \
('search_path', (SELECT pg_catalog.concat_ws(',', pg_catalog.string_agg(p.name, ',' ORDER BY p.at), \
'public') FROM pg_catalog.unnest(pg_catalog.string_to_array(\
pg_catalog.current_setting('search_path'), ',')) WITH ORDINALITY AS p(name, at) \
WHERE pg_catalog.btrim(p.name, ' \"') NOT IN ('', 'pg_catalog')))) \
AS v(name, value) JOIN pg_catalog.pg_settings s ON s.name = v.name";

/// The server looks now and then whether this process still lives: else what a killed one began,
/// an index of an hour, would keep its locks from the run that continues. Since version 14, and
/// refused on systems that cannot tell (PostgreSQL documentation, "TCP Settings").
const NOTICE_OUR_END: &str = "\
SELECT pg_catalog.set_config(s.name, '5s', false) FROM pg_catalog.pg_settings s \
WHERE s.name = 'client_connection_check_interval'";

/// Whether transactions of a new session may write (PostgreSQL documentation, `target_session_attrs`). The simple
/// protocol, which a pooler of any mode takes.
pub(super) async fn takes_writes(client: &Client) -> Result<bool, tokio_postgres::Error> {
    let messages = client.simple_query("SHOW transaction_read_only").await?;
    let value = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(value == Some("off"))
}

/// Sets a new session up, in one round trip.
/// All three are sent at once and answered in order.
///
/// # Errors
/// The server refused one of the first two, or the connection broke.
pub(super) async fn apply(client: &Client) -> Result<(), tokio_postgres::Error> {
    let (timeout, settings, check) = tokio::join!(
        client.simple_query(NO_TIMEOUT),
        client.simple_query(SETTINGS),
        client.simple_query(NOTICE_OUR_END),
    );
    timeout?;
    settings?;
    match check {
        Err(error) if error.as_db_error().is_none() => return Err(error),
        Err(error) => debug!(%error, "the target's system does not notice closed connections"),
        Ok(_) => {}
    }
    Ok(())
}
