//! A label for each family of attributes.

use serde_json::json;

use super::*;

/// `label [metadata]` of a span with these attributes.
fn labeled(attributes: &serde_json::Value) -> String {
    let body = json!([{ "duration": 1, "op": "default", "additional_attributes": attributes, "name": "own name" }]);
    of(&body)
}

fn of(body: &serde_json::Value) -> String {
    let sentry = sentry_client::traces::parse(&body.to_string()).map(|trace| {
        let label = label(&trace.spans[0]);
        format!("{} {:?}", label.text(), label.metadata(None))
    });
    sentry.unwrap()
}

#[test]
fn each_family_has_its_label_and_metadata() {
    let table = [
        (
            json!({"mcp.method.name": "tools/call", "gen_ai.tool.name": "find", "error.type": "x"}),
            r#"tools/call find ["x"]"#,
        ),
        (json!({"mcp.resource.uri": "docs://a?token=s#f"}), "docs://a []"),
        (
            json!({"http.request.method": "get", "http.route": "/users/:id", "http.response.status_code": 500}),
            r#"GET /users/:id ["500"]"#,
        ),
        (
            json!({"http.request.method": "POST", "url.full": "https://user:secret@api.example.test:8443/a?token=s#f"}),
            "POST api.example.test:8443/a []",
        ),
        (
            json!({"http.method": "PUT", "server.address": "db.test", "server.port": 80}),
            "PUT db.test:80 []",
        ),
        (json!({"http.response.status_code": 404}), r#"own name ["404"]"#),
        (
            json!({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "p", "gen_ai.request.model": "m-1"}),
            "chat p/m-1 []",
        ),
        (
            json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "find", "gen_ai.request.model": "m-1"}),
            r#"execute_tool find ["m-1"]"#,
        ),
        (
            json!({"db.system.name": "postgresql", "db.query.summary": "SELECT users", "db.query.text": "x"}),
            r#"SELECT users ["postgresql"]"#,
        ),
        (
            json!({"db.system": "mysql", "db.stored_procedure.name": "tidy"}),
            r#"CALL tidy ["mysql"]"#,
        ),
        (
            json!({"db.operation": "GET", "db.collection.name": "carts", "db.system": "redis"}),
            r#"GET carts ["redis"]"#,
        ),
        (
            json!({"db.query.text": "SELECT \"id\" FROM t2 WHERE a = 'it\\'s' AND b=1.5 AND c IN (7,\"o o\")"}),
            r#"SELECT "id" FROM t2 WHERE a = ? AND b=? AND c IN (?,?) []"#,
        ),
        (json!({"graphql.operation.type": "query", "graphql.operation.name": "Me"}), "query Me []"),
        (json!({"graphql.document": "{ user(id: 7) { name } }"}), "{ user(id: ?) { name } } []"),
        (
            json!({"rpc.method": "GetObject", "aws.s3.bucket": "b", "aws.s3.key": "k", "cloud.region": "eu"}),
            r#"GetObject b/k ["eu"]"#,
        ),
        (
            json!({"rpc.system": "grpc", "rpc.service": "Cart", "rpc.method": "Get", "rpc.grpc.status_code": 5}),
            r#"Cart/Get ["grpc", "5"]"#,
        ),
        (
            json!({"messaging.system": "kafka", "messaging.operation.name": "send", "messaging.destination.name": "q", "messaging.batch.message_count": 3}),
            r#"send q ["kafka", "messages:3"]"#,
        ),
        (
            json!({"cloudevents.event_type": "made", "cloudevents.event_source": "/s", "cloudevents.event_spec_version": "1.0"}),
            r#"made /s ["cloudevents:1.0"]"#,
        ),
        (
            json!({"faas.trigger": "timer", "faas.name": "f", "faas.cron": "0 * * * *", "faas.coldstart": true}),
            r#"timer f 0 * * * * ["coldstart"]"#,
        ),
        (
            json!({"cicd.pipeline.action.name": "RUN", "cicd.pipeline.name": "build", "cicd.pipeline.result": "failure"}),
            r#"RUN build ["failure"]"#,
        ),
        (json!({"cicd.pipeline.task.name": "lint"}), "lint []"),
        (
            json!({"feature_flag.key": "k", "feature_flag.result.variant": "on", "feature_flag.provider.name": "p"}),
            r#"k on ["p"]"#,
        ),
        (
            json!({"process.executable.name": "git", "process.exit.code": 1, "error.type": "1"}),
            r#"git ["exit:1", "1"]"#,
        ),
        (
            json!({"exception.type": "ValueError", "exception.message": "m"}),
            r#"own name ["ValueError"]"#,
        ),
        (json!({"error.type": "timeout"}), r#"own name ["timeout"]"#),
        (json!({"unknown": 1}), "own name []"),
    ];
    for (attributes, expected) in table {
        assert_eq!(labeled(&attributes), expected, "{attributes}");
    }
}

#[test]
fn the_first_family_wins_and_nothing_is_said_twice() {
    let out = labeled(&json!({
        "mcp.method.name": "ping", "http.request.method": "GET", "http.route": "/x", "error.type": "E",
        "rpc.jsonrpc.error_code": "e",
    }));
    assert_eq!(out, r#"ping ["e"]"#);
}

#[test]
fn without_attributes_a_span_is_called_by_what_it_has() {
    for (span, expected) in [
        (json!({"duration": 1, "name": "n", "description": "d"}), "n []"),
        (json!({"duration": 1, "name": "db", "op": "db", "description": "d"}), "d []"),
        (json!({"duration": 1, "name": null, "description": "", "transaction": "t"}), "t []"),
        (json!({"duration": 1, "op": null}), "unnamed []"),
        (json!({"duration": 1, "name": "a\n\u{1b}b"}), "a b []"),
    ] {
        assert_eq!(of(&json!([span])), expected, "{span}");
    }
}

#[test]
fn labels_and_metadata_are_short() {
    let long = "x".repeat(5_000);
    let out = labeled(&json!({ "http.route": long, "error.type": long }));
    assert!(out.chars().count() < 160 + 64 + 20, "{}", out.len());
}

#[test]
fn hostile_queries_are_masked_without_a_panic() {
    for query in ["'", "\"", "'\\", "1", "''''", "ä'ö'1ü", "1e9x", "a1 'b", "$1"] {
        assert!(!masked(query).contains('\''), "{query}");
    }
    assert_eq!(masked("x = $1 AND y2 = 0xFF"), "x = $1 AND y2 = ?");
}
