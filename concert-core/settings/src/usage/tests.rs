use clap::{Arg, ArgAction, Command};

use super::*;

const HELP: HelpTexts =
    HelpTexts(&[("usage", "사용법"), ("heading--commands", "명령"), ("note--values", "쓸 수 있는 값")]);

/// A program that can be misused in every way that clap tells apart.
fn program() -> Command {
    Command::new("box")
        .subcommand_required(true)
        .subcommand(
            Command::new("hold")
                .arg(Arg::new("user").required(true))
                .arg(Arg::new("pair").long("pair").num_args(2).value_name("SEAT"))
                .arg(Arg::new("row").long("row").num_args(2..).value_name("SEAT"))
                .arg(
                    Arg::new("best")
                        .long("best")
                        .value_parser(clap::value_parser!(u8))
                        .conflicts_with_all(["pair", "row"]),
                )
                .arg(Arg::new("by").long("by").require_equals(true).value_name("NAME"))
                .arg(Arg::new("form").long("form").value_parser(["json", "a table"]))
                .arg(Arg::new("dry").long("dry").action(ArgAction::SetTrue).conflicts_with_all(["pair", "best"])),
        )
        .subcommand(Command::new("queue").subcommand_required(true).subcommand(Command::new("set")))
}

fn translate(english: &str) -> String {
    match english {
        "invalid digit found in string" => "숫자가 아닌 글자가 있습니다".to_owned(),
        other => other.to_owned(),
    }
}

/// The error in both languages, without colours.
fn both(args: &[&str]) -> [String; 2] {
    let error = program().try_get_matches_from([&["box"], args].concat()).expect_err("is refused");
    let korean = HELP.told(&error, translate).unwrap_or_else(|| panic!("{args:?} stays English: {error}"));
    assert_eq!((korean.exit_code(), korean.use_stderr()), (error.exit_code(), error.use_stderr()));
    [error.render().to_string(), korean.render().to_string()]
}

/// What is neither a name nor a word of ours: no English is left over.
fn without_names(text: &str) -> String {
    let usage = text.lines().filter(|line| !line.starts_with("사용법: ")).collect::<Vec<_>>().join("\n");
    usage.split('\'').step_by(2).collect()
}

