//! Whether the database can be read and written: for readiness.

use std::time::Duration;

use sqlx::{MySqlConnection, MySqlPool, Row as _};
use tokio::sync::Mutex;

use crate::db::{self, Failure, within};
use crate::error::Error;
use crate::migrate;
use crate::sql::{Script, statements};

/// How long the answer may take, connecting included.
const PATIENCE: Duration = Duration::from_millis(1_500);

statements! {
    /// Some accounts may write all the same. None of ours should: somebody is moving the database elsewhere.
    IS_WRITABLE { "select cast(@@global.read_only as char) in ('0', 'OFF')" }
    /// It finds no row and takes no lock. A server that cannot write refuses it all the same: one that is read-only, or a
    /// node without quorum.
    WRITE_NOTHING { "update queue_gate set paused = paused where sale_id = x'00000000000000000000000000000000'" }
}

/// Asks, on a connection of its own, so that it neither waits for others nor takes a connection from them.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    connection: Mutex<Option<MySqlConnection>>,
}

impl Probe {
    /// Whether the database can be written and its schema is current. Answers within 1.5 s.
    pub(crate) async fn ask(&self, pool: &MySqlPool) -> Result<bool, Error> {
        match within(PATIENCE, self.ask_patiently(pool)).await {
            Err(Failure::Fatal(error)) if db::is_missing(&error) => Ok(false),
            answer => answer.map_err(Failure::into_error),
        }
    }

    async fn ask_patiently(&self, pool: &MySqlPool) -> Result<bool, Failure> {
        let mut slot = self.connection.lock().await;
        // Taken out: where this is dropped or fails, the connection is closed.
        if let Some(mut kept) = slot.take() {
            match ask(&mut kept).await {
                // The server may have closed it while nobody asked.
                Err(failure) if failure.is_silence() => {}
                answer => {
                    *slot = answer.is_ok().then_some(kept);
                    return answer;
                }
            }
        }
        let mut fresh = db::connect(&pool.connect_options()).await?;
        let answer = ask(&mut fresh).await?;
        *slot = Some(fresh);
        Ok(answer)
    }
}

async fn ask(connection: &mut MySqlConnection) -> Result<bool, Failure> {
    let mut script = Script::default();
    let applied = script.select(&migrate::APPLIED, |params| params);
    let is_writable = script.select(&IS_WRITABLE, |params| params);
    script.change("writing nothing", None, &WRITE_NOTHING, |params| params);
    let answers = script.run(connection).await?;
    if !answers.one(&is_writable)?.try_get::<bool, _>(0)? {
        return Err(Failure::Lost(sqlx::Error::Protocol("the database is read-only".to_owned())));
    }
    let applied = answers.rows(&applied).map(migrate::read_applied).collect::<Result<Vec<_>, sqlx::Error>>()?;
    Ok(migrate::is_current(&applied))
}
