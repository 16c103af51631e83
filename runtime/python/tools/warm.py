# SPDX-License-Identifier: Apache-2.0
"""An interpreter that has imported a program's frameworks before the program starts.

    warm.py MAIN MODULE... PADDING

Runs in the folder of a program's code. Imports what MAIN imports before it does anything else, as far as it is one of
the MODULEs, then forks a process for each request; that process becomes the program, and cannot be told from one that
was started by ``python MAIN``. docs/adr/0003-warm-interpreters.md says how and why, src/base/warm.h in which words the
server, the shepherd and this file talk. Whatever is unusual ends in a refusal: the program is then started anew, which
is always right and only slower.
"""

import os
import sys

CONTROL, PROGRAM, OUT, ERR = KEPT = 3, 4, 5, 7      # what we are started with
HIGH = 50       # where we keep it: what is imported finds the numbers free that it finds in a plain start
MARKER = b"TRAINYARD_TASK="
MESSAGE_MAX = 240


class Refused(Exception):
    """It is not certain that a program would see no difference."""


def borrow(name):
    """A module that a plain start may not have loaded, without leaving it loaded."""
    absent = name not in sys.modules
    module = __import__(name)
    if absent:
        del sys.modules[name]
    return module


# --- what MAIN imports ---

def import_list(main, names):
    """What MAIN imports before anything else, as (module, names from it), and the sources that say so, by path. Found
    in a process of its own, so that the parser and all it imports do not stay here."""
    marshal = borrow("marshal")
    reading, writing = os.pipe()
    reader = os.fork()
    if reader == 0:
        try:
            sys.dont_write_bytecode = True
            sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
            from warm_imports import Sources
            del sys.path[0]
            found = Sources(names).read(main)
            with open(writing, "wb") as pipe:
                marshal.dump(found, pipe)
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        found = pipe.read()
    os.waitpid(reader, 0)
    if not found:
        raise Refused("%s cannot be read" % main)
    return marshal.loads(found)


# --- the imports ---

class Attempts:
    """Stands first in sys.meta_path and finds nothing, but knows all that was looked for."""

    def __init__(self):
        self.tops = set()

    def find_spec(self, name, path=None, target=None):
        self.tops.add(name.partition(".")[0])
        tempfile = sys.modules.get("tempfile")
        if tempfile and getattr(tempfile, "_name_sequence", self) is None:
            tempfile._name_sequence = TemporaryNames(tempfile)


class TemporaryNames:
    """Draws the names of temporary files and folders while imports are made, and knows them."""

    def __init__(self, tempfile):
        self.source, self.drawn = tempfile._RandomNameSequence(), []

    def __iter__(self):
        return self

    def __next__(self):
        self.drawn.append(next(self.source))
        return self.drawn[-1]


def leaves_temporary_files():
    """Whether imports have made any that are still there, or it is not known."""
    tempfile = sys.modules.get("tempfile")
    names = tempfile and tempfile._name_sequence
    if names is None:
        return False
    tempfile._name_sequence = None
    if not isinstance(names, TemporaryNames) or names.drawn and tempfile.tempdir is None:
        return True
    return bool(names.drawn) and any(name in file for file in os.listdir(tempfile.tempdir) for name in names.drawn)


def descriptors():
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            os.fstat(int(name))
        except OSError:
            continue        # that of the listing itself
        found.add(int(name))
    return found


def printed():
    """What stands in stdout and stderr since the last call."""
    found = []
    for stream, fd in ((sys.stdout, OUT), (sys.stderr, ERR)):
        stream.flush()
        found.append(b"")
        try:
            while True:
                found[-1] += os.read(HIGH + fd, 1 << 20)
        except BlockingIOError:
            pass
    return found


def mark(path):
    """What changes when a file or folder does."""
    try:
        st = os.stat(path)
    except OSError:
        return None
    return st.st_mtime_ns, st.st_size, st.st_ino


def files_behind():
    """Every file that this interpreter is made of, and every folder where another might appear."""
    site = sys.modules.get("site")
    folders = set(sys.path) | {getattr(site, "USER_SITE", None) or "/"}
    paths = set(folders)
    for folder in filter(os.path.isdir, folders):
        paths.update(folder + "/" + name for name in os.listdir(folder) if name.endswith(".pth"))
    for module in list(sys.modules.values()):
        paths.add(getattr(module, "__dict__", {}).get("__file__"))
    with open("/proc/self/maps") as maps:
        paths.update(line[line.index("/"):].rstrip("\n") for line in maps if "/" in line)
    return {path: mark(path) for path in paths if isinstance(path, str)}


