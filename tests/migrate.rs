//! Migrating: at the same time, after a break, beside another application's tables, and with rights on rows alone.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use concert_core::{BoxOffice, Error, SystemClock};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, MySqlConnection, Row as _};

use crate::support::{Shortcuts as _, fresh_database, policy};

async fn office_on(database: &MySqlConnectOptions) -> BoxOffice {
    BoxOffice::connect_with(database.clone(), policy(), Arc::new(SystemClock)).await.expect("connects")
}

async fn connect(database: &MySqlConnectOptions) -> MySqlConnection {
    database.connect().await.expect("connects")
}

/// The statements of all migrations, in their order.
fn statements() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut files: Vec<_> = folder.read_dir().expect("is there").map(|entry| entry.expect("reads").path()).collect();
    files.sort();
    let text: Vec<_> = files.iter().map(|file| std::fs::read_to_string(file).expect("reads")).collect();
    let code: Vec<_> =
        text.iter().flat_map(|text| text.lines()).filter(|line| !line.trim().starts_with("--")).collect();
    let statements = code.join("\n");
    statements.split(';').map(str::trim).filter(|statement| !statement.is_empty()).map(str::to_owned).collect()
}

/// Every column and every part of an index, with all that is known of it.
async fn schema(connection: &mut MySqlConnection) -> Vec<String> {
    let columns = "select concat_ws(' ', c.table_name, c.column_name, c.ordinal_position, c.column_type, c.is_nullable, \
             c.column_default, c.collation_name, c.extra, t.table_comment, t.row_format) as described \
         from information_schema.columns c join information_schema.tables t using (table_schema, table_name) \
         where c.table_schema = database() order by c.table_name, c.ordinal_position";
    let indexes = "select concat_ws(' ', table_name, index_name, non_unique, seq_in_index, column_name) as described \
         from information_schema.statistics where table_schema = database() order by table_name, index_name, seq_in_index";
    let mut described = Vec::new();
    for statement in [columns, indexes] {
        let rows = sqlx::query(statement).fetch_all(&mut *connection).await.expect("reads");
        described.extend(rows.iter().map(|row| row.get::<String, _>("described")));
    }
    described
}

