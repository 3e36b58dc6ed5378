//! Three MariaDB servers that are one Galera cluster, on loopback.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sqlx::{Connection as _, MySqlConnection, Row as _};
use tempfile::TempDir;

const PROVIDER: &str = "/usr/lib/galera/libgalera_smm.so";
/// The state transfer does not work as root.
const USER: &str = "mysql";
const COUNT: usize = 3;
/// How long a node may take to be part of the cluster.
const PATIENCE: Duration = Duration::from_secs(60);

/// Dropped, all nodes are killed.
pub struct Cluster {
    folder: TempDir,
    /// The first of four ports for each node: SQL, replication, incremental and full state transfer.
    first_port: u16,
    nodes: Vec<Option<Child>>,
}

impl Cluster {
    /// Starts the nodes one after the other; each is sent the state of the first.
    pub async fn start() -> Self {
        assert!(Path::new(PROVIDER).exists(), "no Galera here: `make test-cluster` installs it");
        let folder = TempDir::new().expect("a folder");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("set");
        // Below those that the system gives to clients.
        let first_port = 12_000 + (std::process::id() % 1_000) as u16 * 12;
        let mut cluster = Self { folder, first_port, nodes: (0..COUNT).map(|_| None).collect() };
        for node in 0..COUNT {
            fs::create_dir(cluster.data(node)).expect("a folder");
            run(Command::new("chown").arg(USER).arg(cluster.data(node)));
        }
        run(Command::new("mariadb-install-db")
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(format!("--user={USER}"))
            .arg(format!("--datadir={}", cluster.data(0).display())));
        for node in 0..COUNT {
            cluster.start_node(node, if node == 0 { &["--wsrep-new-cluster"] } else { &[] }).await;
        }
        cluster
    }

    pub fn url(&self, node: usize, database: &str) -> String {
        format!("mysql://root@127.0.0.1:{}/{database}", self.port(node, 0))
    }

    pub fn kill(&mut self, node: usize) {
        let mut child = self.nodes[node].take().expect("it runs");
        child.kill().expect("killed");
        child.wait().expect("ended");
    }

    /// Starts a node that was killed. It is sent what it missed, or everything.
    pub async fn restart(&mut self, node: usize) {
        self.start_node(node, &[]).await;
    }

    pub async fn connect(&self, node: usize, database: &str) -> MySqlConnection {
        MySqlConnection::connect(&self.url(node, database)).await.expect("connects")
    }

    fn data(&self, node: usize) -> PathBuf {
        self.folder.path().join(format!("node-{node}"))
    }

    fn port(&self, node: usize, purpose: u16) -> u16 {
        self.first_port + node as u16 * 4 + purpose
    }

    fn program(&self, node: usize) -> Command {
        let [sql, group, ist, sst] = [0, 1, 2, 3].map(|purpose| self.port(node, purpose));
        let all: Vec<_> = (0..COUNT).map(|node| format!("127.0.0.1:{}", self.port(node, 1))).collect();
        let options = format!(
            "base_port={group};gmcast.listen_addr=tcp://127.0.0.1:{group};ist.recv_addr=127.0.0.1:{ist};gcache.size=64M"
        );
        let mut program = Command::new("mariadbd");
        program
            .args(["--no-defaults", "--bind-address=127.0.0.1", "--binlog-format=ROW"])
            .args(["--innodb-autoinc-lock-mode=2", "--innodb-flush-log-at-trx-commit=2", "--wsrep-on=ON"])
            .arg("--wsrep-sst-method=rsync")
            .arg(format!("--wsrep-sst-receive-address=127.0.0.1:{sst}"))
            .arg(format!("--user={USER}"))
            .arg(format!("--wsrep-provider={PROVIDER}"))
            .arg(format!("--datadir={}", self.data(node).display()))
            .arg(format!("--socket={}", self.data(node).join("s").display()))
            .arg(format!("--port={sql}"))
            .arg(format!("--wsrep-cluster-address=gcomm://{}", all.join(",")))
            .arg(format!("--wsrep-node-address=127.0.0.1:{group}"))
            .arg(format!("--wsrep-provider-options={options}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        program
    }

    async fn start_node(&mut self, node: usize, more: &[&str]) {
        let log = File::create(self.folder.path().join(format!("log-{node}"))).expect("a log");
        let child = self.program(node).args(more).stderr(log).spawn().expect("mariadbd runs");
        self.nodes[node] = Some(child);
        self.await_node(node).await;
    }

    /// Waits until the node answers and has what the others have.
    async fn await_node(&self, node: usize) {
        let until = Instant::now() + PATIENCE;
        while !self.is_ready(node).await {
            let log = || fs::read_to_string(self.folder.path().join(format!("log-{node}"))).unwrap_or_default();
            assert!(Instant::now() < until, "node {node} does not join:\n{}", log());
            sleep(Duration::from_millis(100));
        }
    }

    async fn is_ready(&self, node: usize) -> bool {
        let Ok(mut connection) = MySqlConnection::connect(&self.url(node, "mysql")).await else { return false };
        let state = sqlx::query("show status like 'wsrep_ready'").fetch_optional(&mut connection).await;
        matches!(state, Ok(Some(row)) if row.get::<String, _>(1) == "ON")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in self.nodes.iter_mut().flatten() {
            let _ = node.kill();
            let _ = node.wait();
        }
    }
}

fn run(command: &mut Command) {
    let done = command.stdout(Stdio::null()).status().expect("it runs");
    assert!(done.success(), "{command:?}");
}