class Interpreter:
    """This process, once it is warm."""

    def __init__(self, main, names):
        self.home, self.env, self.path = os.getcwd(), given_environment(), list(sys.path)
        began = sys.modules["time"].time()
        check_start(self.env)
        if any(printed()):
            raise Refused("the interpreter prints something at its start")
        imports, self.sources = import_list(main, names)
        if not imports:
            raise Refused("%s begins with no import that can be made ahead" % main)
        self.tops = self.make(imports)
        self.printed = printed()
        self.check_made()
        self.check_shadows(self.home, os.path.dirname(os.path.realpath(main)))
        self.files = files_behind()
        if any(was and not os.path.isdir(path) and os.stat(path).st_ctime >= began for path, was in self.files.items()):
            raise Refused("modules are being changed")
        after = dict(os.environb)
        self.changed = {name: after.get(name) for name in set(after) | set(self.env)
                        if after.get(name) != self.env.get(name)}

    @staticmethod
    def make(imports):
        """Makes the imports; the names of all modules that were looked for or are loaded."""
        attempts = Attempts()
        sys.meta_path.insert(0, attempts)
        try:
            for name, names in imports:
                __import__(name, {}, {}, names)
        except BaseException as error:
            raise Refused("%s cannot be imported: %s" % (name, error))
        finally:
            sys.meta_path.remove(attempts)
        loaded = {name.partition(".")[0] for name in list(sys.modules)} - {"__main__"}
        return attempts.tops | loaded | {"sitecustomize", "usercustomize"}

    def check_made(self):
        """An import may leave nothing behind that two processes cannot have."""
        if descriptors() != {0, 1, 2} | {HIGH + fd for fd in KEPT}:
            raise Refused("importing leaves files open")
        if sys.path != self.path:
            raise Refused("importing changes sys.path")
        if leaves_temporary_files():
            borrow("atexit")._run_exitfuncs()       # which remove them: those of a program would do so under the others
            raise Refused("importing leaves temporary files")
        probe = os.fork()       # libraries that follow a fork end their threads now, and start them again when needed
        if probe == 0:
            os._exit(0)
        os.waitpid(probe, 0)
        if len(os.listdir("/proc/self/task")) > 1:
            raise Refused("importing leaves threads running")

    def check_shadows(self, *folders):
        """A module that the program brings along wins over ours of the same name, even deep inside a framework."""
        for folder in folders:
            for name in os.listdir(folder):
                stem, _, ending = name.partition(".")
                module = not ending or ending == "py" or ending == "pyc" or ending.endswith("so")
                if (module and stem in self.tops) or ending.endswith("-info"):
                    raise Refused("%s would be found first" % name)

    def is_stale(self):
        return any(mark(path) != was for path, was in self.files.items())

    # --- the life of a program, in its own process ---

    def check_sources(self, code):
        """The files that were read for their imports are the same in this program's folder."""
        for path, source in self.sources.items():
            inside = os.path.relpath(path, self.home)
            if not inside.startswith("../"):
                path = os.path.join(code, inside)
            with open(path, "rb") as file:
                if file.read() != source:
                    raise Refused("%s is another" % path)

    def set_environment(self, wanted):
        """Sets what the program gets, with what the imports, and Python at its start, have changed as they would there."""
        for name, value in self.changed.items():
            if wanted.get(name) != self.env.get(name):
                raise Refused("importing changes %s" % os.fsdecode(name))
            if value is None:
                wanted.pop(name, None)
            else:
                wanted[name] = value
        for name in set(os.environb) - set(wanted):
            del os.environb[name]
        for name, value in wanted.items():
            if os.environb.get(name) != value:
                os.environb[name] = value

    def set_search_path(self, wanted, main):
        """sys.path as the interpreter would have made it."""
        had, gets = folders_of(self.env), folders_of(wanted)
        path = list(dict.fromkeys(gets + [folder for folder in self.path if folder not in had]))
        if not getattr(sys.flags, "safe_path", False):
            path.insert(0, os.path.dirname(os.path.realpath(main)))
        sys.path[:] = path

    def become(self, orders):
        """All that can be done before the program may run. Returns its main file."""
        cwd, *rest = orders.split(b"\0")[:-1]
        words, rest = rest[1:int(rest[0]) + 1], rest[int(rest[0]) + 1:]
        env = dict(item.split(b"=", 1) for item in rest[1:])
        main = os.fsdecode(words[1])
        os.chdir(cwd)
        self.check_sources(os.getcwd())
        self.check_shadows(os.getcwd(), os.path.dirname(os.path.realpath(main)))
        show(words, env[MARKER[:-1]])
        self.set_search_path(env, main)
        self.set_environment(env)
        set_arguments(list(map(os.fsdecode, words)))
        refresh()
        return main


