//! What systemd is told: a socket of ours stands in for it.

use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::Duration;

use crate::support::process::{program, signal};

/// How long any one message may take: the start of the private database is before the first.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn systemd_is_told_that_the_server_is_ready_alive_and_stopping() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("binds");
    socket.set_read_timeout(Some(PATIENCE)).expect("sets it");
    let receive = || {
        let mut message = [0; 1024];
        let length = socket.recv(&mut message).expect("a message");
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let mut server = program("concert-server");
    server.args(["--listen", "127.0.0.1:0", "--data-dir"]).arg(folder.path().join("data"));
    server.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "300000");
    server.stderr(Stdio::null()).kill_on_drop(true);
    let mut server = server.spawn().expect("runs");

    let first = receive();
    assert!(first.contains("READY=1"), "nobody speaks before the server does, its private database included: {first}");
    assert!(first.contains("STATUS=serving on http://127.0.0.1:"), "{first}");
    for _ in 0..3 {
        assert_eq!(receive().trim_end(), "WATCHDOG=1");
    }
    signal(server.id().expect("it runs"), "TERM");
    let later: Vec<_> = std::iter::repeat_with(receive).take_while(|message| !message.contains("STOPPING=1")).collect();
    assert!(later.iter().all(|message| message.trim_end() == "WATCHDOG=1"), "{later:?}");
    assert!(server.wait().await.expect("ends").success());
}

#[tokio::test]
async fn health_asks_a_server_with_the_same_settings_and_needs_no_curl() {
    let health = |address: &str, more: &[&str]| {
        let mut health = program("concert-server");
        health.args(["health", "--listen", address]).args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
        health.output()
    };
    let nobody = health("127.0.0.1:9", &[]).await.expect("runs");
    assert_eq!(nobody.status.code(), Some(1), "nobody listens there");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let silent = listener.local_addr().expect("an address").to_string();
    let late = health(&silent, &["--within", "100ms"]).await.expect("runs");
    assert_eq!(late.status.code(), Some(1), "a server that does not answer");

    let database = crate::support::fresh_database().await;
    let url = sqlx::ConnectOptions::to_url_lossy(&database).to_string();
    let server = crate::support::process::Server::start(&url).await;
    let address = server.url.trim_start_matches("http://");
    for more in [&[][..], &["--live"]] {
        let well = health(address, more).await.expect("runs");
        assert_eq!((well.status.code(), &*well.stdout), (Some(0), &b"healthy\n"[..]));
    }
}
