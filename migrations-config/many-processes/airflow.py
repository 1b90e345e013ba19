"""Moves a database with four processes that share one run (docs/many-processes.md).

Airflow 2.9 or later. One mapped task is one process; one task for each partition would spend its time on
starting tasks. For a single process, a BashOperator without --join is enough (docs/operations.md).
"""

from datetime import datetime, timedelta

from airflow.decorators import dag, task

PROCESSES = 4


@dag(schedule=None, start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1)
def move_shop():
    @task.bash(
        env={
            "MSSQL_PASSWORD": "{{ conn.shop_mssql.password }}",
            "PGPASSWORD": "{{ conn.shop_pg.password }}",
            # The name of the run: a retry continues it, or takes its result.
            "RUN_NAME": "{{ run_id }}",
        },
        append_env=True,
        do_xcom_push=True,  # the last line: the outcome of the run, and what this process did
        retries=3,
        retry_delay=timedelta(minutes=1),
        # Done, with something to look at: another try would change nothing.
        skip_on_exit_code=[4, 5, 6],
    )
    def process(number: int) -> str:
        # `exec`: the signal of a time-out or of "mark failed" reaches the tool, which gives back what it has.
        return (
            'exec migrate run --join="$RUN_NAME" --config /jobs/shop.yaml --output json --log-format json'
        )

    process.expand(number=list(range(PROCESSES)))


move_shop()
