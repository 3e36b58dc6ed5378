//! Passwords: argon2id, off the async threads, few at once. Log-ins and sign-ups have slots of their own, so that a flood
//! of one never stops the other.

use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use crate::error::Error;

/// A password in the clear: 8 to 256 bytes. Never printed.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

const SHORTEST: usize = 8;
const LONGEST: usize = 256;
/// How many callers may wait for slots of one kind; at two at once and 30 ms each, the last one waits about 4 s.
const MOST_WAITING: usize = 256;
/// How long a caller waits for a slot, however slow the machine is.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

impl Password {
    /// Takes the password of a log-in as it is. One that no user can have is simply wrong.
    #[must_use]
    pub fn unchecked(text: &str) -> Self {
        Self(SecretString::from(text))
    }
}

impl FromStr for Password {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if !(SHORTEST..=LONGEST).contains(&text.len()) {
            return Err(Error::invalid(format!("a password is {SHORTEST} to {LONGEST} bytes")));
        }
        Ok(Self(SecretString::from(text)))
    }
}

/// Hashes and verifies with argon2id's defaults (19 MiB, 2 passes: OWASP's recommendation).
pub(crate) struct Passwords {
    log_ins: Slots,
    sign_ups: Slots,
    /// A log-in with an unknown name is verified against this, so that it takes as long as any other.
    decoy: OnceLock<String>,
}

impl Passwords {
    /// `at_once`: the slots of each kind.
    pub(crate) fn new(at_once: usize) -> Self {
        let slots = |kind| Slots {
            free: Arc::new(Semaphore::new(at_once)),
            waiting: AtomicUsize::new(0),
            longest_wait: LONGEST_WAIT,
            kind,
        };
        Self { log_ins: slots("log-in"), sign_ups: slots("sign-up"), decoy: OnceLock::new() }
    }

    /// The PHC string of a password of a sign-up.
    pub(crate) async fn hash(&self, password: &Password) -> Result<String, Error> {
        let password = password.clone();
        self.sign_ups.run(move || hash(&password)).await?
    }

    /// Whether a repeated sign-up has the password that `phc` was made from.
    pub(crate) async fn verify_sign_up(&self, password: &Password, phc: &str) -> Result<bool, Error> {
        let (password, phc) = (password.clone(), phc.to_owned());
        self.sign_ups.run(move || matches(&password, &phc)).await
    }

    /// Whether `password` is the one that `phc` was made from. Without a PHC string it takes as long, and returns
    /// false.
    pub(crate) async fn verify(&self, password: &Password, phc: Option<&str>) -> Result<bool, Error> {
        // No user can have a longer password. It is verified as an empty one, so that its length costs no more work.
        let plausible = password.0.expose_secret().len() <= LONGEST;
        let decoy = match self.decoy.get() {
            Some(decoy) => decoy,
            None => {
                let made = self.log_ins.run(|| hash(&Password::unchecked("decoy"))).await??;
                // Two log-ins may have made one each: either will do.
                self.decoy.get_or_init(|| made)
            }
        };
        // Without a user there is as much work, so the time does not tell whether the name exists.
        let against = phc.filter(|_| plausible).unwrap_or(decoy).to_owned();
        let password = if plausible { password.clone() } else { Password::unchecked("") };
        let matches = self.log_ins.run(move || matches(&password, &against)).await?;
        Ok(matches && plausible && phc.is_some())
    }
}

/// What bounds how many hash at once, and how many wait for it.
struct Slots {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    longest_wait: Duration,
    kind: &'static str,
}

impl Slots {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let waiting = Waiting::enter(self)?;
        let free = tokio::time::timeout(self.longest_wait, Arc::clone(&self.free).acquire_owned()).await;
        let permit = free.map_err(|_| self.overloaded())?.map_err(Error::internal)?;
        drop(waiting);
        tokio::task::spawn_blocking(move || {
            // The slot is given back by the work: a caller that went away leaves it running, and it must count as long.
            let done = work();
            drop(permit);
            done
        })
        .await
        .map_err(Error::internal)
    }

    const fn overloaded(&self) -> Error {
        Error::Overloaded { lane: self.kind }
    }
}

fn matches(password: &Password, phc: &str) -> bool {
    PasswordHash::new(phc)
        .is_ok_and(|parsed| Argon2::default().verify_password(password.0.expose_secret().as_bytes(), &parsed).is_ok())
}

fn hash(password: &Password) -> Result<String, Error> {
    let hashed = Argon2::default().hash_password(password.0.expose_secret().as_bytes());
    hashed.map(|phc| phc.to_string()).map_err(|error| Error::internal(std::io::Error::other(error.to_string())))
}

/// Counts a caller who waits for a slot, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(slots: &'a Slots) -> Result<Self, Error> {
        // Made before the check: dropped where that fails, it takes the count back.
        let place = Self(&slots.waiting);
        if slots.waiting.fetch_add(1, Ordering::Relaxed) >= MOST_WAITING {
            return Err(slots.overloaded());
        }
        Ok(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flood_of_one_kind_leaves_the_slots_of_the_other_and_waiting_has_a_bound() {
        let mut passwords = Passwords::new(1);
        passwords.sign_ups.longest_wait = Duration::from_millis(20);
        let password: Password = "correct horse".parse().expect("a password");
        let phc = passwords.hash(&password).await.expect("a slot is free");
        let all_taken = Arc::clone(&passwords.sign_ups.free).try_acquire_owned().expect("free");
        assert!(passwords.verify(&password, Some(&phc)).await.expect("log-ins have slots of their own"));
        let refused = passwords.hash(&password).await.expect_err("no slot is free");
        assert!(matches!(refused, Error::Overloaded { lane: "sign-up" }), "{refused}");
        drop(all_taken);
        assert!(passwords.verify_sign_up(&password, &phc).await.expect("free again"));
        let places: Vec<_> = (0..MOST_WAITING).map(|_| Waiting::enter(&passwords.log_ins).expect("room")).collect();
        let refused = passwords.verify(&password, Some(&phc)).await.expect_err("too many wait");
        assert!(matches!(refused, Error::Overloaded { lane: "log-in" }), "{refused}");
        drop(places);
        assert!(passwords.verify(&password, Some(&phc)).await.expect("room again"));
    }
}