def given_environment():
    """What we were started with. Python adds to it: LC_CTYPE where the locale is C."""
    with open("/proc/self/environ", "rb") as file:
        return dict(item.split(b"=", 1) for item in file.read().split(b"\0") if b"=" in item)


def check_start(env):
    if sys.flags.inspect:
        raise Refused("PYTHONINSPECT is set")
    folders_of(env)


def folders_of(env):
    """Those of PYTHONPATH as they come into sys.path."""
    value = os.fsdecode(env.get(b"PYTHONPATH", b""))
    folders = value.split(":") if value else []
    if not all(map(os.path.isabs, folders)):
        raise Refused("PYTHONPATH has a relative folder")
    return list(map(os.path.abspath, folders))


def show(words, task):
    """Writes over the memory where the kernel finds our command line and first environment: what ps shows is the
    program, and a server that looks for what a killed shepherd left finds it."""
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    line_start, line_end, env_start = map(int, fields[45:48])
    with open("/proc/self/environ", "rb") as file:
        env = file.read()
    at = env.index(MARKER) + len(MARKER)
    room = env.index(b"\0", at) - at
    line = b"\0".join(words) + b"\0"
    if len(task) > room:
        raise Refused("its id is longer than any")
    memory = os.open("/proc/self/mem", os.O_WRONLY | os.O_CLOEXEC)
    os.pwrite(memory, line[:line_end - line_start - 1].ljust(line_end - line_start, b"\0"), line_start)
    os.pwrite(memory, task.ljust(room, b"\0"), env_start + at)
    os.close(memory)


def set_arguments(words):
    sys.argv = words[1:]
    if hasattr(sys, "orig_argv"):       # since Python 3.10
        sys.orig_argv = words


def refresh():
    """What modules remember of the process that imported them."""
    loaded = sys.modules.get
    if loaded("numpy.random"):
        loaded("numpy.random").seed()
    if loaded("torch.random"):
        loaded("torch.random").default_generator.seed()     # torch.seed() would also be remembered for CUDA
    if loaded("logging"):
        logging = loaded("logging")     # in seconds or, since Python 3.13, in nanoseconds
        logging._startTime = logging.time.time() if isinstance(logging._startTime, float) else logging.time.time_ns()
    if loaded("multiprocessing.process"):
        loaded("multiprocessing.process").ORIGINAL_DIR = os.getcwd()
        loaded("multiprocessing.process").current_process().authkey = os.urandom(32)
    if loaded("threading"):
        loaded("threading").main_thread()._set_native_id()


# --- requests ---

def receive(socket, module, n_files):
    """A message and the files that came with it; (b"", []) when the other end has gone."""
    message, ancillary, _, _ = socket.recvmsg(MESSAGE_MAX, module.CMSG_SPACE(4 * n_files), module.MSG_CMSG_CLOEXEC)
    files = [int.from_bytes(data[at:at + 4], sys.byteorder)
             for _, _, data in ancillary for at in range(0, len(data), 4)]
    if message and len(files) != n_files:
        raise Refused("a file is missing")
    return message, files


def herd(request, program):
    """The parent of a program: becomes a sheepdog, which is much smaller than we are."""
    os.dup2(request.fileno(), CONTROL)
    os.set_inheritable(CONTROL, True)       # which dup2() leaves as it is when they are the same
    os.execve(PROGRAM + HIGH, ["trainyard-shepherd", "sheepdog", str(program)], {"TZ": "UTC0"})


