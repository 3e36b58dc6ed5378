//! Ids that differ by seat, in one statement.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::SeatKey;
use crate::sql::{Keyword, SqlSlot, SqlValue, Written};

/// An id for each of some seats, those of a concert one after the other: an expression over the row of one of them.
pub(super) struct BySeat<'a>(pub(super) &'a [(SeatKey, Uuid)]);

const CONCERT_ID: Keyword = Keyword::new("concert_id");
const SEAT_NUMBER: Keyword = Keyword::new("seat_number");

impl SqlValue for BySeat<'_> {
    fn write(&self, out: SqlSlot<'_>) -> Written {
        let whole = ByNumber::new(self.0);
        if whole.0.len() == self.0.len() {
            return whole.write(out);
        }
        // Seats of several concerts share numbers, so the concert is asked first.
        let concerts = self.0.chunk_by(|(one, _), (other, _)| one.concert == other.concert);
        out.case(CONCERT_ID, concerts.map(|seats| (seats[0].0.concert, ByNumber::new(seats))))
    }
}

/// The same for seats with different numbers.
struct ByNumber(BTreeMap<i64, Uuid>);

impl ByNumber {
    fn new(seats: &[(SeatKey, Uuid)]) -> Self {
        Self(seats.iter().map(|(key, id)| (key.seat.get().into(), *id)).collect())
    }
}

impl SqlValue for ByNumber {
    fn write(&self, out: SqlSlot<'_>) -> Written {
        out.id_by_number(SEAT_NUMBER, self.0.keys().copied(), self.0.values().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ConcertId, SeatNumber};
    use crate::sql::literal;

    fn by_seat(seats: &[(u128, i64)]) -> String {
        let key = |(concert, seat): &(u128, i64)| SeatKey {
            concert: ConcertId::from_uuid(Uuid::from_u128(*concert)),
            seat: SeatNumber::new(*seat).expect("a seat"),
        };
        let values: Vec<_> = seats.iter().map(key).zip((1..).map(Uuid::from_u128)).collect();
        literal(BySeat(&values)).replace("000000000000000000000000000000", "")
    }

    #[test]
    fn a_seat_is_told_by_its_number_alone_where_that_is_enough() {
        assert_eq!(by_seat(&[(1, 7)]), "substr(x'01', 16 * interval(seat_number,7) - 15, 16)");
        let ascending = "substr(x'0201', 16 * interval(seat_number,3,7) - 15, 16)";
        assert_eq!(by_seat(&[(1, 7), (2, 3)]), ascending, "whatever the order of the seats");
        let twice = "case concert_id when x'01' then substr(x'0102', 16 * interval(seat_number,7,8) - 15, 16) \
                     when x'02' then substr(x'03', 16 * interval(seat_number,7) - 15, 16) end";
        assert_eq!(by_seat(&[(1, 7), (1, 8), (2, 7)]), twice);
    }
}
