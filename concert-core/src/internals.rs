//! Not part of the API: access for this repository's tests and benchmark. It may change with every version.

use crate::sql::MAX_LIST;
use crate::{
    access_code, after_sale, audit, catalog, explain, export, figures, hall, migrate, office_clock, operator, payment,
    plan, probe, queue, reservation, sale, ticket, user, wallet,
};

/// Every SQL statement of the library, those over a list for one of one, two and the longest, for the test that
/// prepares and explains them on a real database. The places of values are open: `{name}`.
pub fn statements() -> Vec<String> {
    let folders = [
        queue::STATEMENTS,
        reservation::STATEMENTS,
        wallet::STATEMENTS,
        payment::STATEMENTS,
        after_sale::STATEMENTS,
        ticket::STATEMENTS,
        operator::STATEMENTS,
        user::STATEMENTS,
        access_code::STATEMENTS,
        hall::STATEMENTS,
        export::STATEMENTS,
        catalog::STATEMENTS,
        plan::STATEMENTS,
    ]
    .concat();
    let files = [
        figures::STATEMENTS,
        explain::STATEMENTS,
        migrate::STATEMENTS,
        office_clock::STATEMENTS,
        probe::STATEMENTS,
        sale::STATEMENTS,
    ];
    let all = folders.into_iter().chain(files).flatten().copied().chain(audit::statements());
    let mut texts: Vec<_> = all.flat_map(|statement| [1, 2, MAX_LIST].map(|length| statement.text(length))).collect();
    texts.dedup();
    texts
}

/// The positions of tickets among `waiting`, from the snapshot that polls are answered from: for the benchmark that
/// measures a rank alone.
#[cfg(feature = "internals")]
pub fn positions(waiting: impl IntoIterator<Item = u64>) -> impl Fn(u64) -> Option<u64> {
    queue::positions(waiting)
}

/// The access token of a session that begins now, as a log-in gives it, for a user whose sessions were never revoked: for the
/// rehearsal, whose crowd has logged in before the evening. `None`: the box office has no keys.
#[cfg(all(feature = "internals", feature = "jwt", feature = "password"))]
pub fn session_of(
    office: &crate::BoxOffice,
    user: crate::UserId,
    expires_at: crate::Timestamp,
) -> Result<Option<String>, crate::Error> {
    let ticket = crate::SessionTicket { user, session: crate::id::SessionId::generate(), expires_at };
    office.policy().sign(&crate::jwt::Claims::of_session(&ticket, 0, office.now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_is_whole() {
        let texts = statements();
        assert!(texts.len() > 100, "all that the modules declare");
        for text in texts {
            let open = text.matches('{').count();
            assert_eq!(open, text.matches('}').count(), "each place is closed: {text}");
            assert!(
                !text.contains("{each}") && !text.contains("{guard}"),
                "what the script fills in is left out: {text}"
            );
        }
    }
}
