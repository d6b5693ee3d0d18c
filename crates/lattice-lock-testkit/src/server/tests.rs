use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{Exchange, Gate, PriceList, Rates, ScriptedServer, Usage, Wire};

/// A reply, as far as it came.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

async fn server() -> ScriptedServer {
    ScriptedServer::start().await.unwrap()
}

/// Sends bytes as they are and reads until the end of the connection.
async fn send(server: &ScriptedServer, bytes: &[u8]) -> std::io::Result<Reply> {
    let mut stream = TcpStream::connect(server.address()).await?;
    stream.write_all(bytes).await?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await?;
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((&reply, ""));
    let status = head
        .get(9..12)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    Ok(Reply {
        status,
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    })
}

fn request(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

fn chat_request(model: &str, prompt: &str, headers: &str) -> Vec<u8> {
    let body = json!({ "model": model, "messages": [{ "role": "user", "content": prompt }] });
    request("POST", "/v1/chat/completions", headers, &body.to_string())
}

fn messages_request(model: &str, prompt: &str, headers: &str) -> Vec<u8> {
    let message = json!({ "role": "user", "content": prompt });
    let body = json!({ "model": model, "max_tokens": 64, "messages": [message] });
    let headers = format!("anthropic-version: 2023-06-01\r\n{headers}");
    request("POST", "/v1/messages", &headers, &body.to_string())
}

async fn chat(server: &ScriptedServer) -> Reply {
    send(server, &chat_request("gpt-5-mini", "Hello there", ""))
        .await
        .unwrap()
}

#[tokio::test]
async fn chat_is_answered_and_charged_as_scripted() {
    let server = server().await;
    let usage = Usage::new()
        .input(80)
        .cache_read(20)
        .output(30)
        .reasoning(10);
    server.script(Exchange::reply("Hi.").usage(usage));
    let bytes = chat_request("gpt-5-mini", "Hello", "x-lattice-operation: op-7\r\n");
    let reply = send(&server, &bytes).await.unwrap();

    assert_eq!(reply.status, 200);
    let body = reply.json();
    assert_eq!(body["model"], "gpt-5-mini-2025-08-07");
    assert_eq!(body["choices"][0]["message"]["content"], "Hi.");
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    assert_eq!(body["usage"]["total_tokens"], 140);

    let account = server.account();
    let charge = &account.charges()[0];
    assert_eq!(
        reply.header("x-request-id"),
        Some(charge.request_id.as_str())
    );
    assert_eq!(charge.operation.as_deref(), Some("op-7"));
    assert_eq!((charge.wire, charge.usage), (Wire::OpenAi, usage));
    assert_eq!(charge.requested_model, "gpt-5-mini");

    let rates = Rates::per_million("0.25", "2")
        .and_then(|rates| rates.cache_read("0.025"))
        .unwrap();
    let prices = PriceList::new().model("gpt-5-mini-2025-08-07", rates);
    assert_eq!(
        account.bill(&prices).unwrap().nano_usd(),
        20_000 + 500 + 80_000
    );
}

#[tokio::test]
async fn messages_are_answered_in_the_other_shape() {
    let server = server().await;
    server.script(Exchange::reply("Hi.").usage(Usage::new().input(5).cache_write_5m(9).output(2)));
    let reply = send(&server, &messages_request("claude-sonnet-4-5", "Hello", ""))
        .await
        .unwrap();

    let body = reply.json();
    assert_eq!(body["model"], "claude-sonnet-4-5-20250929");
    assert_eq!(body["content"][0], json!({ "type": "text", "text": "Hi." }));
    assert_eq!(body["stop_reason"], "end_turn");
    assert_eq!(body["usage"]["input_tokens"], 5);
    assert_eq!(body["usage"]["cache_creation_input_tokens"], 9);
    let request_id = server.account().charges()[0].request_id.clone();
    assert_eq!(reply.header("request-id"), Some(request_id.as_str()));
}

#[tokio::test]
async fn without_a_script_the_same_prompt_gets_the_same_answer() {
    let server = server().await;
    let (first, second) = (chat(&server).await.json(), chat(&server).await.json());
    assert_eq!(first["choices"], second["choices"]);
    assert_eq!(first["usage"], second["usage"]);
    assert!(first["usage"]["prompt_tokens"].as_u64() > Some(0));
    assert_eq!(server.account().charges().len(), 2);
}

#[tokio::test]
async fn an_unknown_model_is_served_under_its_own_name() {
    let server = server().await;
    let reply = send(&server, &chat_request("llama3.2", "Hello", ""))
        .await
        .unwrap();
    assert_eq!(reply.json()["model"], "llama3.2");
}

#[tokio::test]
async fn models_are_listed_in_each_shape() {
    let server = server().await;
    let reply = send(&server, &request("GET", "/v1/models", "", ""))
        .await
        .unwrap();
    assert_eq!(reply.json()["object"], "list");
    let headers = "anthropic-version: 2023-06-01\r\n";
    let reply = send(&server, &request("GET", "/v1/models", headers, ""))
        .await
        .unwrap();
    assert_eq!(reply.json()["has_more"], false);
    assert_eq!(reply.json()["data"][0]["type"], "model");
}

#[tokio::test]
async fn a_required_key_is_asked_for_in_the_providers_words() {
    let server = server().await;
    server.require_key("sk-right");
    let missing = chat(&server).await;
    assert_eq!(missing.status, 401);
    assert!(
        missing.json()["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("You didn't")
    );

    let ask = async |bytes: Vec<u8>| send(&server, &bytes).await.unwrap();
    let wrong = ask(chat_request("m", "x", "authorization: Bearer sk-wrong\r\n"))
        .await
        .json();
    assert_eq!(wrong["error"]["code"], "invalid_api_key");
    let wrong = ask(messages_request("m", "x", "x-api-key: sk-wrong\r\n"))
        .await
        .json();
    assert_eq!(wrong["error"]["type"], "authentication_error");
    assert!(server.account().charges().is_empty());

    let right = ask(chat_request("m", "x", "authorization: Bearer sk-right\r\n")).await;
    assert_eq!(right.status, 200);
    let right = ask(messages_request("m", "x", "x-api-key: sk-right\r\n")).await;
    assert_eq!(right.status, 200);
}

#[tokio::test]
async fn errors_have_the_providers_bodies_and_are_not_charged() {
    let server = server().await;
    let check = async |status: u16, openai: &str, anthropic: &str| {
        server.script(Exchange::error(status).retry_after(2));
        let reply = chat(&server).await;
        assert_eq!(reply.status, status);
        assert_eq!(reply.header("retry-after"), Some("2"));
        assert_eq!(reply.json()["error"]["type"], openai);
        server.script(Exchange::error(status));
        let reply = send(&server, &messages_request("m", "x", ""))
            .await
            .unwrap();
        assert_eq!(reply.json()["error"]["type"], anthropic);
        assert_eq!(reply.json()["type"], "error");
    };
    check(401, "invalid_request_error", "authentication_error").await;
    check(429, "requests", "rate_limit_error").await;
    check(500, "server_error", "api_error").await;
    check(503, "server_error", "api_error").await;
    check(529, "server_error", "overloaded_error").await;
    assert!(server.account().charges().is_empty());
}

#[tokio::test]
async fn a_failure_that_is_billed_all_the_same_is_charged() {
    let server = server().await;
    server.script(
        Exchange::error(500)
            .message("Gave up.")
            .usage(Usage::new().input(9)),
    );
    let reply = chat(&server).await;
    assert_eq!(reply.json()["error"]["message"], "Gave up.");
    assert_eq!(server.account().tokens(), 9);
}

#[tokio::test]
async fn usage_can_be_missing_or_a_lie_and_is_charged_as_it_was() {
    let server = server().await;
    let usage = Usage::new().input(1).output(2);
    server.script(Exchange::reply("a").usage(usage).without_usage());
    server.script(
        Exchange::reply("b")
            .usage(usage)
            .reporting(json!({ "prompt_tokens": -5 })),
    );
    assert!(chat(&server).await.json().get("usage").is_none());
    assert_eq!(
        chat(&server).await.json()["usage"],
        json!({ "prompt_tokens": -5 })
    );
    assert!(
        server
            .account()
            .charges()
            .iter()
            .all(|charge| charge.usage == usage)
    );
}

#[tokio::test]
async fn a_truncated_body_is_shorter_than_announced() {
    let server = server().await;
    server.script(Exchange::reply("A long answer. ".repeat(50)).then_truncate());
    let reply = chat(&server).await;
    let announced: usize = reply.header("content-length").unwrap().parse().unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body.len(), announced / 2);
    assert_eq!(server.account().charges().len(), 1);
}

#[tokio::test]
async fn a_reset_comes_before_the_work_or_after_it() {
    let server = server().await;
    server.script(Exchange::reset());
    server.script(Exchange::reply("Lost.").then_reset());
    for charges in [0, 1] {
        let error = send(&server, &chat_request("gpt-5-mini", "Hello", ""))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        assert_eq!(server.account().charges().len(), charges);
    }
}

#[tokio::test]
async fn a_caller_who_hangs_up_at_the_gate_pays() {
    let server = server().await;
    let gate = Gate::new();
    server.script(Exchange::reply("Nobody is there.").gate(&gate));
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream
        .write_all(&chat_request("gpt-5-mini", "Hello", ""))
        .await
        .unwrap();
    gate.reached().await;
    drop(stream);
    assert_eq!(server.account().charges().len(), 1);
    gate.open();
    assert_eq!(chat(&server).await.status, 200);
}

#[tokio::test]
async fn an_exchange_for_one_model_waits_for_it() {
    let server = server().await;
    server.script(Exchange::error(500).only_model("gpt-5"));
    assert_eq!(chat(&server).await.status, 200);
    assert_eq!(server.remaining(), 1);
    assert_eq!(
        send(&server, &chat_request("gpt-5", "x", ""))
            .await
            .unwrap()
            .status,
        500
    );
    assert_eq!(server.remaining(), 0);
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let server = server().await;
    let request = |tail: &str| {
        let body = r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#;
        let length = body.len();
        format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: t\r\ncontent-length: {length}\r\n{tail}\r\n{body}"
        )
    };
    let both = format!("{}{}", request(""), request("connection: close\r\n"));
    send(&server, both.as_bytes()).await.unwrap();
    assert_eq!(server.account().charges().len(), 2);
}

