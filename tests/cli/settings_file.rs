//! `concert.toml`: the CLI reads the server's.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::desk::{Desk, Ran, concert_cli};

#[tokio::test]
async fn the_cli_reads_the_servers_file_and_flags_and_environment_count_before_it() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("a folder");
    let url = folder.path().join("url");
    fs::write(&url, &desk.url).expect("writes");
    fs::set_permissions(&url, fs::Permissions::from_mode(0o600)).expect("sets the mode");
    // Settings of the server alone are no mistake here.
    let file = folder.path().join("concert.toml");
    fs::write(&file, "database-url-file = 'url'\nmax-active = 7\nlisten = '127.0.0.1:9000'\n").expect("writes");
    let run = |args: &[&str], change: &dyn Fn(&mut std::process::Command)| {
        let mut command = concert_cli(args);
        command.current_dir(folder.path()).env_remove("CONCERT_CONFIG");
        change(&mut command);
        Ran::from(command, b"")
    };
    run(&["audit"], &|_| {}).ok();
    let file = file.to_str().expect("text");
    run(&["audit", "--config", file], &|command| {
        command.current_dir("/");
    })
    .ok();
    run(&["audit"], &|command| {
        command.current_dir("/").env("CONCERT_CONFIG", file);
    })
    .ok();
    let nowhere = "mysql://root@localhost/x?socket=/no/such/socket";
    let refused = run(&["audit", "--database-url", nowhere], &|_| {}).refused(1);
    assert!(refused.contains("DATABASE_UNAVAILABLE"), "the flag counts: {refused}");
    let refused = run(&["audit"], &|command| {
        command.env("DATABASE_URL", nowhere);
    })
    .refused(1);
    assert!(refused.contains("DATABASE_UNAVAILABLE"), "the environment counts: {refused}");
    run(&["audit"], &|command| {
        command.env("DATABASE_URL", "");
    })
    .ok();
}

#[test]
fn a_mistyped_setting_exits_2_and_names_the_nearest_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.toml");
    let refused = |text: &str| {
        fs::write(&file, text).expect("writes");
        let args = ["status", "--config", file.to_str().expect("text")];
        Ran::from(concert_cli(&args), b"").refused(2)
    };
    let text = refused("# ours\ntime-zon = 'Asia/Seoul'\n");
    assert!(text.contains("mine.toml:2: unknown setting 'time-zon': did you mean 'time-zone'?"), "{text}");
    let text = refused("time-zone = 9\n");
    assert!(text.contains("time-zone: a text in quotes, such as \"UTC\" is expected, not a number"), "{text}");
    let text = refused("time-zone = 'Asia/Soul'\n");
    assert!(text.contains("mine.toml:1: time-zone: it does not take \"Asia/Soul\""), "{text}");
}
