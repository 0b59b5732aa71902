//! `agora contract run`: deploys a file in memory and calls it, without a network.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::Args;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::json;

use super::arguments::{ArgumentError, Arguments, split};
use super::report::{Step, json_of, shown};
use super::{executor, read};
use crate::actors::clock::NetworkClock;
use crate::cli::services::Sources;
use crate::cli::{CliError, EXIT_FAILURE, EXIT_OK, say, say_aside, say_error};
use crate::domain::calldata::Value;
use crate::domain::ledger::Snapshot;
use crate::domain::{
    Address, Amount, Clock, Code, Digest, Execution, ExecutionOutcome, Page, PageKey, Pages,
    Timestamp, keccak256,
};
use crate::execution::python::PythonExecutor;
use crate::execution::{
    Entry, ExecutionError, ExecutionRequest, Executor, Message, NoWorld, PageSource, Role,
};

/// Where the contract lives.
const CONTRACT: Address = Address::new([0xcc; 20]);
/// Who calls, when nobody else is named.
const SENDER: &str = "0xaAaAaAaaAaAaAaaAaAAAAAAAAaaaAaAaAaaAaaAa";
const CHAIN_ID: u64 = 61_999;
/// How often a watched file is looked at.
const WATCH_PERIOD: Duration = Duration::from_millis(250);

/// Deploy a contract file in memory and call it, without a network.
///
/// Deploys the file, calls METHOD and then whatever `--call` says, all on the same state, and shows
/// what each returned, printed, sent, emitted and changed. Ends with 1 at the first that fails.
///
/// Arguments are integers of any size, true, false, null, addresses (0x and 40 digits), JSON, or
/// bare words, which are text; `name=value` names a parameter.
///
/// Models are simulated, and the web is real, unless `--mocks` has answers of theirs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    agora contract run store.py                            deploy, nothing else\n  \
    agora contract run store.py set key 5                  deploy and call\n  \
    agora contract run token.py --init Coin --init 1000 total_supply\n  \
    agora contract run store.py set a 1 --call 'get a' --call 'set b \"two words\"'\n  \
    agora contract run vault.py --value 5 deposit 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266\n  \
    agora contract run --watch store.py set a 1            again whenever the file is saved")]
pub(in crate::cli) struct RunArguments {
    /// The Python file.
    file: PathBuf,
    /// The method to call after the deployment.
    method: Option<String>,
    /// Its arguments.
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    args: Vec<String>,
    /// An argument of the constructor; once for each.
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    init: Vec<String>,
    /// One more call, such as `--call 'get a'`; can be given several times.
    #[arg(long, value_name = "CALL")]
    call: Vec<String>,
    /// Who deploys and calls.
    #[arg(long, value_name = "ADDRESS", default_value = SENDER)]
    sender: Address,
    /// Value sent along with METHOD, or with the deployment where there is no METHOD.
    #[arg(long, value_name = "AMOUNT", default_value = "0")]
    value: Amount,
    /// The time that the contract sees, in milliseconds since the Unix epoch; now by default.
    #[arg(long, value_name = "MILLISECONDS")]
    time: Option<i64>,
    /// Most time each call may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(1..=3_600))]
    timeout: u32,
    /// JSON file with made-up answers of models (`prompts`) and the web (`web`).
    #[arg(long, value_name = "FILE")]
    mocks: Option<PathBuf>,
    /// Print one JSON array in place of text.
    #[arg(long)]
    json: bool,
    /// Run again whenever the file changes.
    #[arg(long)]
    watch: bool,
}

/// One thing to do.
struct Planned {
    /// How it is shown.
    title: String,
    method: Option<String>,
    arguments: Arguments,
    value: Amount,
}

pub(super) fn run(arguments: &RunArguments) -> Result<u8, CliError> {
    let plan = plan(arguments)?;
    let at = match arguments.time {
        Some(millis) => instant(millis)?,
        None => NetworkClock::start().now(),
    };
    let sources = Sources { mocks: arguments.mocks.as_deref(), ..Sources::default() };
    let executor = executor(sources.open()?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        loop {
            // Before the run, so that a change during it is seen.
            let seen = changed(arguments);
            let code = match once(arguments, &plan, at, &executor).await {
                Err(error) if arguments.watch => {
                    say_error(&error);
                    EXIT_FAILURE
                }
                done => done?,
            };
            if !arguments.watch {
                return Ok(code);
            }
            say_aside(format_args!("waiting for a change of `{}`", arguments.file.display()));
            while changed(arguments) == seen {
                tokio::time::sleep(WATCH_PERIOD).await;
            }
        }
    })
}

fn changed(arguments: &RunArguments) -> Option<SystemTime> {
    std::fs::metadata(&arguments.file).and_then(|metadata| metadata.modified()).ok()
}