#[tokio::test]
async fn hostile_requests_get_an_error_and_the_server_lives() {
    let server = server().await;
    let check = async |bytes: &[u8], status: u16| {
        let reply = send(&server, bytes).await.unwrap();
        assert_eq!(reply.status, status, "{reply:?}");
    };
    check(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400).await;
    check(
        b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        400,
    )
    .await;
    check(&request("POST", "/v1/chat/completions", "", "{"), 400).await;
    check(
        &request("POST", "/v1/chat/completions", "", &"[".repeat(1 << 20)),
        400,
    )
    .await;
    check(&request("POST", "/v1/messages", "", "\u{0}"), 400).await;
    check(&request("POST", "/v1/embeddings", "", "{}"), 400).await;
    check(&request("POST", "/v1/nothing", "", "{}"), 404).await;
    check(&request("DELETE", "/v1/models", "", ""), 405).await;
    check(&request("POST", "/v1/models", "x: \u{7f}\r\n", ""), 400).await;
    check(
        &chat_request("gpt-5-mini", &"long ".repeat(1 << 20), ""),
        200,
    )
    .await;
    assert_eq!(server.account().charges().len(), 1);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let server = server().await;
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        super::LONGEST_BODY + 1
    );
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
}

#[tokio::test]
async fn scripted_headers_that_http_forbids_are_left_out() {
    let server = server().await;
    let reply = Exchange::raw(599, "text/\nhtml", "<html>")
        .header("a b", "c")
        .header("x-odd", "d\r\ne: f");
    server.script(reply);
    let reply = chat(&server).await;
    assert_eq!((reply.status, reply.body.as_str()), (599, "<html>"));
    assert_eq!(reply.header("x-odd"), None);
    server.script(Exchange::error(7));
    assert_eq!(chat(&server).await.status, 500);
}

