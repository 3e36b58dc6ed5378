//! Every SQL statement of the library, prepared and explained on the real database.

use std::fs;
use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, Row as _};

use crate::support::{House, PRICE, Shortcuts as _, money, seat};

/// Statements that read a whole table because that is what they are for.
const WHOLE_TABLES: [&str; 12] = [
    "select count(*) as counted",
    "select c.id, c.concert_name, c.date, c.start_time, c.time_zone, c.status, c.sale_id from",
    "select c.id, c.concert_name, c.date, (select",
    "select c.id, c.concert_name, c.date, c.start_time, c.time_zone, c.sale_id, c.status, c.cancel_reason, ",
    "select s.id, s.name, ",
    "select concert_id, count(*) as live",
    "select concert_id, count(*) as checked_in",
    // The keys of tickets: as many as were ever made.
    "select cast(coalesce(max(number), 0) as signed) as newest",
    "select count(*) as payments",
    // The audit's.
    "select concat(",
    "select sql_big_result concat(",
    // It ends at the first row.
    "select max(next_ticket) > 1 or exists (select 1 from payments)",
];

/// What is collected before it is joined grows with its table; a pass over all of them may do that.
fn may_be_collected(statement: &str) -> bool {
    ["select concat(", "select sql_big_result concat("].iter().any(|start| statement.starts_with(start))
}

/// Tables whose full scan is no scan: the batch itself, what is pruned, the one row of the gate, what is derived from them, and the table
/// that an insert names.
fn may_be_scanned(table: &str, statement: &str) -> bool {
    // Two keep a few minutes at most; the record is read from its end, up to a limit.
    [
        "b",
        "j",
        "g",
        "queue_gate",
        "queue_pace",
        "queue_admissions",
        "queue_seen",
        "operator_log",
        "operator_keys",
        "ticket_keys",
    ]
    .contains(&table)
        || table.starts_with('<')
        || statement.starts_with(&format!("insert into {table} "))
}

/// A literal of the type that belongs in a place: plans depend on it.
fn literal(place: &str) -> &'static str {
    match place {
        "id" | "ids" | "user" | "users" | "user_id" | "concert" | "concerts" | "concert_id" | "proved" | "others"
        | "payment" | "payments" | "reservation" | "reservations" | "reservation_id" | "entries" | "order_id"
        | "payment_id" | "key_id" | "entry_id" | "subject_id" | "process" | "sale" | "sales" | "sale_id"
        | "default_sale" | "ticket_id" | "keys" | "codes" | "code_id" | "token_id" | "tokens" => {
            "x'00000000000000000000000000000001'"
        }
        "shown" | "hashes" | "public_key" | "private_key" | "code_hash" => {
            "x'0000000000000000000000000000000000000000000000000000000000000000'"
        }
        "name" | "names" | "subject" | "reference" | "status" | "reason" | "kind" | "created_by" | "gate"
        | "checked_in_by" => "'WAITING'",
        "numbers" => "'[1]'",
        "change_seq" | "change_seq_before" | "seen" => "1000000",
        "now" | "until" | "from" | "at" | "paid_at" | "deadline" | "held_until" | "created_at" | "expires_at"
        | "last_updated_at" | "reserved_at" | "extended_at" | "claimed_at" | "admitted_at" | "changed_at"
        | "logged_at" | "voided_at" | "checked_in_at" | "recorded_at" | "moved_at" | "seen_at" | "since"
        | "one_period_ago" | "in_one_period" | "begun" => "'2027-03-01 12:00:00.000000'",
        "start_time" => "'20:00:00'",
        "time_zone" => "'Asia/Seoul'",
        "today" | "date" | "performance_date" => "'2027-03-01'",
        _ => "20",
    }
}

/// A statement whose places are filled in.
fn filled(statement: &str) -> String {
    let mut pieces = statement.split('{');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (place, rest) = piece.split_once('}').expect("a place that is closed");
        text.extend([literal(place), rest]);
    }
    text
}

/// What the server knows of how many rows a table has.
#[derive(Clone, Copy, PartialEq)]
enum Statistics {
    Current,
    /// As right after a large import: the server counted the values of each index when the tables were empty.
    Stale,
}

const TABLES: [&str; 7] = ["users", "concerts", "seats", "reservations", "payments", "wallet_entries", "tokens"];

