//! No circle of imports leaves a folder: who reads one file of a room need not know the rest of the house.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules by their path, `queue::store`, each with the modules that its `use` lines name.
type Imports = BTreeMap<String, BTreeSet<String>>;

pub fn source_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files.chain(folders.iter().flat_map(|folder| source_files(folder))).collect()
}

/// The path of a module from its file: `queue/store.rs` is `queue::store`, `queue/mod.rs` and `queue.rs` are `queue`.
fn module(source: &Path, file: &Path) -> String {
    let path = file.strip_prefix(source).expect("below the source").with_extension("");
    let path = path.to_string_lossy().replace('/', "::");
    path.strip_suffix("::mod").unwrap_or(&path).to_owned()
}

/// The first parts of what a `use` line of `here` names, from the crate's root.
fn named(here: &str, line: &str) -> Option<Vec<String>> {
    let path = line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
    let path = path.trim_start_matches("pub ").strip_prefix("use ")?;
    let mut base: Vec<_> = here.split("::").map(str::to_owned).collect();
    let rest = if let Some(rest) = path.strip_prefix("crate::") {
        base.clear();
        rest
    } else if let Some(rest) = path.strip_prefix("self::") {
        rest
    } else {
        let mut rest = path.strip_prefix("super::")?;
        base.pop();
        while let Some(further) = rest.strip_prefix("super::") {
            base.pop();
            rest = further;
        }
        rest
    };
    base.extend(rest.split("::").map(|part| part.trim_matches([';', '{', '}', ' ', ',']).to_owned()));
    Some(base)
}

fn imports(krate: &str) -> Imports {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(krate).join("src");
    let files: Vec<_> = source_files(&source).into_iter().map(|file| (module(&source, &file), file)).collect();
    let modules: BTreeSet<_> = files.iter().map(|(module, _)| module.clone()).collect();
    // The longest beginning of the path that is a module.
    let found =
        |path: &[String]| (1..=path.len()).rev().map(|end| path[..end].join("::")).find(|at| modules.contains(at));
    let of = |(here, file): &(String, PathBuf)| {
        let text = fs::read_to_string(file).expect("a file");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let named = code.lines().filter_map(|line| found(&named(here, line)?));
        (here.clone(), named.filter(|there| there != here).collect())
    };
    files.iter().map(of).collect()
}

/// Everything that `from` leads to.
fn reachable<'i>(imports: &'i Imports, from: &'i str) -> BTreeSet<&'i str> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(module) = open.pop() {
        for next in imports.get(module).into_iter().flatten() {
            if seen.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    seen
}

fn room(module: &str) -> &str {
    module.split("::").next().unwrap_or(module)
}

/// Pairs of rooms that import each other, by whatever way.
fn circles(imports: &Imports) -> BTreeSet<(String, String)> {
    let roots = ["lib", "main"];
    let modules: Vec<_> = imports.keys().filter(|module| !roots.contains(&module.as_str())).collect();
    let reach: BTreeMap<_, _> = modules.iter().map(|module| (module.as_str(), reachable(imports, module))).collect();
    let mut circles = BTreeSet::new();
    for (one, there) in &reach {
        for other in there.iter().filter(|other| room(one) < room(other)) {
            if reach.get(other).is_some_and(|back| back.contains(one)) {
                circles.insert((room(one).to_owned(), room(other).to_owned()));
            }
        }
    }
    circles
}

#[test]
fn no_circle_of_imports_leaves_a_folder() {
    for krate in ["concert-core", "concert-server", "concert-cli"] {
        assert_eq!(circles(&imports(krate)), BTreeSet::new(), "in {krate}");
    }
}

#[test]
fn a_circle_is_found() {
    let imports = |pairs: &[(&str, &str)]| {
        let mut all = Imports::new();
        for (from, to) in pairs {
            all.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        all
    };
    let circle = imports(&[("queue::store", "sql"), ("sql", "db"), ("db", "queue"), ("queue", "queue::store")]);
    assert!(circles(&circle).contains(&("db".to_owned(), "sql".to_owned())));
    assert_eq!(circles(&imports(&[("queue", "queue::store"), ("queue::store", "queue")])), BTreeSet::new());
    let path = |line| named("queue::store", line).map(|path| path.join("::"));
    assert_eq!(path("use super::decide::{Effects, Gate};").as_deref(), Some("queue::decide::Effects, Gate"));
    assert_eq!(path("pub(crate) use crate::sql::Script;").as_deref(), Some("sql::Script"));
    assert_eq!(path("use std::fmt;"), None);
}
