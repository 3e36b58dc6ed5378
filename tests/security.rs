//! `docs/src/security.md` names tests that exist, and has every row of its two lists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::imports::source_files;

const PAGE: &str = include_str!("../docs/src/security.md");
/// Folders of the workspace that have tests.
const SOURCES: [&str; 4] = ["tests", "concert-core/src", "concert-server/src", "concert-cli/src"];

/// The cells of the rows that say what is done about what, without the lines that head a table.
fn rows(page: &str) -> Vec<[&str; 3]> {
    page.lines().filter_map(row).filter(|[_, _, tests]| *tests != "tests").collect()
}

fn row(line: &str) -> Option<[&str; 3]> {
    let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
    cells.try_into().ok()
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The names of the test functions in a source.
fn tests_in(source: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim_start) {
        is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        let name = line.trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next());
        if let (true, Some(name)) = (is_test, name) {
            names.insert(name.to_owned());
            is_test = false;
        }
    }
    names
}

fn tests_of_the_workspace() -> BTreeSet<String> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files = SOURCES.iter().flat_map(|folder| source_files(&workspace.join(folder)));
    files.flat_map(|file| tests_in(&fs::read_to_string(file).expect("a file"))).collect()
}

#[test]
fn every_test_that_the_page_on_security_names_is_there() {
    let there = tests_of_the_workspace();
    let named = rows(PAGE).into_iter().flat_map(|[_, _, tests]| quoted(tests));
    let gone: Vec<_> = named.filter(|name| !there.contains(*name)).collect();
    assert!(gone.is_empty(), "docs/src/security.md names tests that are not there: {gone:#?}");
}

#[test]
fn each_row_on_security_has_a_test_or_says_why_it_has_none() {
    let rows = rows(PAGE);
    for [risk, _, tests] in &rows {
        let says_why = tests.starts_with("no test: ") || tests.starts_with("does not apply: ");
        assert!(says_why || quoted(tests).count() > 0, "{risk}: {tests}");
    }
    let owasp = (1..=10).map(|number| format!("API{number} "));
    for begin in owasp.chain((1..=12).map(|number| format!("3.{number} "))) {
        assert!(rows.iter().any(|[risk, ..]| risk.starts_with(&begin)), "{begin}has no row");
    }
}

#[test]
fn a_test_that_is_not_there_is_seen() {
    let page = "| risk | does | tests |\n|---|---|---|\n| API1 a | b | `one` `two` |\n| who | is told |\n";
    assert_eq!(rows(page), [["API1 a", "b", "`one` `two`"]]);
    assert_eq!(quoted("`one` `two`").collect::<Vec<_>>(), ["one", "two"]);
    let source = "#[tokio::test]\nasync fn one() {}\nfn two() {}\n    #[test]\n    fn three() {}\n";
    assert_eq!(tests_in(source).into_iter().collect::<Vec<_>>(), ["one", "three"]);
}
