//! The lookup tables, with their real contents.

use crate::sample::table::TableSource;
use crate::sample::text;
use crate::types::Value;

/// A small table that is the same at every size.
struct Lookup {
    name: &'static str,
    ddl: &'static str,
    rows: &'static [(i64, &'static str)],
}

pub(super) fn tables() -> Vec<Box<dyn TableSource>> {
    [POST_TYPES, VOTE_TYPES, LINK_TYPES]
        .map(|table| Box::new(table) as Box<dyn TableSource>)
        .into_iter()
        .collect()
}

impl TableSource for Lookup {
    fn name(&self) -> &'static str {
        self.name
    }

    fn ddl(&self) -> &'static str {
        self.ddl
    }

    fn rows(&self) -> Box<dyn Iterator<Item = Vec<Value>> + Send> {
        Box::new(
            self.rows
                .iter()
                .map(|(id, name)| vec![Value::Int(*id), text::string(name)]),
        )
    }

    fn row_count(&self) -> u64 {
        self.rows.len() as u64
    }
}

const POST_TYPES: Lookup = Lookup {
    name: "PostTypes",
    ddl: "CREATE TABLE [dbo].[PostTypes] (
    [Id] int IDENTITY(1,1) NOT NULL,
    [Type] nvarchar(50) NOT NULL,
    CONSTRAINT [PK_PostTypes__Id] PRIMARY KEY CLUSTERED ([Id] ASC)
)",
    rows: &[
        (1, "Question"),
        (2, "Answer"),
        (3, "Wiki"),
        (4, "TagWikiExerpt"),
        (5, "TagWiki"),
        (6, "ModeratorNomination"),
        (7, "WikiPlaceholder"),
        (8, "PrivilegeWiki"),
    ],
};

const VOTE_TYPES: Lookup = Lookup {
    name: "VoteTypes",
    ddl: "CREATE TABLE [dbo].[VoteTypes] (
    [Id] int IDENTITY(1,1) NOT NULL,
    [Name] varchar(50) NOT NULL,
    CONSTRAINT [PK_VoteType__Id] PRIMARY KEY CLUSTERED ([Id] ASC)
)",
    rows: &[
        (1, "AcceptedByOriginator"),
        (2, "UpMod"),
        (3, "DownMod"),
        (4, "Offensive"),
        (5, "Favorite"),
        (6, "Close"),
        (7, "Reopen"),
        (8, "BountyStart"),
        (9, "BountyClose"),
        (10, "Deletion"),
        (11, "Undeletion"),
        (12, "Spam"),
        (13, "InformModerator"),
        (15, "ModeratorReview"),
        (16, "ApproveEditSuggestion"),
    ],
};

const LINK_TYPES: Lookup = Lookup {
    name: "LinkTypes",
    ddl: "CREATE TABLE [dbo].[LinkTypes] (
    [Id] int IDENTITY(1,1) NOT NULL,
    [Type] varchar(50) NOT NULL,
    CONSTRAINT [PK_LinkTypes__Id] PRIMARY KEY CLUSTERED ([Id] ASC)
)",
    rows: &[(1, "Linked"), (3, "Duplicate")],
};
