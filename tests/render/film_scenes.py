"""Scenes as users of manim write them, for the tests that hold our frames against manim's own."""

import random

import numpy as np
from manim import (
    DEGREES,
    DOWN,
    LEFT,
    RIGHT,
    UP,
    Circle,
    Create,
    Cube,
    Dot,
    FadeIn,
    FadeOut,
    LaggedStart,
    MovingCameraScene,
    Restore,
    Scene,
    Square,
    Succession,
    ThreeDScene,
    Transform,
    Triangle,
    ValueTracker,
    VGroup,
    always_redraw,
)  # fmt: skip


class Shapes(Scene):
    """Plays and waits without anything hidden, with sections and words."""

    def construct(self):
        self.next_section("first")
        circle, square = Circle(), Square().shift(RIGHT)
        self.play(Create(circle), run_time=0.6, subcaption="A circle.")
        self.play(Transform(circle, square), run_time=0.4)
        self.wait(0.5)
        self.next_section("left out", skip_animations=True)
        self.play(circle.animate.shift(UP), run_time=0.3)
        self.next_section("second")
        self.add_subcaption("It goes.", duration=0.5)
        dots = VGroup(*(Dot(x * RIGHT) for x in range(3)))
        self.play(LaggedStart(*(FadeIn(dot) for dot in dots)), FadeOut(circle), run_time=0.5)
        self.play(Succession(dots[0].animate.shift(UP), dots[1].animate.shift(DOWN)), run_time=0.5)


class Updaters(Scene):
    """Things that are moved by functions: of the time, of a tracker, of each other; and a wait until something."""

    def construct(self):
        tracker = ValueTracker(0.0)
        dot = Dot().add_updater(lambda mobject: mobject.move_to(tracker.get_value() * RIGHT))
        line = always_redraw(lambda: Square(side_length=0.5 + tracker.get_value() / 4).next_to(dot, UP))
        ball = Circle(radius=0.3).shift(2 * UP)
        ball.speed = 0.0

        def fall(mobject, dt):
            mobject.speed += 4 * dt
            mobject.shift(mobject.speed * dt * DOWN)

        ball.add_updater(fall)
        self.add(dot, line, ball)
        self.play(tracker.animate.set_value(2), run_time=0.6)
        self.wait(0.3)
        self.wait_until(lambda: ball.get_y() < -1, max_time=2)
        ball.clear_updaters()
        self.play(tracker.animate.set_value(-1), ball.animate.shift(LEFT), run_time=0.4)
        self.wait(0.3)


class Chance(Scene):
    """Random numbers with a seed, between the plays and within them."""

    def construct(self):
        random.seed(3)
        np.random.seed(4)
        dice = np.random.default_rng(5)
        dot = Dot()
        self.add(dot)
        dot.add_updater(lambda mobject, dt: mobject.shift(0.2 * random.uniform(-1, 1) * RIGHT))
        self.wait(0.4)
        self.play(Create(Square().shift(np.random.uniform(-2, 2) * UP)), run_time=0.4)
        dot.clear_updaters()
        self.play(dot.animate.move_to(dice.uniform(-2, 2) * LEFT), run_time=0.3)
        self.add(*(Dot(dice.uniform(-2, 2, 3)) for _ in range(random.randrange(3, 6))))
        self.wait(0.3)


class Journey(MovingCameraScene):
    """A camera that moves."""

    def construct(self):
        square = Square()
        self.add(square, Circle().shift(2 * RIGHT))
        self.camera.frame.save_state()
        self.play(self.camera.frame.animate.set(width=5).move_to(square), run_time=0.4)
        self.wait(0.2)
        self.play(square.animate.rotate(1), run_time=0.3)
        self.play(Restore(self.camera.frame), run_time=0.4)


class Space(ThreeDScene):
    """Three dimensions, and a camera that turns by itself."""

    def construct(self):
        self.set_camera_orientation(phi=70 * DEGREES, theta=30 * DEGREES)
        cube = Cube()
        self.play(Create(cube), run_time=0.3)
        self.begin_ambient_camera_rotation(rate=0.8)
        self.wait(0.4)
        self.stop_ambient_camera_rotation()
        self.move_camera(phi=30 * DEGREES, run_time=0.4)


class Clicks(Scene):
    """Sounds, at the times of plays."""

    def construct(self):
        self.add_sound("click.wav")
        self.play(FadeIn(Square()), run_time=0.4)
        self.add_sound("click.wav", time_offset=0.1, gain=-6)
        self.wait(0.4)
        self.play(FadeIn(Triangle()), run_time=0.4)


class Watching(Scene):
    """A scene that depends on having been drawn: its dot moves by how bright the last picture was."""

    def construct(self):
        dot = Dot()
        self.add(dot)
        dot.add_updater(lambda mobject, dt: mobject.shift(0.02 * self.camera.pixel_array[..., :3].mean() * RIGHT))
        self.wait(0.4)
        self.play(FadeIn(Square()), run_time=0.4)
        self.wait(0.3)


class Forgetful(Scene):
    """A scene that fails."""

    def construct(self):
        self.play(FadeIn(Square()), run_time=0.2)
        self.play(FadeIn(Sqare()), run_time=0.2)  # noqa: F821  (the error that a user makes)
