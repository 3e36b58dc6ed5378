//! Values that differ by seat, in one statement.

use std::collections::HashSet;

use super::SeatKey;
use crate::sql::{Keyword, SqlSlot, SqlValue, Written};

/// A value for each of some seats, those of a concert one after the other: an expression over the row of one of them.
pub(super) struct BySeat<'a, V>(pub(super) &'a [(SeatKey, V)]);

const CONCERT_ID: Keyword = Keyword::new("concert_id");
const SEAT_NUMBER: Keyword = Keyword::new("seat_number");

impl<V: SqlValue> SqlValue for BySeat<'_, V> {
    fn write(&self, out: SqlSlot<'_>) -> Written {
        let numbers: HashSet<_> = self.0.iter().map(|(key, _)| key.seat).collect();
        if numbers.len() == self.0.len() {
            return ByNumber(self.0).write(out);
        }
        // Seats of several concerts share numbers, so the concert is asked first.
        let concerts = self.0.chunk_by(|(one, _), (other, _)| one.concert == other.concert);
        out.case(CONCERT_ID, concerts.map(|seats| (seats[0].0.concert, ByNumber(seats))))
    }
}

/// The same for seats with different numbers.
struct ByNumber<'a, V>(&'a [(SeatKey, V)]);

impl<V: SqlValue> SqlValue for ByNumber<'_, V> {
    fn write(&self, out: SqlSlot<'_>) -> Written {
        match self.0 {
            [(_, value)] => value.write(out),
            seats => out.case(SEAT_NUMBER, seats.iter().map(|(key, value)| (key.seat, value))),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::{ConcertId, SeatNumber};
    use crate::sql::literal;

    fn by_seat(seats: &[(u128, i64)]) -> String {
        let key = |(concert, seat): &(u128, i64)| SeatKey {
            concert: ConcertId::from_uuid(Uuid::from_u128(*concert)),
            seat: SeatNumber::new(*seat).expect("a seat"),
        };
        let values: Vec<_> = seats.iter().map(key).zip(1..).map(|(key, value): (_, i32)| (key, value)).collect();
        literal(BySeat(&values)).replace("000000000000000000000000000000", "")
    }

    #[test]
    fn a_seat_is_told_by_its_number_alone_where_that_is_enough() {
        assert_eq!(by_seat(&[(1, 7)]), "1");
        assert_eq!(by_seat(&[(1, 7), (2, 3)]), "case seat_number when 7 then 1 when 3 then 2 end");
        let twice =
            "case concert_id when x'01' then case seat_number when 7 then 1 when 8 then 2 end when x'02' then 3 end";
        assert_eq!(by_seat(&[(1, 7), (1, 8), (2, 7)]), twice);
    }
}