async fn run(house: &House, statement: String) {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(house.office.pool()).await.expect("runs");
}

/// A sale in which every table has enough rows that a scan is not the cheapest plan.
async fn busy_house(statistics: Statistics) -> House {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(100)).await;
    if statistics == Statistics::Stale {
        for table in TABLES {
            run(&house, format!("alter table {table} stats_persistent = 1, stats_auto_recalc = 0")).await;
            run(&house, format!("analyze table {table}")).await;
        }
    }
    for _ in 0..5 {
        house.concert(200).await;
    }
    let concert = house.concert(3_000).await;
    let users = house.active_users(300, 1_000).await;
    for (nth, user) in users.iter().enumerate() {
        let held = house.office.hold_one(*user, concert, seat(nth as i64 + 1)).await.expect("holds");
        house.office.pay(*user, held.id, money(PRICE)).await.expect("pays");
    }
    house.office.set_max_active(10).await.expect("sets the cap");
    for user in &users[10..] {
        house.office.leave_queue(*user).await.expect("leaves");
        house.office.issue_token(*user).await.expect("waits");
    }
    if statistics == Statistics::Current {
        run(&house, format!("analyze table {}", TABLES.join(", "))).await;
    }
    house
}

/// A row of a plan.
struct Access {
    select: Option<i64>,
    kind: String,
    table: Option<String>,
    /// The whole table or a whole index is read.
    is_scan: bool,
}

/// The tables that a statement scans though it should not. An audit reads whole tables, but joins them by an index: only
/// the first table of each select is scanned.
fn scans(statement: &str, plan: &[Access]) -> Vec<String> {
    let whole = WHOLE_TABLES.iter().any(|start| statement.starts_with(start));
    let mut found = Vec::new();
    for (nth, access) in plan.iter().enumerate() {
        let Some(table) = &access.table else { continue };
        let is_first = !plan[..nth].iter().any(|before| before.select == access.select);
        let is_bad_scan = access.is_scan && !may_be_scanned(table, statement) && !(whole && is_first);
        let is_bad_collection = access.kind == "MATERIALIZED" && !may_be_collected(statement);
        if is_bad_scan || is_bad_collection {
            found.push(format!("{table}: {statement}"));
        }
    }
    found
}

/// MySQL reads a whole index that has all that is asked for while its statistics say that the table is empty, whatever
/// index is forced: for some seconds, until it has counted anew. These read the index alone since it is half the work.
fn reads_index_alone(statement: &str) -> bool {
    statement.starts_with("select user_id from reservations force index (reservations_user_deadline)")
}

async fn scans_in(house: &House, statistics: Statistics) -> Vec<String> {
    let mut connection = house.office.pool().acquire().await.expect("connects");
    let version: String = sqlx::query_scalar("select version()").fetch_one(&mut *connection).await.expect("a version");
    let may_read_index = |statement: &str| {
        statistics == Statistics::Stale && !version.contains("MariaDB") && reads_index_alone(statement)
    };
    let mut found = Vec::new();
    for statement in concert_core::internals::statements().iter().map(|statement| filled(statement)) {
        if may_read_index(&statement) {
            continue;
        }
        // What selects into a variable can be explained without that alone.
        let explained = statement.replace(" into @locked, @short", "");
        let explain = sqlx::raw_sql(AssertSqlSafe(format!("explain format=traditional {explained}")));
        let rows = explain.fetch_all(&mut *connection).await.unwrap_or_else(|error| panic!("{error}: {statement}"));
        let plan: Vec<_> = rows
            .iter()
            .map(|row| Access {
                // MariaDB and MySQL number them with different types.
                select: row.try_get_unchecked::<Option<i64>, _>("id").expect("a number"),
                kind: row.get("select_type"),
                table: row.get("table"),
                is_scan: matches!(row.get::<Option<String>, _>("type").as_deref(), Some("ALL" | "index")),
            })
            .collect();
        found.extend(scans(&statement, &plan));
    }
    found
}

#[tokio::test]
async fn every_statement_prepares_and_none_scans_a_table_that_grows() {
    let scans = scans_in(&busy_house(Statistics::Current).await, Statistics::Current).await;
    assert!(scans.is_empty(), "{scans:#?}");
}

