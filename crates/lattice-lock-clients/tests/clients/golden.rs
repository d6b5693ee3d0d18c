//! Exchanges as the providers' references show them, whole and piece by piece: both come to the same reply.

use std::time::Duration;

use lattice_lock_clients::{
    ChatReply, ChatRequest, Client, Delta, HttpClients, Message, Part, Role,
};
use lattice_lock_errors::Result;
use lattice_lock_providers::{Provider, TokenUsage, Wire};
use lattice_lock_testkit::{Exchange, ScriptedServer};
use serde_json::{Value, json};

use crate::support::{KEY, class, clients, model};

/// One exchange of a fixture.
struct Golden {
    name: String,
    value: Value,
}

/// How the fixtures of a wire are played.
struct Stage {
    provider: fn() -> Provider,
    base: &'static str,
    fixtures: &'static str,
}

/// The provider that a fixture names, if it is another than its stage's.
fn named(name: &str, wire: Wire) -> Provider {
    match name {
        "xai" => Provider::xai().speaks(wire),
        "azure" => Provider::azure("https://example.openai.azure.com").unwrap(),
        "dial" => Provider::dial("https://dial.example.org").unwrap(),
        other => {
            Provider::openai_compatible(other.parse().unwrap(), "https://example.org/v1").unwrap()
        }
    }
}

const OPENAI_CHAT: Stage = Stage {
    provider: Provider::openai,
    base: "/v1",
    fixtures: include_str!("../fixtures/openai_chat.json"),
};

const OPENAI_RESPONSES: Stage = Stage {
    provider: || Provider::openai().speaks(Wire::OpenAiResponses),
    base: "/v1",
    fixtures: include_str!("../fixtures/openai_responses.json"),
};

const ANTHROPIC: Stage = Stage {
    provider: Provider::anthropic,
    base: "/v1",
    fixtures: include_str!("../fixtures/anthropic_messages.json"),
};

const GEMINI: Stage = Stage {
    provider: Provider::google,
    base: "/v1beta",
    fixtures: include_str!("../fixtures/gemini.json"),
};

#[cfg(feature = "bedrock")]
const BEDROCK: Stage = Stage {
    provider: || Provider::bedrock("eu-central-1").unwrap(),
    base: "",
    fixtures: include_str!("../fixtures/bedrock_converse.json"),
};

const OLLAMA: Stage = Stage {
    provider: || Provider::local().speaks(Wire::OllamaChat),
    base: "",
    fixtures: include_str!("../fixtures/ollama_chat.json"),
};

impl Stage {
    fn exchanges(&self) -> Vec<Golden> {
        let values: Vec<Value> = serde_json::from_str(self.fixtures).unwrap();
        let named = |value: Value| Golden {
            name: value["name"].as_str().unwrap().to_owned(),
            value,
        };
        values.into_iter().map(named).collect()
    }

    /// The provider of one exchange, at the server's address.
    fn provider(&self, golden: &Golden, server: &ScriptedServer) -> Provider {
        let own = (self.provider)();
        let provider = match golden.value["provider"].as_str() {
            Some(name) => named(name, own.wire()),
            None => own,
        };
        let base = match provider.wire() {
            Wire::AzureOpenAi => "",
            _ => self.base,
        };
        let provider = provider.api_key(KEY.to_owned());
        provider.at(&format!("{}{base}", server.url())).unwrap()
    }

    /// Plays all of them.
    async fn play(&self) {
        let server = ScriptedServer::start().await.unwrap();
        let clients = clients();
        let exchanges = self.exchanges();
        assert!(exchanges.len() >= 10, "{} exchanges", exchanges.len());
        for golden in &exchanges {
            let source = golden.value["source"].as_str().unwrap();
            assert!(source.starts_with("https://"), "{}", golden.name);
            let provider = self.provider(golden, &server);
            let client = clients.client(&provider);
            server.script(golden.plain());
            let plain = client.chat(&model(), &ChatRequest::new("Hello?")).await;
            let whole = golden.check(plain);
            let Some(stream) = golden.stream(provider.wire()) else {
                continue;
            };
            server.script(stream);
            let streamed = streamed(client.as_ref()).await;
            let pieces = golden.check(streamed);
            assert_eq!(pieces, whole, "{}", golden.name);
        }
    }
}

