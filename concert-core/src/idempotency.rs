//! Idempotency keys: what derives from them, and how a repeated request is told from another one.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::error::Error;
use crate::id::UserId;
use crate::sql::{SqlSlot, SqlValue, Written};

/// A key that a client makes up, so that a repeated request is carried out once: 1 to 255 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// The longest idempotency key, in characters.
const LONGEST_KEY: usize = 255;
/// The UUIDv5 namespace of ids that are derived from idempotency keys.
const NAMESPACE: Uuid = Uuid::from_u128(0x5e2b_f6f0_6d2c_4f0c_9b53_64f1_8c1f_9a6d);

impl IdempotencyKey {
    pub(crate) fn derive(&self, user: UserId, route: &str) -> Uuid {
        Uuid::new_v5(&NAMESPACE, format!("{user}|{route}|{}", self.0).as_bytes())
    }

    /// The id of what an operator makes with this key.
    pub(crate) fn derive_for_operator(&self, operator: &str, route: &str) -> Uuid {
        Uuid::new_v5(&NAMESPACE, format!("operator {operator}|{route}|{}", self.0).as_bytes())
    }

    /// The id of the user who signs up with this key. It depends on the name: a key is nobody's before there is a user,
    /// and two people who make up the same one must not meet.
    pub(crate) fn derive_user(&self, name: &str) -> UserId {
        let of_name = Uuid::new_v5(&NAMESPACE, format!("users|{name}").as_bytes());
        UserId::from_uuid(Uuid::new_v5(&of_name, self.0.as_bytes()))
    }
}

impl FromStr for IdempotencyKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fits = (1..=LONGEST_KEY).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if !fits {
            return Err(Error::invalid(format!(
                "an idempotency key is 1 to {LONGEST_KEY} printable ASCII characters, a UUID for instance"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A digest of all that a request with an idempotency key asks for. It is stored with the first row that the request
/// makes, so that the same key with another request is told from a repeated one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint(Uuid);

impl Fingerprint {
    /// A version 5 UUID. Only the owner of a key could gain from a collision, and would only miss a refusal.
    pub(crate) fn of(parts: &[&dyn fmt::Display]) -> Self {
        let mut text = String::new();
        for part in parts {
            let part = part.to_string();
            // With their lengths, so that no two lists of parts make one text.
            text.extend([part.len().to_string().as_str(), ":", &part]);
        }
        Self(Uuid::new_v5(&NAMESPACE, text.as_bytes()))
    }

    pub(crate) fn from_column(stored: Option<Uuid>) -> Option<Self> {
        stored.map(Self)
    }

    pub(crate) const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl SqlValue for Fingerprint {
    fn write(&self, out: SqlSlot<'_>) -> Written {
        self.0.write(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_of_each_part_and_of_their_order() {
        let of = |parts: [&dyn fmt::Display; 2]| Fingerprint::of(&parts);
        assert_eq!(of([&1, &"a"]), of([&"1", &"a"]));
        assert_ne!(of([&"1", &"a"]), of([&"a", &"1"]));
        assert_ne!(of([&"1a", &""]), of([&"1", &"a"]));
        assert_ne!(of([&"1:a", &"1"]), of([&"1", &"a1:1"]));
    }

    #[test]
    fn a_key_of_a_sign_up_is_bound_to_the_name() {
        let key: IdempotencyKey = "k".parse().expect("a key");
        assert_eq!(key.derive_user("anna"), key.derive_user("anna"));
        assert_ne!(key.derive_user("anna"), key.derive_user("ben"));
        let longer: IdempotencyKey = "k|x".parse().expect("a key");
        assert_ne!(key.derive_user("x|k"), longer.derive_user("x"));
    }
}
