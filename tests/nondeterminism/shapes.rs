//! What the simulated provider answers to prompts as contracts write them.

use std::time::Duration;

use agora::domain::{Address, Digest};
use agora::execution::nondeterminism::models::SimulatedModels;
use agora::execution::nondeterminism::{Answer, Asker, Models, Prompt};
use nix::time::{ClockId, clock_gettime};
use serde_json::Value;

use crate::{json, text};

/// Is the value what the contract can work with?
type Fits = fn(&Value) -> bool;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default()
}

fn one_of(value: &Value, words: &[&str]) -> bool {
    value.as_str().is_some_and(|word| words.contains(&word))
}

fn within(value: &Value, from: i64, to: i64) -> bool {
    value.as_i64().is_some_and(|number| (from..=to).contains(&number))
}

fn is_words(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() > 10 && text.contains(' '))
}

const JSON_PROMPTS: [(&str, Fits); 20] = [
    (
        "You are the keeper of a coin. Should you give it?\nRespond using ONLY the following \
         format:\n{\n\"reasoning\": str,\n\"give_coin\": bool\n}\nIt is mandatory that you respond \
         only using the JSON format above, nothing else.",
        |v| {
            keys(v) == ["reasoning", "give_coin"]
                && is_words(&v["reasoning"])
                && v["give_coin"].is_boolean()
        },
    ),
    (
        "Decide if the transaction is approved: {\"transaction_result\": bool, \"reasoning\": str}",
        |v| v["transaction_result"].is_boolean() && v["reasoning"].is_string(),
    ),
    ("Answer with {\"answer\": \"yes\" | \"no\"}", |v| one_of(&v["answer"], &["yes", "no"])),
    (
        "Web page content:\n{\"items\": [1, 2, 3], \"name\": \"x\"}\nEnd of web page data.\n\nRespond \
         with the following JSON format:\n{\n\"score\": str, // The score with numbers only, e.g, \
         \"1:2\", or \"-\" if the game is not resolved yet\n\"winner\": int, // The number of the \
         winning team, 0 for draw, or -1 if the game is not yet finished\n}\nIt is mandatory.",
        |v| {
            keys(v) == ["score", "winner"]
                && one_of(&v["score"], &["1:2", "-"])
                && within(&v["winner"], -1, 2)
        },
    ),
    (
        "Return JSON: {\"score\": <integer between 0 and 100>, \"verdict\": \"APPROVED|REJECTED|UNSURE\"}",
        |v| {
            within(&v["score"], 0, 100)
                && one_of(&v["verdict"], &["APPROVED", "REJECTED", "UNSURE"])
        },
    ),
    (
        "Output JSON like {\"confidence\": 0.0-1.0, \"label\": \"positive\"/\"negative\"/\"neutral\"}",
        |v| {
            v["confidence"].as_f64().is_some_and(|c| (0.0..=1.0).contains(&c))
                && one_of(&v["label"], &["positive", "negative", "neutral"])
        },
    ),
    (
        "Reply in JSON with these fields:\n- \"winner\": the winner's name (string)\n- \"margin\" (int): \
         1-10\n- \"is_final\": true or false",
        |v| {
            keys(v) == ["winner", "margin", "is_final"]
                && within(&v["margin"], 1, 10)
                && v["is_final"].is_boolean()
                && v["winner"].is_string()
        },
    ),
    (
        "Return a JSON object with keys \"sentiment\" (string), \"score\" (int) and \"spam\" (bool).",
        |v| {
            keys(v) == ["sentiment", "score", "spam"]
                && v["score"].is_i64()
                && v["spam"].is_boolean()
        },
    ),
    (
        "Use this JSON schema: {\"type\": \"object\", \"properties\": {\"rating\": {\"type\": \
         \"integer\", \"minimum\": 1, \"maximum\": 5}, \"tone\": {\"type\": \"string\", \"enum\": \
         [\"warm\", \"cold\"]}, \"tags\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}}, \
         \"required\": [\"rating\"]}",
        |v| {
            within(&v["rating"], 1, 5)
                && one_of(&v["tone"], &["warm", "cold"])
                && v["tags"].as_array().is_some_and(|tags| tags.iter().all(Value::is_string))
        },
    ),
    (
        "Give {\"results\": [{\"id\": int, \"ok\": bool}], \"meta\": {\"source\": str}} as JSON",
        |v| {
            v["results"].as_array().is_some_and(|list| {
                !list.is_empty()
                    && list.iter().all(|item| item["id"].is_i64() && item["ok"].is_boolean())
            }) && v["meta"]["source"].is_string()
        },
    ),
    ("Respond as JSON {'valid': True/False, 'reason': '...'}", |v| {
        v["valid"].is_boolean() && v["reason"].is_string()
    }),
    (
        "Respond ONLY with JSON:\n{{\n  \"temperature\": float,\n  \"unit\": \"C\" or \"F\"\n}}",
        |v| v["temperature"].is_number() && one_of(&v["unit"], &["C", "F"]),
    ),
    ("Format: {\"winner\": \"team_a\" | \"team_b\" | null, \"votes\": list[int]}", |v| {
        (v["winner"].is_null() || one_of(&v["winner"], &["team_a", "team_b", "null"]))
            && v["votes"].as_array().is_some_and(|votes| votes.iter().all(Value::is_i64))
    }),
    (
        "Please provide: {\"resolved\": true | false, \"outcome\": \"<YES or NO>\", \"date\": \"YYYY-MM-DD\"}",
        |v| {
            v["resolved"].is_boolean()
                && one_of(&v["outcome"], &["YES", "NO"])
                && v["date"].as_str().is_some_and(|date| date.len() == 10 && date.starts_with("20"))
        },
    ),
    ("Is it so? Respond in JSON.", |v| keys(v) == ["answer"]),
    ("Answer yes or no, as JSON.", |v| one_of(&v["answer"], &["yes", "no"])),
    (
        "Return:\n{\n  \"is_valid\": boolean,   // true if the claim holds\n  \"explanation\": string,  # \
         short\n  \"severity\": integer (1-5)\n}",
        |v| {
            v["is_valid"].is_boolean()
                && v["explanation"].is_string()
                && within(&v["severity"], 1, 5)
        },
    ),
    ("Return JSON {\"risk\": one of: low, medium, high; \"amount\": number}", |v| {
        one_of(&v["risk"], &["low", "medium", "high"])
    }),
    (
        "Evaluate. Output format (JSON): {\"price\": \"<current price in USD as string>\", \"currency\": \"USD\"}",
        |v| v["price"].is_string() && v["currency"] == "USD",
    ),
    (
        "Respond with {\"whether\": \"whether the user is right\", \"a_or_b\": \"'A' or 'B'\", \"n\": 7}",
        |v| v["n"].is_i64() && one_of(&v["a_or_b"], &["A", "B"]),
    ),
];

