use crate::named::named;
use crate::{Need, Priority, Set};

named! {
    /// What can be attached to a message.
    pub enum Attachment {
        /// A picture: a photo, a screenshot, a scan, a chart.
        Image = "image",
        /// A video.
        Video = "video",
        /// A sound recording.
        Audio = "audio",
        /// A document with pages, such as a PDF.
        Document = "document",
        /// A data file: CSV, a spreadsheet, a database.
        Data = "data",
        /// A source file.
        Code = "code",
        /// Something else.
        Other = "other",
    }
}

named! {
    /// Who wrote a message.
    pub enum Role {
        /// The application: instructions that hold for the whole conversation.
        System = "system",
        /// The person asking.
        User = "user",
        /// The model, in an earlier turn.
        Assistant = "assistant",
        /// A tool's result.
        Tool = "tool",
    }
}

/// One message of a conversation, borrowed from the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    pub(crate) role: Role,
    pub(crate) text: &'a str,
    pub(crate) attachments: Set<Attachment>,
}

impl<'a> Message<'a> {
    /// A message of `role` without attachments.
    #[must_use]
    pub const fn new(role: Role, text: &'a str) -> Self {
        Self {
            role,
            text,
            attachments: Set::new(),
        }
    }

    /// A message of the application.
    #[must_use]
    pub const fn system(text: &'a str) -> Self {
        Self::new(Role::System, text)
    }

    /// A message of the person asking.
    #[must_use]
    pub const fn user(text: &'a str) -> Self {
        Self::new(Role::User, text)
    }

    /// A message of the model.
    #[must_use]
    pub const fn assistant(text: &'a str) -> Self {
        Self::new(Role::Assistant, text)
    }

    /// Says that something is attached.
    #[must_use]
    pub fn attach(mut self, attachment: Attachment) -> Self {
        self.attachments.insert(attachment);
        self
    }

    /// Who wrote it.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// What was written.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// What is attached to it.
    #[must_use]
    pub const fn attachments(&self) -> Set<Attachment> {
        self.attachments
    }
}

/// What is analysed: a prompt or a conversation, and what the caller knows about it.
///
/// ```
/// use lattice_lock_analyzer::{Analyzer, Attachment, Input, Message, Need, TaskType};
///
/// let analyzer = Analyzer::new();
/// let seen = analyzer.analyze(Input::prompt("is the left bar taller?").attach(Attachment::Image));
/// assert_eq!(seen.primary(), TaskType::Vision);
/// assert!(seen.needs().contains(Need::Vision));
///
/// let messages = [
///     Message::system("You are a helpful assistant."),
///     Message::user("Translate \"good morning\" into French."),
/// ];
/// assert_eq!(analyzer.analyze(&messages).primary(), TaskType::Translation);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub(crate) content: Content<'a>,
    pub(crate) attachments: Set<Attachment>,
    pub(crate) needs: Set<Need>,
    pub(crate) priority: Option<Priority>,
    pub(crate) max_output: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Content<'a> {
    Prompt(&'a str),
    Messages(&'a [Message<'a>]),
}

impl<'a> Input<'a> {
    /// A single prompt.
    #[must_use]
    pub const fn prompt(text: &'a str) -> Self {
        Self::of(Content::Prompt(text))
    }

    /// A conversation, the oldest message first. The last message of the user weighs most; the rest is context.
    #[must_use]
    pub const fn messages(messages: &'a [Message<'a>]) -> Self {
        Self::of(Content::Messages(messages))
    }

    const fn of(content: Content<'a>) -> Self {
        Self {
            content,
            attachments: Set::new(),
            needs: Set::new(),
            priority: None,
            max_output: None,
        }
    }

    /// Says that something is attached to the prompt, or to the last message.
    #[must_use]
    pub fn attach(mut self, attachment: Attachment) -> Self {
        self.attachments.insert(attachment);
        self
    }

    /// Says what the answer needs, beyond what the text shows: tools were declared, JSON was asked for.
    #[must_use]
    pub fn need(mut self, need: Need) -> Self {
        self.needs.insert(need);
        self
    }

    /// Says what matters most. Without it, the prompt's own words decide, else [`Priority::Balanced`].
    #[must_use]
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// The most tokens the answer may have, where the caller limits it. Without it, the task's usual length counts.
    #[must_use]
    pub const fn max_output(mut self, tokens: u32) -> Self {
        self.max_output = Some(tokens);
        self
    }
}

impl<'a> From<&'a str> for Input<'a> {
    fn from(text: &'a str) -> Self {
        Self::prompt(text)
    }
}

impl<'a> From<&'a String> for Input<'a> {
    fn from(text: &'a String) -> Self {
        Self::prompt(text)
    }
}

impl<'a> From<&'a [Message<'a>]> for Input<'a> {
    fn from(messages: &'a [Message<'a>]) -> Self {
        Self::messages(messages)
    }
}

impl<'a> From<&'a Vec<Message<'a>>> for Input<'a> {
    fn from(messages: &'a Vec<Message<'a>>) -> Self {
        Self::messages(messages)
    }
}

impl<'a, const N: usize> From<&'a [Message<'a>; N]> for Input<'a> {
    fn from(messages: &'a [Message<'a>; N]) -> Self {
        Self::messages(messages)
    }
}
