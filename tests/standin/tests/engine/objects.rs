//! What belongs to tables, as the catalog shows it: indexes, keys, properties, views, sequences.

use crate::harness::{Db, check};

#[test]
fn indexes_of_every_form() {
    let mut db = Db::new();
    db.ok("CREATE TABLE t (id int NOT NULL CONSTRAINT PK_t PRIMARY KEY, a int, b nvarchar(20), Active bit, x xml, g geography, INDEX ix_in (a DESC, b) INCLUDE (Active))");
    db.ok("CREATE UNIQUE INDEX ux_a ON t (a) WHERE Active = 1 AND a IS NOT NULL");
    db.ok("CREATE NONCLUSTERED COLUMNSTORE INDEX cs ON t (a, b)");
    db.ok("CREATE PRIMARY XML INDEX px ON t (x)");
    db.ok("CREATE XML INDEX sx ON t (x) USING XML INDEX px FOR VALUE");
    db.ok("CREATE SPATIAL INDEX sp ON t (g)");
    db.ok("ALTER INDEX ix_in ON t DISABLE");
    db.ok("CREATE TABLE c (a int, b int, INDEX cci CLUSTERED COLUMNSTORE)");
    db.ok("INSERT c VALUES (1, 2), (3, 4)");
    check(
        &mut db,
        &[
            (
                "SELECT index_id, name, type, type_desc, is_unique, is_disabled, has_filter, filter_definition FROM sys.indexes WHERE object_id = OBJECT_ID('t') ORDER BY index_id",
                "1|PK_t|1|CLUSTERED|1|0|0|NULL; 2|ix_in|2|NONCLUSTERED|0|1|0|NULL; 3|ux_a|2|NONCLUSTERED|1|0|1|([Active]=(1) AND [a] IS NOT NULL); 4|cs|6|NONCLUSTERED COLUMNSTORE|0|0|0|NULL; 256000|px|3|XML|0|0|0|NULL; 256001|sx|3|XML|0|0|0|NULL; 384000|sp|4|SPATIAL|0|0|0|NULL",
            ),
            (
                "SELECT index_id, column_id, key_ordinal, is_descending_key, is_included_column FROM sys.index_columns WHERE object_id = OBJECT_ID('t') AND index_id IN (2, 4, 256000) ORDER BY index_id, index_column_id",
                "2|2|1|1|0; 2|3|2|0|0; 2|4|0|0|1; 4|2|0|0|1; 4|3|0|0|1; 256000|5|0|0|0",
            ),
            (
                "SELECT name, using_xml_index_id, secondary_type_desc FROM sys.xml_indexes ORDER BY index_id",
                "px|NULL|NULL; sx|256000|VALUE",
            ),
            (
                "SELECT spatial_index_type_desc, tessellation_scheme FROM sys.spatial_indexes",
                "GEOGRAPHY|GEOGRAPHY_AUTO_GRID",
            ),
            // A clustered columnstore index takes the heap's place; the rows can be read.
            (
                "SELECT index_id, type, type_desc FROM sys.indexes WHERE object_id = OBJECT_ID('c')",
                "1|5|CLUSTERED COLUMNSTORE",
            ),
            ("SELECT SUM(a + b) FROM c", "10"),
            (
                "SELECT index_id, rows FROM sys.partitions WHERE object_id = OBJECT_ID('c')",
                "1|2",
            ),
        ],
    );
    // The filtered index holds what its predicate accepts, and nothing else.
    db.ok("INSERT t (id, a, Active) VALUES (1, 5, 1), (2, 5, 0)");
    assert_eq!(db.error("INSERT t (id, a, Active) VALUES (3, 5, 1)"), 2601);
    assert_eq!(
        db.error("CREATE UNIQUE INDEX d ON t (b) WITH (IGNORE_DUP_KEY = ON)"),
        40_001
    );
}

