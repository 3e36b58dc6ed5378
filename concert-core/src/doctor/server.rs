//! Rules about the database server: what it is, what it keeps, what it allows.

use super::facts::Facts;
use super::{Crowd, Finding, Verdict};

/// The oldest versions that are tested.
const OLDEST_MARIADB: [u32; 2] = [10, 6];
const OLDEST_MYSQL: [u32; 2] = [8, 0];
/// What a large batch and a large migration fit into with room to spare, and what is too little, in bytes.
const ROOMY_PACKET: i64 = 16 << 20;
const TIGHT_PACKET: i64 = 4 << 20;
/// Redo log and buffer pool below which a crowd makes the server write pages early, in bytes.
const ROOMY_REDO: i64 = 256 << 20;
const ROOMY_POOL: i64 = 512 << 20;

pub(super) fn findings(facts: &Facts, crowd: Crowd) -> Vec<Finding> {
    let mut findings = vec![version(facts), writable(facts)];
    findings.extend(durability(facts));
    findings.extend(binary_log(facts));
    findings.push(connections(facts, crowd));
    findings.extend(account(facts, crowd));
    findings.extend(packet(facts));
    findings.extend(redo(facts));
    findings.extend(pool(facts));
    findings.extend(cluster(facts));
    findings
}

/// How a setting is made for now and for after a restart.
fn set(facts: &Facts, name: &str, value: &str) -> String {
    if facts.is_mariadb() {
        format!("set global {name} = {value}; and {name} = {value} under [mysqld] in its configuration")
    } else {
        format!("set persist {name} = {value}")
    }
}

/// The same for what is read when it starts.
fn configure(name: &str, value: &str) -> String {
    format!("{name} = {value} under [mysqld] in its configuration, then restart it")
}

fn version(facts: &Facts) -> Finding {
    let numbers: Vec<u32> = facts.version.split(['.', '-']).map_while(|part| part.parse().ok()).collect();
    let (flavour, oldest) = match facts.is_mariadb() {
        true => ("MariaDB", OLDEST_MARIADB),
        false => ("MySQL", OLDEST_MYSQL),
    };
    // They all say that they are MySQL, of some version.
    let others = ["TiDB", "Vitess", "OceanBase", "SingleStore"];
    let other = others.iter().find(|name| facts.version.contains(*name) || facts.version_comment.contains(*name));
    let finding = Finding::fine(
        "version",
        format!("{} {}, {}", other.unwrap_or(&flavour), facts.version, facts.version_comment.trim_matches(['(', ')'])),
        "MariaDB 10.6 or newer, or MySQL 8.0 or newer",
    );
    match other {
        Some(_) => {
            finding.unless(false, Verdict::Advice, "rehearse a sale on it first: it is not among the tested databases")
        }
        None => finding.unless(numbers.as_slice() >= oldest.as_slice(), Verdict::Change, "upgrade the database server"),
    }
}

fn writable(facts: &Facts) -> Finding {
    let is_read_only = facts.is_on("read_only") || facts.is_on("super_read_only");
    let is = if is_read_only { "the server is read-only" } else { "it can be written" };
    Finding::fine("read_only", is, "it can be written").unless(
        !is_read_only,
        Verdict::Change,
        "set global read_only = 0; or connect to the primary, if this is a replica",
    )
}

/// What was acknowledged must be there after a power cut.
fn durability(facts: &Facts) -> Vec<Finding> {
    let one = |name: &'static str| {
        let is = facts.setting(name)?;
        let lost = "1: otherwise a power cut loses what was acknowledged";
        Some(Finding::fine(name, is, lost).unless(is == "1", Verdict::Change, set(facts, name, "1")))
    };
    let doublewrite = facts.setting("innodb_doublewrite").map(|is| {
        let is_off = ["OFF", "0", "DETECT_ONLY"].contains(&is);
        let should_be = "ON, unless the file system writes pages whole, as ZFS does";
        let mend = configure("innodb_doublewrite", "ON");
        Finding::fine("innodb_doublewrite", is, should_be).unless(!is_off, Verdict::Change, mend)
    });
    one("innodb_flush_log_at_trx_commit").into_iter().chain(doublewrite).collect()
}

fn binary_log(facts: &Facts) -> Vec<Finding> {
    if !facts.is_on("log_bin") {
        let is = "there is no binary log";
        let should_be = "1, where there is one; it lets a back-up be carried forward to any moment, and feeds replicas";
        return vec![Finding::fine("sync_binlog", is, should_be)];
    }
    let sync = facts.setting("sync_binlog").map(|is| {
        let lost = "1: otherwise replicas and restored back-ups miss what was acknowledged";
        Finding::fine("sync_binlog", is, lost).unless(is == "1", Verdict::Change, set(facts, "sync_binlog", "1"))
    });
    let format = facts.setting("binlog_format").map(|is| {
        let should_be = "ROW or MIXED: STATEMENT refuses writes under READ COMMITTED";
        let mend = set(facts, "binlog_format", "ROW");
        Finding::fine("binlog_format", is, should_be).unless(is != "STATEMENT", Verdict::Change, mend)
    });
    sync.into_iter().chain(format).collect()
}

