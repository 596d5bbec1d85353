"""A scene of 200 plays and waits, for `render.py scaling`: shapes and words that turn into each other."""

from manim import DOWN, LEFT, RIGHT, UP, Circle, Create, FadeOut, Scene, Square, Text, Transform, VGroup, Write


class Scaling(Scene):
    """Twenty-five rounds of four plays and four waits."""

    def construct(self):
        """Play the rounds."""
        for turn in range(25):
            title = Text(f"Round {turn}").shift(3 * UP)
            shapes = VGroup(*(Circle(radius=0.4).shift(x * RIGHT + y * UP) for x in range(-4, 5) for y in range(-1, 2)))
            squares = VGroup(*(Square(side_length=0.5).move_to(shape) for shape in shapes))
            self.play(Write(title))
            self.wait(0.6)
            self.play(Create(shapes), run_time=0.5 + 0.1 * (turn % 8))
            self.wait(0.4)
            self.play(Transform(shapes, squares.shift(0.3 * DOWN)), run_time=1 + 0.1 * (turn % 5))
            self.wait(1)
            self.play(FadeOut(shapes, shift=LEFT), FadeOut(title))
            self.wait(0.2)
