# SPDX-License-Identifier: Apache-2.0
"""No-op tasks submitted over REST, durable, logs kept, until FINISHED: against bare posix_spawn of the same program, and
against a Slurm job array of the same job on one node."""
import concurrent.futures
import contextlib
import os
import subprocess
import time
from urllib.parse import quote

from common import Row, Wire, interleaved, new_folder, server

N = 1000
CLIENTS = 16
PROGRAM = "/bin/true"
ARGS = f"--exec-start tensorflow --workerMemory 64m --user-cmd -- {PROGRAM}"
SLOTS = 4       # programs at a time, for us and for the peers


def submit(s, n):
    path = "/execs?args=" + quote(ARGS)
    with Wire(s.url) as wire:
        for _ in range(n):
            wire.call("POST", path)


def our_rate(s, n=N):
    each = n // CLIENTS
    with Wire(s.url) as events, concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        all_finished = events.count(rb'"state":"FINISHED"', each * CLIENTS)
        began = time.monotonic()
        for done in [pool.submit(submit, s, each) for _ in range(CLIENTS)]:
            done.result()
        all_finished()
        return each * CLIENTS / (time.monotonic() - began)


def spawn_rate(n=N):
    began, running, left = time.monotonic(), 0, n
    while left or running:
        while left and running < SLOTS:
            os.posix_spawn(PROGRAM, [PROGRAM], os.environ)
            running, left = running + 1, left - 1
        os.wait()
        running -= 1
    return n / (time.monotonic() - began)


@contextlib.contextmanager
def slurm():
    """One node with SLOTS cores, without systemd; jobs leave a log each, as ours do."""
    folder = new_folder("slurm")
    host = os.uname().nodename
    for name in ("munge", "state", "spool", "log"):
        (folder / name).mkdir()
    (folder / "munge/munge.key").write_bytes(os.urandom(128))
    (folder / "munge/munge.key").chmod(0o600)
    (folder / "munge").chmod(0o755)
    folder.chmod(0o755)
    conf = folder / "slurm.conf"
    conf.write_text(f"""ClusterName=bench
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/munge.sock,ttl=60
CredType=cred/munge
SlurmctldPort=16817
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/log/slurmctld.log
StateSaveLocation={folder}/state
SlurmdPidFile={folder}/slurmd.pid
SlurmdSpoolDir={folder}/spool
SlurmdLogFile={folder}/log/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port=17001 CPUs={SLOTS} CoresPerSocket={SLOTS} RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes=n1 Default=YES MaxTime=INFINITE State=UP
""")
    env = {**os.environ, "SLURM_CONF": str(conf)}
    munge = folder / "munge"
    subprocess.run(["munged", "--force", f"--key-file={munge}/munge.key", f"--socket={munge}/munge.sock", f"--pid-file={munge}/pid",
                    f"--log-file={munge}/log", f"--seed-file={munge}/seed"], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["slurmctld", "-f", conf, "-c"], check=True, env=env)
    subprocess.run(["slurmd", "-f", conf, "-N", "n1"], check=True, env=env)
    try:
        while "idle" not in subprocess.run(["sinfo", "-h", "-o", "%t"], env=env, capture_output=True, text=True).stdout:
            time.sleep(0.1)
        yield folder, env
    finally:
        for pid_file in (folder / "slurmd.pid", folder / "slurmctld.pid", munge / "pid"):
            with contextlib.suppress(OSError, ValueError):
                os.kill(int(pid_file.read_text()), 15)


def slurm_rate(folder, env, n=40):
    """Asked by squeue until no job is left: `sbatch --wait` looks less and less often, up to half a minute late."""
    script = folder / "job.sh"
    script.write_text(f"#!/bin/sh\nexec {PROGRAM}\n")
    began = time.monotonic()
    subprocess.run(["sbatch", "-Q", f"--array=1-{n}", "-o", f"{folder}/log/%A-%a.out", script], check=True, env=env,
                   stdout=subprocess.DEVNULL)
    while subprocess.run(["squeue", "-h"], env=env, check=True, capture_output=True).stdout:
        time.sleep(0.05)
    return n / (time.monotonic() - began)


def rows():
    with server(f"group.default.slots = {SLOTS}\n") as s:
        our_rate(s, 64)     # once, so that nothing is cold
        ours, bare = interleaved(lambda: our_rate(s), spawn_rate)
        yield Row("no-op tasks/s over REST, against bare posix_spawn", f"{ours:.0f}", f"{bare:.0f}", ours / bare, 0.5)
        with slurm() as (folder, env):
            ours, peer = interleaved(lambda: our_rate(s), lambda: slurm_rate(folder, env))
        yield Row("no-op tasks/s over REST, against a Slurm array", f"{ours:.0f}", f"{peer:.1f}", ours / peer, 20)
