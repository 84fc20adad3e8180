//! A port on loopback is reachable by every web page a browser shows. It must be of no use to them.

use crate::server_support::{Answer, JSON, Server, call, export, export_protobuf, frame, span};

fn status_of(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

#[tokio::test]
pub async fn strange_hosts_are_refused_on_every_route() {
    let server = Server::start().await;
    let port = server.address().port();
    for (path, method) in
        [("/health", "GET"), ("/metrics", "GET"), ("/api/v1/traces", "GET"), ("/docs", "GET"), ("/v1/traces", "POST")]
    {
        for (host, expected) in [
            (format!("Host: 127.0.0.1:{port}\r\n"), None),
            (format!("Host: localhost:{port}\r\n"), None),
            (format!("Host: [::1]:{port}\r\n"), None),
            ("Host: evil.com\r\n".to_owned(), Some("403")),
            (format!("Host: evil.com:{port}\r\n"), Some("403")),
            ("Host: 192.168.7.7\r\n".to_owned(), Some("403")),
            ("Host: localhost\r\nHost: evil.com\r\n".to_owned(), Some("400")),
            (String::new(), Some("400")),
        ] {
            let request = format!("{method} {path} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: 0\r\n\r\n");
            let answer = server.raw(request.as_bytes()).await;
            let status = status_of(&answer);
            match expected {
                Some(expected) => assert_eq!(status, expected, "{method} {path} {host}"),
                None => assert!(!["403", "400"].contains(&status), "{method} {path} {host}: {answer}"),
            }
        }
    }
    let absolute = "GET http://evil.com/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(status_of(&server.raw(absolute.as_bytes()).await), "403");
}

#[tokio::test]
pub async fn a_strange_authority_is_refused_over_http2_too() {
    let server = Server::start().await;
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let headers = [("content-type", "application/grpc"), ("host", "evil.com")];
    let reply = call(server.address(), path, &headers, frame(0, &export_protobuf(1, "call"))).await;
    assert_eq!(reply.status, "7", "{reply:?}");
    assert_eq!(server.span_count().await, 0);
}

#[tokio::test]
pub async fn names_can_be_allowed() {
    let server = Server::start_with(|config| config.allowed_hosts = vec!["traces.example".to_owned()]).await;
    let answer = Answer::of(server.request("GET", "/health").header("host", "traces.example:8099")).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
pub async fn other_sites_can_neither_write_nor_delete() {
    let server = Server::start().await;
    server.store(&[span(1, 1, "kept")]).await;
    for (name, value) in [
        ("origin", "https://evil.com"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for (method, path) in [
            ("POST", "/v1/traces"),
            ("DELETE", "/api/v1/traces"),
            ("POST", "/api/v1/prune"),
            ("POST", "/api/v1/records"),
        ] {
            let body = export(&[span(2, 2, "forged")]).to_string();
            let request = server.request(method, path).header("content-type", JSON).header(name, value).body(body);
            assert_eq!(Answer::of(request).await.status, 403, "{method} {path} {name}: {value}");
        }
    }
    assert_eq!(server.span_count().await, 1);
    let own = server.request("DELETE", "/api/v1/traces").header("origin", server.running.url());
    assert_eq!(Answer::of(own).await.status, 200);
}

#[tokio::test]
pub async fn no_answer_lets_other_sites_read_frame_or_cache_it() {
    let server = Server::start().await;
    for path in ["/health", "/api/v1/traces", "/docs", "/openapi.json", "/metrics", "/nothing-here"] {
        let answer = Answer::of(server.request("GET", path).header("origin", "https://evil.com")).await;
        for (name, value) in [
            ("access-control-allow-origin", ""),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
    }
    let preflight = server.request("OPTIONS", "/v1/traces").header("origin", "https://evil.com");
    let preflight = Answer::of(preflight.header("access-control-request-method", "POST")).await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (405, ""));
}

#[tokio::test]
pub async fn the_page_allows_its_own_script_by_digest_and_nothing_else() {
    let server = Server::start().await;
    let answer = server.get("/docs").await;
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
}

#[tokio::test]
pub async fn public_answers_say_nothing_about_data_and_metrics_nothing_about_files() {
    let server = Server::start().await;
    server.store(&[span(1, 1, "canary-name")]).await;
    let folder = server.db().parent().and_then(|folder| folder.to_str()).expect("a path").to_owned();
    // `/health` names the file to callers on this machine, as the published Python server does to everyone.
    assert!(!server.get("/health").await.text().contains("canary"));
    for path in ["/metrics", "/docs", "/openapi.json", "/stats/sources", "/correlations"] {
        let text = server.get(path).await.text();
        assert!(!text.contains("canary"), "{path}: {text}");
        // A program on the same machine may know where the file lies, as the original of the checkpoint API told it.
        assert_eq!(text.contains(&folder), path == "/health", "{path}: {text}");
    }
}

#[tokio::test]
pub async fn the_lock_of_the_file_says_where_its_server_is_and_how_to_prove_to_be_its_owner() {
    let server = Server::start().await;
    let owner = tracehub::store::sqlite::lock::owner(&server.db()).expect("a running server");
    assert_eq!((owner.pid, owner.url.as_deref()), (std::process::id(), Some(server.running.url())));
    let token = owner.token.expect("a token");
    assert_eq!(token.len(), 64, "256 bits in hexadecimal");
    for (bearer, status) in [(token.as_str(), 200), ("another", 403)] {
        let forged = server.request("DELETE", "/api/v1/traces").header("origin", "https://evil.com");
        assert_eq!(Answer::of(forged.bearer_auth(bearer)).await.status, status);
    }
    let pages = [
        server.get("/health").await.text(),
        server.get("/metrics").await.text(),
        server.get("/api/v1/server").await.text(),
    ];
    assert!(pages.iter().all(|page| !page.contains(&token)));
}

/// What the exporter of OpenTelemetry for browsers sends, and what the browser asks before it does.
#[tokio::test]
pub async fn pages_of_a_welcome_site_can_send_and_read_even_what_is_refused() {
    const PAGE: &str = "http://localhost:3000";
    let server = Server::start_with(|config| config.cors_origins = vec![PAGE.to_owned()]).await;
    for path in ["/v1/traces", "/v1/logs", "/api/v1/ingest", "/api/v1/traces", "/ingest"] {
        let preflight = server.request("OPTIONS", path).header("origin", PAGE).header("sec-fetch-site", "cross-site");
        let preflight = preflight.header("access-control-request-method", "POST");
        let answer = Answer::of(preflight.header("access-control-request-headers", "content-type,x-api-key")).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, PAGE), "{path}");
        assert!(answer.header("access-control-allow-methods").contains("POST"));
        assert_eq!(answer.header("access-control-allow-headers"), "content-type,x-api-key");
        assert!(answer.header("vary").contains("origin"));
    }
    let send = |path: &str, media: &str, body: String| {
        let request = server.request("POST", path).header("origin", PAGE).header("sec-fetch-site", "cross-site");
        Answer::of(request.header("content-type", media).header("sec-fetch-mode", "cors").body(body))
    };
    let body = export(&[span(1, 1, "click")]).to_string();
    for (path, media, body, status) in [
        ("/v1/traces", JSON, body.as_str(), 200),
        ("/v1/traces", "text/plain", body.as_str(), 415),
        ("/v1/traces", JSON, "{", 400),
        ("/nothing-here", JSON, "{}", 404),
        ("/health", JSON, "{}", 405),
        ("/api/v1/keys", JSON, &"x".repeat(100_000), 413),
    ] {
        let answer = send(path, media, body.to_owned()).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, PAGE), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), "true", "beacons ask for it");
    }
    assert_eq!(server.span_count().await, 1);
    for origin in ["http://localhost:3001", "https://localhost:3000", "null", "http://localhost:3000.evil.com"] {
        let request = server.request("POST", "/v1/traces").header("content-type", JSON).header("origin", origin);
        let answer = Answer::of(request.body(body.clone())).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, ""), "{origin}");
        let preflight = server.request("OPTIONS", "/v1/traces").header("origin", origin);
        let answer = Answer::of(preflight.header("access-control-request-method", "POST")).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (405, ""), "{origin}");
    }
    let strange = Answer::of(server.request("GET", "/health").header("host", "tracehub").header("origin", PAGE)).await;
    assert_eq!(strange.status, 403);
    assert!(strange.text().contains("TRACEHUB_ALLOWED_HOSTS"), "{}", strange.text());
}
