"""Does what config.json names, and shows what a program can see of how it was started."""
import json
import os
import sys

import numpy as np

from net import layers

CONFIG = json.load(open("config.json"))


def observe(**facts):
    with open(os.environ["RESULT_DIR"] + "/observed.json", "w") as file:
        json.dump(facts, file, sort_keys=True, indent=1, default=repr)


# --- what it is ---

def identity():
    main = sys.modules["__main__"]
    loader = main.__loader__
    observe(
        names={name: value for name, value in vars(main).items() if name.startswith("__") and name not in ("__builtins__", "__loader__")},
        builtins=type(main.__builtins__).__name__, order=[name for name in vars(main) if name.startswith("__")],
        loader=[type(loader).__name__, loader.name, loader.path], argv=sys.argv, orig_argv=sys.orig_argv,
        globals=vars(main) is globals(), class_of_main=identity.__module__, package_file=layers.__file__)


def relative():
    try:
        from . import net
    except ImportError as error:
        observe(why=str(error), package=__package__, spec=__spec__, of_a_package=layers.width())


def search_path():
    import importlib.util
    observe(path=sys.path, cache=sorted(sys.path_importer_cache), meta=[type(finder).__name__ for finder in sys.meta_path],
            hooks=len(sys.path_hooks), modules=sorted(sys.modules), emetrics=importlib.util.find_spec("emetrics").origin,
            json=json.__file__, width=layers.width())


def interpreter():
    import gc
    import threading
    import warnings
    observe(executable=sys.executable, prefix=[sys.prefix, sys.base_prefix], flags=str(sys.flags), options=[sys.warnoptions, sys._xoptions],
            filters=str(warnings.filters), hook=sys.excepthook is sys.__excepthook__, exception=sys.exc_info(),
            recursion=sys.getrecursionlimit(), gc=[gc.isenabled(), gc.get_threshold()], last=hasattr(sys, "last_value"),
            main=threading.current_thread() is threading.main_thread(), ident=threading.main_thread().ident == threading.get_ident(),
            native=threading.main_thread().native_id == os.getpid(), count=threading.active_count(), bytecode=sys.dont_write_bytecode)


def environment():
    env = dict(os.environ)
    env.pop("SUBID")
    there = os.popen("env -0").read().split("\0")
    shell = ("PWD", "OLDPWD", "SHLVL", "_", "SUBID")
    observe(env=env, same_for_children=sorted(line for line in there if line.partition("=")[0] not in shell), cwd=os.getcwd())


def process():
    import resource
    import signal
    import time
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status"))
    limits = {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")}
    handlers = {number: str(signal.getsignal(number)) for number in range(1, 32)}
    observe(limits=limits, handlers=handlers, mask=signal.pthread_sigmask(signal.SIG_BLOCK, []),
            status={name: status[name] for name in ("SigBlk", "SigIgn", "SigCgt", "CapEff", "NoNewPrivs", "Seccomp", "Threads", "CoreDumping")},
            umask=os.umask(0o22), group=os.getpgid(0) == os.getpid(), session=os.getsid(0) == os.getppid(),
            parent=open(f"/proc/{os.getppid()}/comm").read().startswith("trainyard-she"), ids=[os.getresuid(), os.getresgid(), os.getgroups()],
            nice=os.nice(0), cpus=sorted(os.sched_getaffinity(0)), name=open("/proc/self/comm").read(),
            line=open("/proc/self/cmdline").read().rstrip("\0").split("\0"), oom=open("/proc/self/oom_score_adj").read(),
            groups=open("/proc/self/cgroup").read(), children=resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime,
            young=time.process_time() < time.clock_gettime(time.CLOCK_MONOTONIC))


def open_files():
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink("/proc/self/fd/" + name).split(":[")[0]
        except OSError:
            continue
    observe(found=found)


def streams():
    observe(**{name: [type(s).__name__, type(s.buffer).__name__, s.encoding, s.errors, s.newlines, s.line_buffering, s.write_through,
                      s.isatty(), s.fileno(), s.mode, s.name]
               for name, s in (("stdin", sys.stdin), ("stdout", sys.stdout), ("stderr", sys.stderr))})


def moment():
    """Nothing remembers another process."""
    import logging
    import multiprocessing.process
    import time
    observe(log=time.time() - logging._startTime < 60, folder=multiprocessing.process.ORIGINAL_DIR,
            key=len(multiprocessing.process.current_process().authkey))


def chance():
    """Different in every process: the test compares."""
    import random
    import tempfile
    import uuid
    observe(numpy=np.random.random(), python=random.random(), uuid=uuid.uuid4().hex, name=next(tempfile._get_candidate_names()))


def seeded():
    import random
    random.seed(7)
    np.random.seed(7)
    observe(numpy=np.random.random(), python=random.random())


# --- how it ends ---

def exit_0(): sys.exit(0)
def exit_3(): sys.exit(3)
def exit_none(): sys.exit()
def exit_256(): sys.exit(256)
def exit_minus_1(): sys.exit(-1)
def exit_true(): sys.exit(True)
def exit_text(): sys.exit("a last sentence")
def exit_tuple(): raise SystemExit((1, 2))
def exit_builtin(): exit(4)
def exit_at_once(): os._exit(5)


def error():
    deeper = {}
    deeper["missing"]


def error_with_cause():
    try:
        error()
    except KeyError as cause:
        raise ValueError("because of it") from cause


def error_in_context():
    try:
        error()
    except KeyError:
        raise RuntimeError("while it was handled")


def error_of_another_kind():
    class Odd(BaseException):
        pass
    raise Odd("neither an Exception")


def error_with_notes():
    problem = OSError("with a note")
    problem.add_note("to be read")
    raise problem


def errors_together():
    raise ExceptionGroup("two of them", [ValueError(1), TypeError(2)])


def error_in_text():
    compile("x = = 1", "<made>", "exec")


def error_too_deep():
    error_too_deep()


def error_hook():
    sys.excepthook = lambda kind, value, trace: print("hook", kind.__name__, value, trace.tb_frame.f_code.co_name, sys.excepthook.__name__)
    raise ValueError("for the hook")


def error_in_hook():
    def hook(kind, value, trace):
        sys.exit(9)
    sys.excepthook = hook
    raise ValueError("for the hook that exits")


def error_last():
    import atexit
    atexit.register(lambda: print("last", sys.last_type.__name__, sys.last_traceback.tb_frame.f_code.co_name))
    error()


def error_shown():
    import traceback
    try:
        error()
    except KeyError:
        traceback.print_exc()
        print(len(traceback.extract_tb(sys.exc_info()[2])))


def interrupted():
    raise KeyboardInterrupt


def interrupted_from_outside():
    import signal
    import time
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)


