//! Definitions as public SQL Server databases show them.

use crate::engine::parse::expression::parse_expression;

use super::*;

fn shown(sql: &str) -> String {
    let kept = definition(&parse_expression(sql).unwrap());
    let again = definition(&parse_expression(&kept).unwrap());
    assert_eq!(kept, again, "what is kept reads back as itself");
    kept
}

#[test]
fn values() {
    assert_eq!(shown("0"), "((0))");
    assert_eq!(shown("(getdate())"), "(getdate())");
    assert_eq!(shown("CURRENT_TIMESTAMP"), "(getdate())");
    assert_eq!(shown("-1"), "((-1))");
    assert_eq!(shown("N'it''s'"), "(N'it''s')");
    assert_eq!(shown("NULL"), "(NULL)");
    assert_eq!(shown("0x00"), "(0x00)");
    assert_eq!(shown("1e3"), "((1.000000000000000e+003))");
}

/// AdventureWorks' checks, as written in its script and as its catalog has them.
#[test]
fn checks_of_adventure_works() {
    for (written, kept) in [
        (
            "[BirthDate] BETWEEN '1930-01-01' AND DATEADD(YEAR, -18, GETDATE())",
            "([BirthDate]>='1930-01-01' AND [BirthDate]<=dateadd(year,(-18),getdate()))",
        ),
        (
            "UPPER([Gender]) IN ('M', 'F')",
            "(upper([Gender])='F' OR upper([Gender])='M')",
        ),
        (
            "[PersonType] IS NULL OR UPPER([PersonType]) IN ('SC', 'VC')",
            "([PersonType] IS NULL OR (upper([PersonType])='VC' OR upper([PersonType])='SC'))",
        ),
        (
            "UPPER([Class]) IN ('L', 'M', 'H') OR [Class] IS NULL",
            "(upper([Class])='H' OR upper([Class])='M' OR upper([Class])='L' OR [Class] IS NULL)",
        ),
        (
            "(([A] IS NULL) AND ([B] = 0) AND ([C] = 1.00)) OR (([A] IS NOT NULL) AND ([B] >= 1))",
            "([A] IS NULL AND [B]=(0) AND [C]=(1.00) OR [A] IS NOT NULL AND [B]>=(1))",
        ),
        (
            "([Shelf] LIKE '[A-Za-z]') OR ([Shelf] = 'N/A')",
            "([Shelf] like '[A-Za-z]' OR [Shelf]='N/A')",
        ),
        ("[A] <> [B]", "([A]<>[B])"),
    ] {
        assert_eq!(shown(written), kept);
    }
}

#[test]
fn computed_columns_of_adventure_works() {
    for (written, kept) in [
        (
            "ISNULL([SubTotal] + [TaxAmt] + [Freight], 0)",
            "(isnull(([SubTotal]+[TaxAmt])+[Freight],(0)))",
        ),
        (
            "ISNULL([UnitPrice] * (1.0 - [Discount]) * [OrderQty], 0.0)",
            "(isnull(([UnitPrice]*((1.0)-[Discount]))*[OrderQty],(0.0)))",
        ),
        (
            "ISNULL(N'SO' + CONVERT(nvarchar(23), [Id]), N'*')",
            "(isnull(N'SO'+CONVERT([nvarchar](23),[Id]),N'*'))",
        ),
        (
            "ISNULL('AW' + [dbo].[ufnLeadingZeros](CustomerID), '')",
            "(isnull('AW'+[dbo].[ufnLeadingZeros]([CustomerID]),''))",
        ),
    ] {
        assert_eq!(shown(written), kept);
    }
}

#[test]
fn precedence_and_forms() {
    for (written, kept) in [
        ("a * 100 + b", "([a]*(100)+[b])"),
        (
            "month(d) * 100 + day(d) > a",
            "((datepart(month,[d])*(100)+datepart(day,[d]))>[a])",
        ),
        ("not a = 1", "(NOT [a]=(1))"),
        ("a not like '%x'", "(NOT [a] like '%x')"),
        ("a not in (5, 6)", "(NOT ([a]=(6) OR [a]=(5)))"),
        (
            "not (a = 1 and b is null)",
            "(NOT ([a]=(1) AND [b] IS NULL))",
        ),
        (
            "case when a is null then 0 else 1 end + case when b is null then 0 else 1 end = 1",
            "((case when [a] IS NULL then (0) else (1) end+case when [b] IS NULL then (0) else (1) end)=(1))",
        ),
        (
            "iif(a = 1, 'x', 'y')",
            "(case when [a]=(1) then 'x' else 'y' end)",
        ),
        (
            "cast(a as decimal(10, 2))",
            "(CONVERT([decimal](10,2),[a]))",
        ),
        ("dateadd(dd, 1, d)", "(dateadd(day,(1),[d]))"),
        ("year(d)", "(datepart(year,[d]))"),
        (
            "convert(varchar(max), d, 120)",
            "(CONVERT([varchar](max),[d],(120)))",
        ),
    ] {
        assert_eq!(shown(written), kept);
    }
}

#[test]
fn sequences_and_filters() {
    assert_eq!(shown("next value for dbo.s"), "(NEXT VALUE FOR [dbo].[s])");
    let filter = |sql: &str| filter_definition(&parse_expression(sql).unwrap());
    assert_eq!(filter("Active = 1"), "([Active]=(1))");
    assert_eq!(filter("Status in (1, 2)"), "([Status] IN ((1), (2)))");
    assert_eq!(
        filter("id in (1, 2) and status <> 2"),
        "(([id] IN ((1), (2))) AND [status]<>(2))"
    );
}