#[tokio::test]
async fn what_was_received_is_kept_and_debug_hides_the_key() {
    let server = server().await;
    send(
        &server,
        &chat_request("m", "my prompt", "authorization: Bearer sk-4711\r\n"),
    )
    .await
    .unwrap();
    let received = &server.received()[0];
    assert_eq!(
        (received.method(), received.path()),
        ("POST", "/v1/chat/completions")
    );
    assert_eq!(received.header("authorization"), Some("Bearer sk-4711"));
    assert_eq!(received.json()["messages"][0]["content"], "my prompt");
    let debug = format!("{received:?} {server:?}");
    assert!(
        !debug.contains("4711") && !debug.contains("my prompt"),
        "{debug}"
    );
}

#[tokio::test]
async fn stopping_closes_the_port_and_hands_over_the_account() {
    let server = server().await;
    let address = server.address();
    chat(&server).await;
    let idle = TcpStream::connect(address).await.unwrap();
    assert_eq!(server.stop().await.charges().len(), 1);
    assert!(TcpStream::connect(address).await.is_err());
    drop(idle);
}

#[tokio::test]
async fn dropping_closes_even_a_connection_at_the_gate() {
    let server = server().await;
    let gate = Gate::new();
    server.script(Exchange::derived().gate(&gate));
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(&chat_request("m", "x", "")).await.unwrap();
    gate.reached().await;
    drop(server);
    // Closed in order or reset: either way without a reply.
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply).await;
    assert!(reply.is_empty());
}