def ended_by_term(): os.kill(os.getpid(), 15)
def ended_by_kill(): os.kill(os.getpid(), 9)
def ended_by_abort(): os.abort()
def ended_by_segv(): os.kill(os.getpid(), 11)


def term_handled():
    import signal
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number))
    os.kill(os.getpid(), signal.SIGTERM)


def at_the_end():
    import atexit
    import threading
    import weakref

    class Kept:
        def __del__(self):
            print("finalised")

    globals()["kept"] = Kept()
    weakref.finalize(kept, print, "before it is gone")      # noqa: F821
    atexit.register(print, "registered first")
    atexit.register(lambda: print("registered last", "__file__" in globals()))
    go = threading.Event()
    threading.Thread(target=lambda: (go.wait(), print("a thread is waited for"))).start()
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    print("main ends")
    go.set()


def error_in_thread():
    import threading
    thread = threading.Thread(target=error, name="worker")
    thread.start()
    thread.join()


def warning():
    import warnings
    warnings.warn("be warned")
    warnings.warn("said of the caller", DeprecationWarning, stacklevel=2)


# --- what it prints ---

def prints():
    print("out 1")
    print("err 1", file=sys.stderr)
    sys.stdout.write("no line end")
    os.write(1, b" and raw\n")
    sys.stdout.buffer.write("bytes \u00e9\n".encode())
    print("text \u2603 \U0001f600 \udcff")
    print("err 2", file=sys.stderr)
    sys.stdout.write("unfinished")


def reads_nothing():
    print(repr(sys.stdin.read()))
    input()


def much():
    for number in range(20000):
        print("line", number)


# --- with whom ---

def double(x):
    return 2 * x


class Point:
    def __init__(self, x):
        self.x = x

    def __reduce__(self):
        return Point, (self.x,)


def with_method(method):
    import multiprocessing
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        doubled = pool.map(double, range(5))
        points = [point.x for point in pool.map(Point, range(3))]
    queue = context.Queue()
    child = context.Process(target=tell, args=(queue,))
    child.start()
    told = queue.get()
    child.join()
    observe(doubled=doubled, points=points, told=told, code=child.exitcode, default=multiprocessing.get_start_method())


def tell(queue):
    import multiprocessing
    main = sys.modules["__main__"]
    queue.put([main.__file__, multiprocessing.current_process().name, os.getppid() == multiprocessing.parent_process().pid,
               os.getcwd(), sys.argv, double.__module__])


def forks(): with_method("fork")
def spawns(): with_method("spawn")
def serves_forks(): with_method("forkserver")


def executor():
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    with ProcessPoolExecutor(2) as processes, ThreadPoolExecutor(2) as threads:
        observe(processes=list(processes.map(double, range(4))), threads=list(threads.map(double, range(4))))


def children():
    import signal
    import subprocess
    out = subprocess.run([sys.executable, "-c", "import os, sys, numpy; print(sys.argv, sorted(os.listdir('/proc/self/fd'))[:3], 'numpy' in sys.modules)"],
                         capture_output=True, text=True)
    killed = subprocess.Popen(["sleep", "60"])
    killed.send_signal(signal.SIGTERM)
    forked = os.fork()
    if forked == 0:
        os._exit(6)
    observe(out=out.stdout, err=out.stderr, code=out.returncode, killed=killed.wait(), forked=os.waitpid(forked, 0)[1])


def orphan():
    """Leaves a process behind, in a session of its own, that is told to end."""
    import signal
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, lambda number, frame: (os.write(1, b"the orphan ends\n"), os._exit(0)))
            os.write(writing, b"ready")
            signal.pause()
        os._exit(0)
    os.wait()
    os.read(reading, 5)


def source():
    import inspect
    import pickle
    observe(source=inspect.getsource(double), file=inspect.getsourcefile(double), pickled=repr(pickle.dumps(Point(1))), doc=__doc__,
            line=inspect.currentframe().f_code.co_firstlineno, name=sys._getframe(1).f_code.co_name)


def sockets():
    import socket
    here, there = socket.socketpair()
    here.send(b"x")
    observe(got=there.recv(1).decode(), kind=type(here).__module__, family=repr(here.family), name=socket.gethostname())


if __name__ == "__main__":
    globals()[CONFIG["case"]]()
