//! What a service manager is told, by systemd's notify protocol. Where there is none, nothing is sent.

use std::net::SocketAddr;
use std::time::Duration;

use sd_notify::NotifyState;

/// How many signs of life are sent in the time after which a service manager takes a silent process for hung.
const SIGNS_PER_LIMIT: u32 = 3;

/// Says that the server serves; from then on also that it is alive, where the service manager watches for that.
///
/// The signs come from a task among those that answer requests: when none of these run any more, the signs end, too.
/// Must be called within a tokio runtime.
pub fn ready(address: SocketAddr) {
    send(&[NotifyState::Ready, NotifyState::Status(&format!("serving on http://{address}"))]);
    if let Some(limit) = sd_notify::watchdog_enabled() {
        tokio::spawn(send_signs_of_life(limit / SIGNS_PER_LIMIT));
    }
}

/// Says that the server is ending: requests in flight are finished first.
pub fn stopping() {
    send(&[NotifyState::Stopping, NotifyState::Status("finishing the requests in flight")]);
}

/// Until the process ends, since stopping can take longer than the limit.
async fn send_signs_of_life(every: Duration) {
    // An interval of zero would panic.
    let mut ticks = tokio::time::interval(every.max(Duration::from_millis(1)));
    // After a pause of the machine one sign is enough; a burst of late ones says nothing more.
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        send(&[NotifyState::Watchdog]);
    }
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
