//! Chains of operators, put together by T-SQL's own precedence.
//!
//! "Operator precedence (Transact-SQL)": `~` binds tightest, then `* / %`, then signs, `+ -` and
//! `& ^ |` on one level, from left to right. The parser follows other dialects where `& ^ |` stand
//! beside `+`, and binds a sign tighter than `*`, so its tree is taken apart and rebuilt.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use super::arithmetic;
use super::context::Context;
use super::expression;
use super::value::Value;
use super::{Outcome, Untranslated};

/// Operators of one chain. Their results are nested in brackets.
const LONGEST_CHAIN: usize = 250;

/// A chain taken apart; an operand may be anything else, brackets among them.
enum Token<'e> {
    Operand(&'e Expr),
    Infix(&'e BinaryOperator),
    Prefix(UnaryOperator),
}

/// `a op b`, either of which may be a chain of its own without brackets.
///
/// # Errors
/// A chain that is too long, or an operand or a pair of types that is refused.
pub(super) fn binary(
    context: &mut Context<'_>,
    left: &Expr,
    op: &BinaryOperator,
    right: &Expr,
) -> Outcome<Value> {
    let mut tokens = Vec::new();
    flatten(left, &mut tokens)?;
    tokens.push(Token::Infix(op));
    flatten(right, &mut tokens)?;
    read(context, tokens)
}

/// `-x`, `+x`, `~x`.
pub(super) fn unary(context: &mut Context<'_>, op: UnaryOperator, expr: &Expr) -> Outcome<Value> {
    let mut tokens = vec![Token::Prefix(op)];
    flatten(expr, &mut tokens)?;
    read(context, tokens)
}

/// The chain in the order in which it was written.
fn flatten<'e>(expr: &'e Expr, tokens: &mut Vec<Token<'e>>) -> Outcome<()> {
    if tokens.len() > LONGEST_CHAIN {
        return Err(Untranslated::new("nested too deep"));
    }
    // The left side of a long chain is as deep as the chain is long.
    let mut rest = Vec::new();
    let mut left = expr;
    while let Expr::BinaryOp {
        left: inner,
        op,
        right,
    } = left
    {
        if !arithmetic::is_operator(op) || rest.len() > LONGEST_CHAIN {
            break;
        }
        rest.push((op, &**right));
        left = inner;
    }
    match left {
        Expr::UnaryOp {
            op: op @ (UnaryOperator::Minus | UnaryOperator::Plus | UnaryOperator::BitwiseNot),
            expr,
        } => {
            tokens.push(Token::Prefix(*op));
            flatten(expr, tokens)?;
        }
        operand => tokens.push(Token::Operand(operand)),
    }
    for (op, right) in rest.into_iter().rev() {
        tokens.push(Token::Infix(op));
        flatten(right, tokens)?;
    }
    Ok(())
}

/// From left to right: all that is left here is on one level.
fn read(context: &mut Context<'_>, tokens: Vec<Token<'_>>) -> Outcome<Value> {
    let mut rest = tokens.into_iter().peekable();
    let mut value = product(context, &mut rest)?;
    while let Some(token) = rest.next() {
        let Token::Infix(op) = token else {
            return Err(broken());
        };
        let right = product(context, &mut rest)?;
        value = arithmetic::binary(context, op, value, right)?;
    }
    Ok(value)
}

type Tokens<'e> = std::iter::Peekable<std::vec::IntoIter<Token<'e>>>;

/// Factors, or a sign and factors.
fn product(context: &mut Context<'_>, rest: &mut Tokens<'_>) -> Outcome<Value> {
    if let Some(Token::Prefix(op)) = rest.peek()
        && *op != UnaryOperator::BitwiseNot
    {
        let op = *op;
        rest.next();
        let value = context.deeper(|context| product(context, rest))?;
        return arithmetic::unary(op, value);
    }
    let mut value = factor(context, rest)?;
    while let Some(Token::Infix(op)) = rest.peek()
        && arithmetic::is_factor(op)
    {
        let op = *op;
        rest.next();
        // A sign takes all factors behind it: `8 / -2 * n` is `8 / -(2 * n)`.
        let signed =
            matches!(rest.peek(), Some(Token::Prefix(op)) if *op != UnaryOperator::BitwiseNot);
        let right = if signed {
            context.deeper(|context| product(context, rest))?
        } else {
            factor(context, rest)?
        };
        value = arithmetic::binary(context, op, value, right)?;
    }
    Ok(value)
}

/// An operand, with any `~` before it.
fn factor(context: &mut Context<'_>, rest: &mut Tokens<'_>) -> Outcome<Value> {
    match rest.next() {
        Some(Token::Operand(expr)) => expression::value(context, expr),
        Some(Token::Prefix(op)) => {
            let value = context.deeper(|context| factor(context, rest))?;
            arithmetic::unary(op, value)
        }
        _ => Err(broken()),
    }
}

fn broken() -> Untranslated {
    Untranslated::new("operators that were not understood")
}
