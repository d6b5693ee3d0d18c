//! What a server that speaks one of the wires makes of the client: a reply whole and in pieces, its usage, its models,
//! and its errors.
//!
//! ```text
//! cargo run --example peer -- http://127.0.0.1:4000/v1 sk-key model [model that fails …]
//! ```

use std::error::Error;
use std::io::Write as _;

use lattice_lock::clients::{ChatReply, ChatRequest, Client, Delta, HttpClients, Probes, Tool};
use lattice_lock::providers::{ModelName, Provider};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(key), Some(model)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("say where, with which key, and which model".into());
    };
    let provider = |key: String| {
        let named = Provider::openai_compatible("peer".parse()?, &url)?;
        Ok::<_, lattice_lock::Error>(named.api_key(key))
    };
    let clients = HttpClients::new()?;
    let client = clients.client(&provider(key)?);
    let model: ModelName = model.parse()?;
    let request = ChatRequest::new("Who wrote Faust?").max_tokens(100);

    let health = Probes::new().check(client.as_ref()).await;
    tell(
        "probe",
        &json!({ "healthy": health.is_healthy(), "key": health.is_key_valid() }),
    )?;
    let models = client.models().await.map(|models| json!(models.len()));
    tell(
        "models",
        &models.unwrap_or_else(|error| json!(error.to_string())),
    )?;
    let whole = client.chat(&model, &request).await?;
    tell("whole", &shown(&whole))?;
    let (pieces, streamed) = streamed(client.as_ref(), &model, &request).await?;
    tell("in pieces", &shown(&streamed))?;
    tell("text pieces", &json!(pieces))?;
    let same =
        whole.text() == streamed.text() && whole.usage().tokens() == streamed.usage().tokens();
    tell("both are the same", &json!(same))?;
    let with_tool = request.clone().tool(Tool::without_arguments("now"));
    tell(
        "with a tool",
        &outcome(client.chat(&model, &with_tool).await),
    )?;

    for failing in arguments.chain(["no-such-model".to_owned()]) {
        let ended = client.chat(&failing.parse()?, &request).await;
        tell(&failing, &outcome(ended))?;
        let stream = client.stream(&failing.parse()?, &request).await;
        let ended = match stream {
            Ok(stream) => stream.reply().await,
            Err(error) => Err(error),
        };
        tell(&format!("{failing}, in pieces"), &outcome(ended))?;
    }
    let stranger = clients.client(&provider("sk-wrong-0123456789".to_owned())?);
    tell(
        "a wrong key",
        &outcome(stranger.chat(&model, &request).await),
    )?;
    Ok(())
}

async fn streamed(
    client: &dyn Client,
    model: &ModelName,
    request: &ChatRequest,
) -> lattice_lock::Result<(usize, ChatReply)> {
    let mut stream = client.stream(model, request).await?;
    let mut pieces = 0;
    while let Some(delta) = stream.next().await.transpose()? {
        match delta {
            Delta::Text(_) => pieces += 1,
            Delta::Done(reply) => return Ok((pieces, *reply)),
            _ => {}
        }
    }
    stream.reply().await.map(|reply| (pieces, reply))
}

fn shown(reply: &ChatReply) -> Value {
    json!({
        "text": reply.text(),
        "finish": reply.finish_reason().as_str(),
        "served": reply.served_model().as_str(),
        "usage": reply.usage(),
        "finding": reply.usage_finding().map(|finding| finding.to_string()),
        "request": reply.request_id().is_some(),
    })
}

fn outcome(ended: lattice_lock::Result<ChatReply>) -> Value {
    match ended {
        Ok(reply) => shown(&reply),
        Err(error) => json!({ "error": error.code().as_str(), "says": error.to_string() }),
    }
}

fn tell(what: &str, value: &Value) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{what}: {value}")
}
