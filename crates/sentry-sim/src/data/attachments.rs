//! Attachments of one event: a text, an image, binaries, and the ones that go wrong. Knows no HTTP.

use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::data::{BASE_INSTANT, date};

/// One attachment. Size and hash are what Sentry says, not what it has: they differ on purpose in
/// some.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attachment {
    pub(crate) id: &'static str,
    kind: &'static str,
    pub(crate) name: &'static str,
    pub(crate) mime: &'static str,
    size: u64,
    sha1: Option<&'static str>,
    content: Content,
}

#[derive(Clone, Copy, Debug)]
enum Content {
    Stored(&'static [u8]),
    /// Nine MiB of text.
    Large,
}

/// Nine MiB: lines of 63 letters.
const LARGE: usize = 9 * 1024 * 1024;

const LOG: &[u8] = include_bytes!("../../data/attachments/checkout.log");
const IMAGE: &[u8] = include_bytes!("../../data/attachments/screenshot.png");
const DUMP: &[u8] = include_bytes!("../../data/attachments/crash.dmp");
const VIEW: &[u8] = include_bytes!("../../data/attachments/view-hierarchy.json");

const ALL: [Attachment; 8] = [
    Attachment {
        id: "7001",
        kind: "event.attachment",
        name: "checkout.log",
        mime: "text/plain",
        size: LOG.len() as u64,
        sha1: Some("0c93f5517ebb57075e1ad2a7bdf26ea070cb143a"),
        content: Content::Stored(LOG),
    },
    Attachment {
        id: "7002",
        kind: "event.attachment",
        name: "screenshot.png",
        mime: "image/png",
        size: IMAGE.len() as u64,
        sha1: Some("efc104ce8a3e10e87e2ac26f4908a9ed0253b0e5"),
        content: Content::Stored(IMAGE),
    },
    Attachment {
        id: "7003",
        kind: "event.minidump",
        name: "crash.dmp",
        mime: "application/x-dmp",
        size: DUMP.len() as u64,
        sha1: Some("fe62aabb96d017291a6b01d0becda2c132ad4c75"),
        content: Content::Stored(DUMP),
    },
    Attachment {
        id: "7004",
        kind: "event.attachment",
        name: "empty.txt",
        mime: "text/plain",
        size: 0,
        sha1: Some("da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        content: Content::Stored(b""),
    },
    Attachment {
        id: "7005",
        kind: "event.attachment",
        name: "heap.txt",
        mime: "text/plain",
        size: LARGE as u64,
        sha1: Some("f6774dc3a36d6c22505eef2e58dfcf80726f7d15"),
        content: Content::Large,
    },
    Attachment {
        id: "7006",
        kind: "event.view_hierarchy",
        name: "view-hierarchy.json",
        mime: "application/json",
        size: VIEW.len() as u64,
        // Of something else.
        sha1: Some("d3f299af02d6abbe92dd8368bab781824a9702ed"),
        content: Content::Stored(VIEW),
    },
    Attachment {
        id: "7007",
        kind: "event.attachment",
        name: "understated.txt",
        mime: "text/plain",
        // What comes is nine MiB.
        size: 2048,
        sha1: None,
        content: Content::Large,
    },
    Attachment {
        id: "7008",
        kind: "event.attachment",
        name: "../../etc/notes ünïcode.txt",
        mime: "text/plain",
        size: LOG.len() as u64,
        sha1: None,
        content: Content::Stored(LOG),
    },
];

/// The attachments of an event, by its id.
pub(crate) fn of_event(event: &str) -> &'static [Attachment] {
    if event == crate::EVENT_WITH_ATTACHMENTS { &ALL } else { &[] }
}

impl Attachment {
    pub(crate) fn body(&self, event: &str) -> Value {
        json!({
            "id": self.id,
            "event_id": event,
            "type": self.kind,
            "name": self.name,
            "mimetype": self.mime,
            "dateCreated": date(BASE_INSTANT - 230),
            "size": self.size,
            "headers": { "Content-Type": self.mime },
            "sha1": self.sha1,
        })
    }

    pub(crate) fn content(&self) -> Bytes {
        static LARGE_TEXT: LazyLock<Bytes> = LazyLock::new(|| {
            let line = format!("{}\n", "x".repeat(63));
            Bytes::from(line.repeat(LARGE / line.len()))
        });
        match self.content {
            Content::Stored(bytes) => Bytes::from_static(bytes),
            Content::Large => LARGE_TEXT.clone(),
        }
    }
}
