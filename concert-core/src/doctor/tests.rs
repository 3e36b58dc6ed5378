use std::collections::BTreeMap;

use super::ddl::{Index, expected};
use super::facts::Table;
use super::*;
use crate::migrate::{self, Pending};

const CROWD: Crowd = Crowd { servers: 2, needed: 16, at_most: 28 };

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A MariaDB with which nothing is wrong.
fn healthy() -> Facts {
    let tables = expected(migrate::texts()).into_iter().map(|(name, table)| {
        let collation_of = |column: &str, line: &str| match table.collation_of(column) {
            Some(collation) => collation.to_owned(),
            None if line.contains("char(") || line.contains("text") => table.collation.clone(),
            None => String::new(),
        };
        let columns = table.columns.iter().map(|(column, line)| (column.clone(), collation_of(column, line)));
        let (engine, collation) = ("InnoDB".to_owned(), table.collation.clone());
        (name, Table { engine, collation, columns: columns.collect(), indexes: table.indexes.clone() })
    });
    Facts {
        version: "10.11.19-MariaDB-log".to_owned(),
        settings: pairs(&[
            ("innodb_flush_log_at_trx_commit", "1"),
            ("innodb_doublewrite", "ON"),
            ("log_bin", "ON"),
            ("sync_binlog", "1"),
            ("binlog_format", "MIXED"),
            ("max_connections", "151"),
            ("max_user_connections", "0"),
            ("max_allowed_packet", "16777216"),
            ("innodb_log_file_size", "268435456"),
            ("innodb_buffer_pool_size", "1073741824"),
        ]),
        session: pairs(&[
            ("tx_isolation", "READ-COMMITTED"),
            ("sql_mode", "ONLY_FULL_GROUP_BY,STRICT_ALL_TABLES"),
            ("time_zone", "+00:00"),
            ("wait_timeout", "900"),
            ("character_set_client", "utf8mb4"),
        ]),
        tables: tables.collect(),
        ..Facts::default()
    }
}

/// What is not fine about a healthy database after this change.
fn after(change: impl FnOnce(&mut Facts)) -> Vec<Finding> {
    let mut facts = healthy();
    change(&mut facts);
    findings(&facts, CROWD).into_iter().filter(|found| found.verdict > Verdict::Fine).collect()
}

/// The one finding after a setting has this value.
fn with(name: &'static str, value: &str) -> Finding {
    let mut found = after(|facts| drop(facts.settings.insert(name.to_owned(), value.to_owned())));
    assert_eq!(found.len(), 1, "{name} = {value}: {found:#?}");
    found.remove(0)
}

#[test]
fn a_healthy_database_has_nothing_to_mend() {
    assert_eq!(after(|_| {}), []);
    assert!(findings(&healthy(), CROWD).iter().all(|found| found.mend.is_none()));
}

#[test]
fn a_setting_that_loses_what_was_acknowledged_must_be_changed() {
    for (name, value) in [("innodb_flush_log_at_trx_commit", "2"), ("sync_binlog", "0"), ("innodb_doublewrite", "OFF")]
    {
        let found = with(name, value);
        assert_eq!((found.check, found.verdict), (name, Verdict::Change));
        assert!(found.mend.is_some_and(|mend| mend.contains(name)), "{name}");
    }
    let relaxed = after(|facts| {
        facts.settings.insert("log_bin".to_owned(), "OFF".to_owned());
        facts.settings.insert("sync_binlog".to_owned(), "0".to_owned());
    });
    assert_eq!(relaxed, [], "without a binary log there is nothing to sync");
}

#[test]
fn connections_are_counted_for_all_servers() {
    assert_eq!(with("max_connections", "31").verdict, Verdict::Change);
    let tight = with("max_connections", "32");
    assert_eq!(tight.verdict, Verdict::Advice);
    assert!(tight.should_be.starts_with("56 or more for 2 server(s)"), "{tight:?}");
    assert!(tight.mend.is_some_and(|mend| mend.starts_with("set global max_connections = 70")));
    assert_eq!(with("max_user_connections", "20").verdict, Verdict::Change);
}

#[test]
fn sizes_have_two_limits_and_a_mysql_persists() {
    assert_eq!(with("max_allowed_packet", "1048576").verdict, Verdict::Change);
    assert_eq!(with("max_allowed_packet", "8388608").verdict, Verdict::Advice);
    assert_eq!(with("innodb_log_file_size", "50331648").verdict, Verdict::Advice);
    assert_eq!(with("binlog_format", "STATEMENT").verdict, Verdict::Change);
    let mysql = after(|facts| {
        facts.version = "8.4.3".to_owned();
        facts.settings.insert("innodb_redo_log_capacity".to_owned(), "104857600".to_owned());
    });
    assert_eq!(mysql[0].mend.as_deref(), Some("set persist innodb_redo_log_capacity = 268435456"), "{mysql:?}");
}