#[tokio::test]
async fn b15_no_plan_depends_on_what_the_server_knows_of_freshly_filled_tables() {
    let scans = scans_in(&busy_house(Statistics::Stale).await, Statistics::Stale).await;
    assert!(scans.is_empty(), "{scans:#?}");
}

/// How many bytes of the key the plan of the sweep's second page uses.
async fn used_of_the_deadlines(house: &House) -> String {
    let statement = concert_core::internals::statements()
        .into_iter()
        .find(|statement| statement.starts_with("select r.id,") && statement.contains("r.id > {id}"))
        .expect("there is one");
    let explain = sqlx::raw_sql(AssertSqlSafe(format!("explain format=traditional {}", filled(&statement))));
    explain.fetch_one(house.office.pool()).await.expect("explains").get("key_len")
}

#[tokio::test]
async fn the_sweep_goes_on_within_a_deadline_by_the_index() {
    let house = busy_house(Statistics::Current).await;
    assert_eq!(used_of_the_deadlines(&house).await, "24", "eight bytes of the deadline, sixteen of the id");
}

#[tokio::test]
async fn every_connection_is_strict_bounded_and_in_utc() {
    let house = House::open().await;
    let statement = "show session variables where variable_name in ('max_statement_time', 'max_execution_time', \
         'innodb_lock_wait_timeout', 'tx_isolation', 'transaction_isolation', 'time_zone', 'sql_mode')";
    let rows = sqlx::raw_sql(statement).fetch_all(house.office.pool()).await.expect("shows");
    let value = |names: [&str; 2]| {
        let row = rows.iter().find(|row| names.contains(&row.get::<String, _>(0).as_str())).expect("is there");
        row.get::<String, _>(1)
    };
    assert_eq!(value(["tx_isolation", "transaction_isolation"]), "READ-COMMITTED");
    assert_eq!(value(["innodb_lock_wait_timeout"; 2]), "3");
    assert_eq!(value(["time_zone"; 2]), "+00:00");
    assert!(value(["sql_mode"; 2]).contains("STRICT_ALL_TABLES"));
    let limit: f64 = value(["max_statement_time", "max_execution_time"]).parse().expect("a number");
    assert!(limit == 5.0 || limit == 5_000.0, "five seconds, in the server's unit: {limit}");
}

/// What makes SQL, and the files of the library that may: everything else declares its statements with `statements!`, which
/// registers them for the tests above, and writes values through the writer.
const SOURCES_OF_SQL: [(&str, &[&str]); 6] = [
    // Its checks are a list, all of which is registered.
    ("SqlTemplate::new(", &["sql/template.rs", "audit.rs"]),
    ("SqlInsert::new(", &["sql/template.rs"]),
    ("SqlSlot(", &["sql/writer.rs"]),
    ("raw_sql(", &["sql/read.rs", "sql/script.rs"]),
    // An identifier that was checked is no value.
    ("AssertSqlSafe(", &["sql/read.rs", "sql/script.rs", "db.rs"]),
    ("sqlx::query", &["migrate.rs"]),
];

/// The files of the library that are no tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let name = entry.file_name().expect("a name").to_string_lossy().into_owned();
        if name.contains("tests") || name.starts_with("model") {
            continue;
        }
        if entry.is_dir() {
            sources(&entry, found);
        } else {
            found.push(entry);
        }
    }
}

#[test]
fn statements_come_from_one_macro_and_values_from_one_writer() {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../concert-core/src");
    let mut files = Vec::new();
    sources(&library, &mut files);
    let mut elsewhere = Vec::new();
    let mut seen = [false; SOURCES_OF_SQL.len()];
    for file in files {
        let (text, path) = (fs::read_to_string(&file).expect("reads"), file.strip_prefix(&library).expect("is in it"));
        for (nth, (source, allowed)) in SOURCES_OF_SQL.into_iter().enumerate() {
            let is_allowed = allowed.iter().any(|allowed| path == Path::new(allowed));
            seen[nth] |= text.contains(source);
            if text.contains(source) && !is_allowed {
                elsewhere.push(format!("{}: {source}", path.display()));
            }
        }
    }
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
    assert_eq!(seen, [true; SOURCES_OF_SQL.len()], "what is looked for is still written so");
}
