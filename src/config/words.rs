//! The words of the job file for each choice.
//!
//! A word is public: it is in job files, in JSON and in the fingerprint, so a variant may be
//! renamed and its word may not. `Serialize` writes the same word.

use serde::{Serialize, Serializer};

use crate::config::job::{
    ApplicationIntent, Auth, ChannelBinding, Collations, Computed, Consistency, Encrypt, Functions,
    Helpers, History, IndexedViews, Mode, NameStyle, PoolScope, RowVersion, SessionAttrs, SslMode,
    Tls, Untranslated, ValuePolicy, VerifyLevel, Views,
};

/// A closed choice with one word per variant.
pub(crate) trait Words: Copy + PartialEq + 'static {
    /// In the order in which errors list them.
    const ALL: &'static [(&'static str, Self)];

    /// The word of this choice.
    fn shown(self) -> &'static str;
}

macro_rules! words {
    // A type of another crate.
    (foreign $type:ident: $($word:literal => $variant:ident),+ $(,)?) => {
        impl Words for $type {
            const ALL: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];

            fn shown(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }
    };
    ($type:ident: $($word:literal => $variant:ident),+ $(,)?) => {
        words!(foreign $type: $($word => $variant),+);

        impl $type {
            /// As the job file writes it.
            pub fn word(self) -> &'static str {
                self.shown()
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }
    };
}

words!(Auth: "sql" => Sql, "kerberos" => Kerberos, "ntlm" => Ntlm, "token" => Token);
words!(Encrypt: "required" => Required, "strict" => Strict, "login_only" => LoginOnly, "off" => Off);
words!(Tls: "modern" => Modern, "legacy" => Legacy);
words!(ApplicationIntent: "read_write" => ReadWrite, "read_only" => ReadOnly);
words!(PoolScope: "process" => Process, "cluster" => Cluster);
words!(ChannelBinding: "prefer" => Prefer, "require" => Require, "disable" => Disable);

words!(SessionAttrs: "any" => Any, "read-write" => ReadWrite);

words!(SslMode: "disable" => Disable, "prefer" => Prefer, "require" => Require,
    "verify-ca" => VerifyCa, "verify-full" => VerifyFull);
words!(Mode: "create" => Create, "replace" => Replace, "truncate" => Truncate, "append" => Append);
words!(Consistency: "strict" => Strict, "snapshot" => Snapshot,
    "database_snapshot" => DatabaseSnapshot, "relaxed" => Relaxed);
words!(foreign NameStyle: "lowercase" => Lowercase, "preserve" => Preserve, "snake_case" => SnakeCase);
words!(Views: "none" => None, "try" => Try);
words!(Functions: "none" => None, "needed" => Needed, "try" => Try);
words!(Helpers: "create" => Create, "none" => None);
words!(IndexedViews: "plain" => Plain, "materialized" => Materialized);
words!(Collations: "plain" => Plain, "icu" => Icu);
words!(Untranslated: "report" => Report, "ignore" => Ignore);
words!(Computed: "generated" => Generated, "plain" => Plain);
words!(RowVersion: "bytes" => Bytes, "counter" => Counter);
words!(History: "none" => None, "trigger" => Trigger);
words!(foreign ValuePolicy: "error" => Error, "reject" => Reject, "strip" => Strip, "replace" => Replace);
words!(VerifyLevel: "none" => None, "counts" => Counts, "checksums" => Checksums);
