//! What the tool says in Korean, and the currency of the house.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::desk::{Desk, Ran, USERS, concert_cli};

#[tokio::test]
async fn an_amount_that_the_currency_does_not_have_is_refused_and_so_is_a_currency_that_the_database_cannot_hold() {
    let desk = Desk::seeded().await;
    let recharge = ["recharge", "user-1-1", "100.5", "--reference", "slip-1", "--currency", "KRW"];
    let refused = desk.run(&recharge).refused(2);
    assert!(refused.contains("an amount in KRW is a whole number") && refused.contains("INVALID_REQUEST"), "{refused}");
    let refused = desk.run(&["recharge", "user-1-1", "100", "--reference", "slip-1", "--currency", "KWD"]).refused(2);
    assert!(refused.contains("3 decimal places"), "{refused}");
    let mut ask = desk.command(&["recharge", "user-1-1", "100.5", "--reference", "slip-1"]);
    ask.env("CONCERT_CURRENCY", "JPY");
    let refused = Ran::from(ask, b"").refused(2);
    assert!(refused.contains("JPY"), "{refused}");
    desk.run(&["recharge", "user-1-1", "100.5", "--reference", "slip-1"]).ok();
}

fn in_korean(desk: &Desk, args: &[&str]) -> Ran {
    let mut command = desk.command(args);
    command.env("LANG", "ko_KR.UTF-8").env("CONCERT_TIME_ZONE", "Asia/Seoul");
    Ran::from(command, b"")
}

#[tokio::test]
async fn by_lang_the_tool_speaks_korean_to_people_and_the_same_json_to_programs() {
    let desk = Desk::seeded().await;
    desk.catch_up();
    let in_won = ["--currency", "KRW"];
    let shown = in_korean(&desk, &[&["user", "show", "user-1-1"], &in_won[..]].concat()).ok();
    let words: Vec<_> = shown.split_whitespace().collect();
    for pair in [["아이디", "user-1-1"], ["비밀번호", "아니요"], ["잔액", "1,000원"]] {
        assert!(words.windows(2).any(|two| two == pair), "{pair:?}\n{shown}");
    }
    assert!(shown.contains("년 ") && shown.contains("월 "), "a moment by the clocks of the house: {shown}");
    let status = in_korean(&desk, &["status"]).ok();
    assert!(
        status.contains("입장 중") && status.contains("빈 좌석") && status.contains("2099년 12월 30일(수)"),
        "{status}"
    );
    assert!(in_korean(&desk, &["audit"]).ok().contains("모든 불변 조건이 지켜지고 있습니다"));

    let refused = in_korean(&desk, &["user", "show", "nobody"]).refused(1);
    assert_eq!(refused.trim_end(), "오류: 없는 사용자입니다. (USER_NOT_FOUND)");
    let asked = in_korean(&desk, &["user", "forget", "user-1-1"]).refused(2);
    assert!(asked.contains("개인 정보를 영구히 삭제합니다") && asked.contains("--yes를"), "{asked}");

    let json = |ran: Ran| serde_json::from_str::<Value>(&ran.ok()).expect("JSON");
    let args = ["user", "show", USERS[0], "--output", "json"];
    assert_eq!(json(in_korean(&desk, &args)), json(desk.run(&args)));
    let failed = in_korean(&desk, &["user", "show", "nobody", "--output", "json"]);
    assert!(failed.stderr.contains(r#""message":"there is no such user""#), "{}", failed.stderr);
    let mut plain = desk.command(&args[..3]);
    plain.env("LANG", "ko_KR.UTF-8").env("LC_ALL", "C.UTF-8");
    assert_eq!(Ran::from(plain, b"").ok(), desk.run(&args[..3]).ok(), "LC_ALL comes before LANG");
}

/// The names of facts and of columns in the sources, in small letters.
fn names(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            names(&path, found);
            continue;
        }
        let source = fs::read_to_string(&path).expect("a file");
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        for call in ["table(", "facts([", "vec![(", ".push((", "extend([", "word("] {
            for (at, _) in source.match_indices(call) {
                let end = source[at..].find("]").unwrap_or(0).min(1_000);
                let first = source[at..at + end].split('"').nth(1).unwrap_or_default();
                let is_name = !first.is_empty() && first.chars().all(|c| c.is_ascii_lowercase() || " ,:'".contains(c));
                if is_name && call != "table(" {
                    found.insert(first.to_owned());
                }
            }
        }
        for (at, _) in source.match_indices("table([") {
            let header = source[at..].split(']').next().unwrap_or_default();
            found
                .extend(header.split('"').skip(1).step_by(2).filter(|name| !name.contains('{')).map(str::to_lowercase));
        }
    }
}

