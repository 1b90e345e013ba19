"""Three DAGs that move a database; keep the one that fits (docs/many-processes.md).

For Airflow 3. In each of them a retry, or a task that is cleared, continues the run of its DAG run or takes its
result: `--join` with a name never loads a finished job again.
"""

from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import chain, dag
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

JOB = "/jobs/shop.yaml"
PROCESSES = 4
# For move_shop_by_table: tables that get a task of their own, in this order. All others are moved by the last task.
TABLES = ["dbo.Posts", "dbo.Comments", "dbo.Votes"]

# `exec`: the signal of a time-out or of "mark failed" reaches the tool, which gives back what it has. The last line
# of its output is the result, which XCom keeps: the outcome of the run, and what this process did.
COMMAND = f'exec migrate run --join="$RUN_NAME" --config {JOB} --output json --log-format json'


class Migrate(BashOperator):
    """A BashOperator that fails without a retry if another try would change nothing.

    2: the command line or the job file is wrong. 4, 5, 6: done, with differences, rejected rows or objects left out.
    """

    def __init__(self, **arguments):
        super().__init__(skip_on_exit_code=[2, 4, 5, 6], **arguments)

    def execute(self, context):
        try:
            return super().execute(context)
        except AirflowSkipException as final:
            raise AirflowFailException(f"the log above says what to look at: {final}") from final


def options(run_name="{{ run_id }}"):
    return {
        "env": {
            "MSSQL_PASSWORD": "{{ conn.shop_mssql.password }}",
            "PGPASSWORD": "{{ conn.shop_pg.password }}",
            "RUN_NAME": run_name,
        },
        "append_env": True,
        "retries": 3,
        "retry_delay": timedelta(minutes=1),
    }


COMMON = {"schedule": None, "start_date": datetime(2026, 1, 1), "catchup": False, "max_active_runs": 1}


@dag(**COMMON)
def move_shop():
    """One process."""
    Migrate(task_id="process", bash_command=COMMAND, **options())


@dag(**COMMON)
def move_shop_together():
    """Several processes, a mapped task for each. A task for each partition would spend its time on starting."""
    Migrate.partial(task_id="process", **options()).expand(bash_command=[COMMAND] * PROCESSES)


@dag(**COMMON)
def move_shop_by_table():
    """One table after the other, each read in parallel; the last task makes what is left, such as views.

    A table that failed does not keep the others back, and the last task tries it once more.
    """
    tables = [
        Migrate(
            task_id=table,
            bash_command=f"{COMMAND} --table {table}",
            trigger_rule="all_done",
            **options("{{ run_id }}-" + table),
        )
        for table in TABLES
    ]
    rest = Migrate(task_id="rest", bash_command=COMMAND, trigger_rule="all_done", **options())
    chain(*tables, rest)


move_shop()
move_shop_together()
move_shop_by_table()
