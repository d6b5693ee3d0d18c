use serde::Serialize;

use crate::named::named;
use crate::{Attachment, CodeLanguage, PromptLanguage, Set};

named! {
    /// Something that the structure of a prompt shows.
    pub enum Mark {
        /// A fenced code block.
        CodeBlock = "code_block",
        /// Code between single backticks.
        InlineCode = "inline_code",
        /// Lines of code without a fence.
        BareCode = "bare_code",
        /// The text begins with code and is little else.
        OnlyCode = "only_code",
        /// A stack trace.
        StackTrace = "stack_trace",
        /// An error message.
        ErrorMessage = "error_message",
        /// Lines of a log.
        Log = "log",
        /// The text is a log and little else.
        OnlyLog = "only_log",
        /// A diff or patch.
        Diff = "diff",
        /// An SQL statement.
        Sql = "sql",
        /// Mathematical notation.
        Math = "math",
        /// A table in Markdown or with tabs or commas.
        Table = "table",
        /// A list of items.
        List = "list",
        /// A URL.
        Url = "url",
        /// A path or file name.
        Path = "path",
        /// Names such as `snake_case` or `camelCase`.
        Identifier = "identifier",
        /// A question.
        Question = "question",
        /// Text in quotation marks.
        Quote = "quote",
        /// A placeholder such as `${input}` or `{{name}}`.
        Placeholder = "placeholder",
        /// A Markdown heading.
        Heading = "heading",
        /// It begins with a line of code, other than SQL, outside of a fence.
        CodeFirst = "code_first",
        /// There is no word in it: it is empty, blank, or holds only marks and symbols.
        Wordless = "wordless",
    }
}

/// What a prompt is made of, apart from what it asks for.
///
/// A long prompt is looked at in its head, its tail and samples of its middle. Fenced code blocks are found in the
/// first 16 KiB of what lies between; anything else that is far from both ends may go unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Features {
    pub(crate) marks: Set<Mark>,
    pub(crate) code_blocks: u16,
    pub(crate) code_languages: Set<CodeLanguage>,
    pub(crate) trace_language: Option<CodeLanguage>,
    pub(crate) language: PromptLanguage,
    pub(crate) attachments: Set<Attachment>,
}

impl Features {
    /// What the structure shows.
    #[must_use]
    pub fn marks(&self) -> Set<Mark> {
        self.marks
    }

    /// Whether the structure shows `mark`.
    #[must_use]
    pub fn has(&self, mark: Mark) -> bool {
        self.marks.contains(mark)
    }

    /// How many fenced code blocks were seen.
    #[must_use]
    pub fn code_blocks(&self) -> u16 {
        self.code_blocks
    }

    /// The languages of the code, as fences name them or as its lines show.
    #[must_use]
    pub fn code_languages(&self) -> Set<CodeLanguage> {
        self.code_languages
    }

    /// The language of the program that printed a stack trace.
    #[must_use]
    pub fn trace_language(&self) -> Option<CodeLanguage> {
        self.trace_language
    }

    /// The natural language of the prompt.
    #[must_use]
    pub fn language(&self) -> PromptLanguage {
        self.language
    }

    /// What is attached.
    #[must_use]
    pub fn attachments(&self) -> Set<Attachment> {
        self.attachments
    }
}
