//! The buyers' requests: over connections that they share, again after failures, measured.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::Failure;
use crate::meter::{Meter, Step};
use crate::wire::{Answer, Client};

/// For how long a request is made again while it gets no answer, or one that the server is to blame for.
const PATIENCE: Duration = Duration::from_secs(60);
/// The pause after the first failure; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Connections that nobody has used for longer are not used again: servers close theirs after 75 s.
const LONGEST_IDLE: Duration = Duration::from_secs(30);
/// The code under which requests without an answer are counted.
pub const NO_ANSWER: &str = "NO_ANSWER";

/// A request that never got an answer: whether it was carried out is not known.
#[derive(Debug)]
pub struct Unanswered {
    pub step: Step,
    /// What was seen last.
    pub last: String,
}

/// What all buyers of a server ask through.
pub struct Agent {
    address: SocketAddr,
    timeout: Duration,
    permits: Semaphore,
    /// Each with when it was used last.
    idle: Mutex<Vec<(Instant, Client)>>,
}

impl Agent {
    pub fn new(address: SocketAddr, connections: u32, timeout: Duration) -> Self {
        Self { address, timeout, permits: Semaphore::new(connections as usize), idle: Mutex::default() }
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes a request until it is answered by the box office: whatever is sent must be safe to repeat. The time that
    /// is measured is the buyer's, the wait for a connection included.
    pub async fn ask(&self, meter: &Meter, step: Step, request: &[u8]) -> Result<Answer, Unanswered> {
        let begun = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let asked = Instant::now();
            let last = match self.once(request).await {
                Ok(answer) => {
                    meter.answered(step, asked.elapsed());
                    if answer.status >= 400 {
                        meter.refused(step, &code(&answer));
                    }
                    if answer.status < 500 {
                        return Ok(answer);
                    }
                    // The server knows better than we when to come back.
                    if let Some(seconds) = answer.header("retry-after").and_then(|seconds| seconds.parse().ok()) {
                        pause = Duration::from_secs(seconds);
                    }
                    format!("{} {}", answer.status, code(&answer))
                }
                Err(failure) => {
                    meter.refused(step, NO_ANSWER);
                    failure.to_string()
                }
            };
            if begun.elapsed() > PATIENCE {
                return Err(Unanswered { step, last });
            }
            // Not all of a crowd at the same moment.
            sleep(pause.mul_f64(rand::random_range(1.0..1.5))).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn once(&self, request: &[u8]) -> Result<Answer, Failure> {
        let _permit = self.permits.acquire().await?;
        let exchange = async {
            let mut client = match self.idle() {
                Some(client) => client,
                None => Client::connect(self.address).await?,
            };
            let answer = client.ask(request).await?;
            Ok::<_, Failure>((client, answer))
        };
        let (client, answer) = timeout(self.timeout, exchange).await.map_err(|_| "no answer in time")??;
        if answer.header("connection").is_none_or(|connection| !connection.eq_ignore_ascii_case("close")) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), client));
        }
        Ok(answer)
    }

    fn idle(&self) -> Option<Client> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (used, client) = idle.pop()?;
        if used.elapsed() < LONGEST_IDLE {
            return Some(client);
        }
        // The rest have been idle for longer still.
        idle.clear();
        None
    }
}

/// The stable code of a refusal, or its bare status.
pub fn code(answer: &Answer) -> String {
    answer.text("code").unwrap_or_else(|_| format!("HTTP_{}", answer.status))
}
