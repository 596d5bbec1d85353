"""The list of exhibits, in the order in which they are shown."""

from __future__ import annotations

from vizkit.exhibits.exhibit import Exhibit

__all__ = ["CATALOGUE"]

NEURON, DESCENT, BACKPROP, IMAGES = "The neuron", "Error and descent", "Backpropagation", "Images"
RUNS = "Looking into a run"

_DOSAGE = """\
import numpy as np
import vizkit
from vizkit import nn

model = nn.networks.dosage_network(only_final_bias=True)
x, y = nn.data.dosage()
with vizkit.record(model{keep}) as trace:
    model.fit(x, y, batch_size=3, epochs=12, shuffle=False, verbose=0)
"""

_DIGITS = """\
from vizkit import nn, plots

(x, y), (held_x, held_y) = nn.data.digits()
model = nn.networks.digits_cnn()
history = model.fit(x, y, epochs=12, validation_data=(held_x, held_y), verbose=0)
"""

_SPIRALS = """\
import vizkit
from vizkit import nn, plots

x, y = nn.data.spirals()
hidden = [nn.layers.Dense(16, "{activation}") for _ in range(4)]
model = nn.Sequential([nn.Input((2,)), *hidden, nn.layers.Dense(1, "sigmoid")], seed=0)
model.compile(nn.optimizers.Adam(0.01), "binary_crossentropy")
with vizkit.record(model, keep=vizkit.Keep(steps=10)) as trace:
    model.fit(x, y, epochs=40, verbose=0)
"""

