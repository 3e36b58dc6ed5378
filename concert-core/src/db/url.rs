//! The database's address.

use sqlx::mysql::MySqlConnectOptions;

use crate::error::Error;

const FORM: &str = "mysql://user:password@host:3306/name";
const ENCODING: &str = "symbols in the user's name and the password are written percent-encoded, / as %2F, ? as %3F, # as %23, @ as \
     %40, % as %25";

/// The options that a URL stands for. No error repeats the URL: it has the password.
pub(crate) fn parse_url(url: &str) -> Result<MySqlConnectOptions, Error> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(Error::invalid(format!("the database URL is not of the form {FORM}")));
    };
    if !["mysql", "mariadb"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return Err(Error::invalid(format!(
            "the database URL begins with {}://, but the database must be MariaDB or MySQL: {FORM}",
            scheme.escape_default()
        )));
    }
    let (authority, after) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    // The last one: an `@` of the password may stand there as it is.
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    // An `@` that follows only after the authority, or a `#`: a symbol of the password has ended the authority.
    if (!authority.contains('@') && after.contains('@')) || after.contains('#') {
        return Err(Error::invalid(format!("the database URL cannot be read: {ENCODING}; the form is {FORM}")));
    }
    check_host(host)?;
    let options: MySqlConnectOptions = format!("mysql://{rest}").parse().map_err(|error: sqlx::Error| {
        let why = match error {
            sqlx::Error::Configuration(why) => why.to_string(),
            other => other.to_string(),
        };
        Error::invalid(format!("the database URL cannot be read ({why}): {ENCODING}; the form is {FORM}"))
    })?;
    // The brackets belong to the URL, not to the address.
    Ok(match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((address, _)) => options.host(address),
        None => options,
    })
}

fn check_host(host: &str) -> Result<(), Error> {
    let port = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((_, after)) => after.strip_prefix(':'),
            None => return Err(Error::invalid("the IPv6 address in the database URL has no closing bracket: [::1]")),
        },
        None if host.matches(':').count() > 1 => {
            return Err(Error::invalid(
                "an IPv6 address in a URL is written in brackets: mysql://user@[::1]:3306/name",
            ));
        }
        None => host.split_once(':').map(|(_, port)| port),
    };
    let is_port = |port: &str| port.is_empty() || port.parse::<u16>().is_ok_and(|port| port > 0);
    if port.is_none_or(is_port) {
        Ok(())
    } else {
        Err(Error::invalid(format!(
            "the port in the database URL is not a number from 1 to 65535; if it is a part of the password: {ENCODING}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        match parse_url(url) {
            Err(Error::InvalidInput(text)) => text,
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn b11_an_address_that_works_is_read() {
        for (url, host, port) in [
            ("mysql://root@localhost/shop", "localhost", 3306),
            ("mysql://root@[::1]:3307/shop", "::1", 3307),
            ("mysql://[::1]:3306/shop", "::1", 3306),
            ("mysql://[fe80::1]/shop", "fe80::1", 3306),
            ("mysql://root:p@s:s%w@localhost/shop", "localhost", 3306),
            ("MARIADB://root:p%40ss%2F%23@db.example.org/shop?ssl-mode=REQUIRED", "db.example.org", 3306),
        ] {
            let options = parse_url(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!((options.get_host(), options.get_port(), options.get_database()), (host, port, Some("shop")));
        }
    }

    #[test]
    fn b11_a_sentence_says_what_is_wrong_with_an_address() {
        for (url, part) in [
            ("nonsense", "is not of the form mysql://"),
            ("postgres://root@localhost/shop", "begins with postgres://"),
            ("mysql://root:p#ss@localhost/shop", "# as %23"),
            ("mysql://root:p/ss@localhost/shop", "/ as %2F"),
            ("mysql://root:p?ss@localhost/shop", "? as %3F"),
            ("mysql://::1/shop", "[::1]"),
            ("mysql://[::1/shop", "no closing bracket"),
            ("mysql://root@localhost:99999/shop", "1 to 65535"),
            ("mysql://root@localhost/shop?ssl-mode=MAYBE", "MAYBE"),
        ] {
            let text = refusal(url);
            assert!(text.contains(part), "{url}: {text}");
            assert!(!text.contains("ss@"), "no part of a password: {text}");
        }
    }
}
