//! A server between the box office and the database that can fall silent without closing a connection, as firewalls and
//! balancers do, and that can keep one question or one answer back.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, watch};

pub struct Proxy {
    pub socket: PathBuf,
    state: Arc<State>,
    _folder: tempfile::TempDir,
}

struct State {
    /// Connections below this number have fallen silent.
    silent_below: watch::Sender<usize>,
    opened: Mutex<usize>,
    trap: Mutex<Option<Trap>>,
    counts: Mutex<Vec<(&'static str, Arc<AtomicUsize>)>>,
}

/// What is kept back next, and how that is told.
struct Trap {
    /// All of these are in the question.
    parts: &'static [&'static str],
    keeps: Keeps,
    caught: Arc<Notify>,
    release: watch::Receiver<bool>,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Keeps {
    Question,
    Answer,
}

/// A question or an answer that is kept back. Dropped, it goes on its way.
pub struct Caught {
    caught: Arc<Notify>,
    release: watch::Sender<bool>,
}

impl Caught {
    /// Waits until it was caught.
    pub async fn caught(&self) {
        self.caught.notified().await;
    }

    pub fn release(self) {
        self.release.send_replace(true);
    }
}

impl Proxy {
    pub fn start(server: &MySqlConnectOptions) -> Self {
        let server = server.get_socket().expect("a unix socket").clone();
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("proxy.sock");
        let listener = UnixListener::bind(&socket).expect("binds");
        let state = Arc::new(State {
            silent_below: watch::Sender::new(0),
            opened: Mutex::new(0),
            trap: Mutex::new(None),
            counts: Mutex::default(),
        });
        tokio::spawn(accept(listener, server, Arc::clone(&state)));
        Self { socket, state, _folder: folder }
    }

    /// The same database through the proxy, in the clear, so that the proxy can read the questions.
    pub fn options(&self, database: &MySqlConnectOptions) -> MySqlConnectOptions {
        database.clone().socket(&self.socket).ssl_mode(MySqlSslMode::Disabled)
    }

    /// The connections that are open now pass nothing on any more, and stay open. New ones work.
    pub fn silence(&self) {
        let opened = *self.state.opened.lock().expect("no panic");
        self.state.silent_below.send_replace(opened);
    }

    /// Keeps the next question with these parts back, or the answer to it.
    pub fn keep_back(&self, keeps: Keeps, parts: &'static [&'static str]) -> Caught {
        let (release, released) = watch::channel(false);
        let caught = Arc::new(Notify::new());
        let trap = Trap { parts, keeps, caught: Arc::clone(&caught), release: released };
        *self.state.trap.lock().expect("no panic") = Some(trap);
        Caught { caught, release }
    }

    /// Counts the questions that have this part, from now on.
    pub fn count(&self, part: &'static str) -> Arc<AtomicUsize> {
        let count = Arc::new(AtomicUsize::new(0));
        self.state.counts.lock().expect("no panic").push((part, Arc::clone(&count)));
        count
    }
}

impl State {
    /// Counts the question, and takes the trap if it is the one.
    fn note(&self, question: &[u8]) -> Option<Trap> {
        let mut trap = self.trap.lock().expect("no panic");
        let text = String::from_utf8_lossy(question);
        for (part, count) in self.counts.lock().expect("no panic").iter() {
            count.fetch_add(usize::from(text.contains(part)), Ordering::Relaxed);
        }
        trap.take_if(|trap| trap.parts.iter().all(|part| text.contains(part)))
    }
}

async fn accept(listener: UnixListener, server: PathBuf, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        let number = {
            let mut opened = state.opened.lock().expect("no panic");
            *opened += 1;
            *opened - 1
        };
        tokio::spawn(pass_on(client, server.clone(), number, Arc::clone(&state)));
    }
}

async fn fell_silent(silenced: &mut watch::Receiver<usize>, number: usize) {
    let _ = silenced.wait_for(|below| number < *below).await;
}

async fn pass_on(mut client: UnixStream, server: impl AsRef<Path>, number: usize, state: Arc<State>) {
    let Ok(mut server) = UnixStream::connect(server).await else { return };
    let mut silenced = state.silent_below.subscribe();
    let (mut asked, mut answered) = (vec![0; 1 << 20], vec![0; 1 << 16]);
    let mut kept_answer: Option<Trap> = None;
    loop {
        tokio::select! {
            biased;
            () = fell_silent(&mut silenced, number) => break,
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let question = &asked[..length];
                if let Some(mut trap) = state.note(question) {
                    match trap.keeps {
                        Keeps::Question => {
                            trap.caught.notify_one();
                            let _ = trap.release.wait_for(|released| *released).await;
                        }
                        Keeps::Answer => kept_answer = Some(trap),
                    }
                }
                if server.write_all(question).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                if let Some(mut trap) = kept_answer.take() {
                    trap.caught.notify_one();
                    let _ = trap.release.wait_for(|released| *released).await;
                }
                if client.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
    // Silent, and open for as long as the test runs.
    let _both = (client, server);
    std::future::pending::<()>().await;
}
