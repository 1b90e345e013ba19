"""pymssql (FreeTDS): log in with and without TLS, create, insert and read every type."""
import sys

import pymssql

import all_types

host, port, user, password = sys.argv[1:5]


def connect(**other):
    settings = {"server": host, "port": int(port), "user": user, "password": password, "autocommit": True}
    return pymssql.connect(**(settings | other))


for encryption in ("off", "request", "require"):
    with connect(encryption=encryption) as connection, connection.cursor() as cursor:
        cursor.execute(all_types.DROP)
        cursor.execute(all_types.CREATE)
        cursor.execute(all_types.INSERT)
        cursor.execute(all_types.INSERT_NULLS)
        cursor.execute(all_types.SELECT)
        all_types.check(cursor.fetchall())
        cursor.execute("UPDATE dbo.AllTypes SET c_nvarchar = %s WHERE id = %d", ("ünï", 2))
        assert cursor.rowcount == 1, cursor.rowcount
        cursor.execute("SELECT c_nvarchar FROM dbo.AllTypes WHERE id = 2")
        assert cursor.fetchone() == ("ünï",)

with connect(autocommit=False) as connection, connection.cursor() as cursor:
    cursor.execute("DELETE FROM dbo.AllTypes")
    connection.rollback()
    cursor.execute("SELECT COUNT(*) FROM dbo.AllTypes")
    assert cursor.fetchone() == (2,), "rollback"

for settings, number in (({"password": "wrong"}, b"18456"), ({"database": "nowhere"}, b"4060")):
    try:
        connect(**settings)
    except pymssql.OperationalError as error:
        assert number in str(error).encode(), error
    else:
        raise AssertionError(f"logged in with {settings}")
print("pymssql: ok")
