use crate::named::named;

named! {
    /// A programming or markup language seen in a prompt.
    pub enum CodeLanguage {
        /// Rust.
        Rust = "rust",
        /// Python.
        Python = "python",
        /// JavaScript.
        JavaScript = "javascript",
        /// TypeScript.
        TypeScript = "typescript",
        /// Java.
        Java = "java",
        /// Kotlin.
        Kotlin = "kotlin",
        /// C.
        C = "c",
        /// C++.
        Cpp = "cpp",
        /// C#.
        CSharp = "csharp",
        /// Go.
        Go = "go",
        /// Ruby.
        Ruby = "ruby",
        /// PHP.
        Php = "php",
        /// Swift.
        Swift = "swift",
        /// Scala.
        Scala = "scala",
        /// R.
        R = "r",
        /// Shell, of any kind.
        Shell = "shell",
        /// SQL, of any dialect.
        Sql = "sql",
        /// HTML or XML.
        Html = "html",
        /// CSS.
        Css = "css",
        /// JSON.
        Json = "json",
        /// YAML.
        Yaml = "yaml",
        /// TOML.
        Toml = "toml",
        /// Markdown.
        Markdown = "markdown",
        /// A container or build recipe.
        Dockerfile = "dockerfile",
        /// Haskell.
        Haskell = "haskell",
        /// Elixir or Erlang.
        Elixir = "elixir",
        /// Lua.
        Lua = "lua",
        /// Perl.
        Perl = "perl",
        /// Dart.
        Dart = "dart",
        /// Zig.
        Zig = "zig",
        /// LaTeX.
        Latex = "latex",
        /// A diff or patch.
        Diff = "diff",
        /// Terraform or another HCL.
        Terraform = "terraform",
        /// Protocol buffers.
        Protobuf = "protobuf",
        /// GraphQL.
        Graphql = "graphql",
        /// A fence with a language that is not in this list.
        Other = "other",
    }
}

impl CodeLanguage {
    /// The language that a code fence names, in lower case.
    pub(crate) fn of_fence(tag: &str) -> Self {
        FENCE_TAGS
            .iter()
            .find(|(name, _)| tag.eq_ignore_ascii_case(name))
            .map_or(Self::Other, |(_, language)| *language)
    }
}

