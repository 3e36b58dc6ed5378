//! `concert-server` in processes of their own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;

use reqwest::Client;
use serde_json::Value;

const LISTENING: &str = "listening on http://";

/// Dropped, it is killed.
pub struct Server {
    child: Child,
    pub address: String,
}

/// A server that was started and has not said yet where it listens.
pub struct Starting(Child);

impl Starting {
    /// Beside this test, as cargo has built it.
    pub fn new(url: &str) -> Self {
        let this = std::env::current_exe().expect("a path");
        let program = this.ancestors().nth(2).expect("a folder").join("concert-server");
        let child = Command::new(program)
            .args(["--listen", "127.0.0.1:0", "--database-url", url, "--jwt-secret"])
            .arg("s".repeat(32))
            .args(["--bare-join", "on", "--recharge", "everyone", "--max-active", "1000", "--log", "info"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        Self(child.expect("concert-server was built: cargo build --bins"))
    }

    /// Waits until it listens.
    pub fn listening(mut self) -> Server {
        let mut log = BufReader::new(self.0.stderr.take().expect("a log")).lines();
        let mut said = Vec::new();
        let address = loop {
            let Some(Ok(line)) = log.next() else { panic!("the server ended as it started:\n{}", said.join("\n")) };
            if let Some((_, address)) = line.split_once(LISTENING) {
                break address.split_whitespace().next().expect("an address").to_owned();
            }
            said.push(line);
        };
        // A pipe that nobody empties would stop the server.
        thread::spawn(move || log.for_each(drop));
        Server { child: self.0, address }
    }
}

impl Server {
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One request to one server: the status, 0 if there is no answer, and the body.
pub async fn ask(
    client: &Client,
    address: &str,
    (method, path): (&str, &str),
    (token, key): (Option<&str>, Option<&str>),
    body: Option<&Value>,
) -> (u16, Value) {
    let mut request = client.request(method.parse().expect("a method"), format!("http://{address}{path}"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let Ok(answer) = request.send().await else { return (0, Value::Null) };
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap_or_default();
    (status, serde_json::from_str(&text).unwrap_or_default())
}
