use crate::named::named;

named! {
    /// A capability that the answering model must have.
    pub enum Need {
        /// It must see images or video.
        Vision = "vision",
        /// It must call tools, or look up what it cannot know.
        Tools = "tools",
        /// It must answer in JSON.
        Json = "json",
        /// It must write a long answer: thousands of words, a whole file, a full report.
        LongOutput = "long_output",
        /// It must hold a conversation: the prompt refers to earlier turns or asks for more of them.
        Turns = "turns",
    }
}

named! {
    /// What the caller wants most of the answer.
    #[derive(Default)]
    pub enum Priority {
        /// Nothing was said.
        #[default]
        Balanced = "balanced",
        /// A fast answer.
        Speed = "speed",
        /// A cheap answer.
        Cost = "cost",
        /// The best answer.
        Quality = "quality",
    }
}

named! {
    /// How much work an answer is.
    #[derive(Default)]
    pub enum Complexity {
        /// One short step.
        #[default]
        Simple = "simple",
        /// A few steps, or some material to read.
        Moderate = "moderate",
        /// Many steps, constraints or components, or much material.
        Complex = "complex",
    }
}

named! {
    /// Why a prompt was found to be as complex as it is.
    pub enum ComplexityReason {
        /// The prompt is long.
        LongPrompt = "long_prompt",
        /// The prompt is very long.
        VeryLongPrompt = "very_long_prompt",
        /// It lists several requirements or steps.
        ManyRequirements = "many_requirements",
        /// It brings code to read.
        CodeToRead = "code_to_read",
        /// It brings a stack trace or a log to read.
        TraceToRead = "trace_to_read",
        /// It asks for more than one kind of work.
        SeveralTasks = "several_tasks",
        /// Words such as "distributed", "concurrent" or "prove" say that it is hard.
        HardWords = "hard_words",
        /// Words such as "simple" or "just" say that it is easy.
        EasyWords = "easy_words",
        /// It asks for a long answer.
        LongAnswer = "long_answer",
        /// This kind of task is rarely simple.
        HardTask = "hard_task",
        /// It holds mathematics.
        Mathematics = "mathematics",
        /// It is a conversation with a history.
        History = "history",
    }
}
