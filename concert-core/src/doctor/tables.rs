//! Rules about the tables: migrations, engine, character set, indexes.

use super::ddl::{self, Expected};
use super::facts::{Facts, Table};
use super::{Finding, Verdict};
use crate::migrate::{self, Pending};

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![migrations(&facts.pending)];
    if matches!(facts.pending, Pending::All) {
        return findings;
    }
    let expected = ddl::expected(migrate::texts());
    let there: Vec<_> =
        expected.iter().filter_map(|(name, table)| Some((name, table, facts.tables.get(name)?))).collect();
    // A table that a pending migration makes is not missing.
    if matches!(facts.pending, Pending::None) {
        let missing = expected.keys().filter(|name| !facts.tables.contains_key(*name));
        findings.extend(missing.map(|name| {
            Finding::fine("tables", format!("the table {name} is missing"), "all tables of the migrations").unless(
                false,
                Verdict::Change,
                "restore it from a back-up; if it never had rows: delete from _concert_migrations where version > 0; then \
                 concert-cli migrate",
            )
        }));
    }
    findings.extend(summary("engine", "InnoDB for every table", there.len(), |add| {
        for (name, _, table) in &there {
            engine(name, table, add);
        }
    }));
    findings.extend(summary("charset", "as the migrations say", there.len(), |add| {
        for (name, expected, table) in &there {
            charset(name, expected, table, add);
        }
    }));
    let indexes = there.iter().map(|(_, expected, _)| expected.indexes.len()).sum();
    findings.extend(summary("indexes", "as the migrations say", indexes, |add| {
        for (name, expected, table) in &there {
            missing_indexes(name, expected, table, add);
        }
    }));
    findings
}

fn migrations(pending: &Pending) -> Finding {
    let finding = |is: String| Finding::fine("migrations", is, "all applied");
    match pending {
        Pending::None => finding("all applied".to_owned()),
        Pending::All => finding("none applied: the schema is empty".to_owned()).unless(
            false,
            Verdict::Change,
            "concert-cli migrate",
        ),
        Pending::Some(names) => {
            finding(format!("pending: {}", names.join(", "))).unless(false, Verdict::Change, "concert-cli migrate")
        }
        Pending::Development => finding("made by a development version from before the first release".to_owned())
            .unless(false, Verdict::Change, "use a new database, or drop the box office's tables in this one"),
    }
}

/// Takes what is wrong, and what mends it.
type Add<'a> = &'a mut dyn FnMut(String, String);

/// One finding for each thing that `check` adds; if it adds none, one that says so.
fn summary(name: &'static str, should_be: &str, count: usize, check: impl FnOnce(Add<'_>)) -> Vec<Finding> {
    let mut wrong = Vec::new();
    check(&mut |is, mend| wrong.push(Finding::fine(name, is, should_be).unless(false, Verdict::Change, mend)));
    if wrong.is_empty() {
        wrong.push(Finding::fine(name, format!("all {count} as they should be"), should_be));
    }
    wrong
}

fn engine(name: &str, table: &Table, add: Add<'_>) {
    if !table.engine.eq_ignore_ascii_case("InnoDB") {
        add(format!("{name} is in {}", table.engine), format!("alter table {name} engine = InnoDB"));
    }
}

fn charset(name: &str, expected: &Expected, table: &Table, add: Add<'_>) {
    let charset = |collation: &str| collation.split('_').next().unwrap_or_default().to_owned();
    if table.collation != expected.collation {
        let collation = &expected.collation;
        let mend = format!("alter table {name} default character set {} collate {collation}", charset(collation));
        add(format!("{name} is {} by default", table.collation), mend);
    }
    for (column, is) in table.columns.iter().filter(|(_, is)| !is.is_empty()) {
        let should_be = expected.collation_of(column).unwrap_or(&expected.collation);
        if let Some(line) = expected.columns.get(column).filter(|_| is != should_be) {
            let stated = if line.contains(" collate ") {
                line.clone()
            } else {
                // Without it the column would get the table's default, which may be wrong as well.
                let words: Vec<_> = line.splitn(3, ' ').collect();
                let rest = words.get(2).copied().unwrap_or_default();
                let of = format!("character set {} collate {should_be}", charset(should_be));
                format!("{} {} {of} {rest}", words[0], words.get(1).copied().unwrap_or_default())
            };
            add(
                format!("{name}.{column} is {is}, not {should_be}"),
                format!("alter table {name} modify {}", stated.trim()),
            );
        }
    }
}

fn missing_indexes(name: &str, expected: &Expected, table: &Table, add: Add<'_>) {
    for (index, should_be) in &expected.indexes {
        let definition = should_be.definition(index);
        let drop = if index == "PRIMARY" { "drop primary key".to_owned() } else { format!("drop key {index}") };
        match table.indexes.get(index) {
            Some(is) if is == should_be => {}
            Some(is) => add(
                format!("{name} has {}, not {definition}", is.definition(index)),
                format!("alter table {name} {drop}, add {definition}"),
            ),
            None => add(format!("{name} has no {definition}"), format!("alter table {name} add {definition}")),
        }
    }
}