#[test]
fn every_usage_error_of_clap_is_told_anew() {
    let cases: [(&[&str], &str); 17] = [
        (
            &["hold", "ann", "--bst", "1"],
            "오류: 알 수 없는 인자입니다: '--bst'\n\n  참고: 비슷한 인자가 있습니다: '--best'\n\n사용법: box hold",
        ),
        (&["hold", "--nothing"], "  참고: '--nothing' 자체를 값으로 쓰려면 '-- --nothing'처럼 적어 주십시오\n"),
        (&["--best", "hold"], "  참고: 쓸 수 있는 인자가 있습니다: 'hold --best'\n"),
        (&["quue"], "오류: 알 수 없는 명령입니다: 'quue'\n\n  참고: 비슷한 명령이 있습니다: 'queue'\n"),
        (&["queue", "--", "set"], "  참고: 'set' 명령을 쓰려면 앞의 '--'를 빼 주십시오\n"),
        (&["hold"], "오류: 다음 인자가 필요합니다:\n  <user>\n"),
        (&["queue"], "오류: 'box queue' 뒤에 명령을 적어 주십시오\n  [명령: set"),
        (
            &["hold", "ann", "--form", "jsno"],
            "오류: '--form <form>'에 쓸 수 없는 값입니다: 'jsno'\n  [쓸 수 있는 값: json, \"a table\"]\n\n  참고: 비슷한 값이 있습니다: 'json'\n",
        ),
        (&["hold", "ann", "--form"], "오류: '--form <form>'에 값이 필요합니다\n  [쓸 수 있는 값: json, \"a table\"]\n"),
        (&["hold", "ann", "--best", "x"], "오류: '--best <best>'의 값 'x': 숫자가 아닌 글자가 있습니다\n"),
        (&["hold", "ann", "--pair", "1"], "오류: '--pair <SEAT> <SEAT>'에는 값이 2개 필요합니다. 적은 값: 1개\n"),
        (&["hold", "ann", "--row", "1"], "오류: '--row <SEAT> <SEAT>...'에는 값이 2개 이상 필요합니다. 적은 값: 1개\n"),
        (&["hold", "ann", "--by", "bob"], "오류: '--by=<NAME>'의 값은 = 뒤에 붙여 적어 주십시오\n"),
        (&["hold", "ann", "--best", "1", "--best", "2"], "오류: '--best <best>' 인자는 한 번만 쓸 수 있습니다\n"),
        (
            &["hold", "ann", "--best", "1", "--row", "1", "2"],
            "오류: '--best <best>' 인자와 함께 쓸 수 없습니다: '--row <SEAT> <SEAT>...'\n",
        ),
        (&["hold", "ann", "--dry", "--pair", "1", "2", "--best", "1"], "인자와 함께 쓸 수 없습니다:\n  --"),
        (&["hold", "ann", "--dry=1"], "오류: '--dry'에 값이 너무 많습니다: '1'\n"),
    ];
    for (args, expected) in cases {
        let [english, korean] = both(args);
        assert!(korean.contains(expected), "{args:?}: {korean}\nof {english}");
        let left = without_names(&korean).replace("json, \"a table\"", "").replace("[명령: set, help]", "");
        let left = left.replace("<user>", "").replace("--pair <SEAT> <SEAT>", "").replace("--best <best>", "");
        assert!(!left.contains(|character: char| character.is_ascii_alphabetic()), "{args:?}: {left}");
        assert!(korean.ends_with("\n자세한 내용은 '--help'로 볼 수 있습니다.\n"), "{korean}");
        let paragraphs = |text: &str| text.split("\n\n").count();
        assert_eq!(paragraphs(&korean), paragraphs(&english), "as many paragraphs as clap has: {korean}\nof {english}");
    }
}

#[test]
fn an_argument_that_is_no_text_is_told_anew() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let args = [OsStr::new("box"), OsStr::new("hold"), OsStr::from_bytes(b"\xff")];
    let error = program().try_get_matches_from(args).expect_err("is refused");
    let korean = HELP.told(&error, translate).expect("is known").render().to_string();
    assert!(korean.starts_with("오류: UTF-8이 아닌 인자가 있습니다\n"), "{korean}");
}

#[test]
fn an_error_of_the_program_stays_as_it_was_in_english_and_is_translated_past_its_place() {
    let why = "box.toml:7: best: invalid digit found in string\nbox.toml:9: anything";
    let ours = usage_error(&mut program(), ErrorKind::ValueValidation, why);
    let of_clap = program().error(ErrorKind::ValueValidation, why);
    assert_eq!(ours.render().ansi().to_string(), of_clap.render().ansi().to_string());
    let korean = HELP.told(&ours, translate).expect("is known").render().to_string();
    let begin = "오류: box.toml:7: best: 숫자가 아닌 글자가 있습니다\nbox.toml:9: anything\n\n사용법: box <COMMAND>\n";
    assert!(korean.starts_with(begin), "{korean}");
}

#[test]
fn colours_are_those_of_clap() {
    let error = program().try_get_matches_from(["box", "quue"]).expect_err("is refused");
    let korean = HELP.told(&error, translate).expect("is known");
    let codes = |text: StyledStr| {
        let text = text.ansi().to_string();
        text.split('\x1b').skip(1).filter_map(|part| Some(part.split_once('m')?.0.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(codes(korean.render()), codes(error.render()));
}

#[test]
fn a_help_and_a_version_are_no_usage_errors() {
    for args in [["box", "--help"], ["box", "help"]] {
        let help = program().try_get_matches_from(args).expect_err("is shown");
        assert!(HELP.told(&help, translate).is_none());
    }
}
