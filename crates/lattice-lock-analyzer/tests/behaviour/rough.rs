//! Prompts in rougher voices than those with names: most of them, not all, are understood.

use lattice_lock_analyzer::{Analyzer, TaskType};

/// How many may be misunderstood. They were written before they were run: 28 were then.
const MISUNDERSTOOD: usize = 7;

const PROMPTS: &[(&str, &str)] = &[
    (
        "code_generation",
        "Create a Terraform module that provisions an S3 bucket with versioning and a lifecycle rule.",
    ),
    (
        "code_generation",
        "can u make a discord bot in python that replies with a random quote",
    ),
    (
        "code_generation",
        "I'd like a VBA macro that highlights duplicate rows",
    ),
    (
        "code_generation",
        "Make the sidebar collapsible and remember its state in localStorage",
    ),
    (
        "code_generation",
        "Implement Dijkstra in C++ using a priority queue",
    ),
    (
        "code_generation",
        "zsh alias that cds into the most recently modified directory",
    ),
    (
        "code_generation",
        "Please extend my Express server with an endpoint POST /upload which stores the file on disk.",
    ),
    (
        "code_generation",
        "Erstelle ein Vue-Formular mit Validierung für E-Mail und Passwort",
    ),
    (
        "code_generation",
        "generate typescript types from this json: {\"id\":1,\"tags\":[\"a\"],\"owner\":{\"name\":\"x\"}}",
    ),
    (
        "code_generation",
        "Write a shader that makes a sphere look like water",
    ),
    (
        "debugging",
        "My Kubernetes pod is stuck in CrashLoopBackOff, logs show 'address already in use'",
    ),
    ("debugging", "Why is my useEffect running twice?"),
    (
        "debugging",
        "git push rejected: non-fast-forward. how do i resolve",
    ),
    (
        "debugging",
        "The CSS grid overflows on mobile but not on desktop. Here is the stylesheet: .grid { display: grid; width: 1200px; }",
    ),
    (
        "debugging",
        "i keep getting null when I call getUserById but the user exists in the db",
    ),
    ("debugging", "ValueError: shapes (3,2) and (3,) not aligned"),
    (
        "debugging",
        "Mi aplicación se cierra sola cuando giro el teléfono",
    ),
    (
        "debugging",
        "this recursion never terminates, spot the mistake: def f(n): return f(n) + 1 if n else 0",
    ),
    (
        "debugging",
        "Our cron job ran twice on the night the clocks changed. What happened?",
    ),
    (
        "debugging",
        "unit tests pass locally and fail in CI with a timezone difference, help",
    ),
    (
        "architectural_design",
        "How do you recommend we organise read models and write models for a bank's transaction history at 20k TPS?",
    ),
    (
        "architectural_design",
        "Sketch an architecture for a smart-home hub that keeps working when the internet is down",
    ),
    (
        "architectural_design",
        "What are the tradeoffs between a message queue and direct gRPC calls between our services?",
    ),
    (
        "architectural_design",
        "Propose a folder structure and module boundaries for a large Angular monorepo",
    ),
    (
        "architectural_design",
        "We have one giant Oracle database shared by nine teams; how can we decouple?",
    ),
    (
        "documentation",
        "Explain in the README how to configure the proxy",
    ),
    ("documentation", "Write javadoc for this interface"),
    (
        "documentation",
        "Produce an onboarding doc for data engineers joining our team",
    ),
    (
        "documentation",
        "Rewrite the docs page about webhooks, it's confusing",
    ),
    (
        "documentation",
        "add a section on troubleshooting to the user manual",
    ),
    (
        "testing",
        "What test cases would you write for a vending machine?",
    ),
    ("testing", "Add a regression test for the leap-year bug"),
    ("testing", "Convert these unittest classes to pytest"),
    ("testing", "how can I stub the system clock in vitest"),
    (
        "testing",
        "Schreib Tests für den Parser, besonders für kaputte Eingaben",
    ),
    (
        "data_analysis",
        "Here are my monthly expenses: rent 900, food 320, fun 150. What share goes to each?",
    ),
    (
        "data_analysis",
        "Write a query to find employees who earn more than their managers",
    ),
    (
        "data_analysis",
        "what's the trend in these numbers and is it seasonal? 12 15 22 30 28 19 13 14 23 31 30 20",
    ),
    (
        "data_analysis",
        "Which product category had the biggest drop in revenue between Q1 and Q2?",
    ),
    (
        "data_analysis",
        "pivot this dataframe so that months are columns",
    ),
    ("general", "Can you recommend a podcast about space?"),
    ("general", "what is the best time to visit Japan"),
    ("general", "remind me to call mum at 5"),
    ("general", "I'm feeling nervous about tomorrow"),
    ("general", "How do vaccines work?"),
    ("general", "turn off the bedroom lights"),
    ("general", "how do you make sourdough starter"),
    (
        "general",
        "Was ist der Unterschied zwischen Butter und Margarine?",
    ),
    (
        "reasoning",
        "A bat and a ball cost 1.10 together, the bat costs 1 more than the ball. How much is the ball?",
    ),
    (
        "reasoning",
        "All roses are flowers. Some flowers fade quickly. Can we conclude that some roses fade quickly?",
    ),
    (
        "reasoning",
        "What is the sum of the first 100 odd numbers? Show the derivation.",
    ),
    (
        "reasoning",
        "Explain the reasoning behind the trolley problem and argue for one side",
    ),
    ("reasoning", "Is 221 prime? Show how you know."),
    (
        "reasoning",
        "There are three switches outside a room with one bulb inside. You can go in only once. How do you find the right switch?",
    ),
    ("vision", "What breed is the dog in this photo?"),
    (
        "vision",
        "Can you read the serial number on the label in the attached image?",
    ),
    (
        "vision",
        "Compare the two screenshots and list the differences",
    ),
    ("vision", "Is the person in the picture wearing a helmet?"),
    ("vision", "这张照片是在哪里拍的?"),
    (
        "security_audit",
        "Could an attacker bypass the check in this middleware?",
    ),
    (
        "security_audit",
        "Review our OAuth implementation for token leakage",
    ),
    (
        "security_audit",
        "What are the risks of storing session ids in localStorage?",
    ),
    (
        "security_audit",
        "Is it dangerous to run this container as root?",
    ),
    (
        "security_audit",
        "how would a pentester approach an exposed Jenkins server",
    ),
    (
        "creative_writing",
        "Give me the first paragraph of a noir novel set in a greenhouse",
    ),
    (
        "creative_writing",
        "Write a cheerful jingle for a bicycle shop",
    ),
    (
        "creative_writing",
        "Invent three names for a clumsy superhero and describe their powers",
    ),
    (
        "creative_writing",
        "Tell me a scary story in exactly fifty words",
    ),
    (
        "creative_writing",
        "Verfasse einen Limerick über einen Bäcker",
    ),
    (
        "translation",
        "Can you put this into French for me: the meeting is postponed",
    ),
    ("translation", "what's \"thank you very much\" in Hungarian"),
    (
        "translation",
        "Translate the error messages below to Spanish but leave the codes untouched",
    ),
    ("translation", "把\"加油\"翻译成英语"),
    (
        "translation",
        "Give me the English version of this text: Der Vertrag endet am Monatsende.",
    ),
    (
        "code_generation",
        "Write a Lua script for Neovim that toggles relative line numbers",
    ),
    (
        "code_generation",
        "give me an awk command that prints the second column where the first is greater than 10",
    ),
    (
        "code_generation",
        "Add pagination to the /articles endpoint",
    ),
    (
        "code_generation",
        "Build me a landing page with Tailwind, hero section and three feature cards",
    ),
    (
        "code_generation",
        "Please complete: fn parse_hex(s: &str) -> Option<u32> {",
    ),
    (
        "code_generation",
        "create a github action that runs eslint on every push",
    ),
    (
        "code_generation",
        "Rewrite this loop as a list comprehension: for x in xs: if x > 0: ys.append(x*2)",
    ),
    (
        "debugging",
        "My websocket disconnects after exactly 60 seconds, what could it be?",
    ),
    (
        "debugging",
        "ModuleNotFoundError: No module named 'requests' although pip says it's installed",
    ),
    ("debugging", "The animation flickers in Safari only"),
    ("debugging", "why does my docker container exit immediately"),
    (
        "debugging",
        "After merging, the login page redirects in a loop. Here's the middleware",
    ),
    (
        "debugging",
        "Excel says #REF! after I deleted a column, how to repair it",
    ),
    (
        "debugging",
        "the result is always zero, where's my error? int avg = sum / count * 0;",
    ),
    (
        "architectural_design",
        "Which database would suit a chat app with 10 million messages a day, and how would you partition it?",
    ),
    (
        "architectural_design",
        "Give me pros and cons of event-driven vs request-driven design for our logistics platform",
    ),
    (
        "architectural_design",
        "Plan how to migrate our on-prem ERP to the cloud in phases",
    ),
    (
        "architectural_design",
        "What would the components of a fraud detection pipeline be?",
    ),
    (
        "documentation",
        "Write a short description of each CLI flag for our docs site",
    ),
    (
        "documentation",
        "Please document the environment variables used by this service in a table",
    ),
    ("documentation", "Summarise these commits into a changelog"),
    (
        "documentation",
        "Add usage examples to the docstrings in utils.py",
    ),
    ("testing", "Write Cypress tests for the registration form"),
    (
        "testing",
        "How should I test a function which depends on random numbers?",
    ),
    ("testing", "Need test data: 10 users with edge-case names"),
    (
        "testing",
        "Check that the API returns 401 without a token - write it as a supertest test",
    ),
    (
        "data_analysis",
        "Compute churn per month from the subscriptions table",
    ),
    (
        "data_analysis",
        "I have survey answers on a scale of 1-5; how do I check if men and women differ significantly?",
    ),
    (
        "data_analysis",
        "show me the five slowest regions by average delivery time",
    ),
    (
        "data_analysis",
        "Which columns in this csv are correlated with price?",
    ),
    ("general", "What's a good side dish for salmon?"),
    ("general", "Who discovered penicillin?"),
    ("general", "good night"),
    ("general", "my order hasn't arrived yet, what can I do?"),
    ("general", "how many calories are in an avocado"),
    ("general", "Explain like I'm five: why does it rain?"),
    ("general", "Recommend me some books similar to The Hobbit"),
    (
        "reasoning",
        "If yesterday was the day before Thursday, what day is tomorrow?",
    ),
    (
        "reasoning",
        "A snail climbs 3 m by day and slips 2 m by night; the well is 10 m deep. When is it out?",
    ),
    ("reasoning", "Solve the system: x + y = 10, x - y = 4"),
    (
        "reasoning",
        "Five houses in a row, each a different colour. The red one is left of the blue one... who owns the fish?",
    ),
    (
        "reasoning",
        "Is it logically consistent to claim that nothing can be known?",
    ),
    (
        "reasoning",
        "Estimate how many piano tuners work in Chicago, step by step",
    ),
    ("vision", "Describe what is happening in this image"),
    (
        "vision",
        "Which of the two shapes in the picture is bigger?",
    ),
    ("vision", "Transcribe the whiteboard photo"),
    (
        "vision",
        "what's the license plate number in the attached photo?",
    ),
    (
        "security_audit",
        "Find vulnerabilities in this PHP login script",
    ),
    (
        "security_audit",
        "Is bcrypt with cost 8 still safe against offline attacks?",
    ),
    (
        "security_audit",
        "Write a YARA rule for this ransomware family",
    ),
    (
        "security_audit",
        "How can I detect a compromised service account in AWS?",
    ),
    (
        "security_audit",
        "check whether user input reaches eval in this code",
    ),
    ("creative_writing", "Write a villanelle about insomnia"),
    (
        "creative_writing",
        "Draft the opening monologue of a tired superhero",
    ),
    (
        "creative_writing",
        "Make up a legend that explains why crows are black",
    ),
    (
        "creative_writing",
        "a dialogue between a knife and a fork, funny please",
    ),
    (
        "translation",
        "How would you translate \"Fingerspitzengefühl\"?",
    ),
    (
        "translation",
        "Please render this paragraph in Brazilian Portuguese",
    ),
    (
        "translation",
        "Übersetze: The quick brown fox jumps over the lazy dog",
    ),
    ("translation", "say 'happy birthday' in Swahili"),
];

#[test]
fn most_prompts_in_rough_voices_are_understood() {
    let analyzer = Analyzer::new();
    let misunderstood: Vec<&str> = PROMPTS
        .iter()
        .filter(|(task, prompt)| {
            let task: TaskType = task.parse().expect("a task type");
            analyzer.analyze(*prompt).primary() != task
        })
        .map(|(_, prompt)| *prompt)
        .collect();
    assert!(
        misunderstood.len() <= MISUNDERSTOOD,
        "{}: {misunderstood:#?}",
        misunderstood.len()
    );
}