const FENCE_TAGS: &[(&str, CodeLanguage)] = &[
    ("rust", CodeLanguage::Rust),
    ("rs", CodeLanguage::Rust),
    ("python", CodeLanguage::Python),
    ("py", CodeLanguage::Python),
    ("python3", CodeLanguage::Python),
    ("pycon", CodeLanguage::Python),
    ("ipython", CodeLanguage::Python),
    ("javascript", CodeLanguage::JavaScript),
    ("js", CodeLanguage::JavaScript),
    ("jsx", CodeLanguage::JavaScript),
    ("mjs", CodeLanguage::JavaScript),
    ("node", CodeLanguage::JavaScript),
    ("typescript", CodeLanguage::TypeScript),
    ("ts", CodeLanguage::TypeScript),
    ("tsx", CodeLanguage::TypeScript),
    ("java", CodeLanguage::Java),
    ("kotlin", CodeLanguage::Kotlin),
    ("kt", CodeLanguage::Kotlin),
    ("c", CodeLanguage::C),
    ("h", CodeLanguage::C),
    ("cpp", CodeLanguage::Cpp),
    ("c++", CodeLanguage::Cpp),
    ("cc", CodeLanguage::Cpp),
    ("hpp", CodeLanguage::Cpp),
    ("csharp", CodeLanguage::CSharp),
    ("cs", CodeLanguage::CSharp),
    ("c#", CodeLanguage::CSharp),
    ("go", CodeLanguage::Go),
    ("golang", CodeLanguage::Go),
    ("ruby", CodeLanguage::Ruby),
    ("rb", CodeLanguage::Ruby),
    ("php", CodeLanguage::Php),
    ("swift", CodeLanguage::Swift),
    ("scala", CodeLanguage::Scala),
    ("r", CodeLanguage::R),
    ("bash", CodeLanguage::Shell),
    ("sh", CodeLanguage::Shell),
    ("shell", CodeLanguage::Shell),
    ("zsh", CodeLanguage::Shell),
    ("console", CodeLanguage::Shell),
    ("powershell", CodeLanguage::Shell),
    ("ps1", CodeLanguage::Shell),
    ("bat", CodeLanguage::Shell),
    ("sql", CodeLanguage::Sql),
    ("mysql", CodeLanguage::Sql),
    ("postgresql", CodeLanguage::Sql),
    ("postgres", CodeLanguage::Sql),
    ("plsql", CodeLanguage::Sql),
    ("tsql", CodeLanguage::Sql),
    ("html", CodeLanguage::Html),
    ("xml", CodeLanguage::Html),
    ("svg", CodeLanguage::Html),
    ("vue", CodeLanguage::Html),
    ("css", CodeLanguage::Css),
    ("scss", CodeLanguage::Css),
    ("json", CodeLanguage::Json),
    ("jsonc", CodeLanguage::Json),
    ("json5", CodeLanguage::Json),
    ("yaml", CodeLanguage::Yaml),
    ("yml", CodeLanguage::Yaml),
    ("toml", CodeLanguage::Toml),
    ("markdown", CodeLanguage::Markdown),
    ("md", CodeLanguage::Markdown),
    ("dockerfile", CodeLanguage::Dockerfile),
    ("docker", CodeLanguage::Dockerfile),
    ("makefile", CodeLanguage::Dockerfile),
    ("haskell", CodeLanguage::Haskell),
    ("hs", CodeLanguage::Haskell),
    ("elixir", CodeLanguage::Elixir),
    ("ex", CodeLanguage::Elixir),
    ("erlang", CodeLanguage::Elixir),
    ("lua", CodeLanguage::Lua),
    ("perl", CodeLanguage::Perl),
    ("pl", CodeLanguage::Perl),
    ("dart", CodeLanguage::Dart),
    ("zig", CodeLanguage::Zig),
    ("latex", CodeLanguage::Latex),
    ("tex", CodeLanguage::Latex),
    ("diff", CodeLanguage::Diff),
    ("patch", CodeLanguage::Diff),
    ("terraform", CodeLanguage::Terraform),
    ("hcl", CodeLanguage::Terraform),
    ("tf", CodeLanguage::Terraform),
    ("protobuf", CodeLanguage::Protobuf),
    ("proto", CodeLanguage::Protobuf),
    ("graphql", CodeLanguage::Graphql),
    ("gql", CodeLanguage::Graphql),
];

named! {
    /// The natural language that a prompt is written in, as its words and letters say.
    #[derive(Default)]
    pub enum PromptLanguage {
        /// Too little text to tell, or a language that is not in this list.
        #[default]
        Unknown = "unknown",
        /// English.
        English = "en",
        /// German.
        German = "de",
        /// French.
        French = "fr",
        /// Spanish.
        Spanish = "es",
        /// Portuguese.
        Portuguese = "pt",
        /// Italian.
        Italian = "it",
        /// Dutch.
        Dutch = "nl",
        /// Polish.
        Polish = "pl",
        /// Swedish.
        Swedish = "sv",
        /// Turkish.
        Turkish = "tr",
        /// Indonesian or Malay.
        Indonesian = "id",
        /// Vietnamese.
        Vietnamese = "vi",
        /// Czech.
        Czech = "cs",
        /// Russian.
        Russian = "ru",
        /// Ukrainian.
        Ukrainian = "uk",
        /// Greek.
        Greek = "el",
        /// Hebrew.
        Hebrew = "he",
        /// Arabic.
        Arabic = "ar",
        /// Persian.
        Persian = "fa",
        /// Hindi, or another language in Devanagari.
        Hindi = "hi",
        /// Thai.
        Thai = "th",
        /// Korean.
        Korean = "ko",
        /// Japanese.
        Japanese = "ja",
        /// Chinese.
        Chinese = "zh",
    }
}
