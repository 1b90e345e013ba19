//! T-SQL as `sqlparser` is to read it: its dialect of SQL Server, with what that leaves out.

use std::any::TypeId;

use sqlparser::ast::{GranteesType, Statement};
use sqlparser::dialect::{Dialect, MsSqlDialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};

/// [`MsSqlDialect`] with ROLLUP, CUBE and GROUPING SETS ("GROUP BY"), and joins of joins.
#[derive(Debug)]
pub(crate) struct TSql;

const KNOWN: MsSqlDialect = MsSqlDialect {};

impl Dialect for TSql {
    fn dialect(&self) -> TypeId {
        KNOWN.dialect()
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_group_by_with_modifier(&self) -> bool {
        true
    }

    /// `a JOIN b JOIN c ON ... ON ...` joins b and c first ("FROM", `<joined_table>`).
    fn supports_left_associative_joins_without_parens(&self) -> bool {
        false
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        KNOWN.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        KNOWN.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        KNOWN.is_identifier_part(ch)
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        KNOWN.identifier_quote_style(identifier)
    }

    fn convert_type_before_value(&self) -> bool {
        KNOWN.convert_type_before_value()
    }

    fn supports_dollar_as_money_prefix(&self) -> bool {
        KNOWN.supports_dollar_as_money_prefix()
    }

    fn supports_eq_alias_assignment(&self) -> bool {
        KNOWN.supports_eq_alias_assignment()
    }

    fn supports_try_convert(&self) -> bool {
        KNOWN.supports_try_convert()
    }

    fn supports_boolean_literals(&self) -> bool {
        KNOWN.supports_boolean_literals()
    }

    fn supports_named_fn_args_with_colon_operator(&self) -> bool {
        KNOWN.supports_named_fn_args_with_colon_operator()
    }

    fn supports_named_fn_args_with_expr_name(&self) -> bool {
        KNOWN.supports_named_fn_args_with_expr_name()
    }

    fn supports_named_fn_args_with_rarrow_operator(&self) -> bool {
        KNOWN.supports_named_fn_args_with_rarrow_operator()
    }

    fn supports_table_versioning(&self) -> bool {
        KNOWN.supports_table_versioning()
    }

    fn supports_nested_comments(&self) -> bool {
        KNOWN.supports_nested_comments()
    }

    fn supports_object_name_double_dot_notation(&self) -> bool {
        KNOWN.supports_object_name_double_dot_notation()
    }

    fn get_reserved_grantees_types(&self) -> &[GranteesType] {
        &[GranteesType::Public]
    }

    fn is_select_item_alias(&self, explicit: bool, kw: &Keyword, parser: &mut Parser) -> bool {
        KNOWN.is_select_item_alias(explicit, kw, parser)
    }

    fn is_table_factor_alias(&self, explicit: bool, kw: &Keyword, parser: &mut Parser) -> bool {
        KNOWN.is_table_factor_alias(explicit, kw, parser)
    }

    fn parse_statement(&self, parser: &mut Parser) -> Option<Result<Statement, ParserError>> {
        KNOWN.parse_statement(parser)
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        KNOWN.get_next_precedence(parser)
    }
}
