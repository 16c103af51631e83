# SPDX-License-Identifier: Apache-2.0
"""Which imports a program makes before it does anything else, found in its sources without running any of it. warm.py reads
them so, in a process of its own: docs/adr/0003-warm-interpreters.md."""

import os
import sys

# The kinds of nodes that are constants: since Python 3.8 the first, before that the others.
CONSTANTS = {"Constant", "Num", "Str", "Bytes", "NameConstant", "Ellipsis"}
# Names that a module may set although they begin as those do that mean something to Python (__path__, __getattr__).
KNOWN = {"__all__", "__author__", "__copyright__", "__license__", "__version__"}
# Classes of Python that may be used in definitions, as long as nothing else has these names.
BASES, DECORATORS = {"object"}, {"staticmethod", "classmethod", "property"}


def bound_names(node):
    """What a statement of a module sets."""
    kind = type(node).__name__
    if kind in ("Import", "ImportFrom"):
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    if kind in ("Assign", "AnnAssign"):
        targets = node.targets if kind == "Assign" else [node.target]
        return [part.id for target in targets for part in parts_of(target, node.value) if hasattr(part, "id")]
    return [node.name] if hasattr(node, "name") else []


def is_ordinary(name):
    """Nothing follows from setting this."""
    return name in KNOWN or not name.startswith("__") and name not in BASES | DECORATORS


def is_among(nodes, names):
    return all(type(node).__name__ == "Name" and node.id in names for node in nodes)


def is_bare(node):
    """A definition without decorators of anyone's and parameters for types."""
    return is_among(node.decorator_list, DECORATORS) and not getattr(node, "type_params", None)


def parts_of(target, value):
    """The targets in a target: taking a tuple apart does nothing when it stands there."""
    return getattr(target, "elts", [target]) if type(value).__name__ == "Tuple" else [target]


class Sources:
    """Reads source files as far as nothing but imports and definitions happens in them."""

    def __init__(self, names):
        import ast
        import warnings
        warnings.simplefilter("ignore")
        self.ast = ast
        self.names = names
        self.imports, self.sources = [], {}
        self.main, self.roots = None, []
        self.for_main = ast.dump(ast.parse("__name__ == '__main__'", mode="eval").body)
        library = os.path.dirname(os.__file__)
        self.library = set(sys.builtin_module_names)
        for folder in (library, library + "/lib-dynload"):
            if os.path.isdir(folder):
                self.library.update(name.partition(".")[0] for name in os.listdir(folder))

    def read(self, main):
        self.roots = [os.path.dirname(os.path.realpath(main)), os.getcwd()]
        self.roots.append(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))     # the platform's modules
        self.main = os.path.realpath(main)
        self.file(self.main, package=None)
        return self.imports, self.sources

    def file(self, path, package):
        """False: whatever comes after this file may depend on what happens in it."""
        if path in self.sources:
            return path != self.main        # which runs a second time when it is imported as a module
        with open(path, "rb") as file:
            self.sources[path] = file.read()
        return all(self.statement(node, package) for node in self.ast.parse(self.sources[path]).body)

    def statement(self, node, package):
        ast = self.ast
        if not all(map(is_ordinary, bound_names(node))):
            return False
        if isinstance(node, ast.Import):
            return all(self.module(alias.name, ()) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            if node.level == 0:
                return self.module(node.module, names)
            if package is None or node.level > len(package):
                return False
            base = package[:len(package) - node.level + 1]
            return self.local(".".join(base + (node.module.split(".") if node.module else [])), names)
        return self.is_quiet(node) or package is not None and self.is_for_main(node)

    def is_for_main(self, node):
        """``if __name__ == "__main__":``, which is passed over in a module."""
        ast = self.ast
        return isinstance(node, ast.If) and ast.dump(node.test) == self.for_main and all(map(self.is_quiet, node.orelse))

    def is_quiet(self, node):
        """Only defines something: no line of anyone's code runs, and only plain names are set."""
        ast = self.ast
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return is_bare(node) and self.is_quiet_signature(node.args, node.returns)
        if isinstance(node, ast.ClassDef):
            names = {name for part in node.body for name in bound_names(part)}
            return (is_bare(node) and is_among(node.bases, BASES) and not node.keywords and not names & DECORATORS
                    and all(map(self.is_quiet, node.body)))
        if isinstance(node, ast.Assign):
            parts = [part for target in node.targets for part in parts_of(target, node.value)]
            return all(isinstance(part, ast.Name) for part in parts) and self.is_value(node.value)
        if isinstance(node, ast.AnnAssign):
            return isinstance(node.target, ast.Name) and self.is_value(node.annotation) and self.is_value(node.value)
        return isinstance(node, ast.Pass) or isinstance(node, ast.Expr) and self.is_constant(node.value)

    def is_quiet_signature(self, args, returns):
        annotations = [arg.annotation for arg in self.ast.walk(args) if isinstance(arg, self.ast.arg)]
        return all(map(self.is_value, args.defaults + args.kw_defaults + annotations + [returns]))

    def is_value(self, node):
        """Nothing, a name, a constant, or a container of such: neither an operator nor a hash of what a name stands for."""
        ast = self.ast
        if node is None or isinstance(node, ast.Name):
            return True
        if isinstance(node, (ast.Tuple, ast.List)):
            return all(map(self.is_value, node.elts))
        if isinstance(node, ast.Dict):
            return all(map(self.is_constant, node.keys)) and all(map(self.is_value, node.values))
        return self.is_constant(node)

    def is_constant(self, node):
        ast = self.ast
        if isinstance(node, ast.UnaryOp):
            return self.is_constant(node.operand)
        if isinstance(node, ast.BinOp):
            return self.is_constant(node.left) and self.is_constant(node.right)
        if isinstance(node, (ast.Tuple, ast.Set)):
            return all(map(self.is_constant, node.elts))
        return type(node).__name__ in CONSTANTS

    def module(self, name, names):
        top = name.partition(".")[0]
        if self.find(top):
            return self.local(name, names)
        if top in self.names:
            self.imports.append((name, names))
            return True
        return top in self.library

    def find(self, name):
        """The file of a module that lies beside the program or is the platform's; a folder for a package without one."""
        place = name.replace(".", "/")
        for root in self.roots:
            for path in (root + "/" + place + "/__init__.py", root + "/" + place + ".py"):
                if os.path.isfile(path):
                    return path
        return next((root + "/" + place for root in self.roots if os.path.isdir(root + "/" + place)), None)

    def local(self, name, names):
        """A module of the program: each package on the way to it runs, and what is named from it may be a module."""
        parts = name.split(".")
        wanted = [".".join(parts[:n + 1]) for n in range(len(parts))]
        wanted += [name + "." + other for other in names if self.find(name + "." + other)]
        for module in wanted:
            path = self.find(module)
            if path is None:
                return False
            package = module.split(".") if path.endswith("/__init__.py") else module.split(".")[:-1]
            if path.endswith(".py") and not self.file(path, package):
                return False
        return "*" not in names or not self.find(name).endswith("/__init__.py")     # its __all__ may name modules
