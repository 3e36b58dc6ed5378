//! The REST server of the concert box office.

use std::process::ExitCode;
use std::time::Duration;

use concert_core::BoxOffice;
use concert_core::private_db::PrivateDatabase;
use concert_server::config::Config;
use concert_server::start::{self, StartError};
use concert_server::{App, BrakeClock, Brakes, command, serve, service_manager};
use concert_settings::Settings;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Polls are small and many: the system's allocator would take a sixth of their time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long passes and reads that run when the server stops may take to finish.
const WIND_UP_DEADLINE: Duration = Duration::from_secs(5);
/// The exit code after a second signal, as shells report an interrupted program.
const INTERRUPTED: i32 = 130;

#[tokio::main]
async fn main() -> ExitCode {
    let (config, action, settings) = match command::parse() {
        Ok(parsed) => parsed,
        Err(error) => command::exit(&error),
    };
    let done = match action {
        Some(action) => action.run(&config, &settings).await,
        None => serve_until_stopped(config, &settings).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(StartError::Usage(error)) => command::exit(&error),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve_until_stopped(config: Config, settings: &Settings) -> Result<(), StartError> {
    // Bad settings first, all of them at once.
    let (config, warnings) = config.checked()?;
    let telemetry = config.start_telemetry()?;
    if let Some(file) = &settings.file {
        tracing::info!("settings are read from {}", file.display());
    }
    for warning in settings.warnings.iter().chain(&warnings) {
        tracing::warn!("{warning}");
    }
    let done = run(&config).await;
    // Last, so that the traces of the final requests are delivered as well.
    telemetry.end().await;
    done
}

async fn run(config: &Config) -> Result<(), StartError> {
    // A port that is taken first, then the database, which takes longest to say no.
    let listeners = start::listeners(config)?;
    let (box_office, private) = start::box_office(config).await?;
    let shutdown = on_signals()?;
    let passes = tokio::spawn({
        let (office, shutdown) = (box_office.clone(), shutdown.clone());
        async move { office.run(shutdown.cancelled()).await }
    });
    let app =
        App::new(box_office.clone()).with_cors(config.cors_origins.clone()).with_seats_max_age(config.seats_max_age);
    let app = app.with_pages(config.pages.is_on());
    let app = app.with_brakes(Brakes::new(config.brakes.clone(), &BrakeClock::system()));
    start::say_where(&listeners, config);
    // Only now: the port is open, the schema is current and the pool is filled.
    service_manager::ready(listeners.public.local_addr()?);
    serve(listeners, app, config.limits(), shutdown).await;
    if tokio::time::timeout(WIND_UP_DEADLINE, passes).await.is_err() {
        tracing::warn!("a periodic pass is still running: aborting it");
    }
    wind_up(box_office, private).await;
    Ok(())
}

/// The first signal asks for a clean end, the second for an immediate one.
fn on_signals() -> Result<CancellationToken, StartError> {
    let shutdown = CancellationToken::new();
    // Registered before the task begins: a signal in between would end the process the hard way.
    let mut signals = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = shutdown.clone();
    tokio::spawn(async move {
        either(&mut signals).await;
        service_manager::stopping();
        token.cancel();
        either(&mut signals).await;
        std::process::exit(INTERRUPTED);
    });
    Ok(shutdown)
}

async fn either((terminate, interrupt): &mut (Signal, Signal)) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Ends the writers, and stops the private database if this process owns it.
async fn wind_up(box_office: BoxOffice, private: Option<PrivateDatabase>) {
    if tokio::time::timeout(WIND_UP_DEADLINE, box_office.shutdown()).await.is_err() {
        tracing::warn!("a write is still running: aborting it");
    }
    // A connection that hangs keeps nobody: the database ends it, or is stopped itself.
    let _ = tokio::time::timeout(WIND_UP_DEADLINE, box_office.pool().close()).await;
    drop(box_office);
    if let Some(private) = private
        && let Err(error) = private.stop().await
    {
        tracing::warn!(%error, "the private database did not stop cleanly");
    }
    tracing::info!("stopped");
}
