//! The codes of each operation, beside those that its credentials, its body and its parameters bring along.

/// By operation id. `None`: there is no row for it, and a test fails.
pub(super) fn codes_of(operation: &str) -> Option<&'static [&'static str]> {
    Some(match operation {
        "issueToken" | "addToQueue" => &[
            "LOGIN_REQUIRED",
            "NOT_YOURS",
            "CODE_REFUSED",
            "USER_DISABLED",
            "USER_NOT_FOUND",
            "SALE_NOT_FOUND",
            "ALREADY_IN_QUEUE",
            "SALE_NOT_OPEN",
            "SALE_CLOSED",
            "TOKEN_EXPIRED",
        ],
        "tokenStatus" => &["NOT_YOURS", "TOKEN_NOT_FOUND", "SALE_NOT_FOUND", "TOKEN_EXPIRED"],
        "tokenEvents" => &["NOT_YOURS", "TOKEN_NOT_FOUND", "SALE_NOT_FOUND", "TOKEN_EXPIRED", "TOO_MANY_STREAMS"],
        "leaveQueue" => &["NOT_YOURS", "USER_NOT_FOUND", "TOKEN_NOT_FOUND", "SALE_NOT_FOUND"],

        "reserve" => &[
            "NOT_YOURS",
            "TOKEN_NOT_ACTIVE",
            "USER_NOT_FOUND",
            "CONCERT_NOT_FOUND",
            "SECTION_NOT_FOUND",
            "SEAT_NOT_FOUND",
            "SALE_CLOSED",
            "CONCERT_OVER",
            "CONCERT_CLOSED",
            "CONCERT_CANCELLED",
            "SEAT_ALREADY_RESERVED",
            "SEAT_BLOCKED",
            "NOT_ENOUGH_SEATS",
            "SEATS_NOT_TOGETHER",
            "SEAT_HELD_TOO_OFTEN",
            "SEAT_LIMIT",
            "TOO_MANY_HOLDS",
        ],
        "reservation" => &["NOT_YOURS", "USER_NOT_FOUND", "RESERVATION_NOT_FOUND"],
        "cancelReservation" => &[
            "NOT_YOURS",
            "USER_NOT_FOUND",
            "RESERVATION_NOT_FOUND",
            "ORDER_NOT_FOUND",
            "ALREADY_PAID",
            "ALREADY_REFUNDED",
        ],
        "extendHold" => &[
            "NOT_YOURS",
            "TOKEN_NOT_ACTIVE",
            "USER_NOT_FOUND",
            "RESERVATION_NOT_FOUND",
            "ALREADY_PAID",
            "ALREADY_REFUNDED",
            "CONCERT_CANCELLED",
            "HOLD_CANCELLED",
            "HOLD_EXPIRED",
            "HOLD_ALREADY_EXTENDED",
            "HOLD_OUTLASTS_TURN",
        ],
        "seatLimits" => &["NOT_YOURS", "USER_NOT_FOUND", "CONCERT_NOT_FOUND"],
        "recharge" => &["NOT_YOURS", "RECHARGE_NOT_ALLOWED", "USER_NOT_FOUND", "BALANCE_LIMIT", "REFERENCE_USED"],
        "pay" => &[
            "WRONG_AMOUNT",
            "NOT_YOURS",
            "TOKEN_NOT_ACTIVE",
            "USER_NOT_FOUND",
            "RESERVATION_NOT_FOUND",
            "ORDER_NOT_FOUND",
            "ALREADY_PAID",
            "ALREADY_REFUNDED",
            "CONCERT_CANCELLED",
            "HOLD_CANCELLED",
            "HOLD_EXPIRED",
            "INSUFFICIENT_BALANCE",
        ],
        "listReservations" | "listPayments" | "walletEntries" | "balance" | "listOrders" | "listTickets" => {
            &["NOT_YOURS", "USER_NOT_FOUND"]
        }
        "payment" => &["NOT_YOURS", "USER_NOT_FOUND", "PAYMENT_NOT_FOUND"],
        "order" => &["NOT_YOURS", "USER_NOT_FOUND", "ORDER_NOT_FOUND"],

        "signUp" => &["USERNAME_TAKEN"],
        "logIn" => &["BAD_CREDENTIALS"],
        "logOut" => &["USER_NOT_FOUND"],
        "changePassword" => &["BAD_CREDENTIALS", "USER_NOT_FOUND"],

        "addSale" => &["SALE_EXISTS"],
        "changeSale" => &["SALE_NOT_FOUND", "SALE_EXISTS", "DRAW_MADE", "ORDER_SETTLED", "VERSION_CHANGED"],
        "namePublicValue" => &["SALE_NOT_FOUND", "SALE_NOT_OPEN", "DRAW_MADE"],
        "sale" | "saleForOperators" | "listCodes" => &["SALE_NOT_FOUND"],
        "makeCodes" => &["SALE_NOT_FOUND", "CODES_ALREADY_MADE"],
        "revokeCodes" => &["SALE_NOT_FOUND", "CODE_NOT_FOUND"],
        "addConcert" => &["SALE_NOT_FOUND", "CONCERT_EXISTS"],
        "changeConcert" => &["CONCERT_NOT_FOUND", "CONCERT_CANCELLED", "VERSION_CHANGED"],
        "cancelConcert" => &["CONCERT_NOT_FOUND", "CONCERT_CANCELLED"],
        "plan" => &["CONCERT_NOT_FOUND", "PLAN_VERSION_NOT_FOUND"],
        "planState" => &["CONCERT_NOT_FOUND", "TOO_MANY_STREAMS"],
        "seats"
        | "concertForOperators"
        | "cancellation"
        | "seatsOfConcert"
        | "exportConcert"
        | "blockSeats"
        | "unblockSeats"
        | "priceSeats"
        | "addSeats" => &["CONCERT_NOT_FOUND"],
        "swapSeats" => {
            &["CONCERT_NOT_FOUND", "SEAT_NOT_FOUND", "CONCERT_CANCELLED", "SEAT_BLOCKED", "SEATS_NOT_RESERVED"]
        }
        "refundPayment" => &["BALANCE_LIMIT", "PAYMENT_NOT_FOUND", "ALREADY_REFUNDED"],
        "ticket" => &["TICKET_NOT_FOUND"],
        "ownTicket" => &["NOT_YOURS", "USER_NOT_FOUND", "TICKET_NOT_FOUND"],
        "ticketQr" => &["NOT_YOURS", "USER_NOT_FOUND", "TICKET_NOT_FOUND", "TICKET_VOID"],
        "checkIn" => &[
            "TICKET_UNREADABLE",
            "TICKET_FORGED",
            "CONCERT_NOT_FOUND",
            "TICKET_KEY_NOT_FOUND",
            "TICKET_NOT_FOUND",
            "TICKET_FOR_OTHER_CONCERT",
            "TICKET_KEY_RETIRED",
            "TICKET_VOID",
            "ALREADY_CHECKED_IN",
        ],
        "listCheckIns" | "voidTickets" => &["CONCERT_NOT_FOUND"],
        "retireTicketKey" => &["TICKET_KEY_NOT_FOUND"],
        "moveTicket" => {
            &["TICKET_NOT_FOUND", "USER_NOT_FOUND", "USER_DISABLED", "TICKET_VOID", "CONCERT_CANCELLED", "SEAT_LIMIT"]
        }
        "rechargeUser" => &["USER_NOT_FOUND", "BALANCE_LIMIT", "REFERENCE_USED"],
        "explainToken" => &["TOKEN_UNKNOWN"],
        "explainSeat" | "explainSeatOfConcert" => &["CONCERT_NOT_FOUND", "SEAT_NOT_FOUND"],
        "explainReservation" => &["RESERVATION_NOT_FOUND"],
        "explainUser" => &["USER_NOT_FOUND"],

        "ready" => &["DATABASE_UNAVAILABLE", "DATABASE_SETUP", "SHUT_DOWN", "OVERLOADED"],
        "ticketKeys"
        | "allTicketKeys"
        | "makeTicketKey"
        | "concertDates"
        | "sales"
        | "salesForOperators"
        | "concertsForOperators"
        | "operatorLog"
        | "figures"
        | "live"
        | "metrics"
        | "openapi" => &[],
        _ => return None,
    })
}
