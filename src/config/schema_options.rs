//! What is made of the schema: the section `schema` of the job file.

use tsql::names::NameStyle;

/// What is made of the schema beside tables: the section `schema`.
#[derive(Debug, Clone)]
pub struct SchemaOptions {
    pub names: NameStyle,
    pub indexes: bool,
    pub foreign_keys: bool,
    pub checks: bool,
    pub defaults: bool,
    pub identity: bool,
    pub computed: Computed,
    pub comments: bool,
    pub sequences: bool,
    pub views: Views,
    pub functions: Functions,
    pub helpers: Helpers,
    pub indexed_views: IndexedViews,
    pub collations: Collations,
    pub untranslated: Untranslated,
    pub rowversion: RowVersion,
    pub history: History,
}

/// What a `rowversion` becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowVersion {
    /// The bytes that the source has; nothing fills the column here.
    Bytes,
    /// A value from a sequence for every new row and every update, by a trigger.
    Counter,
}

/// What keeps the history of a system-versioned table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Nothing: both tables are plain ones.
    None,
    /// A trigger that writes the old row of an UPDATE or DELETE into the history table.
    Trigger,
}

/// What becomes of views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Views {
    None,
    /// Those whose text translates with certainty.
    Try,
}

/// Which scalar and inline table functions are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Functions {
    None,
    /// Those that a view, check, default or computed column of the target calls.
    Needed,
    /// All whose text translates with certainty.
    Try,
}

/// What becomes of the tool's own functions that a translation may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Helpers {
    /// Those that are needed are made in the target's schema.
    Create,
    /// What needs one does not translate.
    None,
}

/// What an indexed view becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexedViews {
    /// A view like any other.
    Plain,
    /// A materialized view with its indexes, which only REFRESH brings up to date.
    Materialized,
}

/// How columns whose source collation is not exact compare on the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collations {
    /// As the target database does.
    Plain,
    /// Columns of keys and unique indexes by a nondeterministic ICU collation.
    Icu,
}

/// What an expression means that does not translate with certainty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untranslated {
    /// Its object is listed as left out, and the run is not wholly done.
    Report,
    /// Its object is in the plan's notes only.
    Ignore,
}

/// How a computed column arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Computed {
    /// GENERATED ALWAYS AS ... STORED if the expression translates, else as `Plain`.
    Generated,
    /// A plain column with the value that the source computed.
    Plain,
}
