use sha2::{Digest as _, Sha256};

use super::*;

fn key(nth: u32) -> DrawKey {
    DrawKey::new(Sha256::digest(format!("draw {nth}")).into())
}

/// The p-value of a chi-square statistic, by the approximation of Wilson and Hilferty (1931).
fn p_value(chi_square: f64, degrees: f64) -> f64 {
    let spread = 2.0 / (9.0 * degrees);
    let z = ((chi_square / degrees).cbrt() - (1.0 - spread)) / spread.sqrt();
    // The upper tail of the normal distribution, to 1e-7 (Abramowitz and Stegun, 26.2.17).
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let poly =
        t * (0.319_381_53 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt() * poly;
    if z > 0.0 { tail } else { 1.0 - tail }
}

#[test]
fn a_place_says_nothing_about_when_one_came() {
    const PEOPLE: u64 = 1_000_000;
    const CELLS: usize = 10;
    for nth in 0..10 {
        let places = Places::of_draw(&key(nth), PEOPLE);
        let mut squares = 0.0;
        let mut cells = [[0_u32; CELLS]; CELLS];
        let cell = |number: u64| ((number - 1) * CELLS as u64 / PEOPLE) as usize;
        for (ticket, place) in places.iter() {
            squares += (ticket as f64 - place as f64).powi(2);
            cells[cell(ticket)][cell(place)] += 1;
        }
        let people = PEOPLE as f64;
        let spearman = 1.0 - 6.0 * squares / (people * (people * people - 1.0));
        assert!(spearman.abs() < 0.01, "draw {nth}: {spearman}");
        let expected = people / (CELLS * CELLS) as f64;
        let chi_square: f64 =
            cells.iter().flatten().map(|found| (f64::from(*found) - expected).powi(2) / expected).sum();
        // Each tenth of the tickets has as many places as there are, so 9 x 9 cells are free.
        let p = p_value(chi_square, ((CELLS - 1) * (CELLS - 1)) as f64);
        assert!(p > 0.01, "draw {nth}: chi-square {chi_square}, p {p}");
    }
}

/// Percentage points of the distribution, from tables.
#[test]
fn the_measure_itself_is_right() {
    for (chi_square, degrees, expected) in [(103.010, 81.0, 0.05), (113.512, 81.0, 0.01), (61.262, 81.0, 0.95)] {
        let p = p_value(chi_square, degrees);
        assert!((p - expected).abs() < 0.001, "{chi_square}: {p}");
    }
}

#[test]
fn every_ticket_has_a_place_of_its_own() {
    for count in [0, 1, 2, 3, 1_000, 65_537] {
        let places = Places::of_draw(&key(0), count);
        let mut drawn: Vec<_> = places.iter().map(|(_, place)| place).collect();
        drawn.sort_unstable();
        assert!(drawn.into_iter().eq(1..=count));
        assert!(places.iter().zip(1..).all(|(pair, ticket)| pair == (ticket, places.place_of(ticket))));
        assert_eq!([0, count + 1, u64::MAX].map(|ticket| places.place_of(ticket)), [0, count + 1, u64::MAX]);
    }
}

/// All orders of four tickets, over many keys.
#[test]
fn every_order_is_equally_likely() {
    let mut found = hashbrown::HashMap::new();
    for nth in 0..24_000 {
        let order: Vec<_> = Places::of_draw(&key(nth), 4).iter().map(|(_, place)| place).collect();
        *found.entry(order).or_insert(0.0) += 1.0;
    }
    let chi_square: f64 = found.values().map(|times: &f64| (times - 1_000.0).powi(2) / 1_000.0).sum();
    assert_eq!(found.len(), 24);
    assert!(p_value(chi_square, 23.0) > 0.01, "{chi_square}");
}

#[test]
fn words_that_would_favour_some_are_rejected() {
    let draw = |choices, words: &[u32]| {
        let mut words = words.iter().copied();
        let chosen = below(choices, || words.next().expect("a word"));
        (chosen, words.len())
    };
    // 2^32 is 3 x 1 431 655 765 + 1: the last word alone is too many.
    assert_eq!(draw(3, &[u32::MAX, 5]), (2, 0));
    assert_eq!(draw(3, &[u32::MAX - 1, 5]), (2, 1));
    // 2^31 + 1 choices: nearly half of the words are.
    assert_eq!(draw((1 << 31) + 1, &[u32::MAX, (1 << 31) + 1, 1 << 31]), (1 << 31, 0));
    assert_eq!(draw(2, &[u32::MAX, 5]), (1, 1), "a power of two takes every word");
    assert_eq!(draw(1, &[77]), (0, 0));
}
