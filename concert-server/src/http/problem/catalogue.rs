//! Every code of a problem: its status, what it means, and what to do about it. The OpenAPI document and the error
//! catalogue of the handbook are made from it.

use concert_core::{Error, ErrorKind};
use warp::http::StatusCode;

/// The codes that HTTP alone has, beside the library's.
const OF_HTTP: [(&str, StatusCode); 10] = [
    ("ROUTE_NOT_FOUND", StatusCode::NOT_FOUND),
    ("PLAN_VERSION_NOT_FOUND", StatusCode::NOT_FOUND),
    ("METHOD_NOT_ALLOWED", StatusCode::METHOD_NOT_ALLOWED),
    ("FORM_EXPIRED", StatusCode::FORBIDDEN),
    ("REQUEST_TIMEOUT", StatusCode::REQUEST_TIMEOUT),
    ("PAYLOAD_TOO_LARGE", StatusCode::PAYLOAD_TOO_LARGE),
    ("UNSUPPORTED_MEDIA_TYPE", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ("TOO_MANY_REQUESTS", StatusCode::TOO_MANY_REQUESTS),
    ("TOO_MANY_CONNECTIONS", StatusCode::SERVICE_UNAVAILABLE),
    ("TOO_MANY_STREAMS", StatusCode::SERVICE_UNAVAILABLE),
];

/// A code of a problem.
#[derive(Debug, Clone, Copy)]
pub struct KnownProblem {
    /// The code.
    pub code: &'static str,
    /// The HTTP status that it comes with.
    pub status: u16,
    /// What it means.
    pub meaning: &'static str,
    /// What a caller can do.
    pub advice: &'static str,
}

/// Every problem that the server answers with: the library's in the order of its refusals, then those of HTTP.
#[must_use]
pub fn known_problems() -> Vec<KnownProblem> {
    let of_library = Error::CODES.iter().map(|(code, kind)| (*code, status_of(code, *kind)));
    let with_text = |(code, status): (&'static str, StatusCode)| {
        let (meaning, advice) = text_of(code).unwrap_or_default();
        KnownProblem { code, status: status.as_u16(), meaning, advice }
    };
    of_library.chain(OF_HTTP).map(with_text).collect()
}

/// The status of every refusal: that of its kind, with some exceptions.
pub(super) fn status_of(code: &str, kind: ErrorKind) -> StatusCode {
    match (code, kind) {
        ("TOKEN_EXPIRED", _) => StatusCode::GONE,
        ("VERSION_CHANGED", _) => StatusCode::PRECONDITION_FAILED,
        ("IDEMPOTENCY_KEY_REUSED", _) => StatusCode::UNPROCESSABLE_ENTITY,
        // A client may try again: an operator sets the database up meanwhile.
        ("DATABASE_SETUP", _) => StatusCode::SERVICE_UNAVAILABLE,
        (_, ErrorKind::Refused) => StatusCode::BAD_REQUEST,
        (_, ErrorKind::Unauthenticated) => StatusCode::UNAUTHORIZED,
        (_, ErrorKind::Forbidden) => StatusCode::FORBIDDEN,
        (_, ErrorKind::NotFound) => StatusCode::NOT_FOUND,
        (_, ErrorKind::Conflict) => StatusCode::CONFLICT,
        (_, ErrorKind::TryAgain) => StatusCode::SERVICE_UNAVAILABLE,
        (_, ErrorKind::Internal) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whether a problem of this code comes with this status.
pub(super) fn has_status(code: &str, status: StatusCode) -> bool {
    let kind = Error::CODES.iter().find(|(known, _)| *known == code).map(|(_, kind)| *kind);
    let known = kind.map(|kind| status_of(code, kind));
    let known = known.or_else(|| OF_HTTP.iter().find(|(known, _)| *known == code).map(|(_, status)| *status));
    known == Some(status)
}

macro_rules! texts {
    ($($code:literal: $meaning:literal / $advice:literal;)+) => {
        fn text_of(code: &str) -> Option<(&'static str, &'static str)> {
            match code {
                $($code => Some(($meaning, $advice)),)+
                _ => None,
            }
        }
    };
}

texts! {
    "INVALID_REQUEST": "The path, the query, a header or the body is not valid." / "Read `detail`, mend the request, and send it again.";
    "WRONG_AMOUNT": "The amount is not the price." / "Pay the price that the hold's answer named as `price` or `total`.";
    "BALANCE_LIMIT": "The balance would pass its limit." / "Recharge less, or spend some of the balance first.";
    "TICKET_UNREADABLE": "What was shown is no ticket." / "Scan it again.";
    "TICKET_FORGED": "The signature does not fit what the ticket says." / "Let nobody in with it.";
    "UNAUTHENTICATED": "There is no access token or operator key, or it is not valid here." / "Log in, or join the queue, and send what the answer carries as `Authorization: Bearer`.";
    "BAD_CREDENTIALS": "The username or the password is wrong." / "Ask the user again. It does not say which of the two, so that nobody can find out names.";
    "LOGIN_REQUIRED": "The user has a password, so an id alone proves nothing; or joins by id alone are off." / "Log in, and join with the session's access token.";
    "TOKEN_ENDED": "The queue token belongs to a place that is over, or its user's sessions were ended." / "Log in, and join the queue again if there is still something to buy.";
    "NOT_YOURS": "It belongs to another user." / "Use the id of the user whose access token it is.";
    "RECHARGE_NOT_ALLOWED": "Only operators recharge wallets here." / "Let an operator recharge the wallet.";
    "ROLE_NOT_ALLOWED": "The role of the operator key is too small." / "Use a key with the role that `detail` names.";
    "TOKEN_NOT_ACTIVE": "Holding and paying take a turn, and this user has none now." / "Poll until the status is ACTIVE; join the queue if the user has no place in it.";
    "USER_DISABLED": "An operator has disabled the user." / "Refer the user to the box office.";
    "USER_NOT_FOUND": "There is no such user." / "Check the id; it is in the answers of sign-up and log-in.";
    "TOKEN_NOT_FOUND": "The user is not in the queue of this sale." / "Join it.";
    "TOKEN_UNKNOWN": "No place in a queue has this id." / "Check the id of the token.";
    "CONCERT_NOT_FOUND": "There is no such concert." / "Look at the dates or the sales again.";
    "SEAT_NOT_FOUND": "The concert has no such seat." / "Look at the seats of the concert again.";
    "SECTION_NOT_FOUND": "The concert has no section of this name." / "Look at the seats of the concert: each names its section.";
    "RESERVATION_NOT_FOUND": "There is no such reservation." / "List the reservations of the user.";
    "PAYMENT_NOT_FOUND": "There is no such payment." / "List the payments of the user.";
    "SALE_NOT_FOUND": "There is no such sale." / "Look at the sales again.";
    "TICKET_NOT_FOUND": "Nobody has bought this." / "Check the id: it is that of a paid reservation.";
    "TICKET_KEY_NOT_FOUND": "The ticket, or the path, names a key that was never made here." / "Let nobody in with it; list the keys.";
    "CODE_NOT_FOUND": "The sale has no such access code." / "List the codes of the sale.";
    "OPERATOR_KEY_NOT_FOUND": "There is no such operator key." / "List the keys.";
    "ORDER_NOT_FOUND": "There is no such order." / "List the orders of the user.";
    "USERNAME_TAKEN": "Another user has this name." / "Choose another name.";
    "CONCERT_EXISTS": "A concert with this id is there already." / "Nothing, if it is the same; otherwise leave the id out.";
    "SALE_EXISTS": "A sale has this name already." / "Choose another name.";
    "VERSION_CHANGED": "It has changed since the version in `If-Match`." / "Look at it again, and repeat the change with the new ETag if it is still wanted.";
    "SALE_NOT_OPEN": "The doors of the sale are not open yet." / "Come back at `doorsAt`; `now` is the server's time.";
    "SALE_CLOSED": "The sale is over: nobody joins and nothing more is held." / "Pay what is held; there is nothing more to get.";
    "DRAW_MADE": "The draw of the sale is made, so what it depends on stays." / "Leave that part of the change out.";
    "ORDER_SETTLED": "People have joined the sale in its order, which stays." / "Make another sale for another order.";
    "CODE_REFUSED": "The access code is unknown, used up, revoked, or of another sale." / "Ask for the code again; many wrong ones are braked.";
    "CODES_ALREADY_MADE": "Codes were made with this idempotency key, and cannot be shown again." / "Revoke them, and make others with another key.";
    "SEAT_LIMIT": "The user has as many seats as one user may have of the concert or the sale." / "Take at most `left` more.";
    "ALREADY_IN_QUEUE": "The user is in the queue, and the caller did not prove to be that user." / "Send the queue token or the session; the answer is then the place in the queue.";
    "SEAT_ALREADY_RESERVED": "Seats that were asked for are held or sold; none is held." / "Choose others than `seatNumbers`. Those in `yours` are the caller's own holds.";
    "NOT_ENOUGH_SEATS": "Fewer seats are free than were asked for; none is held." / "Ask for fewer, or for another section.";
    "SEATS_NOT_TOGETHER": "Enough seats are free, but not beside each other." / "Ask without `together`, or for fewer.";
    "SEAT_BLOCKED": "Seats that were asked for are not on sale; none is held or moved." / "Choose others than `seatNumbers`.";
    "SEATS_NOT_RESERVED": "Nobody has either of the two seats." / "Swap seats of which at least one is held or sold.";
    "TOO_MANY_HOLDS": "The user holds as many unpaid seats as are allowed." / "Pay for one or give one back.";
    "SEAT_HELD_TOO_OFTEN": "The user let this seat go several times in a row, so it is left to others for a while." / "Take another seat, or wait for `Retry-After`.";
    "HOLD_ALREADY_EXTENDED": "The deadline was moved before, which is possible once." / "Pay before it.";
    "HOLD_OUTLASTS_TURN": "The hold lasts until the end of the longest turn already." / "Pay before it.";
    "CONCERT_OVER": "The date of the concert is past." / "Choose another concert.";
    "CONCERT_CLOSED": "The concert is not on sale." / "Pay what is held; choose another concert for more.";
    "CONCERT_CANCELLED": "The concert was called off." / "Nothing: what was paid is refunded.";
    "TICKET_VOID": "The ticket was refunded, has another owner now, or its concert was called off; `reason` says which." / "Ask its owner for the new one.";
    "TICKET_FOR_OTHER_CONCERT": "The ticket is for another concert than the one of this door; `concertId` says which." / "Show it at the other door.";
    "TICKET_KEY_RETIRED": "The ticket is signed with a key that was retired." / "Have its owner look at the tickets again: there is a new code.";
    "ALREADY_CHECKED_IN": "Somebody is in with this ticket; `checkedInAt` and `gate` say since when and where." / "Ask whoever shows it.";
    "ALREADY_PAID": "The reservation is paid." / "Nothing: the seat is sold to the user.";
    "ALREADY_REFUNDED": "The payment was refunded." / "Nothing: the money is back in the wallet.";
    "INSUFFICIENT_BALANCE": "The balance is below the price." / "Recharge the wallet before the deadline, and pay again.";
    "REFERENCE_USED": "The user was credited for this reference." / "Nothing, if it is the same payment; otherwise use its own reference.";
    "HOLD_EXPIRED": "The deadline of the hold has passed." / "Hold the seat again, if it is still free.";
    "HOLD_CANCELLED": "The hold was given back." / "Hold the seat again, if it is still free.";
    "TOKEN_EXPIRED": "The place in the queue is over: the turn ended, or the user left." / "Join again, at the back of the queue.";
    "IDEMPOTENCY_KEY_REUSED": "The `Idempotency-Key` came before, with another request." / "Use a new key for each new act, and the same one only to repeat it.";
    "OVERLOADED": "Too much is waiting; nothing was done." / "Try again after `Retry-After`.";
    "DATABASE_UNAVAILABLE": "The database did not answer; whether anything was done may be unknown." / "Try again after `Retry-After`, with the same `Idempotency-Key`.";
    "SHUT_DOWN": "The server is stopping; nothing was done." / "Try again: another server, or the next one, answers.";
    "DATABASE_SETUP": "The database cannot be used as it is set up." / "Operators: the log says what to change. Clients: try again later.";
    "INTERNAL": "A defect." / "Report it with the `requestId`; the log has the cause under it.";
    "ROUTE_NOT_FOUND": "There is nothing at this path." / "See `/docs` for what there is.";
    "PLAN_VERSION_NOT_FOUND": "The plan of the hall no longer has this version, or not yet." / "Ask for the version that `version` names, or for none.";
    "METHOD_NOT_ALLOWED": "The path does not answer this method." / "Use one that the `Allow` header names.";
    "REQUEST_TIMEOUT": "The body took too long to arrive." / "Send it again.";
    "PAYLOAD_TOO_LARGE": "The body is larger than this route reads." / "Send less at once.";
    "UNSUPPORTED_MEDIA_TYPE": "The body is not JSON in UTF-8, or has a `Content-Encoding`." / "Send JSON as it is, with `Content-Type: application/json`.";
    "TOO_MANY_REQUESTS": "Too many calls from this address, by this user or for this name." / "Wait for `Retry-After`; `RateLimit` says how much is left.";
    "TOO_MANY_CONNECTIONS": "Too many connections are open, in all or from this address." / "Close some, and try again after `Retry-After`.";
    "FORM_EXPIRED": "A form of a page, or the renewal of its session, is too old or comes from another site." / "Load the page again.";
    "TOO_MANY_STREAMS": "Too many event streams are open, in all or on this connection." / "Poll instead.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_has_one_meaning_and_an_advice() {
        let mut codes = BTreeSet::new();
        for problem in known_problems() {
            assert!(codes.insert(problem.code), "{} is there twice", problem.code);
            assert!(!problem.meaning.is_empty(), "{} needs a line in `texts!`", problem.code);
            assert!(!problem.advice.is_empty() && problem.status >= 400, "{problem:?}");
        }
    }
}
