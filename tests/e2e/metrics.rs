//! Metrics of a run while it goes and after it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Child;
use std::time::Duration;

use crate::documented::documented;
use crate::support::job::Job;
use crate::support::openmetrics::Scrape;
use crate::support::scenario::Scenario;

const DASHBOARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/grafana/migrate.json");

/// Four tables of 1,024 rows, read by partitions that stall: long enough to be looked at.
fn slow() -> (Scenario, Job) {
    let mut script =
        String::from("CREATE TABLE dbo.T0 (Id int NOT NULL PRIMARY KEY, V varchar(100) NULL);\n");
    script.push_str("INSERT INTO dbo.T0 VALUES (0, REPLICATE('x', 100));\n");
    for power in 0..10 {
        let more = 1 << power;
        script.push_str(&format!(
            "INSERT INTO dbo.T0 SELECT Id + {more}, V FROM dbo.T0;\n"
        ));
    }
    for table in 1..4 {
        script.push_str(&format!(
            "CREATE TABLE dbo.T{table} (Id int NOT NULL PRIMARY KEY, V varchar(100) NULL);\n\
             INSERT INTO dbo.T{table} SELECT Id, V FROM dbo.T0;\n"
        ));
    }
    let scenario = Scenario::on_stand_in(&script);
    scenario.fault("stall:rows=5,for=300ms,times=12,match=SELECT [Id], [V]");
    let job = Job::with(
        scenario.server(),
        &scenario.source.name,
        &scenario.target.target(),
        "{ max_connections: 2 }",
        "transfer: { partition_min_rows: 256, commit_every: 16KiB, partitions_in_flight: 4 }",
    );
    (scenario, job)
}

/// The address that the run says it listens on.
fn address(run: &mut Child) -> String {
    let stderr = run.stderr.take().expect("stderr");
    let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("metrics are served"));
    let line = line.expect("the address in the log");
    // The rest is read by nobody, but must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    let (_, after) = line.split_once("http://").expect("a URL");
    after.split('/').next().expect("an address").to_owned()
}

/// The body of one scrape as Prometheus makes it; `None` when the run has ended.
fn scrape(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: {address}\r\nAccept: application/openmetrics-text; version=1.0.0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "));
    assert_eq!(length, Some(body.len().to_string().as_str()), "{head}");
    Some(body.to_owned())
}

