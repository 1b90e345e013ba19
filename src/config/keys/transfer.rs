//! The keys of the section `transfer`.

use std::time::Duration;

use crate::config::job::{Consistency, Mode};
use crate::config::keys::{Key, Kind, MOST_CONNECTIONS, Preset};

/// About what half a million rows of a wide table are, and what reading an index for cuts is worth.
pub(crate) const PARTITION_MIN_SIZE: u64 = 1 << 30;
/// Half a second of COPY into one backend, of which two seeks and a claim are a tenth at most.
pub(crate) const PARTITION_MIN_SIZE_DENSE: u64 = 64 << 20;

pub(super) static TRANSFER: &[Key] = &[
    Key::choice::<Mode>(
        "mode",
        "create",
        "For target tables that exist: create refuses them, replace drops them, truncate empties them, append \
         adds to them.",
    ),
    Key::choice::<Consistency>(
        "consistency",
        "strict",
        "strict: no NOLOCK anywhere. snapshot: under SNAPSHOT isolation. relaxed: NOLOCK, and the report says \
         so. database_snapshot is not available yet. Memory-optimised tables are read WITH (SNAPSHOT) under \
         each of them, because SQL Server requires it.",
    ),
    Key::number(
        "max_partitions_per_table",
        8,
        (1, 1024),
        "the most parts that are read at the same time",
    ),
    // Below this a table is read in a second or two; cutting it costs more than it saves.
    Key::number(
        "partition_min_rows",
        500_000,
        (1, u64::MAX),
        "A table is divided if it has at least twice these rows or twice partition_min_size.",
    ),
    Key::size(
        "partition_min_size",
        Preset::Other("64MiB, or 1GiB if sampled"),
        (1024, 1 << 50),
        "The size is the source's count of used pages, if the login may see it; it divides tables of few large \
         values. 64MiB holds if cut points cost two seeks (a clustered key of one integer with few gaps, no \
         `where`), 1GiB if they come from a sample of the table's pages. A size applies to both.",
    ),
    // Some seconds of work.
    Key::size(
        "commit_every",
        Preset::Value(64 << 20),
        (1024, 16 << 30),
        "the most that a crash costs a partition; see `migrate tune`",
    ),
    Key::boolean(
        "unlogged_load",
        false,
        "UNLOGGED while loading, LOGGED before the run ends",
    ),
    Key::boolean(
        "synchronous_commit",
        false,
        "false: commits within a partition do not wait for the disk. A crash of PostgreSQL can undo the last \
         of them, rows with their checkpoint, and the run continues from there. The commit that ends a \
         partition, a table or the run does wait. true: every commit waits.",
    ),
    Key::boolean(
        "vacuum",
        false,
        "VACUUM each table after the load, for its visibility map",
    ),
    Key::boolean(
        "split_stragglers",
        true,
        "When workers have nothing left to do, a partition that would take seconds more is divided at what is \
         left of its key range. A table never has more unfinished partitions than max_partitions_per_table.",
    ),
    Key::optional_number(
        "partitions_in_flight",
        "follows the measured speed, within the caps of both pools",
        (1, MOST_CONNECTIONS),
        "How many partitions are loaded at a time. A number fixes it (the caps of both pools still apply).",
    ),
    Key::new(
        "retry",
        Kind::Section(RETRY),
        "Of faults that pass, from the last committed key.",
    ),
];

static RETRY: &[Key] = &[
    Key::number(
        "attempts",
        10,
        (1, 100),
        "including the first; about three minutes with these pauses",
    ),
    Key::duration("initial_backoff", 1, "doubled each time, with jitter"),
    Key::duration("max_backoff", 60, "the longest pause"),
    Key::new(
        "at_start",
        Kind::Duration {
            default: Duration::from_secs(30),
            zero: true,
        },
        "How long connecting, reading the catalog and planning are tried again if that may help: after a \
         connection was cut, or while a server restarts. A server that says that it is not ready (a paused \
         Azure database) gets four times as long. A wrong password, certificate, host or database is reported \
         at once. 0s: no second try.",
    ),
];
