//! A run as OpenLineage events (specification 2-0-2): which tables were read, and which were written.

use serde_json::{Map, Value, json};

use crate::report::Endpoint;
use crate::report::run::{Report, RunOutcome};
use crate::report::table::{TableOutcome, TableReport};
use crate::report::timestamp::Timestamp;

/// Names this tool to those who read the events.
const PRODUCER: &str = concat!("urn:migrate:", env!("CARGO_PKG_VERSION"));
/// The namespace of jobs: datasets have those of their servers.
const JOBS: &str = "migrate";
const EVENT: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const STATISTICS: &str = "https://openlineage.io/spec/facets/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet";
const ERROR: &str = "https://openlineage.io/spec/facets/1-0-0/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet";

/// What all events of a run say of it.
#[derive(Debug, Clone)]
pub struct LineageRun {
    /// A UUID.
    pub id: String,
    /// The job's name.
    pub job: String,
}

impl LineageRun {
    /// The run began at this time. Its tables are not known yet: they come with the event of its end.
    pub fn started(&self, at: Timestamp) -> Value {
        self.event("START", at, Map::new())
    }

    /// The run ended with a report.
    pub fn ended(&self, report: &Report) -> Value {
        let facts = &report.facts;
        let kind = match report.outcome {
            RunOutcome::Done | RunOutcome::Incomplete | RunOutcome::Rejected => "COMPLETE",
            RunOutcome::Different | RunOutcome::Failed => "FAIL",
            RunOutcome::Stopped => "ABORT",
        };
        let tables = facts
            .tables
            .iter()
            .filter(|table| table.outcome != TableOutcome::Skipped);
        let inputs = tables
            .clone()
            .map(|table| dataset("mssql", &facts.source, &table.table));
        let outputs = tables.map(|table| output(&facts.target, table));
        let mut event = self.event(kind, facts.ended, error(report));
        event["inputs"] = inputs.collect();
        event["outputs"] = outputs.collect();
        event
    }

    /// The run ended with an error instead of a report.
    pub fn failed(&self, outcome: RunOutcome, message: &str) -> Value {
        let kind = if outcome == RunOutcome::Stopped {
            "ABORT"
        } else {
            "FAIL"
        };
        self.event(kind, Timestamp::now(), error_facet(message))
    }

    fn event(&self, kind: &str, at: Timestamp, facets: Map<String, Value>) -> Value {
        json!({
            "eventType": kind,
            "eventTime": at,
            "producer": PRODUCER,
            "schemaURL": EVENT,
            "run": { "runId": self.id, "facets": facets },
            "job": { "namespace": JOBS, "name": self.job },
            "inputs": [],
            "outputs": [],
        })
    }
}

/// Named as the specification's Naming.md says, `mssql://host:port` and `database.schema.table`.
fn dataset(scheme: &str, side: &Endpoint, table: &str) -> Value {
    // A named instance has no port that the job knows.
    let address = side.address.replace('\\', "/");
    json!({
        "namespace": format!("{scheme}://{address}"),
        "name": format!("{}.{table}", side.database),
    })
}

fn output(target: &Endpoint, table: &TableReport) -> Value {
    let mut dataset = dataset("postgres", target, &table.target);
    dataset["outputFacets"] = json!({
        "outputStatistics": {
            "_producer": PRODUCER,
            "_schemaURL": STATISTICS,
            "rowCount": table.rows.saturating_sub(table.resumed_rows),
        }
    });
    dataset
}

/// Why the run failed, if it did: what ended it, or the first table that failed.
fn error(report: &Report) -> Map<String, Value> {
    let tables = report
        .facts
        .tables
        .iter()
        .filter_map(|table| table.cause.as_ref());
    let cause = report.facts.ended_by.iter().chain(tables).next();
    match cause {
        Some(cause) => error_facet(&cause.message),
        None if report.outcome == RunOutcome::Different => {
            error_facet("both sides were compared and differ")
        }
        None => Map::new(),
    }
}

fn error_facet(message: &str) -> Map<String, Value> {
    let facet = json!({
        "_producer": PRODUCER,
        "_schemaURL": ERROR,
        "message": message,
        "programmingLanguage": "Rust",
    });
    Map::from_iter([("errorMessage".to_owned(), facet)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::run::tests::facts;
    use crate::report::table::Cause;

    fn run() -> LineageRun {
        LineageRun {
            id: "3b452093-782c-4ef2-9c0c-aafe2aa6f34d".into(),
            job: "demo".into(),
        }
    }

    #[test]
    fn a_run_that_is_done_names_what_it_read_and_wrote() {
        let mut facts = facts();
        facts.source.address = r"sql01\SHOP".into();
        facts.source.database = "Shop".into();
        facts.target.address = "pg:5432".into();
        facts.target.database = "shop".into();
        facts
            .tables
            .push(TableReport::new("dbo.B", "", TableOutcome::Skipped));
        let event = run().ended(&Report::draw_up(facts));
        assert_eq!(event["eventType"], "COMPLETE");
        assert_eq!(
            event["inputs"],
            json!([{ "namespace": "mssql://sql01/SHOP", "name": "Shop.dbo.A" }])
        );
        let output = &event["outputs"][0];
        assert_eq!(
            (&output["namespace"], &output["name"]),
            (&json!("postgres://pg:5432"), &json!("shop.public.a"))
        );
        assert_eq!(output["outputFacets"]["outputStatistics"]["rowCount"], 600);
        assert_eq!(event["run"]["facets"], json!({}));
        assert_eq!(
            event["run"]["runId"],
            run().started(Timestamp::now())["run"]["runId"]
        );
    }

    #[test]
    fn a_run_that_failed_says_why() {
        let mut facts = facts();
        facts.tables[0].outcome = TableOutcome::Failed;
        facts.tables[0].cause = Some(Cause {
            kind: "SourceLost".into(),
            message: "table dbo.A: the connection broke".into(),
            because: Vec::new(),
            advice: String::new(),
        });
        let event = run().ended(&Report::draw_up(facts));
        assert_eq!(event["eventType"], "FAIL");
        let facet = &event["run"]["facets"]["errorMessage"];
        assert_eq!(facet["message"], "table dbo.A: the connection broke");
        assert_eq!(
            run().failed(RunOutcome::Stopped, "stopped")["eventType"],
            "ABORT"
        );
    }
}
