//! What each refusal says, in the language of whoever reads it.

use chrono::SecondsFormat;

use super::language::Language;
use super::locale::Locale;
use super::own::{SAID, Texts};
use super::said::Said;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{ReservationId, SeatNumber};
use crate::money::Money;
use crate::token_status::TokenStatus;
use crate::void_reason::VoidReason;

/// The sentences of this crate that are made in English where they arise.
const SAID_HERE: Said = Said(SAID);

impl Error {
    /// What it says, for people. In English it is what [`Display`](std::fmt::Display) writes. In Korean, amounts and times
    /// are written for people as well. A text about invalid input that has no translation stays English.
    #[must_use]
    pub fn told(&self, locale: Locale) -> String {
        match (locale.language, self) {
            (Language::English, _) => self.to_string(),
            (Language::Korean, Self::InvalidInput(text)) => said(text),
            (Language::Korean, Self::Unauthenticated(text)) => said(text),
            (Language::Korean, Self::Setup(why)) => Texts::new(Language::Korean).database_setup(said(why)),
            (Language::Korean, _) => self.by_catalogue(Reader(locale)),
        }
    }
}

fn said(english: &str) -> String {
    SAID_HERE.in_korean(english).unwrap_or_else(|| english.to_owned())
}

/// Writes the table of texts as a function that has one for every refusal.
macro_rules! texts_of_refusals {
    (|$texts:ident, $reader:ident| $($pattern:pat => $text:expr,)+) => {
        impl Error {
            fn by_catalogue(&self, $reader: Reader) -> String {
                let $texts = Texts::new($reader.0.language);
                match self {
                    $($pattern => $text,)+
                }
            }
        }
    };
}

