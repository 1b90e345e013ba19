//! Posts: questions and answers with long bodies.

use crate::prng::SplitMix64;
use crate::sample::table::{DAYS, Sizes, Table, id_with_gaps, moment, mostly, seldom, some_user};
use crate::sample::text;
use crate::types::Value;

pub(super) const POSTS: &str = "CREATE TABLE [dbo].[Posts] (
    [Id] int IDENTITY(1,1) NOT NULL,
    [AcceptedAnswerId] int NULL,
    [AnswerCount] int NULL,
    [Body] nvarchar(max) NOT NULL,
    [ClosedDate] datetime NULL,
    [CommentCount] int NULL,
    [CommunityOwnedDate] datetime NULL,
    [CreationDate] datetime NOT NULL,
    [FavoriteCount] int NULL,
    [LastActivityDate] datetime NOT NULL,
    [LastEditDate] datetime NULL,
    [LastEditorDisplayName] nvarchar(40) NULL,
    [LastEditorUserId] int NULL,
    [OwnerUserId] int NULL,
    [ParentId] int NULL,
    [PostTypeId] int NOT NULL,
    [Score] int NOT NULL,
    [Tags] nvarchar(150) NULL,
    [Title] nvarchar(250) NULL,
    [ViewCount] int NOT NULL,
    CONSTRAINT [PK_Posts__Id] PRIMARY KEY CLUSTERED ([Id] ASC)
)";

/// Position of a post's text.
pub(super) const BODY: usize = 3;

const TAGS: &[&str] = &[
    "<c#>",
    "<java>",
    "<sql-server>",
    "<postgresql>",
    "<c++>",
    "<.net>",
    "<unicode>",
    "<regex>",
];

/// A third are questions, as in the original.
pub(super) fn post(index: u64, sizes: &Sizes, random: &mut SplitMix64) -> Vec<Value> {
    let posts = sizes.of(Table::Posts);
    let question = index == 0 || random.chance(3);
    let parent = if question {
        Value::Null
    } else {
        Value::Int(id_with_gaps(random.below(index)))
    };
    let created = moment(index, posts, DAYS, random);
    let edited = mostly(2, random, |random| moment(index, posts, DAYS, random));
    let editor = if matches!(edited, Value::Null) {
        Value::Null
    } else {
        some_user(sizes, random)
    };
    vec![
        Value::Int(id_with_gaps(index)),
        of_question(question, random, |random| {
            mostly(2, random, |random| {
                Value::Int(id_with_gaps(random.below(posts)))
            })
        }),
        of_question(
            question,
            random,
            |random| Value::Int(random.below(8) as i64),
        ),
        text::body(body_length(random), random),
        seldom(30, random, |random| moment(index, posts, DAYS, random)),
        mostly(5, random, |random| Value::Int(random.below(12) as i64)),
        seldom(80, random, |random| moment(index, posts, DAYS, random)),
        created.clone(),
        seldom(6, random, |random| Value::Int(random.below(50) as i64)),
        if matches!(edited, Value::Null) {
            created
        } else {
            edited.clone()
        },
        edited,
        seldom(100, random, text::name),
        editor,
        mostly(60, random, |random| some_user(sizes, random)),
        parent,
        Value::Int(if question { 1 } else { 2 }),
        Value::Int(random.below(40) as i64 - 5),
        of_question(question, random, tags),
        of_question(question, random, |random| {
            let length = 30 + random.below(200) as usize;
            text::line(length, random)
        }),
        Value::Int(if question {
            random.below(100_000) as i64
        } else {
            0
        }),
    ]
}

fn of_question(
    question: bool,
    random: &mut SplitMix64,
    value: impl FnOnce(&mut SplitMix64) -> Value,
) -> Value {
    if question { value(random) } else { Value::Null }
}

/// Most are some hundred units, one in a thousand is tens of thousands.
fn body_length(random: &mut SplitMix64) -> usize {
    let length = if random.chance(1000) {
        20_000 + random.below(40_000)
    } else {
        60 + random.below(900)
    };
    length as usize
}

fn tags(random: &mut SplitMix64) -> Value {
    let count = 1 + random.below(5);
    let tags: String = (0..count)
        .map(|_| TAGS[random.below(TAGS.len() as u64) as usize])
        .collect();
    text::string(&tags)
}
