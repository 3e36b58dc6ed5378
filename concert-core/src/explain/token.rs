//! The story of a token: joined, let in, claimed, ended.

use std::time::Duration;

use sqlx::MySqlPool;

use super::store::{self, QueueRow, TokenRow};
use super::{Event, EventKind, Explanation, lasting, moment};
use crate::clock::{Timestamp, seconds_until, span};
use crate::id::{SaleId, TokenId};
use crate::phase::SalePhase;
use crate::queue::{Attendance, EndedReason, Pace, TokenStatus, read_pace};

/// No forecast goes farther: 10 years.
const FARTHEST: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// The part of the policy that forecasts need.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TurnRules {
    pub(crate) active_ttl: Duration,
    pub(crate) claim_window: Duration,
}

/// The story of a token; `None`: there is no such token.
pub(crate) async fn explain(
    pool: &MySqlPool,
    id: TokenId,
    rules: TurnRules,
    now: Timestamp,
) -> Result<Option<Explanation>, sqlx::Error> {
    let Some(row) = store::token(pool, id).await? else { return Ok(None) };
    let place = QueuePosition::of(pool, &row, now).await?;
    let mut next = next(&row, place.as_ref(), rules, now);
    if !row.token.is_live(now)
        // Nothing leads from an ended token to the next, so the user's newest of that sale is looked for.
        && let tokens = store::tokens_of(pool, row.token.user).await?
        && let Some(newest) = tokens.iter().find(|other| other.token.sale == row.token.sale)
        && newest.token.is_live(now)
    {
        next.push(format!("the user has joined again since: token {}", newest.token.id));
    }
    Ok(Some(Explanation {
        subject: format!("token {id}, ticket {}, of user {}{}", row.token.ticket, row.token.user, in_sale(&row)),
        now: standing(&row, place.as_ref(), now),
        events: events(&row, now),
        older_left_out: false,
        next,
    }))
}

/// Which sale the token is of, unless it is the default one.
pub(super) fn in_sale(row: &TokenRow) -> String {
    match row.token.sale {
        sale if sale == SaleId::DEFAULT => String::new(),
        sale => format!(", in sale {sale}"),
    }
}

/// The place of a WAITING token in the queue.
pub(super) struct QueuePosition {
    position: u64,
    attendance: Attendance,
    queue: QueueRow,
    /// Who paused the queue, and since when it is.
    paused: Option<(Timestamp, String)>,
    pace: Option<Pace>,
}

impl QueuePosition {
    /// `None`: the token does not wait.
    pub(super) async fn of(pool: &MySqlPool, row: &TokenRow, now: Timestamp) -> Result<Option<Self>, sqlx::Error> {
        if row.token.status != TokenStatus::Waiting || !row.token.is_live(now) {
            return Ok(None);
        }
        let sale = row.token.sale;
        let queue = store::queue(pool, sale).await?;
        let paused = if queue.admission.paused { store::last_pause(pool, sale).await? } else { None };
        let position = store::position(pool, sale, row.token.ticket).await?;
        let attendance = Attendance::read(pool, sale, row.token.ticket, position, now).await?;
        Ok(Some(Self { position, attendance, queue, paused, pace: read_pace(pool, sale).await? }))
    }
}

/// What happened to the token.
pub(super) fn events(row: &TokenRow, now: Timestamp) -> Vec<Event> {
    let token = &row.token;
    let mut events =
        vec![Event::new(token.created_at, EventKind::Joined, format!("ticket {}, token {}", token.ticket, token.id))];
    if let Some(at) = row.admitted_at {
        // Who joins while there is room is let in at the same moment.
        let at_once = at == token.created_at;
        let detail = match at_once {
            true => "at once: nobody waited and there was room".to_owned(),
            false => format!("after {} in the queue", lasting(at - token.created_at)),
        };
        events.push(Event::new(at, EventKind::LetIn, detail));
        if let Some(claimed_at) = token.claimed_at.filter(|_| !at_once) {
            let detail = format!("{} after it began: the user polled or acted", lasting(claimed_at - at));
            events.push(Event::new(claimed_at, EventKind::PickedUp, detail));
        }
    }
    events.extend(end(row, now));
    events
}

