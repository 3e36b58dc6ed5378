//! `/log-in`, log-out, and the sessions of scripts.

use askama::Template;
use concert_core::{Error, Password};
use warp::http::StatusCode;

use super::visit::{Frame, Visit, go_to, script_session, show_with, with_cookie};
use super::{csrf, policy, refusal, session, words};
use crate::http::{Answer, Call, Problem, json};

/// In the query: whoever is led here was logged in before.
pub(super) const ENDED: &str = "ended";
/// The longest path that a log-in leads back to, in bytes.
const LONGEST_NEXT: usize = 1_024;

#[derive(Template)]
#[template(path = "log_in.html")]
struct LogInPage {
    frame: Frame,
    username: String,
    next: String,
    /// Whether somebody was logged in here before.
    has_ended: bool,
}

/// The path to lead on to: one of this server, or the start.
pub(super) fn next(asked: &str) -> String {
    // Two slashes begin the address of another host, and a log-in that leads away is a gift to phishers.
    let is_path = asked.starts_with('/') && !asked.starts_with("//") && asked.len() <= LONGEST_NEXT;
    // Browsers read a backslash as a slash, and a line end would end the header.
    let is_plain = asked.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_path && is_plain { asked.to_owned() } else { "/".to_owned() }
}

pub(super) async fn page(visit: Visit) -> Answer {
    let next = next(&visit.asked("next"));
    if visit.session.is_some() {
        return go_to(&next);
    }
    let name = visit.asked("username");
    answer(visit.frame, StatusCode::OK, name, next)
}

pub(super) async fn log_in(mut visit: Visit) -> Answer {
    let form = visit.form_of_anybody().await?;
    let (name, next) = (form.get("username").to_owned(), next(form.get("next")));
    // By the name that was sent, whether or not there is such a user: the answer must not tell.
    visit.call.brake_attempt(&name)?;
    match with_password(&visit, &name, &Password::unchecked(form.raw("password")), &next).await {
        Err(problem) if problem.code() == Error::BadCredentials.code() => {
            visit.frame.trouble = Some(refusal::trouble(&visit.frame, &Error::BadCredentials, None));
            // Not 401: that is for programs, which then show a challenge.
            answer(visit.frame, StatusCode::FORBIDDEN, name, next)
        }
        done => done,
    }
}

/// Logs in and leads on, with the session in a cookie.
pub(super) async fn with_password(visit: &Visit, name: &str, password: &Password, next: &str) -> Answer {
    let begun = visit.office().log_in(name, password).await?;
    let token = begun.access_token.ok_or_else(|| Problem::internal("there are no keys to sign access tokens"))?;
    let cookie = session::session_cookie(visit.call.headers(), &token, begun.expires_at, visit.office().now());
    with_cookie(go_to(next), cookie)
}

fn answer(mut frame: Frame, status: StatusCode, username: String, next: String) -> Answer {
    frame.title = frame.t.log_in();
    let has_ended = frame.trouble.is_none() && frame.query.iter().any(|(name, _)| name == ENDED);
    frame.keep(&next, &username);
    show_with(status, &LogInPage { frame, username, next, has_ended })
}

/// Ends the session in every process, and takes the cookie away.
pub(super) async fn log_out(mut visit: Visit) -> Answer {
    // Who is logged out already is where the form leads to.
    if let Some(ticket) = visit.session.as_ref().map(|session| session.ticket) {
        visit.form_of_anybody().await?;
        visit.office().log_out(&ticket).await?;
    }
    with_cookie(go_to("/"), session::no_session_cookie(visit.call.headers()))
}

/// A new short session for the script of a page, while the session of the browser counts. For scripts, so the answer is
/// JSON, and so are refusals.
pub(super) async fn renew(call: Call) -> Answer {
    let sent = call.headers().get(csrf::HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let session = session::session(&call).await?;
    csrf::check(call.headers(), sent, session.as_ref().map(|session| session.ticket.user))?;
    let session = session.ok_or(Error::Unauthenticated("this session has ended; log in again"))?;
    let visit = session::visits(call.headers()).next().unwrap_or_default();
    let mut frame = Frame::new(call.headers(), words::language(call.headers()), visit);
    frame.csrf = csrf::token(visit, Some(session.ticket.user));
    let mut response = json(StatusCode::OK, &script_session(call.box_office(), Some(&session), &frame).await?)?;
    policy::add(&mut response);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn a_log_in_leads_to_no_other_site() {
        assert_eq!(next("/sales/7?code=a%20b"), "/sales/7?code=a%20b");
        for wrong in ["", "sales", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb", "/a b"] {
            assert_eq!(next(wrong), "/", "{wrong:?}");
        }
    }
}
