//! Fields that several datasets share, under the same name and with the same type.
//!
//! Types follow Sentry's public lists of searchable properties and what its search refuses
//! (`docs.sentry.io/concepts/search/searchable-properties/`). Nothing here decides where a field
//! is known: the files of the datasets do.

use super::{Field, Kind, any, date, number, text};

/// Severities of errors. `sample` and `log` are older kinds that Sentry still stores.
pub(super) const LEVELS: &[&str] = &["fatal", "error", "warning", "info", "debug", "sample"];

/// Adoption stages of releases, which Sentry checks.
const STAGES: &[&str] = &["adopted", "low", "replaced"];

/// Classes of devices, which Sentry checks.
pub(super) const DEVICE_CLASSES: &[&str] = &["high", "medium", "low", "Unknown"];

/// What says where an event belongs.
pub(super) static PLACE: &[Field] = &[
    text("project").about("slug of the project"),
    text("project.name").about("slug of the project"),
    any("project.id", Kind::Integer).about("numeric id of the project"),
    any("project_id", Kind::Integer).about("numeric id of the project"),
    text("environment").about("deployment environment, such as production"),
    any("release", Kind::Release).about("release that sent the event; `latest` is the newest"),
    text("dist").about("build within a release"),
    text("platform").about("platform of the SDK, such as python"),
    text("sdk.name").about("name of the SDK"),
    text("sdk.version").about("version of the SDK"),
    date("timestamp").about("when it happened"),
];

/// The parts of a release, for comparisons.
pub(super) static RELEASE_PARTS: &[Field] = &[
    any("release.version", Kind::Version).about("semantic version; takes > and <"),
    any("release.build", Kind::Version).about("build number; takes > and <"),
    text("release.package").about("package of the release"),
    text("release.stage").closed(STAGES).about("adoption of the release"),
];

/// Who had the event.
pub(super) static USER: &[Field] = &[
    text("user").about("user, as kind:value, such as id:42"),
    text("user.id").about("id of the user in the application"),
    text("user.email").about("e-mail address of the user"),
    text("user.username").about("name of the user"),
    text("user.ip").about("IP address of the user"),
];

/// Where the user is, as errors and issues name it.
pub(super) static GEO: &[Field] = &[
    text("geo.city").about("city of the user"),
    text("geo.country_code").about("country of the user, ISO 3166-1"),
    text("geo.region").about("country of the user, in words"),
    text("geo.subdivision").about("state or province of the user"),
];

/// What the event ran on.
pub(super) static CLIENT: &[Field] = &[
    text("browser").about("browser and version"),
    text("browser.name").about("name of the browser"),
    text("browser.version").about("version of the browser"),
    text("os").about("operating system and version"),
    text("os.name").about("name of the operating system"),
    text("os.version").about("version of the operating system"),
    text("os.build").about("build of the operating system"),
    text("os.kernel_version").about("kernel of the operating system"),
    text("os.distribution_name").about("Linux distribution"),
    text("os.distribution_version").about("version of the Linux distribution"),
    text("device").about("model of the device"),
    text("device.arch").about("CPU architecture"),
    text("device.battery_level"),
    text("device.brand"),
    text("device.charging"),
    text("device.class").closed(DEVICE_CLASSES).about("speed of the device"),
    text("device.family").about("family of the device, such as iPhone"),
    text("device.locale"),
    text("device.model"),
    text("device.model_id"),
    text("device.name"),
    text("device.online"),
    text("device.orientation").values(&["portrait", "landscape"]),
    text("device.screen_density"),
    text("device.screen_dpi"),
    text("device.screen_height_pixels"),
    text("device.screen_width_pixels"),
    text("device.simulator"),
    text("device.uuid"),
    text("runtime").about("runtime and version"),
    text("runtime.name").about("runtime, such as CPython"),
    text("runtime.version"),
    any("app.in_foreground", Kind::Boolean).lenient(),
];

/// What an error is made of.
pub(super) static ERROR: &[Field] = &[
    text("title").about("title of the error"),
    text("message").about("message; matches anywhere in it"),
    text("level").values(LEVELS).about("severity"),
    text("culprit"),
    text("location").about("where the error happened"),
    text("transaction").about("route or task in which it happened"),
    text("logger").about("logger that reported it"),
    text("server_name").about("host that reported it"),
    text("url").about("URL of the request"),
    text("http.method").about("method of the request"),
    text("http.referer").about("page that made the request"),
    text("http.status_code").about("status of the response, as text: 5* instead of >=500"),
    text("http.url").about("URL of the request, without parameters"),
    text("error.type").about("class of the exception"),
    text("error.value").about("message of the exception"),
    text("error.mechanism").about("how it was caught"),
    any("error.handled", Kind::Boolean).about("whether the code handled it"),
    any("error.unhandled", Kind::Boolean).about("whether it crashed the code"),
    any("error.main_thread", Kind::Boolean),
    date("error.received").about("when Sentry received it"),
    text("event.type").values(&["error", "default", "csp", "hpkp", "expectct", "expectstaple"]),
    text("stack.abs_path").about("absolute path of a frame"),
    text("stack.filename").about("path of a frame in the project"),
    text("stack.function").about("function of a frame"),
    text("stack.module").about("module of a frame"),
    text("stack.package").about("package or library of a frame"),
    any("stack.colno", Kind::Integer),
    any("stack.lineno", Kind::Integer).about("line of a frame"),
    any("stack.stack_level", Kind::Integer),
    any("stack.in_app", Kind::Boolean).about("whether a frame is the application's own"),
    any("symbolicated_in_app", Kind::Boolean),
    text("unreal.crash_type"),
    text("replayId").about("session replay in which it happened"),
    text("profile.id"),
    text("ota_updates.channel"),
    text("ota_updates.runtime_version"),
    text("ota_updates.update_id"),
];

/// Measurements of transactions and spans. Their units are milliseconds where they are durations.
pub(super) static MEASUREMENTS: &[Field] = &[
    any("measurements.app_start_cold", Kind::Duration),
    any("measurements.app_start_warm", Kind::Duration),
    number("measurements.cls").lenient().about("cumulative layout shift"),
    any("measurements.fcp", Kind::Duration).about("first contentful paint"),
    any("measurements.fid", Kind::Duration).about("first input delay"),
    any("measurements.fp", Kind::Duration).about("first paint"),
    any("measurements.inp", Kind::Duration).about("interaction to next paint"),
    any("measurements.lcp", Kind::Duration).about("largest contentful paint"),
    any("measurements.ttfb", Kind::Duration).about("time to first byte"),
    any("measurements.ttfb.requesttime", Kind::Duration),
    any("measurements.time_to_initial_display", Kind::Duration),
    any("measurements.time_to_full_display", Kind::Duration),
    number("measurements.frames_frozen"),
    any("measurements.frames_frozen_rate", Kind::Percentage),
    number("measurements.frames_slow"),
    any("measurements.frames_slow_rate", Kind::Percentage),
    number("measurements.frames_total"),
    number("measurements.stall_count"),
    any("measurements.stall_longest_time", Kind::Duration),
    any("measurements.stall_percentage", Kind::Percentage),
    any("measurements.stall_total_time", Kind::Duration),
];

/// The time that a transaction spent in spans of one kind.
pub(super) static BREAKDOWNS: &[Field] = &[
    any("spans.browser", Kind::Duration),
    any("spans.db", Kind::Duration),
    any("spans.http", Kind::Duration),
    any("spans.resource", Kind::Duration),
    any("spans.ui", Kind::Duration),
];
