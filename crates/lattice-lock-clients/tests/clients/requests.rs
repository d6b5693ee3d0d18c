//! One rich request in the words of every wire.

use lattice_lock_clients::{
    CacheLife, ChatRequest, Image, Message, Part, Role, Thinking, Tool, ToolCall, ToolChoice,
    ToolResult, codes,
};
use lattice_lock_providers::{Provider, ServiceTier, Wire};
use lattice_lock_testkit::ScriptedServer;
use serde_json::{Value, json};

use crate::support::{KEY, Pair, assert_hidden, clients, model, wires};

fn rich() -> ChatRequest {
    let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    let call = ToolCall::new("call_1", "weather", r#"{"city":"Weimar"}"#);
    let asked = Message::user("What is on it?").image(Image::bytes("image/png", vec![1, 2, 3]));
    let called = Message::assistant("Let me see.").part(Part::ToolCall(call.clone()));
    let answered =
        Message::new(Role::User).part(Part::ToolResult(ToolResult::new(&call, "7 °C").failed()));
    ChatRequest::of([asked, called, answered])
        .system("Be brief.")
        .tool(Tool::new("weather", schema).description("The weather now."))
        .tool_choice(ToolChoice::Auto)
        .max_tokens(50)
        .temperature(0.5)
        .top_p(0.9)
        .extra_body("x_extra", json!({ "a": 1 }))
        .extra_header("x-extra", "yes")
}

#[test]
fn a_header_of_the_callers_is_in_no_debug() {
    let request = ChatRequest::new("Hi").extra_header("x-gateway-key", KEY);
    assert_hidden(&format!("{request:?} {request:#?}"));
}

async fn sent(provider: Provider, base: &str, request: &ChatRequest) -> Value {
    let pair = Pair::at(provider, base, &clients()).await;
    let reply = pair.client.chat(&model(), request).await;
    reply.unwrap_or_else(|error| panic!("{error:?}"));
    let received = &pair.server.received()[0];
    if !request.tools().is_empty() {
        assert_eq!(received.header("x-extra"), Some("yes"));
    }
    received.json()
}

#[tokio::test]
async fn on_openais_chat_completions() {
    let tool = json!({ "type": "function", "function": {
        "name": "weather", "description": "The weather now.",
        "parameters": { "type": "object", "properties": { "city": { "type": "string" } } },
    }});
    let expected = json!({
        "model": "some-model",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": [
                { "type": "text", "text": "What is on it?" },
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,AQID" } },
            ]},
            { "role": "assistant", "content": "Let me see.", "tool_calls": [{
                "id": "call_1", "type": "function",
                "function": { "name": "weather", "arguments": "{\"city\":\"Weimar\"}" },
            }]},
            { "role": "tool", "content": "7 °C", "tool_call_id": "call_1" },
        ],
        "tools": [tool], "tool_choice": "auto",
        "max_completion_tokens": 50, "temperature": 0.5, "top_p": 0.9, "x_extra": { "a": 1 },
    });
    assert_eq!(sent(Provider::openai(), "/v1", &rich()).await, expected);
}

#[tokio::test]
async fn on_anthropics_messages() {
    let request = rich()
        .cache_system(CacheLife::Hour)
        .thinking(Thinking::Budget(1024));
    let expected = json!({
        "model": "some-model", "max_tokens": 50,
        "system": [{ "type": "text", "text": "Be brief.", "cache_control": { "type": "ephemeral", "ttl": "1h" } }],
        "messages": [
            { "role": "user", "content": [
                { "type": "text", "text": "What is on it?" },
                { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AQID" } },
            ]},
            { "role": "assistant", "content": [
                { "type": "text", "text": "Let me see." },
                { "type": "tool_use", "id": "call_1", "name": "weather", "input": { "city": "Weimar" } },
            ]},
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "call_1", "content": "7 °C", "is_error": true },
            ]},
        ],
        "tools": [{ "name": "weather", "description": "The weather now.",
            "input_schema": { "type": "object", "properties": { "city": { "type": "string" } } } }],
        "tool_choice": { "type": "auto" },
        "thinking": { "type": "enabled", "budget_tokens": 1024 },
        "temperature": 0.5, "top_p": 0.9, "x_extra": { "a": 1 },
    });
    assert_eq!(sent(Provider::anthropic(), "/v1", &request).await, expected);
}

#[tokio::test]
async fn on_geminis_generate_content() {
    let request = rich()
        .thinking(Thinking::Low)
        .service_tier(ServiceTier::Flex)
        .cached_content("cachedContents/7");
    let expected = json!({
        "systemInstruction": { "parts": [{ "text": "Be brief." }] },
        "contents": [
            { "role": "user", "parts": [
                { "text": "What is on it?" },
                { "inlineData": { "mimeType": "image/png", "data": "AQID" } },
            ]},
            { "role": "model", "parts": [
                { "text": "Let me see." },
                { "functionCall": { "name": "weather", "args": { "city": "Weimar" } } },
            ]},
            { "role": "user", "parts": [
                { "functionResponse": { "name": "weather", "response": { "error": "7 °C" } } },
            ]},
        ],
        "tools": [{ "functionDeclarations": [{ "name": "weather", "description": "The weather now.",
            "parametersJsonSchema": { "type": "object", "properties": { "city": { "type": "string" } } } }] }],
        "toolConfig": { "functionCallingConfig": { "mode": "AUTO" } },
        "generationConfig": { "maxOutputTokens": 50, "temperature": 0.5, "topP": 0.9,
            "thinkingConfig": { "thinkingLevel": "low", "includeThoughts": true } },
        "cachedContent": "cachedContents/7", "serviceTier": "flex", "x_extra": { "a": 1 },
    });
    assert_eq!(
        sent(Provider::google(), "/v1beta", &request).await,
        expected
    );
}