fn refusal(migrated: Result<(), Error>) -> String {
    match migrated {
        Err(Error::Setup(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_who_migrate_at_once_succeed() {
    let database = fresh_database().await;
    let mut migrating = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let office = office_on(&database).await;
        assert!(matches!(office.ping().await, Err(Error::Setup(_)) | Ok(())));
        migrating.spawn(async move { office.migrate().await.map(|()| office) });
    }
    for migrated in tokio::time::timeout(Duration::from_secs(60), migrating.join_all()).await.expect("in time") {
        migrated.expect("migrates").ping().await.expect("is ready");
    }
}

#[tokio::test]
async fn a_migration_that_broke_off_after_any_statement_is_repeated() {
    let whole = fresh_database().await;
    office_on(&whole).await.migrate().await.expect("migrates");
    let whole = schema(&mut connect(&whole).await).await;
    let statements = statements();
    assert!(statements.len() > 15, "{statements:#?}");
    for done in 1..=statements.len() {
        let database = fresh_database().await;
        let mut connection = connect(&database).await;
        for statement in &statements[..done] {
            connection.execute(AssertSqlSafe(statement.clone())).await.expect("runs");
        }
        let office = office_on(&database).await;
        assert!(matches!(office.ping().await, Err(Error::Setup(_))), "after {done}");
        office.migrate().await.expect("migrates");
        office.ping().await.expect("is ready");
        assert_eq!(schema(&mut connection).await, whole, "after {done}");
        assert_eq!(office.back_office().queue_figures().await.expect("reads").admission.max_active, 10);
    }
}

#[tokio::test]
async fn a_schema_of_a_development_version_is_refused_and_stays_as_it_is() {
    let database = fresh_database().await;
    let mut connection = connect(&database).await;
    // As the builds before the first release left them.
    let old = "create table _concert_migrations (version bigint primary key, description text not null, \
             installed_on timestamp not null default current_timestamp, success boolean not null, checksum blob not null, \
             execution_time bigint not null); \
         insert into _concert_migrations (version, description, success, checksum, execution_time) \
             values (20261123000001, 'user', true, x'00', 1); \
         create table users (id binary(16) primary key)";
    connection.execute(old).await.expect("runs");
    let before = schema(&mut connection).await;
    let office = office_on(&database).await;
    let text = refusal(office.migrate().await);
    assert!(text.contains("development version") && text.contains("new database"), "{text}");
    assert!(matches!(office.ping().await, Err(Error::Setup(_))));
    assert_eq!(schema(&mut connection).await, before);
}

#[tokio::test]
async fn another_applications_tables_and_views_are_named_and_never_touched() {
    let database = fresh_database().await;
    let mut connection = connect(&database).await;
    let theirs = "create table users (id int primary key, name varchar(10)); create table members (id int primary key); \
         create view seats as select id from users; create table queue_positions (id int primary key)";
    connection.execute(theirs).await.expect("runs");
    let before = schema(&mut connection).await;
    let text = refusal(office_on(&database).await.migrate().await);
    for name in ["users", "seats", "queue_positions", "nothing was changed", "--schema"] {
        assert!(text.contains(name), "{text}");
    }
    assert!(!text.contains("members"), "{text}");
    assert_eq!(schema(&mut connection).await, before, "not even our record of migrations is there");
}

#[tokio::test]
async fn a_table_that_is_not_ours_is_refused_also_after_a_migration_broke_off() {
    let database = fresh_database().await;
    let mut connection = connect(&database).await;
    for statement in &statements()[..3] {
        connection.execute(AssertSqlSafe(statement.clone())).await.expect("runs");
    }
    connection.execute("create table tokens (id int primary key)").await.expect("runs");
    connection.execute("create view queue_positions as select id from tokens").await.expect("runs");
    let before = schema(&mut connection).await;
    let office = office_on(&database).await;
    let text = refusal(office.migrate().await);
    assert!(text.contains("tokens") && text.contains("queue_positions") && !text.contains("users"), "{text}");
    assert_eq!(schema(&mut connection).await, before);
    connection.execute("drop view queue_positions; drop table tokens").await.expect("drops");
    office.migrate().await.expect("migrates");
}

#[tokio::test]
async fn a_user_with_rights_on_rows_alone_serves_what_another_has_migrated() {
    let database = fresh_database().await;
    let name = database.get_database().expect("has a name").to_owned();
    let (user, password) = (format!("rows_{}", std::process::id()), "Rows-alone-0");
    let mut root = connect(&database).await;
    let accounts = ["localhost", "%"].map(|host| format!("'{user}'@'{host}'"));
    for account in &accounts {
        let made = format!(
            "create user {account} identified by '{password}'; \
             grant select, insert, update, delete on {name}.* to {account}"
        );
        root.execute(AssertSqlSafe(made)).await.expect("makes a user");
    }
    let restricted = office_on(&database.clone().username(&user).password(password)).await;
    let text = refusal(restricted.migrate().await);
    assert!(text.contains("CREATE command denied"), "{text}");
    assert!(schema(&mut root).await.is_empty());

    office_on(&database).await.migrate().await.expect("migrates");
    restricted.migrate().await.expect("has nothing to do");
    restricted.ping().await.expect("is ready");
    let buyer =
        restricted.sign_up("anna".parse::<concert_core::Username>().expect("a name")).await.expect("registers").id;
    restricted.issue_token(buyer).await.expect("joins");
    restricted.rerank_queue().await.expect("reranks");
    for account in &accounts {
        root.execute(AssertSqlSafe(format!("drop user {account}"))).await.expect("drops the user");
    }
}

#[tokio::test]
async fn who_migrates_is_waited_for_and_is_in_nobodys_way_once_it_is_killed() {
    let database = fresh_database().await;
    let mut connection = connect(&database).await;
    let office = office_on(&database).await;
    office.migrate().await.expect("migrates");
    // As a process that was killed in mid-migration leaves it.
    let killed = "delete from _concert_migrations where version = (select newest from \
             (select max(version) as newest from _concert_migrations) all_of_them); \
         drop table check_ins; \
         update _concert_migrations set applied_at = utc_timestamp(6) - interval 8 second where version = 0";
    connection.execute(killed).await.expect("runs");
    let begun = std::time::Instant::now();
    office.migrate().await.expect("migrates");
    office.ping().await.expect("is ready");
    assert!(begun.elapsed() > Duration::from_secs(1), "the lock is respected until it lapses");
    assert_sound(&office).await;
}

async fn assert_sound(office: &BoxOffice) {
    let violations = office.back_office().audit().await.expect("audits");
    assert!(violations.is_empty(), "{violations:#?}");
}
