use lattice_lock_clients::ChatRequest;
use lattice_lock_providers::{FailureClass, Provider};
use lattice_lock_testkit::Exchange;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{Pair, both, class, clients, context, model};

/// The class of a 200 whose body is `body`, on both wires.
async fn check(body: impl Into<Vec<u8>>, expected: FailureClass) {
    let body = body.into();
    for provider in both() {
        let pair = Pair::of(provider).await;
        let exchange = Exchange::raw(200, "application/json", body.clone());
        let error = pair.play(exchange).await.unwrap_err();
        let start = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        assert_eq!(class(&error), expected, "{start}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_reply_is_malformed() {
    check("", FailureClass::MalformedReply).await;
    check(" \n", FailureClass::MalformedReply).await;
    check("<html>Sign in</html>", FailureClass::MalformedReply).await;
    check("null", FailureClass::MalformedReply).await;
    check("[]", FailureClass::MalformedReply).await;
    check("{}", FailureClass::MalformedReply).await;
    check(r#"{"choices":7,"content":7}"#, FailureClass::MalformedReply).await;
    check("{\"content\":\"\u{0}\"}", FailureClass::MalformedReply).await;
    check(
        b"{\"model\":\"\xff\xfe\"}".to_vec(),
        FailureClass::MalformedReply,
    )
    .await;
    check("[".repeat(1_000_000), FailureClass::MalformedReply).await;
}

#[tokio::test]
async fn json_that_ends_too_early_is_a_cut_reply() {
    check(
        r#"{"id":"x","choices":[{"message":{"content":"Hel"#,
        FailureClass::CutStream,
    )
    .await;
    check(
        r#"{"content":[{"type":"text","text":"Hel"#,
        FailureClass::CutStream,
    )
    .await;
}

#[tokio::test]
async fn a_wrong_content_type_is_named() {
    let pair = Pair::of(Provider::openai()).await;
    let exchange = Exchange::raw(200, "text/html", "<html>Sign in</html>");
    let error = pair.play(exchange).await.unwrap_err();
    assert_eq!(context(&error, "content_type"), Some("text/html"));
    assert!(!format!("{error:?}").contains("Sign in"));
}

#[tokio::test]
async fn a_body_announced_as_huge_is_not_read() {
    let pair = Pair::of(Provider::openai()).await;
    let exchange = Exchange::raw(200, "application/json", vec![b' '; 33 * 1024 * 1024]);
    let error = pair.play(exchange).await.unwrap_err();
    assert_eq!(class(&error), FailureClass::MalformedReply);
}

/// Answers the first request with a head and then with a chunk again and again, until the caller hangs up; says
/// how many bytes it got rid of.
async fn endless(listener: TcpListener, status: &str) -> usize {
    let (mut stream, _) = listener.accept().await.unwrap();
    // The first byte of the request is enough to answer it.
    stream.read_u8().await.unwrap();
    let head = format!("HTTP/1.1 {status}\r\ntransfer-encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = [b"10000\r\n", vec![b' '; 0x10000].as_slice(), b"\r\n"].concat();
    let mut sent = 0;
    while stream.write_all(&chunk).await.is_ok() {
        sent += 0x10000;
    }
    sent
}

#[tokio::test]
async fn a_body_without_end_is_given_up() {
    for (status, expected, most) in [
        ("200 OK", FailureClass::MalformedReply, 64 << 20),
        ("429 Slow Down", FailureClass::RateLimited, 16 << 20),
    ] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = format!("http://{}/v1", listener.local_addr().unwrap());
        let client = clients().client(&Provider::local().at(&address).unwrap());
        let request = ChatRequest::new("Hello?");
        let asked = model();
        let (sent, reply) = tokio::join!(endless(listener, status), async {
            let reply = client.chat(&asked, &request).await;
            drop(client);
            reply
        });
        assert_eq!(class(&reply.unwrap_err()), expected);
        assert!(sent < most, "{sent}");
    }
}

#[tokio::test]
async fn a_huge_prompt_is_sent_whole() {
    let pair = Pair::of(Provider::openai()).await;
    let prompt = "word ".repeat(1_000_000);
    pair.ask(&prompt).await.unwrap();
    let received = &pair.server.received()[0];
    assert_eq!(received.json()["messages"][0]["content"], prompt);
}

#[tokio::test]
async fn whatever_stands_in_an_error_is_harmless() {
    let bodies = [
        "",
        "{",
        "null",
        "[1,2]",
        r#"{"error":null}"#,
        r#"{"error":7}"#,
        r#"{"error":{"code":{"a":1},"type":[],"message":{}}}"#,
        r#"{"error":{"code":1e999}}"#,
        r#"{"error":{"code":-1}}"#,
        "\u{feff}{}",
    ];
    for body in bodies {
        for provider in both() {
            let pair = Pair::of(provider).await;
            let error = pair
                .play(Exchange::raw(500, "text/plain", body))
                .await
                .unwrap_err();
            assert_eq!(class(&error), FailureClass::ServerError, "{body}");
        }
    }
}

#[tokio::test]
async fn an_odd_request_id_is_left_out() {
    let pair = Pair::of(Provider::openai()).await;
    for id in ["", "with space", "x".repeat(200).as_str()] {
        let error = Exchange::error(500).header("x-request-id", id);
        let error = pair.play(error).await.unwrap_err();
        assert_eq!(context(&error, "request_id"), None, "{id}");
    }
}
