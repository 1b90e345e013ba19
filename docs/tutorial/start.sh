# Steps 2 and 3 of the tutorial in one: `. docs/tutorial/start.sh` in an empty folder, with CLONE set to the clone
# and its programs in PATH. EVENTS is the number of rows of dbo.Events. Step 11 of the tutorial ends both servers.
export MSSQL_PASSWORD=Tutorial-2026 PGPASSWORD=Tutorial-2026
STANDIN_PASSWORD=$MSSQL_PASSWORD standin --listen 127.0.0.1:14330 --user reader --database Shop \
    --script "$CLONE/docs/tutorial/shop.sql" --generated "Events:${EVENTS:-1000000}:100" --address-out address > standin.log 2>&1 &
until [ -s address ] || ! kill -0 $!; do sleep 0.2; done
"$CLONE/tests/scripts/cluster.sh" start pg 54330 migrator
export PGHOST=127.0.0.1 PGPORT=54330 PGUSER=migrator PGDATABASE=shop
createdb shop
migrate init --config shop.yaml -q \
    --source-host 127.0.0.1,14330 --source-database Shop --source-user reader --trust-server-certificate \
    --target-host 127.0.0.1 --target-port 54330 --target-database shop --target-user migrator --sslmode disable > init.log 2>&1