CATALOGUE = (
    Exhibit(
        name="weight_bias",
        title="Weight and bias",
        summary="The weight is the steepness of the line, the bias moves it up or down.",
        chapter=NEURON,
        figure="neuron:weight_bias",
        code="""\
from vizkit import plots

ax = plots.weight_bias_lines([1, 2], [0, -1])
""",
    ),
    Exhibit(
        name="activations",
        title="Activation functions",
        summary="Eight ways to bend a straight line.",
        chapter=NEURON,
        figure="neuron:activations",
        code="""\
from vizkit import plots

ax = plots.activation_curves()
""",
    ),
    Exhibit(
        name="activation_gradients",
        title="Their gradients",
        summary="Where the curve is flat the gradient is near zero, and learning stops.",
        chapter=NEURON,
        figure="neuron:activation_gradients",
        code="""\
from vizkit import plots

ax = plots.activation_gradients()
""",
    ),
    Exhibit(
        name="ssr_curve",
        title="The U-shaped error curve",
        summary="The sum of squared residuals over one parameter, and gradient descent's way down.",
        chapter=DESCENT,
        figure="descent:ssr_curve",
        code=_DOSAGE.format(keep="")
        + """
values = np.linspace(-0.5, 5.5, 121)
losses = nn.loss_curve(model, model.layers[-1].bias, values, (x, y))
ax = vizkit.plots.ssr_curve(values, losses, descent=trace, parameter="last bias b₃", loss="SSR")
""",
    ),
    Exhibit(
        name="gradient_descent",
        title="Gradient descent",
        summary="Tangent, slope, step, again: a parameter slides to the bottom of its error curve.",
        chapter=DESCENT,
        story="descent:gradient_descent",
        poster="tangent",
        code=_DOSAGE.format(keep="")
        + """
values = np.linspace(-0.5, 5.5, 121)
losses = nn.loss_curve(model, model.layers[-1].bias, values, (x, y))
grid = np.linspace(0, 1, 101)
outputs = nn.replay(model, trace, grid[:, None])[:, :, 0]
story = vizkit.stories.gradient_descent(trace, (values, losses), (grid, outputs))
vizkit.render.video(story, "gradient_descent.mp4")
""",
    ),
    Exhibit(
        name="backprop",
        title="Backpropagation",
        summary="The chain rule, factor by factor with its numbers, back through the whole network.",
        chapter=BACKPROP,
        story="descent:backprop",
        poster="bias-sum",
        code=_DOSAGE.format(keep=', keep=vizkit.Keep(levels=("layer", "op"))').replace("import numpy as np\n", "")
        + """
story = vizkit.stories.backprop(trace)
vizkit.render.video(story, "backprop.mp4")
""",
    ),
    Exhibit(
        name="convolution",
        title="Convolution",
        summary="A window slides over the letter O: each product, the sum, the bias; then ReLU and pooling.",
        chapter=IMAGES,
        story="images:convolution",
        poster="result",
        code="""\
import numpy as np
import vizkit
from vizkit import nn

constant = nn.initializers.Constant
diagonal = np.eye(3)[:, ::-1, None, None]
convolve = nn.layers.Conv2D(1, 3, kernel_initializer=constant(diagonal), bias_initializer=constant(-1.0))
model = nn.Sequential(
    [nn.Input((6, 6, 1)), convolve, nn.layers.Activation("relu"), nn.layers.MaxPooling2D(2)], dtype="float64"
)
with vizkit.record(model) as trace:
    model.predict(nn.data.letter("O")[None])

story = vizkit.stories.convolution(trace)
vizkit.render.video(story, "convolution.mp4")
""",
    ),
    Exhibit(
        name="o_vs_x",
        title="O or X",
        summary="The whole blueprint with all its numbers: convolution, ReLU, pooling, dense, answer.",
        chapter=IMAGES,
        figure="images:o_vs_x",
        code="""\
import vizkit
from vizkit import nn, plots

images, labels = nn.data.letters()
model = nn.networks.letters_cnn()
model.fit(images, labels, batch_size=len(images), epochs=300, verbose=0)
with vizkit.record(model) as trace:
    model.predict(images[:1])
ax = plots.blueprint(trace, classes=("O", "X"))
""",
    ),
    Exhibit(
        name="kernels",
        title="Learnt kernels",
        summary="The kernels that a network found for itself in scanned digits.",
        chapter=IMAGES,
        figure="images:kernels",
        extra="data",
        code=_DIGITS + "ax = plots.kernels(model)\n",
    ),
    Exhibit(
        name="feature_maps",
        title="Feature maps",
        summary="What each kernel answers to one scanned digit, all on one scale.",
        chapter=IMAGES,
        figure="images:feature_maps",
        extra="data",
        code=_DIGITS + "ax = plots.feature_maps(model, held_x[7])\n",
    ),
    Exhibit(
        name="training_curves",
        title="Training curves",
        summary="The loss by epoch, on the scans that were trained on and on those held out.",
        chapter=IMAGES,
        figure="images:training_curves",
        extra="data",
        code=_DIGITS + "ax = plots.training_curves(history)\n",
    ),
    Exhibit(
        name="architecture",
        title="Architecture",
        summary="The layers of a dense network for images of 28 × 28 pixels, with every parameter counted.",
        chapter=RUNS,
        figure="runs:architecture",
        code="""\
from vizkit import nn, plots

layers = [nn.Input((784,)), nn.layers.Dense(128, "relu"), nn.layers.Dense(64, "relu")]
model = nn.Sequential([*layers, nn.layers.Dense(10, "softmax")])
ax = plots.architecture(model)
""",
    ),
    Exhibit(
        name="residual_architecture",
        title="A way around",
        summary="A residual block: the way around two convolutions, found from the numbers that were recorded.",
        chapter=RUNS,
        figure="runs:residual_architecture",
        code="""\
import vizkit
from vizkit import nn, plots
from vizkit.nn.blocks import ResidualBlock

layers = [nn.layers.Conv2D(8, 3, padding="same"), ResidualBlock(8), nn.layers.GlobalAveragePooling2D()]
model = nn.Sequential([nn.Input((8, 8, 1)), *layers, nn.layers.Dense(10, "softmax")], seed=0)
with vizkit.record(model) as trace:
    model.predict(nn.initializers.RandomNormal(seed=0)((1, 8, 8, 1)))
ax = plots.architecture(trace)
""",
    ),
    Exhibit(
        name="distributions",
        title="Distributions",
        summary="How the activations of each layer are spread, from the first step to the last.",
        chapter=RUNS,
        figure="runs:distributions",
        code=_SPIRALS.format(activation="tanh") + 'ax = plots.distributions(trace, "activations")\n',
    ),
    Exhibit(
        name="gradient_flow",
        title="Gradient flow",
        summary="Behind sigmoids the gradients fade from layer to layer on their way back.",
        chapter=RUNS,
        figure="runs:gradient_flow",
        code=_SPIRALS.format(activation="sigmoid") + "ax = plots.gradient_flow(trace)\n",
    ),
)
