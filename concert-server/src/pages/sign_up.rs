//! `/sign-up`.

use askama::Template;
use concert_core::{Error, Password, SignUp, Username};
use warp::http::StatusCode;

use super::visit::{Frame, Trouble, Visit, go_to, show_with};
use super::{keys, log_in, refusal};
use crate::http::Answer;

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUpPage {
    frame: Frame,
    key: String,
    username: String,
    next: String,
}

pub(super) async fn page(visit: Visit) -> Answer {
    let next = log_in::next(&visit.asked("next"));
    if visit.session.is_some() {
        return go_to(&next);
    }
    let name = visit.asked("username");
    answer(visit.frame, StatusCode::OK, name, next)
}

pub(super) async fn sign_up(mut visit: Visit) -> Answer {
    let form = visit.form_of_anybody().await?;
    let next = log_in::next(form.get("next"));
    let (name, password) = (form.get("username").to_owned(), form.raw("password").to_owned());
    visit.call.brake_attempt(&name)?;
    let t = visit.frame.t;
    let refused = match (name.parse::<Username>(), password.parse::<Password>()) {
        (Err(_), _) => Trouble { code: "INVALID_REQUEST", text: t.trouble_username(), way: None },
        (_, Err(_)) => Trouble { code: "INVALID_REQUEST", text: t.trouble_password(), way: None },
        (Ok(username), Ok(given)) => {
            let who = SignUp::new(username).with_password(given).with_key(form.key());
            match visit.office().sign_up(who).await {
                Ok(_) => return log_in::with_password(&visit, &name, &Password::unchecked(&password), &next).await,
                // Twice with one key and another password: the first one counts.
                Err(error @ (Error::UsernameTaken | Error::IdempotencyKeyReused)) => {
                    refusal::trouble(&visit.frame, &error, None)
                }
                Err(error) => return Err(error.into()),
            }
        }
    };
    let status = if refused.code == "USERNAME_TAKEN" { StatusCode::CONFLICT } else { StatusCode::BAD_REQUEST };
    visit.frame.trouble = Some(refused);
    answer(visit.frame, status, name, next)
}

fn answer(mut frame: Frame, status: StatusCode, username: String, next: String) -> Answer {
    frame.title = frame.t.sign_up();
    frame.keep(&next, &username);
    show_with(status, &SignUpPage { frame, key: keys::new("sign-up"), username, next })
}
