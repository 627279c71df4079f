//! Tables of hosts, site URLs and region URLs: what is taken and what is refused.

use super::*;

fn host(text: &str, insecure: bool) -> Result<String, SiteError> {
    Site::parse_host(text, insecure).map(|site| site.own().to_string())
}

#[test]
fn hosts_of_sites() {
    let table = [
        ("sentry.io", "https://sentry.io", true),
        ("SENTRY.io", "https://sentry.io", true),
        ("sentry.io:443", "https://sentry.io", true),
        ("de.sentry.io", "https://de.sentry.io", true),
        ("acme.sentry.io", "https://acme.sentry.io", true),
        (" sentry.example.test ", "https://sentry.example.test", false),
        ("sentry.example.test:8443", "https://sentry.example.test:8443", false),
        ("localhost", "https://localhost", false),
        ("127.0.0.1:9000", "https://127.0.0.1:9000", false),
        ("[::1]:9000", "https://[::1]:9000", false),
        ("sentry_1.example.test", "https://sentry_1.example.test", false),
        ("evilsentry.io", "https://evilsentry.io", false),
        ("sentry.io.evil.test", "https://sentry.io.evil.test", false),
        ("a.b.sentry.io", "https://a.b.sentry.io", false),
    ];
    for (text, expected, saas) in table {
        let site = Site::parse_host(text, false).unwrap();
        assert_eq!((site.own().as_str(), site.is_saas()), (expected, saas), "{text}");
    }
    assert_eq!(host("sentry.example.test", true).unwrap(), "http://sentry.example.test");
    assert_eq!(host("sentry.example.test:80", true).unwrap(), "http://sentry.example.test");
}

#[test]
fn what_is_no_host_is_refused() {
    let long = format!("{}.test", "a".repeat(64));
    for bad in [
        "",
        " ",
        "https://sentry.io",
        "http://sentry.io",
        "//sentry.io",
        "sentry.io/",
        "sentry.io/api",
        "sentry.io?x",
        "sentry.io#x",
        "sentry.io\\x",
        "user@sentry.io",
        "user:password@sentry.io",
        "sentry.io@evil.test",
        "sentry io",
        "sentry.io\n.test",
        "sen\ntry.io",
        "ｓentry.io",
        "sentry。io",
        "sеntry.io",
        "sentry%2eio",
        "sentry.io:",
        "sentry.io:x",
        "sentry.io:0",
        "sentry.io:99999",
        "sentry.io:8443",
        ".sentry.io",
        "sentry..io",
        "sentry.io.",
        "https",
        "http",
        "[::1",
        "*.sentry.io",
        long.as_str(),
    ] {
        assert!(host(bad, false).is_err(), "{bad:?}");
    }
}

#[test]
fn the_service_is_never_asked_over_plain_http() {
    for name in ["sentry.io", "DE.sentry.io", "a.b.sentry.io", "sentry.io:80", "sentry.io:8080"] {
        assert!(matches!(host(name, true), Err(SiteError::InsecureSaas { .. })), "{name}");
    }
    assert!(matches!(
        Site::parse_url("https://sentry.io", true),
        Err(SiteError::InsecureSaas { .. })
    ));
}

#[test]
fn urls_of_sites() {
    for good in [
        "https://sentry.example.test",
        "https://sentry.example.test/",
        " HTTPS://Sentry.Example.Test:443/ ",
    ] {
        assert_eq!(
            Site::parse_url(good, false).unwrap().own().as_str(),
            "https://sentry.example.test",
            "{good}"
        );
    }
    let error = |url: &str| Site::parse_url(url, false).unwrap_err();
    for url in [
        "http://sentry.example.test",
        "sentry.example.test",
        "ftp://sentry.example.test",
        "",
        "https:/x",
        "é",
    ] {
        assert!(matches!(error(url), SiteError::Scheme { .. }), "{url}");
    }
    for url in
        ["https://s.test/sentry", "https://s.test/api/0/", "https://s.test?x", "https://s.test/#x"]
    {
        assert!(matches!(error(url), SiteError::Path { .. }), "{url}");
    }
    assert!(
        error("https://s.test/sentry")
            .to_string()
            .contains("leave out everything after `https://s.test`")
    );
    assert_eq!(error("https://user:password@s.test/"), SiteError::UserInfo);
    assert!(!format!("{:?}", error("https://s.test/x@y:password@z/")).contains("password"));
    assert!(matches!(error("https://"), SiteError::Host { .. }));
    assert!(matches!(error("https:///x"), SiteError::Host { .. }));
}

