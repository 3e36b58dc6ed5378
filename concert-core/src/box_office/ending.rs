//! How a box office ends.

use super::Inner;

impl Inner {
    /// Ends all lanes: waiting commands are answered, later ones are refused.
    pub(super) async fn shutdown(&self) {
        // Every field is named, so that no lane is forgotten.
        let Self {
            host: _,
            pool: _,
            scrapes,
            probe: _,
            cluster: _,
            policy: _,
            clock: _,
            views: _,
            seat_changes: _,
            #[cfg(feature = "jwt")]
                revocations: _,
            #[cfg(feature = "password")]
                passwords: _,
            queue,
            reservations,
            sweeps,
            wallets,
            payments,
            refunds,
            check_ins,
            users,
            halls,
            swaps,
            keys: _,
            ticket_keys: _,
            exports: _,
        } = self;
        tokio::join!(
            queue.shutdown(),
            reservations.shutdown(),
            sweeps.shutdown(),
            wallets.shutdown(),
            payments.shutdown(),
            refunds.shutdown(),
            check_ins.shutdown(),
            users.shutdown(),
            halls.shutdown(),
            swaps.shutdown(),
            scrapes.close(),
        );
    }
}