#[test]
fn foreign_keys_act() {
    let mut db = Db::new();
    db.ok("CREATE SCHEMA s");
    db.ok("CREATE TABLE s.p (a int NOT NULL, b int NOT NULL, CONSTRAINT PK_p PRIMARY KEY (a, b))
           CREATE TABLE c (id int PRIMARY KEY, a int, b int, CONSTRAINT FK_cp FOREIGN KEY (a, b) REFERENCES s.p (a, b) ON DELETE SET NULL ON UPDATE CASCADE)
           CREATE TABLE d (id int PRIMARY KEY, a int DEFAULT 9, b int DEFAULT 9, CONSTRAINT FK_dp FOREIGN KEY (a, b) REFERENCES s.p (a, b) ON DELETE SET DEFAULT ON UPDATE SET NULL)
           CREATE TABLE r (id int PRIMARY KEY, up int CONSTRAINT FK_self REFERENCES r (id))
           INSERT s.p VALUES (1, 1), (2, 2), (9, 9)
           INSERT c VALUES (1, 1, 1), (2, 2, 2)
           INSERT d VALUES (1, 1, 1), (2, 2, 2)
           INSERT r VALUES (1, NULL), (2, 1)");
    check(
        &mut db,
        &[
            (
                "SELECT name, delete_referential_action, update_referential_action_desc, SCHEMA_NAME(schema_id), OBJECT_NAME(referenced_object_id), key_index_id FROM sys.foreign_keys ORDER BY name",
                "FK_cp|2|CASCADE|dbo|p|1; FK_dp|3|SET_NULL|dbo|p|1; FK_self|0|NO_ACTION|dbo|r|1",
            ),
            (
                "SELECT constraint_column_id, parent_column_id, referenced_column_id FROM sys.foreign_key_columns WHERE constraint_object_id = OBJECT_ID('FK_cp')",
                "1|2|1; 2|3|2",
            ),
            (
                "UPDATE s.p SET b = 5 WHERE a = 1; SELECT a, b FROM c WHERE id = 1",
                "1|5",
            ),
            ("SELECT a, b FROM d WHERE id = 1", "NULL|NULL"),
            (
                "DELETE s.p WHERE a = 2; SELECT a, b FROM c WHERE id = 2",
                "NULL|NULL",
            ),
            ("SELECT a, b FROM d WHERE id = 2", "9|9"),
        ],
    );
    assert_eq!(db.error("DELETE r WHERE id = 1"), 547);
    assert_eq!(
        db.error("CREATE TABLE q (id int PRIMARY KEY, up int REFERENCES q (id) ON DELETE CASCADE)"),
        1785
    );
    // SET NULL is a referential action as CASCADE is: no table twice, and not the first one again.
    assert_eq!(
        db.error(
            "CREATE TABLE q (id int PRIMARY KEY, up int REFERENCES q (id) ON DELETE SET NULL)"
        ),
        1785
    );
    db.ok("CREATE TABLE m (id int PRIMARY KEY, r int REFERENCES r (id) ON DELETE CASCADE)");
    assert_eq!(
        db.error("CREATE TABLE n (id int PRIMARY KEY, r int REFERENCES r (id) ON DELETE SET NULL, m int REFERENCES m (id) ON DELETE CASCADE)"),
        1785
    );
}

#[test]
fn disabled_and_untrusted_constraints() {
    let mut db = Db::new();
    db.ok(
        "CREATE TABLE p (id int CONSTRAINT PK_p PRIMARY KEY NONCLUSTERED)
           CREATE TABLE c (p int, q int)
           INSERT c VALUES (1, -1)
           ALTER TABLE c WITH NOCHECK ADD CONSTRAINT FK_c FOREIGN KEY (p) REFERENCES p (id)
           ALTER TABLE c WITH NOCHECK ADD CONSTRAINT CK_c CHECK (q > 0)
           ALTER TABLE c ADD CONSTRAINT CK_d CHECK NOT FOR REPLICATION (q < 100)
           ALTER TABLE c ADD CONSTRAINT CK_e CHECK (q < 200)
           ALTER TABLE c CHECK CONSTRAINT CK_e",
    );
    let shown = "SELECT name, is_disabled, is_not_trusted, is_not_for_replication FROM sys.check_constraints ORDER BY name";
    check(
        &mut db,
        &[
            (shown, "CK_c|0|1|0; CK_d|0|1|1; CK_e|0|0|0"),
            (
                "SELECT is_disabled, is_not_trusted FROM sys.foreign_keys",
                "0|1",
            ),
        ],
    );
    assert_eq!(db.error("INSERT c VALUES (NULL, -2)"), 547);
    db.ok("ALTER TABLE c NOCHECK CONSTRAINT ALL");
    db.ok("INSERT c VALUES (7, -2)");
    check(&mut db, &[(shown, "CK_c|1|1|0; CK_d|1|1|1; CK_e|1|1|0")]);
    // Coming back needs the rows to be right only WITH CHECK.
    db.ok("ALTER TABLE c CHECK CONSTRAINT CK_c");
    assert_eq!(
        db.error("ALTER TABLE c WITH CHECK CHECK CONSTRAINT CK_c"),
        547
    );
    assert_eq!(
        db.error("ALTER TABLE c WITH CHECK CHECK CONSTRAINT FK_c"),
        547
    );
    db.ok("DELETE c; ALTER TABLE c WITH CHECK CHECK CONSTRAINT ALL");
    check(
        &mut db,
        &[
            (shown, "CK_c|0|0|0; CK_d|0|1|1; CK_e|0|0|0"),
            (
                "ALTER INDEX PK_p ON p DISABLE; SELECT is_disabled, is_not_trusted FROM sys.foreign_keys",
                "1|1",
            ),
        ],
    );
}

#[test]
fn properties_at_every_level() {
    let mut db = Db::new();
    db.ok("CREATE SCHEMA s");
    db.ok("CREATE TYPE s.code FROM char(3)");
    db.ok("CREATE TABLE s.t (id int CONSTRAINT PK_t PRIMARY KEY, q int CONSTRAINT CK_q CHECK (q > 0), INDEX ix (q))");
    db.ok("CREATE VIEW s.v AS SELECT id AS n FROM s.t");
    for (levels, value) in [
        ("", "database"),
        (", 'SCHEMA', 's'", "schema"),
        (", 'SCHEMA', 's', 'TABLE', 't'", "table"),
        (", 'SCHEMA', 's', 'TABLE', 't', 'COLUMN', 'q'", "column"),
        (
            ", 'SCHEMA', 's', 'TABLE', 't', 'CONSTRAINT', 'CK_q'",
            "constraint",
        ),
        (", 'SCHEMA', 's', 'TABLE', 't', 'INDEX', 'ix'", "index"),
        (", 'SCHEMA', 's', 'VIEW', 'v'", "view"),
        (", 'SCHEMA', 's', 'VIEW', 'v', 'COLUMN', 'n'", "view column"),
        (", 'SCHEMA', 's', 'TYPE', 'code'", "type"),
    ] {
        db.ok(&format!(
            "EXEC sys.sp_addextendedproperty N'MS_Description', N'{value}'{levels}"
        ));
    }
    assert_eq!(
        db.rows("SELECT class_desc, minor_id, value FROM sys.extended_properties"),
        "DATABASE|0|database; SCHEMA|0|schema; OBJECT_OR_COLUMN|0|table; OBJECT_OR_COLUMN|2|column; OBJECT_OR_COLUMN|0|constraint; INDEX|2|index; OBJECT_OR_COLUMN|0|view; OBJECT_OR_COLUMN|1|view column; TYPE|0|type"
    );
    assert_eq!(
        db.rows("SELECT OBJECT_NAME(major_id) FROM sys.extended_properties WHERE class IN (1, 7)"),
        "t; t; CK_q; t; v; v"
    );
    assert_eq!(
        db.error(
            "EXEC sp_addextendedproperty 'MS_Description', 'again', 'SCHEMA', 's', 'TABLE', 't'"
        ),
        15233
    );
    assert_eq!(
        db.error(
            "EXEC sp_addextendedproperty 'MS_Description', 'x', 'SCHEMA', 's', 'TABLE', 'none'"
        ),
        15135
    );
    db.ok("EXEC sp_updateextendedproperty 'MS_Description', 'new', 'SCHEMA', 's', 'TABLE', 't'");
    db.ok("EXEC sp_dropextendedproperty 'MS_Description', 'SCHEMA', 's', 'VIEW', 'v'");
    assert_eq!(
        db.rows("SELECT value FROM sys.extended_properties WHERE class = 1 AND minor_id = 0 ORDER BY value"),
        "constraint; new"
    );
}

#[test]
fn sequences_count() {
    let mut db = Db::new();
    db.ok(
        "CREATE SEQUENCE s AS int START WITH 3 INCREMENT BY 2 MINVALUE 1 MAXVALUE 7 CYCLE CACHE 10",
    );
    db.ok("CREATE SEQUENCE down AS smallint INCREMENT BY -1 MAXVALUE 2 MINVALUE 1 NO CACHE");
    db.ok("CREATE SEQUENCE plain");
    db.ok("CREATE TABLE t (id int DEFAULT (NEXT VALUE FOR dbo.s), x char(1))");
    db.ok("INSERT t (x) VALUES ('a'), ('b'), ('c'), ('d')");
    check(
        &mut db,
        &[
            // A cycle goes on at the minimum, not at the start.
            ("SELECT id FROM t", "3; 5; 7; 1"),
            (
                "SELECT definition FROM sys.default_constraints",
                "(NEXT VALUE FOR [dbo].[s])",
            ),
            (
                "SELECT name, TYPE_NAME(user_type_id), start_value, increment, minimum_value, maximum_value, is_cycling, is_cached, cache_size, current_value, is_exhausted, last_used_value FROM sys.sequences ORDER BY name",
                "down|smallint|2|-1|1|2|0|0|NULL|2|0|NULL; plain|bigint|-9223372036854775808|1|-9223372036854775808|9223372036854775807|0|1|NULL|-9223372036854775808|0|NULL; s|int|3|2|1|7|1|1|10|1|0|1",
            ),
            ("SELECT NEXT VALUE FOR down", "2"),
            ("SELECT NEXT VALUE FOR dbo.down", "1"),
            (
                "SELECT is_exhausted FROM sys.sequences WHERE name = 'down'",
                "1",
            ),
            (
                "SELECT type, type_desc FROM sys.objects WHERE name = 's'",
                "SO|SEQUENCE_OBJECT",
            ),
        ],
    );
    assert_eq!(db.error("SELECT NEXT VALUE FOR down"), 11728);
    assert_eq!(db.error("DROP SEQUENCE s"), 3729);
    db.ok("ALTER SEQUENCE down RESTART");
    assert_eq!(db.rows("SELECT NEXT VALUE FOR down"), "2");
    // A rollback gives no number back.
    db.ok("BEGIN TRAN; INSERT t (x) VALUES ('e'); ROLLBACK; INSERT t (x) VALUES ('f')");
    assert_eq!(db.rows("SELECT id FROM t WHERE x = 'f'"), "5");
}

#[test]
fn views_read_and_depend() {
    let mut db = Db::new();
    db.ok("CREATE TABLE t (id int IDENTITY(10, -5), a int NOT NULL)
           INSERT t (a) VALUES (1), (2), (3)");
    db.ok("CREATE VIEW v (n, twice) AS\nSELECT id, a * 2 FROM t WHERE a > 1 WITH CHECK OPTION");
    db.ok("CREATE VIEW w AS SELECT x.n FROM dbo.v AS x JOIN t ON t.id = x.n");
    db.ok("CREATE SYNONYM y FOR dbo.t");
    check(
        &mut db,
        &[
            ("SELECT * FROM v ORDER BY n", "0|6; 5|4"),
            ("SELECT COUNT(*) FROM w", "2"),
            ("SELECT COUNT(*) FROM y", "3"),
            (
                "SELECT name, type, with_check_option FROM sys.views ORDER BY name",
                "v|V |1; w|V |0",
            ),
            (
                "SELECT definition FROM sys.sql_modules WHERE object_id = OBJECT_ID('v', 'V')",
                "CREATE VIEW v (n, twice) AS\nSELECT id, a * 2 FROM t WHERE a > 1 WITH CHECK OPTION",
            ),
            (
                "SELECT OBJECT_NAME(referencing_id), referenced_schema_name, referenced_entity_name, OBJECT_NAME(referenced_id) FROM sys.sql_expression_dependencies ORDER BY referencing_id, referenced_entity_name",
                "v|NULL|t|t; w|NULL|t|t; w|dbo|v|v",
            ),
            (
                "SELECT name, column_id, max_length FROM sys.columns WHERE object_id = OBJECT_ID('v')",
                "n|1|4; twice|2|4",
            ),
            (
                "SELECT seed_value, increment_value, last_value FROM sys.identity_columns",
                "10|-5|0",
            ),
            ("SELECT base_object_name FROM sys.synonyms", "[dbo].[t]"),
        ],
    );
    assert_eq!(db.error("CREATE VIEW z AS SELECT * FROM missing"), 208);
    assert_eq!(db.error("DROP VIEW nothing"), 3701);
    db.ok("DROP VIEW w; DROP VIEW IF EXISTS w");
    assert_eq!(db.rows("SELECT COUNT(*) FROM sys.views"), "1");
}

#[test]
fn modules_are_kept_by_name() {
    let mut db = Db::new();
    db.ok("CREATE TABLE t (id int)");
    assert_eq!(
        db.rows("CREATE TRIGGER tr ON t AFTER INSERT AS PRINT 'x'"),
        "#The stand-in server keeps TRIGGER 'tr' but does not run it."
    );
    db.ok(
        "CREATE FUNCTION dbo.f (@a int) RETURNS varchar(8) AS BEGIN DECLARE @x int RETURN 'x' END",
    );
    db.ok("CREATE TABLE u (id int, n AS dbo.f(id))");
    db.ok("DISABLE TRIGGER tr ON t");
    check(
        &mut db,
        &[
            (
                "SELECT name, OBJECT_NAME(parent_id), is_disabled, is_instead_of_trigger FROM sys.triggers",
                "tr|t|1|0",
            ),
            (
                "SELECT type, name FROM sys.objects WHERE type IN ('TR', 'FN') ORDER BY type",
                "FN|f; TR|tr",
            ),
            (
                "SELECT definition, max_length FROM sys.computed_columns",
                "([dbo].[f]([id]))|8",
            ),
        ],
    );
    db.ok("INSERT u (id) VALUES (1)");
    assert_eq!(db.rows("SELECT n FROM u"), "x");
    assert_eq!(db.error("SELECT dbo.g(1)"), 4121);
}
