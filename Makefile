# `make help` lists what there is. Everything installs what it lacks (tests/scripts/install.sh).

SHELL := /bin/bash
export CARGO_BUILD_JOBS ?= 2
BUILT := $(abspath $(or $(CARGO_TARGET_DIR),target))
# The Python of the foreign clients.
FOREIGN := $(BUILT)/clients
# Airflow and its Python.
AIRFLOW := $(BUILT)/airflow
export PATH := $(PATH):$(HOME)/.cargo/bin

# mdBook, which makes the documentation into a book.
MDBOOK := $(BUILT)/mdbook/bin/mdbook

.PHONY: help book counts proof demo test test-docs test-live test-airflow clients bench bench-drivers bench-peers lint install deny fuzz

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

install: ## what building and testing need
	@tests/scripts/install.sh

demo: ## the whole tool in two minutes (KEEP=1 leaves both servers up)
	@KEEP=$(KEEP) tests/scripts/demo.sh

test: install ## every test that needs no foreign server
	cargo test --locked --workspace -- --test-threads=2
	cargo test --locked --package migrate --features legacy-tls --lib --test field -- --test-threads=2 legacy
	@python3 tests/scripts/book "$(BUILT)/debug"

test-docs: install ## links, job files and commands of the documentation (MIGRATE_TEST_BLESS=1 rewrites what they print)
	cargo build --locked --package migrate --package standin --bins
	@python3 tests/scripts/book "$(BUILT)/debug"

book: install ## the documentation as a book with search: target/book/index.html
	@tests/scripts/book/mdbook.sh "$(BUILT)/mdbook"
	@python3 tests/scripts/book/build.py "$(MDBOOK)" "$(BUILT)/book"

test-live: install ## the same tests against real servers (docs/real-servers.md)
	@: $${MIGRATE_TEST_MSSQL:?set it to mssql://user:password@host:port} \
	   $${MIGRATE_TEST_PG:?set it to postgres://user:password@host:port/database}
	cargo test --locked --package migrate -- --test-threads=2

clients: install ## FreeTDS, pymssql and Microsoft's driver against the stand-in server
	@tests/standin/clients/install.sh "$(FOREIGN)"
	cargo build --locked --package standin
	@PYTHON="$(FOREIGN)/bin/python" STANDIN="$(BUILT)/debug/standin" tests/standin/clients/run.sh

test-airflow: install ## the DAGs of docs/many-processes.md in a real Airflow, its workers killed (ten minutes)
	@tests/airflow/install.sh "$(AIRFLOW)"
	cargo build --locked --package migrate --package standin --bins
	@"$(AIRFLOW)/bin/python" -B tests/airflow/run.py "$(BUILT)/debug/migrate" "$(BUILT)/debug/standin" $(SCENARIO)

proof: ## the long proofs: samples value by value, memory, CPU (MIGRATE_TEST_SAMPLES=DIR)
	@tests/scripts/proof.sh
	@echo "== 1,000 rows among a million that PostgreSQL cannot hold, under each policy, killed and continued"
	MIGRATE_TEST_REJECT_POWER=20 cargo test --locked --package migrate --test e2e -- --nocapture a_thousand_faulty_rows

counts: install ## instructions per row of the row path, held against what they were
	cargo bench --locked --quiet --profile dev --workspace --bench row_counts

bench: install ## whole runs against the budgets of docs/benchmarks.md (BENCH_ROWS, BENCH_RUNS, MIGRATE_TEST_MSSQL)
	cargo build --locked --release --workspace --bins
	@CARGO_TARGET_DIR="$(BUILT)" python3 tests/scripts/bench $(if $(BENCH_ONLY),--only $(BENCH_ONLY))

bench-drivers: ## CPU per row of this tool's reader, mssql-tds and tiberius on the same bytes
	@$(MAKE) --no-print-directory bench BENCH_ONLY=drivers

bench-peers: install ## pgloader, tds_fdw and sling with the same rows, as far as they can be installed
	cargo build --locked --release --workspace --bins
	@tests/scripts/bench/peers.sh
	@CARGO_TARGET_DIR="$(BUILT)" python3 tests/scripts/bench peers

deny: ## licences, advisories, sources and duplicates of all dependencies; unused ones (needs the network)
	@tests/scripts/deny.sh

fuzz: ## each fuzz target for FUZZ_SECONDS (300), beginning with what was found before
	@tests/scripts/fuzz.sh

lint: install ## format, lints, documentation
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked --package migrate --features legacy-tls --lib --test field -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