#[test]
fn versions_are_compared_as_numbers() {
    let verdict = |version: &str| {
        let found = after(|facts| facts.version = version.to_owned());
        found.first().map_or(Verdict::Fine, |found| found.verdict)
    };
    for (version, expected) in [
        ("10.5.28-MariaDB", Verdict::Change),
        ("10.6.0-MariaDB", Verdict::Fine),
        ("12.2.1-MariaDB-ubu2404", Verdict::Fine),
        ("5.7.44-log", Verdict::Change),
        ("8.0.11", Verdict::Fine),
        ("9.7.4", Verdict::Fine),
        ("8.0.11-TiDB-v8.5.0", Verdict::Advice),
    ] {
        assert_eq!(verdict(version), expected, "{version}");
    }
}

#[test]
fn what_a_proxy_undoes_is_seen_in_our_own_session() {
    for (name, value) in [
        ("tx_isolation", "REPEATABLE-READ"),
        ("sql_mode", ""),
        ("wait_timeout", "28800"),
        ("time_zone", "SYSTEM"),
        ("character_set_client", "latin1"),
    ] {
        let found = after(|facts| drop(facts.session.insert(name.to_owned(), value.to_owned())));
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(found[0].verdict == Verdict::Change && found[0].mend.is_some(), "{found:?}");
    }
}

#[test]
fn a_clock_that_is_wrong_is_worth_a_word_and_one_that_is_far_off_must_be_set() {
    let verdict = |ahead: i64, error: i64| {
        let found = after(|facts| (facts.clock_ahead, facts.clock_error) = (ahead, error));
        found.first().map_or(Verdict::Fine, |found| found.verdict)
    };
    assert_eq!(verdict(900_000, 1_000), Verdict::Fine);
    assert_eq!(verdict(-2_000_000, 1_000), Verdict::Advice);
    assert_eq!(verdict(-2_000_000, 1_500_000), Verdict::Fine, "a slow answer proves nothing");
    assert_eq!(verdict(60_000_000, 1_000), Verdict::Change);
}

#[test]
fn tables_are_compared_with_the_migrations_and_the_statement_that_mends_them_is_said() {
    let mut found = after(|facts| {
        let seats = facts.tables.get_mut("seats").expect("is there");
        seats.engine = "Aria".to_owned();
        seats.indexes.remove("seats_blocked");
        let reservations = facts.tables.get_mut("reservations").expect("is there");
        let live = "concert_id, seat_number, live".to_owned();
        reservations.indexes.insert("reservations_seat_live".to_owned(), Index { is_unique: false, columns: live });
        reservations.columns.insert("status".to_owned(), "latin1_swedish_ci".to_owned());
    });
    found.sort_by(|one, other| one.mend.cmp(&other.mend));
    let mends: Vec<_> = found.iter().filter_map(|found| found.mend.as_deref()).collect();
    assert_eq!(
        mends,
        [
            "alter table reservations drop key reservations_seat_live, add unique key reservations_seat_live (concert_id, \
             seat_number, live)",
            "alter table reservations modify status varchar(16) character set ascii collate ascii_bin not null",
            "alter table seats add key seats_blocked (blocked_reason(1), concert_id)",
            "alter table seats engine = InnoDB",
        ]
    );
    assert!(found.iter().all(|found| found.verdict == Verdict::Change));
}

#[test]
fn migrations_that_are_pending_are_named_and_their_tables_are_not_missing() {
    let found = after(|facts| {
        facts.pending = Pending::Some(vec!["operator".to_owned()]);
        facts.tables.remove("operator_log");
    });
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].is.as_str(), found[0].mend.as_deref()), ("pending: operator", Some("concert-cli migrate")));
    let lost = after(|facts| drop(facts.tables.remove("operator_log")));
    assert!(lost[0].is.contains("operator_log is missing"), "{lost:?}");
    let empty = after(|facts| (facts.pending, facts.tables) = (Pending::All, BTreeMap::new()));
    assert_eq!(empty.len(), 1, "{empty:?}");
}

#[test]
fn a_node_without_its_cluster_must_be_brought_back() {
    let node = |status: &str, ready: &str, size: &str| {
        after(|facts| {
            facts.settings.insert("wsrep_on".to_owned(), "ON".to_owned());
            facts.settings.insert("binlog_format".to_owned(), "ROW".to_owned());
            facts.status =
                pairs(&[("wsrep_cluster_status", status), ("wsrep_ready", ready), ("wsrep_cluster_size", size)]);
        })
    };
    assert_eq!(node("Primary", "ON", "3"), []);
    assert_eq!(node("non-Primary", "OFF", "3")[0].verdict, Verdict::Change);
    assert_eq!(node("Primary", "ON", "2")[0].verdict, Verdict::Advice);
}
