//! The handbook in `docs/`: its catalogues are those of the code, every page is in its summary, every link leads
//! somewhere, and dashboards and alerts name metrics that there are.
//!
//! `UPDATE_HANDBOOK=1 cargo test -p concert-tests --test suite handbook` writes the catalogues.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use concert_core::RefusedSeat;
use concert_server::telemetry::METRICS;
use concert_server::{known_problems, routes};

use crate::http::{Site, documented};
use crate::imports::source_files;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Compares a page with what the code says, or writes it.
#[track_caller]
fn compare(path: &str, text: &str) {
    if std::env::var_os("UPDATE_HANDBOOK").is_some() {
        fs::write(top().join(path), text).expect("is written");
    }
    assert!(read(path) == text, "{path} is not what the code says: run with UPDATE_HANDBOOK=1 and look at the change");
}

#[test]
fn the_error_catalogue_is_that_of_the_code() {
    let mut where_from: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for route in routes() {
        let Some(operation) = documented::operation(&format!("{} {}", route.method, route.template)) else { continue };
        for response in operation["responses"].as_object().expect("responses").values() {
            let codes = &response["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["code"];
            for code in codes["enum"].as_array().into_iter().flatten() {
                let line = format!("`{} {}`", route.method, route.template);
                where_from.entry(code.as_str().expect("text")).or_default().insert(line);
            }
        }
    }
    let mut text = String::from(
        "# Errors\n\n\
         This page is made from the code, and a test compares them.\n\n\
         Every refusal is a problem document (RFC 9457): `type`, `title`, `status`, `detail`, `code`, `requestId`. `code` is the same \
         in the library (`Error::code`), over REST and in the command line, and stays what it is; `title` and `detail` are for people, \
         in the language of `Accept-Language`. Some codes have members of their own, which the last column names.\n",
    );
    let mut last = 0;
    let mut problems = known_problems();
    problems.sort_by_key(|problem| problem.status);
    for problem in problems {
        if problem.status != last {
            last = problem.status;
            let _ = write!(text, "\n## {last}\n\n| code | meaning | what to do | from |\n|---|---|---|---|\n");
        }
        let routes = where_from.get(problem.code).cloned().unwrap_or_default();
        let from = match routes.len() {
            0 => "-".to_owned(),
            1..=4 => routes.into_iter().collect::<Vec<_>>().join("<br>"),
            many => format!("{many} routes"),
        };
        let _ = writeln!(text, "| `{}` | {} | {} | {from} |", problem.code, problem.meaning, problem.advice);
    }
    text.push_str(
        "\n## Single seats\n\n\
         Whoever changes a hall is told seat by seat, in `refused` of an answer with 200, what stays as it was.\n\n\
         | code | meaning |\n|---|---|\n",
    );
    for (code, meaning) in RefusedSeat::CODES {
        let _ = writeln!(text, "| `{code}` | {meaning} |");
    }
    compare("docs/src/errors.md", &text);
}

#[test]
fn the_metrics_catalogue_is_that_of_the_code() {
    let mut text = String::from(
        "# Metrics\n\n\
         This page is made from the code, and tests compare it with what the code counts and with what `GET /metrics` shows.\n\n\
         `/metrics` answers in the text format of Prometheus, within a second also when the database does not. Histograms have \
         `_bucket`, `_sum` and `_count`. Labels in brackets are not on every series.\n\n\
         | metric | type | labels | unit | meaning |\n|---|---|---|---|---|\n",
    );
    for metric in METRICS {
        let labels = if metric.labels.is_empty() { "-".to_owned() } else { format!("`{}`", metric.labels) };
        let (kind, unit) = (metric.kind.as_str(), metric.unit);
        let _ = writeln!(text, "| `{}` | {kind} | {labels} | {unit} | {} |", metric.name, metric.meaning);
    }
    compare("docs/src/metrics.md", &text);
}

/// Every metric that the sources of a crate name in `counter!`, `gauge!` or `histogram!`.
fn counted(krate: &str) -> BTreeSet<(String, &'static str)> {
    let mut found = BTreeSet::new();
    for file in source_files(&top().join(krate).join("src")) {
        let text = fs::read_to_string(&file).expect("text");
        for kind in ["counter", "gauge", "histogram"] {
            for rest in text.split(&format!("{kind}!(\"")).skip(1) {
                found.insert((rest.split('"').next().unwrap_or_default().to_owned(), kind));
            }
        }
    }
    found
}

#[test]
fn every_metric_that_is_counted_is_in_the_catalogue_with_its_type() {
    let known: BTreeMap<_, _> = METRICS.iter().map(|metric| (metric.name, metric.kind.as_str())).collect();
    assert_eq!(known.len(), METRICS.len(), "a metric is there twice");
    let counted: BTreeSet<_> = ["concert-core", "concert-server"].into_iter().flat_map(counted).collect();
    for (name, kind) in &counted {
        assert_eq!(known.get(name.as_str()), Some(kind), "{name} belongs into telemetry/catalogue.rs");
    }
    for (name, kind) in &known {
        assert_eq!(*kind == "counter", name.ends_with("_total"), "{name}: counters, and they alone, end in _total");
    }
}

#[tokio::test]
async fn what_metrics_shows_is_in_the_catalogue() {
    let site = Site::open().await;
    site.active_user(0).await;
    let shown = site.get("/metrics").send().await.expect(200, "").text;
    let known: BTreeMap<_, _> = METRICS.iter().map(|metric| (metric.name, metric)).collect();
    for line in shown.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').expect("a name and a type");
        assert_eq!(known.get(name).map(|metric| metric.kind.as_str()), Some(kind), "{line}");
    }
    for name in [
        "concert_build_info{version=",
        "process_cpu_seconds_total ",
        "process_resident_memory_bytes ",
        "process_open_fds ",
        "process_start_time_seconds ",
        "concert_queue_joined_total ",
    ] {
        assert!(shown.contains(name), "{name} is missing in\n{shown}");
    }
    for line in shown.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, labels) = line.split_once('{').unwrap_or((line.split(' ').next().unwrap_or_default(), ""));
        let name = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let metric = known.get(name).unwrap_or_else(|| panic!("{line}"));
        for label in labels.split("\",").filter_map(|label| label.split_once("=\"")).map(|(label, _)| label) {
            assert!(label == "le" || metric.labels.contains(label), "{label} of {name}");
        }
    }
}

