"""mssql-python (Microsoft's ODBC driver 18): the same, with TLS as well as TDS 8.0 strict."""
import sys

import mssql_python

import all_types

host, port, user, password, certificate = sys.argv[1:6]


def connect(extra, autocommit=True, user=user, password=password):
    text = f"Server={host},{port};UID={user};PWD={{{password}}};{extra}"
    return mssql_python.connect(text, autocommit=autocommit)


ENCRYPTIONS = (
    "Encrypt=no;",
    "Encrypt=yes;TrustServerCertificate=yes;",
    f"Encrypt=strict;ServerCertificate={certificate};",
)
for encryption in ENCRYPTIONS:
    connection = connect(encryption)
    cursor = connection.cursor()
    cursor.execute(all_types.DROP)
    cursor.execute(all_types.CREATE)
    cursor.execute(all_types.INSERT)
    cursor.execute(all_types.INSERT_NULLS)
    cursor.execute(all_types.SELECT)
    all_types.check(cursor.fetchall())
    # Parameters travel as sp_prepexec and sp_execute.
    simple = [(name, value) for name, kind, _, value in all_types.COLUMNS if kind.split("(")[0] in (
        "bit", "int", "bigint", "decimal", "float", "date", "nvarchar", "varbinary", "uniqueidentifier")]
    names = ", ".join(name for name, _ in simple)
    marks = ", ".join("?" for _ in simple)
    for row in (3, 4):
        values = (row, *(value for _, value in simple))
        cursor.execute(f"INSERT INTO dbo.AllTypes (id, {names}) VALUES (?, {marks})", values)
    cursor.execute(f"SELECT id, {names} FROM dbo.AllTypes WHERE id = ?", (4,))
    assert tuple(cursor.fetchone()) == values, "parameters"
    connection.close()

connection = connect(ENCRYPTIONS[1], autocommit=False)
cursor = connection.cursor()
cursor.execute("DELETE FROM dbo.AllTypes")
connection.rollback()
cursor.execute("SELECT COUNT(*) FROM dbo.AllTypes")
assert cursor.fetchone()[0] == 4, "rollback"
connection.close()

for extra, secret, words in (
    ("Encrypt=no;", "wrong", "Login failed"),
    ("Encrypt=no;Database=nowhere;", password, "Cannot open database"),
):
    try:
        connect(extra, password=secret)
    except mssql_python.Error as error:
        assert words in str(error), error
    else:
        raise AssertionError(f"logged in with {extra}")
print("mssql-python: ok")
