//! Forms are sent by our pages alone: a token in each form, and a look at where the browser says it comes from.

use concert_core::UserId;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use warp::http::header::{HOST, HeaderName, ORIGIN};
use warp::http::{HeaderMap, StatusCode};

use super::session;
use crate::http::Problem;

/// Where scripts send the token.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-csrf-token");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const LENGTH: usize = 16;
/// What is hashed before the cookie.
const PURPOSE: &[u8] = b"concert: the forms of ";

/// The token for the forms of a browser that has the cookie of this visit, in which this user is logged in: a form that one user
/// was shown does nothing for another. It outlives the session, so that whoever logs in again can go on. It differs each
/// time, since pages are compressed: what stays the same in them could be found out by their lengths.
pub(super) fn token(visit: &str, user: Option<UserId>) -> String {
    let (mask, secret) = (*Uuid::new_v4().as_bytes(), secret(visit, user));
    let masked = mask.iter().zip(secret).map(|(mask, byte)| mask ^ byte);
    mask.iter().copied().chain(masked).map(|byte| format!("{byte:02x}")).collect()
}

fn secret(visit: &str, user: Option<UserId>) -> [u8; LENGTH] {
    let user = user.map(|user| user.to_string()).unwrap_or_default();
    let hash = Sha256::new().chain_update(PURPOSE).chain_update(visit).chain_update(user).finalize();
    std::array::from_fn(|nth| hash[nth])
}

/// Refuses what does not come from a form or a script of ours that this user was shown.
pub(super) fn check(headers: &HeaderMap, sent: &str, user: Option<UserId>) -> Result<(), Problem> {
    let is_ours = is_from_here(headers) && session::visits(headers).any(|visit| is_of(visit, user, sent));
    if is_ours { Ok(()) } else { Err(expired()) }
}

fn expired() -> Problem {
    let detail = "this form is too old, or does not come from a page of ours: load the page again";
    Problem::new(StatusCode::FORBIDDEN, "FORM_EXPIRED", detail)
}

fn is_of(visit: &str, user: Option<UserId>, sent: &str) -> bool {
    let byte = |nth: usize| sent.get(2 * nth..2 * nth + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    // Two digits a byte: the mask, then what it masks.
    if sent.len() != 4 * LENGTH {
        return false;
    }
    let secret = secret(visit, user);
    // All of them, so that the time tells nothing about the first that is wrong.
    let wrong = (0..LENGTH).fold(0, |wrong, nth| match (byte(nth), byte(LENGTH + nth)) {
        (Some(mask), Some(masked)) => wrong | (mask ^ masked ^ secret[nth]),
        _ => 1,
    });
    wrong == 0
}

/// What the browser says about the page that sends: no page can change these headers.
pub(super) fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (text(&FETCH_SITE), text(&ORIGIN)) {
        // `none`: somebody typed the address or opened a bookmark, so no page has sent it.
        (Some(site), _) => site == "same-origin" || site == "none",
        // Browsers that say nothing of the site send the origin with every form.
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == text(&HOST)
        }
        // An old browser says nothing. The token alone has to do then.
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use warp::http::HeaderValue;

    use super::*;

    #[test]
    fn a_token_is_of_one_browser_and_one_user_and_never_the_same() {
        let (anna, ben) = (Some(UserId::generate()), Some(UserId::generate()));
        let (one, other) = (token("a", anna), token("a", anna));
        assert_ne!(one, other);
        assert!(is_of("a", anna, &one) && is_of("a", anna, &other));
        let others = [token("b", anna), token("a", ben), token("a", None)];
        let wrong = ["", "00", &one[2..], &one.replace(&one[..2], "zz")].map(str::to_owned);
        for wrong in others.into_iter().chain(wrong) {
            assert!(!is_of("a", anna, &wrong), "{wrong}");
        }
    }

    #[test]
    fn what_another_site_sends_is_refused() {
        let from = |pairs: &[(HeaderName, &'static str)]| {
            let headers = pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
            is_from_here(&headers.chain([(HOST, HeaderValue::from_static("a.example:8080"))]).collect())
        };
        assert!(from(&[]));
        assert!(from(&[(FETCH_SITE, "same-origin")]) && from(&[(ORIGIN, "http://a.example:8080")]));
        // Behind a proxy that gives the server another name.
        assert!(from(&[(FETCH_SITE, "same-origin"), (ORIGIN, "https://tickets.example")]));
        for site in ["cross-site", "same-site"] {
            assert!(!from(&[(FETCH_SITE, site), (ORIGIN, "http://a.example:8080")]), "{site}");
        }
        for origin in ["null", "http://a.example", "http://b.example:8080", "http://a.example:8080.b.example"] {
            assert!(!from(&[(ORIGIN, origin)]), "{origin}");
        }
    }
}
