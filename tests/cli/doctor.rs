//! `doctor`: what is, what should be, what mends it.

use super::desk::{Desk, Ran, concert_cli};

#[tokio::test]
async fn doctor_exits_1_where_something_must_change_and_says_what_to_do() {
    // The tests' server does not keep what was acknowledged.
    let desk = Desk::open().await;
    let ran = desk.run(&["doctor", "--output", "json"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("(MUST_CHANGE)"), "{}", ran.stderr);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("is JSON");
    assert_eq!(document["mustChange"], true);
    let findings = document["findings"].as_array().expect("a list");
    let found = findings.iter().find(|found| found["check"] == "innodb_flush_log_at_trx_commit").expect("is checked");
    assert_eq!((&found["verdict"], &found["is"]), (&"change".into(), &"0".into()));
    assert!(found["mend"].as_str().expect("mends it").starts_with("set "), "{found}");
    for check in ["version", "isolation", "clock", "indexes", "charset", "engine", "migrations", "max_connections"] {
        assert!(findings.iter().any(|found| found["check"] == check), "{check}");
    }
    let table = desk.run(&["doctor", "--brief"]).stdout;
    assert!(table.contains("CHANGE") && table.contains("mend it") && !table.contains("isolation"), "{table}");
}

#[test]
fn doctor_is_content_with_a_private_database_and_makes_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let data_dir = folder.path().join("data");
    let data_dir = data_dir.to_str().expect("text");
    let run = |args: &[&str]| Ran::from(concert_cli(&[args, &["--data-dir", data_dir]].concat()), b"");
    assert!(run(&["doctor"]).refused(1).contains("NO_DATABASE"));
    assert_eq!(run(&["migrate"]).code, Some(0));
    let ran = run(&["doctor", "--brief"]);
    assert_eq!((ran.code, &*ran.stdout), (Some(0), "all is as it should be\n"), "{}", ran.stderr);
}