texts_of_refusals! { |texts, reader|
    Self::InvalidInput(text) => text.clone(),
    Self::WrongAmount { price, amount } => texts.wrong_amount(reader.money(*amount), reader.money(*price)),
    Self::BalanceLimit { balance } => texts.balance_limit(reader.money(*balance), reader.money(Money::MAX)),
    Self::Unauthenticated(text) => (*text).to_owned(),
    Self::TicketUnreadable => texts.ticket_unreadable(),
    Self::TicketForged => texts.ticket_forged(),
    Self::BadCredentials => texts.bad_credentials(),
    Self::LoginRequired => texts.login_required(),
    Self::TokenEnded => texts.token_ended(),
    Self::NotYours => texts.not_yours(),
    Self::RechargeNotAllowed => texts.recharge_not_allowed(),
    Self::RoleNotAllowed { role, needed } => texts.role_not_allowed(*needed, *role),
    Self::TokenNotActive { status } => texts.token_not_active(status_word(*status)),
    Self::UserDisabled => texts.user_disabled(),
    Self::UserNotFound => texts.user_not_found(),
    Self::TokenNotFound => texts.token_not_found(),
    Self::TokenUnknown => texts.token_unknown(),
    Self::ConcertNotFound => texts.concert_not_found(),
    Self::SeatNotFound { seat } => texts.seat_not_found(seat.to_string()),
    Self::SectionNotFound { section } => texts.section_not_found(format!("{section:?}")),
    Self::ReservationNotFound => texts.reservation_not_found(),
    Self::PaymentNotFound => texts.payment_not_found(),
    Self::SaleNotFound => texts.sale_not_found(),
    Self::TicketNotFound => texts.ticket_not_found(),
    Self::TicketKeyNotFound => texts.ticket_key_not_found(),
    Self::CodeNotFound => texts.code_not_found(),
    Self::OperatorKeyNotFound => texts.operator_key_not_found(),
    Self::OrderNotFound => texts.order_not_found(),
    Self::UsernameTaken => texts.username_taken(),
    Self::ConcertExists => texts.concert_exists(),
    Self::SaleExists => texts.sale_exists(),
    Self::VersionChanged { version } => texts.version_changed(*version),
    Self::SaleNotOpen { doors_at, opens_at, now } => match doors_at.or(*opens_at) {
        Some(doors) => texts.doors_not_open(reader.moment(doors), reader.moment(*now)),
        None => texts.sale_not_open(),
    },
    Self::SaleClosed => texts.sale_closed(),
    Self::DrawMade => texts.draw_made(),
    Self::OrderSettled { order } => texts.order_settled(format!("{order:?}")),
    Self::CodeRefused => texts.code_refused(),
    Self::CodesAlreadyMade { at } => texts.codes_already_made(reader.moment(*at)),
    Self::SeatLimit { of, limit, left } => texts.seat_limit(*left, *limit, *of),
    Self::AlreadyInQueue => texts.already_in_queue(),
    Self::SeatAlreadyReserved { seats, yours } => match yours.as_slice() {
        [] => texts.seat_already_reserved(seats.len(), numbers(seats)),
        yours => texts.seat_held_by_you(seats.len(), numbers(seats), holds(texts, yours)),
    },
    Self::NotEnoughSeats { free } => texts.not_enough_seats(*free),
    Self::SeatsNotTogether { count } => texts.seats_not_together(*count),
    Self::SeatBlocked { seats } => texts.seat_blocked(seats.len(), numbers(seats)),
    Self::SeatsNotReserved => texts.seats_not_reserved(),
    Self::TooManyHolds { limit, held, .. } => texts.too_many_holds(held.unwrap_or(0), *limit),
    Self::SeatHeldTooOften { seat, times, wait } => {
        texts.seat_held_too_often(seat.to_string(), *times, wait.as_millis().div_ceil(1000).to_string())
    },
    Self::HoldAlreadyExtended => texts.hold_already_extended(),
    Self::HoldOutlastsTurn => texts.hold_outlasts_turn(),
    Self::ConcertOver => texts.concert_over(),
    Self::ConcertClosed => texts.concert_closed(),
    Self::ConcertCancelled => texts.concert_cancelled(),
    Self::TicketVoid { reason } => texts.ticket_void(void_word(*reason)),
    Self::TicketForOtherConcert { .. } => texts.ticket_for_other_concert(),
    Self::TicketKeyRetired { retired_at } => texts.ticket_key_retired(reader.moment(*retired_at)),
    Self::AlreadyCheckedIn { checked_in_at, gate } => texts.already_checked_in(gate, reader.moment(*checked_in_at)),
    Self::AlreadyPaid => texts.already_paid(),
    Self::AlreadyRefunded => texts.already_refunded(),
    Self::InsufficientBalance { balance, price } => {
        texts.insufficient_balance(reader.money(*balance), reader.money(*price))
    },
    Self::ReferenceUsed { amount, at } => texts.reference_used(reader.money(*amount), reader.moment(*at)),
    Self::HoldExpired => texts.hold_expired(),
    Self::HoldCancelled => texts.hold_cancelled(),
    Self::TokenExpired => texts.token_expired(),
    Self::IdempotencyKeyReused => texts.idempotency_key_reused(),
    Self::Overloaded { lane } => texts.overloaded(*lane),
    Self::Unavailable(_) => texts.database_unavailable(),
    Self::ShutDown => texts.shut_down(),
    Self::Setup(why) => texts.database_setup(why),
    Self::Internal(_) => texts.internal(),
}

/// Amounts and moments as the refusals of a language have them. The English ones are for programs as well.
#[derive(Clone, Copy)]
struct Reader(Locale);

impl Reader {
    fn money(self, amount: Money) -> String {
        match self.0.language {
            Language::English => amount.to_string(),
            Language::Korean => self.0.money(amount),
        }
    }

    fn moment(self, at: Timestamp) -> String {
        match self.0.language {
            Language::English => at.to_rfc3339_opts(SecondsFormat::Secs, true),
            Language::Korean => self.0.moment(at),
        }
    }
}

