//! `/sales/{saleId}`: a sale and its queue.

use askama::Template;
use concert_core::{AccessCode, EntryOrder, Error, Join, Sale, SaleId, SalePhase, Standing, TokenStatus};
use warp::http::StatusCode;

use super::home::SaleCard;
use super::place::{self, Place};
use super::refusal;
use super::visit::{Frame, Visit, go_to, show_with, with_cookie};
use super::when::Shown;
use crate::http::{Answer, Problem};

/// How often a page without scripts looks again, in seconds: as often as a poll may, within these bounds.
const SOONEST_LOOK: u64 = 5;
const LATEST_LOOK: u64 = 60;

#[derive(Template)]
#[template(path = "sale.html")]
struct SalePage {
    frame: Frame,
    sale: SaleCard,
    is_drawn: bool,
    /// Whether a code may give entry now, though the doors are shut.
    is_early: bool,
    state: State,
    code: String,
}

enum State {
    /// `is_left_behind`: the place that somebody has in the queue.
    LoggedOut {
        is_left_behind: bool,
    },
    Out {
        has_ended: bool,
    },
    Waiting {
        number: Option<u64>,
        estimate: String,
        seconds: u64,
    },
    Turn {
        until: Shown,
    },
}

pub(super) async fn page(visit: Visit) -> Answer {
    let sale = visit.id()?;
    let sale = visit.sale(sale).await?;
    answer(visit, &sale, StatusCode::OK, String::new()).await
}

async fn answer(mut visit: Visit, sale: &Sale, status: StatusCode, code: String) -> Answer {
    let found = match &visit.session {
        Some(session) => Some(place::find(&visit, session.ticket.user, sale.id).await?),
        None => None,
    };
    let is_left_behind = visit.session.is_none() && place::is_left_behind(&visit, sale.id).await?;
    let mut cookie = None;
    if let Some(Place::In { token, .. }) = &found {
        // Sent only when it differs: most of these answers go to a page that loads itself again.
        cookie = place::is_new(&visit, token).then(|| place::cookie(&visit, sale.id, token));
        visit.frame.queue_token = Some(token.clone());
    }
    let mut visit = visit.with_script("buyer.js").await?;
    let frame = &mut visit.frame;
    let state = match &found {
        None => State::LoggedOut { is_left_behind },
        Some(Place::Out) => State::Out { has_ended: false },
        Some(Place::Ended) => State::Out { has_ended: true },
        Some(Place::In { standing, .. }) => state_of(frame, sale, standing),
    };
    frame.refresh = match &state {
        State::Waiting { seconds, .. } => Some(*seconds),
        State::Out { .. } if sale.phase == SalePhase::Before => Some(LATEST_LOOK),
        _ => None,
    };
    frame.title = match &state {
        State::Turn { .. } => frame.t.turn_title(),
        State::Waiting { number: Some(number), .. } => format!("{number} · {}", sale.name),
        _ => sale.name.clone(),
    };
    let card = SaleCard::of(frame, sale);
    let (is_drawn, is_early) = (sale.order == EntryOrder::Draw, sale.phase == SalePhase::Before);
    let page = SalePage { sale: card, is_drawn, is_early, state, code, frame: visit.frame };
    match cookie {
        Some(cookie) => with_cookie(show_with(status, &page), cookie),
        None => show_with(status, &page),
    }
}

fn state_of(frame: &Frame, sale: &Sale, standing: &Standing) -> State {
    if standing.status == TokenStatus::Active {
        let zone = sale.concerts.first().map_or(frame.locale.zone, |concert| concert.time_zone);
        let until = standing.expires_at.unwrap_or(standing.now);
        return State::Turn { until: Shown::of(frame, until, zone) };
    }
    let estimate = match standing.remaining_seconds {
        // So few seconds would be wrong by the time they are read.
        0..60 => frame.t.queue_soon(),
        seconds => frame.t.queue_estimate(frame.locale.language.duration(seconds.next_multiple_of(60))),
    };
    State::Waiting {
        number: (!standing.awaits_draw).then_some(standing.queue_position),
        estimate,
        seconds: standing.poll_after_seconds.clamp(SOONEST_LOOK, LATEST_LOOK),
    }
}

pub(super) async fn join(mut visit: Visit) -> Answer {
    let form = visit.form().await?;
    let (sale, user): (SaleId, _) = (visit.id()?, visit.user()?);
    // A session proves who it is, so the address plays no part.
    visit.call.brake_join(user, true)?;
    let (join, code) = (Join::sale(sale, visit.caller()?), form.get("code").to_owned());
    let joined = if code.is_empty() {
        visit.office().join_queue(join).await
    } else {
        visit.call.brake_code(user, true)?;
        let joined = match AccessCode::typed(&code) {
            Ok(code) => visit.office().join_queue(join.with_code(code)).await,
            Err(error) => Err(error),
        };
        if let Err(Error::CodeRefused) = &joined {
            visit.call.was_refused_a_code(user, true);
        }
        joined
    };
    match joined {
        Ok(joined) => {
            let token = joined.token.jwt.unwrap_or_default();
            with_cookie(go_to(&format!("/sales/{sale}")), place::cookie(&visit, sale, &token))
        }
        Err(error) => refused(visit, sale, error, code).await,
    }
}

/// The page again, with what went wrong.
async fn refused(mut visit: Visit, sale: SaleId, error: Error, code: String) -> Answer {
    let problem = Problem::from(error.clone());
    if !problem.status().is_client_error() || matches!(error, Error::SaleNotFound | Error::UserNotFound) {
        return Err(problem);
    }
    let found = visit.sale(sale).await?;
    visit.frame.path = format!("/sales/{sale}");
    visit.frame.trouble = Some(refusal::trouble(&visit.frame, &error, None));
    answer(visit, &found, problem.status(), code).await
}

pub(super) async fn leave(mut visit: Visit) -> Answer {
    visit.form().await?;
    let sale: SaleId = visit.id()?;
    let caller = visit.caller()?;
    let user = caller.user();
    match visit.office().leave_queue_in(sale, caller).await {
        Ok(()) => visit.call.gave_back(user),
        // Twice: it is done.
        Err(Error::TokenNotFound) => {}
        Err(error) => return Err(error.into()),
    }
    with_cookie(go_to(&format!("/sales/{sale}")), place::cookie(&visit, sale, ""))
}
