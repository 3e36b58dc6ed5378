//! The doctor on real databases: one that is as it should be, and some that are not.

use std::collections::BTreeMap;

use concert_core::private_db::{PrivateDatabase, Settings};
use concert_core::{BoxOffice, Finding, Operator, SystemClock, Verdict};

use crate::support::{House, OwnServer, policy};

async fn examine(office: &BoxOffice, servers: u32) -> BTreeMap<String, Finding> {
    let findings = office.operator(Operator::application()).doctor(servers).await.expect("examines");
    findings
        .into_iter()
        .filter(|found| found.verdict > Verdict::Fine)
        .map(|found| (found.check.to_owned(), found))
        .collect()
}

#[tokio::test]
async fn the_private_database_is_in_good_health() {
    let folder = tempfile::tempdir().expect("a folder");
    let private = PrivateDatabase::open(folder.path(), &Settings::default()).await.expect("starts");
    let options = private.database("concert").await.expect("makes a database");
    let clock = std::sync::Arc::new(SystemClock);
    let office = BoxOffice::connect_with(options, policy(), clock).await.expect("connects");
    let before = examine(&office, 1).await;
    assert_eq!(before.keys().collect::<Vec<_>>(), ["migrations"], "before it is migrated: {before:#?}");
    assert_eq!(before["migrations"].mend.as_deref(), Some("concert-cli migrate"));
    office.migrate().await.expect("migrates");
    let after = examine(&office, 1).await;
    assert!(after.is_empty(), "{after:#?}");
    office.pool().close().await;
    private.stop().await.expect("stops");
}

#[tokio::test]
async fn a_server_that_is_set_up_wrongly_is_found_out() {
    let server = OwnServer::start(&[
        "--max-connections=20",
        "--innodb-doublewrite=OFF",
        "--log-bin=binlog",
        "--sync-binlog=0",
        "--max-allowed-packet=1M",
    ])
    .await;
    let house = server.house().await;
    let found = examine(&house.office, 3).await;
    let must_change: Vec<_> =
        found.values().filter(|found| found.verdict == Verdict::Change).map(|found| found.check).collect();
    let expected = [
        "innodb_doublewrite",
        "innodb_flush_log_at_trx_commit",
        "max_allowed_packet",
        "max_connections",
        "sync_binlog",
    ];
    assert_eq!(must_change, expected, "{found:#?}");
    // What it says mends it does.
    for name in ["sync_binlog", "innodb_flush_log_at_trx_commit", "max_allowed_packet"] {
        let mend = found[name].mend.as_deref().expect("is mended");
        let (statement, _) = mend.split_once("; and ").expect("for now and for later");
        server.run(statement).await;
    }
    let left = examine(&house.office, 3).await;
    let left: Vec<_> = left.keys().filter(|name| expected.contains(&name.as_str())).collect();
    assert_eq!(left, ["innodb_doublewrite", "max_connections"]);
}

#[tokio::test]
async fn tables_that_somebody_changed_are_found_and_the_statements_put_them_right() {
    let house = House::open().await;
    let tables = |found: &BTreeMap<String, Finding>| {
        let names = ["engine", "charset", "indexes", "tables", "migrations"];
        names.into_iter().filter(|name| found.contains_key(*name)).collect::<Vec<_>>()
    };
    let found = examine(&house.office, 1).await;
    assert_eq!(tables(&found), [""; 0], "as the migrations made them: {found:#?}");
    for change in [
        "alter table seats drop key seats_blocked",
        "alter table operator_log default character set latin1 collate latin1_swedish_ci",
        "alter table tokens drop key tokens_user_live, add key tokens_user_live (user_id, live, sale_id)",
        "alter table reservations modify status varchar(16) character set latin1 not null",
        "alter table queue_seen engine = MyISAM",
    ] {
        house.tamper(change).await;
    }
    let back_office = house.office.operator(Operator::application());
    let mut mended = 0;
    for found in back_office.doctor(1).await.expect("examines") {
        if let (Verdict::Change, Some(mend)) = (found.verdict, found.mend)
            && mend.starts_with("alter table")
        {
            sqlx::query(sqlx::AssertSqlSafe(mend)).execute(house.office.pool()).await.expect("mends");
            mended += 1;
        }
    }
    assert_eq!(mended, 5);
    let found = examine(&house.office, 1).await;
    assert_eq!(tables(&found), [""; 0], "{found:#?}");
}
