//! `concert-server config`: what counts, and from where.

use std::fs;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::support::process::program;

async fn config(change: impl FnOnce(&mut Command)) -> (Option<i32>, String, String) {
    let mut command = program("concert-server");
    command.arg("config").stdout(Stdio::piped()).stderr(Stdio::piped());
    change(&mut command);
    let output = command.output().await.expect("runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn config_shows_what_counts_and_from_where_and_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("concert.toml");
    fs::write(&file, "hold-ttl = '7m'\nactive-ttl = '20m'\nclaim-window = '30s'\n").expect("writes");
    let (code, stdout, stderr) = config(|command| {
        command.args(["--output", "json", "--active-ttl", "15m", "--database-url", "mysql://box:hush@db/concert"]);
        command.current_dir(folder.path()).env_remove("CONCERT_CONFIG");
        command.env("CONCERT_CLAIM_WINDOW", "45s").env("CONCERT_JWT_SECRET", "hush hush hush hush hush hush hush");
        command.env("CONCERT_LISTEN", "");
    })
    .await;
    assert_eq!((code, &*stderr), (Some(0), ""));
    assert!(!stdout.contains("hush"), "secrets are not shown: {stdout}");
    let document: Value = serde_json::from_str(&stdout).expect("is JSON");
    assert_eq!(document["file"], "concert.toml");
    let setting = |name: &str| {
        let settings = document["settings"].as_array().expect("a list");
        let found = settings.iter().find(|setting| setting["name"] == name).expect("is a setting");
        let text = |field: &str| found[field].as_str().unwrap_or("none").to_owned();
        (text("value"), text("source"))
    };
    let counts = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    assert_eq!(setting("active-ttl"), counts("15m", "flag"));
    assert_eq!(setting("claim-window"), counts("45s", "environment"));
    assert_eq!(setting("hold-ttl"), counts("7m", "file"));
    assert_eq!(setting("waiting-ttl"), counts("24h", "default"));
    assert_eq!(setting("listen"), counts("127.0.0.1:8080", "default"), "an empty variable is none");
    assert_eq!(setting("database-url"), counts("mysql://box:***@db/concert", "flag"));
    assert_eq!(setting("jwt-secret"), counts("***", "environment"));
    assert_eq!(setting("recharge"), counts("operators", "default"), "as it is with a database URL");
}

#[tokio::test]
async fn config_is_a_table_for_people_with_the_line_of_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.toml");
    fs::write(&file, "# ours\nmax-active = 50\n").expect("writes");
    let (_, stdout, _) = config(|command| {
        command.arg("--config").arg(&file);
    })
    .await;
    let line = stdout.lines().find(|line| line.starts_with("max-active ")).expect("has the setting");
    let cells: Vec<_> = line.split_whitespace().collect();
    assert_eq!(cells, ["max-active", "50", &format!("{}:2", file.display())]);
    assert!(stdout.lines().count() > 40, "all settings: {stdout}");
}

#[tokio::test]
async fn a_file_that_is_not_understood_stops_the_server_with_exit_code_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("concert.toml");
    fs::write(&file, "hold-ttl = '7m'\nmax_actve = 50\n").expect("writes");
    let mut command = program("concert-server");
    let output = command.stderr(Stdio::piped()).env_remove("CONCERT_CONFIG").current_dir(folder.path()).output();
    let output = output.await.expect("runs");
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("concert.toml:2: unknown setting 'max_actve': did you mean 'max-active'?"), "{stderr}");
}