#[test]
fn every_name_of_a_fact_and_a_column_has_a_korean_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../concert-cli");
    let texts = fs::read_to_string(root.join("texts/en.ftl")).expect("is there");
    let known: BTreeSet<_> = texts
        .lines()
        .filter_map(|line| line.strip_prefix("said-")?.split_once(" = "))
        .map(|(_, text)| text.to_lowercase())
        .collect();
    let mut found = BTreeSet::new();
    names(&root.join("src/commands"), &mut found);
    assert!(found.len() > 60, "{found:?}");
    let missing: Vec<_> = found.iter().filter(|name| !known.contains(*name)).collect();
    assert!(missing.is_empty(), "give each a text said-.. in concert-cli/texts/en.ftl and ko.ftl: {missing:?}");
}

#[tokio::test]
async fn the_help_the_doctor_and_explain_speak_korean_by_lang() {
    let desk = Desk::seeded().await;
    let help = in_korean(&desk, &["queue", "set", "--help"]).ok();
    for text in [
        "얼마나 들일지 정합니다",
        "사용법: concert-cli queue set",
        "옵션:",
        "공통 옵션:",
        "[환경 변수: CONCERT_CONFIG]",
    ] {
        assert!(help.contains(text), "{text} in\n{help}");
    }
    for english in ["Usage:", "Options:", "[default", "[env", "[possible values", "Print help"] {
        assert!(!help.contains(english), "{english} in\n{help}");
    }
    let in_english = desk.run(&["queue", "set", "--help"]).ok();
    assert!(in_english.contains("Set how many are let in") && in_english.contains("Global options:"), "{in_english}");

    let doctor = in_korean(&desk, &["doctor"]);
    for text in ["모두 적용됨", "이 시스템의 세션에서 READ-COMMITTED", "개 모두 정상"] {
        assert!(doctor.stdout.contains(text), "{text} in\n{}", doctor.stdout);
    }
    let told = in_korean(&desk, &["explain", "user", "user-1-1"]).ok();
    for text in
        ["현재: 대기열에 없음; 잔액 1000", "회원 가입", "비밀번호 없음", "다음: 없음: 대기열에 서면 맨 뒤입니다"]
    {
        assert!(told.contains(text), "{text} in\n{told}");
    }
}

/// What a command line without a database is answered.
fn refused(args: &[&str], lang: Option<&str>) -> String {
    let mut command = concert_cli(args);
    command.envs(lang.map(|lang| ("LANG", lang)));
    Ran::from(command, b"").refused(2)
}

