//! Comments, votes and links between posts.

use crate::prng::SplitMix64;
use crate::sample::table::{
    DAYS, Sizes, Table, id_with_gaps, moment, mostly, seldom, some_post, some_user,
};
use crate::sample::text;
use crate::types::Value;

pub(super) const COMMENTS: &str = "CREATE TABLE [dbo].[Comments] (
    [Id] int IDENTITY(1,1) NOT NULL,
    [CreationDate] datetime NOT NULL,
    [PostId] int NOT NULL,
    [Score] int NULL,
    [Text] nvarchar(700) NOT NULL,
    [UserId] int NULL,
    CONSTRAINT [PK_Comments__Id] PRIMARY KEY CLUSTERED ([Id] ASC)
)";

/// Position of a comment's text.
pub(super) const COMMENT_TEXT: usize = 4;

pub(super) const VOTES: &str = "CREATE TABLE [dbo].[Votes] (
    [Id] int IDENTITY(1,1) NOT NULL,
    [PostId] int NOT NULL,
    [UserId] int NULL,
    [BountyAmount] int NULL,
    [VoteTypeId] int NOT NULL,
    [CreationDate] datetime NOT NULL,
    CONSTRAINT [PK_Votes__Id] PRIMARY KEY CLUSTERED ([Id] ASC)
)";

pub(super) const POST_LINKS: &str = "CREATE TABLE [dbo].[PostLinks] (
    [Id] int IDENTITY(1,1) NOT NULL,
    [CreationDate] datetime NOT NULL,
    [PostId] int NOT NULL,
    [RelatedPostId] int NOT NULL,
    [LinkTypeId] int NOT NULL,
    CONSTRAINT [PK_PostLinks__Id] PRIMARY KEY CLUSTERED ([Id] ASC)
)";

pub(super) fn comment(index: u64, sizes: &Sizes, random: &mut SplitMix64) -> Vec<Value> {
    let length = match random.below(50) {
        0 => 700,
        _ => 15 + random.below(280) as usize,
    };
    vec![
        Value::Int(id_with_gaps(index)),
        moment(index, sizes.of(Table::Comments), DAYS, random),
        some_post(sizes, random),
        mostly(3, random, |random| Value::Int(random.below(20) as i64)),
        text::line(length, random),
        mostly(70, random, |random| some_user(sizes, random)),
    ]
}

/// Few votes name a user and fewer a bounty. The day alone is kept of the moment.
pub(super) fn vote(index: u64, sizes: &Sizes, random: &mut SplitMix64) -> Vec<Value> {
    let date = match moment(index, sizes.of(Table::Votes), DAYS, random) {
        Value::DateTime { days, .. } => Value::DateTime { days, ticks: 0 },
        other => other,
    };
    let post = some_post(sizes, random);
    let kind = if random.chance(5) {
        1 + random.below(15)
    } else {
        2
    };
    vec![
        Value::Int(id_with_gaps(index)),
        post,
        seldom(12, random, |random| some_user(sizes, random)),
        seldom(300, random, |random| {
            Value::Int(50 * (1 + random.below(10) as i64))
        }),
        Value::Int(kind as i64),
        date,
    ]
}

pub(super) fn post_link(index: u64, sizes: &Sizes, random: &mut SplitMix64) -> Vec<Value> {
    let kind = if random.chance(4) { 3 } else { 1 };
    vec![
        Value::Int(id_with_gaps(index)),
        moment(index, sizes.of(Table::PostLinks), DAYS, random),
        some_post(sizes, random),
        some_post(sizes, random),
        Value::Int(kind),
    ]
}
