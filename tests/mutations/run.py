#!/usr/bin/env python3
"""Breaks the protocol's rules in a copy of the source, one at a time, and demands that the simulator
finds out: every mutant must end with a broken law, and the unbroken program must not.

    tests/mutations/run.py            # all of them
    tests/mutations/run.py tie inverse

Closes with "N passed, N failed", like every suite here.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import time
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = ROOT / "target"
COPY = TARGET / "mutations"
CONFIGURATION = ROOT / "tests" / "support" / "on_release_dependencies.toml"
COPIED = ["Cargo.toml", "Cargo.lock", ".cargo", "src", "migrations", "tests", "rust-toolchain.toml"]
SIMULATION_SECONDS = 300


class Mutant(NamedTuple):
    name: str
    rule: str
    file: str
    old: str
    new: str
    scenarios: list[str]
    seeds: str = "1..13"


MUTANTS = [
    Mutant("tie", "a tie is no majority", "src/protocol/votes.rs",
           "count * 2 > self.seats", "count * 2 >= self.seats", ["even_committees"]),
    Mutant("leader", "a former leader never leads again", "src/protocol/appeal.rs",
           "draw(&candidates, &self.led, candidates.len(), seed)",
           "draw(&candidates, &BTreeSet::new(), candidates.len(), seed)", ["appeals"]),
    Mutant("commitment", "a reveal must open its commitment", "src/protocol/turn.rs",
           "if commitment.is_opened_by(vote, salt) =>",
           "if commitment.is_opened_by(vote, salt) || true =>", ["equivocators"]),
    Mutant("inverse", "an undone decision restores the pages it wrote", "src/storage/effects.rs",
           "    writes::apply_accepted(conn, progress.queue, &stored.inverse)?;\n", "", ["appeals"]),
    Mutant("outbox", "every change is in the outbox", "src/storage/undo.rs",
           "        if progress.status != Status::Pending {\n            self.record(ctx, progress.hash, queue, Status::Pending);\n        }\n",
           "", ["appeals"]),
    Mutant("stale", "a stale attempt changes nothing", "src/storage/decisions.rs",
           "if progress.attempt != decision.attempt || is_settled {", "if is_settled {",
           ["appeals"]),
    Mutant("child", "children are withdrawn with what sent them", "src/storage/undo.rs",
           "Some((parent, _)) => positions.contains(&Progress::load(conn, parent)?.position),",
           "Some((parent, _)) => Progress::load(conn, parent)?.position.0 < 0,", ["appeals"]),
    Mutant("cascade", "everything decided later on the contract is undone too",
           "src/storage/undo.rs",
           "    let mut found = decided_after(conn, progress.queue, position)?;\n",
           "    let mut found = Vec::new();\n", ["appeals"]),
    Mutant("window", "nothing is final before its window", "src/protocol/finality.rs",
           "(0..appeals_failed)", "(0..=appeals_failed)", ["happy_path"]),
    Mutant("finality", "finality keeps the order of the contract", "src/storage/finality.rs",
           "!is_first_open(conn, &progress)? || ", "", ["appeals"]),
    Mutant("parent", "a child is not final before what sent it", "src/storage/finality.rs",
           " || !is_parent_final(conn, &progress)?", "", ["appeals"]),
    Mutant("refund", "value goes back once", "src/storage/recovery.rs",
           "let locked = if is_canceled { Amount::ZERO } else { progress.locked };",
           "let locked = progress.locked;", ["given_up"]),
    Mutant("order", "calls are decided in the order of their contract", "src/storage/claims.rs",
           "let is_next = is_appealed || is_head_of_queue",
           "let is_next = true || is_head_of_queue", ["appeals"]),
    Mutant("effects", "what is not accepted has no effects", "src/storage/effects.rs",
           "decision.status == Status::Accepted && receipt.outcome.is_success()",
           "receipt.outcome.is_success()", ["wrong_results"]),
    Mutant("lost", "what was undone is found again", "src/actors/store/rounds.rs",
           "Persisted::Stored { requeued: 1.., .. } = persisted",
           "Persisted::Stored { requeued: 1_000.., .. } = persisted", ["appeals"]),
]


def say(text: str) -> None:
    print(text, flush=True)


def run(arguments: list[str], **options) -> subprocess.CompletedProcess:
    return subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)


def copy_source() -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, COPY / name)
        else:
            shutil.copy2(source, COPY / name)


def build() -> tuple[bool, str]:
    """Only our own crate is compiled: its dependencies are those of the release build."""
    environment = dict(os.environ, CARGO_TARGET_DIR=str(TARGET), CARGO_INCREMENTAL="1")
    built = run(["cargo", "build", "--config", str(CONFIGURATION), "--release", "--quiet", "--locked",
                 "--bin", "agora"], cwd=COPY, env=environment)
    return built.returncode == 0, built.stdout


def simulate(scenarios: list[str], seeds: str) -> tuple[int, str]:
    files = [str(COPY / "tests" / "scenarios" / f"{name}.toml") for name in scenarios]
    try:
        done = run([str(COPY / "agora"), "simulate", *files, "--seeds", seeds],
                   timeout=SIMULATION_SECONDS)
    except subprocess.TimeoutExpired:
        return -1, "it did not end in time"
    return done.returncode, done.stdout


def build_and_keep() -> tuple[bool, str]:
    built, output = build()
    if built:
        shutil.copy2(TARGET / "release" / "agora", COPY / "agora")
    return built, output


def check_control(mutants: list[Mutant]) -> bool:
    """The program as it is breaks no law where the mutants are looked for."""
    built, output = build_and_keep()
    if not built:
        say(output)
        return False
    scenarios = sorted({name for mutant in mutants for name in mutant.scenarios})
    code, output = simulate(scenarios, "1..5")
    if code != 0:
        say(output)
    return code == 0


def check(mutant: Mutant) -> bool:
    path = COPY / mutant.file
    source = path.read_text()
    if source.count(mutant.old) != 1:
        say(f"    its text is {source.count(mutant.old)} times in {mutant.file}, not once")
        return False
    path.write_text(source.replace(mutant.old, mutant.new))
    try:
        built, output = build_and_keep()
        if not built:
            say(output)
            return False
        code, output = simulate(mutant.scenarios, mutant.seeds)
        lines = output.splitlines()
        broken = next((line for line in lines if line.startswith("BROKEN")), None)
        found = next((line.strip() for line in lines if line.startswith("  found")), "")
        say(f"    {broken or lines[-1:]}")
        say(f"    {found[:160]}")
        return code == 1 and broken is not None
    finally:
        path.write_text(source)


def main() -> int:
    names = sys.argv[1:]
    unknown = [name for name in names if name not in {mutant.name for mutant in MUTANTS}]
    if unknown:
        known = ", ".join(mutant.name for mutant in MUTANTS)
        say(f"no mutant is called {', '.join(unknown)}; there are {known}")
        return 2
    mutants = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    copy_source()
    say("control: the program as it is keeps the laws")
    outcomes = {"control": check_control(mutants)}
    for mutant in mutants if outcomes["control"] else []:
        started = time.monotonic()
        say(f"{mutant.name}: {mutant.rule}")
        outcomes[mutant.name] = check(mutant)
        verdict = "caught" if outcomes[mutant.name] else "NOT CAUGHT"
        say(f"    {verdict} ({time.monotonic() - started:.0f} s)")
    failed = [name for name, is_good in outcomes.items() if not is_good]
    if failed:
        say(f"not as it should be: {', '.join(failed)}")
    shutil.rmtree(COPY, ignore_errors=True)
    say(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
