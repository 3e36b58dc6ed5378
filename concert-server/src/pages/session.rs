//! Cookies: the session of a browser, its visit before log-in, and the language.

use chrono::Duration;
use concert_core::{Credential, Error, SessionTicket, Timestamp};
use uuid::Uuid;
use warp::http::header::{COOKIE, HOST};
use warp::http::{HeaderMap, HeaderName, HeaderValue};

use crate::http::{Call, Problem};

/// The access token of a session, as log-in gives it. No script can read it, and the REST interface does not take it.
const SESSION: &str = "concert_session";
/// What the name of a visit begins with: the rest of it is the beginning of its random value, which forms are bound to. So two
/// first pages that are loaded beside each other make two cookies, and the second does not take the place of the first.
const VISIT: &str = "concert_visit_";
const VISIT_NAME_LENGTH: usize = 8;
/// The most visits of a browser that are looked at: more than pages that are loaded beside each other make.
const MOST_VISITS: usize = 16;
/// The language, once somebody has chosen one.
pub(super) const LANGUAGE: &str = "concert_language";
/// How long a choice of the language is kept, in seconds.
pub(super) const LANGUAGE_LIFE: i64 = 365 * 24 * 3_600;
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// A session that counts.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) token: String,
    pub(super) ticket: SessionTicket,
}

/// The cookie's value, if the browser sent one.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    cookies(headers).find_map(|(found, value)| (found == name).then_some(value))
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

/// The session that the browser shows. One that has ended is none.
pub(super) async fn session(call: &Call) -> Result<Option<Session>, Problem> {
    let Some(token) = cookie(call.headers(), SESSION) else { return Ok(None) };
    let ticket = match call.box_office().authenticate(token).await {
        Ok(Credential::Session(ticket)) => ticket,
        // Whoever comes with yesterday's cookie is logged out, not refused.
        Ok(Credential::Queue(_)) | Err(Error::Unauthenticated(_) | Error::TokenEnded) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    call.brake_user(ticket.user)?;
    Ok(Some(Session { token: token.to_owned(), ticket }))
}

/// The visits of this browser, which its forms are bound to; none: it is the first one.
pub(super) fn visits(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let visits = cookies(headers).filter(|(name, value)| is_visit(name, value)).map(|(_, value)| value);
    visits.take(MOST_VISITS)
}

/// A value that is too short to be guessed is none of ours.
fn is_visit(name: &str, value: &str) -> bool {
    let beginning = name.strip_prefix(VISIT).filter(|beginning| beginning.len() == VISIT_NAME_LENGTH);
    beginning.is_some_and(|beginning| value.len() == 32 && value.starts_with(beginning))
}

/// Whether the browser has a session, which may have ended.
pub(super) fn shows_session(headers: &HeaderMap) -> bool {
    cookie(headers, SESSION).is_some_and(|value| !value.is_empty())
}

/// The value of a new visit.
pub(super) fn new_visit() -> String {
    Uuid::new_v4().simple().to_string()
}

pub(super) fn visit_cookie(headers: &HeaderMap, value: &str) -> HeaderValue {
    let beginning = value.get(..VISIT_NAME_LENGTH).unwrap_or_default();
    write(headers, &format!("{VISIT}{beginning}"), value, "/", None)
}

/// Keeps a session until it ends.
pub(super) fn session_cookie(headers: &HeaderMap, token: &str, until: Timestamp, now: Timestamp) -> HeaderValue {
    write(headers, SESSION, token, "/", Some((until - now).max(Duration::zero()).num_seconds()))
}

pub(super) fn no_session_cookie(headers: &HeaderMap) -> HeaderValue {
    write(headers, SESSION, "", "/", Some(0))
}

/// A cookie that no script reads, sent with requests from this site alone, and over TLS alone except on this machine.
pub(super) fn write(headers: &HeaderMap, name: &str, value: &str, path: &str, life: Option<i64>) -> HeaderValue {
    // Some browsers drop a Secure cookie that comes over plain HTTP, also from their own machine.
    let secure = if is_loopback(headers) { "" } else { "; Secure" };
    let life = life.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    // Lax and not Strict: whoever follows a link in a mail to the own tickets is to be logged in there.
    let text = format!("{name}={value}; Path={path}{life}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// Whether the browser reached the server by a name of its own machine, and not through a proxy with TLS.
fn is_loopback(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let host = text(&HOST);
    let name = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_local = name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    is_local && !text(&FORWARDED_PROTO).eq_ignore_ascii_case("https")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn cookies_are_secure_except_on_this_machine() {
        let is_secure = |pairs: &[(HeaderName, &'static str)]| {
            let cookie = write(&headers(pairs), "a", "b", "/", None);
            cookie.to_str().expect("text").contains("; Secure")
        };
        for host in ["localhost", "localhost:8080", "127.0.0.1:8080", "127.3.2.1", "[::1]:8080"] {
            assert!(!is_secure(&[(HOST, host)]), "{host}");
            assert!(is_secure(&[(HOST, host), (FORWARDED_PROTO, "https")]), "{host} behind a proxy");
        }
        for host in ["", "tickets.example.org", "localhost.example.org", "10.0.0.1:8080", "[fe80::1]"] {
            assert!(is_secure(&[(HOST, host)]), "{host}");
        }
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let sent = headers(&[(COOKIE, "xconcert_session=1; concert_session=2;concert_sessions=3")]);
        assert_eq!(cookie(&sent, SESSION), Some("2"));
        assert_eq!(cookie(&sent, LANGUAGE), None);
    }

    #[test]
    fn visits_lie_beside_each_other() {
        let new = [new_visit(), new_visit()];
        let pairs = new.iter().map(|visit| {
            let cookie = visit_cookie(&HeaderMap::new(), visit);
            cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned()
        });
        let sent = pairs.chain(["concert_visit_12345678=12345678".to_owned()]).collect::<Vec<_>>().join("; ");
        let sent = HeaderMap::from_iter([(COOKIE, HeaderValue::try_from(sent).expect("a value"))]);
        assert_eq!(visits(&sent).collect::<Vec<_>>(), new);
    }
}
