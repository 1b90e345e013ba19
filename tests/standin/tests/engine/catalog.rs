//! The catalog views, with the values that SQL Server documents.

use crate::harness::{Db, check};

#[test]
fn columns_of_every_type() {
    let mut db = Db::new();
    db.ok("CREATE TABLE a (b bit, ti tinyint, si smallint, i int NOT NULL, bi bigint, d decimal(10,2), n numeric(5), m money, sm smallmoney, r real, f float(53),
             dt date, t time(3), sd smalldatetime, dtm datetime, d2 datetime2, dto datetimeoffset(4), c char(5), vc varchar(max), tx text, nc nchar(5), nv nvarchar(50),
             ntx ntext, bn binary(8), vb varbinary(max), im image, rv rowversion, u uniqueidentifier ROWGUIDCOL, x xml, s sysname)");
    check(
        &mut db,
        &[
            (
                "SELECT name, system_type_id, user_type_id, max_length, precision, scale FROM sys.columns WHERE object_id = OBJECT_ID('a') AND column_id BETWEEN 5 AND 8",
                "bi|127|127|8|19|0; d|106|106|9|10|2; n|108|108|5|5|0; m|60|60|8|19|4",
            ),
            (
                "SELECT name, system_type_id, max_length, precision, scale FROM sys.columns WHERE object_id = OBJECT_ID('a') AND name IN ('t', 'dto', 'vc', 'nv', 'x', 'd2')",
                "t|41|4|12|3; d2|42|8|27|7; dto|43|9|31|4; vc|167|-1|0|0; nv|231|100|0|0; x|241|-1|0|0",
            ),
            (
                "SELECT c.name, t.name, c.is_nullable, c.collation_name FROM sys.columns c JOIN sys.types t ON t.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID('a') AND c.name IN ('s', 'i')",
                "i|int|0|NULL; s|sysname|0|SQL_Latin1_General_CP1_CI_AS",
            ),
            (
                "SELECT COUNT(*) FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'a'",
                "30",
            ),
        ],
    );
}

#[test]
fn keys_and_constraints() {
    let mut db = Db::new();
    db.ok("CREATE SCHEMA s");
    db.ok("CREATE TABLE s.p (id int NOT NULL, k int, CONSTRAINT PK_p PRIMARY KEY (id), CONSTRAINT UQ_p UNIQUE (k DESC))
           CREATE TABLE c (id bigint IDENTITY(-5, -1), p int CONSTRAINT FK_c REFERENCES s.p (id) ON DELETE SET NULL, q int CONSTRAINT DF_q DEFAULT 3 CONSTRAINT CK_q CHECK (q > 0))
           INSERT c (p) VALUES (NULL), (NULL)
           EXEC sp_addextendedproperty 'MS_Description', N'the q', 'SCHEMA', 'dbo', 'TABLE', 'c', 'COLUMN', 'q'");
    check(
        &mut db,
        &[
            (
                "SELECT i.name, i.is_primary_key, i.is_unique_constraint, c.column_id, c.key_ordinal, c.is_descending_key FROM sys.indexes i JOIN sys.index_columns c ON c.object_id = i.object_id AND c.index_id = i.index_id WHERE i.object_id = OBJECT_ID('s.p') ORDER BY i.index_id",
                "PK_p|1|0|1|1|0; UQ_p|0|1|2|1|1",
            ),
            (
                "SELECT f.name, OBJECT_NAME(f.referenced_object_id), f.delete_referential_action_desc, k.parent_column_id, k.referenced_column_id FROM sys.foreign_keys f JOIN sys.foreign_key_columns k ON k.constraint_object_id = f.object_id",
                "FK_c|p|SET_NULL|2|1",
            ),
            (
                "SELECT d.name, d.definition, k.definition FROM sys.default_constraints d, sys.check_constraints k",
                "DF_q|((3))|([q]>(0))",
            ),
            (
                "SELECT seed_value, increment_value, last_value FROM sys.identity_columns",
                "-5|-1|-6",
            ),
            (
                "SELECT SUM(row_count) FROM sys.dm_db_partition_stats WHERE object_id = OBJECT_ID('c') AND index_id IN (0, 1)",
                "2",
            ),
            (
                "SELECT minor_id, value FROM sys.extended_properties",
                "3|the q",
            ),
            (
                "SELECT SCHEMA_NAME(schema_id), name, temporal_type, is_memory_optimized FROM sys.tables ORDER BY name",
                "dbo|c|0|0; s|p|0|0",
            ),
            (
                "SELECT name, database_id, snapshot_isolation_state, compatibility_level, state_desc FROM sys.databases WHERE database_id > 4",
                "t|5|0|160|ONLINE",
            ),
        ],
    );
    assert_eq!(db.error("SELECT * FROM sys.no_such_view"), 208);
}
