use std::os::unix::fs::PermissionsExt as _;

use secrecy::ExposeSecret as _;

use super::*;
use crate::http::SEATS_MAX_AGE;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn parse(flags: &[&str]) -> Config {
    Config::try_parse_from(["concert-server"].iter().chain(flags)).expect("good flags")
}

#[test]
fn the_flags_are_well_formed() {
    Config::command().debug_assert();
}

#[test]
fn the_files_names_have_all_our_settings() {
    let command = Config::command();
    let names = concert_settings::names(&command);
    let missing: Vec<_> = names.filter(|name| !concert_settings::NAMES.contains(name)).collect();
    assert!(missing.is_empty(), "add them to NAMES in concert-core/settings/src/names.rs: {missing:?}");
    let unlike: Vec<_> = command
        .get_arguments()
        .filter(|arg| arg.get_long().is_some_and(|long| long != "help" && long != "version") && arg.get_env().is_none())
        .map(clap::Arg::get_id)
        .collect();
    assert!(unlike.is_empty(), "every flag is also a variable and a line of the file: {unlike:?}");
}

#[test]
fn the_defaults_are_the_librarys() {
    let secret = SecretString::from(SECRET);
    let ours = parse(&[]);
    let library = Policy::new(JwtKeys::new(&secret).expect("long enough"));
    assert_eq!(format!("{:?}", ours.policy(&secret).expect("works")), format!("{library:?}"));
    assert_eq!(ours.seats_max_age, SEATS_MAX_AGE);
    assert_eq!(format!("{:?}", ours.brakes), format!("{:?}", BrakeOptions::default()));
    assert_eq!(format!("{:?}", ours.limits()), format!("{:?}", Limits::default()));
}

#[test]
fn a_database_of_ones_own_needs_a_secret_of_ones_own() {
    let bare = parse(&["--database-url", "mysql://root:hush@localhost/concert"]);
    let error = bare.clone().checked().expect_err("no secret").to_string();
    assert!(error.contains("--jwt-secret-file"), "{error}");
    assert!(!format!("{bare:?}").contains("hush"), "secrets are not printed");
    assert!(parse(&["--jwt-secret", "short"]).policy(&SecretString::from("short")).is_err());
}

#[test]
fn bare_joins_are_for_the_private_database_unless_said() {
    let url = ["--database-url", "mysql://root:hush@localhost/concert"];
    let with = |more: &[&str]| parse(&[&url[..], more].concat()).bare_joins();
    assert!(parse(&[]).bare_joins() && !parse(&["--bare-join", "off"]).bare_joins());
    assert!(!with(&[]) && with(&["--bare-join", "on"]));
}

#[test]
fn a5_everyone_recharges_on_the_private_database_alone_unless_said() {
    let url = ["--database-url", "mysql://root@localhost/concert"];
    let recharge = |flags: &[&str]| parse(flags).recharge();
    assert_eq!((recharge(&[]), recharge(&url)), (RechargeBy::Everyone, RechargeBy::Operators));
    let [operators, everyone] = ["operators", "everyone"].map(|who| ["--recharge", who]);
    assert_eq!(recharge(&operators), RechargeBy::Operators);
    assert_eq!(recharge(&[url, everyone].concat()), RechargeBy::Everyone);
    let policy = parse(&url).policy(&SecretString::from(SECRET)).expect("works");
    assert!(format!("{policy:?}").contains("recharge: Operators"));
    assert!(Config::try_parse_from(["concert-server", "--recharge", "nobody"]).is_err());
}

#[test]
fn a10_every_secret_can_come_from_a_file() {
    let file = std::env::temp_dir().join(format!("concert-secret-{}", uuid::Uuid::now_v7()));
    let path = file.to_str().expect("text");
    const URL: &str = "mysql://root@localhost/concert";
    for (flag, text, beside) in [
        ("--database-url-file", URL, &["--jwt-secret", SECRET][..]),
        ("--jwt-secret-file", SECRET, &[]),
        ("--jwt-previous-secret-file", SECRET, &[]),
    ] {
        std::fs::write(&file, format!("{text}\n")).expect("writes");
        let mut config = parse(&[&[flag, path], beside].concat()).checked().expect(flag).0;
        config.jwt_secret = config.jwt_secret.filter(|_| beside.is_empty());
        let secrets = [&config.database_url, &config.jwt_secret, &config.jwt_previous_secret];
        let [secret] = secrets.iter().filter_map(|secret| secret.as_ref()).collect::<Vec<_>>()[..] else {
            panic!("one secret: {flag}");
        };
        assert_eq!(secret.expose_secret(), text, "{flag}");
        let error = parse(&[flag, "/no/such"]).checked().expect_err(flag).to_string();
        assert!(error.contains(flag) && error.contains("/no/such"), "{error}");
    }
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).expect("opens it");
    let error = parse(&["--jwt-secret-file", path]).checked().expect_err("open").to_string();
    assert!(error.contains("chmod 600"), "{error}");
    std::fs::remove_file(&file).expect("removes");
}

