"""Compares a run of tempest's volume tests with the kept list of outcomes.

compare.py [--part] [--record] LIST STREAM EXPECTED

LIST is what `stestr list` printed, STREAM the subunit stream of the run. Each
line of EXPECTED is `pass TEST`, or `skip TEST: REASON` or `fail TEST: REASON`.
An outcome that is not as expected, in either direction, a test that has no
line, and a line that has no test end the program with status 1.

A class that skips or fails as a whole is counted as its tests, so that the
counts add up to the tests listed. With --part only some tests were run.
With --record a test that passes although it should not gets a line that says so;
nothing else is ever written there but by hand.
"""
import collections
import re
import sys

import subunit
import testtools

WORDS = {'success': 'pass', 'fail': 'fail', 'skip': 'skip', 'uxsuccess': 'fail', 'xfail': 'pass'}


def bare(test):
    """The name of a test without its tags: [id-…,smoke]."""
    return test.split('[')[0]


def read(name):
    """Outcome and reason of each test, or class, of a subunit stream."""
    found = {}

    def take(test):
        if test['status'] in WORDS:
            why = ''
            for kind, text in test['details'].items():
                if kind == 'reason' or kind.startswith('traceback'):
                    why = text.as_text().strip() or why
            found[bare(test['id'])] = (WORDS[test['status']], why)
        elif test['status'] == 'inprogress':  # the worker died or the time ran out
            found[bare(test['id'])] = ('fail', 'it did not end')

    result = testtools.StreamToDict(take)
    result.startTestRun()
    with open(name, 'rb') as stream:
        subunit.ByteStreamToStreamResult(stream, non_subunit_name='stdout').run(result)
    result.stopTestRun()
    return found


def spread(tests, found):
    """Gives each listed test its own outcome, or that of its class's set-up."""
    outcomes = {}
    for test in tests:
        group = test.rsplit('.', 1)[0]
        for name in (test, 'setUpClass (%s)' % group):
            if name in found:
                outcomes[test] = found[name]
                break
        else:
            outcomes[test] = ('fail', 'it did not run')
    for name, outcome in found.items():
        broken = re.match(r'tearDownClass \((.*)\)', name)
        if broken and outcome[0] == 'fail':
            outcomes[name] = outcome
    return outcomes


def expectations(name):
    wanted = {}
    with open(name) as lines:
        for line in lines:
            line = line.strip()
            if not line or line.startswith('#'):
                continue
            outcome, rest = line.split(' ', 1)
            test, _, reason = rest.partition(': ')
            if outcome not in ('pass', 'skip', 'fail') or test in wanted or (outcome != 'pass') != bool(reason):
                sys.exit('%s: a line of it cannot be read: %s' % (name, line))
            wanted[test] = (outcome, reason)
    return wanted


def record(name, passed):
    """Gives these tests of EXPECTED the outcome pass."""
    with open(name) as lines:
        text = lines.read()
    for test in passed:
        text = re.sub(r'(?m)^(skip|fail) %s: .*$' % re.escape(test), 'pass ' + test, text)
    with open(name, 'w') as lines:
        lines.write(text)


def main(list_name, stream_name, expected_name, part, keep):
    with open(list_name) as lines:
        tests = sorted({bare(line.strip()) for line in lines if line.startswith('tempest.')})
    if not tests:
        sys.exit('tempest lists no test')
    outcomes = spread(tests, read(stream_name))
    wanted = expectations(expected_name)
    if keep:
        record(expected_name, [t for t in outcomes if outcomes[t][0] == 'pass' and wanted.get(t, ('pass',))[0] != 'pass'])
        wanted = expectations(expected_name)

    for kind in ('skip', 'fail'):
        for test in sorted(outcomes):
            outcome, why = outcomes[test]
            if outcome == kind and wanted.get(test, ('', ''))[0] == kind:
                print('%s %s: %s' % (kind, test, wanted[test][1]))
    surprises = 0
    for test in sorted(outcomes):
        outcome, why = outcomes[test]
        expected = wanted.get(test, ('a line in expected', ''))[0]
        if outcome != expected:
            surprises += 1
            print('UNEXPECTED %s %s, wanted %s: %s' % (outcome, test, expected, why))
    for test in sorted(set(wanted) - set(outcomes)):
        if not part:
            surprises += 1
            print('UNEXPECTED: expected names %s, which tempest does not have' % test)
    counts = collections.Counter(outcome for outcome, _ in outcomes.values())
    print('tempest: %d passed, %d failed, %d skipped' % (counts['pass'], counts['fail'], counts['skip']))
    if surprises:
        sys.exit('%d of them not as %s says' % (surprises, expected_name))


arguments = [a for a in sys.argv[1:] if not a.startswith('--')]
main(*arguments, part='--part' in sys.argv, keep='--record' in sys.argv)
