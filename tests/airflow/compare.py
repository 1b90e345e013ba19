"""Source and target, row by row, by two drivers that know nothing of the tool."""

from collections import Counter

import pymssql

from servers import Failure


def every_row_once(source, postgres):
    """The number of rows, all of them equal on both sides; a failure that names the table if they are not."""
    total = 0
    connection = pymssql.connect(
        server="127.0.0.1", port=str(source.port), user=source.user, password=source.password,
        database="Shop", tds_version="7.4",
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SET QUERY_GOVERNOR_COST_LIMIT 0")
        cursor.execute("SELECT name FROM sys.tables ORDER BY name")
        tables = [name for (name,) in cursor.fetchall()]
        if not tables:
            raise Failure("the source has no table")
        for table in tables:
            cursor.execute(f"SELECT * FROM dbo.[{table}]")
            columns = ", ".join(f'"{column[0].lower()}"' for column in cursor.description)
            wanted = Counter(cursor.fetchall())
            found = Counter(postgres.ask(f'SELECT {columns} FROM public."{table.lower()}"'))
            if wanted != found:
                missing, extra = (wanted - found).total(), (found - wanted).total()
                raise Failure(f"{table}: {missing} rows are missing or differ, {extra} are not the source's")
            total += wanted.total()
    return total