#[tokio::test]
async fn on_openais_responses() {
    let provider = Provider::openai().speaks(Wire::OpenAiResponses);
    let request = rich()
        .thinking(Thinking::High)
        .service_tier(ServiceTier::Flex);
    let body = sent(provider, "/v1", &request).await;
    let expected = json!([
        { "role": "user", "content": [
            { "type": "input_text", "text": "What is on it?" },
            { "type": "input_image", "image_url": "data:image/png;base64,AQID" },
        ]},
        { "role": "assistant", "content": [{ "type": "output_text", "text": "Let me see." }] },
        { "type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{\"city\":\"Weimar\"}" },
        { "type": "function_call_output", "call_id": "call_1", "output": "7 °C" },
    ]);
    assert_eq!(body["input"], expected);
    assert_eq!(body["instructions"], "Be brief.");
    assert_eq!(body["reasoning"]["effort"], "high");
    assert_eq!(
        (&body["store"], &body["service_tier"]),
        (&json!(false), &json!("flex"))
    );
    assert_eq!(body["max_output_tokens"], 50);
}

#[tokio::test]
async fn on_ollamas_chat() {
    let provider = Provider::local().speaks(Wire::OllamaChat);
    let body = sent(provider, "", &rich().thinking(Thinking::Off)).await;
    let expected = json!([
        { "role": "system", "content": "Be brief." },
        { "role": "user", "content": "What is on it?", "images": ["AQID"] },
        { "role": "assistant", "content": "Let me see.",
          "tool_calls": [{ "function": { "name": "weather", "arguments": { "city": "Weimar" } } }] },
        { "role": "tool", "tool_name": "weather", "content": "7 °C" },
    ]);
    assert_eq!(body["messages"], expected);
    assert_eq!(
        body["options"],
        json!({ "num_predict": 50, "temperature": 0.5, "top_p": 0.9 })
    );
    assert_eq!(
        (&body["think"], &body["stream"]),
        (&json!(false), &json!(false))
    );
}

#[tokio::test]
async fn what_a_wire_cannot_say_is_refused_with_the_fields_name() {
    for (name, provider, base) in wires() {
        let pair = Pair::at(provider, base, &clients()).await;
        let refused = async |request: ChatRequest| {
            let error = pair.client.chat(&model(), &request).await.err()?;
            assert_eq!(error.code(), codes::REQUEST_UNSUPPORTED, "{name}");
            let field = error.context().find(|(key, _)| *key == "field");
            Some(field.unwrap().1.to_owned())
        };
        let fine = || ChatRequest::new("Hello?");
        let seeded = refused(fine().seed(7)).await;
        let takes_seeds = matches!(name, "openai chat" | "azure" | "gemini" | "ollama");
        assert_eq!(seeded.is_none(), takes_seeds, "{name}: {seeded:?}");
        let budget = refused(fine().thinking(Thinking::Budget(9))).await;
        assert_eq!(
            budget.is_none(),
            matches!(name, "anthropic" | "gemini"),
            "{name}"
        );
        let kept = refused(fine().cached_content("x")).await;
        assert_eq!(kept.is_none(), name == "gemini", "{name}");
        assert!(kept.is_none_or(|field| field == "cached_content"));
        let tier = refused(fine().service_tier(ServiceTier::Batch)).await;
        assert_eq!(tier.as_deref(), Some("service_tier"), "{name}");
    }
}

#[tokio::test]
async fn azures_address_names_the_deployment_and_the_version() {
    let server = ScriptedServer::start().await.unwrap();
    let azure = |version: Option<&str>| {
        let azure = Provider::azure(server.url())
            .unwrap()
            .api_key(KEY.to_owned());
        let azure = version.map_or(azure.clone(), |version| azure.api_version(version));
        clients().client(&azure)
    };
    let ask = async |version| azure(version).chat(&model(), &ChatRequest::new("Hi")).await;
    ask(None).await.unwrap();
    ask(Some("2025-04-01-preview")).await.unwrap();
    azure(None).models().await.unwrap();
    let received = server.received();
    assert_eq!(
        received[0].path(),
        "/openai/deployments/some-model/chat/completions"
    );
    assert_eq!(received[0].query(), Some("api-version=2024-10-21"));
    assert_eq!(received[1].query(), Some("api-version=2025-04-01-preview"));
    assert_eq!(received[2].path(), "/openai/models");
    assert!(received.iter().all(|it| it.header("api-key") == Some(KEY)));
    let dial = Provider::dial(server.url())
        .unwrap()
        .api_key(KEY.to_owned());
    let reply = clients()
        .client(&dial)
        .chat(&model(), &ChatRequest::new("Hi"))
        .await;
    assert!(reply.is_ok());
}

#[tokio::test]
async fn geminis_key_is_in_a_header_and_never_in_the_address() {
    let pair = Pair::at(Provider::google(), "/v1beta", &clients()).await;
    let request = ChatRequest::new("Hi");
    pair.client
        .stream(&model(), &request)
        .await
        .unwrap()
        .reply()
        .await
        .unwrap();
    let received = &pair.server.received()[0];
    assert_eq!(
        received.path(),
        "/v1beta/models/some-model:streamGenerateContent"
    );
    assert_eq!(received.query(), Some("alt=sse"));
    assert_eq!(received.header("x-goog-api-key"), Some(KEY));
}
