//! The words of the REST interface: every status, kind and phase, as an enumeration of the OpenAPI document. Each list
//! is the library's own, so that none can lack a word.

use std::borrow::Cow;

use concert_core::{
    CodeKind as Code, ConcertStatus as Concert, EntryOrder as Order, ExportKind as Export, PaymentStatus as Payment,
    RefusedSeat, ReservationStatus as Reservation, Role, SalePhase as Phase, SeatAfterRefund as AfterRefund,
    SeatStatus as Seat, TicketStatus as Ticket, TokenStatus as Token, VoidReason as Void, WalletEntryKind as Entry,
};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::problem::known_problems;

fn enumeration(description: &str, words: Vec<String>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .enum_values(Some(words))
        .build()
        .into()
}

macro_rules! words {
    ($($name:ident: $description:literal = $words:expr;)+) => {$(
        #[doc = $description]
        pub(super) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                enumeration($description, $words.into_iter().map(Into::into).collect())
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )+};
}

words! {
    OperatorRole: "What an operator key may do: viewer reads, gate also checks tickets in, operator does everything." =
        Role::ALL.map(Role::as_str);
    TokenStatus: "The status of a place in the queue. WAITING: not let in yet. ACTIVE: its user may hold and pay. \
        EXPIRED: it is over." = Token::ALL.map(Token::as_str);
    SalePhase: "What can be done in a sale. BEFORE: the doors are shut. DOORS: people join and wait. OPEN: people are let \
        in. CLOSED: what is held can be paid, and nothing more." = Phase::ALL.map(Phase::as_str);
    EntryOrder: "Who comes first at the opening." = Order::ALL.map(Order::as_str);
    ConcertStatus: "ON_SALE, CLOSED (nothing more is held) or CANCELLED (called off)." = Concert::ALL.map(Concert::as_str);
    ConcertSaleStatus: "CLOSED: nothing more is held. ON_SALE: it is on sale again." =
        [Concert::OnSale, Concert::Closed].map(Concert::as_str);
    CalledOff: "The concert was called off." = [Concert::Cancelled.as_str()];
    ReservationStatus: "HELD until its deadline, CONFIRMED (paid), EXPIRED, CANCELLED (given back) or REFUNDED." =
        Reservation::ALL.map(Reservation::as_str);
    PaymentStatus: "The state of a payment." = Payment::ALL.map(|status| status.as_str().to_ascii_lowercase());
    PaidStatus: "It is paid." = [Payment::Success.as_str().to_ascii_lowercase()];
    RefundedStatus: "It is refunded." = [Payment::Refunded.as_str().to_ascii_lowercase()];
    WalletEntryKind: "Why a balance changed." = Entry::ALL.map(Entry::as_str);
    CodeKind: "PRESALE: entry before the opening. FRONT: a place in front." = Code::ALL.map(Code::as_str);
    SeatAfterRefund: "Where the seat goes. TO_SALE: it is for sale again. OFF_SALE: it is blocked." =
        AfterRefund::ALL.map(AfterRefund::as_str);
    TicketStatus: "VALID, or VOID: refunded." = Ticket::ALL.map(Ticket::as_str);
    VoidReason: "REFUNDED, MOVED (it has another owner, who has a newer version) or CANCELLED (with its concert)." =
        Void::ALL.map(Void::as_str);
    SeatRefusal: "Why a seat stays as it was. SEAT_ALREADY_RESERVED: held or sold. SEAT_BLOCKED: off sale for another reason. \
        SEAT_EXISTS, PLACE_TAKEN: of a seat to add." = RefusedSeat::CODES.map(|(code, _)| code);
    SeatStatus: "FREE, HELD (not paid), SOLD, or BLOCKED (not on sale)." = Seat::ALL.map(Seat::as_str);
    ExportKind: "What a list is of." = Export::ALL.map(Export::as_str);
    ExportFormat: "CSV (RFC 4180) or JSON." = ["csv", "json"];
    Up: "It is up." = ["up"];
    StreamReplaced: "A newer stream of the token has taken over." = ["STREAM_REPLACED"];
    ProblemCode: "Every code of a problem. New ones may be added; the status says what kind of problem it is." =
        known_problems().iter().map(|known| known.code);
}