fn instant(millis: i64) -> Result<Timestamp, CliError> {
    if !(0..=Timestamp::LAST.as_millis()).contains(&millis) {
        let last = Timestamp::LAST.as_millis();
        return Err(format!("`{millis}` is no time: valid is 0 to {last} milliseconds").into());
    }
    Ok(Timestamp::from_millis(millis))
}

fn plan(arguments: &RunArguments) -> Result<Vec<Planned>, ArgumentError> {
    let value = |is_meant: bool| if is_meant { arguments.value } else { Amount::ZERO };
    let mut plan = vec![Planned {
        title: format!("deploy({})", arguments.init.join(", ")),
        method: None,
        arguments: Arguments::parse(&arguments.init)?,
        value: value(arguments.method.is_none()),
    }];
    if let Some(method) = &arguments.method {
        plan.push(planned(method, &arguments.args, value(true))?);
    }
    for call in &arguments.call {
        let words = split(call)?;
        let (method, args) = words.split_first().ok_or(ArgumentError::Empty)?;
        plan.push(planned(method, args, Amount::ZERO)?);
    }
    Ok(plan)
}

fn planned(method: &str, args: &[String], value: Amount) -> Result<Planned, ArgumentError> {
    Ok(Planned {
        title: format!("{method}({})", args.join(", ")),
        method: Some(method.to_owned()),
        arguments: Arguments::parse(args)?,
        value,
    })
}

/// Does everything planned on fresh state, until something fails.
async fn once(
    arguments: &RunArguments,
    plan: &[Planned],
    at: Timestamp,
    executor: &PythonExecutor,
) -> Result<u8, CliError> {
    let mut code = read(&arguments.file)?;
    let (mut pages, mut balance) = (Pages::new(), Amount::ZERO);
    let (mut steps, mut exit) = (Vec::new(), EXIT_OK);
    for (number, planned) in plan.iter().enumerate() {
        let with_value = balance.checked_add(planned.value).ok_or("the balance is too large")?;
        let message = Message {
            contract: CONTRACT,
            sender: arguments.sender,
            origin: arguments.sender,
            value: planned.value,
            balance: with_value,
            chain_id: CHAIN_ID,
            at: at.into(),
        };
        let request = ExecutionRequest {
            time_limit: Duration::from_secs(arguments.timeout.into()),
            ..request(&code, planned, message, &pages, number)
        };
        let execution = match executor.execute(request).await {
            Err(ExecutionError::TimedOut { .. }) => out_of_time(arguments.timeout),
            ended => ended?,
        };
        if execution.outcome.is_success() {
            balance = spent(with_value, &execution);
        } else {
            exit = EXIT_FAILURE;
        }
        let step = Step {
            title: &planned.title,
            execution: &execution,
            before: &pages,
            code_before: &code,
        };
        if arguments.json {
            steps.push(json_of(&step)?);
        } else {
            say(shown(&step));
        }
        for (key, page) in &execution.state.0 {
            pages.insert(*key, page.clone());
        }
        code = execution.code.unwrap_or(code);
        if exit != EXIT_OK {
            break;
        }
    }
    if arguments.json {
        say(serde_json::to_string_pretty(&json!(steps))?);
    }
    Ok(exit)
}

/// An end like any other, so that what came before it is shown.
fn out_of_time(limit_secs: u32) -> Execution {
    Execution {
        stderr: format!("the call did not end within {limit_secs} s (--timeout)\n"),
        ..Execution::ending(ExecutionOutcome::VmError("timeout".into()))
    }
}

/// What is left of a balance after the messages that an execution sends.
fn spent(balance: Amount, execution: &Execution) -> Amount {
    let mut values = execution.messages.iter().map(|message| message.value);
    values.try_fold(balance, Amount::checked_sub).unwrap_or_default()
}

fn request(
    code: &Code,
    planned: &Planned,
    message: Message,
    pages: &Pages,
    number: usize,
) -> ExecutionRequest {
    let Arguments { args, kwargs } = planned.arguments.clone();
    let calldata = Value::call(planned.method.as_deref(), args, kwargs).encode();
    ExecutionRequest {
        node: Address::ZERO,
        models: None,
        role: Role::Leader,
        code: code.clone(),
        entry: if planned.method.is_some() { Entry::Method } else { Entry::Constructor },
        calldata: calldata.into(),
        message,
        snapshot: Snapshot { pages: Arc::new(pages.clone()), complete: true },
        pages: Arc::new(NoPages),
        world: Arc::new(NoWorld),
        seed: seed(number),
        time_limit: Duration::from_mins(1),
    }
}

/// Each call has its own, and every run the same.
fn seed(number: usize) -> Digest {
    keccak256(&[b"agora:run", &number.to_be_bytes()])
}

/// All of the state is sent along, so nothing else is there.
#[derive(Debug)]
struct NoPages;

impl PageSource for NoPages {
    fn read(&self, keys: Vec<PageKey>) -> BoxFuture<'static, Result<Vec<Page>, ExecutionError>> {
        std::future::ready(Ok(vec![Page::new(); keys.len()])).boxed()
    }
}
