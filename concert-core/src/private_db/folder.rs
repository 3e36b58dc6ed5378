//! The folder: who may look into it, who owns it, and what lies there beside the data.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rand::RngExt as _;
use secrecy::SecretString;
use uuid::Uuid;

use crate::error::Error;

/// The longest path of a unix socket, in bytes.
const LONGEST_SOCKET_PATH: usize = 107;
/// How much of the server's log an error shows, in bytes.
const LOG_SHOWN: u64 = 2_000;

/// The secret in a file of its own, made at random if there is none yet. The file appears whole or not at all.
pub(super) fn kept_secret(path: &Path) -> Result<SecretString, Error> {
    if !path.exists() {
        let secret: String = (0..64).map(|_| char::from(rand::rng().random_range(b'a'..=b'z'))).collect();
        // Under a name of this process: two that start at once must not write into one file.
        let fresh = path.with_extension(std::process::id().to_string());
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)
            .and_then(|mut file| file.write_all(secret.as_bytes()));
        written.map_err(|error| cannot("write", &fresh, &error))?;
        // Fails if another process was first; then its secret is the one.
        let _ = fs::hard_link(&fresh, path);
        let _ = fs::remove_file(&fresh);
    }
    fs::read_to_string(path).map(SecretString::from).map_err(|error| cannot("read", path, &error))
}

pub(super) fn make_private_dir(dir: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| cannot("make", dir, &error))?;
    // The server's root has no password: anyone who can open its socket is root.
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(|error| cannot("protect", dir, &error))
}

/// The socket lies in the folder, or, where that path is too long for one, in a private folder of the system's.
pub(super) fn socket_path(data_dir: &Path) -> Result<PathBuf, Error> {
    let inside = data_dir.join("mariadb.sock");
    if inside.as_os_str().len() <= LONGEST_SOCKET_PATH {
        return Ok(inside);
    }
    // The same for every program that opens this folder.
    let name = Uuid::new_v5(&Uuid::NAMESPACE_URL, data_dir.as_os_str().as_encoded_bytes());
    let outside = std::env::temp_dir().join(format!("concert-{}", name.simple()));
    make_own_dir(&outside)?;
    Ok(outside.join("mariadb.sock"))
}

/// Makes a private folder where everybody may make one under the same name first, and then read the socket's traffic or
/// offer a socket of their own.
fn make_own_dir(dir: &Path) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(cannot("make", dir, &error)),
        _ => {}
    }
    // Not followed if it is a link.
    let found = fs::symlink_metadata(dir).map_err(|error| cannot("look at", dir, &error))?;
    if !found.is_dir() || own_uid()?.is_some_and(|own| own != found.uid()) {
        return Err(Error::Setup(format!(
            "{} is not a folder of this process's user: somebody else has made it. Remove it, or use a shorter --data-dir",
            dir.display()
        )));
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(|error| cannot("protect", dir, &error))
}

pub(super) fn try_lock(data_dir: &Path) -> Result<Option<File>, Error> {
    let path = data_dir.join("owner.lock");
    // The file stays; only its lock counts, which the kernel frees however its owner goes.
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| cannot("open", &path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(cannot("lock", &path, &error)),
    }
}

/// Run as root, MariaDB wants to be told that this is meant.
pub(super) fn user_option() -> Result<Option<&'static str>, Error> {
    Ok((own_uid()? == Some(0)).then_some("--user=root"))
}

/// The user of this process; `None` where the system does not say.
fn own_uid() -> Result<Option<u32>, Error> {
    let own = Path::new("/proc/self");
    match fs::metadata(own) {
        Ok(process) => Ok(Some(process.uid())),
        Err(_) if !cfg!(target_os = "linux") => Ok(None),
        Err(error) => Err(cannot("look at", own, &error)),
    }
}

pub(super) fn end_of(log: &Path) -> String {
    let mut text = Vec::new();
    if let Ok(mut file) = File::open(log) {
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(LOG_SHOWN)));
        let _ = file.take(LOG_SHOWN).read_to_end(&mut text);
    }
    // The cut may be in the middle of a character.
    String::from_utf8_lossy(&text).into_owned()
}

pub(super) fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::Setup(format!("cannot {what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    #[test]
    fn a_folder_for_the_socket_that_somebody_else_made_is_refused() {
        let shared = std::env::temp_dir().join(format!("concert-test-{}", Uuid::now_v7()));
        make_private_dir(&shared).expect("makes a folder");
        let dir = shared.join("socket");
        assert!(make_own_dir(&dir).is_ok() && make_own_dir(&dir).is_ok(), "made, and then found");
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).expect("opens it");
        make_own_dir(&dir).expect("is ours");
        assert_eq!(fs::metadata(&dir).expect("is there").mode() & 0o777, 0o700, "and private again");

        let link = shared.join("link");
        symlink(&dir, &link).expect("links");
        assert!(matches!(make_own_dir(&link), Err(Error::Setup(text)) if text.contains("somebody else")));
        // Only root may give a folder away.
        if own_uid().expect("says") == Some(0) {
            chown(&dir, Some(65_534), None).expect("gives it away");
            assert!(matches!(make_own_dir(&dir), Err(Error::Setup(_))));
        }
        let _ = fs::remove_dir_all(&shared);
    }
}
