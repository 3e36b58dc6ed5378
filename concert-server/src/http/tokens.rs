//! `/api/v1/tokens`: the queue.

use concert_core::{AccessCode, Credential, Error, Join, Joined, QueueTicket, SaleId, Standing, TokenStatus, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::Reply as _;
use warp::http::StatusCode;
use warp::http::header::RETRY_AFTER;
use warp::reply::Response;

use super::auth;
use super::body::{Moment, created, if_there, json, parsed, parsed_if_there};
use super::call::Call;
use super::problem::Problem;
use super::routing::{Answer, Endpoint, delete, get, post};
use super::words;
use crate::brakes::Brake;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/api/v1/tokens/{userId}", look),
        post("/api/v1/tokens", join).braked_by(Brake::JoinsPerAddress),
        post("/api/v1/queue", add_to_queue).braked_by(Brake::JoinsPerAddress),
        delete("/api/v1/tokens/{userId}", leave),
    ]
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JoinRequest {
    /// Who joins.
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = uuid::Uuid)]
    user_id: UserId,
    /// The sale whose queue it is; the default one where none is named.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = Option<uuid::Uuid>, nullable = false)]
    sale_id: Option<SaleId>,
    /// An access code of the sale: entry before its opening, or a place in front. A caller who waits already redeems it for
    /// the place that there is.
    #[serde(default, deserialize_with = "if_there")]
    #[schema(value_type = Option<String>, nullable = false, example = "K7QM-2X9D-0HVT-RB1E")]
    code: Option<String>,
}

/// A place in the queue of a sale.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenBody<'a> {
    /// The queue token: the access token for reserving and paying.
    token: &'a str,
    /// WAITING or ACTIVE.
    #[schema(value_type = words::TokenStatus)]
    status: &'static str,
    /// 0 when ACTIVE, else the place among those who wait, from 1; null while a draw at the opening still has to give it.
    queue_position: Option<u64>,
    /// Whole seconds. ACTIVE: until the turn ends, which is no earlier than the deadline of what is held. WAITING: the
    /// estimated wait.
    remaining_time: u64,
    /// The end of the turn; null while WAITING.
    expires_at: Option<Moment>,
    /// How long to wait before asking again; also sent as Retry-After while WAITING.
    poll_after_seconds: u64,
    /// The sale whose queue it is.
    #[schema(value_type = uuid::Uuid)]
    sale_id: SaleId,
    /// The phase of the sale: BEFORE, DOORS, OPEN or CLOSED.
    #[schema(value_type = words::SalePhase)]
    phase: &'static str,
    /// When people are let in; null: the sale says nothing about it.
    opens_at: Option<Moment>,
    /// The server's time.
    now: Moment,
}

impl<'a> TokenBody<'a> {
    pub(super) fn new(token: &'a str, sale: SaleId, standing: &Standing) -> Self {
        Self {
            token,
            status: standing.status.as_str(),
            queue_position: (!standing.awaits_draw).then_some(standing.queue_position),
            remaining_time: standing.remaining_seconds,
            expires_at: standing.expires_at.map(Moment),
            poll_after_seconds: standing.poll_after_seconds,
            sale_id: sale,
            phase: standing.phase.as_str(),
            opens_at: standing.opens_at.map(Moment),
            now: Moment(standing.now),
        }
    }
}