const TEXT_PROMPTS: [(&str, Fits); 18] = [
    ("Is Paris in France? Answer only with 'yes' or 'no'.", |v| one_of(v, &["yes", "no"])),
    ("Is this spam? Respond with YES or NO only.\nText: win a prize", |v| {
        one_of(v, &["YES", "NO"])
    }),
    ("Answer true/false and nothing else.", |v| one_of(v, &["true", "false"])),
    ("Which is right? Reply with A, B or C.", |v| one_of(v, &["A", "B", "C"])),
    ("Classify as one of: sports, politics, science.", |v| {
        one_of(v, &["sports", "politics", "science"])
    }),
    ("Respond with only one word: positive, negative or neutral.", |v| {
        one_of(v, &["positive", "negative", "neutral"])
    }),
    ("Rate the text from 0 to 100. Return only the number.", |v| {
        v.as_str().and_then(|t| t.parse::<i64>().ok()).is_some_and(|n| (0..=100).contains(&n))
    }),
    ("Give a score between 1 and 5. Output just the integer.", |v| {
        v.as_str().and_then(|t| t.parse::<i64>().ok()).is_some_and(|n| (1..=5).contains(&n))
    }),
    ("Return only a number: how many apples are there?", |v| {
        v.as_str().is_some_and(|t| t.parse::<i64>().is_ok())
    }),
    ("Return the probability between 0.0 and 1.0, only the number", |v| {
        v.as_str().and_then(|t| t.parse::<f64>().ok()).is_some_and(|p| (0.0..=1.0).contains(&p))
    }),
    ("Respond in JSON only: {\"reasoning\": str, \"result\": bool}", |v| {
        serde_json::from_str::<Value>(v.as_str().unwrap())
            .is_ok_and(|v| keys(&v) == ["reasoning", "result"] && v["result"].is_boolean())
    }),
    ("Summarise the article in one or two sentences.", is_words),
    ("Write a short poem about rain and/or snow.", is_words),
    ("What is the capital of France?", is_words),
    ("Should we BUY, SELL, or HOLD? Answer with exactly one.", |v| {
        one_of(v, &["BUY", "SELL", "HOLD"])
    }),
    ("Reply \"APPROVE\" if good, otherwise reply \"REJECT\".", |v| {
        one_of(v, &["APPROVE", "REJECT"])
    }),
    ("Answer with either `left` or `right`.", |v| one_of(v, &["left", "right"])),
    ("", is_words),
];