/// Streams a reply, and holds its pieces against it.
async fn streamed(client: &dyn Client) -> Result<ChatReply> {
    let request = ChatRequest::new("Hello?");
    let mut stream = client.stream(&model(), &request).await?;
    let (mut text, mut reasoning, mut calls) = (String::new(), String::new(), Vec::new());
    loop {
        match stream.next().await.unwrap()? {
            Delta::Text(words) => text.push_str(&words),
            Delta::Reasoning(words) => reasoning.push_str(&words),
            Delta::ToolCall { place, id, name } => calls.push((place, id, name, String::new())),
            Delta::Arguments { place, json } => {
                let call = calls.iter_mut().find(|call| call.0 == place).unwrap();
                call.3.push_str(&json);
            }
            Delta::Done(reply) => {
                assert!(stream.next().await.is_none());
                assert_eq!(reply.text(), text);
                assert_eq!(reply.reasoning(), reasoning);
                let told = calls.into_iter().map(|(_, id, name, arguments)| {
                    let arguments = if arguments.is_empty() {
                        "{}".into()
                    } else {
                        arguments
                    };
                    (id, name, arguments)
                });
                let said = reply.tool_calls().map(|call| {
                    let own = |text: &str| text.to_owned();
                    (own(call.id()), own(call.name()), own(call.arguments()))
                });
                assert_eq!(said.collect::<Vec<_>>(), told.collect::<Vec<_>>());
                return Ok(*reply);
            }
            other => panic!("{other:?}"),
        }
    }
}

impl Golden {
    fn answer(&self, status: u16, content_type: &str, body: Vec<u8>) -> Exchange {
        let headers = self.value["headers"].as_object();
        let exchange = Exchange::raw(status, content_type, body);
        headers
            .into_iter()
            .flatten()
            .fold(exchange, |it, (name, value)| {
                it.header(name, value.as_str().unwrap())
            })
    }

    fn plain(&self) -> Exchange {
        let status = self.value["status"].as_u64().unwrap_or(200);
        let body = self.value["plain"].to_string().into_bytes();
        self.answer(u16::try_from(status).unwrap(), "application/json", body)
    }

    fn stream(&self, wire: Wire) -> Option<Exchange> {
        let events = self.value["stream"].as_array()?;
        let framed = |event: &Value| match (wire, event) {
            (Wire::BedrockConverse, event) => {
                lattice_lock_testkit::aws_event(event[0].as_str().unwrap(), &event[1])
            }
            (Wire::OllamaChat, event) => format!("{event}\n").into_bytes(),
            (_, Value::String(word)) => format!("data: {word}\n\n").into_bytes(),
            (Wire::AnthropicMessages | Wire::OpenAiResponses, event) => format!(
                "event: {}\ndata: {event}\n\n",
                event["type"].as_str().unwrap()
            )
            .into_bytes(),
            (_, event) => format!("data: {event}\n\n").into_bytes(),
        };
        let body: Vec<u8> = events.iter().flat_map(framed).collect();
        let content_type = match wire {
            Wire::OllamaChat => "application/x-ndjson",
            Wire::BedrockConverse => "application/vnd.amazon.eventstream",
            _ => "text/event-stream",
        };
        Some(self.answer(200, content_type, body))
    }

    /// Holds a reply against what is expected, and gives it back without what a clock says.
    fn check(&self, reply: Result<ChatReply>) -> Option<ChatReply> {
        let expected = &self.value["expect"];
        if let Some(expected_class) = expected["class"].as_str() {
            let error = reply.unwrap_err();
            assert_eq!(class(&error).as_str(), expected_class, "{}", self.name);
            let wait = expected["retry_after"].as_u64().map(Duration::from_secs);
            assert_eq!(error.retry_after(), wait, "{}", self.name);
            return None;
        }
        let reply = reply.unwrap_or_else(|error| panic!("{}: {error:?}", self.name));
        let expected = (expected.clone(), self.name.as_str());
        let calls: Vec<Value> = reply
            .tool_calls()
            .map(|call| json!([call.id(), call.name(), call.parse::<Value>().unwrap()]))
            .collect();
        let mut found = json!({
            "text": reply.text(),
            "finish": reply.finish_reason().as_str(),
            "model": reply.served_model().as_str(),
            "usage": reply.usage(),
        });
        if !calls.is_empty() {
            found["calls"] = calls.into();
        }
        if !reply.reasoning().is_empty() {
            found["reasoning"] = reply.reasoning().into();
        }
        if let Some(tier) = reply.service_tier() {
            found["tier"] = tier.into();
        }
        if let Some(finding) = reply.usage_finding() {
            found["finding"] = finding.to_string().into();
        }
        // The server names each request in a header, which comes before the reply's own id.
        let mut wanted = expected;
        wanted.0.as_object_mut().unwrap().remove("id");
        assert_eq!((found, self.name.as_str()), wanted);
        let usage: TokenUsage = *reply.usage();
        if let Some(raw) = reply.raw_usage() {
            assert!(raw.is_object(), "{}: {usage:?}", self.name);
        }
        Some(reply.with_latency(Duration::ZERO).with_request_id(None))
    }
}

#[tokio::test]
async fn openais_chat_completions() {
    OPENAI_CHAT.play().await;
}

#[tokio::test]
async fn openais_responses() {
    OPENAI_RESPONSES.play().await;
}

#[tokio::test]
async fn anthropics_messages() {
    ANTHROPIC.play().await;
}

#[tokio::test]
async fn geminis_generate_content() {
    GEMINI.play().await;
}

#[tokio::test]
async fn ollamas_chat() {
    OLLAMA.play().await;
}

