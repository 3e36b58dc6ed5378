use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use clap::ArgAction;

use super::*;

/// A program whose settings have every kind of value. Its variables are of nobody's environment but for `HOME`.
fn program() -> Command {
    let setting = |name: &'static str, variable: &'static str| Arg::new(name).long(name).env(variable);
    Command::new("program")
        .arg(setting("config", "CONCERT_TEST_NONE_0").value_parser(clap::value_parser!(PathBuf)))
        .arg(setting("listen", "CONCERT_TEST_NONE_1").default_value("127.0.0.1:8080"))
        .arg(setting("hold-ttl", "CONCERT_TEST_NONE_2").default_value("5m").value_parser(minutes))
        .arg(setting("max-active", "CONCERT_TEST_NONE_3").value_parser(clap::value_parser!(u32).range(1..)))
        .arg(setting("bare-join", "CONCERT_TEST_NONE_4").value_parser(["on", "off"]))
        .arg(setting("sweep-every", "CONCERT_TEST_NONE_5").value_parser(minutes))
        .arg(setting("cors-origin", "CONCERT_TEST_NONE_6").action(ArgAction::Append).value_delimiter(','))
        .arg(setting("data-dir", "HOME").value_parser(clap::value_parser!(PathBuf)))
        .arg(setting("jwt-secret", "CONCERT_TEST_NONE_7").hide_env_values(true))
        .arg(setting("jwt-secret-file", "CONCERT_TEST_NONE_8").value_parser(clap::value_parser!(PathBuf)))
        .arg(setting("database-url", "CONCERT_TEST_NONE_9").hide_env_values(true))
        .arg(Arg::new("output").long("output"))
}

fn minutes(text: &str) -> Result<Duration, String> {
    let minutes = text.strip_suffix('m').and_then(|text| text.parse().ok());
    minutes.map(Duration::from_mins).ok_or_else(|| "minutes are written 5m".to_owned())
}

struct Folder(tempfile::TempDir);

impl Folder {
    /// With this text in `concert.toml`.
    fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("concert.toml");
        fs::write(&file, text).expect("writes");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("sets the mode");
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, flags: &[&str]) -> Result<Settings, clap::Error> {
        let surroundings =
            Surroundings { usual_files: vec![self.path("none.toml"), self.path("concert.toml")], credentials: None };
        self.read_in(flags, &surroundings)
    }

    fn read_in(&self, flags: &[&str], surroundings: &Surroundings) -> Result<Settings, clap::Error> {
        let arguments = ["program"].iter().chain(flags).map(OsString::from);
        Settings::read(&program(), |command| command, arguments, surroundings)
    }
}

fn refused(text: &str) -> String {
    let refused = Folder::with(text).read(&[]).expect_err(text);
    assert_eq!(refused.exit_code(), 2, "{text}");
    refused.to_string()
}

fn row(settings: &Settings, name: &str) -> (Option<String>, Origin) {
    let row = settings.rows().iter().find(|row| row.name == name).expect("is a setting");
    (row.value.clone(), row.origin.clone())
}

#[test]
fn a_flag_counts_before_the_environment_that_before_the_file_and_that_before_the_default() {
    let folder = Folder::with("hold-ttl = '7m'\nlisten = '[::1]:1'\ndata-dir = '/file'\n");
    let settings = folder.read(&["--listen", "127.0.0.1:9"]).expect("is good");
    let path = folder.path("concert.toml");
    assert_eq!(settings.file.as_ref(), Some(&path));
    assert_eq!(row(&settings, "listen"), (Some("127.0.0.1:9".to_owned()), Origin::Flag("--listen".to_owned())));
    let home = std::env::var("HOME").expect("is set");
    assert_eq!(row(&settings, "data-dir"), (Some(home), Origin::Environment("HOME".to_owned())));
    assert_eq!(row(&settings, "hold-ttl"), (Some("7m".to_owned()), Origin::File { path, line: 1 }));
    assert_eq!(settings.matches.get_one("hold-ttl"), Some(&Duration::from_mins(7)), "parsed as the flag is");
    assert_eq!(row(&settings, "max-active"), (None, Origin::Default));
}

