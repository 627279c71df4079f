//! The rules of precedence between settings that belong together.
//!
//! figment merges key by key, and the highest layer wins. That is not enough where two keys mean
//! the same thing, so what has lost is taken out of the lower layers before the merge.

use scopes::{Granted, Layer as ScopesLayer, Source};

use super::{ConfigError, layer::Layers};

/// Applies the rules, and decides about the scopes.
pub(super) fn settle(layers: &mut Layers) -> Result<Granted, ConfigError> {
    secret(layers, ["access_token", "access_token_file"])?;
    site(layers);
    scopes(layers)
}

/// Applies the rules that hold for the HTTP server.
pub(super) fn settle_http(layers: &mut Layers) -> Result<(), ConfigError> {
    secret(layers, ["client_secret", "client_secret_file"])?;
    secret(layers, ["encryption_key", "encryption_key_file"])?;
    site(layers);
    Ok(())
}

/// The highest layer that names a secret or its file decides alone.
fn secret(layers: &mut Layers, keys: [&str; 2]) -> Result<(), ConfigError> {
    let highest = layers.iter().find(|layer| keys.iter().any(|key| layer.has(key)));
    if let Some(layer) = highest.filter(|layer| keys.iter().all(|key| layer.has(key))) {
        let places = keys.map(|key| layers.place_in(layer.source, key));
        return Err(ConfigError::Conflict(Box::new(places)));
    }
    keep_highest(layers, &keys, &keys);
    Ok(())
}

/// The highest layer that names the host or the URL decides; inside it the URL wins.
///
/// `insecure_http` of a lower layer was meant for another host: it must not make a token travel
/// in the clear to this one.
fn site(layers: &mut Layers) {
    keep_highest(layers, &["host", "url"], &["host", "url", "insecure_http"]);
    for layer in layers.iter_mut() {
        if layer.has("url") {
            layer.values.remove("host");
        }
    }
}

/// The highest layer that sets either list decides alone; see [`scopes::resolve`](::scopes::resolve).
fn scopes(layers: &mut Layers) -> Result<Granted, ConfigError> {
    const LISTS: [&str; 2] = ["scopes", "add_scopes"];
    for layer in layers.iter().filter(|layer| layer.source == Source::File) {
        if layer.has("all_scopes") {
            return Err(ConfigError::Invalid {
                place: layers.place_in(Source::File, "all_scopes"),
                problem: "every scope can only be granted by the flag `--all-scopes`; \
                          list what is needed in `scopes` instead"
                    .to_owned(),
            });
        }
    }
    let all = layers.iter().any(|layer| {
        layer.values.get("all_scopes").and_then(figment::value::Value::to_bool) == Some(true)
    });
    let texts: Vec<_> =
        layers.iter().map(|layer| (layer.source, LISTS.map(|key| layer.scopes(key)))).collect();
    let lists: Vec<_> = texts
        .iter()
        .map(|(source, [scopes, add_scopes])| ScopesLayer {
            source: *source,
            scopes: scopes.as_deref(),
            add_scopes: add_scopes.as_deref(),
        })
        .collect();
    let granted = ::scopes::resolve(all, &lists).map_err(|err| {
        let place = layers.place_in(err.layer(), err.key());
        ConfigError::Invalid { place, problem: err.source.to_string() }
    })?;
    keep_highest(layers, &LISTS, &LISTS);
    for layer in layers.iter_mut() {
        if layer.has("scopes") {
            layer.values.remove("add_scopes");
        }
        if all {
            layer.values.retain(|key, _| !LISTS.contains(&key.as_str()));
        }
    }
    Ok(granted)
}

/// Takes `losers` out of every layer below the highest that has one of `deciders`.
fn keep_highest(layers: &mut Layers, deciders: &[&str], losers: &[&str]) {
    let mut decided = false;
    for layer in layers.iter_mut() {
        if decided {
            layer.values.retain(|key, _| !losers.contains(&key.as_str()));
        }
        decided |= deciders.iter().any(|key| layer.has(key));
    }
}