#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "queue", operation_id = "issueToken",
    summary = "Join the queue, or resume the caller's place in it",
    description = "A user who has a password sends the session's access token. A user without one joins by id alone \
                   where the server allows it (--bare-join), and resumes with the queue token. A repeated join with its \
                   Idempotency-Key answers as the first, after the same proof; for a user without a password the key is \
                   all that is shown, so it must be random. GET /api/v1/tokens/{userId} looks without joining. An \
                   operator key of the role operator joins any user. A user may stand in the queues of several sales.",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = JoinRequest,
    security((), ("bearer" = []), ("operatorKey" = ["operator"])),
    responses(
        (status = 201, body = TokenBody<'_>, description = "Joined"),
        (status = 200, body = TokenBody<'_>, description = "Was in the queue already"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "The user has a password, bare joins are off, or the access token is not valid"),
        (status = 403, description = "The access token belongs to another user, the role of the operator key is too small, or the code does not count (CODE_REFUSED)"),
        (status = 404, description = "No such user, or no such sale"),
        (status = 409, description = "Already in the queue, and the caller proved nothing; the doors of the sale are not open yet (with doorsAt, opensAt and now), or it is closed"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
async fn join(mut call: Call) -> Answer {
    let joining = call.joining().await?;
    let JoinRequest { user_id, sale_id, code } = call.json().await?;
    let sale = sale_id.unwrap_or(SaleId::DEFAULT);
    // A join that proves nothing is braked by the address as well, or strangers could use up the user's bucket.
    let is_proved = joining.is_proved();
    let caller = joining.caller(user_id)?;
    call.brake_join(user_id, is_proved)?;
    let caller = caller.with_key(call.idempotency_key()?);
    let joined = match code {
        Some(code) => call.join_with_code(Join::sale(sale, caller), &code, user_id, is_proved).await?,
        None => call.box_office().join_queue(Join::sale(sale, caller)).await?,
    };
    let token = auth::signed(joined.token.jwt)?;
    // 200 and not 201: nothing was made, the place is the one from before.
    if joined.resumed {
        return standing_answer(&token, sale, &joined.token.standing);
    }
    let body = TokenBody::new(&token, sale, &joined.token.standing);
    answer(created(&format!("/api/v1/tokens/{user_id}"), &body)?, &joined.token.standing)
}

impl Call {
    /// Refused codes are counted, so that nobody tries many.
    async fn join_with_code(
        &mut self,
        join: Join,
        code: &str,
        user: UserId,
        is_proved: bool,
    ) -> Result<Joined, Problem> {
        self.brake_code(user, is_proved)?;
        let code = AccessCode::typed(code)?;
        let joined = self.box_office().join_queue(join.with_code(code)).await;
        // Only this counts: that a sale is not open yet says nothing about the code.
        if let Err(Error::CodeRefused) = &joined {
            self.was_refused_a_code(user, is_proved);
        }
        Ok(joined?)
    }
}

#[utoipa::path(
    post, path = "/api/v1/queue", tag = "queue", operation_id = "addToQueue",
    summary = "The same as POST /api/v1/tokens",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = JoinRequest,
    security((), ("bearer" = []), ("operatorKey" = ["operator"])),
    responses(
        (status = 201, body = TokenBody<'_>, description = "Joined"),
        (status = 200, body = TokenBody<'_>, description = "Was in the queue already"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "The user has a password, bare joins are off, or the access token is not valid"),
        (status = 403, description = "The access token belongs to another user, the role of the operator key is too small, or the code does not count (CODE_REFUSED)"),
        (status = 404, description = "No such user, or no such sale"),
        (status = 409, description = "Already in the queue, and the caller proved nothing; the doors of the sale are not open yet (with doorsAt, opensAt and now), or it is closed"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
async fn add_to_queue(call: Call) -> Answer {
    join(call).await
}

#[utoipa::path(
    get, path = "/api/v1/tokens/{userId}", tag = "queue", operation_id = "tokenStatus",
    summary = "The caller's standing in the queue",
    description = "With the queue token this is answered from memory: poll with it, every pollAfterSeconds. Who does \
                   not for a few times is passed over while others wait who do, and keeps the place.",
    params(("userId" = uuid::Uuid, Path), ("saleId" = Option<uuid::Uuid>, Query, description = "With a session: the sale; the default one where none is named. A queue token names its sale itself")),
    security(("bearer" = [])),
    responses(
        (status = 200, body = TokenBody<'_>, description = "The place in the queue"),
        (status = 400, description = "Not a UUID"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "Never joined"),
        (status = 410, description = "The token has ended; join again"),
    )
)]
async fn look(mut call: Call) -> Answer {
    let credential = call.credential().await?;
    let user = auth::caller(credential, call.id()?)?.user();
    match credential {
        Credential::Queue(ticket) => {
            // The token says who and where, so that a poll is answered from memory.
            let standing = call.box_office().poll(&ticket).await?;
            standing_answer(call.bearer()?.unwrap_or_default(), ticket.sale, &standing)
        }
        Credential::Session { .. } => {
            let sale = call.sale()?;
            // Boxed, as all that a poll seldom waits for: it would make the future of every poll larger.
            let token = Box::pin(call.box_office().token_status_in(sale, user)).await?;
            standing_answer(&auth::signed(token.jwt)?, sale, &token.standing)
        }
    }
}

#[utoipa::path(
    delete, path = "/api/v1/tokens/{userId}", tag = "queue", operation_id = "leaveQueue",
    summary = "Leave the queue",
    description = "What the caller holds unpaid is given back.",
    params(("userId" = uuid::Uuid, Path), ("saleId" = Option<uuid::Uuid>, Query, description = "With a session: the sale; the default one where none is named. A queue token names its sale itself")),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "Left"),
        (status = 400, description = "Not a UUID, or saleId is not the sale of the queue token"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "Not in the queue"),
    )
)]
async fn leave(mut call: Call) -> Answer {
    let credential = call.credential().await?;
    let caller = auth::caller(credential, call.id()?)?;
    // A queue token is of one sale; a session has to say which.
    let sale = match credential {
        Credential::Queue(ticket) => call.sale_of(&ticket)?,
        Credential::Session { .. } => call.sale()?,
    };
    let user = caller.user();
    call.box_office().leave_queue_in(sale, caller).await?;
    call.gave_back(user);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The ticket and the queue token of the caller, who must be the user in the path. A session's token is looked up.
pub(super) async fn ticket(call: &mut Call, credential: Credential) -> Result<(QueueTicket, String), Problem> {
    let user = auth::caller(credential, call.id()?)?.user();
    match credential {
        Credential::Queue(ticket) => Ok((ticket, call.bearer()?.unwrap_or_default().to_owned())),
        Credential::Session { .. } => {
            let token = call.box_office().token_status_in(call.sale()?, user).await?;
            Ok((token.ticket, auth::signed(token.jwt)?))
        }
    }
}

fn standing_answer(token: &str, sale: SaleId, standing: &Standing) -> Answer {
    answer(json(StatusCode::OK, &TokenBody::new(token, sale, standing))?, standing)
}

/// An answer that says when to ask again.
fn answer(mut response: Response, standing: &Standing) -> Answer {
    // Whoever is in has nothing to poll for.
    if standing.status == TokenStatus::Waiting {
        response.headers_mut().insert(RETRY_AFTER, standing.poll_after_seconds.into());
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn size_of_answering<R>(_: &impl Fn(Call) -> R) -> usize {
        size_of::<R>()
    }

    #[test]
    fn a_poll_is_moved_to_the_heap_without_room_for_what_it_seldom_awaits() {
        let (poll, usual) = (size_of_answering(&look), size_of_answering(&join));
        assert!(poll <= 1_024 && poll < usual, "{poll} bytes, of a join {usual}");
    }
}
