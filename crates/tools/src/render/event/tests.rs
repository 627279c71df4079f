//! Whole events of each kind, as they are shown. Single frames and fields are tested where
//! they are written.

use serde_json::Value;
use test_support::fixture;

use super::*;
use crate::issue_details::page::Depth;

fn rendered(json: &Value) -> String {
    rendered_as(Depth::Normal, &[], json)
}

fn rendered_as(depth: Depth, sections: &[String], json: &Value) -> String {
    let mut page = Page::new(depth, sections).unwrap();
    event(&mut page, &serde_json::from_str(&json.to_string()).unwrap(), Timestamp::UNIX_EPOCH);
    let out = page.finish("get_issue_details", Some(usize::MAX)).0.fitted(usize::MAX);
    format!("{}\n", out.into_string())
}

#[test]
fn a_python_chain_is_shown_in_full() {
    insta::assert_snapshot!(rendered(&fixture!("events/python_chain.json")));
}

#[test]
fn a_java_chain_is_shown_in_full() {
    insta::assert_snapshot!(rendered(&fixture!("events/java.json")));
}

#[test]
fn a_javascript_error_is_shown_in_full() {
    insta::assert_snapshot!(rendered(&fixture!("events/javascript.json")));
}

#[test]
fn a_ruby_chain_is_shown_in_full() {
    insta::assert_snapshot!(rendered(&fixture!("events/ruby.json")));
}

#[test]
fn a_php_error_is_shown_in_full() {
    insta::assert_snapshot!(rendered(&fixture!("events/php.json")));
}

#[test]
fn a_go_chain_is_shown_in_full() {
    insta::assert_snapshot!(rendered(&fixture!("events/go.json")));
}

#[test]
fn without_an_exception_the_crashed_thread_is_shown() {
    insta::assert_snapshot!(rendered(&fixture!("events/threads_only.json")));
}

#[test]
fn a_default_event_shows_its_message() {
    insta::assert_snapshot!(rendered(&fixture!("events/default.json")).trim(), @r"
    ## Event

    - ID: `7ca573c0f4814912aaa9bdc77d1a7d51`
    - Type: `default`
    - Occurred: 2025-03-02T10:15:00Z

    ### Message

    ```
    Disk is almost full: 97 %
    host-a
    ```

    ### Tags

    ```
    level: warning
    ```
    ");
}

#[test]
fn a_transaction_without_times_shows_the_common_parts() {
    insta::assert_snapshot!(rendered(&fixture!("events/transaction.json")).trim(), @r"
    ## Event

    - ID: `7ca573c0f4814912aaa9bdc77d1a7d51`
    - Type: `transaction`
    - Occurred: 2025-03-02T10:15:00Z
    - Trace: `c8f36cbe6bc84e6da90eb296091f6c12`
    - Title: `/checkout`

    ### Tags

    ```
    environment: production
    ```

    ### Contexts

    ```
    trace:
      trace_id: c8f36cbe6bc84e6da90eb296091f6c12
      op: http.server
    ```
    ");
}

#[test]
fn a_type_that_nobody_knows_is_named() {
    let out = rendered(&serde_json::json!({ "type": "future`type", "entries": { "a": 1 } }));
    insta::assert_snapshot!(out.trim(), @r"
    ## Event

    - Type: `` future`type ``

    Events of this type are not known here; what is recognized in it follows.
    ");
}

#[test]
fn an_event_with_nothing_in_it_is_only_a_heading() {
    assert_eq!(rendered(&fixture!("events/empty.json")), "\n## Event\n");
}

#[test]
fn cookies_and_credentials_of_a_request_are_never_shown() {
    for name in ["events/python_chain.json", "events/hostile.json"] {
        let out = rendered(&test_support::read_fixture(name));
        assert!(out.contains("### HTTP request"), "{out}");
        assert!(!out.contains("not-for-display"), "{out}");
    }
}

#[test]
fn a_stranger_cannot_break_out_of_a_block() {
    let out = rendered(&fixture!("events/hostile.json"));
    insta::assert_snapshot!(&out);
    let mut fence: Option<&str> = None;
    for line in out.lines() {
        match fence {
            None if line.starts_with("```") => fence = Some(line),
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None => {
                let ours = ["", "## Event"].contains(&line)
                    || ["### ", "- ID: `", "- Type: `", "- Occurred: `", "**"]
                        .iter()
                        .any(|start| line.starts_with(start));
                assert!(ours, "outside of a block: {line}");
                assert!(
                    !line.starts_with("### ") || !line.contains('#'.to_string().repeat(4).as_str())
                );
            }
        }
    }
    assert_eq!(fence, None);
}

#[test]
fn many_tags_are_cut_and_counted() {
    let tags: Vec<Value> =
        (0..53).map(|at| serde_json::json!({ "key": format!("t{at}"), "value": at })).collect();
    let out = rendered(&serde_json::json!({ "tags": tags }));
    assert!(out.contains("t49: 49\n… 3 more left out\n"), "{out}");
}

#[test]
fn the_newest_breadcrumbs_are_shown_and_all_if_asked_for() {
    let event = fixture!("events/breadcrumbs.json");
    let out = rendered(&event);
    assert!(
        out.contains("### Breadcrumbs (30, newest last)\n\n```\n… 10 older left out\n"),
        "{out}"
    );
    assert!(!out.contains("step 8 ") && out.contains("step 10 `done`"), "{out}");
    assert!(out.contains("10:14:29Z  error  fetch [status_code: 200, url: https"), "{out}");
    // The replay has a section of its own.
    assert!(!out.contains("replayId"), "{out}");
    for whole in [
        rendered_as(Depth::Full, &[], &event),
        rendered_as(Depth::Normal, &["breadcrumbs".to_owned()], &event),
    ] {
        assert!(whole.contains("step 0 `done`") && !whole.contains("older left out"), "{whole}");
    }
}

#[test]
fn threads_are_a_table_with_the_crashed_one_first() {
    let out =
        rendered_as(Depth::Normal, &["threads".to_owned()], &fixture!("events/threads_only.json"));
    let (_, table) = out.split_once("\n### ").unwrap();
    insta::assert_snapshot!(table, @r"
    Threads (3)

    ```
    7 | worker`s | crashed | current | 2 frames
    0 | main | blocked | 1 frame
    9 | no stack
    ```
    ");
}
