//! Why the settings cannot be used. No text here holds the value of a secret.

use std::{io, path::PathBuf};

use super::Place;

/// Settings that cannot be used. The message says where they were given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The config file cannot be read.
    #[error("cannot read the config file {}; name another with `--config`, or repair it", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The config file is not TOML.
    #[error("{} is not valid TOML: {problem}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Line, column, and what is wrong there.
        problem: String,
    },
    /// A key that no setting has.
    #[error("there is no setting {place}{}", hint(*nearest))]
    Unknown {
        /// Where it stands.
        place: Place,
        /// The setting that was probably meant.
        nearest: Option<&'static str>,
    },
    /// A value that cannot be used.
    #[error("invalid {place}: {problem}")]
    Invalid {
        /// Where it was given.
        place: Place,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// Two settings of one layer that exclude each other.
    #[error("{} and {} exclude each other: keep one of them", .0[0], .0[1])]
    Conflict(
        /// Both of them.
        Box<[Place; 2]>,
    ),
    /// The layers cannot be combined; says more about our code than about the settings.
    #[error("cannot read the settings")]
    Layers(#[source] Box<figment::Error>),
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}