/// A text without what is quoted, without flags, names of values and the line of the usage.
fn words(text: &str) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with("사용법: ")).collect();
    let unquoted: String = lines.join("\n").split(['\'', '"']).step_by(2).collect();
    unquoted.split_whitespace().filter(|word| !word.starts_with(['-', '<'])).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_command_line_that_is_not_valid_is_refused_in_korean_by_lang() {
    let cases: [(&[&str], &str); 15] = [
        (
            &["queue", "set", "--max-actve", "5"],
            "오류: 알 수 없는 인자입니다: '--max-actve'\n\n  참고: 비슷한 인자가 있습니다: '--max-active'\n\n사용법: concert-cli queue set ",
        ),
        (
            &["quue"],
            "오류: 알 수 없는 명령입니다: 'quue'\n\n  참고: 비슷한 명령이 있습니다: 'queue'\n\n사용법: concert-cli ",
        ),
        (&["refund"], "오류: 다음 인자가 필요합니다:\n  <PAYMENT_ID>\n\n사용법: concert-cli refund "),
        (
            &["status", "--output", "yaml"],
            "오류: '--output <OUTPUT>'에 쓸 수 없는 값입니다: 'yaml'\n  [쓸 수 있는 값: table, json]\n",
        ),
        (&["status", "--output"], "오류: '--output <OUTPUT>'에 값이 필요합니다\n"),
        (
            &["status", "--output", "table", "--output", "table"],
            "오류: '--output <OUTPUT>' 인자는 한 번만 쓸 수 있습니다\n",
        ),
        (&["log", "--limit", "x"], "오류: '--limit <COUNT>'의 값 'x': 숫자가 아닌 글자가 있습니다.\n"),
        (&["log", "--limit", "0"], "오류: '--limit <COUNT>'의 값 '0': 1에서 10000까지의 수여야 합니다. 적은 수: 0.\n"),
        (&["rerank", "--active-ttl", "soon"], "오류: '--active-ttl <DURATION>'의 값 'soon': 0 위치에 수가 필요합니다."),
        (&["rerank", "--active-ttl", "5"], "시간 단위가 필요합니다. 예: 5sec, 5ms.\n"),
        (&["queue", "set", "--per-minute", "many"], "정수 또는 none이어야 합니다.\n"),
        (&["recharge", "ann", "much"], "금액은 "),
        (&["hold", "ann", "--concert", "Spring", "--best", "2", "--seats", "1"], "인자와 함께 쓸 수 없습니다: '--"),
        (
            &["hold", "ann", "--concert", "Spring", "--seats", "0"],
            "의 값 '0': 좌석 번호는 1에서 2147483647까지입니다. 보낸 번호: 0.\n",
        ),
        (&["user", "show", "--frob"], "참고: '--frob' 자체를 값으로 쓰려면 '-- --frob'처럼 적어 주십시오\n"),
    ];
    for (args, expected) in cases {
        let told = refused(args, Some("ko_KR.UTF-8"));
        assert!(told.contains(expected), "{args:?}: {told}");
        assert!(told.ends_with("\n\n자세한 내용은 '--help'로 볼 수 있습니다.\n") || args[0] == "rerank", "{told}");
        let english = ["table, json]", "10m,", "30m처럼", "5sec,", "5ms.", "none이어야", "1h"];
        let left = english.iter().fold(words(&told), |left, word| left.replace(word, ""));
        assert!(!left.contains(|character: char| character.is_ascii_alphabetic()), "{args:?}: {left}");
    }
    let mut command: Command = concert_cli(&["user", "show"]);
    command.arg(OsStr::from_bytes(b"\xff")).env("LANG", "ko_KR.UTF-8");
    assert!(Ran::from(command, b"").refused(2).starts_with("오류: UTF-8이 아닌 인자가 있습니다\n"));
    // A terminal is not steered by what an argument has in it.
    let steering = refused(&["user", "show", "--\u{1b}[2J"], Some("ko_KR.UTF-8"));
    assert!(steering.starts_with("오류: ") && !steering.contains('\u{1b}'), "{steering:?}");
}

#[test]
fn a_command_line_that_is_not_valid_is_refused_in_english_as_clap_does() {
    for lang in [None, Some("C"), Some("en_US.UTF-8"), Some("fr_FR.UTF-8")] {
        assert_eq!(
            refused(&["queue", "set", "--max-actve", "5"], lang),
            "error: unexpected argument '--max-actve' found\n\n  tip: a similar argument exists: '--max-active'\n\n\
             Usage: concert-cli queue set [OPTIONS]\n\nFor more information, try '--help'.\n"
        );
        assert_eq!(
            refused(&["log", "--limit", "0"], lang),
            "error: invalid value '0' for '--limit <COUNT>': 0 is not in 1..=10000\n\n\
             For more information, try '--help'.\n"
        );
    }
}