#[cfg(feature = "bedrock")]
#[tokio::test]
async fn bedrocks_converse() {
    BEDROCK.play().await;
}

/// What the model said goes back as it came, so that the provider recognises it.
#[tokio::test]
async fn every_reply_can_be_sent_back() {
    for stage in [OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC, GEMINI, OLLAMA] {
        let server = ScriptedServer::start().await.unwrap();
        let clients = HttpClients::new().unwrap();
        for golden in stage.exchanges() {
            let client = clients.client(&stage.provider(&golden, &server));
            server.script(golden.plain());
            let Ok(reply) = client.chat(&model(), &ChatRequest::new("Hello?")).await else {
                continue;
            };
            let mut request = ChatRequest::new("Hello?");
            if !reply.parts().is_empty() {
                request = request.push(reply.to_message());
            }
            for call in reply.tool_calls() {
                request = request.push(Message::tool(call, "7"));
            }
            let request = request.message(Role::User, "And?");
            let answered = client.chat(&model(), &request).await;
            answered.unwrap_or_else(|error| panic!("{}: {error:?}", golden.name));
        }
    }
}

/// No other provider can check who signed a thought, and some refuse what they did not sign themselves.
#[tokio::test]
async fn what_a_model_thought_goes_back_to_nobody_else() {
    let stages = || [OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC, GEMINI, OLLAMA];
    let mut returned = 0;
    for (from, origin) in stages().iter().enumerate() {
        for (to, other) in stages().iter().enumerate() {
            let (server, clients) = (
                ScriptedServer::start().await.unwrap(),
                HttpClients::new().unwrap(),
            );
            for golden in origin.exchanges() {
                server.script(golden.plain());
                let client = clients.client(&origin.provider(&golden, &server));
                let Ok(reply) = client.chat(&model(), &ChatRequest::new("Hello?")).await else {
                    continue;
                };
                let thoughts = reply.parts().iter().filter_map(|part| match part {
                    Part::Reasoning(thought) => Some(thought.text().to_owned()),
                    _ => None,
                });
                let thoughts: Vec<_> = thoughts.collect();
                if thoughts.is_empty() {
                    continue;
                }
                let mut request = ChatRequest::new("Hello?").push(reply.to_message());
                for call in reply.tool_calls() {
                    request = request.push(Message::tool(call, "7"));
                }
                let answer = other.exchanges().swap_remove(0);
                server.script(answer.plain());
                let client = clients.client(&other.provider(&answer, &server));
                client
                    .chat(&model(), &request.message(Role::User, "And?"))
                    .await
                    .unwrap();
                let sent = server.received().pop().unwrap();
                let sent = String::from_utf8_lossy(sent.body());
                let is_there = |text: &String| !text.is_empty() && sent.contains(text.as_str());
                let signed = [
                    "\"encrypted_content\"",
                    "\"signature\"",
                    "\"redacted_thinking\"",
                ];
                let shows =
                    thoughts.iter().any(is_there) || signed.iter().any(|it| sent.contains(it));
                assert!(
                    from == to || !shows,
                    "{} at {}: {sent}",
                    golden.name,
                    answer.name
                );
                returned += usize::from(shows);
            }
        }
    }
    assert!(
        returned > 5,
        "only {returned} went back to where they came from"
    );
}

/// Providers refuse a turn that says nothing: one that only thought has none elsewhere.
#[tokio::test]
async fn a_turn_of_foreign_thoughts_is_left_out() {
    let (server, clients) = (
        ScriptedServer::start().await.unwrap(),
        HttpClients::new().unwrap(),
    );
    let mut thinking = OLLAMA.exchanges();
    let mut thinking = thinking.swap_remove(
        thinking
            .iter()
            .position(|it| it.name == "thinking")
            .unwrap(),
    );
    thinking.value["plain"]["message"]["content"] = "".into();
    let client = clients.client(&OLLAMA.provider(&thinking, &server));
    for stage in [
        OPENAI_CHAT,
        OPENAI_RESPONSES,
        ANTHROPIC,
        GEMINI,
        #[cfg(feature = "bedrock")]
        BEDROCK,
    ] {
        server.script(thinking.plain());
        let reply = client
            .chat(&model(), &ChatRequest::new("Hello?"))
            .await
            .unwrap();
        assert!(matches!(reply.parts(), [Part::Reasoning(_)]));
        let request = ChatRequest::new("Hello?").push(reply.to_message());
        let answer = stage.exchanges().swap_remove(0);
        server.script(answer.plain());
        let other = clients.client(&stage.provider(&answer, &server));
        other
            .chat(&model(), &request.message(Role::User, "And?"))
            .await
            .unwrap();
        let sent = server.received().pop().unwrap().json();
        let turns = ["messages", "contents", "input"]
            .iter()
            .find_map(|name| sent[name].as_array());
        assert_eq!(turns.unwrap().len(), 2, "{sent}");
    }
}