/// All scrapes of a whole run.
fn scrapes(more: &[&str]) -> Vec<Scrape> {
    let (_scenario, job) = slow();
    let arguments = [
        &[
            "run",
            "--metrics-listen",
            "127.0.0.1:0",
            "--progress",
            "none",
        ],
        more,
    ]
    .concat();
    let mut run = job.spawn(&arguments);
    let address = address(&mut run);
    let mut found = Vec::new();
    while let Some(text) = scrape(&address) {
        found.push(Scrape::parse(&text).unwrap_or_else(|error| panic!("{error} in\n{text}")));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(run.wait().expect("the run ends").code(), Some(0));
    assert!(found.len() > 3, "{} scrapes", found.len());
    found
}

#[test]
fn every_scrape_is_open_metrics_and_no_counter_ever_falls() {
    let scrapes = scrapes(&[]);
    for pair in scrapes.windows(2) {
        for before in pair[0]
            .samples()
            .filter(|sample| sample.name.ends_with("_total"))
        {
            let labels: Vec<_> = before
                .labels
                .iter()
                .map(|(k, v)| (k.as_str(), v.as_str()))
                .collect();
            let after = pair[1]
                .value(&before.name, &labels)
                .expect("the same series");
            assert!(after >= before.value, "{before:?} fell to {after}");
        }
    }
    let loading = scrapes.iter().filter_map(|scrape| {
        let source = &[("pool", "source")];
        Some((
            scrape.value("migrate_pool_connections_in_use", source)?,
            scrape.value("migrate_pool_max_connections", source)?,
            scrape.value("migrate_pool_waiting", source)?,
        ))
    });
    let loading = loading.collect::<Vec<_>>();
    assert!(
        loading
            .iter()
            .all(|(in_use, cap, _)| in_use <= cap && *cap == 2.0),
        "{loading:?}"
    );
    assert!(
        loading
            .iter()
            .any(|(in_use, _, waiting)| *in_use == 2.0 && *waiting > 0.0),
        "{loading:?}"
    );
    let active = |scrape: &Scrape| scrape.value("migrate_partitions", &[("state", "active")]);
    assert!(
        scrapes.iter().any(|scrape| active(scrape) > Some(0.0)),
        "no partition was active"
    );
}

/// Names and labels of a query: `migrate_pool_waiting{pool="source"}` as the name and `pool`.
fn asked_for(query: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for (at, _) in query.match_indices("migrate_") {
        let rest = &query[at..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let labels = rest[end..]
            .strip_prefix('{')
            .and_then(|more| more.split('}').next());
        let labels = labels
            .unwrap_or_default()
            .split(',')
            .filter_map(|pair| pair.split_once('='));
        let labels = labels.map(|(name, _)| name.trim_end_matches(['!', '~']).trim().to_owned());
        // What Prometheus itself adds to each series.
        let own = labels.filter(|name| !["instance", "job"].contains(&name.as_str()));
        found.push((rest[..end].to_owned(), own.collect()));
    }
    found
}

/// All values of the key, wherever they are.
fn values_of<'j>(json: &'j serde_json::Value, key: &str, found: &mut Vec<&'j str>) {
    match json {
        serde_json::Value::Object(fields) => {
            found.extend(fields.get(key).and_then(|value| value.as_str()));
            fields
                .values()
                .for_each(|value| values_of(value, key, found));
        }
        serde_json::Value::Array(items) => {
            items.iter().for_each(|item| values_of(item, key, found))
        }
        _ => {}
    }
}

#[test]
fn every_query_of_the_dashboard_finds_its_metrics_in_a_scrape() {
    let dashboard = std::fs::read_to_string(DASHBOARD).expect("the dashboard");
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).expect("JSON");
    let mut queries = Vec::new();
    values_of(&dashboard, "expr", &mut queries);
    assert!(queries.len() > 10, "{queries:?}");
    let scrapes = scrapes(&["--metrics-per-table"]);
    let series: BTreeSet<(String, String)> = scrapes
        .iter()
        .flat_map(Scrape::samples)
        .flat_map(|sample| {
            let labels = sample.labels.keys().cloned().chain([String::new()]);
            labels.map(|label| (sample.name.clone(), label))
        })
        .collect();
    for query in queries {
        let asked = asked_for(query);
        assert!(!asked.is_empty(), "{query} asks for no metric of ours");
        for (name, labels) in asked {
            for label in labels.into_iter().chain([String::new()]) {
                assert!(
                    series.contains(&(name.clone(), label.clone())),
                    "{query}: no {name} {label}"
                );
            }
        }
    }
}

#[test]
fn the_file_says_how_the_run_ended() {
    let scenario = Scenario::loaded(
        "CREATE TABLE dbo.A (Id int NOT NULL PRIMARY KEY);\nINSERT INTO dbo.A VALUES (1), (2), (3);",
    );
    let job = scenario.job("");
    let file = job.folder().join("migrate.prom");
    let path = file.to_str().expect("a path");
    job.ends(&["run", "--metrics-file", path], 0);
    let text = std::fs::read_to_string(&file).expect("the file");
    for line in [
        "migrate_committed_rows_total 3",
        "migrate_outcome{outcome=\"done\"} 1",
        "migrate_tables{state=\"done\"} 1",
        "# TYPE migrate_run_info gauge",
    ] {
        assert!(
            text.lines().any(|said| said == line),
            "{line} is not in\n{text}"
        );
    }
    assert!(
        !text.contains("# EOF") && !text.contains("# UNIT"),
        "{text}"
    );
    let files = std::fs::read_dir(job.folder()).expect("the folder");
    let names: Vec<_> = files
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn metrics_that_cannot_be_shown_end_the_run_before_it_begins() {
    let scenario = Scenario::loaded("CREATE TABLE dbo.A (Id int NOT NULL PRIMARY KEY);");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let job = scenario.job("");
    let answer = job.run(&["run", "--metrics-listen", &address]);
    answer.says(&[&address]);
    documented("metrics-address", &answer);
    let nowhere = ["run", "--metrics-file", "/dev/null/migrate.prom"];
    documented("metrics-file", &job.run(&nowhere));
}
