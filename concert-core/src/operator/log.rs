//! The log of operators' acts. A lane writes its entries in the transaction of the acts themselves, so there is neither
//! an act without its entry nor an entry without its act.

use serde::Serialize;
use serde_json::Value;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::id::{ConcertId, LogEntryId, OperatorKeyId, OrderId, PaymentId, ReservationId, SaleId, TicketKeyId, UserId};
use crate::page::{Page, Paged};
use crate::sql::{Keyword, Script, Text, fetch_all, fetch_optional, statements};

macro_rules! entries {
    ($which:literal) => {
        concat!(
            "select id, logged_at, operator, key_id, act, subject, subject_id, was, becomes, request_id \
             from operator_log ",
            $which,
            " order by logged_at desc, id desc limit {limit}"
        )
    };
}

statements! {
    INSERT {
        insert "operator_log" (id, logged_at, operator, key_id, act, subject, subject_id, was, becomes, request_id)
    }
    NEWEST { entries!("force index (operator_log_logged_at)") }
    OLDER {
        entries!(
            "force index (operator_log_logged_at) where logged_at <= {at} and (logged_at < {at} or id < {id})"
        )
    }
    PAGE_START { "select logged_at from operator_log where id = {id}" }
    SWAPS_OF {
        entries!(
            "force index (operator_log_subject) where subject = 'concert' and subject_id in ({concerts}) and act = 'SEAT_SWAP'"
        )
    }
    ABOUT { entries!("force index (operator_log_subject) where subject = {subject} and subject_id <=> {subject_id}") }
}

/// An act of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LogEntry {
    /// Its id.
    #[serde(rename = "entryId")]
    pub id: LogEntryId,
    /// When.
    pub at: Timestamp,
    /// Who: the name that the operator acted under.
    pub by: String,
    /// The operator key that was shown; `None`: none, as from the command line or an application.
    #[serde(rename = "keyId")]
    pub key: Option<OperatorKeyId>,
    /// What was done: `QUEUE_PAUSE`, `REFUND` and so on.
    pub act: String,
    /// What kind of thing it was done to: `user`, `payment` and so on.
    pub subject: String,
    /// The thing's id, if it has one.
    pub subject_id: Option<Uuid>,
    /// What the act changed, as it was before: a JSON object.
    pub before: Option<Value>,
    /// What the act changed, as it is after it: a JSON object.
    pub after: Option<Value>,
    /// The id of the request, if it was one.
    pub request_id: Option<String>,
}

impl LogEntry {
    /// The same entry, with what was so before.
    pub(crate) fn with_before(self, before: Value) -> Self {
        Self { before: Some(before), ..self }
    }

    /// The same entry, with what is so after it, beside what it says already.
    pub(crate) fn with_after(mut self, after: Value) -> Self {
        match (&mut self.after, after) {
            (Some(Value::Object(said)), Value::Object(after)) => said.extend(after),
            (said, after) => *said = Some(after),
        }
        self
    }
}

/// What an operator does. The names are those of the commands of `concert-cli`, and stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    QueuePause,
    QueueResume,
    QueueSet,
    TokenExpire,
    TokenIssue,
    Hold,
    Cancel,
    Extend,
    Pay,
    UserEndSessions,
    UserSetPassword,
    UserDisable,
    UserEnable,
    UserForget,
    UserRename,
    Refund,
    Recharge,
    UserCreate,
    UsersAdd,
    ConcertAdd,
    SeatBlock,
    SeatUnblock,
    SeatPrice,
    SeatAdd,
    SeatSwap,
    ConcertCancel,
    TicketMove,
    TicketKeyMake,
    TicketKeyRetire,
    CheckIn,
    ConcertEdit,
    ConcertClose,
    KeyMake,
    KeyRevoke,
    SaleAdd,
    SaleSet,
    CodesMake,
    CodesRevoke,
    SaleDraw,
}

impl Act {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::QueuePause => "QUEUE_PAUSE",
            Self::QueueResume => "QUEUE_RESUME",
            Self::QueueSet => "QUEUE_SET",
            Self::TokenExpire => "TOKEN_EXPIRE",
            Self::TokenIssue => "TOKEN_ISSUE",
            Self::Hold => "HOLD",
            Self::Cancel => "CANCEL",
            Self::Extend => "EXTEND",
            Self::Pay => "PAY",
            Self::UserEndSessions => "USER_END_SESSIONS",
            Self::UserSetPassword => "USER_SET_PASSWORD",
            Self::UserDisable => "USER_DISABLE",
            Self::UserEnable => "USER_ENABLE",
            Self::UserForget => "USER_FORGET",
            Self::UserRename => "USER_RENAME",
            Self::Refund => "REFUND",
            Self::Recharge => "RECHARGE",
            Self::UserCreate => "USER_CREATE",
            Self::UsersAdd => "USERS_ADD",
            Self::ConcertAdd => "CONCERT_ADD",
            Self::SeatBlock => "SEAT_BLOCK",
            Self::SeatUnblock => "SEAT_UNBLOCK",
            Self::SeatPrice => "SEAT_PRICE",
            Self::SeatAdd => "SEAT_ADD",
            Self::SeatSwap => "SEAT_SWAP",
            Self::ConcertCancel => "CONCERT_CANCEL",
            Self::TicketMove => "TICKET_MOVE",
            Self::TicketKeyMake => "TICKET_KEY_MAKE",
            Self::TicketKeyRetire => "TICKET_KEY_RETIRE",
            Self::CheckIn => "CHECK_IN",
            Self::ConcertEdit => "CONCERT_EDIT",
            Self::ConcertClose => "CONCERT_CLOSE",
            Self::KeyMake => "KEY_MAKE",
            Self::KeyRevoke => "KEY_REVOKE",
            Self::SaleAdd => "SALE_ADD",
            Self::SaleSet => "SALE_SET",
            Self::CodesMake => "CODES_MAKE",
            Self::CodesRevoke => "CODES_REVOKE",
            Self::SaleDraw => "SALE_DRAW",
        }
    }
}

