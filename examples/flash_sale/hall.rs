//! What buyers see of the hall.

use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
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

/// A hall, as buyers see it: the states of its seats as they were last sent to anyone. Each buyer gets them over the wire;
/// equal ones are read once.
pub struct Hall {
    /// The seats in the order of the plan, in which their states are sent.
    seats: Vec<i32>,
    last: Mutex<Option<View>>,
}

/// How many seats one byte of the states has.
const IN_ONE_BYTE: usize = 4;

impl Hall {
    pub fn new(seats: Vec<i32>) -> Self {
        Self { seats, last: Mutex::default() }
    }

    /// What an answer that has the states shows: as bytes, or in JSON.
    pub fn view(&self, answer: &Answer) -> Result<View, Failure> {
        let etag = answer.header("etag").ok_or("states without an ETag")?;
        let is_json = answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        self.view_of(etag, || {
            let content = content(answer)?;
            if is_json { states_in(&content) } else { Ok(content) }
        })
    }

    /// What states with this tag show.
    pub fn view_of(&self, tag: &str, states: impl FnOnce() -> Result<Vec<u8>, Failure>) -> Result<View, Failure> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = last.as_ref().filter(|view| view.etag == tag) {
            return Ok(view.clone());
        }
        let view = View { etag: tag.to_owned(), free: Arc::new(self.free_seats(&states()?)?) };
        *last = Some(view.clone());
        Ok(view)
    }

    /// By number. Two bits a seat, and 0 is free.
    fn free_seats(&self, states: &[u8]) -> Result<Vec<i32>, Failure> {
        if states.len() != self.seats.len().div_ceil(IN_ONE_BYTE) {
            return Err("the states are those of another hall".into());
        }
        let is_free = |nth: usize| states[nth / IN_ONE_BYTE] >> (nth % IN_ONE_BYTE * 2) & 3 == 0;
        let free = self.seats.iter().enumerate().filter(|(nth, _)| is_free(*nth));
        let mut free: Vec<_> = free.map(|(_, number)| *number).collect();
        free.sort_unstable();
        Ok(free)
    }
}

/// The body of an answer, as it was before it was compressed.
pub fn content(answer: &Answer) -> Result<Vec<u8>, Failure> {
    if answer.header("content-encoding") != Some("gzip") {
        return Ok(answer.body.clone());
    }
    let mut unpacked = Vec::new();
    GzDecoder::new(answer.body.as_slice()).read_to_end(&mut unpacked)?;
    Ok(unpacked)
}

/// The bytes of the states in their JSON form.
pub fn states_in(json: &[u8]) -> Result<Vec<u8>, Failure> {
    #[derive(Deserialize)]
    struct States {
        state: String,
    }
    let States { state } = serde_json::from_slice(json)?;
    Ok(BASE64.decode(state)?)
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

    #[test]
    fn free_seats_are_those_whose_bits_are_0_in_the_order_of_the_plan() {
        let hall = Hall::new(vec![9, 1, 2, 3, 7]);
        assert_eq!(hall.free_seats(&[0b11_00_01_00, 0b10]).expect("reads"), [2, 9]);
        assert!(hall.free_seats(&[0]).is_err());
    }
}
