"""Recording PyTorch's training beside hooks that write the same tensors, as ratios of medians in one run.

usage: python benchmarks/trace_torch.py [--rounds N] [--processor] [--quick]

The MLP and the convolutional network of `peers/workloads.py` train in PyTorch: alone, recorded by vizkit, and with
forward, backward and optimizer hooks as tutorials write them, which hand the same tensors (inputs, outputs,
parameters, their gradients, parameters before and after) to `torch.save`, a file for each step, or to TensorBoard's
histograms. In each round every variant trains a few steps in turn, so a busy machine disturbs all alike. Setting up,
closing and deleting are not timed. `--processor` measures the time of the processor, of one thread, in place of the
clock's, for a machine that others load; waiting for the disk is not in it. `--quick` takes one round of few steps,
to see that everything runs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import torch
from peers import pytorch
from peers.workloads import STEPS
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from vizkit import record
from vizkit.trace import Keep

SAMPLED = 10  # every how many steps something is written, where it is not every step
WORKLOADS = {"A32": 40, "B32": 10}  # and how many steps a turn has


class Hooks:
    """The same tensors, by hooks on modules and around the optimizer.

    Parameters
    ----------
    model, optimizer
        What is listened to.
    write
        Takes the tensors of a step by name.
    every
        Which steps are written.
    """

    def __init__(self, model: nn.Module, optimizer: Any, write: Callable[[int, dict[str, Any]], None], every: int):
        self.write, self.every, self.step, self.held = write, every, 0, {}
        self.model = model
        self.handles = [
            *(module.register_forward_hook(self.forward(name)) for name, module in model.named_children()),
            *(module.register_full_backward_hook(self.backward(name)) for name, module in model.named_children()),
            optimizer.register_step_pre_hook(self.before),
            optimizer.register_step_post_hook(self.after),
        ]

    def wanted(self) -> bool:
        """Say whether this step is written."""
        return self.step % self.every == 0

    def keep(self, **tensors: Any) -> None:
        """Keep copies until the end of the step."""
        self.held |= {name.replace("_", "/"): t.detach().clone() for name, t in tensors.items() if t is not None}

    def forward(self, name: str) -> Callable[..., None]:
        """Return the hook after a module's forward."""

        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if self.wanted():
                own = {f"forward_{name}_{key}": p for key, p in module.named_parameters()}
                self.keep(**{f"forward_{name}_input": inputs[0], f"forward_{name}_output": output}, **own)

        return hook

    def backward(self, name: str) -> Callable[..., None]:
        """Return the hook after a module's backward."""

        def hook(module: nn.Module, given: Any, arrived: Any) -> None:
            if self.wanted():
                self.keep(**{f"backward_{name}_input": given[0], f"backward_{name}_output": arrived[0]})

        return hook

    def before(self, *_: Any) -> None:
        """Take the parameters and gradients before the update."""
        if self.wanted():
            for name, p in self.model.named_parameters():
                self.keep(**{f"update_{name}_before": p, f"update_{name}_gradient": p.grad})

    def after(self, *_: Any) -> None:
        """Take the parameters after the update, and write the step."""
        if self.wanted():
            for name, p in self.model.named_parameters():
                self.keep(**{f"update_{name}_after": p})
            self.write(self.step, self.held)
            self.held = {}
        self.step += 1


@contextmanager
def recorded(model: nn.Module, optimizer: Any, folder: Path, keep: Keep, on_disk: bool) -> Iterator[None]:
    """Record with vizkit, into memory or a file."""
    with record(model, keep=keep, path=folder / "run.vkt" if on_disk else None):
        yield


@contextmanager
def saved(model: nn.Module, optimizer: Any, folder: Path, every: int) -> Iterator[None]:
    """Write each step with torch.save."""
    hooks = Hooks(model, optimizer, lambda step, held: torch.save(held, folder / f"{step}.pt"), every)
    yield
    for handle in hooks.handles:
        handle.remove()


@contextmanager
def histograms(model: nn.Module, optimizer: Any, folder: Path, every: int) -> Iterator[None]:
    """Write each tensor's histogram with TensorBoard."""
    writer = SummaryWriter(folder)

    def write(step: int, held: dict[str, Any]) -> None:
        for name, tensor in held.items():
            writer.add_histogram(name, tensor, step)

    hooks = Hooks(model, optimizer, write, every)
    yield
    for handle in hooks.handles:
        handle.remove()
    writer.close()


@contextmanager
def alone(model: nn.Module, optimizer: Any, folder: Path) -> Iterator[None]:
    """Train without anybody listening."""
    yield


VARIANTS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "nothing": (alone, ()),
    "vizkit: everything, the last steps in memory": (recorded, (Keep(last=4), False)),
    "vizkit: everything, every step, to disk": (recorded, (Keep(), True)),
    "torch.save: everything, every step": (saved, (1,)),
    f"vizkit: everything, every {SAMPLED}th step, to disk": (recorded, (Keep(steps=SAMPLED), True)),
    f"torch.save: everything, every {SAMPLED}th step": (saved, (SAMPLED,)),
    f"vizkit: moments and histograms, every {SAMPLED}th step, to disk": (
        recorded,
        (Keep(steps=SAMPLED, statistics=True), True),
    ),
    f"TensorBoard: histograms, every {SAMPLED}th step": (histograms, (SAMPLED,)),
    "vizkit: one sample of the batch, every step, to disk": (recorded, (Keep(samples=1, parameters=[]), True)),
    f"vizkit: the same, and parameters every {SAMPLED}th step": (recorded, (Keep(samples=1, parameters=SAMPLED), True)),
}


def turn(name: str, kind: str, steps: int, clock: Callable[[], float]) -> float:
    """Return the seconds of a step, trained and listened to in one way."""
    listen, options = VARIANTS[name]
    workload = STEPS[kind]
    batches = pytorch.batches(workload)
    torch.manual_seed(0)
    model = pytorch._mlp(workload.sizes) if workload.kind == "mlp" else pytorch._cnn()
    optimizer, criterion = torch.optim.Adam(model.parameters(), 0.001), nn.CrossEntropyLoss()
    with tempfile.TemporaryDirectory() as folder, listen(model, optimizer, Path(folder), *options):
        start = 0.0
        for number in range(SAMPLED + steps):  # the first ones warm up
            if number == SAMPLED:
                start = clock()
            x, y = batches[number % len(batches)]
            optimizer.zero_grad()
            criterion(model(x), y).backward()
            optimizer.step()
        return (clock() - start) / steps


def main() -> None:
    """Measure, and print one table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="how often every variant has its turn")
    parser.add_argument("--processor", action="store_true", help="time of the processor, not of the clock")
    parser.add_argument("--quick", action="store_true", help="one round of few steps")
    given = parser.parse_args()
    torch.set_num_threads(1 if given.processor else 2)
    clock = time.process_time if given.processor else time.perf_counter
    rounds = 1 if given.quick else given.rounds
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for kind, steps in WORKLOADS.items():
            for name in VARIANTS:
                seconds = turn(name, kind, SAMPLED if given.quick else steps, clock)
                found.setdefault((name, kind), []).append(seconds)
    print("| recorded | " + " | ".join(STEPS[kind].title for kind in WORKLOADS) + " |")
    print("|---|" + "---|" * len(WORKLOADS))
    for name in VARIANTS:
        cells = []
        for kind in WORKLOADS:
            ratios = [a / b for a, b in zip(found[name, kind], found["nothing", kind], strict=True)]
            cells.append(f"{statistics.median(ratios):.2f} ({statistics.median(found[name, kind]) * 1e3:.2f} ms)")
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
