"""One table with every type the stand-in knows: T-SQL literals and what a client must read."""
import datetime
import decimal
import uuid

D = decimal.Decimal
OFFSET = datetime.timezone(datetime.timedelta(hours=5, minutes=30))

# Column, type, literal, value read back.
COLUMNS = [
    ("c_bit", "bit", "1", True),
    ("c_tinyint", "tinyint", "255", 255),
    ("c_smallint", "smallint", "-32768", -32768),
    ("c_int", "int", "-2147483648", -2147483648),
    ("c_bigint", "bigint", "-9223372036854775808", -(2**63)),
    ("c_decimal9", "decimal(9,2)", "1234567.89", D("1234567.89")),
    ("c_decimal19", "decimal(19,4)", "-0.0001", D("-0.0001")),
    ("c_decimal38", "decimal(38,10)", "-1234567890123456789012345678.9012345678",
     D("-1234567890123456789012345678.9012345678")),
    ("c_smallmoney", "smallmoney", "-214748.3648", D("-214748.3648")),
    ("c_money", "money", "922337203685477.5807", D("922337203685477.5807")),
    ("c_real", "real", "1.5", 1.5),
    ("c_float", "float", "-2.25e-300", -2.25e-300),
    ("c_date", "date", "'2024-05-06'", datetime.date(2024, 5, 6)),
    ("c_time0", "time(0)", "'12:34:56'", datetime.time(12, 34, 56)),
    ("c_time6", "time(6)", "'12:34:56.123456'", datetime.time(12, 34, 56, 123456)),
    ("c_smalldatetime", "smalldatetime", "'2024-05-06T12:34:00'", datetime.datetime(2024, 5, 6, 12, 34)),
    ("c_datetime", "datetime", "'2024-05-06T12:34:56.003'", datetime.datetime(2024, 5, 6, 12, 34, 56, 3000)),
    ("c_datetime2", "datetime2(6)", "'0001-01-01T00:00:00.000001'", datetime.datetime(1, 1, 1, 0, 0, 0, 1)),
    ("c_datetimeoffset", "datetimeoffset(6)", "'2024-05-06T12:34:56.123456+05:30'",
     datetime.datetime(2024, 5, 6, 12, 34, 56, 123456, OFFSET)),
    ("c_char", "char(5)", "'a'", "a    "),
    ("c_varchar", "varchar(10)", "'v é '", "v é "),
    ("c_varchar_max", "varchar(max)", "'" + "é" * 20000 + "'", "é" * 20000),
    ("c_nchar", "nchar(5)", "N'日'", "日    "),
    ("c_nvarchar", "nvarchar(10)", "N'😀 it''s'", "😀 it's"),
    ("c_nvarchar_empty", "nvarchar(10)", "N''", ""),
    ("c_nvarchar_max", "nvarchar(max)", "N'" + "日本ü" * 10000 + "'", "日本ü" * 10000),
    ("c_binary", "binary(4)", "0x0102", b"\x01\x02\x00\x00"),
    ("c_varbinary", "varbinary(4)", "0x", b""),
    ("c_varbinary_max", "varbinary(max)", "0x" + "07" * 20000, b"\x07" * 20000),
    ("c_uniqueidentifier", "uniqueidentifier", "'6F9619FF-8B86-D011-B42D-00C04FC964FF'",
     uuid.UUID("6F9619FF-8B86-D011-B42D-00C04FC964FF")),
    ("c_xml", "xml", "N'<a>ü</a>'", "<a>ü</a>"),
    ("c_text", "text", "'téxt'", "téxt"),
    ("c_ntext", "ntext", "N'ntéxt日'", "ntéxt日"),
    ("c_image", "image", "0x010203", b"\x01\x02\x03"),
]

CREATE = "CREATE TABLE dbo.AllTypes (id int NOT NULL PRIMARY KEY, " + ", ".join(
    f"{name} {kind} NULL" for name, kind, _, _ in COLUMNS
) + ")"
INSERT = f"INSERT INTO dbo.AllTypes VALUES (1, {', '.join(literal for _, _, literal, _ in COLUMNS)})"
INSERT_NULLS = "INSERT INTO dbo.AllTypes (id) VALUES (2)"
SELECT = "SELECT * FROM dbo.AllTypes ORDER BY id"
DROP = "IF OBJECT_ID('dbo.AllTypes') IS NOT NULL DROP TABLE dbo.AllTypes"


def check(rows):
    """Raises when the two rows are not what was inserted."""
    assert len(rows) == 2, f"{len(rows)} rows"
    first, second = (list(row) for row in rows)
    assert (first[0], second[0]) == (1, 2), (first[0], second[0])
    wrong = [
        f"{name}: {got!r:.80} instead of {expected!r:.80}"
        for (name, _, _, expected), got in zip(COLUMNS, first[1:], strict=True)
        if got != expected or type(got) is not type(expected)
    ]
    assert not wrong, "\n".join(wrong)
    assert all(value is None for value in second[1:]), second
