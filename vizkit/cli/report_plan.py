"""What a report holds: every picture and story that can be made of a run, and why the others cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vizkit import stories
from vizkit.cli.report_run import Request, Run, quoted
from vizkit.errors import ArgumentError, VizkitError
from vizkit.stories.story import Beat, Story
from vizkit.trace import Node
from vizkit.views.architecture import ArchitectureView
from vizkit.views.distributions import DistributionsView
from vizkit.views.gradient_flow import GradientFlowView
from vizkit.views.images import FeatureMapsView, KernelsView
from vizkit.views.naming import fitted, readable
from vizkit.views.network import NetworkView
from vizkit.views.network_chain import stages
from vizkit.views.picture import View
from vizkit.views.recorded import WHAT, layers_with, spaced
from vizkit.views.text import count
from vizkit.views.training import VALIDATION, TrainingView

__all__ = ["SECTIONS", "Candidate", "Item", "Plan", "Request", "candidates", "plan"]

NETWORK, TRAINING, IMAGES = "network", "training", "images"
SECTIONS = {NETWORK: "The network", TRAINING: "Training", IMAGES: "Images"}
COLUMNS = 9  # layers of a network whose units are drawn
METRICS = 4  # numbers by epoch that are drawn
CONVOLUTIONS = 4  # layers whose kernels and maps are drawn
NAME = 700.0  # room of a layer's name in a title
TILES = 32  # kernels or maps of one layer


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One picture or story of a report, ready to be drawn."""

    name: str
    title: str
    section: str
    summary: str
    code: str
    view: View | None = None
    story: Story | None = None

    def poster(self) -> View | Beat:
        """Return what stands for it as one figure: its view, or its story's most telling beat."""
        return self.view if self.story is None else self.story.telling()


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may apply to a run: `build` makes it, or says with an error of vizkit's own why it does not."""

    name: str
    title: str
    build: Callable[[], Item]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a report shows, and what it leaves out: titles with reasons."""

    items: tuple[Item, ...]
    left_out: tuple[tuple[str, str], ...]


def plan(run: Run) -> Plan:
    """Return what can be drawn of a run; each picture is tried, and of one that cannot be, the reason is kept."""
    items: list[Item] = []
    left_out: list[tuple[str, str]] = []
    for candidate in candidates(run):
        try:
            item = candidate.build()
            if item.view is not None:
                _ = item.view.picture  # some views find only while they are drawn that there is nothing to draw
        except VizkitError as error:
            left_out.append((candidate.title, str(error)))
        else:
            items.append(item)
    return Plan(tuple(items), tuple(left_out))


def candidates(run: Run) -> tuple[Candidate, ...]:
    """Return everything that may apply to a run, in the order of the report; nothing is read yet."""
    makers = [_architecture(run), _network(run), *_curves(run), _flow(run)]
    makers += [_distribution(run, what) for what in WHAT]
    makers.append(_backprop(run))
    layers = _convolutions(run)
    for number, node in enumerate(layers or [None], 1):
        makers += [_kernels(run, node, number), _maps(run, node, number)]
    makers.append(_convolution(run, layers))
    return tuple(makers)


def _candidate(name: str, title: str, section: str, fill: Callable[[], dict]) -> Candidate:
    return Candidate(name, title, lambda: Item(name, title, section, **fill()))


def _code(run: Run, *lines: str, plots: bool = True) -> str:
    imports = ["import vizkit", *["from vizkit import plots"] * plots]
    return "\n".join([*imports, "", run.loading, *lines, ""])


def _call(function: str, *arguments: str) -> str:
    return f"ax = plots.{function}({', '.join(['trace', *arguments])})"


# -- the network and its training ------------------------------------------------------------------


def _architecture(run: Run) -> Candidate:
    def fill() -> dict:
        view = ArchitectureView.from_trace(run.trace)
        told = (
            f"{count(len(run.trace.model.layers))} layers with {count(view.parameters)} parameters, as data pass them."
        )
        return {"summary": told, "code": _code(run, _call("architecture")), "view": view}

    return _candidate("architecture", "Architecture", NETWORK, fill)


def _network(run: Run) -> Candidate:
    def fill() -> dict:
        sample, step = run.request.sample, run.state_step or 0
        if (many := len(stages(run.trace))) > COLUMNS:
            raise ArgumentError(
                f"A network is drawn with up to {COLUMNS} layers side by side, but this one has {many}."
            )
        view = NetworkView.from_trace(run.trace, step, sample)
        code = _call("network", f"step={step}", f"sample={sample}")
        told = f"What each layer gives for sample {count(sample)} at step {count(step)}"
        told += f"; {count(view.limit)} units of a wide one." if view.shortened else "."
        return {"summary": told, "code": _code(run, code), "view": view}

    return _candidate("network", "The network with its numbers", NETWORK, fill)


def _curves(run: Run) -> list[Candidate]:
    reported = [name for name in run.trace.history if not name.startswith(VALIDATION)]
    names = list(dict.fromkeys(["loss", *reported]))[:METRICS]
    return [_curve(run, name, number) for number, name in enumerate(names, 1)]


def _curve(run: Run, metric: str, number: int) -> Candidate:
    def fill() -> dict:
        view = TrainingView.ensure(run.trace, metric)
        along = "step by step" if view.steps is not None else "after each epoch"
        arguments = [quoted(metric)] if metric != "loss" else []
        return {
            "summary": f"{title}, {along}.", "code": _code(run, _call("training_curves", *arguments)), "view": view,
        }  # fmt: skip

    title = readable(metric).replace("_", " ")
    title = title[:1].upper() + title[1:]
    return _candidate(f"curve-{number}", title, TRAINING, fill)


def _flow(run: Run) -> Candidate:
    def fill() -> dict:
        view = GradientFlowView.from_trace(run.trace)
        told = f"The sizes of the gradients in {_of_layers(run, len(view.flows), 'gradients')}, step by step"
        told += "; where one is exactly 0 its curve has a gap." if view.gaps else "."
        return {"summary": told, "code": _code(run, _call("gradient_flow")), "view": view}

    return _candidate("gradient-flow", "Gradient flow", TRAINING, fill)


def _distribution(run: Run, what: str) -> Candidate:
    def fill() -> dict:
        view = DistributionsView.from_trace(run.trace, what)
        told = (
            f"How the {what} are spread in {_of_layers(run, len(view.spreads), what)}, from the first step to the last."
        )
        return {"summary": told, "code": _code(run, _call("distributions", f'"{what}"')), "view": view}

    return _candidate(f"distributions-{what}", f"Distributions of {what}", TRAINING, fill)


def _of_layers(run: Run, shown: int, what: str) -> str:
    """Say how many layers of how many are shown."""
    whole = len(layers_with(run.trace, what))
    return f"{count(shown)} of {count(whole)} layers" if shown < whole else "each layer"


def _backprop(run: Run) -> Candidate:
    def fill() -> dict:
        story = stories.backprop(run.trace, **_asked(run))
        call = f"story = vizkit.stories.backprop({_listed(_asked(run))})"
        return {"summary": story.summary, "code": _film(run, call, "backprop"), "story": story}

    return _candidate("backprop", "Backpropagation", TRAINING, fill)


def _asked(run: Run) -> dict[str, int]:
    """Return the sample and step, where the user asked for others than the usual ones."""
    found = {"step": run.request.step, "sample": run.request.sample or None}
    return {name: value for name, value in found.items() if value is not None}


def _listed(options: dict) -> str:
    return ", ".join(["trace", *(f"{name}={quoted(value)}" for name, value in options.items())])


def _film(run: Run, call: str, name: str) -> str:
    """Return the code of a story: as a page, and as a video."""
    lines = (call, f'vizkit.web.save(story, "{name}.html")', f'vizkit.render.video(story, "{name}.mp4")')
    return _code(run, *lines, plots=False)


# -- images ----------------------------------------------------------------------------------------


def _convolutions(run: Run) -> list[Node]:
    """Return the convolutions that are drawn: the one asked for, else some at even distances."""
    found = [node for node in run.trace.layers if node.kind == "Conv2D"]
    asked = [node for node in found if node.name == run.request.layer]
    return asked or list(spaced(found, CONVOLUTIONS))


def _of(node: Node | None) -> str:
    return "" if node is None else f" of layer {fitted(node.name, NAME)}"


def _arguments(run: Run, node: Node | None) -> list[str]:
    return [f"layer={quoted(node.name if node else '')}", f"step={run.state_step}"]


def _kernels(run: Run, node: Node | None, number: int) -> Candidate:
    def fill() -> dict:
        name = node.name if node else None
        view = KernelsView.from_trace(run.trace, name, channel="strongest", step=run.state_step, most=TILES)
        code = _call("kernels", *_arguments(run, node), 'channel="strongest"', f"most={TILES}")
        channels, filters = _depth(run, node)
        shown = view.kernels.shape[2]
        told = f"The weights{_of(node)} at step {count(run.state_step or 0)}"
        told += f" on input channel {count(view.channel)}, the strongest of {count(channels)}" if channels > 1 else ""
        told += f"; the {count(shown)} strongest of {count(filters)} kernels" if shown < filters else ""
        return {"summary": f"{told}.", "code": _code(run, code), "view": view}

    return _candidate(f"kernels-{number}", f"Kernels{_of(node)}", IMAGES, fill)


def _maps(run: Run, node: Node | None, number: int) -> Candidate:
    def fill() -> dict:
        name, sample = node.name if node else None, run.request.sample
        view = FeatureMapsView.from_trace(run.trace, name, sample=sample, step=run.state_step, most=TILES)
        code = _call("feature_maps", *_arguments(run, node), f"sample={sample}", f"most={TILES}")
        shown, filters = view.maps.shape[2], _depth(run, node)[1]
        told = f"What each kernel{_of(node)} answers to sample {count(sample)} at step {count(run.state_step or 0)}"
        told += f"; the {count(shown)} strongest of {count(filters)} maps" if shown < filters else ""
        return {"summary": f"{told}.", "code": _code(run, code), "view": view}

    return _candidate(f"feature-maps-{number}", f"Feature maps{_of(node)}", IMAGES, fill)


def _depth(run: Run, node: Node | None) -> tuple[int, int]:
    """Return how many input channels and filters a convolution has, as its kernel's shape says."""
    for layer in run.trace.model.layers:
        if layer.node == node and len(shape := tuple(layer.parameters.get("kernel", ()))) == 4:
            return shape[2], shape[3]
    return 1, 1


def _convolution(run: Run, layers: list[Node]) -> Candidate:
    def fill() -> dict:
        options = _asked(run) | ({"layer": layers[0].name} if layers else {})
        story = stories.convolution(run.trace, **options)
        call = f"story = vizkit.stories.convolution({_listed(options)})"
        return {"summary": story.summary, "code": _film(run, call, "convolution"), "story": story}

    return _candidate("convolution", f"Convolution{_of(layers[0] if layers else None)}", IMAGES, fill)
