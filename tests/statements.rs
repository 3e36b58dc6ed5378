//! Every SQL statement of the library, prepared and explained on the real database.

use sqlx::mysql::MySqlArguments;
use sqlx::{Arguments as _, AssertSqlSafe, Executor as _, Row as _};

use crate::support::{House, PRICE, Shortcuts as _, money, seat};

/// Statements that read a whole table because that is what they are for.
const WHOLE_TABLES: [&str; 4] = [
    "select c.id, c.concert_name, c.date from",
    "select c.id, c.concert_name, c.date, s.seats",
    "select count(*) as payments",
    "select concat(",
];

/// What is collected before it is joined grows with its table; a pass over all of them may do that.
fn may_be_collected(statement: &str) -> bool {
    statement.starts_with("select concat(")
}

/// Tables whose full scan is no scan: the batch itself, what is pruned, the one row of the gate, what is derived from them, and the table
/// that an insert names.
fn may_be_scanned(table: &str, statement: &str) -> bool {
    // Two keep a few minutes at most; the record is read from its end, up to a limit.
    ["b", "j", "g", "queue_gate", "queue_pace", "queue_admissions", "queue_control_log"].contains(&table)
        || table.starts_with('<')
        || statement.starts_with(&format!("insert into {table} "))
}

/// What a parameter is compared with: `column = ?`, `column in (?,?`, `(a, b) in ((?,?),(?,`, or the word before it.
fn column_before(before: &str) -> String {
    let in_list = before.rsplit_once(" in (").filter(|(_, list)| list.chars().all(|c| "(?,".contains(c) || c == ')'));
    let bare = |name: &str| name.rsplit('.').next().unwrap_or(name).trim_end_matches(')').to_owned();
    if let Some((head, list)) = in_list {
        let columns = if head.ends_with(')') { 2 } else { 1 };
        let names: Vec<_> = head.rsplit([' ', '(']).take(columns).collect();
        return bare(names[columns - 1 - list.matches('?').count() % columns].trim_end_matches(','));
    }
    let words: Vec<_> = before.trim_end().rsplit(' ').take(2).collect();
    match words[..] {
        [last @ ("limit" | "or"), _] => last.to_owned(),
        [last, _] if last.ends_with("json_table(") => "json_table(".to_owned(),
        [_, name] => bare(name),
        _ => String::new(),
    }
}

/// A parameter of the type that stands in front of it: plans depend on it.
fn add_parameter(arguments: &mut MySqlArguments, before: &str) {
    let column = column_before(before);
    let added = match column.as_str() {
        "id" | "user_id" | "concert_id" => arguments.add(uuid::Uuid::nil()),
        "username" | "status" => arguments.add("WAITING"),
        "limit" | "or" | "?" | "ticket" | "next_ticket" | "active" | "waiting" | "paused" | "max_active"
        | "seat_number" | "balance" | "price" => arguments.add(20),
        "change_seq" => arguments.add(1_000_000),
        "json_table(" => arguments.add("[1]"),
        _ => arguments.add("2027-03-01 12:00:00"),
    };
    added.expect("encodes");
}

/// A sale in which every table has enough rows that a scan is not the cheapest plan.
async fn busy_house() -> House {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(100)).await;
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
    house.tamper("analyze table users, concerts, seats, reservations, payments, wallet_entries, tokens").await;
    house
}

#[tokio::test]
async fn every_statement_prepares_and_none_scans_a_table_that_grows() {
    let house = busy_house().await;
    let mut connection = house.office.pool().acquire().await.expect("connects");
    let mut scans = Vec::new();
    for statement in concert_core::internals::statements() {
        let prepare = format!("prepare p from '{}'", statement.replace('\'', "''"));
        connection.execute(AssertSqlSafe(prepare)).await.unwrap_or_else(|error| panic!("{error}: {statement}"));
        let whole = WHOLE_TABLES.iter().any(|start| statement.starts_with(start));
        let mut arguments = MySqlArguments::default();
        for (at, _) in statement.match_indices('?') {
            add_parameter(&mut arguments, &statement[..at]);
        }
        let explain = sqlx::query_with(AssertSqlSafe(format!("explain format=traditional {statement}")), arguments);
        for row in explain.fetch_all(&mut *connection).await.unwrap_or_else(|error| panic!("{error}: {statement}")) {
            let table: Option<String> = row.try_get("table").expect("a table");
            let access: Option<String> = row.try_get("type").expect("a type");
            let kind: String = row.try_get("select_type").expect("a kind");
            let scanned = matches!(access.as_deref(), Some("ALL" | "index")) && !whole;
            if let Some(table) = table
                && (scanned && !may_be_scanned(&table, &statement)
                    || kind == "MATERIALIZED" && !may_be_collected(&statement))
            {
                scans.push(format!("{table}: {statement}"));
            }
        }
    }
    assert!(scans.is_empty(), "{scans:#?}");
}

/// How many bytes of the key the plan of the sweep's second page uses.
async fn used_of_the_deadlines(house: &House) -> String {
    let statement = concert_core::internals::statements()
        .into_iter()
        .find(|statement| statement.starts_with("select r.id,") && statement.contains("r.id > ?"))
        .expect("there is one");
    let deadline = "2027-03-01 12:00:00";
    let explain = format!("explain format=traditional {statement}");
    let explain =
        sqlx::query(AssertSqlSafe(explain)).bind(deadline).bind(uuid::Uuid::nil()).bind(deadline).bind(deadline);
    explain.bind(64).fetch_one(house.office.pool()).await.expect("explains").get("key_len")
}

#[tokio::test]
async fn the_sweep_goes_on_within_a_deadline_by_the_index() {
    let house = busy_house().await;
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
