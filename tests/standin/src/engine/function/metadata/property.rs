//! The property functions: SERVERPROPERTY, COLUMNPROPERTY and their like.

use crate::engine::eval::expr::Bound;
use crate::engine::function::argument::{as_text, int, nvarchar, plain, strict, units_of};
use crate::engine::function::metadata::name::table_of;
use crate::engine::model::facts::Facts;
use crate::engine::model::index::IndexKind;
use crate::engine::{collate, datatype};
use crate::types::{SqlType, Value};

pub(super) fn server_property(facts: &Facts, property: &str) -> Bound {
    match property.to_ascii_lowercase().as_str() {
        "productversion" => nvarchar(Some(crate::engine::model::options::PRODUCT_VERSION)),
        "productmajorversion" => nvarchar(Some("16")),
        "productminorversion" => nvarchar(Some("0")),
        "productbuild" => nvarchar(Some("1000")),
        "resourcelastupdatedatetime" => nvarchar(Some("2022-10-08T06:31:58")),
        "resourceversion" => nvarchar(Some("16.00.1000")),
        "productlevel" => nvarchar(Some("RTM")),
        "edition" => nvarchar(Some("Developer Edition (64-bit)")),
        "engineedition" => int(3),
        "editionid" => Bound::constant(Value::Int(-2_117_995_310), SqlType::BigInt),
        "collation" => nvarchar(Some(collate::DEFAULT)),
        "collationid" => int(872_468_488),
        "lcid" => int(1033),
        "sqlcharset" => int(1),
        "sqlsortorder" => int(52),
        "servername" | "machinename" | "computernamephysicalnetbios" => {
            nvarchar(Some(facts.server_name()))
        }
        "isclustered"
        | "ishadrenabled"
        | "isintegratedsecurityonly"
        | "isfulltextinstalled"
        | "isxtpsupported"
        | "issingleuser"
        | "islocaldb" => int(0),
        _ => nvarchar(None),
    }
}

pub(super) fn database_property(
    facts: &Facts,
    database: Option<String>,
    property: Option<String>,
) -> Bound {
    let Some(database) = database.and_then(|d| facts.state.database(&d).ok().cloned()) else {
        return nvarchar(None);
    };
    match property.unwrap_or_default().to_ascii_lowercase().as_str() {
        "collation" => nvarchar(Some(&database.collation.name)),
        "status" => nvarchar(Some("ONLINE")),
        "updateability" => nvarchar(Some(if database.read_only {
            "READ_ONLY"
        } else {
            "READ_WRITE"
        })),
        "recovery" => nvarchar(Some("SIMPLE")),
        "useraccess" => nvarchar(Some("MULTI_USER")),
        "version" => int(957),
        "comparisonstyle" => int(196_609),
        "lcid" => int(i64::from(database.collation.info & 0xf_ffff)),
        "isinstandby" | "isautoclose" | "isautoshrink" => int(0),
        _ => nvarchar(None),
    }
}

pub(super) fn collation_property(collation: &Bound, property: Option<String>) -> Bound {
    let property = property.unwrap_or_default().to_ascii_lowercase();
    strict(vec![as_text(collation)], plain(SqlType::Int), move |v| {
        let Ok(found) = collate::find(&units_of(&v[0])) else {
            return Ok(Value::Null);
        };
        Ok(match property.as_str() {
            "codepage" => Value::Int(i64::from(found.code_page)),
            "lcid" => Value::Int(i64::from(found.info & 0xf_ffff)),
            "version" => Value::Int(i64::from(found.info >> 28)),
            "comparisonstyle" => {
                // NORM_IGNORECASE 1, IGNORENONSPACE 2, IGNOREKANATYPE 65536, IGNOREWIDTH 131072.
                let flag =
                    |bit: u32, value: i64| if found.info >> bit & 1 == 1 { value } else { 0 };
                Value::Int(flag(20, 1) + flag(21, 2) + flag(22, 65_536) + flag(23, 131_072))
            }
            _ => Value::Null,
        })
    })
}

fn flag(on: bool) -> Value {
    Value::Int(i64::from(on))
}

pub(super) fn column_property(facts: &Facts, v: &[Value]) -> Value {
    let Some(table) = table_of(facts, &v[0]) else {
        return Value::Null;
    };
    let Some(column) = table.column(&units_of(&v[1])).map(|i| &table.columns[i]) else {
        return Value::Null;
    };
    match units_of(&v[2]).to_ascii_lowercase().as_str() {
        "isidentity" => flag(column.identity.is_some()),
        "iscomputed" => flag(column.computed.is_some()),
        "allowsnull" => flag(column.nullable),
        "isrowguidcol" => flag(column.rowguid),
        "columnid" | "ordinal" => Value::Int(i64::from(column.id)),
        "precision" => Value::Int(match datatype::precision(&column.ty) {
            0 => datatype::length(&column.ty).map_or(-1, i64::from),
            p => i64::from(p),
        }),
        "scale" => Value::Int(i64::from(datatype::scale(&column.ty))),
        "charmaxlen" => Value::Int(datatype::length(&column.ty).map_or(-1, i64::from)),
        "ishidden" | "issparse" | "iscolumnset" | "generatedalwaystype" | "isidnotforrepl" => {
            Value::Int(0)
        }
        _ => Value::Null,
    }
}

pub(super) fn object_property(facts: &Facts, v: &[Value]) -> Value {
    let Some(table) = table_of(facts, &v[0]) else {
        return Value::Null;
    };
    match units_of(&v[1]).to_ascii_lowercase().as_str() {
        "istable" | "isusertable" => flag(true),
        "isview" | "isprocedure" | "ismsshipped" | "issystemtable" | "tableistemporal" => {
            flag(false)
        }
        "tablehasprimarykey" => flag(
            table
                .indexes
                .iter()
                .any(|i| i.kind == IndexKind::PrimaryKey),
        ),
        "tablehasidentity" => flag(table.columns.iter().any(|c| c.identity.is_some())),
        "tablehasclustindex" => flag(table.clustered().is_some()),
        "tablehasindex" => flag(!table.indexes.is_empty()),
        "tablehasforeignkey" => flag(!table.foreign_keys.is_empty()),
        "cardinality" => Value::Int(table.row_count() as i64),
        "schemaid" => Value::Int(i64::from(table.schema_id)),
        _ => Value::Null,
    }
}

pub(super) fn index_property(facts: &Facts, v: &[Value]) -> Value {
    let Some(table) = table_of(facts, &v[0]) else {
        return Value::Null;
    };
    let wanted = units_of(&v[1]);
    let Some(index) = table
        .indexes
        .iter()
        .find(|i| crate::engine::model::name::same_name(&i.name, &wanted))
    else {
        return Value::Null;
    };
    match units_of(&v[2]).to_ascii_lowercase().as_str() {
        "isclustered" => flag(index.clustered()),
        "isunique" => flag(index.unique),
        "isdisabled" => flag(index.disabled),
        "indexid" => Value::Int(i64::from(index.id)),
        "indexdepth" => Value::Int(1),
        "isstatistics" | "ishypothetical" | "isautostatistics" | "isfulltextkey" => flag(false),
        _ => Value::Null,
    }
}
