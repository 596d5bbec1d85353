"""Recording the models of other frameworks as the same events.

``vizkit.record(model)`` looks for a package of this name here: the top-level package of one of the
model's classes. It is imported only when such a model comes, and it alone imports its framework.
"""
