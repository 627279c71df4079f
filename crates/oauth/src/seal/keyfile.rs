//! The file that holds the key ring when no key is configured otherwise.
//! It never prints a key, and never replaces a file that it could not read.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use super::{
    KeyId, KeyRing,
    key::{Key, KeyError},
};
use crate::secret::{NoRandomness, Secret};

/// The longest key file that is read, in bytes. Sixteen keys with comments need a tenth.
const LONGEST: u64 = 16 * 1024;

/// The key file could not be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// Reading or writing failed.
    #[error("cannot use the encryption key file `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It holds something else.
    #[error("the encryption key file `{path}` is not one")]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// No new key could be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// A file with one key per line, the current key first, in the form of [`KeyRing::parse`].
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The file at this path; nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> KeyFile {
        KeyFile { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the keys. A file that others on the machine may read is used, with a warning:
    /// mounted secrets often look like that.
    pub fn load(&self) -> Result<KeyRing, KeyFileError> {
        let mut text = String::new();
        File::open(&self.path)
            .and_then(|file| {
                if readable_by_all(&file.metadata()?) {
                    tracing::warn!(
                        path = %self.path.display(),
                        "every user of this machine can read the encryption key file; \
                         `chmod 600` it"
                    );
                }
                file.take(LONGEST).read_to_string(&mut text)
            })
            .map_err(|source| self.failed(source))?;
        KeyRing::parse(&SecretString::from(text))
            .map(|ring| ring.reading(self.clone()))
            .map_err(|source| KeyFileError::Content { path: self.path.clone(), source })
    }

    /// Reads the keys; where no file is, makes one with one new key and mode 0600. The second
    /// value says whether it was made. Of several processes that start together one makes it,
    /// and all of them use that one.
    pub fn load_or_create(&self) -> Result<(KeyRing, bool), KeyFileError> {
        match self.load() {
            Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            other => return Ok((other?, false)),
        }
        let draft = self.draft(&KeyRing::generate()?)?;
        // A link fails if there is a file by now, and shows it complete or not at all.
        let linked = fs::hard_link(&draft, &self.path);
        let removed = fs::remove_file(&draft);
        let created = match linked {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            other => {
                other.and(removed).map_err(|source| self.failed(source))?;
                true
            }
        };
        Ok((self.load()?, created))
    }

    /// Puts a new key before the others, which still open what was sealed so far.
    pub fn rotate(&self) -> Result<KeyRing, KeyFileError> {
        let ring = self.load()?.with_current(Key::random()?);
        self.replace(&ring)?;
        Ok(ring)
    }

    /// Removes the older keys but for those that are still needed.
    pub fn retire(&self, needed: &[KeyId]) -> Result<KeyRing, KeyFileError> {
        let ring = self.load()?.retaining(needed);
        self.replace(&ring)?;
        Ok(ring)
    }

    fn replace(&self, ring: &KeyRing) -> Result<(), KeyFileError> {
        let draft = self.draft(ring)?;
        fs::rename(&draft, &self.path).map_err(|source| self.failed(source))
    }

    /// Writes the ring to a new file beside this one, as only its owner can read it.
    fn draft(&self, ring: &KeyRing) -> Result<PathBuf, KeyFileError> {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}", Secret::random()?.digest().to_text()));
        let draft = self.path.with_file_name(name);
        let mut text = String::from(
            "# Encryption keys of sentry-mcp-http: the first seals, all of them open.\n\
             # Whoever has this file and the store can use every Sentry token in it.\n",
        );
        for key in ring.to_texts() {
            text.push_str(key.expose_secret());
            text.push('\n');
        }
        let text = SecretString::from(text);
        create_private(&draft)
            .and_then(|mut file| {
                file.write_all(text.expose_secret().as_bytes())?;
                file.sync_all()
            })
            .map_err(|source| self.failed(source))?;
        Ok(draft)
    }

    fn failed(&self, source: io::Error) -> KeyFileError {
        KeyFileError::Io { path: self.path.clone(), source }
    }
}

/// Creates a file that did not exist, with mode 0600 from its first moment.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn readable_by_all(meta: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o004 != 0
}

#[cfg(not(unix))]
fn readable_by_all(_meta: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Place;

    const HERE: Place<'_> = Place { table: "grants", row: "g1", column: "sentry" };

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            let name = format!("oauth-keys-{}", Secret::random().unwrap().digest().to_text());
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Folder(path)
        }

        fn file(&self) -> KeyFile {
            KeyFile::new(self.0.join("keys"))
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_missing_file_is_made_once_and_read_by_its_owner_only() {
        let folder = Folder::new();
        let (ring, created) = folder.file().load_or_create().unwrap();
        assert!(created);
        let (again, created) = folder.file().load_or_create().unwrap();
        assert!(!created);
        assert_eq!(ring.ids(), again.ids());
        assert_eq!(folder.names(), ["keys"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(folder.file().path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn processes_that_start_together_use_one_key() {
        let folder = Folder::new();
        let rings: Vec<_> = std::thread::scope(|scope| {
            let start = || folder.file().load_or_create().unwrap();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(rings.iter().filter(|(_, created)| *created).count(), 1);
        assert!(rings.iter().all(|(ring, _)| ring.ids() == rings[0].0.ids()));
        assert_eq!(folder.names(), ["keys"]);
    }

    #[test]
    fn a_rotated_file_opens_old_values_until_their_key_is_retired() {
        let folder = Folder::new();
        let (old, _) = folder.file().load_or_create().unwrap();
        let sealed = old.seal(HERE, b"token").unwrap();

        let ring = folder.file().rotate().unwrap();
        assert_ne!(ring.current(), old.current());
        assert!(folder.file().load().unwrap().open(HERE, &sealed).is_ok());

        assert_eq!(folder.file().retire(&[old.current()]).unwrap().ids(), ring.ids());
        folder.file().retire(&[]).unwrap();
        assert!(folder.file().load().unwrap().open(HERE, &sealed).is_err());
        assert_eq!(folder.names(), ["keys"]);
    }

    #[test]
    fn a_running_server_learns_a_new_key_when_it_meets_it() {
        let folder = Folder::new();
        let (running, _) = folder.file().load_or_create().unwrap();
        let shared = running.clone();
        let sealed = folder.file().rotate().unwrap().seal(HERE, b"token").unwrap();
        assert!(running.open(HERE, &sealed).is_ok());
        assert_eq!(shared.ids(), folder.file().load().unwrap().ids());

        // A file that is damaged by then changes nothing.
        let unknown = KeyRing::generate().unwrap().seal(HERE, b"token").unwrap();
        fs::write(folder.file().path(), "my own notes").unwrap();
        assert!(running.open(HERE, &unknown).is_err());
        assert!(running.open(HERE, &sealed).is_ok());
    }

    #[test]
    fn a_file_with_something_else_is_neither_used_nor_replaced() {
        let folder = Folder::new();
        fs::write(folder.file().path(), "my own notes").unwrap();
        assert!(matches!(folder.file().load_or_create(), Err(KeyFileError::Content { .. })));
        assert!(folder.file().rotate().is_err());
        assert_eq!(fs::read_to_string(folder.file().path()).unwrap(), "my own notes");
    }

    #[test]
    fn a_folder_that_is_missing_is_said() {
        let folder = Folder::new();
        let error = KeyFile::new(folder.0.join("none/keys")).load_or_create().unwrap_err();
        assert!(error.to_string().contains("none/keys"), "{error}");
    }
}
