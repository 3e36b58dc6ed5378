//! The states of a hall, followed as its page follows them: by a stream of server-sent events.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::Failure;
use crate::agent::NO_ANSWER;
use crate::hall::states_in;
use crate::meter::{Loads, Meter, Step};
use crate::wire::request;

/// Before a stream that has ended is opened again, at most: not all of a crowd at the same moment.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How many seats one byte of the states has.
const IN_ONE_BYTE: usize = 4;

/// A stream that is open until this is dropped.
pub struct Live {
    shown: Arc<Mutex<Shown>>,
    task: AbortHandle,
}

/// What the page shows: the states, and the id of the event that they are of.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Shown {
    tag: String,
    bits: Vec<u8>,
}

/// The seats that have changed, by their new state.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta {
    free: Vec<usize>,
    held: Vec<usize>,
    sold: Vec<usize>,
    blocked: Vec<usize>,
}

impl Live {
    /// Follows the states at `path` as long as `place` allows.
    pub fn follow(address: SocketAddr, path: &str, meter: &Arc<Meter>, place: OwnedSemaphorePermit) -> Self {
        let shown = Arc::new(Mutex::new(Shown::default()));
        let stream = Stream { address, path: path.to_owned(), meter: Arc::clone(meter), shown: Arc::clone(&shown) };
        let task = tokio::spawn(async move {
            let _place = place;
            stream.keep_open().await;
        });
        Self { shown, task: task.abort_handle() }
    }

    /// The states as they were pushed last, with their tag; `None`: nothing has come yet.
    pub fn shown(&self) -> Option<(String, Vec<u8>)> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        (!shown.tag.is_empty()).then(|| (shown.tag.clone(), shown.bits.clone()))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Stream {
    address: SocketAddr,
    path: String,
    meter: Arc<Meter>,
    shown: Arc<Mutex<Shown>>,
}

impl Stream {
    /// Opens it again when it ends, with what came last.
    async fn keep_open(&self) {
        loop {
            if self.listen().await.is_err() {
                self.meter.refused(Step::Stream, NO_ANSWER);
            }
            sleep(LONGEST_PAUSE.mul_f64(rand::random())).await;
        }
    }

    /// Listens until the server ends the stream.
    async fn listen(&self) -> Result<(), Failure> {
        let asked = Instant::now();
        let last = self.shown.lock().unwrap_or_else(PoisonError::into_inner).tag.clone();
        let mut headers = vec![("accept", "text/event-stream")];
        headers.extend((!last.is_empty()).then_some(("last-event-id", last.as_str())));
        let mut stream = BufReader::new(TcpStream::connect(self.address).await?);
        stream.write_all(&request("GET", &self.path, &headers, None)).await?;
        let head = head(&mut stream).await?;
        self.meter.answered(Step::Stream, asked.elapsed());
        if !head.starts_with("HTTP/1.1 200") {
            self.meter.refused(Step::Stream, &format!("HTTP_{}", head.get(9..12).unwrap_or_default()));
            return Ok(());
        }
        let mut text = String::new();
        while let Some(part) = chunk(&mut stream).await? {
            let mut sent = Loads { bytes: part.len() as u64, ..Loads::default() };
            text.push_str(std::str::from_utf8(&part)?);
            while let Some((event, rest)) = text.split_once("\n\n") {
                sent.events += u64::from(self.shown.lock().unwrap_or_else(PoisonError::into_inner).take(event)?);
                text = rest.to_owned();
            }
            self.meter.loaded(Step::Stream, sent);
        }
        Ok(())
    }
}

impl Shown {
    /// Takes an event over; returns whether it was one: signs of life are none.
    fn take(&mut self, event: &str) -> Result<bool, Failure> {
        let field = |name: &str| {
            let lines = event.lines().filter_map(|line| line.split_once(':'));
            lines.rev().find(|(found, _)| *found == name).map(|(_, value)| value.trim_start())
        };
        let Some(data) = field("data") else { return Ok(false) };
        match field("event") {
            Some("state") => self.bits = states_in(data.as_bytes())?,
            Some("delta") => self.change(&serde_json::from_str(data)?)?,
            other => return Err(format!("an unknown event {other:?}").into()),
        }
        self.tag = field("id").ok_or("an event without an id")?.to_owned();
        Ok(true)
    }

    fn change(&mut self, delta: &Delta) -> Result<(), Failure> {
        for (state, seats) in (0_u8..).zip([&delta.free, &delta.held, &delta.sold, &delta.blocked]) {
            for seat in seats {
                let byte = self.bits.get_mut(seat / IN_ONE_BYTE).ok_or("a seat that the hall does not have")?;
                let at = seat % IN_ONE_BYTE * 2;
                *byte = *byte & !(3 << at) | state << at;
            }
        }
        Ok(())
    }
}

async fn head(stream: &mut BufReader<TcpStream>) -> Result<String, Failure> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Err("the server closed the connection".into());
        }
    }
    Ok(head)
}

/// The next part of a chunked body (RFC 9112, 7.1); `None`: it is over.
async fn chunk(stream: &mut BufReader<TcpStream>) -> Result<Option<Vec<u8>>, Failure> {
    let mut size = String::new();
    stream.read_line(&mut size).await?;
    let size = usize::from_str_radix(size.trim_end(), 16)?;
    let mut part = vec![0; size + "\r\n".len()];
    stream.read_exact(&mut part).await?;
    part.truncate(size);
    Ok((size > 0).then_some(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_shown_as_the_states_and_then_what_changes() {
        let mut shown = Shown::default();
        assert!(!shown.take(":").expect("a sign of life"));
        let whole = "event:state\ndata:{\"version\":1,\"seats\":6,\"state\":\"AAA=\"}\nid:1-a";
        assert!(shown.take(whole).expect("is good"));
        let delta = "event:delta\ndata:{\"version\":1,\"held\":[1],\"sold\":[5]}\nid:1-b";
        assert!(shown.take(delta).expect("is good"));
        assert_eq!(shown, Shown { tag: "1-b".to_owned(), bits: vec![0b00_00_01_00, 0b10_00] });
        assert!(shown.take("event:delta\ndata:{\"version\":1,\"free\":[1]}\nid:1-c").expect("is good"));
        assert_eq!(shown.bits, [0, 0b10_00]);
        for bad in ["event:other\ndata:{}\nid:1", "event:delta\ndata:{\"held\":[99]}\nid:1", "event:delta\ndata:{}"] {
            assert!(shown.take(bad).is_err(), "{bad}");
        }
    }
}
