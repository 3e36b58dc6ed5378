//! What buyers see of the hall.

use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::GzDecoder;
use rand::RngExt as _;
use rand::rngs::SmallRng;
use serde::Deserialize;

use crate::Failure;
use crate::wire::Answer;

/// Of the free seats, in order from the front, people want the one at `u ^ TASTE`, where `u` is drawn evenly: the front
/// ones most.
const TASTE: i32 = 2;

/// The free seats as somebody saw them, from the front.
#[derive(Debug, Clone)]
pub struct View {
    pub etag: String,
    pub free: Arc<Vec<i32>>,
}

impl View {
    /// Seats beside each other, more or less, that somebody would like; fewer where there are no more.
    pub fn choose(&self, rng: &mut SmallRng, count: usize) -> Vec<i32> {
        let last = (self.free.len() + 1).saturating_sub(count).max(1);
        let nth = rng.random::<f64>().powi(TASTE) * last as f64;
        self.free.iter().skip(nth as usize).take(count).copied().collect()
    }
}

/// The last list that anyone got. Each buyer gets one of its own over the wire; equal ones are read once.
#[derive(Default)]
pub struct Hall(Mutex<Option<View>>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seat {
    seat_number: i32,
    available: bool,
}

impl Hall {
    /// What an answer that has a list shows.
    pub fn view(&self, answer: &Answer) -> Result<View, Failure> {
        let etag = answer.header("etag").ok_or("seats without an ETag")?;
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = last.as_ref().filter(|view| view.etag == etag) {
            return Ok(view.clone());
        }
        let view = View { etag: etag.to_owned(), free: Arc::new(free_seats(answer)?) };
        *last = Some(view.clone());
        Ok(view)
    }
}

fn free_seats(answer: &Answer) -> Result<Vec<i32>, Failure> {
    let mut unpacked = Vec::new();
    let json = if answer.header("content-encoding") == Some("gzip") {
        GzDecoder::new(answer.body.as_slice()).read_to_end(&mut unpacked)?;
        &unpacked
    } else {
        &answer.body
    };
    let seats: Vec<Seat> = serde_json::from_slice(json)?;
    Ok(seats.into_iter().filter(|seat| seat.available).map(|seat| seat.seat_number).collect())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn so_many_seats_are_chosen_or_what_is_left() {
        let mut rng = SmallRng::seed_from_u64(1);
        let mut view = View { etag: String::new(), free: Arc::new((1..=10).collect()) };
        for count in 1..=4 {
            let chosen = view.choose(&mut rng, count);
            assert_eq!(chosen.len(), count);
            assert!(chosen.is_sorted_by(|a, b| a + 1 == *b), "{chosen:?}");
        }
        view.free = Arc::new(vec![7, 9]);
        assert_eq!(view.choose(&mut rng, 4), [7, 9]);
        view.free = Arc::default();
        assert!(view.choose(&mut rng, 2).is_empty());
    }
}