#[test]
fn dashboards_and_alerts_name_metrics_that_there_are() {
    let known: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
    for path in ["docs/monitoring/grafana.json", "docs/monitoring/alerts.yml", "docs/monitoring/alerts.test.yml"] {
        let text = read(path);
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let mut named = 0;
        for word in words.filter(|word| word.starts_with("concert_") || word.starts_with("process_")) {
            let plain = ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
            assert!(known.contains(plain), "{path}: there is no metric {word}");
            named += 1;
        }
        assert!(named > 5, "{path}");
    }
    serde_json::from_str::<serde_json::Value>(&read("docs/monitoring/grafana.json")).expect("JSON");
}

/// `make monitoring-check` runs the tests that are counted here.
#[test]
fn every_alert_has_a_test_of_when_it_is_quiet_and_of_when_it_fires() {
    let (rules, tests) = (read("docs/monitoring/alerts.yml"), read("docs/monitoring/alerts.test.yml"));
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        let checks = tests.split("eval_time: ").filter(|check| check.contains(&format!("alertname: {alert}\n")));
        let (fires, quiet): (Vec<_>, Vec<_>) = checks.partition(|check| check.contains("exp_alerts:"));
        assert!(!fires.is_empty() && !quiet.is_empty(), "{alert} in docs/monitoring/alerts.test.yml");
    }
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = read("docs/src/SUMMARY.md");
    for name in pages_of_the_handbook() {
        assert!(name == "SUMMARY.md" || summary.contains(&format!("({name})")), "{name} is not in SUMMARY.md");
    }
}

#[test]
fn every_link_leads_somewhere() {
    let others = ["README.md", "README.ko.md", "ARCHITECTURE.md", "CHANGELOG.md", "concert-core/README.md"];
    let handbook = pages_of_the_handbook().into_iter().map(|name| format!("docs/src/{name}"));
    let dead: Vec<_> = handbook.chain(others.map(str::to_owned)).flat_map(|page| dead_links(&page)).collect();
    assert!(dead.is_empty(), "these lead nowhere:\n{}", dead.join("\n"));
}

fn pages_of_the_handbook() -> Vec<String> {
    let entries = fs::read_dir(top().join("docs/src")).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text"));
    names.filter(|name| name.ends_with(".md")).collect()
}

/// The links of a page to files or headings that are not there. The network is not asked.
fn dead_links(page: &str) -> Vec<String> {
    let path = top().join(page);
    let text = prose(&path);
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let near = targets.filter(|target| !target.starts_with("https://") && !target.starts_with("http://"));
    let is_dead = |target: &&str| {
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        let file = if file.is_empty() { path.clone() } else { path.with_file_name("").join(file) };
        !file.exists() || !anchor.is_empty() && !anchors(&prose(&file)).contains(anchor)
    };
    near.filter(is_dead).map(|target| format!("{page}: {target}")).collect()
}

/// A page without its blocks of code, in which `#` begins a comment.
fn prose(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut is_code = false;
    let is_prose = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    };
    text.lines().filter(is_prose).map(|line| format!("{line}\n")).collect()
}

/// The headings of a page as links name them. Of several that are alike, the second has `-1`, the third `-2`.
fn anchors(prose: &str) -> BTreeSet<String> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let headings = prose.lines().filter(|line| line.starts_with('#')).map(slug);
    headings
        .map(|slug| {
            let before = times.entry(slug.clone()).or_default();
            *before += 1;
            if *before == 1 { slug } else { format!("{slug}-{}", *before - 1) }
        })
        .collect()
}

fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}
