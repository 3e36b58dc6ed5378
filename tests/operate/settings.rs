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
async fn config_names_all_values_with_which_the_server_would_not_start_beside_what_counts() {
    let (code, stdout, stderr) = config(|command| {
        command.env("CONCERT_HOLD_TTL", "0s").env("CONCERT_JWT_SECRET", "hush").env("CONCERT_SESSION_TTL", "400days");
        command.env("CONCERT_BRAKE_LOOPBACK", "off").env("CONCERT_TRUST_PROXY", "10.0.0.0/8, 192.0.2.1");
    })
    .await;
    assert_eq!(code, Some(2), "{stderr}");
    for fault in
        ["hold_ttl must be from 1 second", "session_ttl must be from 1 second", "jwt-secret: the JWT secret has 4"]
    {
        assert!(stderr.contains(fault), "{fault}: {stderr}");
    }
    assert!(!stderr.contains("hush") && stdout.lines().count() > 40, "{stdout}\n{stderr}");
    // Those that cannot even be read, all of them as well.
    let (code, _, stderr) = config(|command| {
        command.env("CONCERT_HOLD_TTL", "soon").env("CONCERT_MAX_ACTIVE", "0").args(["--listen", "8080"]);
    })
    .await;
    assert_eq!(code, Some(2), "{stderr}");
    for fault in
        ["hold-ttl: it does not take \"soon\"", "max-active: it does not take \"0\"", "listen: it does not take"]
    {
        assert!(stderr.contains(fault), "{fault}: {stderr}");
    }
}

#[tokio::test]
async fn config_speaks_korean_by_lang() {
    let (code, stdout, stderr) = config(|command| {
        command.env("LANG", "ko_KR.UTF-8").env("CONCERT_HOLD_TTL", "0s");
    })
    .await;
    assert_eq!(code, Some(2));
    let heads: Vec<_> = stdout.lines().next().unwrap_or_default().split_whitespace().collect();
    assert_eq!(heads, ["설정", "값", "출처"], "{stdout}");
    assert!(stdout.contains("기본값") && !stdout.contains("default\n"), "{stdout}");
    assert!(stderr.starts_with("오류: ") && stderr.contains("366일"), "{stderr}");
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

async fn refused_in_korean(args: &[&str]) -> String {
    let (code, stdout, stderr) = config(|command| {
        command.args(args).env("LANG", "ko_KR.UTF-8");
    })
    .await;
    assert_eq!((code, &*stdout), (Some(2), ""), "{stderr}");
    stderr
}

#[tokio::test]
async fn settings_that_are_not_valid_are_refused_in_korean_by_lang() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("concert.toml");
    fs::write(&file, "max_actve = 50\nhold-ttl = 'soon'\nlog-format = 3\n").expect("writes");
    let in_file = refused_in_korean(&["--config", &file.to_string_lossy()]).await;
    for text in [
        "concert.toml:1: 알 수 없는 설정입니다: 'max_actve'. 비슷한 설정: 'max-active'.\n",
        "concert.toml:2: hold-ttl: 쓸 수 없는 값입니다: \"soon\". 0 위치에 수가 필요합니다.",
        "concert.toml:3: log-format: 필요한 것: \"text\" or \"json\". 적은 것: 수.\n",
    ] {
        assert!(in_file.contains(text), "{text} in\n{in_file}");
    }
    assert!(in_file.starts_with("오류: ") && in_file.contains("\n\n사용법: concert-server "), "{in_file}");
    let flag = refused_in_korean(&["--listen", ":8080"]).await;
    assert!(flag.starts_with("오류: '--listen <ADDRESS>'의 값 ':8080': 주소도 적어 주십시오."), "{flag}");
    let brake = refused_in_korean(&["--brake-calls-per-user", "0/1m"]).await;
    assert!(brake.contains("/ 앞의 수는 1에서 "), "{brake}");
    let unknown = refused_in_korean(&["--max-actve=5"]).await;
    assert!(unknown.contains("참고: 비슷한 인자가 있습니다: '--max-active'\n"), "{unknown}");
    let both = refused_in_korean(&["--jwt-secret", "x", "--jwt-secret-file", "y"]).await;
    assert!(both.contains("둘 다 jwt-secret 설정입니다. 하나만 지정해 주십시오."), "{both}");
}

#[tokio::test]
async fn what_the_server_needs_before_it_starts_is_said_in_korean_by_lang() {
    let mut command = program("concert-server");
    command.args(["--listen", "127.0.0.1:0", "--database-url", "mysql://box:hush@127.0.0.1:9/concert"]);
    let output = command.env("LANG", "ko_KR.UTF-8").stderr(Stdio::piped()).output().await.expect("runs");
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("오류: 데이터베이스 URL을 지정하면 액세스 토큰에 서명할 비밀 값도"), "{stderr}");
}
