//! Databases, sessions and connections.

use crate::engine::catalog::build::{Build, NULL, T, at, b, bytes, i, s};
use crate::engine::model::facts::Facts;
use crate::types::Value;

pub(super) fn view(facts: &Facts, name: &str) -> Option<Build> {
    Some(match name {
        "databases" => databases(facts),
        "sysdatabases" => {
            let mut v = Build::new(&[
                ("name", T::Name),
                ("dbid", T::Small),
                ("sid", T::Binary),
                ("crdate", T::Date),
                ("cmptlevel", T::Tiny),
            ]);
            for d in facts.state.databases.values() {
                v.row(vec![
                    s(&d.name),
                    i(d.id),
                    bytes(&[1]),
                    at(d.created),
                    i(160),
                ]);
            }
            v
        }
        "dm_exec_sessions" => sessions(facts),
        "dm_exec_connections" => connections(facts),
        "dm_exec_requests" => Build::new(&[
            ("session_id", T::Small),
            ("request_id", T::Int),
            ("status", T::Desc),
            ("command", T::Desc),
            ("wait_type", T::Desc),
        ]),
        "configurations" => Build::new(&[
            ("configuration_id", T::Int),
            ("name", T::Desc),
            ("value", T::Int),
            ("value_in_use", T::Int),
        ]),
        "database_files" | "master_files" => files(facts),
        _ => return None,
    })
}

/// A file of rows and one of the log, of the size that a new database has.
fn files(facts: &Facts) -> Build {
    let mut v = Build::new(&[
        ("database_id", T::Int),
        ("file_id", T::Int),
        ("type", T::Tiny),
        ("type_desc", T::Desc),
        ("name", T::Name),
        ("physical_name", T::Text),
        ("size", T::Int),
    ]);
    let id = facts
        .state
        .database(&facts.database)
        .map_or(NULL, |d| i(d.id));
    for (number, kind, words, suffix) in [(1, 0, "ROWS", ""), (2, 1, "LOG", "_log")] {
        let name = format!("{}{suffix}", facts.database);
        v.row(vec![
            id.clone(),
            i(number),
            i(kind),
            s(words),
            s(&name),
            s(&name),
            i(1024),
        ]);
    }
    v
}

fn databases(facts: &Facts) -> Build {
    let mut v = Build::new(&[
        ("name", T::Name),
        ("database_id", T::Int),
        ("source_database_id", T::Int),
        ("owner_sid", T::Binary),
        ("create_date", T::Date),
        ("compatibility_level", T::Tiny),
        ("collation_name", T::Name),
        ("user_access", T::Tiny),
        ("user_access_desc", T::Desc),
        ("is_read_only", T::Bit),
        ("is_auto_close_on", T::Bit),
        ("is_auto_shrink_on", T::Bit),
        ("state", T::Tiny),
        ("state_desc", T::Desc),
        ("is_in_standby", T::Bit),
        ("snapshot_isolation_state", T::Tiny),
        ("snapshot_isolation_state_desc", T::Desc),
        ("is_read_committed_snapshot_on", T::Bit),
        ("recovery_model", T::Tiny),
        ("recovery_model_desc", T::Desc),
        ("is_encrypted", T::Bit),
        ("is_cdc_enabled", T::Bit),
        ("containment", T::Tiny),
        ("service_broker_guid", T::Guid),
    ]);
    let mut all: Vec<_> = facts.state.databases.values().collect();
    all.sort_by_key(|d| d.id);
    for d in all {
        // Snapshot isolation is always on in master and msdb.
        let snapshot = d.snapshot_isolation || matches!(d.id, 1 | 4);
        v.row(vec![
            s(&d.name),
            i(d.id),
            NULL,
            bytes(&[1]),
            at(d.created),
            i(160),
            s(&d.collation.name),
            i(0),
            s("MULTI_USER"),
            b(d.read_only),
            b(false),
            b(false),
            i(0),
            s("ONLINE"),
            b(false),
            i(i32::from(snapshot)),
            s(if snapshot { "ON" } else { "OFF" }),
            b(d.read_committed_snapshot),
            i(3),
            s("SIMPLE"),
            b(false),
            b(false),
            i(0),
            Value::Guid(d.guid),
        ]);
    }
    v
}

fn sessions(facts: &Facts) -> Build {
    let mut v = Build::new(&[
        ("session_id", T::Small),
        ("login_name", T::Name),
        ("host_name", T::Name),
        ("program_name", T::Name),
        ("status", T::Desc),
        ("database_id", T::Small),
        ("is_user_process", T::Bit),
        ("transaction_isolation_level", T::Small),
        ("original_login_name", T::Name),
    ]);
    let id = |name: &str| facts.state.database(name).map_or(NULL, |d| i(d.id));
    for c in facts.connections.iter() {
        let own = c.session_id == facts.spid;
        let level = if own { i64::from(facts.isolation) } else { 2 };
        v.row(vec![
            i(c.session_id),
            s(&c.login),
            s(&c.host),
            s(&c.program),
            s(if own { "running" } else { "sleeping" }),
            id(&c.database),
            b(true),
            i(level),
            s(&c.login),
        ]);
    }
    if !facts.connections.iter().any(|c| c.session_id == facts.spid) {
        let level = i(facts.isolation);
        v.row(vec![
            i(facts.spid),
            s(&facts.user),
            NULL,
            NULL,
            s("running"),
            id(&facts.database),
            b(true),
            level,
            s(&facts.user),
        ]);
    }
    v
}

fn connections(facts: &Facts) -> Build {
    let mut v = Build::new(&[
        ("session_id", T::Int),
        ("net_transport", T::Desc),
        ("protocol_type", T::Desc),
        ("encrypt_option", T::Desc),
        ("auth_scheme", T::Desc),
        ("net_packet_size", T::Int),
        ("client_net_address", T::Desc),
    ]);
    for c in facts.connections.iter() {
        let encrypted = s(if c.encrypted { "TRUE" } else { "FALSE" });
        v.row(vec![
            i(c.session_id),
            s("TCP"),
            s("TSQL"),
            encrypted,
            s(c.auth_scheme),
            i(i64::from(c.packet_size)),
            s(&c.client_address),
        ]);
    }
    v
}
