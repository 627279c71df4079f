//! Files that came with an event. It does not delete them, and does not look into them.

use serde::Deserialize;

pub use crate::request::Download;
use crate::{
    Client, Cursor, EventId, Page, Region, Result, Slug, Untrusted, drift, request::Route,
};

/// A file of an event, without its content. Only `id` is certain to be there.
///
/// Whoever sends an event chooses the name, the media type and the content of its files.
#[derive(Clone, Debug, Deserialize)]
pub struct Attachment {
    /// The numeric id, as text.
    #[serde(deserialize_with = "drift::id")]
    pub id: String,
    /// The file name.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub name: Option<Untrusted>,
    /// What it is for: `event.attachment`, `event.minidump`, `event.view_hierarchy`, …
    #[serde(default, rename = "type", deserialize_with = "drift::maybe")]
    pub kind: Option<Untrusted>,
    /// The media type.
    #[serde(default, rename = "mimetype", deserialize_with = "drift::maybe")]
    pub media_type: Option<Untrusted>,
    /// The length in bytes.
    #[serde(default, deserialize_with = "drift::count")]
    pub size: Option<u64>,
    /// The SHA-1 of the content in hexadecimal, as Sentry computed it.
    #[serde(default, deserialize_with = "drift::text")]
    pub sha1: Option<String>,
    /// When it arrived, ISO 8601.
    #[serde(default, rename = "dateCreated", deserialize_with = "drift::text")]
    pub date_created: Option<String>,
}

impl Client {
    /// `GET /api/0/projects/{org}/{project}/events/{event}/attachments/`
    pub async fn list_attachments(
        &self,
        org: &Slug,
        project: &Slug,
        event: &EventId,
        cursor: Option<&Cursor>,
        region: Option<&Region>,
    ) -> Result<Page<Attachment>> {
        let request = self.get(attachments(org, project, event)).in_region(region);
        request.query_opt("cursor", cursor).page().await
    }

    /// `GET /api/0/projects/{org}/{project}/events/{event}/attachments/{id}/?download=1`
    ///
    /// At most `limit` bytes. Sentry may redirect to a storage service, which is asked
    /// without the token.
    pub async fn download_attachment(
        &self,
        org: &Slug,
        project: &Slug,
        event: &EventId,
        id: &str,
        limit: usize,
        region: Option<&Region>,
    ) -> Result<Download> {
        let request = self.get(attachments(org, project, event).seg(id)).in_region(region);
        request.param("download", 1).download(limit).await
    }
}

