//! A Sentry whose answers change between two calls of a tool. What it answers stands elsewhere.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use sentry_client::Client;
use serde_json::Value;
use test_support::FakeSentry;
use wiremock::{Mock, Request, ResponseTemplate, matchers::any};

use crate::{
    answer::Answer,
    error::Result,
    registry::{Call, Catalog},
    testing::everything,
};

/// A call of a tool, and all that Sentry answers meanwhile.
pub(super) struct Scene {
    pub(super) tool: &'static str,
    pub(super) args: Value,
    pub(super) bodies: Vec<Body>,
}

/// What Sentry answers to one method and path.
pub(super) struct Body {
    verb: &'static str,
    /// Below `/api/0/`, or from the root if it begins with a slash.
    pub(super) path: &'static str,
    pub(super) value: Value,
    /// What there is no answer without, as JSON pointers, and why.
    pub(super) needs: &'static [(&'static str, &'static str)],
    /// Whether it is a file of a user and not an answer of Sentry.
    pub(super) is_content: bool,
}

impl Scene {
    pub(super) fn of(tool: &'static str, args: Value) -> Scene {
        Scene { tool, args, bodies: Vec::new() }
    }

    fn with(mut self, verb: &'static str, path: &'static str, value: Value) -> Scene {
        self.bodies.push(Body { verb, path, value, needs: &[], is_content: false });
        self
    }

    pub(super) fn get(self, path: &'static str, value: Value) -> Scene {
        self.with("GET", path, value)
    }

    pub(super) fn post(self, path: &'static str, value: Value) -> Scene {
        self.with("POST", path, value)
    }

    pub(super) fn put(self, path: &'static str, value: Value) -> Scene {
        self.with("PUT", path, value)
    }

    /// What the last body cannot do without.
    pub(super) fn needs(mut self, needs: &'static [(&'static str, &'static str)]) -> Scene {
        self.bodies.last_mut().unwrap().needs = needs;
        self
    }

    /// The last body is a file of a user.
    pub(super) fn content(mut self) -> Scene {
        self.bodies.last_mut().unwrap().is_content = true;
        self
    }
}

impl Body {
    fn key(&self) -> (String, String) {
        let path = match self.path.strip_prefix('/') {
            Some(_) => self.path.to_owned(),
            None => format!("/api/0/{}", self.path),
        };
        (self.verb.to_owned(), path)
    }
}

type Answers = HashMap<(String, String), Value>;

/// The Sentry, and the client that asks it.
pub(super) struct Stage {
    sentry: FakeSentry,
    client: Client,
    answers: Arc<Mutex<Answers>>,
}

impl Stage {
    pub(super) async fn start() -> Stage {
        let answers: Arc<Mutex<Answers>> = Arc::default();
        let answer = {
            let answers = Arc::clone(&answers);
            move |request: &Request| {
                let key = (request.method.to_string(), request.url.path().to_owned());
                match answers.lock().unwrap().get(&key) {
                    Some(body) => ResponseTemplate::new(200).set_body_json(body),
                    None => ResponseTemplate::new(404),
                }
            }
        };
        let sentry = FakeSentry::start().await.mount(Mock::given(any()).respond_with(answer)).await;
        let client = sentry.client();
        Stage { sentry, client, answers }
    }

    pub(super) fn uri(&self) -> String {
        self.sentry.uri()
    }

    /// From now on there are these answers and no others.
    pub(super) fn set(&self, bodies: &[Body]) {
        let answers = bodies.iter().map(|body| (body.key(), body.value.clone())).collect();
        *self.answers.lock().unwrap() = answers;
    }

    pub(super) fn replace(&self, body: &Body, value: Value) {
        self.answers.lock().unwrap().insert(body.key(), value);
    }

    /// The answer as a whole: what a budget leaves of one, other tests look at.
    pub(super) async fn call(&self, catalog: &Catalog, scene: &Scene) -> Result<Answer> {
        let sentry = self.client.for_call();
        let (name, args) = (scene.tool, scene.args.as_object().cloned().unwrap_or_default());
        let grant = &everything();
        let call = Call { sentry: &sentry, grant, name, args, progress: &() };
        Ok(catalog.whole(call).await?.limited(usize::MAX).fitted(usize::MAX))
    }
}
