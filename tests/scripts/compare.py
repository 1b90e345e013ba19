#!/usr/bin/env python3
"""Compares a SQL Server database with its copy in PostgreSQL, value by value.

Uses pymssql (FreeTDS) and psycopg2 (libpq), so neither the tool's parser nor its transcoder takes
part. Tables are compared as multisets: duplicates count. Exit code 0 when equal, 1 when not.

  compare.py --mssql user:password@host:port/database --pg postgresql://... [--schema dbo=public] [--table dbo.T]
"""

import argparse
import collections
import re
import sys
import uuid
from decimal import Decimal
from urllib.parse import unquote

import psycopg2
import pymssql

# Types whose value the server prints, because the driver would cut or round it.
PRINTED = {"time": 114, "datetime2": 126, "datetimeoffset": 126, "datetime": 126, "smalldatetime": 126, "date": 23}
TICKS = 10_000_000


def parse_source(text):
    match = re.fullmatch(r"([^:]+):(.*)@([^:/]+):(\d+)/(.+)", text)
    if not match:
        sys.exit("--mssql must be user:password@host:port/database")
    user, password, host, port, database = match.groups()
    return dict(user=unquote(user), password=unquote(password), server=host, port=port, database=database)


def quote_tsql(name):
    return "[" + name.replace("]", "]]") + "]"


def quote_pg(name):
    return '"' + name.replace('"', '""') + '"'


def tables_of(source):
    cursor = source.cursor()
    cursor.execute(
        "SELECT TABLE_SCHEMA, TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_TYPE = 'BASE TABLE'"
    )
    return sorted((schema, name) for schema, name in cursor.fetchall() if schema != "sys")


def columns_of(source, schema, name):
    cursor = source.cursor()
    cursor.execute(
        "SELECT COLUMN_NAME, DATA_TYPE FROM INFORMATION_SCHEMA.COLUMNS "
        "WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION",
        (schema, name),
    )
    return [(column, kind.lower()) for column, kind in cursor.fetchall()]


def fraction_ticks(text):
    return int((text or "").ljust(7, "0")[:7])


def clock_ticks(text):
    match = re.fullmatch(r"(\d\d):(\d\d):(\d\d)(?:[.:](\d+))?", text)
    hours, minutes, seconds, fraction = match.groups()
    return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * TICKS + fraction_ticks(fraction)


