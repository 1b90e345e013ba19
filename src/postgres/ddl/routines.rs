//! The DDL text of views and functions.
//!
//! Queries and bodies are the translator's, made for PostgreSQL already.

use crate::plan::function::{FunctionPlan, FunctionVolatility};
use crate::plan::view::{ViewForm, ViewPlan};
use crate::postgres::ddl::objects::{NULLS_NOT_DISTINCT, index, quote_literal};
use tsql::names::qualified;

/// A view.
pub fn view(plan: &ViewPlan) -> String {
    let kind = match plan.form {
        ViewForm::Plain | ViewForm::Checked => "VIEW",
        ViewForm::Materialized => "MATERIALIZED VIEW",
    };
    let check = match plan.form {
        ViewForm::Checked => "\nWITH CASCADED CHECK OPTION",
        ViewForm::Plain | ViewForm::Materialized => "",
    };
    let (name, query) = (qualified(&plan.target), &plan.query);
    format!("CREATE {kind} {name} AS\n{query}{check}")
}

/// The view with its indexes, as PostgreSQL 15 and later take them.
pub fn view_statements(plan: &ViewPlan) -> Vec<String> {
    let indexes = plan.indexes.iter();
    let indexes = indexes.map(|one| index(&plan.target, &one.name, one, NULLS_NOT_DISTINCT));
    std::iter::once(view(plan)).chain(indexes).collect()
}

/// A function. Its body is a text and not parsed before it is called, so that a table that it reads can be
/// replaced.
pub fn function(plan: &FunctionPlan) -> String {
    let volatility = match plan.volatility {
        FunctionVolatility::Immutable => " IMMUTABLE",
        FunctionVolatility::Stable => " STABLE",
        FunctionVolatility::Volatile => "",
    };
    let strict = if plan.strict { " STRICT" } else { "" };
    format!(
        "CREATE FUNCTION {}({}) RETURNS {} LANGUAGE {}{volatility}{strict} AS {}",
        qualified(&plan.target),
        plan.parameters.join(", "),
        plan.returns,
        plan.language.name(),
        quote_literal(&plan.body)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsql::names::TargetName;

    fn name(table: &str) -> TargetName {
        TargetName {
            schema: "app".into(),
            table: table.into(),
        }
    }

    #[test]
    fn a_view_is_made_in_its_form() {
        let mut plan = ViewPlan {
            source: "dbo.V".into(),
            target: name("v"),
            query: "SELECT 1 AS \"a\"".into(),
            form: ViewForm::Plain,
            indexes: Vec::new(),
            read: Default::default(),
        };
        let plain = "CREATE VIEW \"app\".\"v\" AS\nSELECT 1 AS \"a\"";
        assert_eq!(view(&plan), plain);
        plan.form = ViewForm::Checked;
        let checked = format!("{plain}\nWITH CASCADED CHECK OPTION");
        assert_eq!(view(&plan), checked);
        plan.form = ViewForm::Materialized;
        assert_eq!(view(&plan), plain.replace("VIEW", "MATERIALIZED VIEW"));
    }

    #[test]
    fn a_function_has_its_volatility_and_a_quoted_body() {
        let plan = FunctionPlan {
            source: "dbo.F".into(),
            target: name("f"),
            parameters: vec!["\"a\" integer".into()],
            returns: "text".into(),
            language: Default::default(),
            body: "SELECT 'it''s' || $1".into(),
            volatility: FunctionVolatility::Immutable,
            strict: true,
            after_views: None,
        };
        assert_eq!(
            function(&plan),
            "CREATE FUNCTION \"app\".\"f\"(\"a\" integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT \
             AS 'SELECT ''it''''s'' || $1'"
        );
    }
}
