//! Rules about what counts for our own connections. Each sets it as it begins, so it is as it should be unless something
//! on the way, such as a proxy that shares connections, undoes it.

use super::facts::Facts;
use super::{Finding, Verdict};

const PROXY: &str = "connect to the database itself, or have the proxy keep each session's settings";

/// The longest global value that is shown beside ours.
const LONGEST_SHOWN: usize = 32;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let session = |name: &str| facts.session.get(name).map(String::as_str).unwrap_or_default();
    let isolation = match session("transaction_isolation") {
        // So MariaDB calls it before 11.1.
        "" => session("tx_isolation"),
        isolation => isolation,
    };
    let ours = |check, is: &str, should_be: &str, is_fine: bool, global: &str| {
        // A list of modes would be longer than a line.
        let global = facts.setting(global).filter(|value| value.len() <= LONGEST_SHOWN);
        let is =
            format!("{is} in our sessions{}", global.map_or(String::new(), |value| format!(" ({value} globally)")));
        Finding::fine(check, is, should_be).unless(is_fine, Verdict::Change, PROXY)
    };
    let mode = session("sql_mode");
    let is_strict = mode.split(',').any(|word| word == "STRICT_ALL_TABLES");
    let global_isolation =
        if facts.setting("transaction_isolation").is_some() { "transaction_isolation" } else { "tx_isolation" };
    vec![
        ours("isolation", isolation, "READ-COMMITTED", isolation == "READ-COMMITTED", global_isolation),
        ours("sql_mode", if is_strict { "strict" } else { "not strict" }, "strict", is_strict, "sql_mode"),
        ours("time_zone", session("time_zone"), "+00:00", session("time_zone") == "+00:00", "system_time_zone"),
        ours(
            "wait_timeout",
            &format!("{} s", session("wait_timeout")),
            "900 s",
            session("wait_timeout") == "900",
            "wait_timeout",
        ),
        ours(
            "character_set_client",
            session("character_set_client"),
            "utf8mb4",
            session("character_set_client") == "utf8mb4",
            "character_set_server",
        ),
        clock(facts),
        tls(facts),
    ]
}

/// From how far apart clocks are worth a word, and from how far they must be set, in microseconds.
const NOTICEABLE: i64 = 1_000_000;
const WRONG: i64 = 30_000_000;

fn clock(facts: &Facts) -> Finding {
    let (ahead, error) = (facts.clock_ahead, facts.clock_error);
    let is = format!("{:+.3} s from this machine's, give or take {:.3} s", seconds(ahead), seconds(error));
    let apart = ahead.abs().saturating_sub(error);
    let verdict = if apart > WRONG { Verdict::Change } else { Verdict::Advice };
    Finding::fine("clock", is, "within 1 s: deadlines go by the database's clock, logs and certificates by this one's")
        .unless(apart <= NOTICEABLE, verdict, "have both machines follow NTP: systemctl enable --now systemd-timesyncd")
}

/// Microseconds in seconds, to be shown.
fn seconds(micros: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let micros = micros as f64;
    micros / 1e6
}

fn tls(facts: &Facts) -> Finding {
    let cipher = facts.status.get("Ssl_cipher").map(String::as_str).unwrap_or_default();
    let is = match (facts.over_network, cipher) {
        (false, _) => "the database is on this machine".to_owned(),
        (true, "") => "passwords and tickets cross the network in plain text".to_owned(),
        (true, cipher) => format!("TLS: {cipher}"),
    };
    Finding::fine("tls", is, "TLS where the database is on another machine").unless(
        !facts.over_network || !cipher.is_empty(),
        Verdict::Advice,
        "add ?ssl-mode=VERIFY_IDENTITY&ssl-ca=/etc/ssl/db-ca.pem to the database URL",
    )
}
