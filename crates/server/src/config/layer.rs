//! The layers of settings: what each says, and where a value stands.
//!
//! Which layer wins is decided in [`super::precedence`] where it is not simply the highest.

use std::{
    env,
    ffi::OsString,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use figment::{
    Metadata, Profile, Provider,
    error::{Actual, Kind as Problem},
    providers::{Format, Toml},
    value::{Dict, Map, Value},
};
use scopes::Source;
use serde::{Deserialize, Deserializer};

use super::{
    ConfigError,
    table::{Kind, Program, Setting},
};

/// Where the value of a setting was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: the built-in default.
    Default,
    /// In the config file.
    File {
        /// The key.
        key: String,
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, if the key begins one.
        line: Option<usize>,
    },
    /// In an environment variable of this name.
    Variable(&'static str),
    /// As this flag.
    Flag(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Default => f.write_str("the built-in default"),
            Place::File { key, path, line } => {
                write!(f, "`{}` in {}", key.escape_debug(), path.display())?;
                line.map_or(Ok(()), |line| write!(f, ", line {line}"))
            }
            Place::Variable(name) | Place::Flag(name) => write!(f, "`{name}`"),
        }
    }
}

/// One layer.
#[derive(Clone)]
pub(super) struct Layer {
    pub(super) source: Source,
    pub(super) values: Dict,
}

impl Layer {
    /// A list of scopes as text. Anything else is left to the check of its type.
    pub(super) fn scopes(&self, key: &str) -> Option<String> {
        match self.values.get(key)? {
            Value::String(_, text) => Some(text.clone()),
            Value::Array(_, parts) => {
                Some(parts.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?.join(","))
            }
            _ => None,
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.source.to_string())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

/// All layers, the highest first.
#[derive(Clone)]
pub(super) struct Layers {
    program: &'static Program,
    all: Vec<Layer>,
    file: Option<(PathBuf, String)>,
}

// The layers hold the token as plain text.
impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layers").field("file", &self.file()).finish_non_exhaustive()
    }
}

impl Layers {
    pub(super) fn read(
        program: &'static Program,
        named: Option<PathBuf>,
        flags: &dyn Provider,
    ) -> Result<Layers, ConfigError> {
        let file = read_file(named, program.file)?;
        let mut layers = vec![
            Layer { source: Source::Flags, values: values(flags)? },
            Layer { source: Source::Environment, values: environment(&program.settings)? },
        ];
        if let Some((path, text)) = &file {
            let values = values(&Toml::string(text)).map_err(|_| syntax(path, text))?;
            layers.push(Layer { source: Source::File, values });
        }
        Ok(Layers { program, all: layers, file })
    }

    /// Flags and nothing else.
    pub(super) fn of_flags(
        program: &'static Program,
        flags: &dyn Provider,
    ) -> Result<Layers, ConfigError> {
        let all = vec![Layer { source: Source::Flags, values: values(flags)? }];
        Ok(Layers { program, all, file: None })
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Layer> {
        self.all.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Layer> {
        self.all.iter_mut()
    }

    pub(super) fn program(&self) -> &'static Program {
        self.program
    }

    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_ref().map(|(path, _)| path.as_path())
    }

    /// Where the value in force was given.
    pub(super) fn place(&self, key: &str) -> Place {
        match self.all.iter().find(|layer| layer.has(key)) {
            Some(layer) => self.place_in(layer.source, key),
            None => Place::Default,
        }
    }

    pub(super) fn place_in(&self, source: Source, key: &str) -> Place {
        let known = self.program.setting(key);
        match (source, known, &self.file) {
            (Source::Flags, Some(Setting { flag, .. }), _) => Place::Flag(flag),
            (Source::Environment, Some(Setting { env: Some(name), .. }), _) => {
                Place::Variable(name)
            }
            (_, _, Some((path, text))) => {
                Place::File { key: key.to_owned(), path: path.clone(), line: line_of(text, key) }
            }
            _ => Place::Default,
        }
    }

    pub(super) fn invalid(&self, key: &str, problem: impl fmt::Display) -> ConfigError {
        ConfigError::Invalid { place: self.place(key), problem: problem.to_string() }
    }

    /// Puts an error of the merged layers into the words of the one who wrote them.
    ///
    /// The values are left out: one of them may be the token.
    pub(super) fn explain(&self, err: figment::Error) -> ConfigError {
        let key = err.path.first().cloned().unwrap_or_default();
        match err.kind {
            Problem::UnknownField(key, _) => {
                let nearest = self.program.nearest(&key);
                ConfigError::Unknown { place: self.place(&key), nearest }
            }
            Problem::InvalidType(found, expected) | Problem::InvalidValue(found, expected) => {
                let whole = expected == "u64";
                let expected = if whole { "a whole number" } else { expected.as_str() };
                self.invalid(&key, format_args!("expected {expected}, found {}", noun(&found)))
            }
            Problem::UnknownVariant(_, allowed) => {
                self.invalid(&key, format_args!("use one of: {}", allowed.join(", ")))
            }
            _ if !key.is_empty() => self.invalid(&key, "not a value for this setting"),
            _ => ConfigError::Layers(Box::new(err)),
        }
    }
}