def begin(interpreter, request, module):
    """In the program's own process: becomes it, once the shepherd says so. Returns its main file."""
    try:
        os.setpgid(0, 0)
        message, files = receive(request, module, 3)
        if message != b"orders":
            os._exit(0)
        with open(files[0], "rb") as file:
            file.seek(0)
            orders = file.read()
        main = interpreter.become(orders)
        for number, file in enumerate(files[1:], 1):
            os.dup2(file, number)
            os.close(file)
        request.send(b"ready")
        if request.recv(MESSAGE_MAX) != b"go":
            os._exit(0)
        request.close()
        for fd in KEPT:
            os.close(HIGH + fd)
        for number, text in enumerate(interpreter.printed, 1):
            while text:         # as if the imports were made now, the first thing that the program does
                text = text[os.write(number, text):]
        return main
    except BaseException as error:
        try:
            request.send(why(error))
        finally:
            os._exit(0)


def serve(interpreter, control, module):
    """Forks a program for each request. Returns the main file in the process of a program; nowhere else."""
    signal = borrow("_signal")
    while True:
        message, files = receive(control, module, 1)
        if not message or interpreter.is_stale():
            os._exit(0)
        request = module.socket(fileno=files[0])
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            program = os.fork()
            if program == 0:
                control.detach()
                return begin(interpreter, request, module)
            try:
                herd(request, program)
            finally:
                os._exit(1)
        request.close()
        control.send(b"forked")


def why(error):
    text = str(error) if isinstance(error, Refused) else repr(error)
    return ("refused " + text).encode("ascii", "replace")[:MESSAGE_MAX]


def refuse(error, control, module):
    """Tells the shepherds that wait for us why, and then the server, which kills us."""
    try:
        control.setblocking(False)
        files = True
        while files:
            _, files = receive(control, module, 1)
            for file in files:
                module.socket(fileno=file).send(why(error))
    finally:
        control.send(why(error))
        os._exit(0)


def warm_up(file, names, control, module):
    """The interpreter, once it has imported all; nothing if it refuses."""
    gc, signal = borrow("gc"), borrow("_signal")
    try:
        interpreter = Interpreter(file, names)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)   # nobody waits for sheepdogs
        gc.collect()
        gc.freeze()             # a collection would write to every page that is shared
        control.send(b"ready")
        return interpreter
    except BaseException as error:
        refuse(error, control, module)


def new_main(path):
    """The module __main__ as it is before a program's first line."""
    sys.path_importer_cache[path] = sys.path_importer_cache.pop(__file__, None)
    main = type(sys)("__main__")
    main.__loader__ = sys.modules["_frozen_importlib_external"].SourceFileLoader("__main__", path)
    main.__annotations__, main.__builtins__, main.__file__, main.__cached__ = {}, sys.modules["builtins"], path, None
    sys.modules["__main__"] = main
    return vars(main)


def main():
    """Returns the main file, its source and its namespace in the process of a program; nowhere else."""
    module = borrow("_socket")
    for fd in KEPT:
        os.dup2(fd, HIGH + fd, inheritable=False)
        os.close(fd)
    control = module.socket(fileno=HIGH + CONTROL)
    control.setblocking(True)
    file, *names = sys.argv[1:-1]
    if not getattr(sys.flags, "safe_path", False):
        del sys.path[0]
    sys.argv = [file]
    interpreter = warm_up(file, names, control, module)
    path = serve(interpreter, control, module)
    return path, interpreter.sources[os.path.realpath(os.path.join(interpreter.home, file))], new_main(path)


def run(path, source, namespace):
    """The program, up to the moment when the interpreter begins to end. It shows a traceback as if there were nothing
    below it, and forgets its file after the last line, as the interpreter does."""
    def forget():
        for name in ("__file__", "__cached__"):
            namespace.pop(name, None)

    try:
        exec(compile(source, path, "exec", dont_inherit=True), namespace)
        forget()
    except SystemExit:
        raise
    except BaseException:
        hook = getattr(sys, "excepthook", sys.__excepthook__)

        def show_its_part(kind, error, trace):
            while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
                trace = trace.tb_next
            sys.excepthook, sys.last_traceback, error.__traceback__ = hook, trace, trace
            hook(kind, error, trace)
            forget()

        sys.excepthook = show_its_part
        raise


if __name__ == "__main__":
    run(*main())
