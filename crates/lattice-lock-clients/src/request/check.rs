//! What is refused before anything is sent.
//!
//! Only what every provider would refuse is refused here, so that no rule of one keeps a request from another; what
//! a wire has no word for is for the wire, and what a model cannot do for whoever knows the model. An error names
//! the field and never what stands in it.

use std::fmt::Display;

use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{Capabilities, Capability, Modality, Model};

use super::{ChatRequest, Format, Message, Part, Role, Thinking, ToolChoice};
use crate::codes::{CAPABILITY_MISSING, REQUEST_INVALID, REQUEST_UNSUPPORTED};

/// The wire has no word for a field of the request.
pub(crate) fn unsupported(field: &'static str) -> Error {
    Error::new(REQUEST_UNSUPPORTED, "the provider's wire cannot say this").with("field", field)
}

/// Refuses each of these fields that is set.
pub(crate) fn refuse(fields: &[(&'static str, bool)]) -> Result<()> {
    match fields.iter().find(|(_, is_set)| *is_set) {
        Some((field, _)) => Err(unsupported(field)),
        None => Ok(()),
    }
}

fn invalid(field: &'static str, why: &'static str) -> Error {
    Error::new(REQUEST_INVALID, why).with("field", field)
}

impl ChatRequest {
    /// Refuses what every provider would refuse, before it is sent.
    pub(crate) fn check(&self) -> Result<()> {
        self.check_messages()?;
        self.check_tools()?;
        if self.max_tokens == Some(0) {
            return Err(invalid("max_tokens", "a reply of no tokens is asked for"));
        }
        if self.stop.iter().any(String::is_empty) {
            return Err(invalid("stop", "an empty text would stop every reply"));
        }
        within("temperature", self.temperature, f64::MAX)?;
        within("top_p", self.top_p, 1.0)
    }

    fn check_messages(&self) -> Result<()> {
        let is_blank = |text: &str| text.trim().is_empty();
        if self.messages.iter().any(is_nothing) {
            return Err(invalid("message", "a message is blank"));
        }
        if self.system.as_deref().is_some_and(is_blank) {
            return Err(invalid("system", "the system prompt is blank"));
        }
        if self.conversation().next().is_none() {
            return Err(invalid("message", "there is nothing to answer"));
        }
        for message in &self.messages {
            for part in message.parts() {
                if !fits(message.role(), part) {
                    return Err(invalid("message", "a part that this role cannot say"));
                }
            }
        }
        Ok(())
    }

    fn check_tools(&self) -> Result<()> {
        let mut names: Vec<&str> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
        names.sort_unstable();
        let is_named_twice = names.windows(2).any(|pair| pair[0] == pair[1]);
        if is_named_twice || names.iter().any(|name| name.is_empty()) {
            return Err(invalid("tools", "each tool has a name of its own"));
        }
        if self.tools.iter().any(|tool| !tool.schema.is_object()) {
            return Err(invalid("tools", "a tool's schema is an object"));
        }
        match &self.tool_choice {
            Some(ToolChoice::Named(name)) if !names.contains(&name.as_str()) => {
                Err(invalid("tool_choice", "there is no tool of this name"))
            }
            Some(ToolChoice::Required) if names.is_empty() => {
                Err(invalid("tool_choice", "there is no tool to call"))
            }
            _ => Ok(()),
        }
    }

    /// What a model must be able to do to answer this: call tools, several at once, see, answer by a schema, think. An
    /// earlier picture counts as much as the last one, since the whole conversation is sent.
    ///
    /// Results of tools and thoughts in the conversation need nothing by themselves. A wire may have no word for
    /// what the model can.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, Image, Message, Tool};
    /// use lattice_lock_providers::Capability;
    ///
    /// let shown = Message::user("What is on it?").image(Image::url("https://example.org/cat.png"));
    /// let needs = ChatRequest::from(shown).tool(Tool::without_arguments("zoom")).needs();
    /// assert!(needs.contains(Capability::Vision) && needs.contains(Capability::Tools));
    /// assert!(ChatRequest::new("Hi").needs().is_empty());
    /// ```
    #[must_use]
    pub fn needs(&self) -> Capabilities {
        let has = |wanted: fn(&Part) -> bool| {
            let mut parts = self.messages.iter().flat_map(Message::parts);
            parts.any(wanted)
        };
        let thinks = self
            .thinking
            .is_some_and(|thinking| thinking != Thinking::Off);
        [
            (Capability::Tools, !self.tools.is_empty()),
            (Capability::ParallelTools, self.parallel_tools == Some(true)),
            (
                Capability::Vision,
                has(|part| matches!(part, Part::Image(_))),
            ),
            (
                Capability::JsonSchema,
                matches!(self.format, Format::Schema { .. }),
            ),
            (Capability::Reasoning, thinks),
        ]
        .into_iter()
        .filter_map(|(capability, is_needed)| is_needed.then_some(capability))
        .collect()
    }

    /// Refuses what a catalogued model is known not to do: a capability that its entry lacks, or a reply longer
    /// than its limit. A model whose entry lists no capability at all may have any. Clients made with
    /// [`knowing`](crate::HttpClients::knowing) ask this before every call.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, Tool};
    /// use lattice_lock_providers::{Catalogue, ModelRef};
    ///
    /// let catalogue = Catalogue::from_json(r#"{
    ///     "version": "test", "sources": [],
    ///     "models": [{
    ///         "provider": "openai", "name": "tiny", "capabilities": ["tools"], "output_limit": 4096, "prices": []
    ///     }]
    /// }"#)?;
    /// let tiny = catalogue.find(&"openai/tiny".parse::<ModelRef>()?).expect("it is there");
    /// let request = ChatRequest::new("What time is it?").tool(Tool::without_arguments("clock"));
    /// assert!(request.check_against(tiny).is_ok());
    /// assert!(request.clone().max_tokens(5_000).check_against(tiny).is_err());
    /// assert!(request.parallel_tools(true).check_against(tiny).is_err());
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CAPABILITY_MISSING`], naming the capability.
    pub fn check_against(&self, model: &Model) -> Result<()> {
        let refused = |capability: &dyn Display| {
            Err(
                Error::new(CAPABILITY_MISSING, "the model is known not to do this")
                    .with("model", model.reference())
                    .with("capability", capability),
            )
        };
        let missing = model.capabilities().missing(self.needs());
        let input = model.input();
        let may_see = input.is_empty() || input.contains(Modality::Image);
        let lacking = |capability: &Capability| *capability != Capability::Vision || !may_see;
        // A model of which no source says anything may be able to do everything.
        let is_known = !model.capabilities().is_empty();
        if let Some(capability) = missing.iter().find(lacking).filter(|_| is_known) {
            return refused(&format_args!("{capability:?}"));
        }
        match (self.max_tokens, model.output_limit()) {
            (Some(asked), Some(limit)) if u64::from(asked) > limit => {
                refused(&format_args!("a reply of {asked} tokens: {limit} at most"))
            }
            _ => Ok(()),
        }
    }
}

fn within(field: &'static str, value: Option<f64>, most: f64) -> Result<()> {
    match value {
        Some(value) if !(0.0..=most).contains(&value) => {
            Err(invalid(field, "the number is out of its range"))
        }
        _ => Ok(()),
    }
}

/// Nothing at all, or words that are only white space.
fn is_nothing(message: &Message) -> bool {
    let is_blank = |part: &Part| part.as_text().is_some_and(|text| text.trim().is_empty());
    let is_said = message.role() == Role::Assistant && message.parts().len() > 1;
    message.parts().is_empty() || (message.parts().iter().any(is_blank) && !is_said)
}

/// Only the model calls tools and thinks; only others answer calls and show pictures.
fn fits(role: Role, part: &Part) -> bool {
    match part {
        Part::Text(_) => true,
        Part::Image(_) | Part::ToolResult(_) => role == Role::User,
        Part::ToolCall(_) | Part::Reasoning(_) | Part::Opaque(..) => role == Role::Assistant,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Image, Tool, ToolCall};

    fn check(request: &ChatRequest, refused: Option<&str>) {
        let error = request.check().err();
        let field = error
            .as_ref()
            .and_then(|error| error.context().next())
            .map(|(_, value)| value);
        assert_eq!(field, refused, "{request:?}");
    }

    #[test]
    fn what_no_provider_takes_is_refused_before_it_is_sent() {
        let fine = || ChatRequest::new("Hi");
        check(&fine(), None);
        check(&fine().temperature(0.0).max_tokens(1).system("Be."), None);
        check(&ChatRequest::new(""), Some("message"));
        check(&ChatRequest::new(" \n\t"), Some("message"));
        check(&ChatRequest::of([]), Some("message"));
        check(&fine().message(Role::User, ""), Some("message"));
        check(&fine().push(Message::new(Role::User)), Some("message"));
        check(&fine().system(" "), Some("system"));
        check(&fine().max_tokens(0), Some("max_tokens"));
        check(&fine().temperature(f64::NAN), Some("temperature"));
        check(&fine().temperature(f64::INFINITY), Some("temperature"));
        check(&fine().temperature(-0.1), Some("temperature"));
        check(&fine().top_p(1.1), Some("top_p"));
        check(&fine().stop(""), Some("stop"));
    }

    #[test]
    fn parts_are_said_by_those_who_can() {
        let call = || ToolCall::new("1", "f", "{}");
        let asked = Message::new(Role::Assistant).part(Part::ToolCall(call()));
        let answered = ChatRequest::new("Hi")
            .push(asked)
            .push(Message::tool(&call(), "7"));
        check(&answered, None);
        let odd = Message::user("x").part(Part::ToolCall(call()));
        check(&ChatRequest::from(odd), Some("message"));
        let odd = Message::system("x").image(Image::url("https://a.b/c"));
        check(&ChatRequest::new("Hi").push(odd), Some("message"));
    }

    #[test]
    fn tools_have_names_and_schemas() {
        let with = |tool: Tool| ChatRequest::new("Hi").tool(tool);
        let search = || Tool::without_arguments("search");
        check(&with(search()), None);
        check(&with(search()).tool(search()), Some("tools"));
        check(&with(Tool::without_arguments("")), Some("tools"));
        check(&with(Tool::new("x", json!([]))), Some("tools"));
        let named = |name: &str| ToolChoice::Named(name.to_owned());
        check(&with(search()).tool_choice(named("search")), None);
        check(
            &with(search()).tool_choice(named("find")),
            Some("tool_choice"),
        );
        let required = ChatRequest::new("Hi").tool_choice(ToolChoice::Required);
        check(&required, Some("tool_choice"));
    }

    #[test]
    fn json_is_asked_for_after_the_system_prompt() {
        assert_eq!(ChatRequest::new("Hi").preamble(), None);
        let preamble = ChatRequest::new("Hi").system("Be brief.").json().preamble();
        let preamble = preamble.unwrap();
        assert!(preamble.starts_with("Be brief.\n\n") && preamble.contains("JSON"));
    }

    #[test]
    fn what_a_request_needs_is_known() {
        let plain = ChatRequest::new("Hi");
        assert!(plain.needs().is_empty());
        let request = plain
            .push(Message::user("x").image(Image::url("https://a.b/c")))
            .tool(Tool::without_arguments("f"))
            .thinking(Thinking::Low)
            .json_schema("s", json!({}));
        let needs: Vec<_> = request.needs().iter().collect();
        let all = [
            Capability::Tools,
            Capability::Vision,
            Capability::JsonSchema,
            Capability::Reasoning,
        ];
        assert_eq!(needs, all);
        let calm = ChatRequest::new("Hi").thinking(Thinking::Off);
        assert!(calm.needs().is_empty());
    }
}