def days(text):
    """Days since 0001-01-01."""
    year, month, day = (int(part) for part in text.split("-"))
    before = (year - 1) * 365 + (year - 1) // 4 - (year - 1) // 100 + (year - 1) // 400
    lengths = [31, 28 + (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return before + sum(lengths[: month - 1]) + day - 1


def moment(text):
    """Microseconds since 0001-01-01 UTC, the seventh digit rounded half up, but never into the next day."""
    match = re.fullmatch(r"(\d+-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?) ?(Z|[+-]\d\d(?::?\d\d)?)?", text)
    day, clock, zone = match.groups()
    local = ticks = days(day) * 86_400 * TICKS + clock_ticks(clock)
    if zone and zone != "Z":
        digits = zone[1:].replace(":", "").ljust(4, "0")
        offset = (int(digits[:2]) * 60 + int(digits[2:])) * 60 * TICKS
        ticks += offset if zone[0] == "-" else -offset
    return rounded(ticks, local)


def rounded(ticks, *clocks):
    """Ticks of 100 ns as microseconds; `clocks` are the ticks by each clock whose day counts."""
    day = 86_400 * TICKS
    over = any(clock % day > day - 6 for clock in (ticks, *clocks))
    return ticks // 10 if over else (ticks + 5) // 10


def source_value(kind, value):
    if value is None:
        return None
    if kind == "date":
        return days(value)
    if kind == "time":
        return rounded(clock_ticks(value))
    if kind in ("datetime", "smalldatetime", "datetime2", "datetimeoffset"):
        return moment(value)
    if kind in ("decimal", "numeric", "money", "smallmoney"):
        return Decimal(value).normalize()
    if kind == "bit":
        return bool(value)
    if kind == "real":
        return float(value)
    if kind == "uniqueidentifier":
        return str(value if isinstance(value, uuid.UUID) else uuid.UUID(str(value)))
    if kind in ("binary", "varbinary", "image", "timestamp", "rowversion"):
        return bytes(value)
    if kind in ("char", "nchar"):
        return value.rstrip(" ")
    return value


def target_value(kind, value):
    if value is None:
        return None
    if kind == "date":
        return days(value)
    if kind == "time":
        return clock_ticks(value) // 10
    if kind in ("datetime", "smalldatetime", "datetime2", "datetimeoffset"):
        return moment(value)
    if kind in ("decimal", "numeric", "money", "smallmoney"):
        return Decimal(value).normalize()
    if kind in ("binary", "varbinary", "image", "timestamp", "rowversion"):
        return bytes(value)
    if kind == "uniqueidentifier":
        return str(value)
    if kind in ("char", "nchar"):
        return value.rstrip(" ")
    return value


def source_expression(column, kind):
    name = quote_tsql(column)
    if kind == "datetimeoffset":
        return f"CONVERT(varchar(40), {name}, 121)"
    if kind in PRINTED:
        return f"CONVERT(varchar(40), {name}, {PRINTED[kind]})"
    if kind in ("money", "smallmoney"):
        return f"CONVERT(varchar(40), CAST({name} AS decimal(38, 4)))"
    return name


def target_expression(column, kind):
    name = quote_pg(column)
    if kind in PRINTED:
        return f"{name}::text"
    if kind in ("real", "float"):
        return f"{name}::float8"
    return name


def fold(name, style):
    return name.lower() if style == "lowercase" else name


def read(cursor, kinds, convert):
    rows = collections.Counter()
    while batch := cursor.fetchmany(5000):
        for row in batch:
            rows[tuple(convert(kind, value) for kind, value in zip(kinds, row))] += 1
    return rows


def compare(source, target, table, schemas, style):
    schema, name = table
    columns = columns_of(source, schema, name)
    kinds = [kind for _, kind in columns]
    left = source.cursor()
    fields = ", ".join(source_expression(column, kind) for column, kind in columns)
    left.execute(f"SELECT {fields} FROM {quote_tsql(schema)}.{quote_tsql(name)}")
    right = target.cursor(name="rows")
    fields = ", ".join(target_expression(fold(column, style), kind) for column, kind in columns)
    place = f"{quote_pg(schemas.get(schema, fold(schema, style)))}.{quote_pg(fold(name, style))}"
    right.execute(f"SELECT {fields} FROM {place}")
    there, here = read(left, kinds, source_value), read(right, kinds, target_value)
    right.close()
    missing, extra = there - here, here - there
    total = sum(there.values())
    if not missing and not extra:
        print(f"equal      {schema}.{name}: {total} rows x {len(columns)} columns")
        return True
    print(f"DIFFERENT  {schema}.{name}: {total} rows; {sum(missing.values())} missing, {sum(extra.values())} extra")
    for row, other in list(zip(sorted(missing, key=repr), sorted(extra, key=repr)))[:3]:
        for (column, kind), one, two in zip(columns, row, other):
            if one != two:
                print(f"           column {column} ({kind}): source {one!r:.120}, target {two!r:.120}")
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mssql", required=True)
    parser.add_argument("--pg", required=True)
    parser.add_argument("--schema", action="append", default=[], help="source=target")
    parser.add_argument("--table", action="append", default=[])
    parser.add_argument("--names", choices=["lowercase", "preserve"], default="lowercase")
    arguments = parser.parse_args()
    source = pymssql.connect(**parse_source(arguments.mssql), charset="UTF-8", tds_version="7.4")
    target = psycopg2.connect(arguments.pg)
    target.cursor().execute("SET extra_float_digits = 3; SET timezone = 'UTC'; SET datestyle = 'ISO'")
    schemas = dict(pair.split("=", 1) for pair in arguments.schema) or {"dbo": "public"}
    wanted = {name.lower() for name in arguments.table}
    tables = [table for table in tables_of(source) if not wanted or ".".join(table).lower() in wanted]
    if not tables:
        sys.exit("no table to compare")
    results = [compare(source, target, table, schemas, arguments.names) for table in tables]
    print(f"{sum(results)} of {len(results)} tables are equal")
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
