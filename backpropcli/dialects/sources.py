"""The text of our own kernels: code in Python runs the very functions that the sweeps run.

They are read as syntax trees; annotations go, and of what a function calls the definitions come along.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable
from functools import cache
from textwrap import wrap
from types import ModuleType
from typing import NamedTuple


class Source(NamedTuple):
    """Definitions at the top of a module.

    Attributes:
        definitions: by name, functions and constants.
        imports: by name, the line that imports it from elsewhere.
        kernels: by operation, the expression that is its kernel.
    """

    definitions: dict[str, ast.stmt]
    imports: dict[str, str]
    kernels: dict[str, ast.expr]


@cache
def source_of(module: ModuleType) -> Source:
    """The definitions of a module, without annotations."""
    found = Source({}, {}, {})
    for statement in _Plain().visit(ast.parse(inspect.getsource(module))).body:
        if isinstance(statement, ast.FunctionDef):
            found.definitions[statement.name] = statement
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            if name == "KERNELS" and isinstance(statement.value, ast.Dict):
                for key, value in zip(statement.value.keys, statement.value.values, strict=True):
                    if isinstance(key, ast.Constant):
                        found.kernels[str(key.value)] = value
            else:
                found.definitions[name] = statement
        elif isinstance(statement, ast.Import):
            found.imports.update({alias.asname or alias.name: _import(alias) for alias in statement.names})
        elif isinstance(statement, ast.ImportFrom) and not statement.level:
            line = f"from {statement.module} "
            found.imports.update({alias.asname or alias.name: line + _import(alias) for alias in statement.names})
    return found


def _import(alias: ast.alias) -> str:
    return f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")


class _Plain(ast.NodeTransformer):
    """Takes annotations away."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        for argument in (*node.args.args, node.args.vararg, node.args.kwarg):
            if argument is not None:
                argument.annotation = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return ast.copy_location(ast.Assign([node.target], node.value or ast.Constant(None)), node)


class Texts:
    """What was asked for of some modules, to be written at the top of the code.

    Args:
        modules: a name is looked for in the first that has it.
    """

    def __init__(self, *modules: ModuleType) -> None:
        self.sources = [source_of(module) for module in modules]
        self.wanted: dict[str, ast.stmt] = {}
        self.imports: set[str] = set()
        self.named: dict[str, str | None] = {}

    @property
    def defined(self) -> set[str]:
        """The names that are defined or imported."""
        return {*self.wanted, *(line.split()[-1] for line in self.imports)}

    def kernel(self, operation: str) -> str | None:
        """How the operation's kernel is called, ours or one of Python's own; None if there is none."""
        if operation not in self.named:
            self.named[operation] = self._kernel(operation)
        return self.named[operation]

    def _kernel(self, operation: str) -> str | None:
        for source in self.sources:
            found = source.kernels.get(operation)
            if found is None:
                continue
            text = ast.unparse(found)
            if isinstance(found, ast.Attribute):
                if text.startswith("math."):
                    self.imports.add("import math")
                    return text
                self.define(found.attr)
                return found.attr
            if isinstance(found, ast.Name):
                self.define(found.id)
                return found.id
            self._need(found)
            if isinstance(found, ast.Lambda):
                definition = f"def {operation}({ast.unparse(found.args)}):\n    return {ast.unparse(found.body)}"
            else:
                definition = f"{operation} = {text}"
            self.wanted[operation] = ast.parse(definition).body[0]
            return operation
        return None

    def define(self, name: str) -> None:
        """The definition of a name, and of what it needs."""
        waiting = [name]
        while waiting:
            name = waiting.pop()
            for source in self.sources:
                if name in source.definitions:
                    if name not in self.wanted:
                        self.wanted[name] = source.definitions[name]
                        waiting += _loaded(source.definitions[name])
                    break
                if name in source.imports:
                    self.imports.add(source.imports[name])
                    break

    def _need(self, expression: ast.expr) -> None:
        for name in _loaded(expression):
            self.define(name)

    def import_lines(self) -> list[str]:
        """The imports, one line a module; what is defined here takes the place of what would be imported."""
        found: dict[str, list[str]] = {}
        for line in sorted(self.imports):
            module, _, names = line.partition(" import ")
            if not names:
                found[line] = []
            elif names not in self.wanted:
                found.setdefault(module, []).append(names)
        return [f"{module} import {', '.join(names)}" if names else module for module, names in found.items()]

    def written(self) -> list[list[str]]:
        """The definitions: constants, functions, and what functions make."""
        functions = [s for s in self.wanted.values() if isinstance(s, ast.FunctionDef)]
        others = [s for s in self.wanted.values() if not isinstance(s, ast.FunctionDef)]
        made = [s for s in others if any(isinstance(n, ast.Call) for n in ast.walk(s))]
        constants = [
            line for s in others if s not in made for line in wrap(ast.unparse(s), 100, subsequent_indent="    ")
        ]
        blocks = [constants, *[ast.unparse(s).splitlines() for s in functions], [ast.unparse(s) for s in made]]
        return [block for block in blocks if block]


def _loaded(tree: ast.AST) -> Iterable[str]:
    """The names that a definition uses and does not make itself."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    own = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return [node.id for node in names if node.id not in own]