#[test]
fn every_kind_of_value_is_read() {
    let text = "max-active = 1_000\nbare-join = false\ncors-origin = ['https://a', 'https://b']\n\
                jwt-secret-file = 'secret'\nrerank-every = 'of another program'\n";
    let folder = Folder::with(text);
    let matches = folder.read(&[]).expect("is good").matches;
    assert_eq!(matches.get_one::<u32>("max-active"), Some(&1_000));
    assert_eq!(matches.get_one::<String>("bare-join").map(String::as_str), Some("off"));
    let origins: Vec<_> = matches.get_many::<String>("cors-origin").expect("some").collect();
    assert_eq!(origins, ["https://a", "https://b"]);
    let secret = matches.get_one::<PathBuf>("jwt-secret-file");
    assert_eq!(secret, Some(&folder.path("secret")), "from the file's folder");
}

#[test]
fn unknown_names_are_refused_with_the_nearest_known_one() {
    let text = refused("listen = '[::1]:1'\nhold-tll = '5m'\nmax_active = 3\nzzz = 1\n[server]\nlisten = 'x'\n");
    assert!(text.contains("concert.toml:2: unknown setting 'hold-tll': did you mean 'hold-ttl'?"), "{text}");
    assert!(text.contains("concert.toml:3: unknown setting 'max_active': did you mean 'max-active'?"), "{text}");
    assert!(text.contains("concert.toml:4: unknown setting 'zzz'"), "all at once: {text}");
    assert!(text.contains("'server' is no setting: the file has no sections"), "{text}");
    assert!(refused("output = 'json'").contains("unknown setting"), "not every flag is a setting");
}

#[test]
fn wrong_types_and_values_say_what_is_expected() {
    for (line, expected) in [
        ("hold-ttl = 5", "hold-ttl: a text in quotes, such as \"5m\" is expected, not a number"),
        ("max-active = '10'", "max-active: a whole number without quotes is expected, not a text"),
        ("max-active = 0", "max-active: it does not take \"0\": 0 is not in 1..=4294967295"),
        ("hold-ttl = 'soon'", "hold-ttl: it does not take \"soon\": minutes are written 5m"),
        ("bare-join = 'yes'", "bare-join: it does not take \"yes\": \"on\" or \"off\" is expected"),
        ("cors-origin = [1]", "cors-origin: a text in quotes, or a list of them"),
        ("listen = ", "concert.toml:1: "),
    ] {
        let text = refused(line);
        assert!(text.contains(expected), "{line}: {text}");
    }
}

