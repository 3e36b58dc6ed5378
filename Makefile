# `make demo` and `make test` do all the set-up on a machine with only Debian and Rust.
SHELL := /bin/bash
CARGO := cargo
# Snapshots are compared, never written; `make review` writes them.
TEST_ENV := INSTA_UPDATE=no INSTA_WORKSPACE_ROOT=$(CURDIR)

CORE_FEATURES := password jwt private-db csv texts traces internals

# The rehearsal in a few seconds; as in a large one, turns and holds end while the sale lasts.
FLASH_SALE_CHECK := $${CARGO_TARGET_DIR:-target}/debug/examples/flash_sale --start-server --out $${CARGO_TARGET_DIR:-target}/flash-sale-check \
	--buyers 600 --seats 220 --called-off-seats 40 --doors-for 3s --think 50ms --connections 32 --robots 4% --refunds 5% \
	--max-active 100 --active-ttl 6s --claim-window 4s --hold-ttl 2s --rerank-every 200ms --with-pages

# Where `make install` puts things; DESTDIR goes before all of it, for packagers.
PREFIX := /usr/local
RELEASE := $${CARGO_TARGET_DIR:-target}/release

.PHONY: help setup build pages pages-check install deb package-check programs demo demo-check test lint features docs package deny review test-pages page-frames test-traces test-cluster test-api test-client backup-check monitoring-check book bench bench-quick bench-turns flash-sale flash-sale-check

help: ## Shows this list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: ## Installs MariaDB where it is missing.
	@scripts/setup.sh

programs: setup
	$(CARGO) build --locked --workspace --bins

build: ## Builds the server and the CLI as they are installed: optimised, in target/release, with manual pages and completions.
	$(CARGO) build --locked --release -p concert-server -p concert-cli
	scripts/dist.sh $(RELEASE) $(RELEASE)/dist

install: ## Installs what `make build` has built, with an example of concert.toml and the systemd unit: PREFIX=/usr/local.
	@test -x $(RELEASE)/concert-server -a -d $(RELEASE)/dist || { echo "run 'make build' first" >&2; exit 1; }
	scripts/install.sh $(RELEASE) $(PREFIX)

deb: build ## Packs what `make build` has built: target/debian/concert_*.deb. Installs cargo-deb where it is missing.
	command -v cargo-deb >/dev/null || $(CARGO) install --locked --quiet --debug --version '^3' cargo-deb
	$(CARGO) deb --no-build -p concert-server

package-check: ## Installs the .deb of `make deb` in a fresh root of Debian, runs it there and removes it; as root.
	scripts/package-check.sh $$(ls -t $${CARGO_TARGET_DIR:-target}/debian/concert_*.deb | head -n 1)

demo: programs ## Serves on 127.0.0.1:8080 with a concert to try, until Ctrl-C.
	@scripts/demo.sh

demo-check: programs ## Runs the demo and the purchase that it prints, then stops.
	@scripts/demo.sh --check

pages: ## Builds the scripts of the pages from concert-server/pages/ts; cargo takes what is built and never needs node.
	@scripts/setup.sh --pages
	$(CARGO) build --locked -q -p concert-examples --example openapi
	$${CARGO_TARGET_DIR:-target}/debug/examples/openapi > concert-server/pages/openapi.json
	concert-server/pages/pages.sh

pages-check: pages ## Fails if what is built is not what its sources say.
	@[ -z "$$(git status --porcelain concert-server/pages/built)" ] || { git diff --stat concert-server/pages/built; echo "run make pages, and commit concert-server/pages/built" >&2; exit 1; }

test: setup ## Runs all tests, on a private MariaDB; the suite a second time as newer MariaDBs are set up; the pages where a browser can be had.
	$(CARGO) build --locked --workspace --all-targets
	$(TEST_ENV) $(CARGO) test --locked --workspace --all-targets
	$(TEST_ENV) $(CARGO) test --locked --workspace --doc
	for example in buy_one_seat rush_hour embed_in_your_app; do $${CARGO_TARGET_DIR:-target}/debug/examples/$$example || exit 1; done
	$(FLASH_SALE_CHECK)
	$(TEST_ENV) CONCERT_TEST_SERVER_OPTIONS=--innodb-snapshot-isolation=ON $(CARGO) test --locked --workspace --test suite
	@scripts/test-pages.sh --where-possible

test-pages: programs ## The pages in a real browser, on the real server: purchases, accessibility, pictures in target/pages.
	@scripts/test-pages.sh