fn numbers(seats: &[SeatNumber]) -> String {
    seats.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn holds(texts: Texts, yours: &[(SeatNumber, ReservationId)]) -> String {
    let one =
        |(seat, hold): &(SeatNumber, ReservationId)| texts.seat_of_reservation(hold.to_string(), seat.to_string());
    yours.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The variant of the text.
const fn status_word(status: Option<TokenStatus>) -> &'static str {
    match status {
        Some(TokenStatus::Waiting) => "waiting",
        Some(TokenStatus::Active | TokenStatus::Expired) => "ended",
        None => "none",
    }
}

/// The variant of the text.
const fn void_word(reason: VoidReason) -> &'static str {
    match reason {
        VoidReason::Refunded => "refunded",
        VoidReason::Moved => "moved",
        VoidReason::Cancelled => "cancelled",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::time_zone::TimeZone;

    fn locale(language: Language) -> Locale {
        Locale { language, currency: "KRW".parse().ok(), zone: "Asia/Seoul".parse().expect("a zone") }
    }

    fn seats(numbers: &[i64]) -> Vec<SeatNumber> {
        numbers.iter().map(|number| SeatNumber::new(*number).expect("a number")).collect()
    }

    /// Every refusal, those with several texts more than once.
    fn all() -> Vec<Error> {
        let (seat, at) = (seats(&[7])[0], "2027-03-05T11:00:00Z".parse::<Timestamp>().expect("a moment"));
        let (less, more) = (Money::whole(1_000).expect("an amount"), Money::whole(1_200).expect("an amount"));
        let hold = ReservationId::from_uuid(uuid::Uuid::nil());
        let status = |status| Error::TokenNotActive { status };
        let limit = |of, left| Error::SeatLimit { of, limit: 4, left };
        let not_open = |doors_at, opens_at| Error::SaleNotOpen { doors_at, opens_at, now: at };
        vec![
            Error::invalid("an amount is not negative"),
            Error::WrongAmount { price: more, amount: less },
            Error::BalanceLimit { balance: less },
            Error::Unauthenticated("the access token is not valid"),
            Error::TicketUnreadable,
            Error::TicketForged,
            Error::BadCredentials,
            Error::LoginRequired,
            Error::TokenEnded,
            Error::NotYours,
            Error::RechargeNotAllowed,
            Error::RoleNotAllowed { role: "viewer", needed: "operator" },
            status(Some(TokenStatus::Waiting)),
            status(Some(TokenStatus::Expired)),
            status(None),
            Error::UserDisabled,
            Error::UserNotFound,
            Error::TokenNotFound,
            Error::TokenUnknown,
            Error::ConcertNotFound,
            Error::SeatNotFound { seat },
            Error::SectionNotFound { section: "VIP \"1\"".to_owned() },
            Error::ReservationNotFound,
            Error::PaymentNotFound,
            Error::SaleNotFound,
            Error::TicketNotFound,
            Error::TicketKeyNotFound,
            Error::CodeNotFound,
            Error::OperatorKeyNotFound,
            Error::OrderNotFound,
            Error::UsernameTaken,
            Error::ConcertExists,
            Error::SaleExists,
            Error::VersionChanged { version: 3 },
            not_open(Some(at), None),
            not_open(None, Some(at)),
            not_open(None, None),
            Error::SaleClosed,
            Error::DrawMade,
            Error::OrderSettled { order: "draw" },
            Error::CodeRefused,
            Error::CodesAlreadyMade { at },
            limit("concert", 0),
            limit("sale", 2),
            Error::AlreadyInQueue,
            Error::SeatAlreadyReserved { seats: seats(&[7]), yours: vec![] },
            Error::SeatAlreadyReserved { seats: seats(&[7, 9]), yours: vec![] },
            Error::SeatAlreadyReserved { seats: seats(&[7, 9]), yours: vec![(seat, hold)] },
            Error::NotEnoughSeats { free: 0 },
            Error::NotEnoughSeats { free: 1 },
            Error::NotEnoughSeats { free: 1_200 },
            Error::SeatsNotTogether { count: 2 },
            Error::SeatBlocked { seats: seats(&[7]) },
            Error::SeatBlocked { seats: seats(&[7, 9]) },
            Error::SeatsNotReserved,
            Error::TooManyHolds { limit: 4, held: None, yours: vec![] },
            Error::TooManyHolds { limit: 4, held: Some(3), yours: vec![] },
            Error::SeatHeldTooOften { seat, times: 3, wait: Duration::from_millis(59_001) },
            Error::HoldAlreadyExtended,
            Error::HoldOutlastsTurn,
            Error::ConcertOver,
            Error::ConcertClosed,
            Error::ConcertCancelled,
            Error::TicketVoid { reason: VoidReason::Refunded },
            Error::TicketVoid { reason: VoidReason::Moved },
            Error::TicketVoid { reason: VoidReason::Cancelled },
            Error::TicketForOtherConcert { concert: crate::id::ConcertId::generate() },
            Error::TicketKeyRetired { retired_at: at },
            Error::AlreadyCheckedIn { checked_in_at: at, gate: "A".to_owned() },
            Error::AlreadyPaid,
            Error::AlreadyRefunded,
            Error::InsufficientBalance { balance: less, price: more },
            Error::ReferenceUsed { amount: more, at },
            Error::HoldExpired,
            Error::HoldCancelled,
            Error::TokenExpired,
            Error::IdempotencyKeyReused,
            Error::Overloaded { lane: "queue" },
            Error::Unavailable(Arc::new(sqlx::Error::PoolTimedOut)),
            Error::ShutDown,
            Error::Setup("its schema is missing or out of date".to_owned()),
            Error::internal(std::fmt::Error),
        ]
    }

    #[test]
    fn the_english_of_the_catalogue_is_what_each_refusal_writes() {
        let codes: BTreeSet<_> = all().iter().map(Error::code).collect();
        assert_eq!(codes, Error::CODES.iter().map(|(code, _)| *code).collect());
        for error in all() {
            assert_eq!(error.by_catalogue(Reader(locale(Language::English))), error.to_string());
            assert_eq!(error.told(locale(Language::English)), error.to_string());
        }
    }

    #[test]
    fn every_refusal_speaks_korean_with_money_and_times_as_koreans_write_them() {
        let korean: Vec<_> = all().iter().map(|error| error.told(locale(Language::Korean))).collect();
        for text in &korean {
            let is_korean = text.chars().any(|character| ('가'..='힣').contains(&character));
            assert!(is_korean && !text.contains(['{', '}', '$']), "{text}");
        }
        for expected in [
            "잔액이 부족합니다. 먼저 충전해 주십시오. 잔액: 1,000원, 가격: 1,200원.",
            "이 판매의 대기열은 2027년 3월 5일(금) 20:00에 열립니다. 현재 시각: 2027년 3월 5일(금) 20:00.",
            "7, 9번 좌석은 이미 예약되었습니다. 그중 7번 좌석(예약 00000000-0000-0000-0000-000000000000)은 직접 선점한 좌석입니다.",
            "한 사람이 살 수 있는 좌석은 이 판매에서 최대 4석입니다. 2석 더 예매할 수 있습니다.",
            "남은 좌석이 1200석뿐입니다.",
            "금액은 0보다 작을 수 없습니다.",
            "데이터베이스를 사용할 수 없습니다: 스키마가 없거나 오래되었습니다",
        ] {
            assert!(korean.iter().any(|text| text == expected), "{expected}\n{korean:#?}");
        }
    }

    #[test]
    fn invalid_input_that_nobody_translated_stays_english_and_amounts_are_bare_without_a_currency() {
        let bare = Locale { language: Language::Korean, currency: None, zone: TimeZone::UTC };
        assert_eq!(Error::invalid("no such sentence").told(bare), "no such sentence");
        let balance = Money::whole(1_000).expect("an amount");
        assert!(Error::BalanceLimit { balance }.told(bare).contains("현재 잔액: 1,000."));
        let id = "x".parse::<crate::id::ConcertId>().expect_err("no id");
        assert!(Error::from(id).told(bare).starts_with("공연 id: "), "found within the sentence");
    }
}