fn values(provider: &dyn Provider) -> Result<Dict, ConfigError> {
    let data = provider.data().map_err(|err| ConfigError::Layers(Box::new(err)))?;
    Ok(data
        .into_iter()
        .find(|(profile, _)| *profile == Profile::Default)
        .map(|(_, dict)| dict)
        .unwrap_or_default())
}

/// The file and its text. Only a file that somebody named must exist.
fn read_file(
    named: Option<PathBuf>,
    usual: &str,
) -> Result<Option<(PathBuf, String)>, ConfigError> {
    let must_exist = named.is_some();
    let Some(path) = named.or_else(|| default_file(usual)) else { return Ok(None) };
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some((path, text))),
        Err(err) if err.kind() == io::ErrorKind::NotFound && !must_exist => Ok(None),
        Err(source) => Err(ConfigError::Unreadable { path, source }),
    }
}

/// The config file that is read when no flag names one.
fn default_file(name: &str) -> Option<PathBuf> {
    let folder = |name| read_variable(name).map(PathBuf::from);
    // The XDG base directory specification has relative paths ignored.
    let config = folder("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let config = config.or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(config.join("sentry-mcp").join(name))
}

/// Where a program keeps what it must find again, by the XDG base directory specification.
pub(super) fn state_folder() -> Option<PathBuf> {
    let folder = |name| read_variable(name).map(PathBuf::from);
    let state = folder("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let state = state.or_else(|| Some(folder("HOME")?.join(".local").join("state")))?;
    Some(state.join("sentry-mcp"))
}

/// A variable of the environment; an empty one counts as unset.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
fn read_variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The names of all variables that are set; what is not Unicode in one is replaced.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
pub(super) fn variable_names() -> Vec<String> {
    env::vars_os()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .collect()
}

/// What the environment says, by the table and nothing else.
fn environment(settings: &[Setting]) -> Result<Dict, ConfigError> {
    let mut values = Dict::new();
    for &Setting { name, env, kind, .. } in settings {
        let Some(variable) = env else { continue };
        let Some(text) = read_variable(variable) else { continue };
        let invalid = |problem: &str| ConfigError::Invalid {
            place: Place::Variable(variable),
            problem: problem.to_owned(),
        };
        let text = text.into_string().map_err(|_| invalid("not UTF-8 text"))?;
        let value = match kind {
            Kind::Text | Kind::Table => Value::from(text),
            Kind::Number(..) => match text.trim().parse::<u64>() {
                Ok(number) => Value::from(number),
                Err(_) => return Err(invalid("expected a whole number")),
            },
            Kind::Switch => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Value::from(true),
                "false" | "0" | "no" | "off" => Value::from(false),
                _ => return Err(invalid("expected `true` or `false`")),
            },
        };
        values.insert(name.to_owned(), value);
    }
    Ok(values)
}

/// What is wrong with a file that is not TOML.
///
/// The parser's message quotes the line, which may hold the token, so only its first and its
/// last line are repeated: the position and the reason.
fn syntax(path: &Path, text: &str) -> ConfigError {
    let message = match Toml::from_str::<Value>(text) {
        Ok(_) => "the top level must be a table".to_owned(),
        Err(err) => err.to_string(),
    };
    let position = message.lines().next().unwrap_or_default();
    let position = position.strip_prefix("TOML parse error ").unwrap_or(position);
    let quoted = |line: &&str| line.contains('|');
    let reason: Vec<&str> =
        message.lines().skip(1).skip_while(quoted).filter(|line| !line.is_empty()).collect();
    let problem = format!("{position}: {}", reason.join("; "));
    ConfigError::Syntax { path: path.to_owned(), problem }
}

/// The line on which a key of the top level is set.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let sets = |line: &str| {
        line.trim_start()
            .strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().starts_with(['=', '.']))
            || line.trim().trim_matches(['[', ']']) == key
    };
    text.lines().position(sets).map(|at| at + 1)
}

fn noun(found: &Actual) -> &'static str {
    match found {
        Actual::Bool(_) => "true or false",
        Actual::Unsigned(_) | Actual::Signed(_) | Actual::Float(_) => "a number",
        Actual::Char(_) | Actual::Str(_) | Actual::Bytes(_) => "text",
        Actual::Seq => "a list",
        Actual::Map | Actual::Enum => "a table",
        _ => "something else",
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrList {
    Text(String),
    List(Vec<String>),
}

/// A list, or text with commas between its parts.
pub(super) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let parts = match TextOrList::deserialize(deserializer)? {
        TextOrList::Text(text) => text.split(',').map(str::to_owned).collect(),
        TextOrList::List(parts) => parts,
    };
    let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    Ok(parts.map(str::to_owned).collect())
}

/// Text with commas between its parts, or a list that becomes one.
pub(super) fn joined<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(Some(match TextOrList::deserialize(deserializer)? {
        TextOrList::Text(text) => text,
        TextOrList::List(parts) => parts.join(","),
    }))
}