page-frames: programs ## First paint and frame times of a hall of 50 000 seats in a browser: FRAMES_OPTIONS="--seats 100000 --runs 5".
	@scripts/setup.sh --browser
	cd tests/browser && npm ci --silent --no-audit --no-fund && node frames.mjs $(FRAMES_OPTIONS)

test-api: programs ## Schemathesis on a server of its own, with a token: every phase; installs it in target/schemathesis.
	@scripts/test-api.sh

test-client: programs ## A TypeScript client, generated from the OpenAPI document, buys a seat; needs node.
	scripts/with-server.sh tests/client/run.sh

backup-check: programs ## Dumps a database while it sells, restores the dump, and audits it.
	scripts/with-server.sh scripts/backup-check.sh

monitoring-check: ## promtool on the alert rules, on their tests and on the scrape.
	@scripts/setup.sh --monitoring
	cd docs/monitoring && promtool check rules alerts.yml && promtool test rules alerts.test.yml && promtool check config prometheus.yml

book: ## The handbook as pages, in target/book; fails if a link in them leads nowhere. Installs mdbook where it is missing.
	command -v mdbook >/dev/null || $(CARGO) install --locked --quiet --debug --no-default-features --features search --version '^0.5' mdbook
	mdbook build docs
	scripts/book-check.py target/book

test-traces: setup ## A purchase as a trace: a server with the feature otel, and a collector on loopback.
	$(CARGO) test --locked -p concert-server --features otel --lib telemetry
	$(CARGO) test --locked -p concert-tests --features otel --test traces

test-cluster: ## Three Galera nodes and three servers, of which a node and a server are killed: ledger and audit, in 2 minutes.
	@scripts/setup.sh --cluster
	$(CARGO) build --locked --workspace --bins
	$(CARGO) test --locked -p concert-tests --test cluster -- --ignored --nocapture

lint: ## Format, clippy.
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

features: ## Clippy on the library with no feature, with each alone, with all; on the server with otel. None pulls in argon2 or jsonwebtoken.
	for features in "" $(CORE_FEATURES) "$(CORE_FEATURES)"; do \
		$(CARGO) clippy --locked -p concert-core --all-targets --no-default-features --features "$$features" -- -D warnings || exit 1; \
	done
	$(CARGO) clippy --locked -p concert-server --all-targets --features otel -- -D warnings
	! $(CARGO) tree --locked -p concert-core --no-default-features -e normal | grep -E 'argon2|jsonwebtoken'

docs: ## The API's documentation, in target/doc.
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps

package: ## Checks that the package of concert-core contains the migrations.
	$(CARGO) package --locked -p concert-core --list --allow-dirty | grep -q '^migrations/.*_queue.sql$$'

deny: ## Licences, bans and sources of all dependencies; installs cargo-deny where it is missing.
	command -v cargo-deny >/dev/null || $(CARGO) install --locked --quiet --debug --version '^0.20' cargo-deny
	$(CARGO) deny --all-features check licenses bans sources

review: setup ## Runs the tests and accepts changed snapshots.
	INSTA_UPDATE=always $(CARGO) test --workspace

bench: setup ## Measures against the usual pattern, in some minutes: table, JSON and chart in target/bench.
	$(CARGO) build --locked --release -q --workspace --bins --example bench
	$${CARGO_TARGET_DIR:-target}/release/examples/bench $(BENCH_OPTIONS)

bench-quick: BENCH_OPTIONS := --seconds 1 --waiting 100000 --crowd 20000 --seats 500000 --lapsed 30000
bench-quick: bench ## The same, shorter and with fewer people and seats.

bench-turns: setup ## This build and another in turns, side by side: OLD=its bench program, TURNS=3, ROWS="reserve pay".
	$(CARGO) build --locked --release -q --workspace --bins --example bench
	scripts/bench-turns.sh $(OLD) $${CARGO_TARGET_DIR:-target}/release/examples/bench $(BENCH_OPTIONS)

flash-sale: setup ## Rehearses an evening over HTTP, 11 000 seats and 20 000 buyers, in under 3 minutes: report in target/flash-sale.
	$(CARGO) build --locked --release -q --workspace --bins --example flash_sale
	$${CARGO_TARGET_DIR:-target}/release/examples/flash_sale --start-server $(FLASH_SALE_OPTIONS)

flash-sale-check: programs ## The same in a few seconds, as the tests do.
	$(CARGO) build --locked -p concert-examples --example flash_sale
	$(FLASH_SALE_CHECK)
