"""What the scripts over every command of a client share.

A script calls the client inside this process, one command after another, and
asserts on what it prints. At the end every command that the installed client has
must have been run, or be named in `left` with the reason: a new version of the
client that has more commands fails here until somebody has looked at them.
"""
import contextlib
import os
import sys
import tempfile
import time
import traceback

DIALECT = os.environ['DIALECT']


def openrc(name):
    """The OS_… variables of a file that the server wrote."""
    found = {}
    with open(os.path.join(os.environ['DATA'], name)) as lines:
        for line in lines:
            if line.startswith('export '):
                key, _, value = line[len('export '):].strip().partition('=')
                found[key] = value.strip("'")
    return found


def become(name):
    """The clients log in as the user of this openrc from now on."""
    os.environ.update(openrc(name))


@contextlib.contextmanager
def being(name):
    """The same, for a while."""
    before = {k: v for k, v in os.environ.items() if k.startswith('OS_')}
    become(name)
    try:
        yield
    finally:
        os.environ.update(before)


class Refused(Exception):
    """The client said no; the text is what it printed."""


def until(check, what, seconds=20):
    """Asks again until check() is true, and gives what it returned."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError('%s did not come true in %d s' % (what, seconds))
        time.sleep(0.05)


def want(condition, got):
    if not condition:
        raise AssertionError('got: %s' % (got,))


class Run:
    """Counts steps and the commands that were run."""

    def __init__(self, client, commands, left):
        self.client, self.commands, self.left = client, set(commands), left
        self.used, self.passed, self.failed = set(), 0, 0

    def step(self, function):
        """Runs one group of commands now, under the name of its function."""
        began = time.monotonic()
        try:
            function()
        except Exception:  # a later group is tried all the same
            self.failed += 1
            print('FAILED: %s\n%s' % (function.__doc__, traceback.format_exc()))
        else:
            self.passed += 1
            print('pass  %s (%.1f s)' % (function.__doc__, time.monotonic() - began))

    def use(self, command):
        if command not in self.commands:
            raise AssertionError('%s has no command %s' % (self.client, command))
        self.used.add(command)

    def end(self):
        """Prints the closing line; the status is 1 when something is amiss."""
        complaints = []
        for command in sorted(self.commands - self.used - set(self.left)):
            complaints.append('%s is neither run nor left out' % command)
        for command in sorted(set(self.left) & self.used):
            complaints.append('%s is run; it need not be left out' % command)
        for command in sorted(set(self.left) - self.commands):
            complaints.append('%s is left out, but there is no such command' % command)
        for command in sorted(self.left):
            print('left out  %s: %s' % (command, self.left[command]))
        for complaint in complaints:
            print('INCOMPLETE: ' + complaint)
        print('%s: %d passed, %d failed, %d left out'
              % (self.client, len(self.used), self.failed, len(set(self.left) - self.used)))
        print('(passed and left out are commands of %d; failed are groups of %d)'
              % (len(self.commands), self.passed + self.failed))
        sys.exit(1 if self.failed or complaints else 0)


def forked(function):
    """Runs function in a process of its own, which has the client's code already
    but none of its state, and gives the status and what was printed: what went
    to standard output, or all of it when the status is not 0."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            status = 1
            try:
                status = function() or 0
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 1
            except BaseException:
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1 if status else 0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = []
        for file in (out, errors):
            file.seek(0)
            texts.append(file.read().decode())
        return status, texts[0] if status == 0 else texts[1] + texts[0]