#[test]
fn what_cannot_work_is_refused() {
    let flags = [
        ["--rerank-every", "0s"],
        ["--max-active", "0"],
        ["--hold-ttl", "soon"],
        ["--cors-origin", "example.com"],
        ["--listen", "8080"],
        ["--log", "concert=loud"],
        ["--max-connections", "0"],
        ["--max-streams", "0"],
        ["--max-polls-per-second", "0"],
        ["--seats-max-age", "2m"],
        ["--bare-join", "maybe"],
        ["--brake-log-ins-per-address", "30"],
        ["--trust-proxy", "proxy.example"],
        ["--admin-listen", "9090"],
        ["--max-connections-per-address", "0"],
        ["--write-timeout", "0s"],
        ["--max-connection-age", "2days"],
    ];
    for [flag, value] in flags {
        let refused = Config::try_parse_from(["concert-server", flag, value]).expect_err(flag);
        assert_eq!(refused.exit_code(), 2, "{flag}");
    }
}

#[test]
fn a_start_names_all_that_is_wrong_and_shows_no_secret() {
    let wrong = [
        ("--hold-ttl", "0s", "hold_ttl must be from 1 second to 366 days"),
        ("--session-ttl", "400days", "session_ttl must be from 1 second to 366 days"),
        ("--seat-pause", "2days", "seat_pause must be at most 1 day"),
        ("--after-payment-ttl", "11m", "after_payment_ttl must be at most active_ttl"),
        ("--schema", "no-dashes", "the name of a database is 1 to 64 letters"),
        ("--jwt-secret", "hush", "jwt-secret: the JWT secret has 4 bytes; it needs 32"),
        ("--jwt-previous-secret", "hush", "jwt-previous-secret: the JWT secret has 4 bytes; it needs 32"),
        ("--database-url", "postgres://root:hush@localhost/concert", "begins with postgres://"),
    ];
    let flags: Vec<_> = wrong.iter().flat_map(|(flag, value, _)| [*flag, *value]).collect();
    let error = parse(&flags).checked().expect_err("refused").to_string();
    for (flag, _, says) in wrong {
        assert!(error.contains(says), "{flag}: {error}");
    }
    assert!(!error.contains("hush"), "{error}");
    assert!(parse(&[]).checked().is_ok());
}

#[test]
fn a_switch_takes_the_words_that_people_write_for_on_and_off() {
    for (words, on) in
        [(["on", "true", "yes", "1", "ON", "True"], true), (["off", "false", "no", "0", "OFF", "No"], false)]
    {
        for word in words {
            let [loopback, pages, bare] =
                ["brake-loopback", "pages", "bare-join"].map(|flag| format!("--{flag}={word}"));
            let config = parse(&[&loopback, &pages, &bare]);
            let is_on = [config.brakes.brake_loopback, config.pages.is_on(), config.bare_joins()];
            assert_eq!(is_on, [on; 3], "{word}");
        }
    }
    assert!(parse(&["--brake-loopback"]).brakes.brake_loopback && !parse(&[]).brakes.brake_loopback);
    assert!(Config::try_parse_from(["concert-server", "--brake-loopback=maybe"]).is_err());
}

#[test]
fn a_space_may_follow_the_comma_of_a_list() {
    let spaced =
        parse(&["--trust-proxy", "10.0.0.0/8, 192.0.2.1", "--cors-origin", "https://a.example, https://b.example"]);
    let tight =
        parse(&["--trust-proxy", "10.0.0.0/8,192.0.2.1", "--cors-origin", "https://a.example,https://b.example"]);
    assert_eq!(spaced.brakes.trust_proxy, tight.brakes.trust_proxy);
    assert_eq!(format!("{:?}", spaced.cors_origins), format!("{:?}", tight.cors_origins));
}

#[test]
fn an_address_without_its_half_gets_a_sentence_that_helps() {
    let refused = |listen: &str| {
        let refused = Config::try_parse_from(["concert-server", "--listen", listen]).map(drop);
        refused.expect_err("no address").to_string()
    };
    assert!(refused("8080").contains("127.0.0.1:8080 for this machine alone"), "{}", refused("8080"));
    assert!(refused(":8080").contains("0.0.0.0:8080 for all networks"));
    assert!(refused("localhost:8080").contains("an IP address and a port"));
}
