//! Clusters whose nodes apply each other's transactions a moment later. What was committed through one node may not be
//! there yet on another, so "there is no such" is no answer before the node has caught up.

use sqlx::{Executor as _, MySqlConnection, Row as _};

use super::bounds::{CONNECT, ROUND_TRIP, within};

/// What a server is a node of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cluster {
    /// Nothing: what is committed is there.
    Single,
    Galera,
    GroupReplication,
}

impl Cluster {
    pub(crate) async fn of(connection: &mut MySqlConnection) -> Result<Self, sqlx::Error> {
        // MariaDB has `wsrep_on` without a cluster as well, as OFF; the name of a group is set on its members only.
        let show = "show global variables where (variable_name = 'wsrep_on' and value = 'ON') \
             or (variable_name = 'group_replication_group_name' and value <> '')";
        let found = within(CONNECT, connection.fetch_optional(show)).await?;
        Ok(match found.map(|row| row.try_get::<String, _>(0)).transpose()?.as_deref() {
            Some("wsrep_on") => Self::Galera,
            Some(_) => Self::GroupReplication,
            None => Self::Single,
        })
    }

    /// Waits until this node has applied all that was committed in the cluster so far; `false`: there is nothing to
    /// wait for. Must not be called within a transaction, where the servers do not wait.
    pub(crate) async fn catch_up(self, connection: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
        // Under these settings every reading waits first. The gates are a small table to read.
        let wait = match self {
            Self::Single => return Ok(false),
            Self::Galera => {
                "set session wsrep_sync_wait = 1; select count(*) from queue_gate; set session wsrep_sync_wait = 0"
            }
            Self::GroupReplication => {
                "set session group_replication_consistency = 'BEFORE'; select count(*) from queue_gate; \
                 set session group_replication_consistency = 'EVENTUAL'"
            }
        };
        within(ROUND_TRIP, connection.execute(wait)).await?;
        metrics::counter!("concert_catch_ups_total").increment(1);
        Ok(true)
    }
}
