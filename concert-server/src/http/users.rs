//! `/api/v1/users`: sign-up and log-in.

use concert_core::{Password, SignUp, UserId, Username};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::Reply as _;
use warp::http::StatusCode;

use super::auth;
use super::body::{Moment, created, json, parsed};
use super::call::Call;
use super::routing::{Answer, Endpoint, post};
use crate::brakes::Brake;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        post("/api/v1/users", sign_up).braked_by(Brake::SignUpsPerAddress),
        post("/api/v1/users/login", log_in).braked_by(Brake::LogInsPerAddress),
        post("/api/v1/users/logout", log_out),
        post("/api/v1/users/password", change_password).braked_by(Brake::LogInsPerAddress),
    ]
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SignUpRequest {
    /// Words of letters, digits and ASCII punctuation with single spaces between them. Compared without regard to case
    /// and width, shown as given (RFC 8265).
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = String, min_length = 1, max_length = 64, example = "alice")]
    username: Username,
    /// 8 to 256 bytes.
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = String, format = Password, min_length = 8)]
    password: Password,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LogInRequest {
    #[schema(example = "alice")]
    username: String,
    #[serde(deserialize_with = "any_password")]
    #[schema(value_type = String, format = Password)]
    password: Password,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChangePasswordRequest {
    #[serde(deserialize_with = "any_password")]
    #[schema(value_type = String, format = Password)]
    current_password: Password,
    /// 8 to 256 bytes.
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = String, format = Password, min_length = 8)]
    new_password: Password,
}

/// A user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UserBody {
    #[schema(value_type = uuid::Uuid)]
    user_id: UserId,
    username: String,
    created_at: Moment,
}

/// A session.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SessionBody {
    #[schema(value_type = uuid::Uuid)]
    user_id: UserId,
    /// For the Authorization header: `Bearer <accessToken>`.
    access_token: String,
    expires_at: Moment,
}

#[utoipa::path(
    post, path = "/api/v1/users", tag = "users", operation_id = "signUp",
    summary = "Sign up",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = SignUpRequest,
    responses(
        (status = 201, body = UserBody, description = "Signed up"),
        (status = 400, description = "The body is not valid"),
        (status = 409, description = "The username is taken"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
async fn sign_up(mut call: Call) -> Answer {
    let SignUpRequest { username, password } = call.json().await?;
    // Before the password is hashed, which is by far the dearest part of the request.
    call.brake_attempt(username.as_str())?;
    let who = SignUp::new(username).with_password(password).with_key(call.idempotency_key()?);
    let user = call.box_office().sign_up(who).await?;
    let body = UserBody { user_id: user.id, username: user.username, created_at: Moment(user.created_at) };
    // What can be looked at of a new user is the wallet.
    created(&format!("/api/v1/payments/balance/{}", user.id), &body)
}

#[utoipa::path(
    post, path = "/api/v1/users/login", tag = "users", operation_id = "logIn",
    summary = "Log in",
    request_body = LogInRequest,
    responses(
        (status = 200, body = SessionBody, description = "Logged in"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "The username or the password is wrong"),
    )
)]
async fn log_in(mut call: Call) -> Answer {
    let LogInRequest { username, password } = call.json().await?;
    call.brake_attempt(&username)?;
    let session = call.box_office().log_in(&username, &password).await?;
    let body = SessionBody {
        user_id: session.user,
        access_token: auth::signed(session.access_token)?,
        expires_at: Moment(session.expires_at),
    };
    json(StatusCode::OK, &body)
}

#[utoipa::path(
    post, path = "/api/v1/users/logout", tag = "users", operation_id = "logOut",
    summary = "Log out: this session ends",
    description = "Every server refuses its access token within two seconds. The place in the queue stays, and so does \
                   its queue token.",
    security(("session" = [])),
    responses(
        (status = 204, description = "Logged out"),
        (status = 401, description = "No valid access token, or that of a place in the queue"),
        (status = 404, description = "No such user"),
    )
)]
async fn log_out(mut call: Call) -> Answer {
    let session = auth::session(call.credential().await?)?;
    call.box_office().log_out(&session).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[utoipa::path(
    post, path = "/api/v1/users/password", tag = "users", operation_id = "changePassword",
    summary = "Change the password",
    description = "Ends all sessions of the user, this one too: log in again. Queue tokens from before are refused as \
                   well; the place in the queue stays, and POST /api/v1/tokens with the new session resumes it.",
    request_body = ChangePasswordRequest,
    security(("session" = [])),
    responses(
        (status = 204, description = "Changed"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "No valid access token, that of a place in the queue, or the password is wrong"),
        (status = 404, description = "No such user"),
    )
)]
async fn change_password(mut call: Call) -> Answer {
    let session = auth::session(call.credential().await?)?;
    // Whoever stole a session must not guess the password with it.
    call.brake_attempt(&session.user.to_string())?;
    let ChangePasswordRequest { current_password, new_password } = call.json().await?;
    call.box_office().change_password(session.user, &current_password, &new_password).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A password that no user can have is simply wrong.
fn any_password<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Password, D::Error> {
    String::deserialize(deserializer).map(|text| Password::unchecked(&text))
}
