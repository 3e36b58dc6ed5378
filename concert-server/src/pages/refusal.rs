//! Refusals as pages: what went wrong in plain words, and where to go on.

use askama::Template;
use concert_core::{Error, SaleId};
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;

use super::body::{self, Html};
use super::visit::{Frame, Trouble, go_to};
use super::{log_in, policy, session, words};
use crate::http::Problem;

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    frame: Frame,
    status: u16,
    trouble: Trouble,
}

/// The page of a problem that no page has answered: of brakes, panics and paths without anything.
pub(crate) fn show_problem(headers: &HeaderMap, problem: Problem) -> Response {
    let visit = session::visits(headers).next().unwrap_or_default();
    let mut response = answer(Frame::new(headers, words::language(headers), visit), false, problem);
    policy::add(&mut response);
    body::write(headers, response)
}

/// The answer to a request that was refused. Whoever must log in first is led there, and back afterwards.
pub(super) fn answer(mut frame: Frame, is_form: bool, problem: Problem) -> Response {
    // A 401 is for programs; a person is led to the log-in.
    if problem.status() == StatusCode::UNAUTHORIZED {
        if is_form {
            // The page that the form stands in.
            frame.path = frame.page_of_form();
            frame.query.clear();
        }
        let ended = if is_form || frame.had_session { format!("&{}=yes", log_in::ENDED) } else { String::new() };
        if let Ok(response) = go_to(&(frame.log_in_path() + &ended)) {
            return response;
        }
    }
    let trouble = of_problem(&frame, &problem);
    frame.title = frame.t.problem_title();
    let page = ProblemPage { status: problem.status().as_u16(), trouble, frame };
    let html = page.render().unwrap_or_default();
    let mut response = problem.into_page();
    response.extensions_mut().insert(Html(html));
    response
}

/// Of what is known by its code alone.
fn of_problem(frame: &Frame, problem: &Problem) -> Trouble {
    let t = &frame.t;
    let text = match problem.code() {
        "ROUTE_NOT_FOUND" => t.trouble_no_page(),
        "NOT_YOURS" => t.trouble_not_yours(),
        "FORM_EXPIRED" => t.trouble_form(),
        "TOO_MANY_REQUESTS" => t.trouble_too_many_requests(),
        "INVALID_REQUEST"
        | "METHOD_NOT_ALLOWED"
        | "UNSUPPORTED_MEDIA_TYPE"
        | "PAYLOAD_TOO_LARGE"
        | "REQUEST_TIMEOUT" => t.trouble_request(),
        "INTERNAL" => t.trouble_internal(),
        _ if problem.status() == StatusCode::SERVICE_UNAVAILABLE => t.trouble_busy(),
        _ if problem.status() == StatusCode::NOT_FOUND => t.trouble_not_there(),
        _ => problem.told(frame.locale),
    };
    let back = if problem.code() == "FORM_EXPIRED" { frame.page_of_form() } else { "/".to_owned() };
    let name = if back == "/" { t.go_home() } else { t.go_back() };
    Trouble { code: problem.code(), text, way: Some((back, name)) }
}

/// What a buyer is told where an operation was refused, and the way on. `sale`: the sale that it was about.
pub(super) fn trouble(frame: &Frame, error: &Error, sale: Option<SaleId>) -> Trouble {
    let t = &frame.t;
    let queue = || sale.map(|sale| (format!("/sales/{sale}"), t.go_to_queue()));
    let home = || Some(("/".to_owned(), t.go_home()));
    let orders = || Some(("/orders".to_owned(), t.go_to_orders()));
    let wallet = || Some((format!("/wallet?next={}", frame.path), t.go_to_wallet()));
    let (text, way) = match error {
        Error::TokenNotActive { .. } | Error::TokenEnded | Error::TokenExpired => (t.trouble_turn_over(), queue()),
        Error::TokenNotFound => (t.trouble_not_in_queue(), queue()),
        Error::HoldExpired => (t.trouble_hold_expired(), queue()),
        Error::HoldCancelled => (t.trouble_hold_given_back(), queue()),
        Error::AlreadyPaid => (t.trouble_paid_already(), orders()),
        Error::InsufficientBalance { balance, price } => {
            (t.trouble_balance(frame.money(*balance), frame.money(*price)), wallet())
        }
        Error::WrongAmount { price, .. } => (t.trouble_amount(frame.money(*price)), None),
        Error::SeatAlreadyReserved { yours, .. } if !yours.is_empty() => (t.trouble_seat_yours(), orders()),
        Error::SeatAlreadyReserved { seats, .. } => (t.trouble_seat_taken(numbers(seats)), None),
        Error::SeatBlocked { seats } => (t.trouble_seat_blocked(numbers(seats)), None),
        Error::NotEnoughSeats { free } => (t.trouble_few_seats(*free), None),
        Error::SeatsNotTogether { count } => (t.trouble_not_together(*count), None),
        Error::TooManyHolds { limit, .. } => (t.trouble_too_many_holds(*limit), orders()),
        Error::SeatLimit { limit, left, .. } => (t.trouble_seat_limit(*left, *limit), orders()),
        Error::SeatHeldTooOften { wait, .. } => {
            (t.trouble_held_too_often(wait.as_millis().div_ceil(1_000) as u64), None)
        }
        Error::HoldAlreadyExtended => (t.trouble_extended_already(), None),
        Error::HoldOutlastsTurn => (t.trouble_turn_too_short(), None),
        Error::SaleNotOpen { .. } => (t.trouble_not_open(), None),
        Error::SaleClosed | Error::ConcertClosed => (t.trouble_closed(), home()),
        Error::ConcertOver => (t.trouble_over(), home()),
        Error::ConcertCancelled => (t.trouble_cancelled(), home()),
        Error::CodeRefused => (t.trouble_code(), None),
        Error::IdempotencyKeyReused => (t.trouble_sent_twice(), orders()),
        Error::BadCredentials => (t.trouble_credentials(), None),
        Error::UsernameTaken => (t.trouble_name_taken(), None),
        Error::UserDisabled => (t.trouble_disabled(), home()),
        Error::RechargeNotAllowed => (t.trouble_no_recharge(), None),
        Error::BalanceLimit { .. } => (t.trouble_balance_limit(), None),
        other => (other.told(frame.locale), home()),
    };
    Trouble { code: error.code(), text, way }
}

fn numbers(seats: &[concert_core::SeatNumber]) -> String {
    seats.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
