use uuid::Uuid;

use super::*;

fn token(number: u128) -> TokenId {
    TokenId::from_uuid(Uuid::from_u128(number))
}

fn pending(secret: [u8; 32]) -> GateDraw {
    GateDraw::new(DrawSecret::from_bytes(Bytes32::new(secret)))
}

#[test]
fn a_draw_shows_its_secret_only_when_it_is_made() {
    let mut draw = pending([1; 32]);
    draw.take_up(1, token(1));
    let before = draw.shown();
    assert_eq!((before.secret, before.chain, before.count, before.key()), (None, None, None, None));
    assert!(!format!("{draw:?}").contains("0101"), "secrets are not printed");
    draw.make(1);
    let after = draw.shown();
    assert_eq!(after.commitment, before.commitment);
    assert_eq!(after.secret, Some(Bytes32::new([1; 32])));
    assert_eq!((after.chain, after.count), (Some(draw.chain), Some(1)));
}

#[test]
fn nothing_changes_a_draw_that_is_made() {
    let mut draw = pending([1; 32]);
    draw.take_up(1, token(1));
    draw.make(1);
    let made = draw.clone();
    draw.take_up(2, token(2));
    draw.make(2);
    assert_eq!(draw, made);
}

#[test]
fn the_key_depends_on_all_that_is_mixed_into_it() {
    let key = |secret, tokens: &[u128], value: Option<&str>| {
        let mut draw = pending([secret; 32]);
        (1..).zip(tokens).for_each(|(ticket, number)| draw.take_up(ticket, token(*number)));
        draw.public_value = value.map(|value| value.parse().expect("a value"));
        draw.make(tokens.len() as u64);
        draw.shown().key().expect("it is made")
    };
    let keys = [
        key(1, &[1, 2], None),
        key(2, &[1, 2], None),
        key(1, &[2, 1], None),
        key(1, &[1, 2, 3], None),
        key(1, &[1, 2], Some("4 8 15")),
        key(1, &[1, 2], Some("4 8 16")),
    ];
    assert!(keys.iter().enumerate().all(|(nth, one)| keys[..nth].iter().all(|other| other != one)));
}

#[test]
fn more_than_the_most_are_drawn_up_to_that() {
    let mut draw = pending([1; 32]);
    let chain = draw.chain;
    draw.take_up(MOST_DRAWN + 1, token(1));
    assert_eq!(draw.chain, chain, "the chain is over those who are drawn");
    draw.make(MOST_DRAWN + 1);
    assert_eq!(draw.count, Some(MOST_DRAWN));
}

#[test]
fn a_public_value_is_what_everybody_types_alike() {
    for good in ["4 8 15 16 23 42", "0", "로또 1173회", &"7".repeat(255)] {
        assert_eq!(good.parse::<PublicValue>().expect("is good").as_str(), good);
    }
    for bad in ["", " 4", "4 ", "4\n8", &"7".repeat(256)] {
        assert!(bad.parse::<PublicValue>().is_err(), "{bad:?}");
    }
}

/// What `docs/draw.py` computes, another program in another language; the same numbers are in `docs/src/draw.md`.
#[test]
fn the_published_vectors_are_met() {
    let vectors = include_str!("../../../../docs/draw-vectors.json");
    let vectors: Vec<serde_json::Value> = serde_json::from_str(vectors).expect("JSON");
    assert!(vectors.len() >= 4);
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().expect("a text").to_owned();
        let bytes = |name: &str| text(name).parse::<Bytes32>().expect("32 bytes");
        let mut draw = GateDraw::new(DrawSecret::from_bytes(bytes("secret")));
        let count = vector["count"].as_u64().expect("a number");
        // The ids of the vectors are their tickets.
        (1..=count).for_each(|ticket| draw.take_up(ticket, token(ticket.into())));
        draw.public_value = vector["publicValue"].as_str().map(|value| value.parse().expect("a value"));
        draw.make(count);
        let shown = draw.shown();
        assert_eq!((shown.commitment, shown.chain), (bytes("commitment"), Some(bytes("chain"))), "{vector}");
        let key = shown.key().expect("it is made");
        assert_eq!(Bytes32::new(*key.as_bytes()), bytes("key"), "{vector}");
        let places = shown.places().expect("it is made");
        for (ticket, place) in vector["places"].as_object().expect("places") {
            let place = place.as_u64().expect("a number");
            assert_eq!(places.place_of(ticket.parse().expect("a number")), place, "{vector}");
        }
    }
}

#[test]
fn a_check_finds_what_was_changed() {
    let mut draw = pending([1; 32]);
    let ids = [5, 3, 4].map(token);
    (1..).zip(ids).for_each(|(ticket, id)| draw.take_up(ticket, id));
    draw.make(3);
    let check = |tokens: &[(u64, TokenId)]| {
        let mut check = DrawCheck::new();
        tokens.iter().for_each(|(ticket, id)| check.add(*ticket, *id));
        (check.tickets_agree(3), check.chain_agrees(&draw))
    };
    let [one, two, three] = ids;
    assert_eq!(check(&[(1, one), (2, two), (3, three)]), (true, true));
    assert_eq!(check(&[(1, two), (2, one), (3, three)]), (true, false), "two have changed their tickets");
    assert_eq!(check(&[(1, one), (2, two)]), (false, false), "one is gone");
    assert_eq!(check(&[(1, one), (2, two), (4, three)]), (false, true), "one is not where it was");
    assert!(DrawCheck::commitment_agrees(&draw));
    draw.secret = DrawSecret::from_bytes(Bytes32::new([2; 32]));
    assert!(!DrawCheck::commitment_agrees(&draw));
}

#[test]
fn who_overtakes_others_is_counted() {
    use chrono::DateTime;
    let at = |seconds| DateTime::from_timestamp(seconds, 0);
    let places = Places::of_draw(&DrawKey::new([1; 32]), 4);
    let mut by_place: Vec<_> = places.iter().map(|(ticket, place)| (place, ticket)).collect();
    by_place.sort_unstable();
    let passed = |entries: [(Option<i64>, Option<i64>); 4]| {
        let mut admissions = verify::Admissions::new(places.clone());
        for ((_, ticket), (let_in, until)) in by_place.iter().zip(entries) {
            admissions.add(*ticket, let_in.and_then(at), until.and_then(at));
        }
        admissions.passed_others()
    };
    let let_in = |seconds| (Some(seconds), Some(seconds));
    assert_eq!(passed([let_in(1), let_in(1), let_in(2), (None, None)]), 0);
    assert_eq!(passed([let_in(3), let_in(1), let_in(2), (None, None)]), 2);
    assert_eq!(passed([(None, None), let_in(1), let_in(2), let_in(3)]), 3, "the first still waits");
    assert_eq!(passed([(None, Some(1)), let_in(1), let_in(2), let_in(3)]), 0, "the first has left");
}
