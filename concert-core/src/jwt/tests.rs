use std::time::Duration;

use chrono::DateTime;

use super::*;
use crate::clock::span;

fn keys(secret: &str) -> JwtKeys {
    JwtKeys::new(&SecretString::from(secret.repeat(32))).expect("long enough")
}

fn at(second: i64) -> Timestamp {
    DateTime::from_timestamp(second, 0).expect("in range")
}

fn session(keys: &JwtKeys) -> String {
    keys.sign(&claims(at(1_000), 60)).expect("signs")
}

fn claims(from: Timestamp, seconds: u64) -> Claims {
    let expires_at = from + span(Duration::from_secs(seconds));
    let ticket = SessionTicket { user: UserId::generate(), session: SessionId::generate(), expires_at };
    Claims::of_session(&ticket, 0, from)
}

#[test]
fn a_token_holds_until_its_last_second_by_our_clock() {
    let keys = keys("k");
    let token = session(&keys);
    assert!(keys.verify(&token, at(1_059)).is_ok());
    assert!(matches!(keys.verify(&token, at(1_060)), Err(Error::Unauthenticated(_))));
}

#[test]
fn after_a_change_of_keys_the_previous_one_still_verifies() {
    let (old, new) = (keys("o"), keys("n"));
    let token = session(&old);
    assert!(new.verify(&token, at(1_000)).is_err());
    let both = new.with_previous(&SecretString::from("o".repeat(32))).expect("long enough");
    assert!(both.verify(&token, at(1_000)).is_ok());
    assert!(old.verify(&session(&both), at(1_000)).is_err(), "the new key signs");
}

#[test]
fn a_header_may_be_written_otherwise_but_must_name_the_algorithm() {
    let keys = keys("k");
    let token = session(&keys);
    let (_, claims) = token.split_once('.').expect("a header");
    let (claims, _) = claims.split_once('.').expect("a signature");
    let under = |header: &str| {
        let message = format!("{header}.{claims}");
        let signature = crypto::sign(message.as_bytes(), &keys.signing, Algorithm::HS256).expect("signs");
        keys.verify(&format!("{message}.{signature}"), at(1_000))
    };
    // {"alg":"HS256","typ":"JWT"}, {"typ":"JWT","alg":"HS512"}, {"typ":"JWT","alg":"none"}, {"typ":"JWT"}
    assert!(under("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9").is_ok());
    for header in ["eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9", "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0", "eyJ0eXAiOiJKV1QifQ"]
    {
        assert!(under(header).is_err(), "{header}");
    }
    // {"alg":"HS256","crit":["x"],"x":1}: an extension that nobody here understands
    assert!(under("eyJhbGciOiJIUzI1NiIsImNyaXQiOlsieCJdLCJ4IjoxfQ").is_err());
    // {"alg":"HS256","kid":"another"}
    assert!(under("eyJhbGciOiJIUzI1NiIsImtpZCI6ImFub3RoZXIifQ").is_err());
}

#[test]
fn a_token_names_its_key_and_one_without_a_name_still_holds() {
    let (old, new) = (keys("o"), keys("n"));
    let both = new.clone().with_previous(&SecretString::from("o".repeat(32))).expect("long enough");
    let header = |token: &str| decode_header(token).expect("a header");
    let (first, second) = (session(&old), session(&new));
    let named = [&first, &second].map(|token| header(token).kid.expect("names its key"));
    assert_eq!(named.clone().map(|id| id.len()), [KEY_ID_LENGTH; 2]);
    assert_ne!(named[0], named[1]);
    assert_eq!(header(&session(&both)).kid.as_ref(), Some(&named[1]), "the new key signs");
    assert!([&first, &second].into_iter().all(|token| both.verify(token, at(1_000)).is_ok()));
    let nameless =
        |keys: &JwtKeys| encode(&Header::new(Algorithm::HS256), &claims(at(1_000), 60), &keys.signing).expect("signs");
    assert!([&old, &new].into_iter().all(|keys| both.verify(&nameless(keys), at(1_000)).is_ok()));
    // The old key under the new one's name.
    let forged = encode(&new.header, &claims(at(0), 2_000), &old.signing);
    assert!(both.verify(&forged.expect("signs"), at(1_000)).is_err());
}

#[test]
fn a_token_says_which_generation_it_was_signed_under() {
    let keys = keys("k");
    for (generation, sale) in [(0, SaleId::DEFAULT), (1, SaleId::generate()), (u32::MAX, SaleId::DEFAULT)] {
        let ticket = QueueTicket { user: UserId::generate(), token: TokenId::generate(), sale, ticket: 7 };
        let token = keys.sign(&Claims::of_queue(&ticket, generation, at(1_000), at(2_000))).expect("signs");
        assert_eq!(keys.verify(&token, at(1_000)).expect("holds"), (Credential::Queue(ticket), generation));
    }
}

#[test]
fn a_short_secret_is_refused() {
    assert!(JwtKeys::new(&SecretString::from("x".repeat(31))).is_err());
}
