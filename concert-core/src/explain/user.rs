//! The story of a user: account, queue, seats and money in one timeline.

use sqlx::MySqlPool;

use super::store::TokenRow;
use super::token::{self, QueuePosition, TurnRules};
use super::{Event, EventKind, Explanation, MOST_TOLD, passing, reservation, store};
use crate::after_sale::{GivenAway, given_away_by};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::UserId;
use crate::page::Page;
use crate::reservation::ReservationStatus;
use crate::user::User;
use crate::wallet::{self, WalletEntryView};
use crate::{db, user};

/// The story of a user.
pub(crate) async fn explain(
    pool: &MySqlPool,
    id: UserId,
    rules: TurnRules,
    now: Timestamp,
) -> Result<Explanation, Error> {
    let (who, _) = db::read(|| user::user(pool, id)).await?.ok_or(Error::UserNotFound)?;
    let account = db::read(|| wallet::balance(pool, id, None, now)).await?.ok_or(Error::UserNotFound)?;
    let tokens = db::read(|| store::tokens_of(pool, id)).await?;
    let reservations = db::read(|| store::reservations_of(pool, id)).await?;
    let passing = db::read(|| passing::of(pool, &reservations)).await?;
    let given_away = db::read(|| given_away_by(pool, id, MOST_TOLD + 1)).await?;
    let page = Page::new(Some(MOST_TOLD), None)?;
    let entries = db::read(|| wallet::entries_of(pool, id, &page)).await?.unwrap_or_default();
    // One for each sale whose queue the user is in.
    let mut live = Vec::new();
    for row in tokens.iter().filter(|row| row.token.is_live(now)) {
        live.push((row, db::read(|| QueuePosition::of(pool, row, now)).await?));
    }

    // Each list was read with one more than is told, to know whether it was cut short.
    let (tokens_told, tokens_from) = told(&tokens, |row| row.token.created_at);
    let (reservations_told, reservations_from) = told(&reservations, |row| row.reservation.reserved_at);
    let (given_away, given_away_from) = told(&given_away, |gone| gone.change.moved_at);
    let entries_from = entries.data.last().map(|entry| entry.created_at).filter(|_| entries.has_more);
    let mut events = vec![signed_up(&who)];
    events.extend(tokens_told.iter().rev().flat_map(|row| token::events(row, now)));
    for row in reservations_told.iter().rev() {
        let mut about =
            format!("seat {} of {}, reservation {}", row.reservation.seat, row.concert_name, row.reservation.id);
        if let Some(passing) = passing.get(&row.reservation.id) {
            if let Some(first) = passing.first_owner().filter(|first| *first != id) {
                about = format!("{about}, which user {first} bought");
            }
            let of_it = passing.events().into_iter();
            events.extend(of_it.map(|event| Event { detail: format!("{}; {about}", event.detail), ..event }));
        }
        events.extend(reservation::events(row, &about, now));
    }
    // What came back to the user is told with its reservation.
    let is_gone = |gone: &&GivenAway| reservations.iter().all(|row| row.reservation.id != gone.change.ticket);
    events.extend(given_away.iter().rev().filter(is_gone).map(passing::given_away));
    events.extend(entries.data.iter().rev().map(balance_changed));
    // The timeline begins where it is whole: where the list that was cut short begins.
    let whole_from = [tokens_from, reservations_from, given_away_from, entries_from].into_iter().flatten().max();
    events.retain(|event| event.what == EventKind::SignedUp || whole_from.is_none_or(|from| event.at >= from));
    // The sort keeps the order of what happened at one moment, and the lists were put in the order of the story.
    events.sort_by_key(|event| event.at);

    let standing = |(row, place): &(&TokenRow, Option<QueuePosition>)| {
        token::standing(row, place.as_ref(), now) + &token::in_sale(row)
    };
    let standings: Vec<_> = live.iter().map(standing).collect();
    let queue = if standings.is_empty() { "not in the queue".to_owned() } else { standings.join("; ") };
    let mut next: Vec<_> = live.iter().flat_map(|(row, place)| token::next(row, place.as_ref(), rules, now)).collect();
    if live.is_empty() {
        next.push("nothing: joining the queue puts the user at its back".to_owned());
    }
    let holds = reservations_told.iter().filter(|row| row.reservation.status_at(now) == ReservationStatus::Held);
    next.extend(holds.map(|row| reservation::next(row, now)));
    Ok(Explanation {
        subject: format!("user {} ({id})", who.username),
        now: format!("{queue}; balance {}", account.balance()?),
        events,
        older_left_out: whole_from.is_some(),
        next,
    })
}

/// The rows that are told of, newest first, and the moment of the oldest if there are more.
fn told<R>(rows: &[R], at: impl Fn(&R) -> Timestamp) -> (&[R], Option<Timestamp>) {
    let most = MOST_TOLD as usize;
    if rows.len() > most { (&rows[..most], Some(at(&rows[most - 1]))) } else { (rows, None) }
}

fn signed_up(user: &User) -> Event {
    let detail = if user.has_password { "with a password" } else { "without a password" };
    Event::new(user.created_at, EventKind::SignedUp, detail)
}

fn balance_changed(entry: &WalletEntryView) -> Event {
    let payment = entry.payment.map_or_else(String::new, |payment| format!(", payment {payment}"));
    let reference = entry.reference.as_ref().map_or_else(String::new, |reference| format!(", reference {reference}"));
    let detail =
        format!("{} ({}), {} after it{payment}{reference}", entry.amount, entry.kind.as_str(), entry.balance_after);
    Event::new(entry.created_at, EventKind::BalanceChanged, detail)
}