/// How the token ended, if it did. A token whose time is up has ended, recorded or not.
fn end(row: &TokenRow, now: Timestamp) -> Option<Event> {
    let token = &row.token;
    let event = match row.ended {
        Some(EndedReason::Left) => Event::new(row.last_updated_at, EventKind::Left, "as the user asked"),
        Some(EndedReason::Operator) => Event::new(row.last_updated_at, EventKind::EndedByOperator, ""),
        None if token.is_live(now) => return None,
        // No end is recorded and the time is over: no pass has met it yet. It has ended all the same.
        Some(EndedReason::Lapsed | EndedReason::NoShow) | None => match (row.admitted_at, token.claimed_at) {
            (None, _) => Event::new(token.expires_at, EventKind::WaitOver, "it reached the longest wait there is"),
            (Some(_), None) => {
                let detail = "the user neither polled nor acted in time; the place went to the next";
                Event::new(token.expires_at, EventKind::NotPickedUp, detail)
            }
            (Some(_), Some(_)) => Event::new(token.expires_at, EventKind::TurnOver, turn_over(row)),
        },
    };
    Some(event)
}

fn turn_over(row: &TokenRow) -> String {
    match row.paid_at {
        Some(paid_at) => format!("its time was up, {} after the last payment", lasting(row.token.expires_at - paid_at)),
        None => "its time was up".to_owned(),
    }
}

/// How the token stands now.
pub(super) fn standing(row: &TokenRow, place: Option<&QueuePosition>, now: Timestamp) -> String {
    let token = &row.token;
    match place {
        Some(QueuePosition { position, queue, .. }) => {
            let since = lasting(now - token.created_at);
            format!("WAITING at position {position} of {}, for {since}", queue.waiting)
        }
        None if !token.is_live(now) => "ended".to_owned(),
        None if token.is_unclaimed() => "ACTIVE, not claimed yet".to_owned(),
        None => "ACTIVE".to_owned(),
    }
}

/// What will happen to the token.
pub(super) fn next(row: &TokenRow, place: Option<&QueuePosition>, rules: TurnRules, now: Timestamp) -> Vec<String> {
    let token = &row.token;
    let ends = moment(token.expires_at);
    if let Some(place) = place {
        let window = lasting(span(rules.claim_window));
        let gone = "the user did not poll lately: until it does, those behind it who did are let in first".to_owned();
        let mut next = if place.attendance.is_seen { Vec::new() } else { vec![gone] };
        next.extend([
            forecast(place, rules, now),
            format!("once let in, the user has {window} to poll or act; otherwise the place goes to the next"),
            format!("the wait ends at {ends}, unless the user is let in before"),
        ]);
        return next;
    }
    if !token.is_live(now) {
        return vec!["nothing: it ended; joining again puts the user at the back of the queue".to_owned()];
    }
    if token.is_unclaimed() {
        let turn = lasting(span(rules.active_ttl));
        return vec![format!(
            "the turn ends at {ends} unless the user polls or acts before; then it lasts {turn} from that moment"
        )];
    }
    vec![format!(
        "the turn ends at {ends}; earlier if the user leaves or has paid all holds, later if seats are held for longer"
    )]
}

fn forecast(place: &QueuePosition, rules: TurnRules, now: Timestamp) -> String {
    let QueuePosition { attendance, queue, paused, pace, .. } = place;
    // Nobody waits for those who are gone.
    let position = attendance.rank;
    if queue.times.phase(now) == SalePhase::Closed {
        return "nobody is let in: the sale is closed".to_owned();
    }
    if queue.admission.paused {
        return match paused {
            Some((at, by)) => format!("nobody is let in: {by} paused the queue at {}", moment(*at)),
            None => "nobody is let in: the queue is paused".to_owned(),
        };
    }
    let after = |seconds: u64| {
        // Nobody is let in before the opening.
        let until_opening = queue.times.opens_at.map_or(0, |opens_at| seconds_until(opens_at, now));
        let wait = span(Duration::from_secs(seconds.saturating_add(until_opening)).min(FARTHEST));
        format!("{} (in {})", moment(now + wait), lasting(wait))
    };
    match pace {
        Some(pace) => {
            let at = after(pace.wait_seconds(position));
            format!("will be let in at about {at}, at the present pace of {:.2} per second", pace.admitted_per_second)
        }
        None => {
            let at = after(Pace::longest_wait_seconds(position, queue.admission.max_active, rules.active_ttl));
            format!("will be let in by about {at}, if everyone takes the whole turn: there is no pace to measure yet")
        }
    }
}