#[test]
fn regions_of_the_service() {
    let saas = Site::saas();
    for good in [
        "https://sentry.io",
        "https://de.sentry.io/",
        "https://US.sentry.io/api/0/",
        "https://eu-1.sentry.io:443",
    ] {
        assert!(saas.region(good).is_ok(), "{good}");
    }
    assert_eq!(
        saas.region("https://DE.sentry.io/x?y").unwrap().to_string(),
        "https://de.sentry.io"
    );
    for bad in [
        "",
        "https://",
        "http://de.sentry.io",
        "de.sentry.io",
        "ftp://de.sentry.io",
        "https://evilsentry.io",
        "https://sentry.io.evil.test",
        "https://a.b.sentry.io",
        "https://.sentry.io",
        "https://-.sentry.io",
        "https://a_b.sentry.io",
        "https://de.sentry.io:8443",
        "https://de.sentry.io:80",
        "https://de.sentry.io@evil.test",
        "https://evil.test@de.sentry.io",
        "https://evil.test#de.sentry.io",
        "https://evil.test/de.sentry.io",
        "https://evil.test\\.sentry.io",
        "https://ｄe.sentry.io",
        "https://dе.sentry.io",
        "https://d%65.sentry.io",
        "https://xn--80a.test",
        "https://https",
        "https://127.0.0.1",
        "javascript:alert(1)",
        "https:///de.sentry.io",
    ] {
        assert!(matches!(saas.region(bad), Err(SiteError::Region { .. })), "{bad}");
    }
}

#[test]
fn regions_of_a_self_hosted_installation() {
    let site = Site::parse_host("sentry.example.test:8443", false).unwrap();
    assert!(!site.has_regions());
    assert!(site.region("https://sentry.example.test:8443/").is_ok());
    for bad in [
        "https://sentry.example.test",
        "http://sentry.example.test:8443",
        "https://sentry.io",
        "https://us.sentry.io",
        "https://eu.example.test",
    ] {
        assert!(site.region(bad).is_err(), "{bad}");
    }
    let site = site.with_region_hosts(["EU.example.test", "us.example.test:8443"]).unwrap();
    assert!(site.has_regions());
    assert_eq!(site.region("https://eu.example.test").unwrap().host(), "eu.example.test");
    assert!(site.region("https://us.example.test:8443").is_ok());
    assert!(site.region("https://us.example.test").is_err());
    let error = site.region("https://user:password@evil.test").unwrap_err().to_string();
    assert_eq!(
        error,
        "the region `evil.test` is not allowed for sentry.example.test:8443; allowed: \
         https://sentry.example.test:8443, https://eu.example.test, https://us.example.test:8443"
    );
    for bad in ["sentry.io", "us.sentry.io", "https://x.test", "a/b", ""] {
        assert!(site.clone().with_region_hosts([bad]).is_err(), "{bad}");
    }
    assert!(Site::saas().with_region_hosts(["evil.test"]).is_err());
}

#[test]
fn an_insecure_site_may_have_insecure_regions_only_of_its_own() {
    let site = Site::parse_host("127.0.0.1:9000", true)
        .unwrap()
        .with_region_hosts(["127.0.0.1:9001"])
        .unwrap();
    assert_eq!(site.region("http://127.0.0.1:9000").unwrap().as_str(), "http://127.0.0.1:9000");
    assert_eq!(site.region("http://127.0.0.1:9001").unwrap().as_str(), "http://127.0.0.1:9001");
    assert!(site.region("http://127.0.0.1:9002").is_err());
    assert!(site.region("http://sentry.io").is_err());
}

#[test]
fn a_region_of_another_site_is_not_admitted() {
    let elsewhere = Site::parse_host("sentry.example.test", false).unwrap();
    assert!(Site::saas().admits(elsewhere.own()).is_err());
    assert!(elsewhere.admits(Site::saas().own()).is_err());
    assert!(elsewhere.admits(elsewhere.own()).is_ok());
    let regional = Site::parse_host("de.sentry.io", false).unwrap();
    assert_eq!(regional.main().as_str(), "https://sentry.io");
    assert!(regional.admits(regional.main()).is_ok());
}