fn asker(node: u8, seed: u8) -> Asker {
    Asker {
        node: Address::new([node; 20]),
        seed: Digest::new([seed; 32]),
        leads: node == 0,
        number: 3,
        models: None,
    }
}

fn value(answer: &Answer) -> Value {
    match answer {
        Answer::Text(text) => Value::from(text.as_str()),
        Answer::Json(value) => value.clone(),
        Answer::Verdict(verdict) => Value::from(*verdict),
    }
}

fn check(prompts: &[(&str, Fits)], prompt: fn(&str) -> Prompt) {
    let models = SimulatedModels::default();
    let mut wrong = Vec::new();
    for (words, fits) in prompts {
        for seed in 0..12 {
            let answer = models.answer(&asker(0, seed), &prompt(words));
            if !fits(&value(&answer)) {
                wrong.push(format!("{words}\n    -> {answer:?}"));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn json_prompts_are_answered_in_their_shape() {
    check(&JSON_PROMPTS, json);
}

#[test]
fn text_prompts_are_answered_with_what_they_offer() {
    check(&TEXT_PROMPTS, text);
}

#[test]
fn all_nodes_answer_alike_and_different_transactions_differ() {
    let models = SimulatedModels::default();
    let prompts: Vec<Prompt> = JSON_PROMPTS.iter().map(|(words, _)| json(words)).collect();
    let answers = |node: u8, seed: u8| -> Vec<Answer> {
        prompts.iter().map(|prompt| models.answer(&asker(node, seed), prompt)).collect()
    };
    assert_eq!(answers(0, 1), answers(9, 1));
    assert_ne!(answers(0, 1), answers(0, 2));
}

#[test]
fn what_differs_in_a_prompts_data_does_not_change_the_answer() {
    let models = SimulatedModels::default();
    let prompt = |price: &str| json(&format!("The page says {price}. Answer {{\"ok\": bool}}"));
    let answers = ["1", "2"].map(|price| models.answer(&asker(0, 1), &prompt(price)));
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn disagreement_is_as_frequent_as_it_is_set() {
    let models = SimulatedModels::default();
    let principle = Prompt::Comparative {
        leader_answer: "a".to_owned(),
        validator_answer: "b".to_owned(),
        principle: "c".to_owned(),
    };
    let question = text("Answer yes or no.");
    let count = |prompt: &Prompt| {
        let common = SimulatedModels::default();
        let differs = |number: u32| {
            let asker = Asker { number, ..asker(5, 1) };
            models.answer(&asker, prompt) != common.answer(&asker, prompt)
        };
        (0..2000).filter(|number| differs(*number)).count()
    };
    assert_eq!((count(&principle), count(&question)), (0, 0));
    models.set_disagreement(0.25);
    // Four standard deviations to both sides.
    for found in [count(&principle), count(&question)] {
        assert!((423..=577).contains(&found), "{found} of 2000");
    }
    models.set_disagreement(f64::NAN);
    assert_eq!(count(&principle), 0);
    models.set_disagreement(7.0);
    assert_eq!((count(&principle), count(&question)), (2000, 2000));
}

#[test]
fn any_text_has_an_answer() {
    let models = SimulatedModels::default();
    let pieces =
        ["{", "}", "[", "\"", "'", ":", ",", "a", "|", "/", "//", "\n", "é", "1-2", " or ", "…"];
    let mut state = 1_u64;
    for _ in 0..3000 {
        let mut prompt = String::from("json format ");
        for _ in 0..24 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            prompt.push_str(pieces[usize::try_from(state >> 60).unwrap()]);
        }
        assert!(matches!(
            models.answer(&asker(0, 0), &json(&prompt)),
            Answer::Json(Value::Object(_))
        ));
        models.answer(&asker(0, 0), &text(&prompt));
    }
    let deep = "{\"a\":".repeat(5000);
    models.answer(&asker(0, 0), &json(&deep));
}

#[test]
fn no_prompt_takes_long_to_read() {
    let fields =
        (0..40_000).map(|number| format!("a_{number}: int")).collect::<Vec<_>>().join("\n");
    let lists = "{\"a\": [".repeat(8) + "{\"b\": [int], \"c\": [int]}" + &"]}".repeat(8);
    let prompts = [
        "{\"a\": <".repeat(150_000),
        "{\"a\": \"b\", ".repeat(100_000),
        "{\"a\": '".repeat(100_000),
        "{\"a\": {".repeat(150_000),
        "answer 'a',".repeat(90_000),
        format!("{{\"a\": {}}}", "'b',".repeat(250_000)),
        format!("{{\"a\": int{}}}", "[]".repeat(30_000)),
        format!("{{\"a\": {}int{}}}", "list[".repeat(10_000), "]".repeat(10_000)),
        "answer yes or no. ".repeat(50_000),
        format!("json\n{fields}"),
        lists.repeat(10_000),
        "a".repeat(1 << 20),
        "\n".repeat(1 << 20),
    ];
    let models = SimulatedModels::default();
    for prompt in prompts {
        let begin: String = prompt.chars().take(30).collect();
        let before = own_time();
        models.answer(&asker(0, 0), &json(&prompt));
        models.answer(&asker(0, 0), &text(&prompt));
        let took = own_time().checked_sub(before).unwrap();
        assert!(took.as_secs() < 3, "{begin}: {took:?}");
    }
}

/// Time that this thread has computed, whatever else the machine does.
fn own_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

#[test]
fn a_demand_is_found_before_and_after_much_material() {
    let models = SimulatedModels::default();
    let (demand, material) = ("Answer as JSON {\"ok\": bool}\n", "é lorem ".repeat(40_000));
    for prompt in [format!("{demand}{material}"), format!("{material}{demand}")] {
        let Answer::Json(answer) = models.answer(&asker(0, 0), &json(&prompt)) else { panic!() };
        assert!(answer["ok"].is_boolean(), "{answer}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn prompts_are_read_beside_the_event_loop() {
    let models = SimulatedModels::default();
    let prompt = json(&"{\"a\": <".repeat(150_000));
    let mut answer = tokio::spawn(models.ask(asker(0, 0), prompt));
    tokio::task::yield_now().await;
    // It has begun, and this thread is free all the same.
    assert!(futures_util::poll!(&mut answer).is_pending());
    assert!(answer.await.unwrap().is_ok());
}