#[test]
fn the_server_outlives_the_runtime_that_started_it() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let server = runtime().block_on(server());
    assert_eq!(runtime().block_on(chat(&server)).status, 200);
    assert_eq!(server.account().charges().len(), 1);
}

#[tokio::test]
async fn a_stream_comes_in_events_and_says_what_it_used_only_when_asked() {
    let server = server().await;
    let ask = async |options: Value| {
        server.script(Exchange::reply("One two.").usage(Usage::new().input(3).output(2)));
        let mut body = json!({ "model": "m", "messages": [{ "role": "user", "content": "x" }], "stream": true });
        body["stream_options"] = options;
        let bytes = request("POST", "/v1/chat/completions", "", &body.to_string());
        send(&server, &bytes).await.unwrap()
    };
    let reply = ask(json!({ "include_usage": true })).await;
    assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
    assert!(reply.body.contains("\"total_tokens\":5") && reply.body.contains("[DONE]"));
    let reply = ask(Value::Null).await;
    assert!(!reply.body.contains("total_tokens") && reply.body.contains("[DONE]"));
    assert_eq!(server.account().tokens(), 10);
}

#[tokio::test]
async fn each_wire_has_its_address_its_key_and_its_words() {
    let server = server().await;
    server.require_key("right");
    let check = async |path: &str, key: &str, body: Value, wire: Wire| {
        let wrong = request(
            "POST",
            path,
            &key.replace("right", "wrong"),
            &body.to_string(),
        );
        let status = send(&server, &wrong).await.unwrap().status;
        assert!((400..404).contains(&status), "{path}: {status}");
        let right = request("POST", path, key, &body.to_string());
        assert_eq!(send(&server, &right).await.unwrap().status, 200, "{path}");
        assert_eq!(server.account().charges().last().unwrap().wire, wire);
    };
    let chat =
        json!({ "model": "m", "stream": false, "messages": [{ "role": "user", "content": "x" }] });
    let bearer = "authorization: Bearer right\r\n";
    let deployed = "/openai/deployments/m/chat/completions?api-version=x";
    check(deployed, "api-key: right\r\n", chat.clone(), Wire::Azure).await;
    check("/api/chat", bearer, chat, Wire::Ollama).await;
    let responses = json!({ "model": "m", "input": "x" });
    check("/v1/responses", bearer, responses, Wire::OpenAiResponses).await;
    let gemini = json!({ "contents": [{ "parts": [{ "text": "x" }] }] });
    let path = "/v1beta/models/m:generateContent";
    check(path, "x-goog-api-key: right\r\n", gemini, Wire::Gemini).await;
    let converse = json!({ "messages": [{ "role": "user", "content": [{ "text": "x" }] }] });
    let signed =
        "authorization: AWS4-HMAC-SHA256 Credential=right/20260101/x/bedrock/aws4_request\r\n";
    check("/model/m/converse", signed, converse, Wire::Bedrock).await;
}

#[tokio::test]
async fn bytes_are_mangled_as_scripted() {
    let server = server().await;
    server.script(Exchange::reply("Long enough.").cut_json());
    let cut = chat(&server).await;
    assert!(serde_json::from_str::<Value>(&cut.body).is_err());
    server.script(Exchange::reply("Hi.").long_line(100_000));
    assert!(chat(&server).await.body.starts_with(&"x".repeat(100_000)));
    server.script(Exchange::reply("Hi.").truncate_at(10));
    assert_eq!(chat(&server).await.body.len(), 10);
    server.script(Exchange::reply("Hi.").drip(7, std::time::Duration::from_millis(1)));
    assert_eq!(chat(&server).await.json()["object"], "chat.completion");
}
