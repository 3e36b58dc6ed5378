//! What every command shares: exit codes, streams, the choice of the database; and `completions`.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use concert_core::private_db::{PrivateDatabase, Settings};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::desk::{Desk, Ran, concert_cli};

fn run(args: &[&str]) -> Ran {
    Ran::from(concert_cli(args), b"")
}

#[test]
fn completions_need_no_database() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]).ok();
        for word in ["concert-cli", "rerank", "--dry-run", "--data-dir"] {
            assert!(
                script.contains(word) || shell == "fish" && script.contains(word.trim_start_matches('-')),
                "{shell}: {word}"
            );
        }
    }
    run(&["completions", "tcsh"]).refused(2);
}

#[test]
fn help_goes_to_stdout_and_documents_the_exit_codes() {
    let help = run(&["--help"]).ok();
    let exit_codes = &help[help.find("Results go to stdout").expect("says so")..];
    assert_snapshot!(exit_codes, @r#"
    Results go to stdout, everything else to stderr. NO_COLOR is honoured.

    Exit codes:
      0  done
      1  refused or failed, also if only for a part of what was named: what
         was done is on stdout. stderr says `error: <text> (CODE)`
      2  the command line or an input is not valid

    With --output json the last line on stderr of 1 and 2 is
    {"error": {"code", "message"}}.
    "#);
    let seed = run(&["seed", "--help"]).ok();
    assert!(seed.contains("10 %") && seed.contains("[default: 50]"), "{seed}");
}

#[test]
fn what_is_no_command_line_exits_2() {
    for args in [
        &[][..],
        &["nonsense"],
        &["seed", "--nonsense"],
        &["token"],
        &["token", "show"],
        &["user", "create"],
        &["status", "--watch", "0"],
        &["status", "--output", "yaml"],
        &["rerank", "--active-ttl", "soon"],
    ] {
        run(args).refused(2);
    }
}

#[test]
fn a_database_url_that_is_none_exits_2_and_one_that_leads_nowhere_exits_1() {
    let status = |url: &str| run(&["status", "--database-url", url]);
    assert_snapshot!(status("nonsense").refused(2), @"error: the database URL is not of the form mysql://user:password@host:3306/name (INVALID_REQUEST)");
    assert_snapshot!(status("mysql://root@localhost").refused(2), @"error: the database URL names no database: mysql://user:password@host:3306/name (INVALID_REQUEST)");
    let refused = status("mysql://root:hunter2@localhost/x?socket=/no/such/socket").refused(1);
    assert!(refused.ends_with("(DATABASE_UNAVAILABLE)\n"), "{refused}");
    assert!(!refused.contains("hunter2"), "{refused}");
}

#[test]
fn with_json_an_error_is_also_a_json_object_on_stderr() {
    let refused = run(&["status", "--database-url", "nonsense", "--output", "json"]).refused(2);
    let (text, object) = refused.trim_end().split_once('\n').expect("two lines");
    let object: Value = serde_json::from_str(object).expect("is JSON");
    assert_eq!(object["error"]["code"], "INVALID_REQUEST");
    let message = object["error"]["message"].as_str().expect("is text");
    assert_eq!(text, format!("error: {message} (INVALID_REQUEST)"));
    assert_eq!(object["error"].as_object().map(serde_json::Map::len), Some(2));
}

#[test]
fn with_json_a_command_line_that_is_not_valid_ends_in_the_object_of_any_other_failure() {
    for (args, message) in [
        (&["log", "--frob"][..], "unexpected argument '--frob' found"),
        (&["nonsense"], "unrecognized subcommand 'nonsense'"),
        (&["log", "--limit", "0"], "invalid value '0' for '--limit <COUNT>': 0 is not in 1..=10000"),
        (&["refund"], "the following required arguments were not provided:\n  <PAYMENT_ID>"),
        (
            &["key"],
            "'concert-cli key' requires a subcommand but one was not provided\n  [subcommands: make, list, revoke, help]",
        ),
        (&["status", "--config", "/no/such"], "cannot read /no/such: No such file or directory (os error 2)"),
    ] {
        for lang in ["C", "ko_KR.UTF-8"] {
            let mut command = concert_cli(&[&["--output", "json"], args].concat());
            command.env("LANG", lang);
            let refused = Ran::from(command, b"").refused(2);
            let last = refused.lines().last().expect("a line");
            let object: Value = serde_json::from_str(last).unwrap_or_else(|_| panic!("JSON: {refused}"));
            assert_eq!(object, json!({"error": {"code": "INVALID_REQUEST", "message": message}}), "{args:?}");
            assert!(refused.lines().count() > 1, "people read why, too: {refused}");
        }
    }
    // Help was asked for and is no failure.
    assert!(!run(&["log", "--help", "--output", "json"]).ok().contains("INVALID_REQUEST"));
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_failure() {
    let desk = Desk::seeded().await;
    for args in [&["status"][..], &["status", "--watch", "1"], &["audit", "--output", "json"], &["completions", "bash"]]
    {
        let mut child = desk.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
        drop(child.stdout.take());
        let ended = child.wait_with_output().expect("ends");
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert_eq!((ended.status.code(), &*stderr), (Some(0), ""), "{args:?}");
    }
}

#[tokio::test]
async fn a_result_that_cannot_be_written_is_a_failure() {
    let desk = Desk::seeded().await;
    let full = std::fs::File::options().write(true).open("/dev/full").expect("opens");
    let ended = desk.command(&["status"]).stdout(full).output().expect("runs");
    assert_eq!(ended.status.code(), Some(1));
    assert_snapshot!(String::from_utf8_lossy(&ended.stderr), @"error: cannot write to stdout: No space left on device (os error 28) (IO)");
}

#[tokio::test]
async fn without_a_url_the_private_database_is_started_kept_and_joined() {
    let folder = tempfile::tempdir().expect("a folder");
    let data_dir = folder.path().join("data");
    let on_private = |args: &[&str]| {
        Ran::from(concert_cli(&[args, &["--data-dir", data_dir.to_str().expect("is text")]].concat()), b"")
    };
    let seeded = on_private(&["seed", "--output", "json"]);
    assert_eq!(seeded.code, Some(0), "{}", seeded.stderr);
    serde_json::from_str::<Value>(&seeded.stdout).expect("is JSON and nothing else");
    let canonical = data_dir.canonicalize().expect("is there");
    assert_eq!(seeded.stderr, format!("started the private MariaDB in {}\n", canonical.display()));
    assert_eq!(on_private(&["seed", "--seed", "1"]).code, Some(1), "the data stay");
    assert!(!data_dir.join("mariadb/mariadb.pid").exists(), "the command has waited until its server was gone");

    let server = PrivateDatabase::open(&data_dir, &Settings::default()).await.expect("starts");
    assert!(server.is_owner(), "no command runs it any more");
    let joined = on_private(&["user", "show", "user-1-1", "--output", "json"]).json();
    let id = joined["userId"].as_str().expect("is text");
    on_private(&["token", "issue", id]).ok();
    on_private(&["audit"]).ok();
    server.stop().await.expect("is ours to stop");
}

#[test]
fn b4_a_mistyped_data_dir_makes_no_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let data_dir = folder.path().join("mistyped");
    for command in [&["status"][..], &["audit"], &["sweep"], &["user", "show", "anna"], &["queue", "pause"]] {
        let refused = run(&[command, &["--data-dir", data_dir.to_str().expect("is text")]].concat()).refused(1);
        let expected = format!("error: there is no private database in {};", data_dir.display());
        assert!(refused.starts_with(&expected) && refused.ends_with("(NO_DATABASE)\n"), "{refused}");
    }
    assert!(!data_dir.exists(), "nothing was made");
}

#[tokio::test]
async fn an_interrupted_command_stops_its_server_and_leaves_a_sound_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let data_dir = folder.path().to_str().expect("is text");
    let mut seed = concert_cli(&["seed", "--concerts", "3", "--seats", "2000000", "--data-dir", data_dir]);
    let mut child = seed.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    let mut stderr = BufReader::new(child.stderr.take().expect("is piped")).lines();
    let started = stderr.next().expect("says so").expect("is text");
    assert!(started.starts_with("started the private MariaDB"), "{started}");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("runs");
    assert!(killed.success());
    assert_eq!(stderr.next().expect("says so").expect("is text"), "error: interrupted (INTERRUPTED)");
    let ended = child.wait_with_output().expect("ends");
    assert_eq!((ended.status.code(), ended.stdout), (Some(1), vec![]));

    let server = PrivateDatabase::open(folder.path(), &Settings::default()).await.expect("starts");
    assert!(server.is_owner(), "nobody else runs it");
    run(&["migrate", "--data-dir", data_dir]).ok();
    run(&["audit", "--data-dir", data_dir]).ok();
    let status = run(&["status", "--data-dir", data_dir, "--output", "json"]).json();
    let halls = status["concerts"].as_array().expect("is a list");
    assert!(
        halls.iter().all(|concert| concert["seats"] == 2_000_000),
        "a concert is there as a whole or not: {halls:?}"
    );
    server.stop().await.expect("stops");
}

#[tokio::test]
async fn a10_the_databases_url_can_come_from_a_file_whose_mode_is_checked() {
    use std::os::unix::fs::PermissionsExt as _;

    let desk = Desk::open().await;
    let file = tempfile::NamedTempFile::new().expect("makes a file");
    std::fs::write(file.path(), format!("{}\n", desk.url)).expect("writes");
    let path = file.path().to_str().expect("text");
    let run = |mode| {
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).expect("sets the mode");
        let mut command = concert_cli(&["--database-url-file", path, "audit"]);
        command.env_remove("DATABASE_URL");
        command.output().expect("runs")
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let private = run(0o600);
    assert!(private.status.success(), "{}", text(&private.stderr));
    assert!(!text(&private.stderr).contains("chmod"), "{}", text(&private.stderr));
    let open = run(0o644);
    assert!(open.status.success() && text(&open.stderr).contains("chmod 600"), "{}", text(&open.stderr));
    let refused = run(0o666);
    assert!(!refused.status.success() && text(&refused.stderr).contains("chmod 600"), "{}", text(&refused.stderr));
    assert!(!text(&open.stderr).contains(&desk.url), "the URL is not printed");
}