fn connections(facts: &Facts, crowd: Crowd) -> Finding {
    let Crowd { servers, needed, at_most } = crowd;
    let is = facts.number("max_connections").unwrap_or_default();
    let [fewest, enough] = [needed, at_most].map(|each| i64::from(each) * i64::from(servers));
    let should_be = format!(
        "{enough} or more for {servers} server(s): each needs {needed} and opens up to {at_most}, beside what others use"
    );
    let verdict = if is < fewest { Verdict::Change } else { Verdict::Advice };
    // With a quarter to spare, for what others use.
    let mend = set(facts, "max_connections", &(enough + enough / 4).to_string());
    Finding::fine("max_connections", is.to_string(), should_be).unless(is >= enough, verdict, mend)
}

/// The limit of one account, where there is one.
fn account(facts: &Facts, crowd: Crowd) -> Option<Finding> {
    let is = facts.number("max_user_connections").filter(|most| *most > 0)?;
    let [fewest, enough] = [crowd.needed, crowd.at_most].map(|each| i64::from(each) * i64::from(crowd.servers));
    let verdict = if is < fewest { Verdict::Change } else { Verdict::Advice };
    let finding = Finding::fine("max_user_connections", is.to_string(), format!("0 (no limit), or {enough} or more"));
    Some(finding.unless(is >= enough, verdict, set(facts, "max_user_connections", "0")))
}

fn packet(facts: &Facts) -> Option<Finding> {
    let is = facts.number("max_allowed_packet")?;
    let verdict = if is < TIGHT_PACKET { Verdict::Change } else { Verdict::Advice };
    let finding = Finding::fine(
        "max_allowed_packet",
        is.to_string(),
        format!("{ROOMY_PACKET} (16 MiB) or more: a batch is one text"),
    );
    Some(finding.unless(is >= ROOMY_PACKET, verdict, set(facts, "max_allowed_packet", &ROOMY_PACKET.to_string())))
}

fn redo(facts: &Facts) -> Option<Finding> {
    let (name, is) = match facts.number("innodb_redo_log_capacity") {
        // MySQL since 8.0.30. Before that, and on MariaDB, the size of the files counts.
        Some(capacity) => ("innodb_redo_log_capacity", capacity),
        None => {
            let files = facts.number("innodb_log_files_in_group").unwrap_or(1);
            ("innodb_log_file_size", facts.number("innodb_log_file_size")? * files)
        }
    };
    let finding = Finding::fine(
        name,
        is.to_string(),
        format!("{ROOMY_REDO} (256 MiB) or more: a small redo log slows a crowd's writes"),
    );
    let mend = match name {
        "innodb_log_file_size" => configure(name, "256M"),
        _ => set(facts, name, &ROOMY_REDO.to_string()),
    };
    Some(finding.unless(is >= ROOMY_REDO, Verdict::Advice, mend))
}

fn pool(facts: &Facts) -> Option<Finding> {
    let is = facts.number("innodb_buffer_pool_size")?;
    let should_be = format!("{ROOMY_POOL} (512 MiB) or more; 100 000 seats and their crowd stay in it");
    let mend = set(facts, "innodb_buffer_pool_size", &ROOMY_POOL.to_string());
    Some(Finding::fine("innodb_buffer_pool_size", is.to_string(), should_be).unless(
        is >= ROOMY_POOL,
        Verdict::Advice,
        mend,
    ))
}

/// What a node of a Galera cluster must be.
fn cluster(facts: &Facts) -> Vec<Finding> {
    if !facts.is_galera() {
        return Vec::new();
    }
    let status = |name: &str| facts.status.get(name).map(String::as_str).unwrap_or("unknown");
    let is_primary = status("wsrep_cluster_status") == "Primary" && status("wsrep_ready") == "ON";
    let size: u32 = status("wsrep_cluster_size").parse().unwrap_or_default();
    let sync = facts.number("wsrep_sync_wait").unwrap_or_default();
    let is_row = facts.setting("binlog_format") == Some("ROW");
    vec![
        Finding::fine(
            "wsrep_cluster_status",
            format!("{}, {} node(s), ready: {}", status("wsrep_cluster_status"), size, status("wsrep_ready")),
            "Primary, ready",
        )
        .unless(
            is_primary,
            Verdict::Change,
            "bring the other nodes back, or bootstrap the one with the newest data",
        ),
        Finding::fine(
            "wsrep_cluster_size",
            size.to_string(),
            "an odd number from 3: one may fail, and no vote is a draw",
        )
        .unless(size >= 3 && size % 2 == 1, Verdict::Advice, "add a node, or an arbitrator (garbd)"),
        Finding::fine(
            "wsrep_sync_wait",
            sync.to_string(),
            "0: a box office waits by itself where it matters; more slows every act",
        )
        .unless(sync == 0, Verdict::Advice, set(facts, "wsrep_sync_wait", "0")),
        Finding::fine("binlog_format", facts.setting("binlog_format").unwrap_or_default(), "ROW, as Galera needs")
            .unless(is_row, Verdict::Change, set(facts, "binlog_format", "ROW")),
    ]
}
