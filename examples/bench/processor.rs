//! Processor time as Linux counts it: of this process and of the database.

use std::fs;
use std::future::Future;
use std::path::Path;

use tokio::runtime::{Builder, Runtime};

use crate::Failure;
use crate::load::Run;

/// The unit of times in `/proc` (`USER_HZ`): hundredths of a second on every common architecture.
const TICKS_PER_SECOND: f64 = 100.0;
/// The name of the threads of [`LoadThreads`].
const LOAD: &str = "bench-load";
const LOAD_THREADS: usize = 2;

/// Processor time in seconds, user and system together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spent {
    /// Of this process, without the threads of [`LoadThreads`].
    pub process: f64,
    /// Of `mariadbd`.
    pub database: f64,
}

impl Spent {
    pub fn add(&mut self, other: Self) {
        self.process += other.process;
        self.database += other.database;
    }

    pub fn total(&self) -> f64 {
        self.process + self.database
    }
}

/// Reads the processor time of this process and of the database. What the kernel does in threads of its own, such as the
/// journal of the file system, belongs to neither.
#[derive(Debug, Clone, Copy)]
pub struct Meter {
    /// The id of the process `mariadbd`.
    database: u32,
}

impl Meter {
    /// `pid_file` is the database's.
    pub fn open(pid_file: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(pid_file).map_err(|error| format!("{}: {error}", pid_file.display()))?;
        Ok(Self { database: text.trim().parse()? })
    }

    /// Notes in the run how much processor time was spent until it was over.
    pub async fn measure(&self, load: impl Future<Output = Result<Run, Failure>>) -> Result<Run, Failure> {
        let before = self.read()?;
        let mut run = load.await?;
        let after = self.read()?;
        run.spent(Spent { process: after.process - before.process, database: after.database - before.database });
        Ok(run)
    }

    fn read(&self) -> Result<Spent, Failure> {
        let (_, all) = read_stat(Path::new("/proc/self/stat"))?;
        let database = Path::new("/proc").join(self.database.to_string()).join("stat");
        Ok(Spent { process: all - read_load_threads()?, database: read_stat(&database)?.1 })
    }
}

/// The threads of [`LoadThreads`] together.
fn read_load_threads() -> Result<f64, Failure> {
    let mut seconds = 0.0;
    for thread in fs::read_dir("/proc/self/task")? {
        // A thread may end between the two steps.
        if let Ok((name, spent)) = read_stat(&thread?.path().join("stat"))
            && name == LOAD
        {
            seconds += spent;
        }
    }
    Ok(seconds)
}

/// The name of a process or thread, and its processor time in seconds: the fields 2, 14 and 15 of proc_pid_stat(5). The
/// name, in brackets, may contain anything.
fn read_stat(path: &Path) -> Result<(String, f64), Failure> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (name, fields) = text.rsplit_once(") ").ok_or("no name in stat")?;
    let name = name.split_once('(').ok_or("no name in stat")?.1.to_owned();
    let mut times = fields.split(' ').skip(11);
    let mut next = || Ok::<f64, Failure>(times.next().ok_or("no times in stat")?.parse()?);
    Ok((name, (next()? + next()?) / TICKS_PER_SECOND))
}

/// Threads for clients alone, so that a server in this process is measured without them.
pub struct LoadThreads(Option<Runtime>);

impl LoadThreads {
    pub fn start() -> Result<Self, Failure> {
        let mut builder = Builder::new_multi_thread();
        Ok(Self(Some(builder.worker_threads(LOAD_THREADS).thread_name(LOAD).enable_all().build()?)))
    }

    /// Runs a load on these threads.
    pub async fn run<F>(&self, load: F) -> Result<Run, Failure>
    where
        F: Future<Output = Result<Run, Failure>> + Send + 'static,
    {
        let threads = self.0.as_ref().ok_or("the threads have ended")?;
        threads.spawn(load).await?
    }
}

impl Drop for LoadThreads {
    fn drop(&mut self) {
        // A runtime must not be dropped where another runs, unless it is told not to wait.
        if let Some(threads) = self.0.take() {
            threads.shutdown_background();
        }
    }
}
