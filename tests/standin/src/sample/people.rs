//! Users and their badges.

use crate::prng::SplitMix64;
use crate::sample::table::{DAYS, Sizes, Table, id_with_gaps, moment, mostly, seldom, some_user};
use crate::sample::text;
use crate::types::Value;

pub(super) const USERS: &str = "CREATE TABLE [dbo].[Users] (
    [Id] int IDENTITY(1,1) NOT NULL,
    [AboutMe] nvarchar(max) NULL,
    [Age] int NULL,
    [CreationDate] datetime NOT NULL,
    [DisplayName] nvarchar(40) NOT NULL,
    [DownVotes] int NOT NULL,
    [EmailHash] nvarchar(40) NULL,
    [LastAccessDate] datetime NOT NULL,
    [Location] nvarchar(100) NULL,
    [Reputation] int NOT NULL,
    [UpVotes] int NOT NULL,
    [Views] int NOT NULL,
    [WebsiteUrl] nvarchar(200) NULL,
    [AccountId] int NULL,
    CONSTRAINT [PK_Users_Id] PRIMARY KEY CLUSTERED ([Id] ASC)
)";

pub(super) const BADGES: &str = "CREATE TABLE [dbo].[Badges] (
    [Id] int IDENTITY(1,1) NOT NULL,
    [Name] nvarchar(40) NOT NULL,
    [UserId] int NOT NULL,
    [Date] datetime NOT NULL,
    CONSTRAINT [PK_Badges__Id] PRIMARY KEY CLUSTERED ([Id] ASC)
)";

const BADGE_NAMES: &[&str] = &[
    "Teacher",
    "Student",
    "Editor",
    "Popular Question",
    "Necromancer",
    "Yearling",
    "Naïve",
];

/// The first is the community user, whose id is -1.
pub(super) fn user(index: u64, sizes: &Sizes, random: &mut SplitMix64) -> Vec<Value> {
    let users = sizes.of(Table::Users);
    let id = index.checked_sub(1).map_or(-1, id_with_gaps);
    vec![
        Value::Int(id),
        seldom(4, random, |random| {
            let length = 20 + random.below(400) as usize;
            text::body(length, random)
        }),
        seldom(3, random, |random| Value::Int(13 + random.below(80) as i64)),
        moment(index, users, DAYS, random),
        text::name(random),
        Value::Int(random.below(200) as i64),
        seldom(2, random, |random| {
            text::string(&format!(
                "{:016x}{:016x}",
                random.next_u64(),
                random.next_u64()
            ))
        }),
        moment(users - 1, users, DAYS, random),
        seldom(3, random, text::place),
        Value::Int(1 + random.below(10_000) as i64),
        Value::Int(random.below(2_000) as i64),
        Value::Int(random.below(5_000) as i64),
        seldom(5, random, |random| {
            text::string(&format!(
                "http://example.com/{}?q=ü",
                random.below(1_000_000)
            ))
        }),
        mostly(100, random, |random| {
            Value::Int(random.below(4_000_000) as i64)
        }),
    ]
}

pub(super) fn badge(index: u64, sizes: &Sizes, random: &mut SplitMix64) -> Vec<Value> {
    let badges = sizes.of(Table::Badges);
    let name = BADGE_NAMES[random.below(BADGE_NAMES.len() as u64) as usize];
    vec![
        Value::Int(id_with_gaps(index)),
        text::string(name),
        some_user(sizes, random),
        moment(index, badges, DAYS, random),
    ]
}
