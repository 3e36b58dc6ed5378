//! Which writer takes a command.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;
use uuid::Uuid;

use super::CROWD;

/// How a lane spreads commands over its writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spread {
    /// One writer takes all, and in a crowd those with the same key go to the same writer.
    InCrowd,
    /// Commands with the same key go to the same writer as long as one of them is not answered; the first goes to the writer
    /// with the fewest. So a busy key does not delay a quiet one. Writers beyond the first connect when they are needed.
    ByKey,
}

/// The commands of a lane that are not answered yet.
pub(super) struct OpenCommands {
    spread: Spread,
    writers: usize,
    /// How many.
    all: Arc<AtomicUsize>,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    /// The writer of each key, and how many of its commands are open.
    assigned: HashMap<Uuid, (usize, usize)>,
    /// How many commands each writer has.
    open: Vec<usize>,
}

impl OpenCommands {
    pub(super) fn new(spread: Spread, writers: usize) -> Self {
        let keys = Mutex::new(Keys { assigned: HashMap::new(), open: vec![0; writers] });
        Self { spread, writers, all: Arc::default(), keys }
    }

    pub(super) const fn all(&self) -> &Arc<AtomicUsize> {
        &self.all
    }

    /// The writer of one more command. It counts among those of its key until what is returned is dropped, and among all
    /// until it is answered.
    pub(super) fn add(&self, key: Uuid) -> OpenCommand<'_> {
        // Relaxed, since the count only decides how many writers are used: being off by a few does no harm.
        let open = self.all.fetch_add(1, Ordering::Relaxed);
        if self.spread == Spread::InCrowd || self.writers == 1 {
            return OpenCommand { of_key: None, writer: writer_for(key, open, self.writers) };
        }
        let mut keys = self.keys();
        let idlest = || (0..self.writers).min_by_key(|writer| keys.open[*writer]).unwrap_or_default();
        let writer = keys.assigned.get(&key).map_or_else(idlest, |(writer, _)| *writer);
        keys.assigned.entry(key).or_insert((writer, 0)).1 += 1;
        keys.open[writer] += 1;
        OpenCommand { of_key: Some((self, key)), writer }
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        // A panic leaves no count half changed: each change is an addition.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A command that counts among those of its key.
pub(super) struct OpenCommand<'o> {
    of_key: Option<(&'o OpenCommands, Uuid)>,
    pub(super) writer: usize,
}

impl Drop for OpenCommand<'_> {
    fn drop(&mut self) {
        let Some((commands, key)) = self.of_key else { return };
        let mut keys = commands.keys();
        keys.open[self.writer] -= 1;
        if let Some((_, open)) = keys.assigned.get_mut(&key) {
            *open -= 1;
            if *open == 0 {
                // Forgotten, or the map would grow with every key that was ever seen.
                keys.assigned.remove(&key);
            }
        }
    }
}

/// Which of `writers` takes a command while `open` others are not answered yet.
fn writer_for(key: Uuid, open: usize, writers: usize) -> usize {
    let used = if open < CROWD { 1 } else { writers };
    // The low bits of a UUID are the random ones, in v5 and v7 alike.
    (key.as_u128() % used as u128) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_spread_by_key_and_fewer_go_to_one_writer() {
        let keys = [4, 5, 6, 7].map(Uuid::from_u128);
        assert_eq!(keys.map(|key| writer_for(key, CROWD - 1, 3)), [0; 4]);
        assert_eq!(keys.map(|key| writer_for(key, CROWD, 3)), [1, 2, 0, 1]);
        assert_eq!(keys.map(|key| writer_for(key, CROWD, 1)), [0; 4]);
    }

    #[test]
    fn a_busy_key_keeps_its_writer_and_leaves_the_others_to_quiet_ones() {
        let commands = OpenCommands::new(Spread::ByKey, 2);
        let [busy, quiet, third] = [8, 9, 10].map(Uuid::from_u128);
        let crowd: Vec<_> = (0..5).map(|_| commands.add(busy)).collect();
        assert!(crowd.iter().all(|command| command.writer == 0));
        let (one, other) = (commands.add(quiet), commands.add(third));
        assert_eq!([one.writer, other.writer], [1, 1], "the writer with the fewest");
        drop(crowd);
        assert_eq!(commands.add(busy).writer, 0);
        drop(one);
        assert_eq!(commands.add(quiet).writer, 0, "once it is answered, it may go elsewhere");
        assert_eq!(commands.keys().assigned.len(), 1);
    }
}