#[test]
fn all_values_that_are_refused_are_named_wherever_they_come_from() {
    let both = ["--hold-ttl", "soon", "--max-active=0"];
    let in_flags = [
        "hold-ttl: it does not take \"soon\": minutes are written 5m",
        "max-active: it does not take \"0\": 0 is not in 1..=4294967295",
    ];
    let text = Folder::with("").read(&both).expect_err("refused").to_string();
    assert!(in_flags.iter().all(|line| text.contains(line)), "{text}");
    let folder = Folder::with("bare-join = 'yes'\nsweep-every = 'often'\n");
    let text = folder.read(&both).expect_err("refused").to_string();
    let in_file = ["concert.toml:1: bare-join: it", "concert.toml:2: sweep-every: it does not take \"often\""];
    assert!(in_flags.iter().chain(&in_file).all(|line| text.contains(line)), "{text}");
    // One alone is told in clap's words, and so is what is no value of a setting.
    for (flags, words) in [
        (&both[..2], "invalid value 'soon' for '--hold-ttl <hold-ttl>': minutes are written 5m"),
        (&["--frob", "--max-active=0"], "unexpected argument '--frob' found"),
    ] {
        let text = Folder::with("").read(flags).expect_err("refused").to_string();
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_secret_among_values_that_are_refused_is_not_shown() {
    let secret = |arg: Arg| if arg.get_id() == "jwt-secret" { arg.value_parser(minutes) } else { arg };
    let arguments = ["program", "--jwt-secret", "hush", "--hold-ttl", "soon"].map(OsString::from);
    let refused = Settings::read(&program().mut_args(secret), |command| command, arguments, &Surroundings::default());
    let text = refused.expect_err("refused").to_string();
    assert!(text.contains("jwt-secret: it does not take: minutes") && !text.contains("hush"), "{text}");
}

#[test]
fn a_named_file_must_be_there_and_the_usual_ones_need_not() {
    let folder = Folder::with("hold-ttl = '7m'");
    let named = folder.path("concert.toml");
    let nowhere = Surroundings::default();
    let settings = folder.read_in(&["--config", named.to_str().expect("text")], &nowhere).expect("is good");
    assert_eq!(settings.matches.get_one("hold-ttl"), Some(&Duration::from_mins(7)));
    assert!(folder.read_in(&["--config", "/dev/null"], &nowhere).expect("no settings").rows().len() > 5);
    let refused = folder.read_in(&["--config", "/no/such"], &nowhere).expect_err("is missing").to_string();
    assert!(refused.contains("cannot read /no/such"), "{refused}");
    assert_eq!(folder.read_in(&[], &nowhere).expect("is good").file, None);
}

#[test]
fn of_a_secret_and_its_file_the_one_from_the_higher_place_counts() {
    let folder = Folder::with("jwt-secret-file = 'secret'");
    let settings = folder.read(&["--jwt-secret", "flag"]).expect("is good");
    assert_eq!(settings.matches.get_one::<String>("jwt-secret").map(String::as_str), Some("flag"));
    assert_eq!(settings.matches.get_one::<PathBuf>("jwt-secret-file"), None);
    assert_eq!(row(&settings, "jwt-secret").0.as_deref(), Some("***"));
    let both = folder.read(&["--jwt-secret", "x", "--jwt-secret-file", "y"]).expect_err("which?").to_string();
    assert!(both.contains("'--jwt-secret' and '--jwt-secret-file' both say jwt-secret"), "{both}");
    let both = refused("jwt-secret-file = 'a'\njwt-secret = 'b'");
    assert!(both.contains("give one of them") && !both.contains("'b'"), "{both}");
}

#[test]
fn a_credential_is_a_secret_unless_flag_or_environment_say_another() {
    let folder = Folder::with("jwt-secret = 'of the file'");
    fs::write(folder.path("jwt-secret"), "of systemd").expect("writes");
    let surroundings =
        Surroundings { usual_files: vec![folder.path("concert.toml")], credentials: Some(folder.path("")) };
    let settings = folder.read_in(&[], &surroundings).expect("is good");
    assert_eq!(settings.matches.get_one::<PathBuf>("jwt-secret-file"), Some(&folder.path("jwt-secret")));
    assert_eq!(settings.matches.get_one::<String>("jwt-secret"), None);
    assert_eq!(row(&settings, "jwt-secret-file").1, Origin::Credential);
    let settings = folder.read_in(&["--jwt-secret", "flag"], &surroundings).expect("is good");
    assert_eq!(settings.matches.get_one::<PathBuf>("jwt-secret-file"), None);
}

#[test]
fn a_file_with_a_secret_is_kept_as_one() {
    let folder = Folder::with("database-url = 'mysql://box:hush@db/concert'\nlisten = '[::1]:1'");
    let file = folder.path("concert.toml");
    let with_mode = |mode| {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("sets the mode");
        folder.read(&[])
    };
    let kept = with_mode(0o640).expect("is good");
    assert_eq!(row(&kept, "database-url").0.as_deref(), Some("mysql://box:***@db/concert"));
    assert!(kept.warnings.is_empty());
    let warnings = with_mode(0o644).expect("is taken").warnings;
    assert!(warnings.iter().any(|text| text.contains("can read database-url")), "{warnings:?}");
    let refused = with_mode(0o646).expect_err("everyone can write it").to_string();
    assert!(refused.contains("chmod 600") && !refused.contains("hush"), "{refused}");
}
