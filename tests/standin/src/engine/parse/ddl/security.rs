//! Logins, users, roles, permissions and security policies.

use sqlparser::tokenizer::Token;

use crate::engine::error::{Result, syntax, unsupported};
use crate::engine::model::name::Name;
use crate::engine::parse::statement::{PermissionSpec, PolicySpec, PredicateSpec, Statement, Verb};
use crate::engine::parse::tokens::Tokens;
use crate::engine::parse::word::is_word;

/// CREATE LOGIN | USER | ROLE | SECURITY POLICY; `None` for anything else.
pub(super) fn create(t: &mut Tokens) -> Result<Option<Statement>> {
    if t.take_word("LOGIN") {
        return login(t).map(Some);
    }
    if t.take_word("USER") {
        return user(t).map(Some);
    }
    if t.take_word("ROLE") {
        let name = t.identifier()?;
        t.skip_statement();
        return Ok(Some(Statement::CreateRole(name)));
    }
    if t.take_words(&["SECURITY", "POLICY"]) {
        return policy(t, false).map(Some);
    }
    Ok(None)
}

/// ALTER ROLE | SECURITY POLICY.
pub(super) fn alter(t: &mut Tokens) -> Result<Option<Statement>> {
    if t.take_word("ROLE") {
        let role = t.identifier()?;
        let add = t.take_word("ADD");
        if !add {
            t.expect_word("DROP")?;
        }
        t.expect_word("MEMBER")?;
        let member = t.identifier()?;
        return Ok(Some(Statement::AlterRole { role, member, add }));
    }
    if t.take_words(&["SECURITY", "POLICY"]) {
        return policy(t, true).map(Some);
    }
    Ok(None)
}

fn login(t: &mut Tokens) -> Result<Statement> {
    let name = t.identifier()?;
    if !t.take_words(&["WITH", "PASSWORD"]) {
        return Err(unsupported("CREATE LOGIN without a password"));
    }
    t.expect(&Token::Eq)?;
    let password = t.text()?;
    // CHECK_POLICY, DEFAULT_DATABASE and the like.
    t.skip_statement();
    Ok(Statement::CreateLogin { name, password })
}

fn user(t: &mut Tokens) -> Result<Statement> {
    let name = t.identifier()?;
    let login = if t.take_words(&["WITHOUT", "LOGIN"]) {
        None
    } else if t.take_words(&["FOR", "LOGIN"]) || t.take_words(&["FROM", "LOGIN"]) {
        Some(t.identifier()?)
    } else {
        Some(name.clone())
    };
    // WITH DEFAULT_SCHEMA.
    t.skip_statement();
    Ok(Statement::CreateUser { name, login })
}

/// After GRANT, DENY or REVOKE.
pub(crate) fn permission(t: &mut Tokens, verb: Verb) -> Result<Statement> {
    t.take_words(&["GRANT", "OPTION", "FOR"]);
    let permissions = t.separated(one_permission)?;
    let (mut on, mut columns) = (None, Vec::new());
    if t.take_word("ON") {
        on = Some(securable(t)?);
        if matches!(t.peek(), Token::LParen) {
            columns = t.list(Tokens::identifier)?;
        }
    }
    if t.take_one_of(&["TO", "FROM"]).is_none() {
        return Err(t.unexpected());
    }
    let to = t.separated(Tokens::identifier)?;
    t.take_words(&["WITH", "GRANT", "OPTION"]);
    t.take_word("CASCADE");
    if t.take_word("AS") {
        t.identifier()?;
    }
    Ok(Statement::Permission(PermissionSpec {
        verb,
        permissions,
        on,
        columns,
        to,
    }))
}

/// `VIEW DEFINITION`, `SELECT (a, b)`.
fn one_permission(t: &mut Tokens) -> Result<(String, Vec<String>)> {
    let mut words = Vec::new();
    while let Token::Word(word) = t.peek() {
        if ["ON", "TO", "FROM"].iter().any(|w| is_word(t.peek(), w)) {
            break;
        }
        words.push(word.value.to_uppercase());
        t.next();
    }
    if words.is_empty() {
        return Err(t.unexpected());
    }
    let columns = if matches!(t.peek(), Token::LParen) {
        t.list(Tokens::identifier)?
    } else {
        Vec::new()
    };
    Ok((words.join(" "), columns))
}

/// The class (`object`, `schema`, ...) and the name.
fn securable(t: &mut Tokens) -> Result<(String, Name)> {
    let mut name = t.name()?;
    // `SCHEMA::dbo` comes as one word, see `static_methods`.
    let first = if name.database.is_some() {
        &mut name.database
    } else {
        &mut name.schema
    };
    let class = match first {
        Some(first) => take_class(first),
        None => take_class(&mut name.name),
    };
    Ok((class.unwrap_or_else(|| "object".to_owned()), name))
}

fn take_class(word: &mut String) -> Option<String> {
    let (class, rest) = word.split_once("::")?;
    let (class, rest) = (class.to_ascii_lowercase(), rest.to_owned());
    *word = rest;
    Some(class)
}

fn policy(t: &mut Tokens, alter: bool) -> Result<Statement> {
    let name = t.name()?;
    let mut spec = PolicySpec {
        name,
        alter,
        predicates: Vec::new(),
        enabled: None,
    };
    while t.take_word("ADD") {
        spec.predicates.push(predicate(t)?);
        t.take(&Token::Comma);
    }
    if t.take_word("WITH") {
        t.expect(&Token::LParen)?;
        loop {
            let option = t.identifier()?;
            t.expect(&Token::Eq)?;
            let on = t.take_word("ON");
            if !on {
                t.expect_word("OFF")?;
            }
            if option.eq_ignore_ascii_case("STATE") {
                spec.enabled = Some(on);
            }
            if !t.take(&Token::Comma) {
                break;
            }
        }
        t.expect(&Token::RParen)?;
    }
    t.take_words(&["NOT", "FOR", "REPLICATION"]);
    Ok(Statement::Policy(Box::new(spec)))
}

/// `FILTER PREDICATE dbo.f(column) ON dbo.t`.
fn predicate(t: &mut Tokens) -> Result<PredicateSpec> {
    let filter = match t.take_one_of(&["FILTER", "BLOCK"]) {
        Some("FILTER") => true,
        Some(_) => false,
        None => return Err(syntax(t.peek())),
    };
    t.expect_word("PREDICATE")?;
    let function = t.name()?;
    let arguments = t.list(Tokens::expression)?;
    t.expect_word("ON")?;
    let table = t.name()?;
    for words in [
        ["AFTER", "INSERT"],
        ["AFTER", "UPDATE"],
        ["BEFORE", "UPDATE"],
        ["BEFORE", "DELETE"],
    ] {
        t.take_words(&words);
    }
    Ok(PredicateSpec {
        filter,
        function,
        arguments: arguments.iter().map(ToString::to_string).collect(),
        table,
    })
}

/// `MASKED WITH (FUNCTION = 'default()')`, of which MASKED comes next.
pub(super) fn mask(t: &mut Tokens) -> Result<String> {
    t.expect_word("MASKED")?;
    t.expect_word("WITH")?;
    t.expect(&Token::LParen)?;
    t.expect_word("FUNCTION")?;
    t.expect(&Token::Eq)?;
    let function = t.text()?;
    t.expect(&Token::RParen)?;
    Ok(function)
}