fn attachments<'a>(org: &'a Slug, project: &'a Slug, event: &EventId) -> Route<'a> {
    Route::project(org, project).seg("events").seg(event.as_str()).seg("attachments")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use test_support::FakeSentry;
    use tokio::io::AsyncWriteExt as _;
    use wiremock::{Mock, ResponseTemplate, matchers};

    use super::*;
    use crate::{
        ErrorKind, Fence,
        testing::{RawServer, client, client_at, paths, told},
    };

    const EVENT: &str = "7ca573c0f4814912aaa9bdc77d1a7d51";
    const PATH: &str =
        "/api/0/projects/acme/shop/events/7ca573c0f4814912aaa9bdc77d1a7d51/attachments/";

    fn file() -> wiremock::MockBuilder {
        Mock::given(matchers::path(format!("{PATH}7/")))
    }

    async fn download(client: &Client, limit: usize) -> Result<Download> {
        let (org, project) = ("acme".parse().unwrap(), "shop".parse().unwrap());
        client.download_attachment(&org, &project, &EVENT.parse().unwrap(), "7", limit, None).await
    }

    #[tokio::test]
    async fn any_field_but_the_id_may_be_missing_or_of_another_type() {
        let list = json!([
            { "id": "7", "name": "a.txt", "type": "event.attachment", "mimetype": "text/plain",
              "size": "12", "sha1": "aa", "dateCreated": "2025-03-02T10:15:00Z" },
            { "id": 8, "name": null, "type": {}, "mimetype": [], "size": -1, "sha1": null },
            { "name": "no id" },
        ]);
        let sentry = FakeSentry::start().await.get(PATH, list).await;
        let (org, project) = ("acme".parse().unwrap(), "shop".parse().unwrap());
        let event = EVENT.parse().unwrap();
        let page =
            client(&sentry).list_attachments(&org, &project, &event, None, None).await.unwrap();
        let sizes: Vec<_> = page.items.iter().map(|file| (file.id.as_str(), file.size)).collect();
        assert_eq!(sizes, [("7", Some(12)), ("8", None)]);
        assert_eq!(page.skipped, 1);
    }

    #[tokio::test]
    async fn a_file_is_any_bytes_and_is_asked_for_as_such() {
        let bytes = [0_u8, 159, 146, 150, b'<'];
        let answer = ResponseTemplate::new(200).set_body_raw(bytes, "image/png");
        let mock = file()
            .and(matchers::header("accept", "*/*"))
            .and(matchers::query_param("download", "1"))
            .respond_with(answer);
        let sentry = FakeSentry::start().await.mount(mock).await;
        let file = download(&client(&sentry), 5).await.unwrap();
        assert_eq!(file.bytes, bytes.as_slice());
        assert_eq!(file.media_type, Some(Untrusted::new("image/png")));
    }

    #[tokio::test]
    async fn a_file_beyond_the_limit_is_refused_whether_its_length_is_told_or_not() {
        let answer = ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 1001]);
        let sentry = FakeSentry::start().await.mount(file().respond_with(answer)).await;
        let error = download(&client(&sentry), 1000).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TooLarge { limit: 1000 }), "{error:?}");

        let server = RawServer::start(|mut stream, _| async move {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(b"100\r\n").await.is_ok() {
                let chunk = [[b'x'; 256].as_slice(), b"\r\n"].concat();
                if stream.write_all(&chunk).await.is_err() {
                    break;
                }
            }
        })
        .await;
        let error = download(&client_at(&server.host(), |_| {}), 1000).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TooLarge { limit: 1000 }), "{error:?}");
    }

    #[tokio::test]
    async fn a_limit_above_the_one_of_other_answers_is_honored() {
        let answer = ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 2000]);
        let sentry = FakeSentry::start().await.mount(file().respond_with(answer)).await;
        let small = client_at(&sentry.host(), |settings| settings.max_body = 1000);
        assert_eq!(download(&small, 4000).await.unwrap().bytes.len(), 2000);
    }

    fn moved_to(url: &str) -> Mock {
        file().respond_with(ResponseTemplate::new(302).insert_header("Location", url))
    }

    #[tokio::test]
    async fn a_storage_service_is_asked_once_and_without_the_token() {
        let answer = ResponseTemplate::new(200).set_body_raw("stored", "text/plain");
        let stored = Mock::given(matchers::path("/bucket/7")).respond_with(answer);
        let leak = Mock::given(matchers::header_exists("authorization"))
            .respond_with(ResponseTemplate::new(500))
            .with_priority(1);
        let storage = FakeSentry::start().await.mount(stored).await.mount(leak).await;
        let target = format!("{}/bucket/7?signature=hunter2", storage.uri());
        let sentry = FakeSentry::start().await.mount(moved_to(&target)).await;
        let file = download(&client(&sentry), 100).await.unwrap();
        assert_eq!(file.bytes, "stored".as_bytes());
        assert_eq!(paths(&storage).await, ["/bucket/7"]);
    }

    #[tokio::test]
    async fn a_storage_service_that_refuses_is_named_and_not_taken_for_sentry() {
        let refuse = Mock::given(matchers::any()).respond_with(ResponseTemplate::new(403));
        let storage = FakeSentry::start().await.mount(refuse).await;
        let target = format!("{}/bucket/7?signature=hunter2", storage.uri());
        let sentry = FakeSentry::start().await.mount(moved_to(&target)).await;
        let error = download(&client(&sentry), 100).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Status { status: 403, .. }), "{error:?}");
        let text = told(&error);
        assert!(text.contains("storage service") && !text.contains("hunter2"), "{text}");
    }

    #[tokio::test]
    async fn only_a_file_is_followed_to_another_host() {
        let other = FakeSentry::start().await;
        let list = Mock::given(matchers::path(PATH)).respond_with(
            ResponseTemplate::new(302).insert_header("Location", format!("{}/x", other.uri())),
        );
        let sentry = FakeSentry::start().await.mount(list).await;
        let error = client(&sentry)
            .get(
                Route::root()
                    .seg("projects")
                    .seg("acme")
                    .seg("shop")
                    .seg("events")
                    .seg(EVENT)
                    .seg("attachments"),
            )
            .json::<Value>()
            .await
            .unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Moved { .. }), "{error:?}");
        assert_eq!(other.requests().await.len(), 0);
    }

    #[tokio::test]
    async fn a_file_of_another_project_than_the_fence_s_is_not_asked_for() {
        let sentry = FakeSentry::start().await;
        let fence = Fence { organization: "acme".parse().ok(), project: "other".parse().ok() };
        let error = download(&client(&sentry).with_fence(fence), 100).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OutsideFence { .. }), "{error:?}");
        assert_eq!(sentry.requests().await.len(), 0);
    }
}