/// What an act is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ActSubject {
    /// The queue of a sale and its settings.
    Queue(SaleId),
    Sale(SaleId),
    User(UserId),
    /// Many at once.
    Users,
    Concert(ConcertId),
    Order(OrderId),
    Reservation(ReservationId),
    Payment(PaymentId),
    /// A sold seat, by its reservation.
    Ticket(ReservationId),
    Key(OperatorKeyId),
    TicketKey(TicketKeyId),
}

impl ActSubject {
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Queue(_) => "queue",
            Self::Sale(_) => "sale",
            Self::User(_) | Self::Users => "user",
            Self::Concert(_) => "concert",
            Self::Order(_) => "order",
            Self::Reservation(_) => "reservation",
            Self::Payment(_) => "payment",
            Self::Ticket(_) => "ticket",
            Self::Key(_) => "key",
            Self::TicketKey(_) => "ticket_key",
        }
    }

    pub(crate) fn id(self) -> Option<Uuid> {
        match self {
            // The queue of the default sale goes without, as when there was no other.
            Self::Queue(sale) if sale == SaleId::DEFAULT => None,
            Self::Users => None,
            Self::Queue(id) | Self::Sale(id) => Some(id.as_uuid()),
            Self::User(id) => Some(id.as_uuid()),
            Self::Concert(id) => Some(id.as_uuid()),
            Self::Order(id) => Some(id.as_uuid()),
            Self::Reservation(id) => Some(id.as_uuid()),
            Self::Payment(id) => Some(id.as_uuid()),
            Self::Ticket(id) => Some(id.as_uuid()),
            Self::Key(id) => Some(id.as_uuid()),
            Self::TicketKey(id) => Some(id.as_uuid()),
        }
    }
}

/// Adds entries to the script of the transaction that does the acts.
pub(crate) fn write_log(script: &mut Script, entries: &[LogEntry]) {
    script.insert(&INSERT, entries, |row, entry| {
        let [was, becomes] = [&entry.before, &entry.after].map(|state| state.as_ref().map(Value::to_string));
        let row = row.bind("id", entry.id).bind("logged_at", entry.at).bind("operator", Text(&entry.by));
        let row = row.bind("key_id", entry.key).bind("act", Text(&entry.act)).bind("subject", Text(&entry.subject));
        let row = row.bind("subject_id", entry.subject_id).bind("was", was.as_deref().map(Text));
        row.bind("becomes", becomes.as_deref().map(Text)).bind("request_id", entry.request_id.as_deref().map(Text))
    });
}

/// A page of the log; `None`: the page starts after something that is no entry.
pub(crate) async fn log_entries(
    pool: &MySqlPool,
    page: &Page<LogEntryId>,
) -> Result<Option<Paged<LogEntry>>, sqlx::Error> {
    let rows = match page.starting_after() {
        None => fetch_all(pool, &NEWEST, |params| params.bind("limit", page.rows())).await?,
        Some(last) => {
            // Entries share moments, so a page begins after a moment and an id.
            let start = fetch_optional(pool, &PAGE_START, |params| params.bind("id", last)).await?;
            let Some(start) = start else { return Ok(None) };
            let at: Timestamp = start.try_get("logged_at")?;
            let older = fetch_all(pool, &OLDER, |params| {
                params.bind("at", at).bind("at", at).bind("id", last).bind("limit", page.rows())
            });
            older.await?
        }
    };
    Ok(Some(page.of(rows.iter().map(read_entry).collect::<Result<_, _>>()?)))
}

/// What was done to one thing, newest first, `limit` entries at most.
pub(crate) async fn entries_about(
    pool: &MySqlPool,
    subject: ActSubject,
    limit: u32,
) -> Result<Vec<LogEntry>, sqlx::Error> {
    let rows = fetch_all(pool, &ABOUT, |params| {
        let params = params.bind("subject", Keyword::new(subject.kind())).bind("subject_id", subject.id());
        params.bind("limit", limit)
    });
    rows.await?.iter().map(read_entry).collect()
}

/// The swaps of seats of some concerts, newest first, `limit` at most.
pub(crate) async fn swaps_of(
    pool: &MySqlPool,
    concerts: &[ConcertId],
    limit: u32,
) -> Result<Vec<LogEntry>, sqlx::Error> {
    let rows = fetch_all(pool, &SWAPS_OF, |params| params.list("concerts", concerts).bind("limit", limit));
    rows.await?.iter().map(read_entry).collect()
}

fn read_entry(row: &MySqlRow) -> Result<LogEntry, sqlx::Error> {
    let state = |column| {
        let text: Option<&str> = row.try_get(column)?;
        text.map(serde_json::from_str).transpose().map_err(|error| sqlx::Error::Decode(error.into()))
    };
    Ok(LogEntry {
        id: row.try_get("id")?,
        at: row.try_get("logged_at")?,
        by: row.try_get("operator")?,
        key: row.try_get("key_id")?,
        act: row.try_get("act")?,
        subject: row.try_get("subject")?,
        subject_id: row.try_get("subject_id")?,
        before: state("was")?,
        after: state("becomes")?,
        request_id: row.try_get("request_id")?,
    })
}
