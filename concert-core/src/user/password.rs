//! Passwords: argon2id, off the async threads, few at once.

use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

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
/// How many callers may wait for a hash; at two at once and 30 ms each, the last one waits about 4 s.
const MOST_WAITING: usize = 256;

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
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// A log-in with an unknown name is verified against this, so that it takes as long as any other.
    decoy: OnceLock<String>,
}

impl Passwords {
    pub(crate) fn new(at_once: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(at_once)), waiting: AtomicUsize::new(0), decoy: OnceLock::new() }
    }

    /// The PHC string of a password.
    pub(crate) async fn hash(&self, password: &Password) -> Result<String, Error> {
        let password = password.clone();
        self.run(move || hash(&password)).await?
    }

    /// Whether `password` is the one that `phc` was made from. Without a PHC string it takes as long, and returns
    /// false.
    pub(crate) async fn verify(&self, password: &Password, phc: Option<&str>) -> Result<bool, Error> {
        // No user can have a longer password. It is verified as an empty one, so that its length costs no more work.
        let plausible = password.0.expose_secret().len() <= LONGEST;
        let decoy = match self.decoy.get() {
            Some(decoy) => decoy,
            None => {
                let made = self.run(|| hash(&Password::unchecked("decoy"))).await??;
                self.decoy.get_or_init(|| made)
            }
        };
        let against = phc.filter(|_| plausible).unwrap_or(decoy).to_owned();
        let password = if plausible { password.clone() } else { Password::unchecked("") };
        let matches = self
            .run(move || {
                PasswordHash::new(&against).is_ok_and(|parsed| {
                    Argon2::default().verify_password(password.0.expose_secret().as_bytes(), &parsed).is_ok()
                })
            })
            .await?;
        Ok(matches && plausible && phc.is_some())
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _waiting = Waiting::enter(&self.waiting)?;
        let permit = Arc::clone(&self.slots).acquire_owned().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        })
        .await
        .map_err(Error::internal)
    }
}

fn hash(password: &Password) -> Result<String, Error> {
    let hashed = Argon2::default().hash_password(password.0.expose_secret().as_bytes());
    hashed.map(|phc| phc.to_string()).map_err(|error| Error::internal(std::io::Error::other(error.to_string())))
}

/// Counts a caller who waits for a hash, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a AtomicUsize) -> Result<Self, Error> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= MOST_WAITING {
            return Err(Error::Overloaded { lane: "password" });
        }
        Ok(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
